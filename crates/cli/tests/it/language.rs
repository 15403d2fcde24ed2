//! What is the same for all commands: variables of the environment, errors as JSON, colours, help and version.

use crate::support::{Bench, Said};
use serde_json::Value;

const MOONS: &str = "line --model mlp:2-4-1 --data moons:n=20 --grid 3";

fn run(bench: &Bench, words: &str, variables: &[(&str, &str)]) -> Said {
    let mut command = bench.command(words);
    command.envs(variables.iter().copied());
    Said::of(command.output().unwrap())
}

#[test]
fn variables_stand_for_options() {
    let bench = Bench::new();
    let set = [
        ("LANDSCAPE_DB", "other.duckdb"),
        ("LANDSCAPE_THREADS", "1"),
        ("LANDSCAPE_DEVICE", "cpu,flex"),
        ("LANDSCAPE_DATA_DIR", "nowhere"),
    ];
    // Moons have no folder: a variable that has no effect is not a mistake, as an option would be.
    let said = run(&bench, &format!("{MOONS} --name a"), &set);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(bench.files(), ["other.duckdb"]);
    assert!(said.err.contains("--db other.duckdb"), "{}", said.err);
    // What is typed counts.
    let said = run(&bench, &format!("{MOONS} --db typed.duckdb"), &set);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(bench.files(), ["other.duckdb", "typed.duckdb"]);
    // An empty variable is as good as none.
    let empty = set.map(|(name, _)| (name, ""));
    let said = run(&bench, MOONS, &empty);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(bench.path("landscape.duckdb").exists());
}

#[test]
fn wrong_variables_are_named() {
    let bench = Bench::new();
    let cases = [
        ("LANDSCAPE_THREADS", "many", MOONS, "from LANDSCAPE_THREADS"),
        (
            "LANDSCAPE_THREADS",
            "-1",
            "diagnose a",
            "from LANDSCAPE_THREADS",
        ),
        ("LANDSCAPE_DEVICE", "tpu", MOONS, "from LANDSCAPE_DEVICE"),
        (
            "LANDSCAPE_DB",
            "nowhere/a.duckdb",
            "runs",
            "LANDSCAPE_DB in the environment names it",
        ),
        (
            "LANDSCAPE_DATA_DIR",
            "nowhere",
            "train --model mlp:784-4-10 --data mnist",
            "LANDSCAPE_DATA_DIR in the environment names it",
        ),
    ];
    for (name, value, words, expected) in cases {
        let said = run(&bench, words, &[(name, value)]);
        assert_eq!(said.code, 2, "{name}={value}: {}", said.err);
        assert!(said.err.contains(expected), "{name}={value}: {}", said.err);
    }
    let said = run(
        &bench,
        &format!("{MOONS} --threads 1"),
        &[("LANDSCAPE_THREADS", "many")],
    );
    assert_eq!(said.code, 0, "{}", said.err);
}

/// An error as JSON: its parts. Nothing else is said.
#[track_caller]
fn error(bench: &Bench, words: &str, code: i32) -> [Value; 3] {
    let said = bench.run(words);
    assert_eq!((said.code, &said.out[..]), (code, ""), "{}", said.err);
    let whole: Value = serde_json::from_str(&said.err).expect(&said.err);
    assert_eq!(whole["schema"], 1);
    ["what", "where", "remedy"].map(|part| whole["error"][part].clone())
}

#[test]
fn errors_are_json_where_results_are() {
    let bench = Bench::trained();
    let cases = [
        (
            "plot nosuch -o a.svg --json",
            "nosuch",
            "`landscape runs` lists",
        ),
        (
            "line --run moons --grid 3 --norm best --json",
            "--norm",
            "--help",
        ),
        (
            "line --json --run moons --nrom filter",
            "--nrom",
            "'--norm'",
        ),
        (
            "surface --run moons --orthogonal --data-dir x --json",
            "--data-dir",
            "leave",
        ),
        (
            "line --model mlp:2-4-1 --weights w.pt --data moons --json",
            "w.pt",
            "check the path",
        ),
        (
            "runs --db nowhere.duckdb --json",
            "nowhere.duckdb",
            "landscape train",
        ),
        ("nonsense --json", "nonsense", "--help"),
    ];
    for (words, expected, remedy) in cases {
        let [what, place, told] = error(&bench, words, 2);
        assert!(!what.as_str().unwrap().is_empty());
        assert!(
            place.as_str().is_some_and(|place| place.contains(expected)),
            "{words}: {what} {place}"
        );
        assert!(
            told.as_str().is_some_and(|told| told.contains(remedy)),
            "{words}: {told}"
        );
    }
    // What was said before is not said beside an error; where there is none it is.
    error(
        &bench,
        "line --model mlp:2-4-1 --data moons --grid 3 --to w.pt --json",
        2,
    );
    let said = bench.ok("line --model mlp:2-4-1 --data moons --grid 3 --json");
    assert!(said.err.contains("initial parameters"), "{}", said.err);
    // A condition that does not hold.
    bench.ok("line --run moons --grid 3 --name a");
    bench.ok("line --run moons --grid 3 --seed 5 --name b");
    let said = bench.run("compare a b --tolerance 0 --json");
    assert_eq!(said.code, 1);
    assert_eq!(
        serde_json::from_str::<Value>(&said.err).unwrap()["schema"],
        1
    );
}

