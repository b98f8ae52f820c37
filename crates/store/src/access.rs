//! The part of the port that is about who uses docmill: keys, sessions, the audit log.

use async_trait::async_trait;
use docmill_core::access::{Role, Scope};
use docmill_core::audit::{Deed, Entry};
use docmill_core::id::ContentHash;
use docmill_core::time::Timestamp;

use crate::StoreError;

/// A key as it is kept: of the key itself only a hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// Whose it is.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Of the key.
    pub hash: ContentHash,
    /// What it is limited to.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
    /// From then on it opens nothing.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub used_at: Option<Timestamp>,
}

impl KeyRow {
    /// Whether it can make other keys for as long as the server is there.
    #[must_use]
    pub fn is_lasting_admin(&self) -> bool {
        self.role == Role::Admin && self.scope.is_everything() && self.expires_at.is_none()
    }

    /// Whether it opens anything at this time.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// Why a key was not made or not removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefused {
    /// Its name is taken.
    #[error("there is a key of this name already")]
    Exists,
    /// There is no such key.
    #[error("there is no key of this name")]
    Missing,
    /// Nobody could make another key.
    #[error("the first key must be an admin's, without limits and without an end")]
    NeedsAdmin,
    /// Nobody could make keys any more.
    #[error("this is the last key of an admin without limits")]
    LastAdmin,
}

/// Somebody who signed in with a browser: of what the browser holds only a hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Of the browser's token.
    pub hash: ContentHash,
    /// Who it is.
    pub name: String,
    /// The key they signed in with; `None`: somebody else vouched for them.
    pub key: Option<String>,
    /// What they may do. Of one with a key that is what the key may, at any time.
    pub role: Role,
    /// What they are limited to.
    pub scope: Scope,
    /// When they signed in.
    pub opened_at: Timestamp,
    /// When it was last used, to the minute.
    pub used_at: Timestamp,
    /// From then on the key opens nothing.
    pub key_expires_at: Option<Timestamp>,
}

/// Which sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sessions {
    /// The one of this token.
    One(ContentHash),
    /// All of this person, by the key or the name they signed in with.
    Of {
        /// Their key.
        key: Option<String>,
        /// Their name.
        name: String,
    },
    /// Those opened, or last used, before these times.
    Over {
        /// Opened before.
        opened: Timestamp,
        /// Last used before.
        used: Timestamp,
    },
}

/// What was used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Used {
    /// A key, by name.
    Key(String),
    /// A session.
    Session(ContentHash),
}

/// Which entries of the audit log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only those after this one, oldest first.
    pub after: Option<u64>,
    /// Without `after`: only those before this one, newest first.
    pub before: Option<u64>,
    /// Only by these.
    pub who: Option<String>,
    /// Only those whose action holds this text.
    pub action: Option<String>,
    /// Only those whose target holds this text.
    pub target: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// Who uses docmill. Each verb is one transaction.
#[async_trait]
pub trait Access: Send + Sync {
    /// Makes a key. The first must be one that can make others.
    async fn add_key(&self, key: KeyRow) -> Result<Result<(), KeyRefused>, StoreError>;

    /// All keys, by name. One that cannot be read is an error.
    async fn keys(&self) -> Result<Vec<KeyRow>, StoreError>;

    /// Whether there is any, readable or not.
    async fn has_keys(&self) -> Result<bool, StoreError>;

    /// The key with this hash.
    async fn key_of(&self, hash: ContentHash) -> Result<Option<KeyRow>, StoreError>;

    /// Takes a key away, and ends its sessions. One that cannot be read can be taken away.
    async fn remove_key(&self, name: &str) -> Result<Result<(), KeyRefused>, StoreError>;

    /// Somebody signed in.
    async fn open_session(&self, session: SessionRow) -> Result<(), StoreError>;

    /// The session of this token, while the key it was opened with is there.
    async fn session(&self, hash: ContentHash) -> Result<Option<SessionRow>, StoreError>;

    /// Ends sessions. Returns how many.
    async fn end_sessions(&self, which: Sessions) -> Result<u64, StoreError>;

    /// Notes what was used.
    async fn note_use(&self, used: Vec<Used>, now: Timestamp) -> Result<(), StoreError>;

    /// Adds to the audit log.
    async fn record(&self, deed: Deed) -> Result<Entry, StoreError>;

    /// Entries of the audit log.
    async fn audit(&self, query: AuditQuery) -> Result<Vec<Entry>, StoreError>;
}
