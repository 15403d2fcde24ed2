//! What can be written on the command line.

mod compare;
mod connect;
mod data;
mod demo;
mod diagnose;
mod doctor;
mod eval;
mod files;
mod hessian;
mod plot;
mod problem;
mod sample;
mod train;
mod trajectory;
mod values;

pub use compare::{CompareArgs, Rated};
pub use connect::{ConnectArgs, CurveArgs};
pub use data::{GetArgs, SetName, StandardAction, StandardArgs};
pub use demo::DemoArgs;
pub use diagnose::DiagnoseArgs;
pub use doctor::DoctorArgs;
pub use eval::{EvalArgs, NormArgs};
pub use files::{
    CompletionsArgs, ExportArgs, ImportArgs, ManArgs, MetricsArgs, RunsArgs, ShowArgs, SqlArgs,
};
pub use hessian::{HessianArgs, HowArgs, Measure, MethodName, TraceName};
pub use plot::{Colors, Kind, LookArgs, PlotArgs};
pub use problem::{DataArgs, NetworkArgs};
pub use sample::{PlaneArgs, SampleArgs, TermArgs};
pub use train::{TrainArgs, TrainSettings};
pub use trajectory::TrajectoryArgs;
pub use values::{
    BatchNorm, Counts, DeviceName, DirectionName, DirectionType, EpochWindow, Limits,
    PrecisionName, Ranges, StepWindow, ValueName,
};

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  landscape demo
  landscape train --model mlp:2-8-4-1 --data moons --epochs 100 --optimizer adam --name moons
  landscape surface --run moons --grid 51 --name plane
  landscape plot plane -o plane.svg";

/// Loss landscapes of neural networks: sample, follow, measure, store and draw them.
#[derive(Debug, Parser)]
#[command(name = "landscape", version, before_help = EXAMPLES, max_term_width = 100)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(subcommand)]
    pub command: Command,
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
    Metrics(MetricsArgs),
    Diagnose(DiagnoseArgs),
    Plot(PlotArgs),
    Export(ExportArgs),
    Import(ImportArgs),
    Runs(RunsArgs),
    Show(ShowArgs),
    Sql(SqlArgs),
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
    #[arg(long, value_name = "FILE", default_value = "landscape.duckdb")]
    pub db: PathBuf,
}

/// Where and under what name a run is kept.
#[derive(Debug, Args)]
#[command(next_help_heading = "Store")]
pub struct StoreArgs {
    #[command(flatten)]
    pub db: DbArgs,
    /// Name of the run; one is made up where there is none
    #[arg(long)]
    pub name: Option<String>,
    /// Replace the stored run once the new one is complete, and files that exist
    #[arg(long)]
    pub force: bool,
}
