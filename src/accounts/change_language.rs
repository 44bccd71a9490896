//! Changes the language of the pages.

use std::sync::Arc;

use super::{Accounts, store};
use crate::{
    client::Client,
    language::Language,
    sessions::{ChangeError, Session},
};

impl Accounts {
    /// Keeps the language that the owner of `session` chose. It protects nothing, so it needs no recent sign-in and is
    /// neither an event nor a change that `GATEHOUSE_SIGN_IN_RATE` limits: it takes no space.
    pub async fn change_language(
        &self,
        language: Language,
        session: &Arc<Session>,
        client: &Client,
    ) -> Result<(), ChangeError> {
        if session.account.language == Some(language) {
            return Ok(());
        }
        let change = self.sessions.run_as(session, client, move |tx, acting| {
            store::set_language(tx, acting, language)?;
            Ok::<_, ChangeError>(())
        });
        change.await
    }
}
