//! Pictures: PNG, JPEG (the right way up), multi-page TIFF, WebP, BMP, GIF.

use std::io::Cursor;
use std::time::Instant;

use docmill_core::failure::{Failure, FailureCode};
use docmill_core::page::{Page, PageImage, TextOrigin};
use image::{DynamicImage, ImageDecoder as _, ImageReader, Limits};

use crate::cpu;
use crate::detect::Format;
use crate::limits;
use crate::ocr::{self, Picture};
use crate::outcome::Outcome;
use crate::port::{ImageOptions, Ocr, ReadOptions};
use crate::text;
use crate::unread::Unread;

/// Letters of a till receipt or a scan at 300 dpi are about this many pixels high when the
/// longest edge has this many; larger pictures only cost time.
const OCR_MAX_EDGE: u32 = 3600;

/// Pages of a TIFF that are read.
const FRAMES: usize = 500;

/// The pages of a picture file.
pub(crate) fn frames(content: &[u8], format: Format) -> Result<Vec<DynamicImage>, Failure> {
    if format == Format::Tiff {
        return tiff_frames(content);
    }
    if format == Format::Heic {
        return Ok(vec![heic(content)?]);
    }
    Ok(vec![decode(content)?])
}

fn corrupt(reason: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        FailureCode::CorruptDocument,
        format!("the picture could not be read: {}", text::short(reason)),
    )
}

fn decode(content: &[u8]) -> Result<DynamicImage, Failure> {
    let mut reader = ImageReader::new(Cursor::new(content))
        .with_guessed_format()
        .map_err(|error| corrupt(&error))?;
    let mut allowed = Limits::default();
    allowed.max_alloc = Some(768 * 1024 * 1024);
    reader.limits(allowed);
    let mut decoder = reader.into_decoder().map_err(|error| corrupt(&error))?;
    let (width, height) = decoder.dimensions();
    within_pixels(u64::from(width), u64::from(height))?;
    let orientation = decoder
        .orientation()
        .unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| corrupt(&error))?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// What telephones take: one picture, often in tiles. The decoder turns it the right way up.
fn heic(content: &[u8]) -> Result<DynamicImage, Failure> {
    let info = heic_decoder::probe(content).map_err(|error| corrupt(&error))?;
    within_pixels(info.coded_width as u64, info.coded_height as u64)?;
    let picture = heic_decoder::decode(content).map_err(|error| corrupt(&error))?;
    let pixels = picture.to_rgb8().map_err(|error| corrupt(&error))?;
    let size = |pixels: usize| u32::try_from(pixels).map_err(|error| corrupt(&error));
    let (width, height) = (size(pixels.width)?, size(pixels.height)?);
    image::RgbImage::from_raw(width, height, pixels.data)
        .map(DynamicImage::ImageRgb8)
        .ok_or_else(|| corrupt(&"its size does not fit its content"))
}

/// Refuses pictures with more pixels than are decoded.
fn within_pixels(width: u64, height: u64) -> Result<(), Failure> {
    if width.saturating_mul(height) <= limits::PIXELS {
        return Ok(());
    }
    let message = format!(
        "the picture has {width} × {height} pixels, and at most {} million are read; scale it down",
        limits::PIXELS / 1_000_000
    );
    Err(Failure::new(FailureCode::ParseLimit, message))
}

fn tiff_frames(content: &[u8]) -> Result<Vec<DynamicImage>, Failure> {
    let mut decoder = tiff::decoder::Decoder::new(Cursor::new(content)).map_err(|error| corrupt(&error))?;
    let mut frames = Vec::new();
    loop {
        match tiff_frame(&mut decoder) {
            Ok(frame) => frames.push(frame),
            // The image crate knows a few kinds of TIFF more, but only the first page.
            Err(reason) if frames.is_empty() => {
                return decode(content).map(|only| vec![only]).map_err(|_| reason);
            }
            Err(_) => break,
        }
        if frames.len() >= FRAMES || !decoder.more_images() || decoder.next_image().is_err() {
            break;
        }
    }
    Ok(frames)
}

fn tiff_frame(decoder: &mut tiff::decoder::Decoder<Cursor<&[u8]>>) -> Result<DynamicImage, Failure> {
    use tiff::ColorType;
    use tiff::decoder::DecodingResult;
    let (width, height) = decoder.dimensions().map_err(|error| corrupt(&error))?;
    within_pixels(u64::from(width), u64::from(height))?;
    let color = decoder.colortype().map_err(|error| corrupt(&error))?;
    let data = decoder.read_image().map_err(|error| corrupt(&error))?;
    let bytes = match data {
        DecodingResult::U8(bytes) => bytes,
        DecodingResult::U16(words) => words.into_iter().map(|word| (word >> 8) as u8).collect(),
        _ => return Err(corrupt(&"its samples are of an unusual kind")),
    };
    let picture = match color {
        ColorType::Gray(1) => bilevel(width, height, &bytes),
        ColorType::Gray(_) => image::GrayImage::from_raw(width, height, bytes).map(DynamicImage::ImageLuma8),
        ColorType::GrayA(_) => {
            image::GrayAlphaImage::from_raw(width, height, bytes).map(DynamicImage::ImageLumaA8)
        }
        ColorType::RGB(_) => image::RgbImage::from_raw(width, height, bytes).map(DynamicImage::ImageRgb8),
        ColorType::RGBA(_) => image::RgbaImage::from_raw(width, height, bytes).map(DynamicImage::ImageRgba8),
        _ => None,
    };
    picture.ok_or_else(|| corrupt(&"its colours are of an unusual kind"))
}

