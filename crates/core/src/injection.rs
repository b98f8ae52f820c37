//! Documents that talk to the model. A document is data, and the prompt says so; but a
//! sentence like "ignore all previous instructions" is a sign that somebody tried, and a
//! result of such a document is for a person to look at. This finds the sentence; it cannot
//! find every one, and forbids nothing.
//!
//! A sign needs two things near each other: a word for acting against what was said (ignore,
//! disregard, you must answer …), and a word for what only a model has (previous
//! instructions, system prompt, the JSON it writes). One alone is in many contracts.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::page::Page;

/// Words that tell somebody to leave what they were told.
const TURNS: [&str; 14] = [
    "ignore",
    "disregard",
    "forget",
    "override",
    "bypass",
    "do not follow",
    "instead of",
    "stop following",
    "ignoriere",
    "vergiss",
    "missachte",
    "ignorez",
    "oubliez",
    "ignora",
];

/// What they were told, in words that hardly stand in business papers.
const TOLD: [&str; 15] = [
    "previous instruction",
    "prior instruction",
    "above instruction",
    "earlier instruction",
    "your instruction",
    "system prompt",
    "the prompt",
    "instructions above",
    "everything above",
    "the above text",
    "vorherigen anweisungen",
    "bisherigen anweisungen",
    "obigen anweisungen",
    "instructions précédentes",
    "instrucciones anteriores",
];

/// Said to a model and to nobody else.
const ADDRESSED: [&str; 16] = [
    "you are now",
    "as an ai",
    "as a language model",
    "dear ai",
    "dear model",
    "attention ai",
    "note to the ai",
    "ai assistant",
    "language model",
    "to the llm",
    "chatgpt",
    "new instructions:",
    "<|im_start|>",
    "[inst]",
    "<|system|>",
    "### system",
];

/// What it is to do then.
const ASKED: [&str; 15] = [
    "must answer",
    "must output",
    "must return",
    "must respond",
    "must report",
    "answer with",
    "respond with",
    "output the",
    "return the",
    "set the",
    "reply with",
    "write the total",
    "do not extract",
    "always return",
    "report the total",
];

/// Enough by themselves.
const PLAIN: [&str; 3] = [
    "ignore all instructions",
    "disregard all instructions",
    "ignore any instructions",
];

/// How far apart the two may be, in characters.
const NEAR: usize = 160;

/// Places of the words of one list that are looked at: memory is bounded, whatever the document repeats.
const MOST_PLACES: usize = 1_000_000;

/// Bytes of one page that are looked at; a page for people has a thousandth of it.
const MOST_TEXT: usize = 4 << 20;

/// Longest piece of the document that is shown.
const QUOTE: usize = 120;

/// The first passage of the pages that seems to be meant for the model, and its page.
#[must_use]
pub fn passage(pages: &[Page]) -> Option<(u32, String)> {
    pages
        .iter()
        .find_map(|page| Some((page.number, in_text(&page.text)?)))
}

fn in_text(text: &str) -> Option<String> {
    let folded = folded(&text[..text.floor_char_boundary(MOST_TEXT)]);
    if let Some(rare) = &*RARE
        && !rare.is_match(&folded)
    {
        return None;
    }
    let places = Places::of(&folded);
    pair(places.of_kind(Kind::Turns), places.of_kind(Kind::Told))
        .or_else(|| places.of_kind(Kind::Plain).first().copied())
        .or_else(|| pair(places.of_kind(Kind::Addressed), places.of_kind(Kind::Asked)))
        .or_else(|| pair(places.of_kind(Kind::Addressed), places.of_kind(Kind::Turns)))
        .map(|at| folded[at..].chars().take(QUOTE).collect())
}

