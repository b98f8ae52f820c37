//! Text recognition with the tesseract program: a picture in through its standard
//! input, a table of words with places and confidences out.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use image::GrayImage;
use image::imageops::{self, FilterType};

use super::{DOUBTFUL, Picture, Seen, Text};
use crate::layout::Item;
use crate::turn::Turn;

/// A page takes a second or two; one that takes longer than this is no text.
const PAGE_LIMIT: Duration = Duration::from_secs(40);

/// What tesseract is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tesseract {
    /// "5.3.0".
    pub version: String,
    /// Installed languages.
    pub languages: Vec<String>,
}

/// The file of the program, looked for once per process: a worker may look for nothing later.
pub(crate) fn program() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let path = std::env::var_os("PATH")?;
            std::env::split_paths(&path)
                .map(|folder| folder.join("tesseract"))
                .find(|file| file.is_file())
                .and_then(|file| file.canonicalize().ok())
        })
        .as_deref()
}

/// Looks for tesseract once per process.
pub(crate) fn tesseract() -> Option<&'static Tesseract> {
    static FOUND: OnceLock<Option<Tesseract>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let version = output_of(&["--version"])?;
            let version = version.lines().next()?.split_whitespace().nth(1)?.to_owned();
            let languages = output_of(&["--list-langs"])
                .map(|list| list.lines().skip(1).map(|line| line.trim().to_owned()).collect())
                .unwrap_or_default();
            Some(Tesseract { version, languages })
        })
        .as_ref()
}

fn output_of(arguments: &[&str]) -> Option<String> {
    let output = Command::new(program()?)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    // Old versions print to standard error.
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    if text.trim().is_empty() {
        text = String::from_utf8_lossy(&output.stderr).into_owned();
    }
    output.status.success().then_some(text)
}

/// English where nothing else is asked for, with German and French where installed: the
/// languages docmill's own extractor knows.
fn languages(tesseract: &Tesseract, wanted: &str) -> String {
    let installed = |language: &str| tesseract.languages.iter().any(|it| it == language);
    if !wanted.is_empty() {
        return wanted.to_owned();
    }
    let chosen: Vec<&str> = ["eng", "deu", "fra"]
        .into_iter()
        .filter(|language| installed(language))
        .collect();
    if chosen.is_empty() {
        "eng".to_owned()
    } else {
        chosen.join("+")
    }
}

pub(super) const NOT_INSTALLED: &str = "tesseract is not installed";

/// Pictures smaller than this are enlarged: tesseract wants letters of 20 pixels or more.
const MIN_EDGE: u32 = 1400;

/// Reads a picture. When what comes out is doubtful, the picture may have to be turned, or
/// be so faint, or so dark at the edges, that no one threshold parts ink from paper.
pub(super) fn read(picture: &Picture, wanted_languages: &str) -> Result<Text, String> {
    let edge = picture.pixels.width().max(picture.pixels.height()).max(1);
    if edge >= MIN_EDGE {
        return read_large(picture, wanted_languages);
    }
    let factor = MIN_EDGE as f32 / edge as f32;
    let larger = |edge: u32| ((edge as f32 * factor) as u32).max(1);
    let (width, height) = picture.pixels.dimensions();
    let picture = Picture {
        pixels: imageops::resize(
            &picture.pixels,
            larger(width),
            larger(height),
            FilterType::CatmullRom,
        ),
        ..*picture
    };
    let mut text = read_large(&picture, wanted_languages)?;
    text.scale_by(1.0 / factor);
    Ok(text)
}

fn read_large(picture: &Picture, wanted_languages: &str) -> Result<Text, String> {
    let tesseract = tesseract().ok_or(NOT_INSTALLED)?;
    let languages = languages(tesseract, wanted_languages);
    let dpi = picture.dpi.to_string();
    // Mode 6 (one block of text) found more on till receipts than 3 (automatic) and 4 (one
    // column of lines of various sizes): see docs/decisions/parsing.md.
    let arguments = ["-l", &languages, "--psm", "6", "--dpi", &dpi, "tsv"];
    let mut text = words(&run(&arguments, &picture.pixels)?);
    let knows_turns = tesseract.languages.iter().any(|language| language == "osd");
    if text.confidence() < DOUBTFUL
        && knows_turns
        && let Some(turned) = read_turned(picture, &arguments, &dpi)?
        && turned.confidence() > text.confidence()
    {
        text = turned;
    }
    if text.confidence() < DOUBTFUL {
        // A threshold for each neighbourhood. Versions before 5 ignore it and read the same again.
        let local = [&["-c", "thresholding_method=1"], &arguments[..]].concat();
        let read = words(&run(&local, &picture.pixels)?);
        if read.sure_words() > text.sure_words() {
            text = read;
        }
    }
    Ok(text)
}

/// What the picture says the right way up, when it lies on its side or head; places are those
/// of the picture as it is.
fn read_turned(picture: &Picture, arguments: &[&str], dpi: &str) -> Result<Option<Text>, String> {
    let osd = ["-l", "osd", "--psm", "0", "--dpi", dpi];
    // It fails on pictures with hardly any letters; then the first reading stands.
    let turn = run(&osd, &picture.pixels).ok().and_then(|answer| turn(&answer));
    let Some(turn) = turn else { return Ok(None) };
    let (width, height) = picture.pixels.dimensions();
    let mut turned = words(&run(arguments, &turn.apply(&picture.pixels))?);
    for word in &mut turned.words {
        word.bbox = turn.undo(word.bbox, (width as f32, height as f32));
    }
    Ok(Some(turned))
}

