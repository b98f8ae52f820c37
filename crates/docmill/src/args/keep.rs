//! Arguments of the verbs that keep the database, and what is in it, in order.

use std::path::PathBuf;

use clap::Args;

/// `docmill backup`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docmill backup /mnt/backups/docmill-2026-03-01.db

Consistent while a server or a run works; checked as a whole before it gets its name. It
holds batches, results, answers, money and the log. Uploaded files, finished exports and the
documents themselves are files of their own: back them up like other files.")]
pub struct BackupArgs {
    /// Where to; the file must not exist yet
    pub file: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    pub force: bool,
    /// One JSON document
    #[arg(long)]
    pub json: bool,
}

/// `docmill forget`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docmill forget receipts --yes
  docmill forget last 42 --yes

Results, answers, reviews, names and places of the documents go, with what reading them gave,
uploaded files and finished exports. What was spent stays, for the books. Documents that lie
elsewhere, and backups taken before, are not touched.")]
pub struct ForgetArgs {
    /// Id, short id, name or `last`
    pub batch: String,
    /// One document: its number or its name
    pub document: Option<String>,
    /// It is meant
    #[arg(long, short)]
    pub yes: bool,
    /// One JSON document
    #[arg(long)]
    pub json: bool,
}

/// `docmill restore`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docmill restore backup.db --check   look at all of it, change nothing
  docmill restore backup.db           put it in the place of the database
  docmill restore --as-is             go on with a database that is older than it should be

What was in its place is kept beside it. Results from after the backup are lost, and will
be asked for and paid again. What may have been spent since counts as unconfirmed, so that
no budget is passed; batches that ran are paused.")]
pub struct RestoreArgs {
    /// The backup
    #[arg(required_unless_present = "as_is")]
    pub file: Option<PathBuf>,
    /// Only say whether it is sound and what is in it
    #[arg(long, requires = "file")]
    pub check: bool,
    /// Go on with what is there: older than it should be, emptied or gone
    #[arg(long, conflicts_with_all = ["file", "check"])]
    pub as_is: bool,
    /// One JSON document
    #[arg(long)]
    pub json: bool,
}
