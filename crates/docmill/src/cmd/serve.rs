//! `docmill serve`: the API, the dashboard, and the work in the background.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use docmill_engine::run::Stop;
use docmill_server::{Config, Lifetime, OidcOptions, PostOptions, PublicUrl, Reach, Seal};
use docmill_store::KeyRow;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::args::{Context, ServeArgs, passwords};
use crate::cmd::work::Signals;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::telemetry::{self, Log};
use crate::wire::{self, Needs, ServerLock};

/// Carries out `serve`.
pub async fn perform(args: ServeArgs, context: &Context) -> Result<Exit, Fault> {
    let log = if args.log_json { Log::Json } else { Log::Text };
    let _telemetry = telemetry::begin(log)?;
    let public_url = args.public_url.as_deref().map(PublicUrl::parse).transpose();
    let public_url = public_url.map_err(Fault::usage)?;
    let typed = args.base_path.trim_end_matches('/');
    let base_path = match (typed, &public_url) {
        ("", Some(url)) => url.path(),
        (typed, _) => typed,
    }
    .to_owned();
    if !base_path.is_empty() && !base_path.starts_with('/') {
        return Err(
            Fault::usage(format!("{base_path:?} is no path")).hint("it begins with a slash: /docmill")
        );
    }
    let oidc = oidc(&args, public_url.as_ref());
    let store = wire::store_to_work(context)?;
    let is_local = args.listen.ip().is_loopback();
    // A server that is called by a name of its own is one that others call.
    let reach = if is_local && args.hosts.is_empty() && public_url.is_none() && !args.require_key {
        Reach::ThisMachine
    } else {
        Reach::Others
    };
    // Behind a proxy it listens here, and is not of this machine alone.
    let is_local = reach == Reach::ThisMachine;
    let known = store.keys().await?;
    if reach == Reach::Others && !known.iter().any(KeyRow::is_lasting_admin) {
        return Err(Fault::usage(format!(
            "nobody could use {}: others may reach it, so it asks for keys, and there are no keys of an admin",
            args.listen
        ))
        .hint("docmill key add NAME --role admin makes one"));
    }
    let lock = ServerLock::take(context)?;
    let listener = TcpListener::bind(args.listen).await.map_err(|error| {
        let fault = Fault::new(
            Exit::Failure,
            format!("{} cannot be listened at: {error}", args.listen),
        );
        fault.hint("another program uses it; choose another with --listen 127.0.0.1:PORT")
    })?;
    let address = listener
        .local_addr()
        .map_err(|error| Fault::new(Exit::Failure, format!("the address cannot be read: {error}")))?;
    let data_dir = fs::canonicalize(&context.data_dir).unwrap_or_else(|_| context.data_dir.clone());
    let folders = roots(&args.roots, is_local)?;
    let needs = Needs {
        passwords: passwords(&args.passwords)?,
        buckets: (!is_local || !args.buckets.is_empty()).then(|| args.buckets.clone()),
        model_addresses: Some(args.model_addresses.clone()),
        roots: Some(reading_roots(&args.roots, is_local, &folders, &data_dir)?),
        ..Needs::default()
    };
    let (engine, providers) = wire::engine(context, store, needs)?;
    let config = Config {
        reach,
        address,
        hosts: args.hosts,
        roots: folders,
        data_dir,
        max_upload_bytes: args.max_upload_bytes,
        post: PostOptions {
            private_addresses: args.private_webhooks,
            smtp_url: std::env::var("DOCMILL_SMTP_URL").ok(),
            smtp_from: std::env::var("DOCMILL_SMTP_FROM").ok(),
        },
        base_path: base_path.clone(),
        public_url,
        lifetime: Lifetime {
            idle_ms: i64::from(args.session_idle) * HOUR_MS,
            absolute_ms: i64::from(args.session_days) * 24 * HOUR_MS,
        },
        seal: seal(context)?,
        oidc,
        on_request: Some(telemetry::take_up),
    };
    let url = format!("http://{address}{base_path}/");
    lock.announce(&url)?;
    context.ui.say(&format!("docmill is at {url}"));
    let (stop, stopping) = watch::channel(Stop::No);
    let workshop = Arc::new(wire::Shop::new(providers));
    let mut serving = tokio::spawn(docmill_server::serve(
        listener, engine, workshop, config, stopping,
    ));
    let mut signals = Signals::new()?;
    loop {
        tokio::select! {
            served = &mut serving => {
                return match served {
                    Ok(Ok(())) => Ok(Exit::Ok),
                    Ok(Err(error)) => Err(Fault::new(Exit::Failure, format!("the server failed: {error}"))),
                    Err(error) => Err(Fault::new(Exit::Failure, format!("the server broke down: {error}; please report it"))),
                };
            }
            () = signals.next() => {
                let (next, words) = match *stop.borrow() {
                    Stop::No => (Stop::Leave, "stopping: calls in flight are being finished; once more to stop at once"),
                    _ => (Stop::Now, "stopping at once"),
                };
                context.ui.say(words);
                stop.send_replace(next);
            }
        }
    }
}

