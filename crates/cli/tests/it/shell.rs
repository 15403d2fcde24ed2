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

/// What is suggested after runs that are too small or too broken for the usual, and after several, works too.
#[test]
fn suggested_commands_succeed() {
    let bench = Bench::trained();
    bench.ok("train --model mlp:2-8-4-1 --data moons --epochs 20 --seed 7 --name b");
    let train = "train --model mlp:2-8-4-1 --data moons";
    for words in [
        &format!("{train} --epochs 0 --name zero"),
        &format!("{train} --epochs 1 --every 100 --name two"),
        &format!("{train} --epochs 3 --lr 1e30 --name diverged"),
        "line --run moons --grid 1 --name a",
        "surface --run moons --grid 1x3 --name c",
        "volume --run moons --grid 3x3x1 --name d",
        "volume --run moons --grid 1 --name e",
        "trajectory --run moons --grid 1 --name f",
        "trajectory --run moons --run b --name g",
        "trajectory --run moons --components 3 --grid 3 --name h",
        "connect --run moons --run b --points 5 --curve bezier --epochs 1 --grid 1 --name i",
        "compare moons b --grid 1 --end-grid 1 --no-curvature --name j",
        "hessian --run moons --all-steps --top 1 --name k",
        "hessian --run moons --all-steps --trace --name l",
        "hessian --run moons --all-steps --density --probes 2 --lanczos-steps 5 --name m",
        "hessian --run moons --map --grid 1 --name n",
        "hessian --run moons --map --grid 2 --top 1 --name o",
        "hessian --run moons --per-layer --name p",
    ] {
        let said = bench.ok(words);
        for line in next(&said) {
            let line = line.replace("--grid 51", "--grid 3");
            type_in(&bench, &format!("rm -f ./*.svg ./*.html; {line}"));
        }
    }
    bench.ok("plot k l m o -o page.html");
    bench.ok("plot m -o several.svg");
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
