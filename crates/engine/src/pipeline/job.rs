//! What all documents of a running batch share.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use docmill_core::batch::BatchEvent;
use docmill_core::event::EventKind;
use docmill_core::failure::{self, Billing, Breaker, Decision, Failure, FailureClass, FailureCode, History};
use docmill_core::fair::Priority;
use docmill_core::hours::Hours;
use docmill_core::id::{BatchId, DocumentId, WorkerId};
use docmill_core::money::Usd;
use docmill_core::pacing::Need;
use docmill_core::plan::Plan;
use docmill_core::template::Validator;
use docmill_core::time::Timestamp;
use docmill_store::{BatchRow, Bill, Commit, Committed, LeasedDocument, Next, ReadFacts, Settlement, Store};
use tokio::sync::{Semaphore, SemaphorePermit, watch};

use crate::hours;
use crate::journal::{Entry, Journal};
use crate::lane::{Permit, Registration};
use crate::pipeline::Setup;
use crate::pipeline::money::{Hold, Money};
use crate::pipeline::route::{Fallback, Routes, falls_back};
use crate::spool::{self, Spool};
use crate::telemetry::StoreTrouble;
use crate::{Engine, EngineError, Parts};

/// Documents read ahead of the call slots, so that a slot that gets free finds a prompt ready.
const READ_AHEAD_PER_READER: usize = 4;

/// One document more in hand for so many calls in flight.
const AHEAD_PER_CALL: usize = 8;

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The share of a limit a batch gets beside others.
fn weight(plan: &Plan) -> u32 {
    plan.weight.unwrap_or(Priority::Normal.weight()).max(1)
}

/// What all documents of a running batch share.
pub(crate) struct Job {
    pub(crate) batch: BatchId,
    pub(crate) worker: WorkerId,
    pub(crate) setup: Setup,
    pub(crate) checks: docmill_core::check::Checks,
    pub(crate) validator: Validator,
    pub(super) registration: Registration,
    pub(super) fallbacks: Vec<Fallback>,
    pub(super) routes: Routes,
    between: Mutex<Option<Hours>>,
    concurrency: AtomicU32,
    pub(crate) policy: docmill_core::failure::Policy,
    /// The budget as this process sees it.
    pub(crate) money: Arc<Money>,
    journal: Arc<Journal>,
    turns: Semaphore,
    breaker: Mutex<Breaker>,
    halted: watch::Sender<bool>,
    spool: Spool,
    patience: Duration,
    /// Oddities of answers written into the log so far.
    noted: AtomicU32,
    /// That the store takes nothing at the moment.
    trouble: Arc<StoreTrouble>,
    parts: Parts,
}

/// Oddities of answers that are written into a batch's log: a model that wraps every answer
/// shall not fill it.
const MOST_NOTED: u32 = 20;

/// One fewer than there are processors: an answer that nobody reads is lost when the process dies.
fn turns() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    processors.saturating_sub(1).max(1)
}

impl Job {
    pub(crate) fn new(engine: &Engine, row: &BatchRow, worker: WorkerId) -> Result<Self, EngineError> {
        let setup = Setup::new(engine, row)?;
        let lane = engine.lanes.get(&setup.resolved.lane, &engine.parts.clock);
        let registration = lane.register(row.id, setup.concurrency(), weight(&row.plan), row.plan.limits);
        let validator =
            Validator::new(&setup.template).map_err(|error| EngineError::Template(error.to_string()))?;
        let checks = docmill_core::check::Checks::compile(&setup.template.checks)
            .map_err(|error| EngineError::Template(error.to_string()))?;
        let fallbacks = Setup::fallbacks(engine, row)?.into_iter().map(|setup| {
            let lane = engine.lanes.get(&setup.resolved.lane, &engine.parts.clock);
            let share = weight(&row.plan);
            let registration = lane.register(row.id, setup.concurrency(), share, setup.plan.limits);
            Fallback::new(setup, registration)
        });
        Ok(Self {
            batch: row.id,
            worker,
            fallbacks: fallbacks.collect(),
            routes: Routes::default(),
            between: Mutex::new(row.plan.between),
            concurrency: AtomicU32::new(setup.concurrency()),
            setup,
            checks,
            validator,
            registration,
            policy: engine.settings.policy.clone(),
            money: Money::new(&row.balance),
            journal: Journal::new(&engine.settings.data_dir.join("workers"), worker),
            turns: Semaphore::new(turns()),
            breaker: Mutex::new(Breaker::new(&engine.settings.policy)),
            halted: watch::Sender::new(false),
            spool: Spool::new(&engine.settings.data_dir),
            patience: engine.settings.store_patience,
            noted: AtomicU32::new(0),
            trouble: Arc::clone(&engine.trouble),
            parts: engine.parts.clone(),
        })
    }

    /// Documents in hand at most: those that are called, some that are being written down, and
    /// some that are read ahead.
    pub(crate) fn window(&self) -> usize {
        let concurrency = self.concurrency.load(Ordering::Relaxed) as usize;
        concurrency + concurrency / AHEAD_PER_CALL + self.setup.loader.reader_count() * READ_AHEAD_PER_READER
    }

