//! The nested levels of a grid, and interpolation from each to the next.

use crate::grid::{Grid, axis_levels};

/// Most nodes that a value on an axis is interpolated from.
const NODES: usize = 4;

/// The levels of a grid: on each axis nested sets of indices.
#[derive(Debug)]
pub(super) struct Hierarchy {
    axes: Vec<Ladder>,
    shape: [usize; 3],
    /// All points, coarse to fine.
    order: Vec<usize>,
    depth: usize,
    origin: Option<[usize; 3]>,
    dims: usize,
}

/// The levels of an axis.
#[derive(Debug)]
pub(super) struct Ladder {
    /// Level of each index.
    level: Vec<usize>,
    /// The indices of each level and all below it, ascending.
    nodes: Vec<Vec<usize>>,
    /// What an index is interpolated from: nodes of the level below its own.
    cubic: Vec<Stencil>,
    linear: Vec<Stencil>,
}

/// Weights of up to four nodes; the sum of the weights is 1.
#[derive(Debug, Clone, Copy)]
struct Stencil {
    len: usize,
    at: [usize; NODES],
    weights: [f64; NODES],
}

impl Stencil {
    fn itself(index: usize) -> Self {
        Stencil {
            len: 1,
            at: [index, 0, 0, 0],
            weights: [1.0, 0.0, 0.0, 0.0],
        }
    }

    /// Lagrange's polynomial through the `count` nodes nearest to `index`, as far as there are so
    /// many, evaluated at `index`, which is not a node.
    fn between(nodes: &[usize], index: usize, count: usize) -> Self {
        let above = nodes.partition_point(|&node| node < index);
        let len = count.min(nodes.len());
        let first = above.saturating_sub(len / 2).min(nodes.len() - len);
        let mut stencil = Stencil {
            len,
            ..Stencil::itself(0)
        };
        let near = &nodes[first..first + len];
        let x = index as f64;
        for (place, &node) in near.iter().enumerate() {
            let others = near.iter().filter(|&&other| other != node);
            stencil.at[place] = node;
            stencil.weights[place] = others
                .map(|&other| (x - other as f64) / (node as f64 - other as f64))
                .product();
        }
        stencil
    }

    fn taps(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        (0..self.len).map(|place| (self.at[place], self.weights[place]))
    }
}

impl Ladder {
    fn new(count: usize) -> Self {
        let level: Vec<usize> = axis_levels(count).into_iter().map(usize::from).collect();
        let deepest = level.iter().copied().max().unwrap_or(0);
        let nodes: Vec<Vec<usize>> = (0..=deepest)
            .map(|l| (0..count).filter(|&index| level[index] <= l).collect())
            .collect();
        let stencils = |width: usize| {
            let stencil = |index: usize| match level[index] {
                0 => Stencil::itself(index),
                own => Stencil::between(&nodes[own - 1], index, width),
            };
            (0..count).map(stencil).collect()
        };
        Ladder {
            cubic: stencils(NODES),
            linear: stencils(2),
            level,
            nodes,
        }
    }

    /// Number of points on the axis.
    pub(super) fn count(&self) -> usize {
        self.level.len()
    }

    /// The indices of a level and all below it, ascending; all of them beyond the deepest.
    pub(super) fn nodes(&self, level: usize) -> &[usize] {
        &self.nodes[level.min(self.nodes.len() - 1)]
    }

    /// Intervals between the nodes of a level; an axis of one point has one of length 0.
    pub(super) fn cells(&self, level: usize) -> usize {
        (self.nodes(level).len() - 1).max(1)
    }

    /// First and last of the intervals of a level that contain an index, ends included.
    pub(super) fn around(&self, level: usize, index: usize) -> (usize, usize) {
        let last = self.cells(level) - 1;
        match self.nodes(level).binary_search(&index) {
            Ok(node) => (node.saturating_sub(1), node.min(last)),
            Err(above) => (above - 1, above - 1),
        }
    }

    /// The interval of level `level - 1` that an interval of `level` is part of.
    pub(super) fn parent(&self, level: usize, cell: usize) -> usize {
        let start = self.nodes(level)[cell];
        self.around(level - 1, start).1
    }

    /// The nodes of `level + 1` in an interval of `level`, ends included.
    pub(super) fn inside(&self, level: usize, cell: usize) -> &[usize] {
        let ends = self.nodes(level);
        let (low, high) = (ends[cell], ends[(cell + 1).min(ends.len() - 1)]);
        let finer = self.nodes(level + 1);
        let first = finer.partition_point(|&node| node < low);
        let end = finer.partition_point(|&node| node <= high);
        &finer[first..end]
    }
}

