//! Working on a batch, with progress, hearing a person who wants it to stop.

use std::future::Future;
use std::io;
use std::time::Duration;

use docmill_core::batch::{BatchEvent, BatchState, STOPPED_BY_PERSON};
use docmill_core::id::BatchId;
use docmill_engine::run::{RunEnd, Stop};
use docmill_engine::{Engine, EngineError};
use tokio::sync::watch;

use super::Bench;
use crate::args::Context;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::place::Place;
use crate::report::live::{LOOK_EVERY, Reporter, Watcher};
use crate::wire;

/// Runs the engine, draws progress, and hears a person who wants it to stop. Meanwhile `adding`
/// adds documents; when that fails, calls in flight are finished, and the fault is what comes of it.
pub async fn attend(
    bench: &Bench,
    id: BatchId,
    adding: impl Future<Output = Result<(), Fault>>,
    context: &Context,
) -> Result<(RunEnd, Stop), Fault> {
    let (stop, stopping) = watch::channel(Stop::No);
    let engine = bench.engine.clone();
    let server = wire::running(context);
    if let Some(url) = &server {
        context.ui.say(&format!("the server at {url} does the work"));
    }
    let mut run = tokio::spawn(async move {
        if server.is_some() {
            leave_to_server(&engine, id, stopping).await
        } else {
            engine.run(id, stopping).await
        }
    });
    let mut watcher = Watcher::new(Place::Here(bench.store.clone()), id);
    let mut reporter = Reporter::new(&context.ui);
    let mut signals = Signals::new()?;
    let mut added = None;
    let mut is_told = false;
    tokio::pin!(adding);
    loop {
        tokio::select! {
            result = &mut adding, if added.is_none() => {
                if result.is_err() {
                    stop.send_replace(Stop::Drain);
                }
                added = Some(result);
            }
            ended = &mut run => {
                let ended = ended.map_err(|error| {
                    Fault::new(Exit::Failure, format!("docmill broke down: {error}; please report it"))
                        .hint(format!("docmill resume {} goes on: nothing is lost", id.short()))
                })?;
                let ended = ended?;
                if let Some(result) = added {
                    result?;
                }
                return Ok((ended, *stop.borrow()));
            }
            () = tokio::time::sleep(LOOK_EVERY) => {
                let trouble = bench.engine.trouble_of(id);
                if let (Some(trouble), false) = (&trouble, is_told) {
                    reporter.note(trouble);
                }
                is_told = trouble.is_some();
                // Progress is not worth failing for; the work itself will say what is wrong.
                if let Ok(glance) = watcher.look().await {
                    reporter.batch(&glance);
                }
            }
            () = signals.next() => {
                let (next, words) = match *stop.borrow() {
                    Stop::No => (Stop::Drain, "stopping: calls in flight are being finished; once more to stop at once"),
                    Stop::Drain | Stop::Leave | Stop::Now => (Stop::Now, "stopping at once"),
                };
                reporter.note(words);
                stop.send_replace(next);
            }
        }
    }
}

/// How often a batch that the server works on is looked at for its end.
const LOOK: Duration = Duration::from_millis(200);

/// Starts the batch and waits for its end, while a server on the same folder does the work: two
/// processes would share out the provider's limits blindly.
async fn leave_to_server(
    engine: &Engine,
    id: BatchId,
    mut stop: watch::Receiver<Stop>,
) -> Result<RunEnd, EngineError> {
    engine.start(id, "started by a person").await?;
    loop {
        let row = engine.store().batch(id).await?;
        if row.state != BatchState::Running {
            return Ok(RunEnd::State {
                state: row.state,
                reason: row.reason,
            });
        }
        if *stop.borrow() != Stop::No {
            // Refused only when it ended meanwhile, and then there is nothing to pause.
            let _ = engine
                .store()
                .transition(id, BatchEvent::Pause, STOPPED_BY_PERSON, engine.now())
                .await?;
            return Ok(RunEnd::Stopped);
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Ctrl-C, and what service managers send instead.
pub struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    /// Listens from now on.
    pub fn new() -> Result<Self, Fault> {
        use tokio::signal::unix::{SignalKind, signal};
        let deaf =
            |error: io::Error| Fault::new(Exit::Failure, format!("signals cannot be received: {error}"));
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(deaf)?,
            interrupt: signal(SignalKind::interrupt()).map_err(deaf)?,
        })
    }

    #[cfg(unix)]
    /// The next one.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    /// Listens from now on.
    pub fn new() -> Result<Self, Fault> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    /// The next one.
    pub async fn next(&mut self) {
        // An error means that no signal will ever come.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
