//! Arguments of `serve` and `key`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use docmill_core::access::UnknownName;
use docmill_core::outbound::Origin;
use docmill_server::keys::Role;

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
    /// Where browsers find it when a proxy stands in front: https://docs.example.org
    #[arg(long, value_name = "URL", env = "DOCMILL_PUBLIC_URL", hide_env_values = true)]
    pub public_url: Option<String>,
    /// Hours without use after which who signed in is signed out
    #[arg(long, value_name = "HOURS", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=8760))]
    pub session_idle: u32,
    /// Days after which who signed in is signed out in any case
    #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=365))]
    pub session_days: u32,
    /// Identity provider (OpenID Connect) people may sign in with, like
    /// https://login.example.org/realms/docs; needs --public-url, --oidc-client and --oidc-role
    #[arg(
        long,
        value_name = "URL",
        env = "DOCMILL_OIDC_ISSUER",
        hide_env_values = true,
        requires_all = ["oidc_client", "oidc_roles", "public_url"]
    )]
    pub oidc_issuer: Option<String>,
    /// What the provider calls this server; its secret stands in DOCMILL_OIDC_CLIENT_SECRET
    #[arg(
        long,
        value_name = "ID",
        env = "DOCMILL_OIDC_CLIENT_ID",
        hide_env_values = true
    )]
    pub oidc_client: Option<String>,
    /// Claim that says what somebody may do; realm_access.roles looks into one of others
    #[arg(long, value_name = "NAME", default_value = "groups")]
    pub oidc_claim: String,
    /// Role that a value of the claim gives, like docs-admins=admin; * is everybody; repeatable
    #[arg(long = "oidc-role", value_name = "VALUE=ROLE", value_parser = oidc_role)]
    pub oidc_roles: Vec<(String, Role)>,
    /// Scope to ask for, beside openid; repeatable
    #[arg(long = "oidc-scope", value_name = "SCOPE", default_values = ["profile", "email"])]
    pub oidc_scopes: Vec<String>,
    /// Hours after which the provider is asked again
    #[arg(long, value_name = "HOURS", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=720))]
    pub oidc_hours: u32,
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

/// Reads `docs-admins=admin`. A value may hold equals signs itself.
fn oidc_role(text: &str) -> Result<(String, Role), String> {
    let (value, role) = text
        .rsplit_once('=')
        .ok_or("write it like docs-admins=admin, or *=viewer")?;
    let role = role.parse().map_err(|error: UnknownName| error.to_string())?;
    Ok((value.to_owned(), role))
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
        role: Role,
        /// Only for this batch; repeatable
        #[arg(long = "batch", value_name = "BATCH")]
        batches: Vec<String>,
        /// Only for this action: look, read, review, run or manage; repeatable
        #[arg(long = "action", value_name = "ACTION")]
        actions: Vec<docmill_server::keys::Action>,
        /// Days after which it opens nothing any more
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: Option<u32>,
    },
    /// Names, roles, limits and last use
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

/// `docmill audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: AuditVerb,
}

/// What can be done with the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditVerb {
    /// The newest entries
    List {
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
        /// Only by this person or key
        #[arg(long, value_name = "NAME")]
        who: Option<String>,
        /// One JSON document
        #[arg(long)]
        json: bool,
    },
    /// Check that every entry is what was written
    Verify {
        /// A hash noted before: it must be in the log, or its end was cut off
        #[arg(long, value_name = "HASH")]
        hash: Option<docmill_core::ContentHash>,
    },
    /// All entries, oldest first, as JSON lines
    Export,
}
