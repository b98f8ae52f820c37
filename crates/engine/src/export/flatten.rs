//! One document into rows of the layout's tables.

use std::borrow::Cow;
use std::collections::HashMap;

use docmill_core::digits;
use docmill_core::extraction::{Evidence, Extraction};
use docmill_store::ResultRow;
use serde_json::Value;

use super::ExportError;
use super::layout::{Column, ColumnType, Fact, Layout, Place, Source};

/// What stands in a column of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'a> {
    Empty,
    Text(Cow<'a, str>),
    Integer(i64),
    Number(f64),
    /// A number a double would round: its digits, and the double next to it.
    Exact {
        digits: String,
        nearest: Option<f64>,
    },
    Boolean(bool),
}

/// Takes one row of a table.
pub(super) type TakeRow<'t> = dyn FnMut(usize, &[Cell<'_>]) -> Result<(), ExportError> + 't;

/// Turns documents into rows.
pub(super) struct Flattener {
    pub(super) layout: Layout,
    model: String,
}

/// A document while it is turned into rows.
struct Document<'a> {
    result: &'a ResultRow,
    model: Option<&'a str>,
    evidence: HashMap<&'a str, &'a Evidence>,
}

impl Flattener {
    pub(super) fn new(layout: Layout, model: &str) -> Self {
        Self {
            layout,
            model: model.to_owned(),
        }
    }

    /// Hands the rows of a document to `take`: its own first, then those of its lists.
    pub(super) fn rows(&self, result: &ResultRow, take: &mut TakeRow<'_>) -> Result<(), ExportError> {
        let found = result
            .extraction
            .iter()
            .flat_map(|extraction| extraction.evidence.iter().rev());
        let document = Document {
            result,
            model: model_of(result, &self.model),
            // Reversed, so that of several places the first one stays.
            evidence: found
                .map(|evidence| (evidence.field.as_str(), evidence))
                .collect(),
        };
        let data = result
            .extraction
            .as_ref()
            .map_or(&Value::Null, |extraction| &extraction.data);
        self.table(0, &document, data, "", &mut Vec::new(), take)
    }

    fn table(
        &self,
        index: usize,
        document: &Document<'_>,
        item: &Value,
        pointer: &str,
        rows: &mut Vec<i64>,
        take: &mut TakeRow<'_>,
    ) -> Result<(), ExportError> {
        let Some(table) = self.layout.tables.get(index) else {
            return Ok(());
        };
        let cells: Vec<Cell<'_>> = table
            .columns
            .iter()
            .map(|column| document.cell(column, item, pointer, rows))
            .collect();
        take(index, &cells)?;
        for child in &table.children {
            let Some(list) = self.layout.tables.get(*child).map(|table| &table.list) else {
                continue;
            };
            let Some(items) = below(item, list).and_then(Value::as_array) else {
                continue;
            };
            let list_pointer = join(pointer, list);
            for (number, item) in items.iter().enumerate() {
                rows.push(i64::try_from(number).unwrap_or(i64::MAX).saturating_add(1));
                self.table(
                    *child,
                    document,
                    item,
                    &format!("{list_pointer}/{number}"),
                    rows,
                    take,
                )?;
                rows.pop();
            }
        }
        Ok(())
    }
}

