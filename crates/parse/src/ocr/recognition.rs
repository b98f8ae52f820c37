//! The second step of the networks: what a line of text says.
//!
//! The network answers for each slice of a line how likely each letter is; letters that
//! follow each other without a blank between them are one (CTC, Graves et al. 2006).

use image::GrayImage;
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, NdTensorView};

use super::Seen;
use super::detection::TextLine;
use crate::layout::Item;

/// Height of the lines the network was taught with, in pixels.
const HEIGHT: usize = 48;

/// Shorter lines are shown with empty paper behind them.
const SHORTEST: usize = 96;

/// Longer lines are pressed together.
const LONGEST: usize = 3200;

/// Pixels by which lines of one call may differ in length: the shorter get empty paper.
pub(super) const ALIKE: usize = 32;

/// How long a line is when it is shown.
pub(super) fn length(place: &TextLine) -> usize {
    ((place.aspect() * HEIGHT as f32).ceil() as usize).clamp(8, LONGEST)
}

/// Lines cut out of the picture, straightened, all as long as the longest.
pub(super) fn shown(pixels: &GrayImage, places: &[TextLine]) -> NdTensor<f32, 4> {
    let longest = places.iter().map(length).max().unwrap_or(0).max(SHORTEST);
    let mut cut = vec![0.0; places.len() * 3 * HEIGHT * longest];
    for (place, into) in places.iter().zip(cut.chunks_exact_mut(3 * HEIGHT * longest)) {
        let own = length(place);
        // Of a line that is drawn smaller, several rows and columns make one: else thin strokes fall between.
        let samples = ((place.height() / HEIGHT as f32).round() as usize).clamp(1, 4);
        for y in 0..HEIGHT {
            for x in 0..own {
                let shade = (0..samples * samples).map(|at| {
                    let share = |step: usize| (step as f32 + 0.5) / samples as f32;
                    let across = (x as f32 + share(at % samples)) / own as f32;
                    let down = (y as f32 + share(at / samples)) / HEIGHT as f32;
                    shade(pixels, place.at(across, down))
                });
                let shade = shade.sum::<f32>() / (samples * samples) as f32;
                for plane in 0..3 {
                    into[(plane * HEIGHT + y) * longest + x] = shade / 127.5 - 1.0;
                }
            }
        }
    }
    NdTensor::from_data([places.len(), 3, HEIGHT, longest], cut)
}

/// The shade between the four pixels around a point; outside it is as at the edge.
fn shade(pixels: &GrayImage, (x, y): (f32, f32)) -> f32 {
    let (width, height) = pixels.dimensions();
    let x = (x - 0.5).clamp(0.0, width.saturating_sub(1) as f32);
    let y = (y - 0.5).clamp(0.0, height.saturating_sub(1) as f32);
    let (left, top) = (x as u32, y as u32);
    let (right, below) = ((left + 1).min(width - 1), (top + 1).min(height - 1));
    let (across, down) = (x - left as f32, y - top as f32);
    let of = |x: u32, y: u32| f32::from(pixels.get_pixel(x, y).0[0]);
    let upper = of(left, top) * (1.0 - across) + of(right, top) * across;
    let lower = of(left, below) * (1.0 - across) + of(right, below) * across;
    upper * (1.0 - down) + lower * down
}

/// A letter, with the share of the line's length at which its middle stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Character {
    pub(super) text: String,
    pub(super) at: f32,
    pub(super) sure: f32,
}

/// The letters of a line of this length, in what the network answered for all that was shown.
pub(super) fn letters(
    likely: NdTensorView<'_, f32, 2>,
    alphabet: &[String],
    length: usize,
    shown: usize,
) -> Vec<Character> {
    let slices = likely.size(0);
    let mut letters: Vec<Character> = Vec::new();
    let mut last = 0;
    for slice in 0..slices {
        let (class, sure) =
            likely
                .slice(slice)
                .iter()
                .enumerate()
                .fold((0, f32::MIN), |best, (class, share)| {
                    if *share > best.1 { (class, *share) } else { best }
                });
        // Class 0 is the blank.
        if class != 0
            && class != last
            && let Some(text) = alphabet.get(class - 1)
        {
            let at = (slice as f32 + 0.5) / slices as f32 * shown as f32 / length as f32;
            letters.push(Character {
                text: text.clone(),
                at: at.min(1.0),
                sure,
            });
        }
        last = class;
    }
    letters
}

/// The words of a line that stands at a place.
pub(super) fn words(letters: &[Character], place: &TextLine, line: u32) -> Vec<Seen> {
    let plain = !letters.iter().any(|letter| letter.text.chars().any(is_ideograph));
    // Half of what a letter takes on average, to both sides of its middle.
    let half = (0.5 / letters.len().max(1) as f32).min(0.25 / place.aspect());
    let words = letters
        .split(|letter| letter.text.trim().is_empty())
        .flat_map(parted)
        .filter(|word| !word.is_empty());
    let seen = words.map(|word| {
        let text: String = word.iter().map(|letter| letter.text.as_str()).collect();
        let text = if plain { narrow(&text) } else { text };
        let from = word.first().map_or(0.0, |letter| letter.at - half).max(0.0);
        let to = word.last().map_or(1.0, |letter| letter.at + half).min(1.0);
        let sure = word.iter().map(|letter| letter.sure).sum::<f32>() / word.len() as f32;
        Seen {
            item: item(text, place, from, to),
            confidence: (sure.clamp(0.0, 1.0) * 100.0).round() as u8,
            line: (1, 1, line),
        }
    });
    seen.collect()
}

