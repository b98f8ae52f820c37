//! The audit log: looked at, checked, taken away.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use docmill_core::audit::{Broken, Chain, Entry};
use docmill_store::{AuditQuery, Store, StoreError};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use crate::access::audit::batch_state;
use crate::app::App;
use crate::params::Query;
use crate::problem::Problem;
use crate::routes::documents::saved_as;
use crate::views::{AuditEntry, AuditList};

/// Entries read at a time.
const CHUNK: u32 = 500;

/// Which entries.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ListQuery {
    /// Only those after this one, oldest first.
    pub after: Option<u64>,
    /// Only those before this one.
    pub before: Option<u64>,
    /// Only by this person or key.
    pub who: Option<String>,
    /// Only those whose action contains this text.
    pub action: Option<String>,
    /// Only those about something whose name or id contains this text.
    pub target: Option<String>,
    /// At most so many, 1 to 500 (100).
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u32>,
}

/// Who changed what and who read which document, newest first.
#[utoipa::path(get, path = "/audit", tag = "audit", params(ListQuery),
    responses((status = 200, body = AuditList), (status = 400, body = Problem, content_type = "application/problem+json")))]
pub async fn list(
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<AuditList>, Problem> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let wanted = AuditQuery {
        after: query.after,
        before: query.before,
        who: given(query.who),
        action: given(query.action),
        target: given(query.target),
        limit: query.limit.unwrap_or(100).clamp(1, CHUNK),
    };
    let entries = app.store().audit(wanted).await?;
    Ok(axum::Json(AuditList {
        entries: entries.iter().map(AuditEntry::from).collect(),
    }))
}

/// What the check of the audit log found.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditCheck {
    /// Whether every entry is what was written.
    pub is_whole: bool,
    /// Entries that are.
    pub entries: u64,
    /// The hash of the last of them: noted elsewhere, it tells later whether the end was cut off.
    pub hash: String,
    /// What is wrong with the entry after them.
    #[schema(required)]
    pub broken: Option<String>,
}

/// Checks every entry of the audit log against the one before it.
#[utoipa::path(get, path = "/audit/verify", tag = "audit", responses((status = 200, body = AuditCheck)))]
pub async fn verify(State(app): State<App>) -> Result<axum::Json<AuditCheck>, Problem> {
    let (chain, broken) = check(app.store()).await?;
    Ok(axum::Json(AuditCheck {
        is_whole: broken.is_none(),
        entries: chain.len(),
        hash: chain.hash().to_hex(),
        broken: broken.map(|broken| broken.to_string()),
    }))
}

/// Follows the whole audit log.
///
/// # Errors
/// When the store fails.
pub async fn check(store: &dyn Store) -> Result<(Chain, Option<Broken>), StoreError> {
    let mut chain = Chain::default();
    loop {
        let entries = chunk(store, chain.len()).await?;
        if entries.is_empty() {
            return Ok((chain, None));
        }
        for entry in &entries {
            if let Err(broken) = chain.follow(entry) {
                return Ok((chain, Some(broken)));
            }
        }
    }
}

async fn chunk(store: &dyn Store, after: u64) -> Result<Vec<Entry>, StoreError> {
    let query = AuditQuery {
        after: Some(after),
        limit: CHUNK,
        ..AuditQuery::default()
    };
    store.audit(query).await
}

/// The whole audit log, oldest first, one JSON document a line.
#[utoipa::path(get, path = "/audit/export", tag = "audit",
    responses((status = 200, description = "JSON lines", content_type = "application/x-ndjson", body = String)))]
pub async fn export(State(app): State<App>) -> Result<Response, Problem> {
    let lines = async_stream::try_stream! {
        let mut last = 0;
        loop {
            let entries = chunk(app.store(), last).await.map_err(std::io::Error::other)?;
            let Some(end) = entries.last() else { break };
            last = end.id;
            yield Bytes::from(lines(&entries));
        }
    };
    let lines: std::pin::Pin<Box<dyn futures::Stream<Item = std::io::Result<Bytes>> + Send>> =
        Box::pin(lines);
    let kind = HeaderValue::from_static("application/x-ndjson");
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, saved_as("docmill-audit.jsonl")),
    ];
    Ok((headers, Body::from_stream(lines)).into_response())
}

/// Entries as JSON lines.
#[must_use]
pub fn lines(entries: &[Entry]) -> String {
    let mut text = String::new();
    for entry in entries {
        // Our own types always serialise.
        text.push_str(&serde_json::to_string(&AuditEntry::from(entry)).unwrap_or_default());
        text.push('\n');
    }
    text
}
