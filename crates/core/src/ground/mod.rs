//! Grounding: where on the pages does each value of a result stand?
//!
//! A value that stands nowhere was made up, or changed on the way; it is flagged.
//! A value is looked for in these ways, and the first that finds it counts:
//!
//! 1. **as it is**;
//! 2. **folded**: case, accents, ligatures, full-width letters, soft hyphens, the
//!    kind of quotes and dashes, white space and punctuation between words do not
//!    matter, and a word divided at the end of a line is whole again;
//! 3. **by what it means**: a number in every printed form (`1,234.50`, `1.234,5`,
//!    `1 234,50 €`, `1'234.5`, `(1,234.50)`, `19 %` for 0.19), an ISO date in every
//!    common order and with month names in English, German, French, Spanish,
//!    Italian, Dutch and Portuguese, a currency's code by its sign;
//! 4. **without blanks** (text recognition often loses or adds them);
//! 5. a longer text **with gaps**: all its words in order, not much else between.
//!
//! Always whole words: `12` does not stand in `125`, nor in `12.50`. Booleans and
//! choices are not looked for, as they need not be printed; nor is what the schema
//! marks with `"x-docmill-ground": false` (a summary, a category).
//!
//! Where a value stands several times, the place is chosen that the provider named
//! (once verified), else one beside a word of the field's name, else one near the
//! other values of the same row.

mod choose;
mod dates;
mod fold;
mod index;
mod leaves;
mod lines;
mod numbers;
mod search;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::extraction::Evidence;
use crate::page::Page;
use crate::rows::Line;

use choose::Chooser;
use index::Index;
use lines::Anchored;

pub(crate) use lines::{LineIndex, RowValue, line_pages, row_values};

/// Bytes that are searched for values whose row is not known, or that do not stand near it: a long
/// table of which every value is computed must not take minutes.
const FAR_BYTES: usize = 4_000_000_000;

/// What was found and what was not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Grounded {
    /// The place of each value that was found, in the order of the values.
    pub evidence: Vec<Evidence>,
    /// JSON Pointers of values that were looked for and not found.
    pub ungrounded: Vec<String>,
}

/// Looks for each value of a result on the pages. `hints` are places the provider
/// named; each is used only when the value does stand there.
#[must_use]
pub fn ground(data: &Value, schema: &Value, pages: &[Page], hints: &[Evidence]) -> Grounded {
    ground_rows(data, schema, pages, hints, &BTreeMap::new())
}

/// The same for a result with long lists: `rows` says on which lines rows stand, by their
/// JSON Pointers. The values of a row are looked for there first, so that a value that
/// stands a thousand times is found in its own row.
#[must_use]
pub fn ground_rows(
    data: &Value,
    schema: &Value,
    pages: &[Page],
    hints: &[Evidence],
    rows: &BTreeMap<String, Line>,
) -> Grounded {
    let index = Index::new(pages);
    let texts = line_pages(rows.values().map(|line| line.text(pages)));
    let anchored = Anchored::new(rows, &texts, pages);
    let mut grounded = Grounded::default();
    let mut chooser = Chooser::new(&index, hints);
    let size = pages.iter().map(|page| page.text.len()).sum::<usize>().max(1);
    let mut far_searches = FAR_BYTES / size;
    for leaf in leaves::of(data, schema) {
        let near = anchored.find(&leaf.pointer, leaf.value);
        let found = match near {
            Some(found) if !found.is_empty() || far_searches == 0 => found,
            // It was not looked for, which is not to say that it is not there.
            None if far_searches == 0 => continue,
            _ => {
                far_searches -= 1;
                search::find(&index.pages, leaf.value)
            }
        };
        match chooser.choose(&leaf.pointer, found) {
            Some(place) => grounded.evidence.push(index.evidence(leaf.pointer, place)),
            None => grounded.ungrounded.push(leaf.pointer),
        }
    }
    grounded
}
