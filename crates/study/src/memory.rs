//! Memory, planned before work starts.

use crate::StudyError;
use crate::error::Smaller;
use crate::problem::Model;
use crate::report::Reporter;
use landscape_core::{Grid, Sample, free_memory};
use landscape_files::Size;

/// Work that takes more is told beforehand.
const TOLD: u64 = 1 << 30;

/// How often parameters are held at least: in the network, and as they are stored.
const COPIES: u64 = 2;

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

/// The same for the parameters of a network whose sizes are given: before it is built.
///
/// # Errors
/// As [`plan_memory`].
pub fn plan_network(model: &Model, reporter: &dyn Reporter) -> Result<(), StudyError> {
    let weights = model.given_weights().unwrap_or(0);
    let what = format!("a network of {weights} weights");
    let bytes = weights.saturating_mul(COPIES * size_of::<f32>() as u64);
    plan_memory(&what, bytes, Smaller::Network, reporter)
}

/// The same for samples in such a network: before a loss is evaluated.
///
/// # Errors
/// As [`plan_memory`].
pub fn plan_samples(
    model: &Model,
    samples: usize,
    reporter: &dyn Reporter,
) -> Result<(), StudyError> {
    let what = format!("a loss of {samples} samples in {model}");
    let bytes = model.evaluation_bytes(samples);
    plan_memory(&what, bytes, Smaller::Samples, reporter)
}

/// The same for networks of one kind that are trained side by side.
///
/// # Errors
/// As [`plan_memory`].
pub fn plan_networks(
    model: &Model,
    count: usize,
    reporter: &dyn Reporter,
) -> Result<(), StudyError> {
    let whole = || {
        let layout = model.layout();
        layout
            .iter()
            .map(|tensor| tensor.data.len() as u64)
            .sum::<u64>()
    };
    let weights = model.given_weights().unwrap_or_else(whole);
    let what = format!("the initial parameters of {count} networks");
    let bytes = weights.saturating_mul(count as u64 * size_of::<f32>() as u64);
    plan_memory(&what, bytes, Smaller::Networks, reporter)
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
