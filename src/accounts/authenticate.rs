//! Signing in.

use std::sync::Arc;

use prometheus_client::metrics::{counter::Counter, family::Family};
use secrecy::SecretString;
use strum::{IntoStaticStr, VariantArray};

use super::{
    Accounts, Device, Error, FieldError, LoginName, Rejection, SignedIn, store, validation, verify_password::Target,
};
use crate::{client::Client, events::EventKind, identity::Role, sessions::SessionRequest, throttle::Throttled};

/// The number of sign-ins since the start, by the label `outcome`.
pub type SignInCounts = Family<[(&'static str, &'static str); 1], Counter>;

/// How a sign-in ended.
#[derive(Debug, Clone, Copy, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
enum Outcome {
    Succeeded,
    /// The password was wrong, or there is no such account.
    Failed,
    /// Too many attempts, or too many sign-ins with the right password.
    Throttled,
    /// The account is locked.
    LockedOut,
    /// The hashing queue was full.
    Overloaded,
    /// A field was empty or too long.
    Invalid,
    /// The server could not finish it, for example because the database did not answer.
    Error,
}

impl From<&Result<SignedIn, Error>> for Outcome {
    fn from(result: &Result<SignedIn, Error>) -> Self {
        let rejection = match result {
            Ok(_) => return Self::Succeeded,
            Err(Error::Rejected(rejection)) => rejection,
            Err(_) => return Self::Error,
        };
        match rejection {
            Rejection::WrongCredentials => Self::Failed,
            Rejection::Throttled(Throttled::RetryAfter(_)) => Self::Throttled,
            Rejection::Throttled(Throttled::LockedOut) => Self::LockedOut,
            Rejection::Overloaded => Self::Overloaded,
            Rejection::Invalid(_) => Self::Invalid,
            _ => Self::Error,
        }
    }
}

/// Returns counters that are all zero, because Prometheus cannot compute the rate of a counter that appears later.
pub(super) fn sign_in_counts() -> SignInCounts {
    let counts = SignInCounts::default();
    for outcome in Outcome::VARIANTS {
        counts.get_or_create(&[("outcome", outcome.into())]).inc_by(0);
    }
    counts
}

/// A sign-in, as typed.
#[derive(Debug)]
pub struct SignIn {
    /// User name or e-mail address.
    pub login: String,
    /// The password.
    pub password: SecretString,
    /// The accounts that the browser has signed in to before.
    pub devices: Vec<Device>,
    /// The roles of which the account needs one; empty = every account may sign in.
    pub roles: Vec<Role>,
    /// The session to create.
    pub session: SessionRequest,
}

impl Accounts {
    /// Signs a person in, under a new session.
    pub async fn authenticate(&self, sign_in: SignIn, client: &Client) -> Result<SignedIn, Error> {
        let result = self.try_authenticate(sign_in, client).await;
        self.sign_ins.get_or_create(&[("outcome", Outcome::from(&result).into())]).inc();
        result
    }

    async fn try_authenticate(&self, sign_in: SignIn, client: &Client) -> Result<SignedIn, Error> {
        let mut errors = Vec::new();
        if sign_in.login.trim().is_empty() {
            errors.push(FieldError::LoginMissing);
        }
        let password = validation::parse_password(&sign_in.password, FieldError::PasswordMissing);
        errors.extend(password.as_ref().err());
        let (Ok(password), true) = (password, errors.is_empty()) else {
            return Err(Rejection::invalid(errors).into());
        };

        let login = LoginName::parse(&sign_in.login);
        let hashes = self.name_hashes(&login.canonical());
        let verified = self.verify_password(Target::Login(login, hashes), password, sign_in.devices, client).await?;
        let (sessions, account) = (Arc::clone(&self.sessions), verified.account());
        let session = self
            .core
            .transactions
            .run(client, move |tx| {
                let previous = verified.commit(tx)?;
                // Not an error, which would roll back the success: the password was right.
                let roles: Vec<_> = sign_in.roles.iter().map(Role::as_str).collect();
                if !roles.is_empty() && !store::has_role_of(tx.conn, account, &roles)? {
                    return Ok(None);
                }
                store::record_sign_in(tx, account)?;
                tx.record(EventKind::SignedIn, account)?;
                let session = sessions.create(tx, account, &sign_in.session, &previous)?;
                Ok::<_, Error>(Some(session))
            })
            .await?
            .ok_or(Rejection::NotAdmitted)?;
        Ok(SignedIn { account, session })
    }
}
