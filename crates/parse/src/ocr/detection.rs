//! The first step of the networks: where lines of text stand in a picture.
//!
//! The network says for each pixel how likely it belongs to the middle of a line (DB, Liao et
//! al. 2020, "Real-time scene text detection with differentiable binarization"). What hangs
//! together becomes a rectangle, which is widened again to the whole height of its letters.

use image::GrayImage;
use image::imageops::{self, FilterType};
use rten_imageproc::{PointF, RetrievalMode, RotatedRect, find_contours, min_area_rect};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, NdTensorView};

/// Longest edge at which lines are looked for, in pixels.
const EDGE: u32 = 1280;

/// The network halves its picture five times.
const STEP: u32 = 32;

/// From this likelihood on a pixel is of a line.
const INK: f32 = 0.3;

/// A line's pixels have this likelihood on average.
const LINE: f32 = 0.5;

/// By how much of its area over its girth a line is widened.
const WIDER: f32 = 1.6;

/// Lines of one picture at most.
const MOST: usize = 1500;

/// A line of text in a picture: its corners from where the text begins, clockwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TextLine {
    pub(super) corners: [(f32, f32); 4],
}

impl TextLine {
    fn side(&self, from: usize, to: usize) -> f32 {
        let (a, b) = (self.corners[from], self.corners[to]);
        (b.0 - a.0).hypot(b.1 - a.1)
    }

    pub(super) fn width(&self) -> f32 {
        self.side(0, 1).max(1.0)
    }

    pub(super) fn height(&self) -> f32 {
        self.side(0, 3).max(1.0)
    }

    /// Its length in heights.
    pub(super) fn aspect(&self) -> f32 {
        self.width() / self.height()
    }

    /// The point at these shares of its width and height.
    pub(super) fn at(&self, across: f32, down: f32) -> (f32, f32) {
        let [start, end, _, below] = self.corners;
        (
            start.0 + (end.0 - start.0) * across + (below.0 - start.0) * down,
            start.1 + (end.1 - start.1) * across + (below.1 - start.1) * down,
        )
    }
}

/// The lines that were found in a picture.
#[derive(Debug, Default)]
pub(super) struct TextLines {
    pub(super) places: Vec<TextLine>,
}

impl TextLines {
    /// Lengths of all lines, in heights of them: what reading them costs.
    pub(super) fn aspect(&self) -> f32 {
        self.places.iter().map(TextLine::aspect).sum()
    }

    /// Whether most lines run up or down: the picture lies on its side.
    pub(super) fn lies(&self) -> bool {
        let tall = |place: &&TextLine| (place.corners[1].1 - place.corners[0].1).abs() > place.width() * 0.7;
        self.places.iter().filter(tall).count() * 2 > self.places.len()
    }
}

/// What the network is shown: the picture at the size at which lines are looked for, three
/// times the same shade, from -1 to 1.
pub(super) fn shown(pixels: &GrayImage) -> NdTensor<f32, 4> {
    let (width, height) = pixels.dimensions();
    let factor = (EDGE as f32 / width.max(height).max(1) as f32).min(1.0);
    let fit = |edge: u32| (((edge as f32 * factor) / STEP as f32).round() as u32).max(1) * STEP;
    let (wide, high) = (fit(width), fit(height));
    let small = imageops::resize(pixels, wide, high, FilterType::Triangle);
    let plane = small.as_raw().iter().map(|shade| f32::from(*shade) / 127.5 - 1.0);
    let plane: Vec<f32> = plane.collect();
    NdTensor::from_data([1, 3, high as usize, wide as usize], plane.repeat(3))
}

/// The lines in what the network answered, for a picture of this size.
pub(super) fn places(likely: NdTensorView<'_, f32, 2>, (width, height): (u32, u32)) -> Vec<TextLine> {
    let [rows, columns] = likely.shape();
    let ink = likely.map(|share| *share > INK);
    let scale = (width as f32 / columns as f32, height as f32 / rows as f32);
    let mut places = Vec::new();
    for outline in find_contours(ink.view(), RetrievalMode::External).iter() {
        let points: Vec<PointF> = outline
            .iter()
            .map(|point| PointF::from_yx(point.y as f32, point.x as f32))
            .collect();
        let Some(rect) = min_area_rect(&points) else {
            continue;
        };
        if rect.width().min(rect.height()) < 2.0 || mean(&likely, &points, &rect) < LINE {
            continue;
        }
        let (wide, high) = (rect.width() + 1.0, rect.height() + 1.0);
        let more = wide * high * WIDER / (2.0 * (wide + high));
        let rect = RotatedRect::new(
            rect.center(),
            rect.up_axis(),
            wide + 2.0 * more,
            high + 2.0 * more,
        );
        places.push(place(&rect, scale));
        if places.len() >= MOST {
            break;
        }
    }
    places
}

