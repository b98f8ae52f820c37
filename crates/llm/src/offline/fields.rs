//! Fills a schema: each property by its type and its labels.

use docmill_core::extraction::Evidence;
use docmill_core::page::Page;
use serde_json::{Map, Value};

use super::amounts;
use super::dates::{self, Order};
use super::lines::{self, Found, Line};
use super::{entities, header, ids, legal, rows};

/// What was found, and where.
pub(super) struct Filled {
    pub(super) data: Map<String, Value>,
    pub(super) evidence: Vec<Evidence>,
    /// Lines that were not looked at, or not whole.
    pub(super) left_out: usize,
}

/// The document, looked at once.
pub(super) struct Document<'p> {
    pages: &'p [Page],
    pub(super) lines: Vec<Line>,
    text: String,
    order: Order,
}

/// Fills the properties of an object schema from the pages.
pub(super) fn fill(schema: &Value, pages: &[Page]) -> Filled {
    let text: String = pages
        .iter()
        .map(|page| page.text.as_str())
        .collect::<Vec<_>>()
        .join("\n");
    let order = dates::order(&text);
    let (lines, left_out) = lines::of(pages);
    let document = Document {
        pages,
        lines,
        text,
        order,
    };
    let mut filled = Filled {
        data: Map::new(),
        evidence: Vec::new(),
        left_out,
    };
    document.fill_object(schema, schema, None, &mut filled);
    filled
}

/// Objects within objects deeper than this stay empty.
const DEEPEST: usize = 4;

/// What stands behind an optional field and a local reference: Pydantic writes a nested
/// model as `{"$ref": …}`, and one that may be missing as `anyOf` of that and null.
fn resolved<'s>(root: &'s Value, property: &'s Value) -> &'s Value {
    let is_null = |value: &Value| value.get("type").and_then(Value::as_str) == Some("null");
    let optional = property.get("anyOf").and_then(Value::as_array);
    let present = optional.and_then(|kinds| kinds.iter().find(|kind| !is_null(kind)));
    let present = present.unwrap_or(property);
    let pointer = present.get("$ref").and_then(Value::as_str);
    let target = pointer.and_then(|pointer| root.pointer(pointer.strip_prefix('#')?));
    target.unwrap_or(present)
}

/// Required keys that were not found are null where the schema allows it, lists empty; what
/// may be neither is left out, which says honestly that it was not found.
fn require(schema: &Value, data: &mut Map<String, Value>) {
    for name in schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if data.contains_key(name) {
            continue;
        }
        let property = schema.pointer(&format!("/properties/{name}"));
        if property.is_some_and(|it| has_type(it, "array")) {
            data.insert(name.to_owned(), Value::Array(Vec::new()));
        } else if property.is_none_or(takes_null) {
            data.insert(name.to_owned(), Value::Null);
        }
    }
}

/// Null, or a list or an object of nothing.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().all(is_nothing),
        Value::Object(inner) => inner.values().all(is_nothing),
        _ => false,
    }
}

/// Whether a schema says that a value may be null.
fn takes_null(property: &Value) -> bool {
    let branches = ["anyOf", "oneOf"]
        .iter()
        .find_map(|key| property.get(key).and_then(Value::as_array));
    let in_choices = property
        .get("enum")
        .and_then(Value::as_array)
        .is_some_and(|choices| choices.contains(&Value::Null));
    has_type(property, "null") || in_choices || branches.is_some_and(|all| all.iter().any(takes_null))
}

fn has_type(property: &Value, wanted: &str) -> bool {
    match property.get("type") {
        Some(Value::String(one)) => one == wanted,
        Some(Value::Array(several)) => several.iter().any(|it| it == wanted),
        _ => false,
    }
}

pub(super) struct Field<'s> {
    name: &'s str,
    property: &'s Value,
    /// The object it belongs to, when that is not the whole.
    parent: Option<&'s Field<'s>>,
}

