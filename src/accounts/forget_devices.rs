//! Makes all browsers unknown that have signed in before, except the one that asks for it.

use std::sync::Arc;

use secrecy::SecretString;

use super::{Accounts, Device, DevicesForgotten, Error, store};
use crate::{client::Client, events::EventKind, sessions::Session, throttle};

/// "Forget known browsers", as typed.
#[derive(Debug)]
pub struct ForgetDevices {
    /// The current password, needed when the owner did not give it recently.
    pub current_password: SecretString,
    /// The accounts that the browser has signed in to before.
    pub devices: Vec<Device>,
}

impl Accounts {
    /// Makes all browsers unknown to the account of the owner of `session`: none has a failure budget of its own any
    /// more, except this one. Sessions go on.
    pub async fn forget_devices(
        &self,
        form: ForgetDevices,
        session: Arc<Session>,
        client: &Client,
    ) -> Result<DevicesForgotten, Error> {
        let verified = self.confirm(&session, &form.current_password, form.devices, client).await?;
        let (sessions, throttle) = (Arc::clone(&self.sessions), self.throttle.clone());
        self.sessions
            .run_as(&session, client, move |tx, acting| {
                let account = acting.account.id;
                if let Some(verified) = &verified {
                    verified.commit(tx)?;
                }
                throttle.record_change(tx.conn, account, tx.now)??;
                let known_since = store::distrust_devices(tx, acting)?;
                throttle::reset_devices(tx.conn, account)?;
                tx.record(EventKind::DevicesForgotten, Some(account))?;
                let session = if verified.is_some() { Some(sessions.renew(tx, acting)?) } else { None };
                Ok::<_, Error>(DevicesForgotten { account, session, known_since })
            })
            .await
    }
}
