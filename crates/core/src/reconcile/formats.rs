//! Usage exports as providers write them.
//!
//! - **OpenAI**: the CSV of the usage page (`start_time`, `end_time`, `model`,
//!   `input_tokens` with cached ones in it, `input_cached_tokens`, `output_tokens`) and the
//!   JSON of `/v1/organization/usage/completions`.
//! - **Anthropic**: the console's CSV (`usage_date_utc`, `model_version`,
//!   `usage_input_tokens_no_cache`, …) and the JSON of
//!   `/v1/organizations/usage_report/messages`.
//! - **Google**: the cost table of Cloud Billing as CSV (`SKU description`, `Usage start
//!   date`, `Cost ($)`).
//! - **Plain CSV**: any of `time` (or `from`, `to`), `model`, `input_tokens`,
//!   `cached_input_tokens`, `cache_write_tokens`, `output_tokens`, `cost_usd`; one line a
//!   call or one a day.

use serde_json::Value;

use super::Line;
use crate::money::Usd;
use crate::time::Timestamp;
use crate::usage::Usage;

/// Whose export it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// OpenAI.
    OpenAi,
    /// Anthropic.
    Anthropic,
    /// Google Cloud Billing.
    Google,
    /// A plain CSV.
    Plain,
}

impl Format {
    /// For people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "OpenAI's usage export",
            Self::Anthropic => "Anthropic's usage export",
            Self::Google => "Google's cost table",
            Self::Plain => "a plain CSV",
        }
    }
}

/// Why a text is no export.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownExport {
    /// Neither JSON nor a table.
    #[error("it is empty")]
    Empty,
    /// JSON of something else.
    #[error("it is JSON, but not of OpenAI's or Anthropic's usage: {0}")]
    Json(String),
    /// No column says what was used.
    #[error("no column says tokens or a cost; its columns are {0}")]
    Columns(String),
    /// A cell that is no number or no time.
    #[error("line {line}: {value:?} in column {column} cannot be read")]
    Cell {
        /// From 1, the header among them.
        line: usize,
        /// Which column.
        column: String,
        /// What stands there.
        value: String,
    },
}

/// Reads an export of any known kind.
///
/// # Errors
/// When it is of no known kind, or a cell cannot be read: a line left out could make
/// money appear that was spent.
pub fn parse(text: &str) -> Result<(Format, Vec<Line>), UnknownExport> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(UnknownExport::Empty);
    }
    if text.starts_with(['{', '[']) {
        return json(text);
    }
    table(text)
}

fn json(text: &str) -> Result<(Format, Vec<Line>), UnknownExport> {
    let not_usage = |why: &str| UnknownExport::Json(why.to_owned());
    let value: Value = serde_json::from_str(text).map_err(|error| not_usage(&error.to_string()))?;
    // Pages of an API joined by hand are a list of what each page was.
    let pages = match value {
        Value::Array(pages) => pages,
        page => vec![page],
    };
    let mut format = None;
    let mut lines = Vec::new();
    for page in &pages {
        if page.get("has_more") == Some(&Value::Bool(true)) && pages.len() == 1 {
            return Err(not_usage(
                "it is the first page of several; put all of them into one list",
            ));
        }
        let buckets = page.get("data").and_then(Value::as_array);
        let buckets = buckets.ok_or_else(|| not_usage("there is no list \"data\""))?;
        for bucket in buckets {
            let is_openai = bucket.get("start_time").is_some();
            let (from, to) = if is_openai {
                (seconds(bucket.get("start_time")), seconds(bucket.get("end_time")))
            } else {
                (
                    instant(bucket.get("starting_at")),
                    instant(bucket.get("ending_at")),
                )
            };
            if from.is_none() {
                return Err(not_usage("a bucket does not say when it begins"));
            }
            format = Some(if is_openai {
                Format::OpenAi
            } else {
                Format::Anthropic
            });
            let results = bucket.get("results").and_then(Value::as_array);
            // An empty bucket says that nothing was used in its time.
            let mut any = false;
            for result in results.into_iter().flatten() {
                lines.push(bucket_line(result, from, to, is_openai));
                any = true;
            }
            if !any {
                lines.push(Line {
                    from,
                    to,
                    ..Line::default()
                });
            }
        }
    }
    Ok((format.ok_or_else(|| not_usage("it has no buckets"))?, lines))
}

