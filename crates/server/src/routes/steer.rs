//! Steering: start, pause, resume, cancel, retry, budgets, passwords.

use axum::extract::State;
use docmill_core::batch::{BatchEvent, BatchState, PAUSED_BY_PERSON};
use docmill_core::id::Ordinal;
use docmill_core::money::Usd;
use docmill_store::{BatchRow, RetrySelection};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::params::{Json, Path, amount};
use crate::passwords;
use crate::problem::Problem;
use crate::request_id;
use crate::views::{BatchView, EstimateView};

pub(super) async fn after(app: &App, row: &BatchRow) -> Result<axum::Json<BatchView>, Problem> {
    app.dispatcher.wake();
    let row = app.store().batch(row.id).await?;
    Ok(axum::Json(app.pulse.view(&row)))
}

async fn transition(
    app: &App,
    batch: &str,
    event: BatchEvent,
    reason: &str,
) -> Result<axum::Json<BatchView>, Problem> {
    let row = app.batch(batch).await?;
    app.store().transition(row.id, event, reason, app.now()).await??;
    after(app, &row).await
}

/// Everything that must be right before money is spent.
async fn set_going(app: &App, row: &BatchRow, reason: &str) -> Result<(), Problem> {
    if row.counters.total() == 0 {
        return Err(Problem::unprocessable(
            "no_documents",
            "the batch has no documents",
        ));
    }
    app.engine.providers().resolve(&row.plan)?;
    app.workshop.probe(&row.plan).await?;
    if let (Some(budget), Some(estimate)) = (row.balance.budget, &row.estimate) {
        let cheapest = EstimateView::of_stored(estimate)
            .into_iter()
            .flat_map(|estimate| estimate.classes)
            .filter(|class| class.documents > 0)
            .map(|class| class.cost_per_document_usd)
            .fold(f64::INFINITY, f64::min);
        if cheapest.is_finite() && budget.as_f64() < cheapest {
            return Err(Problem::unprocessable(
                "budget_too_small",
                format!("the budget of {budget} is not enough for a single document"),
            )
            .hint("raise the budget"));
        }
    }
    if let Some(request) = request_id::current() {
        app.engine.asked_by(row.id, request);
    }
    app.engine.start(row.id, reason).await?;
    Ok(())
}

/// Starts a batch.
#[utoipa::path(post, path = "/batches/{batch}/start", tag = "steering",
    params(("batch" = String, Path, description = "Id, short id, name, or `last`")),
    responses((status = 200, body = BatchView), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Something is missing; `code` says what", body = Problem, content_type = "application/problem+json")))]
pub async fn start(
    State(app): State<App>,
    Path(batch): Path<String>,
) -> Result<axum::Json<BatchView>, Problem> {
    let row = app.batch(&batch).await?;
    set_going(&app, &row, "started by a person").await?;
    after(&app, &row).await
}

/// Pauses a batch: calls in flight are finished and paid, no more are started.
#[utoipa::path(post, path = "/batches/{batch}/pause", tag = "steering",
    params(("batch" = String, Path, description = "Id, short id, name, or `last`")),
    responses((status = 200, body = BatchView), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
pub async fn pause(
    State(app): State<App>,
    Path(batch): Path<String>,
) -> Result<axum::Json<BatchView>, Problem> {
    transition(&app, &batch, BatchEvent::Pause, PAUSED_BY_PERSON).await
}

/// Lets a batch go on.
#[utoipa::path(post, path = "/batches/{batch}/resume", tag = "steering",
    params(("batch" = String, Path, description = "Id, short id, name, or `last`")),
    responses((status = 200, body = BatchView), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub async fn resume(
    State(app): State<App>,
    Path(batch): Path<String>,
) -> Result<axum::Json<BatchView>, Problem> {
    let row = app.batch(&batch).await?;
    if !BatchEvent::Resume.is_taken_by(row.state) {
        return Err(Problem::conflict(format!(
            "a batch that is {} cannot be resumed",
            row.state
        )));
    }
    set_going(&app, &row, "resumed by a person").await?;
    after(&app, &row).await
}

/// Gives a batch up; results so far stay.
#[utoipa::path(post, path = "/batches/{batch}/cancel", tag = "steering",
    params(("batch" = String, Path, description = "Id, short id, name, or `last`")),
    responses((status = 200, body = BatchView), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
pub async fn cancel(
    State(app): State<App>,
    Path(batch): Path<String>,
) -> Result<axum::Json<BatchView>, Problem> {
    transition(&app, &batch, BatchEvent::Cancel, "cancelled by a person").await
}

/// Which failed documents to try again; nothing said: all of them.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct Retry {
    /// Only with these failures.
    #[serde(default)]
    pub error_codes: Vec<String>,
    /// Only these documents.
    #[serde(default)]
    pub documents: Vec<u64>,
    /// Cancelled ones too.
    #[serde(default)]
    pub cancelled: bool,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Retried {
    /// Documents put back into the queue.
    pub documents: u64,
    /// The batch as it is now.
    pub batch: BatchView,
}

/// Puts failed documents back into the queue, and sets the batch going.
#[utoipa::path(post, path = "/batches/{batch}/retry", tag = "steering", request_body = Retry,
    params(("batch" = String, Path, description = "Id, short id, name, or `last`")),
    responses((status = 200, body = Retried), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 400, body = Problem, content_type = "application/problem+json")))]
pub async fn retry(
    State(app): State<App>,
    Path(batch): Path<String>,
    Json(wanted): Json<Retry>,
) -> Result<axum::Json<Retried>, Problem> {
    let row = app.batch(&batch).await?;
    let codes = wanted
        .error_codes
        .iter()
        .map(|code| code.parse())
        .collect::<Result<Vec<_>, docmill_core::document::UnknownName>>()
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    let selection = RetrySelection {
        codes,
        ordinals: wanted.documents.into_iter().map(Ordinal).collect(),
        cancelled: wanted.cancelled,
    };
    let documents = app.store().retry(row.id, selection, app.now()).await?;
    let axum::Json(batch) = after(&app, &row).await?;
    Ok(axum::Json(Retried { documents, batch }))
}

/// The wall.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Budget {
    /// In dollars; null: no limit.
    #[schema(required, minimum = 0)]
    pub budget_usd: Option<f64>,
}

