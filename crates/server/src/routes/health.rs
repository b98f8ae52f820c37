//! Health for load balancers and service managers.

use axum::extract::State;
use axum::http::StatusCode;
use docmill_store::BatchQuery;

use crate::app::App;

/// The process is alive.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// The store answers.
pub(crate) async fn readyz(State(app): State<App>) -> (StatusCode, &'static str) {
    let query = BatchQuery {
        limit: 1,
        ..BatchQuery::default()
    };
    match app.store().batches(query).await {
        // It can be read, and takes nothing: a full disk, a database that was moved away.
        Ok(_) if app.engine.store_trouble().is_some() => {
            (StatusCode::SERVICE_UNAVAILABLE, "the store takes nothing\n")
        }
        Ok(_) => (StatusCode::OK, "ready\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n"),
    }
}
