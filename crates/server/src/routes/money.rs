//! The books of a batch: what was paid, held back and lost, and what becomes of lost calls.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use docmill_engine::reconcile::{self, ReconcileError, Report};
use docmill_store::Reconciled;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::access::caller::Caller;
use crate::app::App;
use crate::params::{Json, Path};
use crate::problem::Problem;
use crate::routes::steer::after;
use crate::views::{LedgerList, LedgerView, ReconciledView, dollars};

/// What was held back, paid and lost, by model and class of document; dearest first.
#[utoipa::path(get, path = "/batches/{batch}/ledger", tag = "batches",
    params(("batch" = String, Path, description = "Id, short id, name, or `last`")),
    responses((status = 200, body = LedgerList), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn ledger(
    State(app): State<App>,
    Path(batch): Path<String>,
) -> Result<axum::Json<LedgerList>, Problem> {
    let row = app.batch(&batch).await?;
    let rows = app.store().ledger(row.id).await?;
    Ok(axum::Json(LedgerList {
        rows: rows.iter().map(LedgerView::from).collect(),
    }))
}

/// What is known of the calls whose outcome was lost: one of the two.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Reconcile {
    /// The text of the provider's usage export (CSV or JSON), whole for the time of the batch, of a
    /// key that nobody else used in that time.
    pub usage: Option<String>,
    /// Counts the lost calls as not billed. If the provider billed them, the true cost passes what
    /// docmill counts by up to what was unconfirmed, and may pass the budget.
    #[serde(default)]
    pub release: bool,
}

/// Settles the calls whose outcome was lost, by the provider's usage export or by a person's word.
/// A batch that had used up its budget goes on when money comes back.
#[utoipa::path(post, path = "/batches/{batch}/reconcile", tag = "steering", request_body = Reconcile,
    params(("batch" = String, Path, description = "Id, short id, name, or `last`")),
    responses((status = 200, body = ReconciledView), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Calls of the same model are in flight", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The export does not decide it", body = Problem, content_type = "application/problem+json")))]
pub async fn reconcile(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(batch): Path<String>,
    Json(known): Json<Reconcile>,
) -> Result<axum::Json<ReconciledView>, Problem> {
    let row = app.batch(&batch).await?;
    let (store, who) = (app.store(), caller.name.as_str());
    let report = match (&known.usage, known.release) {
        (Some(export), false) => reconcile::by_usage(store, row.id, export, who, app.now()).await,
        (None, true) => reconcile::release(store, row.id, who, app.now()).await,
        _ => {
            return Err(Problem::bad_request("one of usage and release has to be given")
                .hint("usage is the text of the provider's export; release: true counts the calls as not billed"));
        }
    };
    let (reconciled, left) = match report {
        Ok(Report { reconciled, left, .. }) => (reconciled, left),
        // Who asks twice gets what is left: nothing.
        Err(ReconcileError::Nothing) => (Reconciled::default(), 0),
        Err(error) => return Err(problem(error)),
    };
    let axum::Json(batch) = after(&app, &row).await?;
    Ok(axum::Json(ReconciledView {
        calls: reconciled.calls,
        calls_left: left,
        was_unconfirmed_usd: dollars(reconciled.unconfirmed),
        billed_usd: dollars(reconciled.settled),
        batch,
    }))
}

fn problem(error: ReconcileError) -> Problem {
    let (message, hint) = (error.to_string(), error.hint());
    let problem = match error {
        ReconcileError::Store(error) => return error.into(),
        ReconcileError::InFlight(..) => Problem::conflict(message),
        _ => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "usage", message),
    };
    match hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}
