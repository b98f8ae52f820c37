//! All places where one value stands.

use memchr::memmem::Finder;
use serde_json::Value;

use crate::ground::dates::Date;
use crate::ground::fold::continues_word;
use crate::ground::index::{FoldedText, PageIndex, Place};
use crate::ground::numbers::{Amount, amounts_of};

/// Enough to choose from; a value that stands more often proves little anyway.
const MAX_PLACES: usize = 256;
/// Words from which a text may have gaps.
const GAPS_FROM: usize = 4;
/// Letters from which blanks may be missing or too many.
const SQUASHED_FROM: usize = 5;

/// The places of a value on some pages: those of the closest way of looking that finds any.
pub(super) fn find(on: &[PageIndex<'_>], value: &Value) -> Vec<Place> {
    let mut found = Vec::new();
    match value {
        Value::Number(number) => {
            if let Some(amount) = Amount::of_json(number) {
                for (page, pages) in on.iter().enumerate() {
                    find_amount(page, pages, amount, &mut found);
                }
            }
        }
        Value::String(text) => find_text(on, text.trim(), &mut found),
        _ => {}
    }
    found
}

fn find_text(on: &[PageIndex<'_>], text: &str, found: &mut Vec<Place>) {
    let exact = Finder::new(text.as_bytes());
    on_pages(on, found, |page, pages, found| {
        find_exact(page, pages, &exact, text, found)
    });
    if !found.is_empty() {
        return;
    }
    let needle = FoldedText::of(text);
    if needle.tokens.is_empty() {
        return;
    }
    let folded = Finder::new(&needle.bytes);
    on_pages(on, found, |page, pages, found| {
        find_folded(page, pages, &folded, found)
    });
    if found.is_empty() {
        find_meaning(on, text, found);
    }
    if found.is_empty() {
        let squashed: Vec<u8> = needle
            .bytes
            .iter()
            .copied()
            .filter(|byte| *byte != b' ')
            .collect();
        if squashed.len() >= SQUASHED_FROM {
            let squashed = Finder::new(&squashed);
            on_pages(on, found, |page, pages, found| {
                find_squashed(page, pages, &squashed, found)
            });
        }
    }
    if found.is_empty() && needle.tokens.len() >= GAPS_FROM {
        on_pages(on, found, |page, pages, found| {
            find_with_gaps(page, pages, &needle, found)
        });
    }
}

/// Runs a search on one page after the other until there are enough places.
fn on_pages(
    on: &[PageIndex<'_>],
    found: &mut Vec<Place>,
    search: impl Fn(usize, &PageIndex<'_>, &mut Vec<Place>),
) {
    for (page, pages) in on.iter().enumerate() {
        if found.len() >= MAX_PLACES {
            return;
        }
        search(page, pages, found);
    }
}

/// A date, a number or a currency, in the forms they are printed in.
fn find_meaning(on: &[PageIndex<'_>], text: &str, found: &mut Vec<Place>) {
    if let Some(date) = Date::of(text) {
        on_pages(on, found, |page, pages, found| {
            date.find(page, &pages.folded, found)
        });
        return;
    }
    for amount in amounts_of(text) {
        on_pages(on, found, |page, pages, found| {
            find_amount(page, pages, amount, found)
        });
    }
    for sign in currency_signs(text) {
        let finder = Finder::new(sign.as_bytes());
        on_pages(on, found, |page, pages, found| {
            let text = &pages.page.text;
            for start in finder.find_iter(text.as_bytes()).take(MAX_PLACES) {
                let end = start + sign.len();
                if is_whole(text, start, end) || !sign.starts_with(char::is_alphabetic) {
                    found.push(Place {
                        page,
                        start,
                        end,
                        rank: 2,
                    });
                }
            }
        });
    }
}

fn find_exact(page: usize, pages: &PageIndex<'_>, finder: &Finder<'_>, needle: &str, found: &mut Vec<Place>) {
    let text = &pages.page.text;
    for start in finder.find_iter(text.as_bytes()) {
        let end = start + needle.len();
        if is_whole(text, start, end) {
            found.push(Place {
                page,
                start,
                end,
                rank: 0,
            });
            if found.len() >= MAX_PLACES {
                return;
            }
        }
    }
}

fn find_folded(page: usize, pages: &PageIndex<'_>, finder: &Finder<'_>, found: &mut Vec<Place>) {
    let folded = &pages.folded;
    let mut from = 0;
    while let Some(at) = folded.bytes.get(from..).and_then(|rest| finder.find(rest)) {
        let at = from + at;
        let end = at + finder.needle().len();
        // The blank at the end may begin the next occurrence.
        from = end - 1;
        push_tokens(page, pages, folded.tokens_in(at + 1, end), 1, found);
        if found.len() >= MAX_PLACES {
            return;
        }
    }
}

fn push_tokens(
    page: usize,
    pages: &PageIndex<'_>,
    tokens: std::ops::Range<usize>,
    rank: u8,
    found: &mut Vec<Place>,
) {
    let tokens = pages.folded.tokens.get(tokens).unwrap_or_default();
    if let (Some(first), Some(last)) = (tokens.first(), tokens.last()) {
        let (start, end) = (first.start as usize, last.end as usize);
        if is_whole(&pages.page.text, start, end) {
            found.push(Place {
                page,
                start,
                end,
                rank,
            });
        }
    }
}

fn find_squashed(page: usize, pages: &PageIndex<'_>, finder: &Finder<'_>, found: &mut Vec<Place>) {
    let squashed = pages.squashed();
    for at in finder.find_iter(&squashed.bytes) {
        let last = at + finder.needle().len() - 1;
        let (Some(from), Some(to)) = (squashed.folded_at.get(at), squashed.folded_at.get(last)) else {
            return;
        };
        let (from, to) = (*from as usize, *to as usize + 1);
        // It must begin with a word and end with one.
        let blank = |at: usize| pages.folded.bytes.get(at) == Some(&b' ');
        if from > 0 && blank(from - 1) && blank(to) {
            push_tokens(page, pages, pages.folded.tokens_in(from, to), 3, found);
        }
        if found.len() >= MAX_PLACES {
            return;
        }
    }
}

/// All words in order, with at most half as many others between them.
fn find_with_gaps(page: usize, pages: &PageIndex<'_>, needle: &FoldedText, found: &mut Vec<Place>) {
    let folded = &pages.folded;
    let first = [b" ".as_slice(), needle.word(0), b" "].concat();
    let count = needle.tokens.len();
    let window = count + (count / 2).max(3);
    for at in memchr::memmem::find_iter(&folded.bytes, &first).take(64) {
        let Some(start) = folded.tokens_in(at + 1, at + 2).next() else {
            continue;
        };
        let mut matched = 1;
        let mut here = start + 1;
        while matched < count && here < start + window {
            if folded.word(here) == needle.word(matched) {
                matched += 1;
            }
            here += 1;
        }
        if matched == count {
            push_tokens(page, pages, start..here, 4, found);
        }
    }
}

fn find_amount(page: usize, pages: &PageIndex<'_>, amount: Amount, found: &mut Vec<Place>) {
    let numbers = pages.numbers();
    let from = numbers.partition_point(|number| number.amount < amount);
    for number in numbers
        .iter()
        .skip(from)
        .take_while(|number| number.amount == amount)
    {
        if found.len() >= MAX_PLACES {
            return;
        }
        found.push(Place {
            page,
            start: number.start as usize,
            end: number.end as usize,
            rank: number.doubt,
        });
    }
}

/// Whether the bytes are whole words, and not a part of a number.
fn is_whole(text: &str, start: usize, end: usize) -> bool {
    let (Some(before), Some(inside), Some(after)) =
        (text.get(..start), text.get(start..end), text.get(end..))
    else {
        return false;
    };
    let cuts_before = inside.starts_with(continues_word) && before.ends_with(continues_word);
    let cuts_after = inside.ends_with(continues_word) && after.starts_with(continues_word);
    if cuts_before || cuts_after {
        return false;
    }
    // A year inside 05.03.2024 is whole; the 12 of 12.50 is not.
    let is_year = inside.len() == 4 && inside.bytes().all(|byte| byte.is_ascii_digit());
    is_year || !(goes_on(before, inside, true) || goes_on(after, inside, false))
}

fn goes_on(outside: &str, inside: &str, is_before: bool) -> bool {
    let digit = |c: char| c.is_ascii_digit();
    if is_before {
        inside.starts_with(digit)
            && outside
                .strip_suffix(['.', ','])
                .is_some_and(|rest| rest.ends_with(digit))
    } else {
        inside.ends_with(digit)
            && outside
                .strip_prefix(['.', ','])
                .is_some_and(|rest| rest.starts_with(digit))
    }
}

/// How a currency is printed when its code is not.
fn currency_signs(code: &str) -> &'static [&'static str] {
    match code {
        "EUR" => &["€", "Euro", "EURO"],
        "USD" | "CAD" | "AUD" | "NZD" | "SGD" | "HKD" | "MXN" => &["$"],
        "GBP" => &["£"],
        "JPY" => &["¥", "￥", "円"],
        "CNY" => &["¥", "￥", "元"],
        "CHF" => &["Fr.", "SFr", "Fr"],
        "INR" => &["₹", "Rs.", "Rs"],
        "MYR" => &["RM"],
        "BRL" => &["R$"],
        "KRW" => &["₩"],
        "PLN" => &["zł"],
        "TRY" => &["₺"],
        "ILS" => &["₪"],
        "RUB" => &["₽"],
        "UAH" => &["₴"],
        "THB" => &["฿"],
        "VND" => &["₫"],
        "PHP" => &["₱"],
        "SEK" | "NOK" | "DKK" => &["kr", "Kr"],
        "CZK" => &["Kč"],
        _ => &[],
    }
}
