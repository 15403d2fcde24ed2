//! Killed, stopped and crowded: nothing is lost, nothing is computed twice.

use crate::support::{Bench, Lock, Said, images};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Long enough to be killed in the middle, in small batches.
const WORDS: &str = "surface --model mlp:2-8-4-1 --data moons:n=8000 --grid 301x201 --threads 1 \
                     --batch 50 --name plane";
const POINTS: u64 = 301 * 201;

fn start(bench: &Bench, words: &str) -> Child {
    let mut command = bench.process(words);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Points of the run that are stored; 0 without a database.
fn stored(bench: &Bench) -> u64 {
    if !bench.path("landscape.duckdb").exists() {
        return 0;
    }
    let runs = bench.json("runs");
    let runs = runs["runs"].as_array().unwrap();
    runs.first()
        .map_or(0, |run| run["points"].as_u64().unwrap())
}

#[test]
fn killed_at_twenty_moments_it_ends_the_same() {
    let calm = Bench::new();
    calm.ok(WORDS);
    let expected = calm.ok("export plane").out;
    let bench = Bench::new();
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let (mut before, mut landed) = (0, 0);
    for kill in 0..20 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let mut child = start(&bench, WORDS);
        // Half of them once it has stored something, the others at any moment from its start on.
        let moment = Instant::now() + Duration::from_millis(random % 350);
        let early = || match kill % 2 {
            0 => stored(&bench) == before,
            _ => Instant::now() < moment,
        };
        while child.try_wait().unwrap().is_none() && early() {
            sleep(Duration::from_millis(2));
        }
        if child.try_wait().unwrap().is_some() {
            before = stored(&bench);
            break;
        }
        landed += 1;
        child.kill().unwrap();
        child.wait().unwrap();
        let now = stored(&bench);
        assert!(now >= before, "kill {kill}: {now} points after {before}");
        before = now;
    }
    // How far a run gets before it is killed depends on the machine; enough of them must be cut short.
    assert!(landed >= 8, "only {landed} kills came before the end");
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
    const WORDS: &str = "surface --model resnet20 --data images.safetensors --grid 5 --batch 1 \
                         --log -o plane.png -o plane.html --name plane";
    let calm = Bench::new();
    calm.write("images.safetensors", images(16));
    calm.ok(WORDS);
    let expected = calm.ok("export plane").out;
    let bench = Bench::new();
    bench.write("images.safetensors", images(16));
    let mut before = 0;
    for wait in [100, 200, 400, 700, 1_000, 2_000, 5_000, 10_000] {
        let mut child = start(&bench, WORDS);
        sleep(Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
        let now = stored(&bench);
        assert!(now >= before, "{now} points after {before}");
        before = now;
        if before >= 3 {
            break;
        }
    }
    assert!(before >= 3, "{before}");
    let end = bench.json(WORDS);
    assert_eq!(end["stored_before"].as_u64().unwrap(), before);
    assert_eq!(end["computed"].as_u64().unwrap(), 25 - before);
    assert_eq!(bench.ok("export plane").out, expected);
    assert_eq!(end["files"], serde_json::json!(["plane.png", "plane.html"]));
    assert!(bench.path("plane.png").exists() && bench.path("plane.html").exists());
    let message = bench.fails(WORDS);
    assert!(message.contains("`plane.png` exists"), "{message}");
}

/// Waits until the run has been begun.
fn begun(bench: &Bench) {
    let start = Instant::now();
    while !bench.path("landscape.duckdb").exists() {
        assert!(start.elapsed() < Duration::from_secs(30));
        sleep(Duration::from_millis(5));
    }
    sleep(Duration::from_millis(150));
}

#[cfg(unix)]
fn signal(child: &Child, signal: &str) {
    let pid = child.id().to_string();
    let status = std::process::Command::new("kill")
        .args([signal, &pid])
        .status();
    assert!(status.unwrap().success());
}

/// A run that Ctrl-C stopped when it had stored something and not yet everything: on a busy machine that takes
/// several tries, each of them later.
#[cfg(unix)]
fn stopped(words: &str) -> (Bench, Said) {
    for wait in [0, 200, 500, 1_000, 3_000, 10_000] {
        let bench = Bench::new();
        let child = start(&bench, words);
        begun(&bench);
        sleep(Duration::from_millis(wait));
        signal(&child, "-INT");
        let said = Said::of(child.wait_with_output().unwrap());
        if !said.err.contains("interrupted: 0 of") {
            return (bench, said);
        }
        assert_eq!(said.code, 130, "{}", said.err);
    }
    panic!("nothing was stored for seconds");
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_and_says_how_to_go_on() {
    let words = WORDS.replace("moons:n=8000", "moons:n=20000");
    let (bench, said) = stopped(&words);
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
    // What it says is what is stored, and the same command goes on from there.
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
fn a_stopped_training_starts_again_and_ends_the_same() {
    let words = "train --model mlp:784-20-10 --data mnist-1k --epochs 400 --every 50 --name t";
    let calm = Bench::new();
    calm.ok(words);
    let bench = Bench::new();
    let child = start(&bench, words);
    while !bench.path("landscape.duckdb").exists() || !holds_checkpoints(&bench) {
        sleep(Duration::from_millis(5));
    }
    signal(&child, "-INT");
    let said = Said::of(child.wait_with_output().unwrap());
    assert_eq!(said.code, 130, "{}", said.err);
    assert!(said.err.contains("--force"), "{}", said.err);
    bench.fails(words);
    bench.ok(&format!("{words} --force"));
    let losses = "sql 'SELECT step, loss, accuracy FROM records ORDER BY step'";
    assert_eq!(bench.ok(losses).out, calm.ok(losses).out);
}

#[cfg(unix)]
fn holds_checkpoints(bench: &Bench) -> bool {
    let runs = bench.run("runs --json -q");
    let runs: serde_json::Value = serde_json::from_str(&runs.out).unwrap_or_default();
    runs["runs"][0]["checkpoints"].as_u64() > Some(0)
}

#[test]
fn two_processes_do_not_share_a_run() {
    let bench = Bench::new();
    let words = WORDS.replace("moons:n=8000", "moons:n=20000");
    let mut child = start(&bench, &words);
    begun(&bench);
    let second = bench.run(&words);
    let ended = child.try_wait().unwrap();
    assert!(ended.is_none(), "the first ended before the second");
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
    assert!(second.err.contains("is in use by"), "{}", second.err);
}
