//! Arguments of the verbs that steer, go on and take away.

use clap::Args;
use docmill_core::document::DocumentState;
use docmill_core::failure::FailureCode;
use docmill_engine::export::Format;

use super::{Limit, PasswordArgs, values};

/// One batch.
#[derive(Debug, Args)]
pub struct BatchArg {
    /// Id, short id, name or `last`
    pub batch: String,
    /// One JSON document
    #[arg(long)]
    pub json: bool,
}

/// `docmill budget`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docmill budget last 40
  docmill budget receipts none

A batch that had used up its budget goes on with `docmill resume`.")]
pub struct BudgetArgs {
    /// Id, short id, name or `last`
    pub batch: String,
    /// Dollars, or `none`
    #[arg(value_name = "USD", allow_hyphen_values = true)]
    pub budget: Limit,
    /// One JSON document
    #[arg(long)]
    pub json: bool,
}

/// `docmill limits`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docmill limits
  docmill limits --day 20 --month 300
  docmill limits --day none

The limits are kept with the database, and by every process that works on it. When what was
paid since midnight (UTC), or since the first of the month, reaches one, running batches are
paused with the reason; calls in flight at that moment are still paid.")]
pub struct LimitsArgs {
    /// Dollars a day, or `none`
    #[arg(long, value_name = "USD", allow_hyphen_values = true)]
    pub day: Option<Limit>,
    /// Dollars a month, or `none`
    #[arg(long, value_name = "USD", allow_hyphen_values = true)]
    pub month: Option<Limit>,
    /// One JSON document
    #[arg(long)]
    pub json: bool,
}

/// `docmill ledger`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docmill ledger last
  docmill ledger receipts --json | jq .unconfirmed_usd

Settled is paid, reserved is held back for calls in flight, unconfirmed for calls whose
outcome was lost: a crash or a broken connection came between, and nobody knows whether the
provider billed them. They count at their worst case until docmill reconcile tells better.")]
pub struct LedgerArgs {
    /// Id, short id, name or `last`
    #[arg(default_value = "last")]
    pub batch: String,
    /// One JSON document
    #[arg(long)]
    pub json: bool,
}

/// `docmill reconcile`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docmill reconcile last --usage usage.csv
  docmill reconcile last --release-unconfirmed

FILE is a usage export: OpenAI's (CSV of the usage page, or JSON of the usage API),
Anthropic's (CSV of the console, or JSON of the usage report), Google's cost table, or a
plain CSV with columns like time, model, input_tokens, output_tokens, cost_usd. It has to be
whole for the time of the batch, and of a key that nobody else used in that time: what the
provider counted less what docmill settled is what the lost calls cost. No provider lets a
call be looked up whose answer was lost, so there is nothing to ask them directly.")]
pub struct ReconcileArgs {
    /// Id, short id, name or `last`
    pub batch: String,
    /// The provider's usage export (`-`: standard input)
    #[arg(long, value_name = "FILE", required_unless_present = "release_unconfirmed")]
    pub usage: Option<String>,
    /// Count the unconfirmed calls as not billed. If they were, the bill passes what docmill counts
    #[arg(long, conflicts_with = "usage")]
    pub release_unconfirmed: bool,
    /// Do not ask before releasing
    #[arg(long, short)]
    pub yes: bool,
    /// One JSON document
    #[arg(long)]
    pub json: bool,
}

/// Where results go.
#[derive(Debug, Args)]
pub struct OutArgs {
    /// File or folder for the results (`-`: standard output)
    #[arg(long, short, value_name = "FILE|DIR", help_heading = "Results")]
    pub out: Option<String>,
    /// Format, when the file's name does not say it: csv, jsonl, parquet, xlsx
    #[arg(long, value_name = "FORMAT", help_heading = "Results")]
    pub format: Option<Format>,
    /// Columns that say where each value stands: page, quote, box
    #[arg(long, help_heading = "Results")]
    pub evidence: bool,
    /// CSV for spreadsheets: texts that begin like a formula get a ' in front
    #[arg(long, help_heading = "Results")]
    pub excel_safe: bool,
    /// CSV begins with the mark by which Excel knows UTF-8
    #[arg(long, help_heading = "Results")]
    pub bom: bool,
}

/// `docmill export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docmill export last --out results.xlsx
  docmill export receipts --out results/ --format parquet --evidence
  docmill export last --state completed --format jsonl --out - | jq .data

A list inside a document becomes a table of its own: a sheet, or a file beside the
results (results.items.csv), joined by the column `document`. Files are written whole or
not at all. CSV holds values unchanged, also those that begin with `=`, unless --excel-safe
is given; in Excel workbooks they are texts, never formulas.")]
pub struct ExportArgs {
    /// Id, short id, name or `last`
    #[arg(default_value = "last")]
    pub batch: String,
    /// Where to.
    #[command(flatten)]
    pub out: OutArgs,
    /// Only documents in this state (several: repeat it, or separate by commas)
    #[arg(long, short, value_delimiter = ',', value_parser = values::state(), help_heading = "Results")]
    pub state: Vec<DocumentState>,
}

/// `docmill resume`.
#[derive(Debug, Args)]
#[command(after_help = "\
Goes on in the foreground like `docmill run`. Passwords are never stored: give them again.")]
pub struct ResumeArgs {
    /// Id, short id, name or `last`
    #[arg(default_value = "last")]
    pub batch: String,
    /// A new wall in dollars, or `none`
    #[arg(long, short, value_name = "USD", allow_hyphen_values = true)]
    pub budget: Option<Limit>,
    /// Do not ask before spending
    #[arg(long, short)]
    pub yes: bool,
    /// Calls in flight
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub concurrency: Option<u32>,
    /// Passwords.
    #[command(flatten)]
    pub passwords: PasswordArgs,
    /// Where results go.
    #[command(flatten)]
    pub out: OutArgs,
    /// One JSON document at the end
    #[arg(long)]
    pub json: bool,
}

/// `docmill retry`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docmill retry last --failed
  docmill retry last --code password_required --password secret
  docmill retry last --document 17 --document 18

Puts the documents back and goes on like `docmill resume`; with --later it only puts them back.")]
pub struct RetryArgs {
    /// Id, short id, name or `last`
    #[arg(default_value = "last")]
    pub batch: String,
    /// All that failed
    #[arg(long, required_unless_present_any = ["code", "document", "cancelled"])]
    pub failed: bool,
    /// Those that failed with this code
    #[arg(long, short = 'C', value_delimiter = ',', value_name = "CODE", value_parser = values::code(), hide_possible_values = true)]
    pub code: Vec<FailureCode>,
    /// This document
    #[arg(long, short, value_delimiter = ',', value_name = "NUMBER")]
    pub document: Vec<u64>,
    /// Those that were cancelled too
    #[arg(long)]
    pub cancelled: bool,
    /// Only put them back into the queue
    #[arg(long)]
    pub later: bool,
    /// Passwords.
    #[command(flatten)]
    pub passwords: PasswordArgs,
    /// One JSON document at the end
    #[arg(long)]
    pub json: bool,
}
