//! Changing one's user name and e-mail address.

use std::sync::Arc;

use super::{Accounts, Device, Email, Error, Mistake, Refused, Username, store};
use crate::{
    client::Client,
    db::{AnyConnection, is_taken},
    events::{self, Kind},
    passwords::Password,
    sessions::{Session, Sessions},
};

/// Somebody wants other names. All as typed.
#[derive(Debug)]
pub struct ProfileChange {
    /// User name.
    pub username: String,
    /// E-mail address.
    pub email: String,
    /// The password, needed when it was not given for a while; `None` is longer than any may be.
    pub current: Option<Password>,
    /// The accounts that the browser has signed in to before.
    pub devices: Vec<Device>,
}

impl Accounts {
    /// Whether the password was given so recently that it need not be given again (ASVS 7.5.1).
    #[must_use]
    pub fn is_recent(&self, session: &Session) -> bool {
        self.clock.now().since(session.authenticated_at) < self.recent
    }

    /// Changes the names of the owner of `session`. The old name is free at once.
    pub async fn change_profile(
        &self,
        change: ProfileChange,
        session: Arc<Session>,
        client: &Client,
    ) -> Result<Result<(), Refused>, Error> {
        let account = session.owner.id;
        let (username, email) = (Username::parse(&change.username), Email::parse(&change.email));
        let mut mistakes: Vec<Mistake> = Vec::new();
        mistakes.extend(username.as_ref().err().map(|error| Mistake::Username(*error)));
        mistakes.extend(email.as_ref().err().map(|error| Mistake::Email(*error)));
        // Their own names are not taken.
        let other_name = username.as_ref().ok().filter(|name| name.as_str() != session.owner.username).cloned();
        let own_key = Email::parse(&session.owner.email).map(|own| own.key());
        let other_email = email.as_ref().ok().filter(|email| own_key.as_ref() != Ok(&email.key())).cloned();
        match self.taken(other_name.as_ref(), other_email.as_ref(), client).await? {
            Ok(taken) => mistakes.extend(taken),
            Err(refusal) => return Ok(Err(Refused::Throttled(refusal))),
        }
        let recent = self.is_recent(&session);
        match &change.current {
            _ if recent => {}
            None => mistakes.push(Mistake::CurrentWrong),
            Some(current) if current.is_empty() => mistakes.push(Mistake::CurrentMissing),
            Some(_) => {}
        }
        mistakes.sort_by_key(Mistake::position);
        let (Ok(username), Ok(email), true) = (username, email, mistakes.is_empty()) else {
            return Ok(Err(Refused::Mistakes(mistakes)));
        };
        let passed = match change.current {
            Some(current) if !recent => match self.confirm(account, current, change.devices, client).await? {
                Ok(passed) => Some(passed),
                Err(refused) => return Ok(Err(refused)),
            },
            _ => None,
        };

        let (owner, now) = (client.clone(), self.clock.now());
        let (gave_password, forget) = (passed.is_some(), self.sessions.forgetting(Some(account)));
        let change = move |conn: &mut AnyConnection| {
            if let Some(passed) = &passed {
                if passed.settle(conn, now)?.is_none() {
                    return Ok(Some(Refused::Busy));
                }
                Sessions::note_authentication(conn, &session, now)?;
                events::record(conn, Kind::Reauthenticated, Some(account), &owner, now)?;
            }
            match store::update_profile(conn, account, &username, &email) {
                // Somebody else was first; which of the two is looked for outside.
                Err(error) if is_taken(&error) => return Ok(Some(Refused::Mistakes(Vec::new()))),
                updated => updated?,
            }
            events::record(conn, Kind::ProfileChanged, Some(account), &owner, now)?;
            Ok(None)
        };
        match self.database.write_then(change, forget).await? {
            None => {
                if gave_password {
                    events::log(Kind::Reauthenticated, Some(account), client);
                }
                events::log(Kind::ProfileChanged, Some(account), client);
                Ok(Ok(()))
            }
            Some(Refused::Mistakes(_)) => match self.taken(other_name.as_ref(), other_email.as_ref(), client).await? {
                Ok(mistakes) if mistakes.is_empty() => Ok(Err(Refused::Busy)),
                Ok(mistakes) => Ok(Err(Refused::Mistakes(mistakes))),
                Err(refusal) => Ok(Err(Refused::Throttled(refusal))),
            },
            Some(refused) => Ok(Err(refused)),
        }
    }
}
