use clap::Args;
use landscape_study::merge::MergeRequest;
use std::path::PathBuf;

/// Put shards together
///
/// Adds all that databases hold to another one: points of runs with the same settings, and runs that it does not have. They stay as
/// they are. The same again changes nothing; stopped or killed, the same again goes on. The exit code is 0 once every run is
/// complete, 1 while points are missing, and 2 where files are wrong or their points disagree by more than rounding.
#[derive(Debug, Args)]
#[command(before_help = examples![
    "merge landscape-shard-*-of-4.duckdb --into landscape.duckdb",
    "merge a.duckdb b.duckdb --into both.duckdb --json",
])]
pub struct MergeArgs {
    /// Databases, of shards or of other runs
    #[arg(required = true, value_name = "DB")]
    pub files: Vec<PathBuf>,
    /// The database that they are added to; made where there is none
    #[arg(long, value_name = "DB")]
    pub into: PathBuf,
}

impl MergeArgs {
    /// What the library is asked for.
    pub fn request(&self) -> MergeRequest {
        MergeRequest {
            sources: self.files.clone(),
            into: self.into.clone(),
        }
    }
}
