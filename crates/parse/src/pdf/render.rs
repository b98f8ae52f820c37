//! Pages as pictures.

use docmill_core::failure::Failure;
use docmill_core::page::PageImage;
use hayro::hayro_interpret::InterpreterSettings;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings};
use image::DynamicImage;

use crate::cpu;
use crate::pdf::{corrupt, open, unharmed};
use crate::picture;
use crate::port::ImageOptions;

/// Longest edge of any rendered page, in pixels, whatever is asked for.
const LARGEST_EDGE: u32 = 10_000;

/// Renders a page, at most `max_edge` pixels; returns the scale that came out.
pub(crate) fn draw<'a>(
    page: &'a hayro::hayro_syntax::page::Page<'a>,
    cache: &RenderCache<'a>,
    scale: f32,
    max_edge: u32,
) -> Result<(DynamicImage, f32), String> {
    let (width, height) = page.render_dimensions();
    let edge = width.max(height);
    if !(edge.is_finite() && edge > 0.0) {
        return Err("it has no size".to_owned());
    }
    let scale = scale.min(max_edge.clamp(1, LARGEST_EDGE) as f32 / edge);
    let settings = PixmapSettings {
        x_scale: scale,
        y_scale: scale,
        bg_color: WHITE,
    };
    let pixmap = unharmed(|| {
        Ok(hayro::render(
            page,
            cache,
            &InterpreterSettings::default(),
            &RenderSettings::default(),
            &settings,
        ))
    })?;
    let (width, height) = (u32::from(pixmap.width()), u32::from(pixmap.height()));
    // The background is opaque, so premultiplied and plain colours are the same.
    let pixels = pixmap.data_as_u8_slice().to_vec();
    let picture = image::RgbaImage::from_raw(width, height, pixels).ok_or("its picture has no pixels")?;
    Ok((DynamicImage::ImageRgba8(picture), scale))
}

/// The pages of a PDF as pictures for a model.
pub(crate) fn render(
    content: &[u8],
    passwords: &[String],
    options: ImageOptions,
) -> Result<Vec<PageImage>, Failure> {
    let pdf = open::open(content, passwords)?;
    let cache = RenderCache::new();
    let first = options.first_page.max(1) as usize;
    let mut images = Vec::new();
    for (index, page) in pdf
        .pages()
        .iter()
        .enumerate()
        .skip(first - 1)
        .take(options.max_pages as usize)
    {
        cpu::allow(cpu::PAGE);
        let (picture, _) = draw(page, &cache, options.dpi as f32 / 72.0, options.max_edge)
            .map_err(|reason| corrupt(&format!("page {}: {reason}", index + 1)))?;
        images.push(picture::for_model(
            picture,
            u32::try_from(index + 1).unwrap_or(u32::MAX),
            options.max_edge,
        )?);
    }
    Ok(images)
}
