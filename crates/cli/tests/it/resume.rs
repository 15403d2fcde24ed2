//! Killed, stopped and crowded: nothing is lost, nothing is computed twice.

use crate::support::{
    Bench, Lock, Said, Signal, halt_when, images, interrupt, kills_wanted, start, stored,
};
use landscape_storage::Store;
use landscape_study::runs::{Landscape, LandscapeRequest};
use landscape_study::{Reporter, StudyError};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Long enough to be killed in the middle, in small batches.
const WORDS: &str = "surface --model mlp:2-8-4-1 --data moons:n=8000 --grid 301x201 --threads 1 \
                     --batch 50 --name plane";
const POINTS: u64 = 301 * 201;

/// Kills at any moment are in `kills`; here each comes once more is stored.
#[test]
fn what_was_stored_before_a_kill_is_not_computed_again() {
    let calm = Bench::new();
    calm.ok(WORDS);
    let expected = calm.ok("export plane").out;
    let bench = Bench::new();
    let mut before = 0;
    for kill in 0..kills_wanted() {
        let mut child = start(&bench, WORDS);
        halt_when(&mut child, &bench, |bench| stored(bench) > before);
        child.kill().unwrap();
        child.wait().unwrap();
        let now = stored(&bench);
        assert!(now >= before, "kill {kill}: {now} points after {before}");
        before = now;
    }
    let end = bench.json(WORDS);
    assert_eq!(end["stored_before"].as_u64().unwrap(), before);
    assert_eq!(end["computed"].as_u64().unwrap(), POINTS - before);
    assert_eq!(bench.ok("export plane").out, expected);
    let rows = bench.json("sql 'SELECT count(*), count(DISTINCT (i, j)) FROM points'");
    assert_eq!(rows["rows"][0], serde_json::json!([POINTS, POINTS]));
    assert_eq!(bench.json("runs")["runs"][0]["status"], "complete");
}

/// A ResNet killed in the middle goes on from what is stored, and is drawn.
#[test]
fn a_killed_convolutional_run_ends_the_same() {
    const WORDS: &str = "surface --model resnet20 --data images.safetensors --grid 7 --batch 1 \
                         --log -o plane.png -o plane.html --name plane";
    let calm = Bench::new();
    calm.write("images.safetensors", images(64));
    calm.ok(WORDS);
    let expected = calm.ok("export plane").out;
    let bench = Bench::new();
    bench.write("images.safetensors", images(64));
    let mut before = 0;
    for more in [1, 3] {
        let mut child = start(&bench, WORDS);
        halt_when(&mut child, &bench, |bench| stored(bench) >= before + more);
        child.kill().unwrap();
        child.wait().unwrap();
        before = stored(&bench);
    }
    assert!((4..49).contains(&before), "{before}");
    let end = bench.json(WORDS);
    assert_eq!(end["stored_before"].as_u64().unwrap(), before);
    assert_eq!(end["computed"].as_u64().unwrap(), 49 - before);
    assert_eq!(bench.ok("export plane").out, expected);
    assert_eq!(end["files"], serde_json::json!(["plane.png", "plane.html"]));
    assert!(bench.path("plane.png").exists() && bench.path("plane.html").exists());
    let message = bench.fails(WORDS);
    assert!(message.contains("`plane.png` exists"), "{message}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_and_says_how_to_go_on() {
    let words = WORDS.replace("moons:n=8000", "moons:n=20000");
    let bench = Bench::new();
    let mut child = start(&bench, &words);
    halt_when(&mut child, &bench, |bench| stored(bench) > 0);
    interrupt(&child, Signal::Interrupt);
    let said = Said::of(child.wait_with_output().unwrap());
    assert_eq!(said.code, 130, "{}", said.err);
    assert_eq!(said.out, "");
    assert!(
        said.err.contains("interrupted:") && said.err.contains("are stored"),
        "{}",
        said.err
    );
    assert!(
        said.err.contains("the same command continues"),
        "{}",
        said.err
    );
    let runs = bench.json("runs");
    assert_eq!(runs["runs"][0]["status"], "interrupted");
    // What it says is what is stored, and the same command continues from there.
    let saved: u64 = {
        let words = said.err.split("interrupted: ").nth(1).unwrap();
        words.split(' ').next().unwrap().parse().unwrap()
    };
    assert!(saved > 0);
    assert_eq!(stored(&bench), saved);
    let estimate = bench.json(&format!("{words} --dry-run"));
    assert_eq!(estimate["stored"].as_u64().unwrap(), saved);
}

#[cfg(unix)]
#[test]
fn a_stopped_training_goes_on_and_ends_the_same() {
    let words = "train --model mlp:784-20-10 --data mnist-1k --epochs 400 --every 50 --name t";
    let calm = Bench::new();
    calm.ok(words);
    let bench = Bench::new();
    let mut child = start(&bench, words);
    halt_when(&mut child, &bench, |bench| {
        bench.json("runs")["runs"][0]["checkpoints"].as_u64() > Some(0)
    });
    interrupt(&child, Signal::Interrupt);
    let said = Said::of(child.wait_with_output().unwrap());
    assert_eq!(said.code, 130, "{}", said.err);
    assert!(
        said.err.contains("the same command continues from there"),
        "{}",
        said.err
    );
    let step: u64 = {
        let after = said.err.split("up to step ").nth(1).unwrap();
        after.split(' ').next().unwrap().parse().unwrap()
    };
    let again = bench.ok(words);
    let note = format!("continues from step {step}");
    assert!(again.err.contains(&note), "{note}: {}", again.err);
    let losses = "sql 'SELECT step, loss, accuracy FROM records ORDER BY step'";
    assert_eq!(bench.ok(losses).out, calm.ok(losses).out);
}

#[test]
fn two_processes_do_not_share_a_run() {
    let bench = Bench::new();
    let words = WORDS.replace("moons:n=8000", "moons:n=20000");
    let mut child = start(&bench, &words);
    halt_when(&mut child, &bench, |bench| stored(bench) > 0);
    let second = bench.run(&words);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(second.code, 2, "{}{}", second.out, second.err);
    let pid = child.id().to_string();
    assert!(second.err.contains(&pid), "{}", second.err);
    assert!(second.err.contains("wait for it"), "{}", second.err);
}

#[test]
fn a_locked_database_says_who_has_it() {
    let bench = Bench::trained();
    let _lock = Lock::new(&bench);
    let second = bench.run("runs");
    assert_eq!(second.code, 2, "{}{}", second.out, second.err);
    assert!(second.err.contains("is still in use by"), "{}", second.err);
}

/// Stops an operation after a few batches.
struct Few(AtomicUsize);

impl Reporter for Few {
    fn cancelled(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) >= 3
    }
}

