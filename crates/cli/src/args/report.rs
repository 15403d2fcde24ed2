use super::{DbArgs, EvalArgs};
use clap::Args;
use landscape_study::overview::OverviewRequest;
use std::path::PathBuf;

/// Write one page about a run: is it right, and what does it say
///
/// Whatever is stored about the same network is used, whichever run holds it: the loss that its training recorded, planes
/// along random directions of several seeds, eigenvalues and spectrum, the plane along eigenvectors, the diagnosis. Numbers
/// that are known in two ways are held against each other. What is not stored is left out, and the page says which command
/// adds it.
#[derive(Debug, Args)]
#[command(before_help = examples![
    "report plane -o plane.html",
    "report moons -o moons.html --compute",
    "report plane -o plane.html --json",
])]
pub struct ReportArgs {
    /// A run by name or number
    #[arg(value_name = "RUN")]
    pub name: String,
    /// The page: FILE.html
    #[arg(long, short)]
    pub output: PathBuf,
    /// Compute and store first what is lacking: random planes up to three, curvature, and the plane along eigenvectors
    #[arg(long)]
    pub compute: bool,
    /// Overwrite the file
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub eval: EvalArgs,
    #[command(flatten)]
    pub db: DbArgs,
}

impl ReportArgs {
    /// What the library is asked for.
    pub fn request(&self) -> OverviewRequest {
        OverviewRequest {
            run: self.name.clone(),
            output: self.output.clone(),
            replace: self.force,
            compute: self.compute,
            evaluation: self.eval.request(),
        }
    }
}
