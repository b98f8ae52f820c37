//! Cursors: where a page of a list ended, as opaque text. A cursor names a row by
//! what the list is sorted by and its number, so that rows that come and go before
//! it do not shift the next page.

use docmill_core::id::Ordinal;

use crate::records::SortBy;

/// A batch has fewer documents than this: their numbers share a 64-bit id with the batch's.
const MOST: u64 = 1 << 40;

/// A row's place in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// What the list is sorted by.
    pub(crate) sort: SortBy,
    /// The row's number among those that match, from 1; 0: not known.
    pub(crate) position: u64,
    /// The row's document.
    pub(crate) ordinal: Ordinal,
    /// What it is sorted by.
    pub(crate) value: Value,
}

/// A value rows are sorted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Number(i64),
    Text(String),
    /// The bits of a number that is not whole.
    Real(u64),
    /// What is empty, among the values of a field.
    Empty,
}

impl Cursor {
    /// As text: letters, digits and dots only, so that it can stand in a URL.
    pub(crate) fn encode(&self) -> String {
        let value = match &self.value {
            Value::Number(number) => format!("n{number}"),
            Value::Real(bits) => format!("r{bits:x}"),
            Value::Empty => "e".to_owned(),
            Value::Text(text) => {
                let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
                format!("t{hex}")
            }
        };
        format!(
            "{}.{}.{}.{value}",
            letter(self.sort),
            self.position,
            self.ordinal.0
        )
    }

    /// From text; `None` when it was not made by [`Cursor::encode`] for this order.
    pub(crate) fn decode(text: &str, sort: SortBy) -> Option<Self> {
        let mut parts = text.split('.');
        let (kind, position, ordinal, value) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || kind != letter(sort) {
            return None;
        }
        let value = match value.split_at_checked(1)? {
            ("n", number) => Value::Number(number.parse().ok()?),
            ("t", hex) => Value::Text(from_hex(hex)?),
            ("r", bits) => Value::Real(u64::from_str_radix(bits, 16).ok()?),
            ("e", "") => Value::Empty,
            _ => return None,
        };
        let fits_the_order = match sort {
            SortBy::Value => true,
            SortBy::Name => matches!(value, Value::Text(_)),
            _ => matches!(value, Value::Number(_)),
        };
        // Typed by hand, it may say anything.
        let number = |text: &str| text.parse().ok().filter(|number| *number < MOST);
        fits_the_order.then_some(())?;
        Some(Self {
            sort,
            position: number(position)?,
            ordinal: Ordinal(number(ordinal)?),
            value,
        })
    }
}

fn from_hex(hex: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = (0..hex.len())
        .step_by(2)
        .map(|at| {
            hex.get(at..at + 2)
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
        })
        .collect();
    String::from_utf8(bytes?).ok()
}

fn letter(sort: SortBy) -> &'static str {
    match sort {
        SortBy::Ordinal => "o",
        SortBy::Name => "n",
        SortBy::Cost => "c",
        SortBy::Pages => "p",
        SortBy::Updated => "u",
        SortBy::Risk => "r",
        SortBy::Value => "v",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_as_they_went_out() {
        for (sort, value) in [
            (SortBy::Cost, Value::Number(-1)),
            (SortBy::Ordinal, Value::Number(i64::MAX)),
            (SortBy::Name, Value::Text("ä.b/ c".to_owned())),
            (SortBy::Value, Value::Text("x".to_owned())),
            (SortBy::Value, Value::Real((-2.5_f64).to_bits())),
            (SortBy::Value, Value::Empty),
        ] {
            let cursor = Cursor {
                sort,
                position: 101,
                ordinal: Ordinal(7),
                value,
            };
            let text = cursor.encode();
            assert_eq!(Cursor::decode(&text, sort), Some(cursor), "{text}");
            assert_eq!(
                Cursor::decode(&text, SortBy::Risk),
                None,
                "a cursor of another order"
            );
        }
        for (sort, broken) in [
            (SortBy::Ordinal, "o.18446744073709551615.1.n0"),
            (SortBy::Ordinal, "o.1.18446744073709551615.n0"),
            (SortBy::Ordinal, "o.5.1.t41"),
            (SortBy::Name, "n.5.1.n41"),
            (SortBy::Cost, "c.5.1.e"),
            (SortBy::Cost, "c.5.1.r41"),
        ] {
            assert_eq!(Cursor::decode(broken, sort), None, "{broken:?}");
        }
        for broken in [
            "",
            "n",
            "n.1.2",
            "n.1.2.t0",
            "n.1.2.tzz",
            "n.1.2.n1.x",
            "n.x.2.n1",
            "n.1.2.é",
        ] {
            assert_eq!(Cursor::decode(broken, SortBy::Name), None, "{broken:?}");
        }
    }
}
