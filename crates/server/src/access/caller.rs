//! Who asks.

use docmill_core::access::{Action, Role, Scope, Target, permit};
use docmill_core::id::ContentHash;
use docmill_store::{KeyRow, SessionRow};

use axum::http::StatusCode;

use crate::problem::Problem;

/// How somebody is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// Not at all.
    Nobody,
    /// They sit at this machine, and there are no keys.
    ThisMachine,
    /// They sent a key.
    Key,
    /// They signed in with a browser.
    Session {
        /// Of the browser's token.
        hash: ContentHash,
        /// The key they signed in with; `None`: an identity provider vouched for them.
        key: Option<String>,
    },
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Their name, for histories.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// What they are limited to.
    pub scope: Scope,
    /// How they are known.
    pub via: Via,
}

impl Caller {
    /// Somebody who is not known.
    pub(crate) fn nobody() -> Self {
        Self {
            name: "nobody".to_owned(),
            role: Role::Nobody,
            scope: Scope::default(),
            via: Via::Nobody,
        }
    }

    /// The person at this machine.
    pub(crate) fn this_machine() -> Self {
        Self {
            name: "you".to_owned(),
            role: Role::Admin,
            scope: Scope::default(),
            via: Via::ThisMachine,
        }
    }

    /// Whether they are known.
    pub(crate) fn is_known(&self) -> bool {
        self.via != Via::Nobody
    }

    /// Under which name they hold things: sessions of a key share what the key may hold.
    pub(crate) fn account(&self) -> String {
        match &self.via {
            Via::Key => format!("key {}", self.name),
            Via::Session { key: Some(key), .. } => format!("key {key}"),
            Via::Session { key: None, .. } => format!("person {}", self.name),
            Via::Nobody | Via::ThisMachine => self.name.clone(),
        }
    }

    /// How they are known, in a word.
    pub(crate) fn via_name(&self) -> &'static str {
        match &self.via {
            Via::Nobody => "nobody",
            Via::ThisMachine => "this_machine",
            Via::Key => "key",
            Via::Session { key: Some(_), .. } => "session",
            Via::Session { key: None, .. } => "oidc",
        }
    }

    /// Whether they may do this.
    ///
    /// # Errors
    /// Says what stands in the way.
    pub(crate) fn may(&self, action: Action, target: Target) -> Result<(), Problem> {
        permit(self.role, &self.scope, action, target).map_err(|refused| {
            let detail = format!("{} is a {}: {refused}", self.name, self.role);
            Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
        })
    }
}

impl From<KeyRow> for Caller {
    fn from(key: KeyRow) -> Self {
        Self {
            name: key.name,
            role: key.role,
            scope: key.scope,
            via: Via::Key,
        }
    }
}

impl From<SessionRow> for Caller {
    fn from(session: SessionRow) -> Self {
        Self {
            name: session.name,
            role: session.role,
            scope: session.scope,
            via: Via::Session {
                hash: session.hash,
                key: session.key,
            },
        }
    }
}
