//! Text recognition: pictures of pages become words with places and confidences.
//!
//! Two engines: the networks of PP-OCR, where their files are installed (`networks`, with
//! `detection` and `recognition` for its two steps), and the tesseract program. What either sees is put
//! into reading order here, as the words of a PDF are, so that a scanned table is a table.

mod detection;
mod networks;
mod recognition;
mod tesseract;

use std::time::Instant;

use docmill_core::page::{BBox, Page, TextOrigin, Word};
use image::GrayImage;

use crate::layout::{self, Item};
use crate::port::{OcrEngine, ReadOptions};

use networks::Networks;

pub use networks::{FILES, NetworkFile, own_folder as own_network_folder};
pub(crate) use networks::{NETWORKS, files as network_files, folder as network_folder};
pub(crate) use tesseract::{program, tesseract};

/// A picture of a page, ready to be read.
pub(crate) struct Picture {
    /// Grey: colour tells neither engine anything.
    pub(crate) pixels: GrayImage,
    /// Dots per inch, so that sizes of letters are judged right.
    pub(crate) dpi: u32,
    /// Points per pixel: places are given in the page's points.
    pub(crate) scale: f32,
}

/// Mean confidence below which a reading may be of a picture that stands on its side or head.
/// Nineteen of twenty upright receipts stay above 67, turned pages came to 50 to 59: see
/// docs/decisions/parsing.md.
const DOUBTFUL: f32 = 60.0;

/// Mean confidence from which a long page is left as tesseract read it. Judgement: of 28 receipts
/// at or above it, all dates and 24 of the sums were right.
const SURE: f32 = 86.0;

/// Whether an engine can be used here.
#[must_use]
pub fn is_installed(engine: OcrEngine) -> bool {
    match engine {
        OcrEngine::Tesseract => tesseract().is_some(),
        OcrEngine::PpOcr => networks::files().is_some(),
    }
}

/// The engine that is used where nobody says: the networks where they are installed.
#[must_use]
pub fn best_engine() -> Option<OcrEngine> {
    OcrEngine::ALL.into_iter().find(|engine| is_installed(*engine))
}

/// Whether another page may begin; else the reason.
pub(crate) fn ready(engine: OcrEngine, until: Option<Instant>) -> Result<(), String> {
    if !is_installed(engine) {
        return Err(match engine {
            OcrEngine::Tesseract => tesseract::NOT_INSTALLED.to_owned(),
            OcrEngine::PpOcr => networks::NOT_INSTALLED.to_owned(),
        });
    }
    match until {
        Some(until) if Instant::now() >= until => Err("the time for text recognition was used up".to_owned()),
        _ => Ok(()),
    }
}

/// A page read from its picture.
pub(crate) fn page(
    number: u32,
    (width, height): (f32, f32),
    picture: &Picture,
    options: &ReadOptions,
) -> Result<Page, String> {
    let mut read = read(picture, options)?;
    read.scale_by(picture.scale);
    let Text { text, words } = read;
    let origin = if text.is_empty() {
        TextOrigin::None
    } else {
        TextOrigin::Ocr
    };
    Ok(Page {
        number,
        label: None,
        width,
        height,
        text,
        words,
        origin,
    })
}

fn read(picture: &Picture, options: &ReadOptions) -> Result<Text, String> {
    // A file of 100,000 empty pages must not start a program for each.
    if is_blank(&picture.pixels) {
        return Ok(Text::default());
    }
    let languages = &options.ocr_languages;
    if options.ocr_engine == OcrEngine::Tesseract || !networks::know(languages) {
        return tesseract::read(picture, languages);
    }
    let networks = Networks::get()?;
    let found = networks.find(&picture.pixels)?;
    // What the networks take grows with the length of lines; tesseract is quicker on a dense page.
    if found.aspect() > LONG && tesseract().is_some() {
        let text = tesseract::read(picture, languages)?;
        if text.confidence() >= SURE {
            return Ok(text);
        }
    }
    networks.read(&picture.pixels, found)
}

/// Lengths of lines, in heights of them, from which a page is long: about four seconds of work, at
/// 45 ms for a line of 320 by 48 pixels.
const LONG: f32 = 600.0;

/// Whether a picture is all of one shade.
fn is_blank(pixels: &GrayImage) -> bool {
    let shades = pixels.as_raw();
    shades.iter().all(|shade| Some(shade) == shades.first())
}

/// What was read: words with places in pixels.
#[derive(Debug, Default)]
struct Text {
    text: String,
    words: Vec<Word>,
}

impl Text {
    /// Words that are more likely right than not.
    fn sure_words(&self) -> usize {
        let sure = |word: &&Word| f32::from(word.confidence.unwrap_or(0)) >= DOUBTFUL;
        self.words.iter().filter(sure).count()
    }

    /// Mean over the words; 0 when there are none.
    fn confidence(&self) -> f32 {
        let sum: u32 = self
            .words
            .iter()
            .map(|word| u32::from(word.confidence.unwrap_or(0)))
            .sum();
        sum as f32 / self.words.len().max(1) as f32
    }

    fn scale_by(&mut self, factor: f32) {
        for word in &mut self.words {
            let bbox = &mut word.bbox;
            for edge in [&mut bbox.x0, &mut bbox.y0, &mut bbox.x1, &mut bbox.y1] {
                *edge *= factor;
            }
        }
    }
}

/// A word as an engine saw it.
#[derive(Debug, Clone)]
struct Seen {
    item: Item,
    confidence: u8,
    /// What the engine takes for one line, as block, paragraph and line.
    line: (u32, u32, u32),
}

/// Words in reading order.
fn arranged(seen: &[Seen]) -> Text {
    let items: Vec<Item> = seen.iter().map(|word| word.item.clone()).collect();
    let arranged = layout::arrange(&items, &[]);
    let words = arranged.spans.iter().map(|(start, end, at)| {
        let Seen { item, confidence, .. } = &seen[*at];
        Word {
            start: *start,
            end: *end,
            bbox: BBox {
                x0: item.x0,
                y0: item.y0,
                x1: item.x1,
                y1: item.y1,
            },
            confidence: Some(*confidence),
        }
    });
    Text {
        words: words.collect(),
        text: arranged.text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_of_one_shade_is_read_without_a_program() {
        let mut pixels = GrayImage::from_pixel(9, 9, image::Luma([255]));
        assert!(is_blank(&pixels) && is_blank(&GrayImage::new(0, 0)));
        pixels.put_pixel(8, 8, image::Luma([254]));
        assert!(!is_blank(&pixels));
    }
}
