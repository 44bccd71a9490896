//! Signing in.

use std::sync::Arc;

use secrecy::SecretString;

use super::{
    Accounts, Device, Error, FieldError, LoginName, Rejection, SignedIn, store, validation, verify_password::Target,
};
use crate::{client::Client, events::EventKind, sessions::Session};

/// A sign-in, as typed.
#[derive(Debug)]
pub struct SignIn {
    /// User name or e-mail address.
    pub login: String,
    /// The password.
    pub password: SecretString,
    /// "Keep me signed in".
    pub remember: bool,
    /// The accounts that the browser has signed in to before.
    pub devices: Vec<Device>,
    /// The browser's current session. It ends when the new one begins (ASVS 7.2.4).
    pub replaces: Option<Arc<Session>>,
}

impl Accounts {
    /// Signs a person in, under a new session.
    pub async fn authenticate(&self, sign_in: SignIn, client: &Client) -> Result<SignedIn, Error> {
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
                store::record_sign_in(tx, account)?;
                tx.record(EventKind::SignedIn, account)?;
                let session = sessions.create(tx, account, sign_in.remember, &previous, sign_in.replaces.as_deref())?;
                Ok::<_, Error>(session)
            })
            .await?;
        Ok(SignedIn { account, session })
    }
}
