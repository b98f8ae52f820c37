//! Which tables and columns a template's schema becomes. Decided once per export,
//! from the schema alone, so that every file of a batch has the same columns
//! whatever its documents hold.

use super::schema::{self, Shape};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Text.
    Text,
    /// A calendar day as ISO 8601 text; spreadsheets get a real date.
    Date,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Yes or no.
    Boolean,
    /// What fits in no column, as JSON text.
    Json,
}

impl ColumnType {
    /// The type that holds values of both.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a,
            (Self::Json, _) | (_, Self::Json) => Self::Json,
            (Self::Integer | Self::Number, Self::Integer | Self::Number) => Self::Number,
            _ => Self::Text,
        }
    }
}

/// Facts about a document that every template has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fact {
    Document,
    Name,
    Status,
    DuplicateOf,
    ErrorCode,
    Error,
    CostUsd,
    Model,
    Simulated,
    Risk,
    Findings,
    Review,
}

impl Fact {
    /// In front of the fields.
    const BEFORE: [Self; 3] = [Self::Document, Self::Name, Self::Status];

    /// Behind them.
    const AFTER: [Self; 9] = [
        Self::DuplicateOf,
        Self::ErrorCode,
        Self::Error,
        Self::CostUsd,
        Self::Model,
        Self::Simulated,
        Self::Risk,
        Self::Findings,
        Self::Review,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Name => "name",
            Self::Status => "status",
            Self::DuplicateOf => "duplicate_of",
            Self::ErrorCode => "error_code",
            Self::Error => "error",
            Self::CostUsd => "cost_usd",
            Self::Model => "model",
            Self::Simulated => "simulated",
            Self::Risk => "risk",
            Self::Findings => "findings",
            Self::Review => "review",
        }
    }

    const fn kind(self) -> ColumnType {
        match self {
            Self::Document | Self::DuplicateOf | Self::Risk => ColumnType::Integer,
            Self::CostUsd => ColumnType::Number,
            Self::Simulated => ColumnType::Boolean,
            _ => ColumnType::Text,
        }
    }
}

/// Which side of a value's evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Page,
    Quote,
    Bbox,
}

/// Where a column's cells come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Fact(Fact),
    /// Number of the row in the list of this depth, from 0 for the outermost.
    Row(usize),
    /// The value below the table's item.
    Field(Vec<String>),
    /// Where that value stands.
    Evidence(Vec<String>, Place),
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its heading; unique in its table, also without regard to case.
    pub name: String,
    /// What it holds.
    pub kind: ColumnType,
    pub(super) source: Source,
}

/// A table: the documents, or the items of one list of theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// `documents`, or the path of the list (`line_items`, `line_items.taxes`).
    pub name: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// The path of its list below an item of the parent table.
    pub(super) list: Vec<String>,
    /// Tables of lists inside its items.
    pub(super) children: Vec<usize>,
}

/// The tables of an export, the documents first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The tables; a list's table comes after that of the items it is in.
    pub tables: Vec<Table>,
}

impl Layout {
    /// The tables a schema becomes.
    #[must_use]
    pub fn of(schema: &serde_json::Value, evidence: bool) -> Self {
        let mut builder = Builder {
            tables: Vec::new(),
            evidence,
        };
        builder.documents(&schema::shape(schema));
        Self {
            tables: builder.tables,
        }
    }

    /// The documents' table alone.
    pub(super) fn documents_only(mut self) -> Self {
        self.tables.truncate(1);
        for table in &mut self.tables {
            table.children.clear();
        }
        self
    }
}

struct Builder {
    tables: Vec<Table>,
    evidence: bool,
}

/// A list met while walking through a table's fields.
struct List<'a> {
    path: Vec<String>,
    items: &'a Shape,
}

impl Builder {
    fn documents(&mut self, shape: &Shape) {
        let mut columns: Vec<Column> = Fact::BEFORE.into_iter().map(fact).collect();
        // Facts keep their names whatever a template calls its fields.
        let reserved: Vec<String> = Fact::BEFORE
            .iter()
            .chain(&Fact::AFTER)
            .map(|fact| fact.name().to_owned())
            .collect();
        let mut lists = Vec::new();
        self.fields(shape, &mut Vec::new(), &reserved, &mut columns, &mut lists);
        columns.extend(Fact::AFTER.into_iter().map(fact));
        self.add("documents".to_owned(), columns, Vec::new(), lists, &[]);
    }

    /// Adds a table and, below it, those of its lists. `ancestors` are the names of the
    /// lists its rows are in.
    fn add(
        &mut self,
        name: String,
        columns: Vec<Column>,
        list: Vec<String>,
        lists: Vec<List<'_>>,
        ancestors: &[String],
    ) -> usize {
        let index = self.tables.len();
        self.tables.push(Table {
            name,
            columns,
            list,
            children: Vec::new(),
        });
        for list in lists {
            let child = self.list_table(list, ancestors);
            if let Some(table) = self.tables.get_mut(index) {
                table.children.push(child);
            }
        }
        index
    }

