//! What a PDF page draws, as layout needs it: glyphs as runs along a line of any
//! direction, and straight lines, which may rule a table.
//!
//! The page is interpreted, not rendered: outlines, pictures and shadings are never
//! decoded, so that a page of text costs well below a millisecond.

use hayro::hayro_interpret::font::{Glyph, GlyphRun};
use hayro::hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, SoftMask, TransformExt as _, interpret_page,
};
use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::page::Page;
use hayro::kurbo::{BezPath, PathEl, Point, Rect, Shape as _};

use crate::layout::{Frame, Rule};
use crate::pdf::characters;

/// Glyphs that are kept of one page; a hostile page draws without end.
const MOST_GLYPHS: usize = 400_000;

/// Straight lines that are kept of one page. Tables have hundreds, maps have millions.
const MOST_RULES: usize = 4000;

/// What a page draws.
#[derive(Default)]
pub(crate) struct Drawn {
    pub(crate) runs: Vec<Run>,
    pub(crate) rules: Vec<Rule>,
    /// Glyphs of which nobody knows what they mean.
    pub(crate) unknown: usize,
    /// All glyphs.
    pub(crate) glyphs: usize,
    /// The share of the page that is covered by its largest picture.
    pub(crate) picture: f32,
}

/// Glyphs that follow each other on one line.
pub(crate) struct Run {
    /// The direction of writing.
    pub(crate) frame: Frame,
    /// Where the letters stand, across the direction of writing.
    pub(crate) base: f32,
    /// The height of the font.
    pub(crate) size: f32,
    /// Drawn so that nobody sees it, as recognised text under a scan is.
    pub(crate) hidden: bool,
    /// The text of all glyphs, one behind the other.
    pub(crate) text: String,
    /// Where each glyph's text ends, and from where to where it reaches along the line.
    pub(crate) glyphs: Vec<Placed>,
}

/// A glyph of a run.
pub(crate) struct Placed {
    pub(crate) end: usize,
    pub(crate) from: f32,
    pub(crate) to: f32,
}

/// Interprets a page. Places are those of the page as a person sees it, from the top left.
pub(crate) fn draw<'a>(pdf: &'a Pdf, page: &Page<'a>, cache: &InterpreterCache<'a>) -> Drawn {
    let (width, height) = page.render_dimensions();
    let transform = page.initial_transform(true).to_kurbo();
    let bounds = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
    let mut context = Context::new(
        transform,
        bounds,
        cache,
        pdf.xref(),
        InterpreterSettings::default(),
    );
    let mut collector = Collector {
        drawn: Drawn::default(),
        page: bounds,
        width: 1.0,
    };
    interpret_page(page, &mut context, &mut collector);
    collector.drawn
}

struct Collector {
    drawn: Drawn,
    page: Rect,
    /// Of the line being drawn.
    width: f64,
}

/// A glyph before it is put on a line.
struct Loose {
    origin: Point,
    /// The unit of its font along the line, and up from it.
    along: Point,
    up: f64,
    advance: f64,
}

impl Collector {
    fn glyph(&mut self, glyph: &Glyph<'_>, loose: &Loose, hidden: bool) {
        if self.drawn.glyphs >= MOST_GLYPHS {
            return;
        }
        self.drawn.glyphs += 1;
        let meaning = glyph.as_unicode();
        if meaning.is_none() {
            self.drawn.unknown += 1;
        }
        let size = (loose.up * 1000.0) as f32;
        let margin = self
            .page
            .inflate(self.page.width() * 0.01, self.page.height() * 0.01);
        if !(size.is_finite() && size > 0.1 && margin.contains(loose.origin)) {
            return;
        }
        let frame = Frame::towards(loose.along.x as f32, loose.along.y as f32);
        let (from, base) = frame.upright(loose.origin.x as f32, loose.origin.y as f32);
        let to = from + loose.advance as f32;
        let (from, to) = (from.min(to), from.max(to));
        let fits = self.drawn.runs.last().is_some_and(|run| {
            run.hidden == hidden
                && run.frame == frame
                && (run.base - base).abs() < size * 0.12
                && (run.size / size - 1.0).abs() < 0.3
                && run.glyphs.last().is_some_and(|last| {
                    let gap = from - last.to;
                    gap > size * -0.4 && gap < size * 2.0
                })
        });
        if !fits {
            self.drawn.runs.push(Run {
                frame,
                base,
                size,
                hidden,
                text: String::new(),
                glyphs: Vec::new(),
            });
        }
        let Some(run) = self.drawn.runs.last_mut() else {
            return;
        };
        let before = run.text.len();
        match meaning {
            Some(BfString::Char(c)) => characters::push(c, &mut run.text),
            Some(BfString::String(text)) => text.chars().for_each(|c| characters::push(c, &mut run.text)),
            None => run.text.push(char::REPLACEMENT_CHARACTER),
        }
        let end = run.text.len();
        // Bold letters are often made by drawing them twice, a little apart.
        let twice = run.glyphs.last().is_some_and(|last| {
            (last.from - from).abs() < size * 0.1 && end > before && {
                let start = run.glyphs.iter().rev().nth(1).map_or(0, |glyph| glyph.end);
                run.text.get(start..last.end) == run.text.get(before..end)
            }
        });
        if twice {
            run.text.truncate(before);
            return;
        }
        run.glyphs.push(Placed { end, from, to });
    }

