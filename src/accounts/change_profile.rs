//! Changes the user name and e-mail address.

use std::sync::Arc;

use secrecy::SecretString;

use super::{
    Accounts, Device, Email, EmailError, Error, FieldError, Rejection, Username, store,
    validation::{NewNames, parse_current_password},
};
use crate::{
    client::Client,
    db::is_unique_violation,
    events::EventKind,
    language::Language,
    sessions::{NewSession, Session},
    throttle::Limit,
};

/// A change of the profile, as typed.
#[derive(Debug)]
pub struct ChangeProfile {
    /// User name.
    pub username: String,
    /// E-mail address. May be empty for an account without one.
    pub email: String,
    /// Another language.
    pub language: Option<Language>,
    /// The current password, needed when the owner did not give it recently.
    pub current_password: SecretString,
    /// The accounts that the browser has signed in to before.
    pub devices: Vec<Device>,
}

impl Accounts {
    /// Changes the names and the language of the owner of `session`. The former user name stays reserved for them for
    /// `GATEHOUSE_NAME_RESERVED`. A change of the language alone needs no recent sign-in. Returns a new session if the
    /// form contained the password.
    pub async fn change_profile(
        &self,
        form: ChangeProfile,
        session: Arc<Session>,
        client: &Client,
    ) -> Result<Option<NewSession>, Error> {
        let account = &session.account;
        // The account's own names are no conflict, and may have become reserved since.
        let username = match Username::parse(&form.username) {
            Ok(name) if name == account.username => Ok(name),
            _ => self.parse_new_username(&form.username),
        };
        let email = match (Email::parse(&form.email), &account.email) {
            // An account without an address need not get one. A known address can be replaced, not removed.
            (Err(EmailError::Missing), None) => Ok(None),
            (email, _) => email.map(Some),
        };
        let mut errors = Vec::new();
        errors.extend(username.as_ref().err().copied());
        errors.extend(email.as_ref().err().copied().map(FieldError::Email));
        let own_key = account.email.as_ref().map(Email::key);
        let new = NewNames {
            username: username.as_ref().ok().filter(|name| **name != account.username).cloned(),
            email: email.as_ref().ok().cloned().flatten().filter(|email| Some(email.key()) != own_key),
            account: Some(account.id),
        };
        let conflicts = self.find_conflicts(new.clone(), client).await?;
        if !conflicts.is_empty() {
            errors.extend(conflicts);
            return Err(self.reject(errors, client).await);
        }
        let is_same = username.as_ref() == Ok(&account.username) && email.as_ref() == Ok(&account.email);
        if let (true, Some(language)) = (is_same, form.language) {
            self.change_language(language, &session, client).await?;
            return Ok(None);
        }
        if !self.recently_authenticated(&session) {
            errors.extend(parse_current_password(&form.current_password).err());
        }
        let (Ok(username), Ok(email), true) = (username, email, errors.is_empty()) else {
            return Err(Rejection::invalid(errors).into());
        };
        let verified = self.confirm(&session, &form.current_password, form.devices, client).await?;
        let is_confirmed = verified.is_some();

        let former = new.username.is_some().then(|| self.name_hash(account.username.as_str()));
        let (sessions, throttle, reserved_for) =
            (Arc::clone(&self.sessions), self.throttle.clone(), self.name_reserved);
        let changed = self
            .run_confirmed(verified, &session, client, move |tx, acting| {
                let account = acting.account.id;
                throttle.record(tx.conn, Limit::Changes(account), tx.now)??;
                if !store::has_current_name(tx, acting)? {
                    return Err(Rejection::Conflict.into());
                }
                match store::update_profile(tx, acting, &username, email.as_ref()) {
                    // Another account took a name after the check above. The password was right all the same.
                    Err(error) if is_unique_violation(&error) => return Ok(None),
                    updated => updated?,
                }
                if let Some(former) = &former {
                    store::reserve(tx.conn, former, tx.now.plus(reserved_for), Some(account))?;
                }
                if let Some(language) = form.language {
                    store::set_language(tx, acting, language)?;
                }
                tx.record(EventKind::ProfileChanged, account)?;
                let renewed = is_confirmed.then(|| sessions.renew(tx, acting)).transpose()?;
                Ok(Some(renewed))
            })
            .await?;
        match changed {
            Some(renewed) => Ok(renewed),
            None => Err(self.explain_unique_violation(new, client).await),
        }
    }
}
