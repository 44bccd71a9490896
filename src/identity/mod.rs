//! Who an account is: its id, its names, and how a typed login is read. Values only, without I/O.

mod email;
mod login_name;
mod role;
mod username;

use std::{fmt, str::FromStr};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};
use uuid::Uuid;

pub(crate) use self::role::is_identifier;
pub use self::{
    email::{Email, EmailError},
    login_name::LoginName,
    role::{Role, RoleError},
    username::{Username, UsernameError},
};
use crate::{clock::Timestamp, language::Language};

/// The id of an account: a UUIDv7 (RFC 9562), so ids sort by the time of their creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(Uuid);

impl AccountId {
    /// Returns a new id.
    #[must_use]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// Returns the 16 bytes of the id.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl Default for AccountId {
    fn default() -> Self {
        Self::new()
    }
}

impl From<[u8; 16]> for AccountId {
    fn from(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl FromStr for AccountId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An account, as pages and sessions know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its user name.
    pub username: Username,
    /// Its e-mail address. An imported account may have none until its owner adds one.
    pub email: Option<Email>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its user name, e-mail address or roles were last changed.
    pub updated_at: Timestamp,
    /// Its id in the system that it was imported from.
    pub legacy_id: Option<String>,
    /// The language that its owner chose.
    pub language: Option<Language>,
    /// Its roles, sorted.
    pub roles: Vec<Role>,
}

impl Account {
    /// Whether its owner administers this server.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.roles.iter().any(Role::is_admin)
    }
}

/// Whether the owner of an account can sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, ValueEnum)]
#[strum(serialize_all = "snake_case")]
pub enum AccountState {
    /// Yes
    Active,
    /// Only from a known browser, after too many failed attempts
    Locked,
    /// No, because an operator disabled it
    Disabled,
}

impl AccountState {
    /// Returns the state of an account. Disabled comes first.
    #[must_use]
    pub fn new(disabled: bool, locked: bool) -> Self {
        match (disabled, locked) {
            (true, _) => Self::Disabled,
            (false, true) => Self::Locked,
            (false, false) => Self::Active,
        }
    }

    /// Returns its name for operators.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}
