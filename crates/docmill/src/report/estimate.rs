//! The estimate: what it will cost and how long it will take, before a cent is spent.

use std::time::Duration;

use docmill_core::estimate::{Bound, Estimate, Row};
use docmill_core::money::Usd;

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
                "{} recommended{}",
                paint(colored, Style::Bold, &estimate.budget.to_string()),
                room(estimate)
            ),
        );
    }
    line(
        "time",
        format!("about {}, {}", took(estimate), bound(estimate.duration.bound_by)),
    );
    line("model", format!("{model}, price: {}", estimate.price.origin));
    for fallback in &estimate.fallbacks {
        line(
            "fallback",
            format!("about {} if {} answers all of it", fallback.cost, fallback.model),
        );
    }
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
    let hedges = match estimate.hedges {
        Usd::ZERO => String::new(),
        hedges => format!(", of it up to {hedges} for second calls beside hanging ones"),
    };
    format!(
        "about {} (probably {low} to {high}{hedges}; never more than the budget)",
        total.cost
    )
}

/// What of the budget is not expected to be spent.
fn room(estimate: &Estimate) -> String {
    if estimate.budget_in_flight == Usd::ZERO {
        return String::new();
    }
    format!(
        ", of it {} held back for calls in flight and {} for calls that a crash leaves unconfirmed",
        estimate.budget_in_flight, estimate.budget_for_crashes
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
