//! Unlocking an account, for an administrator.

use super::{Accounts, Error, LoginName, store};
use crate::{client::Client, events::EventKind, throttle};

impl Accounts {
    /// Accepts passwords for the account with this login again, after too many failures locked it. Returns whether
    /// there is such an account.
    pub async fn unlock(&self, login: &str, client: &Client) -> Result<bool, Error> {
        let login = LoginName::parse(login);
        self.core
            .transactions
            .run(client, move |tx| {
                let Some(credential) = store::find(tx.conn, &login)? else { return Ok(false) };
                throttle::unlock(tx.conn, credential.id)?;
                tx.record(EventKind::AccountUnlocked, Some(credential.id))?;
                Ok::<_, Error>(true)
            })
            .await
    }
}
