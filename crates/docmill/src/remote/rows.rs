//! What comes over the wire, back into records: the same reports are written of a batch
//! here and of one at a server. What a server does not tell is left at its resting value.

use std::fmt::Display;
use std::str::FromStr;

use docmill_core::attempt::{AnswerKey, Attempt};
use docmill_core::document::Class;
use docmill_core::estimate::{Bound, Duration, Estimate, FallbackCost, Row};
use docmill_core::extraction::{Evidence, Extraction, Finding};
use docmill_core::failure::{Failure, FailureCode};
use docmill_core::id::{BatchId, ContentHash, Ordinal};
use docmill_core::money::{PicoPerToken, Usd};
use docmill_core::page::BBox;
use docmill_core::plan::{Fallback, Plan};
use docmill_core::price::Price;
use docmill_core::template::Template;
use docmill_core::time::Timestamp;
use docmill_core::usage::Usage;
use docmill_core::verdict::{Change, Review, ReviewEntry};
use docmill_server::views::{
    AttemptView, BatchDetail, BatchView, DocumentDetailView, DocumentList, DocumentView, EstimateRow,
    EstimateView, ExtractionView, FailureView, HistoryView, LedgerView, PriceView, ReconciledView,
    ReviewView, UsageView,
};
use docmill_store::{
    Balance, BatchRow, Counters, DocumentDetail, DocumentPage, DocumentRow, FailureGroup, LedgerRow,
    Matching, Reconciled,
};
use serde_json::json;

use crate::exit::Exit;
use crate::fault::Fault;

/// What cannot be read back.
fn unknown(what: &str, value: impl Display) -> Fault {
    Fault::new(
        Exit::Failure,
        format!("the server names a {what} this docmill does not know: {value}"),
    )
    .hint("is the server of another version? docmill --version says which this is")
}

fn named<T: FromStr>(what: &str, name: &str) -> Result<T, Fault> {
    name.parse().map_err(|_| unknown(what, name))
}

fn usd(dollars: f64) -> Result<Usd, Fault> {
    // Through its shortest decimal digits, as the server does with amounts it takes.
    format!("{dollars}")
        .parse()
        .map_err(|_| unknown("amount", dollars))
}

fn time(text: &str) -> Result<Timestamp, Fault> {
    chrono::DateTime::parse_from_rfc3339(text)
        .map(|at| Timestamp(at.timestamp_millis()))
        .map_err(|_| unknown("time", text))
}

fn id(text: &str) -> Result<BatchId, Fault> {
    named("batch", text)
}

fn usage(view: &UsageView) -> Usage {
    Usage {
        input_tokens: view.input_tokens,
        cached_input_tokens: view.cached_input_tokens,
        cache_write_tokens: view.cache_write_tokens,
        output_tokens: view.output_tokens,
    }
}

fn price(view: &PriceView) -> Price {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a price for display, made of whole picos"
    )]
    let picos = |usd_per_million: f64| PicoPerToken((usd_per_million.max(0.0) * 1e6).round() as u64);
    Price {
        input: picos(view.input_usd_per_million),
        output: picos(view.output_usd_per_million),
        ..Price::free(&view.origin)
    }
}

/// A fallback of which only the name is known.
fn fallback(model: String) -> Fallback {
    Fallback {
        model,
        base_url: None,
        price: Price::free("known to the server"),
    }
}

