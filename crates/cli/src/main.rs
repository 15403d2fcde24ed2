//! The `landscape` command: parses, checks, calls the libraries, prints.
//!
//! Results go to stdout, everything else to stderr. Exit codes: 0 done; 2 wrong use or a run-time
//! error; 130 stopped by Ctrl-C after what was done has been saved.

mod args;
mod commands;
mod error;
mod inputs;
mod output;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let console = output::Console::new(&cli.output);
    match commands::dispatch(cli.command, &console) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console.error(&error);
            ExitCode::from(error.code())
        }
    }
}
