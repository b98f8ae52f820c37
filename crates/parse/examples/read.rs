//! Reads files and folders as docmill does and prints one line each: for trying
//! readers by hand, and for the figures in docs/decisions/parsing.md.
//!
//! cargo run --release --example read -- [--tesseract] [--json FOLDER] [--password P]... PATH...
//!
//! With --json each reading is written to FOLDER as well. The worker program
//! (docmill-parse-worker) must have been built beside the example.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use docmill_parse::sandbox::{Config, Sandbox};
use docmill_parse::{Documents, OcrEngine, ReadOptions, ReadRequest, Reader};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = ReadOptions {
        ocr_engine: docmill_parse::best_engine().unwrap_or_default(),
        ..ReadOptions::default()
    };
    let mut passwords = Vec::new();
    let mut json = None;
    let mut paths = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--password" => passwords.extend(arguments.next()),
            "--tesseract" => options.ocr_engine = OcrEngine::Tesseract,
            "--json" => json = arguments.next().map(PathBuf::from),
            _ => collect(Path::new(&argument), &mut paths)?,
        }
    }
    let example = std::env::current_exe()?;
    let program = example
        .parent()
        .and_then(Path::parent)
        .map(|folder| folder.join("docmill-parse-worker"));
    let program = program.ok_or("the worker program is not beside the example")?;
    let reader = Documents::new(Sandbox::new(Config {
        program,
        arguments: Vec::new(),
        children: 2,
        limit: Duration::from_secs(15),
        ocr_limit: Duration::from_secs(300),
    }));
    let mut largest = 0;
    for path in paths {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let content = std::fs::read(&path)?.into();
        let started = Instant::now();
        let request = ReadRequest {
            name,
            content,
            passwords: passwords.clone(),
            options: options.clone(),
        };
        let result = reader.read(request).await;
        let took = started.elapsed().as_millis();
        largest = largest.max(largest_child());
        let shown = path.display();
        match result {
            Ok(reading) => {
                let words: usize = reading.pages.iter().map(|page| page.words.len()).sum();
                println!(
                    "ok\t{took} ms\t{}\t{}\t{} pages\t{} bytes\t{words} words\t{}\t{shown}\t{}",
                    reading.kind,
                    reading.class,
                    reading.page_count,
                    reading.text_bytes(),
                    if reading.is_partial() { "partial" } else { "whole" },
                    reading
                        .findings
                        .iter()
                        .map(|it| format!("[{}] {}", it.kind, it.message))
                        .collect::<Vec<_>>()
                        .join(" ")
                );
                if let Some(folder) = &json {
                    std::fs::create_dir_all(folder)?;
                    let name = path.to_string_lossy().replace('/', "_");
                    std::fs::write(folder.join(format!("{name}.json")), serde_json::to_vec(&reading)?)?;
                }
            }
            Err(failure) => println!("no\t{took} ms\t{}\t{failure}\t{shown}", failure.code),
        }
    }
    eprintln!("largest worker that lived on: {} MB", largest / 1024);
    Ok(())
}

/// Most memory any child of this process ever had, in KiB, where the system tells (Linux).
fn largest_child() -> u64 {
    let own = format!("{}", std::process::id());
    let field = |status: &str, name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next().map(str::to_owned)
    };
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return 0;
    };
    processes
        .flatten()
        .filter_map(|process| std::fs::read_to_string(process.path().join("status")).ok())
        .filter(|status| field(status, "PPid:").as_ref() == Some(&own))
        .filter_map(|status| field(&status, "VmHWM:")?.parse().ok())
        .max()
        .unwrap_or(0)
}

fn collect(path: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        paths.push(path.to_owned());
        return Ok(());
    }
    let mut entries: Vec<PathBuf> = std::fs::read_dir(path)?
        .map(|entry| entry.map(|it| it.path()))
        .collect::<Result<_, _>>()?;
    entries.sort();
    for entry in entries {
        collect(&entry, paths)?;
    }
    Ok(())
}
