//! Hours of the day in which a batch may call: `22:00-06:00`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MINUTES: u16 = 24 * 60;

/// From one time of the day up to another, perhaps over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    from: u16,
    to: u16,
}

/// Not a span of hours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a span of hours such as 22:00-06:00")]
pub struct NotHours(pub String);

impl Hours {
    /// How long to wait at this time of the day until calls may be made, in milliseconds; `None`:
    /// now. `of_day`: milliseconds since midnight.
    #[must_use]
    pub fn wait_ms(self, of_day: u32) -> Option<u32> {
        let minute = of_day / 60_000 % u32::from(MINUTES);
        let (from, to) = (u32::from(self.from), u32::from(self.to));
        let is_open = if from < to {
            (from..to).contains(&minute)
        } else {
            minute >= from || minute < to
        };
        if is_open {
            return None;
        }
        let day = u32::from(MINUTES) * 60_000;
        Some((from * 60_000 + day - of_day % day) % day)
    }

    /// When calls begin: "22:00".
    #[must_use]
    pub fn opens_at(self) -> String {
        clock(self.from)
    }
}

fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}-{}", clock(self.from), clock(self.to)))
    }
}

impl FromStr for Hours {
    type Err = NotHours;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let minutes = |time: &str| {
            let (hours, minutes) = time.trim().split_once(':').unwrap_or((time.trim(), "0"));
            let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
            let total = hours.checked_mul(60)?.checked_add(minutes)?;
            (minutes < 60 && total <= MINUTES).then_some(total % MINUTES)
        };
        let span = text.split_once(['-', '–']);
        let span = span.and_then(|(from, to)| Some((minutes(from)?, minutes(to)?)));
        match span {
            Some((from, to)) if from != to => Ok(Self { from, to }),
            _ => Err(NotHours(text.to_owned())),
        }
    }
}

impl Serialize for Hours {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u32 = 3_600_000;

    #[test]
    fn a_night_goes_over_midnight() {
        let night: Hours = "22:00-06:00".parse().unwrap();
        assert_eq!(night.to_string(), "22:00-06:00");
        assert_eq!(night.wait_ms(23 * HOUR), None);
        assert_eq!(night.wait_ms(5 * HOUR + 3_599_999), None);
        assert_eq!(night.wait_ms(6 * HOUR), Some(16 * HOUR));
        assert_eq!(night.wait_ms(22 * HOUR - 1), Some(1));
    }

    #[test]
    fn a_day_is_between_two_times() {
        let day: Hours = "8-17:30".parse().unwrap();
        assert_eq!(day.wait_ms(8 * HOUR), None);
        assert_eq!(day.wait_ms(17 * HOUR + HOUR / 2), Some(14 * HOUR + HOUR / 2));
        assert_eq!(day.wait_ms(0), Some(8 * HOUR));
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in ["", "22:00", "25:00-06:00", "10:60-11:00", "8-8", "a-b", "-1-2"] {
            assert!(text.parse::<Hours>().is_err(), "{text}");
        }
    }
}
