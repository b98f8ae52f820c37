//! `docmill key`: who may use the server over the network.

use docmill_server::keys;
use serde_json::json;

use crate::args::{Context, KeyArgs, KeyVerb};
use crate::clock::now;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::report::Style;
use crate::report::table::Table;
use crate::wire;

/// Carries out `key`.
pub async fn perform(args: KeyArgs, context: &Context) -> Result<Exit, Fault> {
    let store = wire::store_to_work(context)?;
    let ui = &context.ui;
    match args.verb {
        KeyVerb::Add { name, role } => {
            let known = keys::list(store.as_ref()).await?;
            if known.iter().any(|(known, _)| *known == name) {
                return Err(Fault::usage(format!("there is a key of {name} already"))
                    .hint("docmill key remove takes it away"));
            }
            if known.is_empty() && role != keys::Role::Admin {
                return Err(
                    Fault::usage("the first key must be an admin's, or nobody could make another")
                        .hint(format!("docmill key add {name} --role admin")),
                );
            }
            let key = keys::make(store.as_ref(), &name, role, now()).await?;
            ui.out(&format!("{key}\n"))?;
            ui.hint("keep it now: it is not shown again");
        }
        KeyVerb::List { json: true } => {
            let known = keys::list(store.as_ref()).await?;
            let list: Vec<_> = known
                .iter()
                .map(|(name, role)| json!({ "name": name, "role": role }))
                .collect();
            ui.json(&list)?;
        }
        KeyVerb::List { json: false } => {
            let known = keys::list(store.as_ref()).await?;
            let mut table = Table::new(&["name", "role"]);
            for (name, role) in known {
                table.row(vec![(name, Some(Style::Bold)), (role.to_string(), None)]);
            }
            ui.out(&table.render(ui.color_out, ui.width_out()))?;
        }
        KeyVerb::Remove { name } => {
            let names = keys::names(store.as_ref()).await?;
            if !names.contains(&name) {
                return Err(Fault::usage(format!("there is no key of {name}"))
                    .hint("docmill key list shows whose there are"));
            }
            // One that cannot be read is nobody's last key, and this is how it is taken away.
            let known = keys::list(store.as_ref()).await;
            if known.is_ok_and(|known| keys::is_last_admin(&known, &name)) {
                return Err(Fault::usage(format!("{name} holds the last admin's key"))
                    .hint("docmill key add NAME --role admin makes another admin first"));
            }
            keys::remove(store.as_ref(), &name, now()).await?;
            ui.say(&format!("the key of {name} opens nothing any more"));
        }
    }
    Ok(Exit::Ok)
}
