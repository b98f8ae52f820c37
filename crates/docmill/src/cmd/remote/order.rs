//! Documents and how to process them, handed over to a server.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use docmill_core::id::BatchId;
use docmill_engine::open::last_part;
use docmill_source::{Discovered, Found, Options, Source as _, Sources};
use docmill_store::BatchRow;
use futures::TryStreamExt as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::{Context, Limit, PlanArgs, SourceArgs, absolute_sources, passwords};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::remote::{Remote, segment};
use crate::report::live::Reporter;
use crate::report::text::{clean, count, counted as number_of};
use crate::templates;

/// Files sent at once.
const AT_ONCE: usize = 4;

/// Tries of one file: connections break.
const TRIES: u32 = 3;

/// How often the server is asked how far it is.
const LOOK: Duration = Duration::from_millis(250);

/// An upload.
#[derive(Debug, Deserialize)]
struct Upload {
    id: String,
}

/// Hands documents over, and waits until the server has counted them. Nothing is paid.
pub async fn hand_over(
    remote: &Remote,
    sources: &SourceArgs,
    plan: &PlanArgs,
    budget: Option<Limit>,
    context: &Context,
) -> Result<BatchRow, Fault> {
    let mut new = how(plan)?;
    new["sources"] = json!(where_from(remote, sources, context).await?);
    if plan.name.is_none() {
        new["name"] = json!(free_name(remote, sources).await?);
    }
    new["ocr"] = json!(!sources.no_ocr);
    new["budget_usd"] = json!(budget.and_then(Limit::amount).map(docmill_core::Usd::as_f64));
    let row = remote.create(&new).await?;
    remote.passwords(row.id, &passwords(&sources.passwords)?).await?;
    counted(remote, row.id, context).await?;
    let row = remote.batch(row.id).await?;
    let skipped = match row.counters.skipped {
        0 => String::new(),
        skipped => format!(", {} left out", count(skipped)),
    };
    context.ui.say(&format!(
        "{} added{skipped}",
        number_of(row.counters.total(), "document")
    ));
    Ok(row)
}

/// A name after what was typed, as a batch of this machine would get it: an upload does not say.
async fn free_name(remote: &Remote, args: &SourceArgs) -> Result<String, Fault> {
    let typed = absolute_sources(args)?;
    let base = typed.first().map_or("documents", |source| last_part(source));
    let mut name = base.to_owned();
    let mut number = 1_u32;
    while remote.find_batch(&name).await.is_ok() {
        number += 1;
        name = format!("{base}-{number}");
    }
    Ok(name)
}

/// How documents are processed, as the API takes it.
fn how(plan: &PlanArgs) -> Result<Value, Fault> {
    let mut new = json!({
        "name": plan.name,
        "model": plan.model,
        "base_url": plan.base_url,
        "concurrency": plan.concurrency,
        "max_output_tokens": plan.max_output_tokens,
        "reuse_answers": !plan.no_reuse,
        "fallback": plan.fallback,
        "between": plan.between,
        "priority": plan.priority,
        "timeout_seconds": plan.timeout,
        "hedge": plan.hedge,
        "sim_speed": plan.sim_speed.map(|milli| f64::from(milli) / 1000.0),
    });
    if let Some(typed) = &plan.price {
        new["price"] = json!({
            "input_usd_per_million": per_million(typed.0.input.0),
            "output_usd_per_million": per_million(typed.0.output.0),
        });
    }
    let typed = plan.template.as_str();
    if templates::names().contains(&typed) || !templates::looks_like_a_file(typed) {
        // The server may have templates of its own.
        new["template"] = json!(typed);
    } else {
        // Wrong ones are told of here; and so it keeps the name of its file.
        new["template_text"] = json!(json!(templates::of_file(Path::new(typed))?).to_string());
    }
    Ok(new)
}

#[expect(clippy::cast_precision_loss, reason = "a price a person typed has few digits")]
fn per_million(picos: u64) -> f64 {
    picos as f64 / 1e6
}

/// Where the server finds the documents: buckets as they are, folders that it may read itself,
/// everything else is sent.
async fn where_from(remote: &Remote, args: &SourceArgs, context: &Context) -> Result<Vec<String>, Fault> {
    let mut there = Vec::new();
    let mut to_send = Vec::new();
    let takes_all = args.include.is_empty()
        && args.exclude.is_empty()
        && !args.follow_links
        && args.max_document_bytes == 100 * 1024 * 1024;
    for source in absolute_sources(args)? {
        let is_bucket = ["s3://", "gs://", "az://"]
            .iter()
            .any(|scheme| source.starts_with(scheme));
        let is_path = !source.contains("://") && !source.starts_with("list:");
        if is_bucket || (is_path && takes_all && reads_itself(remote, &source).await?) {
            there.push(source);
        } else {
            to_send.push(source);
        }
    }
    if !to_send.is_empty() {
        there.push(send(remote, &to_send, args, context).await?);
    }
    Ok(there)
}

