//! Passwords of documents that were given over the API: kept sealed with their batch, so that a
//! server that starts again can go on, and forgotten with it.

use docmill_core::id::BatchId;
use docmill_core::time::Timestamp;
use docmill_engine::forget::PASSWORDS;
use docmill_engine::settings::Passwords;
use docmill_store::{Store, StoreError};
use serde_json::{Value, json};

use crate::problem::Problem;
use crate::seal::Seal;

/// What they are sealed as.
const SEALED_AS: &str = "passwords";

/// Keeps passwords of a batch, beside those it has.
///
/// # Errors
/// When the store fails or the system has no random numbers.
pub(crate) async fn keep(
    store: &dyn Store,
    seal: &Seal,
    batch: BatchId,
    given: &[String],
    now: Timestamp,
) -> Result<(), Problem> {
    let name = batch.to_string();
    let rows = store.kept(PASSWORDS).await?;
    let before = rows.iter().find(|row| row.name == name);
    let mut all = before.and_then(|row| open(seal, &row.value)).unwrap_or_default();
    for password in given {
        if !all.contains(password) {
            all.push(password.clone());
        }
    }
    let sealed = seal.close(SEALED_AS, &json!(all).to_string()).map_err(|error| {
        Problem::new(
            axum::http::StatusCode::INTERNAL_SERVER_ERROR,
            "seal",
            error.to_string(),
        )
    })?;
    Ok(store.keep(PASSWORDS, &name, Some(json!(sealed)), now).await?)
}

/// Takes up what an earlier start was given. What another key sealed must be given again.
///
/// # Errors
/// When the store fails.
pub(crate) async fn take_up(store: &dyn Store, seal: &Seal, passwords: &Passwords) -> Result<(), StoreError> {
    for row in store.kept(PASSWORDS).await? {
        match open(seal, &row.value) {
            Some(all) => all.into_iter().for_each(|password| passwords.add(password)),
            None => tracing::warn!(
                batch = row.name,
                "passwords of documents were sealed with another key; give them again"
            ),
        }
    }
    Ok(())
}

fn open(seal: &Seal, value: &Value) -> Option<Vec<String>> {
    let text = seal.open(SEALED_AS, value.as_str()?).ok()?;
    serde_json::from_str(&text).ok()
}
