//! Time. All code that decides by the time asks a [`Clock`](crate::clock::Clock), so that a test can move it by a year
//! without waiting.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A point in time in whole milliseconds since 1970-01-01 UTC.
///
/// An integer, because SQLite stores nanoseconds of a date and MySQL microseconds. Both return, sort and compare an
/// integer exactly as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Timestamp(pub(crate) i64);

impl Timestamp {
    /// Later than every other timestamp.
    pub const MAX: Self = Self(i64::MAX);

    /// Returns the timestamp of `milliseconds` after 1970-01-01 UTC.
    #[must_use]
    pub const fn from_millis(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// Returns the timestamp of `seconds` after 1970-01-01 UTC.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Returns the milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns the whole seconds since 1970-01-01 UTC, the `NumericDate` of JWT claims (RFC 7519, 2).
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Returns the time from `earlier` to this timestamp, or zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Returns the timestamp `span` after this one.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// Returns the timestamp `span` before this one.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }

    /// Returns the date and time in UTC, or 1970-01-01 if `time` cannot represent it.
    #[must_use]
    pub fn date(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

/// Returns `at` in RFC 3339, or `None` beyond the year 9999.
#[must_use]
pub fn rfc3339(at: Timestamp) -> Option<String> {
    at.date().format(&Rfc3339).ok()
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// The source of the current time: the system clock, or a paused clock that a test moves.
#[derive(Debug, Clone)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// Returns the system clock.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// Returns a clock that shows `moment` until [`Clock::advance`] moves it. Clones share the time.
    #[must_use]
    pub fn paused_at(moment: Timestamp) -> Self {
        Self(Some(Arc::new(AtomicI64::new(moment.0))))
    }

    /// Moves a paused clock forward. Has no effect on the system clock.
    pub fn advance(&self, span: Duration) {
        if let Some(moment) = &self.0 {
            moment.fetch_add(millis(span), Ordering::SeqCst);
        }
    }

    /// Returns the current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Some(moment) => Timestamp(moment.load(Ordering::SeqCst)),
            // Not by way of a date, whose nanoseconds are divided as 128-bit integers.
            None => Timestamp(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, millis)),
        }
    }
}
