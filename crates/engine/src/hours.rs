//! Hours in which a batch may call (`--between`), by the clock of the place where docmill runs.

use std::time::Duration;

use chrono::{DateTime, Local, Timelike, Utc};
use docmill_core::batch::BatchState;
use docmill_core::hours::Hours;
use docmill_core::plan::Plan;
use docmill_core::time::Timestamp;

/// How long until calls may be made; `None`: now.
pub(crate) fn until_open(between: Option<Hours>, now: Timestamp) -> Option<Duration> {
    let here: DateTime<Local> = DateTime::<Utc>::from_timestamp_millis(now.0)?.into();
    let of_day = here.num_seconds_from_midnight() * 1000 + here.timestamp_subsec_millis().min(999);
    let wait = between?.wait_ms(of_day)?;
    Some(Duration::from_millis(u64::from(wait)))
}

/// Why a running batch makes no calls now, if its hours are the reason.
#[must_use]
pub fn waiting(plan: &Plan, state: BatchState, now: Timestamp) -> Option<String> {
    let between = plan.between?;
    until_open(Some(between), now)?;
    let says = format!("waits until {}: it calls between {between}", between.opens_at());
    (state == BatchState::Running).then_some(says)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hours_are_those_of_the_place() {
        let now = Timestamp(1_795_435_200_000);
        let here: DateTime<Local> = DateTime::<Utc>::from_timestamp_millis(now.0).unwrap().into();
        let hour = here.hour();
        let span = |from: u32, to: u32| format!("{}:00-{}:00", from % 24, to % 24).parse().ok();
        assert_eq!(until_open(span(hour, hour + 1), now), None);
        let wait = until_open(span(hour + 2, hour + 3), now).unwrap();
        assert!(
            wait > Duration::from_secs(3600) && wait <= Duration::from_secs(7200),
            "{wait:?}"
        );
        assert_eq!(until_open(None, now), None);
    }
}
