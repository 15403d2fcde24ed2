//! What users read: plain English in the literals of all crates, and no commands or options of the command line in
//! those of libraries.

use std::path::{Path, PathBuf};

/// Turns of phrase that are not English, or not plain. After `is no` and `are no` stand the words that may follow.
const PHRASES: &[&str] = &[
    "where absent",
    "not known here",
    "a share of",
    "something else than",
    "the one that is meant",
    "goes on after",
    "is taken for",
];

/// What may stand before `is no` and `are no`, and after it.
const THERE: &[&str] = &["there", "There"];
const FOLLOW: &[&str] = &["longer", "more", "other"];

#[test]
fn messages_are_plain_english() {
    let mut wrong = Vec::new();
    for (file, words) in all_literals(|_| true) {
        let phrase = PHRASES.iter().find(|&&phrase| words.contains(phrase));
        if phrase.is_some() || has_archaic_no(&words) {
            wrong.push(format!("{}: {words}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What engines run, and what requests are typed as, are command lines, which are no messages.
const COMMANDS: [&str; 2] = ["crates/study/src/submit/engine", "crates/study/src/command"];

/// A Rust user has no command line: its words are added where the commands are.
#[test]
fn libraries_name_no_commands_and_no_options() {
    let mut wrong = Vec::new();
    for (file, words) in all_literals(|name| name != "cli") {
        let option = words.split([' ', '`', '(', '"']).any(|word| {
            let rest = word.strip_prefix("--");
            rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))
        });
        let file = file.to_string_lossy().replace('\\', "/");
        let is_message = !COMMANDS.iter().any(|folder| file.contains(folder));
        if is_message && (option || words.contains("`landscape ")) {
            wrong.push(format!("{file}: {words}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn literals_and_phrases_are_found() {
    let source = r##"
        const A: &str = "a \"b\" \
                         c"; // "not this"
        let c = ('"', 'x', "d'", b"raw"); let r = r#"e "f""#;
        fn f<'a>(x: &'a str) { g("h"); }
        #[cfg(test)]
        mod tests { const T: &str = "not this"; }
    "##;
    let expected = ["a \\\"b\\\" c", "d'", "raw", "e \"f\"", "h"];
    assert_eq!(literals(source), expected);
    assert!(has_archaic_no("it is no ONNX model"));
    assert!(has_archaic_no("they are no tokens"));
    assert!(!has_archaic_no("there are no runs"));
    assert!(!has_archaic_no("it is no longer there"));
    assert!(!has_archaic_no("the archive is not one"));
}

fn has_archaic_no(words: &str) -> bool {
    let words: Vec<&str> = words.split_whitespace().collect();
    words.windows(2).enumerate().any(|(at, pair)| {
        let before = at.checked_sub(1).map_or("", |at| words[at]);
        let after = words.get(at + 2).copied().unwrap_or_default();
        matches!(pair, ["is" | "are", "no"])
            && !after.is_empty()
            && !THERE.contains(&before.trim_matches(|c: char| !c.is_alphabetic()))
            && !FOLLOW.contains(&after)
    })
}

/// The literals in the sources of the crates whose names are chosen, without those of tests.
fn all_literals(chosen: impl Fn(&str) -> bool) -> Vec<(PathBuf, String)> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(crates).expect("crates") {
        let path = entry.expect("readable").path();
        let name = path.file_name().and_then(|name| name.to_str());
        if !name.is_some_and(&chosen) {
            continue;
        }
        let mut files = Vec::new();
        crate::rooms::collect(&path.join("src"), &mut files);
        files.retain(|file| file.file_stem().is_none_or(|stem| stem != "tests"));
        for file in files {
            let text = std::fs::read_to_string(&file).expect("UTF-8");
            all.extend(
                literals(&text)
                    .into_iter()
                    .map(|words| (file.clone(), words)),
            );
        }
    }
    assert!(all.len() > 1000, "{} literals", all.len());
    all
}

/// The literals of a source as they are written there, on one line each, up to its tests.
fn literals(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]\n").next().unwrap_or_default();
    let (mut rest, mut all) = (source, Vec::new());
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let (before, from) = rest.split_at(at);
        rest = if from.starts_with("//") {
            from.find('\n').map_or("", |end| &from[end..])
        } else if let Some(text) = from.strip_prefix('"') {
            let hashes = before.len() - before.trim_end_matches('#').len();
            let is_raw = before[..before.len() - hashes].ends_with('r') && !before.ends_with("for");
            let end = match is_raw {
                true => text.find(&format!("\"{}", "#".repeat(hashes))),
                false => plain_end(text),
            };
            let end = end.expect("a literal ends");
            all.push(on_one_line(&text[..end]));
            &text[end + 1..]
        } else if let Some(text) = from.strip_prefix('\'') {
            // A character, or the name of a lifetime.
            let mut chars = text.char_indices();
            let first = chars.next().map(|(_, c)| c);
            let start = if first == Some('\\') { 2 } else { 0 };
            match (first, text[start.min(text.len())..].find('\'')) {
                (Some('\\'), Some(end)) => &text[start + end + 1..],
                (Some(c), _) if text[c.len_utf8()..].starts_with('\'') => &text[c.len_utf8() + 1..],
                _ => text,
            }
        } else {
            &from[1..]
        };
    }
    all
}

/// Where a literal ends that has escapes.
fn plain_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at)
    })
}

fn on_one_line(text: &str) -> String {
    let lines = text.split("\\\n");
    let lines = lines
        .enumerate()
        .map(|(i, line)| if i == 0 { line } else { line.trim_start() });
    lines.collect()
}
