use clap::Args;
use landscape_study::shard::ShardChoice;

/// Which part of the points is computed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Evaluation")]
pub struct ShardArgs {
    /// Only every N-th point, from the K-th on (from 0), into a database of its own: --db FILE, where {K} and {N} stand for the numbers,
    /// or landscape-shard-K-of-N.duckdb where it is absent. auto takes K and N from HyperQueue, Slurm, MPI or Kubernetes, auto/N
    /// the number of a task alone. `landscape merge` puts shards together
    #[arg(long, value_name = "K/N|auto[/N]")]
    pub shard: Option<ShardChoice>,
}
