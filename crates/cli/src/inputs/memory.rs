//! Memory, planned before work starts.

use crate::error::CliError;
use crate::output::{Console, size};
use landscape_core::{Grid, Sample, free_memory};
use landscape_models::{ModelSpec, Network, evaluation_bytes};

/// Work that takes more is told beforehand.
const TOLD: u64 = 1 << 30;

/// How often parameters are held at least: in the network, and as they are stored.
const COPIES: u64 = 2;

/// Says how much memory is needed, where it is much.
///
/// # Errors
/// [`CliError::Conflict`] where the machine has less, with the `remedy`.
pub fn plan_memory(
    what: &str,
    bytes: u64,
    remedy: &str,
    console: &Console,
) -> Result<(), CliError> {
    if let Some(free) = free_memory().filter(|&free| bytes > free) {
        return Err(CliError::Conflict {
            what: format!(
                "{what} needs about {} of memory, and {} are free",
                size(bytes),
                size(free)
            ),
            remedy: remedy.to_owned(),
        });
    }
    if bytes > TOLD {
        console.note(format_args!("{what}: about {} of memory", size(bytes)));
    }
    Ok(())
}

/// The same for all points of a grid.
///
/// # Errors
/// As [`plan_memory`].
pub fn plan_grid(grid: &Grid, terms: usize, console: &Console) -> Result<(), CliError> {
    // The sample itself, its terms, and its place in the order of sampling.
    let terms = if terms == 0 { 0 } else { 8 * terms + 16 };
    let each = size_of::<Option<Sample>>() + terms + size_of::<usize>();
    let what = format!("a grid of {} points", grid.len());
    let bytes = grid.len() as u64 * each as u64;
    plan_memory(&what, bytes, "give a smaller --grid", console)
}

/// The same for the parameters of a network whose sizes are given: before it is built.
pub fn plan_network(spec: &ModelSpec, console: &Console) -> Result<(), CliError> {
    let weights = spec.matrix_weights().unwrap_or(0);
    let what = format!("a network of {weights} weights");
    let bytes = weights.saturating_mul(COPIES * size_of::<f32>() as u64);
    plan_memory(&what, bytes, "give a smaller --model", console)
}

/// The same for samples in such a network: before a loss is evaluated.
pub fn plan_samples(spec: &ModelSpec, samples: usize, console: &Console) -> Result<(), CliError> {
    let what = format!("a loss of {samples} samples in {spec}");
    let bytes = evaluation_bytes(spec, samples);
    plan_memory(
        &what,
        bytes,
        "give a smaller --model, or fewer --samples",
        console,
    )
}

/// The same for networks of one kind that are trained side by side.
pub fn plan_networks(spec: &ModelSpec, count: usize, console: &Console) -> Result<(), CliError> {
    let whole = || {
        let layout = Network::layout(spec);
        layout
            .iter()
            .map(|tensor| tensor.data.len() as u64)
            .sum::<u64>()
    };
    let weights = spec.matrix_weights().unwrap_or_else(whole);
    let what = format!("the initial parameters of {count} networks");
    let bytes = weights.saturating_mul(count as u64 * size_of::<f32>() as u64);
    plan_memory(&what, bytes, "compare fewer networks at once", console)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::OutputArgs;

    #[test]
    fn what_does_not_fit_is_refused() {
        let quiet = OutputArgs {
            json: false,
            quiet: true,
            verbose: false,
        };
        let console = Console::new(&quiet, Vec::new());
        assert!(plan_memory("nothing", 0, "", &console).is_ok());
        if free_memory().is_some() {
            let error = plan_memory("a planet", u64::MAX / 2, "take less", &console).unwrap_err();
            let text = error.to_string();
            assert!(text.starts_with("a planet needs about"), "{text}");
        }
    }
}
