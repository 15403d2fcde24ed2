//! What each command does.

mod compare;
mod connect;
mod data;
mod demo;
mod diagnose;
mod doctor;
mod export;
mod hessian;
mod keep;
mod merge;
mod metrics;
mod migrate;
mod model;
mod pages;
mod plot;
mod report;
mod runs;
mod sample;
mod show;
mod sql;
mod status;
mod submit;
mod train;
mod trajectory;
mod view;

use crate::args::Command;
use crate::error::CliError;
use crate::output::Console;

/// Runs a command.
pub fn dispatch(command: Command, console: &Console) -> Result<(), CliError> {
    match command {
        Command::Demo(args) => demo::demo(&args, console),
        Command::Train(args) => train::train(&args, console),
        Command::Line(args) => sample::sample(&args, console),
        Command::Surface(args) => sample::sample(&args, console),
        Command::Volume(args) => sample::sample(&args, console),
        Command::Trajectory(args) => trajectory::trajectory(&args, console),
        Command::Connect(args) => connect::connect(&args, console),
        Command::Hessian(args) => hessian::hessian(&args, console),
        Command::Compare(args) => compare::compare(&args, console),
        Command::Metrics(args) => metrics::metrics(&args, console),
        Command::Diagnose(args) => diagnose::diagnose(&args, console),
        Command::Plot(args) => plot::plot(&args, console),
        Command::View(args) => view::view(&args, console),
        Command::Report(args) => report::report(&args, console),
        Command::Export(args) => export::export(&args, console),
        Command::Model(args) => model::model(&args, console),
        Command::Import(args) => export::import(&args, console),
        Command::Submit(args) => submit::submit(&args, console),
        Command::Status(args) => status::status(&args, console),
        Command::Merge(args) => merge::merge(&args, console),
        Command::Runs(args) => runs::runs(&args, console),
        Command::Show(args) => show::show(&args, console),
        Command::Doctor(args) => doctor::doctor(&args, console),
        Command::Sql(args) => sql::sql(&args, console),
        Command::Rm(args) => keep::rm(&args, console),
        Command::Rename(args) => keep::rename(&args, console),
        Command::Compact(args) => keep::compact(&args, console),
        Command::Migrate(args) => migrate::migrate(&args, console),
        Command::Data(args) => data::data(&args, console),
        Command::Completions(args) => pages::completions(&args),
        Command::Man(args) => pages::man(&args, console),
    }
}
