//! Live feeds: what happens to a batch, looked up and written down once for everybody who
//! watches it. A thousand viewers of a batch cost the store as much as one.
//!
//! A feed begins with its first viewer and ends with its last. At each beat of the pulse it asks
//! the store what is new, writes it as server-sent events, and hands the same bytes to all. Who
//! joins gets the feed's last words about everything, then each later one; what happened between the
//! last line they saw and that is asked for once, for them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use docmill_core::id::BatchId;
use serde::Serialize;
use tokio::sync::broadcast::{self, Receiver, Sender};
use tokio::time::Instant;

use crate::app::App;
use crate::problem::Problem;
use crate::views::{BatchView, EventView, JobView};

/// Lines of the log sent at once; when more happened, the newest of them.
const LINES: u32 = 200;

/// Jobs of a batch that are shown.
const JOBS: u32 = 20;

/// Beats a viewer may be behind before it begins anew: some seconds.
const BEHIND: usize = 32;

/// What is watched: one batch, or all that run.
pub(crate) type Watched = Option<BatchId>;

/// All feeds. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Feeds {
    open: Arc<Mutex<HashMap<Watched, Arc<Feed>>>>,
}

/// One feed.
struct Feed {
    state: Mutex<State>,
}

struct State {
    /// The last words about everything that is not a line of the log.
    standing: Bytes,
    /// The last line of the log that was sent.
    last: u64,
    sender: Sender<Beat>,
    viewers: usize,
}

/// What happened since the beat before.
#[derive(Debug, Clone)]
pub(crate) struct Beat {
    /// As server-sent events.
    pub(crate) bytes: Bytes,
    /// The last line of the log in it, or before it.
    pub(crate) last: u64,
}

/// A viewer's end of a feed. Leaving is dropping it.
pub(crate) struct Viewer {
    feeds: Feeds,
    watched: Watched,
    feed: Arc<Feed>,
    beats: Receiver<Beat>,
}

/// How a feed stands when somebody joins.
pub(crate) struct Standing {
    /// The last words about everything, as server-sent events.
    pub(crate) bytes: Bytes,
    /// The last line of the log before what comes.
    pub(crate) last: u64,
}

