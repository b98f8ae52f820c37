//! Running a batch: claim documents, give each to the pipeline, end when nothing
//! is left, the budget is used up or somebody says so.
//!
//! How much is in hand at once is bounded: as many documents as there are call
//! slots, and a few more being read ahead. Everything else waits in the store.

use std::sync::Arc;
use std::time::Duration;

use docmill_core::batch::{BatchEvent, BatchState, STOPPED_BY_PERSON};
use docmill_core::event::EventKind;
use docmill_core::id::BatchId;
use docmill_store::{Claimed, TransitionRefused};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use crate::pace_memory;
use crate::pipeline::{self, Job};
use crate::recovery::Worker;
use crate::{Engine, EngineError};

/// Documents leased in one transaction at most.
const CLAIM_AT_MOST: usize = 256;

/// How often a run with nothing to do looks again (other processes may work on the
/// same batch, and people pause and resume from other terminals).
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// The same while this process adds documents to the batch.
const LOOK_WHILE_ADDING: Duration = Duration::from_millis(20);

/// How often a batch outside its hours looks whether they began, or were changed.
const LOOK_WHILE_CLOSED: Duration = Duration::from_secs(1);

/// How often a worker looks whether a person changed something: a pause is felt within a second
/// even while all documents in hand are being read.
const LOOK: Duration = Duration::from_millis(500);

/// How often a worker says that it is alive, in looks.
const HEARTBEAT: u32 = 10;

/// How often what was learned is written down, in looks.
const SAVE: u32 = 20;

/// What a person wants of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Go on.
    No,
    /// Finish the calls in flight, start no more; the batch is paused.
    Drain,
    /// Finish the calls in flight, start no more; the batch goes on with the next start of a server.
    Leave,
    /// Leave everything as it is; the next start clears up.
    Now,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunEnd {
    /// The batch is in this state, and nothing is left for this run to do.
    State {
        /// The state.
        state: BatchState,
        /// Why.
        reason: String,
    },
    /// A person stopped this run; the batch is paused and can be resumed.
    Stopped,
    /// This process ends; the batch is still running and waits for the next.
    Left,
}

impl Engine {
    /// Works on a batch until it ends, is paused, or `stop` says so. The batch is moved to
    /// `running` first.
    ///
    /// # Errors
    /// When the batch cannot be started, its model or template cannot be used, or the store fails.
    pub async fn run(&self, id: BatchId, stop: watch::Receiver<Stop>) -> Result<RunEnd, EngineError> {
        self.run_for(id, stop, "started by a person").await
    }

