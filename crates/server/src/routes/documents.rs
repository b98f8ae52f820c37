//! Documents: lists, everything about one, its pages.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use docmill_core::id::{BatchId, DocumentId, Ordinal};
use docmill_core::template::{Field, fields};
use docmill_core::values::find_field;
use docmill_store::{BatchRow, DocumentDetail, DocumentQuery, Position, SortBy};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::params::{DocumentFilter, Path, Query, field_problem};
use crate::problem::Problem;
use crate::views::{DocumentDetailView, DocumentList, PromptView, ReadingView};

/// Which page of which list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ListQuery {
    /// `document` (order of discovery, the default), `name`, `cost`, `pages`, `updated`, `risk`, or
    /// `field:` with a field of the results, which lists those with a result: `field:seller.name`.
    pub sort: Option<String>,
    /// `asc` (the default) or `desc`.
    pub order: Option<String>,
    /// Documents a page, 1 to 1000 (100).
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// Page, from 1.
    #[param(minimum = 1)]
    pub page: Option<u64>,
    /// The page after this cursor; stronger than `page`.
    pub after: Option<String>,
    /// The page before this cursor.
    pub before: Option<String>,
    /// Fields whose values come with the documents, separated by commas (`total,seller.name`); `*`: all.
    pub fields: Option<String>,
}

/// A page of documents.
#[utoipa::path(get, path = "/batches/{batch}/documents", tag = "documents",
    params(("batch" = String, Path, description = "Id, short id, name, or `last`"), DocumentFilter, ListQuery),
    responses((status = 200, body = DocumentList), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn list(
    State(app): State<App>,
    Path(batch): Path<String>,
    Query(filter): Query<DocumentFilter>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<DocumentList>, Problem> {
    let id = app.batch_id(&batch).await?;
    let known = known_fields(&app, id, &filter, &query).await?;
    let wanted = page_query(&filter, &query, &known)?;
    if let Some(prepared) = app.engine.prepare_values(id, &wanted, PREPARING).await? {
        return Ok(axum::Json(DocumentList::preparing(&prepared)));
    }
    let page = app.store().documents(id, wanted).await?;
    let mut list = DocumentList::from(&page);
    let shown = shown_fields(query.fields.as_deref(), &known)?;
    if !shown.is_empty() {
        let ordinals = page.rows.iter().map(|row| row.ordinal).collect();
        let results = app.store().results_of(id, ordinals).await?;
        list.add_values(&results, &shown);
    }
    Ok(axum::Json(list))
}

/// How long a list waits for values to be made ready, before it says how far they are.
const PREPARING: Duration = Duration::from_millis(700);

/// The fields of a batch's results, when a list is about them.
async fn known_fields(
    app: &App,
    batch: BatchId,
    filter: &DocumentFilter,
    query: &ListQuery,
) -> Result<Vec<Field>, Problem> {
    let by_field = query.sort.as_deref().is_some_and(|sort| sort.starts_with(FIELD));
    if filter.r#where.is_none() && query.fields.is_none() && !by_field {
        return Ok(Vec::new());
    }
    let row = app.store().batch(batch).await?;
    Ok(fields(&row.template.schema))
}

/// The fields whose values are shown.
fn shown_fields<'f>(wanted: Option<&str>, known: &'f [Field]) -> Result<Vec<&'f Field>, Problem> {
    let wanted = wanted.unwrap_or_default().trim();
    if wanted == "*" {
        return Ok(known.iter().collect());
    }
    let names = wanted.split(',').map(str::trim).filter(|name| !name.is_empty());
    let found = names.map(|name| find_field(known, name).map_err(|error| field_problem(&error, known)));
    found.collect()
}

/// Before a field that a list is sorted by.
const FIELD: &str = "field:";

