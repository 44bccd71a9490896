//! Sessions that have ended and are not all deleted yet. A revocation deletes one batch; if there may be more, it
//! leaves a cleanup, which ends the others at once and is done in the background.

mod store;

pub(super) use self::store::{Cleanup, end_all, find};
use super::Sessions;
use crate::{
    clock::Timestamp,
    db::{self, QueryResult},
    identity::AccountId,
    transaction::Transaction,
};

impl Sessions {
    /// Does the cleanups that transactions have stored, in batches: deletes ended sessions, and anonymizes the events
    /// of deleted accounts. Continues after a restart, because the cleanups are in the database.
    pub async fn clean_up(&self) -> Result<(), db::Error> {
        while let Some((cleanup, account_exists)) = self.database.read(store::next_cleanup).await? {
            while self.database.write(move |conn| store::delete_batch(conn, cleanup)).await?.is_full {}
            if !account_exists {
                self.events.anonymize(cleanup.account_id).await?;
            }
            self.database.write(move |conn| store::delete_cleanup(conn, cleanup)).await?;
        }
        Ok(())
    }

    /// Deletes the sessions and anonymizes the events of an account that `tx` deletes: a batch now, the others later in
    /// [`Sessions::clean_up`]. Without the account they are ended already.
    pub fn delete_account(tx: &mut Transaction<'_>, account: AccountId) -> QueryResult<()> {
        let cleanup = Cleanup { account_id: account, revoked_at: Timestamp::MAX, kept: None };
        let all_deleted = !store::delete_batch(tx.conn, cleanup)?.is_full;
        let all_anonymized = tx.anonymize_events(account)?;
        if all_deleted && all_anonymized {
            return Ok(());
        }
        store::insert_cleanup(tx.conn, cleanup)
    }
}
