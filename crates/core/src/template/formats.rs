//! The formats of texts: what a model is asked for and what is accepted as an
//! answer, in one table, so that the two cannot disagree.

/// A format of JSON Schema that docmill asks for in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Its name in a schema.
    pub name: &'static str,
    /// What the model is told.
    pub hint: &'static str,
    /// Texts that follow the hint; each is valid.
    pub examples: &'static [&'static str],
}

/// Every format a model is told about.
pub const FORMATS: &[Format] = &[
    Format {
        name: "date",
        hint: "(as YYYY-MM-DD)",
        examples: &["2026-03-14"],
    },
    Format {
        name: "date-time",
        hint: "(as YYYY-MM-DDThh:mm:ss, with Z or an offset like +02:00 where the document says one)",
        examples: &[
            "2026-03-14T10:00:00",
            "2026-03-14T10:00:00Z",
            "2026-03-14T10:00:00+02:00",
        ],
    },
    Format {
        name: "time",
        hint: "(as hh:mm:ss)",
        examples: &["10:00:00", "10:00", "23:59:59+01:00"],
    },
    Format {
        name: "duration",
        hint: "(as an ISO 8601 duration, like P30D or PT1H30M)",
        examples: &["P30D", "PT1H30M"],
    },
    Format {
        name: "email",
        hint: "(an e-mail address)",
        examples: &["alice@example.com"],
    },
    Format {
        name: "uri",
        hint: "(a whole URL, beginning with https:// or http://)",
        examples: &["https://example.com/a?b=1"],
    },
    Format {
        name: "uuid",
        hint: "(a UUID)",
        examples: &["123e4567-e89b-12d3-a456-426614174000"],
    },
    Format {
        name: "ipv4",
        hint: "(an IPv4 address)",
        examples: &["192.0.2.1"],
    },
    Format {
        name: "ipv6",
        hint: "(an IPv6 address)",
        examples: &["2001:db8::1"],
    },
    Format {
        name: "hostname",
        hint: "(the name of a host)",
        examples: &["mail.example.com"],
    },
];

/// The format of this name.
#[must_use]
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// A time of day with or without seconds and offset. JSON Schema wants an
/// offset, which hardly a document prints and Pydantic does not ask for.
pub(super) fn is_time(text: &str) -> bool {
    let (clock, offset) = match text.find(['Z', 'z', '+', '-']) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    is_clock(clock) && is_offset(offset)
}

/// A date and a time of day, with or without an offset.
pub(super) fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once(['T', 't', ' ']) else {
        return false;
    };
    is_date(date) && is_time(time)
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return false;
    };
    let (Some(year), Some(month), Some(day)) = (fixed(year, 4), fixed(month, 2), fixed(day, 2)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}

fn is_clock(text: &str) -> bool {
    let (text, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let parts: Vec<&str> = text.split(':').collect();
    let within = |text: &str, most| fixed(text, 2).is_some_and(|number| number <= most);
    let decimal = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    match parts.as_slice() {
        [hour, minute] => within(hour, 23) && within(minute, 59),
        // 60 is a leap second.
        [hour, minute, second] => within(hour, 23) && within(minute, 59) && within(second, 60) && decimal,
        _ => false,
    }
}

fn is_offset(text: &str) -> bool {
    if matches!(text, "" | "Z" | "z") {
        return true;
    }
    let Some(clock) = text.strip_prefix(['+', '-']) else {
        return false;
    };
    match clock.split_once(':') {
        Some((hour, minute)) => {
            fixed(hour, 2).is_some_and(|hour| hour <= 23)
                && fixed(minute, 2).is_some_and(|minute| minute <= 59)
        }
        None => false,
    }
}

/// A number of exactly so many digits.
fn fixed(text: &str, length: usize) -> Option<u32> {
    let digits = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::template::{Template, Validator};

    fn validator(format: &str) -> Validator {
        let schema = json!({"type": "object", "properties": {"x": {"type": "string", "format": format}}});
        Validator::new(&Template::from_schema("t", &schema).unwrap()).unwrap()
    }

    /// What the prompt asks for is accepted, for every format.
    #[test]
    fn hints_and_validation_agree() {
        for format in FORMATS {
            let validator = validator(format.name);
            for example in format.examples {
                let findings = validator.validate(&json!({ "x": example }));
                assert!(findings.is_empty(), "{} {example}: {findings:?}", format.name);
            }
            let nonsense = validator.validate(&json!({"x": "not at all of this form!"}));
            assert!(!nonsense.is_empty(), "{} accepts anything", format.name);
        }
    }

    #[test]
    fn times_that_are_none_are_refused() {
        for text in [
            "24:00:00",
            "10:60",
            "10",
            "1:00",
            "10:00:00.",
            "10:00:00+2",
            "",
            "10:00:00 Z",
        ] {
            assert!(!is_time(text), "{text:?}");
        }
        for text in [
            "2026-02-29T10:00:00",
            "2026-03-14",
            "2026-3-14T10:00",
            "T10:00",
            "2026-13-01 10:00",
        ] {
            assert!(!is_date_time(text), "{text:?}");
        }
        assert!(is_date_time("2024-02-29 10:00"));
    }
}
