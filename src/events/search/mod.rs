//! The activity log of all accounts, for administrators.

mod store;

use std::time::Duration;

use time::Date;

use super::{Event, EventId, EventKind, Events};
use crate::{clock::Timestamp, db, identity::AccountId};

/// How often events of some kinds happened on one day, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayCount {
    day: Timestamp,
    /// How often.
    pub number: i64,
}

impl DayCount {
    /// Returns the day.
    #[must_use]
    pub fn date(&self) -> Date {
        self.day.date().date()
    }
}

/// A day in milliseconds.
const DAY: Duration = Duration::from_hours(24);

/// Which events a list of administrators contains: all by default.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Only those of this account.
    pub account: Option<AccountId>,
    /// Only those of clients with this address.
    pub address: Option<String>,
    /// Only those of this kind.
    pub kind: Option<EventKind>,
    /// Only those before this time.
    pub until: Option<Timestamp>,
}

/// A part of the events that match an [`EventFilter`], the newest first.
#[derive(Debug)]
pub struct EventPage {
    /// The events.
    pub events: Vec<Event>,
    /// Before which event the next part starts, if there may be one.
    pub next: Option<EventId>,
}

impl Events {
    /// Returns at most `limit` events of all accounts that match `filter` and are older than `before`. Looks at a
    /// bounded number of rows, so a part may hold fewer, or none, and still not be the last one.
    pub async fn search(
        &self,
        filter: EventFilter,
        before: Option<EventId>,
        limit: usize,
    ) -> Result<EventPage, db::Error> {
        self.database.read(move |conn| store::search(conn, &filter, before.unwrap_or(EventId::MAX), limit)).await
    }

    /// Counts the events of some kinds on each of the last `days` days up to `now`, the oldest day first. Reads all
    /// entries of these days in an index, so it must not run for each request.
    pub async fn count_by_day(
        &self,
        kinds: &'static [EventKind],
        now: Timestamp,
        days: u16,
    ) -> Result<Vec<DayCount>, db::Error> {
        let today = Timestamp::from_seconds(now.date().date().midnight().assume_utc().unix_timestamp());
        let first = today.minus(DAY * u32::from(days.saturating_sub(1)));
        let counted = (0..u32::from(days)).map(move |day| first.plus(DAY * day));
        self.database
            .read(move |conn| {
                let count = |day: Timestamp| {
                    let number = store::count(conn, kinds, day, day.plus(DAY))?;
                    Ok(DayCount { day, number })
                };
                counted.clone().map(count).collect()
            })
            .await
    }
}
