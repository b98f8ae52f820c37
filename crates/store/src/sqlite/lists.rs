//! Lists of documents. No page costs more because the batch is larger: rows are
//! found by keyset, the number of documents comes from the counters, and counting
//! what an arbitrary filter matches stops at ten thousand.
//!
//! A page by number is a range of the table when the list is the whole batch in
//! order of discovery. In a filtered or sorted list the rows before it are skipped
//! along the index, from the nearer end: that grows with the page's number, while
//! going on from a cursor never does.

use docmill_core::id::{BatchId, Ordinal};
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use crate::cursor::{Cursor, Value};
use crate::records::{DocumentPage, DocumentQuery, DocumentRow, Matching, Position, SortBy};
use crate::sqlite::codec::document_row;
use crate::sqlite::filter::{Filter, Way};
use crate::sqlite::hot::read_hot;
use crate::sqlite::rows::read;
use crate::sqlite::values;

/// Rows of a page at most.
const LIMIT: u32 = 1000;

/// A page of documents; the outer error is the database's, the inner a cursor that is none.
pub(super) fn page(
    connection: &Connection,
    id: BatchId,
    query: &DocumentQuery,
) -> rusqlite::Result<Result<DocumentPage, String>> {
    // One snapshot: the counters belong to the rows.
    let connection = &connection.unchecked_transaction()?;
    let (key, counters) = connection
        .prepare_cached("SELECT * FROM batches WHERE id = ?1")?
        .query_row([id.0.as_bytes()], |row| {
            read_hot(row).map(|hot| (hot.key, hot.counters))
        })?;
    let place = match &query.position {
        Position::AfterDocument(ordinal) | Position::BeforeDocument(ordinal) => {
            let row = connection
                .prepare_cached("SELECT * FROM documents WHERE id = ?1")?
                .query_row([document_row(key, *ordinal)], read)
                .optional()?;
            match row {
                Some(row) => Place {
                    cursor: Some(match of_value(connection, key, query, &row)? {
                        Ok(value) => cursor_of(&row, value.as_ref(), query.sort, 0),
                        Err(reason) => return Ok(Err(reason)),
                    }),
                    offset: 0,
                    backwards: matches!(query.position, Position::BeforeDocument(_)),
                },
                None => return Ok(Err(format!("the batch has no document {ordinal}"))),
            }
        }
        _ => match Place::of(query) {
            Ok(place) => place,
            Err(reason) => return Ok(Err(reason)),
        },
    };
    let filter = match Filter::of(connection, key, query)? {
        Ok(filter) => filter,
        Err(reason) => return Ok(Err(reason)),
    };
    let matching = filter.matching(connection, query, &counters)?;
    let limit = query.limit.clamp(1, LIMIT);
    let mut rows = select(connection, key, &filter, query, &place, limit + 1, matching)?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    if place.backwards {
        rows.reverse();
    }
    Ok(Ok(finish(rows, &place, more, query, matching)))
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
            // Documents are looked up before.
            Position::First | Position::AfterDocument(_) | Position::BeforeDocument(_) => Self {
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
                    .saturating_mul(u64::from(query.limit.clamp(1, LIMIT)))
                    // The database's numbers end here.
                    .min(u64::MAX >> 2);
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
        SortBy::Value => "value",
    }
}

/// Which of the rows that follow are wanted.
struct Slice {
    limit: u64,
    offset: u64,
    /// Counted from the list's end.
    from_the_end: bool,
    /// Ordinals between which they lie, when that is known.
    rows: Option<(u64, u64)>,
}

