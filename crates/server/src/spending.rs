//! What all batches together spend a day and a month, and what happens at the limit.
//!
//! The wall of a batch is its own budget, kept in the ledger call by call. These limits
//! stand above: when the settled cost of the day or the month (UTC) reaches one, running
//! batches are paused with the reason. Calls in flight at that moment are still paid.

use std::time::Duration;

use chrono::{DateTime, Datelike, Utc};
use docmill_core::batch::{BatchEvent, BatchState};
use docmill_core::money::Usd;
use docmill_core::time::Timestamp;
use docmill_engine::Engine;
use docmill_store::{ActivityQuery, BatchQuery, Store, StoreError};
use tokio::sync::watch;

use crate::problem::Problem;
use crate::routes::settings;

/// How often spending is looked at.
const LOOK: Duration = Duration::from_secs(1);

const DAY_MS: i64 = 24 * 3600 * 1000;

/// What was spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Spent {
    /// Since midnight UTC.
    pub(crate) day: Usd,
    /// Since the first of the month, UTC.
    pub(crate) month: Usd,
    /// Documents completed since midnight UTC.
    pub(crate) documents: u64,
}

/// What was spent this day and this month.
pub(crate) async fn since(store: &dyn Store, now: Timestamp) -> Result<Spent, StoreError> {
    let (day, month) = (start_of_day(now), start_of_month(now));
    let query = ActivityQuery {
        from: month,
        to: now.plus_ms(60_000),
        step_ms: DAY_MS,
        ..ActivityQuery::default()
    };
    let mut spent = Spent::default();
    for row in store.activity(query).await? {
        spent.month = spent.month.saturating_add(row.activity.cost);
        if row.at >= day {
            spent.day = spent.day.saturating_add(row.activity.cost);
            spent.documents += row.activity.completed;
        }
    }
    Ok(spent)
}

/// Why no more may be spent, if that is so.
fn reached(spent: &Spent, settings: &settings::Settings) -> Option<String> {
    let over = |spent: Usd, limit: Option<f64>| limit.filter(|limit| spent.as_f64() >= *limit);
    if let Some(limit) = over(spent.day, settings.day_budget_usd) {
        return Some(format!(
            "{} was spent today, and ${limit} a day is the limit of all batches together; raise it in the settings, or resume tomorrow",
            spent.day
        ));
    }
    over(spent.month, settings.month_budget_usd).map(|limit| {
        format!(
            "{} was spent this month, and ${limit} a month is the limit of all batches together; raise it in the settings",
            spent.month
        )
    })
}

/// Pauses what runs when a limit is reached, until `stop` is true.
pub(crate) async fn watch(engine: Engine, mut stop: watch::Receiver<bool>) {
    let mut every = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            _ = every.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        if let Err(problem) = look(&engine).await {
            tracing::warn!(detail = problem.detail, "spending could not be looked at");
        }
    }
}

async fn look(engine: &Engine) -> Result<(), Problem> {
    let store = engine.store();
    let settings = settings::load(store.as_ref()).await?;
    if settings == settings::Settings::default() {
        return Ok(());
    }
    let spent = since(store.as_ref(), engine.now()).await?;
    let Some(reason) = reached(&spent, &settings) else {
        return Ok(());
    };
    let running = BatchQuery {
        states: vec![BatchState::Running],
        ..BatchQuery::default()
    };
    for row in store.batches(running).await? {
        // What costs nothing is not held up.
        if row.plan.price.is_free() {
            continue;
        }
        // Refused only when it stopped by itself meanwhile.
        let _ = store
            .transition(row.id, BatchEvent::Pause, &reason, engine.now())
            .await?;
    }
    Ok(())
}

fn start_of_day(now: Timestamp) -> Timestamp {
    Timestamp(now.0.div_euclid(DAY_MS) * DAY_MS)
}

fn start_of_month(now: Timestamp) -> Timestamp {
    let day = DateTime::<Utc>::from_timestamp_millis(now.0).map_or(1, |at| at.day());
    start_of_day(now.plus_ms(-i64::from(day - 1) * DAY_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_on_its_first_day() {
        // 2026-11-23T12:00:00Z
        let now = Timestamp(1_795_435_200_000);
        assert_eq!(
            crate::views::time(start_of_month(now)),
            "2026-11-01T00:00:00.000Z"
        );
        assert_eq!(crate::views::time(start_of_day(now)), "2026-11-23T00:00:00.000Z");
    }

    #[test]
    fn a_limit_is_reached_at_its_last_cent() {
        let settings = |day, month| settings::Settings {
            day_budget_usd: day,
            month_budget_usd: month,
        };
        let spent = Spent {
            day: Usd::from_nanos(5_000_000_000),
            month: Usd::from_nanos(50_000_000_000),
            documents: 0,
        };
        assert_eq!(reached(&spent, &settings(None, None)), None);
        assert_eq!(reached(&spent, &settings(Some(5.01), Some(50.01))), None);
        assert!(reached(&spent, &settings(Some(5.0), None)).is_some_and(|why| why.contains("today")));
        assert!(reached(&spent, &settings(None, Some(50.0))).is_some_and(|why| why.contains("this month")));
    }
}
