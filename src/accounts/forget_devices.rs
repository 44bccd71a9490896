//! Invalidates the device cookies of an account, except that of the current browser.

use std::sync::Arc;

use secrecy::SecretString;

use super::{AccountId, Accounts, Device, Error, store};
use crate::{
    client::Client,
    clock::Timestamp,
    db::QueryResult,
    events::EventKind,
    sessions::{ActingSession, NewSession, Session},
    throttle::{self, Limit},
    transaction::Transaction,
};

/// "Forget known browsers", as typed.
#[derive(Debug)]
pub struct ForgetDevices {
    /// The current password, needed when the owner did not give it recently.
    pub current_password: SecretString,
    /// The accounts that the browser has signed in to before.
    pub devices: Vec<Device>,
}

impl Accounts {
    /// Invalidates the device cookies of the owner of `session`, so that no other browser has a failure budget of its
    /// own. Sessions stay active.
    pub async fn forget_devices(
        &self,
        form: ForgetDevices,
        session: Arc<Session>,
        client: &Client,
    ) -> Result<DevicesForgotten, Error> {
        let verified = self.confirm(&session, &form.current_password, form.devices, client).await?;
        let is_confirmed = verified.is_some();
        let (sessions, throttle) = (Arc::clone(&self.sessions), self.throttle.clone());
        self.run_confirmed(verified, &session, client, move |tx, acting| {
            let account = acting.account.id;
            throttle.record(tx.conn, Limit::Changes(account), tx.now)??;
            tx.record(EventKind::DevicesForgotten, account)?;
            let session = is_confirmed.then(|| sessions.renew(tx, acting)).transpose()?;
            Ok(DevicesForgotten::run(tx, acting, session)?)
        })
        .await
    }
}

/// All device cookies of an account have become invalid; the current browser gets a new one.
#[derive(Debug)]
pub struct DevicesForgotten {
    /// The account.
    pub account: AccountId,
    /// The new session, if the owner gave the password.
    pub session: Option<NewSession>,
    /// The time for the device cookie of the current browser.
    pub known_since: Timestamp,
}

impl DevicesForgotten {
    /// Invalidates all device cookies of the owner of `acting`, and resets the failures that their holders have made.
    pub(super) fn run(
        tx: &mut Transaction<'_>,
        acting: &ActingSession<'_>,
        session: Option<NewSession>,
    ) -> QueryResult<Self> {
        let account = acting.account.id;
        throttle::reset_devices(tx.conn, account)?;
        Ok(Self { account, session, known_since: store::invalidate_devices(tx, account)? })
    }
}
