//! Values of results as lists are sorted and filtered by, and conditions on them as people type
//! them: `total > 1000 and seller contains shop and due_date is empty`.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::template::{Field, FieldKind};

/// Longer texts are compared by their beginning, in characters.
const LONGEST_TEXT: usize = 120;

/// A value as lists compare it: numbers come before texts, what is empty comes last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortKey {
    /// A whole number; 1 for true, 0 for false; how many for a list.
    Whole(i64),
    /// Any other number.
    Number(f64),
    /// A text without regard to case.
    Text(String),
    /// Null, absent, an empty text or list.
    Empty,
}

// Not a number is no JSON, and refused when it is typed.
impl Eq for SortKey {}

impl SortKey {
    /// Of what stands in a result.
    #[must_use]
    pub fn of(value: Option<&Value>) -> Self {
        match value {
            None | Some(Value::Null) => Self::Empty,
            Some(Value::Bool(yes)) => Self::Whole(i64::from(*yes)),
            Some(Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Self::Whole(whole),
                (None, Some(float)) => Self::Number(float),
                (None, None) => Self::Empty,
            },
            Some(Value::String(text)) => Self::text(text),
            Some(Value::Array(items)) if items.is_empty() => Self::Empty,
            Some(Value::Array(items)) => Self::Whole(i64::try_from(items.len()).unwrap_or(i64::MAX)),
            Some(object @ Value::Object(_)) => Self::text(&object.to_string()),
        }
    }

    fn text(text: &str) -> Self {
        let folded: String = text
            .trim()
            .chars()
            .flat_map(char::to_lowercase)
            .take(LONGEST_TEXT)
            .collect();
        if folded.is_empty() {
            Self::Empty
        } else {
            Self::Text(folded)
        }
    }
}

/// How a value has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`: something else, but not empty.
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `contains`, `~`
    Contains,
    /// `begins`, `^`: `date begins 2024-03` is that March.
    Begins,
    /// `is empty`
    Empty,
    /// `is not empty`
    NotEmpty,
}

/// A condition on a field of the results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The field, as a JSON Pointer.
    pub pointer: String,
    /// How it has to be.
    pub comparison: Comparison,
    /// Compared with this.
    pub key: SortKey,
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        write!(f, "{} ", quoted(&self.pointer))?;
        match self.comparison {
            Comparison::Empty => return f.write_str("is empty"),
            Comparison::NotEmpty => return f.write_str("is not empty"),
            comparison => {
                let sign = SIGNS.iter().find(|(_, known)| *known == comparison);
                write!(f, "{} ", sign.map_or("=", |(sign, _)| sign))?;
            }
        }
        match &self.key {
            SortKey::Whole(whole) => write!(f, "{whole}"),
            SortKey::Number(number) => write!(f, "{number}"),
            SortKey::Text(text) => f.write_str(&quoted(text)),
            SortKey::Empty => f.write_str("\"\""),
        }
    }
}

/// Why a text is no condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// It has another form.
    #[error("{0:?} is no condition")]
    Form(String),
    /// The template has no such field.
    #[error("the results have no field {0:?}")]
    UnknownField(String),
    /// The field has other values.
    #[error("{field} is compared with {wanted}, and {value:?} is none")]
    Value {
        /// The field.
        field: String,
        /// What its values are.
        wanted: &'static str,
        /// What was given.
        value: String,
    },
}

impl ConditionError {
    /// How conditions are written.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Form(_) | Self::Value { .. } => {
                "write it like: total > 1000 and seller contains \"corner shop\" and due_date is not empty"
            }
            Self::UnknownField(_) => "docmill templates NAME lists the fields of a template",
        }
    }
}

/// The field of a name as people write it (`seller.name`) or a JSON Pointer (`/seller/name`).
///
/// # Errors
/// When there is none.
pub fn find_field<'f>(fields: &'f [Field], name: &str) -> Result<&'f Field, ConditionError> {
    let is_it = |field: &&Field| field.path == name || field.pointer == name;
    let same = |field: &&Field| field.path.eq_ignore_ascii_case(name);
    let found = fields.iter().find(is_it).or_else(|| fields.iter().find(same));
    found.ok_or_else(|| ConditionError::UnknownField(name.to_owned()))
}

/// Conditions that all have to be met, joined by `and`.
///
/// # Errors
/// What of it is no condition on these fields.
pub fn conditions(text: &str, fields: &[Field]) -> Result<Vec<Condition>, ConditionError> {
    let words = words(text);
    let mut conditions = Vec::new();
    for part in words.split(|word| !word.is_quoted && word.text.eq_ignore_ascii_case("and")) {
        if part.is_empty() && words.is_empty() {
            continue;
        }
        conditions.push(condition(part, fields)?);
    }
    Ok(conditions)
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    text: String,
    is_quoted: bool,
}