/// Lower case, runs of white space as one blank, and without characters that take no room: a phrase
/// is found across lines, and when it is broken up by what nobody sees.
fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        // All of ASCII that follows at once, as most of a text is.
        let plain = rest
            .bytes()
            .position(|byte| !byte.is_ascii())
            .unwrap_or(rest.len());
        let (ascii, others) = rest.split_at(plain);
        for word in ascii.split_inclusive(char::is_whitespace) {
            let graphic = word.trim_end();
            let start = folded.len();
            folded.push_str(graphic);
            folded[start..].make_ascii_lowercase();
            if graphic.len() < word.len() && !folded.ends_with(' ') {
                folded.push(' ');
            }
        }
        let mut others = others.char_indices();
        rest = loop {
            match others.next() {
                None => break "",
                Some((at, c)) if c.is_ascii() => break &rest[plain + at..],
                Some((_, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{ad}')) => {}
                Some((_, c)) if c.is_whitespace() => {
                    if !folded.ends_with(' ') {
                        folded.push(' ');
                    }
                }
                Some((_, c)) => folded.extend(c.to_lowercase()),
            }
        };
    }
    folded
}

/// Where a word of one list stands near a word of the other. The work grows with the text, whatever
/// stands in it: both lists of places are walked once.
fn pair(first: &[usize], second: &[usize]) -> Option<usize> {
    let mut next = second.iter().copied().peekable();
    let mut before = None;
    for at in first.iter().copied() {
        while let Some(other) = next.next_if(|other| *other <= at) {
            before = Some(other);
        }
        let near = |other: usize| other.abs_diff(at) <= NEAR;
        if before.is_some_and(near) || next.peek().copied().is_some_and(near) {
            return Some(at);
        }
    }
    None
}

/// The lists of words.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Turns,
    Told,
    Addressed,
    Asked,
    Plain,
}

const KINDS: [(Kind, &[&str]); 5] = [
    (Kind::Turns, &TURNS),
    (Kind::Told, &TOLD),
    (Kind::Addressed, &ADDRESSED),
    (Kind::Asked, &ASKED),
    (Kind::Plain, &PLAIN),
];

/// All words, searched for in one pass over a text. `None` if it could not be built, which a
/// test excludes.
static WORDS: LazyLock<Option<(AhoCorasick, Vec<Kind>)>> = LazyLock::new(|| {
    let words = KINDS.iter().flat_map(|(_, words)| words.iter());
    let kinds = KINDS.iter().flat_map(|(kind, words)| words.iter().map(|_| *kind));
    let search = AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::DFA))
        .build(words)
        .ok()?;
    Some((search, kinds.collect()))
});

/// The words without one of which there is no sign. They hardly stand in papers for people, so that
/// this search, which runs many bytes at a time, is all that most pages get.
static RARE: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let words = TOLD.iter().chain(&ADDRESSED).chain(&PLAIN);
    let kind = MatchKind::LeftmostFirst;
    AhoCorasick::builder().match_kind(kind).build(words).ok()
});

/// Where words of each list stand, in order.
#[derive(Default)]
struct Places([Vec<usize>; KINDS.len()]);

impl Places {
    fn of(text: &str) -> Self {
        let mut places = Self::default();
        let Some((search, kinds)) = &*WORDS else {
            return places;
        };
        for found in search.find_overlapping_iter(text) {
            if let Some(kind) = kinds.get(found.pattern().as_usize())
                && let Some(places) = places.0.get_mut(*kind as usize)
                && places.len() < MOST_PLACES
            {
                places.push(found.start());
            }
        }
        // They were found in the order of their ends.
        places.0.iter_mut().for_each(|places| places.sort_unstable());
        places
    }

    fn of_kind(&self, kind: Kind) -> &[usize] {
        self.0.get(kind as usize).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The short way, without speed.
    fn folded_by_characters(text: &str) -> String {
        let mut folded = String::new();
        for c in text.chars() {
            match c {
                '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{ad}' => {}
                c if c.is_whitespace() && folded.ends_with(' ') => {}
                c if c.is_whitespace() => folded.push(' '),
                c => folded.extend(c.to_lowercase()),
            }
        }
        folded
    }

    proptest::proptest! {
        #[test]
        fn folding_in_pieces_is_folding(text in "[a-zA-Z \\t\\n\\x0b\\x00-\\x1f.,\u{200b}\u{ad}\u{a0}äÖß€İ]{0,60}") {
            proptest::prop_assert_eq!(folded(&text), folded_by_characters(&text));
        }
    }

    #[test]
    fn every_word_is_found_at_its_place() {
        for (kind, words) in KINDS {
            for word in words {
                assert!(
                    Places::of(&format!("und {word}")).of_kind(kind).contains(&4),
                    "{word}"
                );
            }
        }
    }
}
