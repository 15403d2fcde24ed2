use super::DbArgs;
use super::values::count;
use crate::words::THREADS;
use clap::Args;
use landscape_trace::MOST_THREADS;

/// Say in words whether a network is hard to train, whether it can improve, and how training went
///
/// Of a training run, a trajectory, or a landscape. Every answer names the figures it rests on, the
/// thresholds they are compared with, and how certain it is. Everything stored about the same network
/// is used, whichever of its runs is named: records, its path, all planes around its end, eigenvalues.
#[derive(Debug, Args)]
#[command(before_help = examples![
    "diagnose moons",
    "diagnose moons-path --no-curvature",
    "diagnose plane --json",
])]
pub struct DiagnoseArgs {
    /// A run by name or number
    #[arg(value_name = "RUN")]
    pub name: String,
    /// Do not compute the largest eigenvalue of the Hessian, with which the learning rate is compared,
    /// where none is stored
    #[arg(long)]
    pub no_curvature: bool,
    /// Threads of the computation; 0 for all cores
    #[arg(
        long,
        default_value_t = 0,
        value_parser = count::<0, { MOST_THREADS }>,
        env = THREADS,
        hide_env_values = true
    )]
    pub threads: usize,
    /// Print how much there is to compute, and estimates of time and memory; say nothing about the run
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub db: DbArgs,
}
