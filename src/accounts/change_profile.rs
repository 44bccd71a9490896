//! Changes the user name and e-mail address.

use std::sync::Arc;

use secrecy::SecretString;

use super::{
    Accounts, Device, Email, Error, FieldError, Rejection, Username, store, validation::parse_current_password,
};
use crate::{
    client::Client,
    db::is_unique_violation,
    events::EventKind,
    sessions::{Session, Sessions},
};

/// A change of the profile, as typed.
#[derive(Debug)]
pub struct ChangeProfile {
    /// User name.
    pub username: String,
    /// E-mail address.
    pub email: String,
    /// The current password, needed when the owner did not give it recently.
    pub current_password: SecretString,
    /// The accounts that the browser has signed in to before.
    pub devices: Vec<Device>,
}

impl Accounts {
    /// Changes the names of the owner of `session`. Others can take the old user name at once.
    pub async fn change_profile(
        &self,
        form: ChangeProfile,
        session: Arc<Session>,
        client: &Client,
    ) -> Result<(), Error> {
        let account = &session.account;
        let (username, email) = (Username::parse(&form.username), Email::parse(&form.email));
        let mut errors = Vec::new();
        errors.extend(username.as_ref().err().copied().map(FieldError::Username));
        errors.extend(email.as_ref().err().copied().map(FieldError::Email));
        // The account's own names are no conflict.
        let new_username = username.as_ref().ok().filter(|name| **name != account.username).cloned();
        let new_email = email.as_ref().ok().filter(|email| email.key() != account.email.key()).cloned();
        errors.extend(self.find_conflicts(new_username.as_ref(), new_email.as_ref(), client).await?);
        let ask_password = !self.recently_authenticated(&session);
        let current = ask_password.then(|| parse_current_password(&form.current_password));
        errors.extend(current.as_ref().and_then(|current| current.as_ref().err()));
        let (Ok(username), Ok(email), Ok(current), true) = (username, email, current.transpose(), errors.is_empty())
        else {
            return Err(Rejection::invalid(errors).into());
        };
        let verified = match current {
            Some(current) => Some(self.reauthenticate(account.id, current, form.devices, client).await?),
            None => None,
        };

        let changed = self
            .core
            .transactions
            .run(client, move |tx| {
                if let Some(verified) = &verified {
                    verified.commit(tx)?;
                    Sessions::mark_reauthenticated(tx, &session)?;
                }
                match store::update_profile(tx, session.account.id, &username, &email) {
                    // Another account took a name after the check above. The password was right all the same.
                    Err(error) if is_unique_violation(&error) => return Ok(false),
                    updated => updated?,
                }
                tx.record(EventKind::ProfileChanged, Some(session.account.id))?;
                Ok::<_, Error>(true)
            })
            .await?;
        if changed {
            return Ok(());
        }
        Err(self.explain_unique_violation(new_username.as_ref(), new_email.as_ref(), client).await)
    }
}
