//! States that trainings go on from.

use crate::child::Process;
use crate::support::{params, place, store};
use crate::training::{Adam, record, run, values};
use landscape_core::Params;
use landscape_storage::{
    CheckpointForm, Recorder, Run, RunKind, RunSpec, Status, Store, StoredCheckpoint, TrainingState,
};
use serde_json::json;
use std::time::Duration;

fn all(store: &Store, run: &Run) -> Vec<StoredCheckpoint> {
    let checkpoints = store.checkpoints(run).unwrap();
    checkpoints.collect::<Result<_, _>>().unwrap()
}

fn push(recorder: &mut Recorder, steps: std::ops::Range<u64>) {
    for step in steps {
        let params = params(step as f32);
        recorder.push(record(step), Some(&params)).unwrap();
    }
}

fn steps(store: &Store, run: &Run) -> Vec<u64> {
    let records = store.records(run).unwrap();
    records.iter().map(|record| record.step).collect()
}

/// The one in the file, without its time.
fn stored(store: &Store, run: &Run) -> Option<(u64, u64, Vec<u8>)> {
    let state = store.training_state(run).unwrap()?;
    assert!(state.seconds >= 0.0);
    Some((state.step, state.next_record, state.bytes))
}

/// Longer than a row of the table, so that it is in several.
fn large(seed: u8) -> Vec<u8> {
    let byte = |k: u32| (k.wrapping_mul(2_654_435_761) >> 24) as u8 ^ seed;
    (0..(33 << 20)).map(byte).collect()
}

#[test]
fn a_state_is_stored_with_the_steps_before_it_and_replaces_the_one_before() {
    let (_dir, store) = store();
    let run = run(&store);
    let mut recorder = store.recorder(&run);
    assert!(recorder.wants_state(), "at the beginning");
    push(&mut recorder, 0..1);
    recorder.state(0, 1, vec![0]).unwrap();
    assert!(!recorder.wants_state(), "not at once again");
    assert_eq!(steps(&store, &run), [0u64; 0], "the first one waits");
    push(&mut recorder, 1..4);
    recorder.state(5, 5, large(1)).unwrap();
    assert_eq!(steps(&store, &run), [0, 1, 2, 3]);
    assert_eq!(stored(&store, &run), Some((5, 5, large(1))));
    // Also where no step waits.
    recorder.state(6, 6, large(2)).unwrap();
    assert_eq!(stored(&store, &run), Some((6, 6, large(2))));
    let rows = "SELECT count(*), count(DISTINCT step) FROM training_states";
    let rows = store.sql(rows).unwrap();
    assert_eq!((rows.text(0, 0), rows.text(0, 1)), ("3".into(), "1".into()));
    push(&mut recorder, 7..9);
    recorder.finish(Status::Interrupted).unwrap();
    assert_eq!(stored(&store, &run).unwrap().0, 6);
    let mut recorder = store.recorder(&run);
    let state = store.training_state(&run).unwrap().unwrap();
    recorder.resume_from(&state).unwrap();
    assert!(!recorder.wants_state());
    push(&mut recorder, 6..8);
    recorder.flush().unwrap();
    assert_eq!(
        steps(&store, &run),
        [0, 1, 2, 3, 6, 7],
        "what was beyond it is gone"
    );
    assert_eq!(stored(&store, &run).unwrap().0, 6);
    recorder.finish(Status::Complete).unwrap();
    assert_eq!(stored(&store, &run), None, "nothing is left to go on from");
}

/// Training that begins again leaves no state of steps that it has not come to.
#[test]
fn going_back_removes_a_later_state() {
    let (_dir, store) = store();
    let run = run(&store);
    let mut recorder = store.recorder(&run);
    push(&mut recorder, 0..4);
    recorder.state(2, 3, vec![2]).unwrap();
    recorder.state(3, 4, vec![3]).unwrap();
    push(&mut recorder, 1..2);
    recorder.flush().unwrap();
    assert_eq!(stored(&store, &run), None);
    recorder.state(1, 2, vec![1]).unwrap();
    assert_eq!(stored(&store, &run).unwrap().0, 1);
    store.finish(&run, Status::Interrupted).unwrap();
    store.remove("path").unwrap();
    let left = store.sql("SELECT count(*) FROM training_states").unwrap();
    assert_eq!(left.text(0, 0), "0");
}