    /// [`Engine::run`] with the reason that is written into the log.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub async fn run_for(
        &self,
        id: BatchId,
        stop: watch::Receiver<Stop>,
        reason: &str,
    ) -> Result<RunEnd, EngineError> {
        let span = tracing::info_span!("batch", batch = %id, request_id = tracing::field::Empty);
        if let Some(request) = self.origins.of(id) {
            span.record("request_id", request);
        }
        self.run_until(id, stop, reason).instrument(span).await
    }

    async fn run_until(
        &self,
        id: BatchId,
        mut stop: watch::Receiver<Stop>,
        reason: &str,
    ) -> Result<RunEnd, EngineError> {
        let row = self.parts.store.batch(id).await?;
        let (worker, recovered) = self.start_worker().await?;
        if recovered.documents > 0 || recovered.unconfirmed_calls > 0 {
            tracing::info!(?recovered, "cleared up after a process that died");
        }
        self.start(id, reason).await?;
        let job = Arc::new(Job::new(self, &row, worker.id)?);
        for setup in job.setups() {
            setup.learning.load(self.parts.store.as_ref()).await?;
        }
        pace_memory::recall(&job, self.parts.store.as_ref(), self.now()).await?;
        let beat = tokio::spawn(heartbeat(self.clone(), Arc::clone(&job)).in_current_span());
        let mut tasks = JoinSet::new();
        let ended = self.work(&job, &mut tasks, &mut stop).await;
        let ended = self.wind_down(&job, tasks, worker, ended, &mut stop).await;
        beat.abort();
        if ended.is_ok() {
            job.setup
                .learning
                .save(self.parts.store.as_ref(), self.now())
                .await?;
            pace_memory::remember(&job, self.parts.store.as_ref(), self.now()).await?;
        }
        match ended? {
            Some(end) => Ok(end),
            None => self.where_it_stands(id).await,
        }
    }

    /// Claims and spawns until there is a reason to stop.
    async fn work(
        &self,
        job: &Arc<Job>,
        tasks: &mut JoinSet<Result<(), EngineError>>,
        stop: &mut watch::Receiver<Stop>,
    ) -> Result<Option<RunEnd>, EngineError> {
        let mut said = false;
        loop {
            let window = job.window();
            while let Some(done) = tasks.try_join_next() {
                finished(done)?;
            }
            if *stop.borrow() != Stop::No {
                return Ok(Some(RunEnd::Stopped));
            }
            if job.is_halted() {
                return Ok(None);
            }
            if let Some(wait) = job.until_open() {
                if !said {
                    said = true;
                    self.say_closed(job).await?;
                }
                tokio::select! {
                    Some(done) = tasks.join_next(), if !tasks.is_empty() => finished(done)?,
                    () = tokio::time::sleep(wait.min(LOOK_WHILE_CLOSED)) => {}
                    _ = stop.changed() => {}
                }
                continue;
            }
            said = false;
            // Claim in handfuls: one transaction for many documents.
            let free = window.saturating_sub(tasks.len());
            if free < (window / 8).clamp(1, CLAIM_AT_MOST) {
                tokio::select! {
                    Some(done) = tasks.join_next() => finished(done)?,
                    _ = stop.changed() => {}
                }
                continue;
            }
            let limit = u32::try_from(free.min(CLAIM_AT_MOST)).unwrap_or(1);
            let now = self.parts.clock.now();
            match self.parts.store.claim(job.batch, job.worker, limit, now).await? {
                Claimed::Documents(documents) => {
                    for document in documents {
                        tasks.spawn(pipeline::process(Arc::clone(job), document).in_current_span());
                    }
                }
                Claimed::NotRunning(_) => return Ok(None),
                Claimed::NoDocuments { next_at, leased } => {
                    let is_adding = self.adding.is_at(job.batch);
                    if tasks.is_empty() && next_at.is_none() && leased == 0 && !is_adding {
                        if self.finish(job.batch).await? {
                            return Ok(None);
                        }
                        continue;
                    }
                    let longest = if is_adding { LOOK_WHILE_ADDING } else { LOOK_AGAIN };
                    let wait = next_at.map_or(longest, |at| {
                        Duration::from_millis(u64::try_from(at.since_ms(now)).unwrap_or(0)).min(longest)
                    });
                    tokio::select! {
                        Some(done) = tasks.join_next(), if !tasks.is_empty() => finished(done)?,
                        () = tokio::time::sleep(wait.max(Duration::from_millis(1))) => {}
                        _ = stop.changed() => {}
                    }
                }
            }
        }
    }

    /// Writes into the log that the batch waits for its hours.
    async fn say_closed(&self, job: &Job) -> Result<(), EngineError> {
        let row = self.parts.store.batch(job.batch).await?;
        let Some(message) = crate::hours::waiting(&row.plan, row.state, job.now()) else {
            return Ok(());
        };
        tracing::info!(batch = %job.batch, "{message}");
        let note = EventKind::Note { message };
        Ok(self.parts.store.log(job.batch, None, note, job.now()).await?)
    }

    /// Ends a batch of which nothing is left; `false`: something turned up meanwhile.
    async fn finish(&self, id: BatchId) -> Result<bool, EngineError> {
        let store = &self.parts.store;
        let counters = store.batch(id).await?.counters;
        let (event, reason) = match counters.failed {
            0 => (BatchEvent::Finish, "every document is done".to_owned()),
            1 => (
                BatchEvent::FinishWithFailures,
                "every document is done, one failed".to_owned(),
            ),
            failed => (
                BatchEvent::FinishWithFailures,
                format!("every document is done, {failed} failed"),
            ),
        };
        match store
            .transition(id, event, &reason, self.parts.clock.now())
            .await?
        {
            // Another process may have ended it, or paused it: either way this run is over.
            Ok(_) | Err(TransitionRefused::State(_)) => Ok(true),
            Err(TransitionRefused::WorkLeft { .. } | TransitionRefused::CallsInFlight { .. }) => Ok(false),
        }
    }

    /// Waits for what is in hand, unless told to leave at once.
    async fn wind_down(
        &self,
        job: &Arc<Job>,
        mut tasks: JoinSet<Result<(), EngineError>>,
        worker: Worker,
        ended: Result<Option<RunEnd>, EngineError>,
        stop: &mut watch::Receiver<Stop>,
    ) -> Result<Option<RunEnd>, EngineError> {
        job.halt();
        // What failed may be the store: the calls in flight are heard out all the same, because they
        // are paid. Their answers are stored when it passes, and kept beside the database when not.
        let mut ended = ended;
        let drained = loop {
            if *stop.borrow() == Stop::Now {
                // The calls in flight become unconfirmed when the next start finds our lock free.
                tasks.shutdown().await;
                break false;
            }
            tokio::select! {
                done = tasks.join_next() => match done {
                    // The first failure is what is told.
                    Some(done) => if let Err(error) = finished(done) && ended.is_ok() {
                        ended = Err(error);
                    },
                    None => break true,
                },
                _ = stop.changed() => {}
            }
        };
        // After an error the lock goes with this worker, and the next look for the dead clears up.
        let ended = match ended {
            Err(error) => return Err(error),
            Ok(Some(RunEnd::Stopped)) if *stop.borrow() == Stop::Leave => Ok(Some(RunEnd::Left)),
            Ok(Some(RunEnd::Stopped)) => self.end_stopped(job.batch).await,
            ended => ended,
        };
        if drained {
            worker.retire().await?;
        }
        ended
    }

    /// A run that was told to stop ends its batch when nothing was left of it, else pauses it.
    async fn end_stopped(&self, id: BatchId) -> Result<Option<RunEnd>, EngineError> {
        let row = self.parts.store.batch(id).await?;
        let left = row.counters.pending + row.counters.leased;
        if row.state == BatchState::Running && left == 0 && self.finish(id).await? {
            return Ok(None);
        }
        let now = self.parts.clock.now();
        // Refused only when it ended meanwhile, and then there is nothing to pause.
        let _ = self
            .parts
            .store
            .transition(id, BatchEvent::Pause, STOPPED_BY_PERSON, now)
            .await?;
        Ok(Some(RunEnd::Stopped))
    }

    async fn where_it_stands(&self, id: BatchId) -> Result<RunEnd, EngineError> {
        let row = self.parts.store.batch(id).await?;
        Ok(RunEnd::State {
            state: row.state,
            reason: row.reason,
        })
    }
}

