//! Who may do what, and for how long: roles, what the holder of a key is limited to, when a
//! session is over, and how long somebody who guesses must wait.
//!
//! Everything here refuses when it does not know. The server asks before it reaches a route; what a
//! route needs stands in one table there.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::BatchId;
use crate::time::Timestamp;

/// What somebody may do. Each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Nothing but signing in.
    Nobody,
    /// Look.
    Viewer,
    /// Make batches, spend money, review.
    Operator,
    /// Change keys and settings.
    Admin,
}

/// A name that is no role or no action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no {what}; there are {known}")]
pub struct UnknownName {
    /// What was typed.
    pub name: String,
    /// `role` or `action`.
    pub what: &'static str,
    /// Those that there are.
    pub known: &'static str,
}

impl Role {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// Whether the role holds this action.
    #[must_use]
    pub const fn may(self, action: Action) -> bool {
        let needed = match action {
            Action::Look | Action::Read => Self::Viewer,
            Action::Review | Action::Run => Self::Operator,
            Action::Manage => Self::Admin,
        };
        self as u8 >= needed as u8
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "viewer" => Ok(Self::Viewer),
            "operator" => Ok(Self::Operator),
            "admin" => Ok(Self::Admin),
            _ => Err(UnknownName {
                name: name.to_owned(),
                what: "role",
                known: "viewer, operator and admin",
            }),
        }
    }
}

/// What can be done, as far as keys tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// See batches, progress, money, charts.
    Look,
    /// See documents and what was taken out of them.
    Read,
    /// Say whether a result is right.
    Review,
    /// Make batches, steer them, spend money.
    Run,
    /// Change keys, settings and alerts; read the audit log.
    Manage,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Look, Self::Read, Self::Review, Self::Run, Self::Manage];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Read => "read",
            Self::Review => "review",
            Self::Run => "run",
            Self::Manage => "manage",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Action {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|action| action.as_str() == name)
            .ok_or_else(|| UnknownName {
                name: name.to_owned(),
                what: "action",
                known: "look, read, review, run and manage",
            })
    }
}

/// What a key is limited to, beside its role. `None` does not limit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Only these batches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batches: Option<Vec<BatchId>>,
    /// Only these actions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actions: Option<Vec<Action>>,
}

impl Scope {
    /// Whether it limits nothing.
    #[must_use]
    pub const fn is_everything(&self) -> bool {
        self.batches.is_none() && self.actions.is_none()
    }
}

/// What something is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// One batch.
    Batch(BatchId),
    /// Nothing of any batch: the models there are, the templates.
    Common,
    /// All batches, each shown only to who may see it.
    Filtered,
    /// All batches together, or the server itself.
    Everything,
}

/// Why somebody may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The role does not hold the action.
    #[error("this needs a key that may {0}")]
    Role(Action),
    /// The key is limited to other actions.
    #[error("the key is limited, and may not {0}")]
    Action(Action),
    /// The key is limited to other batches.
    #[error("the key is limited to other batches")]
    Batch,
}

/// Whether somebody of this role, limited so, may do `action` to `target`.
///
/// # Errors
/// Says which limit stands in the way.
pub fn permit(role: Role, scope: &Scope, action: Action, target: Target) -> Result<(), Refused> {
    if !role.may(action) {
        return Err(Refused::Role(action));
    }
    if let Some(actions) = &scope.actions
        && !actions.contains(&action)
    {
        return Err(Refused::Action(action));
    }
    let Some(batches) = &scope.batches else {
        return Ok(());
    };
    match target {
        Target::Batch(batch) if batches.contains(&batch) => Ok(()),
        Target::Common | Target::Filtered => Ok(()),
        Target::Batch(_) | Target::Everything => Err(Refused::Batch),
    }
}

/// How long a session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// Without being used.
    pub idle_ms: i64,
    /// In all, however much it is used.
    pub absolute_ms: i64,
}

impl Default for Lifetime {
    /// A working day without a word, a week in all.
    fn default() -> Self {
        const HOUR_MS: i64 = 3600 * 1000;
        Self {
            idle_ms: 12 * HOUR_MS,
            absolute_ms: 7 * 24 * HOUR_MS,
        }
    }
}

impl Lifetime {
    /// When a session that was opened and last used then is over.
    #[must_use]
    pub fn end(&self, opened: Timestamp, used: Timestamp) -> Timestamp {
        opened.plus_ms(self.absolute_ms).min(used.plus_ms(self.idle_ms))
    }
}

/// Wrong tries from one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WrongTries {
    count: u32,
    last: Timestamp,
}

impl WrongTries {
    /// Tries that cost nothing: people mistype.
    pub const FREE: u32 = 5;
    /// Longest wait.
    pub const LONGEST_MS: i64 = 5 * 60 * 1000;
    /// After so long without a wrong try all is forgotten.
    pub const FORGOTTEN_MS: i64 = 15 * 60 * 1000;

    /// One more.
    #[must_use]
    pub fn again(self, now: Timestamp) -> Self {
        let before = if self.is_forgotten(now) { 0 } else { self.count };
        Self {
            count: before.saturating_add(1),
            last: now,
        }
    }

