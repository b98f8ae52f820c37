//! The marker: a small file beside the database that says how far it was.
//!
//! SQLite cannot tell that its `-wal` file was deleted, that an old copy was put in its place
//! or that it was cut to nothing: each looks like a database in good order, only older. What
//! docmill acknowledged would be gone without a word, and money that was spent be spent again.
//! So each transaction that writes anything counts up a number inside the database, and after
//! its commit the same number goes into the marker. A database behind its marker is refused.
//!
//! ```text
//! COMMIT (synced) ──▶ marker: slots of the batches that changed, then the number
//! ```
//!
//! The marker is written after the commit and never synced: a killed process leaves it to the
//! system, and after power loss it may say less than is true, never more. Beside the number it
//! holds, for each batch, the money that is spent or held back, so that somebody who goes on
//! with an older database can be told how much is missing from its ledger.
//!
//! It is also what open stores of all processes have a shared lock on, so that one which is
//! alone knows it: then a `-wal` that is not empty was left by a process that died.
//!
//! Lines of fixed width, because each is overwritten alone, and people can read them.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use docmill_core::money::Usd;
use uuid::Uuid;

/// Bytes of a line, the line break included.
const LINE: usize = 80;

/// How the first line begins.
const NAME: &str = "docmill-marker-1";

/// What the first line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// Which database.
    pub(super) database: Uuid,
    /// Writing transactions that were acknowledged.
    pub(super) sequence: i64,
}

/// What a transaction did, for the marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    /// The number it counted up to.
    pub(super) sequence: i64,
    /// Batches it changed, and what each has spent or holds back.
    pub(super) spent: Vec<(i64, Usd)>,
}

/// The open file.
#[derive(Debug)]
pub(super) struct Marker {
    file: File,
    alone: bool,
}

/// Where the marker of a database is.
pub(super) fn path_of(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".marker");
    path.into()
}

/// What the marker of a database says; `None`: there is none, or it cannot be read (it is a
/// safeguard: losing it must not stop anybody).
pub(super) fn read(database: &Path) -> Option<Mark> {
    let mut line = [0; LINE];
    File::open(path_of(database)).ok()?.read_exact(&mut line).ok()?;
    parse_mark(&line)
}

/// What each batch had spent or held back by the marker.
pub(super) fn spent(database: &Path) -> Vec<(i64, Usd)> {
    let bytes = std::fs::read(path_of(database)).unwrap_or_default();
    bytes.chunks_exact(LINE).skip(1).filter_map(parse_slot).collect()
}

impl Marker {
    /// Opens the marker, making it when it is missing, and notes whether nobody else has it open.
    pub(super) fn open(database: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path_of(database))?;
        // Where files cannot be locked, nobody is ever alone.
        let alone = file.try_lock().is_ok();
        let _ = file.lock_shared();
        Ok(Self { file, alone })
    }

    /// Whether no other store was open when this was opened.
    pub(super) fn alone(&self) -> bool {
        self.alone
    }

    /// Takes the database for this process alone; `false`: another has it open.
    pub(super) fn lock_alone(&self) -> bool {
        self.file.try_lock().is_ok()
    }

    /// Begins anew for this database.
    pub(super) fn reset(&mut self, mark: Mark, spent: &[(i64, Usd)]) -> io::Result<()> {
        self.file.set_len(0)?;
        for (batch, spent) in spent {
            self.slot(*batch, mark.sequence, *spent)?;
        }
        self.mark(mark)?;
        self.file.sync_all()
    }

    /// Says what was committed.
    pub(super) fn note(&mut self, database: Uuid, written: &Written) -> io::Result<()> {
        for (batch, spent) in &written.spent {
            self.slot(*batch, written.sequence, *spent)?;
        }
        let sequence = written.sequence;
        self.mark(Mark { database, sequence })
    }

    fn mark(&mut self, mark: Mark) -> io::Result<()> {
        let Mark { database, sequence } = mark;
        self.line(0, format!("{NAME} {} {sequence}", database.as_simple()))
    }

    fn slot(&mut self, batch: i64, sequence: i64, spent: Usd) -> io::Result<()> {
        let Ok(number) = u64::try_from(batch) else {
            return Ok(());
        };
        self.line(number, format!("batch {batch} {sequence} {}", spent.nanos()))
    }

    fn line(&mut self, number: u64, text: String) -> io::Result<()> {
        let line = format!("{text} {:08x}", check(&text));
        let line = format!("{line:width$}\n", width = LINE - 1);
        self.file
            .seek(SeekFrom::Start(number.saturating_mul(LINE as u64)))?;
        // In one call, so that a kill leaves the line as it was or as it should be.
        self.file.write_all(line.as_bytes())
    }
}

/// Tells a line that was torn, or written by somebody else.
fn check(text: &str) -> u32 {
    let hash = blake3::hash(text.as_bytes());
    let [a, b, c, d, ..] = *hash.as_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// The words of a line whose check fits.
fn words(line: &[u8]) -> Option<Vec<&str>> {
    let (text, found) = std::str::from_utf8(line).ok()?.trim_end().rsplit_once(' ')?;
    (u32::from_str_radix(found, 16).ok()? == check(text)).then(|| text.split(' ').collect())
}

fn parse_mark(line: &[u8]) -> Option<Mark> {
    match words(line)?.as_slice() {
        [NAME, database, sequence] => Some(Mark {
            database: Uuid::parse_str(database).ok()?,
            sequence: sequence.parse().ok()?,
        }),
        _ => None,
    }
}

fn parse_slot(line: &[u8]) -> Option<(i64, Usd)> {
    match words(line)?.as_slice() {
        ["batch", batch, _, spent] => Some((batch.parse().ok()?, Usd::from_nanos(spent.parse().ok()?))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_read_back_and_what_is_torn_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("docmill.db");
        assert_eq!(read(&database), None);
        let mut marker = Marker::open(&database).unwrap();
        assert!(marker.alone());
        assert!(!Marker::open(&database).unwrap().alone());
        let id = Uuid::now_v7();
        let largest = Usd::from_nanos(i64::MAX);
        let written = Written {
            sequence: i64::MAX,
            spent: vec![(3, largest), (1, Usd::from_nanos(5))],
        };
        marker.note(id, &written).unwrap();
        let mark = Mark {
            database: id,
            sequence: i64::MAX,
        };
        assert_eq!(read(&database), Some(mark));
        assert_eq!(spent(&database), [(1, Usd::from_nanos(5)), (3, largest)]);
        let mut bytes = std::fs::read(path_of(&database)).unwrap();
        bytes[20] ^= 1;
        bytes[LINE + 8] ^= 1;
        std::fs::write(path_of(&database), bytes).unwrap();
        assert_eq!(read(&database), None);
        assert_eq!(spent(&database), [(3, largest)]);
    }
}
