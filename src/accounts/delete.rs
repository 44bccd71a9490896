//! Deletes an account. It is gone at once; rows of which there may be many are deleted in batches afterwards.

use std::{sync::Arc, time::Duration};

use secrecy::SecretString;

use super::{
    AccountId, Accounts, Device, Error, FieldError, Rejection, Username, admin::refuse_last_administrator, store,
    validation::parse_current_password,
};
use crate::{
    client::Client,
    db::QueryResult,
    events::EventKind,
    sessions::{Session, Sessions},
    throttle,
    transaction::Transaction,
};

/// A deletion, as typed.
#[derive(Debug)]
pub struct DeleteAccount {
    /// The user name, to confirm.
    pub confirm: String,
    /// The current password.
    pub current_password: SecretString,
    /// The accounts that the browser has signed in to before.
    pub devices: Vec<Device>,
}

impl Accounts {
    /// Deletes the account of the owner of `session` with all its sessions. Its events stay, without address and
    /// browser; its user name stays reserved for `GATEHOUSE_NAME_RESERVED`.
    pub async fn delete(&self, form: DeleteAccount, session: Arc<Session>, client: &Client) -> Result<(), Error> {
        let account = &session.account;
        let mut errors = Vec::new();
        if Username::parse(&form.confirm).as_ref() != Ok(&account.username) {
            errors.push(FieldError::DeletionNotConfirmed);
        }
        let current = parse_current_password(&form.current_password);
        errors.extend(current.as_ref().err());
        let (Ok(current), true) = (current, errors.is_empty()) else {
            return Err(Rejection::invalid(errors).into());
        };
        let id = account.id;
        let verified = self.reauthenticate(id, current, form.devices, client).await?;

        let name = self.name_hash(account.username.as_str());
        let reserved_for = self.name_reserved;
        self.run_confirmed(Some(verified), &session, client, move |tx, acting| {
            if !store::has_current_name(tx, acting)? {
                return Err(Rejection::Conflict.into());
            }
            refuse_last_administrator(tx, id)?;
            delete(tx, id, &name, reserved_for)?;
            tx.record(EventKind::AccountDeleted, id)?;
            Ok(())
        })
        .await
    }
}

/// Deletes an account and reserves its name, given as its hash. Record the event afterwards: its row must not have the
/// address of the client, as the log line has none in any case.
pub(super) fn delete(
    tx: &mut Transaction<'_>,
    id: AccountId,
    name: &[u8; 32],
    reserved_for: Duration,
) -> QueryResult<()> {
    store::delete(tx, id)?;
    throttle::unlock(tx.conn, id)?;
    store::reserve(tx.conn, name, tx.now.plus(reserved_for), None)?;
    Sessions::delete_account(tx, id)
}
