//! `docmill doctor`: what is installed, what is missing, how to get it.

use std::env;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::args::{Context, DoctorArgs};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::report::Style;
use crate::report::table::Table;
use crate::report::text::bytes;
use crate::{templates, wire};

/// How a finding is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    /// There and working.
    Good,
    /// Not there, and not needed for everything.
    Missing,
    /// In the way of working.
    Bad,
}

impl Health {
    const fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Missing => "missing",
            Self::Bad => "broken",
        }
    }

    const fn style(self) -> Style {
        match self {
            Self::Good => Style::Green,
            Self::Missing => Style::Yellow,
            Self::Bad => Style::Red,
        }
    }
}

struct Finding {
    subject: &'static str,
    health: Health,
    what: String,
    hint: Option<String>,
}

/// Carries out the verb. The exit status says whether anything is in the way.
pub fn perform(args: &DoctorArgs, context: &Context) -> Result<Exit, Fault> {
    let mut findings = vec![program(), database(context), templates_found()];
    findings.extend(wire::tools().iter().map(program_found));
    findings.extend([keys(), sandbox(), temporary_files()]);
    let ui = &context.ui;
    if args.json {
        let list: Vec<Value> = findings.iter().map(as_json).collect();
        ui.json(&list)?;
    } else {
        let mut table = Table::new(&["", "", ""]);
        for finding in &findings {
            table.row(vec![
                (finding.health.word().to_owned(), Some(finding.health.style())),
                (finding.subject.to_owned(), Some(Style::Bold)),
                (finding.what.clone(), None),
            ]);
        }
        ui.out(&table.render(ui.color_out, None))?;
        for finding in &findings {
            if let Some(hint) = &finding.hint {
                ui.hint(&format!("{}: {hint}", finding.subject));
            }
        }
    }
    let broken = findings.iter().any(|finding| finding.health == Health::Bad);
    Ok(if broken { Exit::Failure } else { Exit::Ok })
}

fn as_json(finding: &Finding) -> Value {
    json!({
        "subject": finding.subject,
        "health": finding.health.word(),
        "what": finding.what,
        "hint": finding.hint,
    })
}

fn program() -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let what = format!(
        "version {}, {} {}, {cores} cores",
        env!("CARGO_PKG_VERSION"),
        env::consts::OS,
        env::consts::ARCH
    );
    Finding {
        subject: "docmill",
        health: Health::Good,
        what,
        hint: None,
    }
}

fn database(context: &Context) -> Finding {
    let path = context.database();
    let subject = "database";
    let shown = path.display();
    match wire::store_to_look(context) {
        Ok(Some(_)) => {
            let size = std::fs::metadata(&path).map_or(0, |found| found.len());
            Finding {
                subject,
                health: Health::Good,
                what: format!("{shown}, {}", bytes(size)),
                hint: None,
            }
        }
        Ok(None) => Finding {
            subject,
            health: Health::Good,
            what: format!("{shown} will be made by the first docmill run"),
            hint: None,
        },
        Err(fault) => Finding {
            subject,
            health: Health::Bad,
            what: fault.message,
            hint: fault.hint,
        },
    }
}

fn templates_found() -> Finding {
    let subject = "templates";
    match templates::built_in() {
        Ok(found) => {
            let names: Vec<String> = found.into_iter().map(|template| template.name).collect();
            Finding {
                subject,
                health: Health::Good,
                what: names.join(", "),
                hint: None,
            }
        }
        Err(fault) => Finding {
            subject,
            health: Health::Bad,
            what: fault.message,
            hint: None,
        },
    }
}

/// Programs that docmill uses when they are there.
fn program_found(tool: &wire::Tool) -> Finding {
    let (health, what) = match &tool.version {
        Some(version) => (
            Health::Good,
            format!("version {version}, {}; {}", tool.details, tool.purpose),
        ),
        None => (Health::Missing, format!("not installed; {}", tool.purpose)),
    };
    let hint = tool.version.is_none().then(|| tool.install.to_owned());
    Finding {
        subject: tool.name,
        health,
        what,
        hint,
    }
}

/// Which providers have a key. Only names are ever shown.
fn keys() -> Finding {
    let mut found: Vec<String> = env::vars_os()
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.ends_with("_API_KEY"))
        .collect();
    found.sort();
    if found.is_empty() {
        return Finding {
            subject: "keys",
            health: Health::Missing,
            what: "no provider's key is set; the offline model and sim/MODEL work without".to_owned(),
            hint: Some("export OPENAI_API_KEY=… (or another provider's) to call its models".to_owned()),
        };
    }
    Finding {
        subject: "keys",
        health: Health::Good,
        what: found.join(", "),
        hint: None,
    }
}

/// What the system forbids the processes that read documents.
fn sandbox() -> Finding {
    let missing = wire::sandbox_support().missing();
    let subject = "sandbox";
    if missing.is_empty() {
        return Finding {
            subject,
            health: Health::Good,
            what: "readers of documents open no files, use no network, start nothing but tesseract"
                .to_owned(),
            hint: None,
        };
    }
    Finding {
        subject,
        health: Health::Missing,
        what: format!("for readers of documents, {}", missing.join("; ")),
        hint: Some("Linux 6.12 or later with Landlock and seccomp has all of it; limits on memory and time hold anyway".to_owned()),
    }
}

/// The folder temporary files go to.
fn temporary_files() -> Finding {
    let folder: PathBuf = env::temp_dir();
    let subject = "temporary files";
    let probe = folder.join(format!(".docmill-doctor-{}", std::process::id()));
    let written = std::fs::write(&probe, b"docmill").and_then(|()| std::fs::remove_file(&probe));
    match written {
        Ok(()) => Finding {
            subject,
            health: Health::Good,
            what: folder.display().to_string(),
            hint: None,
        },
        Err(error) => Finding {
            subject,
            health: Health::Bad,
            what: format!("{} cannot be written: {error}", folder.display()),
            hint: Some("set TMPDIR to a folder that can be".to_owned()),
        },
    }
}
