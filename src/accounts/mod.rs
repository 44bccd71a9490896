//! What can be done with accounts: register, authenticate, change password and names. The only door to them. Knows nothing of HTTP or pages.

mod authenticate;
mod change_password;
mod change_profile;
mod delete;
mod email;
mod register;
mod store;
mod username;
mod verify_password;

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

pub use self::{
    authenticate::{SignIn, SignInOutcome},
    change_password::PasswordChange,
    change_profile::ProfileChange,
    delete::Deletion,
    email::{Email, EmailError},
    register::{Mistake, RegisterOutcome, Registration},
    username::{Username, UsernameError},
};
use crate::{
    client::Client,
    clock::{Clock, Timestamp},
    config::{self, Settings},
    db::{self, Database},
    events::{self, Kind, Notes},
    keys::Keys,
    passwords::{Hasher, Policy},
    sessions::{Opened, Sessions},
    throttle::{Throttle, Throttled},
    worker_pool::JobFailed,
};

/// All accounts.
pub struct Accounts {
    database: Database,
    keys: Arc<Keys>,
    clock: Clock,
    notes: Arc<Notes>,
    sessions: Arc<Sessions>,
    hasher: Hasher,
    throttle: Throttle,
    policy: Policy,
    site: String,
    open: bool,
    recent: Duration,
    name_reserved: Duration,
}

/// Somebody is signed in now.
#[derive(Debug)]
pub struct SignedIn {
    /// The account.
    pub account: Uuid,
    /// The session that began.
    pub session: Opened,
}

impl SignedIn {
    /// After the transaction; says in the log what happened in it.
    fn new(how: Kind, account: Uuid, session: Opened, client: &Client) -> Self {
        if session.replaced.is_some() {
            events::log(Kind::SignedOut, session.replaced, client);
        }
        events::log(how, Some(account), client);
        Self { account, session }
    }
}

/// Why a change was not made.
#[derive(Debug)]
pub enum Refused {
    /// Every mistake of the form, in the order of its fields.
    Mistakes(Vec<Mistake>),
    /// Too many attempts.
    Throttled(Throttled),
    /// Too much to do right now.
    Busy,
}

/// A browser that has signed in before, as its cookie says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// To which account.
    pub account: Uuid,
    /// Which browser.
    pub id: [u8; 16],
}

/// Why nothing came of it, for no fault of the person's.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// See there.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// See there.
    #[error(transparent)]
    Hashing(#[from] JobFailed),
}

impl Accounts {
    /// With the rules of `settings`.
    #[must_use]
    pub fn new(
        settings: &Settings,
        database: Database,
        keys: Arc<Keys>,
        clock: Clock,
        notes: Arc<Notes>,
        sessions: Arc<Sessions>,
        hasher: Hasher,
    ) -> Self {
        Self {
            database,
            keys,
            clock,
            notes,
            sessions,
            hasher,
            throttle: Throttle::new(settings),
            policy: Policy { min_length: usize::from(settings.password_min_length) },
            site: settings.site_name.clone(),
            open: settings.registration == config::Registration::Open,
            recent: settings.recent_sign_in,
            name_reserved: settings.name_reserved,
        }
    }

    /// Whether anybody may make an account.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// The fewest characters of a new password.
    #[must_use]
    pub fn min_password_length(&self) -> usize {
        self.policy.min_length
    }

    /// How many password hashes were computed since the start.
    #[must_use]
    pub fn hashes_computed(&self) -> u64 {
        self.hasher.computed()
    }

    /// How long the threads that hash were at work since the start.
    #[must_use]
    pub fn time_hashing(&self) -> Duration {
        self.hasher.busy()
    }

    /// Lets go of names of deleted accounts whose time is over; tells how many.
    pub async fn release_names(&self) -> Result<usize, db::Error> {
        let now = self.clock.now();
        self.database.write(move |conn| store::release_names(conn, now)).await
    }

    /// Removes counters that no longer mean anything, a batch; tells how many.
    pub async fn forget_failures(&self) -> Result<usize, db::Error> {
        let (throttle, now) = (self.throttle, self.clock.now());
        self.database.write(move |conn| throttle.delete_expired(conn, now)).await
    }
}

/// Opens the password path of the account that `login` names, if there is one, for an administrator.
pub async fn unlock(database: &Database, settings: &Settings, login: &str, now: Timestamp) -> Result<bool, db::Error> {
    let (throttle, name, client) = (Throttle::new(settings), verify_password::Name::parse(login), Client::local());
    database
        .write(move |conn| {
            let Some(credential) = store::find(conn, &name)? else {
                return Ok(false);
            };
            throttle.unlock(conn, credential.id)?;
            events::record(conn, Kind::AccountUnlocked, Some(credential.id), &client, now)?;
            Ok(true)
        })
        .await
}
