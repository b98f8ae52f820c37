//! Measures the offline model against known-right fields.
//!
//! cargo run --release -p docmill-llm --example measure -- fields TEMPLATE.toml READINGS TRUTH.jsonl [THEIRS=OURS]...
//! cargo run --release -p docmill-llm --example measure -- spans SENTENCES.jsonl
//! cargo run --release -p docmill-llm --example measure -- strings READINGS TRUTH.jsonl
//!
//! READINGS is a folder of readings as JSON (made by docmill-parse's example `read --json`);
//! a truth line is {"file": …, "fields": {…}}. A value counts as found when it is equal after
//! normalising: dates as ISO, amounts in cents, texts in upper case without punctuation; "close"
//! counts texts whose words overlap by an F1 of 0.8. Figures come for two halves, told apart by a
//! hash of the file's name: what was tuned on one half is honest on the other. SHOW=1 prints what
//! was wrong in the tuned half.

use std::collections::BTreeMap;
use std::fs;

use docmill_core::page::{Page, ParsedDocument, TextOrigin};
use docmill_core::template::Template;
use serde_json::Value;

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["fields", template, readings, truth, ..] => fields(template, readings, truth, &arguments[4..]),
        ["spans", sentences] => spans(sentences),
        ["strings", readings, truth] => strings(readings, truth),
        _ => Err(
            "strings READINGS TRUTH, fields TEMPLATE READINGS TRUTH [THEIRS=OURS]..., or spans SENTENCES"
                .into(),
        ),
    }
}

/// Found right, found close, given at all, there to be found.
#[derive(Default, Clone, Copy)]
struct Score {
    right: u32,
    close: u32,
    given: u32,
    wanted: u32,
}

impl Score {
    fn print(&self, name: &str, half: &str) {
        let share = |part: u32, of: u32| {
            if of == 0 {
                "–".to_owned()
            } else {
                format!("{:.1} %", f64::from(part) * 100.0 / f64::from(of))
            }
        };
        println!(
            "| {name} | {half} | {} | {} | {} | {} |",
            self.wanted,
            share(self.right, self.given),
            share(self.right, self.wanted),
            share(self.close, self.wanted)
        );
    }
}

fn half(name: &str) -> &'static str {
    if blake3::hash(name.as_bytes()).as_bytes()[0].is_multiple_of(2) {
        "tuned"
    } else {
        "held out"
    }
}

fn fields(template: &str, readings: &str, truth: &str, renames: &[String]) -> Result<(), Failed> {
    let template = Template::from_toml(&fs::read_to_string(template)?)?;
    let mut scores: BTreeMap<(String, &str), Score> = BTreeMap::new();
    for line in fs::read_to_string(truth)?.lines() {
        let entry: Value = serde_json::from_str(line)?;
        let (Some(file), Some(wanted)) = (entry["file"].as_str(), entry["fields"].as_object()) else {
            continue;
        };
        let path = format!("{readings}/{}.json", file.replace('/', "_"));
        let mut pages = match fs::read(&path) {
            Ok(json) => serde_json::from_slice::<ParsedDocument>(&json)?.pages,
            Err(_) => Vec::new(),
        };
        // The truth was read from what invoices carry as data: only the page itself counts, unless asked.
        if std::env::var_os("WITH_DATA").is_none() {
            pages.retain(|page| page.label.is_none());
        }
        let (data, _) = docmill_llm::offline::extract(&template.schema, &pages);
        for (theirs, value) in wanted {
            let ours = renames
                .iter()
                .find_map(|it| it.strip_prefix(&format!("{theirs}=")))
                .unwrap_or(theirs);
            if template.schema.pointer(&format!("/properties/{ours}")).is_none() || value.is_null() {
                continue;
            }
            let score = scores.entry((ours.to_owned(), half(file))).or_default();
            // Only of the half that is tuned: who has seen the other can hold nothing out.
            let show = std::env::var_os("SHOW").is_some() && half(file) == "tuned";
            for (wanted, given) in pairs(value, &data[ours]) {
                score.wanted += u32::from(wanted.is_some());
                score.given += u32::from(given.is_some());
                if let (Some(wanted), Some(given)) = (wanted, given) {
                    let right = same(&wanted, &given);
                    score.right += u32::from(right);
                    score.close += u32::from(right || overlap(&wanted, &given) >= 0.8);
                    if !right && show {
                        eprintln!("{file} {ours}: wanted {wanted:?}, given {given:?}");
                    }
                } else if show {
                    eprintln!("{file} {ours}: wanted {value}, given nothing");
                }
            }
        }
    }
    println!("| field | half | documents | precision | recall | recall, close |\n|---|---|---|---|---|---|");
    for ((field, half), score) in &scores {
        score.print(field, half);
    }
    Ok(())
}