impl Hierarchy {
    pub(super) fn new(grid: &Grid) -> Self {
        let shape = grid.shape3();
        let axes: Vec<Ladder> = shape.into_iter().map(Ladder::new).collect();
        let depth = axes.iter().map(|axis| axis.nodes.len() - 1).max();
        let mut origin = Some([0; 3]);
        for (place, axis) in grid.axes().iter().enumerate() {
            origin = origin.zip(axis.nearest(0.0)).map(|(mut indices, index)| {
                indices[place] = index;
                indices
            });
        }
        Hierarchy {
            axes,
            shape,
            order: grid.coarse_to_fine(),
            depth: depth.unwrap_or(0),
            origin,
            dims: grid.dims(),
        }
    }

    /// Number of points.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// The finest level, at which all points are.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    pub(super) fn axes(&self) -> &[Ladder] {
        &self.axes
    }

    /// Dimensions of the grid: 1, 2 or 3.
    pub(super) fn dims(&self) -> usize {
        self.dims
    }

    /// Indices of the point nearest to the origin, when the grid surrounds it.
    pub(super) fn origin(&self) -> Option<[usize; 3]> {
        self.origin
    }

    /// All points, coarse to fine.
    pub(super) fn order(&self) -> &[usize] {
        &self.order
    }

    pub(super) fn unravel(&self, flat: usize) -> [usize; 3] {
        let [_, ny, nz] = self.shape;
        [flat / (ny * nz), flat / nz % ny, flat % nz]
    }

    pub(super) fn flat(&self, [i, j, k]: [usize; 3]) -> usize {
        let [_, ny, nz] = self.shape;
        (i * ny + j) * nz + k
    }

    /// The level at which a point appears.
    pub(super) fn level(&self, flat: usize) -> usize {
        let indices = self.unravel(flat);
        let levels = self.axes.iter().zip(indices).map(|(a, i)| a.level[i]);
        levels.max().unwrap_or(0)
    }

    /// The points at most one step away along every axis, the point itself included.
    pub(super) fn block(&self, center: [usize; 3]) -> Vec<usize> {
        let reach: [_; 3] = std::array::from_fn(|axis| {
            center[axis].saturating_sub(1)..=(center[axis] + 1).min(self.shape[axis] - 1)
        });
        let [x, y, z] = reach;
        let row = |i: usize, j: usize| z.clone().map(move |k| [i, j, k]);
        let plane = |i: usize| y.clone().flat_map(move |j| row(i, j));
        x.flat_map(plane).map(|at| self.flat(at)).collect()
    }

    /// A point from the levels below its own: the tensor product of the axes' cubics, or, where a
    /// value among those is not finite, of straight lines. A point of level 0 is itself.
    pub(super) fn predict(&self, values: &[f64], flat: usize) -> f64 {
        let indices = self.unravel(flat);
        let level = self.level(flat);
        let cubic = self.weighted(values, indices, level, |axis| &axis.cubic);
        match cubic.is_finite() {
            true => cubic,
            false => self.weighted(values, indices, level, |axis| &axis.linear),
        }
    }

    fn weighted(
        &self,
        values: &[f64],
        indices: [usize; 3],
        level: usize,
        kind: impl Fn(&Ladder) -> &[Stencil],
    ) -> f64 {
        let [x, y, z]: [Stencil; 3] = std::array::from_fn(|a| {
            let (axis, index) = (&self.axes[a], indices[a]);
            match axis.level[index] == level {
                true => kind(axis)[index],
                false => Stencil::itself(index),
            }
        });
        let mut sum = 0.0;
        for (i, u) in x.taps() {
            for (j, v) in y.taps() {
                for (k, w) in z.taps() {
                    sum += u * v * w * values[self.flat([i, j, k])];
                }
            }
        }
        sum
    }

    /// Fills the points not known, level by level. NaN where nothing finite is near.
    pub(super) fn fill(&self, values: &mut [f64], known: &[bool]) {
        for &flat in &self.order {
            if !known[flat] {
                let value = self.predict(values, flat);
                values[flat] = if value.is_finite() { value } else { f64::NAN };
            }
        }
    }
}

/// Smallest and largest finite known value.
pub(super) fn extremes(values: &[f64], known: &[bool]) -> Option<(f64, f64)> {
    let known = values.iter().zip(known).filter(|(_, known)| **known);
    let finite = known.map(|(value, _)| *value).filter(|v| v.is_finite());
    finite.fold(None, |found, v| match found {
        None => Some((v, v)),
        Some((low, high)) => Some((v.min(low), v.max(high))),
    })
}
