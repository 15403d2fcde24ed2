//! Commands as they would be typed: pages and programs show them to people who have the command line.
//!
//! ```
//! use landscape_study::command::Typed;
//! use landscape_study::runs::LandscapeRequest;
//! use std::path::Path;
//!
//! let mut request = LandscapeRequest::default();
//! request.network.run = Some("moons".to_owned());
//! request.grid.ranges = Some(vec![(-1.0, 1.0)]);
//! let typed = Typed::landscape(&request).db(Path::new("a b.duckdb"), false);
//! assert_eq!(
//!     typed.to_string(),
//!     "landscape surface --run moons --range=-1:1 --seed 42 --db 'a b.duckdb'"
//! );
//! ```

mod requests;

use crate::files::as_file;
use crate::record::DataSource;
use crate::words::quoted;
use landscape_core::text_path;
use landscape_models::Split;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;

/// The database that is used where none is named.
pub const DATABASE: &str = "landscape.duckdb";

/// A command as it would be typed, without the name of the program.
pub fn command_line<W: AsRef<OsStr>>(words: impl IntoIterator<Item = W>) -> String {
    let words = words.into_iter().map(|word| quoted(word.as_ref()));
    let words: Vec<String> = std::iter::once("landscape".to_owned())
        .chain(words)
        .collect();
    words.join(" ")
}

/// A command to suggest. However names and files are called, they are taken for what they are.
#[derive(Debug, Clone)]
pub struct Typed {
    words: Vec<OsString>,
    /// What stands without an option.
    names: Vec<OsString>,
    /// Whether it is the command that was typed, which names its database where it has to.
    again: bool,
    /// What it does, where that needs a word.
    remark: Option<&'static str>,
}

impl Typed {
    /// A command without options.
    pub fn new(command: &str) -> Self {
        Typed {
            words: vec![command.into()],
            names: Vec::new(),
            again: false,
            remark: None,
        }
    }

    /// The same command as was typed, without some of its options, which are those that take a value.
    pub fn again(words: &[OsString], without: &[&str]) -> Self {
        let mut typed = Typed {
            words: Vec::new(),
            names: Vec::new(),
            again: true,
            remark: None,
        };
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if word == "--" {
                typed.names.extend(rest.by_ref().cloned());
            } else if without.iter().any(|&option| word == option) {
                rest.next();
            } else if !without.iter().any(|option| begins(word, option)) {
                typed.words.push(word.clone());
            }
        }
        typed
    }

    /// Adds what stands without an option, as a run to draw.
    #[must_use]
    pub fn name(mut self, name: impl AsRef<OsStr>) -> Self {
        self.names.push(name.as_ref().to_owned());
        self
    }

    /// Adds an option with its value.
    #[must_use]
    pub fn option(mut self, option: &str, value: impl AsRef<OsStr>) -> Self {
        let value = value.as_ref();
        let mut word = OsString::from(option);
        match value.as_encoded_bytes().first() {
            // It would be taken for an option.
            Some(b'-') => {
                word.push("=");
                word.push(value);
                self.words.push(word);
            }
            _ => self.words.extend([word, value.to_owned()]),
        }
        self
    }

    /// Adds the options that ask for these data.
    #[must_use]
    pub fn data(self, source: &DataSource) -> Self {
        let mut typed = self.option("--data", text_path(&source.spec.to_string()));
        if let Some(dir) = &source.dir {
            typed = typed.option("--data-dir", dir);
        }
        if source.split != Split::default() {
            typed = typed.option("--split", source.split.name());
        }
        match source.samples {
            Some(samples) => typed.option("--samples", samples.to_string()),
            None => typed,
        }
    }

    /// A figure of a run, in a file of its name.
    pub fn plot(run: &str, ending: &str) -> Self {
        let file = format!("{}.{ending}", as_file(run));
        Typed::new("plot").name(run).option("-o", file)
    }

    /// All words, without the name of the program.
    pub fn words(&self) -> Vec<OsString> {
        let dash = |name: &OsString| name.as_encoded_bytes().first() == Some(&b'-');
        let (mut first, mut last) = (Vec::new(), Vec::new());
        match self.names.iter().chain(self.words.first()).any(dash) {
            true => last.extend(std::iter::once(OsString::from("--")).chain(self.names.clone())),
            false => first.clone_from(&self.names),
        }
        // A name stands right after the command, as people write it.
        let (command, options) = self.words.split_at(self.words.len().min(1));
        [command, &first, options, &last].concat()
    }

    /// Adds an option without a value.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.words.push(flag.into());
        self
    }

    /// Says what it does.
    #[must_use]
    pub fn remark(mut self, words: &'static str) -> Self {
        self.remark = Some(words);
        self
    }

    /// Adds the database, where it is not the usual one, or the usual one is another where the command is typed.
    #[must_use]
    pub fn db(self, db: &Path, always: bool) -> Self {
        match self.again || (db.as_os_str() == DATABASE && !always) {
            true => self,
            false => self.option("--db", db),
        }
    }
}

/// Whether a word is an option together with its value, as in `--name=plane`.
fn begins(word: &OsStr, option: &str) -> bool {
    let rest = word.as_encoded_bytes().strip_prefix(option.as_bytes());
    let short = !option.starts_with("--");
    rest.is_some_and(|rest| short || rest.first() == Some(&b'='))
}

impl fmt::Display for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&command_line(self.words()))?;
        match self.remark {
            Some(remark) => write!(f, "    # {remark}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_not_taken_for_options() {
        let typed = Typed::new("plot").name("plane").option("-o", "plane.svg");
        assert_eq!(typed.to_string(), "landscape plot plane -o plane.svg");
        let typed = Typed::new("plot").name("-x").option("--output", "-x.svg");
        assert_eq!(typed.to_string(), "landscape plot --output=-x.svg -- -x");
    }

    #[test]
    fn a_command_once_more_with_other_options() {
        let words = [
            "hessian", "--run", "a", "--name=c", "-o", "x.svg", "--name", "d", "--top=1",
        ];
        let words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
        let typed = Typed::again(&words, &["--name", "-o"]).flag("--density");
        assert_eq!(
            typed.to_string(),
            "landscape hessian --run a --top=1 --density"
        );
    }
}