/// One bit a pixel, rows padded to bytes.
fn bilevel(width: u32, height: u32, bytes: &[u8]) -> Option<DynamicImage> {
    let row = (width as usize).div_ceil(8);
    if bytes.len() == width as usize * height as usize {
        let grey = bytes.iter().map(|it| if *it == 0 { 0 } else { 255 }).collect();
        return image::GrayImage::from_raw(width, height, grey).map(DynamicImage::ImageLuma8);
    }
    let mut grey = Vec::with_capacity(width as usize * height as usize);
    for y in 0..height as usize {
        for x in 0..width as usize {
            let byte = bytes.get(y * row + x / 8)?;
            grey.push(if byte >> (7 - x % 8) & 1 == 1 { 255 } else { 0 });
        }
    }
    image::GrayImage::from_raw(width, height, grey).map(DynamicImage::ImageLuma8)
}

/// Reads the text in a picture file. Places are in pixels of the original.
pub(crate) fn read(
    content: &[u8],
    format: Format,
    options: &ReadOptions,
    ocr_until: Option<Instant>,
) -> Result<Outcome, Failure> {
    let frames = frames(content, format)?;
    let mut outcome = Outcome {
        scanned: frames.len(),
        ..Outcome::default()
    };
    let mut unread = Unread::default();
    for (frame, number) in frames.into_iter().zip(1..) {
        let size = (frame.width() as f32, frame.height() as f32);
        if options.ocr == Ocr::Off {
            outcome.pages.push(without_text(number, size));
            continue;
        }
        let page = ocr::ready(options.ocr_engine, ocr_until).and_then(|()| {
            cpu::allow(cpu::PAGE);
            ocr::page(number, size, &for_ocr(frame), options)
        });
        outcome.pages.push(page.unwrap_or_else(|reason| {
            unread.add(number, &reason);
            without_text(number, size)
        }));
    }
    unread.tell(&mut outcome);
    Ok(outcome)
}

pub(crate) fn without_text(number: u32, (width, height): (f32, f32)) -> Page {
    Page {
        number,
        label: None,
        width,
        height,
        text: String::new(),
        words: Vec::new(),
        origin: TextOrigin::None,
    }
}

/// A picture for text recognition: grey, its size within reason.
pub(crate) fn for_ocr(picture: DynamicImage) -> Picture {
    let edge = picture.width().max(picture.height()).max(1);
    let wanted = edge.min(OCR_MAX_EDGE);
    let factor = wanted as f32 / edge as f32;
    let mut grey = flat(picture).into_luma8();
    if wanted != edge {
        let (width, height) = (
            (grey.width() as f32 * factor) as u32,
            (grey.height() as f32 * factor) as u32,
        );
        grey = image::imageops::resize(
            &grey,
            width.max(1),
            height.max(1),
            image::imageops::FilterType::CatmullRom,
        );
    }
    // A letter-sized page at this resolution; receipts are narrower, and forgiving.
    let dpi = 300;
    Picture {
        pixels: grey,
        dpi,
        scale: 1.0 / factor,
    }
}

/// Transparent pictures on white: on black, black text would vanish.
fn flat(picture: DynamicImage) -> DynamicImage {
    if !picture.color().has_alpha() {
        return picture;
    }
    let mut white = image::RgbaImage::from_pixel(picture.width(), picture.height(), image::Rgba([255; 4]));
    image::imageops::overlay(&mut white, &picture.into_rgba8(), 0, 0);
    DynamicImage::ImageRgba8(white)
}

fn png(picture: &DynamicImage) -> Result<Vec<u8>, Failure> {
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .map_err(|error| corrupt(&error))?;
    Ok(bytes.into_inner())
}

/// The pages of a picture file as pictures for a model.
pub(crate) fn render(
    content: &[u8],
    format: Format,
    options: ImageOptions,
) -> Result<Vec<PageImage>, Failure> {
    let first = options.first_page.max(1);
    frames(content, format)?
        .into_iter()
        .zip(1_u32..)
        .skip(first as usize - 1)
        .take(options.max_pages as usize)
        .map(|(frame, page)| for_model(frame, page, options.max_edge))
        .collect()
}

/// One page as a picture for a model: not larger than asked, no transparency.
pub(crate) fn for_model(picture: DynamicImage, page: u32, max_edge: u32) -> Result<PageImage, Failure> {
    let edge = picture.width().max(picture.height());
    let picture = if edge > max_edge.max(1) {
        picture.resize(max_edge, max_edge, image::imageops::FilterType::CatmullRom)
    } else {
        picture
    };
    let picture = DynamicImage::ImageRgb8(flat(picture).into_rgb8());
    Ok(PageImage {
        page,
        width: picture.width(),
        height: picture.height(),
        png: png(&picture)?,
    })
}
