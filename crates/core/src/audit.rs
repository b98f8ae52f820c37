//! The audit log: who did what, to what, from where, and what it was before and after. Entries are
//! only ever added, and each holds a hash over itself and the one before it, so that no entry can be
//! changed, left out or put in between without every later hash being wrong.
//!
//! What a chain cannot tell by itself is that its end was cut off: who wants to be sure of that
//! notes a hash (the server writes it to its log) and has it looked for.

use serde::{Deserialize, Serialize};

use crate::id::ContentHash;
use crate::time::Timestamp;

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub who: String,
    /// How they were known: `key`, `session`, `oidc`, `this_machine`, `command_line`, `nobody`.
    pub via: String,
    /// From which address.
    pub origin: String,
    /// What was done: the API's name of the operation, or the command.
    pub action: String,
    /// To what: a batch, a document, a key.
    pub target: String,
    /// How it ended: `done`, or `refused` or `failed` with the status.
    pub outcome: String,
    /// What it was before, where something was changed: JSON, kept as text so that no digit of it
    /// is read and written anew.
    pub before: Option<String>,
    /// What it is now.
    pub after: Option<String>,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, from 1 and without gaps.
    pub id: u64,
    /// What was done.
    #[serde(flatten)]
    pub deed: Deed,
    /// Over everything above and the hash of the entry before.
    pub hash: ContentHash,
}

/// The hash before the first entry.
pub const START: ContentHash = ContentHash([0; 32]);

impl Entry {
    /// The entry after one with the hash `previous`.
    #[must_use]
    pub fn after(previous: ContentHash, id: u64, deed: Deed) -> Self {
        let hash = link(previous, id, &deed);
        Self { id, deed, hash }
    }
}

/// The hash of an entry: of every field with its length, so that no two entries look the same.
fn link(previous: ContentHash, id: u64, deed: &Deed) -> ContentHash {
    let (before, after) = (deed.before.as_deref(), deed.after.as_deref());
    let number = id.to_le_bytes();
    let at = deed.at.0.to_le_bytes();
    let fields: [&[u8]; 12] = [
        b"docmill audit 1",
        &previous.0,
        &number,
        &at,
        deed.who.as_bytes(),
        deed.via.as_bytes(),
        deed.origin.as_bytes(),
        deed.action.as_bytes(),
        deed.target.as_bytes(),
        deed.outcome.as_bytes(),
        before.unwrap_or_default().as_bytes(),
        after.unwrap_or_default().as_bytes(),
    ];
    let mut bytes = Vec::new();
    for field in fields {
        bytes.extend_from_slice(&(field.len() as u64).to_le_bytes());
        bytes.extend_from_slice(field);
    }
    ContentHash::of(&bytes)
}

/// Where a log is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A number is missing, or there twice.
    #[error("entry {expected} is missing: {found} comes in its place")]
    Gap {
        /// The number that should come.
        expected: u64,
        /// The number that comes.
        found: u64,
    },
    /// The hash is not that of the entry.
    #[error("entry {0} is not what was written: its hash is wrong")]
    Changed(u64),
}

/// Follows the log entry by entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    id: u64,
    hash: ContentHash,
}

impl Default for Chain {
    fn default() -> Self {
        Self { id: 0, hash: START }
    }
}

impl Chain {
    /// Takes the next entry.
    ///
    /// # Errors
    /// When it is not the next, or not what was written.
    pub fn follow(&mut self, entry: &Entry) -> Result<(), Broken> {
        let expected = self.id + 1;
        if entry.id != expected {
            return Err(Broken::Gap {
                expected,
                found: entry.id,
            });
        }
        if link(self.hash, entry.id, &entry.deed) != entry.hash {
            return Err(Broken::Changed(entry.id));
        }
        *self = Self {
            id: entry.id,
            hash: entry.hash,
        };
        Ok(())
    }

    /// Entries so far.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.id
    }

    /// Whether there were none so far.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.id == 0
    }

    /// The hash of the last one.
    #[must_use]
    pub const fn hash(&self) -> ContentHash {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn deed(who: &str, action: &str, number: i64) -> Deed {
        Deed {
            at: Timestamp(number),
            who: who.to_owned(),
            via: "key".to_owned(),
            origin: "127.0.0.1".to_owned(),
            action: action.to_owned(),
            target: "batch".to_owned(),
            outcome: "done".to_owned(),
            before: None,
            after: Some(format!("{{\"budget_usd\":{number}}}")),
        }
    }

    fn chain(words: &[(String, String)]) -> Vec<Entry> {
        let mut previous = START;
        let mut entries = Vec::new();
        for (index, (who, action)) in words.iter().enumerate() {
            let entry = Entry::after(previous, index as u64 + 1, deed(who, action, index as i64));
            previous = entry.hash;
            entries.push(entry);
        }
        entries
    }

    fn follow(entries: &[Entry]) -> Result<Chain, Broken> {
        let mut chain = Chain::default();
        entries.iter().try_for_each(|entry| chain.follow(entry))?;
        Ok(chain)
    }

    proptest! {
        /// What was written is found right; with any one entry changed, left out or moved it is not.
        #[test]
        fn no_entry_can_be_changed_unseen(
            words in proptest::collection::vec((".{0,6}", ".{0,6}"), 2..8),
            at in 0_usize..7,
        ) {
            let entries = chain(&words);
            prop_assert_eq!(follow(&entries).unwrap().len(), entries.len() as u64);
            let at = at % (entries.len() - 1);
            let mut changed = entries.clone();
            changed[at].deed.who.push('x');
            prop_assert!(follow(&changed).is_err());
            let mut moved = entries.clone();
            // A letter that goes from one field to its neighbour is a change too.
            if let Some(letter) = moved[at].deed.target.pop() {
                moved[at].deed.outcome.insert(0, letter);
                prop_assert!(follow(&moved).is_err());
            }
            let mut missing = entries.clone();
            missing.remove(at);
            prop_assert!(follow(&missing).is_err());
            let mut swapped = entries;
            swapped.swap(at, at + 1);
            prop_assert!(follow(&swapped).is_err());
        }
    }
}
