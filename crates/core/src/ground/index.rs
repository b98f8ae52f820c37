//! The pages, folded once, so that each value is found by a search over bytes.
//!
//! A page's folded text is its words in lower case with one blank before, between
//! and behind them: ` total amount 1 234 50 eur `. Digits and letters are words
//! apart (`12.50EUR` is `12 50 eur`). A search for ` total amount ` finds whole
//! words only, by construction.

use std::cell::OnceCell;

use crate::extraction::Evidence;
use crate::ground::fold::{Folded, fold};
use crate::ground::numbers::{self, Printed};
use crate::page::{BBox, Page};

/// A word: where it begins in the folded text, and its bytes on the page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) folded: u32,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// Text, folded.
#[derive(Debug, Default)]
pub(super) struct FoldedText {
    pub(super) bytes: Vec<u8>,
    pub(super) tokens: Vec<Token>,
}

/// A page and what was worked out about it.
pub(super) struct PageIndex<'a> {
    pub(super) page: &'a Page,
    pub(super) folded: FoldedText,
    numbers: OnceCell<Vec<Printed>>,
    squashed: OnceCell<Squashed>,
}

/// The folded text without blanks, and where each byte is in it.
#[derive(Debug, Default)]
pub(super) struct Squashed {
    pub(super) bytes: Vec<u8>,
    pub(super) folded_at: Vec<u32>,
}

/// All pages.
pub(super) struct Index<'a> {
    pub(super) pages: Vec<PageIndex<'a>>,
}

/// A place where a value stands: bytes of a page's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Index of the page.
    pub(super) page: usize,
    pub(super) start: usize,
    pub(super) end: usize,
    /// How closely it fits; 0 is best.
    pub(super) rank: u8,
}

impl<'a> Index<'a> {
    pub(super) fn new(pages: &'a [Page]) -> Self {
        Self {
            pages: pages.iter().map(PageIndex::new).collect(),
        }
    }

    /// The evidence for a value that stands at this place.
    pub(super) fn evidence(&self, field: String, place: Place) -> Evidence {
        let page = self.pages.get(place.page).map(|index| index.page);
        let quote = page
            .and_then(|page| page.text.get(place.start..place.end))
            .unwrap_or_default();
        Evidence {
            field,
            page: page.map_or(0, |page| page.number),
            quote: quote.to_owned(),
            bbox: page.and_then(|page| first_line_box(page, place.start, place.end)),
        }
    }
}

impl<'a> PageIndex<'a> {
    pub(super) fn new(page: &'a Page) -> Self {
        Self {
            page,
            folded: FoldedText::of(&page.text),
            numbers: OnceCell::new(),
            squashed: OnceCell::new(),
        }
    }

    /// The numbers printed on the page, ordered by their amount.
    pub(super) fn numbers(&self) -> &[Printed] {
        self.numbers
            .get_or_init(|| numbers::printed(&self.page.text, &self.folded))
    }

    pub(super) fn squashed(&self) -> &Squashed {
        self.squashed.get_or_init(|| {
            let most = self.folded.bytes.len();
            let mut squashed = Squashed {
                bytes: Vec::with_capacity(most),
                folded_at: Vec::with_capacity(most),
            };
            for (at, byte) in self.folded.bytes.iter().enumerate() {
                if *byte != b' ' {
                    squashed.bytes.push(*byte);
                    squashed.folded_at.push(u32::try_from(at).unwrap_or(u32::MAX));
                }
            }
            squashed
        })
    }
}

/// One box around the words from `start` to `end` that stand on the line of the first.
fn first_line_box(page: &Page, start: usize, end: usize) -> Option<BBox> {
    let first = page.words.partition_point(|word| word.end as usize <= start);
    let mut words = page
        .words
        .iter()
        .skip(first)
        .take_while(|word| (word.start as usize) < end);
    let mut line = words.next()?.bbox;
    for word in words {
        let middle = f32::midpoint(word.bbox.y0, word.bbox.y1);
        // A word that is lower, or jumps back to the left, begins another line.
        if middle > line.y1 || middle < line.y0 || word.bbox.x0 + 1.0 < line.x0 {
            break;
        }
        line = line.union(&word.bbox);
    }
    Some(line)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    Letters,
    Digits,
    Divided,
}

impl FoldedText {
    pub(super) fn of(text: &str) -> Self {
        // Places are 32 bits wide; nobody prints four gigabytes on a page.
        let text = if text.len() < u32::MAX as usize / 4 {
            text
        } else {
            ""
        };
        let mut folder = Folder {
            text,
            out: Self {
                bytes: Vec::with_capacity(text.len() + 2),
                tokens: Vec::with_capacity(text.len() / 4),
            },
            run: Run::Divided,
        };
        folder.out.bytes.push(b' ');
        folder.fold();
        folder.out
    }

