use crate::args::{Counts, Ranges};
use crate::error::CliError;
use landscape_core::{Axis, Grid};

/// What an axis is where nothing else is asked for.
#[derive(Clone, Copy, Debug)]
pub struct UsualAxis {
    pub min: f64,
    pub max: f64,
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

/// A grid of some dimensions; one count, or one range, stands for all axes.
pub fn build_grid(
    counts: Option<&Counts>,
    ranges: Option<&Ranges>,
    dims: usize,
) -> Result<Grid, CliError> {
    build_grid_on(counts, ranges, &vec![USUAL; dims])
}

/// A grid on axes that are as `usual` where nothing else is asked for.
pub fn build_grid_on(
    counts: Option<&Counts>,
    ranges: Option<&Ranges>,
    usual: &[UsualAxis],
) -> Result<Grid, CliError> {
    let dims = usual.len();
    let counts = match counts {
        Some(counts) => each_axis(&counts.0, dims, "--grid", "counts")?,
        None => usual.iter().map(|axis| axis.count).collect(),
    };
    let ranges = match ranges {
        Some(ranges) => each_axis(&ranges.0, dims, "--range", "ranges")?,
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

/// Parameters are 32-bit floats: beyond their range nothing is left but infinities, and below it nothing moves.
fn within_f32(grid: &Grid) -> Result<(), CliError> {
    let ends = |axis: &Axis| axis.min().abs().max(axis.max().abs());
    let mut ends = grid.axes().iter().map(ends);
    if let Some(end) = ends.find(|&end| end > f64::from(f32::MAX)) {
        return Err(CliError::Conflict {
            what: format!(
                "the coordinate {end:e} of --range is beyond 32-bit floats, which parameters are"
            ),
            remedy: "give a --range within -3.4e38:3.4e38, for example --range=-1:1".to_owned(),
        });
    }
    let apart = |axis: &Axis| (axis.count() > 1).then(|| axis.step());
    let mut steps = grid.axes().iter().filter_map(apart);
    match steps.find(|&step| step < f64::from(f32::MIN_POSITIVE)) {
        None => Ok(()),
        Some(step) => Err(CliError::Conflict {
            what: format!(
                "points of --range are {step:.1e} apart, too close for 32-bit floats, which parameters are"
            ),
            remedy: "give a larger --range, for example --range=-1:1".to_owned(),
        }),
    }
}

fn each_axis<T: Copy>(
    given: &[T],
    dims: usize,
    option: &str,
    what: &str,
) -> Result<Vec<T>, CliError> {
    match given.len() {
        1 => Ok(vec![given[0]; dims]),
        n if n == dims => Ok(given.to_vec()),
        n => Err(CliError::Conflict {
            what: format!("{option} has {n} {what} for {dims} axes"),
            remedy: format!("give one for all axes, or {dims}"),
        }),
    }
}

/// Checks, before work starts, that a grid can be drawn.
pub fn check_drawable(grid: &Grid) -> Result<(), CliError> {
    match single(grid) {
        None => Ok(()),
        Some(axis) => Err(CliError::Conflict {
            what: format!(
                "figures and pages need 2 points or more on each axis, and --grid has 1 on axis {}",
                axis + 1
            ),
            remedy: "give a larger --grid, or leave -o out".to_owned(),
        }),
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
