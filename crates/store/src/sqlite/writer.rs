//! The one thread that writes, and group commit.
//!
//! While a transaction is being synced, requests pile up; the next transaction
//! takes all of them. So the more is going on, the more documents share one sync
//! (measured: 14 times the throughput of one commit a document). When several are
//! at work and few wait, it waits a moment for more: a commit costs the same for
//! one as for twenty. Results, which hold nobody up, wait a little longer for each other
//! and let calls that are about to leave go first. An answer is sent only after COMMIT.
//!
//! What a request decides (no budget, lease lost, no such batch) is a value. A
//! database error dooms the whole transaction: nothing of it was written, and
//! everybody in it hears why.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::StoreError;
use crate::sqlite::codec::Context;
use crate::sqlite::hot::Transaction;
use crate::sqlite::open::Opened;
use crate::sqlite::presence::Absence;

/// Requests that wait at most. More block their senders: a bound on memory.
const QUEUE: usize = 4096;

/// Requests taken from the queue at a time, so that none waits too long for its sync.
const GROUP: usize = 1024;

/// A transaction with fewer requests than this waits for more, when others are at work.
const SMALL: usize = 256;

/// For how long. A hundredth of what the quickest models take to answer.
const LINGER: Duration = Duration::from_millis(2);

/// When so many are written at a time, those that have time wait for each other: hundreds of results
/// touch hardly more pages than a dozen, and calls that are about to leave get ahead of them.
const BUSY: usize = 32;

/// Or until there are so many.
const ENOUGH: usize = 128;

/// For how long at most.
const PATIENCE: Duration = Duration::from_millis(10);

/// Something to be written.
trait Request: Send {
    /// Runs inside the transaction; what it returns is called with the fate of the transaction.
    fn run(self: Box<Self>, transaction: &mut Transaction<'_>) -> (Fate, Deliver);

    /// Whether it may wait for others of its kind while much is going on.
    fn is_deferrable(&self) -> bool;

    /// Its transaction failed before its turn.
    fn refuse(self: Box<Self>, error: &StoreError);
}

type Deliver = Box<dyn FnOnce(&Result<(), StoreError>) + Send>;

/// What a request means for the transaction it is in.
enum Fate {
    Fine,
    Doomed(StoreError),
}

/// The handle of the writing thread. Dropping the last one ends it after what waits.
pub(super) struct Writer {
    requests: Option<SyncSender<Box<dyn Request>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(opened: Opened, context: Context) -> std::io::Result<Self> {
        let (requests, inbox) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("docmill-writer".to_owned())
            .spawn(move || Session::new(opened, context).run(&inbox))?;
        Ok(Self {
            requests: Some(requests),
            thread: Some(thread),
        })
    }

    /// Runs `work` in the next transaction and waits for its commit.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.ask(work, false).await
    }

    /// The same for what holds nobody up: the answer is in the journal, and the call is over. While
    /// much is going on it waits a moment for others.
    pub(super) async fn write_deferrable<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.ask(work, true).await
    }

    async fn ask<T, F>(&self, work: F, is_deferrable: bool) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, waiting) = oneshot::channel();
        let work = Work {
            work,
            answer,
            is_deferrable,
        };
        self.send(Box::new(work)).await?;
        waiting.await.map_err(|_| gone())?
    }

    async fn send(&self, request: Box<dyn Request>) -> Result<(), StoreError> {
        let requests = self.requests.as_ref().ok_or_else(gone)?;
        match requests.try_send(request) {
            Ok(()) => Ok(()),
            Err(TrySendError::Disconnected(_)) => Err(gone()),
            Err(TrySendError::Full(request)) => {
                // Rare: 4096 requests wait. Blocking is right, but not on a runtime thread.
                let requests = requests.clone();
                tokio::task::spawn_blocking(move || requests.send(request).map_err(|_| gone()))
                    .await
                    .map_err(|_| gone())?
            }
        }
    }
}

struct Work<T, F> {
    work: F,
    answer: oneshot::Sender<Result<T, StoreError>>,
    is_deferrable: bool,
}

impl<T, F> Request for Work<T, F>
where
    T: Send + 'static,
    F: FnOnce(&mut Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
{
    fn run(self: Box<Self>, transaction: &mut Transaction<'_>) -> (Fate, Deliver) {
        let Self { work, answer, .. } = *self;
        let result = work(transaction);
        let fate = match &result {
            Err(error) if dooms(error) => Fate::Doomed(error.clone()),
            _ => Fate::Fine,
        };
        let deliver: Deliver = Box::new(move |fate| {
            // Whoever asked may be gone; what was written stays.
            let _ = answer.send(match fate {
                Ok(()) => result,
                Err(error) => Err(error.clone()),
            });
        });
        (fate, deliver)
    }

    fn is_deferrable(&self) -> bool {
        self.is_deferrable
    }

    fn refuse(self: Box<Self>, error: &StoreError) {
        let _ = self.answer.send(Err(error.clone()));
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was heard by everybody who waited for it.
            let _ = thread.join();
        }
    }
}

fn gone() -> StoreError {
    StoreError::Database("the writing thread has ended".to_owned())
}

/// Whether an error leaves the transaction unusable. The others are found before anything is written.
fn dooms(error: &StoreError) -> bool {
    !matches!(
        error,
        StoreError::NoSuchBatch(_) | StoreError::NoSuchDocument(_) | StoreError::BatchExists(_)
    )
}

