//! `docmill templates` and `docmill template`: what can be taken out of documents.

use std::path::Path;

use docmill_core::template::{Template, Warning, fields};
use serde_json::json;

use crate::args::{Context, DoctorArgs};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::report::table::Table;
use crate::report::text::counted;
use crate::report::{Style, paint};
use crate::templates;

/// Lists the built-in templates.
pub fn list(args: &DoctorArgs, context: &Context) -> Result<Exit, Fault> {
    let ui = &context.ui;
    let built_in = templates::built_in()?;
    if args.json {
        let list: Vec<_> = built_in.iter().map(described).collect();
        ui.json(&list)?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["template", ">fields", "what it takes out"]);
    for template in &built_in {
        table.row(vec![
            (template.name.clone(), Some(Style::Bold)),
            (fields(&template.schema).len().to_string(), None),
            (template.description.clone(), None),
        ]);
    }
    ui.out(&table.render(ui.color_out, ui.width_out()))?;
    ui.hint("docmill template show NAME prints one; your own is a TOML file or a JSON Schema");
    Ok(Exit::Ok)
}

fn described(template: &Template) -> serde_json::Value {
    json!({
        "name": template.name,
        "description": template.description,
        "fields": fields(&template.schema).len(),
        "checks": template.checks.len(),
    })
}

/// Prints a template.
pub fn show(typed: &str, schema: bool, as_json: bool, context: &Context) -> Result<Exit, Fault> {
    let template = templates::find(typed)?;
    let ui = &context.ui;
    if schema {
        ui.json(&template.schema)?;
    } else if let Some(text) = templates::source(typed).filter(|_| !as_json) {
        // As it is written, comments among it: that is what one begins from.
        ui.out(text)?;
    } else {
        ui.json(&template)?;
    }
    Ok(Exit::Ok)
}

/// Checks a person's own template.
pub fn check(file: &Path, as_json: bool, context: &Context) -> Result<Exit, Fault> {
    let template = templates::of_file(file)?;
    let warnings = template.check();
    let ui = &context.ui;
    if as_json {
        let mut value = described(&template);
        if let Some(fields) = value.as_object_mut() {
            let warnings: Vec<String> = warnings.iter().map(place_and_message).collect();
            fields.insert("warnings".to_owned(), json!(warnings));
        }
        ui.json(&value)?;
        return Ok(Exit::Ok);
    }
    let ok = paint(ui.color_out, Style::Green, "ok");
    ui.out(&format!(
        "{ok}: template {} with {} and {}\n",
        template.name,
        counted(fields(&template.schema).len() as u64, "field"),
        counted(template.checks.len() as u64, "check")
    ))?;
    for warning in warnings {
        ui.warn(&place_and_message(&warning));
    }
    Ok(Exit::Ok)
}

fn place_and_message(warning: &Warning) -> String {
    if warning.at.is_empty() {
        warning.message.clone()
    } else {
        format!("{}: {}", warning.at, warning.message)
    }
}
