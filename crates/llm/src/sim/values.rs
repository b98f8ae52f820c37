//! Values for a schema, taken from the pages where something of the right type
//! stands there, so that rehearsed data look like data: dates from the dates,
//! amounts from the numbers, the rest from the lines.

use docmill_core::page::Page;
use regex::RegexBuilder;
use serde_json::{Map, Number, Value};

use super::random::Random;

/// Deeper than any schema that is sent.
const MAX_DEPTH: u8 = 16;
/// Longest text taken from a page.
const MAX_TEXT_CHARS: usize = 60;
/// Finds kept of each type; enough for variety.
const MAX_FINDS: usize = 400;

/// An answer for a schema in its flat form: references written out, limits kept.
pub(super) fn answer(schema: &Value, pages: &[Page], random: &mut Random) -> Value {
    let finds = Finds::on(pages);
    let mut writer = Writer {
        root: schema,
        finds: &finds,
        random,
    };
    writer.value(schema, "", 0)
}

/// Longest list that is made up.
const MAX_ENTRIES: u64 = 50;
/// A pattern that compiles to more is not worth it.
const MAX_PATTERN_BYTES: usize = 1 << 20;
/// What patterns in business schemas usually ask for.
const STOCK: &[&str] = &[
    "EUR",
    "DE",
    "en",
    "2026-01-15",
    "2026-01",
    "2026",
    "09:00",
    "12345",
    "123456",
    "AB-12345",
    "INV-2026-0001",
    "DE89370400440532013000",
    "COBADEFFXXX",
    "DE123456789",
    "+49301234567",
    "someone@example.com",
];

/// What stands on the pages, by type.
#[derive(Debug, Default)]
struct Finds<'a> {
    texts: Vec<&'a str>,
    words: Vec<&'a str>,
    dates: Vec<&'a str>,
    amounts: Vec<f64>,
    wholes: Vec<i64>,
}

impl<'a> Finds<'a> {
    fn on(pages: &'a [Page]) -> Self {
        let mut finds = Self::default();
        for page in pages {
            for line in page.text.lines() {
                finds.line(line.trim());
            }
        }
        finds
    }

    fn line(&mut self, line: &'a str) {
        let has_letters = line.chars().any(char::is_alphabetic);
        if has_letters && self.texts.len() < MAX_FINDS {
            // What follows a label is the value.
            let text = line.rsplit_once(": ").map_or(line, |(_, value)| value).trim();
            let end = text
                .char_indices()
                .nth(MAX_TEXT_CHARS)
                .map_or(text.len(), |(at, _)| at);
            let text = text.get(..end).unwrap_or_default().trim();
            if !text.is_empty() {
                self.texts.push(text);
            }
        }
        for word in line.split_whitespace() {
            self.word(word.trim_matches(|c: char| !c.is_alphanumeric()));
        }
    }

    fn word(&mut self, word: &'a str) {
        if self.words.len() < MAX_FINDS && !word.is_empty() {
            self.words.push(word);
        }
        if is_date(word) {
            if self.dates.len() < MAX_FINDS {
                self.dates.push(word);
            }
        } else if let Ok(whole) = word.parse::<i64>() {
            if self.wholes.len() < MAX_FINDS && (0..1_000_000_000).contains(&whole) {
                self.wholes.push(whole);
            }
        } else if let Some(amount) = amount(word)
            && self.amounts.len() < MAX_FINDS
        {
            self.amounts.push(amount);
        }
    }
}

/// YYYY-MM-DD with a possible month and day.
fn is_date(word: &str) -> bool {
    let parts: Vec<&str> = word.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return false;
    };
    let number = |text: &str, length: usize| {
        (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<u32>().ok())
            .flatten()
    };
    number(year, 4).is_some()
        && number(month, 2).is_some_and(|month| (1..=12).contains(&month))
        // Every month has 28 days: good enough for a date that must be valid.
        && number(day, 2).is_some_and(|day| (1..=28).contains(&day))
}

/// "1,234.50" and "1234.5": digits, thousands in commas, a point.
fn amount(word: &str) -> Option<f64> {
    let plain = word.replace(',', "");
    let digits = plain.bytes().filter(u8::is_ascii_digit).count();
    let points = plain.matches('.').count();
    (digits > 0 && points == 1 && digits + points == plain.len() && digits < 13)
        .then(|| plain.parse().ok())
        .flatten()
}

struct Writer<'a, 'b> {
    /// For references of schemas that contain themselves.
    root: &'a Value,
    finds: &'a Finds<'a>,
    random: &'b mut Random,
}

