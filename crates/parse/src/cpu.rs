//! The CPU time of a parse worker. Each document gets a share; slow work that is
//! known to be work (a page rendered for text recognition) asks for more, so that a
//! loop without end is told from a hundred scanned pages.

use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

/// CPU seconds a document begins with.
pub(crate) const DOCUMENT: u64 = 18;

/// CPU seconds for each page that is read or rendered by itself.
pub(crate) const PAGE: u64 = 10;

/// Only a worker limits itself: these functions do nothing anywhere else.
static IN_WORKER: AtomicBool = AtomicBool::new(false);

/// This process is a parse worker.
pub(crate) fn arm() {
    IN_WORKER.store(true, Ordering::Relaxed);
}

/// Gives what comes now its own share of so many seconds.
pub(crate) fn allow(seconds: u64) {
    if !IN_WORKER.load(Ordering::Relaxed) {
        return;
    }
    let used = u64::try_from(clock_gettime(ClockId::ProcessCPUTime).tv_sec).unwrap_or(0);
    let limit = Rlimit {
        current: Some(used + seconds),
        maximum: getrlimit(Resource::Cpu).maximum,
    };
    // Refused only when a harder limit was set from outside, which then holds.
    let _ = setrlimit(Resource::Cpu, limit);
}
