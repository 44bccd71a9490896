//! Unlocks an account, for an administrator.

use super::{LoginName, store};
use crate::{client::Client, db, events::EventKind, throttle, transaction::Transactions};

/// Accepts passwords for the account with this login again, after too many failures locked it. Returns whether there is
/// such an account. Needs neither the signing secret nor the hashing threads, so the command runs without them.
pub async fn unlock(transactions: &Transactions, login: &str, client: &Client) -> Result<bool, db::Error> {
    let login = LoginName::parse(login);
    transactions
        .run(client, move |tx| {
            let Some(credential) = store::find(tx.conn, &login)? else { return Ok(false) };
            tx.lock_account(credential.id)?;
            throttle::unlock(tx.conn, credential.id)?;
            tx.record(EventKind::AccountUnlocked, credential.id)?;
            Ok::<_, db::Error>(true)
        })
        .await
}