impl Slice {
    fn of(filter: &Filter, query: &DocumentQuery, place: &Place, limit: u32, matching: Matching) -> Self {
        let (limit, offset) = (u64::from(limit), place.offset);
        let forward = Self {
            limit,
            offset,
            from_the_end: false,
            rows: None,
        };
        let Matching::Exactly(total) = matching else {
            return forward;
        };
        if place.cursor.is_some() || offset == 0 {
            return forward;
        }
        let wanted = limit.min(total.saturating_sub(offset));
        if filter.all && query.sort == SortBy::Ordinal {
            // Numbers have no gaps: the page is a range of them.
            let rows = if query.descending {
                (
                    total.saturating_sub(offset.saturating_add(wanted)),
                    total.saturating_sub(offset) + 1,
                )
            } else {
                (offset, offset.saturating_add(wanted).saturating_add(1))
            };
            return Self {
                limit: wanted,
                offset: 0,
                from_the_end: false,
                rows: Some(rows),
            };
        }
        if offset <= total / 2 {
            return forward;
        }
        Self {
            limit: wanted,
            offset: total.saturating_sub(offset.saturating_add(wanted)),
            from_the_end: true,
            rows: None,
        }
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
) -> rusqlite::Result<Vec<Found>> {
    let way = filter.way(query.sort, matching);
    // The column a search finds in order; the table's own would be sorted first.
    let id = match way {
        Way::Names => "document_names.rowid",
        Way::Walk | Way::Index(_) | Way::Values => "documents.id",
    };
    let column = column(query.sort);
    let by_value = query.sort == SortBy::Value;
    let id = if by_value { "field_values.document" } else { id };
    let column = if by_value {
        "field_values.value".to_owned()
    } else {
        format!("documents.{column}")
    };
    let mut from = filter.from(way);
    let mut parameters = filter.parameters.clone();
    let descending = query.descending != place.backwards;
    if let Some(cursor) = &place.cursor {
        let beyond = if descending { "<" } else { ">" };
        parameters.push(Sql::Integer(document_row(key, cursor.ordinal)));
        let row = parameters.len();
        if query.sort == SortBy::Ordinal {
            from.push_str(&format!(" AND {id} {beyond} ?{row}"));
        } else {
            parameters.push(match &cursor.value {
                Value::Number(number) => Sql::Integer(*number),
                Value::Text(text) => Sql::Text(text.clone()),
                Value::Real(bits) => Sql::Real(f64::from_bits(*bits)),
                Value::Empty => Sql::Blob(Vec::new()),
            });
            let value = parameters.len();
            from.push_str(&format!(" AND ({column}, {id}) {beyond} (?{value}, ?{row})"));
        }
    }
    let slice = Slice::of(filter, query, place, limit, matching);
    if let Some((after, before)) = slice.rows {
        // The range says the batch too; beside it, the planner would walk an index of the whole batch.
        parameters.clear();
        from = format!(
            "documents NOT INDEXED WHERE documents.id > {} AND documents.id < {}",
            document_row(key, Ordinal(after)),
            document_row(key, Ordinal(before))
        );
    }
    let direction = if descending == slice.from_the_end {
        "ASC"
    } else {
        "DESC"
    };
    let order = match query.sort {
        SortBy::Ordinal => format!("{id} {direction}"),
        _ => format!("{column} {direction}, {id} {direction}"),
    };
    if by_value {
        let sql = format!(
            "SELECT {id}, {column} FROM {from} ORDER BY {order} LIMIT {} OFFSET {}",
            slice.limit, slice.offset
        );
        let mut found = rows_by_value(connection, &sql, &parameters)?;
        if slice.from_the_end {
            found.reverse();
        }
        return Ok(found);
    }
    // The numbers first, from the index alone; the rows of one page after.
    let sql = format!(
        "SELECT * FROM documents WHERE id IN (SELECT {id} FROM {from} ORDER BY {order} LIMIT {} OFFSET {})",
        slice.limit, slice.offset
    );
    let mut rows: Vec<DocumentRow> = connection
        .prepare_cached(&sql)?
        .query_map(params_from_iter(&parameters), read)?
        .collect::<Result<_, _>>()?;
    sort(&mut rows, query.sort, descending);
    Ok(rows.into_iter().map(|row| Found { row, value: None }).collect())
}

/// A row of a list, with the value it is sorted by where that does not stand in it.
struct Found {
    row: DocumentRow,
    value: Option<Value>,
}

/// Documents in the order of the values that a statement finds.
fn rows_by_value(connection: &Connection, sql: &str, parameters: &[Sql]) -> rusqlite::Result<Vec<Found>> {
    let places: Vec<(i64, Value)> = connection
        .prepare_cached(sql)?
        .query_map(params_from_iter(parameters), |row| {
            Ok((row.get(0)?, value_of(row.get(1)?)))
        })?
        .collect::<Result<_, _>>()?;
    let mut select = connection.prepare_cached("SELECT * FROM documents WHERE id = ?1")?;
    let row = |(id, value)| {
        Ok(Found {
            row: select.query_row([id], read)?,
            value: Some(value),
        })
    };
    places.into_iter().map(row).collect()
}

fn value_of(sql: Sql) -> Value {
    match sql {
        Sql::Integer(whole) => Value::Number(whole),
        Sql::Real(number) => Value::Real(number.to_bits()),
        Sql::Text(text) => Value::Text(text),
        Sql::Null | Sql::Blob(_) => Value::Empty,
    }
}

/// The value of the field a list is sorted by, of one document; the inner error says that it has none.
fn of_value(
    connection: &Connection,
    key: i64,
    query: &DocumentQuery,
    row: &DocumentRow,
) -> rusqlite::Result<Result<Option<Value>, String>> {
    let Some(pointer) = query
        .sort_field
        .as_deref()
        .filter(|_| query.sort == SortBy::Value)
    else {
        return Ok(Ok(None));
    };
    let Some(kept) = values::kept(connection, key, pointer)? else {
        return Ok(Err(format!("the values of {pointer} are not prepared for lists")));
    };
    let value = connection
        .prepare_cached("SELECT value FROM field_values WHERE document = ?1 AND field = ?2")?
        .query_row([document_row(key, row.ordinal), kept.field], |row| row.get(0))
        .optional()?;
    Ok(match value {
        Some(value) => Ok(Some(value_of(value))),
        None => Err(format!("document {} has no result", row.ordinal)),
    })
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
            // Read in their order.
            SortBy::Value => std::cmp::Ordering::Equal,
        };
        order.then(a.ordinal.cmp(&b.ordinal))
    });
    if descending {
        rows.reverse();
    }
}

/// The place of a row in a list of this order.
fn cursor_of(row: &DocumentRow, value: Option<&Value>, sort: SortBy, position: u64) -> Cursor {
    let value = match sort {
        SortBy::Ordinal => Value::Number(0),
        SortBy::Name => Value::Text(row.name.clone()),
        SortBy::Cost => Value::Number(row.cost.nanos()),
        SortBy::Pages => Value::Number(row.pages.map_or(-1, i64::from)),
        SortBy::Updated => Value::Number(row.updated_at.0),
        SortBy::Risk => Value::Number(row.risk.map_or(-1, i64::from)),
        SortBy::Value => value.cloned().unwrap_or(Value::Empty),
    };
    Cursor {
        sort,
        position,
        ordinal: row.ordinal,
        value,
    }
}

fn finish(
    rows: Vec<Found>,
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
    let cursor = |found: &Found, position: u64| {
        cursor_of(&found.row, found.value.as_ref(), query.sort, position).encode()
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
        rows: rows.into_iter().map(|found| found.row).collect(),
        first,
        matching,
        next,
        previous,
    }
}
