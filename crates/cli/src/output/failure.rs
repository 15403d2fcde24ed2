//! Why a command ended, and what to do: in words, or as JSON.

use super::SCHEMA;
use crate::args::Given;
use crate::error::CliError;
use crate::words::{VARIABLES, color_of, message, options, variable};
use clap::ColorChoice;
use clap::error::ErrorKind;
use landscape_core::{name_words, path_text};
use landscape_study::words::quoted;
use serde_json::json;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

/// Why a command ended.
pub(super) struct Failure {
    label: &'static str,
    what: String,
    /// What it is about; else what the message names first.
    place: Option<String>,
    remedy: Option<String>,
}

impl Failure {
    /// An error of a command, of which some options have their values from the environment.
    pub fn of(error: &CliError, given: &Given) -> Self {
        let label = match error {
            CliError::Interrupted { .. } => "interrupted",
            _ => "error",
        };
        let what = error.what();
        let named = { given.variables().into_iter() }.filter(|name| names(&what, name));
        let named = named.map(|name| format!("{name} in the environment names it"));
        let all: Vec<String> = error.remedy().into_iter().chain(named).collect();
        Failure {
            label,
            place: error.place(),
            remedy: (!all.is_empty()).then(|| message(&all.join("; "))),
            what: message(&what),
        }
    }

    /// Prints it on stderr, as one line of JSON or in words.
    pub fn print(&self, is_json: bool, color: ColorChoice) {
        let mut err = io::stderr();
        // Nobody is there to be told that stderr is gone.
        if is_json {
            let place = self.place.as_deref().or_else(|| place(&self.what));
            let error = json!({"what": self.what, "where": place, "remedy": self.remedy});
            let _ = writeln!(err, "{}", json!({"schema": SCHEMA, "error": error}));
            return;
        }
        let (start, end) = match is_colored(color) {
            true => ("\x1b[1;31m", "\x1b[0m"),
            false => ("", ""),
        };
        let _ = writeln!(err, "{start}{}:{end} {}", self.label, self.what);
        if let Some(remedy) = &self.remedy {
            let _ = writeln!(err, "  remedy: {remedy}");
        }
    }
}

/// Whether a message is about the value of a variable: a device, a file, or something in a folder.
fn names(what: &str, variable_name: &str) -> bool {
    let value = variable(variable_name).unwrap_or_default();
    let value = path_text(Path::new(&value));
    let ends = |c: char| c.is_whitespace() || "`'\",;()".contains(c);
    let named = |value: &str| {
        let mut rests = what.split(ends).filter_map(|word| word.strip_prefix(value));
        rests.any(|rest| rest.is_empty() || rest.starts_with([':', '/', '\\']))
    };
    value
        .split(',')
        .filter(|value| !value.is_empty())
        .any(named)
        || what.contains(&format!("`{value}`"))
}

/// What a message is about, as it names it first: a word in backticks, or an option.
fn place(what: &str) -> Option<&str> {
    let backtick = what.find('`').and_then(|start| {
        let rest = &what[start + 1..];
        Some((start, &rest[..rest.find('`')?]))
    });
    let option = what.match_indices('-').find_map(|(start, _)| {
        let before = what[..start].chars().next_back();
        let is_first = before.is_none_or(|c| c.is_whitespace() || "('".contains(c));
        let word = &what[start..];
        let end = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let word = &word[..end.unwrap_or(word.len())];
        let named = word
            .trim_start_matches('-')
            .starts_with(char::is_alphabetic);
        (is_first && named).then_some((start, word))
    });
    let found = [backtick, option].into_iter().flatten().min();
    found.map(|(_, word)| word)
}

