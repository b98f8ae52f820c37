//! Which documents a list shows, as conditions, and the way through the database
//! that finds them.
//!
//! The way is said, not guessed: the planner has no statistics of a batch that was
//! just added. Few matches are collected and sorted; many are met soon enough when
//! walking the list in its order.

use std::collections::HashMap;

use docmill_core::document::DocumentState;
use docmill_core::id::Ordinal;
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params_from_iter};

use crate::records::{Counters, DocumentQuery, Matching, SortBy};
use crate::sqlite::codec::document_row;
use crate::sqlite::values;

/// Counting what a filter matches stops here.
const COUNTED: u64 = 10_000;

/// A way through the documents of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// In order of discovery, from the table.
    Walk,
    /// Along an index.
    Index(&'static str),
    /// From the names that contain the text, in order of discovery.
    Names,
    /// From the values of a field that meet its conditions, in their order.
    Values,
}

/// A field a list goes through, and what its values have to be.
struct Through {
    field: i64,
    /// Conditions on `field_values.value`.
    ranges: Vec<String>,
    /// Documents in its index.
    rows: u64,
}

/// The field of the condition that the fewest documents meet, as far as is counted.
fn fewest<'q>(
    connection: &Connection,
    query: &'q DocumentQuery,
    kept: &HashMap<&str, values::Kept>,
) -> rusqlite::Result<Option<&'q str>> {
    let mut best: Option<(i64, &str)> = None;
    for condition in &query.values {
        let pointer = condition.pointer.as_str();
        // Where there is no choice, nothing is counted.
        if query.values.iter().all(|other| other.pointer == pointer) {
            return Ok(Some(pointer));
        }
        let Some(field) = kept.get(pointer) else {
            continue;
        };
        let mut parameters = Vec::new();
        let compared = values::compared(condition, "value", |value| {
            parameters.push(value);
            parameters.len()
        });
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 FROM field_values WHERE field = {} AND {compared} LIMIT {})",
            field.field,
            COUNTED + 1
        );
        let count: i64 = connection
            .prepare_cached(&sql)?
            .query_row(params_from_iter(&parameters), |row| row.get(0))?;
        if best.is_none_or(|(least, _)| count < least) {
            best = Some((count, pointer));
        }
    }
    Ok(best.map(|(_, pointer)| pointer))
}

/// Conditions and their parameters.
pub(super) struct Filter {
    conditions: Vec<String>,
    /// What [`Way::Values`] goes through.
    through: Option<Through>,
    /// Conditions on values that the way through values does not check itself.
    value_conditions: Vec<String>,
    pub(super) parameters: Vec<Sql>,
    batch: i64,
    /// Number of the parameter with the text that names contain.
    search: Option<usize>,
    /// Finds few matches quickly.
    quick: Way,
    /// Finds many in order of discovery without sorting them.
    in_order: Way,
    /// Only states are asked for, or nothing: the counters know how many.
    states_only: bool,
    /// All documents of the batch.
    pub(super) all: bool,
}

impl Filter {
    /// The filter of a query; the inner error names a field that is not prepared.
    pub(super) fn of(
        connection: &Connection,
        batch: i64,
        query: &DocumentQuery,
    ) -> rusqlite::Result<Result<Self, String>> {
        let mut kept = HashMap::new();
        for pointer in values::pointers(query) {
            match values::kept(connection, batch, pointer)? {
                Some(field) => kept.insert(pointer, field),
                None => return Ok(Err(format!("the values of {pointer} are not prepared for lists"))),
            };
        }
        let mut filter = Self::of_documents(batch, query);
        let driving = match &query.sort_field {
            Some(pointer) => Some(pointer.as_str()),
            None => fewest(connection, query, &kept)?,
        };
        filter.values(query, &kept, driving);
        Ok(Ok(filter))
    }

