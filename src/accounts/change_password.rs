//! Changes the password, which ends all other sessions.

use std::sync::Arc;

use secrecy::SecretString;

use super::{Accounts, Device, Error, FieldError, Rejection, store, validation::parse_current_password};
use crate::{
    client::Client,
    events::EventKind,
    sessions::{NewSession, Session, Sessions},
};

/// A change of the password, as typed.
#[derive(Debug)]
pub struct ChangePassword {
    /// The current password.
    pub current_password: SecretString,
    /// The new password.
    pub password: SecretString,
    /// The new password again.
    pub password_confirm: SecretString,
    /// The accounts that the browser has signed in to before.
    pub devices: Vec<Device>,
}

impl Accounts {
    /// Changes the password of the owner of `session`, ends all their other sessions, and gives this one a new id.
    pub async fn change_password(
        &self,
        form: ChangePassword,
        session: Arc<Session>,
        client: &Client,
    ) -> Result<NewSession, Error> {
        let account = &session.account;
        let mut errors = Vec::new();
        let passwords = (&form.password, &form.password_confirm);
        let names = (account.username.as_str(), account.email.as_str());
        let password = self.validate_new_password(passwords, names, &mut errors, client).await?;
        let current = parse_current_password(&form.current_password);
        match (&current, &password) {
            (Err(error), _) => errors.push(*error),
            (Ok(current), Some(password)) if current == password => errors.push(FieldError::PasswordUnchanged),
            _ => {}
        }
        let (Ok(current), Some(password), true) = (current, password, errors.is_empty()) else {
            return Err(Rejection::invalid(errors).into());
        };
        let verified = self.reauthenticate(account.id, current, form.devices, client).await?;
        let permit = self.hasher.try_reserve(client.network()).ok_or(Rejection::Overloaded)?;
        let hash = permit.hash(password).await?;

        let sessions = Arc::clone(&self.sessions);
        self.core
            .transactions
            .run(client, move |tx| {
                verified.commit(tx)?;
                let account = session.account.id;
                let renewed = sessions.renew(tx, &session)?.ok_or(Rejection::Conflict)?;
                store::replace_hash(tx, account, &hash)?;
                Sessions::revoke_all(tx, account, Some(renewed.id()))?;
                tx.record(EventKind::PasswordChanged, Some(account))?;
                Ok::<_, Error>(renewed)
            })
            .await
    }
}
