//! Ends the sessions of all accounts, for the operator.

use std::time::Instant;

use super::store;
use crate::{
    client::Client,
    clock::Timestamp,
    db,
    events::{Actor, EventKind},
    identity::AccountId,
    transaction::Transactions,
};

/// Ends the sessions that began by `until`, in batches. Returns their number. Running servers notice within
/// `GATEHOUSE_SESSION_CACHE`. Needs neither the signing secret nor the settings of sessions.
pub async fn end_all(transactions: &Transactions, until: Timestamp) -> Result<usize, db::Error> {
    let (mut next, mut total) = (Some(AccountId::from([0; 16])), 0);
    while let Some(first) = next {
        let started_at = Instant::now();
        let (last, ended) = transactions
            .run(&Client::anonymous(), move |tx| {
                // In the order of accounts, so that two processes do not wait for each other.
                let batch = store::batch(tx.conn, first, until)?;
                let mut total = 0;
                for sessions in batch.chunk_by(|one, other| one.account_id == other.account_id) {
                    let account = sessions[0].account_id;
                    tx.lock_account(account)?;
                    let mut ended = 0;
                    for session in sessions {
                        ended += usize::from(store::delete(tx, account, session.id)?);
                    }
                    if ended > 0 {
                        tx.record_by(Actor::Operator, EventKind::AccountSignedOut, account)?;
                    }
                    total += ended;
                }
                Ok::<_, db::Error>((batch.last().map(|session| session.account_id), total))
            })
            .await?;
        (next, total) = (last, total + ended);
        // As long as the batch took: SQLite has no queue for its write lock, and running servers need it too.
        tokio::time::sleep(started_at.elapsed()).await;
    }
    Ok(total)
}
