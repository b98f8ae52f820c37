//! `docmill list`: the documents of a batch.

use docmill_core::document::DocumentState;
use docmill_core::id::DocumentId;
use docmill_core::template::{self, Field};
use docmill_core::values::{self, ConditionError};
use docmill_store::{BatchRow, DocumentPage, DocumentQuery, Matching, Position, SortBy};
use serde_json::Value;

use crate::args::{Context, ListArgs};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::place::Place;
use crate::report::table::Table;
use crate::report::text::{bytes, count};
use crate::report::{Style, json};

/// Carries out the verb.
pub async fn perform(args: ListArgs, context: &Context) -> Result<Exit, Fault> {
    // Values are made ready for lists when they are first asked about, which writes.
    let by_value = args.conditions.is_some() || args.by.is_some();
    let place = match by_value {
        true => Place::to_steer(context)?,
        false => Place::with_batches(context)?,
    };
    let row = place.find_batch(&args.batch).await?;
    let known = template::fields(&row.template.schema);
    let unknown = |error: ConditionError| Fault::usage(error.to_string()).hint(hint(&error, &known));
    let values = values::conditions(args.conditions.as_deref().unwrap_or_default(), &known);
    let sorted = args.by.as_deref().map(|name| values::find_field(&known, name));
    let sorted = sorted.transpose().map_err(unknown)?;
    let query = DocumentQuery {
        values: values.map_err(unknown)?,
        sort_field: sorted.map(|field| field.pointer.clone()),
        states: args.state,
        kinds: args.kind,
        classes: args.class,
        codes: args.code,
        search: args.search,
        cost_at_least: args.min_cost,
        sort: match sorted {
            Some(_) => SortBy::Value,
            None => args.sort.into(),
        },
        descending: args.descending,
        position: Position::Number(args.page),
        limit: args.limit,
        ..DocumentQuery::default()
    };
    let page = place.documents(row.id, query).await?;
    let ui = &context.ui;
    if args.json {
        ui.json(&json::page(&page))?;
        return Ok(Exit::Ok);
    }
    if !page.rows.is_empty() {
        let table = if args.fields {
            fields(&place, &row, &page).await?
        } else {
            table(&page)
        };
        ui.out(&table.render(ui.color_out, ui.width_out()))?;
    }
    ui.say(&showing(&page));
    if page.next.is_some() {
        ui.hint(&format!("--page {} shows more", args.page.saturating_add(1)));
    }
    Ok(Exit::Ok)
}

/// What to do about a condition that is none.
fn hint(error: &ConditionError, known: &[Field]) -> String {
    match error {
        ConditionError::UnknownField(_) => {
            let names: Vec<&str> = known.iter().map(|field| field.path.as_str()).collect();
            format!("there are {}", names.join(", "))
        }
        error => error.hint().to_owned(),
    }
}

fn table(page: &DocumentPage) -> Table {
    let mut table = Table::new(&[
        ">no", "name", "state", "kind", ">pages", ">size", ">cost", ">risk", "why",
    ]);
    for row in &page.rows {
        let why = match (&row.failure, row.duplicate_of) {
            (_, Some(original)) => format!("same content as {original}"),
            (Some(failure), None) => format!("{}: {}", failure.code, failure.message),
            (None, None) => String::new(),
        };
        table.row(vec![
            (row.ordinal.to_string(), None),
            (row.name.clone(), None),
            (row.state.to_string(), Some(style(row.state))),
            (row.kind.to_string(), None),
            (row.pages.map(|pages| pages.to_string()).unwrap_or_default(), None),
            (bytes(row.bytes), None),
            (
                if row.cost.nanos() > 0 {
                    row.cost.to_string()
                } else {
                    String::new()
                },
                None,
            ),
            (row.risk.map(|risk| risk.to_string()).unwrap_or_default(), None),
            (why, None),
        ]);
    }
    table
}

/// The page with a column for each field at the top of the template that is not a list or an object.
async fn fields(place: &Place, batch: &BatchRow, page: &DocumentPage) -> Result<Table, Fault> {
    let properties = batch.template.schema.get("properties").and_then(Value::as_object);
    let names: Vec<&str> = properties
        .into_iter()
        .flatten()
        .filter(|(_, property)| is_flat(property))
        .map(|(name, _)| name.as_str())
        .collect();
    let headings: Vec<&str> = [">no", "name"].into_iter().chain(names.iter().copied()).collect();
    let mut table = Table::new(&headings);
    for row in &page.rows {
        let id = DocumentId {
            batch: batch.id,
            ordinal: row.ordinal,
        };
        let extraction = match row.state {
            DocumentState::Completed => place.document(id, false).await?.extraction,
            _ => None,
        };
        let mut cells = vec![(row.ordinal.to_string(), None), (row.name.clone(), None)];
        if extraction.is_none() {
            cells.push((row.state.to_string(), Some(style(row.state))));
        }
        cells.extend(
            extraction
                .iter()
                .flat_map(|extraction| names.iter().map(|name| (printed(&extraction.data[*name]), None))),
        );
        cells.resize(headings.len(), (String::new(), None));
        table.row(cells);
    }
    Ok(table)
}

/// Whether a field has one value: no list, no object, also when it may be null.
fn is_flat(property: &Value) -> bool {
    let nested = |kind: &Value| kind == "array" || kind == "object";
    match &property["type"] {
        Value::Array(kinds) => !kinds.iter().any(nested),
        Value::Null => property["$ref"].is_null(),
        kind => !nested(kind),
    }
}

fn printed(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// How the state of a document is painted.
pub fn style(state: DocumentState) -> Style {
    match state {
        DocumentState::Completed => Style::Green,
        DocumentState::Failed => Style::Red,
        DocumentState::Leased => Style::Cyan,
        DocumentState::Skipped | DocumentState::Cancelled => Style::Yellow,
        DocumentState::Pending => Style::Dim,
    }
}

/// `Showing 101–200 of 10,000.`
fn showing(page: &DocumentPage) -> String {
    let matching = match page.matching {
        Matching::Exactly(number) => count(number),
        Matching::AtLeast(number) => format!("at least {}", count(number)),
    };
    let rows = page.rows.len() as u64;
    match page.first {
        _ if rows == 0 => format!("No documents here; {matching} match."),
        Some(first) => format!(
            "Showing {}–{} of {matching}.",
            count(first),
            count(first + rows - 1)
        ),
        None => format!("Showing {} of {matching}.", count(rows)),
    }
}