const SIGNS: [(&str, Comparison); 8] = [
    (">=", Comparison::AtLeast),
    ("<=", Comparison::AtMost),
    ("!=", Comparison::Unequal),
    (">", Comparison::Greater),
    ("<", Comparison::Less),
    ("=", Comparison::Equal),
    ("~", Comparison::Contains),
    ("^", Comparison::Begins),
];

/// Words and signs; what stands in double quotes is one word (`""` inside is a quote).
fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, is_quoted, length) = if first == '"' {
            let (word, length) = quoted(rest);
            (word, true, length)
        } else if let Some((sign, _)) = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
            ((*sign).to_owned(), false, sign.len())
        } else {
            let ends = |c: char| c.is_whitespace() || c == '"' || ">=<!~^".contains(c);
            // A sign that begins none of the known ones is a letter like others.
            let length = rest
                .char_indices()
                .skip(1)
                .find(|(_, c)| ends(*c))
                .map_or(rest.len(), |(at, _)| at);
            (rest.get(..length).unwrap_or_default().to_owned(), false, length)
        };
        words.push(Word {
            text: word,
            is_quoted,
        });
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    words
}

/// What stands in quotes at the beginning, and how long that is with them.
fn quoted(text: &str) -> (String, usize) {
    let mut word = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != '"' {
            word.push(c);
        } else if chars.next_if(|(_, next)| *next == '"').is_some() {
            word.push('"');
        } else {
            return (word, at + 1);
        }
    }
    (word, text.len())
}

fn condition(words: &[Word], fields: &[Field]) -> Result<Condition, ConditionError> {
    let whole = || {
        let words: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        ConditionError::Form(words.join(" "))
    };
    let [name, how, value @ ..] = words else {
        return Err(whole());
    };
    let field = find_field(fields, &name.text)?;
    let is = |word: &Word, text: &str| !word.is_quoted && word.text.eq_ignore_ascii_case(text);
    let empty = |comparison| {
        Ok(Condition {
            pointer: field.pointer.clone(),
            comparison,
            key: SortKey::Empty,
        })
    };
    let comparison = match (how, value) {
        (how, [empty_word]) if is(how, "is") && is(empty_word, "empty") => return empty(Comparison::Empty),
        (how, [not, empty_word]) if is(how, "is") && is(not, "not") && is(empty_word, "empty") => {
            return empty(Comparison::NotEmpty);
        }
        (how, _) if is(how, "contains") => Comparison::Contains,
        (how, _) if is(how, "begins") => Comparison::Begins,
        (how, _) if is(how, "is") => Comparison::Equal,
        (how, _) if !how.is_quoted => {
            let sign = SIGNS.iter().find(|(sign, _)| *sign == how.text);
            sign.map(|(_, comparison)| *comparison).ok_or_else(whole)?
        }
        _ => return Err(whole()),
    };
    if value.is_empty() {
        return Err(whole());
    }
    let value: Vec<&str> = value.iter().map(|word| word.text.as_str()).collect();
    let value = value.join(" ");
    let by_text = matches!(comparison, Comparison::Contains | Comparison::Begins);
    Ok(Condition {
        pointer: field.pointer.clone(),
        comparison,
        key: key_of(field, &value, by_text)?,
    })
}