    /// Conditions on values. The list goes through the field it is sorted by, or else through the one
    /// that leaves the fewest; the other conditions are looked up document by document.
    fn values(&mut self, query: &DocumentQuery, kept: &HashMap<&str, values::Kept>, driving: Option<&str>) {
        let Some(field) = driving.and_then(|pointer| kept.get(pointer)) else {
            return;
        };
        let mut through = Through {
            field: field.field,
            ranges: Vec::new(),
            rows: field.rows,
        };
        for condition in &query.values {
            let is_through = Some(condition.pointer.as_str()) == driving;
            let Some(kept) = kept.get(condition.pointer.as_str()) else {
                continue;
            };
            let before = self.parameters.len();
            let looked_up = values::compared(condition, "found.value", |value| self.parameter(value));
            if is_through {
                // The same parameters: whichever way is taken, all of them are used.
                let mut number = before;
                through
                    .ranges
                    .push(values::compared(condition, "field_values.value", |_| {
                        number += 1;
                        number
                    }));
            }
            let looked_up = format!(
                "EXISTS (SELECT 1 FROM field_values AS found INDEXED BY field_values_document
                    WHERE found.document = documents.id AND found.field = {} AND {looked_up})",
                kept.field
            );
            match is_through {
                true => self.value_conditions.push(looked_up),
                false => self.conditions.push(looked_up),
            }
        }
        self.through = Some(through);
        if !query.values.is_empty() {
            self.all = false;
            self.states_only = false;
            self.quick = Way::Values;
        }
    }

    fn of_documents(batch: i64, query: &DocumentQuery) -> Self {
        let search = query.search.as_deref().map(|text| text.replace('\0', ""));
        let search = search.filter(|text| !text.is_empty());
        let states_only = query.kinds.is_empty()
            && query.classes.is_empty()
            && query.codes.is_empty()
            && search.is_none()
            && query.cost_at_least.is_none()
            && query.risk_at_least.is_none()
            && query.verdicts.is_empty()
            && !query.unreviewed;
        let mut filter = Self {
            conditions: Vec::new(),
            through: None,
            value_conditions: Vec::new(),
            parameters: Vec::new(),
            batch,
            search: None,
            quick: Way::Walk,
            in_order: Way::Walk,
            states_only,
            all: states_only && query.states.is_empty(),
        };
        filter.names_of_ours(query);
        if let Some(cost) = query.cost_at_least {
            let number = filter.parameter(Sql::Integer(cost.nanos()));
            filter.conditions.push(format!("documents.cost >= ?{number}"));
            filter.quick = Way::Index("documents_by_cost");
        }
        if let Some(risk) = query.risk_at_least {
            let number = filter.parameter(Sql::Integer(i64::from(risk)));
            filter.conditions.push(format!("documents.risk >= ?{number}"));
            filter.quick = Way::Index("documents_by_risk");
        }
        if query.unreviewed {
            filter
                .conditions
                .push("documents.verdict NOT IN ('approved', 'rejected')".to_owned());
        }
        if !query.verdicts.is_empty() {
            filter.conditions.push("documents.verdict <> ''".to_owned());
            filter.one_of("verdict", query.verdicts.iter().map(|it| it.as_str()).collect());
            filter.quick = Way::Index("documents_by_verdict");
            if query.verdicts.len() == 1 {
                filter.in_order = filter.quick;
            }
        }
        if let Some(text) = search {
            filter.contains(&text);
        }
        filter
    }

    /// States, kinds, classes and codes are our words, not a person's: no quoting needed.
    fn names_of_ours(&mut self, query: &DocumentQuery) {
        self.one_of("state", query.states.iter().map(|it| it.as_str()).collect());
        self.one_of("kind", query.kinds.iter().map(|it| it.as_str()).collect());
        self.one_of("class", query.classes.iter().map(|it| it.as_str()).collect());
        if !self.all {
            // Holds kinds and classes too.
            self.quick = Way::Index("documents_by_state");
        }
        if query.states.len() == 1 {
            self.in_order = Way::Index("documents_by_state");
        }
        if !query.codes.is_empty() {
            self.conditions
                .push("documents.error_code IS NOT NULL".to_owned());
            self.one_of("error_code", query.codes.iter().map(|it| it.as_str()).collect());
            self.quick = Way::Index("documents_by_error");
            if query.states.len() == 1 && query.codes.len() == 1 {
                self.in_order = self.quick;
            }
        }
    }

    fn parameter(&mut self, value: Sql) -> usize {
        self.parameters.push(value);
        self.parameters.len()
    }

    fn one_of(&mut self, column: &str, names: Vec<&str>) {
        if !names.is_empty() {
            self.conditions
                .push(format!("documents.{column} IN ('{}')", names.join("', '")));
        }
    }

    /// Three characters or more are found by the trigram index; fewer only at the beginning of
    /// a name, where the index of names finds them.
    fn contains(&mut self, text: &str) {
        if text.chars().count() >= 3 {
            let phrase = format!("\"{}\"", text.replace('"', "\"\""));
            self.search = Some(self.parameter(Sql::Text(phrase)));
            self.quick = Way::Names;
            self.in_order = Way::Names;
        } else {
            let pattern = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            // LIKE takes "a" for "A", but not "ä" for "Ä".
            let (lower, upper) = (pattern.to_lowercase(), pattern.to_uppercase());
            let first: String = lower.chars().take(1).flat_map(char::to_uppercase).collect();
            let title: String = first.chars().chain(lower.chars().skip(1)).collect();
            let mut forms = vec![lower, upper, title];
            forms.dedup();
            let likes: Vec<String> = forms
                .into_iter()
                .map(|form| {
                    let number = self.parameter(Sql::Text(format!("{form}%")));
                    format!("documents.name LIKE ?{number} ESCAPE '\\'")
                })
                .collect();
            self.conditions.push(format!("({})", likes.join(" OR ")));
            self.quick = Way::Index("documents_by_name");
        }
    }

    /// The way for a list in this order of which so many match.
    pub(super) fn way(&self, sort: SortBy, matching: Matching) -> Way {
        let few = matches!(matching, Matching::Exactly(count) if count <= COUNTED);
        match sort {
            SortBy::Value => Way::Values,
            _ if few && !self.all => self.quick,
            SortBy::Ordinal => self.in_order,
            SortBy::Name => Way::Index("documents_by_name"),
            SortBy::Cost => Way::Index("documents_by_cost"),
            SortBy::Pages => Way::Index("documents_by_pages"),
            SortBy::Updated => Way::Index("documents_by_updated"),
            SortBy::Risk => Way::Index("documents_by_risk"),
        }
    }

    /// `… WHERE …` after FROM.
    pub(super) fn from(&self, way: Way) -> String {
        let first = document_row(self.batch, Ordinal(0));
        let last = document_row(self.batch + 1, Ordinal(0)) - 1;
        let (from, scope) = match way {
            Way::Walk => (
                "documents NOT INDEXED".to_owned(),
                format!("documents.id BETWEEN {first} AND {last}"),
            ),
            Way::Index(index) => (
                format!("documents INDEXED BY {index}"),
                format!("documents.batch = {}", self.batch),
            ),
            Way::Names => (
                "document_names CROSS JOIN documents ON documents.id = document_names.rowid".to_owned(),
                format!("document_names.rowid BETWEEN {first} AND {last}"),
            ),
            Way::Values => (
                "field_values CROSS JOIN documents ON documents.id = field_values.document".to_owned(),
                self.through_values(),
            ),
        };
        let mut sql = format!("{from} WHERE {scope}");
        // Whoever goes through the values has met them already.
        let looked_up = self.value_conditions.iter().filter(|_| way != Way::Values);
        for condition in self.conditions.iter().chain(looked_up) {
            sql.push_str(" AND ");
            sql.push_str(condition);
        }
        if let Some(number) = self.search {
            sql.push_str(&match way {
                Way::Names => format!(" AND document_names MATCH ?{number}"),
                _ => format!(
                    " AND documents.id IN (SELECT rowid FROM document_names
                        WHERE document_names MATCH ?{number} AND rowid BETWEEN {first} AND {last})"
                ),
            });
        }
        sql
    }

    fn through_values(&self) -> String {
        let Some(through) = &self.through else {
            return "FALSE".to_owned();
        };
        let mut scope = format!("field_values.field = {}", through.field);
        for range in &through.ranges {
            scope.push_str(" AND ");
            scope.push_str(range);
        }
        scope
    }

    /// How many documents match: from the counters, or counted up to a limit.
    pub(super) fn matching(
        &self,
        connection: &Connection,
        query: &DocumentQuery,
        counters: &Counters,
    ) -> rusqlite::Result<Matching> {
        let by_value = query.sort == SortBy::Value;
        if self.all {
            let rows = self
                .through
                .as_ref()
                .filter(|_| by_value)
                .map(|through| through.rows);
            return Ok(Matching::Exactly(rows.unwrap_or(counters.total())));
        }
        if self.states_only && !by_value {
            let mut states = query.states.clone();
            states.sort_unstable();
            states.dedup();
            let count = states.into_iter().map(|state: DocumentState| counters.of(state));
            return Ok(Matching::Exactly(count.sum()));
        }
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 FROM {} LIMIT {})",
            self.from(if by_value { Way::Values } else { self.quick }),
            COUNTED + 1
        );
        let count: i64 = connection
            .prepare_cached(&sql)?
            .query_row(params_from_iter(&self.parameters), |row| row.get(0))?;
        let count = u64::try_from(count).unwrap_or(0);
        Ok(if count > COUNTED {
            Matching::AtLeast(COUNTED)
        } else {
            Matching::Exactly(count)
        })
    }
}
