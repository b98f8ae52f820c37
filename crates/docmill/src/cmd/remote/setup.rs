//! Templates and keys of a server.

use docmill_server::views::{KeyView, TemplateDetail, TemplateList};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::{Context, KeyVerb};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::remote::{Remote, segment};
use crate::report::Style;
use crate::report::table::Table;

/// Keys.
#[derive(Debug, Deserialize)]
struct Keys {
    keys: Vec<KeyView>,
}

/// A key that was made.
#[derive(Debug, Deserialize)]
struct Made {
    key: String,
}

/// `docmill templates` and `docmill template show`, of a server.
pub async fn templates(
    named: Option<(&str, bool)>,
    as_json: bool,
    remote: &Remote,
    context: &Context,
) -> Result<Exit, Fault> {
    let ui = &context.ui;
    if let Some((name, schema)) = named {
        let path = format!("/templates/{}", segment(name));
        if as_json || schema {
            let value: Value = remote.http().get(&path).await?;
            ui.json(if schema { &value["schema"] } else { &value })?;
        } else {
            let detail: TemplateDetail = remote.http().get(&path).await?;
            ui.out(&detail.text)?;
        }
        return Ok(Exit::Ok);
    }
    let list: TemplateList = remote.http().get("/templates").await?;
    if as_json {
        ui.json(&list.templates)?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["template", ">fields", "whose", "what it takes out"]);
    for template in list.templates {
        let whose = if template.built_in {
            "built in"
        } else {
            "the server's"
        };
        table.row(vec![
            (template.name, Some(Style::Bold)),
            (template.fields.len().to_string(), None),
            (whose.to_owned(), None),
            (template.description, None),
        ]);
    }
    ui.out(&table.render(ui.color_out, ui.width_out()))?;
    Ok(Exit::Ok)
}

/// `docmill key` of a server.
pub async fn key(verb: KeyVerb, remote: &Remote, context: &Context) -> Result<Exit, Fault> {
    let ui = &context.ui;
    match verb {
        KeyVerb::Add {
            name,
            role,
            batches,
            actions,
            days,
        } => {
            let body = json!({
                "name": name, "role": role, "days": days,
                "batches": (!batches.is_empty()).then_some(batches),
                "actions": (!actions.is_empty()).then_some(actions),
            });
            let made: Made = remote.http().send("POST", "/keys", &body).await?;
            ui.out(&format!("{}\n", made.key))?;
            ui.hint("keep it now: it is not shown again");
        }
        KeyVerb::List { json: true } => {
            let list: Value = remote.http().get("/keys").await?;
            ui.json(&list["keys"])?;
        }
        KeyVerb::List { json: false } => {
            let list: Keys = remote.http().get("/keys").await?;
            ui.out(&crate::cmd::key::table(&list.keys).render(ui.color_out, ui.width_out()))?;
        }
        KeyVerb::Remove { name } => {
            remote.http().delete(&format!("/keys/{}", segment(&name))).await?;
            ui.say(&format!("the key of {name} opens nothing any more"));
        }
    }
    Ok(Exit::Ok)
}
