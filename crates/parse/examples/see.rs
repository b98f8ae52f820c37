//! Shows what was read of a page beside the page: a box for each word, and a line through
//! them in the order in which they are read.
//!
//! cargo run --release -p docmill-parse --example see -- FOLDER PATH...
//!
//! Writes FOLDER/NAME-PAGE.png for the first page of each PDF or picture, the page on the left,
//! what was read on the right, and FOLDER/NAME-PAGE.txt with the text.

use std::path::{Path, PathBuf};
use std::time::Duration;

use docmill_core::page::Page;
use docmill_parse::sandbox::{Config, Sandbox};
use docmill_parse::{Documents, ImageOptions, ReadOptions, ReadRequest, Reader};
use image::{Rgb, RgbImage};

/// Words and the way between them.
const WORD: Rgb<u8> = Rgb([40, 110, 220]);
const WAY: Rgb<u8> = Rgb([220, 60, 40]);
/// From a line to the next.
const JUMP: Rgb<u8> = Rgb([240, 180, 170]);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("see FOLDER PATH...")?);
    std::fs::create_dir_all(&folder)?;
    let example = std::env::current_exe()?;
    let program = example
        .parent()
        .and_then(Path::parent)
        .ok_or("the example stands nowhere")?
        .join("docmill-parse-worker");
    let reader = Documents::new(Sandbox::new(Config {
        program,
        arguments: Vec::new(),
        children: 1,
        limit: Duration::from_secs(60),
        ocr_limit: Duration::from_secs(120),
    }));
    for path in arguments.map(PathBuf::from) {
        let request = ReadRequest {
            name: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            content: std::fs::read(&path)?.into(),
            passwords: Vec::new(),
            options: ReadOptions {
                ocr_engine: docmill_parse::best_engine().unwrap_or_default(),
                ..ReadOptions::default()
            },
        };
        let images = ImageOptions {
            dpi: 110,
            max_edge: 1400,
            first_page: 1,
            max_pages: 1,
        };
        let name = request.name.clone();
        let reading = reader
            .read(request.clone())
            .await
            .map_err(|failure| failure.message)?;
        let pictures = reader
            .render(request, images)
            .await
            .map_err(|failure| failure.message)?;
        let (Some(page), Some(picture)) = (reading.pages.first(), pictures.first()) else {
            println!("{name}: nothing to see");
            continue;
        };
        let beside = seen(page, &image::load_from_memory(&picture.png)?.into_rgb8());
        beside.save(folder.join(format!("{name}-{}.png", page.number)))?;
        std::fs::write(folder.join(format!("{name}-{}.txt", page.number)), &page.text)?;
        println!("{name}: {} words", page.words.len());
    }
    Ok(())
}

/// The picture, and beside it what was read of it.
fn seen(page: &Page, picture: &RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let mut beside = RgbImage::from_pixel(width * 2 + 20, height, Rgb([255; 3]));
    image::imageops::overlay(&mut beside, picture, 0, 0);
    let faint = RgbImage::from_fn(width, height, |x, y| {
        let Rgb(shades) = *picture.get_pixel(x, y);
        Rgb(shades.map(|shade| 190 + shade / 4))
    });
    let left = width + 20;
    image::imageops::overlay(&mut beside, &faint, i64::from(left), 0);
    let scale = (
        width as f32 / page.width.max(1.0),
        height as f32 / page.height.max(1.0),
    );
    let at = |x: f32, y: f32| (left as f32 + x * scale.0, y * scale.1);
    let mut last: Option<((f32, f32), u32)> = None;
    for word in &page.words {
        let (start, end) = (at(word.bbox.x0, word.bbox.y0), at(word.bbox.x1, word.bbox.y1));
        for (from, to) in [
            (start, (end.0, start.1)),
            ((end.0, start.1), end),
            (end, (start.0, end.1)),
            ((start.0, end.1), start),
        ] {
            draw(&mut beside, from, to, WORD);
        }
        let middle = (f32::midpoint(start.0, end.0), f32::midpoint(start.1, end.1));
        if let Some((before, read_to)) = last {
            let between = page.text.get(read_to as usize..word.start as usize);
            let same_line = between.is_some_and(|between| !between.contains('\n'));
            draw(&mut beside, before, middle, if same_line { WAY } else { JUMP });
        }
        last = Some((middle, word.end));
    }
    beside
}

fn draw(picture: &mut RgbImage, from: (f32, f32), to: (f32, f32), color: Rgb<u8>) {
    let steps = (to.0 - from.0).abs().max((to.1 - from.1).abs()).ceil().max(1.0);
    for step in 0..=steps as u32 {
        let share = step as f32 / steps;
        let (x, y) = (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
        if x >= 0.0 && y >= 0.0 && (x as u32) < picture.width() && (y as u32) < picture.height() {
            picture.put_pixel(x as u32, y as u32, color);
        }
    }
}
