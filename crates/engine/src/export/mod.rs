//! Export: taking the results of a batch away as CSV, JSON Lines, Parquet or XLSX.
//!
//! A template's schema is a tree; files are tables. `layout` says once which
//! tables and columns a schema becomes, `flatten` turns one document into rows
//! of those tables, and one small writer per format puts rows into a file. So all
//! formats have the same columns, and none of them ever sees more than one chunk
//! of documents: memory does not grow with the batch.
//!
//! Files appear whole or not at all (`target`): everything is written beside its
//! place, synced, and renamed at the end.
//!
//! What this module may not know: how the store keeps rows, and who asked.

mod csv;
mod error;
mod flatten;
mod jsonl;
mod layout;
mod parquet;
mod schema;
mod target;
mod terminal;
mod xlsx;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use docmill_core::document::DocumentState;
use docmill_core::id::Ordinal;
use docmill_store::{BatchRow, ResultRow, Store};
use futures::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

pub use error::ExportError;
pub use layout::{Column, ColumnType, Layout, Table};

/// Documents fetched at a time: many enough that the query does not count, few
/// enough that long texts do not fill the memory.
const CHUNK: u32 = 200;

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values, UTF-8, quoted as RFC 4180 says.
    Csv,
    /// One JSON object per line and document, fields nested as the template has them.
    Jsonl,
    /// Apache Parquet, typed columns, Snappy.
    Parquet,
    /// An Excel workbook, one sheet per table.
    Xlsx,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Csv, Self::Jsonl, Self::Parquet, Self::Xlsx];

    /// Its name, which is also the extension of its files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
            Self::Xlsx => "xlsx",
        }
    }

    /// The format a file's extension asks for.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        path.extension()?.to_str()?.to_ascii_lowercase().parse().ok()
    }

    /// Whether its bytes are not for a terminal.
    #[must_use]
    pub const fn is_binary(self) -> bool {
        matches!(self, Self::Parquet | Self::Xlsx)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Format {
    type Err = ExportError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "csv" => Ok(Self::Csv),
            "jsonl" | "ndjson" => Ok(Self::Jsonl),
            "parquet" => Ok(Self::Parquet),
            "xlsx" => Ok(Self::Xlsx),
            _ => Err(ExportError::UnknownFormat(name.to_owned())),
        }
    }
}

/// Where the files go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One file; tables of lists go beside it (`results.items.csv`).
    File(PathBuf),
    /// A folder with a file per table; made when it does not exist.
    Folder(PathBuf),
    /// Standard output. Of formats with a file per table only the documents go there.
    Stdout,
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The format.
    pub format: Format,
    /// Columns that say where each value stands: `field.page`, `field.quote`, `field.bbox`.
    pub evidence: bool,
    /// Only documents in these states; empty: all.
    pub states: Vec<DocumentState>,
    /// How CSV is written.
    pub csv: CsvStyle,
}

/// How CSV is written: as it is for programs, or for people who open it in a spreadsheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CsvStyle {
    /// Texts that a spreadsheet would take for formulas get a `'` in front.
    pub excel_safe: bool,
    /// Begins with the mark by which Excel knows UTF-8.
    pub bom: bool,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exported {
    /// Documents.
    pub documents: u64,
    /// Files, the documents' first. Empty for standard output.
    pub files: Vec<PathBuf>,
    /// Tables that standard output has no place for.
    pub left_out: Vec<String>,
}

/// Writes the results of a batch. `on_progress` hears the documents written so far.
///
/// # Errors
/// When the store fails or the files cannot be written. Then nothing was put in place.
pub async fn export(
    store: &Arc<dyn Store>,
    batch: &BatchRow,
    target: Target,
    options: Options,
    on_progress: &(dyn Fn(u64) + Sync),
) -> Result<Exported, ExportError> {
    let id = batch.id;
    let rows = futures::stream::try_unfold(Some(Ordinal(0)), move |after| async move {
        let Some(after) = after else { return Ok(None) };
        let chunk = store.results_after(id, after, CHUNK).await?;
        let next = chunk.last().map(|last| last.row.ordinal);
        Ok(if chunk.is_empty() {
            None
        } else {
            Some((chunk, next))
        })
    });
    export_rows(rows, batch, target, options, on_progress).await
}

