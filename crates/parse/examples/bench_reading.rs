//! Measures how well and how fast PDFs are read, with poppler beside it where installed.
//!
//! cargo run --release -p docmill-parse --example bench_reading -- [FOLDER]...
//!
//! Each FOLDER is searched for PDFs. A PDF with `NAME-str.xml` beside it (the form of the
//! ICDAR 2013 table competition) is also measured by its rows: of the rows of the truth with two
//! cells or more, those whose cells all stand on one line of the text. The worker program
//! (docmill-parse-worker) must have been built beside the example.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use docmill_parse::sandbox::{Config, Sandbox};
use docmill_parse::{Documents, Ocr, ReadOptions, ReadRequest, Reader};
use quick_xml::events::Event;

/// Readers at the same time, on both sides.
const AT_ONCE: usize = 2;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut folders: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    if folders.is_empty() {
        folders.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples"));
    }
    let mut paths = Vec::new();
    for folder in &folders {
        collect(folder, &mut paths)?;
    }
    let (texts, pages, took) = read(&paths).await?;
    println!("{} PDFs, {pages} pages", paths.len());
    println!("reader    pages/s  rows on one line");
    println!("docmill   {:7.0}  {}", speed(pages, took), rows(&paths, &texts)?);
    match poppler(&paths) {
        Some((texts, took)) => println!("poppler   {:7.0}  {}", speed(pages, took), rows(&paths, &texts)?),
        None => println!("poppler   not installed"),
    }
    Ok(())
}

fn speed(pages: usize, took: Duration) -> f64 {
    pages as f64 / took.as_secs_f64()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|it| it.path()))
        .collect::<Result<_, _>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "pdf") {
            paths.push(path);
        }
    }
    Ok(())
}

/// The texts of all documents, how many pages they have, and how long it took.
async fn read(paths: &[PathBuf]) -> Result<(Vec<String>, usize, Duration), Box<dyn std::error::Error>> {
    let example = std::env::current_exe()?;
    let program = example.parent().and_then(Path::parent);
    let program = program
        .ok_or("the example stands nowhere")?
        .join("docmill-parse-worker");
    let reader = Arc::new(Documents::new(Sandbox::new(Config {
        program,
        arguments: Vec::new(),
        children: AT_ONCE,
        limit: Duration::from_secs(60),
        ocr_limit: Duration::from_secs(60),
    })));
    let started = Instant::now();
    let mut texts = vec![String::new(); paths.len()];
    let mut pages = 0;
    let mut running = tokio::task::JoinSet::new();
    for (at, path) in paths.iter().enumerate() {
        if running.len() >= AT_ONCE * 2
            && let Some(done) = running.join_next().await
        {
            let (at, text, count) = done?;
            texts[at] = text;
            pages += count;
        }
        let request = ReadRequest {
            name: path.to_string_lossy().into_owned(),
            content: std::fs::read(path)?.into(),
            passwords: Vec::new(),
            options: ReadOptions {
                ocr: Ocr::Off,
                ..ReadOptions::default()
            },
        };
        let reader = Arc::clone(&reader);
        running.spawn(async move {
            match reader.read(request).await {
                Ok(reading) => {
                    let text = reading.pages.iter().map(|page| page.text.as_str());
                    (at, text.collect::<Vec<_>>().join("\n"), reading.pages.len())
                }
                Err(_) => (at, String::new(), 0),
            }
        });
    }
    while let Some(done) = running.join_next().await {
        let (at, text, count) = done?;
        texts[at] = text;
        pages += count;
    }
    Ok((texts, pages, started.elapsed()))
}

/// The same by poppler's pdftotext, which keeps the layout.
fn poppler(paths: &[PathBuf]) -> Option<(Vec<String>, Duration)> {
    Command::new("pdftotext").arg("-v").output().ok()?;
    let started = Instant::now();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut texts = Vec::new();
        while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
            let output = Command::new("pdftotext")
                .args(["-layout".as_ref(), path.as_os_str(), "-".as_ref()])
                .output();
            let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
            texts.push((path.clone(), text.unwrap_or_default()));
        }
        texts
    };
    let texts: BTreeMap<PathBuf, String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .filter_map(|worker| worker.join().ok())
            .flatten()
            .collect()
    });
    let took = started.elapsed();
    Some((paths.iter().map(|path| texts[path].clone()).collect(), took))
}

/// "611 of 638": rows of all tables with a truth, whose cells stand on one line.
fn rows(paths: &[PathBuf], texts: &[String]) -> Result<String, Box<dyn std::error::Error>> {
    let (mut found, mut all) = (0, 0);
    for (path, text) in paths.iter().zip(texts) {
        let truth = path.with_file_name(format!(
            "{}-str.xml",
            path.file_stem().unwrap_or_default().to_string_lossy()
        ));
        if !truth.exists() {
            continue;
        }
        let lines: Vec<String> = text.lines().map(squeeze).collect();
        for row in rows_of(&std::fs::read_to_string(truth)?) {
            all += 1;
            found += usize::from(
                lines
                    .iter()
                    .any(|line| row.iter().all(|cell| line.contains(cell))),
            );
        }
    }
    Ok(if all == 0 {
        "no truth".to_owned()
    } else {
        format!("{found} of {all}")
    })
}

/// Letters and digits only.
fn squeeze(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// The rows with two cells or more that say something.
fn rows_of(truth: &str) -> Vec<Vec<String>> {
    let mut reader = quick_xml::Reader::from_str(truth);
    let mut rows: BTreeMap<(usize, u32), Vec<String>> = BTreeMap::new();
    let (mut region, mut row, mut content) = (0, 0, None::<String>);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => match start.local_name().as_ref() {
                "region" => region += 1,
                "cell" => {
                    let value = start.try_get_attribute("start-row").ok().flatten();
                    row = value.and_then(|value| value.value.parse().ok()).unwrap_or(0);
                }
                "content" => content = Some(String::new()),
                _ => {}
            },
            Ok(Event::Text(text)) => {
                if let Some(content) = &mut content {
                    content.push_str(&text);
                }
            }
            Ok(Event::End(end)) if end.local_name().as_ref() == "content" => {
                let cell = content.take().unwrap_or_default();
                if !cell.trim().is_empty() {
                    rows.entry((region, row)).or_default().push(squeeze(&cell));
                }
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    rows.into_values().filter(|cells| cells.len() >= 2).collect()
}
