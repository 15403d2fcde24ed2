use super::EvalArgs;
use clap::Args;
use landscape_study::demo::DemoRequest;
use std::path::PathBuf;

/// The whole workflow on embedded data in seconds: train, sample, project, draw
///
/// Trains a two-moons network and an MNIST network, records their paths, samples lines, planes and
/// PCA planes, computes the spectrum of a Hessian, and writes the database, figures and an interactive page.
#[derive(Debug, Args)]
#[command(before_help = examples!["demo", "demo --out results"])]
pub struct DemoArgs {
    /// Folder for the database, the figures and the page
    #[arg(long, value_name = "DIR", default_value = "landscape-demo")]
    pub out: PathBuf,
    /// Write into a folder that holds other files, and overwrite figures
    #[arg(long)]
    pub force: bool,
    /// Seed of initial values, orders and directions
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    #[command(flatten)]
    pub eval: EvalArgs,
    /// Print the commands that would be run; compute and write nothing
    #[arg(long, help_heading = "Evaluation")]
    pub dry_run: bool,
}

impl DemoArgs {
    /// What the library is asked for.
    pub fn request(&self) -> DemoRequest {
        DemoRequest {
            seed: self.seed,
            evaluation: self.eval.request(),
        }
    }
}