impl Feeds {
    /// Joins the feed, beginning it when nobody watches yet.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn join(&self, app: &App, watched: Watched) -> Result<Viewer, Problem> {
        if let Some(viewer) = self.enter(watched) {
            return Ok(viewer);
        }
        // Looked at before it is made known, so that whoever joins next finds something standing.
        let mut source = Source::new(app.clone(), watched).await?;
        source.look().await?;
        let viewer = {
            let mut open = self.open();
            open.entry(watched).or_insert_with(|| {
                let feed = Arc::new(Feed {
                    state: Mutex::new(State {
                        standing: source.standing(),
                        last: source.last,
                        sender: broadcast::channel(BEHIND).0,
                        viewers: 0,
                    }),
                });
                let closing = Closing {
                    feeds: self.clone(),
                    watched,
                    feed: Arc::clone(&feed),
                };
                tokio::spawn(run(source, closing));
                feed
            });
            self.enter_locked(&open, watched)
        };
        viewer.ok_or_else(|| Problem::conflict("the feed ended as it began; ask again"))
    }

    fn enter(&self, watched: Watched) -> Option<Viewer> {
        self.enter_locked(&self.open(), watched)
    }

    fn enter_locked(&self, open: &HashMap<Watched, Arc<Feed>>, watched: Watched) -> Option<Viewer> {
        let feed = Arc::clone(open.get(&watched)?);
        let beats = {
            let mut state = feed.state();
            state.viewers += 1;
            state.sender.subscribe()
        };
        Some(Viewer {
            feeds: self.clone(),
            watched,
            feed,
            beats,
        })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Watched, Arc<Feed>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes a feed when its task ends, however it ends: nobody joins it any more, and whoever
/// still listens hears that it is over.
struct Closing {
    feeds: Feeds,
    watched: Watched,
    feed: Arc<Feed>,
}

impl Drop for Closing {
    fn drop(&mut self) {
        let mut open = self.feeds.open();
        let is_same = open
            .get(&self.watched)
            .is_some_and(|feed| Arc::ptr_eq(feed, &self.feed));
        if is_same {
            open.remove(&self.watched);
        }
        self.feed.state().sender = broadcast::channel(1).0;
    }
}

impl Feed {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Viewer {
    /// How things stand; what comes next comes after that.
    pub(crate) fn begin(&mut self) -> Standing {
        let state = self.feed.state();
        self.beats = state.sender.subscribe();
        Standing {
            bytes: state.standing.clone(),
            last: state.last,
        }
    }

    /// The next beat that brought something. `Ok(None)`: this viewer was too slow, and begins anew.
    /// `Err`: the feed is over.
    pub(crate) async fn next(&mut self) -> Result<Option<Beat>, Over> {
        match self.beats.recv().await {
            Ok(beat) => Ok(Some(beat)),
            Err(broadcast::error::RecvError::Lagged(_)) => Ok(None),
            Err(broadcast::error::RecvError::Closed) => Err(Over),
        }
    }
}

/// A feed ended: the store cannot be looked at, or the server stops.
#[derive(Debug)]
pub(crate) struct Over;

impl Drop for Viewer {
    fn drop(&mut self) {
        // In this order, as when joining, so that nobody joins a feed that is being closed.
        let mut open = self.feeds.open();
        let mut state = self.feed.state();
        state.viewers -= 1;
        let is_same = open
            .get(&self.watched)
            .is_some_and(|feed| Arc::ptr_eq(feed, &self.feed));
        if state.viewers == 0 && is_same {
            open.remove(&self.watched);
        }
    }
}

/// The lines between the last that somebody saw and the feed, for them alone.
///
/// # Errors
/// When the store fails.
pub(crate) async fn missed(app: &App, batch: BatchId, seen: u64, until: u64) -> Result<Bytes, Problem> {
    let mut text = String::new();
    if seen < until {
        let mut lines = app.store().events_after(Some(batch), seen, LINES).await?;
        if lines.len() as u64 >= u64::from(LINES) {
            lines = app.store().last_events(batch, LINES).await?;
            frame(&mut text, "gap", &seen, None);
        }
        lines.retain(|line| line.id <= until);
        let views: Vec<EventView> = lines.iter().map(EventView::from).collect();
        if !views.is_empty() {
            frame(&mut text, "log", &views, Some(until));
        }
    }
    Ok(text.into())
}

/// Asks the store at each beat until nobody watches any more.
async fn run(mut source: Source, closing: Closing) {
    let feed = &closing.feed;
    let mut pulse = source.app.pulse.listen();
    loop {
        if pulse.changed().await.is_err() {
            break;
        }
        let looked = Instant::now();
        let viewers = feed.state().viewers;
        if viewers == 0 {
            break;
        }
        match source.look().await {
            Ok(bytes) => {
                let mut state = feed.state();
                state.standing = source.standing();
                state.last = source.last;
                if !bytes.is_empty() {
                    // Nobody listening is no error: they come and go.
                    let _ = state.sender.send(Beat {
                        bytes,
                        last: source.last,
                    });
                }
            }
            // Viewers are let go; they come back by themselves, and then hear what is wrong.
            Err(problem) => {
                tracing::warn!(problem.detail, "a live feed ended");
                break;
            }
        }
        tokio::time::sleep_until(looked + pause(viewers)).await;
        pulse.mark_unchanged();
    }
}

/// Between two beats: the more watch, the fewer beats a second, so that many viewers never
/// take the processor from the work.
const fn pause(viewers: usize) -> Duration {
    match viewers {
        0..=50 => Duration::ZERO,
        51..=250 => Duration::from_millis(400),
        _ => Duration::from_millis(900),
    }
}

/// What a feed knows and where it asks.
struct Source {
    app: App,
    watched: Watched,
    last: u64,
    batch: Option<BatchView>,
    jobs: Option<Vec<JobView>>,
    running: Option<Vec<BatchView>>,
}

impl Source {
    async fn new(app: App, watched: Watched) -> Result<Self, Problem> {
        let last = match watched {
            Some(id) => newest(&app, id).await?,
            None => 0,
        };
        Ok(Self {
            app,
            watched,
            last,
            batch: None,
            jobs: None,
            running: None,
        })
    }

    /// What is new, as server-sent events.
    async fn look(&mut self) -> Result<Bytes, Problem> {
        let mut text = String::new();
        match self.watched {
            Some(id) => self.look_at_batch(id, &mut text).await?,
            None => self.look_at_all(&mut text),
        }
        Ok(text.into())
    }

    async fn look_at_batch(&mut self, id: BatchId, text: &mut String) -> Result<(), Problem> {
        let store = self.app.store();
        let row = store.batch(id).await?;
        let view = self.app.pulse.view(&row);
        if self.batch.as_ref() != Some(&view) {
            frame(text, "batch", &view, None);
            self.batch = Some(view);
        }
        let jobs = store.jobs(Some(id), false, JOBS).await?;
        let jobs: Vec<JobView> = jobs.iter().map(JobView::from).collect();
        if self.jobs.as_ref() != Some(&jobs) {
            frame(text, "jobs", &jobs, None);
            self.jobs = Some(jobs);
        }
        let mut lines = store.events_after(Some(id), self.last, LINES).await?;
        if lines.len() as u64 >= u64::from(LINES) {
            // More happened than anybody reads: the newest, and word that some are missing.
            lines = store.last_events(id, LINES).await?;
            frame(text, "gap", &self.last, None);
        }
        if let Some(last) = lines.last() {
            self.last = last.id;
            let views: Vec<EventView> = lines.iter().map(EventView::from).collect();
            frame(text, "log", &views, Some(self.last));
        }
        Ok(())
    }

    fn look_at_all(&mut self, text: &mut String) {
        let (running, _) = self.app.pulse.running();
        if self.running.as_ref() == Some(&running) {
            return;
        }
        let is_running = |view: &&BatchView| running.iter().any(|now| now.id == view.id);
        let ended: Vec<&str> = self
            .running
            .iter()
            .flatten()
            .filter(|view| !is_running(view))
            .map(|view| view.id.as_str())
            .collect();
        frame(text, "batches", &running, None);
        if !ended.is_empty() {
            frame(text, "ended", &ended, None);
        }
        self.running = Some(running);
    }

    /// The last words about everything but the log.
    fn standing(&self) -> Bytes {
        let mut text = String::new();
        if let Some(batch) = &self.batch {
            frame(&mut text, "batch", batch, None);
        }
        if let Some(jobs) = self.jobs.as_ref().filter(|jobs| !jobs.is_empty()) {
            frame(&mut text, "jobs", jobs, None);
        }
        if let Some(running) = &self.running {
            frame(&mut text, "batches", running, None);
        }
        text.into()
    }
}

async fn newest(app: &App, id: BatchId) -> Result<u64, Problem> {
    let last = app.store().last_events(id, 1).await?;
    Ok(last.last().map_or(0, |event| event.id))
}

/// One event. JSON holds no line break, so its data is one line.
fn frame<T: Serialize>(text: &mut String, name: &str, value: &T, id: Option<u64>) {
    // Our own types always serialise; writing to a String cannot fail.
    let data = serde_json::to_string(value).unwrap_or_default();
    let _ = writeln!(text, "event: {name}\ndata: {data}");
    if let Some(id) = id {
        let _ = writeln!(text, "id: {id}");
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_what_the_standard_says() {
        let mut text = String::new();
        frame(&mut text, "log", &["a\nb"], Some(7));
        assert_eq!(text, "event: log\ndata: [\"a\\nb\"]\nid: 7\n\n");
    }

    #[test]
    fn many_viewers_are_told_less_often() {
        assert_eq!(pause(1), Duration::ZERO);
        assert!(pause(1000) > pause(100));
    }
}
