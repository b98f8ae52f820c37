//! Lists of documents. No page costs more because the batch is larger: rows are
//! found by keyset, the number of documents comes from the counters, and counting
//! what an arbitrary filter matches stops at [`COUNTED`].
//!
//! Which index is used is said, not guessed: the planner has no statistics of a
//! batch that was just added. Few matches are collected and sorted; many are met
//! soon enough when walking the list in its order.

use docmill_core::document::DocumentState;
use docmill_core::id::{BatchId, Ordinal};
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use crate::cursor::{Cursor, Value};
use crate::records::{
    Counters, DocumentDetail, DocumentPage, DocumentQuery, DocumentRow, FailureGroup, Matching, Position,
    ResultRow, SortBy,
};
use crate::sqlite::codec::{Columns, document_row, ordinal_of};
use crate::sqlite::hot::read_hot;
use docmill_core::attempt::Attempt;

/// Counting what a filter matches stops here.
const COUNTED: u64 = 10_000;

/// Rows of a page at most.
const LIMIT: u32 = 1000;

/// A page of documents; the outer error is the database's, the inner a cursor that is none.
pub(super) fn page(
    connection: &Connection,
    id: BatchId,
    query: &DocumentQuery,
) -> rusqlite::Result<Result<DocumentPage, String>> {
    let (key, counters) = connection
        .prepare_cached("SELECT * FROM batches WHERE id = ?1")?
        .query_row([id.0.as_bytes()], |row| {
            read_hot(row).map(|hot| (hot.key, hot.counters))
        })?;
    let filter = Filter::of(key, query);
    let matching = matching(connection, &filter, query, &counters)?;
    let place = match Place::of(query) {
        Ok(place) => place,
        Err(reason) => return Ok(Err(reason)),
    };
    let limit = query.limit.clamp(1, LIMIT);
    let mut rows = select(connection, key, &filter, query, &place, limit + 1, matching)?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    if place.backwards {
        rows.reverse();
    }
    Ok(Ok(finish(rows, &place, more, query, matching)))
}

/// Conditions and their parameters.
struct Filter {
    conditions: Vec<String>,
    parameters: Vec<Sql>,
    /// Where few matches are found quickly.
    from: &'static str,
    /// Only states are asked for, or nothing: the counters know how many.
    states_only: bool,
    /// All documents of the batch.
    all: bool,
}

impl Filter {
    fn of(key: i64, query: &DocumentQuery) -> Self {
        let first = document_row(key, Ordinal(0));
        let last = document_row(key + 1, Ordinal(0)) - 1;
        let mut filter = Self {
            conditions: vec![format!("documents.batch = {key}")],
            parameters: Vec::new(),
            from: "documents NOT INDEXED",
            states_only: true,
            all: true,
        };
        // Names of states, kinds, classes and codes are ours, not a person's.
        filter.one_of("state", query.states.iter().map(|it| it.as_str()).collect());
        if !query.states.is_empty() {
            filter.from = "documents INDEXED BY documents_by_state";
        }
        filter.one_of("kind", query.kinds.iter().map(|it| it.as_str()).collect());
        filter.one_of("class", query.classes.iter().map(|it| it.as_str()).collect());
        if !query.codes.is_empty() {
            filter
                .conditions
                .push("documents.error_code IS NOT NULL".to_owned());
            filter.from = "documents INDEXED BY documents_by_error";
        }
        filter.one_of("error_code", query.codes.iter().map(|it| it.as_str()).collect());
        filter.states_only = query.kinds.is_empty()
            && query.classes.is_empty()
            && query.codes.is_empty()
            && query.search.is_none()
            && query.cost_at_least.is_none();
        if let Some(cost) = query.cost_at_least {
            filter.parameters.push(Sql::Integer(cost.nanos()));
            filter
                .conditions
                .push(format!("documents.cost >= ?{}", filter.parameters.len()));
            filter.from = "documents INDEXED BY documents_by_cost";
        }
        if let Some(search) = query.search.as_deref().filter(|text| !text.is_empty()) {
            filter.search(search, first, last);
        }
        filter.all = filter.states_only && query.states.is_empty();
        if filter.from == "documents NOT INDEXED" {
            filter
                .conditions
                .push(format!("documents.id BETWEEN {first} AND {last}"));
        }
        filter
    }

    fn one_of(&mut self, column: &str, names: Vec<&str>) {
        if !names.is_empty() {
            self.conditions
                .push(format!("documents.{column} IN ('{}')", names.join("', '")));
        }
    }