impl Field<'_> {
    /// What kind of value it wants: said by `x-docmill-type`, else told from the schema and the name.
    fn kind(&self) -> String {
        let text = |key: &str| self.property.get(key).and_then(Value::as_str);
        if let Some(kind) = text("x-docmill-type") {
            return kind.to_owned();
        }
        if self.property.get("x-docmill-keywords").is_some() {
            return "keywords".to_owned();
        }
        let name = self.whole_name().to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| name.contains(word));
        // "vendor", "vendor_name", but not "vendor_phone".
        let is_name_of = |words: &[&str]| {
            let plain = name.strip_suffix("_name").unwrap_or(&name);
            words
                .iter()
                .any(|word| plain == *word || plain.strip_suffix(word).is_some_and(|it| it.ends_with('_')))
        };
        let kind = match text("format") {
            _ if self.property.get("enum").is_some() => "choice",
            Some("date" | "date-time") => "date",
            Some("email") => "email",
            Some("uri" | "url") => "url",
            _ if has_type(self.property, "array") => "rows",
            _ if has_type(self.property, "number") && says(&["total"]) => "total",
            _ if has_type(self.property, "number") => "amount",
            _ if has_type(self.property, "integer") => "integer",
            _ if self.property.get("properties").is_some() => "object",
            _ if !has_type(self.property, "string") => "other",
            _ if says(&["date", "datum"]) => "date",
            _ if says(&["iban"]) => "iban",
            _ if says(&["mail"]) => "email",
            _ if says(&["phone", "telefon"]) => "phone",
            _ if says(&["website", "url"]) => "url",
            _ if says(&["currency"]) => "currency",
            _ if says(&["vat_id", "vat_no", "vat_number", "tax_id", "ust_id"]) => "vat_id",
            _ if is_name_of(COMPANIES) => "company",
            _ if is_name_of(&["address"]) && !says(CUSTOMERS) => "address",
            _ if says(&["number", "_no", "_id", "reference"]) => "number",
            _ => "name",
        };
        kind.to_owned()
    }

    /// Labels, longest first: "invoice date" before "date".
    pub(super) fn labels(&self) -> Vec<String> {
        let mut labels: Vec<String> = self.strings("x-docmill-aliases");
        let spoken = |name: &str| name.replace(['_', '-'], " ");
        if let Some(parent) = self.parent {
            labels.push(spoken(&self.whole_name()));
            if self.name == "name" {
                labels.push(spoken(parent.name));
            }
        }
        // "name" alone stands on many lines, of whoever.
        if self.parent.is_none() || !COMMON.contains(&self.name) {
            labels.push(spoken(self.name));
        }
        labels.extend(
            self.property
                .get("title")
                .and_then(Value::as_str)
                .map(str::to_owned),
        );
        labels
    }

    fn strings(&self, key: &str) -> Vec<String> {
        let list = self.property.get(key).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    }

    /// With the names of the objects it belongs to: `seller_name`.
    fn whole_name(&self) -> String {
        match self.parent {
            Some(parent) => format!("{}_{}", parent.whole_name(), self.name),
            None => self.name.to_owned(),
        }
    }

    fn depth(&self) -> usize {
        self.parent.map_or(1, |parent| parent.depth() + 1)
    }

    fn labelled_only(&self) -> bool {
        self.property.get("x-docmill-labelled-only") == Some(&Value::Bool(true))
    }
}

/// Names of fields that hold who a document is from.
const COMPANIES: &[&str] = &[
    "company", "merchant", "vendor", "seller", "supplier", "shop", "store", "business", "issuer", "retailer",
];

/// Names of fields about whom a document is for: their address is not the one at the head.
const CUSTOMERS: &[&str] = &[
    "customer",
    "client",
    "buyer",
    "recipient",
    "bill_to",
    "ship",
    "deliver",
];

/// Names of fields that mean nothing without the object they belong to.
const COMMON: &[&str] = &[
    "name", "id", "type", "value", "text", "number", "date", "amount", "address",
];