fn page_query(filter: &DocumentFilter, query: &ListQuery, known: &[Field]) -> Result<DocumentQuery, Problem> {
    let sort_field = query.sort.as_deref().and_then(|sort| sort.strip_prefix(FIELD));
    let sort_field =
        sort_field.map(|name| find_field(known, name).map_err(|error| field_problem(&error, known)));
    let sort_field = sort_field.transpose()?.map(|field| field.pointer.clone());
    let sort = match query.sort.as_deref() {
        _ if sort_field.is_some() => SortBy::Value,
        None | Some("document") => SortBy::Ordinal,
        Some("name") => SortBy::Name,
        Some("cost") => SortBy::Cost,
        Some("pages") => SortBy::Pages,
        Some("updated") => SortBy::Updated,
        Some("risk") => SortBy::Risk,
        Some(other) => {
            return Err(
                Problem::bad_request(format!("documents cannot be sorted by {other:?}"))
                    .hint("there are document, name, cost, pages, updated, risk, and field: with a field of the results"),
            );
        }
    };
    let position = match (&query.after, &query.before, query.page) {
        (Some(cursor), _, _) => Position::After(cursor.clone()),
        (None, Some(cursor), _) => Position::Before(cursor.clone()),
        (None, None, Some(page)) if page > 1 => Position::Number(page),
        _ => Position::First,
    };
    Ok(DocumentQuery {
        sort,
        sort_field,
        descending: query.order.as_deref() == Some("desc"),
        position,
        limit: query.limit.unwrap_or(100).clamp(1, 1000),
        ..filter.query(known)?
    })
}

/// The documents beside one, in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Around {
    /// The number of the one before; absent: it is the first.
    #[schema(required)]
    pub previous: Option<u64>,
    /// The number of the one after; absent: it is the last.
    #[schema(required)]
    pub next: Option<u64>,
}

/// Which documents stand before and after one in a list: for going through it one by one.
#[utoipa::path(get, path = "/batches/{batch}/documents/{document}/around", tag = "documents",
    params(("batch" = String, Path, description = "Id, short id, name, or `last`"),
        ("document" = u64, Path, description = "Its number in the batch"), DocumentFilter,
        ("sort" = Option<String>, Query, description = "As in the list"),
        ("order" = Option<String>, Query, description = "As in the list")),
    responses((status = 200, body = Around), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn around(
    State(app): State<App>,
    Path((batch, document)): Path<(String, u64)>,
    Query(filter): Query<DocumentFilter>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Around>, Problem> {
    let (row, _) = found(&app, &batch, document).await?;
    let known = known_fields(&app, row.id, &filter, &query).await?;
    let list = DocumentQuery {
        limit: 1,
        ..page_query(&filter, &query, &known)?
    };
    if app
        .engine
        .prepare_values(row.id, &list, PREPARING)
        .await?
        .is_some()
    {
        return Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "preparing",
            "the values this list is about are not ready yet",
        )
        .hint("ask again in a moment"));
    }
    let mut beside = Vec::new();
    for position in [
        Position::BeforeDocument(Ordinal(document)),
        Position::AfterDocument(Ordinal(document)),
    ] {
        let query = DocumentQuery {
            position,
            ..list.clone()
        };
        let page = app.store().documents(row.id, query).await?;
        beside.push(page.rows.first().map(|row| row.ordinal.0));
    }
    Ok(axum::Json(Around {
        previous: beside[0],
        next: beside[1],
    }))
}

async fn found(app: &App, batch: &str, number: u64) -> Result<(BatchRow, DocumentDetail), Problem> {
    let row = app.batch(batch).await?;
    let id = DocumentId {
        batch: row.id,
        ordinal: Ordinal(number),
    };
    let detail = app.store().document(id).await?;
    Ok((row, detail))
}

/// What of a document.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct DetailQuery {
    /// With the answers as they came.
    pub raw: bool,
}

/// Everything about one document.
#[utoipa::path(get, path = "/batches/{batch}/documents/{document}", tag = "documents",
    params(("batch" = String, Path, description = "Id, short id, name, or `last`"),
        ("document" = u64, Path, description = "Its number in the batch"), DetailQuery),
    responses((status = 200, body = DocumentDetailView), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn get(
    State(app): State<App>,
    Path((batch, document)): Path<(String, u64)>,
    Query(query): Query<DetailQuery>,
) -> Result<axum::Json<DocumentDetailView>, Problem> {
    let (_, detail) = found(&app, &batch, document).await?;
    Ok(axum::Json(DocumentDetailView::of(&detail, query.raw)))
}

/// What of a reading.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ReadingQuery {
    /// The page whose text and words are wanted; the others come with their sizes only.
    #[param(minimum = 1)]
    pub page: Option<u32>,
}

