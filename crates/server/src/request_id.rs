//! Each request has an id: the one it brings, when it brings a sensible one, or a new one. It stands
//! in the answer (`X-Request-Id`), in problem documents, in every log line about the request, and in
//! those about the calls that it set going.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::app::App;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id that is taken from outside.
const LONGEST: usize = 128;

tokio::task_local! {
    static CURRENT: String;
}

/// The id of the request that is being answered.
pub(crate) fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

/// What a program may do with a request's span before it is answered: take up a trace that began
/// elsewhere.
pub type OnRequest = fn(&Span, &HeaderMap);

/// Answers by method and status. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Requests(Arc<Mutex<BTreeMap<(String, u16), u64>>>);

impl Requests {
    fn count(&self, method: &Method, status: u16) {
        // Methods are what the asker says; a made-up one gets no row of its own.
        let method = match *method {
            Method::GET
            | Method::HEAD
            | Method::POST
            | Method::PUT
            | Method::PATCH
            | Method::DELETE
            | Method::OPTIONS => method.as_str(),
            _ => "other",
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *all.entry((method.to_owned(), status)).or_default() += 1;
    }

    /// All of them.
    pub(crate) fn all(&self) -> BTreeMap<(String, u16), u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Gives a request its id and its span.
pub(crate) async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = given(request.headers()).unwrap_or_else(|| uuid::Uuid::now_v7().as_simple().to_string());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>();
    let route = route
        .map(MatchedPath::as_str)
        .filter(|route| !route.contains("__private"));
    // The names of OpenTelemetry's conventions for HTTP. The path may hold what nobody should read.
    let span = tracing::info_span!(
        "request",
        otel.name = format_args!("{method} {}", route.unwrap_or("/")),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = %method,
        http.route = route,
        http.response.status_code = Empty,
        request_id = &*id,
    );
    if let Some(on_request) = app.config.on_request {
        on_request(&span, request.headers());
    }
    let began = Instant::now();
    let answering = CURRENT.scope(id.clone(), next.run(request));
    let mut response = answering.instrument(span.clone()).await;
    let status = response.status();
    app.requests.count(&method, status.as_u16());
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| match method.is_safe() {
        true => tracing::debug!(status = status.as_u16(), took_ms, "answered"),
        false => tracing::info!(status = status.as_u16(), took_ms, "answered"),
    });
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, id);
    }
    response
}

/// An id from outside goes into logs: only letters, digits and what joins them.
fn given(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(HEADER)?.to_str().ok()?;
    let is_sensible = (1..=LONGEST).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    is_sensible.then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sensible_id_is_taken_from_outside() {
        let id = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, HeaderValue::from_bytes(text.as_bytes()).unwrap());
            given(&headers)
        };
        assert_eq!(id("01J-abc_9.x").as_deref(), Some("01J-abc_9.x"));
        for wrong in ["", "a b", "a\u{9b}b", "<b>", &"x".repeat(129)] {
            assert_eq!(id(wrong), None, "{wrong:?}");
        }
        assert_eq!(given(&HeaderMap::new()), None);
    }
}
