//! Forgetting: what was learned from documents goes.

use axum::Extension;
use axum::extract::State;
use docmill_core::id::Ordinal;
use docmill_engine::EngineError;
use docmill_engine::forget::forget as forget_in;
use docmill_store::StoreError;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::access::audit::Note;
use crate::app::App;
use crate::params::{Json, Path};
use crate::problem::Problem;

/// What is to be forgotten.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Forget {
    /// Only this document, by its number; absent: the whole batch.
    pub document: Option<u64>,
}

/// What was forgotten. What was spent and when, states and sizes stay, for the books.
#[derive(Debug, Serialize, ToSchema)]
pub struct Forgotten {
    /// Documents whose names and places went.
    pub documents: u64,
    /// Results.
    pub results: u64,
    /// Answers of models.
    pub answers: u64,
    /// Reviews.
    pub reviews: u64,
    /// Readings.
    pub readings: u64,
    /// Uploaded files and finished exports.
    pub files: u64,
    /// Where documents still are, as they were given: not docmill's to remove.
    pub remains_elsewhere: Vec<String>,
}

/// Forgets a batch or one of its documents: results, answers, reviews, names, readings, uploads and
/// exports. It cannot be undone; backups taken before still hold it.
#[utoipa::path(post, path = "/batches/{batch}/forget", tag = "steering", request_body = Forget,
    params(("batch" = String, Path, description = "Id, short id, name, or `last`")),
    responses((status = 200, body = Forgotten), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is being worked on", body = Problem, content_type = "application/problem+json")))]
pub async fn forget(
    State(app): State<App>,
    Extension(note): Extension<Note>,
    Path(batch): Path<String>,
    Json(what): Json<Forget>,
) -> Result<axum::Json<Forgotten>, Problem> {
    let row = app.batch(&batch).await?;
    let document = what.document.map(Ordinal);
    let report = forget_in(app.store(), &app.config.data_dir, row.id, document, app.now()).await;
    let report = report.map_err(|error| match error {
        EngineError::Store(StoreError::AtWork(_)) => {
            Problem::conflict("the batch is being worked on").hint("pause it, and wait for its calls to end")
        }
        error => error.into(),
    })?;
    let stored = &report.stored;
    let forgotten = Forgotten {
        documents: stored.documents,
        results: stored.results,
        answers: stored.answers,
        reviews: stored.reviews,
        readings: report.readings,
        files: report.files.len() as u64,
        remains_elsewhere: report.elsewhere.clone(),
    };
    let target = match document {
        Some(ordinal) => format!("{}/{ordinal}", row.id),
        None => row.id.to_string(),
    };
    // Not where the documents were: that is forgotten, too.
    note.after(
        target,
        json!({ "documents": stored.documents, "results": stored.results, "answers": stored.answers }),
    );
    Ok(axum::Json(forgotten))
}
