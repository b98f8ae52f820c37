//! The estimate: what it will cost and how long it will take, before a cent is spent.

use std::time::Duration;

use docmill_core::estimate::{Bound, Estimate, Row};
use docmill_core::money::Usd;
use serde_json::{Value, json};

use super::table::Table;
use super::text::{count, counted, duration};
use super::{Style, paint};

/// The estimate as a table by class, with the total, the budget and the time below it.
pub fn render(estimate: &Estimate, model: &str, colored: bool, columns: Option<usize>) -> String {
    let mut table = Table::new(&[
        "class",
        ">documents",
        ">pages",
        ">calls",
        ">tokens in",
        ">tokens out",
        ">cost",
        ">per document",
    ]);
    for (class, row) in &estimate.classes {
        table.row(cells(class.as_str(), row, None));
    }
    if estimate.classes.len() != 1 {
        table.row(cells("total", &estimate.total, Some(Style::Bold)));
    }
    let mut out = table.render(colored, columns);
    out.push('\n');
    let mut line = |label: &str, text: String| {
        out.push_str(&format!(
            "{} {text}\n",
            paint(colored, Style::Dim, &format!("{label:<8}"))
        ));
    };
    line("cost", cost(estimate));
    if estimate.budget > Usd::ZERO {
        line(
            "budget",
            format!(
                "{} recommended",
                paint(colored, Style::Bold, &estimate.budget.to_string())
            ),
        );
    }
    line(
        "time",
        format!("about {}, {}", took(estimate), bound(estimate.duration.bound_by)),
    );
    line("model", format!("{model}, price: {}", estimate.price.origin));
    for (code, documents) in &estimate.unreadable {
        line(
            "warning",
            format!(
                "{} cannot be read: {code} ({})",
                counted(*documents, "document"),
                code.hint()
            ),
        );
    }
    out
}

fn cells(label: &str, row: &Row, style: Option<Style>) -> Vec<(String, Option<Style>)> {
    [
        label.to_owned(),
        count(row.documents),
        count(row.pages),
        count(row.calls),
        count(row.usage.total_input()),
        count(row.usage.output_tokens),
        row.cost.to_string(),
        row.cost_per_document.to_string(),
    ]
    .into_iter()
    .map(|text| (text, style))
    .collect()
}

fn cost(estimate: &Estimate) -> String {
    if estimate.price.is_free() {
        return "nothing: the model is free".to_owned();
    }
    let Estimate { total, low, high, .. } = estimate;
    format!(
        "about {} (probably {low} to {high}; never more than the budget)",
        total.cost
    )
}

fn took(estimate: &Estimate) -> String {
    duration(Duration::from_millis(estimate.duration.ms.max(1000)))
}

const fn bound(bound: Bound) -> &'static str {
    match bound {
        Bound::Concurrency => "decided by the calls in flight (--concurrency)",
        Bound::RequestLimit => "decided by the provider's limit on requests",
        Bound::TokenLimit => "decided by the provider's limit on tokens",
        Bound::Reading => "decided by reading the documents",
    }
}

/// The estimate for programs.
pub fn json(estimate: &Estimate) -> Value {
    let classes: Vec<Value> = estimate
        .classes
        .iter()
        .map(|(class, row)| row_json(class.as_str(), row))
        .collect();
    json!({
        "classes": classes,
        "total": row_json("total", &estimate.total),
        "low_usd": estimate.low.as_f64(),
        "high_usd": estimate.high.as_f64(),
        "recommended_budget_usd": estimate.budget.as_f64(),
        "duration_ms": estimate.duration.ms,
        "bound_by": estimate.duration.bound_by,
        "price": {
            "input_usd_per_million": per_million(estimate.price.input.0),
            "output_usd_per_million": per_million(estimate.price.output.0),
            "origin": estimate.price.origin,
        },
        "unreadable": estimate.unreadable,
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a price for display; the exact one is stored"
)]
fn per_million(picos: u64) -> f64 {
    picos as f64 / 1e6
}

fn row_json(class: &str, row: &Row) -> Value {
    json!({
        "class": class,
        "documents": row.documents,
        "pages": row.pages,
        "calls": row.calls,
        "input_tokens": row.usage.total_input(),
        "output_tokens": row.usage.output_tokens,
        "cost_usd": row.cost.as_f64(),
        "worst_case_usd": row.worst_case.as_f64(),
    })
}
