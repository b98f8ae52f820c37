//! Values with a form of their own, and their checksums.

use std::sync::LazyLock;

use regex::Regex;

macro_rules! pattern {
    ($(#[$doc:meta])* $name:ident, $regex:literal) => {
        $(#[$doc])*
        pub(super) static $name: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new($regex).ok());
    };
}

pattern!(EMAIL, r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+");
pattern!(URL, r"(?i)\b(?:https?://|www\.)[^\s<>()|]+[^\s<>()|.,;:!?]");
pattern!(
    IPV4,
    r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b"
);
pattern!(
    IPV6,
    r"(?i)\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}\b|\b(?:[0-9a-f]{1,4}:){1,6}:(?:[0-9a-f]{1,4}:){0,4}[0-9a-f]{1,4}\b"
);
pattern!(
    IBAN,
    r"\b[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{4}){2,7}(?:\s?[A-Z0-9]{1,4})?\b"
);
pattern!(CARD, r"\b(?:\d[ \-]?){12,18}\d\b");
pattern!(SSN, r"\b\d{3}-\d{2}-\d{4}\b");
pattern!(
    PHONE,
    r"(?x)(?:\+|\b00)\d{1,3}[\s.\-/]?(?:\(0?\d{1,4}\)[\s.\-/]?)?\d{1,4}(?:[\s.\-/]?\d{2,4}){1,4}(?:\s?(?:x|ext\.?)\s?\d{1,5})?
    |\(\d{2,5}\)[\s.\-/]?\d{3,4}[\s.\-]?\d{3,4}(?:\s?(?:x|ext\.?)\s?\d{1,5})?
    |\b\d{3}[\s.\-]\d{3}[\s.\-]\d{4}(?:\s?(?:x|ext\.?)\s?\d{1,5})?
    |\b0\d{1,4}[\s./\-]\d{2,4}(?:[\s./\-]?\d{2,4}){1,3}\b"
);
pattern!(
    VAT_ID,
    r"\b(?:ATU\d{8}|BE[01]\d{9}|DE\s?\d{9}|DK\d{8}|ES[A-Z0-9]\d{7}[A-Z0-9]|FI\d{8}|FR\s?[A-Z0-9]{2}\s?\d{3}\s?\d{3}\s?\d{3}|GB\s?\d{3}\s?\d{4}\s?\d{2}|IT\d{11}|LU\d{8}|NL\d{9}B\d{2}|PL\d{10}|SE\d{12}|CHE[\-\s]?\d{3}\.?\d{3}\.?\d{3})\b"
);

/// The first match of a pattern.
pub(super) fn first<'t>(pattern: &LazyLock<Option<Regex>>, text: &'t str) -> Option<&'t str> {
    pattern.as_ref()?.find(text).map(|found| found.as_str())
}

/// The first IBAN whose check digits are right, as printed and without spaces.
pub(super) fn iban(text: &str) -> Option<(&str, String)> {
    for found in IBAN.as_ref()?.find_iter(text) {
        // Words in capitals may follow the number: try shorter ones.
        let mut printed = found.as_str();
        loop {
            let bare: String = printed.chars().filter(|c| !c.is_whitespace()).collect();
            if is_iban(&bare) {
                return Some((printed, bare));
            }
            match printed.rfind(char::is_whitespace) {
                Some(at) if at > 12 => printed = printed[..at].trim_end(),
                _ => break,
            }
        }
    }
    None
}

/// Lengths of IBANs by country, of the registry of ISO 13616.
const IBAN_LENGTHS: &[(&str, usize)] = &[
    ("AT", 20),
    ("BE", 16),
    ("BG", 22),
    ("CH", 21),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("EE", 20),
    ("ES", 24),
    ("FI", 18),
    ("FR", 27),
    ("GB", 22),
    ("GR", 27),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IS", 26),
    ("IT", 27),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("MC", 27),
    ("MT", 31),
    ("NL", 18),
    ("NO", 15),
    ("PL", 28),
    ("PT", 25),
    ("RO", 24),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
];

/// What has the form and length of an IBAN of its country, whatever its check digits say.
pub(super) fn iban_by_form(text: &str) -> Option<(&str, String)> {
    let found = IBAN.as_ref()?.find_iter(text).map(|found| found.as_str());
    found.into_iter().find_map(|found| {
        let (_, length) = IBAN_LENGTHS
            .iter()
            .find(|(country, _)| found.starts_with(country))?;
        let mut bare = String::new();
        for (offset, c) in found.char_indices() {
            if !c.is_whitespace() {
                bare.push(c);
            }
            if bare.len() == *length {
                return Some((&found[..offset + c.len_utf8()], bare));
            }
        }
        None
    })
}

/// ISO 13616: the remainder of 97 is 1.
fn is_iban(text: &str) -> bool {
    if !(15..=34).contains(&text.len()) || !text.is_ascii() {
        return false;
    }
    let (head, tail) = text.split_at(4);
    let mut remainder = 0_u32;
    for character in tail.chars().chain(head.chars()) {
        let Some(value) = character.to_digit(36) else {
            return false;
        };
        remainder = if value > 9 {
            remainder * 100 + value
        } else {
            remainder * 10 + value
        } % 97;
    }
    remainder == 1
}

/// Luhn's check digit, for card numbers of 13 to 19 digits.
pub(super) fn is_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    if !(13..=19).contains(&digits.len()) || digits.iter().all(|digit| *digit == digits[0]) {
        return false;
    }
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            if at % 2 == 1 {
                digit * 2 / 10 + digit * 2 % 10
            } else {
                *digit
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// A phone number has 7 to 15 digits (ITU-T E.164).
pub(super) fn is_phone(text: &str) -> bool {
    let number = text.split(['x', 'e']).next().unwrap_or_default();
    (7..=15).contains(&number.chars().filter(char::is_ascii_digit).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_tell_numbers_from_numbers() {
        assert_eq!(
            iban("IBAN DE89 3704 0044 0532 0130 00 BIC")
                .map(|it| it.1)
                .as_deref(),
            Some("DE89370400440532013000")
        );
        assert_eq!(iban("DE89 3704 0044 0532 0130 01"), None);
        assert_eq!(
            iban_by_form("IBAN: DE89 3704 0044 0532 0130 01, BIC"),
            Some(("DE89 3704 0044 0532 0130 01", "DE89370400440532013001".to_owned()))
        );
        assert_eq!(iban_by_form("DE89 3704 0044"), None);
        assert!(is_card("4111 1111 1111 1111"));
        assert!(!is_card("4111 1111 1111 1112"));
    }

    #[test]
    fn forms_are_recognised() {
        assert_eq!(
            first(&EMAIL, "write to a.b@example.co.uk."),
            Some("a.b@example.co.uk")
        );
        assert_eq!(first(&PHONE, "Tel: (402) 738-5912"), Some("(402) 738-5912"));
        assert_eq!(first(&PHONE, "Tel +49 30 1234567"), Some("+49 30 1234567"));
        assert_eq!(first(&URL, "see www.example.org/x."), Some("www.example.org/x"));
    }
}
