//! `docmill models`: what there is, what it costs, what can be called from here.

use chrono::Local as Clock;
use docmill_core::money::PicoPerToken;
use serde_json::{Value, json};

use crate::args::{Context, ModelsArgs};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::report::Style;
use crate::report::table::Table;
use crate::wire::{self, Listed, Local};

/// Carries out the verb.
pub async fn perform(args: ModelsArgs, context: &Context) -> Result<Exit, Fault> {
    let today = Clock::now().format("%Y-%m-%d").to_string();
    let words: Vec<String> = args.search.iter().map(|word| word.to_lowercase()).collect();
    let fits = |name: &str| {
        words
            .iter()
            .all(|word| name.to_lowercase().contains(word.as_str()))
    };
    let servers = wire::local_servers().await;
    let searched = !words.is_empty();
    let shown = |model: &Listed| {
        let gone = model
            .retired_on
            .as_deref()
            .is_some_and(|day| day < today.as_str());
        // Whoever searches wants to find; a bare list shows what can be used now.
        fits(&model.name) && (args.all || !gone && (searched || model.missing.is_none()))
    };
    let models: Vec<Listed> = wire::models().into_iter().filter(shown).collect();
    let local: Vec<(&Local, &String)> = servers
        .iter()
        .flat_map(|server| server.models.iter().flatten().map(move |model| (server, model)))
        .filter(|(server, model)| fits(&format!("{}/{model}", server.name)))
        .collect();
    let ui = &context.ui;
    if args.json {
        let list: Vec<Value> = models
            .iter()
            .map(as_json)
            .chain(local.iter().map(|(server, model)| local_json(server, model)))
            .collect();
        ui.json(
            &json!({ "models": list, "local_servers": servers.iter().map(server_json).collect::<Vec<_>>() }),
        )?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&[
        "model", ">in", ">cached", ">out", ">context", ">answer", "sees", "retired", "ready",
    ]);
    for model in &models {
        table.row(row(model, &today));
    }
    for (server, model) in &local {
        let blank = || (String::new(), None);
        table.row(vec![
            (format!("{}/{model}", server.name), Some(Style::Bold)),
            ("--price".to_owned(), None),
            blank(),
            blank(),
            blank(),
            blank(),
            blank(),
            blank(),
            ("answers".to_owned(), Some(Style::Green)),
        ]);
    }
    if models.is_empty() && local.is_empty() {
        ui.hint("no model has that in its name; docmill models --all lists every one");
        return Ok(Exit::Ok);
    }
    ui.out(&table.render(ui.color_out, None))?;
    ui.hint(&format!(
        "prices are dollars per million tokens, {}",
        docmill_llm::catalog::ORIGIN
    ));
    let silent: Vec<&str> = servers
        .iter()
        .filter(|server| server.models.is_none())
        .map(|server| server.title)
        .collect();
    if !silent.is_empty() {
        ui.hint(&format!("no answer on this machine from {}", silent.join(", ")));
    }
    if !searched && !args.all {
        ui.hint("docmill models SEARCH finds those whose key is not set, too");
    }
    Ok(Exit::Ok)
}

fn row(model: &Listed, today: &str) -> Vec<(String, Option<Style>)> {
    let amount = |price: Option<PicoPerToken>| (price.map(per_million).unwrap_or_default(), None);
    let count = |number: Option<u64>| number.map(thousands).unwrap_or_default();
    let price = model.price.as_ref();
    let retired = match model.retired_on.as_deref() {
        Some(day) if day < today => (day.to_owned(), Some(Style::Red)),
        Some(day) => (day.to_owned(), Some(Style::Yellow)),
        None => (String::new(), None),
    };
    let ready = match &model.missing {
        None => ("yes".to_owned(), Some(Style::Green)),
        Some(missing) => (
            missing
                .split_once("; ")
                .map_or(missing.as_str(), |(_, how)| how)
                .replace(" in the environment", ""),
            Some(Style::Yellow),
        ),
    };
    vec![
        (model.name.clone(), Some(Style::Bold)),
        amount(price.map(|price| price.input)),
        amount(price.and_then(|price| price.cached_input)),
        amount(price.map(|price| price.output)),
        (count(model.context), None),
        (count(model.answer.map(u64::from)), None),
        (if model.vision { "pictures" } else { "text" }.to_owned(), None),
        retired,
        ready,
    ]
}

/// "0.15": exact, without zeros at its end.
fn per_million(price: PicoPerToken) -> String {
    let whole = price.0 / 1_000_000;
    let rest = format!("{:06}", price.0 % 1_000_000);
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() {
        whole.to_string()
    } else {
        format!("{whole}.{rest}")
    }
}

/// "128k", "1M": contexts are round enough.
fn thousands(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        1_000..1_000_000 => format!("{}k", number / 1_000),
        _ if number % 1_000_000 < 100_000 => format!("{}M", number / 1_000_000),
        _ => format!("{}.{}M", number / 1_000_000, number % 1_000_000 / 100_000),
    }
}

fn as_json(model: &Listed) -> Value {
    let price = model.price.as_ref();
    let usd = |amount: Option<PicoPerToken>| amount.map(per_million);
    json!({
        "model": model.name,
        "input_usd_per_million": usd(price.map(|price| price.input)),
        "cached_input_usd_per_million": usd(price.and_then(|price| price.cached_input)),
        "cache_write_usd_per_million": usd(price.and_then(|price| price.cache_write)),
        "output_usd_per_million": usd(price.map(|price| price.output)),
        "price_origin": price.map(|price| price.origin.as_str()),
        "max_input_tokens": model.context,
        "max_output_tokens": model.answer,
        "vision": model.vision,
        "structured_output": model.schema,
        "retired_on": model.retired_on,
        "ready": model.missing.is_none(),
        "missing": model.missing,
    })
}

fn local_json(server: &Local, model: &str) -> Value {
    json!({ "model": format!("{}/{model}", server.name), "ready": true })
}

fn server_json(server: &Local) -> Value {
    json!({ "name": server.name, "answers": server.models.is_some(), "models": server.models })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_and_counts_short() {
        assert_eq!(per_million(PicoPerToken(150_000)), "0.15");
        assert_eq!(per_million(PicoPerToken(15_000_000)), "15");
        assert_eq!(per_million(PicoPerToken(0)), "0");
        assert_eq!(per_million(PicoPerToken(27_500)), "0.0275");
        let short: Vec<String> = [900, 128_000, 1_000_000, 1_048_576, 2_500_000]
            .map(thousands)
            .into();
        assert_eq!(short, ["900", "128k", "1M", "1M", "2.5M"]);
    }
}
