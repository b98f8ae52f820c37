//! Personal data: what has a form (addresses of e-mail, numbers with checksums), and
//! names and places by the words around them.

use std::sync::LazyLock;

use docmill_core::page::Page;
use regex::Regex;

use super::dates;
use super::ids;
use super::known::{COMMON, COUNTRIES, GIVEN, NATIONALITIES, STATE_CODES, STATES};

/// An occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entity {
    pub(super) kind: &'static str,
    pub(super) value: String,
    pub(super) page: u32,
    pub(super) start: usize,
    pub(super) end: usize,
}

macro_rules! pattern {
    ($name:ident, $regex:literal) => {
        static $name: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new($regex).ok());
    };
}

pattern!(
    PERSON_TITLE,
    r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Sir|Madam|Herr|Frau|Monsieur|Madame|Mme)\.?\s+(?P<name>\p{Lu}[\p{L}'’\-]+(?:[ \u{a0}]\p{Lu}\.?[\p{L}'’\-]*){0,2})"
);
pattern!(
    PERSON_LABEL,
    r"(?i:\b(?:patient(?:\s+name)?|name|full name|first name|last name|signed by|physician|doctor|attending|contact|attn|client|customer|kontoinhaber|employee|my name is|i am|i'm|this is|call me|dear|sincerely|regards)\s*[:,]?\s+)(?P<name>\p{Lu}[\p{L}'’\-]+(?:[ \u{a0}]\p{Lu}\.?[\p{L}'’\-]*){0,3})"
);
pattern!(
    PERSON_PAIR,
    r"\b(?P<name>\p{Lu}\p{Ll}+(?:[-'’]\p{Lu}\p{Ll}+)?[ \u{a0}](?:\p{Lu}\.[ \u{a0}])?\p{Lu}\p{Ll}+(?:[-'’]\p{Lu}\p{Ll}+)?)\b"
);
pattern!(
    PERSON_TRIPLE,
    r"\b(?P<name>\p{Lu}\p{Ll}+[ \u{a0}]\p{Lu}\p{Ll}+[ \u{a0}]\p{Lu}\p{Ll}+)\b"
);
// In a narrow column the family name stands below the given one.
pattern!(PERSON_BROKEN, r"(?m)^(?P<name>\p{Lu}\p{Ll}+\n\p{Lu}\p{Ll}+)$");
// In a table a name and a date are what somebody's row begins with.
pattern!(
    PERSON_BORN,
    r"(?P<name>\p{Lu}\p{Ll}+(?:[ \u{a0}]\p{Lu}\p{Ll}+){1,2})(?: {3}| \| )\d{1,2}[/.\-]\d{1,2}[/.\-](?:19|20)\d{2}"
);
pattern!(
    ORGANISATION,
    r"\b(?P<name>(?:\p{Lu}[\p{L}&.'’\-]*\s+){1,5}(?:Inc|INC|Corp|LLC|Ltd|Limited|GmbH|AG|plc|PLC|Company|Hospital|Clinic|Institute(?:\s+INC)?|University|Bank|Group|Foundation|Associates|Medical Center|Insurance|Academy|HOSPITAL|CLINIC|INSTITUTE|UNIVERSITY|BANK|ASSOCIATES|GROUP|FOUNDATION|LIMITED)\b\.?(?:,? (?:INC|LLC|LTD)\b\.?)?)"
);
pattern!(
    STREET,
    r"\b(?P<name>\d{1,5}\s+(?:\p{Lu}[\p{L}.'’\-]*\s+){1,4}(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Way|Place|Pl|Terrace|Square|Circle|Parkway|Highway|Trail|Extension|Way?s|Manor|Ridge|Point|Crossing|Mills|Village|Plains|Views|Keys|Knolls|Gardens|Heights|Hills|Isle|Junction|Landing|Loop|Meadows|Mews|Motorway|Overpass|Pike|Port|Radial|Ramp|Rapids|River|Route|Row|Run|Shoals|Shore|Springs|Spur|Station|Stream|Summit|Track|Tunnel|Turnpike|Union|Valley|Viaduct|Vista|Walks?|Wells|Roads|Lakes?|Camp|Cape|Causeway|Cliffs?|Club|Common|Corners?|Course|Cove|Creek|Crest|Curve|Dale|Dam|Divide|Estates?|Expressway|Fall|Falls|Ferry|Fields?|Flats?|Fords?|Forest|Forges?|Forks?|Fort|Freeway|Garden|Gateway|Glens?|Greens?|Groves?|Harbors?|Haven)\b\.?(?:,?\s+(?:Apt|Suite|Unit|#)\.?\s*\w+)?(?:,\s+\p{Lu}[\p{L} ]+,?\s+[A-Z]{2}\s+\d{5})?)"
);
pattern!(
    STREET_DE,
    r"\b(?P<name>\p{Lu}\p{L}+(?:straße|strasse|str\.|weg|platz|allee|gasse)\s+\d{1,4}[a-z]?(?:,?\s+\d{5}\s+\p{Lu}\p{L}+)?)"
);
pattern!(
    AGE,
    r"(?i)\b(?P<name>\d{1,3}-\s?years?-?\s?old)\b|\b(?P<short>\d{1,3}\s?[yY](?:rs?|/o)?)\b|\b(?P<years>\d{1,3})\s(?:years?[- ]old\b|y/?o\b)|\b(?:age|aged|alter|turned|i'm|i am|he was|she was)\s*:?\s*(?P<bare>\d{1,3})\b"
);
pattern!(TIME, r"\b\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(?::\d{2})?\b");
pattern!(
    YEAR,
    r"(?:\b(?i:in|of|since|until|by|year|a)\s+)(?P<name>(?:19|20)\d{2})\b"
);
pattern!(
    INTRODUCED,
    r"(?:\b(?i:is from|i work for|works? (?:at|for)|employed by|company called)\s+)(?P<name>\p{Lu}[\p{L}&.'’\-]*(?:,?\s+(?:and\s+)?\p{Lu}[\p{L}&.'’\-]*){0,4})"
);
pattern!(
    ADDRESS_LINE,
    r"(?P<name>\b\d{1,5}\s+\p{Lu}[\p{L}.'’\-]+(?:\s+[\p{L}.'’\-]+){0,4}\s+\d{1,4}(?:,?\s*(?:Apt|Suite|Unit)\.?\s*\d+)?|\bP\.?O\.?\s?Box\s+\d+|\b(?:PSC|Unit)\s+\d+,?\s+Box\s+\d+)"
);
pattern!(RECORD, r"\b(?P<name>(?:MRN|HOSP|MR|PT|PAT)[-#: ]?\d{5,12})\b");
pattern!(
    NUMBERED,
    r"(?i:\b(?:mrn|record|chart|billing|case|order|sample|specimen|visit|encounter|file)(?: (?:no|number|id|nr))?\.?)\s?[:#]\s?(?P<name>[A-Z0-9\-]*\d{5,}[A-Z0-9\-]*)"
);
pattern!(
    LICENCE,
    r"\b(?P<name>[A-Z]{1,3}\d{5,9}[A-Z]?|[A-Z]{2}\d{4}[A-Z]|[A-Z]{2,3}-\d{3,6}|[A-Z]\d{3}-\d{3,4}-\d{3,4})\b"
);
pattern!(
    PASSPORT,
    r"(?i:passport|driver'?s? licen[cs]e|licence|license|ausweis|policy|account|member(?:ship)?|insurance|id)\s*(?i:number|no\.?|nr\.?|id|#)?\s*(?:is)?\s*[:#]?\s*(?P<name>[A-Z0-9][A-Z0-9\-]{5,19}\d[A-Z0-9]?)\b"
);
pattern!(
    PLACE,
    r"(?i:\b(?:in|from|to|at|near|lives in|living in|based in|moved to|born in|visit(?:ing)?|wohnhaft in|aus)\s+)(?P<name>\p{Lu}\p{Ll}+(?:\s+\p{Lu}\p{Ll}+){0,2}(?:,\s*[A-Z]{2}\b)?)"
);

