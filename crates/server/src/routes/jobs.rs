//! Jobs: doing the same to many documents, writing results.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use docmill_core::access::{Action, Target};
use docmill_core::document::DocumentState;
use docmill_core::id::{BatchId, Ordinal};
use docmill_engine::export::{CsvStyle, Format};
use docmill_engine::jobs::JobSpec;
use docmill_store::{BatchRow, BulkAction, DocumentQuery, JobProgress, JobState, Matching};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio_util::io::ReaderStream;
use utoipa::{IntoParams, ToSchema};

use crate::access::audit::Note;
use crate::access::caller::Caller;
use crate::app::App;
use crate::params::{DocumentFilter, Json, Path, Query};
use crate::problem::Problem;
use crate::routes::documents::saved_as;
use crate::views::{EstimateView, JobList, JobView, dollars};

/// Jobs shown.
const SHOWN: u32 = 50;

/// Which jobs.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ListQuery {
    /// Only those that are not over.
    pub running: bool,
}

/// Jobs of all batches, newest first.
#[utoipa::path(get, path = "/jobs", tag = "jobs", params(ListQuery), responses((status = 200, body = JobList)))]
pub async fn list(
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<JobList>, Problem> {
    let rows = app.store().jobs(None, query.running, SHOWN).await?;
    Ok(axum::Json(JobList {
        jobs: rows.iter().map(JobView::from).collect(),
    }))
}

/// Jobs of a batch, newest first.
#[utoipa::path(get, path = "/batches/{batch}/jobs", tag = "jobs",
    params(("batch" = String, Path, description = "Id, short id, name, or `last`")),
    responses((status = 200, body = JobList), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn of_batch(
    State(app): State<App>,
    Path(batch): Path<String>,
) -> Result<axum::Json<JobList>, Problem> {
    let id = app.batch(&batch).await?.id;
    let rows = app.store().jobs(Some(id), false, SHOWN).await?;
    Ok(axum::Json(JobList {
        jobs: rows.iter().map(JobView::from).collect(),
    }))
}

/// What is to be done with which documents.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewJob {
    /// `retry`, `skip`, `assign`, `approve` or `export`.
    pub action: String,
    /// To those that match.
    #[serde(default)]
    pub filter: DocumentFilter,
    /// Only these documents; empty: all that match.
    #[serde(default)]
    pub documents: Vec<u64>,
    /// Exports: `csv`, `jsonl`, `parquet` or `xlsx`.
    pub format: Option<String>,
    /// Exports: with columns that say where each value stands.
    #[serde(default)]
    pub evidence: bool,
    /// Exports as `csv`: texts that a spreadsheet would take for formulas get a `'` in front.
    #[serde(default)]
    pub excel_safe: bool,
    /// Exports as `csv`: begin with the mark by which Excel knows UTF-8.
    #[serde(default)]
    pub bom: bool,
}

/// What is to be done, understood.
enum Wanted {
    Bulk(BulkAction),
    Export(Format),
}

impl Wanted {
    /// Whether this person may do it. An export writes files on the server, so whoever only looks
    /// may not.
    fn permit(&self, caller: &Caller, batch: BatchId) -> Result<(), Problem> {
        let action = match self {
            Self::Bulk(BulkAction::Assign | BulkAction::Approve) => Action::Review,
            Self::Bulk(BulkAction::Retry | BulkAction::Skip) | Self::Export(_) => Action::Run,
        };
        caller.may(action, Target::Batch(batch))
    }
}

impl NewJob {
    fn wanted(&self) -> Result<Wanted, Problem> {
        Ok(match self.action.as_str() {
            "retry" => Wanted::Bulk(BulkAction::Retry),
            "skip" => Wanted::Bulk(BulkAction::Skip),
            "assign" => Wanted::Bulk(BulkAction::Assign),
            "approve" => Wanted::Bulk(BulkAction::Approve),
            "export" => Wanted::Export(self.format.as_deref().unwrap_or("csv").parse().map_err(
                |error: docmill_engine::export::ExportError| Problem::bad_request(error.to_string()),
            )?),
            other => {
                return Err(Problem::bad_request(format!("there is no action {other:?}"))
                    .hint("there are retry, skip, assign, approve and export"));
            }
        })
    }

    /// The filter, narrowed to the states the action is for.
    fn query(&self, wanted: &Wanted, batch: &BatchRow) -> Result<DocumentQuery, Problem> {
        let fields = docmill_core::template::fields(&batch.template.schema);
        let mut query = self.filter.query(&fields)?;
        let fits: &[DocumentState] = match wanted {
            Wanted::Bulk(BulkAction::Retry) => &[DocumentState::Failed, DocumentState::Cancelled],
            Wanted::Bulk(BulkAction::Skip) => &[
                DocumentState::Pending,
                DocumentState::Failed,
                DocumentState::Cancelled,
            ],
            Wanted::Bulk(BulkAction::Assign | BulkAction::Approve) => &[DocumentState::Completed],
            Wanted::Export(_) => return Ok(query),
        };
        if query.states.is_empty() {
            query.states = fits.to_vec();
        } else {
            query.states.retain(|state| fits.contains(state));
            if query.states.is_empty() {
                return Err(Problem::unprocessable(
                    "nothing_to_do",
                    format!("none of these documents can be {}", past(&self.action)),
                ));
            }
        }
        Ok(query)
    }
}

fn past(action: &str) -> &'static str {
    match action {
        "retry" => "retried",
        "skip" => "skipped",
        "assign" => "assigned for review",
        _ => "approved",
    }
}

