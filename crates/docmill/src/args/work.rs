//! Arguments of the verbs that work: `run` and `estimate`.

use std::path::PathBuf;

use clap::Args;
use docmill_core::fair::Priority;
use docmill_core::hours::Hours;

use super::{Limit, OutArgs, PriceArg};

/// Where documents come from.
#[derive(Debug, Args)]
pub struct SourceArgs {
    /// Files, folders, ZIP archives, s3://…, gs://…, az://…
    #[arg(value_name = "SOURCE", required_unless_present = "from")]
    pub sources: Vec<String>,
    /// A file with one path or URL a line (`-`: standard input)
    #[arg(long, value_name = "LIST", help_heading = "Documents")]
    pub from: Vec<String>,
    /// Only names that match this pattern (`*.pdf`, `2024/**`)
    #[arg(long, value_name = "GLOB", help_heading = "Documents")]
    pub include: Vec<String>,
    /// No names that match this pattern; stronger than --include
    #[arg(long, value_name = "GLOB", help_heading = "Documents")]
    pub exclude: Vec<String>,
    /// Also take what is behind links to folders elsewhere
    #[arg(long, help_heading = "Documents")]
    pub follow_links: bool,
    /// Largest document taken
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 104_857_600,
        help_heading = "Documents"
    )]
    pub max_document_bytes: u64,
    /// Do not read pictures of text with tesseract
    #[arg(long, help_heading = "Documents")]
    pub no_ocr: bool,
    /// Passwords.
    #[command(flatten)]
    pub passwords: PasswordArgs,
}

/// Passwords of encrypted documents.
#[derive(Debug, Args)]
pub struct PasswordArgs {
    /// A password to try on encrypted documents (others can see it in the list of processes)
    #[arg(
        long,
        value_name = "PASSWORD",
        help_heading = "Documents",
        hide_env_values = true
    )]
    pub password: Vec<String>,
    /// A file with one password a line
    #[arg(long, value_name = "FILE", help_heading = "Documents")]
    pub passwords: Option<PathBuf>,
}

/// How documents are processed.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// What to take out: a built-in template (docmill templates), or a TOML or JSON file
    #[arg(long, short, value_name = "TEMPLATE", help_heading = "What and how")]
    pub template: String,
    /// offline (free, no network), openai/gpt-4o-mini …, sim/MODEL (a rehearsal)
    #[arg(
        long,
        short,
        value_name = "MODEL",
        env = "DOCMILL_MODEL",
        hide_env_values = true,
        default_value = "offline",
        help_heading = "What and how"
    )]
    pub model: String,
    /// Address of a server that speaks OpenAI's protocol
    #[arg(
        long,
        value_name = "URL",
        env = "DOCMILL_BASE_URL",
        hide_env_values = true,
        help_heading = "What and how"
    )]
    pub base_url: Option<String>,
    /// Dollars per million tokens in and out (0.15,0.60), or free; needed when nobody knows the model's price
    #[arg(long, value_name = "IN,OUT|free", help_heading = "Money")]
    pub price: Option<PriceArg>,
    /// Calls in flight [default: from the model]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000), help_heading = "What and how")]
    pub concurrency: Option<u32>,
    /// Requests a minute that the key may make, where the provider does not say
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "What and how")]
    pub rpm: Option<u64>,
    /// Tokens a minute that the key may use, where the provider does not say
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "What and how")]
    pub tpm: Option<u64>,
    /// Limit on each answer [default: from the template and the model]
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u32).range(1..), help_heading = "What and how")]
    pub max_output_tokens: Option<u32>,
    /// Models to ask, in this order, when the one before is down, was retired or refuses (MODEL or MODEL@URL)
    #[arg(
        long,
        value_name = "MODEL,…",
        value_delimiter = ',',
        help_heading = "What and how"
    )]
    pub fallback: Vec<String>,
    /// Call only between these times of the day, where docmill runs (22:00-06:00)
    #[arg(long, value_name = "HOURS", help_heading = "What and how")]
    pub between: Option<Hours>,
    /// How urgent it is beside other batches that want the same limit: high, normal, low [default: normal]
    #[arg(long, value_name = "PRIORITY", value_parser = super::values::priority(), hide_possible_values = true, help_heading = "What and how")]
    pub priority: Option<Priority>,
    /// Give a call up after so many seconds [default: by what the model's calls take]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400), help_heading = "What and how")]
    pub timeout: Option<u32>,
    /// Make a call that hangs longer than 999 of 1,000 others a second time beside it; both are paid
    #[arg(long, help_heading = "Money")]
    pub hedge: bool,
    /// Pay again for answers that are stored for other documents
    #[arg(long, help_heading = "Money")]
    pub no_reuse: bool,
    /// Rehearsals: how fast simulated time passes (1: as the model, 0: do not wait)
    #[arg(long, value_name = "FACTOR", value_parser = super::values::speed, help_heading = "What and how")]
    pub sim_speed: Option<u32>,
    /// What to call the batch
    #[arg(long, value_name = "NAME", help_heading = "What and how")]
    pub name: Option<String>,
    /// Begin a new batch, even when there is one of the same sources, template and model
    #[arg(long, help_heading = "What and how")]
    pub new: bool,
}

/// `docmill run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docmill run ~/receipts --template receipt --out receipts.xlsx
  docmill run invoices/ scan.tif pile.zip --template invoice --model openai/gpt-4o-mini
  docmill run s3://bucket/2024/ --template my-schema.json --model openai/gpt-4o-mini --budget 25
  docmill run docs/ --template contract --base-url http://127.0.0.1:8000/v1 --model llama --price free
  find . -name '*.pdf' | docmill run --from - --template invoice

Before the first paid call every document is read, its tokens are counted, and the cost is
shown; on a terminal you are asked. Without --budget the recommended budget is the wall.
With --yes and --budget, or when the model is free, the first calls leave at once.
The same command typed again goes on with the same batch and adds only what is new.
Ctrl-C once finishes the calls in flight and stops; twice stops at once.")]
pub struct RunArgs {
    /// Where from.
    #[command(flatten)]
    pub sources: SourceArgs,
    /// How.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// The wall in dollars: never more than this is billed (`none`: no limit)
    #[arg(
        long,
        short,
        value_name = "USD",
        allow_hyphen_values = true,
        help_heading = "Money"
    )]
    pub budget: Option<Limit>,
    /// Do not ask before spending
    #[arg(long, short, help_heading = "Money")]
    pub yes: bool,
    /// Do not count everything first; a paid run then needs --budget
    #[arg(long, help_heading = "Money")]
    pub no_estimate: bool,
    /// Where results go.
    #[command(flatten)]
    pub out: OutArgs,
    /// One JSON document at the end, on standard output
    #[arg(long, help_heading = "Results")]
    pub json: bool,
}

/// `docmill estimate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docmill estimate invoices/ --template invoice --model openai/gpt-4o-mini

Reads every document and counts pages and tokens; no paid call is made. `docmill run`
with the same sources, template and model goes on from here.")]
pub struct EstimateArgs {
    /// Where from.
    #[command(flatten)]
    pub sources: SourceArgs,
    /// How.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// One JSON document
    #[arg(long, help_heading = "Results")]
    pub json: bool,
}
