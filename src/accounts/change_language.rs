//! Changes the language of the pages.

use std::sync::Arc;

use super::{Accounts, Error, store};
use crate::{client::Client, language::Language, sessions::Session, throttle::Limit};

impl Accounts {
    /// Keeps the language that the owner of `session` chose. Needs no recent sign-in and records no event, because the
    /// language gives no access. Counts for `GATEHOUSE_SIGN_IN_RATE`, because each change is a write.
    pub async fn change_language(
        &self,
        language: Language,
        session: &Arc<Session>,
        client: &Client,
    ) -> Result<(), Error> {
        let throttle = self.throttle.clone();
        let change = self.sessions.run_as(session, client, move |tx, acting| {
            throttle.record(tx.conn, Limit::Changes(acting.account.id), tx.now)??;
            store::set_language(tx, acting, language)?;
            Ok::<_, Error>(())
        });
        change.await
    }
}
