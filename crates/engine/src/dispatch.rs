//! The dispatcher: whatever the store says is running is being worked on. Several
//! batches at once share the lanes; jobs go on in the background; a process that
//! starts takes up what another left.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use docmill_core::batch::{BatchEvent, BatchState};
use docmill_core::id::BatchId;
use docmill_store::BatchQuery;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::run::Stop;
use crate::{Engine, EngineError};

/// How often the dispatcher looks for work that nobody told it of (another process may have
/// started a batch).
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Jobs looked at.
const JOBS: u32 = 1000;

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Dispatcher {
    engine: Engine,
    wake: Arc<Notify>,
    in_hand: Arc<Mutex<BTreeSet<BatchId>>>,
}

/// What ended.
enum Ended {
    Batch(BatchId, Result<(), EngineError>),
    Job(u64, Result<(), EngineError>),
}

impl Dispatcher {
    /// A dispatcher for this engine.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self {
            engine,
            wake: Arc::default(),
            in_hand: Arc::default(),
        }
    }

    /// Something was started: look at once.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Batches this process works on.
    #[must_use]
    pub fn in_hand(&self) -> Vec<BatchId> {
        let in_hand = self.in_hand.lock().unwrap_or_else(PoisonError::into_inner);
        in_hand.iter().copied().collect()
    }

    /// Works until `stop` says otherwise; then finishes the calls in flight and leaves the
    /// batches running for the next start.
    pub async fn run(&self, mut stop: watch::Receiver<Stop>) {
        let mut tasks: JoinSet<Ended> = JoinSet::new();
        let mut jobs: BTreeSet<u64> = BTreeSet::new();
        while *stop.borrow() == Stop::No {
            // Also for batches nobody works on: what a dead process held of them is held back.
            if let Err(error) = self.engine.recover_dead().await {
                tracing::warn!(%error, "dead processes could not be cleared up after");
            }
            if let Err(error) = self.take_up(&mut tasks, &mut jobs, &stop).await {
                tracing::warn!(%error, "the store could not be asked for work");
            }
            tokio::select! {
                Some(done) = tasks.join_next(), if !tasks.is_empty() => {
                    self.note(done, &mut jobs).await;
                }
                () = self.wake.notified() => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                _ = stop.changed() => {}
            }
        }
        // Jobs are taken up again where they were; batches end their calls, for they are paid.
        loop {
            tokio::select! {
                done = tasks.join_next() => match done {
                    Some(done) => self.note(done, &mut jobs).await,
                    None => return,
                },
                _ = stop.changed() => {}
            }
        }
    }

    async fn take_up(
        &self,
        tasks: &mut JoinSet<Ended>,
        jobs: &mut BTreeSet<u64>,
        stop: &watch::Receiver<Stop>,
    ) -> Result<(), EngineError> {
        let store = self.engine.store();
        let running = BatchQuery {
            states: vec![BatchState::Running],
            ..BatchQuery::default()
        };
        for row in store.batches(running).await? {
            if !self.lock().insert(row.id) {
                continue;
            }
            let (engine, stop) = (self.engine.clone(), stop.clone());
            let id = row.id;
            tasks.spawn(async move {
                let ended = engine.run_for(id, stop, "taken up by the server").await;
                Ended::Batch(id, ended.map(drop))
            });
        }
        for job in store.jobs(None, true, JOBS).await? {
            if !jobs.insert(job.id) {
                continue;
            }
            let (engine, mut stop) = (self.engine.clone(), stop.clone());
            tasks.spawn(async move {
                let id = job.id;
                let done = tokio::select! {
                    done = engine.do_job(&job) => done,
                    // It goes on from its cursor with the next start.
                    _ = stop.wait_for(|stop| *stop != Stop::No) => Ok(()),
                };
                Ended::Job(id, done)
            });
        }
        Ok(())
    }

    async fn note(&self, done: Result<Ended, tokio::task::JoinError>, jobs: &mut BTreeSet<u64>) {
        match done {
            Ok(Ended::Batch(id, ended)) => {
                if let Err(error) = ended {
                    self.give_up(id, &error).await;
                }
                self.lock().remove(&id);
            }
            Ok(Ended::Job(id, done)) => {
                jobs.remove(&id);
                if let Err(error) = done {
                    tracing::warn!(%error, job = id, "a job could not be written down");
                }
            }
            // The batch stays in hand: working on it again would break down again.
            Err(error) => tracing::error!(%error, "a task broke down"),
        }
    }

    /// A batch that cannot be worked on is paused, with the reason, instead of tried for ever.
    /// Where only the store failed and that may pass, it stays running and is taken up again.
    async fn give_up(&self, id: BatchId, error: &EngineError) {
        if let EngineError::Store(error) = error
            && error.may_pass()
        {
            tracing::warn!(batch = %id, %error, "a batch waits for the database");
            return;
        }
        let reason = match error.hint() {
            Some(hint) => format!("{error}; {hint}"),
            None => error.to_string(),
        };
        tracing::warn!(batch = %id, %reason, "a batch cannot go on");
        let store = self.engine.store();
        let paused = store
            .transition(id, BatchEvent::Pause, &reason, self.engine.now())
            .await;
        if let Err(error) = paused {
            tracing::warn!(%error, "the batch could not be paused");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<BatchId>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
