//! The journal: every answer, handed to the operating system the moment it is judged.
//!
//! The store takes answers in groups, a few milliseconds apart, because a synced transaction
//! costs the same for one as for twenty. An answer that waits for its group would be lost when
//! the process is killed, and bought again. So it is written into a file first, without a sync:
//! that survives the death of the process, though not of the machine, and costs microseconds.
//! Whoever clears up after a dead worker offers its journal to the store; answers that the store
//! has already change nothing.
//!
//! Two files take turns, so that they stay small: one is emptied when the store has all of it, and
//! so nothing that documents say is left in them at rest.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use docmill_core::failure::Failure;
use docmill_core::id::{BatchId, DocumentId, Ordinal, WorkerId};
use docmill_core::money::Usd;
use docmill_core::time::Timestamp;
use docmill_core::usage::Usage;
use docmill_store::{Bill, Commit, Next, Settlement, Store, StoreError};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A file is left for the other when it is larger than this.
const LARGE: u64 = 4 << 20;

/// An answer that was paid for.
#[derive(Serialize, Deserialize)]
struct Line {
    batch: Uuid,
    ordinal: u64,
    attempt: u32,
    usage: Usage,
    cost: Usd,
    latency_ms: u32,
    request_id: Option<String>,
    raw_answer: Option<String>,
    failure: Option<Failure>,
}

/// The journal of one run.
#[derive(Debug)]
pub(crate) struct Journal {
    paths: [PathBuf; 2],
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    files: [Option<File>; 2],
    /// Answers in each that the store does not have yet.
    waiting: [u64; 2],
    current: usize,
    bytes: u64,
    /// Writing failed, which was said once.
    failed: bool,
    line: Vec<u8>,
}

impl Journal {
    /// The journal of this worker for a batch, below the folder of the workers.
    pub(crate) fn new(folder: &Path, worker: WorkerId) -> Arc<Self> {
        Arc::new(Self {
            paths: paths(folder, worker),
            state: Mutex::new(State {
                files: [None, None],
                waiting: [0, 0],
                current: 0,
                bytes: 0,
                failed: false,
                line: Vec::new(),
            }),
        })
    }

    /// Writes an answer about a document down, if it was paid for.
    pub(crate) fn write(self: &Arc<Self>, document: DocumentId, settlement: &Settlement) -> Option<Entry> {
        let Bill::Actual { usage, cost } = settlement.bill else {
            return None;
        };
        let line = Line {
            batch: document.batch.0,
            ordinal: document.ordinal.0,
            attempt: settlement.attempt,
            usage,
            cost,
            latency_ms: settlement.latency_ms,
            request_id: settlement.request_id.clone(),
            raw_answer: settlement.raw_answer.clone(),
            failure: settlement.failure.clone(),
        };
        let mut state = self.state();
        match self.append(&mut state, &line) {
            Ok(file) => Some(Entry {
                journal: Arc::clone(self),
                file,
            }),
            Err(error) => {
                if !std::mem::replace(&mut state.failed, true) {
                    tracing::warn!(%error, "answers are not written into the journal; a crash may lose some");
                }
                None
            }
        }
    }

