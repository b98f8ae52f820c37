//! Arguments of `serve` and `key`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use docmill_core::outbound::Origin;

use super::PasswordArgs;

/// `docmill serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docmill serve
  docmill serve --root /data/scans
  docmill serve --listen 0.0.0.0:7878 --host-name docs.example.org

At this machine nobody needs to sign in until there is a key. With any other address, with
--host-name or --require-key everybody does: docmill key add NAME --role admin makes the first key.

Stop it with Ctrl-C: calls in flight are finished, and running batches go on with the next start.")]
pub struct ServeArgs {
    /// Address and port
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:7878",
        env = "DOCMILL_LISTEN"
    )]
    pub listen: SocketAddr,
    /// Folder below which documents may be read; repeatable [default: your home folder, at this machine only]
    #[arg(long = "root", value_name = "DIR")]
    pub roots: Vec<PathBuf>,
    /// Bucket, or a part of one, whose documents may be read with this server's credentials, like
    /// s3://invoices/2024; repeatable [default: all, at this machine only]
    #[arg(long = "bucket", value_name = "URL")]
    pub buckets: Vec<String>,
    /// Address of a model server that operators may choose: it may be in a private network, and is
    /// sent DOCMILL_API_KEY; repeatable. What an admin chooses needs no such leave
    #[arg(long = "model-address", value_name = "URL")]
    pub model_addresses: Vec<Origin>,
    /// Name the server may be called by, beside its address; repeatable
    #[arg(long = "host-name", value_name = "NAME")]
    pub hosts: Vec<String>,
    /// Ask for a key at this machine too: a proxy in front of it lets others in
    #[arg(long)]
    pub require_key: bool,
    /// Path below which it is, behind a proxy: /docmill
    #[arg(long, value_name = "PATH", default_value = "")]
    pub base_path: String,
    /// Largest file that can be uploaded
    #[arg(long, value_name = "BYTES", default_value_t = 2 * 1024 * 1024 * 1024)]
    pub max_upload_bytes: u64,
    /// Let alerts be posted to private networks and to this machine
    #[arg(long)]
    pub private_webhooks: bool,
    /// Write the log as JSON lines
    #[arg(long)]
    pub log_json: bool,
    /// Passwords for encrypted documents.
    #[command(flatten)]
    pub passwords: PasswordArgs,
}

/// `docmill key`.
#[derive(Debug, Args)]
pub struct KeyArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: KeyVerb,
}

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub enum KeyVerb {
    /// Make a key, and show it once
    Add {
        /// Whose it is
        name: String,
        /// viewer (look), operator (spend, review) or admin (keys, settings)
        #[arg(long, default_value = "operator")]
        role: docmill_server::keys::Role,
    },
    /// Names and roles
    List {
        /// One JSON document
        #[arg(long)]
        json: bool,
    },
    /// Take a key away
    Remove {
        /// Whose it is
        name: String,
    },
}
