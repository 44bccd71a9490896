//! The activity log: one event for each group of an authentication and each change of an account, for its owner, the
//! operator and the log.
//!
//! A change records its events in its own [`Transaction`](crate::transaction::Transaction). An attempt
//! that was refused, such as a wrong password or a forged token, is counted in memory
//! ([`Events::count`](crate::events::Events::count)), written once a second, and kept as one row an hour for each kind,
//! network and account. This bounds the disk space and the load of the one writer. Refused attempts that need no
//! session are listed apart from other events ([`EventGroup`](crate::events::EventGroup)).

mod buffer;
mod search;
pub(crate) mod store;

use std::time::Duration;

use prometheus_client::metrics::{counter::Counter, family::Family};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use tracing::info;
use uuid::Uuid;

use self::buffer::Buffer;
pub use self::{
    search::{DayCount, EventFilter, EventPage},
    store::Event,
};
use crate::{
    client::Client,
    clock::{Clock, Timestamp},
    db::{self, Database},
    identity::AccountId,
};

/// What happened. Stored and logged by its name in snake case, at most 32 characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum EventKind {
    /// An account was created.
    Registered,
    /// The password was right.
    SignedIn,
    /// The password was wrong, or there is no such account.
    SignInFailed,
    /// The owner of a session gave a wrong password to confirm a change.
    ReauthenticationFailed,
    /// Too many attempts to sign in: the password was not verified.
    SignInThrottled,
    /// The right password was used too often, so it was refused.
    PasswordUseThrottled,
    /// Too many attempts to confirm a change: the password was not verified.
    ReauthenticationThrottled,
    /// Too many new accounts from one network.
    RegistrationThrottled,
    /// The owner signed out.
    SignedOut,
    /// The owner ended a session from another one.
    SessionEnded,
    /// The session was used at an application for the first time.
    AppSignedIn,
    /// The owner signed out of an application only.
    AppSignedOut,
    /// The session that was used least recently ended at a sign-in, because the account had too many.
    SessionReplaced,
    /// The owner gave the password again, before a change.
    Reauthenticated,
    /// The password was changed.
    PasswordChanged,
    /// User name or e-mail address was changed.
    ProfileChanged,
    /// The owner made all browsers unknown that had signed in before.
    DevicesForgotten,
    /// The session reached its idle or absolute limit.
    SessionExpired,
    /// A token that this server did not sign, or that is not for this use.
    TokenRefused,
    /// A refresh token was used again after it was replaced, which ended its session.
    RefreshTokenReused,
    /// A form from another site.
    CrossOriginRefused,
    /// A form without the field that binds it to the session.
    FormRefused,
    /// A request that is no form of this server: malformed, too large, of another type, or with an unknown field.
    RequestRefused,
    /// An operator made an invitation.
    InvitationCreated,
    /// An operator made an invitation invalid.
    InvitationRevoked,
    /// The account was registered with an invitation.
    InvitationUsed,
    /// An operator created the account.
    AccountCreated,
    /// An operator unlocked the account.
    AccountUnlocked,
    /// An operator disabled the account.
    AccountDisabled,
    /// An operator enabled the account.
    AccountEnabled,
    /// An operator ended all sessions of the account.
    AccountSignedOut,
    /// An operator gave the account a role.
    RoleAdded,
    /// An operator took a role from the account.
    RoleRemoved,
    /// An operator made a link to set a new password.
    ResetLinkCreated,
    /// The holder of the link set a new password.
    PasswordReset,
    /// The owner or an operator deleted the account.
    AccountDeleted,
    /// An operator added an application.
    AppAdded,
    /// An operator changed an application.
    AppChanged,
    /// An operator removed an application.
    AppRemoved,
}

impl EventKind {
    /// Returns the name in the log and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether an attacker can cause it without the password or a session.
    #[must_use]
    pub fn is_unauthenticated(self) -> bool {
        matches!(
            self,
            Self::SignInFailed
                | Self::SignInThrottled
                | Self::RegistrationThrottled
                | Self::TokenRefused
                | Self::CrossOriginRefused
        )
    }
}

/// The group of an event. Each is listed apart, so that attacks do not displace the events of the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventGroup {
    /// Events that need the password or a session.
    Authenticated,
    /// Refused attempts, which an attacker can cause without either.
    Unauthenticated,
}

/// A kind as the database holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredKind {
    /// A kind of this release.
    Known(EventKind),
    /// The name of a kind that another release stored.
    Unknown(String),
}

impl StoredKind {
    fn parse(name: String) -> Self {
        name.parse().map_or(Self::Unknown(name), Self::Known)
    }

    /// Returns the stored name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Known(kind) => kind.name(),
            Self::Unknown(name) => name,
        }
    }
}

/// The id of an event: a UUIDv7, so ids sort by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(Uuid);

impl EventId {
    /// Smaller than every id.
    pub(crate) const MIN: Self = Self(Uuid::nil());
    /// Larger than every id.
    const MAX: Self = Self(Uuid::max());

