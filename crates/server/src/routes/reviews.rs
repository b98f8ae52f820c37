//! Reviews: a person's word about a result, and what all of them say about a model.

use axum::Extension;
use axum::extract::State;
use docmill_core::accuracy::{Accuracy, FieldAccuracy};
use docmill_core::id::{DocumentId, Ordinal};
use docmill_core::template::Validator;
use docmill_core::verdict::Verdict;
use docmill_store::{NewReview, ReviewRefused};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::access::caller::{Caller, Via};
use crate::app::App;
use crate::params::{Json, Path};
use crate::problem::Problem;
use crate::views::DocumentDetailView;

/// Documents read at a time.
const CHUNK: u32 = 500;

/// A person's word about a result.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ReviewBody {
    /// `approved`, `rejected` or `assigned`.
    pub verdict: String,
    /// The data as it should be; absent: as it is. Must be valid against the template's schema.
    #[schema(value_type = Option<Object>)]
    pub data: Option<Value>,
    /// The version of the review that was seen; 0: none.
    #[serde(default)]
    pub seen: u32,
    /// Who says so, where there are no keys; with a key it is whose key it is.
    #[schema(max_length = 100)]
    pub reviewer: Option<String>,
}

/// Reviews a document: approve or reject it, with corrections or without.
#[utoipa::path(put, path = "/batches/{batch}/documents/{document}/review", tag = "reviews", request_body = ReviewBody,
    params(("batch" = String, Path, description = "Id, short id, name, or `last`"),
        ("document" = u64, Path, description = "Its number in the batch")),
    responses((status = 200, body = DocumentDetailView),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Somebody else was faster, or there is no result", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The data is not what the schema asks for", body = Problem, content_type = "application/problem+json")))]
pub async fn review(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((batch, document)): Path<(String, u64)>,
    Json(body): Json<ReviewBody>,
) -> Result<axum::Json<DocumentDetailView>, Problem> {
    let row = app.batch(&batch).await?;
    let verdict: Verdict = body
        .verdict
        .parse()
        .map_err(|error: docmill_core::document::UnknownName| Problem::bad_request(error.to_string()))?;
    if let Some(data) = &body.data {
        let validator = Validator::new(&row.template)
            .map_err(|error| Problem::unprocessable("template", error.to_string()))?;
        let wrong = validator.validate(data);
        if !wrong.is_empty() {
            let sentences: Vec<String> = wrong
                .iter()
                .map(|finding| format!("{}: {}", finding.field, finding.message))
                .collect();
            return Err(Problem::unprocessable("invalid_data", sentences.join("; "))
                .hint("correct the fields that are named"));
        }
    }
    let id = DocumentId {
        batch: row.id,
        ordinal: Ordinal(document),
    };
    // Who is known signs with their own name: nobody reviews as somebody else.
    let typed = body.reviewer.filter(|_| caller.via == Via::ThisMachine);
    let reviewer = typed
        .map(|name| name.trim().chars().take(100).collect::<String>())
        .filter(|name| !name.is_empty())
        .unwrap_or(caller.name);
    let new = NewReview {
        verdict,
        data: body.data,
        seen: body.seen,
        reviewer,
    };
    match app.store().review(id, new, app.now()).await? {
        Ok(_) => {}
        Err(refused @ ReviewRefused::Changed(_)) => {
            let mut problem = Problem::conflict(refused.to_string());
            problem.code = "changed".to_owned();
            return Err(problem.hint("look at the change, then decide again"));
        }
        Err(refused) => return Err(Problem::conflict(refused.to_string())),
    }
    let detail = app.store().document(id).await?;
    Ok(axum::Json(DocumentDetailView::of(&detail, false)))
}

/// How often a field was right.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldAccuracyView {
    /// JSON Pointer of the field; items of lists count for their list: `/items/*/amount`.
    pub field: String,
    /// Values a person looked at.
    pub reviewed: u64,
    /// Of these: left as they were.
    pub right: u64,
    /// Share that was right, 0 to 1.
    pub share: f64,
    /// The true share is probably (95 %) not below this.
    pub low: f64,
    /// The true share is probably (95 %) not above this.
    pub high: f64,
}

impl From<FieldAccuracy> for FieldAccuracyView {
    fn from(field: FieldAccuracy) -> Self {
        Self {
            field: field.field,
            reviewed: field.reviewed,
            right: field.right,
            share: field.share,
            low: field.low,
            high: field.high,
        }
    }
}

/// What reviews say.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccuracyView {
    /// Documents approved.
    pub approved: u64,
    /// Documents rejected.
    pub rejected: u64,
    /// Documents somebody shall look at.
    pub assigned: u64,
    /// Of those approved: nothing was changed.
    pub untouched: u64,
    /// Field by field, over approved documents.
    pub fields: Vec<FieldAccuracyView>,
}

/// How right the results are, by what people said and changed.
#[utoipa::path(get, path = "/batches/{batch}/accuracy", tag = "reviews",
    params(("batch" = String, Path, description = "Id, short id, name, or `last`")),
    responses((status = 200, body = AccuracyView), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn accuracy(
    State(app): State<App>,
    Path(batch): Path<String>,
) -> Result<axum::Json<AccuracyView>, Problem> {
    let id = app.batch(&batch).await?.id;
    let mut sums = Accuracy::default();
    let mut after = Ordinal(0);
    loop {
        let rows = app.store().reviewed_after(id, after, CHUNK).await?;
        let Some(last) = rows.last() else { break };
        after = last.row.ordinal;
        for row in rows {
            let (Some(extraction), Some(review)) = (row.extraction, row.review) else {
                continue;
            };
            if review.verdict == Verdict::Approved {
                let reviewed = review.data.as_ref().unwrap_or(&extraction.data);
                sums.add(&extraction.data, reviewed);
            }
        }
    }
    let said = app.store().verdicts(id).await?;
    let of = |verdict| {
        said.iter()
            .find(|(it, _)| *it == verdict)
            .map_or(0, |(_, count)| *count)
    };
    Ok(axum::Json(AccuracyView {
        approved: of(Verdict::Approved),
        rejected: of(Verdict::Rejected),
        assigned: of(Verdict::Assigned),
        untouched: sums.untouched(),
        fields: sums.fields().into_iter().map(FieldAccuracyView::from).collect(),
    }))
}