/// A typed value as those of the field are.
fn key_of(field: &Field, value: &str, by_text: bool) -> Result<SortKey, ConditionError> {
    let wrong = |wanted| ConditionError::Value {
        field: field.path.clone(),
        wanted,
        value: value.to_owned(),
    };
    let number = || {
        let whole = value.parse().ok().map(SortKey::Whole);
        let float = || {
            value
                .parse()
                .ok()
                .filter(|it: &f64| it.is_finite())
                .map(SortKey::Number)
        };
        whole.or_else(float)
    };
    match field.kind {
        _ if by_text => match &field.kind {
            FieldKind::Number | FieldKind::Integer | FieldKind::Boolean | FieldKind::List(_) => {
                Err(wrong("=, <, > and the like"))
            }
            _ => Ok(SortKey::text(value)),
        },
        FieldKind::Number | FieldKind::Integer => number().ok_or_else(|| wrong("numbers")),
        FieldKind::List(_) => number().ok_or_else(|| wrong("how many it has")),
        FieldKind::Boolean => match value.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Ok(SortKey::Whole(1)),
            "false" | "no" | "0" => Ok(SortKey::Whole(0)),
            _ => Err(wrong("true or false")),
        },
        FieldKind::Json => Ok(number().unwrap_or_else(|| SortKey::text(value))),
        FieldKind::Text | FieldKind::Date | FieldKind::Choice(_) => Ok(SortKey::text(value)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::template::fields;

    fn known() -> Vec<Field> {
        fields(&json!({"type": "object", "properties": {
            "total": {"type": "number"}, "number": {"type": "string"}, "paid": {"type": "boolean"},
            "due date": {"type": "string", "format": "date"},
            "seller": {"type": "object", "properties": {"name": {"type": ["string", "null"]}}},
            "lines": {"type": "array", "items": {"type": "string"}},
        }}))
    }

    fn one(text: &str) -> (String, Comparison, SortKey) {
        let mut all = conditions(text, &known()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(all.len(), 1, "{text}");
        let condition = all.remove(0);
        (condition.pointer, condition.comparison, condition.key)
    }

    #[test]
    fn conditions_are_read_as_people_write_them() {
        use Comparison as C;
        use SortKey::{Empty, Number, Text, Whole};
        let text = |text: &str| Text(text.to_owned());
        for (typed, pointer, comparison, key) in [
            ("total > 1000", "/total", C::Greater, Whole(1000)),
            ("total>=12.5", "/total", C::AtLeast, Number(12.5)),
            ("TOTAL < -3", "/total", C::Less, Whole(-3)),
            ("number = 0012", "/number", C::Equal, text("0012")),
            (
                "seller.name ~ Corner Shop",
                "/seller/name",
                C::Contains,
                text("corner shop"),
            ),
            (
                "/seller/name contains \"Smith and \"\"Sons\"\"\"",
                "/seller/name",
                C::Contains,
                text("smith and \"sons\""),
            ),
            (
                "\"due date\" begins 2024-03",
                "/due date",
                C::Begins,
                text("2024-03"),
            ),
            ("seller.name is empty", "/seller/name", C::Empty, Empty),
            ("seller.name is not empty", "/seller/name", C::NotEmpty, Empty),
            ("paid is true", "/paid", C::Equal, Whole(1)),
            ("lines > 3", "/lines", C::Greater, Whole(3)),
            ("number != x", "/number", C::Unequal, text("x")),
        ] {
            let found = conditions(typed, &known()).unwrap().remove(0);
            assert_eq!(
                one(&found.to_string()),
                one(typed),
                "written and read again: {found}"
            );
            assert_eq!(one(typed), (pointer.to_owned(), comparison, key), "{typed}");
        }
        let two = conditions("total > 1 AND number contains \"and\"", &known()).unwrap();
        assert_eq!(two.len(), 2);
        assert_eq!(conditions("  ", &known()).unwrap(), []);
    }

    #[test]
    fn what_is_no_condition_is_named() {
        for (typed, said) in [
            ("total", "\"total\" is no condition"),
            ("total >", "\"total >\" is no condition"),
            ("total > 1 and", "\"\" is no condition"),
            ("total is", "\"total is\" is no condition"),
            ("totl > 1", "no field \"totl\""),
            (
                "total > much",
                "total is compared with numbers, and \"much\" is none",
            ),
            ("total > NaN", "compared with numbers"),
            ("total contains 3", "=, <, > and the like"),
            ("paid = maybe", "true or false"),
            ("number ! 3", "is no condition"),
        ] {
            let error = conditions(typed, &known()).unwrap_err().to_string();
            assert!(error.contains(said), "{typed}: {error}");
        }
    }

    #[test]
    fn values_are_compared_by_what_they_are() {
        assert_eq!(
            SortKey::of(Some(&json!(" Ärger "))),
            SortKey::Text("ärger".to_owned())
        );
        assert_eq!(SortKey::of(Some(&json!(""))), SortKey::Empty);
        assert_eq!(SortKey::of(Some(&json!([]))), SortKey::Empty);
        assert_eq!(SortKey::of(Some(&json!([1, 2]))), SortKey::Whole(2));
        assert_eq!(SortKey::of(Some(&json!(2.5))), SortKey::Number(2.5));
        assert_eq!(SortKey::of(Some(&json!(false))), SortKey::Whole(0));
        assert_eq!(SortKey::of(None), SortKey::Empty);
        let long = "x".repeat(500);
        assert_eq!(
            SortKey::of(Some(&json!(long))),
            SortKey::Text("x".repeat(LONGEST_TEXT))
        );
        // Any text can be typed.
        proptest::proptest!(|(typed in "[ a-z\"<>=!~^.]{0,40}")| {
            let _ = conditions(&typed, &known());
        });
    }
}
