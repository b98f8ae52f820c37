//! The child's side: limits first, then one document after the other.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use docmill_core::failure::{Failure, FailureCode};
use rustix::process::{
    Resource, Rlimit, Signal, getpgrp, getpid, getppid, getrlimit, kill_current_process_group, kill_process,
    setrlimit,
};

use super::confine::confine;
use super::frame::{self, Answer, Order, Reply, Task};
use crate::cpu;

/// Address space of a child: what one document may take, and the program itself. The
/// document's own bytes come on top, see [`allow_memory`].
const MEMORY: u64 = 1024 * 1024 * 1024;

/// Decoders keep the document, their own copy of it, and the renderer's.
const COPIES: u64 = 3;

/// Resident memory beyond which a child is replaced, in KiB.
const WORN_KIB: u64 = 384 * 1024;

/// The same of addresses: half of what a document may take is left then, and its stack.
const WORN_ADDRESSES_KIB: u64 = 640 * 1024;

/// Files a child may have open: its pipes, those to tesseract, and little else.
const FILES: u64 = 64;

/// How often a child looks whether its parent still lives.
const WATCH: Duration = Duration::from_secs(1);

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
    watch_memory();
    // First of all: it holds for threads that come after.
    confine()?;
    cpu::arm();
    allow_memory(0)?;
    hard(Resource::Core, 0)?;
    hard(Resource::Nofile, FILES)?;
    // Where the system cannot forbid writing at all.
    hard(Resource::Fsize, 64 * 1024 * 1024)?;
    watch_parent()
}

/// If the parent dies without a word, so does the child, with what it started. The system's
/// own signal for this is not used: it comes when the *thread* that started the child ends,
/// and the parent's runtime ends threads as it likes.
fn watch_parent() -> io::Result<()> {
    let parent = getppid();
    thread::Builder::new()
        .stack_size(64 * 1024)
        .spawn(move || {
            while getppid() == parent {
                thread::sleep(WATCH);
            }
            end(getpgrp() == getpid());
        })
        .map(drop)
}

/// Started by hand the child is in a group with others, which are none of its business.
fn end(own_group: bool) {
    if own_group {
        let _ = kill_current_process_group(Signal::KILL);
    }
    let _ = kill_process(getpid(), Signal::KILL);
}

/// What the next document may take.
fn allow_memory(document: usize) -> io::Result<()> {
    let maximum = getrlimit(Resource::As).maximum;
    let wanted = MEMORY.saturating_add(COPIES.saturating_mul(document as u64));
    let current = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    setrlimit(
        Resource::As,
        Rlimit {
            current: Some(current),
            maximum,
        },
    )
    .map_err(io::Error::from)
}

/// Whether this process has grown large, in memory or in addresses: an allocator keeps those of a
/// large picture, and the next document would not get enough of them. Where the system does not
/// say, the count of documents alone decides when it is replaced.
fn is_worn() -> bool {
    let Some(status) = status() else { return false };
    let above = |name: &str, most: u64| kib_of(&status, name).is_some_and(|kib| kib > most);
    above("VmRSS:", WORN_KIB) || above("VmSize:", WORN_ADDRESSES_KIB)
}

/// Where the system says how much memory this process has: opened while it still may be.
static MEMORY_STATUS: OnceLock<File> = OnceLock::new();

fn watch_memory() {
    if let Ok(file) = File::open("/proc/self/status") {
        let _ = MEMORY_STATUS.set(file);
    }
}

fn status() -> Option<String> {
    let mut status = [0; 4096];
    let read = MEMORY_STATUS.get()?.read_at(&mut status, 0).ok()?;
    Some(std::str::from_utf8(&status[..read]).ok()?.to_owned())
}

fn kib_of(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn serve() -> io::Result<()> {
    let mut input = io::stdin().lock();
    let mut output = io::stdout().lock();
    while let Some(order) = frame::read(&mut input)? {
        let order: Order = postcard::from_bytes(&order).map_err(io::Error::other)?;
        let Some(content) = frame::read(&mut input)? else {
            return Ok(());
        };
        cpu::allow(cpu::DOCUMENT);
        allow_memory(content.len())?;
        let (reply, broke_down) = on_large_stack(order, content);
        let answer = Answer {
            worn: broke_down || is_worn(),
            reply,
        };
        let mut answer = postcard::to_stdvec(&answer).map_err(io::Error::other)?;
        if answer.len() > frame::LARGEST as usize {
            let reply = Reply::failed(&Failure::new(
                FailureCode::ParseLimit,
                "what was read of it is larger than docmill takes",
            ));
            answer = postcard::to_stdvec(&Answer { worn: true, reply }).map_err(io::Error::other)?;
        }
        frame::write(&mut output, &answer)?;
    }
    Ok(())
}

/// What came of a document, and whether this process may have been left in disorder by it.
fn on_large_stack(order: Order, content: Vec<u8>) -> (Reply, bool) {
    let thread = thread::Builder::new()
        .stack_size(STACK)
        .spawn(move || carry_out(&order, &content));
    match thread.map(thread::JoinHandle::join) {
        Ok(Ok(done)) => done,
        _ => (broke_down(), true),
    }
}

fn broke_down() -> Reply {
    Reply::failed(&Failure::new(
        FailureCode::ParseCrash,
        "the reader broke down on it",
    ))
}

fn carry_out(order: &Order, content: &[u8]) -> (Reply, bool) {
    let done = catch_unwind(|| match &order.task {
        Task::Read { options, ocr_seconds } => {
            let ocr_until = Instant::now().checked_add(Duration::from_secs(*ocr_seconds));
            crate::read::read(&order.name, content, &order.passwords, options, ocr_until)
                .and_then(|reading| {
                    serde_json::to_vec(&reading)
                        .map_err(|error| Failure::new(FailureCode::Internal, error.to_string()))
                })
                .map(Reply::Reading)
        }
        Task::Render(images) => {
            crate::read::render(&order.name, content, &order.passwords, *images).map(Reply::Pictures)
        }
    });
    match done {
        Ok(Ok(reply)) => (reply, false),
        Ok(Err(failure)) => (Reply::failed(&failure), false),
        Err(_) => (broke_down(), true),
    }
}
