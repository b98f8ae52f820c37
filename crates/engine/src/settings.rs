//! What the engine can be told, with its defaults.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use docmill_core::failure::Policy;
use docmill_parse::OcrEngine;

/// Passwords to try on encrypted documents, in order. More can be given while batches run.
/// Clones share the list; nothing writes it down.
#[derive(Clone, Default)]
pub struct Passwords {
    list: Arc<RwLock<Vec<String>>>,
}

impl Passwords {
    /// These passwords.
    #[must_use]
    pub fn new(list: Vec<String>) -> Self {
        Self {
            list: Arc::new(RwLock::new(list)),
        }
    }

    /// One more, tried from now on.
    pub fn add(&self, password: String) {
        let mut list = self.list.write().unwrap_or_else(PoisonError::into_inner);
        if !list.contains(&password) {
            list.push(password);
        }
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<String> {
        self.list.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Says how many, never which.
impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.list.read().unwrap_or_else(PoisonError::into_inner).len();
        write!(f, "{count} passwords")
    }
}

/// How the engine works on this machine. What belongs to a batch is in its plan.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder for everything beside the database: readings, worker locks.
    pub data_dir: PathBuf,
    /// Documents read at the same time (CPU work).
    pub readers: usize,
    /// Largest document taken.
    pub max_document_bytes: u64,
    /// Bytes of documents in hand at the same time; bounds memory whatever the documents.
    pub bytes_in_hand: u64,
    /// Passwords to try on encrypted documents. Never stored.
    pub passwords: Passwords,
    /// What reads pictures of text here; `None`: nothing is installed.
    pub ocr_engine: Option<OcrEngine>,
    /// When to try again and when to give up.
    pub policy: Policy,
    /// Keep readings of documents that are slow to read, so that the estimate's work is not done twice.
    pub keep_readings: bool,
    /// Bytes that readings may take on disk; those not used for longest go first.
    pub readings_limit: u64,
    /// How long an answer is offered to a store that does not take it. It is written down beside
    /// the database after a tenth of that; while that fails too, it is offered twelve times as long.
    pub store_patience: Duration,
}

impl Settings {
    /// The defaults, with everything below `data_dir`.
    #[must_use]
    pub fn new(data_dir: PathBuf) -> Self {
        Self {
            data_dir,
            readers: std::thread::available_parallelism().map_or(2, usize::from),
            max_document_bytes: 100 * 1024 * 1024,
            bytes_in_hand: 64 * 1024 * 1024,
            passwords: Passwords::default(),
            ocr_engine: None,
            policy: Policy::default(),
            keep_readings: true,
            readings_limit: 2 * 1024 * 1024 * 1024,
            store_patience: Duration::from_secs(10),
        }
    }
}
