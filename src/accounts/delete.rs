//! Deleting one's account: all of it or nothing.

use std::sync::Arc;

use super::{Accounts, Device, Error, Mistake, Refused, Username, store};
use crate::{
    client::Client,
    db::AnyConnection,
    events::{self, Kind},
    passwords::Password,
    sessions::Session,
};

/// Somebody wants to be gone.
#[derive(Debug)]
pub struct Deletion {
    /// Their user name, typed to show that they mean it.
    pub confirm: String,
    /// Their password; `None` is longer than any may be.
    pub current: Option<Password>,
    /// The accounts that the browser has signed in to before.
    pub devices: Vec<Device>,
}

impl Accounts {
    /// Deletes the account of the owner of `session` with all its sessions. What happened stays known, without address or
    /// browser; the name cannot be taken by somebody else for a while.
    pub async fn delete(
        &self,
        deletion: Deletion,
        session: Arc<Session>,
        client: &Client,
    ) -> Result<Result<(), Refused>, Error> {
        let account = session.owner.id;
        let mut mistakes = Vec::new();
        let means_it = Username::parse(&deletion.confirm).is_ok_and(|name| name.as_str() == session.owner.username);
        if !means_it {
            mistakes.push(Mistake::NotMeant);
        }
        match &deletion.current {
            None => mistakes.push(Mistake::CurrentWrong),
            Some(current) if current.is_empty() => mistakes.push(Mistake::CurrentMissing),
            Some(_) => {}
        }
        let (Some(current), true) = (deletion.current, mistakes.is_empty()) else {
            return Ok(Err(Refused::Mistakes(mistakes)));
        };
        let passed = match self.confirm(account, current, deletion.devices, client).await? {
            Ok(passed) => passed,
            Err(refused) => return Ok(Err(refused)),
        };

        let (throttle, now) = (self.throttle, self.clock.now());
        let (name, until) = (self.name_hash(&session.owner.username), now.plus(self.name_reserved));
        let nobody = Client::anonymous(client.request_id);
        let delete = move |conn: &mut AnyConnection| {
            if passed.settle(conn, now)?.is_none() || !store::delete(conn, account)? {
                return Ok(false);
            }
            throttle.unlock(conn, account)?;
            store::reserve(conn, &name, until)?;
            events::anonymise(conn, account)?;
            events::record(conn, Kind::AccountDeleted, Some(account), &nobody, now)?;
            Ok(true)
        };
        let deleted = self.database.write_then(delete, self.sessions.forgetting(Some(account))).await?;
        if !deleted {
            return Ok(Err(Refused::Busy));
        }
        // With its address; what was written already has none any more.
        self.notes.forget(account);
        events::log(Kind::AccountDeleted, Some(account), client);
        Ok(Ok(()))
    }
}
