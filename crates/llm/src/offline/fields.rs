//! Fills a schema: each property by its type and its labels.

use docmill_core::extraction::Evidence;
use docmill_core::page::{INVOICE_AS_DATA, Page, TextOrigin};
use serde_json::{Map, Value};

use super::amounts;
use super::dates::{self, Order};
use super::field::{Field, has_type};
use super::lines::{self, Found, Line};
use super::{entities, header, ids, legal, rows, tables};

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
    pub(super) order: Order,
}

/// Fills the properties of an object schema from the pages.
pub(super) fn fill(schema: &Value, pages: &[Page]) -> Filled {
    let text: String = pages
        .iter()
        .map(|page| page.text.as_str())
        .collect::<Vec<_>>()
        .join("\n");
    let order = dates::order(&text);
    // An invoice as data is not to be guessed from its picture.
    let (lines, left_out) = if pages.iter().any(is_data) {
        let mut sorted = pages.to_vec();
        sorted.sort_by_key(|page| !is_data(page));
        lines::of(&sorted)
    } else {
        lines::of(pages)
    };
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

fn is_data(page: &Page) -> bool {
    page.label
        .as_deref()
        .is_some_and(|label| label.starts_with(INVOICE_AS_DATA))
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
        self.settle_sums(schema, filled);
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
                .party(&field.labels())
                .or_else(|| header::company(&self.lines))
                .map(|it| it.map(Value::from)),
            "address" => header::address(&self.lines).map(|it| it.map(Value::from)),
            "person" => self.person(field).map(|it| it.map(Value::from)),
            "number" => self.number(field).map(|it| it.map(Value::from)),
            "name" if field.is_of_customer() => self.party(&field.labels()).map(|it| it.map(Value::from)),
            "name" => self.labelled_name(field).map(|it| it.map(Value::from)),
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

    fn currency(&self) -> Option<Found<&'static str>> {
        let (code, sign) = amounts::currency(&self.text)?;
        let line = self.lines.iter().find(|line| line.text.contains(sign))?;
        Some(Found::new(code, line, sign))
    }

    fn pattern(&self, pattern: &std::sync::LazyLock<Option<regex::Regex>>) -> Option<Found<String>> {
        self.lines.iter().find_map(|line| {
            let value = ids::first(pattern, &line.text)?;
            Some(Found::new(value.to_owned(), line, value))
        })
    }

    /// The IBAN; one whose check digits are wrong only where it is called one and was not read
    /// from a picture: it is what stands there, and a check of the template may say the rest.
    fn iban(&self) -> Option<Found<String>> {
        let right = self.lines.iter().find_map(|line| {
            let (printed, bare) = ids::iban(&line.text)?;
            Some(Found::new(bare, line, printed))
        });
        let is_called_one = |index: usize| {
            let near = [Some(index), index.checked_sub(1)].into_iter().flatten();
            near.into_iter()
                .any(|index| self.lines[index].find("iban").is_some())
        };
        let from_picture = self.pages.iter().any(|page| page.origin == TextOrigin::Ocr);
        right.or_else(|| {
            let lines = self
                .lines
                .iter()
                .enumerate()
                .filter(|(index, _)| !from_picture && is_called_one(*index));
            lines.into_iter().find_map(|(_, line)| {
                let (printed, bare) = ids::iban_by_form(&line.text)?;
                Some(Found::new(bare, line, printed))
            })
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
        let by_amounts = ["amount", "description"]
            .iter()
            .all(|name| wanted.iter().any(|it| it == name));
        // What an invoice carries as data is its lines, whatever its picture shows.
        let as_data = self.pages.iter().filter(|page| is_data(page));
        let mut entries = tables::entries(as_data, properties, self.order);
        if entries.is_empty() {
            entries = if by_amounts {
                rows::entries(&self.lines, &wanted, self.order)
            } else {
                tables::entries(self.pages.iter(), properties, self.order)
            };
        }
        let mut list = Vec::new();
        for entry in entries {
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
