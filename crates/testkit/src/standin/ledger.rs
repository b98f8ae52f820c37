//! The stand-in's books: one line for every billed call, handed to the
//! operating system before the answer leaves, so that they survive `kill -9`
//! of the process. Read again at the next start.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A billed call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The caller's id of the call (`Idempotency-Key`).
    pub call: String,
    /// Hash of model, messages and schema.
    pub prompt: String,
    /// Prompt tokens.
    pub input: u64,
    /// Answer tokens.
    pub output: u64,
    /// In nano-dollars, rounded up.
    pub cost: u64,
}

/// Sums over the books.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Calls that were billed.
    pub billed: u64,
    /// Billed calls whose whole answer was handed to the connection (since the start of this process).
    pub answered: u64,
    /// Calls that were refused without being billed (since the start of this process).
    pub refused: u64,
    /// Calls refused for their rate, among `refused`.
    pub rate_limited: u64,
    /// Prompt tokens billed.
    pub input: u64,
    /// Answer tokens billed.
    pub output: u64,
    /// Nano-dollars billed.
    pub cost_nanos: u64,
    /// Different prompts billed.
    pub prompts: u64,
    /// Calls billed for a prompt that had been billed before.
    pub repeated: u64,
}

/// The books.
#[derive(Debug, Default)]
pub struct Ledger {
    file: Option<File>,
    totals: Totals,
    by_prompt: HashMap<String, u32>,
    line: Vec<u8>,
}

impl Ledger {
    /// Opens the books, reading what is there. Without a path they are kept in
    /// memory only.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn open(path: Option<&Path>) -> io::Result<Self> {
        let mut ledger = Self::default();
        let Some(path) = path else {
            return Ok(ledger);
        };
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        for line in text.lines() {
            // The last line may be torn by a kill in the middle of the write:
            // its answer never left, and nobody will ask for its money.
            if let Ok(entry) = serde_json::from_str::<Entry>(line) {
                ledger.count(&entry);
            }
        }
        if !text.is_empty() && !text.ends_with('\n') {
            file.write_all(b"\n")?;
        }
        ledger.file = Some(file);
        Ok(ledger)
    }

    /// Books a call, before its answer is sent.
    ///
    /// # Errors
    /// When the file cannot be written; the call must then not be answered.
    pub fn bill(&mut self, entry: &Entry) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            self.line.clear();
            serde_json::to_writer(&mut self.line, entry)?;
            self.line.push(b'\n');
            file.write_all(&self.line)?;
        }
        self.count(entry);
        Ok(())
    }

    fn count(&mut self, entry: &Entry) {
        let totals = &mut self.totals;
        totals.billed += 1;
        totals.input += entry.input;
        totals.output += entry.output;
        totals.cost_nanos += entry.cost;
        if let Some(times) = self.by_prompt.get_mut(&entry.prompt) {
            *times += 1;
            totals.repeated += 1;
        } else {
            self.by_prompt.insert(entry.prompt.clone(), 1);
            totals.prompts += 1;
        }
    }

    pub(super) fn answered(&mut self) {
        self.totals.answered += 1;
    }

    pub(super) fn refused(&mut self, for_rate: bool) {
        self.totals.refused += 1;
        self.totals.rate_limited += u64::from(for_rate);
    }

    /// The sums.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.totals.clone()
    }

    /// How often each prompt was billed.
    #[must_use]
    pub fn by_prompt(&self) -> &HashMap<String, u32> {
        &self.by_prompt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(prompt: &str, cost: u64) -> Entry {
        Entry {
            call: "c".into(),
            prompt: prompt.into(),
            input: 10,
            output: 2,
            cost,
        }
    }

    #[test]
    fn the_books_are_whole_after_a_torn_last_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let mut first = Ledger::open(Some(&path)).unwrap();
        first.bill(&entry("a", 5)).unwrap();
        first.bill(&entry("a", 5)).unwrap();
        drop(first);
        let mut torn = OpenOptions::new().append(true).open(&path).unwrap();
        torn.write_all(b"{\"call\":\"c\",\"pro").unwrap();
        let mut second = Ledger::open(Some(&path)).unwrap();
        second.bill(&entry("b", 7)).unwrap();
        let third = Ledger::open(Some(&path)).unwrap().totals();
        assert_eq!(
            (third.billed, third.cost_nanos, third.prompts, third.repeated),
            (3, 17, 2, 1)
        );
    }
}
