use clap::Args;
use landscape_study::shard::ShardChoice;

/// Which part of the points is computed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Evaluation")]
pub struct ShardArgs {
    /// Only every N-th point (of a path checkpoint, of a comparison training), from the K-th on (from 0), into a database of
    /// its own: --db FILE, where {K} and {N} stand for the numbers, by default landscape-shard-K-of-N.duckdb. auto takes K and
    /// N from HyperQueue, Slurm, MPI or Kubernetes, auto/N only the number of a task. `landscape merge` puts shards together
    #[arg(long, value_name = "K/N|auto[/N]")]
    pub shard: Option<ShardChoice>,
}