fn finished(done: Result<Result<(), EngineError>, tokio::task::JoinError>) -> Result<(), EngineError> {
    match done {
        Ok(result) => result,
        // A panic in a step is a bug of ours; stopping is right, because the document's state
        // is unknown to this process. The next start clears up after us.
        Err(error) => Err(EngineError::Bug(error.to_string())),
    }
}

/// Says that the worker is alive, and notices when somebody else stopped the batch or changed its
/// plan while all documents in hand wait for the provider's limits.
async fn heartbeat(engine: Engine, job: Arc<Job>) {
    let mut every = tokio::time::interval(LOOK);
    let mut looks = 0_u32;
    let mut plan = job.setup.plan.clone();
    loop {
        every.tick().await;
        if looks.is_multiple_of(HEARTBEAT)
            && let Err(error) = job.store().heartbeat(job.worker, job.now()).await
        {
            tracing::warn!(%error, "the heartbeat could not be written");
        }
        if looks.is_multiple_of(SAVE)
            && let Err(error) = job.setup.learning.save(job.store(), job.now()).await
        {
            tracing::warn!(%error, "what was learned could not be written");
        }
        if looks.is_multiple_of(SAVE)
            && let Err(error) = pace_memory::remember(&job, job.store(), job.now()).await
        {
            tracing::warn!(%error, "what was found out about the pace could not be written");
        }
        looks = looks.wrapping_add(1);
        if let Err(error) = engine.recover_dead().await {
            tracing::warn!(%error, "dead processes could not be cleared up after");
        }
        match engine.parts.store.batch(job.batch).await {
            Ok(row) if row.state != BatchState::Running => job.halt(),
            Ok(row) => {
                // Heard of at the next look.
                if let Err(error) = engine.hold_to_limits(&row).await {
                    tracing::warn!(%error, "the limits of all batches could not be looked at");
                }
                job.money.correct(&row.balance);
                if row.plan != plan {
                    job.follow(&row.plan);
                    plan = row.plan;
                }
            }
            Err(error) => tracing::warn!(%error, "the batch could not be read"),
        }
    }
}
