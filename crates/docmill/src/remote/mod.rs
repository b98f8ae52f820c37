//! A running server as seen from the command line: the same API that its dashboard uses.
//!
//! - `http`: requests, and problems as faults.
//! - `rows`: what comes over the wire, back into the records that reports are written from.

mod http;
mod rows;

use docmill_core::id::{BatchId, DocumentId};
use docmill_core::money::Usd;
use docmill_core::spending::Limits;
use docmill_server::views::{
    BatchDetail, BatchList, BatchView, DocumentDetailView, DocumentList, EventList, EventView, FailureView,
    JobList, JobView, LedgerList, ReconciledView,
};
use docmill_store::{
    BatchRow, DocumentDetail, DocumentPage, DocumentQuery, FailureGroup, LedgerRow, Position, Reconciled,
    RetrySelection, SortBy,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::fault::Fault;
pub use http::{Http, segment};

/// Batches asked for at a time.
const PAGE: usize = 200;

/// Lines of the log a server gives at once.
const LINES: u32 = 1000;

/// A running server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Remote {
    http: Http,
}

/// What came of a retry.
#[derive(Debug, Deserialize)]
struct Retried {
    documents: u64,
}

/// Failed documents by cause.
#[derive(Debug, Deserialize)]
struct FailureList {
    failures: Vec<FailureView>,
}

impl Remote {
    /// The server at an address; nothing is asked yet.
    pub fn new(url: &str) -> Result<Self, Fault> {
        Ok(Self {
            http: Http::new(url)?,
        })
    }

    /// What goes over the wire.
    pub const fn http(&self) -> &Http {
        &self.http
    }

    /// All batches that are in sight, newest first.
    pub async fn batches(&self) -> Result<Vec<BatchRow>, Fault> {
        let mut rows = Vec::new();
        for page in 1.. {
            let list: BatchList = self
                .http
                .get(&format!("/batches?limit={PAGE}&page={page}"))
                .await?;
            let is_last = list.batches.len() < PAGE;
            for view in list.batches {
                rows.push(rows::batch(view)?);
            }
            if is_last {
                break;
            }
        }
        Ok(rows)
    }

    /// The batch a person means.
    pub async fn find_batch(&self, reference: &str) -> Result<BatchRow, Fault> {
        let detail: BatchDetail = self.http.get(&format!("/batches/{}", segment(reference))).await?;
        rows::batch_detail(detail)
    }

    /// A batch as it is now.
    pub async fn batch(&self, id: BatchId) -> Result<BatchRow, Fault> {
        self.find_batch(&id.to_string()).await
    }

    /// Failed documents by cause.
    pub async fn failures(&self, id: BatchId) -> Result<Vec<FailureGroup>, Fault> {
        let list: FailureList = self.http.get(&format!("/batches/{id}/failures")).await?;
        list.failures.into_iter().map(rows::failure).collect()
    }

    /// What was held back, paid and lost, by model and class of document.
    pub async fn ledger(&self, id: BatchId) -> Result<Vec<LedgerRow>, Fault> {
        let list: LedgerList = self.http.get(&format!("/batches/{id}/ledger")).await?;
        list.rows.into_iter().map(rows::ledger).collect()
    }

    /// Settles the unconfirmed calls of a batch.
    pub async fn reconcile(&self, id: BatchId, usage: Option<&str>) -> Result<(Reconciled, u64), Fault> {
        let body = json!({ "usage": usage, "release": usage.is_none() });
        let path = format!("/batches/{id}/reconcile");
        let view: ReconciledView = self.http.send("POST", &path, &body).await?;
        rows::reconciled(&view)
    }

    /// A page of documents.
    pub async fn documents(&self, id: BatchId, query: &DocumentQuery) -> Result<DocumentPage, Fault> {
        let list: DocumentList = self
            .http
            .get(&format!("/batches/{id}/documents?{}", document_query(query)))
            .await?;
        rows::page(list)
    }

    /// Everything about a document.
    pub async fn document(&self, id: DocumentId, raw: bool) -> Result<DocumentDetail, Fault> {
        let DocumentId { batch, ordinal } = id;
        let path = format!("/batches/{batch}/documents/{ordinal}?raw={raw}");
        let view: DocumentDetailView = self.http.get(&path).await?;
        rows::detail(view)
    }

    /// The newest lines of the log, oldest first.
    pub async fn last_events(&self, id: BatchId, lines: u32) -> Result<Vec<EventView>, Fault> {
        let limit = lines.clamp(1, LINES);
        let list: EventList = self.http.get(&format!("/batches/{id}/log?limit={limit}")).await?;
        Ok(list.events)
    }

    /// Lines of the log after one.
    pub async fn events_after(&self, id: BatchId, last: u64, lines: u32) -> Result<Vec<EventView>, Fault> {
        let limit = lines.clamp(1, LINES);
        let path = format!("/batches/{id}/log?after={last}&limit={limit}");
        let list: EventList = self.http.get(&path).await?;
        Ok(list.events)
    }

    /// `start`, `pause`, `resume` or `cancel`.
    pub async fn steer(&self, id: BatchId, what: &str) -> Result<BatchRow, Fault> {
        let view: BatchView = self
            .http
            .send("POST", &format!("/batches/{id}/{what}"), &json!({}))
            .await?;
        rows::batch(view)
    }