/// What is compared with what: single values, or each wanted entry with the given one nearest to it.
fn pairs(wanted: &Value, given: &Value) -> Vec<(Option<String>, Option<String>)> {
    let Value::Array(wanted) = wanted else {
        return vec![(text(wanted), text(given))];
    };
    let mut left: Vec<String> = given.as_array().into_iter().flatten().filter_map(text).collect();
    let mut pairs = Vec::new();
    for wanted in wanted.iter().filter_map(text) {
        let best = (0..left.len())
            .max_by(|a, b| overlap(&wanted, &left[*a]).total_cmp(&overlap(&wanted, &left[*b])));
        let given = best
            .filter(|at| overlap(&wanted, &left[*at]) > 0.3)
            .map(|at| left.remove(at));
        pairs.push((Some(wanted), given));
    }
    pairs.extend(left.into_iter().map(|given| (None, Some(given))));
    pairs
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn same(wanted: &str, given: &str) -> bool {
    let cents = |text: &str| {
        text.replace([',', ' ', '$', '€'], "")
            .trim_start_matches("RM")
            .parse::<f64>()
            .ok()
            .map(|it| (it * 100.0).round())
    };
    if let (Some(wanted), Some(given)) = (cents(wanted), cents(given)) {
        return (wanted - given).abs() < 0.5;
    }
    let date = |text: &str| docmill_llm::offline::read_date(text);
    if let (Some(wanted), Some(given)) = (date(wanted), date(given)) {
        return wanted == given;
    }
    bare(wanted) == bare(given)
}

fn bare(text: &str) -> String {
    text.to_uppercase()
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect()
}

fn overlap(wanted: &str, given: &str) -> f64 {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|it| !it.is_empty())
            .map(str::to_uppercase)
            .collect()
    };
    let (wanted, given) = (words(wanted), words(given));
    let mut left = given.clone();
    let hits = wanted
        .iter()
        .filter(|word| {
            left.iter()
                .position(|it| it == *word)
                .map(|at| left.swap_remove(at))
                .is_some()
        })
        .count();
    if hits == 0 {
        0.0
    } else {
        2.0 * hits as f64 / (wanted.len() + given.len()) as f64
    }
}

/// Sentences with spans: {"text" or "full_text": …, "spans": [{"entity_type", "start_position", "end_position"}]}.
fn spans(path: &str) -> Result<(), Failed> {
    let schema = Template::from_toml(include_str!("../../../templates/pii.toml"))?.schema;
    let mut scores: BTreeMap<(String, &str), Score> = BTreeMap::new();
    for line in fs::read_to_string(path)?.lines() {
        let entry: Value = serde_json::from_str(line)?;
        let Some(sentence) = entry["full_text"].as_str().or(entry["text"].as_str()) else {
            continue;
        };
        let page = Page {
            number: 1,
            label: None,
            width: 0.0,
            height: 0.0,
            text: sentence.to_owned(),
            words: Vec::new(),
            origin: TextOrigin::Native,
        };
        let (data, _) = docmill_llm::offline::extract(&schema, &[page]);
        let mut given: Vec<(String, String)> = data["entities"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|it| Some((it["type"].as_str()?.to_owned(), it["value"].as_str()?.to_owned())))
            .collect();
        let half = half(sentence);
        for span in entry["spans"].as_array().into_iter().flatten() {
            let Some(kind) = span["entity_type"].as_str().and_then(ours) else {
                continue;
            };
            let wanted = span["entity_value"].as_str().unwrap_or_default();
            let score = scores.entry((kind.to_owned(), half)).or_default();
            score.wanted += 1;
            let hit = given
                .iter()
                .position(|(it, value)| it == kind && bare(value) == bare(wanted));
            let near = hit.or_else(|| {
                given
                    .iter()
                    .position(|(it, value)| it == kind && overlap(wanted, value) > 0.0)
            });
            if let Some(at) = near {
                given.remove(at);
                score.given += 1;
                score.right += u32::from(hit.is_some());
                score.close += 1;
            }
        }
        for (kind, _) in given {
            scores.entry((kind, half)).or_default().given += 1;
        }
    }
    println!("| type | half | spans | precision | recall | recall, overlapping |\n|---|---|---|---|---|---|");
    for ((kind, half), score) in &scores {
        score.print(kind, half);
    }
    Ok(())
}