/// Mean likelihood within a line's rectangle.
fn mean(likely: &NdTensorView<'_, f32, 2>, points: &[PointF], rect: &RotatedRect) -> f32 {
    let [rows, columns] = likely.shape();
    let edge = |value: f32, most: usize| (value.max(0.0) as usize).min(most.saturating_sub(1));
    let over = |coordinate: fn(&PointF) -> f32, most: usize| {
        let values = || points.iter().map(coordinate);
        let low = values().fold(f32::MAX, f32::min);
        let high = values().fold(0.0, f32::max);
        (edge(low, most), edge(high, most))
    };
    let (top, bottom) = over(|point| point.y, rows);
    let (left, right) = over(|point| point.x, columns);
    let (mut sum, mut count) = (0.0, 0_u32);
    for y in top..=bottom {
        for x in left..=right {
            if rect.contains(PointF::from_yx(y as f32, x as f32)) {
                sum += likely[[y, x]];
                count += 1;
            }
        }
    }
    sum / count.max(1) as f32
}

/// The corners of a rectangle, in pixels of the picture, from where text begins that is read
/// along its longer side.
fn place(rect: &RotatedRect, scale: (f32, f32)) -> TextLine {
    let corners = rect
        .corners()
        .map(|corner| (corner.x * scale.0, corner.y * scale.1));
    let side = |a: usize, b: usize| (corners[a].0 - corners[b].0).hypot(corners[a].1 - corners[b].1);
    // Of the four ways to name the corners: clockwise, with the longer side as the line, and
    // that side running right (or, of a line that stands, down).
    let clockwise = {
        let [a, b, c, _] = corners;
        (b.0 - a.0) * (c.1 - b.1) - (b.1 - a.1) * (c.0 - b.0) > 0.0
    };
    let order: [usize; 4] = if clockwise { [0, 1, 2, 3] } else { [0, 3, 2, 1] };
    // Single letters stand upright though they are higher than wide.
    let upright = side(order[0], order[1]).max(side(order[1], order[2]))
        < 1.6 * side(order[0], order[1]).min(side(order[1], order[2]));
    let rightness = |first: usize| {
        let (a, b) = (corners[order[first]], corners[order[(first + 1) % 4]]);
        let length = (b.0 - a.0).hypot(b.1 - a.1);
        let along = (b.0 - a.0) + 0.25 * (b.1 - a.1);
        if upright {
            along / length.max(1.0)
        } else {
            along.signum() * length
        }
    };
    let first = (0..4)
        .max_by(|a, b| rightness(*a).total_cmp(&rightness(*b)))
        .unwrap_or(0);
    TextLine {
        corners: std::array::from_fn(|at| corners[order[(first + at) % 4]]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A map of likelihoods with one line from column 10 to 70 and row 20 to 26, of a picture
    /// twice as large.
    #[test]
    fn a_line_becomes_a_place_with_its_whole_height() {
        let likely = NdTensor::from_fn([64, 96], |[y, x]| {
            if (20..26).contains(&y) && (10..70).contains(&x) {
                0.9
            } else {
                0.0
            }
        });
        let places = places(likely.view(), (192, 128));
        assert_eq!(places.len(), 1);
        let [start, end, _, below] = places[0].corners;
        assert!(
            start.0 < 20.0 && start.0 > 5.0 && (end.0 - 140.0).abs() < 12.0,
            "{places:?}"
        );
        assert!(
            start.1 < 40.0 && below.1 > 52.0 && start.1 > 20.0 && below.1 < 70.0,
            "{places:?}"
        );
        assert!(places[0].aspect() > 3.0);
    }

    #[test]
    fn what_is_faint_or_a_speck_is_no_line() {
        let likely = NdTensor::from_fn([64, 96], |[y, x]| match (y, x) {
            (20..26, 10..70) => 0.35,
            (40..42, 40..41) => 0.9,
            _ => 0.0,
        });
        assert_eq!(places(likely.view(), (96, 64)), []);
    }

    #[test]
    fn a_standing_line_is_read_downwards() {
        let likely = NdTensor::from_fn([96, 64], |[y, x]| {
            if (10..80).contains(&y) && (20..26).contains(&x) {
                0.9
            } else {
                0.0
            }
        });
        let found = TextLines {
            places: places(likely.view(), (64, 96)),
        };
        assert!(found.lies());
        let [start, end, ..] = found.places[0].corners;
        assert!(end.1 > start.1, "{found:?}");
    }
}
