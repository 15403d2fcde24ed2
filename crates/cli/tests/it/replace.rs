//! `--force`: what is stored stays until what takes its place is complete.

use crate::support::{Bench, halt_when};
use std::process::{Child, Stdio};

const TABLES: &[&str] = &[
    "runs",
    "axes",
    "terms",
    "points",
    "directions",
    "tensors",
    "records",
    "layouts",
    "deltas",
    "trajectories",
    "trajectory_points",
    "curvature",
    "eigenvalues",
    "traces",
    "curvature_points",
];

/// Every row of a run in every table, bit for bit; empty where there is no such run.
fn content(bench: &Bench, name: &str) -> Vec<String> {
    let database = duckdb::Connection::open_with_flags(
        bench.path("landscape.duckdb"),
        duckdb::Config::default()
            .access_mode(duckdb::AccessMode::ReadOnly)
            .unwrap(),
    );
    let database = database.unwrap();
    let rows = |table: &&str| -> Vec<String> {
        let query = format!(
            "SELECT t::VARCHAR FROM (SELECT * FROM {table} WHERE run_id = \
             (SELECT run_id FROM runs WHERE name = ?)) t ORDER BY 1"
        );
        let mut statement = database.prepare(&query).unwrap();
        let rows = statement.query_map([name], |row| row.get::<_, String>(0));
        rows.unwrap()
            .map(|row| format!("{table}: {}", row.unwrap()))
            .collect()
    };
    TABLES.iter().flat_map(rows).collect()
}

fn names(bench: &Bench) -> Vec<String> {
    let runs = bench.run("runs --json -q");
    let Ok(runs) = serde_json::from_str::<serde_json::Value>(&runs.out) else {
        return Vec::new();
    };
    let runs = runs["runs"].as_array().unwrap();
    runs.iter()
        .map(|run| run["name"].as_str().unwrap().to_owned())
        .collect()
}

