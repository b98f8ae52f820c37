//! One page: what it draws, arranged as it is read.

use docmill_core::page::{BBox, Page, TextOrigin, Word};
use hayro::hayro_interpret::InterpreterCache;
use hayro::hayro_syntax::Pdf;

use crate::layout::{self, Frame, Item, Rule};
use crate::pdf::form::Form;
use crate::pdf::{add_lines, annotation, glyphs, words};

/// A page that covers this share of itself with one picture is a scan; what is drawn
/// invisibly on it is the text that was recognised in the picture.
const SCAN: f32 = 0.4;

/// A page, and what is to be known about its reading.
pub(crate) struct Reading {
    pub(crate) page: Page,
    /// Whether most of its text is in fonts that do not say what their glyphs mean.
    pub(crate) unreadable: bool,
    /// Characters that nobody sees and that were left out.
    pub(crate) hidden: usize,
}

/// Reads a page.
pub(crate) fn read<'a>(
    pdf: &'a Pdf,
    page: &hayro::hayro_syntax::page::Page<'a>,
    number: u32,
    cache: &InterpreterCache<'a>,
    form: &Form,
) -> Reading {
    let mut drawn = glyphs::draw(pdf, page, cache);
    let hidden = leave_out_hidden(&mut drawn);
    let mut groups = words::of(&drawn.runs);
    form.add_values(page, number, &mut groups);
    let mut read = text_of(number, page.render_dimensions(), groups, &drawn.rules, |_, _| {
        None
    });
    let notes = annotation::unseen(page, &read.text);
    if !notes.is_empty() {
        let notes: Vec<String> = std::iter::once(String::new()).chain(notes).collect();
        add_lines(&mut read, &notes);
    }
    Reading {
        page: read,
        unreadable: drawn.unknown * 2 > drawn.glyphs,
        hidden,
    }
}

/// Takes out what is drawn invisibly on a page that shows its text; returns how much.
fn leave_out_hidden(drawn: &mut glyphs::Drawn) -> usize {
    let letters = |hidden: bool| {
        let runs = drawn.runs.iter().filter(move |run| run.hidden == hidden);
        runs.map(|run| run.text.chars().filter(|c| c.is_alphanumeric()).count())
            .sum::<usize>()
    };
    let (seen, unseen) = (letters(false), letters(true));
    if unseen == 0 || seen == 0 || drawn.picture >= SCAN {
        return 0;
    }
    drawn.runs.retain(|run| !run.hidden);
    unseen
}

/// A page of words, each group upright in its frame; the largest group is read first.
/// `confidence` tells how sure a word is, by its group and its number there.
pub(crate) fn text_of(
    number: u32,
    (width, height): (f32, f32),
    mut groups: Vec<(Frame, Vec<Item>)>,
    rules: &[Rule],
    confidence: impl Fn(usize, usize) -> Option<u8>,
) -> Page {
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|group| std::cmp::Reverse(groups[*group].1.len()));
    let mut text = String::new();
    let mut words = Vec::new();
    for group in order {
        let frame = groups[group].0;
        let items = std::mem::take(&mut groups[group].1);
        let rules: Vec<Rule> = rules.iter().filter_map(|rule| rule.in_frame(frame)).collect();
        let arranged = layout::arrange(&items, &rules);
        if arranged.text.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        let begin = u32::try_from(text.len()).unwrap_or(u32::MAX);
        text.push_str(&arranged.text);
        words.extend(arranged.spans.iter().map(|(start, end, item)| {
            let word = &items[*item];
            let (x0, y0, x1, y1) = frame.on_page(word.x0, word.y0, word.x1, word.y1);
            Word {
                start: begin + start,
                end: begin + end,
                bbox: BBox { x0, y0, x1, y1 },
                confidence: confidence(group, *item),
            }
        }));
    }
    Page {
        number,
        label: None,
        width,
        height,
        origin: if words.is_empty() {
            TextOrigin::None
        } else {
            TextOrigin::Native
        },
        text,
        words,
    }
}
