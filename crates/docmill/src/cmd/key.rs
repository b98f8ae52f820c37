//! `docmill key`: who may use the server over the network.

use docmill_server::keys::{self, NewKey, Scope};
use docmill_server::views::{KeyView, time};
use docmill_store::KeyRefused;
use serde_json::json;

use crate::args::{Context, KeyArgs, KeyVerb};
use crate::clock::now;
use crate::deed;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::report::Style;
use crate::report::table::Table;
use crate::wire;

const DAY_MS: i64 = 24 * 3600 * 1000;

/// Carries out `key`.
pub async fn perform(args: KeyArgs, context: &Context) -> Result<Exit, Fault> {
    let store = wire::store_to_work(context)?;
    let ui = &context.ui;
    match args.verb {
        KeyVerb::Add {
            name,
            role,
            batches,
            actions,
            days,
        } => {
            keys::check_name(&name).map_err(Fault::usage)?;
            let mut ids = Vec::new();
            for batch in &batches {
                ids.push(store.find_batch(batch).await?.id);
            }
            let new = NewKey {
                name: name.clone(),
                role,
                scope: Scope {
                    batches: (!ids.is_empty()).then_some(ids),
                    actions: (!actions.is_empty()).then_some(actions),
                },
                expires_at: days.map(|days| now().plus_ms(i64::from(days) * DAY_MS)),
            };
            let about = json!({ "role": role, "scope": new.scope, "expires_at": new.expires_at.map(time) });
            let made = keys::make(store.as_ref(), new, now()).await?;
            let key = made.map_err(|refused| fault(refused, &name))?;
            deed::changed(store.as_ref(), "key add", &name, None, Some(about)).await?;
            ui.out(&format!("{key}\n"))?;
            ui.hint("keep it now: it is not shown again");
        }
        KeyVerb::List { json } => {
            let known = store.keys().await?;
            let views: Vec<KeyView> = known.iter().map(KeyView::from).collect();
            if json {
                ui.json(&views)?;
            } else {
                ui.out(&table(&views).render(ui.color_out, ui.width_out()))?;
            }
        }
        KeyVerb::Remove { name } => {
            let removed = store.remove_key(&name).await?;
            removed.map_err(|refused| fault(refused, &name))?;
            deed::changed(store.as_ref(), "key remove", &name, None, None).await?;
            ui.say(&format!("the key of {name} opens nothing any more"));
        }
    }
    Ok(Exit::Ok)
}

/// Keys as a table.
pub fn table(keys: &[KeyView]) -> Table {
    let mut table = Table::new(&["name", "role", "only for", "until", "last used"]);
    for key in keys {
        let limits: Vec<String> = [&key.actions, &key.batches]
            .into_iter()
            .flatten()
            .map(|names| names.join(", "))
            .collect();
        let role = serde_json::to_value(key.role).unwrap_or_default();
        table.row(vec![
            (key.name.clone(), Some(Style::Bold)),
            (role.as_str().unwrap_or_default().to_owned(), None),
            (limits.join("; "), None),
            (key.expires_at.clone().unwrap_or_default(), None),
            (key.used_at.clone().unwrap_or_default(), None),
        ]);
    }
    table
}

fn fault(refused: KeyRefused, name: &str) -> Fault {
    match refused {
        KeyRefused::Exists => {
            Fault::usage(format!("there is a key of {name} already")).hint("docmill key remove takes it away")
        }
        KeyRefused::Missing => {
            Fault::usage(format!("there is no key of {name}")).hint("docmill key list shows whose there are")
        }
        KeyRefused::NeedsAdmin => {
            Fault::usage(refused.to_string()).hint(format!("docmill key add {name} --role admin"))
        }
        KeyRefused::LastAdmin => Fault::usage(format!("{name} holds the last admin's key"))
            .hint("docmill key add NAME --role admin makes another admin first"),
    }
}
