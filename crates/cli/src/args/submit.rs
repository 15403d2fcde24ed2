use super::values::choice;
use super::{Cli, Command, Given, ShardArgs, check, definition};
use crate::error::CliError;
use crate::words::{DATABASE, DB, own_variables, variable};
use clap::Args;
use landscape_core::Shard;
use landscape_study::shard::ShardChoice;
use landscape_study::submit::{Engine, SubmitRequest, Work};
use std::ffi::OsString;
use std::path::PathBuf;

/// The folder of what is submitted.
const FOLDER: &str = "landscape-shards";

/// Hand the shards of a command to HyperQueue, Slurm, MPI or Kubernetes
///
/// A few points of the command are measured here, and it is divided so that a shard takes about a minute, and its preparation at most a
/// twentieth of that. What the engine runs is written into a folder and submitted, the merge behind it; each shard runs on one core,
/// or on --threads of the command. The same again submits those shards that are neither done nor running. Options of a site
/// come from the engine's own variables, as SBATCH_PARTITION. The exit code is 1 where the engine is not on this machine, with
/// everything written, and 2 where the command cannot be divided.
#[derive(Debug, Args)]
#[command(before_help = examples![
    "submit --engine hq -- surface --model net.pt2 --data data.npz --grid 201 --name big",
    "submit --engine slurm --shards 64 -- volume --run net --grid 101",
    "submit --engine mpi --shards 8 -- hessian --run net --map --grid 21",
    "submit --engine k8s --image landscape:0.1 --claim files -- surface --run net --grid 1001",
    "submit --engine hq --wait -- compare --seeds 0..100 --model mlp:2-8-4-1 --data moons",
])]
pub struct SubmitArgs {
    /// Who runs the shards
    #[arg(long, value_parser = choice(Engine::ALL))]
    pub engine: Engine,
    /// In how many shards the command is divided; by default by what is measured
    #[arg(long)]
    pub shards: Option<usize>,
    /// Folder for what the engine runs, what it says, and the databases of the shards unless the command has --db with {K}
    #[arg(long, value_name = "DIR", default_value = FOLDER)]
    pub out: PathBuf,
    /// The database that shards are merged into; by default the usual one
    #[arg(long, value_name = "DB")]
    pub into: Option<PathBuf>,
    /// The image of the containers, which has `landscape` (k8s)
    #[arg(long)]
    pub image: Option<String>,
    /// The claim of the volume in which the command's paths are (k8s)
    #[arg(long, value_name = "NAME", default_value = "landscape")]
    pub claim: String,
    /// Write the files, and submit nothing
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    /// Wait for the shards, and merge them as they end
    #[arg(long)]
    pub wait: bool,
    /// line, surface, volume, hessian --map, trajectory or compare with its options
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

impl SubmitArgs {
    /// The command, read as a shard of it will be.
    ///
    /// # Errors
    /// Where it cannot be divided, says which shard it is, or is wrong.
    pub fn inner(&self) -> Result<(Command, Given), CliError> {
        let name = self.command.first().cloned().unwrap_or_default();
        let name = name.to_string_lossy();
        let definition = definition();
        let divided: Vec<&str> = { definition.get_subcommands() }
            .filter(|command| command.get_arguments().any(|arg| arg.get_id() == "shard"))
            .map(clap::Command::get_name)
            .collect();
        if !divided.contains(&&*name) {
            return Err(CliError::Conflict {
                what: format!("`{name}` is not a command that can be divided in shards"),
                remedy: format!("give one of these behind `--`: {}", divided.join(", ")),
            });
        }
        for option in ["--shard", "--dry-run"] {
            let is_given = |word: &OsString| {
                word.to_str()
                    .and_then(|word| word.strip_prefix(option))
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
            };
            if self.command.iter().any(is_given) {
                return Err(CliError::Conflict {
                    what: format!("{option} in the command: each shard gets its own"),
                    remedy: format!("leave {option} out behind `--`"),
                });
            }
        }
        let before = std::iter::once(OsString::from("landscape"));
        let after = ["--shard", "0/1"].map(OsString::from);
        let words: Vec<OsString> = before.chain(self.command.clone()).chain(after).collect();
        let (cli, given) = Cli::read(&words).map_err(|error| {
            let text = error.render().to_string();
            let what = text.split("\n\n").next().unwrap_or_default();
            let what = what.strip_prefix("error: ").unwrap_or(what).trim();
            CliError::Conflict {
                what: what.to_owned(),
                remedy: format!("`landscape {name} --help` lists the options"),
            }
        })?;
        check(&given)?;
        Ok((cli.command, given))
    }

    /// All of the command, as the only shard.
    pub fn whole(&self) -> ShardArgs {
        let shard = Shard::new(0, 1).ok().map(ShardChoice::Given);
        ShardArgs { shard }
    }

    /// What the library is asked for; `database` is that of the command, where it names one.
    pub fn request(&self, work: Work, database: Option<PathBuf>) -> SubmitRequest {
        let program = match self.engine {
            Engine::Kubernetes => None,
            _ => std::env::current_exe().ok(),
        };
        SubmitRequest {
            engine: self.engine,
            shards: self.shards,
            program: program.unwrap_or_else(|| "landscape".into()),
            command: self.command.clone(),
            work,
            database,
            into: { self.into.clone() }
                .or_else(|| variable(DB).map(PathBuf::from))
                .unwrap_or_else(|| DATABASE.into()),
            folder: self.out.clone(),
            environment: own_variables(),
            image: self.image.clone(),
            claim: self.claim.clone(),
        }
    }
}

/// How far shards are
///
/// Read from their databases, which stay as they are: shards that are done, running, failed (neither whole nor computed by anybody)
/// and waiting, the points a second of those that run, and the time that is left at that rate.
#[derive(Debug, Args)]
#[command(before_help = examples![
    "status",
    "status landscape-shard-*-of-4.duckdb --json",
    "status --wait",
])]
pub struct StatusArgs {
    /// Databases of shards, or folders from which shards were submitted
    #[arg(value_name = "DB|DIR", default_value = FOLDER)]
    pub sources: Vec<PathBuf>,
    /// Wait for the shards of folders, and merge them as they end
    #[arg(long)]
    pub wait: bool,
}
