//! What can be written on the command line.

/// What the help of a command begins with.
macro_rules! examples {
    ($($line:literal),+ $(,)?) => {
        concat!("Examples:", $("\n  landscape ", $line),+)
    };
}

mod compare;
mod connect;
mod data;
mod demo;
mod diagnose;
mod doctor;
mod effect;
mod environment;
mod eval;
mod files;
mod given;
mod hessian;
mod merge;
mod model;
mod plot;
mod problem;
mod report;
mod sample;
mod shard;
mod submit;
mod train;
mod trajectory;
mod values;
mod view;

pub use compare::CompareArgs;
pub use connect::ConnectArgs;
pub use data::{GetArgs, SetName, StandardAction, StandardArgs};
pub use demo::DemoArgs;
pub use diagnose::DiagnoseArgs;
pub use doctor::DoctorArgs;
pub use effect::check;
pub use eval::{EvalArgs, NormArgs};
pub use files::{
    CompactArgs, CompletionsArgs, ExportArgs, ImportArgs, ManArgs, MetricsArgs, MigrateArgs,
    RenameArgs, RmArgs, RunsArgs, ShowArgs, SqlArgs,
};
pub use given::Given;
pub use hessian::HessianArgs;
pub use merge::MergeArgs;
pub use model::ModelArgs;
pub use plot::PlotArgs;
pub use problem::{DataArgs, NetworkArgs};
pub use report::ReportArgs;
pub use sample::{PlaneArgs, SampleArgs};
pub use shard::ShardArgs;
pub use submit::{StatusArgs, SubmitArgs};
pub use train::{TrainArgs, TrainSettings};
pub use trajectory::TrajectoryArgs;
pub use view::ViewArgs;

use crate::words::{DATABASE, DB, color_of};
use clap::{Args, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand};
use landscape_study::runs::Keep;
use std::any::TypeId;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::LazyLock;

const EXAMPLES: &str = examples![
    "demo",
    "train --model mlp:2-8-4-1 --data moons --epochs 100 --optimizer adam --name moons",
    "surface --run moons --grid 51 --name plane",
    "plot plane -o plane.svg",
];
/// Loss landscapes of neural networks: sample, follow, measure, store and draw them.
#[derive(Debug, Parser)]
#[command(name = "landscape", version, before_help = EXAMPLES, max_term_width = 100)]
#[command(arg_required_else_help = true)]
pub struct Cli {
    /// Memory that reading one file, or a query, may take, for example 8GiB [default: ten times the file and 48 MiB; 1
    /// GiB for a query]
    #[arg(long, global = true, value_name = "SIZE", help_heading = "Input")]
    pub max_memory: Option<landscape_files::Size>,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Reads the words of a command line, the name of the program first; also says which of its options were
    /// given, for [`check`].
    ///
    /// # Errors
    /// What is wrong with them; and help and version, where these are asked for.
    pub fn read(words: &[OsString]) -> Result<(Self, Given), clap::Error> {
        let mut definition = environment::without_empty(definition());
        definition = definition.color(color_of(words));
        if words.iter().any(|word| word == "--version" || word == "-V") {
            definition = definition.version(version());
        }
        let matches = definition.try_get_matches_from(words)?;
        let mut cli = Cli::from_arg_matches(&matches)?;
        let (command, given) = matches.subcommand().unwrap_or(("", &matches));
        let given = Given::of(command, given);
        match &mut cli.command {
            Command::Compare(args) => args.given = given.clone(),
            Command::Connect(args) => args.given = given.clone(),
            Command::Plot(args) => args.given = given.clone(),
            Command::Hessian(args) => args.given = given.clone(),
            Command::Trajectory(args) => args.given = given.clone(),
            Command::Line(args) => args.given = given.clone(),
            Command::Surface(args) => args.given = given.clone(),
            Command::Volume(args) => args.given = given.clone(),
            _ => {}
        }
        Ok((cli, given))
    }
}

/// The definition of the command line.
pub fn definition() -> clap::Command {
    value_names(Cli::command())
}

