//! Quarter turns of a picture, and the way back for places found in the turned one.

use docmill_core::page::BBox;
use image::GrayImage;
use image::imageops::{rotate90, rotate180, rotate270};

/// By how much a picture is turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// A quarter clockwise.
    Right,
    /// Half.
    Over,
    /// A quarter anticlockwise.
    Left,
}

impl Turn {
    /// The picture, turned.
    pub(crate) fn apply(self, picture: &GrayImage) -> GrayImage {
        match self {
            Self::Right => rotate90(picture),
            Self::Over => rotate180(picture),
            Self::Left => rotate270(picture),
        }
    }

    /// Where a place in the turned picture was in the picture of this size.
    pub(crate) fn undo(self, place: BBox, (width, height): (f32, f32)) -> BBox {
        let BBox { x0, y0, x1, y1 } = place;
        match self {
            Self::Right => BBox {
                x0: y0,
                y0: height - x1,
                x1: y1,
                y1: height - x0,
            },
            Self::Over => BBox {
                x0: width - x1,
                y0: height - y1,
                x1: width - x0,
                y1: height - y0,
            },
            Self::Left => BBox {
                x0: width - y1,
                y0: x0,
                x1: width - y0,
                y1: x1,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_turned_picture_is_found_in_the_picture() {
        let mut picture = GrayImage::new(7, 4);
        picture.put_pixel(5, 1, image::Luma([255]));
        for turn in [Turn::Right, Turn::Over, Turn::Left] {
            let turned = turn.apply(&picture);
            let (x, y, _) = turned
                .enumerate_pixels()
                .find(|(_, _, pixel)| pixel.0[0] == 255)
                .expect("the one white pixel");
            let (x, y) = (x as f32, y as f32);
            let place = BBox {
                x0: x,
                y0: y,
                x1: x + 1.0,
                y1: y + 1.0,
            };
            let before = turn.undo(place, (7.0, 4.0));
            assert_eq!(
                (before.x0, before.y0, before.x1, before.y1),
                (5.0, 1.0, 6.0, 2.0),
                "{turn:?}"
            );
        }
    }
}