impl Document<'_> {
    /// Fills the properties of an object; `root` is where references lead.
    fn fill_object(&self, root: &Value, schema: &Value, parent: Option<&Field<'_>>, filled: &mut Filled) {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            let field = Field {
                name,
                property: resolved(root, property),
                parent,
            };
            if field.kind() == "object" {
                self.nested(root, &field, filled);
            } else {
                self.fill(&field, filled);
            }
        }
        require(schema, &mut filled.data);
    }

    /// An object of its own: there when something of it was found, or when it has to be.
    fn nested(&self, root: &Value, field: &Field<'_>, filled: &mut Filled) {
        if field.depth() > DEEPEST {
            return;
        }
        let mut inner = Filled {
            data: Map::new(),
            evidence: Vec::new(),
            left_out: 0,
        };
        self.fill_object(root, field.property, Some(field), &mut inner);
        let is_found = !inner.evidence.is_empty() || inner.data.values().any(|value| !is_nothing(value));
        let has_to_be = field.parent.map_or(root, |parent| parent.property);
        let required = has_to_be.get("required").and_then(Value::as_array);
        let is_required = required.is_some_and(|names| names.iter().any(|name| name == field.name));
        let may_be_null = has_to_be
            .pointer(&format!("/properties/{}", field.name))
            .is_some_and(takes_null);
        if !is_found && (!is_required || may_be_null) {
            return;
        }
        for mut evidence in inner.evidence {
            evidence.field = format!("/{}{}", field.name, evidence.field);
            filled.evidence.push(evidence);
        }
        filled
            .data
            .insert(field.name.to_owned(), Value::Object(inner.data));
    }

    fn fill(&self, field: &Field<'_>, filled: &mut Filled) {
        let found = match field.kind().as_str() {
            "date" => self.date(field).map(|it| it.map(Value::from)),
            "amount" => self.amount(field, false).map(|it| it.map(amounts::json)),
            "total" => self.amount(field, true).map(|it| it.map(amounts::json)),
            "integer" => self
                .amount(field, false)
                .filter(|it| it.value % 100 == 0)
                .map(|it| it.map(|cents| Value::from(cents / 100))),
            "currency" => self.currency().map(|it| it.map(Value::from)),
            "company" => self
                .labelled_name(
                    field,
                    &[
                        "company",
                        "merchant",
                        "seller",
                        "supplier",
                        "vendor",
                        "verkäufer",
                        "lieferant",
                        "vendeur",
                        "fournisseur",
                    ],
                )
                .or_else(|| header::company(&self.lines))
                .map(|it| it.map(Value::from)),
            "address" => header::address(&self.lines).map(|it| it.map(Value::from)),
            "person" => self.person(field).map(|it| it.map(Value::from)),
            "number" => self.number(field).map(|it| it.map(Value::from)),
            "name" => self.labelled_name(field, &[]).map(|it| it.map(Value::from)),
            "email" => self.pattern(&ids::EMAIL).map(|it| it.map(Value::from)),
            "url" => self.pattern(&ids::URL).map(|it| it.map(Value::from)),
            "phone" => self.pattern(&ids::PHONE).map(|it| it.map(Value::from)),
            "vat_id" => self
                .pattern(&ids::VAT_ID)
                .map(|it| it.map(|id| Value::from(id.replace(' ', "")))),
            "iban" => self.iban().map(|it| it.map(Value::from)),
            "title" => header::title(&self.lines).map(|it| it.map(Value::from)),
            "jurisdiction" => legal::jurisdiction(&self.lines).map(|it| it.map(Value::from)),
            "duration" => legal::duration(&self.lines).map(|it| it.map(Value::from)),
            "keywords" => self.keywords(field),
            "choice" => self.choice(field),
            "language" => self.language(),
            "text" => {
                filled
                    .data
                    .insert(field.name.to_owned(), Value::from(self.text.clone()));
                return;
            }
            "party" => return put_list(field.name, legal::parties(&self.lines), filled),
            "list" => return put_list(field.name, self.list(field), filled),
            "entities" => return self.entities(field, filled),
            "rows" => return self.rows(field, filled),
            _ => None,
        };
        if let Some(found) = found {
            filled.evidence.push(found.evidence(&format!("/{}", field.name)));
            filled.data.insert(field.name.to_owned(), found.value);
        }
    }

    /// Lines on which one of the labels stands, the most telling label first, and where it ends.
    fn labelled(&self, labels: &[String]) -> Vec<(usize, usize)> {
        let mut places = Vec::new();
        for label in labels {
            for (index, line) in self.lines.iter().enumerate() {
                if let Some((_, end)) = line.find(label)
                    && !places.iter().any(|(known, _)| *known == index)
                {
                    places.push((index, end));
                }
            }
        }
        places
    }

    fn date(&self, field: &Field<'_>) -> Option<Found<String>> {
        for (index, end) in self.labelled(&field.labels()) {
            let line = &self.lines[index];
            let after = line.offset(end);
            let dates = dates::of(&line.text, self.order);
            if let Some(date) = dates.iter().find(|date| date.start >= after) {
                return Some(Found::new(
                    date.iso.clone(),
                    line,
                    &line.text[date.start..date.end],
                ));
            }
            // Below the label, as in a table's head.
            if let Some(below) = self.lines.get(index + 1).filter(|below| below.page == line.page)
                && let Some(date) = dates::of(&below.text, self.order).into_iter().next()
            {
                return Some(Found::new(date.iso, below, &below.text[date.start..date.end]));
            }
        }
        if field.labelled_only() {
            return None;
        }
        self.lines.iter().find_map(|line| {
            let date = dates::of(&line.text, self.order).into_iter().next()?;
            Some(Found::new(date.iso, line, &line.text[date.start..date.end]))
        })
    }

    fn currency(&self) -> Option<Found<&'static str>> {
        let (code, sign) = amounts::currency(&self.text)?;
        let line = self.lines.iter().find(|line| line.text.contains(sign))?;
        Some(Found::new(code, line, sign))
    }

    /// A number or code right of its label (or below it): something with a digit in it.
    fn number(&self, field: &Field<'_>) -> Option<Found<String>> {
        for (index, end) in self.labelled(&field.labels()) {
            let line = &self.lines[index];
            if let Some(code) = code_in(line.from(end), self.order) {
                return Some(Found::new(code.to_owned(), line, code));
            }
            let alone = line.from(end).chars().filter(|c| c.is_alphanumeric()).count() <= 30;
            let below = self
                .lines
                .get(index + 1)
                .filter(|below| alone && below.page == line.page);
            if let Some(below) = below
                && let Some(code) = code_in(&below.text, self.order)
            {
                return Some(Found::new(code.to_owned(), below, code));
            }
        }
        None
    }

    /// What is printed after a label: the rest of the line, or the next line when there is none.
    fn labelled_name(&self, field: &Field<'_>, not_alone: &[&str]) -> Option<Found<String>> {
        for (index, end) in self.labelled(&field.labels()) {
            let line = &self.lines[index];
            // "Buyer/Recipient" is one label.
            let joined = line
                .from(end)
                .chars()
                .take_while(|c| *c == '/' || (c.is_alphabetic() && line.from(end).starts_with('/')))
                .count();
            let end = end + joined;
            let rest = line.from(end);
            // A value follows a colon or a wide gap; otherwise the label is part of a sentence.
            let marked = rest.starts_with("   ") || rest.trim_start().starts_with([':', '|', '#']);
            let value = cell(rest);
            if marked && value.chars().any(char::is_alphabetic) {
                return Some(Found::new(value.to_owned(), line, value));
            }
            let label_alone = value.is_empty()
                && !not_alone
                    .iter()
                    .any(|label| line.find(label).is_some() && !marked && !line.text.ends_with(':'));
            if let Some(found) = self.below(index, end, label_alone) {
                return Some(found);
            }
        }
        None
    }

    /// The first of the choices that stands behind one of the labels.
    fn choice(&self, field: &Field<'_>) -> Option<Found<Value>> {
        let choices = field.strings("enum");
        self.labelled(&field.labels())
            .into_iter()
            .find_map(|(index, end)| {
                let line = &self.lines[index];
                let rest = line.from(end).to_lowercase();
                let mut words = rest.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-');
                let chosen =
                    words.find_map(|word| choices.iter().find(|choice| choice.to_lowercase() == word))?;
                Some(Found::new(Value::from(chosen.clone()), line, chosen))
            })
    }

    /// What stands below a label in its column: the value of a "Name:" within a few lines, else
    /// the next line when the label had its line (or its cell) to itself.
    fn below(&self, index: usize, end: usize, label_alone: bool) -> Option<Found<String>> {
        let line = &self.lines[index];
        let column = line.text[..line.offset(end)].matches("   ").count();
        let alone = label_alone || line.from(end).is_empty() || line.from(end).starts_with("   ");
        if !alone {
            return None;
        }
        let below = || {
            self.lines[index + 1..]
                .iter()
                .take(5)
                .take_while(|below| below.page == line.page)
        };
        let in_column = |below: &Line| {
            let cells: Vec<String> = below
                .text
                .split("   ")
                .map(|cell| cell.trim().to_owned())
                .collect();
            cells.get(column).or(cells.first()).cloned().unwrap_or_default()
        };
        for line in below() {
            // Label and value are cells of their own: "Name:   Blue Heron   Name:   Ann Roe".
            let labels: Vec<(usize, &str)> = line.text.match_indices("Name:").collect();
            let at = labels.get(column).or(labels.first()).map(|(at, _)| at + 5);
            if let Some(value) = at
                .and_then(|at| line.text.get(at..))
                .map(cell)
                .filter(|value| value.chars().any(char::is_alphabetic))
            {
                return Some(Found::new(value.to_owned(), line, value));
            }
        }
        let next = below().next()?;
        let value = in_column(next);
        let value = value.trim_matches(|c: char| c.is_whitespace() || "|:,;".contains(c));
        let says = value.chars().filter(|c| c.is_alphabetic()).count() >= 2 && !value.contains(':');
        says.then(|| Found::new(value.to_owned(), next, value))
    }

    /// A person's name: after a label, else the first line that is two to four capitalised words.
    fn person(&self, field: &Field<'_>) -> Option<Found<String>> {
        self.labelled_name(field, &[]).or_else(|| {
            let line = self.lines.iter().take(6).find(|line| {
                let words: Vec<&str> = line.text.split_whitespace().collect();
                (2..=4).contains(&words.len())
                    && line.digits() == 0
                    && words.iter().all(|word| word.starts_with(char::is_uppercase))
            })?;
            Some(Found::new(line.text.clone(), line, &line.text))
        })
    }

    fn pattern(&self, pattern: &std::sync::LazyLock<Option<regex::Regex>>) -> Option<Found<String>> {
        self.lines.iter().find_map(|line| {
            let value = ids::first(pattern, &line.text)?;
            Some(Found::new(value.to_owned(), line, value))
        })
    }

    fn iban(&self) -> Option<Found<String>> {
        self.lines.iter().find_map(|line| {
            let (printed, bare) = ids::iban(&line.text)?;
            Some(Found::new(bare, line, printed))
        })
    }

    /// The choice whose keywords are met most.
    fn keywords(&self, field: &Field<'_>) -> Option<Found<Value>> {
        let choices = field.property.get("x-docmill-keywords")?.as_object()?;
        let mut best: Option<(usize, Found<Value>)> = None;
        for (choice, words) in choices {
            let words: Vec<&str> = words
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let met: Vec<(&Line, &str)> = words
                .iter()
                .filter_map(|word| {
                    self.lines
                        .iter()
                        .find(|line| line.find(word).is_some())
                        .map(|line| (line, *word))
                })
                .collect();
            if let Some((line, word)) = met.first()
                && best.as_ref().is_none_or(|(count, _)| met.len() > *count)
            {
                best = Some((met.len(), Found::new(Value::from(choice.as_str()), line, word)));
            }
        }
        let other = || {
            let choices = field.property.get("enum")?.as_array()?;
            let required = choices
                .iter()
                .find(|it| *it == "other")
                .filter(|_| !choices.contains(&Value::Null))?;
            self.lines
                .first()
                .map(|line| Found::new(required.clone(), line, ""))
        };
        best.map(|(_, found)| found).or_else(other)
    }

    /// By its most frequent small words.
    fn language(&self) -> Option<Found<Value>> {
        const SMALL: &[(&str, &[&str])] = &[
            ("en", &["the", "and", "of", "to", "in", "is", "for", "with"]),
            ("de", &["der", "die", "und", "das", "ist", "für", "mit", "nicht"]),
            ("fr", &["le", "la", "les", "et", "des", "est", "pour", "dans"]),
            ("es", &["el", "los", "las", "una", "por", "para", "con", "que"]),
            ("it", &["il", "che", "di", "per", "una", "con", "della", "sono"]),
            ("nl", &["het", "een", "van", "en", "voor", "niet", "zijn", "met"]),
        ];
        let words: Vec<String> = self
            .text
            .split_whitespace()
            .take(5000)
            .map(str::to_lowercase)
            .collect();
        let (count, code) = SMALL
            .iter()
            .map(|(code, small)| {
                (
                    words.iter().filter(|word| small.contains(&word.as_str())).count(),
                    *code,
                )
            })
            .max_by_key(|(count, _)| *count)?;
        let line = self.lines.first()?;
        (count >= 2).then(|| Found::new(Value::from(code), line, ""))
    }

    /// What is listed after a label: "Skills: a, b, c", or the lines below it.
    fn list(&self, field: &Field<'_>) -> Vec<Found<String>> {
        let Some((index, end)) = self.labelled(&field.labels()).into_iter().next() else {
            return Vec::new();
        };
        let line = &self.lines[index];
        let rest = line.from(end).trim_start_matches([':', ' ']);
        let source: Vec<&Line> = if rest.is_empty() {
            self.lines[index + 1..]
                .iter()
                .take(6)
                .take_while(|line| line.page == self.lines[index].page)
                .collect()
        } else {
            vec![line]
        };
        let mut found = Vec::new();
        for (at, line) in source.into_iter().enumerate() {
            let text = if at == 0 && !rest.is_empty() {
                rest
            } else {
                &line.text
            };
            for item in text
                .split([',', ';', '•', '|'])
                .map(|item| item.trim_matches(|c: char| c.is_whitespace() || "-–*.".contains(c)))
            {
                if item.chars().any(char::is_alphabetic) && item.len() <= 60 {
                    found.push(Found::new(item.to_owned(), line, item));
                }
            }
        }
        found
    }

    fn entities(&self, field: &Field<'_>, filled: &mut Filled) {
        let allowed = field
            .property
            .pointer("/items/properties/type/enum")
            .and_then(Value::as_array);
        let mut list = Vec::new();
        for entity in entities::of(self.pages) {
            if allowed.is_some_and(|allowed| !allowed.iter().any(|it| it == entity.kind)) {
                continue;
            }
            let pointer = format!("/{}/{}/value", field.name, list.len());
            filled.evidence.push(Evidence {
                field: pointer,
                page: entity.page,
                quote: entity.value.clone(),
                bbox: None,
            });
            list.push(serde_json::json!({"type": entity.kind, "value": entity.value, "page": entity.page}));
        }
        filled.data.insert(field.name.to_owned(), Value::Array(list));
    }

    fn rows(&self, field: &Field<'_>, filled: &mut Filled) {
        let Some(properties) = field
            .property
            .pointer("/items/properties")
            .and_then(Value::as_object)
        else {
            return;
        };
        let wanted: Vec<String> = properties.keys().cloned().collect();
        if !(wanted.iter().any(|name| name == "amount") && wanted.iter().any(|name| name == "description")) {
            return;
        }
        let mut list = Vec::new();
        for entry in rows::entries(&self.lines, &wanted, self.order) {
            for name in entry.value.keys() {
                filled
                    .evidence
                    .push(entry.evidence(&format!("/{}/{}/{name}", field.name, list.len())));
            }
            list.push(Value::Object(entry.value));
        }
        filled.data.insert(field.name.to_owned(), Value::Array(list));
    }
}

