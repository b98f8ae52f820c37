//! What happened when: sums per batch, class and interval, kept up to date in the
//! transaction that did it. Charts and totals are read from here, so that no page of
//! a dashboard ever adds up a million documents.

use std::collections::HashMap;

use docmill_core::document::Class;
use docmill_core::latency::Histogram;
use docmill_core::time::Timestamp;
use rusqlite::{Connection, Row, named_params, params_from_iter};

use crate::StoreError;
use crate::records::{ACTIVITY_INTERVAL_MS, Activity, ActivityQuery, ActivityRow};
use crate::sqlite::codec::{Columns, batch_id, int};
use crate::sqlite::hot::Transaction;

/// The intervals a write transaction touches.
#[derive(Default)]
pub(super) struct Intervals {
    by_place: HashMap<(i64, i64, Class), Activity>,
}

impl Intervals {
    /// The interval of this time.
    pub(super) fn at(&mut self, batch: i64, now: Timestamp, class: Class) -> &mut Activity {
        let start = now.0.div_euclid(ACTIVITY_INTERVAL_MS) * ACTIVITY_INTERVAL_MS;
        self.by_place.entry((batch, start, class)).or_default()
    }

    /// Adds what happened to what is stored.
    pub(super) fn flush(&mut self, transaction: &Transaction<'_>) -> Result<(), StoreError> {
        for ((batch, at, class), activity) in self.by_place.drain() {
            write(transaction, batch, at, class, &activity).map_err(|error| transaction.explain(error))?;
        }
        Ok(())
    }
}

fn write(
    transaction: &Transaction<'_>,
    batch: i64,
    at: i64,
    class: Class,
    activity: &Activity,
) -> rusqlite::Result<()> {
    let mut latency = activity.latency.clone();
    let before = transaction
        .statement("SELECT latency FROM activity WHERE batch = ?1 AND at = ?2 AND class = ?3")?
        .query_map((batch, at, class.as_str()), |row| row.get::<_, Vec<u8>>(0))?
        .next()
        .transpose()?;
    if let Some(bytes) = before {
        latency.add(&Histogram::from_bytes(&bytes));
    }
    transaction
        .statement(
            "INSERT INTO activity (batch, at, class, completed, failed, calls, refused, errors, retried, reused,
                cost, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, latency)
             VALUES (:batch, :at, :class, :completed, :failed, :calls, :refused, :errors, :retried, :reused,
                :cost, :input, :cached, :written, :output, :latency)
             ON CONFLICT DO UPDATE SET completed = completed + excluded.completed,
                failed = failed + excluded.failed, calls = calls + excluded.calls,
                refused = refused + excluded.refused, errors = errors + excluded.errors,
                retried = retried + excluded.retried, reused = reused + excluded.reused,
                cost = min(cost + excluded.cost, 9e18), input_tokens = min(input_tokens + excluded.input_tokens, 9e18),
                cached_input_tokens = min(cached_input_tokens + excluded.cached_input_tokens, 9e18),
                cache_write_tokens = min(cache_write_tokens + excluded.cache_write_tokens, 9e18),
                output_tokens = min(output_tokens + excluded.output_tokens, 9e18), latency = excluded.latency",
        )?
        .execute(named_params! {
            ":batch": batch,
            ":at": at,
            ":class": class.as_str(),
            ":completed": int(activity.completed),
            ":failed": int(activity.failed),
            ":calls": int(activity.calls),
            ":refused": int(activity.refused),
            ":errors": int(activity.errors),
            ":retried": int(activity.retried),
            ":reused": int(activity.reused),
            ":cost": activity.cost.nanos(),
            ":input": int(activity.usage.input_tokens),
            ":cached": int(activity.usage.cached_input_tokens),
            ":written": int(activity.usage.cache_write_tokens),
            ":output": int(activity.usage.output_tokens),
            ":latency": latency.to_bytes(),
        })?;
    Ok(())
}

/// Intervals, oldest first.
pub(super) fn read(connection: &Connection, query: &ActivityQuery) -> rusqlite::Result<Vec<ActivityRow>> {
    let scope = if query.batches.is_empty() {
        "activity INDEXED BY activity_at JOIN batches ON batches.key = activity.batch WHERE".to_owned()
    } else {
        let places = vec!["?"; query.batches.len()].join(", ");
        format!(
            "batches CROSS JOIN activity ON activity.batch = batches.key WHERE batches.id IN ({places}) AND"
        )
    };
    let sql = format!(
        "SELECT activity.*, batches.id AS batch_id FROM {scope} activity.at >= {} AND activity.at < {}
         ORDER BY activity.at, activity.batch, activity.class",
        query.from.0, query.to.0
    );
    let ids = query.batches.iter().map(|id| id.0.as_bytes().to_vec());
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(ids), read_row)?;
    let mut added: Vec<ActivityRow> = Vec::new();
    let step = query.step_ms.max(ACTIVITY_INTERVAL_MS);
    // Rows of one step follow each other, those of one place in it do not.
    let mut open: HashMap<(Option<docmill_core::BatchId>, Option<Class>), usize> = HashMap::new();
    for row in rows {
        let mut row = row?;
        row.at = Timestamp(row.at.0.div_euclid(step) * step);
        if !query.apart {
            (row.batch, row.class) = (None, None);
        }
        if added.last().is_some_and(|last| last.at != row.at) {
            open.clear();
        }
        match open
            .get(&(row.batch, row.class))
            .and_then(|index| added.get_mut(*index))
        {
            Some(same) => same.activity.add(&row.activity),
            None => {
                open.insert((row.batch, row.class), added.len());
                added.push(row);
            }
        }
    }
    Ok(added)
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<ActivityRow> {
    Ok(ActivityRow {
        at: row.time("at")?,
        batch: Some(batch_id(row, "batch_id")?),
        class: Some(row.name_of("class")?),
        activity: Activity {
            completed: row.number("completed")?,
            failed: row.number("failed")?,
            calls: row.number("calls")?,
            refused: row.number("refused")?,
            errors: row.number("errors")?,
            retried: row.number("retried")?,
            reused: row.number("reused")?,
            cost: row.usd("cost")?,
            usage: row.usage()?,
            latency: Histogram::from_bytes(&row.get::<_, Vec<u8>>("latency")?),
        },
    })
}
