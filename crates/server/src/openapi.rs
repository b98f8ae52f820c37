//! The description of the API, made from the code.

use axum::http::StatusCode;
use utoipa::OpenApi;
use utoipa::openapi::{OpenApi as Document, RefOr, Response};
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::routes;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "docmill",
        description = "Batches of documents, turned into checked data: make them, watch them, steer them, \
            review and take away their results. Amounts are dollars, times RFC 3339 in UTC, errors problem \
            documents (RFC 9457). Fields and query parameters that are not described here are refused. On a server \
            with keys, send one as a bearer token.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "batches", description = "Documents processed together, with one template, one plan, one budget"),
        (name = "steering", description = "Start, pause, resume, cancel, retry, budgets"),
        (name = "documents", description = "Lists, results, calls, pages"),
        (name = "reviews", description = "What people say about results"),
        (name = "jobs", description = "The same to many documents, and files of results"),
        (name = "sources", description = "Folders on the server, and uploads"),
        (name = "templates", description = "What is taken out of documents"),
        (name = "models", description = "Models and what they cost"),
        (name = "analytics", description = "What happened when"),
        (name = "alerts", description = "What is worth telling, and to whom"),
        (name = "settings", description = "Budgets, keys, workers"),
        (name = "session", description = "Signing in with a browser"),
        (name = "audit", description = "Who changed what and read which document"),
    )
)]
struct Description;

/// The routes below `/api/v1` and their description.
pub(crate) fn api() -> (axum::Router<App>, Document) {
    let (router, mut document) = OpenApiRouter::with_openapi(Description::openapi())
        .nest("/api/v1", routes::api())
        .split_for_parts();
    name_operations(&mut document);
    (router, document)
}

/// Operations are named after what they do with which path, so that no two have one name:
/// `get_batches_batch_documents`.
fn name_operations(document: &mut Document) {
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ] {
            if let Some(operation) = operation {
                operation.operation_id = Some(operation_name(method, path));
                for (status, response) in &mut operation.responses.responses {
                    describe(status, response);
                }
            }
        }
    }
}

/// The name of an operation: `get_batches_batch_documents`.
pub(crate) fn operation_name(method: &str, path: &str) -> String {
    let words = path.trim_start_matches("/api/v1").replace(['{', '}'], "");
    let mut name = method.to_lowercase();
    for word in words.split('/').filter(|word| !word.is_empty()) {
        name.push('_');
        name.push_str(word);
    }
    name
}

/// Every answer says what it is, if only by the name of its status.
fn describe(status: &str, response: &mut RefOr<Response>) {
    if let RefOr::T(response) = response
        && response.description.is_empty()
    {
        let code = status
            .parse()
            .ok()
            .and_then(|code| StatusCode::from_u16(code).ok());
        let reason = code.and_then(|code| code.canonical_reason());
        reason.unwrap_or("Answer").clone_into(&mut response.description);
    }
}

/// The description of the API as JSON.
///
/// # Panics
/// Never: the description always serialises, which a test proves.
#[must_use]
pub fn json() -> String {
    let (_, document) = api();
    document.to_pretty_json().unwrap_or_default()
}
