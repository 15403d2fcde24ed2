//! What people and programs get to read.

mod failure;
mod json;
mod progress;

pub use crate::words::Typed;
pub use failure::unread;
pub use json::{Added, path_json};

use crate::args::{Given, OutputArgs};
use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::words::{self, DB, command_line, variable};
use clap::ColorChoice;
use failure::Failure;
use landscape_core::{path_words, short};
use landscape_study::figures::HiddenDetail;
use landscape_study::report::{Level, Reporter};
use progress::Meter;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::mem::take;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Version of the JSON that commands print.
pub const SCHEMA: u32 = 1;

/// Where results and words go.
#[derive(Debug, Clone)]
pub struct Console {
    json: bool,
    color: ColorChoice,
    quiet: bool,
    verbose: bool,
    command: String,
    /// The words of the command, without the name of the program.
    words: Vec<OsString>,
    /// What need not be said again.
    said: Arc<Mutex<BTreeSet<String>>>,
    /// What is said at the end, where an error is to stand alone.
    held: Option<Arc<Mutex<Vec<String>>>>,
}

impl Console {
    /// For a command in these words, the name of the program apart.
    pub fn new(args: &OutputArgs, words: Vec<OsString>) -> Self {
        Console {
            json: args.json,
            color: args.color,
            quiet: args.quiet,
            verbose: args.verbose,
            command: command_line(&words),
            words,
            said: Arc::default(),
            // A program that reads JSON gets an error as the only thing on stderr.
            held: (args.json && !io::stderr().is_terminal()).then(Arc::default),
        }
    }

    /// The command as it would be typed.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// The command to be typed once more, without some of its options, which are those that take a value.
    pub fn again(&self, without: &[&str]) -> Typed {
        Typed::again(&self.words, without)
    }

    /// Something to know, on stderr.
    pub fn note(&self, words: impl Display) {
        self.say(Level::Note, &words);
    }

    fn hears(&self, level: Level) -> bool {
        !self.quiet && (level > Level::Detail || self.verbose)
    }

    fn write(&self, words: &dyn Display) {
        let words = words.to_string();
        let words = words::plain(&words);
        match &self.held {
            Some(held) => unpoisoned(held).push(words.into()),
            // Nobody is there to be told that stderr is gone.
            None => drop(writeln!(io::stderr(), "{words}")),
        }
    }

    /// Says what was held back, where the command did what it should.
    pub fn finish(&self) {
        for words in self
            .held
            .iter()
            .flat_map(|held| take(&mut *unpoisoned(held)))
        {
            let _ = writeln!(io::stderr(), "{words}");
        }
    }

    /// The next commands to try on a database.
    pub fn next(&self, db: &Path, commands: impl IntoIterator<Item = Typed>) {
        let named = variable(DB).is_some();
        let typed = |command: Typed| command.db(db, named).to_string();
        self.suggest(commands.into_iter().map(typed));
    }

    /// What to do next.
    pub fn suggest(&self, commands: impl IntoIterator<Item = String>) {
        let mut commands = commands.into_iter().peekable();
        if self.json || commands.peek().is_none() {
            return;
        }
        self.note("\nNext:");
        commands.for_each(|command| self.note(format_args!("  {command}")));
    }

    /// Why a command ended, what to do; some of its options may have their values from the environment.
    pub fn error(&self, error: &CliError, given: &Given) {
        if !error.is_quiet() {
            Failure::of(error, given).print(self.json, self.color);
        }
    }

    /// A result of the library: as JSON where that was asked for, else in its words.
    pub fn tell(&self, found: &(impl Serialize + Display)) -> Result<(), CliError> {
        self.tell_with(found, Added::default())
    }

    /// The same with what the command adds to it.
    pub fn tell_with(
        &self,
        found: &(impl Serialize + Display),
        added: Added<'_>,
    ) -> Result<(), CliError> {
        self.result(
            || added.to(json!(found)),
            || {
                let files = added.files.unwrap_or_default().iter();
                let line = |path| format!("{}\n", path_words(path));
                files.fold(found.to_string(), |text, path| text + &line(path))
            },
        )
    }

    /// The result: as JSON where that was asked for, else in words.
    pub fn result(
        &self,
        json: impl FnOnce() -> Value,
        words: impl FnOnce() -> String,
    ) -> Result<(), CliError> {
        match self.json {
            true => print(&format!("{:#}\n", with_schema(json()))),
            false => print(&words::plain(&words())),
        }
    }
}

/// What is behind a lock: taking it leaves nothing half done, so that a panic elsewhere spoils nothing.
fn unpoisoned<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Reporter for Console {
    fn say(&self, level: Level, words: &dyn Display) {
        if self.hears(level) {
            self.write(words);
        }
    }

    fn say_once(&self, level: Level, words: &dyn Display) {
        if self.hears(level) && unpoisoned(&self.said).insert(words.to_string()) {
            self.write(words);
        }
    }

    fn hears_details(&self) -> bool {
        self.hears(Level::Detail)
    }

    fn meter(&self, what: &str, at_most: bool) -> Box<dyn landscape_study::report::Meter> {
        let quiet = self.quiet || self.held.is_some();
        Box::new(Meter::new(what, at_most, quiet))
    }

    fn cancelled(&self) -> bool {
        Interrupt::listen().raised()
    }
}

/// What writes a part of a result.
pub type Writes<'a> = &'a dyn Fn(&mut dyn Write) -> io::Result<()>;

impl Console {
    /// A result of any size, which is written as it is made: as JSON where that was asked for, else in words.
    pub fn large_result(&self, json: Writes<'_>, words: Writes<'_>) -> Result<(), CliError> {
        match self.json {
            true => stdout(|out| json(out)),
            false => stdout(|out| words(out)),
        }
    }
}

/// Says which pictures show a few huge values and hardly anything else, and what shows the others.
pub fn say_hidden(hidden: &[HiddenDetail], console: &Console) {
    for detail in hidden {
        let log = if detail.log { "--log or " } else { "" };
        let (words, top) = (detail.words(), short(detail.top));
        console.note(format_args!("{words}; {log}--clip {top} shows them"));
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

#[cfg(test)]
mod tests {
    use super::*;
    use landscape_study::report::Quiet;

    #[test]
    fn a_warning_is_said_once() {
        for quiet in [false, true] {
            let args = OutputArgs {
                json: false,
                quiet,
                verbose: false,
                color: ColorChoice::Auto,
            };
            let console = Console::new(&args, Vec::new());
            console.say_once(Level::Warning, &"warning: slow");
            Quiet(&console).say_once(Level::Warning, &"warning: slow");
            console.say_once(Level::Detail, &"not heard");
            assert_eq!(unpoisoned(&console.said).len(), usize::from(!quiet));
        }
    }
}