/// Calls the values of options by what they are, where an option has no word of its own for them.
fn value_names(command: clap::Command) -> clap::Command {
    let called = |arg: clap::Arg| {
        let name = arg.get_id().as_str();
        let usual = name.to_uppercase();
        // These two are words of their own.
        let own = arg.get_value_names().unwrap_or_default() != [usual.as_str()]
            || ["dir", "kind"].contains(&name)
            || arg.is_positional();
        let id = arg.get_value_parser().type_id();
        let numbers = [
            TypeId::of::<usize>(),
            TypeId::of::<u64>(),
            TypeId::of::<u32>(),
            TypeId::of::<u8>(),
        ];
        let is_number = numbers.iter().any(|number| id == *number);
        match arg.get_action().takes_values() && !own {
            false => arg,
            true if id == TypeId::of::<PathBuf>() => arg.value_name("FILE"),
            true if is_number => arg.value_name("N"),
            true if !arg.get_possible_values().is_empty() => arg.value_name("NAME"),
            true => arg,
        }
    };
    command.mut_args(called).mut_subcommands(value_names)
}

/// What is printed.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// Print results as JSON, with the field `schema`
    #[arg(long, global = true, help_heading = "Output")]
    pub json: bool,
    /// Print results and errors only
    #[arg(long, short, global = true, help_heading = "Output")]
    pub quiet: bool,
    /// Say more of what is done
    #[arg(
        long,
        short,
        global = true,
        help_heading = "Output",
        conflicts_with = "quiet"
    )]
    pub verbose: bool,
    /// Whether to colour what is printed: auto does on a terminal, unless NO_COLOR is set
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Output"
    )]
    pub color: ColorChoice,
}

/// The version, and what this program is made of.
fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let features = [
            ("bundled", cfg!(feature = "bundled")),
            ("wgpu", cfg!(feature = "wgpu")),
            ("spirv", cfg!(feature = "spirv")),
            ("cuda", cfg!(feature = "cuda")),
            ("tch", cfg!(feature = "tch")),
        ];
        let features = features.iter().filter(|(_, is_on)| *is_on);
        let features: Vec<&str> = features.map(|(name, _)| *name).collect();
        let features = match features.is_empty() {
            true => "none".to_owned(),
            false => features.join(", "),
        };
        format!(
            "{}\nfeatures: {features}\nschema:   {}\nDuckDB:   {}\nkernels:  {}",
            env!("CARGO_PKG_VERSION"),
            landscape_storage::SCHEMA_VERSION,
            landscape_storage::duckdb_version(),
            landscape_trace::Level::detect().name(),
        )
    });
    &VERSION
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Demo(DemoArgs),
    Train(TrainArgs),
    Line(SampleArgs<1>),
    Surface(SampleArgs<2>),
    Volume(SampleArgs<3>),
    Trajectory(TrajectoryArgs),
    Connect(Box<ConnectArgs>),
    Hessian(Box<HessianArgs>),
    Compare(Box<CompareArgs>),
    Model(ModelArgs),
    Metrics(MetricsArgs),
    Diagnose(DiagnoseArgs),
    Plot(PlotArgs),
    View(ViewArgs),
    Report(ReportArgs),
    Export(ExportArgs),
    Import(ImportArgs),
    Submit(SubmitArgs),
    Status(StatusArgs),
    Merge(MergeArgs),
    Runs(RunsArgs),
    Show(ShowArgs),
    Sql(SqlArgs),
    Rm(RmArgs),
    Rename(RenameArgs),
    Compact(CompactArgs),
    Migrate(MigrateArgs),
    Doctor(DoctorArgs),
    Data(StandardArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Where runs are kept.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Store")]
pub struct DbArgs {
    /// Database file
    #[arg(long, default_value = DATABASE, env = DB, hide_env_values = true)]
    pub db: PathBuf,
}

fn run_name(given: &str) -> Result<String, landscape_storage::Error> {
    landscape_storage::check_name(given).map(|()| given.to_owned())
}

/// Where and under what name a run is kept.
#[derive(Debug, Args)]
#[command(next_help_heading = "Store")]
pub struct StoreArgs {
    #[command(flatten)]
    pub db: DbArgs,
    /// Name of the run; one is made up if none is given
    #[arg(long, value_parser = run_name)]
    pub name: Option<String>,
    /// Replace the stored run once the new one is complete, and files that exist
    #[arg(long)]
    pub force: bool,
}

impl StoreArgs {
    /// What the library is asked for, by a command in these words.
    pub fn keep(&self, command: &str) -> Keep {
        Keep {
            name: self.name.clone(),
            replace: self.force,
            command: Some(command.to_owned()),
            comparison: None,
        }
    }
}

#[cfg(test)]
mod tests;
