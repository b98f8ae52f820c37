//! Directions of writing: a frame is a page turned so that a text stands upright.

/// The page turned so that what is written in one direction runs from left to right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Frame {
    cos: f32,
    sin: f32,
}

impl Frame {
    /// The page as it is.
    pub(crate) const UPRIGHT: Self = Self { cos: 1.0, sin: 0.0 };

    /// The frame of a text that runs in a direction (to the right, and down). Directions are
    /// rounded to three degrees, so that what a slightly skewed page says stays together.
    pub(crate) fn towards(x: f32, y: f32) -> Self {
        if y == 0.0 && x > 0.0 {
            return Self::UPRIGHT;
        }
        let degrees = (y.atan2(x).to_degrees() / 3.0).round() * 3.0;
        match degrees as i32 {
            0 => Self::UPRIGHT,
            90 => Self { cos: 0.0, sin: 1.0 },
            -90 => Self { cos: 0.0, sin: -1.0 },
            180 | -180 => Self { cos: -1.0, sin: 0.0 },
            _ => {
                let (sin, cos) = degrees.to_radians().sin_cos();
                Self { cos, sin }
            }
        }
    }

    /// A place of the page, in this frame.
    pub(crate) fn upright(self, x: f32, y: f32) -> (f32, f32) {
        (x * self.cos + y * self.sin, y * self.cos - x * self.sin)
    }

    /// A rectangle of this frame (left, top, right, bottom) on the page; the smallest around
    /// it when the frame is turned by no quarter.
    pub(crate) fn on_page(self, x0: f32, y0: f32, x1: f32, y1: f32) -> (f32, f32, f32, f32) {
        let corners = [(x0, y0), (x1, y0), (x0, y1), (x1, y1)]
            .map(|(x, y)| (x * self.cos - y * self.sin, y * self.cos + x * self.sin));
        let (mut left, mut top, mut right, mut bottom) = (f32::MAX, f32::MAX, f32::MIN, f32::MIN);
        for (x, y) in corners {
            left = left.min(x);
            right = right.max(x);
            top = top.min(y);
            bottom = bottom.max(y);
        }
        (left, top, right, bottom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_from_every_frame() {
        for (x, y) in [
            (1.0, 0.0),
            (0.0, 1.0),
            (0.0, -1.0),
            (-1.0, 0.0),
            (0.7, 0.7),
            (1.0, 0.02),
        ] {
            let frame = Frame::towards(x, y);
            let (u, v) = frame.upright(30.0, 40.0);
            let (left, top, _, _) = frame.on_page(u, v, u, v);
            assert!((left - 30.0).abs() < 0.01 && (top - 40.0).abs() < 0.01, "{x} {y}");
        }
    }

    #[test]
    fn text_that_runs_up_the_page_is_upright_in_its_frame() {
        let frame = Frame::towards(0.0, -1.0);
        let (first, line) = frame.upright(100.0, 700.0);
        let (second, same) = frame.upright(100.0, 600.0);
        let (_, next) = frame.upright(112.0, 700.0);
        assert!(first < second && line == same && line < next);
    }
}
