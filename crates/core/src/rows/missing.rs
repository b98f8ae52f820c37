//! Which rows are missing: lines that look like those with rows, and have none.

use std::collections::{BTreeMap, BTreeSet};

use crate::page::Page;
use crate::rows::place::is_of_lines;
use crate::rows::{Line, Placed, Placements, RowShape, lines};
use crate::split::Part;

/// A list with fewer rows is not checked: it teaches too little about what its rows look like.
const FEWEST: usize = 12;

/// Of twenty rows of a list one must look like this, for lines of that look to be expected to be rows.
const RARE: usize = 20;

/// Lines that follow a row's first and may belong to it.
const CONTINUED: usize = 3;

/// Lines at the top and bottom of a page where running heads stand.
const MARGIN: usize = 2;

/// Rows of a list that are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The list's JSON Pointer.
    pub list: String,
    /// The first lines of the rows, in order.
    pub lines: Vec<Line>,
    /// Rows the list has.
    pub found: usize,
}

impl Gap {
    /// Each missing row with the lines that continue it, as stretches of the pages.
    #[must_use]
    pub fn stretches(&self, pages: &[Page]) -> Vec<crate::split::Stretch> {
        let stretch = |line: &Line| {
            let text = pages.get(line.page).map_or("", |page| page.text.as_str());
            let mut end = end_of_line(text, line.end);
            if !line.text(pages).starts_with('|') {
                for _ in 0..CONTINUED {
                    let next = end_of_line(text, end);
                    let continued = text.get(end..next).unwrap_or_default();
                    if continued.trim().is_empty() || RowShape::of(continued).is_some() {
                        break;
                    }
                    end = next;
                }
            }
            crate::split::Stretch {
                page: line.page,
                start: line.start,
                end,
            }
        };
        self.lines.iter().map(stretch).collect()
    }
}

/// Behind the line break that ends the line at `from`.
fn end_of_line(text: &str, from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    rest.find('\n').map_or(text.len(), |newline| from + newline + 1)
}

/// The rows that should be in the lists and are not. `answers`: where the rows of each answer
/// stand; `asked`: the parts that were asked about.
///
/// A list of which more lines are missing than found is not a list of all lines: it has been asked
/// for a choice of them, and nothing is missing.
#[must_use]
pub fn missing(answers: &[&Placements], asked: &[&Part], pages: &[Page]) -> Vec<Gap> {
    let mut by_list: BTreeMap<&str, Vec<&Placed>> = BTreeMap::new();
    for answer in answers {
        for (list, placed) in &answer.lists {
            by_list.entry(list).or_default().extend(placed);
        }
    }
    let claimed: BTreeSet<Line> = by_list
        .values()
        .flatten()
        .filter_map(|placed| line_of(placed))
        .collect();
    let long = by_list.into_iter().filter_map(|(list, placed)| {
        let own: BTreeSet<Line> = placed.iter().filter_map(|placed| line_of(placed)).collect();
        (own.len() >= FEWEST && is_of_lines(placed.into_iter())).then_some((list, own))
    });
    let long: Vec<_> = long.collect();
    if long.is_empty() {
        return Vec::new();
    }
    let unclaimed: BTreeSet<Line> = asked
        .iter()
        .flat_map(|part| lines(part, pages))
        .filter(|line| !claimed.contains(line))
        .collect();
    let heads = RunningHeads::of(pages, &claimed);
    let shaped: Vec<(RowShape, Line)> = unclaimed
        .into_iter()
        .filter(|line| !heads.has(line, pages) && !is_header(line, pages))
        .filter_map(|line| Some((RowShape::of(line.text(pages))?, line)))
        .collect();
    let mut known = BTreeSet::new();
    let gaps = long.into_iter().filter_map(|(list, own)| {
        let expected = shapes(&own, pages);
        let lines: Vec<Line> = shaped
            .iter()
            .filter(|(shape, line)| expected.contains(shape) && known.insert(*line))
            .map(|(_, line)| *line)
            .collect();
        (!lines.is_empty() && lines.len() <= own.len()).then(|| Gap {
            list: list.to_owned(),
            lines,
            found: own.len(),
        })
    });
    gaps.collect()
}

/// Whether the line names the columns of a Markdown table.
fn is_header(line: &Line, pages: &[Page]) -> bool {
    let text = pages.get(line.page).map_or("", |page| page.text.as_str());
    let next = text
        .get(line.end..)
        .unwrap_or_default()
        .trim_start_matches(['\r', '\n']);
    line.text(pages).starts_with('|') && next.starts_with("| ---")
}

fn line_of(placed: &Placed) -> Option<Line> {
    match placed {
        Placed::On(line) => Some(*line),
        Placed::Repeats(_) | Placed::Nowhere => None,
    }
}

/// What rows of a list look like, but for exceptions.
fn shapes(rows: &BTreeSet<Line>, pages: &[Page]) -> BTreeSet<RowShape> {
    let mut counts: BTreeMap<RowShape, usize> = BTreeMap::new();
    for shape in rows.iter().filter_map(|line| RowShape::of(line.text(pages))) {
        *counts.entry(shape).or_default() += 1;
    }
    let least = (rows.len() / RARE).max(2);
    counts
        .into_iter()
        .filter(|(_, count)| *count >= least)
        .map(|(shape, _)| shape)
        .collect()
}

/// Lines that stand on most pages but for their numbers: "Invoice 17 · page 3".
struct RunningHeads(BTreeSet<String>);

impl RunningHeads {
    fn of(pages: &[Page], rows: &BTreeSet<Line>) -> Self {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for page in pages {
            let on_page: BTreeSet<String> = margins(&page.text).map(masked).collect();
            for line in on_page {
                *counts.entry(line).or_default() += 1;
            }
        }
        let most = (pages.len() * 2 / 3).max(3);
        counts.retain(|line, count| *count >= most && line.chars().any(char::is_alphabetic));
        for row in rows {
            counts.remove(&masked(row.text(pages)));
        }
        Self(counts.into_keys().collect())
    }

    fn has(&self, line: &Line, pages: &[Page]) -> bool {
        !self.0.is_empty() && {
            let page = pages.get(line.page).map_or("", |page| page.text.as_str());
            let text = line.text(pages);
            self.0.contains(&masked(text)) && margins(page).any(|it| it == text)
        }
    }
}

fn margins(text: &str) -> impl Iterator<Item = &str> {
    let filled = || text.lines().filter(|line| !line.trim().is_empty());
    filled().take(MARGIN).chain(filled().rev().take(MARGIN))
}

fn masked(line: &str) -> String {
    let mut masked = String::with_capacity(line.len());
    for c in line.trim().chars() {
        match c {
            c if c.is_ascii_digit() && masked.ends_with('0') => {}
            c if c.is_ascii_digit() => masked.push('0'),
            c => masked.push(c),
        }
    }
    masked
}
