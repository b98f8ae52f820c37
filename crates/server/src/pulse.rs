//! The pulse: one look at the store a few times a second, for everybody who watches.
//! Speeds and outlooks are worked out here once; streams and lists only hand them on.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use docmill_core::batch::BatchState;
use docmill_core::id::BatchId;
use docmill_core::time::Timestamp;
use docmill_engine::{Engine, LaneStatus};
use docmill_store::{BatchQuery, BatchRow};
use tokio::sync::watch;

use crate::views::{BatchView, Live, dollars};

/// How often the store is looked at.
const BEAT: Duration = Duration::from_millis(250);

/// Speeds are those of this much time.
const WINDOW_MS: i64 = 30_000;

/// Before this much time nobody can say how fast it is.
const SETTLED_MS: i64 = 1_500;

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Pulse {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    beats: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    batches: BTreeMap<BatchId, Watched>,
}

/// A batch that runs, or did a moment ago.
struct Watched {
    view: BatchView,
    row: BatchRow,
    samples: VecDeque<Sample>,
}

/// Where a batch stood at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sample {
    at: Timestamp,
    ended: u64,
    calls: u64,
    settled: i64,
}

impl Pulse {
    /// A pulse that has not beaten yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::default(),
                beats: watch::Sender::new(0),
            }),
        }
    }

    /// Beats until `stop` is true.
    pub async fn run(self, engine: Engine, mut stop: watch::Receiver<bool>) {
        let mut every = tokio::time::interval(BEAT);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = every.tick() => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            if let Err(error) = self.beat(&engine).await {
                tracing::warn!(%error, "the store could not be looked at");
            }
        }
    }

    async fn beat(&self, engine: &Engine) -> Result<(), docmill_store::StoreError> {
        let store = engine.store();
        let running = BatchQuery {
            states: vec![BatchState::Running, BatchState::Estimating],
            ..BatchQuery::default()
        };
        let mut rows = store.batches(running).await?;
        // Those that ended since the last beat are looked at once more, for their last word.
        let gone: Vec<BatchId> = {
            let state = self.state();
            let is_gone = |id: &&BatchId| !rows.iter().any(|row| row.id == **id);
            state.batches.keys().filter(is_gone).copied().collect()
        };
        for id in &gone {
            rows.push(store.batch(*id).await?);
        }
        let lanes = engine.lanes();
        let now = engine.now();
        {
            let mut state = self.state();
            for row in rows {
                let trouble = engine.trouble_of(row.id);
                state.note(row, &lanes, trouble, now);
            }
            state.batches.retain(|_, watched| {
                matches!(watched.row.state, BatchState::Running | BatchState::Estimating)
            });
        }
        self.shared.beats.send_modify(|beats| *beats += 1);
        Ok(())
    }

    /// Heard at each beat.
    #[must_use]
    pub fn listen(&self) -> watch::Receiver<u64> {
        self.shared.beats.subscribe()
    }

    /// A batch as it goes over the wire, with its speed when it runs.
    #[must_use]
    pub fn view(&self, row: &BatchRow) -> BatchView {
        let mut view = BatchView::from(row);
        view.live = self
            .state()
            .batches
            .get(&row.id)
            .filter(|_| row.state == BatchState::Running)
            .and_then(|watched| watched.view.live.clone());
        view
    }

    /// The batch as it was at the last beat, when it is being watched.
    #[must_use]
    pub fn last(&self, id: BatchId) -> Option<BatchView> {
        self.state().batches.get(&id).map(|watched| watched.view.clone())
    }

    /// All that run, and documents per second of all of them.
    #[must_use]
    pub fn running(&self) -> (Vec<BatchView>, f64) {
        let state = self.state();
        let views: Vec<BatchView> = state
            .batches
            .values()
            .map(|watched| watched.view.clone())
            .collect();
        let speed = views
            .iter()
            .filter_map(|view| view.live.as_ref())
            .map(|live| live.documents_per_second)
            .sum();
        (views, speed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Pulse {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    fn note(&mut self, row: BatchRow, lanes: &[LaneStatus], trouble: Option<String>, now: Timestamp) {
        let counters = &row.counters;
        let sample = Sample {
            at: now,
            ended: counters.completed + counters.failed + counters.skipped + counters.cancelled,
            calls: row.calls.saturating_sub(row.calls_in_flight),
            settled: row.balance.settled.nanos(),
        };
        let watched = self.batches.entry(row.id).or_insert_with(|| Watched {
            view: BatchView::from(&row),
            row: row.clone(),
            samples: VecDeque::new(),
        });
        if row.state == BatchState::Running {
            watched.samples.push_back(sample);
            while watched.samples.len() > 2
                && watched
                    .samples
                    .front()
                    .is_some_and(|first| now.since_ms(first.at) > WINDOW_MS)
            {
                watched.samples.pop_front();
            }
        } else {
            watched.samples.clear();
        }
        let lane = lanes.iter().find(|lane| lane.batches.contains(&row.id));
        let mut view = BatchView::from(&row);
        if row.state == BatchState::Running {
            let mut live = outlook(&row, watched.samples.make_contiguous(), lane);
            live.trouble = trouble;
            view.live = Some(live);
        }
        watched.view = view;
        watched.row = row;
    }
}

/// Documents per second between two samples; `None` when they are too close to tell.
#[expect(clippy::cast_precision_loss, reason = "a speed for people")]
fn speed(from: &Sample, to: &Sample) -> Option<f64> {
    let ms = to.at.since_ms(from.at);
    (ms >= SETTLED_MS).then(|| to.ended.saturating_sub(from.ended) as f64 * 1000.0 / ms as f64)
}

/// Speed and outlook from what was seen over the window.
#[expect(clippy::cast_precision_loss, reason = "speeds and shares for people")]
fn outlook(row: &BatchRow, samples: &[Sample], lane: Option<&LaneStatus>) -> Live {
    let mut live = Live {
        bound_by: bound(row, lane).to_owned(),
        ..Live::default()
    };
    if let Some(lane) = lane {
        live.lane_in_use = lane.in_use as u64;
        live.lane_places = lane.places as u64;
        let load = &lane.load;
        let share = |used: u64, limit: Option<u64>| limit.map(|limit| used as f64 / limit.max(1) as f64);
        live.utilisation = [
            share(load.requests, load.limits.requests),
            share(load.tokens, load.limits.tokens),
        ]
        .into_iter()
        .flatten()
        .reduce(f64::max);
    }
    let counters = &row.counters;
    let open = counters.pending + counters.leased;
    if let (Some(first), Some(last)) = (samples.first(), samples.last())
        && let Some(rate) = speed(first, last)
    {
        let seconds = last.at.since_ms(first.at) as f64 / 1000.0;
        live.documents_per_second = rate;
        live.calls_per_second = last.calls.saturating_sub(first.calls) as f64 / seconds;
        live.usd_per_hour = last.settled.saturating_sub(first.settled) as f64 / 1e9 / seconds * 3600.0;
        // While nothing is at work the speed of before says nothing about the end.
        if rate > 0.0 && counters.leased > 0 {
            let (low, high) = spread(samples, rate);
            live.eta_seconds = Some(seconds_for(open, rate));
            live.eta_low_seconds = Some(seconds_for(open, high));
            live.eta_high_seconds = Some(seconds_for(open, low));
        }
    }
    let called = counters.completed + counters.failed;
    if called > 0 && row.balance.settled.nanos() > 0 {
        let per_document = dollars(row.balance.settled) / called as f64;
        let rest = (open as f64) * per_document;
        live.projected_usd = Some(dollars(row.balance.settled) + dollars(row.balance.unconfirmed) + rest);
    }
    live
}

/// The slowest and the fastest of the thirds of the window, but never the speed itself: an
/// outlook without doubt would be wrong.
fn spread(samples: &[Sample], rate: f64) -> (f64, f64) {
    let third = samples.len() / 3;
    let mut low = rate * 0.85;
    let mut high = rate * 1.15;
    if third >= 2 {
        for part in samples.chunks(third) {
            if let (Some(first), Some(last)) = (part.first(), part.last())
                && let Some(speed) = speed(first, last)
            {
                low = low.min(speed.max(rate * 0.25));
                high = high.max(speed.min(rate * 4.0));
            }
        }
    }
    (low, high)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time for people, in whole seconds"
)]
fn seconds_for(documents: u64, rate: f64) -> u64 {
    (documents as f64 / rate.max(1e-9)).ceil().min(1e12) as u64
}

/// What decides the speed at the moment.
fn bound(row: &BatchRow, lane: Option<&LaneStatus>) -> &'static str {
    let Some(lane) = lane else { return "starting" };
    let load = &lane.load;
    if load.held_ms > 0 {
        return "held_back";
    }
    let is_full = |used: u64, limit: Option<u64>| limit.is_some_and(|limit| used * 100 >= limit * 95);
    if is_full(load.tokens, load.limits.tokens) {
        return "token_limit";
    }
    if is_full(load.requests, load.limits.requests) {
        return "request_limit";
    }
    if lane.in_use * 10 >= lane.places * 9 || load.in_flight >= load.calls_allowed {
        return "concurrency";
    }
    if row.counters.pending + row.counters.leased == row.calls_in_flight {
        return "last_calls";
    }
    "reading"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: i64, ended: u64) -> Sample {
        Sample {
            at: Timestamp(at),
            ended,
            calls: ended,
            settled: 0,
        }
    }

    #[test]
    fn an_outlook_has_an_interval_that_holds_the_speed() {
        let samples: Vec<Sample> = (0..60)
            .map(|step| sample(step * 250, u64::try_from(step * step / 10).unwrap_or(0)))
            .collect();
        let rate = speed(&samples[0], &samples[59]).unwrap();
        let (low, high) = spread(&samples, rate);
        assert!(low < rate && rate < high);
        assert!(low >= rate * 0.25 && high <= rate * 4.0);
    }

    #[test]
    fn nobody_can_say_at_the_start() {
        assert_eq!(speed(&sample(0, 0), &sample(1000, 10)), None);
        assert_eq!(speed(&sample(0, 0), &sample(2000, 10)), Some(5.0));
    }
}
