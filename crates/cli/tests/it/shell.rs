//! Commands that are suggested can be typed as they stand; nothing in a message steers the terminal.
#![cfg(unix)]

use crate::support::{Bench, PROGRAM, Said};
use std::process::Command;

/// Names that a shell would take for something else.
const NAMES: [&str; 7] = [
    "a b",
    "it's",
    "$(touch hacked)",
    "`x`",
    "-x",
    "a;b&c|d>e",
    "\"q\" \\ * ~",
];

fn run(bench: &Bench, words: &[&str]) -> Said {
    Said::of(bench.command("").args(words).output().unwrap())
}

/// The commands below `Next:`.
fn next(said: &Said) -> Vec<String> {
    let lines = said.err.lines().skip_while(|line| *line != "Next:").skip(1);
    lines.map(|line| line.trim().to_owned()).collect()
}

#[track_caller]
fn type_in(bench: &Bench, line: &str) {
    let script = format!("landscape() {{ '{PROGRAM}' \"$@\"; }}\n{line}");
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(bench.path("."))
        .output();
    let said = Said::of(output.unwrap());
    assert_eq!(said.code, 0, "{line}\n{}{}", said.out, said.err);
}

#[test]
fn suggested_commands_are_whole_and_quoted() {
    for name in NAMES {
        let bench = Bench::new();
        let named = format!("--name={name}");
        let db = "my data.duckdb";
        let train = [
            "train",
            "--model",
            "mlp:2-4-1",
            "--data",
            "moons",
            "--epochs",
            "4",
            "--db",
            db,
        ];
        let said = run(&bench, &[&train[..], &[&named]].concat());
        assert_eq!(said.code, 0, "{}", said.err);
        let lines = next(&said);
        assert_eq!(lines.len(), 3, "{}", said.err);
        for line in &lines {
            let line = line.replace("--grid 51", "--grid 3");
            assert!(line.contains("--db 'my data.duckdb'"), "{line}");
            type_in(&bench, &line);
        }
        let of_run = format!("--run={name}");
        for words in [
            &["surface", "--grid=3"][..],
            &["trajectory"],
            &["hessian", "--top=1"],
        ] {
            let words = [words, &[&of_run, "--db", db, "--name=other"]].concat();
            let said = run(&bench, &[&words[..], &["--force"]].concat());
            assert_eq!(said.code, 0, "{}", said.err);
            let lines = next(&said);
            assert!(!lines.is_empty(), "{}", said.err);
            for line in lines {
                assert!(!line.contains("..."), "{line}");
                type_in(
                    &bench,
                    &format!("rm -f ./*.svg; {}", line.replace("--grid 51", "--grid 3")),
                );
            }
        }
        assert!(!bench.path("hacked").exists());
    }
}

#[test]
fn nothing_steers_the_terminal() {
    let bench = Bench::trained();
    let name = "a\u{1b}[31mred\u{7}\u{9b}2J";
    for words in [
        &["metrics", name][..],
        &["surface", "--run", name],
        &["surface", "--run=moons", "--name", name],
        &["surface", "--model", name, "--data", "moons"],
        &["surface", "--run=moons", "--grid", name],
        &["plot", "moons", "-o", name],
        &["import", name],
        &["train", "--model=mlp:2-4-1", "--data", name],
        &["runs", "--db", name],
        &[name],
    ] {
        let said = run(&bench, words);
        assert_eq!(said.code, 2, "{words:?}");
        let steers = |c: char| c.is_control() && c != '\n';
        assert!(!said.err.contains(steers), "{words:?}: {:?}", said.err);
    }
}

#[test]
fn a_mistyped_name_is_recognised() {
    let bench = Bench::trained();
    let message = bench.fails("surface --run moon");
    assert!(message.contains("did you mean `moons`?"), "{message}");
    let message = bench.fails("surface --run nothing-like-it");
    assert!(message.contains("`landscape runs` lists them"), "{message}");
    std::fs::rename(bench.path("landscape.duckdb"), bench.path("a b.duckdb")).unwrap();
    let said = run(&bench, &["metrics", "moon", "--db", "a b.duckdb"]);
    assert!(
        said.err
            .contains("`landscape runs --db 'a b.duckdb'` lists all"),
        "{}",
        said.err
    );
}
