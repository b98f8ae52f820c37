//! Keeps what all batches together may spend a day and a month, in every process that works:
//! the limits are kept in the store, and whoever runs a batch looks at them.

use docmill_core::batch::{BatchEvent, BatchState};
use docmill_core::money::Usd;
use docmill_core::spending::{Limits, Spent, reached, start_of_day, start_of_month};
use docmill_core::time::Timestamp;
use docmill_store::{ActivityQuery, BatchRow, Store, StoreError};

use crate::{Engine, EngineError};

const SHELF: &str = "settings";
const NAME: &str = "spending";

/// Where versions before kept them, as floats of dollars.
const NAME_BEFORE: &str = "server";

const DAY_MS: i64 = 24 * 3600 * 1000;

/// The limits that are set.
///
/// # Errors
/// When the store fails.
pub async fn limits(store: &dyn Store) -> Result<Limits, StoreError> {
    let rows = store.kept(SHELF).await?;
    let named = |name: &str| rows.iter().find(|row| row.name == name).map(|row| &row.value);
    if let Some(limits) = named(NAME) {
        return Ok(serde_json::from_value(limits.clone()).unwrap_or_default());
    }
    let before = |field: &str| {
        let value = named(NAME_BEFORE)?.get(field)?;
        value.to_string().parse::<Usd>().ok()
    };
    Ok(Limits {
        day: before("day_budget_usd"),
        month: before("month_budget_usd"),
    })
}

/// Sets the limits.
///
/// # Errors
/// When the store fails.
pub async fn set_limits(store: &dyn Store, limits: &Limits, now: Timestamp) -> Result<(), StoreError> {
    let value = serde_json::to_value(limits).ok();
    store.keep(SHELF, NAME, value, now).await
}

/// What was spent this day and this month.
///
/// # Errors
/// When the store fails.
pub async fn since(store: &dyn Store, now: Timestamp) -> Result<Spent, StoreError> {
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

impl Engine {
    /// Pauses a running batch when a limit of all batches is reached. What costs nothing goes on.
    pub(crate) async fn hold_to_limits(&self, row: &BatchRow) -> Result<(), EngineError> {
        if row.state != BatchState::Running || row.plan.is_free() {
            return Ok(());
        }
        let store = self.parts.store.as_ref();
        let limits = limits(store).await?;
        if limits == Limits::default() {
            return Ok(());
        }
        let Some(reason) = reached(&since(store, self.now()).await?, &limits) else {
            return Ok(());
        };
        // Refused only when it stopped by itself meanwhile.
        let _ = store
            .transition(row.id, BatchEvent::Pause, &reason, self.now())
            .await?;
        Ok(())
    }
}
