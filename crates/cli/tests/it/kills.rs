//! Trainings that are killed at random moments go on, and end as if nothing had been.

use crate::support::{
    Bench, Said, Signal, go_on, halt_when, halts_when, interrupt, kills_wanted, start,
};
use duckdb::{AccessMode, Config, Connection};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Child;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::sleep;
use std::time::Duration;

/// The longest time until one, in milliseconds.
const LONGEST: u64 = 500;
/// The same once something is stored.
const SOON: u64 = 60;

/// Folders in which a command is killed at the same time; most of it is waiting.
const FOLDERS: u64 = 4;

/// Kills a command again and again, and compares what it prints and stores in the end with an undisturbed run. One that
/// comes to its end before is begun again in another folder.
fn killed(words: &str, prepare: fn(&Bench)) {
    let calm = Bench::new();
    prepare(&calm);
    let expected = (printed(&calm, words), stored(&calm));
    let kills = Kills {
        wanted: kills_wanted(),
        landed: AtomicUsize::new(0),
        further: AtomicUsize::new(0),
    };
    std::thread::scope(|scope| {
        for folder in 0..FOLDERS {
            let mut random = 0x2545_f491_4f6c_dd1d_u64 ^ words.len() as u64 ^ folder << 40;
            let (kills, expected) = (&kills, &expected);
            scope.spawn(move || {
                while !kills.suffice() {
                    let bench = Bench::new();
                    prepare(&bench);
                    while !kills.suffice() && kill(&bench, words, &mut random, kills) {}
                    assert_eq!(&(printed(&bench, words), stored(&bench)), expected);
                }
            });
        }
    });
}

/// How many kills came in the midst of a run, and how many of them once more was stored than before.
struct Kills {
    wanted: usize,
    landed: AtomicUsize,
    further: AtomicUsize,
}

impl Kills {
    fn suffice(&self) -> bool {
        // Of 20, 8 come once more of the run is stored than before.
        let further = 2 * self.wanted / 5;
        self.landed.load(Relaxed) >= self.wanted && self.further.load(Relaxed) >= further
    }
}