const HOUR_MS: i64 = 3600 * 1000;

/// Who else vouches for people. That what it needs is there was looked at with the arguments.
fn oidc(args: &ServeArgs, public_url: Option<&PublicUrl>) -> Option<OidcOptions> {
    Some(OidcOptions {
        issuer: args.oidc_issuer.clone()?,
        client_id: args.oidc_client.clone()?,
        client_secret: wire::variable("DOCMILL_OIDC_CLIENT_SECRET"),
        redirect_url: format!("{}/api/v1/session/oidc/callback", public_url?.as_str()),
        claim: args.oidc_claim.clone(),
        roles: args.oidc_roles.clone(),
        scopes: args.oidc_scopes.clone(),
        lasts_ms: i64::from(args.oidc_hours) * HOUR_MS,
    })
}

/// The key that seals secrets: from the environment, or the data folder's own.
fn seal(context: &Context) -> Result<Seal, Fault> {
    match std::env::var("DOCMILL_SECRET_KEY") {
        Ok(digits) => {
            Seal::from_hex(&digits).map_err(|error| Fault::usage(format!("DOCMILL_SECRET_KEY: {error}")))
        }
        Err(_) => Seal::of_folder(&context.data_dir).map_err(|error| Fault::new(Exit::Store, error)),
    }
}

/// Folders documents may be read from. At this machine who starts the server may read their own
/// files anyway; over the network only what is named.
fn roots(typed: &[PathBuf], is_local: bool) -> Result<Vec<PathBuf>, Fault> {
    let home = std::env::var_os("HOME")
        .or_else(|| std::env::var_os("USERPROFILE"))
        .map(PathBuf::from);
    let wanted: Vec<PathBuf> = match (typed.is_empty(), is_local) {
        (false, _) => typed.to_vec(),
        (true, true) => home.into_iter().chain(std::env::current_dir().ok()).collect(),
        (true, false) => Vec::new(),
    };
    let mut roots = Vec::new();
    for root in wanted {
        match fs::canonicalize(&root) {
            Ok(real) if !roots.contains(&real) => roots.push(real),
            Ok(_) => {}
            Err(error) if !typed.is_empty() => {
                return Err(Fault::usage(format!(
                    "the folder {} cannot be used: {error}",
                    root.display()
                )));
            }
            Err(_) => {}
        }
    }
    Ok(roots)
}

/// Where files may be opened. At this machine, when no folder was named, also the batches of the
/// command line can be worked on and looked at, wherever they lie; but no link is followed, so
/// that a source below an allowed folder stays below it.
fn reading_roots(
    typed: &[PathBuf],
    is_local: bool,
    folders: &[PathBuf],
    data_dir: &Path,
) -> Result<Vec<PathBuf>, Fault> {
    if typed.is_empty() && is_local {
        return Ok(vec![PathBuf::from("/")]);
    }
    let uploads = data_dir.join("uploads");
    let real = fs::create_dir_all(&uploads).and_then(|()| fs::canonicalize(&uploads));
    let uploads = real.map_err(|error| {
        Fault::new(
            Exit::Store,
            format!("the folder {} cannot be made: {error}", uploads.display()),
        )
    })?;
    Ok(folders.iter().cloned().chain([uploads]).collect())
}
