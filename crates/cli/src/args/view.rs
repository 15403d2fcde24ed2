use crate::words::DB;
use clap::Args;
use std::path::PathBuf;

/// Show runs in the browser, also while they are computed
///
/// Serves a list of runs and their interactive pages on this machine alone, and prints the address first. Pages grow with
/// the runs that they show. Ctrl-C ends it.
#[derive(Debug, Args)]
#[command(before_help = examples![
    "view",
    "view plane path",
    "view plane.npz",
    "view before.duckdb after.duckdb --port 8080 --no-open",
])]
pub struct ViewArgs {
    /// Runs by name or number, databases, files with landscapes (.csv, .json, .npz, .h5, .parquet), folders of these
    #[arg(value_name = "RUN|FILE")]
    pub named: Vec<PathBuf>,
    /// Port on 127.0.0.1; 0 takes one that is free
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub port: u16,
    /// Open no browser
    #[arg(long)]
    pub no_open: bool,
    /// Database file, also several times; landscape.duckdb where none is named
    #[arg(long, value_name = "FILE", env = DB, hide_env_values = true, help_heading = "Store")]
    pub db: Vec<PathBuf>,
}