/// Kills the command of a folder once, unless it comes to its end before.
fn kill(bench: &Bench, words: &str, random: &mut u64, kills: &Kills) -> bool {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    let before = progress(bench);
    let mut child = start(bench, words);
    // At any moment from its start on, or at one after more was stored than before.
    let landed = kills.landed.load(Relaxed);
    let is_further = landed % 2 == 1 || landed >= kills.wanted;
    let goes = match is_further {
        true => goes_further(&mut child, bench, &before, *random % SOON),
        false => {
            sleep(Duration::from_millis(*random % LONGEST));
            child.try_wait().unwrap().is_none()
        }
    };
    if goes {
        kills.landed.fetch_add(1, Relaxed);
        kills.further.fetch_add(usize::from(is_further), Relaxed);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    goes
}

/// Lets a command work until it has stored more than before, and some milliseconds longer. Says whether
/// it still works.
fn goes_further(
    child: &mut Child,
    bench: &Bench,
    before: &BTreeSet<(String, u64)>,
    longer: u64,
) -> bool {
    if !halts_when(child, bench, |bench| !progress(bench).is_subset(before)) {
        return false;
    }
    go_on(child);
    sleep(Duration::from_millis(longer));
    child.try_wait().unwrap().is_none()
}

/// How far a database is: states of trainings, but for those of the beginning, and how many points and results there are.
fn progress(bench: &Bench) -> BTreeSet<(String, u64)> {
    let reading = Config::default().access_mode(AccessMode::ReadOnly).unwrap();
    let path = bench.path("landscape.duckdb");
    // Never one that writes: where there is no file it would make one, over what a command makes at the same time.
    let Ok(database) = Connection::open_with_flags(path, reading) else {
        return BTreeSet::new();
    };
    let query = "SELECT 'state ' || run_id, step FROM training_states WHERE step > 0
                 UNION SELECT 'points ' || run_id, count(*) FROM points GROUP BY run_id
                 UNION SELECT 'map ' || run_id, count(*) FROM curvature_points GROUP BY run_id
                 UNION SELECT 'values ' || run_id, count(*) FROM eigenvalues GROUP BY run_id";
    let Ok(mut statement) = database.prepare(query) else {
        return BTreeSet::new();
    };
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

/// Whether a training has a state to go on from.
fn has_state(bench: &Bench) -> bool {
    let states = |(what, _): &(String, u64)| what.starts_with("state ");
    progress(bench).iter().any(states)
}

/// The result of a command, without what it took.
fn printed(bench: &Bench, words: &str) -> Value {
    let mut said = bench.json(words);
    let mut all = vec![&mut said];
    while let Some(value) = all.pop() {
        match value {
            Value::Object(fields) => {
                for name in ["seconds", "checkpoint_bytes", "computed", "stored_before"] {
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
        "SELECT name, i, j, k, alpha, beta, loss, accuracy FROM points JOIN runs USING (run_id) ORDER BY ALL",
        "SELECT name, i, j, k, lambda_max, lambda_min, converged FROM curvature_points JOIN runs USING (run_id)
         ORDER BY ALL",
        "SELECT name, e.* EXCLUDE (run_id) FROM eigenvalues e JOIN runs USING (run_id) ORDER BY ALL",
        "SELECT name, p.* EXCLUDE (run_id) FROM trajectory_points p JOIN runs USING (run_id) ORDER BY ALL",
        "SELECT count(*) FROM training_states",
    ];
    let rows = |query: &str| bench.json(&format!("sql '{query}'"))["rows"].clone();
    let rows: Vec<Value> = tables.iter().map(|query| rows(query)).collect();
    assert_eq!(
        rows.last().unwrap()[0][0],
        0,
        "nothing is left to go on from"
    );
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
    const WORDS: &str = "connect --run a --run b --curve bezier --inner-points 2 --batch 20 --epochs 100 --points 11 \
                         --name ab";
    killed(WORDS, |bench| {
        for (seed, name) in [(1, "a"), (2, "b")] {
            bench.ok(&format!(
                "train --model mlp:2-16-1 --data moons:n=400 --epochs 2 --seed {seed} --name {name}"
            ));
        }
    });
}

#[test]
fn a_killed_surface_ends_the_same() {
    const WORDS: &str = "surface --model mlp:2-8-4-1 --data moons:n=8000 --grid 151x101 --threads 1 --batch 50 \
                         --name s";
    killed(WORDS, |_| ());
}

/// Trains what is looked at afterwards.
fn train(bench: &Bench) {
    bench.ok("train --model mlp:2-8-1 --data moons:n=4000 --epochs 5 --name t");
}

#[test]
fn a_killed_map_of_curvature_ends_the_same() {
    killed("hessian --run t --top 2 --map --grid 21 --name h", train);
}

#[test]
fn a_killed_path_ends_the_same() {
    killed("trajectory --run t --grid 161 --threads 1 --name p", train);
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
    halt_when(&mut child, &bench, has_state);
    interrupt(&child, Signal::Interrupt);
    let said = Said::of(child.wait_with_output().unwrap());
    assert_eq!(said.code, 130, "{}", said.err);
    assert!(said.err.contains(says), "{}", said.err);
    let again = "the same command continues from there";
    assert!(said.err.contains(again), "{}", said.err);
    assert!(has_state(&bench));
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

/// A process that stands still looks dead to whoever does not see its lock. It wakes up after another one has gone on with
/// its run and ended it: it says so, and what is stored is what one process stores.
#[cfg(target_os = "linux")]
fn taken_over(words: &str, met: fn(&Bench) -> bool, prepare: fn(&Bench)) {
    let calm = Bench::new();
    prepare(&calm);
    let expected = (printed(&calm, words), stored(&calm));
    let bench = Bench::new();
    prepare(&bench);
    let mut first = start(&bench, words);
    halt_when(&mut first, &bench, met);
    let busy = bench.run(words);
    assert_eq!(busy.code, 2, "{}", busy.err);
    assert!(busy.err.contains(&first.id().to_string()), "{}", busy.err);
    // As on a file system whose locks are not seen elsewhere, after the machine of the process was lost.
    let database = Connection::open(bench.path("landscape.duckdb")).unwrap();
    let other = "UPDATE runs SET owner = regexp_replace(owner, ' [^/]+/', ' another-boot/')
                 WHERE owner IS NOT NULL";
    assert!(database.execute(other, []).unwrap() > 0);
    drop(database);
    for file in std::fs::read_dir(bench.path(".")).unwrap().flatten() {
        if file.file_name().to_string_lossy().ends_with(".lock") {
            std::fs::remove_file(file.path()).unwrap();
        }
    }
    let second = printed(&bench, words);
    go_on(&first);
    let said = Said::of(first.wait_with_output().unwrap());
    assert_eq!(said.code, 1, "{}", said.err);
    for part in ["landscape.duckdb", "has taken over run"] {
        assert!(said.err.contains(part), "{part}: {}", said.err);
    }
    assert_eq!((second, stored(&bench)), expected);
}

#[cfg(target_os = "linux")]
#[test]
fn a_training_that_was_taken_over_ends_with_an_error() {
    const WORDS: &str = "train --model mlp:2-16-16-1 --data moons:n=400 --batch 20 --epochs 200 --every 37 --name t";
    taken_over(WORDS, has_state, |_| ());
}

#[cfg(target_os = "linux")]
#[test]
fn a_surface_that_was_taken_over_ends_with_an_error() {
    const WORDS: &str = "surface --model mlp:2-8-4-1 --data moons:n=4000 --grid 101x101 --threads 1 --batch 50 --name s";
    taken_over(WORDS, |bench| crate::support::stored(bench) > 0, |_| ());
}

/// A state that cannot be read is told, and nothing is lost by it.
#[cfg(unix)]
#[test]
fn a_damaged_state_is_an_error_with_its_remedy() {
    const WORDS: &str =
        "train --model mlp:2-16-1 --data moons:n=400 --batch 20 --epochs 100 --name t";
    let bench = Bench::new();
    let mut child = start(&bench, WORDS);
    halt_when(&mut child, &bench, has_state);
    child.kill().unwrap();
    child.wait().unwrap();
    let database = Connection::open(bench.path("landscape.duckdb")).unwrap();
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
