//! Where words stand, turned into text as a person reads it.
//!
//! Words with their places go in, from a PDF's text layer or from text recognition alike;
//! lines in reading order come out. The steps, one file each: words become chunks (what
//! stands together on a line), columns of prose are parted where a gutter runs down between
//! them, chunks become rows, rows whose chunks stand under each other become tables.
//!
//! Everything here is geometry. It knows no file format, and no document kind.

mod chunk;
mod columns;
mod frame;
mod rows;
mod rule;
mod table;
mod write;

pub(crate) use frame::Frame;
pub(crate) use rule::Rule;

/// Letters that are written from the right to the left.
pub(crate) fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}')
}

/// A word, with its place in the frame in which it stands upright: from left to right and
/// from the top down.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) text: String,
    pub(crate) x0: f32,
    pub(crate) x1: f32,
    pub(crate) y0: f32,
    pub(crate) y1: f32,
    /// What the letters stand on.
    pub(crate) base: f32,
    /// Height of the font.
    pub(crate) size: f32,
}

/// The text, and where in it each word is.
#[derive(Debug, Default)]
pub(crate) struct Arranged {
    pub(crate) text: String,
    /// Bytes from and to of the text, and the item that stands there; in order.
    pub(crate) spans: Vec<(u32, u32, usize)>,
}

/// Puts words into reading order. Lines that rule tables are given in the same frame.
pub(crate) fn arrange(items: &[Item], rules: &[Rule]) -> Arranged {
    let chunks = chunk::of(items, rules);
    let mut writer = write::Writer::new(items);
    for region in columns::split(chunks) {
        let rows = rows::of(region);
        for block in table::blocks(rows, rules, items) {
            writer.block(&block);
        }
        writer.part();
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words of a font 10 high with letters 5 wide, set from a place on.
    fn set(items: &mut Vec<Item>, x: f32, base: f32, text: &str) {
        let mut x = x;
        for word in text.split(' ') {
            let end = x + word.chars().count() as f32 * 5.0;
            items.push(Item {
                text: word.to_owned(),
                x0: x,
                x1: end,
                y0: base - 7.8,
                y1: base + 2.2,
                base,
                size: 10.0,
            });
            x = end + 2.5;
        }
    }

    fn read(items: &[Item]) -> String {
        arrange(items, &[]).text
    }

    #[test]
    fn columns_of_a_table_that_were_drawn_one_after_the_other_become_rows() {
        let mut items = Vec::new();
        for (x, cells) in [
            (50.0, ["Item", "Bread", "Milk", "Eggs"]),
            (200.0, ["Quantity", "2", "1", "12"]),
            (300.0, ["Price", "3.10", "1.19", "2.99"]),
        ] {
            for (cell, row) in cells.iter().zip(0_u8..) {
                set(&mut items, x, 100.0 + f32::from(row) * 14.0, cell);
            }
        }
        assert_eq!(
            read(&items),
            "| Item | Quantity | Price |\n| --- | --- | --- |\n| Bread | 2 | 3.10 |\n| Milk | 1 | 1.19 |\n\
             | Eggs | 12 | 2.99 |"
        );
    }

    #[test]
    fn prose_in_two_columns_is_read_one_column_after_the_other() {
        let mut items = Vec::new();
        set(
            &mut items,
            50.0,
            80.0,
            "A heading over both of the columns that reaches far to the right",
        );
        for (line, row) in ["the left column has", "lines of words that", "go on to its end"]
            .iter()
            .zip(0_u8..)
        {
            let base = 100.0 + f32::from(row) * 12.0;
            set(&mut items, 50.0, base, line);
            set(&mut items, 250.0, base + 3.0, &line.replace("left", "right"));
        }
        let text = read(&items);
        let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words} in {text}"));
        assert!(place("heading") < place("left"));
        assert!(place("go on to its end") < place("right column"));
    }

    #[test]
    fn a_label_and_its_value_far_to_the_right_stay_on_one_line() {
        let mut items = Vec::new();
        set(&mut items, 400.0, 100.0, "4711");
        set(&mut items, 50.0, 100.0, "Invoice number");
        set(&mut items, 50.0, 130.0, "Thank you");
        assert_eq!(read(&items), "Invoice number   4711\n\nThank you");
    }

    #[test]
    fn cells_of_several_lines_between_rules_are_one_row() {
        let mut items = Vec::new();
        set(&mut items, 52.0, 110.0, "Kind");
        set(&mut items, 152.0, 110.0, "What it means");
        for (word, row) in ["a long", "story of", "three lines"].iter().zip(0_u8..) {
            set(&mut items, 152.0, 130.0 + f32::from(row) * 12.0, word);
        }
        set(&mut items, 52.0, 130.0, "Major");
        let across = [100.0, 116.0, 160.0].map(|y| Rule::between((50.0, y), (300.0, y), 1.0));
        let down = [50.0, 150.0, 300.0].map(|x| Rule::between((x, 100.0), (x, 160.0), 1.0));
        let rules: Vec<Rule> = across.into_iter().chain(down).flatten().collect();
        assert_eq!(
            arrange(&items, &rules).text,
            "| Kind | What it means |\n| --- | --- |\n| Major | a long story of three lines |"
        );
    }

    #[test]
    fn a_raised_mark_stays_beside_its_word() {
        let mut items = Vec::new();
        set(&mut items, 50.0, 100.0, "Revenue");
        set(&mut items, 105.0, 100.0, "rose");
        items.push(Item {
            text: "1".to_owned(),
            x0: 85.5,
            x1: 88.5,
            y0: 91.0,
            y1: 97.0,
            base: 96.0,
            size: 6.0,
        });
        assert!(read(&items).starts_with("Revenue 1"), "{}", read(&items));
    }

    #[test]
    fn a_line_of_hebrew_is_read_from_the_right_and_its_numbers_from_the_left() {
        let mut items = Vec::new();
        set(
            &mut items,
            50.0,
            100.0,
            "12 34 \u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{5e2}\u{5d5}\u{5dc}\u{5dd}",
        );
        assert_eq!(
            read(&items),
            "\u{5e2}\u{5d5}\u{5dc}\u{5dd} \u{5e9}\u{5dc}\u{5d5}\u{5dd} 12 34"
        );
    }

    /// Every word is written once, in the place that is told, whatever the places are.
    #[test]
    fn nothing_is_lost_and_nothing_is_read_twice() {
        let mut seed = 7_u32;
        let mut random = |below: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) % below
        };
        for round in 0..300 {
            let mut items = Vec::new();
            let mut rules = Vec::new();
            for word in 0..random(60) {
                let (x, y) = (random(600) as f32, (random(40) * 6) as f32);
                set(&mut items, x, y, &format!("w{word}"));
                if random(9) == 0 {
                    let (end, down) = (random(600) as f32, (random(40) * 6) as f32);
                    rules.extend(Rule::between((x, y), (end, y), 1.0));
                    rules.extend(Rule::between((x, y), (x, down), 1.0));
                }
            }
            let arranged = arrange(&items, &rules);
            let mut written: Vec<usize> = arranged.spans.iter().map(|span| span.2).collect();
            written.sort_unstable();
            assert_eq!(written, (0..items.len()).collect::<Vec<_>>(), "round {round}");
            for (start, end, item) in &arranged.spans {
                assert_eq!(arranged.text[*start as usize..*end as usize], items[*item].text);
            }
        }
    }
}
