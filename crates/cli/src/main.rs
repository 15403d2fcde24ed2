//! The `landscape` command: parses, checks, calls the libraries, prints.
//!
//! Results go to stdout, everything else to stderr. Exit codes: 0 done; 1 failed while it ran, or a stated
//! condition does not hold; 2 wrong use or wrong input; 128 and the number of the signal (130 Ctrl-C, 143
//! SIGTERM, 129 SIGHUP) where one stopped it after what was done had been saved.

mod args;
mod commands;
mod error;
mod inputs;
mod interrupt;
mod limits;
mod output;
mod words;

use std::process::ExitCode;

fn main() -> ExitCode {
    interrupt::large_files_are_errors();
    let words: Vec<_> = std::env::args_os().collect();
    let (cli, given) = match args::Cli::read(&words) {
        Ok(read) => read,
        Err(error) => return output::unread(&error, &words),
    };
    let console = output::Console::new(&cli.output, words.into_iter().skip(1).collect());
    if let Some(size) = cli.max_memory {
        landscape_files::allow_memory(size.0);
    }
    match args::check(&given).and_then(|()| commands::dispatch(cli.command, &console)) {
        Ok(()) => {
            console.finish();
            ExitCode::SUCCESS
        }
        Err(error) => {
            console.error(&error, &given);
            ExitCode::from(error.code())
        }
    }
}