    pub(crate) fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// Returns an id that no event before `at` has, and no event after it is smaller than.
    fn first_at(at: Timestamp) -> Self {
        // The first 48 bits are the milliseconds since 1970 (RFC 9562, 5.7).
        Self(Uuid::from_u128(u128::try_from(at.as_millis()).unwrap_or(0) << 80))
    }

    fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl From<[u8; 16]> for EventId {
    fn from(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl std::fmt::Display for EventId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// An event of a transaction that is not yet committed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recorded {
    pub(crate) kind: EventKind,
    pub(crate) account: Option<AccountId>,
    pub(crate) occurrences: i32,
    /// Who did it, if it was not the owner of the account.
    pub(crate) actor: Option<Actor>,
}

/// Who changes an account that is not their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The operator, at the command line.
    Operator,
    /// An administrator, with this account.
    Administrator(AccountId),
}

impl std::str::FromStr for Actor {
    type Err = uuid::Error;

    /// Reads what `Display` wrote.
    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        match text {
            "operator" => Ok(Self::Operator),
            id => Ok(Self::Administrator(AccountId::from(*Uuid::parse_str(id)?.as_bytes()))),
        }
    }
}

/// As stored and logged.
impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Operator => f.write_str("operator"),
            Self::Administrator(id) => id.fmt(f),
        }
    }
}

impl Recorded {
    /// Writes the log line. Without address and browser: they are personal, and kept where they can be deleted.
    pub(crate) fn log(self) {
        let account = self.account.map(tracing::field::display);
        let actor = self.actor.map(tracing::field::display);
        info!(event = self.kind.name(), account, actor, occurrences = self.occurrences);
    }
}

/// The number of events since the start, by the label `kind`.
pub type EventCounts = Family<[(&'static str, &'static str); 1], Counter>;

/// Reads the activity log and counts the events that are not part of a change.
pub struct Events {
    database: Database,
    buffer: Buffer,
    counts: EventCounts,
}

impl Events {
    /// Returns a log over `database`.
    #[must_use]
    pub fn new(database: Database, clock: Clock) -> Self {
        let events = Self { database, buffer: Buffer::new(clock), counts: EventCounts::default() };
        // From zero, because Prometheus cannot compute the rate of a counter that appears with its first event.
        for kind in EventKind::VARIANTS {
            events.add(*kind, 0);
        }
        events
    }

    /// Returns at most `limit` events of `account` that are older than `before`, the newest first. Goes along an index,
    /// so it costs the same however many there are.
    pub async fn list(
        &self,
        account: AccountId,
        group: EventGroup,
        before: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<Event>, db::Error> {
        self.database.read(move |conn| store::list(conn, account, group, before.unwrap_or(EventId::MAX), limit)).await
    }

    /// Removes address and browser from all events of an account that was deleted, in batches.
    pub async fn anonymize(&self, account: AccountId) -> Result<(), db::Error> {
        for group in [EventGroup::Authenticated, EventGroup::Unauthenticated] {
            let mut after = Some(EventId::MIN);
            while let Some(from) = after {
                after = self.database.write(move |conn| store::anonymize(conn, account, group, from)).await?;
            }
        }
        Ok(())
    }

    /// Counts one event in memory until the next [`Events::flush`]. Runs no query.
    pub fn count(&self, kind: EventKind, account: Option<AccountId>, client: &Client) {
        self.add(kind, 1);
        self.buffer.count(kind, account, client);
    }

    /// Logs and counts an event of a change, after the commit.
    pub(crate) fn committed(&self, event: Recorded) {
        event.log();
        self.add(event.kind, u64::try_from(event.occurrences).unwrap_or_default());
    }

    /// Returns the numbers of events in this process since its start.
    #[must_use]
    pub fn counts(&self) -> EventCounts {
        self.counts.clone()
    }

    fn add(&self, kind: EventKind, occurrences: u64) {
        self.counts.get_or_create(&[("kind", kind.name())]).inc_by(occurrences);
    }

    /// Drops what was counted for an account that was deleted.
    pub fn discard_account(&self, account: AccountId) {
        self.buffer.discard_account(account);
    }

    /// Writes and logs the counted events. What cannot be written is kept for the next time.
    pub async fn flush(&self) -> Result<(), db::Error> {
        self.buffer.flush(&self.database).await
    }

    /// Deletes one batch of events that are older than `age` at `now`. Returns their number.
    pub async fn delete_older_than(&self, age: Duration, now: Timestamp) -> Result<usize, db::Error> {
        let since = now.minus(age);
        self.database.write(move |conn| store::delete_before(conn, since)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back_from_its_stored_name() {
        for kind in EventKind::VARIANTS {
            assert_eq!(kind.name().parse(), Ok(*kind));
            assert!(kind.name().len() <= 32, "{kind}");
        }
    }
}