    fn append(&self, state: &mut State, line: &Line) -> io::Result<usize> {
        let other = 1 - state.current;
        if state.bytes > LARGE && state.waiting[other] == 0 {
            if let Some(file) = &state.files[other] {
                file.set_len(0)?;
            }
            (state.current, state.bytes) = (other, 0);
        }
        let current = state.current;
        let mut buffer = std::mem::take(&mut state.line);
        buffer.clear();
        serde_json::to_writer(&mut buffer, line)?;
        buffer.push(b'\n');
        if state.files[current].is_none() {
            state.files[current] = Some(open(&self.paths[current])?);
        }
        if let Some(file) = &mut state.files[current] {
            file.write_all(&buffer)?;
        }
        state.bytes += buffer.len() as u64;
        state.waiting[current] += 1;
        state.line = buffer;
        Ok(current)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer in the journal.
#[must_use]
#[derive(Debug)]
pub(crate) struct Entry {
    journal: Arc<Journal>,
    file: usize,
}

impl Entry {
    /// The store has it now.
    pub(crate) fn stored(self) {
        let state = &mut *self.journal.state();
        let waiting = &mut state.waiting[self.file];
        *waiting = waiting.saturating_sub(1);
        if *waiting > 0 {
            return;
        }
        // What documents say stays in no file longer than it must.
        if let Some(file) = &state.files[self.file]
            && file.set_len(0).is_ok()
            && self.file == state.current
        {
            state.bytes = 0;
        }
    }
}

/// Offers the answers of a dead worker to the store, and says how many there were.
pub(crate) async fn replay(
    folder: &Path,
    worker: WorkerId,
    store: &dyn Store,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let mut offered = 0;
    for path in paths(folder, worker) {
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        // The last line may have been cut off by the kill; its answer is as lost as before.
        for line in text
            .lines()
            .filter_map(|line| serde_json::from_str::<Line>(line).ok())
        {
            let taken = store.commit(Arc::new(commit_of(line, worker, now))).await;
            match taken {
                Ok(_) => offered += 1,
                // Its batch was removed meanwhile.
                Err(StoreError::NoSuchDocument(_) | StoreError::NoSuchBatch(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(offered)
}

/// Removes what a worker left that has ended, or was cleared up after.
pub(crate) fn remove(folder: &Path, worker: WorkerId) {
    for path in paths(folder, worker) {
        // A left-over file is harmless: no worker will ever have its id again.
        let _ = std::fs::remove_file(path);
    }
}

/// The answer as the end of its call; its document goes back into the queue, and finds it there.
fn commit_of(line: Line, worker: WorkerId, now: Timestamp) -> Commit {
    Commit {
        document: DocumentId {
            batch: BatchId(line.batch),
            ordinal: Ordinal(line.ordinal),
        },
        worker,
        settlement: Some(Settlement {
            attempt: line.attempt,
            bill: Bill::Actual {
                usage: line.usage,
                cost: line.cost,
            },
            latency_ms: line.latency_ms,
            request_id: line.request_id,
            raw_answer: line.raw_answer,
            failure: line.failure,
        }),
        next: Next::Released,
        facts: None,
        now,
    }
}

fn paths(folder: &Path, worker: WorkerId) -> [PathBuf; 2] {
    [0, 1].map(|number| folder.join(format!("{worker}.answers-{number}")))
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // Answers are what documents say.
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(journal: &Arc<Journal>, worker: WorkerId, ordinal: u64, answer: &str) -> Entry {
        let line = Line {
            batch: Uuid::from_u128(7),
            ordinal,
            attempt: 1,
            usage: Usage {
                input_tokens: 10,
                output_tokens: 2,
                ..Usage::default()
            },
            cost: Usd::from_nanos(5),
            latency_ms: 3,
            request_id: None,
            raw_answer: Some(answer.to_owned()),
            failure: None,
        };
        let commit = commit_of(line, worker, Timestamp(9));
        journal
            .write(commit.document, &commit.settlement.unwrap())
            .unwrap()
    }

    #[test]
    fn what_was_written_is_there_and_a_torn_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let worker = WorkerId(Uuid::from_u128(1));
        let journal = Journal::new(folder.path(), worker);
        let first = write(&journal, worker, 1, "{\"a\": 1}");
        let _waiting = write(&journal, worker, 2, "zwei\nZeilen");
        first.stored();
        let path = &paths(folder.path(), worker)[0];
        let mut file = open(path).unwrap();
        file.write_all(b"{\"batch\": \"0000").unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<Line> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1].raw_answer.as_deref(), Some("zwei\nZeilen"));
    }

    #[test]
    fn when_the_store_has_everything_nothing_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let worker = WorkerId(Uuid::from_u128(1));
        let journal = Journal::new(folder.path(), worker);
        let path = &paths(folder.path(), worker)[0];
        for ordinal in 1..=2 {
            let entry = write(&journal, worker, ordinal, "a secret");
            assert!(std::fs::read_to_string(path).unwrap().contains("a secret"));
            entry.stored();
            assert_eq!(std::fs::metadata(path).unwrap().len(), 0);
        }
    }

    #[test]
    fn files_take_turns_and_nothing_that_waits_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let worker = WorkerId(Uuid::from_u128(1));
        let journal = Journal::new(folder.path(), worker);
        let large = "x".repeat(1 << 20);
        let mut waiting = Vec::new();
        for ordinal in 0..20 {
            waiting.push(write(&journal, worker, ordinal, &large));
            if ordinal == 9 {
                waiting.drain(..).for_each(Entry::stored);
            }
        }
        let text: String = paths(folder.path(), worker)
            .iter()
            .map(|path| std::fs::read_to_string(path).unwrap_or_default())
            .collect();
        let lines: Vec<Line> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        for ordinal in 10..20 {
            assert!(lines.iter().any(|line| line.ordinal == ordinal), "{ordinal}");
        }
        assert!(text.len() < 18 << 20, "{}", text.len());
    }
}
