//! The networks of PP-OCR, run by `rten`: one finds lines of text, one reads them.
//!
//! Their files are not part of the program (26 MB); `docmill ocr install` fetches them. They
//! read Latin, Chinese and Japanese letters, whatever the language.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use image::GrayImage;
use rten::{Model, ModelOptions, RunOptions, ThreadPool};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;

use super::detection::{self, TextLine, TextLines};
use super::recognition::{self, Character};
use super::{DOUBTFUL, Seen, Text, arranged};
use crate::cpu;
use crate::turn::Turn;

/// A file of the networks.
#[derive(Debug, Clone, Copy)]
pub struct NetworkFile {
    /// Its name in the folder.
    pub name: &'static str,
    /// The Python package that carries it, with its version.
    pub package: &'static str,
    /// Where it lies in that package.
    pub within: &'static str,
    /// SHA-256 of its content.
    pub sha256: &'static str,
}

/// The files, in the order in which they are used. Licence of both: Apache 2.0.
pub const FILES: [NetworkFile; 2] = [
    NetworkFile {
        name: "detection.onnx",
        package: "rapidocr-onnxruntime==1.4.4",
        within: "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx",
        sha256: "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9",
    },
    NetworkFile {
        name: "recognition.onnx",
        package: "rapidocr==3.10.0",
        within: "rapidocr/models/PP-OCRv6_rec_small.onnx",
        sha256: "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
    },
];

pub(super) const NOT_INSTALLED: &str =
    "the networks for text recognition are not installed (docmill ocr install)";

/// Names the folder of the files.
pub(crate) const NETWORKS: &str = "DOCMILL_OCR_MODELS";

/// Where the files are: the folder that is named by `DOCMILL_OCR_MODELS`, else the user's own,
/// else beside the program or in the `share` beside its folder.
pub(crate) fn folder() -> Option<PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        if let Some(named) = std::env::var_os(NETWORKS) {
            return Some(PathBuf::from(named)).filter(|folder| is_complete(folder));
        }
        let program = std::env::current_exe().ok();
        let beside = program.as_deref().and_then(Path::parent);
        let folders = [
            own_folder(),
            beside.map(|folder| folder.join("ocr")),
            beside.map(|folder| folder.join("../share/docmill/ocr")),
        ];
        folders.into_iter().flatten().find(|folder| is_complete(folder))
    };
    FOUND.get_or_init(find).clone()
}

fn is_complete(folder: &Path) -> bool {
    FILES.iter().all(|file| folder.join(file.name).is_file())
}

/// The user's own folder for the files: `$XDG_DATA_HOME/docmill/ocr`.
#[must_use]
pub fn own_folder() -> Option<PathBuf> {
    let data = std::env::var_os("XDG_DATA_HOME").filter(|folder| !folder.is_empty());
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/share"));
    Some(data.map(PathBuf::from).or_else(home)?.join("docmill/ocr"))
}

/// The files, where all of them are there.
pub(crate) fn files() -> Option<[PathBuf; 2]> {
    let folder = folder()?;
    Some(FILES.map(|file| folder.join(file.name)))
}

/// Languages, as tesseract names them, whose letters the networks know.
const KNOWN: &[&str] = &[
    "eng", "deu", "fra", "spa", "ita", "por", "nld", "dan", "swe", "nor", "fin", "isl", "pol", "ces", "slk",
    "slv", "hrv", "bos", "hun", "ron", "est", "lav", "lit", "tur", "ind", "msa", "cat", "glg", "eus", "lat",
    "chi_sim", "chi_tra", "jpn",
];

/// Whether the networks know the letters of all these languages ("eng+deu").
pub(super) fn know(languages: &str) -> bool {
    languages
        .split('+')
        .all(|language| language.is_empty() || KNOWN.contains(&language))
}

/// Lines that are read in one call at most.
const BATCH: usize = 6;

/// Lines that tell whether a picture stands on its head.
const TRIED: usize = 8;

/// Both networks, ready to run.
pub(crate) struct Networks {
    detector: Model,
    recognizer: Model,
    /// The letters by class, less the blank.
    alphabet: Vec<String>,
    /// One thread: workers are as many as there are processors.
    pool: Arc<ThreadPool>,
}

