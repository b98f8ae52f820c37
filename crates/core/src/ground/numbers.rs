//! Numbers as they are printed: every reading of `1.234,50` and `1 234.5`.

use serde_json::Number;

use crate::digits::Digits;
use crate::ground::index::{FoldedText, Token};

/// An amount without sign: `digits` × 10^-`scale`, with no zeros at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Amount {
    digits: u128,
    scale: u8,
}

/// A number on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Printed {
    pub(super) amount: Amount,
    pub(super) start: u32,
    pub(super) end: u32,
    /// 0: this is how the number reads; 1: it can be read so, or letters stand next to it;
    /// 2: as a part of a date or the like, or as a percentage.
    pub(super) doubt: u8,
}

impl Amount {
    /// Digits before and behind the decimal sign.
    fn of(whole: &[&str], fraction: &str) -> Option<Self> {
        let fraction = fraction.trim_end_matches('0');
        let mut digits: u128 = 0;
        let mut scale = u8::try_from(fraction.len()).ok()?;
        for byte in whole
            .iter()
            .flat_map(|group| group.bytes())
            .chain(fraction.bytes())
        {
            let digit = u128::from(byte.wrapping_sub(b'0'));
            digits = digits.checked_mul(10)?.checked_add(digit)?;
        }
        if digits == 0 {
            scale = 0;
        }
        Some(Self { digits, scale })
    }

    /// A number of JSON; its sign does not matter, as debits are often printed without one.
    pub(super) fn of_json(number: &Number) -> Option<Self> {
        let (digits, scale) = Digits::of(number).plain()?;
        let (whole, fraction) = digits.split_at_checked(digits.len().saturating_sub(scale))?;
        match scale.checked_sub(digits.len()) {
            // 0.05: zeros stand between the point and the digits.
            Some(zeros) => Self::of(&[], &format!("{}{digits}", "0".repeat(zeros))),
            None => Self::of(&[whole], fraction),
        }
    }

    fn as_percentage(self) -> Option<Self> {
        let fraction = Self {
            digits: self.digits,
            scale: self.scale.checked_add(2)?,
        };
        Some(fraction.trimmed())
    }

    fn trimmed(mut self) -> Self {
        while self.scale > 0 && self.digits.is_multiple_of(10) {
            self.digits /= 10;
            self.scale -= 1;
        }
        self
    }
}

/// The amounts that a text may mean which is nothing but a number: "1,234.50 €".
pub(super) fn amounts_of(text: &str) -> Vec<Amount> {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    if letters > 3 || !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return Vec::new();
    }
    let folded = FoldedText::of(text);
    let words = folded.tokens.len() - usize::from(letters > 0);
    let printed = printed(text, &folded);
    // The whole of it must be one number, not several.
    let longest = printed
        .iter()
        .map(|number| number.end - number.start)
        .max()
        .unwrap_or(0);
    printed
        .iter()
        .filter(|number| number.doubt < 2 && number.end - number.start == longest)
        .filter(|number| {
            folded
                .tokens
                .iter()
                .filter(|token| token.start >= number.start && token.end <= number.end)
                .count()
                == words
        })
        .map(|number| number.amount)
        .collect()
}

/// All readings of all numbers of a text, ordered by amount.
pub(super) fn printed(text: &str, folded: &FoldedText) -> Vec<Printed> {
    let mut found = Vec::with_capacity(folded.tokens.len() / 2);
    let mut scan = Scan {
        text,
        found: &mut found,
    };
    let mut cores: Vec<Core<'_>> = Vec::new();
    for token in &folded.tokens {
        let first = folded.bytes.get(token.folded as usize);
        if !first.is_some_and(u8::is_ascii_digit) {
            continue;
        }
        let Some(digits) = digits_of(text, *token) else {
            continue;
        };
        if let Some(core) = cores.last_mut()
            && let Some(mark) = mark_between(text, core.end, token.start)
            && core.push(mark, digits, token.end)
        {
            continue;
        }
        if cores
            .last()
            .is_some_and(|core| !joined_by_blank(text, core.end, token.start))
        {
            scan.cores(&cores);
            cores.clear();
        }
        cores.push(Core::new(*token, digits));
    }
    scan.cores(&cores);
    found.sort_unstable();
    found
}

