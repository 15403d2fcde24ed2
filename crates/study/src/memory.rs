//! Memory, planned before work starts.

use crate::StudyError;
use crate::error::Smaller;
use crate::report::Reporter;
use landscape_core::{Grid, Sample, free_memory};
use landscape_files::Size;

/// Work that takes more is told beforehand.
const TOLD: u64 = 1 << 30;

/// Says how much memory is needed, where it is much.
///
/// # Errors
/// [`StudyError::Memory`] where the machine has less.
pub fn plan_memory(
    what: &str,
    needed: u64,
    smaller: Smaller,
    reporter: &dyn Reporter,
) -> Result<(), StudyError> {
    if let Some(free) = free_memory().filter(|&free| needed > free) {
        return Err(StudyError::Memory {
            what: what.to_owned(),
            needed,
            free,
            smaller,
        });
    }
    if needed > TOLD {
        reporter.note(format_args!("{what}: about {} of memory", Size(needed)));
    }
    Ok(())
}

/// The same for all points of a grid, with so many terms beside the loss.
///
/// # Errors
/// As [`plan_memory`].
pub fn plan_grid(grid: &Grid, terms: usize, reporter: &dyn Reporter) -> Result<(), StudyError> {
    // The sample itself, its terms, and its place in the order of sampling.
    let terms = if terms == 0 { 0 } else { 8 * terms + 16 };
    let each = size_of::<Option<Sample>>() + terms + size_of::<usize>();
    let what = format!("a grid of {} points", grid.len());
    let bytes = grid.len() as u64 * each as u64;
    plan_memory(&what, bytes, Smaller::Grid, reporter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(plan_memory("nothing", 0, Smaller::Grid, &()).is_ok());
        if free_memory().is_some() {
            let error = plan_memory("a planet", u64::MAX / 2, Smaller::Grid, &()).unwrap_err();
            let text = error.to_string();
            assert!(text.starts_with("a planet needs about"), "{text}");
        }
    }
}
