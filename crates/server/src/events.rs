//! Live streams (server-sent events). Each line of the log has an id; a client that comes back
//! says the last it saw (`Last-Event-ID`) and misses nothing, or is told that too much happened.
//! What changes faster than people can look is sent four times a second at most, and to many
//! viewers at once less often.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::IntoParams;

use crate::access::caller::Caller;
use crate::access::guard;
use crate::app::App;
use crate::feed::{self, Viewer, Watched};
use crate::limits::Place;
use crate::params::{Path, Query};
use crate::problem::Problem;

/// Comments that keep proxies from closing a quiet stream, and tell us that a viewer has left.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How often it is looked whether who watches still may.
const CHECKED: Duration = Duration::from_secs(30);

/// Where to begin.
#[derive(Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct StreamQuery {
    /// The last line of the log that was seen; the header `Last-Event-ID` is stronger.
    pub after: Option<u64>,
}

/// Watches one batch: `batch` (its state, counters, money, speed), `log` (new lines), `jobs`.
#[utoipa::path(get, path = "/batches/{batch}/events", tag = "batches",
    params(("batch" = String, Path, description = "Id, short id, name, or `last`"), StreamQuery),
    responses((status = 200, description = "A stream of server-sent events", content_type = "text/event-stream", body = String),
        (status = 404, description = "No such batch", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many streams are open", body = Problem, content_type = "application/problem+json")))]
pub async fn batch_events(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(batch): Path<String>,
    Query(query): Query<StreamQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let place = app.limits.streams.enter(&caller)?;
    let id = app.batch_id(&batch).await?;
    let said = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok())
        .and_then(|id| id.trim().parse().ok());
    let viewer = app.feeds.join(&app, Some(id)).await?;
    let who = Who { caller, headers };
    Ok(stream(app, Some(id), viewer, said.or(query.after), (place, who)))
}

/// Watches all batches: `batches` (those that run, and those that just ended), `ended` (ids).
#[utoipa::path(get, path = "/events", tag = "batches",
    responses((status = 200, description = "A stream of server-sent events", content_type = "text/event-stream", body = String),
        (status = 429, description = "Too many streams are open", body = Problem, content_type = "application/problem+json")))]
pub async fn all_events(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let place = app.limits.streams.enter(&caller)?;
    let viewer = app.feeds.join(&app, None).await?;
    let who = Who { caller, headers };
    Ok(stream(app, None, viewer, None, (place, who)))
}

/// Who watches, and what they came with.
struct Who {
    caller: Caller,
    headers: HeaderMap,
}

impl Who {
    /// Whether they still may: a session or a key may have ended since they came.
    async fn is_still_known(&self, app: &App) -> bool {
        guard::who(app, &self.headers).await.is_ok_and(|now| {
            now.is_some_and(|now| now.role == self.caller.role && now.scope == self.caller.scope)
        })
    }
}

/// The answer to a viewer: how things stand, what they missed, and all that comes.
fn stream(
    app: App,
    watched: Watched,
    mut viewer: Viewer,
    mut seen: Option<u64>,
    (place, who): (Place, Who),
) -> Response {
    let mut ended = app.ended.subscribe();
    let bytes = async_stream::stream! {
        // Held until the viewer leaves.
        let _place = place;
        let mut checked = Instant::now();
        loop {
            let standing = viewer.begin();
            yield Ok::<Bytes, Infallible>(standing.bytes);
            // Who does not say what they saw has asked for the log itself: from now on.
            if let (Some(id), Some(seen)) = (watched, seen) {
                match feed::missed(&app, id, seen, standing.last).await {
                    Ok(lines) if lines.is_empty() => {}
                    Ok(lines) => yield Ok(lines),
                    // The client asks again by itself, and then hears what is wrong.
                    Err(_) => return,
                }
            }
            seen = Some(standing.last);
            loop {
                tokio::select! {
                    beat = viewer.next() => match beat {
                        Ok(Some(beat)) => {
                            seen = Some(beat.last);
                            yield Ok(beat.bytes);
                        }
                        Ok(None) => break,
                        Err(_) => return,
                    },
                    changed = ended.changed() => {
                        if changed.is_err() || !who.is_still_known(&app).await {
                            return;
                        }
                    }
                    () = tokio::time::sleep(HEARTBEAT) => yield Ok(Bytes::from_static(b":\n\n")),
                }
                // Another process may have ended it, or its time is over.
                if checked.elapsed() > CHECKED {
                    if !who.is_still_known(&app).await {
                        return;
                    }
                    checked = Instant::now();
                }
            }
        }
    };
    let kind = HeaderValue::from_static("text/event-stream");
    let cache = HeaderValue::from_static("no-cache");
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)];
    (headers, Body::from_stream(bytes)).into_response()
}