/// A batch of a list: of its template only the name is known.
pub fn batch(view: BatchView) -> Result<BatchRow, Fault> {
    let template: Template = serde_json::from_value(json!({ "name": view.template, "schema": {} }))
        .map_err(|error| unknown("template", error))?;
    let estimate = view.estimate.as_ref().map(estimate).transpose()?;
    let price = estimate.as_ref().map_or_else(
        || Price::free("known to the server"),
        |estimate| estimate.price.clone(),
    );
    Ok(BatchRow {
        id: id(&view.id)?,
        name: view.name,
        state: named("state", &view.state)?,
        reason: view.reason,
        template,
        plan: Plan {
            model: view.model,
            base_url: view.base_url,
            base_url_by_admin: false,
            price,
            concurrency: view.concurrency,
            max_output_tokens: 0,
            reuse_answers: true,
            ocr: true,
            max_document_bytes: None,
            weight: Some(view.weight),
            limits: docmill_core::pacing::Limits::default(),
            sim_speed_milli: None,
            fallbacks: view.fallback.into_iter().map(fallback).collect(),
            between: view.between.and_then(|hours| hours.parse().ok()),
            timeout_seconds: None,
            hedge: false,
        },
        sources: view.sources,
        counters: Counters {
            pending: view.documents.pending,
            leased: view.documents.leased,
            completed: view.documents.completed,
            failed: view.documents.failed,
            cancelled: view.documents.cancelled,
            skipped: view.documents.skipped,
        },
        balance: Balance {
            budget: view.money.budget_usd.map(usd).transpose()?,
            settled: usd(view.money.settled_usd)?,
            reserved: usd(view.money.reserved_usd)?,
            unconfirmed: usd(view.money.unconfirmed_usd)?,
        },
        usage: usage(&view.usage),
        calls: view.calls,
        calls_in_flight: view.calls_in_flight,
        estimate: estimate.map(|estimate| json!(estimate)),
        created_at: time(&view.created_at)?,
        started_at: view.started_at.as_deref().map(time).transpose()?,
        ended_at: view.ended_at.as_deref().map(time).transpose()?,
        updated_at: time(&view.updated_at)?,
        owner: view.owner,
        archived_at: view.archived_at.as_deref().map(time).transpose()?,
    })
}

/// A batch with its template and its price.
pub fn batch_detail(detail: BatchDetail) -> Result<BatchRow, Fault> {
    let mut row = batch(detail.batch)?;
    row.template =
        serde_json::from_value(detail.template_spec).map_err(|error| unknown("template", error))?;
    row.plan.price = price(&detail.price);
    row.plan.max_output_tokens = detail.max_output_tokens;
    row.plan.ocr = detail.ocr;
    row.plan.reuse_answers = detail.reuse_answers;
    Ok(row)
}

/// An estimate.
pub fn estimate(view: &EstimateView) -> Result<Estimate, Fault> {
    let classes = view
        .classes
        .iter()
        .map(|row| Ok((named::<Class>("class", &row.class)?, estimate_row(row)?)));
    let unreadable = view
        .unreadable
        .iter()
        .map(|(code, count)| Ok((named::<FailureCode>("failure", code)?, *count)));
    let fallbacks = view.fallbacks.iter().map(|fallback| {
        Ok(FallbackCost {
            model: fallback.model.clone(),
            cost: usd(fallback.cost_usd)?,
        })
    });
    let bound_by: Bound =
        serde_json::from_value(json!(view.bound_by)).map_err(|_| unknown("bound", &view.bound_by))?;
    Ok(Estimate {
        classes: classes.collect::<Result<_, Fault>>()?,
        total: estimate_row(&view.total)?,
        low: usd(view.low_usd)?,
        high: usd(view.high_usd)?,
        budget: usd(view.recommended_budget_usd)?,
        budget_in_flight: Usd::ZERO,
        budget_for_crashes: Usd::ZERO,
        unreadable: unreadable.collect::<Result<_, Fault>>()?,
        duration: Duration {
            ms: view.duration_ms,
            bound_by,
        },
        hedges: usd(view.hedges_usd)?,
        fallbacks: fallbacks.collect::<Result<_, Fault>>()?,
        price: price(&view.price),
    })
}

fn estimate_row(view: &EstimateRow) -> Result<Row, Fault> {
    Ok(Row {
        documents: view.documents,
        pages: view.pages,
        calls: view.calls,
        usage: Usage {
            input_tokens: view.input_tokens,
            output_tokens: view.output_tokens,
            ..Usage::default()
        },
        cost: usd(view.cost_usd)?,
        worst_case: usd(view.worst_case_usd)?,
        cost_per_document: usd(view.cost_per_document_usd)?,
    })
}

/// A row of the ledger.
pub fn ledger(view: LedgerView) -> Result<LedgerRow, Fault> {
    Ok(LedgerRow {
        class: named("class", &view.class)?,
        model: view.model,
        calls: view.calls,
        calls_in_flight: view.calls_in_flight,
        unconfirmed_calls: view.unconfirmed_calls,
        settled: usd(view.settled_usd)?,
        reserved: usd(view.reserved_usd)?,
        unconfirmed: usd(view.unconfirmed_usd)?,
    })
}

/// What came of a reconciliation, and how many calls are left.
pub fn reconciled(view: &ReconciledView) -> Result<(Reconciled, u64), Fault> {
    let reconciled = Reconciled {
        calls: view.calls,
        unconfirmed: usd(view.was_unconfirmed_usd)?,
        settled: usd(view.billed_usd)?,
    };
    Ok((reconciled, view.calls_left))
}

