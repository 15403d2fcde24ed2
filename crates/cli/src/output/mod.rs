//! What people and programs get to read.

mod command;
mod json;
mod progress;
mod table;

pub use command::command_line;
pub use json::{number, numbers};
pub use progress::Meter;
pub use table::{Align, Table};

use crate::args::OutputArgs;
use crate::error::CliError;
use serde_json::Value;
use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};

/// Version of the JSON that commands print.
pub const SCHEMA: u32 = 1;

/// Where results and words go.
#[derive(Debug, Clone)]
pub struct Console {
    json: bool,
    quiet: bool,
    verbose: bool,
    /// Whether results are printed at all.
    results: bool,
    command: String,
}

impl Console {
    pub fn new(args: &OutputArgs) -> Self {
        Console {
            json: args.json,
            quiet: args.quiet,
            verbose: args.verbose,
            results: true,
            command: command_line(std::env::args().skip(1)),
        }
    }

    /// For a command that is a part of another: it says nothing.
    pub fn within(&self, words: &[String]) -> Self {
        Console {
            json: false,
            quiet: true,
            verbose: false,
            results: false,
            command: command_line(words.iter().cloned()),
        }
    }

    /// The command as it would be typed.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// Something to know, on stderr.
    pub fn note(&self, words: impl Display) {
        if !self.quiet {
            let _ = writeln!(io::stderr(), "{words}");
        }
    }

    /// Something to know for those who asked for more.
    pub fn detail(&self, words: impl Display) {
        if self.verbose {
            self.note(words);
        }
    }

    /// The next command to try.
    pub fn next(&self, commands: &[String]) {
        if self.json || commands.is_empty() {
            return;
        }
        self.note("\nNext:");
        for command in commands {
            self.note(format_args!("  {command}"));
        }
    }

    /// A meter for work of many points.
    pub fn meter(&self, what: &str) -> Meter {
        Meter::new(what, self.quiet)
    }

    /// Why a command ended, what to do.
    pub fn error(&self, error: &CliError) {
        if error.is_quiet() {
            return;
        }
        let (start, end) = match color() {
            true => ("\x1b[1;31m", "\x1b[0m"),
            false => ("", ""),
        };
        let label = match error.code() {
            130 => "interrupted",
            _ => "error",
        };
        let mut err = io::stderr();
        let _ = writeln!(err, "{start}{label}:{end} {}", error.what());
        if let Some(remedy) = error.remedy() {
            let _ = writeln!(err, "  remedy: {remedy}");
        }
    }

    /// The result: as JSON where that was asked for, else in words.
    pub fn result(
        &self,
        json: impl FnOnce() -> Value,
        words: impl FnOnce() -> String,
    ) -> Result<(), CliError> {
        if !self.results {
            return Ok(());
        }
        match self.json {
            true => print(&format!("{:#}\n", with_schema(json()))),
            false => print(&words()),
        }
    }
}

/// Prints on stdout.
pub fn print(text: &str) -> Result<(), CliError> {
    stdout(|out| out.write_all(text.as_bytes()))
}

/// Writes to stdout.
pub fn stdout(
    write: impl FnOnce(&mut BufWriter<io::StdoutLock<'static>>) -> io::Result<()>,
) -> Result<(), CliError> {
    let mut out = BufWriter::new(io::stdout().lock());
    write(&mut out)
        .and_then(|()| out.flush())
        .map_err(CliError::Stdout)
}

fn with_schema(value: Value) -> Value {
    let mut whole = serde_json::Map::from_iter([("schema".to_owned(), SCHEMA.into())]);
    match value {
        Value::Object(fields) => whole.extend(fields),
        other => {
            whole.insert("result".to_owned(), other);
        }
    }
    Value::Object(whole)
}

/// Whether stderr may be coloured.
fn color() -> bool {
    let unset = |name| std::env::var_os(name).is_none_or(|value| value.is_empty());
    io::stderr().is_terminal() && unset("NO_COLOR")
}

/// Seconds in words, as short as is of use.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if !s.is_finite() => "unknown".to_owned(),
        s if s < 1.0 => format!("{s:.2} s"),
        s if s < 60.0 => format!("{s:.1} s"),
        s if s < 3600.0 => format!(
            "{:.0} min {:02.0} s",
            (s / 60.0).floor(),
            (s % 60.0).floor()
        ),
        s => format!(
            "{:.0} h {:02.0} min",
            (s / 3600.0).floor(),
            (s % 3600.0 / 60.0).floor()
        ),
    }
}

/// Bytes in words.
pub fn size(bytes: u64) -> String {
    match bytes as f64 {
        b if b < 1e3 => format!("{b} B"),
        b if b < 1e6 => format!("{:.1} kB", b / 1e3),
        b if b < 1e9 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.1} GB", b / 1e9),
    }
}

/// A number in few digits.
pub fn short(value: f64) -> String {
    match value.abs() {
        _ if !value.is_finite() => value.to_string(),
        0.0 => "0".to_owned(),
        size if !(1e-3..1e5).contains(&size) => format!("{value:.3e}"),
        _ => {
            let digits = (4 - value.abs().log10().floor() as i32 - 1).clamp(0, 6) as usize;
            format!("{value:.digits$}")
        }
    }
}
