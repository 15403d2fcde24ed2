//! The points of a line, plane or volume.

mod axis;
mod order;

pub use axis::Axis;
pub(crate) use order::axis_levels;

use serde::{Deserialize, Serialize};

/// Coordinates; those beyond the grid's dimensions are 0.
pub type Point = [f64; 3];

/// The most points a grid may have.
pub const MAX_POINTS: usize = 100_000_000;

/// One to three axes. Points are numbered row-major, the first axis slowest:
/// `flat = (i * ny + j) * nz + k`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Grid {
    axes: Vec<Axis>,
}

/// What can be wrong with a grid.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GridError {
    /// There are not one, two or three axes.
    #[error("a grid has 1 to 3 axes, not {given}")]
    Dimensions {
        /// How many there are.
        given: usize,
    },
    /// An axis has no points.
    #[error("an axis has 0 points; give at least 1")]
    Empty,
    /// An axis does not run upwards.
    #[error("the range {min}:{max} does not ascend; its first number must be the smaller one")]
    Range {
        /// Lower end.
        min: f64,
        /// Upper end.
        max: f64,
    },
    /// An end, or the length, of an axis is not a finite number.
    #[error("the range {min}:{max} is not finite")]
    NotFinite {
        /// Lower end.
        min: f64,
        /// Upper end.
        max: f64,
    },
    /// Neighbouring points of an axis cannot be told apart in f64.
    #[error("{count} points in the range {min}:{max} are too close to tell apart")]
    TooFine {
        /// Lower end.
        min: f64,
        /// Upper end.
        max: f64,
        /// Number of points.
        count: usize,
    },
    /// The grid has too many points.
    #[error(
        "a grid of {} points is larger than {MAX_POINTS}",
        describe_shape(shape)
    )]
    TooLarge {
        /// Number of points on each axis.
        shape: Vec<usize>,
    },
}

fn describe_shape(shape: &[usize]) -> String {
    let counts: Vec<String> = shape.iter().map(usize::to_string).collect();
    counts.join(" x ")
}

#[derive(Deserialize)]
struct Unchecked {
    axes: Vec<Axis>,
}

impl TryFrom<Unchecked> for Grid {
    type Error = GridError;

    fn try_from(unchecked: Unchecked) -> Result<Self, GridError> {
        Grid::new(unchecked.axes)
    }
}

impl Grid {
    /// A grid of these axes.
    ///
    /// # Errors
    /// When there are not 1 to 3 axes, one is not valid (see [`Axis::new`]), or there are more than
    /// [`MAX_POINTS`] points.
    pub fn new(axes: Vec<Axis>) -> Result<Self, GridError> {
        if !(1..=3).contains(&axes.len()) {
            return Err(GridError::Dimensions { given: axes.len() });
        }
        let points = axes
            .iter()
            .try_fold(1usize, |product, axis| product.checked_mul(axis.count()));
        match points {
            Some(points) if points <= MAX_POINTS => Ok(Grid { axes }),
            _ => Err(GridError::TooLarge {
                shape: axes.iter().map(|axis| axis.count()).collect(),
            }),
        }
    }

    /// `dims` equal axes from `-half_range` to `half_range`.
    ///
    /// # Errors
    /// As [`Grid::new`].
    pub fn square(count: usize, half_range: f64, dims: usize) -> Result<Self, GridError> {
        if !(1..=3).contains(&dims) {
            return Err(GridError::Dimensions { given: dims });
        }
        let axis = Axis::new(-half_range, half_range, count)?;
        Grid::new(vec![axis; dims])
    }

    /// The axes, in the order of the plane's directions.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// Number of axes: 1, 2 or 3.
    pub fn dims(&self) -> usize {
        self.axes.len()
    }

    /// Number of points.
    #[allow(clippy::len_without_is_empty)] // a grid is never empty
    pub fn len(&self) -> usize {
        self.axes.iter().map(|axis| axis.count()).product()
    }

    /// Number of points on each axis.
    pub fn shape(&self) -> Vec<usize> {
        self.axes.iter().map(|axis| axis.count()).collect()
    }

    /// Number of points on each of three axes, 1 where the grid has fewer.
    pub fn shape3(&self) -> [usize; 3] {
        std::array::from_fn(|axis| self.axes.get(axis).map_or(1, |a| a.count()))
    }

    /// The number of the point at these indices; `None` outside the grid. Indices beyond the grid's
    /// dimensions must be 0.
    pub fn index(&self, indices: [usize; 3]) -> Option<usize> {
        let [nx, ny, nz] = self.shape3();
        let [i, j, k] = indices;
        (i < nx && j < ny && k < nz).then(|| (i * ny + j) * nz + k)
    }

    /// The indices of a point by its number.
    ///
    /// # Panics
    /// When `flat` is not below [`Grid::len`].
    pub fn unravel(&self, flat: usize) -> [usize; 3] {
        assert!(flat < self.len(), "point {flat} of {}", self.len());
        let [_, ny, nz] = self.shape3();
        [flat / (ny * nz), flat / nz % ny, flat % nz]
    }

    /// The coordinates of a point by its number.
    ///
    /// # Panics
    /// When `flat` is not below [`Grid::len`].
    pub fn point(&self, flat: usize) -> Point {
        let indices = self.unravel(flat);
        let mut point = [0.0; 3];
        for ((value, axis), index) in point.iter_mut().zip(&self.axes).zip(indices) {
            *value = axis.value(index);
        }
        point
    }

    /// The point whose coordinates are all exactly 0, when there is one.
    pub fn center(&self) -> Option<usize> {
        let mut indices = [0; 3];
        for (index, axis) in indices.iter_mut().zip(&self.axes) {
            *index = axis.zero()?;
        }
        self.index(indices)
    }

    /// All points, each once, such that every beginning of the list is a coarse map of the whole
    /// grid: first the ends and middles of the axes, then again and again the points half-way
    /// between those known; row-major within each of these levels.
    pub fn coarse_to_fine(&self) -> Vec<usize> {
        order::coarse_to_fine(self.shape3())
    }
}
