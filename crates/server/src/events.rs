//! Live streams (server-sent events). Each line of the log has an id; a client that
//! comes back says the last it saw (`Last-Event-ID`) and misses nothing, or is told
//! that too much happened. What changes faster than people can look is sent four
//! times a second at most.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use docmill_core::id::BatchId;
use futures::Stream;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::app::App;
use crate::params::{Path, Query};
use crate::problem::Problem;
use crate::views::{BatchView, EventView, JobView};

/// Lines of the log sent at once; when more happened, the newest of them.
const LINES: u32 = 200;

/// Comments that keep proxies from closing a quiet stream.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Jobs of a batch that are shown.
const JOBS: u32 = 20;

/// Where to begin.
#[derive(Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct StreamQuery {
    /// The last line of the log that was seen; the header `Last-Event-ID` is stronger.
    pub after: Option<u64>,
}

/// What a stream of one batch sends.
struct Sender {
    app: App,
    id: BatchId,
    last: u64,
    batch: Option<BatchView>,
    jobs: Vec<JobView>,
}

/// Watches one batch: `batch` (its state, counters, money, speed), `log` (new lines), `jobs`.
#[utoipa::path(get, path = "/batches/{batch}/events", tag = "batches",
    params(("batch" = String, Path, description = "Id, short id, name, or `last`"), StreamQuery),
    responses((status = 200, description = "A stream of server-sent events", content_type = "text/event-stream", body = String),
        (status = 404, description = "No such batch", body = Problem, content_type = "application/problem+json")))]
pub async fn batch_events(
    State(app): State<App>,
    Path(batch): Path<String>,
    Query(query): Query<StreamQuery>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let row = app.batch(&batch).await?;
    let said = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok())
        .and_then(|id| id.trim().parse().ok());
    let last = match said.or(query.after) {
        Some(last) => last,
        // From now on: who begins has asked for the log itself.
        None => newest(&app, row.id).await?,
    };
    let mut beats = app.pulse.listen();
    let mut sender = Sender {
        app,
        id: row.id,
        last,
        batch: None,
        jobs: Vec::new(),
    };
    let stream = async_stream::stream! {
        loop {
            match sender.look().await {
                Ok(events) => {
                    for event in events {
                        yield Ok(event);
                    }
                }
                // The client asks again by itself, and then hears what is wrong.
                Err(_) => return,
            }
            if beats.changed().await.is_err() {
                return;
            }
        }
    };
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

async fn newest(app: &App, id: BatchId) -> Result<u64, Problem> {
    let last = app.store().last_events(id, 1).await?;
    Ok(last.last().map_or(0, |event| event.id))
}

impl Sender {
    async fn look(&mut self) -> Result<Vec<Event>, Problem> {
        let mut events = Vec::new();
        let row = self.app.store().batch(self.id).await?;
        let view = self.app.pulse.view(&row);
        if self.batch.as_ref() != Some(&view) {
            events.push(event("batch", &view, None));
            self.batch = Some(view);
        }
        let jobs = self.app.store().jobs(Some(self.id), false, JOBS).await?;
        let jobs: Vec<JobView> = jobs.iter().map(JobView::from).collect();
        if jobs != self.jobs {
            events.push(event("jobs", &jobs, None));
            self.jobs = jobs;
        }
        let mut lines = self
            .app
            .store()
            .events_after(Some(self.id), self.last, LINES)
            .await?;
        if lines.len() as u64 >= u64::from(LINES) {
            // More happened than anybody reads: the newest, and word that some are missing.
            lines = self.app.store().last_events(self.id, LINES).await?;
            events.push(event("gap", &self.last, None));
        }
        if let Some(last) = lines.last() {
            self.last = last.id;
            let views: Vec<EventView> = lines.iter().map(EventView::from).collect();
            events.push(event("log", &views, Some(self.last)));
        }
        Ok(events)
    }
}

/// Watches all batches: `batches` (those that run, and those that just ended), `ended` (ids).
#[utoipa::path(get, path = "/events", tag = "batches",
    responses((status = 200, description = "A stream of server-sent events", content_type = "text/event-stream", body = String)))]
pub async fn all_events(State(app): State<App>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut beats = app.pulse.listen();
    let stream = async_stream::stream! {
        let mut sent: Option<Vec<BatchView>> = None;
        loop {
            let (running, _) = app.pulse.running();
            if sent.as_ref() != Some(&running) {
                let now: Vec<String> = running.iter().map(|view| view.id.clone()).collect();
                let before = sent.iter().flatten();
                let ended: Vec<String> = before
                    .filter(|view| !now.contains(&view.id))
                    .map(|view| view.id.clone())
                    .collect();
                yield Ok(event("batches", &running, None));
                if !ended.is_empty() {
                    yield Ok(event("ended", &ended, None));
                }
                sent = Some(running);
            }
            if beats.changed().await.is_err() {
                return;
            }
        }
    };
    Sse::new(stream).keep_alive(KeepAlive::new().interval(HEARTBEAT))
}

fn event<T: Serialize>(name: &str, value: &T, id: Option<u64>) -> Event {
    // Our own types always serialise, and never to a line break.
    let data = serde_json::to_string(value).unwrap_or_default();
    let event = Event::default().event(name).data(data);
    match id {
        Some(id) => event.id(id.to_string()),
        None => event,
    }
}