#[test]
fn colours_are_there_where_they_are_asked_for() {
    let bench = Bench::new();
    let red = "\x1b[1;31merror:";
    assert!(!bench.fails("runs").contains('\x1b'));
    assert!(bench.fails("runs --color always").starts_with(red));
    assert!(
        bench
            .fails("--color=always runs --limit x")
            .starts_with(red)
    );
    let said = run(&bench, "runs --color always", &[("NO_COLOR", "1")]);
    assert!(said.err.starts_with(red), "what is asked for counts");
    assert!(bench.ok("runs --help --color always").out.contains('\x1b'));
    assert!(!bench.ok("runs --help --color never").out.contains('\x1b'));
    assert!(
        bench
            .fails("runs --color red")
            .contains("auto, always, never")
    );
}

#[test]
fn help_and_version() {
    let bench = Bench::new();
    assert_eq!(bench.ok("help surface").out, bench.ok("surface --help").out);
    assert_eq!(bench.ok("help").out, bench.ok("--help").out);
    let long = bench.ok("-V").out;
    assert_eq!(bench.ok("--version").out, long);
    let own = concat!("landscape ", env!("CARGO_PKG_VERSION"), "\n");
    assert!(long.starts_with(own), "{long}");
    for part in ["features: ", "schema:   ", "DuckDB:   v", "kernels:  "] {
        assert!(long.contains(part), "{long}");
    }
}

#[test]
fn completions_list_values() {
    let bench = Bench::new();
    let script = bench.ok("completions zsh").out;
    for value in [
        "dfilter",
        "rademacher",
        "bce-with-logits",
        "nesterov",
        "lstsq",
        "parquet",
    ] {
        assert!(script.contains(value), "{value}");
    }
}

/// What a command would do is said quickly, and nothing is stored.
#[test]
fn the_demonstration_says_what_it_would_do() {
    let bench = Bench::new();
    let said = bench.ok("demo --dry-run").out;
    assert_eq!(said.lines().count(), 10, "{said}");
    assert!(
        said.starts_with("landscape train --model mlp:2-8-4-1"),
        "{said}"
    );
    assert_eq!(
        bench.json("demo --dry-run")["commands"]
            .as_array()
            .unwrap()
            .len(),
        10
    );
    assert!(bench.files().is_empty());
}

#[test]
fn commands_say_what_they_would_do() {
    let bench = Bench::trained();
    bench.ok("train --model mlp:2-8-4-1 --data moons --epochs 2 --seed 7 --name b");
    let files = bench.files();
    let cases = [
        (
            "train --model mlp:2-4-1 --data moons --epochs 3",
            "12 steps of training",
        ),
        ("line --run moons", "51 points"),
        ("surface --run moons --grid 7", "49 points"),
        ("volume --run moons --grid 5", "125 points"),
        ("trajectory --run moons --grid 5", "25 points of the plane"),
        (
            "compare --seeds 0..3 --model mlp:2-4-1 --data moons --epochs 2 --grid 5 --end-grid 3",
            "24 steps of training",
        ),
        (
            "connect --run moons --run b --points 9 --align weights",
            "18 points of lines",
        ),
        (
            "hessian --run moons",
            "at most 1000 products for eigenvalues",
        ),
        (
            "hessian --run moons --density --probes 2",
            "160 products for the density",
        ),
        (
            "hessian --run moons --map --grid 3",
            "at most 9000 products for the map",
        ),
    ];
    for (words, expected) in cases {
        let said = bench.ok(&format!("{words} --dry-run")).out;
        assert!(said.starts_with(expected), "{words}: {said}");
        assert!(said.contains("time    about"), "{words}: {said}");
        let json = bench.json(&format!("{words} --dry-run"));
        assert!(json["seconds"].as_f64().unwrap() > 0.0, "{words}: {json}");
        let count = json["parts"][0]["count"].as_u64().unwrap();
        assert!(expected.contains(&count.to_string()), "{words}: {json}");
        assert_eq!(bench.files(), files, "{words}");
    }
    assert_eq!(bench.json("runs")["runs"].as_array().unwrap().len(), 2);
    let undecided = bench.ok("diagnose b --dry-run").out;
    assert!(
        undecided.starts_with("at most 1000 products for eigenvalues"),
        "{undecided}"
    );
    assert!(
        bench
            .ok("diagnose b --no-curvature --dry-run")
            .out
            .starts_with("time")
    );
    let compared = "compare --seeds 0..3 --model mlp:2-4-1 --data moons --epochs 2 --grid 5 --end-grid 3 --dry-run";
    let products = "at most 3000 products for eigenvalues";
    assert!(bench.ok(compared).out.contains(products));
    let without = bench.ok(&format!("{compared} --no-curvature")).out;
    assert!(!without.contains("products"), "{without}");
    let curve = "connect --run moons --run b --curve bezier --epochs 3 --grid 5 --dry-run";
    let said = bench.ok(curve).out;
    for part in [
        "12 steps of training a curve",
        "61 points of the curve",
        "25 points of the plane",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let again = "train --model mlp:2-8-4-1 --data moons --epochs 20 --optimizer adam --dry-run";
    let known = bench.ok(again).out;
    assert!(
        known.starts_with("80 steps of training (80 stored already)"),
        "{known}"
    );
    // Without a database none is made.
    let empty = Bench::new();
    empty.ok("train --model mlp:2-4-1 --data moons --epochs 3 --dry-run");
    assert!(empty.files().is_empty());
}

/// Scripts can go on with the names that options had.
#[test]
fn old_names_are_understood() {
    let bench = Bench::new();
    bench.ok("train --model mlp:2-4-1 --data moons:n=40 --epochs 6 --batch 10 --name a");
    bench.ok("trajectory --run a --epochs 1:5 --name path");
    bench.ok("export path --trajectory --label a -o path.h5");
    bench.ok("hessian --run a --top 1 --f64");
}