impl Writer<'_, '_> {
    fn value(&mut self, schema: &Value, name: &str, depth: u8) -> Value {
        if depth > MAX_DEPTH {
            return Value::Null;
        }
        if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
            let real: Vec<&Value> = choices.iter().filter(|choice| !choice.is_null()).collect();
            return self
                .random
                .pick(&real)
                .map_or(Value::Null, |choice| (*choice).clone());
        }
        if let Some(fixed) = schema.get("const") {
            return fixed.clone();
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let found = target
                .strip_prefix('#')
                .and_then(|pointer| self.root.pointer(pointer));
            return found.map_or(Value::Null, |found| self.value(found, name, depth + 1));
        }
        let branches = ["anyOf", "oneOf", "allOf"]
            .iter()
            .find_map(|key| schema.get(key).and_then(Value::as_array));
        if let Some(branches) = branches {
            return self.one_of(branches, name, depth);
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, name, depth),
            "string" => self.text(schema, name),
            "number" => self.amount(schema),
            "integer" => self.whole(schema),
            "boolean" => Value::Bool(self.random.below(2) == 1),
            _ => Value::Null,
        }
    }

    /// A value for one of the branches: the first, from a place of luck on, for which there is one.
    fn one_of(&mut self, branches: &[Value], name: &str, depth: u8) -> Value {
        let real: Vec<&Value> = branches.iter().filter(|branch| kind(branch) != "null").collect();
        let start = usize::try_from(self.random.below(real.len().max(1) as u64)).unwrap_or(0);
        let (before, from_start) = real.split_at_checked(start).unwrap_or((&[], &real));
        for branch in from_start.iter().chain(before) {
            let value = self.value(branch, name, depth + 1);
            if !value.is_null() {
                return value;
            }
        }
        Value::Null
    }

    fn object(&mut self, schema: &Value, depth: u8) -> Value {
        let properties = schema.get("properties").and_then(Value::as_object);
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut object = Map::new();
        for (name, inner) in properties.into_iter().flatten() {
            let optional = !required.contains(&name.as_str());
            if optional && depth >= DEEP {
                continue;
            }
            let value = self.value(inner, name, depth + 1);
            if !value.is_null() || !optional || takes_null(inner) {
                object.insert(name.clone(), value);
            }
        }
        let more = schema.get("additionalProperties").filter(|more| more.is_object());
        if let Some(more) = more.filter(|_| object.is_empty() && depth < DEEP) {
            object.insert("entry".to_owned(), self.value(more, "entry", depth + 1));
        }
        Value::Object(object)
    }

    fn array(&mut self, schema: &Value, name: &str, depth: u8) -> Value {
        if let Some(places) = schema.get("prefixItems").and_then(Value::as_array) {
            return places
                .iter()
                .map(|place| self.value(place, name, depth + 1))
                .collect();
        }
        let Some(items) = schema.get("items").filter(|items| items.is_object()) else {
            return Value::Array(Vec::new());
        };
        let limit = |key: &str| schema.get(key).and_then(Value::as_u64);
        let usual = u64::from(depth < DEEP);
        let least = limit("minItems").unwrap_or(usual).min(MAX_ENTRIES);
        let most = limit("maxItems").unwrap_or(least + 3 * usual);
        let most = most.clamp(least, MAX_ENTRIES.max(least));
        let count = least + self.random.below((most - least).min(3) + 1);
        let mut list: Vec<Value> = Vec::new();
        let unique = schema.get("uniqueItems") == Some(&Value::Bool(true));
        for _ in 0..count {
            let item = self.value(items, name, depth + 1);
            if !unique || !list.contains(&item) {
                list.push(item);
            }
        }
        Value::Array(list)
    }

    /// A text that meets the schema's limits, or null when none is found: it
    /// is better to say nothing than something that must be repaired.
    fn text(&mut self, schema: &Value, name: &str) -> Value {
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
            return self.matching(pattern);
        }
        let text = match schema.get("format").and_then(Value::as_str) {
            Some("date") => self.date(),
            Some("date-time") => format!("{}T09:00:00Z", self.date()),
            Some("time") => "09:00:00".to_owned(),
            Some("duration") => format!("P{}D", 1 + self.random.below(90)),
            Some("uuid") => format!("123e4567-e89b-42d3-a456-{:012}", self.random.below(1_000_000)),
            Some("ipv4") => format!("192.0.2.{}", self.random.below(256)),
            Some("ipv6") => format!("2001:db8::{:x}", self.random.below(65_536)),
            Some("hostname") => "host.example.com".to_owned(),
            Some("email") => format!("someone{}@example.com", self.random.below(100)),
            Some("uri") => format!("https://example.com/{}", self.random.below(1000)),
            _ if name.contains("currency") => "EUR".to_owned(),
            _ if name.contains("date") => self.date(),
            _ => self.any_text(),
        };
        let limit = |key: &str| schema.get(key).and_then(Value::as_u64);
        let most = limit("maxLength")
            .and_then(|most| usize::try_from(most).ok())
            .unwrap_or(usize::MAX);
        let mut text: String = text.chars().take(most).collect();
        let least = limit("minLength").unwrap_or(0).min(MAX_TEXT_CHARS as u64);
        while (text.chars().count() as u64) < least {
            text.push('x');
        }
        Value::String(text)
    }

    fn any_text(&mut self) -> String {
        let found = self.random.pick(&self.finds.texts).map(|text| (*text).to_owned());
        found.unwrap_or_else(|| format!("Simulated {}", self.random.below(1000)))
    }

    fn matching(&mut self, pattern: &str) -> Value {
        let Ok(regex) = RegexBuilder::new(pattern).size_limit(MAX_PATTERN_BYTES).build() else {
            return Value::Null;
        };
        let on_pages = self
            .finds
            .words
            .iter()
            .chain(&self.finds.texts)
            .chain(&self.finds.dates)
            .copied();
        let fitting: Vec<&str> = on_pages
            .chain(STOCK.iter().copied())
            .filter(|text| regex.is_match(text))
            .collect();
        self.random
            .pick(&fitting)
            .map_or(Value::Null, |text| Value::from(*text))
    }

    fn date(&mut self) -> String {
        let found = self.random.pick(&self.finds.dates).map(|date| (*date).to_owned());
        found.unwrap_or_else(|| {
            let (month, day) = (1 + self.random.below(12), 1 + self.random.below(28));
            format!("2026-{month:02}-{day:02}")
        })
    }

    fn amount(&mut self, schema: &Value) -> Value {
        let range = Range::of(schema);
        let fitting: Vec<f64> = self
            .finds
            .amounts
            .iter()
            .copied()
            .filter(|amount| range.holds(*amount))
            .collect();
        let amount = self.random.pick(&fitting).copied().or_else(|| {
            let cents = u32::try_from(self.random.below(1_000_000)).ok()?;
            Some(range.brought_into(f64::from(cents) / 100.0))
        });
        let amount = amount.map(|amount| range.stepped(amount));
        amount
            .and_then(Number::from_f64)
            .map_or(Value::Null, Value::Number)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole, and a cast from a float saturates"
    )]
    fn whole(&mut self, schema: &Value) -> Value {
        let range = Range::of(schema);
        let fits = |whole: &i64| i32::try_from(*whole).is_ok_and(|whole| range.holds(f64::from(whole)));
        let fitting: Vec<i64> = self.finds.wholes.iter().copied().filter(fits).collect();
        let whole = self.random.pick(&fitting).copied().unwrap_or_else(|| {
            let drawn = u32::try_from(self.random.below(1000)).unwrap_or(0);
            range.brought_into(f64::from(drawn)).ceil() as i64
        });
        if range.step.is_some() {
            let near = i32::try_from(whole).map_or(0.0, f64::from);
            return Value::from(range.stepped(near) as i64);
        }
        Value::from(whole)
    }
}