#[test]
fn a_program_goes_on_with_what_the_command_began_and_the_other_way_round() {
    let words = "surface --model mlp:2-8-4-1 --weights w.safetensors --data moons --grid 31 --orthogonal --seed 7 --name plane";
    let points = 31 * 31;
    let bench = Bench::new();
    bench.ok(
        "train --model mlp:2-8-4-1 --data moons --epochs 3 --save w.safetensors --db other.duckdb",
    );
    let mut request = LandscapeRequest::default();
    request.network.model = Some("mlp:2-8-4-1".parse().unwrap());
    request.network.weights = Some(bench.path("w.safetensors"));
    request.data.data = Some("moons".parse().unwrap());
    request.grid.counts = Some(vec![31]);
    request.plane.orthogonal = true;
    request.plane.seed = 7;
    request.batch = 50;
    let program = Landscape::prepare(&request, None, &()).unwrap();

    let store = Store::open(bench.path("landscape.duckdb")).unwrap();
    let stopped = program.run(&store, &Few(AtomicUsize::new(0))).unwrap_err();
    assert!(
        matches!(stopped, StudyError::Interrupted { .. }),
        "{stopped}"
    );
    let begun = stored(&bench);
    assert!((1..points).contains(&begun), "{begun} points");
    let end = bench.json(words);
    assert_eq!(end["stored_before"], begun);
    assert_eq!(end["computed"], points - begun);

    bench.ok(&format!("{words} --db begun.duckdb"));
    let deleted = duckdb::Connection::open(bench.path("begun.duckdb")).unwrap();
    deleted
        .execute_batch("DELETE FROM points WHERE i > 10; UPDATE runs SET status = 'interrupted'")
        .unwrap();
    drop(deleted);
    let store = Store::open(bench.path("begun.duckdb")).unwrap();
    let ended = program.run(&store, &()).unwrap().sampled;
    assert_eq!((ended.known, ended.computed), (11 * 31, 20 * 31));
    drop(store);
    assert_eq!(
        bench.ok("export plane --db begun.duckdb").out,
        bench.ok("export plane").out
    );
}
