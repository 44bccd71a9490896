//! Creating an account.

use std::sync::Arc;

use secrecy::SecretString;

use super::{
    AccountId, Accounts, Email, Error, FieldError, Rejection, SignedIn, Username,
    store::{self, NewAccount},
};
use crate::{
    client::Client,
    db::is_unique_violation,
    events::EventKind,
    passwords::Password,
    sessions::{PreviousSignIn, Session},
    throttle::Throttled,
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
    /// The browser's current session. It ends when the new one begins.
    pub replaces: Option<Arc<Session>>,
}

struct ValidRegistration {
    username: Username,
    email: Email,
    password: Password,
}

impl Accounts {
    /// Creates an account and signs its owner in: both or neither.
    pub async fn register(&self, form: Register, client: &Client) -> Result<SignedIn, Error> {
        let ValidRegistration { username, email, password } =
            self.validate_registration(&form, client).await.map_err(registration_throttled)?;
        let permit = self.hasher.try_reserve(client.network()).ok_or(Rejection::Overloaded)?;
        let (throttle, network, now) = (self.throttle, client.network(), self.core.clock.now());
        let counted = self.core.database.write(move |conn| throttle.record_registration(conn, network, now)).await?;
        if let Err(throttled) = counted {
            self.core.events.count(EventKind::RegistrationThrottled, None, client);
            return Err(registration_throttled(throttled.into()));
        }

        let account = AccountId::new();
        let password_hash = permit.hash(password).await?;
        let new = NewAccount { id: account, username, email, password_hash };
        let (username, email) = (new.username.clone(), new.email.clone());
        let sessions = Arc::clone(&self.sessions);
        let created = self
            .core
            .transactions
            .run(client, move |tx| {
                match store::insert(tx, &new) {
                    // Another transaction took a name after the check above. This registration does not count.
                    Err(error) if is_unique_violation(&error) => {
                        throttle.refund_registration(tx.conn, network)?;
                        return Ok(None);
                    }
                    inserted => inserted?,
                }
                tx.record(EventKind::Registered, Some(account))?;
                let session =
                    sessions.create(tx, account, false, &PreviousSignIn::default(), form.replaces.as_deref())?;
                Ok::<_, Error>(Some(session))
            })
            .await?;
        if let Some(session) = created {
            return Ok(SignedIn { account, session });
        }
        let error = self.explain_unique_violation(Some(&username), Some(&email), client).await;
        Err(registration_throttled(error))
    }

    /// Validates all fields, so that every error is told at once.
    async fn validate_registration(&self, form: &Register, client: &Client) -> Result<ValidRegistration, Error> {
        let (username, email) = (Username::parse(&form.username), Email::parse(&form.email));
        let mut errors = Vec::new();
        errors.extend(username.as_ref().err().copied().map(FieldError::Username));
        errors.extend(email.as_ref().err().copied().map(FieldError::Email));
        let passwords = (&form.password, &form.password_confirm);
        let names = (form.username.as_str(), form.email.as_str());
        let password = self.validate_new_password(passwords, names, &mut errors, client).await?;
        errors.extend(self.find_conflicts(username.as_ref().ok(), email.as_ref().ok(), client).await?);
        match (username, email, password) {
            (Ok(username), Ok(email), Some(password)) if errors.is_empty() => {
                Ok(ValidRegistration { username, email, password })
            }
            _ => Err(Rejection::invalid(errors).into()),
        }
    }
}

/// Maps both limits of a network, on registrations and on disclosed names, to the same message.
fn registration_throttled(error: Error) -> Error {
    match error {
        Error::Rejected(Rejection::Throttled(Throttled::RetryAfter(wait))) => {
            Rejection::TooManyRegistrations(wait).into()
        }
        error => error,
    }
}
