//! Keys: who may use this server over the network, and for what. Only a hash of each
//! is kept; the key itself is shown once, when it is made.

use std::fmt;
use std::str::FromStr;

use axum::http::{HeaderMap, header};
use docmill_core::time::Timestamp;
use docmill_store::{Store, StoreError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where keys are kept.
const SHELF: &str = "keys";

/// The cookie a signed-in browser sends.
pub const COOKIE: &str = "docmill_key";

/// Every key begins so: whoever finds one knows what it opens.
const PREFIX: &str = "dmk_";

/// What the holder of a key may do; each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
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

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Nobody => "stranger",
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        })
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "viewer" => Ok(Self::Viewer),
            "operator" => Ok(Self::Operator),
            "admin" => Ok(Self::Admin),
            _ => Err(format!(
                "{name:?} is no role; there are viewer, operator and admin"
            )),
        }
    }
}

/// A key as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// Whose it is.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// BLAKE3 of the key, in hex. The key has 256 random bits: there is nothing to guess.
    hash: String,
}

/// Every key. One that cannot be read is an error: leaving it out could make a server that has
/// keys look like one that has none.
///
/// # Errors
/// When the store fails, or a key in it cannot be read.
pub(crate) async fn all(store: &dyn Store) -> Result<Vec<Key>, StoreError> {
    let rows = store.kept(SHELF).await?;
    rows.into_iter()
        .map(|row| {
            serde_json::from_value(row.value).map_err(|error| {
                StoreError::Database(format!(
                    "the key of {} cannot be read ({error}); docmill key remove takes it away",
                    row.name
                ))
            })
        })
        .collect()
}

/// Names of all keys, those that cannot be read among them.
///
/// # Errors
/// When the store fails.
pub async fn names(store: &dyn Store) -> Result<Vec<String>, StoreError> {
    let rows = store.kept(SHELF).await?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

/// Whether nobody could make keys any more without this one.
#[must_use]
pub fn is_last_admin(keys: &[(String, Role)], name: &str) -> bool {
    let mut admins = keys.iter().filter(|(_, role)| *role == Role::Admin);
    admins.next().is_some_and(|(admin, _)| admin == name) && admins.next().is_none()
}

/// Makes a key and keeps its hash. Returns the key, which is never seen again.
///
/// # Errors
/// When the store fails.
pub async fn make(store: &dyn Store, name: &str, role: Role, now: Timestamp) -> Result<String, StoreError> {
    // Two version 4 identifiers: 244 bits from the system's source of randomness.
    let random = format!(
        "{}{}",
        uuid::Uuid::new_v4().simple(),
        uuid::Uuid::new_v4().simple()
    );
    let secret = format!("{PREFIX}{random}");
    let key = Key {
        name: name.to_owned(),
        role,
        hash: hash(&secret),
    };
    let value = serde_json::to_value(&key).map_err(|error| StoreError::Database(error.to_string()))?;
    store.keep(SHELF, name, Some(value), now).await?;
    Ok(secret)
}

/// Takes a key away.
///
/// # Errors
/// When the store fails.
pub async fn remove(store: &dyn Store, name: &str, now: Timestamp) -> Result<(), StoreError> {
    store.keep(SHELF, name, None, now).await
}

/// Names and roles of all keys.
///
/// # Errors
/// When the store fails.
pub async fn list(store: &dyn Store) -> Result<Vec<(String, Role)>, StoreError> {
    let keys = all(store).await?;
    Ok(keys.into_iter().map(|key| (key.name, key.role)).collect())
}

/// The key a request brings: as a bearer token, or in the cookie.
pub(crate) fn given(headers: &HeaderMap) -> Option<String> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let cookie = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value);
    bearer.or(cookie).map(|key| key.trim().to_owned())
}

/// The key that was given, if it is one. Hashes are compared, so that time tells nothing.
pub(crate) fn find<'k>(keys: &'k [Key], given: &str) -> Option<&'k Key> {
    let hash = hash(given);
    keys.iter().find(|key| key.hash == hash)
}

fn hash(key: &str) -> String {
    blake3::hash(key.as_bytes()).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_admin_is_the_only_one() {
        let key = |name: &str, role| (name.to_owned(), role);
        let one = [key("ada", Role::Admin), key("vic", Role::Viewer)];
        assert!(is_last_admin(&one, "ada"));
        assert!(!is_last_admin(&one, "vic"));
        assert!(is_last_admin(&one[..1], "ada"));
        let two = [key("ada", Role::Admin), key("bob", Role::Admin)];
        assert!(!is_last_admin(&two, "ada") && !is_last_admin(&two, "bob"));
    }
}
