//! One file per verb. A verb takes resolved arguments, asks the store or the engine, and
//! hands what it learned to [`crate::report`].

mod audit;
mod budget;
mod completions;
mod doctor;
mod estimate;
mod export;
mod forget;
mod help;
mod keep;
mod key;
mod ledger;
mod limits;
mod list;
mod logs;
mod models;
mod ocr;
mod reconcile;
mod remote;
mod resume;
mod retry;
mod run;
mod serve;
mod show;
mod status;
mod steer;
mod template;
mod work;

use std::future::Future;
use std::process::ExitCode;

use crate::args::{Context, TemplateArgs, TemplateVerb, Verb};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::remote::Remote;
use crate::wire;

/// Carries out a verb.
pub fn perform(verb: Verb, context: &Context) -> Result<ExitCode, Fault> {
    let verb = match &context.server {
        Some(url) => match at_server(verb, url, context)? {
            Performed::Done(exit) => return Ok(exit.into()),
            // Looking and steering is the same in both places; the rest is of this machine.
            Performed::NotSpecial(verb) => *verb,
        },
        None => verb,
    };
    let ended = match verb {
        Verb::ParseWorker => return Ok(wire::parse_worker()),
        Verb::Run(args) => block_on(run::perform(*args, context)),
        Verb::Estimate(args) => block_on(estimate::perform(*args, context)),
        Verb::Resume(args) => block_on(resume::perform(args, context)),
        Verb::Retry(args) => block_on(retry::perform(args, context)),
        Verb::Serve(args) => block_on(serve::perform(*args, context)),
        Verb::Key(args) => block_on(key::perform(args, context)),
        Verb::Audit(args) => block_on(audit::perform(args, context)),
        Verb::Status(args) => block_on(status::perform(args, context)),
        Verb::List(args) => block_on(list::perform(*args, context)),
        Verb::Show(args) => block_on(show::perform(args, context)),
        Verb::Logs(args) => block_on(logs::perform(args, context)),
        Verb::Pause(args) => block_on(steer::pause(args, context)),
        Verb::Cancel(args) => block_on(steer::cancel(args, context)),
        Verb::Budget(args) => block_on(budget::perform(args, context)),
        Verb::Limits(args) => block_on(limits::perform(args, context)),
        Verb::Ledger(args) => block_on(ledger::perform(args, context)),
        Verb::Reconcile(args) => block_on(reconcile::perform(args, context)),
        Verb::Export(args) => block_on(export::perform(args, context)),
        Verb::Backup(args) => block_on(keep::back_up(&args, context)),
        Verb::Restore(args) => block_on(keep::restore(&args, context)),
        Verb::Forget(args) => block_on(forget::perform(args, context)),
        Verb::Templates(args) => template::list(&args, context),
        Verb::Template(args) => match args.verb {
            TemplateVerb::Show {
                template,
                schema,
                json,
            } => template::show(&template, schema, json, context),
            TemplateVerb::Check { file, json } => template::check(&file, json, context),
        },
        Verb::Models(args) => block_on(models::perform(args, context)),
        Verb::Ocr(args) => ocr::perform(args, context),
        Verb::Doctor(args) => doctor::perform(&args, context),
        Verb::Completions { shell } => completions::perform(shell, context),
        Verb::HelpMarkdown => help::perform(context),
    };
    ended.map(ExitCode::from)
}

/// What became of a verb that may be special at a server.
enum Performed {
    Done(Exit),
    NotSpecial(Box<Verb>),
}

/// Carries out the verbs that are different at a server.
fn at_server(verb: Verb, url: &str, context: &Context) -> Result<Performed, Fault> {
    let remote = &Remote::new(url)?;
    let exit = match verb {
        Verb::Run(args) => block_on(remote::run(*args, remote, context)),
        Verb::Estimate(args) => block_on(remote::estimate(*args, remote, context)),
        Verb::Resume(args) => block_on(remote::resume(args, remote, context)),
        Verb::Retry(args) => block_on(remote::retry(args, remote, context)),
        Verb::Key(args) => block_on(remote::key(args.verb, remote, context)),
        Verb::Templates(args) => block_on(remote::templates(None, args.json, remote, context)),
        Verb::Template(TemplateArgs {
            verb:
                TemplateVerb::Show {
                    template,
                    schema,
                    json,
                },
        }) => block_on(remote::templates(
            Some((&template, schema)),
            json,
            remote,
            context,
        )),
        verb => return Ok(Performed::NotSpecial(Box::new(verb))),
    };
    Ok(Performed::Done(exit?))
}

/// Runs a verb that waits for something.
fn block_on(verb: impl Future<Output = Result<Exit, Fault>>) -> Result<Exit, Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Fault::new(Exit::Failure, format!("no threads could be started: {error}")))?;
    runtime.block_on(async {
        outlive_file_size_limit();
        verb.await
    })
}

/// Where files may not grow further (`ulimit -f`), the system kills whoever writes on without a
/// word. With a handler in place the write fails instead, and is told like a full disk.
#[cfg(unix)]
fn outlive_file_size_limit() {
    use tokio::signal::unix::{SignalKind, signal};
    let exceeded = rustix::process::Signal::XFSZ.as_raw();
    // The handler stays when what is returned is dropped. Without it the system does as it did.
    let _ = signal(SignalKind::from_raw(exceeded));
}

#[cfg(not(unix))]
fn outlive_file_size_limit() {}