    /// Sets the wall.
    pub async fn set_budget(&self, id: BatchId, budget: Option<Usd>) -> Result<BatchRow, Fault> {
        let body = json!({ "budget_usd": budget.map(Usd::as_f64) });
        let view: BatchView = self
            .http
            .send("PUT", &format!("/batches/{id}/budget"), &body)
            .await?;
        rows::batch(view)
    }

    /// What all batches together may spend.
    pub async fn limits(&self) -> Result<Limits, Fault> {
        let settings: Value = self.http.get("/settings").await?;
        let amount = |name: &str| {
            settings
                .get(name)
                .and_then(|value| value.to_string().parse().ok())
        };
        Ok(Limits {
            day: amount("day_budget_usd"),
            month: amount("month_budget_usd"),
        })
    }

    /// Sets what all batches together may spend.
    pub async fn set_limits(&self, limits: &Limits) -> Result<(), Fault> {
        let body = json!({
            "day_budget_usd": limits.day.map(Usd::as_f64),
            "month_budget_usd": limits.month.map(Usd::as_f64),
        });
        let _: Value = self.http.send("PUT", "/settings", &body).await?;
        Ok(())
    }

    /// Changes what is named in `change`.
    pub async fn change(&self, id: BatchId, change: &Value) -> Result<(), Fault> {
        let _: BatchDetail = self.http.send("PATCH", &format!("/batches/{id}"), change).await?;
        Ok(())
    }

    /// Gives passwords for encrypted documents.
    pub async fn passwords(&self, id: BatchId, passwords: &[String]) -> Result<(), Fault> {
        if passwords.is_empty() {
            return Ok(());
        }
        let body = json!({ "passwords": passwords });
        let _: Retried = self
            .http
            .send("POST", &format!("/batches/{id}/passwords"), &body)
            .await?;
        Ok(())
    }

    /// Puts failed documents back; the server goes on by itself.
    pub async fn retry(&self, id: BatchId, selection: &RetrySelection) -> Result<u64, Fault> {
        let body = json!({
            "error_codes": selection.codes.iter().map(|code| code.as_str()).collect::<Vec<_>>(),
            "documents": selection.ordinals.iter().map(|ordinal| ordinal.0).collect::<Vec<_>>(),
            "cancelled": selection.cancelled,
        });
        let retried: Retried = self
            .http
            .send("POST", &format!("/batches/{id}/retry"), &body)
            .await?;
        Ok(retried.documents)
    }

    /// Makes a batch; the server reads and counts its documents in the background.
    pub async fn create(&self, new: &Value) -> Result<BatchRow, Fault> {
        rows::batch(self.http.send("POST", "/batches", new).await?)
    }

    /// Does something in the background.
    pub async fn job(&self, id: BatchId, job: &Value) -> Result<JobView, Fault> {
        self.http.send("POST", &format!("/batches/{id}/jobs"), job).await
    }

    /// Jobs of a batch, newest first.
    pub async fn jobs(&self, id: BatchId) -> Result<Vec<JobView>, Fault> {
        let list: JobList = self.http.get(&format!("/batches/{id}/jobs")).await?;
        Ok(list.jobs)
    }
}

/// The query of a list of documents.
fn document_query(query: &DocumentQuery) -> String {
    let mut parts = Vec::new();
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            parts.push(format!("{name}={}", segment(&value)));
        }
    };
    let join = |names: Vec<&str>| names.join(",");
    add("state", join(query.states.iter().map(|it| it.as_str()).collect()));
    add("kind", join(query.kinds.iter().map(|it| it.as_str()).collect()));
    add(
        "class",
        join(query.classes.iter().map(|it| it.as_str()).collect()),
    );
    add(
        "error_code",
        join(query.codes.iter().map(|it| it.as_str()).collect()),
    );
    add("search", query.search.clone().unwrap_or_default());
    if let Some(least) = query.cost_at_least {
        add("cost_at_least_usd", least.to_decimal());
    }
    if let Some(risk) = query.risk_at_least {
        add("risk_at_least", risk.to_string());
    }
    let mut review: Vec<&str> = query.verdicts.iter().map(|it| it.as_str()).collect();
    if query.unreviewed {
        review.push("none");
    }
    add("review", review.join(","));
    let sort = match query.sort {
        SortBy::Ordinal => "document",
        SortBy::Name => "name",
        SortBy::Cost => "cost",
        SortBy::Pages => "pages",
        SortBy::Updated => "updated",
        SortBy::Risk => "risk",
        SortBy::Value => "field",
    };
    match &query.sort_field {
        Some(pointer) => add("sort", format!("{sort}:{pointer}")),
        None => add("sort", sort.to_owned()),
    }
    let conditions: Vec<String> = query.values.iter().map(ToString::to_string).collect();
    add("where", conditions.join(" and "));
    if query.descending {
        add("order", "desc".to_owned());
    }
    if let Position::Number(page) = query.position {
        add("page", page.to_string());
    }
    add("limit", query.limit.to_string());
    parts.join("&")
}
