//! `docmill show`: a batch, or one document with its fields, their places and its calls.

use std::collections::HashMap;

use docmill_core::attempt::Attempt;
use docmill_core::extraction::{Evidence, Extraction};
use docmill_core::id::{BatchId, DocumentId, Ordinal};
use docmill_store::{DocumentDetail, DocumentQuery};
use serde_json::Value;

use super::list;
use crate::args::{Context, ShowArgs, StatusArgs};
use crate::deed;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::place::Place;
use crate::report::table::Table;
use crate::report::text::{bytes, clean, clean_lines, counted};
use crate::report::{Style, Ui, json, paint};

/// Carries out the verb.
pub async fn perform(args: ShowArgs, context: &Context) -> Result<Exit, Fault> {
    let Some(named) = args.document else {
        let args = StatusArgs {
            batch: Some(args.batch),
            watch: false,
            json: args.json,
        };
        return super::status::perform(args, context).await;
    };
    let place = Place::with_batches(context)?;
    let batch = place.find_batch(&args.batch).await?.id;
    let ordinal = match named.parse() {
        Ok(number) => Ordinal(number),
        Err(_) => by_name(&place, batch, &named).await?,
    };
    let detail = place.document(DocumentId { batch, ordinal }, args.raw).await?;
    deed::read(&place, "show", &format!("{batch}/{ordinal}"), context).await?;
    if args.json {
        context.ui.json(&json::detail(&detail, args.raw))?;
    } else {
        context.ui.out(&render(&detail, args.raw, &context.ui))?;
    }
    Ok(Exit::Ok)
}

/// The one document of this name, or whose name contains it.
pub async fn by_name(place: &Place, batch: BatchId, name: &str) -> Result<Ordinal, Fault> {
    let query = DocumentQuery {
        search: Some(name.to_owned()),
        limit: 100,
        ..DocumentQuery::default()
    };
    let rows = place.documents(batch, query).await?.rows;
    let exact = rows.iter().find(|row| row.name == name || row.key == name);
    match (exact, rows.as_slice()) {
        (Some(row), _) | (None, [row]) => Ok(row.ordinal),
        (None, []) => Err(Fault::usage(format!(
            "the batch has no document with {} in its name",
            clean(name)
        ))
        .hint("docmill list BATCH lists its documents")),
        (None, _) => Err(
            Fault::usage(format!("several documents have {} in their names", clean(name))).hint(format!(
                "docmill list BATCH --search {} lists them with their numbers",
                clean(name)
            )),
        ),
    }
}

fn render(detail: &DocumentDetail, raw: bool, ui: &Ui) -> String {
    let colored = ui.color_out;
    let row = &detail.row;
    let state = paint(colored, list::style(row.state), row.state.as_str());
    let mut out = format!(
        "{} {} is {state}\n",
        paint(colored, Style::Dim, &format!("#{}", row.ordinal)),
        paint(colored, Style::Bold, &clean(&row.name))
    );
    let mut facts = Table::new(&["", ""]);
    let mut fact = |label: &str, value: String| {
        facts.row(vec![(label.to_owned(), Some(Style::Dim)), (value, None)]);
    };
    fact("where", row.key.clone());
    let pages = row.pages.map_or(String::new(), |pages| {
        format!(", {}", counted(u64::from(pages), "page"))
    });
    fact(
        "what",
        format!("{} ({}), {}{pages}", row.kind, row.class, bytes(row.bytes)),
    );
    if let Some(original) = row.duplicate_of {
        fact("same as", format!("document {original}"));
    }
    if let Some(failure) = &row.failure {
        fact("why", format!("{} ({})", failure.message, failure.code));
        fact("to do", failure.code.hint().to_owned());
    }
    if row.attempts > 0 {
        fact("cost", row.cost.to_string());
    }
    if let Some(risk) = row.risk {
        fact("risk", format!("{risk} of 1000"));
    }
    out.push_str(&facts.render(colored, ui.width_out()));
    if let Some(extraction) = &detail.extraction {
        out.push('\n');
        out.push_str(&fields(extraction, colored, ui.width_out()));
    }
    if !detail.attempts.is_empty() {
        out.push('\n');
        out.push_str(&calls(&detail.attempts, colored, ui.width_out()));
    }
    if raw {
        for attempt in &detail.attempts {
            let answer = attempt.raw_answer.as_deref().unwrap_or("(no answer is stored)");
            out.push_str(&format!("\ncall {}:\n{}\n", attempt.number, clean_lines(answer)));
        }
    }
    out
}

/// The values with their places, and what speaks against them.
fn fields(extraction: &Extraction, colored: bool, columns: Option<usize>) -> String {
    let places: HashMap<&str, &Evidence> = extraction
        .evidence
        .iter()
        .rev()
        .map(|evidence| (evidence.field.as_str(), evidence))
        .collect();
    let mut table = Table::new(&["field", "value", "page", "as printed"]);
    let mut leaves = Vec::new();
    walk(&extraction.data, "", "", &mut leaves);
    for (name, pointer, value) in leaves {
        let place = places.get(pointer.as_str());
        let (page, quote) = match place {
            Some(place) => (place.page.to_string(), place.quote.clone()),
            None if extraction.ungrounded.contains(&pointer) => {
                (String::new(), "not found on the page".to_owned())
            }
            None => Default::default(),
        };
        let style = place
            .is_none()
            .then_some(Style::Yellow)
            .filter(|_| !quote.is_empty());
        table.row(vec![
            (name, Some(Style::Dim)),
            (value, None),
            (page, None),
            (quote, style),
        ]);
    }
    let mut out = table.render(colored, columns);
    for finding in &extraction.findings {
        out.push_str(&format!(
            "{} {}\n",
            paint(colored, Style::Yellow, "!"),
            clean(&finding.message)
        ));
    }
    if extraction.simulated {
        out.push_str(&format!(
            "{}\n",
            paint(colored, Style::Yellow, "simulated: a rehearsal, not data")
        ));
    }
    out
}

/// Every value that is not an object or a list, with its name for people and its pointer.
/// Depth is bounded by the parser that made the value.
fn walk(value: &Value, name: &str, pointer: &str, leaves: &mut Vec<(String, String, String)>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, field) in fields {
                let name = if name.is_empty() {
                    key.clone()
                } else {
                    format!("{name}.{key}")
                };
                let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                walk(field, &name, &pointer, leaves);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                walk(
                    item,
                    &format!("{name}[{}]", index + 1),
                    &format!("{pointer}/{index}"),
                    leaves,
                );
            }
        }
        Value::Null => {}
        Value::String(text) => leaves.push((name.to_owned(), pointer.to_owned(), text.clone())),
        other => leaves.push((name.to_owned(), pointer.to_owned(), other.to_string())),
    }
}

fn calls(attempts: &[Attempt], colored: bool, columns: Option<usize>) -> String {
    let mut table = Table::new(&[
        ">call",
        ">part",
        "model",
        "outcome",
        ">tokens in",
        ">out",
        ">cost",
        ">took",
        "what went wrong",
    ]);
    for attempt in attempts {
        let wrong = attempt
            .failure
            .as_ref()
            .map(|failure| format!("{}: {}", failure.code, failure.message));
        table.plain_row([
            attempt.number.to_string(),
            (attempt.part + 1).to_string(),
            attempt.model.clone(),
            attempt.outcome.to_string().replace('_', " "),
            attempt.usage.total_input().to_string(),
            attempt.usage.output_tokens.to_string(),
            attempt.cost.to_string(),
            format!("{} ms", attempt.latency_ms),
            wrong.unwrap_or_default(),
        ]);
    }
    table.render(colored, columns)
}