    /// Three characters or more are found by the trigram index; fewer only at the beginning of
    /// a name, where the index of names finds them.
    fn search(&mut self, text: &str, first: i64, last: i64) {
        if text.chars().count() >= 3 {
            self.parameters
                .push(Sql::Text(format!("\"{}\"", text.replace('"', "\"\""))));
            self.conditions.push(format!(
                "documents.id IN (SELECT rowid FROM document_names WHERE document_names MATCH ?{}
                 AND rowid BETWEEN {first} AND {last})",
                self.parameters.len()
            ));
            self.from = "documents NOT INDEXED";
        } else {
            let pattern = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            self.parameters.push(Sql::Text(format!("{pattern}%")));
            self.conditions.push(format!(
                "documents.name LIKE ?{} ESCAPE '\\'",
                self.parameters.len()
            ));
            self.from = "documents INDEXED BY documents_by_name";
        }
    }

    fn where_clause(&self) -> String {
        self.conditions.join(" AND ")
    }
}

/// How many documents match: from the counters, or counted up to a limit.
fn matching(
    connection: &Connection,
    filter: &Filter,
    query: &DocumentQuery,
    counters: &Counters,
) -> rusqlite::Result<Matching> {
    if filter.all {
        return Ok(Matching::Exactly(counters.total()));
    }
    if filter.states_only {
        let mut states = query.states.clone();
        states.sort_unstable();
        states.dedup();
        return Ok(Matching::Exactly(
            states
                .into_iter()
                .map(|state: DocumentState| counters.of(state))
                .sum(),
        ));
    }
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM {} WHERE {} LIMIT {})",
        filter.from,
        filter.where_clause(),
        COUNTED + 1
    );
    let count: i64 = connection
        .prepare_cached(&sql)?
        .query_row(params_from_iter(&filter.parameters), |row| row.get(0))?;
    let count = u64::try_from(count).unwrap_or(0);
    Ok(if count > COUNTED {
        Matching::AtLeast(COUNTED)
    } else {
        Matching::Exactly(count)
    })
}

/// Where the page begins.
struct Place {
    cursor: Option<Cursor>,
    offset: u64,
    /// Towards the beginning.
    backwards: bool,
}

impl Place {
    fn of(query: &DocumentQuery) -> Result<Self, String> {
        let at = |text: &String| {
            Cursor::decode(text, query.sort).ok_or_else(|| {
                format!("{text:?} is no cursor of a list in this order; ask for the first page again")
            })
        };
        Ok(match &query.position {
            Position::First => Self {
                cursor: None,
                offset: 0,
                backwards: false,
            },
            Position::After(text) => Self {
                cursor: Some(at(text)?),
                offset: 0,
                backwards: false,
            },
            Position::Before(text) => Self {
                cursor: Some(at(text)?),
                offset: 0,
                backwards: true,
            },
            Position::Number(number) => {
                let offset = number
                    .saturating_sub(1)
                    .saturating_mul(u64::from(query.limit.clamp(1, LIMIT)));
                Self {
                    cursor: None,
                    offset,
                    backwards: false,
                }
            }
        })
    }
}

fn column(sort: SortBy) -> &'static str {
    match sort {
        SortBy::Ordinal => "id",
        SortBy::Name => "name",
        SortBy::Cost => "cost",
        SortBy::Pages => "pages",
        SortBy::Updated => "updated_at",
        SortBy::Risk => "risk",
    }
}

fn sorted_by(sort: SortBy, filter: &Filter) -> &'static str {
    match sort {
        SortBy::Ordinal if filter.from == "documents INDEXED BY documents_by_cost" => "documents NOT INDEXED",
        SortBy::Ordinal => filter.from,
        SortBy::Name => "documents INDEXED BY documents_by_name",
        SortBy::Cost => "documents INDEXED BY documents_by_cost",
        SortBy::Pages => "documents INDEXED BY documents_by_pages",
        SortBy::Updated => "documents INDEXED BY documents_by_updated",
        SortBy::Risk => "documents INDEXED BY documents_by_risk",
    }
}