/// The numbers a schema allows.
struct Range {
    least: f64,
    most: f64,
    /// What the number has to be a multiple of.
    step: Option<f64>,
}

impl Range {
    fn of(schema: &Value) -> Self {
        let limit = |key: &str| schema.get(key).and_then(Value::as_f64);
        let above = limit("exclusiveMinimum").map(|limit| limit + 0.01);
        let below = limit("exclusiveMaximum").map(|limit| limit - 0.01);
        Self {
            least: limit("minimum")
                .into_iter()
                .chain(above)
                .fold(f64::NEG_INFINITY, f64::max),
            most: limit("maximum")
                .into_iter()
                .chain(below)
                .fold(f64::INFINITY, f64::min),
            step: limit("multipleOf").filter(|step| *step > 0.0),
        }
    }

    /// The multiple of the step that is not above the number, unless that is below the range.
    fn stepped(&self, number: f64) -> f64 {
        let Some(step) = self.step else {
            return number;
        };
        let below = (number / step).floor() * step;
        if below >= self.least {
            below
        } else {
            (self.least / step).ceil() * step
        }
    }

    fn holds(&self, number: f64) -> bool {
        self.least <= number && number <= self.most
    }

    fn brought_into(&self, number: f64) -> f64 {
        number.min(self.most).max(self.least)
    }
}

/// Levels below which only what is required is made up, so that a tree ends.
const DEEP: u8 = 8;

fn takes_null(schema: &Value) -> bool {
    let kinds = schema.get("type");
    let named = kinds.is_some_and(|kinds| {
        kinds == "null"
            || kinds
                .as_array()
                .is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"))
    });
    let branches = ["anyOf", "oneOf"]
        .iter()
        .find_map(|key| schema.get(key).and_then(Value::as_array));
    named || branches.is_some_and(|branches| branches.iter().any(takes_null))
}

/// The type that is not null.
fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(one)) => one,
        Some(Value::Array(many)) => {
            let mut kinds = many.iter().filter_map(Value::as_str);
            kinds.find(|kind| *kind != "null").unwrap_or("null")
        }
        _ if schema.get("properties").is_some() => "object",
        _ if ["$ref", "enum", "const", "anyOf", "oneOf", "allOf"]
            .iter()
            .any(|key| schema.get(key).is_some()) =>
        {
            "something"
        }
        _ => "null",
    }
}