    /// Milliseconds until the next try is taken; 0: at once. Twice as long after each.
    #[must_use]
    pub fn wait_ms(self, now: Timestamp) -> i64 {
        if self.count < Self::FREE || self.is_forgotten(now) {
            return 0;
        }
        let doubled = 1000_i64
            .checked_shl(self.count - Self::FREE)
            .filter(|wait| (1..=Self::LONGEST_MS).contains(wait))
            .unwrap_or(Self::LONGEST_MS);
        // A clock that was set back must not lock anybody out for longer than that.
        (doubled - now.since_ms(self.last)).clamp(0, doubled)
    }

    /// Whether it may be left out of the list of those who guessed.
    #[must_use]
    pub fn is_forgotten(self, now: Timestamp) -> bool {
        self.count == 0 || now.since_ms(self.last) > Self::FORGOTTEN_MS
    }

    /// When the last one was.
    #[must_use]
    pub const fn last(self) -> Timestamp {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn batch(number: u8) -> BatchId {
        BatchId(uuid::Uuid::from_bytes([number; 16]))
    }

    const ROLES: [Role; 4] = [Role::Nobody, Role::Viewer, Role::Operator, Role::Admin];

    #[test]
    fn roles_hold_what_those_before_them_hold() {
        let held = |role: Role| Action::ALL.iter().filter(|action| role.may(**action)).count();
        assert_eq!(ROLES.map(held), [0, 2, 4, 5]);
        assert!("root".parse::<Role>().is_err() && "nobody".parse::<Role>().is_err());
        for action in Action::ALL {
            assert_eq!(action.as_str().parse::<Action>(), Ok(action));
        }
    }

    fn scopes() -> impl Strategy<Value = Scope> {
        let batches = proptest::option::of(proptest::collection::vec((0_u8..4).prop_map(batch), 0..3));
        let actions = proptest::option::of(proptest::collection::vec(
            (0_usize..5).prop_map(|index| Action::ALL[index]),
            0..4,
        ));
        (batches, actions).prop_map(|(batches, actions)| Scope { batches, actions })
    }

    fn targets() -> impl Strategy<Value = Target> {
        prop_oneof![
            (0_u8..4).prop_map(|number| Target::Batch(batch(number))),
            Just(Target::Common),
            Just(Target::Filtered),
            Just(Target::Everything),
        ]
    }

    proptest! {
        /// A scope only ever takes away: whoever may with it, may without it.
        #[test]
        fn a_scope_gives_nothing(role in 0_usize..4, scope in scopes(), action in 0_usize..5, target in targets()) {
            let (role, action) = (ROLES[role], Action::ALL[action]);
            if permit(role, &scope, action, target).is_ok() {
                prop_assert!(permit(role, &Scope::default(), action, target).is_ok());
                prop_assert!(role.may(action));
            }
        }

        /// A key of certain batches reaches no other batch, and nothing that adds up all of them.
        #[test]
        fn a_key_of_some_batches_reaches_no_other(scope in scopes(), action in 0_usize..5, number in 0_u8..4) {
            let action = Action::ALL[action];
            if let Some(batches) = &scope.batches {
                prop_assert_eq!(permit(Role::Admin, &scope, action, Target::Everything).is_ok(), false);
                let target = Target::Batch(batch(number));
                if permit(Role::Admin, &scope, action, target).is_ok() {
                    prop_assert!(batches.contains(&batch(number)));
                }
            }
        }

        /// No session outlives its absolute end, whatever it is used for.
        #[test]
        fn a_session_ends(opened in 0_i64..1 << 40, used in 0_i64..1 << 40) {
            let lifetime = Lifetime::default();
            let end = lifetime.end(Timestamp(opened), Timestamp(used));
            prop_assert!(end <= Timestamp(opened + lifetime.absolute_ms));
            prop_assert!(end <= Timestamp(used + lifetime.idle_ms));
        }

        /// However often and whenever somebody guesses, the wait is never negative and never longer
        /// than the longest; and who keeps guessing at full speed soon gets almost nowhere.
        #[test]
        fn waits_have_bounds(steps in proptest::collection::vec(-1_000_000_i64..1_000_000, 0..60)) {
            let mut now = Timestamp(1 << 40);
            let mut tries = WrongTries::default();
            for step in steps {
                tries = tries.again(now);
                now = now.plus_ms(step);
                let wait = tries.wait_ms(now);
                prop_assert!((0..=WrongTries::LONGEST_MS).contains(&wait));
            }
        }
    }

    #[test]
    fn who_guesses_waits_longer_each_time() {
        let now = Timestamp(1 << 40);
        let mut tries = WrongTries::default();
        let mut waits = Vec::new();
        for _ in 0..9 {
            tries = tries.again(now);
            waits.push(tries.wait_ms(now) / 1000);
        }
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16]);
        assert_eq!(tries.wait_ms(now.plus_ms(10_000)), 6_000);
        assert!(tries.is_forgotten(now.plus_ms(WrongTries::FORGOTTEN_MS + 1)));
    }
}