    /// A permit for a call, when it is this batch's turn and the provider's pace allows it.
    pub(crate) async fn permit(&self, route: usize, need: Need, goes_first: bool) -> Option<Permit> {
        self.registration_of(route).permit(need, goes_first).await
    }

    /// Takes what a person changed about the plan while the batch runs: concurrency and weight.
    pub(crate) fn follow(&self, plan: &Plan) {
        let concurrency = self.setup.concurrency_of(plan);
        self.concurrency.store(concurrency, Ordering::Relaxed);
        *self.between.lock().unwrap_or_else(PoisonError::into_inner) = plan.between;
        self.registration.change(concurrency, weight(plan), plan.limits);
        for fallback in &self.fallbacks {
            let concurrency = fallback.setup.concurrency_of(plan);
            let limits = fallback.setup.plan.limits;
            fallback.registration.change(concurrency, weight(plan), limits);
        }
    }

    /// How long until the hours of the batch allow calls; `None`: now.
    pub(crate) fn until_open(&self) -> Option<Duration> {
        let between = *self.between.lock().unwrap_or_else(PoisonError::into_inner);
        hours::until_open(between, self.now())
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.parts.store.as_ref()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// No more calls from now on; what is in flight ends.
    pub(crate) fn halt(&self) {
        self.halted.send_replace(true);
    }

    pub(crate) fn is_halted(&self) -> bool {
        *self.halted.borrow()
    }

    /// Returns when the job is halted.
    pub(crate) async fn halted(&self) {
        // An error would mean that the sender is gone, and it lives as long as `self`.
        let _ = self.halted.subscribe().wait_for(|halted| *halted).await;
    }

    /// A commit that settles nothing.
    pub(crate) fn plain(&self, document: DocumentId, next: Next) -> Commit {
        Commit {
            document,
            worker: self.worker,
            settlement: None,
            next,
            facts: None,
            now: self.now(),
        }
    }

    /// Writes a commit whose outcome changes nothing for the batch.
    pub(crate) async fn commit(&self, commit: Commit) -> Result<(), EngineError> {
        self.parts.store.commit(Arc::new(commit)).await?;
        Ok(())
    }

    /// Ends a document that never got as far as a call.
    pub(crate) async fn give_up(
        &self,
        document: &LeasedDocument,
        failure: Failure,
        facts: Option<ReadFacts>,
    ) -> Result<(), EngineError> {
        let next = match failure.code {
            FailureCode::EmptyDocument | FailureCode::UnsupportedType => Next::Skipped(failure),
            code if code.class() == FailureClass::Transient => self.again(document, failure),
            _ => Next::Failed(failure),
        };
        self.commit(Commit {
            facts,
            ..self.plain(document.id, next)
        })
        .await
    }

    /// A document whose trouble is not its own gets its bounded number of further tries.
    fn again(&self, document: &LeasedDocument, failure: Failure) -> Next {
        let history = History {
            attempts: document.attempts,
            failures: document.failures,
            waits: document.waits,
            ..History::default()
        };
        match self.decide(
            document.id.ordinal.0,
            &failure,
            Billing::NotBilled,
            &history,
            None,
        ) {
            Decision::Retry { at, counts, .. } => Next::Retry { at, failure, counts },
            _ => Next::Failed(failure),
        }
    }

    /// Writes a paid answer into the journal, before anything else is done about it.
    pub(crate) fn note_answer(&self, document: DocumentId, settlement: &Settlement) -> Option<Entry> {
        self.journal.write(document, settlement)
    }

    /// A turn for work that takes the processor's time and no call: those who wait for their turn
    /// leave a thread to what comes in from the provider, which is heard at once.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }

    /// Writes the end of a call, gives back what is left of the money held for it, and watches
    /// for trouble that is not the document's. Returns whether the document moved on.
    pub(crate) async fn commit_and_watch(
        &self,
        commit: Commit,
        hold: Option<Hold>,
        entry: Option<Entry>,
    ) -> Result<bool, EngineError> {
        let outcome = commit
            .settlement
            .as_ref()
            .map(|settlement| settlement.failure.clone());
        let bill = commit.settlement.as_ref().map(|settlement| settlement.bill);
        let committed = self.settle(commit, entry.is_some()).await?;
        if let Some(entry) = entry {
            entry.stored();
        }
        if let Some(hold) = hold {
            match bill {
                Some(Bill::Actual { cost, .. }) => hold.settle(cost),
                Some(Bill::NotBilled) | None => hold.settle(Usd::ZERO),
                // It goes on counting at its worst case.
                Some(Bill::Unknown) => hold.settle(Usd::MAX),
            }
        }
        if let Some(overrun) = committed.overrun {
            let reason = format!(
                "a call cost {overrun} more than the worst case held back for it: the price or the token bound of {} is wrong",
                self.setup.plan.model
            );
            self.pause(&reason, None).await?;
        }
        // What another model is asked for is not the end of it.
        let goes_on = |failure: &Failure| {
            let is_final = failure.code.class() == FailureClass::Transient;
            !self.fallbacks.is_empty() && falls_back(failure) && !is_final
        };
        if let Some(outcome) = outcome
            && !outcome.as_ref().is_some_and(goes_on)
            && let Some(reason) = self.observe(outcome.as_ref())
        {
            self.pause(&reason, None).await?;
        }
        Ok(committed.applied)
    }

    /// Writes what a call brought. It may have been paid for, so that a store that refuses it
    /// (a full disk, a database that was moved away, another process) is asked again and again,
    /// and the answer is written down elsewhere when that lasts.
    ///
    /// `is_in_journal`: the death of this process loses nothing, so that waiting is worth less.
    async fn settle(&self, commit: Commit, is_in_journal: bool) -> Result<Committed, EngineError> {
        let commit = Arc::new(commit);
        let nothing_paid = commit.settlement.is_none();
        let since = tokio::time::Instant::now();
        let mut pause = Duration::from_millis(20);
        let mut kept: Option<std::path::PathBuf> = None;
        loop {
            let error = match self.parts.store.commit(Arc::clone(&commit)).await {
                Ok(committed) => {
                    if let Some(path) = kept {
                        spool::forget(&path);
                    }
                    self.trouble.passed();
                    return Ok(committed);
                }
                Err(error) => error,
            };
            let passes = error.may_pass();
            if kept.is_none()
                && commit.settlement.is_some()
                && (!passes || since.elapsed() >= self.patience / 10)
            {
                tracing::warn!(%error, "an answer cannot be stored; it is kept beside the database");
                match self.spool.keep(&commit).await {
                    Ok(path) => kept = Some(path),
                    Err(error) => tracing::warn!(%error, "nor can it be kept there; it is tried again"),
                }
            }
            let patience = if kept.is_some() || is_in_journal || nothing_paid {
                self.patience
            } else {
                self.patience * 12
            };
            if passes && since.elapsed() >= self.patience / 10 {
                self.trouble.say(&error, patience);
            }
            if !passes || since.elapsed() >= patience {
                return Err(error.into());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// What becomes of a document after a call that brought nothing. `seed` spreads retries.
    pub(crate) fn decide(
        &self,
        seed: u64,
        failure: &Failure,
        billing: Billing,
        history: &History,
        retry_after: Option<Duration>,
    ) -> Decision {
        // An outage is nobody's document's fault.
        let is_outage = failure.code.class() == FailureClass::Transient && self.trouble_since().is_some();
        let failures = if is_outage { 0 } else { history.failures };
        let history = History { failures, ..*history };
        let decision = failure::decide(
            failure,
            billing,
            &history,
            &self.policy,
            self.now(),
            retry_after,
            seed,
        );
        match decision {
            Decision::Retry { at, reason, .. } if is_outage => Decision::Retry {
                at,
                counts: false,
                reason,
            },
            decision => decision,
        }
    }

    fn trouble_since(&self) -> Option<Timestamp> {
        self.registration.trouble_since()
    }

    /// Writes into the log what was odd about an answer that could be used.
    pub(crate) async fn note(&self, document: DocumentId, notes: &[String]) -> Result<(), EngineError> {
        for note in notes {
            let before = self.noted.fetch_add(1, Ordering::Relaxed);
            if before >= MOST_NOTED {
                tracing::debug!(document = document.ordinal.0, "{note}");
                continue;
            }
            let last = if before + 1 == MOST_NOTED {
                "; further ones are not written down"
            } else {
                ""
            };
            let message = format!("the answer was mended: {note}{last}");
            self.parts
                .store
                .log(
                    self.batch,
                    Some(document.ordinal),
                    EventKind::Note { message },
                    self.now(),
                )
                .await?;
        }
        Ok(())
    }

    fn observe(&self, failure: Option<&Failure>) -> Option<String> {
        let transient = failure.is_some_and(|failure| failure.code.class() == FailureClass::Transient);
        if transient && let Some(since) = self.trouble_since() {
            let lasts = u128::try_from(self.now().since_ms(since)).unwrap_or(0);
            if lasts < self.policy.longest_wait.as_millis() {
                return None;
            }
        }
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        breaker.observe(failure)
    }

    /// Pauses the batch and stops this run.
    pub(crate) async fn pause(&self, reason: &str, until: Option<Timestamp>) -> Result<(), EngineError> {
        self.halt();
        let now = self.now();
        // Refused when it is paused or ended already: nothing to add then.
        let _ = self
            .parts
            .store
            .transition(self.batch, BatchEvent::Pause, reason, now)
            .await?;
        if let Some(until) = until {
            let minutes = until.since_ms(now).max(0) / 60_000 + 1;
            let message =
                format!("the provider's limit resets in about {minutes} minutes; resume the batch then");
            self.parts
                .store
                .log(self.batch, None, EventKind::Note { message }, now)
                .await?;
        }
        Ok(())
    }
}
