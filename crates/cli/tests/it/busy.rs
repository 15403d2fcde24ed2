//! Somebody else has the database open while a command works: it goes on, and nothing is lost.

use crate::support::{Bench, Lock, Said, go_on, halt_when};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const SURFACE: &str = "surface --model mlp:2-8-4-1 --data moons:n=2000 --grid 201 --threads 1 \
                       --batch 50 --name r";
const TRAIN: &str = "train --model mlp:2-8-4-1 --data moons --epochs 3000 --every 10 --name r";

/// Where a command says what it does.
const WORDS: &str = "words";

/// What a command said, once it has ended.
fn ended(bench: &Bench, child: Child) -> Said {
    let said = Said::of(child.wait_with_output().unwrap());
    let err = bench.read(WORDS);
    Said { err, ..said }
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(120), "never: {what}");
        sleep(Duration::from_millis(10));
    }
}

/// How much of the first run is stored: points and checkpoints.
fn stored(bench: &Bench) -> u64 {
    let runs = bench.run("runs --json -q");
    let runs: serde_json::Value = serde_json::from_str(&runs.out).unwrap_or_default();
    let run = &runs["runs"][0];
    ["points", "checkpoints"]
        .iter()
        .map(|what| run[what].as_u64().unwrap_or(0))
        .sum()
}

fn journal(bench: &Bench) -> u64 {
    let path = bench.path("landscape.duckdb.journal");
    path.metadata().map_or(0, |found| found.len())
}

/// A command that works, and a lock that was taken in the midst of its work.
fn locked(bench: &Bench, words: &str) -> (Child, Lock) {
    let mut command = bench.process(words);
    let words = std::fs::File::create(bench.path(WORDS)).unwrap();
    command.stdout(Stdio::piped()).stderr(words);
    let mut child = command.spawn().unwrap();
    halt_when(&mut child, bench, |bench| stored(bench) > 0);
    let lock = Lock::new(bench);
    go_on(&child);
    (child, lock)
}

/// Waits until the work is done, the last that the journal holds is that the run is complete, and until that was said.
fn done(bench: &Bench, child: &mut Child) {
    let journal = bench.path("landscape.duckdb.journal");
    wait_until("the work is done", || {
        let done = std::fs::read(&journal).is_ok_and(|all| all.ends_with(b"complete"));
        done && bench.read(WORDS).contains("is in use by")
    });
    assert!(child.try_wait().unwrap().is_none(), "it waits for the file");
}

#[test]
fn a_run_that_is_killed_while_it_waits_has_lost_nothing() {
    for (words, all) in [(SURFACE, 201 * 201), (TRAIN, 1201)] {
        let bench = Bench::new();
        let (mut child, lock) = locked(&bench, words);
        done(&bench, &mut child);
        child.kill().unwrap();
        let said = ended(&bench, child);
        assert_eq!(said.err.matches("is in use by").count(), 1, "{}", said.err);
        drop(lock);
        assert_eq!(stored(&bench), all, "{words}");
        assert_eq!(journal(&bench), 0);
        assert_eq!(bench.json("runs")["runs"][0]["status"], "complete");
        let calm = Bench::new();
        calm.ok(words);
        let query = match words == SURFACE {
            true => "export r",
            false => {
                "sql 'SELECT step, loss, md5(data) FROM records JOIN deltas USING (step) ORDER BY 1'"
            }
        };
        assert_eq!(bench.ok(query).out, calm.ok(query).out);
    }
}

#[test]
fn a_run_goes_on_and_ends_when_the_file_is_free() {
    for (words, all) in [(SURFACE, 201 * 201), (TRAIN, 1201)] {
        let bench = Bench::new();
        let (mut child, lock) = locked(&bench, words);
        done(&bench, &mut child);
        drop(lock);
        let said = ended(&bench, child);
        assert_eq!(said.code, 0, "{}", said.err);
        assert_eq!(said.err.matches("is in use by").count(), 1, "{}", said.err);
        assert_eq!((stored(&bench), journal(&bench)), (all, 0));
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_waiting_and_says_where_the_results_are() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let bench = Bench::new();
        let (mut child, lock) = locked(&bench, SURFACE);
        done(&bench, &mut child);
        let pid = child.id().to_string();
        let sent = std::process::Command::new("kill")
            .args([signal, &pid])
            .status();
        assert!(sent.unwrap().success());
        let said = ended(&bench, child);
        assert_eq!(said.code, code, "{}", said.err);
        assert!(
            said.err.contains("landscape.duckdb.journal"),
            "{}",
            said.err
        );
        drop(lock);
        let end = bench.json(&format!("{SURFACE} --dry-run"));
        assert_eq!(end["stored"], 201 * 201);
        assert_eq!(bench.json(SURFACE)["computed"], 0);
    }
}