/// What the writing thread works with.
struct Session {
    opened: Opened,
    context: Context,
    /// Nothing is written any more, and why: what is broken must not be built upon.
    closed: Option<StoreError>,
}

impl Session {
    fn new(opened: Opened, context: Context) -> Self {
        Self {
            opened,
            context,
            closed: None,
        }
    }

    fn run(mut self, inbox: &Receiver<Box<dyn Request>>) {
        let (mut group, mut deferred) = (Vec::new(), Deferred::default());
        // How many were written together last: whoever works alone never waits.
        let mut last = 1;
        while let Some(first) = next(inbox, deferred.wait()) {
            let mut take = |request: Box<dyn Request>| match request.is_deferrable() {
                true => deferred.push(request),
                false => group.push(request),
            };
            first.map(&mut take);
            let taken = inbox.try_iter().take(GROUP).map(&mut take).count();
            if last > 1 && taken < SMALL {
                std::thread::sleep(LINGER);
                inbox.try_iter().take(GROUP).for_each(&mut take);
            }
            // Where nobody else wants anything, they wait for nothing.
            if group.is_empty() || last < BUSY || deferred.is_due() {
                group.append(&mut deferred.requests);
            }
            if !group.is_empty() {
                last = group.len() + deferred.requests.len();
                self.commit(&mut group);
            }
        }
        if !deferred.requests.is_empty() {
            self.commit(&mut deferred.requests);
        }
        // Leaves a small WAL for the next start. Not at the price of waiting for another process:
        // a failure costs a slower open. (No `PRAGMA optimize`: statistics of one day's batches would
        // change the plans of the next day's.)
        let connection = &self.opened.connection;
        let _ = connection.busy_timeout(std::time::Duration::ZERO);
        let _ = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    /// Whether anything may be written.
    fn ready(&mut self) -> Result<(), StoreError> {
        if let Some(error) = &self.closed {
            return Err(error.clone());
        }
        let path = self.context.path.clone();
        match self.opened.presence.look() {
            None => Ok(()),
            Some(Absence::Database) => {
                let reason = "it was moved, deleted or replaced while docmill runs".to_owned();
                Err(StoreError::Gone { path, reason })
            }
            Some(Absence::Log) => {
                // Only this process still reaches what is in the log: into the database with it.
                let saved = self
                    .opened
                    .connection
                    .query_row("PRAGMA wal_checkpoint(FULL)", [], |row| row.get::<_, i64>(0));
                let reason = match saved {
                    Ok(0) => "its -wal file was deleted while docmill runs; what was in it is saved",
                    _ => "its -wal file was deleted while docmill runs",
                };
                let error = StoreError::Gone {
                    path,
                    reason: reason.to_owned(),
                };
                self.closed = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Runs a group in one transaction and tells everybody how it went.
    fn commit(&mut self, group: &mut Vec<Box<dyn Request>>) {
        let mut answers: Vec<Deliver> = Vec::with_capacity(group.len());
        let mut result = self.ready();
        let (connection, context) = (&self.opened.connection, &self.context);
        if result.is_ok() {
            result = connection
                .execute_batch("BEGIN IMMEDIATE")
                .map_err(|error| context.explain(error));
        }
        let mut transaction = Transaction::new(connection, context);
        for request in group.drain(..) {
            if let Err(error) = &result {
                request.refuse(error);
                continue;
            }
            let (fate, deliver) = request.run(&mut transaction);
            answers.push(deliver);
            if let Fate::Doomed(error) = fate {
                result = Err(error);
            }
        }
        let mut written = None;
        if result.is_ok() {
            result = transaction.flush().map(|it| written = it);
        }
        if result.is_ok() {
            result = connection
                .execute_batch("COMMIT")
                .map_err(|error| context.explain(error));
        }
        if result.is_err() && !connection.is_autocommit() {
            // Whatever it says, the next BEGIN tells whether the connection is usable.
            let _ = connection.execute_batch("ROLLBACK");
        }
        match (&result, &written) {
            (Ok(()), Some(written)) => self.opened.note(written),
            (Err(error @ StoreError::Damaged { .. }), _) => self.closed = Some(error.clone()),
            _ => {}
        }
        for deliver in answers {
            deliver(&result);
        }
    }
}

/// The next request: `Some(None)` when none came within `wait`, `None` when none can come any more.
fn next(inbox: &Receiver<Box<dyn Request>>, wait: Option<Duration>) -> Option<Option<Box<dyn Request>>> {
    let Some(wait) = wait else {
        return inbox.recv().ok().map(Some);
    };
    match inbox.recv_timeout(wait) {
        Ok(request) => Some(Some(request)),
        Err(RecvTimeoutError::Timeout) => Some(None),
        Err(RecvTimeoutError::Disconnected) => None,
    }
}

/// Requests that have time.
#[derive(Default)]
struct Deferred {
    requests: Vec<Box<dyn Request>>,
    /// When the first of them came.
    since: Option<Instant>,
}

impl Deferred {
    fn push(&mut self, request: Box<dyn Request>) {
        if self.requests.is_empty() {
            self.since = Some(Instant::now());
        }
        self.requests.push(request);
    }

    /// How long until they are due; `None`: there are none.
    fn wait(&self) -> Option<Duration> {
        let since = self.since.filter(|_| !self.requests.is_empty())?;
        Some(PATIENCE.saturating_sub(since.elapsed()))
    }

    fn is_due(&self) -> bool {
        self.requests.len() >= ENOUGH || self.wait().is_some_and(|wait| wait.is_zero())
    }
}