/// Whether the server is on this machine and may read the path: nothing need be sent then.
async fn reads_itself(remote: &Remote, path: &str) -> Result<bool, Fault> {
    if !remote.http().is_here() {
        return Ok(false);
    }
    let looked: Result<Value, Fault> = remote
        .http()
        .send("POST", "/sources/preview", &json!({ "sources": [path] }))
        .await;
    match looked {
        Ok(_) => Ok(true),
        Err(fault) if fault.exit == Exit::Usage => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// Sends documents; returns the upload as a source.
async fn send(
    remote: &Remote,
    specs: &[String],
    args: &SourceArgs,
    context: &Context,
) -> Result<String, Fault> {
    let options = Options {
        include: args.include.clone(),
        exclude: args.exclude.clone(),
        follow_links: args.follow_links,
        ..Options::from_variables(std::env::vars_os())
    };
    let sources = Sources::new(options).map_err(docmill_engine::EngineError::from)?;
    let found = sources
        .discover(specs)
        .await
        .map_err(docmill_engine::EngineError::from)?;
    let upload: Upload = remote.http().send("POST", "/uploads", &json!({})).await?;
    let (ui, sent) = (&context.ui, AtomicU64::new(0));
    let reporter = Mutex::new(Reporter::new(ui));
    let names = Mutex::new(HashSet::new());
    found
        .map_err(|error| Fault::from(docmill_engine::EngineError::from(error)))
        .try_for_each_concurrent(AT_ONCE, async |item| {
            let found = match item {
                Discovered::Document(found) => found,
                Discovered::Notice(notice) => {
                    note(&reporter, &notice);
                    return Ok(());
                }
            };
            let content = match sources.read(&found.key, args.max_document_bytes).await {
                Ok(content) => content,
                Err(failure) => {
                    note(
                        &reporter,
                        &format!("{} was left out: {}", found.name, failure.message),
                    );
                    return Ok(());
                }
            };
            let name = unused(&names, &found);
            send_one(remote, &upload.id, &name, content).await?;
            let sent = sent.fetch_add(1, Ordering::Relaxed) + 1;
            if let Ok(mut reporter) = reporter.lock() {
                reporter.counting("sent:", sent, None);
            }
            Ok(())
        })
        .await?;
    drop(reporter);
    if sent.load(Ordering::Relaxed) == 0 {
        return Err(
            Fault::usage(format!("no documents were found in {}", specs.join(", ")))
                .hint("check the path, and --include and --exclude; hidden files are left out"),
        );
    }
    Ok(format!("upload:{}", upload.id))
}

fn note(reporter: &Mutex<Reporter>, words: &str) {
    if let Ok(mut reporter) = reporter.lock() {
        reporter.note(&clean(words));
    }
}

/// A name no other document of the upload has: two folders may hold the same names.
fn unused(names: &Mutex<HashSet<String>>, found: &Found) -> String {
    let Ok(mut names) = names.lock() else {
        return found.name.clone();
    };
    let mut name = found.name.clone();
    let mut number = 1;
    while !names.insert(name.clone()) {
        number += 1;
        name = format!("{number}/{}", found.name);
    }
    name
}

async fn send_one(remote: &Remote, upload: &str, name: &str, content: Bytes) -> Result<(), Fault> {
    let path = format!("/uploads/{upload}/files?path={}", segment(name));
    let mut tries = 0;
    loop {
        tries += 1;
        match remote.http().upload(&path, content.clone()).await {
            Err(fault) if fault.exit == Exit::Failure && tries < TRIES => {}
            ended => return ended,
        }
    }
}

/// Waits until the server has found and counted the documents, with progress.
pub async fn counted(remote: &Remote, id: BatchId, context: &Context) -> Result<(), Fault> {
    let mut reporter = Reporter::new(&context.ui);
    loop {
        let jobs = remote.jobs(id).await?;
        let Some(job) = jobs.into_iter().find(|job| job.kind == "prepare") else {
            return Ok(());
        };
        match job.state.as_str() {
            "running" => {
                let total = (job.total > 0).then_some(job.total);
                let what = if job.message.is_empty() {
                    "waiting:"
                } else {
                    &job.message
                };
                reporter.counting(what, job.done, total);
            }
            "done" => return Ok(()),
            _ => return Err(Fault::usage(job.message)),
        }
        tokio::time::sleep(LOOK).await;
    }
}
