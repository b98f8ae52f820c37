//! Splitting a document that does not fit a prompt into parts that do.
//!
//! Parts follow the pages; a page longer than the limit is cut at line ends, before a
//! heading where one is near (a line longer than the limit between characters). Each part
//! but the first begins with the last lines of the one before, so that a row at a seam
//! stands whole in one of the two; [`crate::merge`] removes what was then read twice. A
//! part that begins inside a table begins with the table's header, too: columns without
//! names cannot be read.

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
    /// How many of them, from the first, repeat what stands in parts before.
    pub repeated: usize,
}

impl Part {
    /// All of the pages.
    #[must_use]
    pub fn whole(pages: &[Page]) -> Self {
        let stretches = pages.iter().enumerate().map(|(page, it)| Stretch {
            page,
            start: 0,
            end: it.text.len(),
        });
        Self {
            stretches: stretches.collect(),
            repeated: 0,
        }
    }

    /// The part as pages: cut pages keep their number and the places of their words.
    #[must_use]
    pub fn pages(&self, pages: &[Page]) -> Vec<Page> {
        let of_one_page = self.stretches.chunk_by(|one, next| one.page == next.page);
        of_one_page
            .filter_map(|stretches| {
                let page = pages.get(stretches.first()?.page)?;
                Some(cut_page(page, stretches))
            })
            .collect()
    }
}

fn cut_page(page: &Page, stretches: &[Stretch]) -> Page {
    let mut text = String::new();
    let mut words = Vec::new();
    let mut end_before = None;
    for stretch in stretches {
        // What is left out between two stretches ended a line.
        if end_before.is_some_and(|end| end != stretch.start) && !text.ends_with('\n') {
            text.push('\n');
        }
        end_before = Some(stretch.end);
        let at = text.len();
        text.push_str(page.text.get(stretch.start..stretch.end).unwrap_or_default());
        let moved = |place: u32| {
            let place = (place as usize).saturating_sub(stretch.start) + at;
            u32::try_from(place).unwrap_or(u32::MAX)
        };
        let first = page
            .words
            .partition_point(|word| (word.start as usize) < stretch.start);
        let inside = page
            .words
            .iter()
            .skip(first)
            .take_while(|word| word.end as usize <= stretch.end);
        words.extend(inside.map(|word| Word {
            start: moved(word.start),
            end: moved(word.end),
            ..*word
        }));
    }
    Page {
        text,
        words,
        label: page.label.clone(),
        ..*page
    }
}

/// Splits pages into parts of at most `limit.tokens` each, as `count` counts them: line by
/// line, so that a long document is counted once. One part when everything fits.
#[must_use]
pub fn split(pages: &[Page], limit: Limit, count: &dyn Fn(&str) -> u64) -> Vec<Part> {
    split_part(pages, &Part::whole(pages), limit, count)
}

/// Splits a part of these pages into smaller ones.
#[must_use]
pub fn split_part(pages: &[Page], part: &Part, limit: Limit, count: &dyn Fn(&str) -> u64) -> Vec<Part> {
    let splitter = Splitter { pages, count };
    let tokens = limit.tokens.max(1);
    let sizes: Vec<u64> = part
        .stretches
        .iter()
        .map(|stretch| splitter.tokens(*stretch))
        .collect();
    if sizes.iter().copied().fold(0, u64::saturating_add) <= tokens {
        return vec![part.clone()];
    }
    let overlap = limit.overlap.min(tokens / 3);
    let header_room = if pages.iter().any(|page| page.text.contains("| --- |")) {
        tokens / 8
    } else {
        0
    };
    let fresh = (tokens - overlap - header_room).max(1);
    let mut parts: Vec<Part> = Vec::new();
    let mut open = Part {
        stretches: Vec::new(),
        repeated: part.repeated,
    };
    let mut used = 0;
    let stretches = part.stretches.iter().zip(sizes);
    for (stretch, needed) in stretches.flat_map(|(whole, size)| splitter.cut(*whole, size, fresh)) {
        if open.stretches.len() > open.repeated && used + needed > fresh {
            let repeated = splitter.repeated(&open, stretch, overlap, header_room);
            parts.push(std::mem::take(&mut open));
            open.repeated = repeated.len();
            open.stretches = repeated;
            used = 0;
        }
        used += needed;
        open.stretches.push(stretch);
    }
    parts.push(open);
    parts
}

