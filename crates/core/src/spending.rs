//! What all batches together may spend a day and a month.
//!
//! The wall of a batch is its own budget, kept call by call. These limits stand above:
//! when what was settled reaches one, whoever works on a batch pauses it with the
//! reason. Calls in flight at that moment are still paid.

use serde::{Deserialize, Serialize};

use crate::money::Usd;
use crate::time::Timestamp;

const DAY_MS: i64 = 24 * 3600 * 1000;

/// The limits, in nano-dollars where they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// A day, from midnight UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<Usd>,
    /// A month, from its first day, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month: Option<Usd>,
}

/// What was spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// Since midnight UTC.
    pub day: Usd,
    /// Since the first of the month, UTC.
    pub month: Usd,
    /// Documents completed since midnight UTC.
    pub documents: u64,
}

/// Why no more may be spent, if that is so.
#[must_use]
pub fn reached(spent: &Spent, limits: &Limits) -> Option<String> {
    let over = |spent: Usd, limit: Option<Usd>| limit.filter(|limit| spent >= *limit);
    if let Some(limit) = over(spent.day, limits.day) {
        return Some(format!(
            "{} was spent today, and {limit} a day is the limit of all batches together; raise it with docmill limits or in the settings, or resume tomorrow",
            spent.day
        ));
    }
    over(spent.month, limits.month).map(|limit| {
        format!(
            "{} was spent this month, and {limit} a month is the limit of all batches together; raise it with docmill limits or in the settings",
            spent.month
        )
    })
}

/// Midnight before this time, UTC.
#[must_use]
pub fn start_of_day(now: Timestamp) -> Timestamp {
    Timestamp(now.0.div_euclid(DAY_MS) * DAY_MS)
}

/// The first of this time's month, UTC.
#[must_use]
pub fn start_of_month(now: Timestamp) -> Timestamp {
    let days = now.0.div_euclid(DAY_MS);
    Timestamp((days - i64::from(day_of_month(days)) + 1) * DAY_MS)
}

/// The day of the month of a day since 1970-01-01: counted in eras of 400 years that begin in
/// March, so that the leap day comes last.
fn day_of_month(days: i64) -> u32 {
    let day_of_era = (days + 719_468).rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    u32::try_from(day_of_year - (153 * month + 2) / 5 + 1).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_on_its_first_day() {
        let day = |days: i64| Timestamp(days * DAY_MS);
        // 2026-11-23T12:00:00Z
        assert_eq!(start_of_month(Timestamp(1_795_435_200_000)), day(20_758));
        assert_eq!(start_of_day(Timestamp(1_795_435_200_000)), day(20_780));
        // 2024-02-29 and 2024-03-01; 1970-01-01; 1969-12-31.
        assert_eq!(start_of_month(day(19_782)), day(19_754));
        assert_eq!(start_of_month(day(19_783)), day(19_783));
        assert_eq!(start_of_month(day(0)), day(0));
        assert_eq!(start_of_month(day(-1)), day(-31));
    }

    #[test]
    fn a_limit_is_reached_at_its_last_cent() {
        let usd = |nanos| Some(Usd::from_nanos(nanos));
        let spent = Spent {
            day: Usd::from_nanos(5_000_000_000),
            month: Usd::from_nanos(50_000_000_000),
            documents: 0,
        };
        let limits = |day, month| Limits { day, month };
        assert_eq!(reached(&spent, &Limits::default()), None);
        assert_eq!(
            reached(&spent, &limits(usd(5_000_000_001), usd(50_000_000_001))),
            None
        );
        assert!(reached(&spent, &limits(usd(5_000_000_000), None)).is_some_and(|why| why.contains("today")));
        let month = reached(&spent, &limits(None, usd(50_000_000_000)));
        assert!(month.is_some_and(|why| why.contains("this month")));
    }
}
