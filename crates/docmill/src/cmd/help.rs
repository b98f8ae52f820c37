//! `docmill help-markdown`: the command line as Markdown. `docs/guide/command-line.md` is
//! what this prints; a test fails when the two differ.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory};

use crate::args::{Cli, Context};
use crate::exit::Exit;
use crate::fault::Fault;

const INTRODUCTION: &str = "\
# Command line

<!-- Printed by `docmill help-markdown`; a test keeps it so. -->

Data goes to standard output, everything else to standard error. `--json` gives programs one JSON \
document (`logs --json`: one object a line). A batch is named by its id, its short id (the last digits of \
the id), its name, or `last`.

Documents whose names or contents hold control characters cannot steer your terminal: such characters are \
shown as `\u{fffd}`. Colours and progress appear on terminals only; `NO_COLOR` and `--color` are obeyed.
";

const FILES: &str = "
## Results

| format | what it is |
|---|---|
| `csv` | UTF-8, RFC 4180 quoting, one heading row. An absent value is nothing, an empty text is `\"\"`. Values are not changed, also those that begin with `=`, `+`, `-` or `@`: open files of strangers as `xlsx` |
| `xlsx` | one sheet per table; texts are texts, never formulas; dates are dates. A text is cut at 32,767 characters (and says so), a full sheet is continued on the next |
| `parquet` | typed columns that may be null, Snappy, row groups of at most 8 MB of text |
| `jsonl` | one object per document, the template's fields under `data`, nothing flattened |

The main table has one row per document: `document` (its number), `name`, `status`, the template's fields \
(objects flattened with dots, lists of plain values as JSON text), `duplicate_of`, `error_code`, `error`, \
`cost_usd`, `model`, `simulated`, `risk`, `findings`. A field that is called like one of these becomes \
`data.name`. Every list becomes a table of its own (`results.items.csv` beside `results.csv`, a sheet, or \
`items.csv` in a folder) with `document`, `name`, `row`. `--evidence` adds `field.page`, `field.quote` and \
`field.bbox` (left, top, right, bottom in points from the top left) behind each field.

Files are written beside their place and renamed at the end: they appear whole or not at all.
";

/// Carries out the verb.
pub fn perform(context: &Context) -> Result<Exit, Fault> {
    context.ui.out(&markdown())?;
    Ok(Exit::Ok)
}

fn markdown() -> String {
    let mut command = Cli::command();
    command.build();
    let mut out = String::from(INTRODUCTION);
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        section(verb, "docmill", &mut out);
    }
    out.push_str(FILES);
    out.push_str("\n## Everywhere\n\n");
    options(
        command.get_arguments().filter(|arg| arg.is_global_set()),
        &mut out,
    );
    out.push_str("\n## Exit status\n\n| status | meaning |\n|---|---|\n");
    for exit in Exit::ALL {
        let _ = writeln!(out, "| {} | {} |", exit.code(), exit.meaning());
    }
    out
}

fn section(command: &Command, above: &str, out: &mut String) {
    let name = format!("{above} {}", command.get_name());
    let inner: Vec<&Command> = command
        .get_subcommands()
        .filter(|inner| inner.get_name() != "help")
        .collect();
    if !inner.is_empty() {
        for inner in inner {
            section(inner, &name, out);
        }
        return;
    }
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let positional: Vec<String> = command.get_positionals().map(usage).collect();
    let usage = [name.clone(), positional.join(" "), "[OPTIONS]".to_owned()];
    let usage: Vec<String> = usage.into_iter().filter(|part| !part.is_empty()).collect();
    let _ = write!(
        out,
        "\n## {name}\n\n{about}.\n\n```\n{}\n```\n\n",
        usage.join(" ")
    );
    options(command.get_arguments().filter(|arg| !arg.is_global_set()), out);
    if let Some(after) = command.get_after_help() {
        let _ = write!(out, "\n```text\n{}\n```\n", after.to_string().trim_end());
    }
}

fn usage(arg: &Arg) -> String {
    let name = value_name(arg);
    let name = if arg.get_num_args().is_some_and(|range| range.max_values() > 1) {
        format!("{name}…")
    } else {
        name
    };
    if arg.is_required_set() {
        name
    } else {
        format!("[{name}]")
    }
}

fn value_name(arg: &Arg) -> String {
    arg.get_value_names().and_then(|names| names.first()).map_or_else(
        || arg.get_id().to_string().to_uppercase(),
        |name| name.to_string(),
    )
}

fn options<'a>(arguments: impl Iterator<Item = &'a Arg>, out: &mut String) {
    let shown = |arg: &&Arg| !arg.is_hide_set() && arg.get_id() != "help" && arg.get_id() != "version";
    let rows: Vec<String> = arguments.filter(shown).map(row).collect();
    if !rows.is_empty() {
        let _ = write!(out, "| | |\n|---|---|\n{}", rows.concat());
    }
}

fn row(arg: &Arg) -> String {
    let mut name = match (arg.get_long(), arg.get_short()) {
        (Some(long), Some(short)) => format!("`--{long}`, `-{short}`"),
        (Some(long), None) => format!("`--{long}`"),
        (None, Some(short)) => format!("`-{short}`"),
        (None, None) => format!("`{}`", value_name(arg)),
    };
    let takes_value = arg.get_action().takes_values() && !arg.is_positional();
    if takes_value {
        let _ = write!(name, " `{}`", value_name(arg).replace('|', "\\|"));
    }
    let mut text = arg
        .get_help()
        .map(|help| help.to_string().replace('|', "\\|"))
        .unwrap_or_default();
    if takes_value && !arg.is_hide_possible_values_set() {
        let values: Vec<String> = arg
            .get_possible_values()
            .iter()
            .filter(|value| !value.is_hide_set())
            .map(|value| format!("`{}`", value.get_name()))
            .collect();
        if !values.is_empty() {
            let _ = write!(text, ": {}", values.join(", "));
        }
    }
    let defaults: Vec<String> = arg
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy().into_owned())
        .collect();
    if arg.get_action().takes_values() && !defaults.is_empty() {
        let _ = write!(text, " (default: `{}`)", defaults.join(" "));
    }
    if let Some(variable) = arg.get_env() {
        let _ = write!(text, " (environment: `{}`)", variable.to_string_lossy());
    }
    format!("| {name} | {text} |\n")
}
