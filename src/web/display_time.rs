//! Times and durations as people read them.

use std::time::Duration;

use time::{Date, Time};

use crate::clock::Timestamp;

/// A time in words, with the exact time for machines.
#[derive(Debug)]
pub(crate) struct DisplayTime {
    /// For people.
    pub text: String,
    /// RFC 3339.
    pub exact: String,
}

/// A time as it reads at another time. Clock times are in UTC, because a page without scripts does not know the
/// reader's time zone; for the last hour, the distance needs none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Less than a minute ago.
    JustNow,
    /// Less than an hour ago: minutes, rounded down.
    MinutesAgo(u64),
    /// On the same day.
    Today(Time),
    /// On the day before.
    Yesterday(Time),
    /// On another day.
    On(Date),
}

impl Moment {
    /// Returns how `at` reads at `now`.
    #[must_use]
    pub(crate) fn new(at: Timestamp, now: Timestamp) -> Self {
        // A time in the future, after the clock was set back, reads as a clock time.
        if at <= now {
            match now.since(at).as_secs() / 60 {
                0 => return Self::JustNow,
                minutes @ 1..60 => return Self::MinutesAgo(minutes),
                _ => {}
            }
        }
        let (at, today) = (at.date(), now.date().date());
        match at.date() {
            day if day == today => Self::Today(at.time()),
            day if Some(day) == today.previous_day() => Self::Yesterday(at.time()),
            day => Self::On(day),
        }
    }
}

/// Returns whole seconds, rounded up, at least one.
#[must_use]
pub(crate) fn whole_seconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1)
}

/// How long to wait, rounded up, so that it is never too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Up to 90 seconds.
    Seconds(u64),
    /// Up to 90 minutes.
    Minutes(u64),
    /// Longer.
    Hours(u64),
}

impl From<Duration> for Wait {
    fn from(span: Duration) -> Self {
        match whole_seconds(span) {
            seconds @ 0..=90 => Self::Seconds(seconds),
            seconds @ 91..=5400 => Self::Minutes(seconds.div_ceil(60)),
            seconds => Self::Hours(seconds.div_ceil(3600)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        accounts::Rejection,
        language::Language::{English, Indonesian},
        web::messages::Messages,
    };

    #[test]
    fn time_to_wait_is_rounded_up_to_a_readable_unit() {
        for (milliseconds, english, indonesian) in [
            (0, "1 second", "1 detik"),
            (1, "1 second", "1 detik"),
            (1001, "2 seconds", "2 detik"),
            (64_000, "64 seconds", "64 detik"),
            (91_000, "2 minutes", "2 menit"),
            (3_600_000, "60 minutes", "60 menit"),
            (7_200_001, "3 hours", "3 jam"),
        ] {
            let rejection = Rejection::TooManyRegistrations(Duration::from_millis(milliseconds));
            let text = |language| (Messages::of(language).rejection)(&rejection);
            assert!(text(English).contains(&format!(" Wait {english},")), "{}", text(English));
            assert!(text(Indonesian).contains(&format!(" Tunggu {indonesian},")), "{}", text(Indonesian));
        }
    }

    #[test]
    fn recent_times_are_shown_relative_to_now() {
        let now = Timestamp::from_millis(1_795_305_600_000 + 15 * 3_600_000);
        for (seconds, english, indonesian) in [
            (0, "just now", "baru saja"),
            (59, "just now", "baru saja"),
            (60, "1 minute ago", "1 menit yang lalu"),
            (179, "2 minutes ago", "2 menit yang lalu"),
            (3599, "59 minutes ago", "59 menit yang lalu"),
            (3600, "today at 14:00 UTC", "hari ini pukul 14.00 UTC"),
            (16 * 3600, "yesterday at 23:00 UTC", "kemarin pukul 23.00 UTC"),
            (40 * 3600, "20 November 2026", "20 November 2026"),
            (24 * 30 * 3600, "23 October 2026", "23 Oktober 2026"),
        ] {
            let at = now.minus(Duration::from_secs(seconds));
            assert_eq!(Messages::of(English).time(at, now).text, english);
            assert_eq!(Messages::of(Indonesian).time(at, now).text, indonesian);
        }
        let tomorrow = Messages::of(English).time(now.plus(Duration::from_mins(1)), now);
        assert_eq!(tomorrow.text, "today at 15:01 UTC", "after the clock was set back");
    }
}
