//! Keys: who may use this server over the network, and for what. Only a hash of each
//! is kept; the key itself is shown once, when it is made.

use docmill_core::id::ContentHash;
use docmill_core::time::Timestamp;
use docmill_store::{KeyRefused, KeyRow, Store, StoreError};
use ring::rand::{SecureRandom as _, SystemRandom};

pub use docmill_core::access::{Action, Role, Scope};

/// Every key begins so: whoever finds one knows what it opens.
const PREFIX: &str = "dmk_";

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// Whose it is.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// What it is limited to.
    pub scope: Scope,
    /// From then on it opens nothing.
    pub expires_at: Option<Timestamp>,
}

/// Makes a key and keeps its hash. Returns the key, which is never seen again.
///
/// # Errors
/// When the store fails, or the system has no random numbers.
pub async fn make(
    store: &dyn Store,
    new: NewKey,
    now: Timestamp,
) -> Result<Result<String, KeyRefused>, StoreError> {
    let key = format!("{PREFIX}{}", secret()?);
    let row = KeyRow {
        name: new.name,
        role: new.role,
        hash: hash(&key),
        scope: new.scope,
        created_at: now,
        expires_at: new.expires_at,
        used_at: None,
    };
    Ok(store.add_key(row).await?.map(|()| key))
}

/// 256 random bits from the system, in hex.
///
/// # Errors
/// When the system has none.
pub(crate) fn secret() -> Result<String, StoreError> {
    let mut bytes = [0; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| StoreError::Database("the system gives no random numbers".to_owned()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What is kept of a key or a token. It has 256 random bits: there is nothing to guess, so a fast
/// hash is enough; and hashes are looked up, so that time tells nothing about what was given.
pub(crate) fn hash(secret: &str) -> ContentHash {
    ContentHash::of(secret.as_bytes())
}

/// A name as it can be: of a key, of a person.
///
/// # Errors
/// When it is empty, too long, or has invisible characters.
pub fn check_name(name: &str) -> Result<(), String> {
    let length = name.chars().count();
    let is_visible =
        |c: char| !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if length == 0 || length > 100 || !name.chars().all(is_visible) || name.trim() != name {
        return Err("a name has 1 to 100 characters, none of them invisible".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_and_different() {
        let (one, other) = (secret().unwrap(), secret().unwrap());
        assert_eq!(one.len(), 64);
        assert_ne!(one, other);
    }

    #[test]
    fn names_are_what_they_look_like() {
        assert!(check_name("Ada L.").is_ok());
        for wrong in ["", " ", "a\n", "a\u{202e}b", &"x".repeat(101)] {
            assert!(check_name(wrong).is_err(), "{wrong:?}");
        }
    }
}
