//! Trainings that are killed at random moments go on, and end as if nothing had been.

use crate::support::{Bench, Said, Signal, halt_when, interrupt, start};
use serde_json::Value;
use std::thread::sleep;
use std::time::Duration;

/// As many kills have to come in the midst of a run.
const KILLS: usize = 20;
/// The longest time until one, in milliseconds.
const LONGEST: u64 = 1100;

/// Kills a command again and again, and compares what it prints and stores in the end with an undisturbed run. One that
/// comes to its end before is begun again in another folder.
fn killed(words: &str, prepare: fn(&Bench)) {
    let calm = Bench::new();
    prepare(&calm);
    let expected = (printed(&calm, words), stored(&calm));
    let mut random = 0x2545_f491_4f6c_dd1d_u64 ^ words.len() as u64;
    let mut landed = 0;
    while landed < KILLS {
        let bench = Bench::new();
        prepare(&bench);
        while landed < KILLS {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let mut child = start(&bench, words);
            sleep(Duration::from_millis(random % LONGEST));
            if child.try_wait().unwrap().is_some() {
                break;
            }
            landed += 1;
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert_eq!((printed(&bench, words), stored(&bench)), expected);
    }
}

/// The largest step of a state that is stored.
fn farthest(bench: &Bench) -> u64 {
    let path = bench.path("landscape.duckdb");
    let Ok(database) = duckdb::Connection::open(path) else {
        return 0;
    };
    let query = "SELECT coalesce(max(step), 0) FROM training_states";
    let found = database.query_row(query, [], |row| row.get(0));
    found.unwrap_or(0)
}

/// The result of a command, without what it took.
fn printed(bench: &Bench, words: &str) -> Value {
    let mut said = bench.json(words);
    let mut all = vec![&mut said];
    while let Some(value) = all.pop() {
        match value {
            Value::Object(fields) => {
                for name in ["seconds", "checkpoint_bytes"] {
                    fields.remove(name);
                }
                all.extend(fields.values_mut());
            }
            Value::Array(values) => all.extend(values.iter_mut()),
            _ => {}
        }
    }
    said
}

/// Every number of training that is stored, but for times.
fn stored(bench: &Bench) -> Vec<Value> {
    let tables = [
        "SELECT name, kind, status FROM runs ORDER BY name",
        "SELECT name, step, epoch, loss, accuracy, batch_loss, lr, gradient_norm, seconds IS NULL
         FROM records JOIN runs USING (run_id) ORDER BY name, step",
        "SELECT name, step, base, coding, sha256(data) FROM deltas JOIN runs USING (run_id)
         ORDER BY name, step",
        "SELECT runs.name, part, step, ordinal, sha256(data) FROM tensors JOIN runs USING (run_id)
         ORDER BY runs.name, part, step, ordinal",
        "SELECT count(*) FROM training_states",
    ];
    let rows = |query: &str| bench.json(&format!("sql '{query}'"))["rows"].clone();
    let rows: Vec<Value> = tables.iter().map(|query| rows(query)).collect();
    assert_eq!(rows[4][0][0], 0, "nothing is left to go on from");
    rows
}

#[test]
fn a_killed_training_ends_the_same() {
    const WORDS: &str = "train --model mlp:2-16-16-1 --data moons:n=400 --batch 20 --epochs 200 --every 37 \
                         --optimizer adam --schedule cosine --name t";
    killed(WORDS, |_| ());
}

#[test]
fn a_killed_comparison_ends_the_same() {
    const WORDS: &str = "compare --optimizers sgd,nesterov,adamw --model mlp:2-16-1 --data moons:n=400 \
                         --batch 20 --epochs 70 --grid 5 --end-grid 5 --no-curvature --name c";
    killed(WORDS, |_| ());
}

#[test]
fn a_killed_curve_ends_the_same() {
    const WORDS: &str = "connect --run a --run b --curve bezier --bends 2 --batch 20 --epochs 100 --points 11 \
                         --name ab";
    killed(WORDS, |bench| {
        for (seed, name) in [(1, "a"), (2, "b")] {
            bench.ok(&format!(
                "train --model mlp:2-16-1 --data moons:n=400 --epochs 2 --seed {seed} --name {name}"
            ));
        }
    });
}

/// Stopped by Ctrl-C: it says so, and the same command ends as if it had not been.
#[cfg(unix)]
fn stopped(words: &str, says: &str, prepare: fn(&Bench)) {
    let calm = Bench::new();
    prepare(&calm);
    let expected = (printed(&calm, words), stored(&calm));
    let bench = Bench::new();
    prepare(&bench);
    let mut child = start(&bench, words);
    halt_when(&mut child, &bench, |bench| farthest(bench) > 0);
    interrupt(&child, Signal::Interrupt);
    let said = Said::of(child.wait_with_output().unwrap());
    assert_eq!(said.code, 130, "{}", said.err);
    assert!(said.err.contains(says), "{}", said.err);
    let again = "the same command goes on from there";
    assert!(said.err.contains(again), "{}", said.err);
    assert!(farthest(&bench) > 0);
    assert_eq!((printed(&bench, words), stored(&bench)), expected);
}

#[cfg(unix)]
#[test]
fn a_stopped_comparison_goes_on() {
    const WORDS: &str = "compare --seeds 0..3 --model mlp:2-16-1 --data moons:n=400 --batch 20 --epochs 60 \
                         --threads 1 --grid 5 --end-grid 5 --no-curvature --name c";
    stopped(WORDS, "of 3 networks are trained and stored", |_| ());
}

#[cfg(unix)]
#[test]
fn a_stopped_curve_goes_on() {
    const WORDS: &str =
        "connect --run a --run b --curve chain --batch 20 --epochs 100 --points 11 --name ab";
    stopped(
        WORDS,
        "the lines are stored, and the curve up to step ",
        |bench| {
            for (seed, name) in [(1, "a"), (2, "b")] {
                bench.ok(&format!(
                "train --model mlp:2-16-1 --data moons:n=400 --epochs 2 --seed {seed} --name {name}"
            ));
            }
        },
    );
}

/// A state that cannot be read is told, and nothing is lost by it.
#[cfg(unix)]
#[test]
fn a_damaged_state_is_an_error_with_its_remedy() {
    const WORDS: &str =
        "train --model mlp:2-16-1 --data moons:n=400 --batch 20 --epochs 100 --name t";
    let bench = Bench::new();
    let mut child = start(&bench, WORDS);
    halt_when(&mut child, &bench, |bench| farthest(bench) > 0);
    child.kill().unwrap();
    child.wait().unwrap();
    let database = duckdb::Connection::open(bench.path("landscape.duckdb")).unwrap();
    let damage = "UPDATE training_states SET data = data[:200]";
    assert!(database.execute(damage, []).unwrap() > 0);
    drop(database);
    let said = bench.run(WORDS);
    assert_eq!(said.code, 2, "{}", said.err);
    for part in ["it ends early", "train from the start", "--force"] {
        assert!(said.err.contains(part), "{part}: {}", said.err);
    }
    let end = bench.json(&format!("{WORDS} --force"));
    assert_eq!(end["steps"], 2000);
    assert_eq!(end["checkpoints"], 101);
}