/// Parts of these stretches alone (each with the header of the table it is in), of at most
/// `tokens`.
#[must_use]
pub fn of_stretches(
    pages: &[Page],
    stretches: &[Stretch],
    tokens: u64,
    count: &dyn Fn(&str) -> u64,
) -> Vec<Part> {
    let splitter = Splitter { pages, count };
    let mut parts: Vec<Part> = Vec::new();
    let mut used = 0;
    for stretch in stretches {
        let header = splitter.header(*stretch);
        let header_size = header.map_or(0, |header| splitter.tokens(header));
        let needed = splitter.tokens(*stretch);
        let is_known = |part: &Part| header.is_none_or(|header| part.stretches.contains(&header));
        let more = |part: &Part| needed + if is_known(part) { 0 } else { header_size };
        match parts.last_mut().filter(|part| used + more(part) <= tokens) {
            Some(part) => {
                used += more(part);
                let header = header.filter(|_| !is_known(part));
                part.stretches.extend(header.into_iter().chain([*stretch]));
            }
            None => {
                used = needed + header_size;
                parts.push(Part {
                    stretches: header.into_iter().chain([*stretch]).collect(),
                    repeated: 0,
                });
            }
        }
    }
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
        let lines = self.text(stretch).split_inclusive('\n');
        lines.map(self.count).fold(0, u64::saturating_add)
    }

    /// A page in stretches of at most `tokens`, with their sizes; an empty page is one empty stretch.
    fn cut(&self, page: Stretch, size: u64, tokens: u64) -> Vec<(Stretch, u64)> {
        if size <= tokens {
            return vec![(page, size)];
        }
        let mut cut = Cut {
            done: Vec::new(),
            open: Stretch {
                end: page.start,
                ..page
            },
            used: 0,
            heading: None,
        };
        for line in self.text(page).split_inclusive('\n') {
            let mut rest = line;
            let mut needed = (self.count)(rest);
            if cut.used + needed > tokens {
                cut.close(tokens);
            }
            // What follows the heading it was closed before may be too much as well.
            if cut.used + needed > tokens {
                cut.close(0);
            }
            while needed > tokens {
                let fitting = self.longest_start(rest, tokens);
                let (first, then) = rest.split_at(fitting);
                cut.add(first, (self.count)(first));
                cut.close(0);
                rest = then;
                needed = (self.count)(rest);
            }
            cut.add(rest, needed);
        }
        cut.close(0);
        cut.done
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

    /// What the part after this one repeats: the header of the table it begins in, and the last lines.
    fn repeated(&self, part: &Part, next: Stretch, overlap: u64, header_room: u64) -> Vec<Stretch> {
        let tail = self.tail(part, overlap);
        let header = self.header(tail.unwrap_or(next)).filter(|header| {
            let size = self.tokens(*header);
            size <= header_room
        });
        header.into_iter().chain(tail).collect()
    }

    /// The header of the table that a stretch begins in, unless it holds the header itself.
    fn header(&self, stretch: Stretch) -> Option<Stretch> {
        let page = self.pages.get(stretch.page)?.text.as_str();
        if !page.get(stretch.start..)?.starts_with('|') {
            return None;
        }
        let before = page.get(..stretch.start)?;
        let mut first = before.len();
        let mut second = before.len();
        for line in before.split_inclusive('\n').rev() {
            if !line.starts_with('|') {
                break;
            }
            second = first;
            first -= line.len();
        }
        let rule = page.get(second..)?.split_inclusive('\n').next()?;
        let is_rule = rule.contains("---") && rule.trim_end().chars().all(|c| "|-: ".contains(c));
        let end = second + rule.len();
        (is_rule && first < second && end <= stretch.start).then_some(Stretch {
            page: stretch.page,
            start: first,
            end,
        })
    }

    /// The last whole lines of a part, within `tokens`.
    fn tail(&self, part: &Part, tokens: u64) -> Option<Stretch> {
        let last = *part.stretches.last()?;
        let mut tail = Stretch {
            start: last.end,
            ..last
        };
        let mut used = 0;
        for line in self.text(last).split_inclusive('\n').rev() {
            used += (self.count)(line);
            if used > tokens {
                break;
            }
            tail.start -= line.len();
        }
        (tail.start < tail.end).then_some(tail)
    }
}

/// A page that is being cut.
struct Cut {
    done: Vec<(Stretch, u64)>,
    open: Stretch,
    used: u64,
    /// Where the last heading begins, and how much stood before it.
    heading: Option<(usize, u64)>,
}

impl Cut {
    fn add(&mut self, line: &str, tokens: u64) {
        if line.starts_with('#') {
            self.heading = Some((self.open.end, self.used));
        }
        self.open.end += line.len();
        self.used += tokens;
    }

    /// Ends the open stretch: before its last heading, when no more than a third of `tokens` would
    /// follow it.
    fn close(&mut self, tokens: u64) {
        let (at, before) = match self.heading.take() {
            Some((at, before)) if tokens > 0 && before > 0 && before >= tokens - tokens / 3 => (at, before),
            _ => (self.open.end, self.used),
        };
        if at > self.open.start {
            self.done.push((Stretch { end: at, ..self.open }, before));
        }
        self.open.start = at;
        self.used -= before;
    }
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    while at > 0 && !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