// "Toledo, OH 43615", "Stokesville, Kentucky": what stands before a state is a place, what stands
// behind it, perhaps after the country, a post code.
pattern!(
    CITY,
    r"\b(?P<name>\p{Lu}\p{Ll}+(?:[ \u{a0}]\p{Lu}\p{Ll}+){0,2}),\s+(?P<state>[A-Z]{2}\b|\p{Lu}\p{Ll}+(?:[ \u{a0}]\p{Lu}\p{Ll}+)?)"
);
pattern!(
    ZIP,
    r"\b(?:[A-Z]{2}|United States|USA)[\s,\-–]+(?P<name>\d{5}(?:-\d{4})?)\b"
);

/// All occurrences, in order, none inside another.
pub(super) fn of(pages: &[Page]) -> Vec<Entity> {
    pages.iter().flat_map(of_page).collect()
}

fn of_page(page: &Page) -> Vec<Entity> {
    let mut taken = Taken {
        page,
        found: Vec::new(),
    };
    let text = page.text.as_str();
    // The surest first: what they take, the others leave.
    taken.all("email", &ids::EMAIL, |_| true);
    taken.all("url", &ids::URL, |_| true);
    let mut from = 0;
    while let Some((printed, _)) = text.get(from..).and_then(ids::iban) {
        let start = from + printed.as_ptr() as usize - text[from..].as_ptr() as usize;
        taken.add("iban", start, start + printed.len());
        from = start + printed.len();
    }
    taken.all("credit_card", &ids::CARD, ids::is_card);
    taken.all("national_id", &ids::SSN, |_| true);
    taken.all("ip_address", &ids::IPV4, |_| true);
    taken.all("ip_address", &ids::IPV6, |_| true);
    taken.all("date", &TIME, |_| true);
    let order = dates::order(text);
    for date in dates::of(text, order) {
        taken.add("date", date.start, date.end);
    }
    taken.all("phone", &ids::PHONE, ids::is_phone);
    taken.named("medical_record", &RECORD, |_| true);
    taken.named("other_id", &PASSPORT, |value| {
        value.chars().filter(char::is_ascii_digit).count() >= 4
    });
    taken.named("medical_record", &NUMBERED, |_| true);
    taken.named("age", &AGE, |_| true);
    taken.named("address", &STREET, |_| true);
    taken.named("address", &STREET_DE, |_| true);
    taken.named("address", &ADDRESS_LINE, |_| true);
    taken.named("organisation", &ORGANISATION, |_| true);
    taken.named("organisation", &INTRODUCED, |_| true);
    taken.named("date", &YEAR, |_| true);
    taken.cities();
    taken.named("address", &ZIP, |_| true);
    taken.named("person", &PERSON_BORN, is_name);
    taken.broken("person", &PERSON_BROKEN, |name| is_name(name) && given(name));
    taken.named("person", &PERSON_TITLE, is_name);
    taken.named("person", &PERSON_LABEL, |name| {
        is_name(name) && (name.contains(' ') || given(name))
    });
    taken.named("person", &PERSON_TRIPLE, |name| is_name(name) && given(name));
    taken.named("person", &PERSON_PAIR, |name| is_name(name) && given(name));
    taken.words("nationality", NATIONALITIES);
    taken.words("location", COUNTRIES);
    taken.words("location", STATES);
    taken.named("location", &PLACE, |name| !given(name) && is_name(name));
    taken.named("other_id", &LICENCE, |_| true);
    taken.words("person", GIVEN);
    taken.found.sort_by_key(|entity| entity.start);
    taken.found
}