/// Sets the budget. An exhausted batch goes on when there is more than before.
#[utoipa::path(put, path = "/batches/{batch}/budget", tag = "steering", request_body = Budget,
    params(("batch" = String, Path, description = "Id, short id, name, or `last`")),
    responses((status = 200, body = BatchView), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 400, body = Problem, content_type = "application/problem+json")))]
pub async fn budget(
    State(app): State<App>,
    Path(batch): Path<String>,
    Json(budget): Json<Budget>,
) -> Result<axum::Json<BatchView>, Problem> {
    let row = app.batch(&batch).await?;
    let budget: Option<Usd> = budget.budget_usd.map(amount).transpose()?;
    app.store().set_budget(row.id, budget, app.now()).await?;
    after(&app, &row).await
}

/// Passwords to try.
#[derive(Deserialize, ToSchema)]
pub struct Passwords {
    /// In order. They are tried on every encrypted document, kept sealed, and
    /// forgotten with the batch.
    #[schema(min_items = 1)]
    pub passwords: Vec<String>,
    /// Tries the documents again that failed for want of one.
    #[serde(default)]
    pub retry: bool,
}

/// Gives passwords for encrypted documents.
#[utoipa::path(post, path = "/batches/{batch}/passwords", tag = "steering", request_body = Passwords,
    params(("batch" = String, Path, description = "Id, short id, name, or `last`")),
    responses((status = 200, body = Retried), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn give_passwords(
    State(app): State<App>,
    Path(batch): Path<String>,
    Json(given): Json<Passwords>,
) -> Result<axum::Json<Retried>, Problem> {
    let row = app.batch(&batch).await?;
    let typed: Vec<String> = given.passwords.into_iter().filter(|it| !it.is_empty()).collect();
    passwords::keep(app.store(), &app.seal, row.id, &typed, app.now()).await?;
    for password in typed {
        app.engine.settings().passwords.add(password);
    }
    let mut documents = 0;
    if given.retry && row.state != BatchState::Draft {
        let selection = RetrySelection {
            codes: vec![docmill_core::FailureCode::PasswordRequired],
            ..RetrySelection::default()
        };
        documents = app.store().retry(row.id, selection, app.now()).await?;
    }
    let axum::Json(batch) = after(&app, &row).await?;
    Ok(axum::Json(Retried { documents, batch }))
}
