//! One-time codes: how a browser that is signed in here gets a session at an application, whose origin is another one.
//!
//! A code stands in an address, and so in the logs of proxies. So it is good for a minute, once, and only in the
//! browser that asked for it, and the database keeps only its hash.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};

use super::{
    AppCookie, Browser,
    id::AppSessionId,
    store::{self, AppSessionRow, CodeRow},
};
use crate::{
    apps::AppId,
    client::Client,
    db::{self, QueryResult},
    events::EventKind,
    random,
    sessions::{BATCH, ChangeError, Session, Sessions, change::hold},
    transaction::Transaction,
};

/// How long a code is good.
const LIFETIME: Duration = Duration::from_mins(1);

impl Sessions {
    /// Makes a code with which `browser` gets a session at an application, as the owner of `session`.
    pub async fn make_code(
        &self,
        session: &Arc<Session>,
        app: AppId,
        browser: Browser,
        client: &Client,
    ) -> Result<String, ChangeError> {
        let code: [u8; 32] = random::bytes();
        let hash = digest(&SHA256, &code);
        self.run_as(session, client, move |tx, acting| {
            let expires_at = tx.now.plus(LIFETIME);
            let row = CodeRow {
                code_hash: hash.as_ref(),
                session_id: acting.id,
                app: &app,
                browser: browser.as_bytes(),
                expires_at,
            };
            Ok::<_, ChangeError>(store::insert_code(tx, row)?)
        })
        .await?;
        Ok(BASE64.encode(code))
    }

    /// Uses a code up. Returns the cookie of the new session at the application, or `None` if the code is not good for
    /// this application and browser, or the session that it was made for has ended.
    pub async fn redeem_code(
        &self,
        code: &str,
        app: AppId,
        browser: Browser,
        client: &Client,
    ) -> Result<Option<String>, db::Error> {
        let Some(code) = BASE64.decode(code).ok().filter(|code| code.len() == 32) else { return Ok(None) };
        let hash = digest(&SHA256, &code);
        let for_app = app.clone();
        let redeemed = self
            .transactions
            .run(client, move |tx| Ok::<_, db::Error>(redeem(tx, hash.as_ref(), &for_app, &browser)?))
            .await?;
        Ok(redeemed.map(|cookie| cookie.seal(&self.keys, &app)))
    }

    /// Deletes a batch of expired codes. Returns how many it found.
    pub async fn delete_expired_codes(&self) -> Result<usize, db::Error> {
        let now = self.clock.now();
        let expired = self.database.read(move |conn| store::expired_codes(conn, now, BATCH)).await?;
        if expired.is_empty() {
            return Ok(0);
        }
        self.database.write(move |conn| store::delete_codes(conn, &expired)).await
    }
}

fn redeem(
    tx: &mut Transaction<'_>,
    code_hash: &[u8],
    app: &AppId,
    browser: &Browser,
) -> QueryResult<Option<AppCookie>> {
    let Some(owner) = store::owner_of_code(tx.conn, code_hash)? else { return Ok(None) };
    if !hold(tx, owner.account, owner.session)? || !store::use_code(tx, code_hash, app, browser)? {
        return Ok(None);
    }
    let cookie = AppCookie { id: AppSessionId::new(), account: owner.account };
    let row = AppSessionRow { session_id: owner.session, app, id: cookie.id, created_at: tx.now };
    store::replace(tx, owner.account, row)?;
    tx.record(EventKind::AppSignedIn, owner.account)?;
    Ok(Some(cookie))
}
