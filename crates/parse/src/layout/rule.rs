//! Straight lines, as tables are ruled with.

use crate::layout::Frame;

/// Shorter lines underline a letter or tick a box.
const SHORTEST: f32 = 6.0;

/// A straight line that runs along the page or down it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rule {
    /// Whether it runs down the page.
    pub(crate) down: bool,
    /// Where it stands: its height on the page, or its distance from the left edge.
    pub(crate) at: f32,
    /// Where it begins and ends.
    pub(crate) from: f32,
    pub(crate) to: f32,
}

impl Rule {
    /// The rule between two points; none when it is short, slanted or thick.
    pub(crate) fn between(one: (f32, f32), other: (f32, f32), thick: f32) -> Option<Self> {
        let (width, height) = ((one.0 - other.0).abs(), (one.1 - other.1).abs());
        let down = height > width;
        let (long, off) = if down { (height, width) } else { (width, height) };
        if !(long.is_finite() && long >= SHORTEST) || off > long * 0.01 + 0.5 || thick > 6.0 {
            return None;
        }
        Some(if down {
            Self {
                down,
                at: f32::midpoint(one.0, other.0),
                from: one.1.min(other.1),
                to: one.1.max(other.1),
            }
        } else {
            Self {
                down,
                at: f32::midpoint(one.1, other.1),
                from: one.0.min(other.0),
                to: one.0.max(other.0),
            }
        })
    }

    /// The same line in a frame; none in frames turned by no quarter.
    pub(crate) fn in_frame(self, frame: Frame) -> Option<Self> {
        let (from, to) = if self.down {
            ((self.at, self.from), (self.at, self.to))
        } else {
            ((self.from, self.at), (self.to, self.at))
        };
        Self::between(frame.upright(from.0, from.1), frame.upright(to.0, to.1), 1.0)
    }
}
