//! What the command line did directly on the database goes into the audit log, as what the
//! server does goes there: who it was as far as the system says, what it was before and after.
//!
//! At a server (`--server`) the server writes it down.

use docmill_core::audit::Deed;
use docmill_server::audit::batch_state;
use docmill_store::{BatchRow, Store, StoreError};
use serde_json::Value;

use crate::args::Context;
use crate::clock::now;
use crate::fault::Fault;
use crate::place::Place;
use crate::wire;

/// Who sits here, as far as the system says.
pub fn person() -> String {
    ["USER", "USERNAME", "LOGNAME"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| "somebody".to_owned())
}

fn deed(action: &str, target: &str, before: Option<Value>, after: Option<Value>) -> Deed {
    Deed {
        at: now(),
        who: person(),
        via: "command_line".to_owned(),
        origin: "this machine".to_owned(),
        action: action.to_owned(),
        target: target.to_owned(),
        outcome: "done".to_owned(),
        before: before.map(|value| value.to_string()),
        after: after.map(|value| value.to_string()),
    }
}

/// Writes down a change of something that is no batch.
pub async fn changed(
    store: &dyn Store,
    action: &str,
    target: &str,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<(), Fault> {
    store.record(deed(action, target, before, after)).await?;
    Ok(())
}

/// Writes down a change of a batch, if it was made here.
pub async fn changed_batch(
    place: &Place,
    action: &str,
    before: &BatchRow,
    after: &BatchRow,
) -> Result<(), Fault> {
    match place {
        Place::Here(store) => {
            let states = (Some(batch_state(before)), Some(batch_state(after)));
            changed(store.as_ref(), action, &after.id.to_string(), states.0, states.1).await
        }
        Place::There(_) => Ok(()),
    }
}

/// Writes down that what was taken out of documents was handed out, if it was here. Where the
/// database cannot be written, nothing can be written down, and looking is still allowed.
pub async fn read(place: &Place, action: &str, target: &str, context: &Context) -> Result<(), Fault> {
    if matches!(place, Place::There(_)) {
        return Ok(());
    }
    let store = match wire::store_to_note(context) {
        Ok(store) => store,
        Err(StoreError::ReadOnly { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    match store.record(deed(action, target, None, None)).await {
        Ok(_) | Err(StoreError::ReadOnly { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