/// Stopped anywhere, in any form: the same values in the same bytes.
#[test]
fn checkpoints_after_a_state_are_those_of_an_undisturbed_path() {
    let mut adam = Adam::new(1);
    let path: Vec<Params> = (0..140)
        .map(|_| {
            adam.advance();
            adam.params()
        })
        .collect();
    let give = |recorder: &mut Recorder, steps: std::ops::Range<usize>| {
        for step in steps {
            let record = record(step as u64);
            recorder.push(record, Some(&path[step])).unwrap();
        }
    };
    let bits = |all: Vec<StoredCheckpoint>| -> Vec<Vec<u32>> {
        let of = |one: StoredCheckpoint| {
            let values = values(&one.params).into_iter();
            values.map(f32::to_bits).collect()
        };
        all.into_iter().map(of).collect()
    };
    let frames = "SELECT step, base, coding, sha256(data) FROM deltas ORDER BY step";
    for form in CheckpointForm::ALL {
        let (_dir, store) = store();
        let whole = run(&store);
        let mut recorder = store.recorder(&whole).form(*form);
        give(&mut recorder, 0..path.len());
        recorder.finish(Status::Complete).unwrap();
        let expected = bits(all(&store, &whole));
        let coded = store.sql(frames).unwrap().rows;
        store.remove("path").unwrap();
        // At a key frame, just before and after one, and where several are behind.
        for stop in [0, 1, 30, 63, 64, 65, 128, 129, 139] {
            let run = run(&store);
            let mut recorder = store.recorder(&run).form(*form);
            give(&mut recorder, 0..stop);
            recorder.state(0, 0, vec![1]).unwrap();
            recorder.state(stop as u64, stop as u64, vec![1]).unwrap();
            // Lost with its process.
            give(&mut recorder, stop..(stop + 7).min(path.len()));
            recorder.flush().unwrap();
            drop(recorder);
            let mut recorder = store.recorder(&run).form(*form);
            let state = store.training_state(&run).unwrap().unwrap();
            recorder.resume_from(&state).unwrap();
            give(&mut recorder, stop..path.len());
            recorder.finish(Status::Complete).unwrap();
            assert!(bits(all(&store, &run)) == expected, "{form} at {stop}");
            let now = store.sql(frames).unwrap().rows;
            assert_eq!(now, coded, "{form} at {stop}");
            store.remove("path").unwrap();
        }
    }
}

/// While another process has the file, states lie in the journal, ever more seldom.
#[test]
fn a_state_may_wait_in_the_journal() {
    let (_dir, file) = place();
    let store = Store::open(&file)
        .unwrap()
        .with_timeout(Duration::from_millis(50));
    let run = run(&store);
    let mut other = Process::start("hold", &file);
    other.wait_for("holding");
    let mut recorder = store.recorder(&run);
    push(&mut recorder, 0..3);
    recorder.state(0, 0, vec![7]).unwrap();
    recorder.state(2, 3, large(3)).unwrap();
    recorder.state(2, 3, large(4)).unwrap();
    std::thread::sleep(Duration::from_millis(600));
    assert!(!recorder.wants_state());
    drop(recorder);
    other.kill();
    let store = Store::open(&file).unwrap();
    assert_eq!(stored(&store, &run), Some((2, 3, large(4))));
    assert_eq!(steps(&store, &run), [0, 1, 2]);
}

/// Seconds go on, and another name goes on with a copy.
#[test]
fn another_name_for_a_stopped_training_begins_with_its_state() {
    let (_dir, store) = store();
    let run = run(&store);
    let mut recorder = store.recorder(&run);
    push(&mut recorder, 0..3);
    recorder.state(0, 0, vec![0]).unwrap();
    recorder.state(2, 3, vec![2]).unwrap();
    recorder.finish(Status::Interrupted).unwrap();
    let state = TrainingState {
        seconds: 1000.0,
        ..store.training_state(&run).unwrap().unwrap()
    };
    let mut recorder = store.recorder(&run);
    recorder.resume_from(&state).unwrap();
    assert!((1000.0..1060.0).contains(&recorder.seconds()));
    let settings = json!({"optimizer": "adam", "lr": 1e-3});
    let other = RunSpec::new(RunKind::Train, settings).named("other");
    let other = store.begin(&other).unwrap();
    assert_eq!(stored(&store, &other), Some((2, 3, vec![2])));
    assert_eq!(steps(&store, &other), [0, 1, 2]);
}

/// What a state costs.
#[test]
#[ignore = "a measurement: cargo test --release -- --ignored --nocapture cost_of_states"]
fn cost_of_states() {
    for megabytes in [1, 10, 100, 400] {
        let (dir, store) = store();
        let run = run(&store);
        let mut recorder = store.recorder(&run);
        recorder.state(0, 0, vec![0]).unwrap();
        let bytes = vec![0.5f32.to_le_bytes()[3]; megabytes << 20];
        for step in 1..6 {
            let start = std::time::Instant::now();
            recorder.state(step, step, bytes.clone()).unwrap();
            let took = start.elapsed();
            let file = std::fs::metadata(dir.path().join("landscape.duckdb")).unwrap();
            println!(
                "{megabytes} MiB, {step}: {took:?}, file {} MiB",
                file.len() >> 20
            );
        }
    }
}
