//! What is asked for outside a command's own options: variables of the environment, and colours.

use clap::ColorChoice;
use std::ffi::OsString;

/// The database.
pub const DB: &str = "LANDSCAPE_DB";
/// Where the loss is evaluated.
pub const DEVICE: &str = "LANDSCAPE_DEVICE";
/// Threads of the device `cpu`.
pub const THREADS: &str = "LANDSCAPE_THREADS";
/// Folder of standard data sets.
pub const DATA_DIR: &str = "LANDSCAPE_DATA_DIR";

/// The instructions of the device `cpu`.
const SIMD: &str = "LANDSCAPE_SIMD";

/// Options by their names in the definition of the command line, and the variables that set their usual values.
pub const VARIABLES: [(&str, &str); 4] = [
    ("db", DB),
    ("device", DEVICE),
    ("threads", THREADS),
    ("data_dir", DATA_DIR),
];

/// The value of a variable; an empty one is as good as none.
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The variables that change what a command does, where they are set, with their values.
pub fn own_variables() -> Vec<(OsString, OsString)> {
    let names = VARIABLES.iter().map(|(_, name)| *name).chain([SIMD]);
    let set = names.filter_map(|name| Some((name.into(), variable(name)?)));
    set.collect()
}

/// The words that can be options.
pub fn options(words: &[OsString]) -> impl Iterator<Item = &OsString> {
    words.iter().skip(1).take_while(|word| *word != "--")
}

/// The colours that a command line asks for.
pub fn color_of(words: &[OsString]) -> ColorChoice {
    let mut asked = "";
    let mut rest = options(words).filter_map(|word| word.to_str());
    while let Some(word) = rest.next() {
        asked = match word.strip_prefix("--color") {
            Some("") => rest.next().unwrap_or_default(),
            Some(value) => value.trim_start_matches('='),
            None => asked,
        };
    }
    match asked {
        "always" => ColorChoice::Always,
        "never" => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_that_are_asked_for() {
        let of = |line: &str| color_of(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(of("landscape runs --color never"), ColorChoice::Never);
        assert_eq!(of("landscape --color=always runs"), ColorChoice::Always);
        assert_eq!(of("landscape runs -- --color=always"), ColorChoice::Auto);
    }
}