fn bucket_line(result: &Value, from: Option<Timestamp>, to: Option<Timestamp>, is_openai: bool) -> Line {
    let number = |name: &str| result.get(name).and_then(Value::as_u64).unwrap_or(0);
    let created = |name: &str| {
        let inner = result.get("cache_creation").and_then(|it| it.get(name));
        inner.and_then(Value::as_u64).unwrap_or(0)
    };
    let usage = if is_openai {
        let cached = number("input_cached_tokens");
        Usage {
            input_tokens: number("input_tokens").saturating_sub(cached),
            cached_input_tokens: cached,
            cache_write_tokens: 0,
            output_tokens: number("output_tokens"),
        }
    } else {
        Usage {
            input_tokens: number("uncached_input_tokens"),
            cached_input_tokens: number("cache_read_input_tokens"),
            cache_write_tokens: created("ephemeral_5m_input_tokens")
                .saturating_add(created("ephemeral_1h_input_tokens")),
            output_tokens: number("output_tokens"),
        }
    };
    Line {
        from,
        to,
        model: result
            .get("model")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        usage,
        cost: None,
    }
}

fn seconds(value: Option<&Value>) -> Option<Timestamp> {
    value
        .and_then(Value::as_i64)
        .map(|it| Timestamp(it.saturating_mul(1000)))
}

fn instant(value: Option<&Value>) -> Option<Timestamp> {
    value.and_then(Value::as_str).and_then(time)
}

/// What a column says, by the names providers give it.
const COLUMNS: &[(Column, &[&str])] = &[
    (
        Column::From,
        &[
            "start_time_iso",
            "start_time",
            "starting_at",
            "usage_date_utc",
            "usage start date",
            "from",
            "time",
            "timestamp",
            "started_at",
            "created_at",
            "date",
        ],
    ),
    (
        Column::To,
        &[
            "end_time_iso",
            "end_time",
            "ending_at",
            "usage end date",
            "to",
            "ended_at",
        ],
    ),
    (
        Column::Model,
        &["model", "model_version", "sku description", "model_name"],
    ),
    (
        Column::Input,
        &[
            "input_tokens",
            "usage_input_tokens_no_cache",
            "uncached_input_tokens",
            "prompt_tokens",
        ],
    ),
    (
        Column::Cached,
        &[
            "input_cached_tokens",
            "usage_input_tokens_cache_read",
            "cache_read_input_tokens",
            "cached_input_tokens",
        ],
    ),
    (
        Column::Written,
        &[
            "usage_input_tokens_cache_write_5m",
            "cache_write_tokens",
            "cache_creation_input_tokens",
        ],
    ),
    (Column::WrittenForAnHour, &["usage_input_tokens_cache_write_1h"]),
    (
        Column::Output,
        &["output_tokens", "usage_output_tokens", "completion_tokens"],
    ),
    (
        Column::Cost,
        &[
            "cost_usd",
            "unrounded cost ($)",
            "cost ($)",
            "amount_value",
            "cost",
        ],
    ),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    From,
    To,
    Model,
    Input,
    Cached,
    Written,
    WrittenForAnHour,
    Output,
    Cost,
}

struct Table {
    header: Vec<String>,
}

impl Table {
    fn place(&self, column: Column) -> Option<usize> {
        let names = COLUMNS
            .iter()
            .find(|(it, _)| *it == column)
            .map(|(_, names)| *names)?;
        names
            .iter()
            .find_map(|name| self.header.iter().position(|head| head == name))
    }

    fn has(&self, name: &str) -> bool {
        self.header.iter().any(|head| head == name)
    }

    fn format(&self) -> Format {
        if self.has("num_model_requests") || self.has("input_cached_tokens") {
            Format::OpenAi
        } else if self.has("usage_output_tokens") || self.has("model_version") {
            Format::Anthropic
        } else if self.has("sku description") {
            Format::Google
        } else {
            Format::Plain
        }
    }
}

