//! The commands know none of each other: what several need is in a library, or among the words that several print.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn no_command_knows_another() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands");
    let mut files = Vec::new();
    collect(&root, &mut files);
    // The list of all commands knows each of them.
    files.retain(|file| *file != root.join("mod.rs"));
    let inside = |file: &PathBuf| file.strip_prefix(&root).expect("inside").to_owned();
    let commands: BTreeSet<String> = files.iter().map(|file| command(&inside(file))).collect();
    assert!(commands.len() > 15, "{commands:?}");
    let mut wrong = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).expect("UTF-8");
        let place = inside(file);
        for other in known(&text, &place) {
            if commands.contains(&other) && other != command(&place) {
                wrong.push(format!("{} knows {other}", place.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn commands_that_are_known_are_found() {
    let text = "use super::plot::{draw, Target};\nuse crate::commands::{diagnose::brief, runs};\n\
                fn f() { super::show::g(); } // super::sql\nuse super::super::train;\n";
    let of = |place: &str| {
        known(text, Path::new(place))
            .into_iter()
            .collect::<Vec<_>>()
    };
    assert_eq!(of("demo.rs"), ["diagnose", "plot", "runs", "show", "super"]);
    assert_eq!(of("demo/steps.rs"), ["diagnose", "runs", "train"]);
    assert_eq!(of("demo/mod.rs"), of("demo.rs"));
}

/// The command that a file belongs to: the first name of its path.
fn command(place: &Path) -> String {
    let first = place.components().next().expect("a name");
    let name = Path::new(first.as_os_str()).file_stem();
    name.and_then(|name| name.to_str())
        .expect("UTF-8")
        .to_owned()
}

/// The names in the module of all commands that a source uses.
fn known(text: &str, place: &Path) -> BTreeSet<String> {
    let lines = text.lines();
    let lines = lines.map(|line| line.split("//").next().unwrap_or_default());
    let code = lines.collect::<Vec<_>>().join("\n");
    let is_folder = place.file_name().is_some_and(|name| name == "mod.rs");
    let depth = place.components().count() - usize::from(is_folder);
    let up = "super::".repeat(depth);
    let mut names = BTreeSet::new();
    for start in ["crate::commands::".to_owned(), up] {
        for (at, _) in code.match_indices(&start) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            names.extend(first_words(&code[at + start.len()..]));
        }
    }
    names
}

/// The first word of a path, or of each part of a group in braces.
fn first_words(path: &str) -> Vec<String> {
    let Some(group) = path.strip_prefix('{') else {
        return vec![word(path)];
    };
    let (mut depth, mut part, mut words) = (0, String::new(), Vec::new());
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => words.push(word(part.split_off(0).trim())),
            c => part.push(c),
        }
    }
    words.push(word(part.trim()));
    words
}

fn word(text: &str) -> String {
    let letters = text.chars();
    letters
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}
