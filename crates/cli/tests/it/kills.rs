//! Trainings that are killed at random moments go on, and end as if nothing had been.

use crate::support::{Bench, start};
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
