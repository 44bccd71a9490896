//! Changing one's password: whoever knew the old one is out.

use std::sync::Arc;

use super::{Accounts, Device, Error, Mistake, Refused, store};
use crate::{
    client::Client,
    db::AnyConnection,
    events::{self, Kind},
    passwords::Password,
    sessions::{Opened, Session, Sessions},
};

/// Somebody wants another password. `None` is one that is longer than any may be.
#[derive(Debug)]
pub struct PasswordChange {
    /// The one they have.
    pub current: Option<Password>,
    /// The one they want.
    pub password: Option<Password>,
    /// The same again.
    pub confirm: Option<Password>,
    /// The accounts that the browser has signed in to before.
    pub devices: Vec<Device>,
}

impl Accounts {
    /// Changes the password of the owner of `session`, ends all their other sessions, and gives this one a new id.
    pub async fn change_password(
        &self,
        change: PasswordChange,
        session: Arc<Session>,
        client: &Client,
    ) -> Result<Result<Opened, Refused>, Error> {
        let account = session.owner.id;
        let names = (session.owner.username.as_str(), session.owner.email.as_str());
        let judged = self.judge(change.password.as_ref(), change.confirm.as_ref(), names, client).await?;
        let Some(mut mistakes) = judged else { return Ok(Err(Refused::Busy)) };
        if change.current.as_ref().is_some_and(Password::is_empty) {
            mistakes.push(Mistake::CurrentMissing);
        } else if change.current.is_none() {
            mistakes.push(Mistake::CurrentWrong);
        } else if change.current == change.password {
            mistakes.push(Mistake::Same);
        }
        mistakes.sort_by_key(Mistake::position);
        let (Some(current), Some(password), true) = (change.current, change.password, mistakes.is_empty()) else {
            return Ok(Err(Refused::Mistakes(mistakes)));
        };
        let passed = match self.confirm(account, current, change.devices, client).await? {
            Ok(passed) => passed,
            Err(refused) => return Ok(Err(refused)),
        };
        let Some(permit) = self.hasher.try_reserve(client.network()) else { return Ok(Err(Refused::Busy)) };
        let hash = permit.hash(password).await?;

        let (sessions, owner, now) = (Arc::clone(&self.sessions), client.clone(), self.clock.now());
        let change = move |conn: &mut AnyConnection| {
            if passed.settle(conn, now)?.is_none() {
                return Ok(None);
            }
            let Some(opened) = sessions.renew(conn, &session, &owner)? else { return Ok(None) };
            store::replace_hash(conn, account, &hash)?;
            Sessions::close_all(conn, account, Some(opened.id()), &owner, now)?;
            events::record(conn, Kind::PasswordChanged, Some(account), &owner, now)?;
            Ok(Some(opened))
        };
        let opened = self.database.write_then(change, self.sessions.forgetting(Some(account))).await?;
        if opened.is_some() {
            events::log(Kind::PasswordChanged, Some(account), client);
        }
        Ok(opened.ok_or(Refused::Busy))
    }
}
