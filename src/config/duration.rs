//! Durations as settings write them: `90s`, `30m`, `12h`, `14d` or `1h 30m`.

use std::time::Duration;

pub(super) const MINUTE: Duration = Duration::from_mins(1);
pub(super) const DAY: Duration = Duration::from_hours(24);
/// 365.25 days, which the unit `y` stands for.
pub(crate) const YEAR: Duration = Duration::from_hours(8766);
const MAX: Duration = Duration::from_hours(87840);

/// Returns a parser of durations from a second to `max`.
pub(crate) fn up_to(max: Duration) -> impl Fn(&str) -> Result<Duration, String> + Clone {
    move |text| parse(text).and_then(|duration| at_most(max, duration))
}

/// Returns a parser of durations from a second to `max`, or zero.
pub(super) fn up_to_or_zero(max: Duration) -> impl Fn(&str) -> Result<Duration, String> + Clone {
    move |text| parse_or_zero(text).and_then(|duration| at_most(max, duration))
}

fn at_most(max: Duration, duration: Duration) -> Result<Duration, String> {
    if duration > max {
        return Err(format!("is longer than {}", humantime::format_duration(max)));
    }
    Ok(duration)
}

/// Parses a duration from a second to ten years.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    match parse_or_zero(text)? {
        Duration::ZERO => Err("must be longer than zero".to_owned()),
        duration => Ok(duration),
    }
}

/// Parses a duration from a second to ten years, or zero.
fn parse_or_zero(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text.trim())
        .map_err(|_| "is not a duration; use for example 90s, 30m, 12h or 14d")?;
    if duration > MAX {
        return Err("is longer than ten years".to_owned());
    }
    if duration > Duration::ZERO && duration < Duration::from_secs(1) {
        return Err("is shorter than a second".to_owned());
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_parses_human_readable_units() {
        for (text, seconds) in [("90s", 90), ("30m", 1800), ("12h", 43_200), ("14d", 1_209_600), ("1h 30m", 5400)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "0s", "10", "-1h", "1 fortnight", "999999y", "1ms", "99999999999999999999s"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse_or_zero("0s"), Ok(Duration::ZERO));
        assert_eq!(up_to(DAY)("1d"), Ok(DAY));
        assert_eq!(up_to(DAY)("25h"), Err("is longer than 1day".to_owned()));
        assert_eq!(up_to_or_zero(MINUTE)("0s"), Ok(Duration::ZERO));
        assert_eq!(up_to_or_zero(MINUTE)("61s"), Err("is longer than 1m".to_owned()));
        assert_eq!(up_to(YEAR)("1y"), Ok(YEAR));
        assert_eq!(up_to(YEAR)("366d"), Err("is longer than 1year".to_owned()));
    }
}
