//! Sessions of browsers at applications behind a reverse proxy. Each belongs to a session here, and ends with it: on
//! the next request when that ends, expires, or its account is disabled.
//!
//! The cookie is good at one application only, so that no application can use it at another one or here.

mod browser;
mod code;
pub(super) mod id;
pub(super) mod store;

pub use self::browser::Browser;
use self::id::AppSessionId;
use super::{Session, SessionId, Sessions, TokenStatus, claim::Claim, token::TokenDigest};
use crate::{
    apps::AppId,
    client::Client,
    db::{self, QueryResult},
    events::EventKind,
    identity::AccountId,
    keys::{Keys, Purpose},
    transaction::Transaction,
};

/// What the cookie says. The application is in the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct AppCookie {
    id: AppSessionId,
    account: AccountId,
}

impl AppCookie {
    /// Returns the message that the cookie at `app` carries.
    fn message(self, app: &AppId) -> Vec<u8> {
        [&self.id.as_bytes()[..], self.account.as_bytes(), app.as_str().as_bytes()].concat()
    }

    fn seal(self, keys: &Keys, app: &AppId) -> String {
        keys.seal(Purpose::AppSession, &self.message(app))
    }

    /// Returns what `cookie` says if this server has made it for `app`.
    fn open(keys: &Keys, cookie: &[u8], app: &AppId) -> Option<Self> {
        let message = keys.open(Purpose::AppSession, cookie)?;
        let (id, rest) = message.split_first_chunk::<16>()?;
        let (account, for_app) = rest.split_first_chunk::<16>()?;
        let cookie = Self { id: AppSessionId::from(*id), account: AccountId::from(*account) };
        (for_app == app.as_str().as_bytes()).then_some(cookie)
    }
}

impl Sessions {
    /// Verifies the cookie of a browser at an application and looks its session up. Errors are those of
    /// [`Sessions::check`].
    pub async fn check_app_cookie(
        &self,
        cookie: &[u8],
        app: &AppId,
        client: &Client,
    ) -> Result<TokenStatus, db::Error> {
        let claim = async || {
            let cookie = AppCookie::open(&self.keys, cookie, app);
            Ok(cookie.map(|cookie| Claim::of_app_session(cookie.id, cookie.account)))
        };
        self.check_claim(TokenDigest::of_app_cookie(app, cookie), claim, client).await
    }

    /// Signs the owner of `session` out of an application, and nowhere else.
    pub async fn leave_app(&self, session: &Session, app: AppId, client: &Client) -> Result<(), db::Error> {
        let (id, account) = (session.id, session.account.id);
        self.transactions
            .run(client, move |tx| {
                tx.lock_account(account)?;
                let left = store::delete(tx, account, id, &app)?;
                tx.record_many(EventKind::AppSignedOut, account, usize::from(left))?;
                Ok::<_, db::Error>(())
            })
            .await
    }

    /// Ends in `tx` what a session of `account` has at applications.
    pub fn leave_all_apps(tx: &mut Transaction<'_>, account: AccountId, session: SessionId) -> QueryResult<()> {
        store::delete_all(tx, account, session)
    }

    /// Returns the applications at which these sessions were used, sorted by id.
    pub async fn apps_of(&self, sessions: Vec<SessionId>) -> Result<Vec<(SessionId, AppId)>, db::Error> {
        self.database.read(move |conn| store::list(conn, &sessions)).await
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn app(id: &str) -> AppId {
        id.parse().unwrap()
    }

    #[test]
    fn cookie_is_good_at_one_application_and_unchanged_only() {
        let keys = Keys::for_tests();
        let cookie = AppCookie { id: AppSessionId::new(), account: AccountId::new() };
        let sealed = cookie.seal(&keys, &app("wiki")).into_bytes();
        assert_eq!(AppCookie::open(&keys, &sealed, &app("wiki")), Some(cookie));
        for other in ["wik", "wiki2", "photos", "w"] {
            assert_eq!(AppCookie::open(&keys, &sealed, &app(other)), None, "{other}");
        }
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            assert_eq!(AppCookie::open(&keys, &changed, &app("wiki")), None, "byte {position}");
        }
    }

    #[test]
    fn digest_differs_between_applications() {
        let digest = |id: &str, cookie: &[u8]| TokenDigest::of_app_cookie(&app(id), cookie);
        assert_ne!(digest("wiki", b"x"), digest("photos", b"x"));
        assert_ne!(digest("wiki", b"sx"), digest("wikis", b"x"));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_no_cookie(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(AppCookie::open(&Keys::for_tests(), &bytes, &app("wiki")), None);
        }
    }
}
