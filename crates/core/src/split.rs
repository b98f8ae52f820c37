//! Splitting a document that does not fit a prompt into parts that do.
//!
//! Parts follow the pages; a page longer than the limit is cut at line ends (a
//! line longer than the limit between characters). Each part but the first begins
//! with the last lines of the one before, so that a row at a seam stands whole in
//! one of the two; [`crate::merge`] removes what was then read twice.

use crate::page::{Page, Word};

/// How large a part may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Tokens of a part at most, overlap included.
    pub tokens: u64,
    /// Tokens repeated from the part before, at most; a third of `tokens` when more.
    pub overlap: u64,
}

/// A stretch of a page's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Index of the page (not its number).
    pub page: usize,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// A part: stretches in reading order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    /// What it holds.
    pub stretches: Vec<Stretch>,
    /// How many of them, from the first, repeat the part before.
    pub repeated: usize,
}

impl Part {
    /// The part as pages: cut pages keep their number and the places of their words.
    #[must_use]
    pub fn pages(&self, pages: &[Page]) -> Vec<Page> {
        let mut cut: Vec<Page> = Vec::new();
        let mut at = 0;
        while let Some(first) = self.stretches.get(at) {
            // The repeated end of a page and what follows it on the same page are one stretch.
            let mut end = first.end;
            at += 1;
            while let Some(next) = self
                .stretches
                .get(at)
                .filter(|next| next.page == first.page && next.start == end)
            {
                end = next.end;
                at += 1;
            }
            if let Some(page) = pages.get(first.page) {
                cut.push(cut_page(page, first.start, end));
            }
        }
        cut
    }
}

fn cut_page(page: &Page, start: usize, end: usize) -> Page {
    let text = page.text.get(start..end).unwrap_or_default().to_owned();
    let offset = u32::try_from(start).unwrap_or(u32::MAX);
    let words = page
        .words
        .iter()
        .filter(|word| word.start as usize >= start && word.end as usize <= end)
        .map(|word| Word {
            start: word.start - offset,
            end: word.end - offset,
            ..*word
        })
        .collect();
    Page {
        text,
        words,
        label: page.label.clone(),
        ..*page
    }
}

/// Splits pages into parts of at most `limit.tokens` each, as `count` counts them.
/// `count` must not count less for a longer text. One part when everything fits.
#[must_use]
pub fn split(pages: &[Page], limit: Limit, count: &dyn Fn(&str) -> u64) -> Vec<Part> {
    let splitter = Splitter { pages, count };
    let whole: Vec<Stretch> = pages
        .iter()
        .enumerate()
        .map(|(page, it)| Stretch {
            page,
            start: 0,
            end: it.text.len(),
        })
        .collect();
    let tokens = limit.tokens.max(1);
    let total = whole
        .iter()
        .map(|stretch| splitter.tokens(*stretch))
        .fold(0, u64::saturating_add);
    if total <= tokens {
        return vec![Part {
            stretches: whole,
            repeated: 0,
        }];
    }
    let overlap = limit.overlap.min(tokens / 3);
    let fresh = tokens - overlap;
    let mut parts: Vec<Part> = Vec::new();
    let mut part = Part::default();
    let mut used = 0;
    for stretch in whole.into_iter().flat_map(|page| splitter.cut(page, fresh)) {
        let needed = splitter.tokens(stretch);
        if !part.stretches.is_empty() && used + needed > fresh {
            let tail = splitter.tail(&part, overlap);
            parts.push(std::mem::take(&mut part));
            part.repeated = usize::from(tail.is_some());
            part.stretches.extend(tail);
            used = 0;
        }
        used += needed;
        part.stretches.push(stretch);
    }
    parts.push(part);
    parts
}

struct Splitter<'a> {
    pages: &'a [Page],
    count: &'a dyn Fn(&str) -> u64,
}

impl<'a> Splitter<'a> {
    fn text(&self, stretch: Stretch) -> &'a str {
        let page = self.pages.get(stretch.page).map_or("", |page| page.text.as_str());
        page.get(stretch.start..stretch.end).unwrap_or_default()
    }

    fn tokens(&self, stretch: Stretch) -> u64 {
        (self.count)(self.text(stretch))
    }

    /// A page in stretches of at most `tokens`; an empty page is one empty stretch.
    fn cut(&self, page: Stretch, tokens: u64) -> Vec<Stretch> {
        let mut stretches = Vec::new();
        let mut rest = page;
        while self.tokens(rest) > tokens {
            let text = self.text(rest);
            let fitting = self.longest_start(text, tokens);
            let at_line = text
                .get(..fitting)
                .and_then(|start| start.rfind('\n'))
                .map(|newline| newline + 1);
            let length = at_line.filter(|length| *length > 0).unwrap_or(fitting);
            if length >= text.len() {
                break;
            }
            stretches.push(Stretch {
                end: rest.start + length,
                ..rest
            });
            rest.start += length;
        }
        stretches.push(rest);
        stretches
    }

    /// Bytes from the beginning that fit; at least one character, so that there is an end.
    fn longest_start(&self, text: &str, tokens: u64) -> usize {
        let (mut fits, mut too_long) = (0, text.len());
        while too_long - fits > 1 {
            let middle = floor_boundary(text, fits + (too_long - fits) / 2);
            if middle <= fits {
                break;
            }
            if (self.count)(text.get(..middle).unwrap_or_default()) <= tokens {
                fits = middle;
            } else {
                too_long = middle;
            }
        }
        if fits > 0 {
            fits
        } else {
            text.chars().next().map_or(0, char::len_utf8)
        }
    }

    /// The last whole lines of a part, within `tokens`.
    fn tail(&self, part: &Part, tokens: u64) -> Option<Stretch> {
        let last = *part.stretches.last()?;
        let text = self.text(last);
        let mut best = None;
        let body = text.strip_suffix('\n').unwrap_or(text);
        let starts = body
            .rmatch_indices('\n')
            .map(|(newline, _)| newline + 1)
            .chain([0]);
        for start in starts {
            let tail = Stretch {
                start: last.start + start,
                ..last
            };
            if self.tokens(tail) > tokens {
                break;
            }
            best = Some(tail);
        }
        best.filter(|tail| tail.start < tail.end)
    }
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    while at > 0 && !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
