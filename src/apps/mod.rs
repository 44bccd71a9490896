//! The applications that use Gatehouse: which they are, who may enter, and the tokens that they take.
//!
//! Operators and administrators change them in the database. A server has all of them in memory, so that a request
//! costs no query, and reads them again each second ([`Apps::reload`](crate::apps::Apps::reload)).

mod app;
mod error;
mod store;
mod token;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use parking_lot::RwLock;
use secrecy::ExposeSecret;
use tracing::warn;

use self::store::Row;
pub use self::{
    app::{App, AppChange, AppId, AppIdError, Change},
    error::{Error, Rejection},
    token::{AppTokens, Hs256Secret, Hs256SecretError, TokenFacts, TokenFormat, UnreadableSecret},
};
use crate::{
    client::Client,
    clock::Timestamp,
    config::{PublicUrl, Settings},
    core::Core,
    db,
    events::{Actor, EventKind},
    identity::Role,
    keys::{Decrypted, EncryptedUnder, Keys},
    transaction::Transaction,
};

/// The most applications. Bounds the memory of a server, and what it reads each second.
pub(crate) const MAX_APPS: usize = 1000;
/// The most roles of an application. The column has 1,024 bytes.
pub(crate) const MAX_ROLES: usize = 30;
/// The most origins of an application whose scripts may call the JSON API.
pub(crate) const MAX_CORS_ORIGINS: usize = 30;

/// All applications.
pub struct Apps {
    core: Core,
    /// The URL of Gatehouse itself, as far as the settings tell.
    own_url: Option<PublicUrl>,
    snapshot: RwLock<Snapshot>,
    /// One at a time, so that an older list never replaces a newer one.
    reloading: tokio::sync::Mutex<()>,
}

/// The applications as the database had them at one moment.
#[derive(Default)]
struct Snapshot {
    rows: Vec<Row>,
    apps: HashMap<AppId, Arc<App>>,
    /// The origins of all applications whose scripts may call the JSON API.
    origins: HashSet<String>,
}

impl Snapshot {
    fn new(rows: Vec<Row>, keys: &Keys) -> Self {
        let apps: HashMap<_, _> = rows.iter().map(|row| (row.id.clone(), Arc::new(row.app(keys)))).collect();
        let origins = apps.values().flat_map(|app| &app.cors).map(|url| url.origin().to_owned()).collect();
        Self { rows, apps, origins }
    }
}

impl Row {
    /// Returns the row of an application that has nothing but an id.
    fn new(id: AppId, now: Timestamp) -> Self {
        Self {
            name: id.to_string(),
            id,
            url: None,
            roles: String::new(),
            cors: String::new(),
            tokens: None,
            hs256_secret: None,
            created_at: now,
        }
    }

    /// Returns what the row says. What cannot be parsed was stored by a newer release, and is left out.
    fn app(&self, keys: &Keys) -> App {
        let secret = self.secret(keys);
        if self.hs256_secret.is_some() && secret.is_none() {
            warn!(app = %self.id, "could not decrypt the HS256 secret, set it again with gatehouse app set");
        }
        let secret = secret.as_ref().map(|secret| secret.plaintext.expose_secret());
        App {
            id: self.id.clone(),
            name: self.name.clone(),
            url: self.url(),
            roles: self.roles.split_whitespace().filter_map(|role| role.parse().ok()).collect(),
            cors: self.cors.split_whitespace().filter_map(|origin| origin.parse().ok()).collect(),
            tokens: self.tokens.as_ref().and_then(|name| Some(AppTokens::new(name.parse().ok()?, secret))),
            created_at: self.created_at,
        }
    }

    fn url(&self) -> Option<PublicUrl> {
        self.url.as_ref()?.parse().ok()
    }

    fn secret(&self, keys: &Keys) -> Option<Decrypted> {
        keys.decrypt(&secret_context(&self.id), self.hs256_secret.as_ref()?)
    }
}

/// Returns the context of an encrypted secret. With it, the secret of one application is invalid in the row of another.
fn secret_context(id: &AppId) -> String {
    format!("apps.hs256_secret {id}")
}

/// A change in the form of the columns.
#[derive(Debug)]
pub(crate) struct RowChange {
    name: Option<String>,
    url: Change<String>,
    roles: Option<String>,
    cors: Option<String>,
    tokens: Change<(&'static str, Option<Vec<u8>>)>,
}

impl RowChange {
    fn apply(&self, row: &mut Row) {
        if let Some(name) = &self.name {
            row.name.clone_from(name);
        }
        match &self.url {
            Change::Keep => {}
            Change::Clear => row.url = None,
            Change::Set(url) => row.url = Some(url.clone()),
        }
        if let Some(roles) = &self.roles {
            row.roles.clone_from(roles);
        }
        if let Some(cors) = &self.cors {
            row.cors.clone_from(cors);
        }
        match &self.tokens {
            Change::Keep => {}
            Change::Clear => (row.tokens, row.hs256_secret) = (None, None),
            Change::Set((format, secret)) => {
                row.tokens = Some((*format).to_owned());
                if secret.is_some() {
                    row.hs256_secret.clone_from(secret);
                }
            }
        }
    }
}

impl Apps {
    /// Returns the applications of the database of `core`. A server knows them after the first [`Apps::reload`].
    #[must_use]
    pub fn new(settings: &Settings, core: Core) -> Self {
        // A command does not know which free port a server has picked; then the URL of Gatehouse is in no setting.
        let own_url = settings.public_url(settings.listen).ok();
        Self { core, own_url, snapshot: RwLock::default(), reloading: tokio::sync::Mutex::default() }
    }

