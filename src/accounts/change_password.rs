//! Changes the password, which ends all other sessions.

use std::sync::Arc;

use secrecy::SecretString;

use super::{
    Accounts, Device, DevicesForgotten, Email, Error, FieldError, Rejection, store, validation::parse_current_password,
};
use crate::{
    client::Client,
    events::EventKind,
    passwords::{Password, Priority},
    sessions::{Session, Sessions},
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
    /// Changes the password of the owner of `session`, ends all their other sessions, and gives this one a new id. Also
    /// invalidates all other device cookies, because an attacker who knew the old password may have one.
    pub async fn change_password(
        &self,
        form: ChangePassword,
        session: Arc<Session>,
        client: &Client,
    ) -> Result<DevicesForgotten, Error> {
        let account = &session.account;
        let mut errors = Vec::new();
        let password = self.parse_new_password(
            (&form.password, &form.password_confirm),
            (account.username.as_str(), account.email.as_ref().map_or("", Email::as_str)),
            &mut errors,
        );
        let current = parse_current_password(&form.current_password);
        match (&current, &password) {
            (Err(error), _) => errors.push(*error),
            (Ok(current), Some(password)) if current == password => errors.push(FieldError::PasswordUnchanged),
            _ => {}
        }
        let (Ok(current), Some(password), true) = (current, password, errors.is_empty()) else {
            return Err(Rejection::invalid(errors).into());
        };
        // Before the policy, which takes milliseconds, so that the limits on passwords bound that work as well.
        let verified = self.reauthenticate(account.id, current, form.devices, client).await?;
        let hash = match self.check_and_hash(password, &session, client).await {
            Ok(hash) => hash,
            Err(error) => {
                // The current password was right: undo its count as a failure.
                self.sessions.run_as(&session, client, move |tx, _| verified.commit(tx)).await?;
                return Err(error);
            }
        };

        let sessions = Arc::clone(&self.sessions);
        self.sessions
            .run_as(&session, client, move |tx, acting| {
                verified.commit(tx)?;
                let account = acting.account.id;
                let renewed = sessions.renew(tx, acting)?;
                Sessions::leave_all_apps(tx, account, renewed.id())?;
                store::replace_hash(tx, account, &hash)?;
                Sessions::revoke_all(tx, account, Some(renewed.id()))?;
                tx.record(EventKind::PasswordChanged, account)?;
                Ok::<_, Error>(DevicesForgotten::run(tx, acting, Some(renewed))?)
            })
            .await
    }

    /// Returns the hash of a new password, if the policy accepts it.
    async fn check_and_hash(&self, password: Password, session: &Session, client: &Client) -> Result<String, Error> {
        let account = &session.account;
        if let Some(weakness) =
            self.check_policy(password.clone(), &account.username, account.email.as_ref(), client).await?
        {
            return Err(Rejection::invalid(vec![weakness]).into());
        }
        let priority = Priority::KnownDevice(account.id);
        let permit = self.hasher.try_reserve(client.network(), priority).ok_or(Rejection::Overloaded)?;
        Ok(permit.hash(password).await?)
    }
}