/// Failed documents with the same cause.
pub fn failure(view: FailureView) -> Result<FailureGroup, Fault> {
    Ok(FailureGroup {
        code: named("failure", &view.code)?,
        documents: view.documents,
        example: view.example,
        example_document: Ordinal(view.example_document),
    })
}

/// A page of documents.
pub fn page(list: DocumentList) -> Result<DocumentPage, Fault> {
    Ok(DocumentPage {
        rows: list
            .documents
            .into_iter()
            .map(document)
            .collect::<Result<_, _>>()?,
        first: list.first,
        matching: if list.matching_is_exact {
            Matching::Exactly(list.matching)
        } else {
            Matching::AtLeast(list.matching)
        },
        next: list.next,
        previous: list.previous,
    })
}

fn document(view: DocumentView) -> Result<DocumentRow, Fault> {
    let updated_at = time(&view.updated_at)?;
    Ok(DocumentRow {
        ordinal: Ordinal(view.document),
        key: view.key,
        name: view.name,
        bytes: view.bytes,
        kind: named("kind", &view.kind)?,
        class: named("class", &view.class)?,
        pages: view.pages,
        content_hash: view.content_hash.as_deref().and_then(ContentHash::from_hex),
        state: named("state", &view.state)?,
        failure: said(view.error_code.as_deref(), view.error)?,
        duplicate_of: view.duplicate_of.map(Ordinal),
        attempts: view.attempts,
        cost: usd(view.cost_usd)?,
        usage: usage(&view.usage),
        risk: view.risk,
        verdict: view
            .review
            .as_deref()
            .map(|name| named("verdict", name))
            .transpose()?,
        next_attempt_at: updated_at,
        updated_at,
    })
}

fn said(code: Option<&str>, message: Option<String>) -> Result<Option<Failure>, Fault> {
    let failure = |code| Ok(Failure::new(named("failure", code)?, message.unwrap_or_default()));
    code.map(failure).transpose()
}

/// Everything about a document.
pub fn detail(view: DocumentDetailView) -> Result<DocumentDetail, Fault> {
    Ok(DocumentDetail {
        row: document(view.row)?,
        extraction: view.extraction.map(extraction),
        attempts: view.calls.into_iter().map(attempt).collect::<Result<_, _>>()?,
        review: view.reviewed.map(review).transpose()?,
        history: view.history.into_iter().map(history).collect::<Result<_, _>>()?,
    })
}

fn extraction(view: ExtractionView) -> Extraction {
    let evidence = view.evidence.into_iter().map(|found| Evidence {
        field: found.field,
        page: found.page,
        quote: found.quote,
        bbox: found.bbox.map(|[x0, y0, x1, y1]| BBox { x0, y0, x1, y1 }),
    });
    let findings = view.findings.into_iter().map(|finding| Finding {
        check: finding.check,
        field: finding.field,
        message: finding.message,
    });
    Extraction {
        data: view.data,
        evidence: evidence.collect(),
        ungrounded: view.ungrounded,
        findings: findings.collect(),
        risk: view.risk,
        simulated: view.simulated,
    }
}

fn attempt(view: AttemptView) -> Result<Attempt, Fault> {
    Ok(Attempt {
        number: view.number,
        part: view.part,
        model: view.model,
        answer_key: AnswerKey::default(),
        outcome: named("outcome", &view.outcome)?,
        reserved: usd(view.reserved_usd)?,
        cost: usd(view.cost_usd)?,
        usage: usage(&view.usage),
        started_at: time(&view.started_at)?,
        latency_ms: view.latency_ms,
        request_id: view.request_id,
        failure: said(view.error_code.as_deref(), view.error)?,
        raw_answer: view.raw_answer,
    })
}

fn review(view: ReviewView) -> Result<Review, Fault> {
    Ok(Review {
        verdict: named("verdict", &view.verdict)?,
        data: view.data,
        version: view.version,
        reviewer: view.reviewer,
        at: time(&view.at)?,
    })
}

fn history(view: HistoryView) -> Result<ReviewEntry, Fault> {
    let changes = view.changes.into_iter().map(|change| Change {
        field: change.field,
        from: change.from,
        to: change.to,
    });
    Ok(ReviewEntry {
        at: time(&view.at)?,
        reviewer: view.reviewer,
        verdict: named("verdict", &view.verdict)?,
        changes: changes.collect(),
    })
}
