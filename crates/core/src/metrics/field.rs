//! A surface's numbers with the neighbourhoods that the figures need.

use crate::grid::Grid;

/// One number a point; NaN where nothing is known.
pub(super) struct Field<'a> {
    pub(super) grid: &'a Grid,
    pub(super) values: Vec<f64>,
    /// Offsets of all neighbours, diagonal ones included: 2, 8 or 26.
    pub(super) around: Vec<[isize; 3]>,
    shape: [usize; 3],
}

impl<'a> Field<'a> {
    pub(super) fn new(grid: &'a Grid, values: Vec<f64>) -> Self {
        Field {
            grid,
            values,
            around: around(grid.dims()),
            shape: grid.shape3(),
        }
    }

    pub(super) fn dims(&self) -> usize {
        self.grid.dims()
    }

    fn indices(&self, flat: usize) -> [usize; 3] {
        let [_, ny, nz] = self.shape;
        [flat / (ny * nz), flat / nz % ny, flat % nz]
    }

    /// The number of the point `offset` away; `None` outside the grid.
    pub(super) fn neighbour(&self, flat: usize, offset: [isize; 3]) -> Option<usize> {
        let [i, j, k] = self.indices(flat);
        let [nx, ny, nz] = self.shape;
        let i = i.checked_add_signed(offset[0])?;
        let j = j.checked_add_signed(offset[1])?;
        let k = k.checked_add_signed(offset[2])?;
        (i < nx && j < ny && k < nz).then_some((i * ny + j) * nz + k)
    }

    /// The finite value `offset` away.
    pub(super) fn finite(&self, flat: usize, offset: [isize; 3]) -> Option<f64> {
        let value = self.values[self.neighbour(flat, offset)?];
        value.is_finite().then_some(value)
    }

    /// Whether the point has a neighbour on every side.
    pub(super) fn is_interior(&self, flat: usize) -> bool {
        let indices = self.indices(flat);
        (0..self.dims()).all(|a| indices[a] > 0 && indices[a] + 1 < self.shape[a])
    }

    /// Offsets of the neighbours along the axes: 2, 4 or 6.
    pub(super) fn along_axes(&self) -> Vec<[isize; 3]> {
        (0..self.dims())
            .flat_map(|axis| [unit(axis, -1), unit(axis, 1)])
            .collect()
    }
}

fn around(dims: usize) -> Vec<[isize; 3]> {
    let reach = |axis: usize| if axis < dims { -1..=1 } else { 0..=0 };
    let mut offsets = Vec::with_capacity(26);
    for i in reach(0) {
        for j in reach(1) {
            for k in reach(2) {
                if [i, j, k] != [0, 0, 0] {
                    offsets.push([i, j, k]);
                }
            }
        }
    }
    offsets
}

/// The offset of `by` steps along an axis.
pub(super) fn unit(axis: usize, by: isize) -> [isize; 3] {
    let mut offset = [0; 3];
    offset[axis] = by;
    offset
}

/// The sum of two offsets.
pub(super) fn add(a: [isize; 3], b: [isize; 3]) -> [isize; 3] {
    std::array::from_fn(|axis| a[axis] + b[axis])
}