    /// Returns the application with this id, as of the last [`Apps::reload`]. Runs no query.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Arc<App>> {
        self.snapshot.read().apps.get(id).cloned()
    }

    /// Returns the applications with an origin that an account with these roles may enter, sorted by name, as of the
    /// last [`Apps::reload`]. Runs no query.
    #[must_use]
    pub fn open_to(&self, roles: &[Role]) -> Vec<Arc<App>> {
        let snapshot = self.snapshot.read();
        let admitted = snapshot.apps.values().filter(|app| app.url.is_some() && app.admits(roles));
        let mut apps: Vec<_> = admitted.cloned().collect();
        drop(snapshot);
        apps.sort_by_cached_key(|app| (app.name.to_lowercase(), app.id.clone()));
        apps
    }

    /// Whether the scripts of an origin may call the JSON API, given the `Origin` header of a browser. Runs no query.
    #[must_use]
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.snapshot.read().origins.contains(origin)
    }

    /// Reads all applications from the database. If that fails, those that are in memory stay.
    pub async fn reload(&self) -> Result<(), db::Error> {
        let _reloading = self.reloading.lock().await;
        let rows = self.core.database.read(store::list).await?;
        if self.snapshot.read().rows != rows {
            let snapshot = Snapshot::new(rows, &self.core.keys);
            *self.snapshot.write() = snapshot;
        }
        Ok(())
    }

    /// Encrypts the secrets that are encrypted under a previous signing secret under the current one, so that the
    /// previous one can be deleted.
    pub async fn renew_secrets(&self) -> Result<(), db::Error> {
        let keys = Arc::clone(&self.core.keys);
        let renew = move |conn: &mut db::AnyConnection| {
            store::lock(conn)?;
            let mut exposed = Vec::new();
            for mut row in store::list(conn)? {
                let Some(Decrypted { plaintext, under }) = row.secret(&keys) else { continue };
                if under != EncryptedUnder::Current {
                    row.hs256_secret = Some(keys.encrypt(&secret_context(&row.id), plaintext.expose_secret()));
                    store::update(conn, &row)?;
                    exposed.extend((under == EncryptedUnder::Compromised).then_some(row.id));
                }
            }
            Ok(exposed)
        };
        for app in self.core.database.write(renew).await? {
            warn!(%app, "the HS256 secret was encrypted under a signing secret that others may know, replace it");
        }
        Ok(())
    }

    /// Returns all applications, sorted by id.
    pub async fn list(&self) -> Result<Vec<App>, db::Error> {
        let rows = self.core.database.read(store::list).await?;
        Ok(rows.iter().map(|row| row.app(&self.core.keys)).collect())
    }

    /// Returns at most `limit` applications whose ids come after this one, sorted by id.
    pub async fn list_after(&self, id: Option<AppId>, limit: usize) -> Result<Vec<App>, db::Error> {
        let rows = self.core.database.read(move |conn| store::list_after(conn, id.as_ref(), limit)).await?;
        Ok(rows.iter().map(|row| row.app(&self.core.keys)).collect())
    }

    /// Returns the application with this id.
    pub async fn find(&self, id: AppId) -> Result<Option<App>, db::Error> {
        let row = self.core.database.read(move |conn| store::find(conn, &id)).await?;
        Ok(row.map(|row| row.app(&self.core.keys)))
    }

    /// Adds an application, for the operator at the command line.
    pub async fn add(&self, id: AppId, form: AppChange, client: &Client) -> Result<(), Error> {
        let change = self.prepare(&id, form)?;
        self.core.transactions.run(client, move |tx| Self::insert(tx, Actor::Operator, &id, &change)).await
    }

    /// Changes an application, for the operator at the command line.
    pub async fn set(&self, id: AppId, form: AppChange, client: &Client) -> Result<(), Error> {
        let change = self.prepare(&id, form)?;
        self.core.transactions.run(client, move |tx| Self::update(tx, Actor::Operator, &id, &change)).await
    }

    /// Removes an application, for the operator at the command line.
    pub async fn remove(&self, id: AppId, client: &Client) -> Result<(), Error> {
        self.core.transactions.run(client, move |tx| Self::delete(tx, Actor::Operator, &id)).await
    }

    /// Checks a change as far as that needs no query, and encrypts its secret for the application `id`.
    pub(crate) fn prepare(&self, id: &AppId, form: AppChange) -> Result<RowChange, Rejection> {
        let AppChange { name, url, roles, cors, tokens } = form;
        let roles = roles.map(|roles| roles.iter().map(Role::to_string).collect::<BTreeSet<_>>());
        let cors = cors.map(|cors| cors.iter().map(|url| url.origin().to_owned()).collect::<BTreeSet<_>>());
        if roles.as_ref().is_some_and(|roles| roles.len() > MAX_ROLES) {
            return Err(Rejection::TooManyRoles);
        }
        if cors.as_ref().is_some_and(|cors| cors.len() > MAX_CORS_ORIGINS) {
            return Err(Rejection::TooManyOrigins);
        }
        let join = |texts: BTreeSet<String>| texts.into_iter().collect::<Vec<_>>().join(" ");
        Ok(RowChange {
            name,
            url: match url {
                Change::Keep => Change::Keep,
                Change::Clear => Change::Clear,
                Change::Set(url) if self.is_own_host(&url) => return Err(Rejection::UrlIsOwn),
                Change::Set(url) => Change::Set(url.origin().to_owned()),
            },
            roles: roles.map(join),
            cors: cors.map(join),
            tokens: match tokens {
                Change::Keep => Change::Keep,
                Change::Clear => Change::Clear,
                Change::Set((format, secret)) => {
                    let encrypt = |secret: Hs256Secret| self.core.keys.encrypt(&secret_context(id), secret.expose());
                    Change::Set((format.name(), secret.map(encrypt)))
                }
            },
        })
    }

    /// Whether a URL has the host of Gatehouse, whose session cookie would reach the application. On a loopback host,
    /// where people try Gatehouse with an application on another port, only the same origin is meant.
    fn is_own_host(&self, url: &PublicUrl) -> bool {
        self.own_url.as_ref().is_some_and(|own| own == url || (own.has_host_of(url) && !own.is_loopback()))
    }

    /// Adds an application in `tx`.
    pub(crate) fn insert(tx: &mut Transaction<'_>, actor: Actor, id: &AppId, change: &RowChange) -> Result<(), Error> {
        store::lock(tx.conn)?;
        if store::find(tx.conn, id)?.is_some() {
            return Err(Rejection::IdTaken.into());
        }
        if usize::try_from(store::count(tx.conn)?).is_ok_and(|count| count >= MAX_APPS) {
            return Err(Rejection::TooManyApps.into());
        }
        let mut row = Row::new(id.clone(), tx.now);
        change.apply(&mut row);
        refuse_tokens_without_secret(&row)?;
        refuse_taken_host(tx, &row)?;
        store::insert(tx.conn, &row)?;
        tx.record_without_account(actor, EventKind::AppAdded)?;
        Ok(())
    }

    /// Changes an application in `tx`.
    pub(crate) fn update(tx: &mut Transaction<'_>, actor: Actor, id: &AppId, change: &RowChange) -> Result<(), Error> {
        store::lock(tx.conn)?;
        let before = store::find(tx.conn, id)?.ok_or(Rejection::NoSuchApp)?;
        let mut after = before.clone();
        change.apply(&mut after);
        // A change of nothing is done, and no event.
        if after != before {
            refuse_tokens_without_secret(&after)?;
            refuse_taken_host(tx, &after)?;
            store::update(tx.conn, &after)?;
            tx.record_without_account(actor, EventKind::AppChanged)?;
        }
        Ok(())
    }

    /// Removes an application in `tx`.
    pub(crate) fn delete(tx: &mut Transaction<'_>, actor: Actor, id: &AppId) -> Result<(), Error> {
        store::lock(tx.conn)?;
        if !store::delete(tx.conn, id)? {
            return Err(Rejection::NoSuchApp.into());
        }
        tx.record_without_account(actor, EventKind::AppRemoved)?;
        Ok(())
    }
}

/// Rejects a URL with the host of another application. Cookies are sent to every port of a host (RFC 6265, 8.5), so
/// each of the two would get the cookie of the other, and replace it by its own.
fn refuse_taken_host(tx: &mut Transaction<'_>, row: &Row) -> Result<(), Error> {
    let Some(url) = row.url() else { return Ok(()) };
    let mut others = store::list(tx.conn)?.into_iter().filter(|other| other.id != row.id);
    match others.find(|other| other.url().is_some_and(|other| other.has_host_of(&url))) {
        Some(owner) => Err(Rejection::UrlTaken(owner.id).into()),
        None => Ok(()),
    }
}

/// Rejects a format that can only be signed with a secret, without one.
fn refuse_tokens_without_secret(row: &Row) -> Result<(), Rejection> {
    if row.tokens.is_some() && row.hs256_secret.is_none() { Err(Rejection::SecretMissing) } else { Ok(()) }
}
