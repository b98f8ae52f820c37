//! Grids drawn with lines along and down the page.

use crate::layout::Rule;
use crate::layout::rows::Row;

/// Lines nearer than this to each other are one line, in points.
const SAME: f32 = 3.0;

/// Lines that meet, with cells between them.
pub(super) struct Grid {
    /// Distances of the lines down the page from its left edge.
    down: Vec<f32>,
    /// Heights of the lines across.
    pub(super) across: Vec<f32>,
    left: f32,
    right: f32,
    top: f32,
    bottom: f32,
}

impl Grid {
    /// Whether a row stands inside.
    pub(super) fn holds(&self, row: &Row) -> bool {
        let middle = f32::midpoint(row.y0, row.y1);
        middle > self.top
            && middle < self.bottom
            && row.x0() > self.left - SAME
            && row.x1() < self.right + SAME
    }

    /// From and to where each column reaches.
    pub(super) fn columns(&self) -> Vec<(f32, f32)> {
        self.down.windows(2).map(|pair| (pair[0], pair[1])).collect()
    }
}

/// All grids with two columns or more.
pub(super) fn of(rules: &[Rule]) -> Vec<Grid> {
    let mut groups: Vec<usize> = (0..rules.len()).collect();
    let mut down: Vec<usize> = (0..rules.len()).filter(|at| rules[*at].down).collect();
    down.sort_by(|a, b| rules[*a].at.total_cmp(&rules[*b].at));
    for (at, across) in rules.iter().enumerate().filter(|(_, rule)| !rule.down) {
        let first = down.partition_point(|other| rules[*other].at < across.from - SAME);
        for other in &down[first..] {
            let line = &rules[*other];
            if line.at > across.to + SAME {
                break;
            }
            if line.from - SAME < across.at && line.to + SAME > across.at {
                let (one, two) = (root(&mut groups, at), root(&mut groups, *other));
                groups[one] = two;
            }
        }
    }
    let mut members: std::collections::BTreeMap<usize, Vec<&Rule>> = std::collections::BTreeMap::new();
    for (at, rule) in rules.iter().enumerate() {
        members.entry(root(&mut groups, at)).or_default().push(rule);
    }
    members.values().filter_map(|rules| grid(rules)).collect()
}

fn root(groups: &mut [usize], mut at: usize) -> usize {
    while groups[at] != at {
        groups[at] = groups[groups[at]];
        at = groups[at];
    }
    at
}

fn grid(rules: &[&Rule]) -> Option<Grid> {
    let extent = |down: bool| {
        let lines = rules.iter().filter(move |rule| rule.down == down);
        lines.fold((f32::MAX, f32::MIN), |(from, to), rule| {
            (from.min(rule.from), to.max(rule.to))
        })
    };
    let (left, right) = extent(false);
    let (top, bottom) = extent(true);
    let (width, height) = (right - left, bottom - top);
    if !(width > 20.0 && height > 8.0) {
        return None;
    }
    // Lines that reach over a good part of the table; the others tick boxes and split single cells.
    let mut down = levels(rules, true, height * 0.4);
    let across = levels(rules, false, width * 0.5);
    // A table may have lines between its columns only.
    if down.first().is_none_or(|first| *first > left + SAME * 2.0) {
        down.insert(0, left);
    }
    if down.last().is_none_or(|last| *last < right - SAME * 2.0) {
        down.push(right);
    }
    let top = across.first().map_or(top, |first| first.min(top));
    let bottom = across.last().map_or(bottom, |last| last.max(bottom));
    (down.len() >= 3 && across.len() >= 2).then_some(Grid {
        down,
        across,
        left,
        right,
        top,
        bottom,
    })
}

/// Where lines of one direction are drawn over at least `length`, in all.
fn levels(rules: &[&Rule], down: bool, length: f32) -> Vec<f32> {
    let mut lines: Vec<&&Rule> = rules.iter().filter(|rule| rule.down == down).collect();
    lines.sort_by(|a, b| a.at.total_cmp(&b.at));
    let mut levels = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let first = lines[at].at;
        let end = at
            + lines[at..]
                .iter()
                .take_while(|line| line.at - first < SAME)
                .count();
        let mut stretches: Vec<(f32, f32)> = lines[at..end].iter().map(|line| (line.from, line.to)).collect();
        if covered(&mut stretches) >= length {
            levels.push(first);
        }
        at = end;
    }
    levels
}

/// The length that stretches cover together.
fn covered(stretches: &mut [(f32, f32)]) -> f32 {
    stretches.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut sum = 0.0;
    let mut reached = f32::MIN;
    for (from, to) in stretches.iter() {
        if *to > reached {
            sum += to - from.max(reached);
            reached = *to;
        }
    }
    sum
}

/// Heights of the lines that are drawn across most of a table's width.
pub(super) fn across(rules: &[Rule], (left, right): (f32, f32), (top, bottom): (f32, f32)) -> Vec<f32> {
    let near: Vec<&Rule> = rules
        .iter()
        .filter(|rule| !rule.down && rule.at > top && rule.at < bottom && rule.to > left && rule.from < right)
        .collect();
    levels(&near, false, (right - left) * 0.6)
}
