//! Words out of glyphs: where a word ends is told by blanks and by gaps.

use crate::layout::{Frame, Item, is_right_to_left};
use crate::pdf::glyphs::Run;

/// Share of the font's height that letters reach up to, and down to, from the line.
const ASCENT: f32 = 0.78;
const DESCENT: f32 = 0.22;

/// Part of a word: glyphs with no gap between them.
struct Fragment {
    frame: Frame,
    /// Each glyph's text, from left to right.
    glyphs: Vec<String>,
    x0: f32,
    x1: f32,
    base: f32,
    size: f32,
    /// Whether a blank was drawn before or after it.
    blank_before: bool,
    blank_after: bool,
}

/// The words of all runs, each with the frame it stands upright in.
pub(crate) fn of(runs: &[Run]) -> Vec<(Frame, Vec<Item>)> {
    let mut fragments = Vec::new();
    for run in runs {
        cut(run, &mut fragments);
    }
    let mut groups: Vec<(Frame, Vec<Fragment>)> = Vec::new();
    for fragment in fragments {
        match groups.iter_mut().find(|(frame, _)| *frame == fragment.frame) {
            Some((_, group)) => group.push(fragment),
            None => groups.push((fragment.frame, vec![fragment])),
        }
    }
    groups
        .into_iter()
        .map(|(frame, fragments)| (frame, join(fragments)))
        .collect()
}

/// Cuts a run where there are blanks and gaps.
fn cut(run: &Run, fragments: &mut Vec<Fragment>) {
    let widest = widest_letter_gap(run);
    let mut open: Option<Fragment> = None;
    let mut blank = false;
    let mut start = 0;
    for glyph in &run.glyphs {
        let text = run.text.get(start..glyph.end).unwrap_or_default();
        start = glyph.end;
        if text.trim().is_empty() {
            if !text.is_empty() {
                blank = true;
                if let Some(mut fragment) = open.take() {
                    fragment.blank_after = true;
                    fragments.push(fragment);
                }
            }
            continue;
        }
        match &mut open {
            Some(fragment) if glyph.from - fragment.x1 <= widest => {
                fragment.glyphs.push(text.trim().to_owned());
                fragment.x1 = fragment.x1.max(glyph.to);
            }
            _ => {
                fragments.extend(open.take());
                open = Some(Fragment {
                    frame: run.frame,
                    glyphs: vec![text.trim().to_owned()],
                    x0: glyph.from,
                    x1: glyph.to,
                    base: run.base,
                    size: run.size,
                    blank_before: blank,
                    blank_after: false,
                });
                blank = false;
            }
        }
    }
    fragments.extend(open);
}

/// The widest gap between two letters of one word. Type that is set wide has gaps between
/// all its letters, and wider ones between words.
fn widest_letter_gap(run: &Run) -> f32 {
    let usual = run.size * 0.15;
    let mut gaps: Vec<f32> = run
        .glyphs
        .windows(2)
        .map(|pair| pair[1].from - pair[0].to)
        .collect();
    if gaps.len() < 4 {
        return usual;
    }
    let middle = gaps.len() / 2;
    let (_, median, _) = gaps.select_nth_unstable_by(middle, f32::total_cmp);
    if *median < run.size * 0.08 {
        return usual;
    }
    *median + run.size * if run.text.contains(' ') { 0.5 } else { 0.2 }
}

/// Puts the parts of a word together that were drawn apart, and drops what was drawn twice.
fn join(mut fragments: Vec<Fragment>) -> Vec<Item> {
    fragments.sort_by(|a, b| a.base.total_cmp(&b.base));
    let mut words: Vec<Fragment> = Vec::with_capacity(fragments.len());
    let mut line: Vec<Fragment> = Vec::new();
    let mut base = f32::MIN;
    for fragment in fragments {
        if fragment.base - base > fragment.size * 0.1 {
            join_line(std::mem::take(&mut line), &mut words);
            base = fragment.base;
        }
        line.push(fragment);
    }
    join_line(line, &mut words);
    words.into_iter().map(Fragment::into_item).collect()
}

fn join_line(mut line: Vec<Fragment>, words: &mut Vec<Fragment>) {
    line.sort_by(|a, b| a.x0.total_cmp(&b.x0));
    let first = words.len();
    for fragment in line {
        if let Some(last) = words[first..].last_mut() {
            let size = last.size.max(fragment.size);
            let gap = fragment.x0 - last.x1;
            let overlap = last.x1.min(fragment.x1) - fragment.x0;
            let narrower = (last.x1 - last.x0).min(fragment.x1 - fragment.x0);
            if overlap > narrower * 0.7 && last.glyphs == fragment.glyphs {
                continue;
            }
            let blank = last.blank_after || fragment.blank_before;
            let alike = last.size.min(fragment.size) > size * 0.6;
            if !blank && alike && gap < size * 0.1 && gap > size * -0.25 {
                last.glyphs.extend(fragment.glyphs);
                last.x1 = last.x1.max(fragment.x1);
                last.blank_after = fragment.blank_after;
                continue;
            }
        }
        words.push(fragment);
    }
}

impl Fragment {
    fn into_item(self) -> Item {
        Item {
            text: logical(&self.glyphs),
            x0: self.x0,
            x1: self.x1,
            y0: self.base - self.size * ASCENT,
            y1: self.base + self.size * DESCENT,
            base: self.base,
            size: self.size,
        }
    }
}

/// Glyphs from left to right, as the word is written: Hebrew and Arabic from the right,
/// with the numbers in it from the left.
fn logical(glyphs: &[String]) -> String {
    let right = |glyph: &String| glyph.chars().any(is_right_to_left);
    if !glyphs.iter().any(right) {
        return glyphs.concat();
    }
    let number = |glyph: &String| glyph.chars().all(|c| c.is_numeric());
    let mut text = String::new();
    let mut end = glyphs.len();
    while end > 0 {
        let start = if number(&glyphs[end - 1]) {
            glyphs[..end]
                .iter()
                .rposition(|glyph| !number(glyph))
                .map_or(0, |at| at + 1)
        } else {
            end - 1
        };
        glyphs[start..end].iter().for_each(|glyph| text.push_str(glyph));
        end = start;
    }
    text
}