fn select(
    connection: &Connection,
    key: i64,
    filter: &Filter,
    query: &DocumentQuery,
    place: &Place,
    limit: u32,
    matching: Matching,
) -> rusqlite::Result<Vec<DocumentRow>> {
    let column = column(query.sort);
    let mut conditions = filter.where_clause();
    let mut parameters = filter.parameters.clone();
    let descending = query.descending != place.backwards;
    if let Some(cursor) = &place.cursor {
        let beyond = if descending { "<" } else { ">" };
        parameters.push(Sql::Integer(document_row(key, cursor.ordinal)));
        let id = parameters.len();
        if query.sort == SortBy::Ordinal {
            conditions.push_str(&format!(" AND documents.id {beyond} ?{id}"));
        } else {
            parameters.push(match &cursor.value {
                Value::Number(number) => Sql::Integer(*number),
                Value::Text(text) => Sql::Text(text.clone()),
            });
            let value = parameters.len();
            conditions.push_str(&format!(
                " AND (documents.{column}, documents.id) {beyond} (?{value}, ?{id})"
            ));
        }
    }
    let mut offset = place.offset;
    if offset > 0 && filter.all && query.sort == SortBy::Ordinal && !query.descending {
        // Numbers have no gaps: the page begins at a known row.
        conditions.push_str(&format!(
            " AND documents.id > {}",
            document_row(key, Ordinal(offset))
        ));
        offset = 0;
    }
    // Few matches: collect and sort them. Many: walk the list in its order.
    let few = matches!(matching, Matching::Exactly(count) if count <= COUNTED) && !filter.all;
    let from = if few {
        filter.from
    } else {
        sorted_by(query.sort, filter)
    };
    let way = if descending { "DESC" } else { "ASC" };
    let order = match query.sort {
        SortBy::Ordinal => format!("documents.id {way}"),
        _ => format!("documents.{column} {way}, documents.id {way}"),
    };
    // The numbers first, from the index alone; the rows of one page after.
    let sql = format!(
        "SELECT * FROM documents WHERE id IN (
            SELECT documents.id FROM {from} WHERE {conditions} ORDER BY {order} LIMIT {limit} OFFSET {offset})"
    );
    let mut rows: Vec<DocumentRow> = connection
        .prepare_cached(&sql)?
        .query_map(params_from_iter(&parameters), read)?
        .collect::<Result<_, _>>()?;
    sort(&mut rows, query.sort, descending);
    Ok(rows)
}

/// The rows of one page in the list's order.
fn sort(rows: &mut [DocumentRow], by: SortBy, descending: bool) {
    rows.sort_by(|a, b| {
        let order = match by {
            SortBy::Ordinal => std::cmp::Ordering::Equal,
            // As the database compares text: by bytes.
            SortBy::Name => a.name.as_bytes().cmp(b.name.as_bytes()),
            SortBy::Cost => a.cost.cmp(&b.cost),
            SortBy::Pages => a.pages.cmp(&b.pages),
            SortBy::Updated => a.updated_at.cmp(&b.updated_at),
            SortBy::Risk => a.risk.cmp(&b.risk),
        };
        order.then(a.ordinal.cmp(&b.ordinal))
    });
    if descending {
        rows.reverse();
    }
}

fn finish(
    rows: Vec<DocumentRow>,
    place: &Place,
    more: bool,
    query: &DocumentQuery,
    matching: Matching,
) -> DocumentPage {
    let count = rows.len() as u64;
    let first = match (&place.cursor, place.backwards) {
        (None, _) => Some(place.offset + 1),
        (Some(cursor), false) => (cursor.position > 0).then(|| cursor.position + 1),
        (Some(cursor), true) => (cursor.position > count).then(|| cursor.position - count),
    }
    .filter(|_| count > 0);
    let cursor = |row: &DocumentRow, position: u64| {
        let value = match query.sort {
            SortBy::Ordinal => Value::Number(0),
            SortBy::Name => Value::Text(row.name.clone()),
            SortBy::Cost => Value::Number(row.cost.nanos()),
            SortBy::Pages => Value::Number(row.pages.map_or(-1, i64::from)),
            SortBy::Updated => Value::Number(row.updated_at.0),
            SortBy::Risk => Value::Number(row.risk.map_or(-1, i64::from)),
        };
        Cursor {
            sort: query.sort,
            position,
            ordinal: row.ordinal,
            value,
        }
        .encode()
    };
    let (before, after) = match place.backwards {
        // Coming from a later page, there is one after this.
        true => (more, true),
        false => (place.cursor.is_some() || place.offset > 0, more),
    };
    let next = rows
        .last()
        .filter(|_| after)
        .map(|row| cursor(row, first.map_or(0, |at| at + count - 1)));
    let previous = rows
        .first()
        .filter(|_| before)
        .map(|row| cursor(row, first.unwrap_or(0)));
    DocumentPage {
        rows,
        first,
        matching,
        next,
        previous,
    }
}

