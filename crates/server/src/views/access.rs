//! Who may do what, and who did what.

use docmill_core::access::Role;
use docmill_core::audit::Entry;
use docmill_store::KeyRow;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::time;

/// What somebody may do; each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Role)]
pub enum RoleName {
    /// Nothing but signing in.
    Nobody,
    /// Look.
    Viewer,
    /// Make batches, spend money, review.
    Operator,
    /// Change keys and settings.
    Admin,
}

impl From<Role> for RoleName {
    fn from(role: Role) -> Self {
        match role {
            Role::Nobody => Self::Nobody,
            Role::Viewer => Self::Viewer,
            Role::Operator => Self::Operator,
            Role::Admin => Self::Admin,
        }
    }
}

/// A key, without the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KeyView {
    /// Whose it is.
    pub name: String,
    /// What they may do.
    pub role: RoleName,
    /// The only batches it is for, by their ids; absent: all.
    #[schema(required)]
    pub batches: Option<Vec<String>>,
    /// The only actions it is for; absent: all of its role.
    #[schema(required)]
    pub actions: Option<Vec<String>>,
    /// When it was made.
    pub created_at: String,
    /// From then on it opens nothing; absent: it has no end.
    #[schema(required)]
    pub expires_at: Option<String>,
    /// When it was last used, to the minute; absent: never.
    #[schema(required)]
    pub used_at: Option<String>,
}

impl From<&KeyRow> for KeyView {
    fn from(key: &KeyRow) -> Self {
        let names = |all: &[docmill_core::access::Action]| all.iter().map(ToString::to_string).collect();
        let ids = |all: &[docmill_core::BatchId]| all.iter().map(ToString::to_string).collect();
        Self {
            name: key.name.clone(),
            role: key.role.into(),
            batches: key.scope.batches.as_deref().map(ids),
            actions: key.scope.actions.as_deref().map(names),
            created_at: time(key.created_at),
            expires_at: key.expires_at.map(time),
            used_at: key.used_at.map(time),
        }
    }
}

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Its number, from 1 and without gaps.
    pub id: u64,
    /// When.
    pub time: String,
    /// Who.
    pub who: String,
    /// How they were known: `key`, `session`, `oidc`, `this_machine`, `command_line`, `nobody`.
    pub via: String,
    /// From which address.
    pub origin: String,
    /// What: the name of the API's operation, or the command.
    pub action: String,
    /// To what: a batch, a document, a key.
    pub target: String,
    /// `done`, or `refused` or `failed` with the status.
    pub outcome: String,
    /// What it was before, where something was changed.
    #[schema(required, value_type = Option<Object>)]
    pub before: Option<Value>,
    /// What it is now.
    #[schema(required, value_type = Option<Object>)]
    pub after: Option<Value>,
    /// Over all of the above and the hash of the entry before (BLAKE3).
    pub hash: String,
}

impl From<&Entry> for AuditEntry {
    fn from(entry: &Entry) -> Self {
        let deed = &entry.deed;
        let value = |text: &Option<String>| {
            let text = text.as_deref()?;
            Some(serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)))
        };
        Self {
            id: entry.id,
            time: time(deed.at),
            who: deed.who.clone(),
            via: deed.via.clone(),
            origin: deed.origin.clone(),
            action: deed.action.clone(),
            target: deed.target.clone(),
            outcome: deed.outcome.clone(),
            before: value(&deed.before),
            after: value(&deed.after),
            hash: entry.hash.to_hex(),
        }
    }
}

/// Entries of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditList {
    /// Newest first, or oldest first after one.
    pub entries: Vec<AuditEntry>,
}