    /// The tokens that the bytes `from..to` of the folded text cover.
    pub(super) fn tokens_in(&self, from: usize, to: usize) -> std::ops::Range<usize> {
        let first = self
            .tokens
            .partition_point(|token| (token.folded as usize) < from);
        let last = self.tokens.partition_point(|token| (token.folded as usize) < to);
        first..last
    }

    /// A token's folded text.
    pub(super) fn word(&self, index: usize) -> &[u8] {
        let Some(token) = self.tokens.get(index) else {
            return &[];
        };
        let from = token.folded as usize;
        let to = match self.tokens.get(index + 1) {
            Some(next) => next.folded as usize,
            None => self.bytes.len(),
        };
        self.bytes.get(from..to.saturating_sub(1)).unwrap_or_default()
    }
}

struct Folder<'a> {
    text: &'a str,
    out: FoldedText,
    run: Run,
}

impl Folder<'_> {
    fn fold(&mut self) {
        let bytes = self.text.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if byte.is_ascii_alphabetic() {
                at = self.push_ascii(Run::Letters, at, u8::is_ascii_alphabetic);
            } else if byte.is_ascii_digit() {
                at = self.push_ascii(Run::Digits, at, u8::is_ascii_digit);
            } else if byte == b'-' && self.run == Run::Letters {
                at = self.after_hyphen(at);
            } else if byte.is_ascii() {
                self.divide();
                at += 1;
            } else {
                at += self.beyond_ascii(at);
            }
        }
        self.divide();
    }

    /// All letters or digits of ASCII that follow at once, as most of a text is; returns their end.
    fn push_ascii(&mut self, run: Run, at: usize, belongs: impl Fn(&u8) -> bool) -> usize {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| belongs(byte)).count();
        let before = self.out.bytes.len() + usize::from(self.run != run && self.run != Run::Divided);
        self.push(run, at, length, rest.get(..length).unwrap_or_default());
        if let Some(pushed) = self.out.bytes.get_mut(before..) {
            pushed.make_ascii_lowercase();
        }
        at + length
    }

    fn push(&mut self, run: Run, at: usize, length: usize, folded: &[u8]) {
        let end = u32::try_from(at + length).unwrap_or(u32::MAX);
        if self.run != run {
            self.divide();
            self.run = run;
            let start = u32::try_from(at).unwrap_or(u32::MAX);
            let folded = u32::try_from(self.out.bytes.len()).unwrap_or(u32::MAX);
            self.out.tokens.push(Token { folded, start, end });
        }
        self.out.bytes.extend_from_slice(folded);
        if let Some(token) = self.out.tokens.last_mut() {
            token.end = end;
        }
    }

    fn divide(&mut self) {
        if self.run != Run::Divided {
            self.out.bytes.push(b' ');
            self.run = Run::Divided;
        }
    }

    /// A word divided at the end of a line goes on in the next.
    fn after_hyphen(&mut self, hyphen: usize) -> usize {
        let rest = self.text.get(hyphen + 1..).unwrap_or_default();
        let line = rest.trim_start_matches([' ', '\t', '\r']);
        if let Some(next) = line.strip_prefix('\n') {
            let next = next.trim_start_matches([' ', '\t']);
            if next.starts_with(char::is_lowercase) {
                return self.text.len() - next.len();
            }
        }
        self.divide();
        hyphen + 1
    }

    fn beyond_ascii(&mut self, at: usize) -> usize {
        let Some(c) = self.text.get(at..).and_then(|rest| rest.chars().next()) else {
            return 1;
        };
        let length = c.len_utf8();
        let mut buffer = [0; 4];
        match fold(c) {
            Folded::Letters(letters) => self.push(Run::Letters, at, length, letters.as_bytes()),
            Folded::Digit(digit) => self.push(Run::Digits, at, length, &[digit]),
            Folded::Letter(letter) => {
                self.push(
                    Run::Letters,
                    at,
                    length,
                    letter.encode_utf8(&mut buffer).as_bytes(),
                );
            }
            Folded::Word(word) => {
                self.divide();
                self.push(Run::Letters, at, length, word.encode_utf8(&mut buffer).as_bytes());
                self.divide();
            }
            Folded::Nothing => {
                // Part of the word it stands in.
                if self.run != Run::Divided
                    && let Some(token) = self.out.tokens.last_mut()
                {
                    token.end = u32::try_from(at + length).unwrap_or(u32::MAX);
                }
            }
            Folded::Divider => self.divide(),
        }
        length
    }
}
