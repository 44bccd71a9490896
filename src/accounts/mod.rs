//! What can be done with accounts: register, authenticate, change, delete. Knows nothing of HTTP or pages.

mod admin;
mod apps;
mod authenticate;
mod change_language;
mod change_password;
mod change_profile;
mod create;
mod delete;
mod error;
pub mod export;
mod foreign_hashes;
mod forget_devices;
pub mod import;
mod invitations;
mod link;
mod register;
mod reserved_names;
mod reset_password;
mod search;
mod store;
mod validation;
mod verify_password;

use std::{sync::Arc, time::Duration};

pub use self::{
    admin::{AccountDetails, AccountFilter, AdminAction, Administer, Administered, Authorization},
    apps::AppForm,
    authenticate::{SignIn, SignInCounts},
    change_password::ChangePassword,
    change_profile::ChangeProfile,
    create::CreateAccount,
    delete::DeleteAccount,
    error::{Error, FieldError, Rejection},
    forget_devices::{DevicesForgotten, ForgetDevices},
    invitations::{Admission, Invitation, InvitationId, NewInvitation},
    link::LinkToken,
    register::Register,
    reset_password::ResetPassword,
    search::{AccountPage, AccountQuery, ListPosition},
};
use self::{foreign_hashes::ForeignHashes, reserved_names::ReservedNames};
pub use crate::identity::{Account, AccountId, Email, EmailError, LoginName, Username, UsernameError};
use crate::{
    clock::Timestamp,
    config::{Registration, Settings},
    core::Core,
    db,
    keys::Purpose,
    passwords::{Hasher, Policy},
    sessions::{NewSession, Session, Sessions},
    throttle::{self, Throttle},
    worker_pool::JobCounts,
};

/// All accounts.
pub struct Accounts {
    core: Core,
    sessions: Arc<Sessions>,
    hasher: Hasher,
    throttle: Throttle,
    reserved_names: ReservedNames,
    policy: Policy,
    site_name: String,
    registration: Registration,
    recent_sign_in: Duration,
    name_reserved: Duration,
    sign_ins: SignInCounts,
    foreign_hashes: ForeignHashes,
}

/// A person has signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// The account.
    pub account: AccountId,
    /// The new session.
    pub session: NewSession,
}

/// A browser that has signed in to an account before, according to its device cookie. The account may have invalidated
/// the cookie since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// The account.
    pub account: AccountId,
    /// The random id of the browser.
    pub id: [u8; 16],
    /// When the browser last signed in to the account.
    pub signed_in_at: Timestamp,
}

impl Accounts {
    /// Returns all accounts, with the rules of `settings`.
    #[must_use]
    pub fn new(settings: &Settings, core: Core, sessions: Arc<Sessions>, hasher: Hasher) -> Self {
        Self {
            throttle: Throttle::new(settings, Arc::clone(&core.keys)),
            reserved_names: ReservedNames::new(settings),
            core,
            sessions,
            hasher,
            policy: Policy { min_length: usize::from(settings.password_min_length) },
            site_name: settings.site_name.clone(),
            registration: settings.registration,
            recent_sign_in: settings.recent_sign_in,
            name_reserved: settings.name_reserved,
            sign_ins: authenticate::sign_in_counts(),
            foreign_hashes: ForeignHashes::default(),
        }
    }

    /// Whether people may register without an invitation.
    #[must_use]
    pub fn registration_open(&self) -> bool {
        self.registration == Registration::Open
    }

    /// Returns the fewest characters of a new password.
    #[must_use]
    pub fn min_password_length(&self) -> usize {
        self.policy.min_length
    }

    /// Whether the owner of `session` gave the password so recently that a change does not ask for it again (ASVS
    /// 7.5.1).
    #[must_use]
    pub fn recently_authenticated(&self, session: &Session) -> bool {
        self.core.clock.now().since(session.authenticated_at) < self.recent_sign_in
    }

    /// Returns how many passwords were hashed since the start.
    #[must_use]
    pub fn hashes_computed(&self) -> u64 {
        self.hasher.computed()
    }

    /// Returns how many operations were submitted to the hashing threads since the start.
    #[must_use]
    pub fn hashing_jobs(&self) -> u64 {
        self.hasher.submitted()
    }

    /// Returns how long the hashing threads have worked since the start, all together.
    #[must_use]
    pub fn hashing_time(&self) -> Duration {
        self.hasher.busy()
    }

    /// Returns the jobs that wait for the hashing threads, and those that run.
    #[must_use]
    pub fn hashing_queue(&self) -> JobCounts {
        self.hasher.queue()
    }

    /// Returns the numbers of sign-ins in this process since its start.
    #[must_use]
    pub fn sign_in_counts(&self) -> SignInCounts {
        self.sign_ins.clone()
    }

    /// Deletes expired reservations of user names. Returns their number.
    pub async fn release_names(&self) -> Result<usize, db::Error> {
        let now = self.core.clock.now();
        self.core.database.write(move |conn| store::release_names(conn, now)).await
    }

    /// Deletes one batch of expired counters of attempts. Returns their number.
    pub async fn delete_expired_counters(&self) -> Result<usize, db::Error> {
        let now = self.core.clock.now();
        self.core.database.write(move |conn| throttle::delete_expired(conn, now)).await
    }

    /// Returns the names under which attempts at an unknown name are counted and a former name is reserved, under the
    /// current and all previous secrets. Keyed hashes, because people type passwords into the wrong field, and because
    /// the name of a deleted account is personal.
    fn name_hashes(&self, name: &str) -> Vec<[u8; 32]> {
        self.core.keys.all_tags(Purpose::Name, name.as_bytes())
    }

    /// Returns the name under which a former name is reserved from now on.
    fn name_hash(&self, name: &str) -> [u8; 32] {
        self.core.keys.tag(Purpose::Name, name.as_bytes())
    }
}
