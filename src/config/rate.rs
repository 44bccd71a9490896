//! Rate limits as settings write them: `20/1h`, or `0` for no limit.

use std::{str::FromStr, time::Duration};

use super::duration::{self, DAY};

/// Counters are 32 bits wide, and a higher limit limits nothing.
const MAX_LIMIT: u32 = 1_000_000;
/// An expired window is deleted; a longer one would keep the counters of every visitor.
const MAX_PERIOD: Duration = DAY.saturating_mul(30);

/// A limit on how often something may happen in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many times in one period; 0 = no limit.
    pub limit: u32,
    /// The length of the period.
    pub period: Duration,
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim() == "0" {
            return Ok(Self { limit: 0, period: Duration::ZERO });
        }
        let message = "is not a rate; use a number, a slash and a duration, for example 20/1h, or 0 for no limit";
        let (limit, period) = text.split_once('/').ok_or(message)?;
        let limit = limit.trim().parse().map_err(|_| message)?;
        if limit > MAX_LIMIT {
            return Err(format!("is more than {MAX_LIMIT}; use 0 for no limit"));
        }
        Ok(Self { limit, period: duration::up_to(MAX_PERIOD)(period)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_parses_count_per_period() {
        let rate: Rate = "20/1h".parse().unwrap();
        assert_eq!((rate.limit, rate.period), (20, Duration::from_hours(1)));
        assert_eq!("0".parse::<Rate>().unwrap().limit, 0);
        for text in ["", "20", "/1h", "20/", "20/0s", "-1/1h", "20/1h/1h", "1000001/1h", "20/31d"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