/// A row of `documents`.
fn read(row: &Row<'_>) -> rusqlite::Result<DocumentRow> {
    let pages: i64 = row.get("pages")?;
    let risk: i64 = row.get("risk")?;
    Ok(DocumentRow {
        ordinal: ordinal_of(row.get("id")?),
        key: row.get("key")?,
        name: row.get("name")?,
        bytes: row.number("bytes")?,
        kind: row.name_of("kind")?,
        class: row.name_of("class")?,
        pages: u32::try_from(pages).ok(),
        content_hash: row.hash("content_hash")?,
        state: row.name_of("state")?,
        failure: row.failure()?,
        duplicate_of: row
            .get::<_, Option<i64>>("duplicate_of")?
            .map(|ordinal| Ordinal(u64::try_from(ordinal).unwrap_or(0))),
        attempts: row.small("attempts")?,
        cost: row.usd("cost")?,
        usage: row.usage()?,
        risk: u16::try_from(risk).ok(),
        next_attempt_at: row.time("next_attempt_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// Everything about one document.
pub(super) fn detail(
    connection: &Connection,
    batch: BatchId,
    ordinal: Ordinal,
) -> rusqlite::Result<Option<DocumentDetail>> {
    let key: Option<i64> = connection
        .prepare_cached("SELECT key FROM batches WHERE id = ?1")?
        .query_row([batch.0.as_bytes()], |row| row.get(0))
        .optional()?;
    let Some(key) = key else { return Ok(None) };
    let id = document_row(key, ordinal);
    let row = connection
        .prepare_cached("SELECT * FROM documents WHERE id = ?1")?
        .query_row([id], read)
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    let extraction = connection
        .prepare_cached("SELECT body FROM extractions WHERE document = ?1")?
        .query_row([id], |row| row.json("body"))
        .optional()?;
    let attempts = connection
        .prepare_cached(
            "SELECT attempts.*, answers.raw FROM attempts LEFT JOIN answers ON answers.attempt = attempts.id
             WHERE attempts.document = ?1 ORDER BY attempts.number",
        )?
        .query_map([id], read_attempt)?
        .collect::<Result<_, _>>()?;
    Ok(Some(DocumentDetail {
        row,
        extraction,
        attempts,
    }))
}

fn read_attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    Ok(Attempt {
        number: row.small("number")?,
        model: row.get("model")?,
        part: row.small("part")?,
        outcome: row.name_of("outcome")?,
        reserved: row.usd("reserved")?,
        cost: row.usd("cost")?,
        usage: row.usage()?,
        started_at: row.time("started_at")?,
        latency_ms: row.small("latency_ms")?,
        request_id: row.get("request_id")?,
        failure: row.failure()?,
        raw_answer: row.get("raw")?,
    })
}

/// Documents with their results, in order.
pub(super) fn results_after(
    connection: &Connection,
    batch: BatchId,
    after: Ordinal,
    limit: u32,
) -> rusqlite::Result<Vec<ResultRow>> {
    let key: i64 = connection
        .prepare_cached("SELECT key FROM batches WHERE id = ?1")?
        .query_row([batch.0.as_bytes()], |row| row.get(0))?;
    connection
        .prepare_cached(
            "SELECT documents.*, extractions.body FROM documents
             LEFT JOIN extractions ON extractions.document = documents.id
             WHERE documents.id > ?1 AND documents.id < ?2 ORDER BY documents.id LIMIT ?3",
        )?
        .query_map(
            [
                document_row(key, after),
                document_row(key + 1, Ordinal(0)),
                i64::from(limit),
            ],
            |row| {
                let body: Option<String> = row.get("body")?;
                let extraction = match body {
                    Some(_) => Some(row.json("body")?),
                    None => None,
                };
                Ok(ResultRow {
                    row: read(row)?,
                    extraction,
                })
            },
        )?
        .collect()
}

/// Failed documents grouped by code, most first.
pub(super) fn failures(connection: &Connection, batch: BatchId) -> rusqlite::Result<Vec<FailureGroup>> {
    connection
        .prepare_cached(
            "WITH groups AS (
                SELECT error_code, count(*) AS documents, max(id) AS newest
                FROM documents INDEXED BY documents_by_state
                WHERE batch = (SELECT key FROM batches WHERE id = ?1) AND state = 'failed'
                GROUP BY error_code)
             SELECT groups.error_code, groups.documents, documents.error, documents.id
             FROM groups JOIN documents ON documents.id = groups.newest
             ORDER BY groups.documents DESC, groups.error_code",
        )?
        .query_map([batch.0.as_bytes()], |row| {
            Ok(FailureGroup {
                code: row.name_of("error_code")?,
                documents: row.number("documents")?,
                example: row.get::<_, Option<String>>("error")?.unwrap_or_default(),
                example_document: ordinal_of(row.get("id")?),
            })
        })?
        .collect()
}