/// More groups than any amount has; longer runs are something else.
const MAX_GROUPS: usize = 8;

/// So many groups of thousands behind the first are joined over blanks.
const MOST_JOINED: usize = 4;

/// Groups of digits with marks between them, no blanks. A page has hundreds: they take no memory
/// of their own.
struct Core<'a> {
    start: u32,
    end: u32,
    count: usize,
    groups: [&'a str; MAX_GROUPS],
    /// `marks[n]` stands behind `groups[n]`.
    marks: [Mark; MAX_GROUPS],
}

impl<'a> Core<'a> {
    fn new(token: Token, digits: &'a str) -> Self {
        let mut groups = [""; MAX_GROUPS];
        groups[0] = digits;
        Self {
            start: token.start,
            end: token.end,
            count: 1,
            groups,
            marks: [Mark::Point; MAX_GROUPS],
        }
    }

    /// `false`: there are too many groups already.
    fn push(&mut self, mark: Mark, digits: &'a str, end: u32) -> bool {
        let (Some(before), Some(group)) = (
            self.marks.get_mut(self.count - 1),
            self.groups.get_mut(self.count),
        ) else {
            return false;
        };
        (*before, *group) = (mark, digits);
        self.count += 1;
        self.end = end;
        true
    }

    fn groups(&self) -> &[&'a str] {
        self.groups.get(..self.count).unwrap_or_default()
    }

    fn marks(&self) -> &[Mark] {
        self.marks.get(..self.count - 1).unwrap_or_default()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Point,
    Comma,
    Apostrophe,
}

/// The token's digits, unless they are not ASCII (raised footnote signs are no numbers).
fn digits_of(text: &str, token: Token) -> Option<&str> {
    let digits = text.get(token.start as usize..token.end as usize)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(digits)
}

fn between(text: &str, from: u32, to: u32) -> &str {
    text.get(from as usize..to as usize).unwrap_or_default()
}

fn mark_between(text: &str, from: u32, to: u32) -> Option<Mark> {
    match between(text, from, to) {
        "." => Some(Mark::Point),
        "," => Some(Mark::Comma),
        "'" | "’" | "`" | "´" => Some(Mark::Apostrophe),
        _ => None,
    }
}

fn joined_by_blank(text: &str, from: u32, to: u32) -> bool {
    matches!(between(text, from, to), " " | "\u{a0}" | "\u{202f}" | "\u{2009}")
}

struct Scan<'a> {
    text: &'a str,
    found: &'a mut Vec<Printed>,
}

