//! The box that a surface stands in.

use super::camera::{Vec3, View};
use crate::display::{extent, is_whole};
use crate::field::Field;
use crate::layout::{Axis, ratio};
use crate::options::Options;
use crate::scale::Transform;
use crate::scale::ValueScale;

/// Height of the box, in units of its longer horizontal side.
const HEIGHT: f64 = 0.62;
/// The floor lies this share of the scale below its lower end.
const CELLAR: f64 = 0.28;

/// From values to places in the box. The box is centred at 0.
#[derive(Debug, Clone)]
pub(super) struct Space {
    /// Half lengths along the first axis, the second and the height.
    pub half: Vec3,
    x: (f64, f64),
    y: (f64, f64),
    /// Transformed ends of the height, the floor included.
    z: (f64, f64),
    /// Transformed ends of the scale.
    pub ends: (f64, f64),
    /// Whether each horizontal axis has ticks at whole numbers only.
    whole: [bool; 2],
}

impl Space {
    pub fn new(field: &Field, scale: &ValueScale, options: &Options) -> Self {
        let (x, y) = (extent(&field.x, 0.0), extent(&field.y, 0.0));
        let ratio = match ratio(options.aspect, x, y) {
            r if r == (y.1 - y.0) / (x.1 - x.0) => r,
            _ => 1.0,
        };
        let longest = ratio.max(1.0);
        let ends = scale.ends();
        Space {
            half: [0.5 / longest, 0.5 * ratio / longest, 0.5 * HEIGHT],
            x,
            y,
            z: (ends.0 - CELLAR * (ends.1 - ends.0), ends.1),
            ends,
            whole: [is_whole(&field.x), is_whole(&field.y)],
        }
    }

    /// The ends of the horizontal axes.
    pub fn extents(&self) -> ((f64, f64), (f64, f64)) {
        (self.x, self.y)
    }

    fn along(t: f64, (a, b): (f64, f64), half: f64) -> f64 {
        half * (2.0 * (t - a) / (b - a) - 1.0)
    }

    /// A point from coordinates and a transformed value.
    pub fn at(&self, x: f64, y: f64, place: f64) -> Vec3 {
        [
            Self::along(x, self.x, self.half[0]),
            Self::along(y, self.y, self.half[1]),
            Self::along(place, self.z, self.half[2]),
        ]
    }

    /// A point on the floor.
    pub fn floor(&self, x: f64, y: f64) -> Vec3 {
        self.at(x, y, self.z.0)
    }

    /// Units of the box in a transformed value, and in one step of an axis.
    pub fn height_of_one(&self) -> f64 {
        2.0 * self.half[2] / (self.z.1 - self.z.0)
    }

    /// The horizontal axes as page axes that run through the box, for their ticks. `length` is
    /// their length on the page.
    pub fn axis(&self, which: usize, length: f64, size: f64) -> Axis {
        let (lo, hi) = if which == 0 { self.x } else { self.y };
        let span = (-self.half[which], self.half[which]);
        let measured = Axis::horizontal(Transform::Linear, lo, hi, (0.0, length), size)
            .whole(self.whole.get(which).copied().unwrap_or(false));
        Axis::with_ticks(Transform::Linear, lo, hi, span, measured.ticks)
    }

    /// The height axis; it begins where the scale does, above the floor. All its ticks are labelled, and they are those
    /// of the colour bar.
    pub fn height(&self, scale: &ValueScale, zoom: f64, size: f64) -> Axis {
        let from = Self::along(self.ends.0, self.z, self.half[2]);
        let length = zoom * (self.half[2] - from);
        let measured = Axis::vertical(scale.transform, scale.lo, scale.hi, (length, 0.0), size);
        let mut ticks = measured.ticks;
        ticks.retain(|tick| tick.label.is_some());
        let (span, ends) = ((from, self.half[2]), (scale.lo, scale.hi));
        Axis::with_ticks(scale.transform, ends.0, ends.1, span, ticks)
    }

    /// The sides of the box that are turned away from the eye, and those turned to it: the sign of
    /// their place along each horizontal axis.
    pub fn back(&self, view: &View) -> [f64; 2] {
        [0, 1].map(|k| if view.eye[k] > 0.0 { -1.0 } else { 1.0 })
    }

    /// A corner from signs.
    pub fn corner(&self, signs: Vec3) -> Vec3 {
        [0, 1, 2].map(|k| signs[k] * self.half[k])
    }

    pub fn corners(&self) -> Vec<Vec3> {
        let sign = |k: usize, bit: usize| if k >> bit & 1 == 1 { 1.0 } else { -1.0 };
        (0..8)
            .map(|k| self.corner([sign(k, 0), sign(k, 1), sign(k, 2)]))
            .collect()
    }
}