/// The corpus's names of types as ours; `None`: a type we do not claim.
fn ours(theirs: &str) -> Option<&'static str> {
    Some(match theirs {
        "PERSON" => "person",
        "ORGANIZATION" => "organisation",
        "STREET_ADDRESS" => "address",
        "GPE" | "LOCATION" => "location",
        "DATE_TIME" => "date",
        "AGE" => "age",
        "EMAIL_ADDRESS" => "email",
        "PHONE_NUMBER" => "phone",
        "DOMAIN_NAME" | "URL" => "url",
        "IP_ADDRESS" => "ip_address",
        "CREDIT_CARD" => "credit_card",
        "IBAN_CODE" => "iban",
        "US_SSN" => "national_id",
        "NRP" => "nationality",
        "US_DRIVER_LICENSE" => "other_id",
        _ => return None,
    })
}

/// Letters with the strings that have to be found in them, whatever their kind:
/// {"file": …, "phi": [strings]}. A string counts as found when a given value contains it, or it
/// contains one of three quarters of its length.
fn strings(readings: &str, truth: &str) -> Result<(), Failed> {
    let schema = Template::from_toml(include_str!("../../../templates/pii.toml"))?.schema;
    let mut scores: BTreeMap<&str, [u32; 4]> = BTreeMap::new();
    for line in fs::read_to_string(truth)?.lines() {
        let entry: Value = serde_json::from_str(line)?;
        let (Some(file), Some(wanted)) = (entry["file"].as_str(), entry["phi"].as_array()) else {
            continue;
        };
        let json = fs::read(format!("{readings}/{}.json", file.replace('/', "_")))?;
        let pages = serde_json::from_slice::<ParsedDocument>(&json)?.pages;
        let (data, _) = docmill_llm::offline::extract(&schema, &pages);
        let distinct = |list: Vec<String>| -> std::collections::BTreeSet<String> {
            list.into_iter()
                .map(|it| it.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect()
        };
        let wanted = distinct(wanted.iter().filter_map(text).collect());
        let entities = data["entities"].as_array().into_iter().flatten();
        let given = distinct(entities.filter_map(|it| text(&it["value"])).collect());
        let covers = |given: &str, wanted: &str| {
            given.contains(wanted) || (wanted.contains(given) && given.len() * 4 >= wanted.len() * 3)
        };
        let half = half(file);
        let show = std::env::var_os("SHOW").is_some() && half == "tuned";
        let score = scores.entry(half).or_default();
        for wanted in &wanted {
            score[1] += 1;
            if given.iter().any(|given| covers(given, wanted)) {
                score[0] += 1;
            } else if show {
                eprintln!("{file}: {wanted:?} was not found");
            }
        }
        for given in &given {
            score[3] += 1;
            if wanted
                .iter()
                .any(|wanted| covers(given, wanted) || wanted.contains(given.as_str()))
            {
                score[2] += 1;
            } else if show {
                eprintln!("{file}: {given:?} is none");
            }
        }
    }
    println!("| half | found | of | right | of given |\n|---|---|---|---|---|");
    for (half, [found, wanted, right, given]) in scores {
        let share = |part: u32, of: u32| f64::from(part) * 100.0 / f64::from(of.max(1));
        println!(
            "| {half} | {found} ({:.1} %) | {wanted} | {right} ({:.1} %) | {given} |",
            share(found, wanted),
            share(right, given)
        );
    }
    Ok(())
}