/// The pages of a document as it was read.
#[utoipa::path(get, path = "/batches/{batch}/documents/{document}/reading", tag = "documents",
    params(("batch" = String, Path, description = "Id, short id, name, or `last`"),
        ("document" = u64, Path, description = "Its number in the batch"), ReadingQuery),
    responses((status = 200, body = ReadingView), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It cannot be read any more; `code` says why", body = Problem, content_type = "application/problem+json")))]
pub async fn reading(
    State(app): State<App>,
    Path((batch, document)): Path<(String, u64)>,
    Query(query): Query<ReadingQuery>,
) -> Result<axum::Json<ReadingView>, Problem> {
    let (row, detail) = found(&app, &batch, document).await?;
    let reading = app.engine.reading(&row, &detail.row).await?;
    if let Some(page) = query.page
        && !reading.pages.iter().any(|found| found.number == page)
    {
        return Err(no_page(page));
    }
    Ok(axum::Json(ReadingView::of(&reading, query.page)))
}

fn no_page(page: u32) -> Problem {
    Problem::not_found(format!("the document has no page {page}"))
}

/// How a page is shown.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct PictureQuery {
    /// Dots per inch, 36 to 300 (110).
    #[param(minimum = 36, maximum = 300)]
    pub dpi: Option<u32>,
}

/// A page as a picture (PNG).
#[utoipa::path(get, path = "/batches/{batch}/documents/{document}/pages/{page}", tag = "documents",
    params(("batch" = String, Path, description = "Id, short id, name, or `last`"),
        ("document" = u64, Path, description = "Its number in the batch"),
        ("page" = u32, Path, description = "From 1"), PictureQuery),
    responses((status = 200, description = "The page", content_type = "image/png", body = Vec<u8>),
        (status = 304, description = "The same as before"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It cannot be shown; `code` says why", body = Problem, content_type = "application/problem+json")))]
pub async fn picture(
    State(app): State<App>,
    Path((batch, document, page)): Path<(String, u64, u32)>,
    Query(query): Query<PictureQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (row, detail) = found(&app, &batch, document).await?;
    let dpi = query.dpi.unwrap_or(110).clamp(36, 300);
    // The content decides the picture: a file that changed has another hash.
    let tag = detail
        .row
        .content_hash
        .map(|hash| format!("\"{}-{page}-{dpi}\"", &hash.to_hex()[..32]));
    let same = tag.as_deref().is_some_and(|tag| {
        headers
            .get(header::IF_NONE_MATCH)
            .and_then(|given| given.to_str().ok())
            .is_some_and(|given| given.contains(tag))
    });
    let mut response = if same {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let page = page.max(1);
        let picture = app
            .engine
            .picture(&row, &detail.row, page, dpi)
            .await?
            .ok_or_else(|| no_page(page))?;
        let kind = HeaderValue::from_static("image/png");
        ([(header::CONTENT_TYPE, kind)], picture.png).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, max-age=3600"),
    );
    if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(&tag).ok()) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
}

/// What a model is asked about a document, as it would be asked now.
#[utoipa::path(get, path = "/batches/{batch}/documents/{document}/prompt", tag = "documents",
    params(("batch" = String, Path, description = "Id, short id, name, or `last`"),
        ("document" = u64, Path, description = "Its number in the batch")),
    responses((status = 200, body = PromptView), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub async fn prompt(
    State(app): State<App>,
    Path((batch, document)): Path<(String, u64)>,
) -> Result<axum::Json<PromptView>, Problem> {
    let (row, detail) = found(&app, &batch, document).await?;
    let asked = app.engine.asked(&row, &detail.row).await??;
    Ok(axum::Json(asked.into()))
}

/// The document itself, to be saved.
#[utoipa::path(get, path = "/batches/{batch}/documents/{document}/content", tag = "documents",
    params(("batch" = String, Path, description = "Id, short id, name, or `last`"),
        ("document" = u64, Path, description = "Its number in the batch")),
    responses((status = 200, description = "Its bytes", content_type = "application/octet-stream", body = Vec<u8>),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub async fn content(
    State(app): State<App>,
    Path((batch, document)): Path<(String, u64)>,
) -> Result<Response, Problem> {
    let (_, detail) = found(&app, &batch, document).await?;
    let bytes = app.engine.content(&detail.row).await?;
    // Never shown in place: a document may be a page with a script.
    let name = detail.row.name.rsplit('/').next().unwrap_or_default();
    let mut response = Body::from(bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    headers.insert(header::CONTENT_DISPOSITION, saved_as(name));
    Ok(response)
}

/// A file to be saved under a name, whatever is in the name (RFC 6266).
pub(super) fn saved_as(name: &str) -> HeaderValue {
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    HeaderValue::from_str(&format!("attachment; filename*=UTF-8''{encoded}"))
        .unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}