fn is_name(name: &str) -> bool {
    name.split_whitespace()
        .all(|word| !COMMON.contains(&word.trim_matches('.')))
}

fn given(name: &str) -> bool {
    name.split_whitespace()
        .next()
        .is_some_and(|first| GIVEN.contains(&first))
}

struct Taken<'p> {
    page: &'p Page,
    found: Vec<Entity>,
}

impl Taken<'_> {
    fn add(&mut self, kind: &'static str, start: usize, end: usize) {
        let free = !self
            .found
            .iter()
            .any(|known| known.start < end && start < known.end);
        if let Some(value) = self.page.text.get(start..end).filter(|_| free) {
            let value = value.to_owned();
            self.found.push(Entity {
                kind,
                value,
                page: self.page.number,
                start,
                end,
            });
        }
    }

    fn all(&mut self, kind: &'static str, pattern: &LazyLock<Option<Regex>>, accept: impl Fn(&str) -> bool) {
        let Some(regex) = pattern.as_ref() else { return };
        let page = self.page;
        for found in regex.find_iter(&page.text).filter(|found| accept(found.as_str())) {
            self.add(kind, found.start(), found.end());
        }
    }

    /// Cities before a state of the United States.
    fn cities(&mut self) {
        let Some(regex) = CITY.as_ref() else { return };
        let page = self.page;
        for capture in regex.captures_iter(&page.text) {
            let (Some(city), Some(state)) = (capture.name("name"), capture.name("state")) else {
                continue;
            };
            let state_is =
                |known: &&&str| state.as_str() == **known || state.as_str().starts_with(&format!("{known} "));
            if let Some(known) = STATES.iter().chain(STATE_CODES).find(state_is) {
                self.add("location", city.start(), city.end());
                self.add("location", state.start(), state.start() + known.len());
            }
        }
    }

    /// The named part of each match, with the break of a line in it.
    fn broken(
        &mut self,
        kind: &'static str,
        pattern: &LazyLock<Option<Regex>>,
        accept: impl Fn(&str) -> bool,
    ) {
        let Some(regex) = pattern.as_ref() else { return };
        let page = self.page;
        for part in regex
            .captures_iter(&page.text)
            .filter_map(|capture| capture.name("name"))
        {
            if accept(part.as_str()) {
                self.add(kind, part.start(), part.end());
            }
        }
    }

    /// The named part of each match.
    fn named(
        &mut self,
        kind: &'static str,
        pattern: &LazyLock<Option<Regex>>,
        accept: impl Fn(&str) -> bool,
    ) {
        let Some(regex) = pattern.as_ref() else { return };
        let page = self.page;
        for capture in regex.captures_iter(&page.text) {
            let part = capture
                .name("name")
                .or_else(|| capture.name("years"))
                .or_else(|| capture.name("short"))
                .or_else(|| capture.name("bare"));
            if let Some(part) = part.filter(|part| accept(part.as_str())) {
                // A name does not run on to the next line.
                let end = part
                    .as_str()
                    .find('\n')
                    .map_or(part.end(), |at| part.start() + at);
                self.add(kind, part.start(), end);
            }
        }
    }

    fn words(&mut self, kind: &'static str, words: &[&str]) {
        let page = self.page;
        let text = page.text.as_str();
        let mut start = None;
        let boundaries = text
            .char_indices()
            .map(|(at, c)| (at, c.is_alphanumeric()))
            .chain([(text.len(), false)]);
        let mut spans = Vec::new();
        for (at, inside) in boundaries {
            match (start, inside) {
                (None, true) => start = Some(at),
                (Some(from), false) => {
                    spans.push((from, at));
                    start = None;
                }
                _ => {}
            }
        }
        for (at, (from, to)) in spans.iter().enumerate() {
            if words.contains(&&text[*from..*to]) {
                self.add(kind, *from, *to);
            } else if let Some((_, second)) = spans.get(at + 1)
                && words.contains(&&text[*from..*second])
            {
                self.add(kind, *from, *second);
            }
        }
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::offline::page_of;

    #[test]
    fn a_letter_gives_its_people_and_numbers() {
        let text = "Dear Mrs. Alma Birch, call (402) 555-0100 or write to alma@example.org. SSN 123-45-6789, born 03/05/1961 in Norway. Card 4111 1111 1111 1111.";
        let page = page_of(text);
        let found: Vec<(&str, String)> = of(&[page])
            .into_iter()
            .map(|entity| (entity.kind, entity.value))
            .collect();
        for wanted in [
            ("person", "Alma Birch"),
            ("phone", "(402) 555-0100"),
            ("email", "alma@example.org"),
            ("national_id", "123-45-6789"),
            ("date", "03/05/1961"),
            ("location", "Norway"),
            ("credit_card", "4111 1111 1111 1111"),
        ] {
            assert!(
                found
                    .iter()
                    .any(|(kind, value)| (*kind, value.as_str()) == wanted),
                "{wanted:?} in {found:?}"
            );
        }
    }
}
