//! Alerts: rules that people make, looked at while the server runs, and told over
//! webhooks, Slack-compatible webhooks and e-mail.
//!
//! An occasion is written down before it is told, and told until it arrives or has
//! been tried often enough: a restart in between neither forgets nor repeats it.

mod post;
mod rules;

use std::time::Duration;

use docmill_core::alert::{Alert, Facts};
use docmill_core::batch::BatchState;
use docmill_core::time::Timestamp;
use docmill_engine::Engine;
use docmill_store::{BatchQuery, BatchRow, BatchSort, StoreError};
use tokio::sync::watch;

pub use post::{PostOffice, PostOptions};
pub(crate) use rules::{Channel, Delivery, Outcome, Rule, deliveries, forget, keep, rules};

use crate::seal::Seal;

/// How often rules are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Batches looked at: those that changed last. Who runs more at once than this sees the others
/// when these are still.
const BATCHES: u32 = 200;

/// A batch that ended longer ago than this is history: a new rule does not tell of it.
const OLD_MS: i64 = 3600 * 1000;

/// Looks at the rules until `stop` is true.
pub(crate) async fn watch(engine: Engine, post: PostOffice, seal: Seal, mut stop: watch::Receiver<bool>) {
    if let Err(error) = rules::seal_all(engine.store().as_ref(), &seal, engine.now()).await {
        tracing::warn!(%error, "alerts of an older version could not be sealed");
    }
    let mut every = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            _ = every.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        if let Err(error) = look(&engine, &post, &seal).await {
            tracing::warn!(%error, "alerts could not be looked at");
        }
    }
}

async fn look(engine: &Engine, post: &PostOffice, seal: &Seal) -> Result<(), StoreError> {
    let store = engine.store().as_ref();
    let rules = rules(store, seal).await?;
    if rules.iter().any(|rule| rule.enabled) {
        let now = engine.now();
        let query = BatchQuery {
            sort: BatchSort::Updated,
            limit: BATCHES,
            ..BatchQuery::default()
        };
        let batches = store.batches(query).await?;
        let spent = docmill_engine::spending::since(store, now).await?;
        let told = rules::told(store).await?;
        for rule in rules.iter().filter(|rule| rule.enabled) {
            for row in &batches {
                let is_old = row.ended_at.is_some_and(|ended| now.since_ms(ended) > OLD_MS);
                if is_old || row.state == BatchState::Draft {
                    continue;
                }
                if let Some(alert) = rule.trigger.of_batch(&facts(row), now) {
                    let about = row.id.to_string();
                    note(engine, seal, rule, &about, &alert, &told, now).await?;
                }
            }
            if let Some(alert) = rule.trigger.of_spending(spent.day, now) {
                note(engine, seal, rule, "all", &alert, &told, now).await?;
            }
        }
    }
    post.deliver(store, seal, engine.now()).await
}

fn facts(row: &BatchRow) -> Facts<'_> {
    Facts {
        name: &row.name,
        state: row.state,
        reason: &row.reason,
        completed: row.counters.completed,
        failed: row.counters.failed,
        spent: row.balance.settled.saturating_add(row.balance.unconfirmed),
        budget: row.balance.budget,
        updated_at: row.updated_at,
        ended_at: row.ended_at,
    }
}

/// Writes an occasion down, unless it was before.
async fn note(
    engine: &Engine,
    seal: &Seal,
    rule: &Rule,
    about: &str,
    alert: &Alert,
    told: &std::collections::HashSet<String>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let occasion = format!("{}/{about}/{}", rule.name, alert.occasion);
    if told.contains(&occasion) {
        return Ok(());
    }
    rules::queue(
        engine.store().as_ref(),
        seal,
        rule,
        about,
        occasion,
        &alert.text,
        now,
    )
    .await
}