/// A row of a table, with its number for messages.
struct Row<'a> {
    table: &'a Table,
    cells: Vec<String>,
    line: usize,
}

impl Row<'_> {
    fn cell(&self, column: Column) -> Option<&str> {
        let cell = self.cells.get(self.table.place(column)?)?.trim();
        (!cell.is_empty()).then_some(cell)
    }

    fn unreadable(&self, column: Column, value: &str) -> UnknownExport {
        let name = self
            .table
            .place(column)
            .and_then(|place| self.table.header.get(place));
        UnknownExport::Cell {
            line: self.line,
            column: name.cloned().unwrap_or_default(),
            value: value.to_owned(),
        }
    }

    fn count(&self, column: Column) -> Result<u64, UnknownExport> {
        let Some(cell) = self.cell(column) else {
            return Ok(0);
        };
        let plain = cell.replace([',', '_'], "");
        let whole = plain.strip_suffix(".0").unwrap_or(&plain);
        whole.parse().map_err(|_| self.unreadable(column, cell))
    }

    fn time(&self, column: Column) -> Result<Option<Timestamp>, UnknownExport> {
        let Some(cell) = self.cell(column) else {
            return Ok(None);
        };
        time(cell).map(Some).ok_or_else(|| self.unreadable(column, cell))
    }

    fn cost(&self) -> Result<Option<Usd>, UnknownExport> {
        let Some(cell) = self.cell(Column::Cost) else {
            return Ok(None);
        };
        cost(cell)
            .map(Some)
            .ok_or_else(|| self.unreadable(Column::Cost, cell))
    }
}

fn table(text: &str) -> Result<(Format, Vec<Line>), UnknownExport> {
    let first = text.lines().next().unwrap_or_default();
    let separator = [',', '\t', ';']
        .into_iter()
        .max_by_key(|separator| first.matches(*separator).count())
        .unwrap_or(',');
    let mut rows = rows(text, separator).into_iter();
    let header: Vec<String> = rows
        .next()
        .unwrap_or_default()
        .iter()
        .map(|head| head.trim().to_lowercase())
        .collect();
    let table = Table { header };
    let says_use = [Column::Input, Column::Output, Column::Cost]
        .into_iter()
        .any(|column| table.place(column).is_some());
    if !says_use {
        return Err(UnknownExport::Columns(table.header.join(", ")));
    }
    let format = table.format();
    let mut lines = Vec::new();
    for (line, cells) in (2..).zip(rows) {
        let row = Row {
            table: &table,
            cells,
            line,
        };
        if row.cells.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        lines.push(line_of(&row, format)?);
    }
    Ok((format, lines))
}

fn line_of(row: &Row<'_>, format: Format) -> Result<Line, UnknownExport> {
    let cached = row.count(Column::Cached)?;
    let mut input = row.count(Column::Input)?;
    if format == Format::OpenAi {
        // OpenAI counts the cached ones among the others.
        input = input.saturating_sub(cached);
    }
    let from = row.time(Column::From)?;
    let is_day = row
        .cell(Column::From)
        .is_some_and(|cell| !cell.contains(':') && time_is_day(cell));
    let to = match row.time(Column::To)? {
        // The last day is meant whole.
        Some(to) if row.cell(Column::To).is_some_and(time_is_day) => Some(to.plus_ms(DAY_MS)),
        None if is_day => from.map(|from| from.plus_ms(DAY_MS)),
        to => to,
    };
    Ok(Line {
        from,
        to,
        model: match format {
            Format::Google => google_model(row.cell(Column::Model).unwrap_or_default()),
            _ => row.cell(Column::Model).unwrap_or_default().to_owned(),
        },
        usage: Usage {
            input_tokens: input,
            cached_input_tokens: cached,
            cache_write_tokens: row
                .count(Column::Written)?
                .saturating_add(row.count(Column::WrittenForAnHour)?),
            output_tokens: row.count(Column::Output)?,
        },
        cost: row.cost()?,
    })
}