/// Prints help, the version, or what is wrong with the words of a command line; gives the exit code.
pub fn unread(error: &clap::Error, words: &[OsString]) -> ExitCode {
    let is_json = options(words).any(|word| word == "--json");
    let asked = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    let missing = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if asked || (missing && !is_json) {
        // Whoever reads has had enough.
        let _ = error.print();
    } else {
        let text = match (missing, error.kind()) {
            (true, _) => "no command is given".to_owned(),
            (_, ErrorKind::InvalidUtf8) => not_utf8(words),
            _ => from_environment(&words_on_lines(&error.render().to_string()), words),
        };
        let text = text.strip_prefix("error:").unwrap_or(&text).trim();
        let failure = match is_json {
            true => apart(text),
            false => Failure {
                label: "error",
                what: message(text),
                place: None,
                remedy: None,
            },
        };
        failure.print(is_json, color_of(words));
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// A message of the parser with its remedies apart, without the usage.
fn apart(text: &str) -> Failure {
    let is_tip = |line: &&str| line.trim_start().starts_with("tip: ");
    let mut paragraphs = text.split("\n\n");
    let first = paragraphs.next().unwrap_or_default().lines();
    let what: Vec<&str> = first.map(str::trim).collect();
    let tips = paragraphs.flat_map(str::lines).filter(is_tip);
    let tips: Vec<&str> = tips
        .map(|line| line.trim().trim_start_matches("tip: "))
        .collect();
    Failure {
        label: "error",
        place: { text.strip_prefix("unrecognized subcommand '") }
            .and_then(|rest| rest.split('\'').next())
            .map(str::to_owned),
        what: message(&what.join(" ")),
        remedy: Some(match tips.is_empty() {
            true => "--help lists the options".to_owned(),
            false => message(&tips.join("; ")),
        }),
    }
}

/// Whether stderr is coloured.
fn is_colored(color: ColorChoice) -> bool {
    let plain = std::env::var_os("TERM").is_some_and(|name| name == "dumb");
    match color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => io::stderr().is_terminal() && variable("NO_COLOR").is_none() && !plain,
    }
}

/// What is wrong with words that are not UTF-8: those of the command line, else those of the environment.
fn not_utf8(words: &[OsString]) -> String {
    let bad = words.iter().filter(|word| word.to_str().is_none());
    let mut bad: Vec<String> = bad.map(|word| quoted(word)).collect();
    if bad.is_empty() {
        let values = VARIABLES.iter().map(|(_, name)| (name, variable(name)));
        let values = values.filter_map(|(name, value)| Some((name, value?)));
        let wrong = values.filter(|(_, value)| value.to_str().is_none());
        bad.extend(wrong.map(|(name, value)| format!("{name}={}", quoted(&value))));
    }
    let bad = bad.join(" ");
    format!(
        "{bad} is not UTF-8; that is allowed in names of files and folders, but not in other names and patterns"
    )
}

/// A message of the parser that says which values come from the environment.
fn from_environment(text: &str, words: &[OsString]) -> String {
    let mut text = text.to_owned();
    for (id, name) in VARIABLES {
        let long = format!("--{}", id.replace('_', "-"));
        let begins = |word: &OsString| word.as_encoded_bytes().starts_with(long.as_bytes());
        if variable(name).is_none() || options(words).any(begins) {
            continue;
        }
        let option = format!("for '{long} <");
        let end = text.find(&option).and_then(|start| {
            let rest = start + option.len();
            Some(rest + text[rest..].find('\'')? + 1)
        });
        if let Some(end) = end {
            text.insert_str(end, &format!(", from {name} in the environment"));
        }
    }
    text
}

/// The words of a command line that a message quotes, without ends of lines.
fn words_on_lines(text: &str) -> String {
    const QUOTED: [(&str, &str); 3] = [
        ("invalid value '", "' for '"),
        ("unexpected argument '", "' found"),
        ("unrecognized subcommand '", "'\n"),
    ];
    let quoted = |(before, after): (&str, &str)| {
        let start = text.find(before)? + before.len();
        let end = start + text[start..].find(after)?;
        Some(start..end)
    };
    match QUOTED.into_iter().find_map(quoted) {
        Some(range) => {
            let word = name_words(&text[range.clone()]);
            [&text[..range.start], &word, &text[range.end..]].concat()
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_is_about() {
        let cases = [
            ("cannot read `w.pt`: no such file", Some("w.pt")),
            (
                "--step has no effect here: it belongs to --run",
                Some("--step"),
            ),
            ("-o a.svg: nothing makes a figure", Some("-o")),
            ("invalid value '3' for '--norm <NAME>'", Some("--norm")),
            ("the grid: a range of -1:1 is too small", None),
            ("run `a-b` has no --x", Some("a-b")),
        ];
        for (what, expected) in cases {
            assert_eq!(place(what), expected, "{what}");
        }
    }

    #[test]
    fn messages_of_the_parser_come_apart() {
        let text = "invalid value 'a' for '--norm <NAME>'\n  [possible values: filter, layer]\n\n  tip: a similar \
                    value exists: 'layer'\n\nFor more information, try '--help'.";
        let failure = apart(text);
        let what = "invalid value 'a' for '--norm <NAME>' [possible values: filter, layer]";
        assert_eq!(failure.what, what);
        assert_eq!(failure.remedy.unwrap(), "a similar value exists: 'layer'");
    }
}
