//! Creating an account.

use std::sync::Arc;

use secrecy::SecretString;

use super::{
    AccountId, Accounts, Admission, Email, Error, FieldError, Rejection, SignedIn, Username,
    invitations::use_up,
    store::{self, NewAccount},
    validation::NewNames,
};
use crate::{
    client::Client,
    db::is_unique_violation,
    events::EventKind,
    language::Language,
    passwords::{Password, Priority},
    sessions::{PreviousSignIn, SessionRequest},
    throttle::{Limit, Throttled},
};

/// A registration, as typed.
#[derive(Debug)]
pub struct Register {
    /// User name.
    pub username: String,
    /// E-mail address.
    pub email: String,
    /// Password.
    pub password: SecretString,
    /// The password again.
    pub password_confirm: SecretString,
    /// The language that the person chose, if any.
    pub language: Option<Language>,
    /// Why the person may register.
    pub admission: Admission,
    /// The session to create.
    pub session: SessionRequest,
}

struct ValidRegistration {
    username: Username,
    email: Email,
    password: Password,
}

impl ValidRegistration {
    fn names(&self) -> NewNames {
        NewNames { username: Some(self.username.clone()), email: Some(self.email.clone()), account: None }
    }
}

impl Accounts {
    /// Creates an account and signs its owner in: both or neither.
    pub async fn register(&self, form: Register, client: &Client) -> Result<SignedIn, Error> {
        self.try_register(form, client).await.map_err(|error| match error {
            // Every limit of a network has the same message: on registrations, and on refused ones.
            Error::Rejected(Rejection::Throttled(Throttled::RetryAfter(wait))) => {
                Rejection::TooManyRegistrations(wait).into()
            }
            error => error,
        })
    }

    async fn try_register(&self, form: Register, client: &Client) -> Result<SignedIn, Error> {
        let valid = self.validate_registration(&form, client).await?;
        let names = valid.names();
        let permit = self.hasher.try_reserve(client.network(), Priority::UnknownDevice).ok_or(Rejection::Overloaded)?;
        let (limit, now) = (Limit::Registrations(client.network()), self.core.clock.now());
        let (throttle, refund) = (self.throttle.clone(), self.throttle.clone());
        let counted = self.core.database.write(move |conn| throttle.record(conn, limit, now)).await?;
        counted.map_err(|throttled| self.registration_throttled(throttled, client))?;

        let account = AccountId::new();
        let password_hash = permit.hash(valid.password).await?;
        let ValidRegistration { username, email, .. } = valid;
        let new = NewAccount {
            id: account,
            username,
            email: Some(email),
            password_hash,
            language: form.language,
            signs_in: true,
        };
        let sessions = Arc::clone(&self.sessions);
        let created = self
            .core
            .transactions
            .run(client, move |tx| {
                match store::insert(tx, &new) {
                    // Another transaction took a name after the check above. This registration does not count.
                    Err(error) if is_unique_violation(&error) => {
                        refund.refund(tx.conn, limit)?;
                        return Ok(None);
                    }
                    inserted => inserted?,
                }
                tx.record(EventKind::Registered, account)?;
                use_up(tx, &form.admission, account)?;
                let session = sessions.create(tx, account, &form.session, &PreviousSignIn::default())?;
                Ok::<_, Error>(Some(session))
            })
            .await?;
        match created {
            Some(session) => Ok(SignedIn { account, session }),
            None => Err(self.explain_unique_violation(names, client).await),
        }
    }

    /// Validates all fields, so that the page shows every error at once. Only the slow part of the password policy runs
    /// last, after the limits, because it occupies a hashing thread for milliseconds (ASVS 2.4.1).
    async fn validate_registration(&self, form: &Register, client: &Client) -> Result<ValidRegistration, Error> {
        let username = match form.admission {
            // An administrator may be called so.
            Admission::FirstAdministrator => Username::parse(&form.username).map_err(FieldError::Username),
            Admission::Open | Admission::Invited(_) => self.parse_new_username(&form.username),
        };
        let email = Email::parse(&form.email);
        let mut errors = Vec::new();
        errors.extend(username.as_ref().err().copied());
        errors.extend(email.as_ref().err().copied().map(FieldError::Email));
        let password = self.parse_new_password(
            (&form.password, &form.password_confirm),
            (&form.username, &form.email),
            &mut errors,
        );
        let names =
            NewNames { username: username.as_ref().ok().cloned(), email: email.as_ref().ok().cloned(), account: None };
        errors.extend(self.find_conflicts(names, client).await?);
        let (Ok(username), Ok(email), Some(password), true) = (username, email, password, errors.is_empty()) else {
            return Err(self.reject(errors, client).await);
        };
        let (limit, now) = (Limit::Registrations(client.network()), self.core.clock.now());
        let throttle = self.throttle.clone();
        let throttled = self.core.database.read(move |conn| throttle.check(conn, limit, now)).await?;
        if let Some(throttled) = throttled {
            return Err(self.registration_throttled(throttled, client));
        }
        if let Some(weakness) = self.check_policy(password.clone(), &username, Some(&email), client).await? {
            return Err(self.reject(vec![weakness], client).await);
        }
        Ok(ValidRegistration { username, email, password })
    }
}
