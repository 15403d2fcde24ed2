//! The basin around the minimum.

use super::field::Field;
use super::region::Region;

/// Share of the robust range above the minimum that still belongs to the basin.
pub(super) const DEPTH: f64 = 0.1;

/// The points connected to the minimum, along the axes, with `f <= min + 0.1 robust range`.
pub(super) struct Basin {
    /// Length of its bounding box along each axis.
    pub(super) extent: Vec<f64>,
    pub(super) points: usize,
    /// Whether it reaches the edge of the grid, so that its true extent may be larger.
    pub(super) open: bool,
}

pub(super) fn basin(field: &Field, minimum: usize, range: f64) -> Basin {
    let limit = field.values[minimum] + DEPTH * range;
    let region = Region::around(field, minimum, |value| value <= limit);
    let lengths = region.ends.iter().map(|(low, high)| high - low);
    Basin {
        extent: lengths.collect(),
        points: region.points.len(),
        open: region.open,
    }
}