/// What orientation detection found: by how much the picture must be turned.
fn turn(answer: &str) -> Option<Turn> {
    let degrees = answer.lines().find_map(|line| line.strip_prefix("Rotate:"))?;
    match degrees.trim() {
        "90" => Some(Turn::Right),
        "180" => Some(Turn::Over),
        "270" => Some(Turn::Left),
        _ => None,
    }
}

/// Runs tesseract on a picture.
fn run(arguments: &[&str], pixels: &GrayImage) -> Result<String, String> {
    let mut child = Command::new(program().ok_or(NOT_INSTALLED)?)
        .args(["stdin", "stdout"])
        .args(arguments)
        .env("OMP_THREAD_LIMIT", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("tesseract could not be started: {error}"))?;
    let (Some(mut input), Some(mut output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("tesseract could not be talked to".to_owned());
    };
    let answer = std::thread::scope(|scope| {
        // Both ends at once: either pipe may fill up. A plain bitmap costs no encoding.
        scope.spawn(move || {
            let head = format!("P5\n{} {}\n255\n", pixels.width(), pixels.height());
            input.write_all(head.as_bytes())?;
            input.write_all(pixels.as_raw())
        });
        let reading = scope.spawn(move || {
            let mut answer = String::new();
            output.read_to_string(&mut answer).map(|_| answer)
        });
        let deadline = Instant::now() + PAGE_LIMIT;
        while !reading.is_finished() {
            if Instant::now() > deadline {
                let _ = child.kill();
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = child.wait();
        reading.join().ok().and_then(Result::ok)
    });
    match answer {
        Some(answer) if !answer.is_empty() => Ok(answer),
        _ => Err("tesseract could not read the picture".to_owned()),
    }
}

/// The text and words of tesseract's table: level, page, block, paragraph, line, word,
/// left, top, width, height, confidence, text.
fn words(table: &str) -> Text {
    let mut seen: Vec<Seen> = table.lines().skip(1).filter_map(word).collect();
    for line in seen.chunk_by_mut(|one, next| one.line == next.line) {
        set_on_line(line);
    }
    super::arranged(&seen)
}

fn word(row: &str) -> Option<Seen> {
    let cells: Vec<&str> = row.split('\t').collect();
    let [
        level,
        _,
        block,
        paragraph,
        line,
        _,
        left,
        top,
        width,
        height,
        confidence,
        word,
    ] = cells[..]
    else {
        return None;
    };
    let word = word.trim();
    if level != "5" || word.is_empty() {
        return None;
    }
    let number = |cell: &str| cell.parse::<f32>().unwrap_or(0.0);
    let count = |cell: &str| cell.parse::<u32>().unwrap_or(0);
    let (x, y) = (number(left), number(top));
    Some(Seen {
        item: Item {
            text: word.to_owned(),
            x0: x,
            x1: x + number(width),
            y0: y,
            y1: y + number(height),
            base: y + number(height),
            size: number(height),
        },
        confidence: number(confidence).clamp(0.0, 100.0) as u8,
        line: (count(block), count(paragraph), count(line)),
    })
}

/// Puts words that were seen on one line on one line: their boxes end at letters that reach
/// down or do not, and lines of a page that lies askew rise or fall.
fn set_on_line(words: &mut [Seen]) {
    let middle = |mut values: Vec<f32>| {
        values.sort_by(f32::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(0.0)
    };
    let base = middle(words.iter().map(|word| word.item.base).collect());
    let size = middle(words.iter().map(|word| word.item.size).collect()).max(1.0);
    for word in words {
        word.item.base = base;
        // Capitals and figures reach over seven tenths of a font's height.
        word.item.size = size * 1.3;
    }
}

#[cfg(test)]
mod tests {
    use docmill_core::page::BBox;

    use super::*;

    #[test]
    fn the_table_becomes_lines_of_words() {
        let table = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n\
            1\t1\t0\t0\t0\t0\t0\t0\t100\t100\t-1\t\n\
            5\t1\t1\t1\t1\t1\t10\t10\t20\t8\t96.1\tTOTAL\n\
            5\t1\t1\t1\t1\t2\t40\t10\t20\t8\t91\t9.00\n\
            5\t1\t1\t1\t2\t1\t10\t30\t20\t8\t50\tthanks\n\
            5\t1\t2\t1\t1\t1\t10\t60\t20\t8\t50\tbye\n";
        let read = words(table);
        assert_eq!(read.confidence().round(), 72.0);
        let Text { text, words } = read;
        assert_eq!(text, "TOTAL 9.00\n\nthanks\n\nbye");
        assert_eq!(words.len(), 4);
        assert_eq!(&text[words[1].start as usize..words[1].end as usize], "9.00");
        assert_eq!(
            words[1].bbox,
            BBox {
                x0: 40.0,
                y0: 10.0,
                x1: 60.0,
                y1: 18.0
            }
        );
        assert_eq!(words[0].confidence, Some(96));
    }
}