/// `Generate content input token count Gemini 2.5 Flash Lite short` → `gemini-2.5-flash-lite`.
fn google_model(sku: &str) -> String {
    const WORDS: [&str; 6] = ["pro", "flash", "lite", "ultra", "nano", "preview"];
    let lower = sku.to_lowercase();
    let Some(start) = lower.find("gemini") else {
        return sku.to_owned();
    };
    let words = lower.get(start..).unwrap_or_default().split([' ', '-', '_']);
    let mut model = vec!["gemini"];
    model.extend(words.skip(1).take_while(|word| {
        WORDS.contains(word) || !word.is_empty() && word.chars().all(|c| c.is_ascii_digit() || c == '.')
    }));
    model.join("-")
}

/// Decimal dollars, rounded up to a nano-dollar: exports have more digits than that.
fn cost(cell: &str) -> Option<Usd> {
    let plain = cell.trim_start_matches('$').replace([',', '_'], "");
    if plain.contains(['e', 'E']) {
        let dollars: f64 = plain.parse().ok()?;
        return (0.0..9e9).contains(&dollars).then(|| {
            // A float from a spreadsheet: the next nano-dollar up.
            #[expect(
                clippy::cast_possible_truncation,
                reason = "checked to be below nine billion dollars"
            )]
            Usd::from_nanos((dollars * 1e9).ceil() as i64)
        });
    }
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let kept = fraction.get(..fraction.len().min(9))?;
    let more = fraction.get(kept.len()..)?.bytes().any(|digit| digit != b'0');
    let amount: Usd = format!("{}.{kept}", if whole.is_empty() { "0" } else { whole })
        .parse()
        .ok()?;
    Some(Usd::from_nanos(amount.nanos().saturating_add(i64::from(more))))
}

/// The cells of a table with quoted cells, doubled quotes and line breaks inside of quotes.
fn rows(text: &str, separator: char) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let (mut row, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                cell.push('"');
                chars.next();
            }
            '"' => quoted = !quoted,
            c if c == separator && !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            '\r' if !quoted => {}
            c => cell.push(c),
        }
    }
    row.push(cell);
    rows.push(row);
    rows
}

const DAY_MS: i64 = 24 * 3600 * 1000;

fn time_is_day(cell: &str) -> bool {
    cell.len() == 10 && cell.bytes().filter(|byte| *byte == b'-').count() == 2
}

/// ISO 8601, with or without a time and an offset, or seconds since 1970. Without an offset: UTC.
fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number: i64 = text.parse().ok()?;
        // Thirteen digits are milliseconds.
        return Some(Timestamp(if number > 99_999_999_999 {
            number
        } else {
            number * 1000
        }));
    }
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let mut parts = date.split('-');
    let mut next = || parts.next()?.parse::<i64>().ok();
    let (year, month, day) = (next()?, next()?, next()?);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let midnight = days_since_1970(year, month, day) * DAY_MS;
    let rest = rest.strip_prefix(['T', ' ']).unwrap_or(rest).trim();
    if rest.is_empty() {
        return Some(Timestamp(midnight));
    }
    let (clock, offset_ms) = match rest.find(['Z', '+', '-']) {
        Some(at) => (rest.get(..at)?.trim(), offset(rest.get(at..)?)?),
        None => (rest.trim_end_matches(" UTC"), 0),
    };
    let mut parts = clock.split(':');
    let hours: i64 = parts.next()?.parse().ok()?;
    let minutes: i64 = parts.next()?.parse().ok()?;
    let seconds = parts.next().unwrap_or("0").split('.').next()?;
    let seconds: i64 = seconds.parse().ok()?;
    if !(0..24).contains(&hours) || !(0..60).contains(&minutes) || !(0..=60).contains(&seconds) {
        return None;
    }
    Some(Timestamp(
        midnight + (hours * 3600 + minutes * 60 + seconds) * 1000 - offset_ms,
    ))
}

fn offset(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let hours: i64 = digits.get(..2)?.parse().ok()?;
    let minutes: i64 = digits.get(2..4).unwrap_or("0").parse().ok()?;
    Some(sign * (hours * 60 + minutes) * 60_000)
}

/// Days of the proleptic Gregorian calendar, with years that begin in March.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}