/// What a job would be about.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobCount {
    /// Documents.
    pub documents: u64,
    /// Whether that is all of them, or where counting stopped.
    pub is_exact: bool,
    /// What it will probably cost; 0 for what makes no calls.
    pub cost_usd: f64,
}

/// Says how many documents a job would be about, and what it would cost, without doing it.
#[utoipa::path(post, path = "/batches/{batch}/jobs/count", tag = "jobs", request_body = NewJob,
    params(("batch" = String, Path, description = "Id, short id, name, or `last`")),
    responses((status = 200, body = JobCount), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub async fn count(
    State(app): State<App>,
    Path(batch): Path<String>,
    Json(job): Json<NewJob>,
) -> Result<axum::Json<JobCount>, Problem> {
    let row = app.batch(&batch).await?;
    let wanted = job.wanted()?;
    let matching = if job.documents.is_empty() {
        app.engine.count(row.id, job.query(&wanted, &row)?).await?
    } else {
        Matching::Exactly(job.documents.len() as u64)
    };
    let (documents, is_exact) = match matching {
        Matching::Exactly(count) => (count, true),
        Matching::AtLeast(count) => (count, false),
    };
    let per_document = match wanted {
        Wanted::Bulk(BulkAction::Retry) => cost_per_document(&row),
        _ => 0.0,
    };
    Ok(axum::Json(JobCount {
        documents,
        is_exact,
        cost_usd: per_document * approximate(documents),
    }))
}

/// What a document of the batch costs: as those did that were called, else as was estimated.
fn cost_per_document(row: &BatchRow) -> f64 {
    let called = row.counters.completed + row.counters.failed;
    if called > 0 && row.balance.settled.nanos() > 0 {
        return dollars(row.balance.settled) / approximate(called);
    }
    row.estimate
        .as_ref()
        .and_then(EstimateView::of_stored)
        .map_or(0.0, |estimate| estimate.total.cost_per_document_usd)
}

#[expect(clippy::cast_precision_loss, reason = "a number of documents, for an average")]
fn approximate(count: u64) -> f64 {
    count as f64
}

/// Does the same to many documents in the background, or writes their results.
#[utoipa::path(post, path = "/batches/{batch}/jobs", tag = "jobs", request_body = NewJob,
    params(("batch" = String, Path, description = "Id, short id, name, or `last`")),
    responses((status = 201, body = JobView), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub async fn create(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(note): Extension<Note>,
    Path(batch): Path<String>,
    Json(job): Json<NewJob>,
) -> Result<(StatusCode, axum::Json<JobView>), Problem> {
    let row = app.batch(&batch).await?;
    let wanted = job.wanted()?;
    wanted.permit(&caller, row.id)?;
    let query = Box::new(job.query(&wanted, &row)?);
    let ordinals: Vec<Ordinal> = job.documents.iter().copied().map(Ordinal).collect();
    let total = if ordinals.is_empty() {
        match app.engine.count(row.id, (*query).clone()).await? {
            Matching::Exactly(count) | Matching::AtLeast(count) => count,
        }
    } else {
        ordinals.len() as u64
    };
    let spec = match wanted {
        Wanted::Bulk(action) => JobSpec::Bulk {
            action,
            query,
            ordinals,
            who: caller.name,
        },
        Wanted::Export(format) => JobSpec::Export {
            format: format.as_str().to_owned(),
            evidence: job.evidence,
            csv: CsvStyle {
                excel_safe: job.excel_safe,
                bom: job.bom,
            },
            query,
            ordinals,
        },
    };
    let spec = serde_json::to_value(spec).map_err(|error| Problem::bad_request(error.to_string()))?;
    let id = app.store().add_job(row.id, spec, total, app.now()).await?;
    app.dispatcher.wake();
    let about = json!({ "action": job.action, "job": id, "documents": total, "format": job.format });
    note.after(row.id.to_string(), about);
    let job = job_of(&app, id).await?;
    Ok((StatusCode::CREATED, axum::Json(job)))
}

async fn job_of(app: &App, id: u64) -> Result<JobView, Problem> {
    let row = app
        .store()
        .job(id)
        .await?
        .ok_or_else(|| Problem::not_found(format!("there is no job {id}")))?;
    Ok(JobView::from(&row))
}

/// Gives a job up; what it did so far stays.
#[utoipa::path(post, path = "/jobs/{job}/cancel", tag = "jobs",
    params(("job" = u64, Path, description = "Its number")),
    responses((status = 200, body = JobView), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn cancel(State(app): State<App>, Path(job): Path<u64>) -> Result<axum::Json<JobView>, Problem> {
    let row = app
        .store()
        .job(job)
        .await?
        .ok_or_else(|| Problem::not_found(format!("there is no job {job}")))?;
    let progress = JobProgress {
        state: JobState::Cancelled,
        total: row.total,
        done: row.done,
        changed: row.changed,
        cursor: row.cursor,
        message: "given up by a person".to_owned(),
    };
    app.store().move_job(job, progress, app.now()).await?;
    job_of(&app, job).await.map(axum::Json)
}

/// A file that an export wrote.
#[utoipa::path(get, path = "/jobs/{job}/files/{file}", tag = "jobs",
    params(("job" = u64, Path, description = "Its number"), ("file" = String, Path, description = "Its name")),
    responses((status = 200, description = "The file", content_type = "application/octet-stream", body = Vec<u8>),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn file(
    State(app): State<App>,
    Path((job, file)): Path<(u64, String)>,
) -> Result<Response, Problem> {
    let view = job_of(&app, job).await?;
    // Only names this server wrote down itself: nothing a person types becomes a path.
    if !view.files.contains(&file) {
        return Err(Problem::not_found(format!("job {job} wrote no file {file:?}")));
    }
    let path = app.engine.job_folder(job).join(&file);
    let opened = tokio::fs::File::open(&path)
        .await
        .map_err(|_| Problem::not_found(format!("the file {file:?} is not there any more")))?;
    let mut response = Body::from_stream(ReaderStream::new(opened)).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    headers.insert(header::CONTENT_DISPOSITION, saved_as(&file));
    Ok(response)
}
