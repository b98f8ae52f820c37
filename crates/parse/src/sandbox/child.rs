//! The child's side: limits first, then one document after the other.

use std::io;
use std::panic::catch_unwind;
use std::process::ExitCode;

use docmill_core::failure::{Failure, FailureCode};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::frame::{self, Order, Reply, Task};
use crate::cpu;

/// Address space of a child: what one document may take, and the program itself.
const MEMORY: u64 = 1024 * 1024 * 1024;

/// Stack of the thread that decodes: formats nest, and some decoders recurse.
const STACK: usize = 64 * 1024 * 1024;

/// Serves orders from standard input until it ends.
pub fn main() -> ExitCode {
    if let Err(error) = limit() {
        eprintln!("the parse worker could not limit itself: {error}");
        return ExitCode::FAILURE;
    }
    // Its report would go to the parent's terminal; the failure says what is needed.
    std::panic::set_hook(Box::new(|_| {}));
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn limit() -> io::Result<()> {
    let hard = |resource, most| {
        let current = getrlimit(resource).maximum;
        let most = current.map_or(most, |current| current.min(most));
        setrlimit(
            resource,
            Rlimit {
                current: Some(most),
                maximum: Some(most),
            },
        )
    };
    cpu::arm();
    hard(Resource::As, MEMORY)?;
    hard(Resource::Core, 0)?;
    // Decoders write no files; tesseract may keep small ones.
    hard(Resource::Fsize, 64 * 1024 * 1024)?;
    // If the parent dies without a word, so do we.
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    Ok(())
}

fn serve() -> io::Result<()> {
    let mut input = io::stdin().lock();
    let mut output = io::stdout().lock();
    while let Some(order) = frame::read(&mut input)? {
        let order: Order = postcard::from_bytes(&order).map_err(io::Error::other)?;
        let Some(content) = frame::read(&mut input)? else {
            return Ok(());
        };
        cpu::allow_more();
        let reply = on_large_stack(order, content);
        let reply = postcard::to_stdvec(&reply).map_err(io::Error::other)?;
        frame::write(&mut output, &reply)?;
    }
    Ok(())
}

fn on_large_stack(order: Order, content: Vec<u8>) -> Reply {
    let thread = std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(move || carry_out(&order, &content));
    match thread.map(std::thread::JoinHandle::join) {
        Ok(Ok(reply)) => reply,
        _ => Reply::failed(&Failure::new(
            FailureCode::ParseCrash,
            "the reader broke down on it",
        )),
    }
}

fn carry_out(order: &Order, content: &[u8]) -> Reply {
    let done = catch_unwind(|| match &order.task {
        Task::Read(options) => crate::read::read(&order.name, content, &order.passwords, options)
            .and_then(|reading| {
                serde_json::to_vec(&reading)
                    .map_err(|error| Failure::new(FailureCode::Internal, error.to_string()))
            })
            .map(Reply::Reading),
        Task::Render(images) => {
            crate::read::render(&order.name, content, &order.passwords, *images).map(Reply::Pictures)
        }
    });
    match done {
        Ok(Ok(reply)) => reply,
        Ok(Err(failure)) => Reply::failed(&failure),
        Err(_) => Reply::failed(&Failure::new(
            FailureCode::ParseCrash,
            "the reader broke down on it",
        )),
    }
}