/// [`export`] of rows from anywhere, in chunks.
///
/// # Errors
/// As [`export`].
pub async fn export_rows(
    rows: impl Stream<Item = Result<Vec<ResultRow>, ExportError>>,
    batch: &BatchRow,
    target: Target,
    options: Options,
    on_progress: &(dyn Fn(u64) + Sync),
) -> Result<Exported, ExportError> {
    // One chunk being written, one waiting, one being fetched: enough to keep both sides busy.
    let (sender, receiver) = mpsc::channel::<Vec<ResultRow>>(1);
    let layout = Layout::of(&batch.template.schema, options.evidence);
    let model = batch.plan.model.clone();
    let wanted = options.clone();
    let writer = tokio::task::spawn_blocking(move || write_all(receiver, layout, &model, &wanted, &target));
    let fed = feed(rows, sender, &options.states, on_progress).await;
    // The writer ends when the sender is gone, or earlier with its own error, which comes first.
    let written = writer
        .await
        .map_err(|error| ExportError::Bug(error.to_string()))?;
    match (written, fed) {
        (Err(error), _) | (Ok(_), Err(error)) => Err(error),
        (Ok(pending), Ok(())) => pending.publish(),
    }
}

/// Hands chunks to the writer until there are no more, or the writer is gone.
async fn feed(
    rows: impl Stream<Item = Result<Vec<ResultRow>, ExportError>>,
    sender: mpsc::Sender<Vec<ResultRow>>,
    states: &[DocumentState],
    on_progress: &(dyn Fn(u64) + Sync),
) -> Result<(), ExportError> {
    let mut rows = std::pin::pin!(rows);
    let mut documents = 0;
    while let Some(chunk) = rows.next().await {
        let mut chunk = chunk?;
        // What a person corrected is the result.
        chunk.iter_mut().for_each(ResultRow::correct);
        if !states.is_empty() {
            chunk.retain(|result| states.contains(&result.row.state));
        }
        documents += chunk.len() as u64;
        if sender.send(chunk).await.is_err() {
            return Ok(());
        }
        on_progress(documents);
    }
    Ok(())
}

/// Everything is written and synced, nothing is in place yet.
struct Pending {
    documents: u64,
    left_out: Vec<String>,
    stage: target::Stage,
}

impl Pending {
    fn publish(self) -> Result<Exported, ExportError> {
        let files = self.stage.publish()?;
        Ok(Exported {
            documents: self.documents,
            files,
            left_out: self.left_out,
        })
    }
}

/// A format's writer: documents in, files (or standard output) out.
trait Writer {
    /// Writes one document.
    fn document(&mut self, result: &ResultRow) -> Result<(), ExportError>;

    /// Writes what ends the files.
    fn finish(self: Box<Self>) -> Result<(), ExportError>;
}

fn write_all(
    mut receiver: mpsc::Receiver<Vec<ResultRow>>,
    layout: Layout,
    model: &str,
    options: &Options,
    target: &Target,
) -> Result<Pending, ExportError> {
    let format = options.format;
    let mut stage = target::Stage::new(target, format)?;
    let one_file = matches!(format, Format::Jsonl | Format::Xlsx);
    let mut left_out = Vec::new();
    if matches!(target, Target::Stdout) && !one_file {
        left_out = layout
            .tables
            .iter()
            .skip(1)
            .map(|table| table.name.clone())
            .collect();
    }
    let layout = if left_out.is_empty() {
        layout
    } else {
        layout.documents_only()
    };
    let flattener = flatten::Flattener::new(layout, model);
    let mut writer: Box<dyn Writer> = match format {
        Format::Csv => Box::new(csv::CsvWriter::new(flattener, options.csv, &mut stage)?),
        Format::Jsonl => Box::new(jsonl::JsonLinesWriter::new(model, options.evidence, &mut stage)?),
        Format::Parquet => Box::new(parquet::ParquetWriter::new(flattener, &mut stage)?),
        Format::Xlsx => Box::new(xlsx::XlsxWriter::new(flattener, &mut stage)?),
    };
    let mut documents = 0;
    while let Some(chunk) = receiver.blocking_recv() {
        for result in &chunk {
            writer.document(result)?;
            documents += 1;
        }
    }
    writer.finish()?;
    stage.sync()?;
    Ok(Pending {
        documents,
        left_out,
        stage,
    })
}

#[cfg(test)]
mod tests;