fn put_list(name: &str, found: Vec<Found<String>>, filled: &mut Filled) {
    let mut list = Vec::new();
    for item in found {
        filled
            .evidence
            .push(item.evidence(&format!("/{name}/{}", list.len())));
        list.push(Value::from(item.value));
    }
    filled.data.insert(name.to_owned(), Value::Array(list));
}

/// The first cell of what follows a label.
fn cell(text: &str) -> &str {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || ":|#.".contains(c));
    let end = text
        .find("   ")
        .or_else(|| text.find(" | "))
        .unwrap_or(text.len());
    text[..end].trim_matches(|c: char| c.is_whitespace() || "|:,;".contains(c))
}

/// The first word with a digit that can be a number: no date, no amount of money, not a bare year.
fn code_in(text: &str, order: Order) -> Option<&str> {
    let dates = dates::of(text, order);
    let mut offset = 0;
    for word in text.split([' ', '\t', '|', ',']) {
        let start = offset;
        offset += word.len() + 1;
        let bare = word.trim_matches(|c: char| "()[]:#.;*".contains(c));
        let digits = bare.chars().filter(char::is_ascii_digit).count();
        let in_date = dates
            .iter()
            .any(|date| start < date.end && date.start < start + word.len());
        if digits == 0 || bare.len() < 2 || in_date || bare.contains(['€', '$', '%']) {
            // Words between label and number ("no.", "nr") are stepped over, but not sentences.
            if bare.chars().filter(|c| c.is_alphabetic()).count() > 12 {
                return None;
            }
            continue;
        }
        let money = amounts::of(word).first().is_some_and(|amount| amount.certain);
        if !money {
            return Some(bare);
        }
    }
    None
}