    fn list_table(&mut self, list: List<'_>, ancestors: &[String]) -> usize {
        let own = list.path.join(".");
        let mut lists_of_row = ancestors.to_vec();
        lists_of_row.push(own);
        let mut columns = vec![fact(Fact::Document), fact(Fact::Name)];
        for (depth, list) in lists_of_row.iter().enumerate() {
            let is_own = depth == ancestors.len();
            let name = if is_own {
                "row".to_owned()
            } else {
                format!("{list}.row")
            };
            columns.push(Column {
                name,
                kind: ColumnType::Integer,
                source: Source::Row(depth),
            });
        }
        let reserved: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let mut lists = Vec::new();
        self.fields(list.items, &mut Vec::new(), &reserved, &mut columns, &mut lists);
        self.add(lists_of_row.join("."), columns, list.path, lists, &lists_of_row)
    }

    /// Columns for the fields below `path`, objects flattened with dots.
    fn fields<'a>(
        &self,
        shape: &'a Shape,
        path: &mut Vec<String>,
        reserved: &[String],
        columns: &mut Vec<Column>,
        lists: &mut Vec<List<'a>>,
    ) {
        match shape {
            Shape::Object(fields) => {
                for (name, field) in fields {
                    path.push(name.clone());
                    self.fields(field, path, reserved, columns, lists);
                    path.pop();
                }
            }
            Shape::List(items) => {
                // Lists of plain values are in the table as JSON text too: often that is all one wants.
                if matches!(**items, Shape::Scalar(_)) {
                    self.field(ColumnType::Json, path, reserved, columns);
                }
                match path.is_empty() {
                    // A list of lists has no name of its own to make a table of.
                    true => self.field(ColumnType::Json, path, reserved, columns),
                    false => lists.push(List {
                        path: path.clone(),
                        items,
                    }),
                }
            }
            Shape::Scalar(kind) => self.field(*kind, path, reserved, columns),
        }
    }

    fn field(&self, kind: ColumnType, path: &[String], reserved: &[String], columns: &mut Vec<Column>) {
        let plain = if path.is_empty() {
            "value".to_owned()
        } else {
            path.join(".")
        };
        let name = unique(plain, reserved, columns);
        columns.push(Column {
            name: name.clone(),
            kind,
            source: Source::Field(path.to_vec()),
        });
        if !self.evidence {
            return;
        }
        for (place, suffix, kind) in [
            (Place::Page, "page", ColumnType::Integer),
            (Place::Quote, "quote", ColumnType::Text),
            (Place::Bbox, "bbox", ColumnType::Json),
        ] {
            let name = unique(format!("{name}.{suffix}"), reserved, columns);
            columns.push(Column {
                name,
                kind,
                source: Source::Evidence(path.to_vec(), place),
            });
        }
    }
}

fn fact(fact: Fact) -> Column {
    Column {
        name: fact.name().to_owned(),
        kind: fact.kind(),
        source: Source::Fact(fact),
    }
}

/// A heading nobody has yet: `data.name` beside docmill's own `name`, then with a
/// number. Databases do not tell headings apart by case, so neither does this.
fn unique(plain: String, reserved: &[String], columns: &[Column]) -> String {
    let is_taken = |name: &str| {
        let mut taken = reserved.iter().chain(columns.iter().map(|column| &column.name));
        taken.any(|taken| taken.to_lowercase() == name.to_lowercase())
    };
    if !is_taken(&plain) {
        return plain;
    }
    let mut name = format!("data.{plain}");
    let mut number = 1_u32;
    while is_taken(&name) {
        number += 1;
        name = format!("data.{plain}.{number}");
    }
    name
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn headings(table: &Table) -> Vec<&str> {
        table.columns.iter().map(|column| column.name.as_str()).collect()
    }

    #[test]
    fn objects_are_flattened_and_lists_get_tables() {
        let schema = json!({"type": "object", "properties": {
            "name": {"type": "string"},
            "seller": {"type": "object", "properties": {"city": {"type": "string"}}},
            "tags": {"type": "array", "items": {"type": "string"}},
            "items": {"type": "array", "items": {"type": "object", "properties": {
                "amount": {"type": "number"},
                "taxes": {"type": "array", "items": {"type": "object",
                    "properties": {"rate": {"type": "number"}}}},
            }}},
        }});
        let layout = Layout::of(&schema, false);
        let names: Vec<_> = layout.tables.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["documents", "tags", "items", "items.taxes"]);
        assert_eq!(
            headings(&layout.tables[0]),
            [
                "document",
                "name",
                "status",
                "data.name",
                "seller.city",
                "tags",
                "duplicate_of",
                "error_code",
                "error",
                "cost_usd",
                "model",
                "simulated",
                "risk",
                "findings",
                "review"
            ]
        );
        assert_eq!(headings(&layout.tables[1]), ["document", "name", "row", "value"]);
        assert_eq!(headings(&layout.tables[2]), ["document", "name", "row", "amount"]);
        assert_eq!(
            headings(&layout.tables[3]),
            ["document", "name", "items.row", "row", "rate"]
        );
    }

    #[test]
    fn evidence_stands_behind_its_field() {
        let schema = json!({"properties": {"Total": {"type": "number"}, "total": {"type": "number"}}});
        let layout = Layout::of(&schema, true);
        let fields = &headings(&layout.tables[0])[3..11];
        assert_eq!(
            fields,
            [
                "Total",
                "Total.page",
                "Total.quote",
                "Total.bbox",
                "data.total",
                "data.total.page",
                "data.total.quote",
                "data.total.bbox"
            ]
        );
    }
}