impl Networks {
    /// The networks, loaded once per process.
    pub(crate) fn get() -> Result<&'static Self, String> {
        static LOADED: OnceLock<Result<Networks, String>> = OnceLock::new();
        LOADED.get_or_init(Self::load).as_ref().map_err(Clone::clone)
    }

    fn load() -> Result<Self, String> {
        let [detector, recognizer] = files().ok_or(NOT_INSTALLED)?;
        let load = |file: &Path| {
            let mut options = ModelOptions::with_all_ops();
            options.prepack_weights(true);
            options
                .load_file(file)
                .map_err(|error| format!("{} cannot be used: {error}", file.display()))
        };
        let (detector, recognizer) = (load(&detector)?, load(&recognizer)?);
        let letters = recognizer
            .metadata()
            .get("character")
            .ok_or("the network's alphabet is missing")?;
        let alphabet = letters
            .lines()
            .map(str::to_owned)
            .chain([" ".to_owned()])
            .collect();
        Ok(Self {
            detector,
            recognizer,
            alphabet,
            pool: Arc::new(ThreadPool::with_num_threads(1)),
        })
    }

    fn run<const N: usize>(
        &self,
        network: &Model,
        shown: NdTensor<f32, 4>,
    ) -> Result<NdTensor<f32, N>, String> {
        // Work that is known to be work: a dense page takes more than any document may.
        cpu::allow(cpu::PAGE);
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.pool)));
        let answer = network
            .run_one(shown.into(), Some(options))
            .map_err(|error| format!("text recognition failed: {error}"))?;
        answer
            .try_into()
            .map_err(|_| "a network answered in an unexpected form".to_owned())
    }

    /// Where lines of text stand.
    pub(super) fn find(&self, pixels: &GrayImage) -> Result<TextLines, String> {
        let likely: NdTensor<f32, 4> = self.run(&self.detector, detection::shown(pixels))?;
        let places = detection::places(likely.slice((0, 0)), pixels.dimensions());
        Ok(TextLines { places })
    }

    /// What stands on the lines that were found, the picture turned upright where it is not.
    pub(super) fn read(&self, pixels: &GrayImage, found: TextLines) -> Result<Text, String> {
        if found.places.is_empty() {
            return Ok(Text::default());
        }
        if found.lies() {
            // One quarter turn makes the lines run right; whether on the head, `upright` sees.
            let turned = Turn::Left.apply(pixels);
            let found = self.find(&turned)?;
            let mut text = self.upright(&turned, &found)?;
            undo(&mut text, Turn::Left, pixels);
            return Ok(text);
        }
        self.upright(pixels, &found)
    }

    /// Reads lines that run from left to right, or the other way round.
    fn upright(&self, pixels: &GrayImage, found: &TextLines) -> Result<Text, String> {
        let mut longest = found.places.clone();
        longest.sort_by(|a, b| b.aspect().total_cmp(&a.aspect()));
        longest.truncate(TRIED);
        let sure = self.sureness(pixels, &longest)?;
        // Long lines of a picture the right way up are read with 90 of 100; nobody reads them on their head.
        if sure < DOUBTFUL / 100.0 + 0.2 {
            let over = |place: &TextLine| {
                let [a, b, c, d] = place.corners;
                TextLine {
                    corners: [c, d, a, b],
                }
            };
            let turned: Vec<TextLine> = longest.iter().map(over).collect();
            if self.sureness(pixels, &turned)? > sure + 0.05 {
                let picture = Turn::Over.apply(pixels);
                let found = self.find(&picture)?;
                let mut text = self.text(&picture, &found.places)?;
                undo(&mut text, Turn::Over, pixels);
                return Ok(text);
            }
        }
        self.text(pixels, &found.places)
    }

    /// How sure the network is of these lines, from 0 to 1.
    fn sureness(&self, pixels: &GrayImage, places: &[TextLine]) -> Result<f32, String> {
        let lines = self.lines(pixels, places)?;
        let letters: Vec<f32> = lines.iter().flatten().map(|letter| letter.sure).collect();
        Ok(letters.iter().sum::<f32>() / letters.len().max(1) as f32)
    }

    fn text(&self, pixels: &GrayImage, places: &[TextLine]) -> Result<Text, String> {
        let lines = self.lines(pixels, places)?;
        let seen: Vec<Seen> = lines
            .iter()
            .zip(places)
            .zip(0..)
            .flat_map(|((letters, place), line)| recognition::words(letters, place, line))
            .collect();
        Ok(arranged(&seen))
    }

    /// The letters of each line, in the order of the places.
    fn lines(&self, pixels: &GrayImage, places: &[TextLine]) -> Result<Vec<Vec<Character>>, String> {
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_by_key(|at| recognition::length(&places[*at]));
        let mut lines = vec![Vec::new(); places.len()];
        while let Some(first) = order.first() {
            let most = recognition::length(&places[*first]) + recognition::ALIKE;
            let alike = order
                .iter()
                .take(BATCH)
                .take_while(|at| recognition::length(&places[**at]) <= most);
            let batch: Vec<usize> = alike.copied().collect();
            order.drain(..batch.len());
            let cut: Vec<TextLine> = batch.iter().map(|at| places[*at]).collect();
            let shown = recognition::shown(pixels, &cut);
            let width = shown.size(3);
            let likely: NdTensor<f32, 3> = self.run(&self.recognizer, shown)?;
            for (row, at) in batch.iter().enumerate() {
                let own = recognition::length(&places[*at]);
                lines[*at] = recognition::letters(likely.slice(row), &self.alphabet, own, width);
            }
        }
        Ok(lines)
    }
}

/// Places of a turned picture, as places of the picture.
fn undo(text: &mut Text, turn: Turn, pixels: &GrayImage) {
    let (width, height) = pixels.dimensions();
    for word in &mut text.words {
        word.bbox = turn.undo(word.bbox, (width as f32, height as f32));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_with_other_letters_are_left_to_tesseract() {
        assert!(know("") && know("eng+deu") && know("jpn"));
        assert!(!know("rus") && !know("eng+ell"));
    }
}