    fn rule(&mut self, from: Point, to: Point, thick: f64) {
        if self.drawn.rules.len() < MOST_RULES {
            self.drawn.rules.extend(Rule::between(
                (from.x as f32, from.y as f32),
                (to.x as f32, to.y as f32),
                thick as f32,
            ));
        }
    }

    fn rules_of_rect(&mut self, rect: Rect, filled: bool) {
        let (thin, long) = (rect.width().min(rect.height()), rect.width().max(rect.height()));
        let middle = rect.center();
        if thin < 4.0 && long > thin * 3.0 {
            // A thin filled rectangle is how many programs draw a line.
            if rect.width() > rect.height() {
                self.rule(Point::new(rect.x0, middle.y), Point::new(rect.x1, middle.y), thin);
            } else {
                self.rule(Point::new(middle.x, rect.y0), Point::new(middle.x, rect.y1), thin);
            }
        } else if !filled {
            let corners = [
                (rect.x0, rect.y0),
                (rect.x1, rect.y0),
                (rect.x1, rect.y1),
                (rect.x0, rect.y1),
            ]
            .map(Point::from);
            for side in 0..4 {
                self.rule(corners[side], corners[(side + 1) % 4], 1.0);
            }
        }
    }
}

impl<'a> Device<'a> for Collector {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        let vertical = run.writing_mode() == WritingMode::Vertical;
        // Fonts that are not embedded are replaced, and each glyph of the replacement stretched to
        // the width that the document names. A whole run set narrow or wide is stretched evenly.
        let stretch = |matrix: &[f64; 6]| matrix[0].hypot(matrix[1]) / matrix[2].hypot(matrix[3]).max(1e-9);
        let matrices: Vec<[f64; 6]> = run
            .glyphs()
            .iter()
            .map(|glyph| (props.transform * glyph.transform()).as_coeffs())
            .collect();
        let first = matrices.first().map_or(1.0, stretch);
        let uneven = matrices
            .iter()
            .any(|matrix| (stretch(matrix) / first - 1.0).abs() > 0.02);
        let hidden = matches!(mode, DrawMode::Invisible);
        for (glyph, matrix) in run.glyphs().iter().zip(&matrices) {
            let [a, b, c, d, e, f] = *matrix;
            let (along, up) = (a.hypot(b), c.hypot(d));
            let width = match &**glyph {
                Glyph::Outline(outline) => outline.advance_width(),
                Glyph::Type3(drawn) => drawn.advance_width(),
            };
            let width = f64::from(width.unwrap_or(500.0));
            let loose = if vertical {
                Loose {
                    origin: Point::new(e, f),
                    along: Point::new(-c, -d),
                    up: along,
                    advance: up * 1000.0,
                }
            } else {
                Loose {
                    origin: Point::new(e, f),
                    along: Point::new(a, b),
                    up,
                    advance: width * if uneven { up } else { along },
                }
            };
            self.glyph(glyph, &loose, hidden);
        }
    }

    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, mode: &DrawMode) {
        if path.elements().len() > 4096 {
            return;
        }
        let filled = matches!(mode, DrawMode::Fill(_));
        if filled {
            let bounds = (props.transform * path.clone()).bounding_box();
            self.rules_of_rect(bounds, true);
            return;
        }
        if let DrawMode::Stroke(stroke) | DrawMode::FillAndStroke(_, stroke) = mode {
            self.width = f64::from(stroke.line_width);
        }
        let (mut start, mut here) = (Point::ZERO, Point::ZERO);
        for element in path.elements() {
            let next = match *element {
                PathEl::MoveTo(to) => {
                    start = to;
                    here = to;
                    continue;
                }
                PathEl::LineTo(to) => to,
                PathEl::ClosePath => start,
                PathEl::QuadTo(_, to) | PathEl::CurveTo(_, _, to) => {
                    here = to;
                    continue;
                }
            };
            self.rule(props.transform * here, props.transform * next, self.width);
            here = next;
        }
    }

    fn draw_rect(&mut self, rect: &Rect, props: DrawProps<'a>, mode: &DrawMode) {
        let filled = matches!(mode, DrawMode::Fill(_));
        self.rules_of_rect(props.transform.transform_rect_bbox(*rect), filled);
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        let pixels = Rect::new(0.0, 0.0, f64::from(image.width()), f64::from(image.height()));
        let covered = props.transform.transform_rect_bbox(pixels).intersect(self.page);
        let share = covered.area() / self.page.area().max(1.0);
        self.drawn.picture = self.drawn.picture.max(share as f32);
    }

    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_clip_rect(&mut self, _: &Rect) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}