/// A year and a time that were read as one word: tills print them so close that the network
/// sees no space ("12-03-201810:13:04").
fn parted(word: &[Character]) -> [&[Character]; 2] {
    let digit = |at: usize| {
        let text = word.get(at)?.text.as_bytes();
        (text.len() == 1 && text[0].is_ascii_digit()).then_some(text[0])
    };
    let is = |at: usize, marks: &str| {
        word.get(at)
            .is_some_and(|letter| marks.contains(letter.text.as_str()))
    };
    let is_year = |from: usize| {
        let digits = [0, 1, 2, 3].map(|at| digit(from + at));
        matches!(
            digits,
            [Some(b'1'), Some(b'9'), Some(_), Some(_)] | [Some(b'2'), Some(b'0'), Some(_), Some(_)]
        )
    };
    let is_time = |from: usize| {
        let hours = if is(from + 1, ":.") { 1 } else { 2 };
        digit(from).is_some()
            && is(from + hours, ":.")
            && digit(from + hours + 1).is_some()
            && digit(from + hours + 2).is_some()
    };
    let cut = (1..word.len()).find(|at| is(at - 1, "-/.") && is_year(*at) && is_time(at + 4));
    let (date, time) = word.split_at(cut.map_or(word.len(), |at| at + 4));
    [date, time]
}

/// A word between two shares of its line. The line's place reaches a fifth of its height
/// beyond its letters, above and below.
fn item(text: String, place: &TextLine, from: f32, to: f32) -> Item {
    let corners = [
        place.at(from, 0.15),
        place.at(to, 0.15),
        place.at(to, 0.85),
        place.at(from, 0.85),
    ];
    let over = |values: [f32; 4]| {
        let low = values.iter().copied().fold(f32::MAX, f32::min);
        (low, values.iter().copied().fold(f32::MIN, f32::max))
    };
    let (x0, x1) = over(corners.map(|corner| corner.0));
    let (y0, y1) = over(corners.map(|corner| corner.1));
    Item {
        text,
        x0,
        x1,
        y0,
        y1,
        // All words of a line stand at the height of its middle: pictures lie askew.
        base: place.at(0.5, 0.8).1,
        size: place.height() * 0.8,
    }
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}')
}

/// Wide forms as plain ones: the network was taught with texts that have both.
fn narrow(text: &str) -> String {
    let plain = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{3002}' => '.',
        other => other,
    };
    text.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alphabet() -> Vec<String> {
        ["a", "b", " "].map(str::to_owned).to_vec()
    }

    #[test]
    fn letters_that_follow_without_a_blank_are_one() {
        // blank, a, a, blank, a, b, space, b
        let classes = [0, 1, 1, 0, 1, 2, 3, 2];
        let likely = NdTensor::from_fn(
            [8, 4],
            |[slice, class]| {
                if classes[slice] == class { 0.9 } else { 0.0 }
            },
        );
        let letters = letters(likely.view(), &alphabet(), 64, 64);
        let text: String = letters.iter().map(|letter| letter.text.as_str()).collect();
        assert_eq!(text, "aab b");
        let place = TextLine {
            corners: [(0.0, 0.0), (160.0, 0.0), (160.0, 20.0), (0.0, 20.0)],
        };
        let words = words(&letters, &place, 1);
        let said: Vec<&str> = words.iter().map(|word| word.item.text.as_str()).collect();
        assert_eq!(said, ["aab", "b"]);
        assert!(words[0].item.x1 < words[1].item.x0);
        assert!(words[1].item.x1 <= 160.0 && words[0].item.x0 >= 0.0);
        assert_eq!(words[0].confidence, 90);
    }

    #[test]
    fn a_date_and_a_time_are_two_words() {
        let spelled = |text: &str| -> Vec<Character> {
            let letter = |c: char| Character {
                text: c.to_string(),
                at: 0.5,
                sure: 1.0,
            };
            text.chars().map(letter).collect()
        };
        let parts = |text: &str| {
            let word = spelled(text);
            let said =
                |part: &[Character]| part.iter().map(|letter| letter.text.as_str()).collect::<String>();
            let [one, two] = parted(&word);
            (said(one), said(two))
        };
        assert_eq!(
            parts("12-03-201810:13:04"),
            ("12-03-2018".to_owned(), "10:13:04".to_owned())
        );
        assert_eq!(
            parts(":27/05/20188:07"),
            (":27/05/2018".to_owned(), "8:07".to_owned())
        );
        for whole in ["12-03-2018", "192.168.201810", "A-20181012", "10:13:04", ""] {
            assert_eq!(parts(whole), (whole.to_owned(), String::new()));
        }
    }

    #[test]
    fn wide_forms_become_plain_ones() {
        assert_eq!(narrow("Ｎｏ：７（ａ）"), "No:7(a)");
    }

    #[test]
    fn a_line_is_cut_out_straight() {
        let pixels = GrayImage::from_fn(100, 60, |_, y| image::Luma([if y < 30 { 0 } else { 255 }]));
        let place = TextLine {
            corners: [(10.0, 20.0), (90.0, 20.0), (90.0, 40.0), (10.0, 40.0)],
        };
        let shown = shown(&pixels, &[place]);
        assert_eq!(shown.shape(), [1, 3, HEIGHT, 192]);
        assert!(shown[[0, 0, 2, 100]] < -0.9 && shown[[0, 2, HEIGHT - 3, 100]] > 0.9);
    }
}
