//! The command line. Raw arguments mirror what can be typed and nothing more; the
//! resolved ones ([`Context`], [`OutFile`]) have touched the system (folders, files, the environment).

mod keep;
mod look;
mod resolved;
mod serve;
mod steer;
mod values;
mod work;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

pub use keep::{BackupArgs, ForgetArgs, RestoreArgs};
pub use look::{
    DoctorArgs, ListArgs, LogsArgs, ModelsArgs, OcrArgs, OcrVerb, ShowArgs, StatusArgs, TemplateArgs,
    TemplateVerb,
};
pub use resolved::{Context, OutFile, absolute_sources, out_target, passwords};
pub use serve::{AuditArgs, AuditVerb, KeyArgs, KeyVerb, ServeArgs};
pub use steer::{
    BatchArg, BudgetArgs, ExportArgs, LedgerArgs, LimitsArgs, OutArgs, ReconcileArgs, ResumeArgs, RetryArgs,
};
pub use values::{Limit, PriceArg};
pub use work::{EstimateArgs, PasswordArgs, PlanArgs, RunArgs, SourceArgs};

/// What stands above the verbs in `docmill --help`. Verbs are grouped by what one wants
/// to do; clap would list them in one row.
const VERBS: &str = "\
Work:
  run          Turn documents into data: add, estimate, process, export
  estimate     Say what it will cost and how long it will take, without paying
  resume       Go on with a batch that was stopped
  retry        Put failed documents back into the queue

Serve:
  serve        The dashboard and the API, with the work in the background
  key          Who may use them over the network
  audit        Who changed what, and who read which document

Look:
  status       All batches, or one
  list         The documents of a batch
  show         A batch, or one document: fields, places, calls
  logs         What happened, as it happens

Steer:
  pause        Start no more calls; those in flight are finished
  cancel       Give a batch up; results so far stay
  budget       Raise or lower the wall
  limits       What all batches together may spend a day and a month
  ledger       What was paid, held back and lost, by model and class
  reconcile    Settle calls whose outcome was lost, by the provider's usage export

Take away:
  export       Results as CSV, Excel, JSON Lines or Parquet

Keep:
  backup       Copy the database, while work goes on
  restore      Check a backup, or put it in place
  forget       Remove what was learned from documents

Set up:
  templates    What can be taken out of documents
  template     Show or check one template
  models       What models there are, what they cost, which can be called from here
  ocr          Install better text recognition for scans and photographs
  doctor       What is installed, what is missing, how to get it
  completions  Completions for your shell
";

const AFTER: &str = "\
Examples:
  docmill run ~/receipts --template receipt --out receipts.xlsx
  docmill run invoices/ --template invoice --model openai/gpt-4o-mini --budget 25
  docmill estimate s3://bucket/2024/ --template invoice --model openai/gpt-4o-mini
  docmill list last --state failed
  docmill export last --out results.parquet

A batch is named by its id, its short id, its name, or `last`.

Environment:
  OPENAI_API_KEY and the like   Keys of providers (docmill models names them); with _FILE behind
                                the name a file that holds it, with _COMMAND what prints it
  DOCMILL_DATA_DIR              Folder of the database [default: ~/.local/share/docmill]
  DOCMILL_SERVER, DOCMILL_KEY   Server when --server is not given, and your key there
  DOCMILL_MODEL                 Model when --model is not given [default: offline]
  DOCMILL_BASE_URL              Address when --base-url is not given
  DOCMILL_LISTEN                Address of the server when --listen is not given
  DOCMILL_PUBLIC_URL            Where browsers find the server, when --public-url is not given
  DOCMILL_OIDC_CLIENT_SECRET    Proves to the identity provider that it is this server
  DOCMILL_SECRET_KEY            Key that seals secrets in the database: 64 hexadecimal digits
                                [default: the file secret.key in the data folder]
  DOCMILL_OCR                   What reads scans: auto, pp-ocr or tesseract [default: auto]
  DOCMILL_OCR_MODELS            Folder of the networks that docmill ocr install puts in place
  DOCMILL_SMTP_URL, _SMTP_FROM  E-mail server and sender of the server's alerts
  NO_COLOR                      No colours

