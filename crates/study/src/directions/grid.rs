use crate::StudyError;
use landscape_core::{Axis, Grid};
use serde::{Deserialize, Serialize};

/// What an axis is where nothing else is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UsualAxis {
    /// Where it begins.
    pub min: f64,
    /// Where it ends.
    pub max: f64,
    /// Its points.
    pub count: usize,
}

/// An axis unless asked otherwise.
pub const USUAL: UsualAxis = UsualAxis {
    min: -1.0,
    max: 1.0,
    count: 51,
};

/// An axis towards another model: both models are points of it, and can be seen around.
pub const INTERPOLATION: UsualAxis = UsualAxis {
    min: -0.5,
    max: 1.5,
    count: 41,
};

/// An axis towards another model along which running variances move: they stay positive between the
/// models, and may not beyond.
pub const SEGMENT: UsualAxis = UsualAxis {
    min: 0.0,
    max: 1.0,
    count: 41,
};

/// The points that are asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GridRequest {
    /// Points on each axis; one count stands for all axes. As usual where absent.
    pub counts: Option<Vec<usize>>,
    /// Ends of each axis; one pair stands for all axes. As usual where absent.
    pub ranges: Option<Vec<(f64, f64)>>,
}

impl GridRequest {
    /// So many points on each axis, between the usual ends.
    pub fn counts(counts: &[usize]) -> Self {
        GridRequest {
            counts: Some(counts.to_vec()),
            ranges: None,
        }
    }

    /// The grid on axes that are as `usual` where nothing else is asked for.
    ///
    /// # Errors
    /// [`StudyError::Axes`] for other numbers of counts or ranges, those of [`Grid::new`], and coordinates that 32-bit
    /// floats cannot tell apart.
    pub fn on(&self, usual: &[UsualAxis]) -> Result<Grid, StudyError> {
        let dims = usual.len();
        let counts = match &self.counts {
            Some(counts) => each_axis(counts, dims, "counts")?,
            None => usual.iter().map(|axis| axis.count).collect(),
        };
        let ranges = match &self.ranges {
            Some(ranges) => each_axis(ranges, dims, "ranges")?,
            None => usual.iter().map(|axis| (axis.min, axis.max)).collect(),
        };
        let axes = counts
            .iter()
            .zip(ranges)
            .map(|(&count, (min, max))| Axis::new(min, max, count));
        let grid = Grid::new(axes.collect::<Result<_, _>>()?)?;
        within_f32(&grid)?;
        Ok(grid)
    }

    /// The grid of so many usual axes.
    ///
    /// # Errors
    /// As [`GridRequest::on`].
    pub fn of(&self, dims: usize) -> Result<Grid, StudyError> {
        self.on(&vec![USUAL; dims])
    }
}

/// Parameters are 32-bit floats: beyond their range nothing is left but infinities, and below it nothing moves.
fn within_f32(grid: &Grid) -> Result<(), StudyError> {
    let ends = |axis: &Axis| axis.min().abs().max(axis.max().abs());
    let mut ends = grid.axes().iter().map(ends);
    if let Some(at) = ends.find(|&end| end > f64::from(f32::MAX)) {
        return Err(StudyError::TooFar { at });
    }
    let apart = |axis: &Axis| (axis.count() > 1).then(|| axis.step());
    let mut steps = grid.axes().iter().filter_map(apart);
    match steps.find(|&step| step < f64::from(f32::MIN_POSITIVE)) {
        None => Ok(()),
        Some(step) => Err(StudyError::TooClose { step }),
    }
}

fn each_axis<T: Copy>(given: &[T], axes: usize, what: &'static str) -> Result<Vec<T>, StudyError> {
    match given.len() {
        1 => Ok(vec![given[0]; axes]),
        n if n == axes => Ok(given.to_vec()),
        given => Err(StudyError::Axes { what, given, axes }),
    }
}

/// Checks, before work starts, that a grid can be drawn.
///
/// # Errors
/// [`StudyError::NotDrawable`].
pub fn check_drawable(grid: &Grid) -> Result<(), StudyError> {
    match single(grid) {
        None => Ok(()),
        Some(axis) => Err(StudyError::NotDrawable { axis: axis + 1 }),
    }
}

/// Whether a grid can be drawn.
pub fn is_drawable(grid: &Grid) -> bool {
    single(grid).is_none()
}

/// The axis that keeps a grid from being drawn: lines and planes between points need two or more on each axis
/// that is shown.
fn single(grid: &Grid) -> Option<usize> {
    let mut shown = grid.axes().iter().take(2);
    shown.position(|axis| axis.count() < 2)
}
