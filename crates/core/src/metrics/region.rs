//! Connected points of a grid.

use super::field::Field;

/// Points that hang together along the axes.
pub(super) struct Region {
    /// By number of point, in the order in which they were found.
    pub(super) points: Vec<usize>,
    /// Ends of its bounding box along each axis, in coordinates.
    pub(super) ends: Vec<(f64, f64)>,
    /// Whether it reaches the edge of the grid, so that it may go on beyond.
    pub(super) open: bool,
}

impl Region {
    /// The finite points connected to one, itself among them, whose values belong to the region.
    pub(super) fn around(field: &Field, start: usize, belongs: impl Fn(f64) -> bool) -> Self {
        let offsets = field.along_axes();
        let mut seen = vec![false; field.values.len()];
        let mut points = vec![start];
        seen[start] = true;
        let mut next = 0;
        while let Some(&flat) = points.get(next) {
            next += 1;
            for near in offsets.iter().filter_map(|&o| field.neighbour(flat, o)) {
                let value = field.values[near];
                if !seen[near] && value.is_finite() && belongs(value) {
                    seen[near] = true;
                    points.push(near);
                }
            }
        }
        Region {
            ends: ends(field, &points),
            open: points.iter().any(|&flat| !field.is_interior(flat)),
            points,
        }
    }
}

fn ends(field: &Field, points: &[usize]) -> Vec<(f64, f64)> {
    let along = |(number, axis): (usize, &crate::grid::Axis)| {
        let indices = || points.iter().map(|&flat| field.grid.unravel(flat)[number]);
        let low = indices().min().expect("a region has a point");
        let high = indices().max().expect("a region has a point");
        (axis.value(low), axis.value(high))
    };
    field.grid.axes().iter().enumerate().map(along).collect()
}
