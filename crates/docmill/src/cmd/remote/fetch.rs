//! Results of a batch at a server, brought here.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use docmill_core::document::DocumentState;
use docmill_core::escape;
use docmill_engine::export::{Exported, Format, Target};
use docmill_server::views::JobView;
use docmill_store::BatchRow;
use http_body_util::BodyExt as _;
use serde_json::json;

use crate::args::{Context, OutFile};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::remote::{Remote, segment};
use crate::report::live::Reporter;

/// How often the server is asked how far it is.
const LOOK: Duration = Duration::from_millis(250);

/// Has the server write the results, and brings its files here: whole or not at all.
pub async fn fetch(
    remote: &Remote,
    row: &BatchRow,
    out: &OutFile,
    states: &[DocumentState],
    context: &Context,
) -> Result<Exported, Fault> {
    let names: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    let mut wanted = json!({
        "action": "export",
        "format": out.format.as_str(),
        "evidence": out.evidence,
        "excel_safe": out.csv.excel_safe,
        "bom": out.csv.bom,
        "filter": {},
    });
    if !names.is_empty() {
        wanted["filter"] = json!({ "state": names.join(",") });
    }
    let asked = remote.job(row.id, &wanted).await?;
    let job = written(remote, row, &asked, context).await?;
    let mut files = Vec::new();
    let mut left_out = Vec::new();
    for (index, name) in job.files.iter().enumerate() {
        let path = format!("/jobs/{}/files/{}", job.id, segment(name));
        let target = match &out.target {
            Target::Stdout if index == 0 => {
                let is_text = !out.format.is_binary() && context.ui.terminal_out;
                print(remote, &path, is_text.then_some(out.format)).await?;
                continue;
            }
            Target::Stdout => {
                left_out.push(list_of(name).to_owned());
                continue;
            }
            Target::Folder(folder) => {
                std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
                folder.join(name)
            }
            Target::File(file) if index == 0 => file.clone(),
            Target::File(file) => beside(file, name),
        };
        save(remote, &path, &target).await?;
        files.push(target);
    }
    Ok(Exported {
        documents: job.done,
        files,
        left_out,
    })
}

/// Waits until the server has written them.
async fn written(
    remote: &Remote,
    row: &BatchRow,
    asked: &JobView,
    context: &Context,
) -> Result<JobView, Fault> {
    let mut reporter = Reporter::new(&context.ui);
    loop {
        let jobs = remote.jobs(row.id).await?;
        let job = jobs.into_iter().find(|job| job.id == asked.id);
        match job {
            Some(job) if job.state == "running" => {
                reporter.counting("writing", job.done, Some(job.total));
            }
            Some(job) if job.state == "done" => return Ok(job),
            Some(job) => return Err(Fault::new(Exit::Failure, job.message)),
            None => {
                return Err(Fault::new(
                    Exit::Failure,
                    "the server forgot what it was to write",
                ));
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// `documents.items.csv` is the list `items`.
fn list_of(name: &str) -> &str {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    stem.strip_prefix("documents.").unwrap_or(stem)
}

/// Lists stand beside their documents: `results.items.csv`.
fn beside(main: &Path, name: &str) -> PathBuf {
    let stem = main.file_stem().unwrap_or_default().to_string_lossy();
    let extension = main.extension().unwrap_or_default().to_string_lossy();
    main.with_file_name(format!("{stem}.{}.{extension}", list_of(name)))
}

/// Sends a file to standard output; `terminal` says that it is one, and what comes.
async fn print(remote: &Remote, path: &str, terminal: Option<Format>) -> Result<(), Fault> {
    if let Some(format) = terminal {
        return show(remote, path, format).await;
    }
    let mut body = remote.http().download(path).await?;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| remote.http().broken(&error))?;
        if let Some(piece) = frame.data_ref() {
            std::io::stdout()
                .lock()
                .write_all(piece)
                .map_err(|error| Fault::output(&error))?;
        }
    }
    std::io::stdout().flush().map_err(|error| Fault::output(&error))
}

/// On a terminal a file is collected first: people do not look at large ones there, and what is
/// hostile must be judged in whole characters.
async fn show(remote: &Remote, path: &str, format: Format) -> Result<(), Fault> {
    let body = remote.http().download(path).await?;
    let whole = body
        .collect()
        .await
        .map_err(|error| remote.http().broken(&error))?;
    let text = String::from_utf8_lossy(&whole.to_bytes()).into_owned();
    let shown = match format {
        Format::Jsonl => escape::json(&text),
        _ => escape::lines(&text),
    };
    std::io::stdout()
        .write_all(shown.as_bytes())
        .map_err(|error| Fault::output(&error))
}

async fn save(remote: &Remote, path: &str, target: &Path) -> Result<(), Fault> {
    let mut part = target.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let brought = bring(remote, path, &part)
        .await
        .and_then(|()| std::fs::rename(&part, target).map_err(|error| unwritable(target, &error)));
    if brought.is_err() {
        // Half of a file is no result.
        let _ = std::fs::remove_file(&part);
    }
    brought
}

async fn bring(remote: &Remote, path: &str, part: &Path) -> Result<(), Fault> {
    let mut body = remote.http().download(path).await?;
    let mut file = std::fs::File::create(part).map_err(|error| unwritable(part, &error))?;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| remote.http().broken(&error))?;
        if let Some(piece) = frame.data_ref() {
            file.write_all(piece).map_err(|error| unwritable(part, &error))?;
        }
    }
    file.sync_all().map_err(|error| unwritable(part, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Fault {
    Fault::new(
        Exit::Failure,
        format!("{} cannot be written: {error}", path.display()),
    )
    .hint("choose another place with --out")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_stand_beside_what_the_person_named() {
        assert_eq!(
            beside(Path::new("/x/march.csv"), "documents.items.csv"),
            Path::new("/x/march.items.csv")
        );
        assert_eq!(list_of("documents.lines.parquet"), "lines");
    }
}
