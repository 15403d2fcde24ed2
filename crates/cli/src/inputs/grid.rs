use crate::args::{Counts, Ranges};
use crate::error::CliError;
use landscape_core::{Axis, Grid};

/// Points on an axis unless asked otherwise.
const COUNT: usize = 51;

/// A grid of some dimensions; one count, or one range, stands for all axes.
pub fn build_grid(
    counts: Option<&Counts>,
    ranges: Option<&Ranges>,
    dims: usize,
) -> Result<Grid, CliError> {
    let counts = counts.map_or(vec![COUNT], |counts| counts.0.clone());
    let ranges = ranges.map_or(vec![(-1.0, 1.0)], |ranges| ranges.0.clone());
    let counts = each_axis(&counts, dims, "--grid", "counts")?;
    let ranges = each_axis(&ranges, dims, "--range", "ranges")?;
    let axes = counts
        .iter()
        .zip(ranges)
        .map(|(&count, (min, max))| Axis { min, max, count });
    Ok(Grid::new(axes.collect())?)
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
