//! Times and durations as people read them.

use std::time::Duration;

use time::format_description::well_known::Rfc3339;

use crate::clock::Timestamp;

/// A time in words, with the exact time for machines.
#[derive(Debug)]
pub(crate) struct DisplayTime {
    /// For people.
    pub text: String,
    /// RFC 3339.
    pub exact: String,
}

impl DisplayTime {
    /// Returns `at` as it reads at `now`.
    #[must_use]
    pub(crate) fn new(at: Timestamp, now: Timestamp) -> Self {
        Self { text: date(at, now), exact: rfc3339(at).unwrap_or_default() }
    }
}

/// Returns `at` in RFC 3339, or `None` beyond the year 9999.
#[must_use]
pub(crate) fn rfc3339(at: Timestamp) -> Option<String> {
    at.date().format(&Rfc3339).ok()
}

/// Returns today and yesterday with the time, other days with the date. In UTC, because a page without scripts does not
/// know the reader's time zone.
fn date(at: Timestamp, now: Timestamp) -> String {
    let (at, today) = (at.date(), now.date().date());
    let day = match at.date() {
        day if day == today => "today",
        day if Some(day) == today.previous_day() => "yesterday",
        day => return format!("{} {} {}", day.day(), day.month(), day.year()),
    };
    format!("{day} at {:02}:{:02} UTC", at.hour(), at.minute())
}

/// Returns whole seconds, rounded up, at least one.
#[must_use]
pub(crate) fn whole_seconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1)
}

/// Returns a duration in words, rounded up, so that it is never too short to wait.
#[must_use]
pub(crate) fn duration(span: Duration) -> String {
    let seconds = whole_seconds(span);
    let (number, unit) = match seconds {
        0..=90 => (seconds, "second"),
        91..=5400 => (seconds.div_ceil(60), "minute"),
        _ => (seconds.div_ceil(3600), "hour"),
    };
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_text_is_rounded_up_to_a_readable_unit() {
        for (milliseconds, text) in [
            (0, "1 second"),
            (1, "1 second"),
            (1001, "2 seconds"),
            (64_000, "64 seconds"),
            (91_000, "2 minutes"),
            (3_600_000, "60 minutes"),
            (7_200_001, "3 hours"),
        ] {
            assert_eq!(duration(Duration::from_millis(milliseconds)), text);
        }
    }

    #[test]
    fn recent_dates_are_shown_relative_to_today() {
        let now = Timestamp::from_millis(1_795_305_600_000 + 15 * 3_600_000);
        let ago = |hours: u64| date(now.minus(Duration::from_secs(hours * 3600)), now);
        assert_eq!(ago(1), "today at 14:00 UTC");
        assert_eq!(ago(16), "yesterday at 23:00 UTC");
        assert_eq!(ago(24 * 30), "23 October 2026");
    }
}
