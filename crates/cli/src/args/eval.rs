use super::values::{choice, count};
use crate::words::{DEVICE, THREADS};
use clap::Args;
use landscape_study::device::{DeviceName, Evaluation};
use landscape_trace::{BatchStatistics, MOST_THREADS};

/// How the loss is evaluated; changes no number beyond rounding.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Evaluation")]
pub struct EvalArgs {
    #[arg(
        help = "Where the loss is evaluated: cpu (own kernels), flex, wgpu[:i], vulkan[:i], \
                cuda[:i], libtorch, libtorch-cuda[:i]; several share the points"
    )]
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        default_value = "cpu",
        env = DEVICE,
        hide_env_values = true
    )]
    pub device: Vec<DeviceName>,
    /// Threads of the device cpu; 0 for all cores
    #[arg(
        long,
        default_value_t = 0,
        value_parser = count::<0, { MOST_THREADS }>,
        env = THREADS,
        hide_env_values = true
    )]
    pub threads: usize,
}

impl EvalArgs {
    /// What the library is asked for.
    pub fn request(&self) -> Evaluation {
        Evaluation {
            devices: self.device.clone(),
            threads: self.threads,
        }
    }
}

/// What normalisation layers do.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Loss")]
pub struct NormArgs {
    /// Statistics of BatchNorm layers; networks without them are the same either way. Those that
    /// depend on the point need all samples at once, and more memory
    #[arg(
        long,
        value_name = "MODE",
        default_value = "frozen",
        value_parser = choice(BatchStatistics::ALL)
    )]
    pub batch_norm: BatchStatistics,
}
