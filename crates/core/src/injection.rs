//! Documents that talk to the model. A document is data, and the prompt says so; but a
//! sentence like "ignore all previous instructions" is a sign that somebody tried, and a
//! result of such a document is for a person to look at. This finds the sentence; it cannot
//! find every one, and forbids nothing.
//!
//! A sign needs two things near each other: a word for acting against what was said (ignore,
//! disregard, you must answer …), and a word for what only a model has (previous
//! instructions, system prompt, the JSON it writes). One alone is in many contracts.

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

/// Places of one word that are looked at: memory is bounded, whatever the document repeats.
const MOST_PLACES: usize = 100_000;

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
    pair(&folded, &TURNS, &TOLD)
        .or_else(|| places(&folded, &PLAIN).first().copied())
        .or_else(|| pair(&folded, &ADDRESSED, &ASKED))
        .or_else(|| pair(&folded, &ADDRESSED, &TURNS))
        .map(|at| folded[at..].chars().take(QUOTE).collect())
}

/// Lower case, runs of white space as one blank, and without characters that take no room: a phrase
/// is found across lines, and when it is broken up by what nobody sees.
fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{ad}' => {}
            c if c.is_whitespace() => {
                if !folded.ends_with(' ') {
                    folded.push(' ');
                }
            }
            c => folded.extend(c.to_lowercase()),
        }
    }
    folded
}

/// Where a word of one list stands near a word of the other. The work grows with the text, whatever
/// stands in it: both lists of places are walked once.
fn pair(text: &str, first: &[&str], second: &[&str]) -> Option<usize> {
    let others = places(text, second);
    if others.is_empty() {
        return None;
    }
    let mut next = others.iter().copied().peekable();
    let mut before = None;
    for at in places(text, first) {
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

/// Where the words stand, in order.
fn places(text: &str, words: &[&str]) -> Vec<usize> {
    let each = |word: &&str| -> Vec<usize> {
        let found = text.match_indices(*word).map(|(at, _)| at);
        found.take(MOST_PLACES).collect()
    };
    let mut places: Vec<usize> = words.iter().flat_map(each).collect();
    places.sort_unstable();
    places
}
