//! Contracts: who makes them, under whose law, for how long.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::{Found, Line};

static LAW: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i:laws?\s+of\s+(?:the\s+)?(?:(?:state|commonwealth|province|republic)\s+of\s+)?)(?P<place>(?:[A-Z][A-Za-z]+)(?:\s+(?:[A-Z][A-Za-z]+|of|and)){0,3})").ok()
});
static DURATION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?P<word>one|two|three|four|five|six|seven|eight|nine|ten|twelve|eighteen|twenty[- ]four|thirty[- ]six|\d{1,3})\s*(?:\(\s*(?P<digits>\d{1,3})\s*\)\s*)?(?P<unit>year|month|day|week|jahre?|monate?|an(?:née)?|mois)s?\b").ok()
});
static PARTY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?P<name>[A-Z][\w&.,'’\- ]{2,70}?,?\s+(?:Inc|Corp(?:oration)?|LLC|L\.L\.C|Ltd|Limited|LLP|L\.P|Company|Co|GmbH|AG|plc|PLC|N\.V|B\.V|S\.A|Partners|Fund|Bank|Group|Holdings|Capital)\b\.?)").ok()
});
static BETWEEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i:\bbetween\b|\bby and among\b|\bzwischen\b|\bentre\b)\s*:?\s*(?P<first>[A-Z][^,(;]{2,80}?)\s*[,(;].{0,400}?\b(?i:and|und|et)\s+(?P<second>[A-Z][^,(;]{2,80}?)\s*[,(;]").ok()
});

/// The whole text on one line, as sentences run over lines.
fn run_on(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        text.push_str(&line.text);
        text.push(' ');
    }
    text
}

fn found(value: String, quote: &str, lines: &[Line]) -> Option<Found<String>> {
    // The page of the line the quote begins on.
    let beginning: String = quote.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let line = lines
        .iter()
        .find(|line| line.text.contains(&beginning))
        .or_else(|| lines.first())?;
    Some(Found::new(value, line, quote))
}

/// The state or country whose law governs.
pub(super) fn jurisdiction(lines: &[Line]) -> Option<Found<String>> {
    let text = run_on(lines);
    let place =
        LAW.as_ref()?
            .captures_iter(&text)
            .filter_map(|capture| capture.name("place"))
            .map(|place| {
                let mut words: Vec<&str> = place.as_str().split_whitespace().collect();
                // "New York and", "Delaware The".
                while words.last().is_some_and(|word| {
                    matches!(*word, "and" | "of" | "The" | "Without" | "This" | "Any" | "In")
                }) {
                    words.pop();
                }
                words.join(" ")
            });
    let place = place
        .into_iter()
        .find(|place| !place.is_empty() && !matches!(place.as_str(), "United States" | "America"))?;
    found(place.clone(), &place, lines)
}

/// How long it lasts: the first duration beside a word that speaks of the term.
pub(super) fn duration(lines: &[Line]) -> Option<Found<String>> {
    let text = run_on(lines);
    let regex = DURATION.as_ref()?;
    for capture in regex.captures_iter(&text) {
        let whole = capture.get(0)?;
        let around = |from: usize, to: usize| {
            text.get(text.floor_char_boundary(from)..text.floor_char_boundary(to.min(text.len())))
                .unwrap_or_default()
                .to_lowercase()
        };
        let context = around(whole.start().saturating_sub(160), whole.end() + 60);
        if ![
            "term", "period", "expire", "terminat", "remain", "survive", "laufzeit", "durée",
        ]
        .iter()
        .any(|word| context.contains(word))
        {
            continue;
        }
        let number = capture
            .name("digits")
            .map_or(&capture["word"], |digits| digits.as_str())
            .to_lowercase();
        let number = match number.as_str() {
            "one" => "1",
            "two" => "2",
            "three" => "3",
            "four" => "4",
            "five" => "5",
            "six" => "6",
            "seven" => "7",
            "eight" => "8",
            "nine" => "9",
            "ten" => "10",
            "twelve" => "12",
            "eighteen" => "18",
            "twenty-four" | "twenty four" => "24",
            "thirty-six" | "thirty six" => "36",
            digits => digits,
        };
        let unit = capture["unit"].to_lowercase();
        if unit.starts_with("day") && number.parse::<u32>().unwrap_or(0) < 90 {
            continue;
        }
        let plural = if number == "1" || unit.ends_with('s') {
            ""
        } else {
            "s"
        };
        return found(format!("{number} {unit}{plural}"), whole.as_str(), lines);
    }
    None
}

/// Who makes it: what stands between "between" and "and", and names that end as companies' do.
pub(super) fn parties(lines: &[Line]) -> Vec<Found<String>> {
    let text = run_on(lines);
    let head = &text[..text.floor_char_boundary(3000)];
    let mut names: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        let name = name
            .trim()
            .trim_matches(|c: char| c.is_whitespace() || "\"“”,:".contains(c))
            .to_owned();
        let known = names
            .iter()
            .any(|other| other.to_lowercase() == name.to_lowercase());
        if !known && name.chars().filter(|c| c.is_alphabetic()).count() >= 3 && names.len() < 4 {
            names.push(name);
        }
    };
    if let Some(capture) = BETWEEN.as_ref().and_then(|regex| regex.captures(head)) {
        add(&capture["first"]);
        add(&capture["second"]);
    } else if let Some(regex) = PARTY.as_ref() {
        for capture in regex.captures_iter(head).take(2) {
            add(&capture["name"]);
        }
    }
    names
        .into_iter()
        .filter_map(|name| found(name.clone(), &name, lines))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contract_is_read() {
        let lines: Vec<Line> = "This Agreement is made between Blue Heron Inc., a Delaware corporation (\"BH\"), and\nJane Roe, an individual. It shall remain in force for a term of two (2) years.\nThe laws of the State of New York apply."
            .lines().map(|line| Line::new(1, line)).collect();
        assert_eq!(jurisdiction(&lines).unwrap().value, "New York");
        assert_eq!(duration(&lines).unwrap().value, "2 years");
        let names: Vec<String> = parties(&lines).into_iter().map(|party| party.value).collect();
        assert_eq!(names, ["Blue Heron Inc.", "Jane Roe"]);
    }
}
