//! The basin around the minimum.

use super::field::Field;

/// Share of the range above the minimum that still belongs to the basin.
const DEPTH: f64 = 0.1;

/// The points connected to the minimum, along the axes, with `f <= min + 0.1 range`.
pub(super) struct Basin {
    /// Length of its bounding box along each axis.
    pub(super) extent: Vec<f64>,
    pub(super) points: usize,
    /// Whether it reaches the edge of the grid, so that its true extent may be larger.
    pub(super) open: bool,
}

pub(super) fn basin(field: &Field, minimum: usize, range: f64) -> Basin {
    let limit = field.values[minimum] + DEPTH * range;
    let (mut low, mut high) = ([usize::MAX; 3], [0usize; 3]);
    let mut basin = Basin {
        extent: Vec::new(),
        points: 0,
        open: false,
    };
    let offsets = field.along_axes();
    let mut seen = vec![false; field.values.len()];
    let mut stack = vec![minimum];
    seen[minimum] = true;
    while let Some(flat) = stack.pop() {
        basin.points += 1;
        basin.open |= !field.is_interior(flat);
        for (axis, index) in field.grid.unravel(flat).into_iter().enumerate() {
            low[axis] = low[axis].min(index);
            high[axis] = high[axis].max(index);
        }
        for next in offsets.iter().filter_map(|&o| field.neighbour(flat, o)) {
            let value = field.values[next];
            if !seen[next] && value.is_finite() && value <= limit {
                seen[next] = true;
                stack.push(next);
            }
        }
    }
    let axes = field.grid.axes.iter().enumerate();
    basin.extent = axes
        .map(|(a, axis)| axis.value(high[a]) - axis.value(low[a]))
        .collect();
    basin
}
