use super::EvalArgs;
use clap::Args;

/// Check this program on this machine: kernels, losses, devices, derivatives
///
/// Evaluates a small network on embedded data in several ways that must agree. Ends with the exit code 1 if
/// they do not.
#[derive(Debug, Args)]
#[command(before_help = examples!["doctor", "doctor --device cpu,flex --json"])]
pub struct DoctorArgs {
    #[command(flatten)]
    pub eval: EvalArgs,
}