Exit status: 0 done, 1 failed, 2 wrong use, 3 some documents failed, 4 budget used up,
5 stopped or paused, 6 the model cannot be called, 7 the database cannot be used.
";

/// Turn a pile of documents into checked, structured data, within a budget.
#[derive(Debug, Parser)]
#[command(
    name = "docmill",
    version,
    about = "Turn a pile of documents into checked, structured data, within a budget",
    help_template = "{about}\n\n{usage-heading} {usage}\n\n{before-help}{options}\n\n{after-help}",
    before_help = VERBS,
    after_help = AFTER,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Cli {
    /// What every verb takes.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// The verb.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What every verb takes.
#[derive(Debug, Args)]
pub struct GlobalArgs {
    /// Folder of the database and of what is kept beside it
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "DOCMILL_DATA_DIR",
        hide_env_values = true,
        help_heading = "Everywhere"
    )]
    pub data_dir: Option<PathBuf>,
    /// Do it at a running docmill serve: http://127.0.0.1:7878
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "DOCMILL_SERVER",
        hide_env_values = true,
        help_heading = "Everywhere"
    )]
    pub server: Option<String>,
    /// When to use colours
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Everywhere"
    )]
    pub color: Color,
    /// Say only what went wrong
    #[arg(long, short, global = true, action = ArgAction::SetTrue, help_heading = "Everywhere")]
    pub quiet: bool,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Turn documents into data: add, estimate, process, export
    Run(Box<RunArgs>),
    /// Say what it will cost and how long it will take, without paying
    Estimate(Box<EstimateArgs>),
    /// Go on with a batch that was stopped
    Resume(ResumeArgs),
    /// Put failed documents back into the queue
    Retry(RetryArgs),
    /// The dashboard and the API, with the work in the background
    Serve(Box<ServeArgs>),
    /// Who may use the server over the network
    Key(KeyArgs),
    /// Who changed what, and who read which document
    Audit(AuditArgs),
    /// All batches, or one
    Status(StatusArgs),
    /// The documents of a batch
    List(Box<ListArgs>),
    /// A batch, or one document: fields, places, calls
    Show(ShowArgs),
    /// What happened, as it happens
    Logs(LogsArgs),
    /// Start no more calls; those in flight are finished
    Pause(BatchArg),
    /// Give a batch up; results so far stay
    Cancel(BatchArg),
    /// Raise or lower the wall
    Budget(BudgetArgs),
    /// What all batches together may spend a day and a month
    Limits(LimitsArgs),
    /// What was paid, held back and lost, by model and class
    Ledger(LedgerArgs),
    /// Settle calls whose outcome was lost, by the provider's usage export
    Reconcile(ReconcileArgs),
    /// Results as CSV, Excel, JSON Lines or Parquet
    Export(ExportArgs),
    /// Copy the database, while work goes on
    Backup(BackupArgs),
    /// Check a backup, or put it in place
    Restore(RestoreArgs),
    /// Remove what was learned from documents
    Forget(ForgetArgs),
    /// What can be taken out of documents
    Templates(DoctorArgs),
    /// Show or check one template
    Template(TemplateArgs),
    /// What models there are, what they cost, which can be called from here
    Models(ModelsArgs),
    /// Install better text recognition for scans and photographs
    Ocr(OcrArgs),
    /// What is installed, what is missing, how to get it
    Doctor(DoctorArgs),
    /// Completions for your shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// The command line as Markdown, for the guide
    #[command(hide = true)]
    HelpMarkdown,
    /// Reads documents for a parent process, with limits
    #[command(hide = true)]
    ParseWorker,
}