fn start(bench: &Bench, words: &str) -> Child {
    let mut command = bench.process(words);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Kills a command once a run has this name; it must not have ended by itself.
fn kill_once_begun(bench: &Bench, words: &str, name: &str) {
    let mut child = start(bench, words);
    halt_when(&mut child, bench, |bench| {
        names(bench).iter().any(|known| known == name)
    });
    child.kill().unwrap();
    child.wait().unwrap();
}

/// First `old`, then `long` with `--force`, which is killed in the middle, then `new` with `--force`:
/// until the last is complete, the runs of the first stay as they are.
fn old_until_new(bench: &Bench, old: &str, long: &str, new: &str, runs: &[&str]) {
    bench.ok(old);
    let before: Vec<_> = runs.iter().map(|name| content(bench, name)).collect();
    assert!(before.iter().all(|rows| rows.len() > 1), "{old}");
    let draft = format!("{} (replacement)", runs[0]);
    kill_once_begun(bench, &format!("{long} --force"), &draft);
    for (name, before) in runs.iter().zip(&before) {
        assert!(content(bench, name) == *before, "{long}: `{name}` changed");
    }
    bench.ok(&format!("{new} --force"));
    for (name, before) in runs.iter().zip(&before) {
        let now = content(bench, name);
        assert!(now.len() > 1 && now != *before, "{new}: `{name}` is old");
    }
    let left = names(bench);
    assert!(
        left.iter().all(|name| !name.ends_with("(replacement)")),
        "{left:?}"
    );
}

#[test]
fn a_surface_stays_until_the_new_one_is_complete() {
    let bench = Bench::new();
    const WORDS: &str =
        "surface --model mlp:2-8-4-1 --data moons:n=2000 --threads 1 --batch 50 --name r";
    old_until_new(
        &bench,
        &format!("{WORDS} --grid 5"),
        &format!("{WORDS} --grid 401"),
        &format!("{WORDS} --grid 7"),
        &["r"],
    );
}

#[test]
fn a_killed_replacement_goes_on() {
    let bench = Bench::new();
    const WORDS: &str =
        "surface --model mlp:2-8-4-1 --data moons:n=2000 --threads 1 --batch 50 --name r";
    bench.ok(&format!("{WORDS} --grid 5"));
    let long = format!("{WORDS} --grid 151 --force");
    let stored = |bench: &Bench| -> u64 {
        let runs = bench.run("runs --json -q");
        let runs: serde_json::Value = serde_json::from_str(&runs.out).unwrap_or_default();
        let empty = Vec::new();
        let runs = runs["runs"].as_array().unwrap_or(&empty);
        let draft = runs.iter().find(|run| run["name"] == "r (replacement)");
        draft.map_or(0, |run| run["points"].as_u64().unwrap())
    };
    let mut child = start(&bench, &long);
    halt_when(&mut child, &bench, |bench| stored(bench) > 0);
    child.kill().unwrap();
    child.wait().unwrap();
    let kept = stored(&bench);
    let end = bench.json(&long);
    assert_eq!(end["run"], "r");
    assert_eq!(end["stored_before"], kept);
    assert_eq!(end["computed"], 151 * 151 - kept);
    assert_eq!(names(&bench), ["r"]);
    let fresh = Bench::new();
    fresh.ok(&format!("{WORDS} --grid 151"));
    assert_eq!(bench.ok("export r").out, fresh.ok("export r").out);
}

#[test]
fn lines_and_volumes_stay_until_the_new_ones_are_complete() {
    for (command, old, long, new) in [("line", "5", "90001", "7"), ("volume", "3", "61", "5")] {
        let bench = Bench::new();
        let words = format!(
            "{command} --model mlp:2-8-4-1 --data moons:n=2000 --threads 1 --batch 50 --name r"
        );
        let grid = |grid: &str| format!("{words} --grid {grid}");
        old_until_new(&bench, &grid(old), &grid(long), &grid(new), &["r"]);
    }
}

#[test]
fn a_training_stays_until_the_new_one_is_complete() {
    let bench = Bench::new();
    let words =
        |epochs| format!("train --model mlp:2-8-4-1 --data moons --epochs {epochs} --name t");
    old_until_new(&bench, &words("20"), &words("20000"), &words("10"), &["t"]);
}

#[test]
fn trainings_that_are_compared_stay_until_all_are_trained() {
    let bench = Bench::new();
    let words = |epochs| {
        format!(
            "compare --seeds 1,2 --model mlp:2-6-1 --data moons:n=60 --epochs {epochs} --batch 16 \
             --lr 0.1 --grid 5 --end-grid 5 --name s"
        )
    };
    let runs = ["s-seed-1", "s-seed-2"];
    old_until_new(&bench, &words("8"), &words("40000"), &words("6"), &runs);
}

#[test]
fn curvature_and_paths_stay_until_the_new_ones_are_complete() {
    let bench = Bench::trained();
    old_until_new(
        &bench,
        "hessian --run moons --map --grid 3 --name h",
        "hessian --run moons --map --grid 51 --name h",
        "hessian --run moons --top 2 --name h",
        &["h"],
    );
    old_until_new(
        &bench,
        "trajectory --run moons --grid 5 --name p",
        "trajectory --run moons --grid 901 --name p",
        "trajectory --run moons --grid 7 --name p",
        &["p"],
    );
}

#[test]
fn curves_stay_until_the_new_ones_are_complete() {
    let bench = Bench::new();
    for (seed, name) in [(1, "a"), (2, "b")] {
        bench.ok(&format!(
            "train --model mlp:2-8-1 --data moons --epochs 20 --seed {seed} --name {name}"
        ));
    }
    let words = |epochs| {
        format!("connect --run a --run b --name ab --curve bezier --epochs {epochs} --points 11")
    };
    let runs = ["ab-curve", "ab-plane"];
    old_until_new(&bench, &words("5"), &words("20000"), &words("8"), &runs);
}

/// Checkpoints of a training that was stopped by a version that stored no states are kept until `--force` has trained it
/// anew.
#[test]
fn a_repeated_training_does_not_delete_what_is_there() {
    let bench = Bench::new();
    let words = "train --model mlp:2-8-4-1 --data moons --epochs 3000 --every 10 --name t";
    let mut child = start(&bench, words);
    let kept = |bench: &Bench| -> u64 {
        let runs = bench.run("runs --json -q");
        let runs: serde_json::Value = serde_json::from_str(&runs.out).unwrap_or_default();
        runs["runs"][0]["checkpoints"].as_u64().unwrap_or(0)
    };
    halt_when(&mut child, &bench, |bench| kept(bench) > 1);
    child.kill().unwrap();
    child.wait().unwrap();
    let database = duckdb::Connection::open(bench.path("landscape.duckdb")).unwrap();
    database.execute("DELETE FROM training_states", []).unwrap();
    drop(database);
    // Beside the row of the run, which the next command that writes marks as interrupted.
    let rows = |bench: &Bench| -> Vec<String> {
        let all = content(bench, "t").into_iter();
        all.filter(|row| !row.starts_with("runs:")).collect()
    };
    let (count, before) = (kept(&bench), rows(&bench));
    assert!(before.len() > 1);
    let message = bench.fails(words);
    assert!(
        message.contains(&format!("{count} checkpoints are kept")) && message.contains("--force"),
        "{message}"
    );
    kill_once_begun(&bench, &format!("{words} --force"), "t (replacement)");
    // It takes no name from what is stored until it is complete, and goes on itself.
    assert!(rows(&bench) == before);
    let end = bench.json(&format!("{words} --force"));
    // Four batches an epoch.
    assert_eq!(end["checkpoints"], 1 + 3000 * 4 / 10);
    assert_eq!(names(&bench), ["t"]);
}