impl<'a> Document<'a> {
    fn cell<'v>(&self, column: &Column, item: &'v Value, pointer: &str, rows: &[i64]) -> Cell<'v>
    where
        'a: 'v,
    {
        match &column.source {
            Source::Fact(fact) => self.fact(*fact),
            Source::Row(depth) => rows.get(*depth).map_or(Cell::Empty, |row| Cell::Integer(*row)),
            Source::Field(path) => below(item, path).map_or(Cell::Empty, |value| cell_of(value, column.kind)),
            Source::Evidence(path, place) => {
                let found = self.evidence.get(join(pointer, path).as_str());
                found.map_or(Cell::Empty, |evidence| place_of(evidence, *place))
            }
        }
    }

    fn fact(&self, fact: Fact) -> Cell<'a> {
        let row = &self.result.row;
        let text = |text: Option<&'a str>| text.map_or(Cell::Empty, |text| Cell::Text(text.into()));
        let whole = |number: Option<u64>| {
            number
                .and_then(|number| i64::try_from(number).ok())
                .map_or(Cell::Empty, Cell::Integer)
        };
        let extraction = self.result.extraction.as_ref();
        match fact {
            Fact::Document => whole(Some(row.ordinal.0)),
            Fact::Name => text(Some(&row.name)),
            Fact::Status => text(Some(row.state.as_str())),
            Fact::DuplicateOf => whole(row.duplicate_of.map(|original| original.0)),
            Fact::ErrorCode => text(row.failure.as_ref().map(|failure| failure.code.as_str())),
            Fact::Error => text(row.failure.as_ref().map(|failure| failure.message.as_str())),
            Fact::CostUsd => Cell::Number(row.cost.as_f64()),
            Fact::Model => text(self.model),
            Fact::Simulated => {
                extraction.map_or(Cell::Empty, |extraction| Cell::Boolean(extraction.simulated))
            }
            Fact::Risk => whole(row.risk.map(u64::from)),
            Fact::Findings => extraction.map_or(Cell::Empty, findings),
            Fact::Review => text(row.verdict.map(|verdict| verdict.as_str())),
        }
    }
}

/// The model that was asked, when one was.
pub(super) fn model_of<'a>(result: &ResultRow, model: &'a str) -> Option<&'a str> {
    (result.extraction.is_some() || result.row.attempts > 0).then_some(model)
}

/// The checks that were not met, as one text.
fn findings(extraction: &Extraction) -> Cell<'static> {
    if extraction.findings.is_empty() {
        return Cell::Empty;
    }
    let messages: Vec<&str> = extraction
        .findings
        .iter()
        .map(|finding| finding.message.as_str())
        .collect();
    Cell::Text(messages.join("; ").into())
}

fn place_of(evidence: &Evidence, place: Place) -> Cell<'_> {
    match place {
        Place::Page => Cell::Integer(i64::from(evidence.page)),
        Place::Quote => Cell::Text(evidence.quote.as_str().into()),
        Place::Bbox => match evidence.bbox {
            Some(bbox) => Cell::Text(format!("[{},{},{},{}]", bbox.x0, bbox.y0, bbox.x1, bbox.y1).into()),
            None => Cell::Empty,
        },
    }
}

/// A value in a column of this type. One that does not fit becomes text: the schema
/// was checked before, so that is the exception (a whole number beyond 64 bits).
fn cell_of(value: &Value, kind: ColumnType) -> Cell<'_> {
    match (kind, value) {
        (_, Value::Null) => Cell::Empty,
        (ColumnType::Json, value) => Cell::Text(value.to_string().into()),
        (_, Value::String(text)) => Cell::Text(text.as_str().into()),
        (ColumnType::Boolean, Value::Bool(flag)) => Cell::Boolean(*flag),
        (ColumnType::Integer, Value::Number(number)) => match whole(number) {
            Some(whole) => Cell::Integer(whole),
            None => Cell::Exact {
                digits: number.to_string(),
                nearest: None,
            },
        },
        (ColumnType::Number, Value::Number(number)) => match number.as_f64() {
            Some(double) if digits::fits_double(number) => Cell::Number(double),
            nearest => Cell::Exact {
                digits: number.to_string(),
                nearest: nearest.filter(|double| double.is_finite()),
            },
        },
        (_, value) => Cell::Text(value.to_string().into()),
    }
}

/// `3.0` is a whole number to JSON Schema.
#[expect(
    clippy::cast_possible_truncation,
    reason = "checked to be whole and within 2^53"
)]
fn whole(number: &serde_json::Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let float = number.as_f64().filter(|_| digits::fits_double(number))?;
        (float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0).then_some(float as i64)
    })
}

fn below<'v>(item: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(item, |value, name| value.get(name))
}

/// The JSON Pointer of a path below another pointer.
fn join(pointer: &str, path: &[String]) -> String {
    let mut joined = pointer.to_owned();
    for name in path {
        joined.push('/');
        joined.push_str(&name.replace('~', "~0").replace('/', "~1"));
    }
    joined
}