impl Scan<'_> {
    /// Cores with single blanks between them: each by itself, and joined where the
    /// blanks can divide thousands.
    fn cores(&mut self, cores: &[Core<'_>]) {
        for (index, core) in cores.iter().enumerate() {
            self.core(core);
            self.joined(cores.get(index..).unwrap_or_default());
        }
    }

    fn core(&mut self, core: &Core<'_>) {
        let readings = read(core.groups(), core.marks());
        if readings.iter().all(Option::is_none) {
            // A date, a version: its four-digit part may be asked for as a year.
            let mut at = core.start;
            for group in core.groups() {
                let length = u32::try_from(group.len()).unwrap_or(0);
                if length == 4
                    && let Some(amount) = Amount::of(&[group], "")
                {
                    self.found.push(Printed {
                        amount,
                        start: at,
                        end: at + length,
                        doubt: 2,
                    });
                }
                at = at.saturating_add(length + 1);
            }
            return;
        }
        for (order, amount) in readings.into_iter().enumerate() {
            if let Some(amount) = amount {
                self.push(amount, core.start, core.end, u8::from(order > 0));
            }
        }
        self.bare_fraction(core);
    }

    /// `.50` without a zero before it.
    fn bare_fraction(&mut self, core: &Core<'_>) {
        let before = self.text.get(..core.start as usize).unwrap_or_default();
        if let ([digits], Some(outside)) = (core.groups(), before.strip_suffix(['.', ',']))
            && !outside.ends_with(char::is_alphanumeric)
            && let Some(amount) = Amount::of(&[], digits)
        {
            self.push(amount, core.start - 1, core.end, 1);
        }
    }

    /// `1 234 567,50`: blanks between thousands. Also `1 234` may be two numbers, so this
    /// reading comes beside those of its parts.
    fn joined(&mut self, cores: &[Core<'_>]) {
        let Some((first, rest)) = cores.split_first() else {
            return;
        };
        let mut whole = [""; 1 + MOST_JOINED];
        whole[0] = match first.groups() {
            [only] if (1..=3).contains(&only.len()) && !only.starts_with('0') => only,
            _ => return,
        };
        for (index, core) in (1..=MOST_JOINED).zip(rest) {
            let Some((group, fraction)) = core.groups().split_first() else {
                return;
            };
            if group.len() != 3 {
                return;
            }
            whole[index] = group;
            let whole = whole.get(..=index).unwrap_or_default();
            match (fraction, core.marks()) {
                ([], _) => {
                    if let Some(amount) = Amount::of(whole, "") {
                        self.push(amount, first.start, core.end, 1);
                    }
                }
                ([fraction], [Mark::Point | Mark::Comma]) => {
                    if let Some(amount) = Amount::of(whole, fraction) {
                        self.push(amount, first.start, core.end, 0);
                    }
                    return;
                }
                _ => return,
            }
        }
    }

    fn push(&mut self, amount: Amount, start: u32, end: u32, doubt: u8) {
        let before = self.text.get(..start as usize).unwrap_or_default();
        let after = self.text.get(end as usize..).unwrap_or_default();
        // `RM9.00` and `EUR9.00` are numbers, `A4711` and `INVOICE12` are not.
        let glued = before
            .chars()
            .rev()
            .take_while(|c| c.is_alphabetic())
            .take(5)
            .count();
        if !matches!(glued, 0 | 2 | 3) {
            return;
        }
        let touches = glued > 0 || after.starts_with(char::is_alphabetic);
        let doubt = doubt.max(u8::from(touches));
        self.found.push(Printed {
            amount,
            start,
            end,
            doubt,
        });
        if after
            .trim_start_matches([' ', '\u{a0}', '\u{202f}'])
            .starts_with('%')
            && let Some(amount) = amount.as_percentage()
        {
            self.found.push(Printed {
                amount,
                start,
                end,
                doubt: 2,
            });
        }
    }
}

/// The readings of groups with marks between them: first the likelier, then the other.
fn read(groups: &[&str], marks: &[Mark]) -> [Option<Amount>; 2] {
    let (Some((last, before)), Some((last_mark, marks_before))) = (groups.split_last(), marks.split_last())
    else {
        return [Amount::of(groups, ""), None];
    };
    let decimal = *last_mark != Mark::Apostrophe
        && !marks_before.contains(last_mark)
        && marks_before.iter().all(|mark| Some(mark) == marks_before.first())
        && (marks_before.is_empty() || are_thousands(before));
    let thousands = marks.iter().all(|mark| mark == last_mark) && are_thousands(groups);
    let as_decimal = if decimal { Amount::of(before, last) } else { None };
    let as_thousands = if thousands { Amount::of(groups, "") } else { None };
    [as_decimal, as_thousands]
}

/// 1–3 digits, then threes; or as in India twos and a three at the end.
fn are_thousands(groups: &[&str]) -> bool {
    let Some((first, rest)) = groups.split_first() else {
        return false;
    };
    let Some((last, middle)) = rest.split_last() else {
        return true;
    };
    (1..=3).contains(&first.len())
        && (!first.starts_with('0') || rest.is_empty())
        && last.len() == 3
        && (middle.iter().all(|group| group.len() == 3) || middle.iter().all(|group| group.len() == 2))
}
