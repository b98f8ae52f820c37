//! docmill, the command: reads arguments, joins the parts, reports.
//!
//! - [`args`]: what can be typed, and what it means on this machine.
//! - [`cmd`]: one file per verb.
//! - [`report`]: what people and programs get to see.
//! - [`wire`]: the only place that names concrete parts.
//! - [`place`]: where batches are, here or at a running server; [`remote`]: that server.
//! - [`deed`]: what goes into the audit log; [`telemetry`]: where log lines, traces and metrics go. [`exit`], [`fault`]: how a command ends. [`harden`]: no dumps of memory.

mod args;
mod clock;
mod cmd;
mod deed;
mod exit;
mod fault;
mod harden;
mod place;
mod remote;
mod report;
mod telemetry;
mod templates;
mod wire;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Context, Verb};
use exit::Exit;
use report::Ui;

/// Documents and answers are taken apart on several threads at once: with the system's allocator a
/// fifth of the processor's time goes into taking and giving back memory (measured).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    harden::harden();
    let cli = Cli::parse();
    // It has no home, no settings and no terminal.
    if matches!(cli.verb, Verb::ParseWorker) {
        return wire::parse_worker();
    }
    let ui = Ui::new(&cli.global);
    let ended = Context::new(&cli.global).and_then(|context| cmd::perform(cli.verb, &context));
    match ended {
        Ok(code) => code,
        // Whoever read our output has had enough: that is no failure.
        Err(fault) if fault.is_broken_pipe => Exit::Ok.into(),
        Err(fault) => {
            ui.fault(&fault);
            fault.exit.into()
        }
    }
}
