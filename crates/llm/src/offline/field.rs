//! A property that is to be filled: what kind of value it wants, and which labels tell of it.

use serde_json::Value;

/// Whether a schema names this type, alone or among others.
pub(super) fn has_type(property: &Value, wanted: &str) -> bool {
    match property.get("type") {
        Some(Value::String(one)) => one == wanted,
        Some(Value::Array(several)) => several.iter().any(|it| it == wanted),
        _ => false,
    }
}

/// A property of the schema.
pub(super) struct Field<'s> {
    pub(super) name: &'s str,
    pub(super) property: &'s Value,
    /// The object it belongs to, when that is not the whole.
    pub(super) parent: Option<&'s Field<'s>>,
}

impl Field<'_> {
    /// What kind of value it wants: said by `x-docmill-type`, else told from the schema and the name.
    pub(super) fn kind(&self) -> String {
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

    pub(super) fn strings(&self, key: &str) -> Vec<String> {
        let list = self.property.get(key).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    }

    /// With the names of the objects it belongs to: `seller_name`.
    pub(super) fn whole_name(&self) -> String {
        match self.parent {
            Some(parent) => format!("{}_{}", parent.whole_name(), self.name),
            None => self.name.to_owned(),
        }
    }

    /// Whether it is about whom the document is for.
    pub(super) fn is_of_customer(&self) -> bool {
        let name = self.whole_name().to_ascii_lowercase();
        CUSTOMERS.iter().any(|word| name.contains(word))
    }

    pub(super) fn depth(&self) -> usize {
        self.parent.map_or(1, |parent| parent.depth() + 1)
    }

    pub(super) fn labelled_only(&self) -> bool {
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
