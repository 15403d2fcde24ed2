//! Recording in every form: what comes back, when, and after what.

use crate::child::{Process, allow, allow_all, wait_until_allowed};
use crate::support::{params, place, raw, store};
use crate::training::{Adam, record, run, values};
use landscape_core::{Parameter, Params, Pca, PcaOptions, Role, RowSource};
use landscape_storage::{
    CheckpointForm, Error, RunKind, Status, StepState, Store, StoredCheckpoint, TrainRecord, When,
};
use proptest::prelude::*;
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// The checkpoints of a run, read from the first to the last.
fn all(store: &Store) -> Vec<StoredCheckpoint> {
    let run = store.find("path").unwrap();
    let checkpoints = store.checkpoints(&run).unwrap();
    checkpoints.collect::<Result<_, _>>().unwrap()
}

/// One tensor of any values.
fn tensor(values: Vec<f32>) -> Params {
    let tensor = Parameter::new("w", [values.len()], values, Role::Weight).unwrap();
    Params::new(vec![tensor]).unwrap()
}

fn bits(params: &Params) -> Vec<u32> {
    values(params).iter().map(|v| v.to_bits()).collect()
}

/// Stores paths in one form and gives what is read, all at once and one by one.
fn through(form: CheckpointForm, path: &[Params]) -> Vec<Params> {
    let (_dir, store) = store();
    let run = run(&store);
    let mut recorder = store.recorder(&run).form(form);
    for (step, params) in path.iter().enumerate() {
        recorder.push(record(step as u64), Some(params)).unwrap();
    }
    recorder.finish(Status::Complete).unwrap();
    let read = all(&store);
    assert_eq!(read.len(), path.len());
    for (step, stored) in read
        .iter()
        .enumerate()
        .step_by(7)
        .chain([(read.len() - 1, read.last().unwrap())])
    {
        let alone = store.checkpoint(&run, step as u64).unwrap().unwrap();
        assert_eq!(alone.record, stored.record);
        assert_eq!(
            bits(&alone.params),
            bits(&stored.params),
            "step {step} read alone"
        );
    }
    read.into_iter().map(|stored| stored.params).collect()
}

fn adam_path(steps: usize) -> Vec<Params> {
    let mut adam = Adam::new(1);
    (0..steps)
        .map(|_| {
            let params = adam.params();
            adam.advance();
            params
        })
        .collect()
}

#[test]
fn raw_and_f32_come_back_bit_for_bit() {
    let path = adam_path(150);
    for form in [CheckpointForm::Raw, CheckpointForm::F32] {
        for (given, read) in path.iter().zip(through(form, &path)) {
            assert_eq!(*given, read, "{form}");
        }
    }
}

/// Over a thousand steps the error stays that of one: `2^-11` of the last change, to which the error
/// before belongs, and the rounding of f32.
#[test]
fn errors_of_f16_are_relative_to_a_step_and_do_not_add_up() {
    let path = adam_path(1000);
    let read = through(CheckpointForm::F16, &path);
    let mut largest: f32 = 0.0;
    for t in 1..path.len() {
        let [before, now] = [t - 1, t].map(|t| values(&path[t]));
        let [stored_before, stored] = [t - 1, t].map(|t| values(&read[t]));
        for i in 0..now.len() {
            let change = (now[i] - stored_before[i]).abs();
            let error = (stored[i] - now[i]).abs();
            let unit = (now[i].abs().next_up() - now[i].abs()).max(f32::MIN_POSITIVE);
            assert!(
                error <= change / 2048.0 + unit,
                "step {t}, value {i}: {error} of {change}"
            );
        }
        let norm = |a: &[f32], b: &[f32]| -> f32 {
            a.iter()
                .zip(b)
                .map(|(a, b)| (a - b) * (a - b))
                .sum::<f32>()
                .sqrt()
        };
        largest = largest.max(norm(&stored, &now) / norm(&now, &before));
    }
    println!("largest error as a share of a step: {largest}");
    assert!(largest < 1.0 / 2048.0, "{largest}");
}

/// Values that differences cannot express: NaN with a payload, infinities, jumps across the range.
#[test]
fn values_that_are_not_finite_survive() {
    let odd = [
        f32::from_bits(0x7fc1_2345),
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::MAX,
        f32::MIN,
        -0.0,
        1e-42,
    ];
    let state = |t: usize| {
        let mut values: Vec<f32> = (0..40).map(|i| ((i + t) as f32 * 0.01).sin()).collect();
        if (2..5).contains(&t) || t == 9 {
            values[t..t + odd.len()].copy_from_slice(&odd);
        }
        tensor(values)
    };
    let path: Vec<Params> = (0..12).map(state).collect();
    for form in CheckpointForm::ALL {
        let read = through(*form, &path);
        for t in 0..path.len() {
            if (2..5).contains(&t) || t == 9 || *form != CheckpointForm::F16 {
                assert_eq!(bits(&read[t]), bits(&path[t]), "{form}, step {t}");
            } else {
                let pairs = values(&read[t]).into_iter().zip(values(&path[t]));
                pairs.for_each(|(a, b)| {
                    assert!(
                        (a - b).abs() < 1e-4
                            || *form == CheckpointForm::F16 && (a - b).abs() <= 1e-3,
                        "step {t}: {a} {b}"
                    )
                });
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Any bits at all, in f32: back as they were, in at most 4 bytes a value and 16.
    #[test]
    fn any_bits_survive_and_never_grow(
        rows in prop::collection::vec(prop::collection::vec(any::<u32>(), 33), 1..4)
    ) {
        let (_dir, store) = store();
        let run = run(&store);
        let mut recorder = store.recorder(&run);
        let path: Vec<Params> = rows
            .iter()
            .map(|row| tensor(row.iter().map(|&b| f32::from_bits(b)).collect()))
            .collect();
        for (step, params) in path.iter().enumerate() {
            recorder.push(record(step as u64), Some(params)).unwrap();
        }
        recorder.flush().unwrap();
        for (given, read) in path.iter().zip(all(&store)) {
            prop_assert_eq!(bits(given), bits(&read.params));
        }
        let largest = store.sql("SELECT max(bytes) FROM checkpoints").unwrap();
        prop_assert!(largest.text(0, 0).parse::<usize>().unwrap() <= 4 * 33 + 16);
    }
}

#[test]
fn steps_are_recorded_when_they_are_due_and_only_then_measured() {
    let (_dir, store) = store();
    let run = run(&store);
    let mut recorder = store.recorder(&run).when(When::every(25));
    let mut measured = 0;
    for step in 0..=60 {
        let facts = TrainRecord {
            gradient_norm: Some(2.0),
            ..record(step)
        };
        let recorded = recorder
            .step(facts, || {
                measured += 1;
                StepState::from(params(step as f32)).with_loss(1.0 / (1.0 + step as f64), Some(0.5))
            })
            .unwrap();
        assert_eq!(recorded, step % 25 == 0);
    }
    recorder.finish(Status::Complete).unwrap();
    assert_eq!(measured, 3);
    assert_eq!(store.checkpoint_steps(&run).unwrap(), [0, 25, 50]);
    let records = store.records(&run).unwrap();
    assert_eq!(records[1].loss, Some(1.0 / 26.0));
    assert_eq!(records[1].accuracy, Some(0.5));
    assert_eq!(records[1].gradient_norm, Some(2.0));
    let seconds: Vec<f64> = records.iter().map(|r| r.seconds.unwrap()).collect();
    assert!(seconds.is_sorted() && seconds[0] >= 0.0, "{seconds:?}");
}

#[test]
fn schedules_are_due_where_they_say() {
    let steps = |when: When| -> Vec<u64> {
        (0..=1000)
            .filter(|&step| when.is_due(step, None, 0.5))
            .collect()
    };
    assert_eq!(steps(When::at([999, 3])), [0, 3, 999]);
    assert_eq!(steps(When::every(0)).len(), 1001);
    assert_eq!(
        steps(When::logarithmic(2)),
        [0, 1, 3, 10, 32, 100, 316, 1000]
    );
    let dense = steps(When::logarithmic(20));
    assert_eq!(dense[..9], [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(
        dense
            .iter()
            .filter(|&&step| (100..1000).contains(&step))
            .count(),
        20
    );
    // Epochs of 8 steps.
    let mut before = None;
    let ends: Vec<u64> = (0..=20)
        .filter(|&step| {
            let epoch = step as f64 / 8.0;
            When::EpochEnds.is_due(step, before.replace(epoch), epoch)
        })
        .collect();
    assert_eq!(ends, [0, 8, 16]);
    // Epochs that no step ends exactly.
    let mut before = None;
    let ends: Vec<u64> = (1..=7)
        .filter(|&step| {
            let epoch = step as f64 * 0.3;
            When::EpochEnds.is_due(step, before.replace(epoch), epoch)
        })
        .collect();
    assert_eq!(ends, [4, 7]);
}

/// A training that goes back takes the place of what it did before, also in another process.
#[test]
fn a_step_that_goes_back_replaces_what_follows() {
    for form in CheckpointForm::ALL {
        let (_dir, store) = store();
        let run = run(&store);
        let mut recorder = store.recorder(&run).form(*form);
        for step in 0..100 {
            recorder
                .push(record(step), Some(&params(step as f32)))
                .unwrap();
            if step == 50 {
                recorder.flush().unwrap();
            }
        }
        // Some of what is replaced waits, some is stored.
        recorder.push(record(40), Some(&params(-40.0))).unwrap();
        recorder.push(record(41), Some(&params(-41.0))).unwrap();
        drop(recorder);
        assert_eq!(store.checkpoint_steps(&run).unwrap().last(), Some(&41));
        let mut again = store.recorder(&run).form(*form);
        assert_eq!(again.resume().unwrap().unwrap().record.step, 41);
        again.push(record(41), Some(&params(7.0))).unwrap();
        again.push(record(45), Some(&params(8.0))).unwrap();
        drop(again);
        let read = all(&store);
        let steps: Vec<u64> = read.iter().map(|c| c.record.step).collect();
        assert_eq!(steps, (0..=41).chain([45]).collect::<Vec<_>>());
        assert_eq!(store.records(&run).unwrap().len(), 43);
        let close = |at: usize, seed: f32| {
            let pairs = values(&read[at].params)
                .into_iter()
                .zip(values(&params(seed)));
            pairs.for_each(|(a, b)| assert!((a - b).abs() < 2e-3, "{form} at {at}: {a} {b}"));
        };
        close(39, 39.0);
        close(40, -40.0);
        close(41, 7.0);
        close(42, 8.0);
    }
}

#[test]
fn times_go_on_where_they_were() {
    let (_dir, store) = store();
    let run = run(&store);
    let early = TrainRecord {
        seconds: Some(1000.0),
        ..record(3)
    };
    let mut recorder = store.recorder(&run);
    assert_eq!(recorder.resume().unwrap(), None);
    recorder.push(early, Some(&params(1.0))).unwrap();
    drop(recorder);
    let mut recorder = store.recorder(&run);
    recorder.resume().unwrap();
    recorder.step(record(4), StepState::default).unwrap();
    drop(recorder);
    let seconds = store.records(&run).unwrap()[1].seconds.unwrap();
    assert!((1000.0..1060.0).contains(&seconds), "{seconds}");
}

/// A checkpoint put in the place of a compressed one leaves those that build on it as they were.
#[test]
fn checkpoints_may_be_replaced_within_a_chain() {
    let (_dir, store) = store();
    let run = run(&store);
    let mut recorder = store.recorder(&run);
    for step in 0..20 {
        recorder
            .push(record(step), Some(&params(step as f32)))
            .unwrap();
    }
    drop(recorder);
    let replaced = |step: u64| StoredCheckpoint {
        record: record(step),
        params: params(-1.0 - step as f32),
    };
    store
        .put_checkpoints(&run, &[replaced(0), replaced(7), replaced(8), replaced(19)])
        .unwrap();
    for (step, read) in all(&store).iter().enumerate() {
        let seed = match step {
            0 | 7 | 8 | 19 => -1.0 - step as f32,
            _ => step as f32,
        };
        assert_eq!(read.params, params(seed), "step {step}");
    }
    let forms = store
        .sql("SELECT step FROM checkpoints WHERE form = 'raw' ORDER BY step")
        .unwrap();
    assert_eq!(forms.rows, [[0], [7], [8], [19]]);
}

#[test]
fn another_network_is_refused_and_what_was_recorded_stays() {
    let (_dir, store) = store();
    let run = run(&store);
    let mut recorder = store.recorder(&run);
    recorder.push(record(0), Some(&params(0.0))).unwrap();
    let error = recorder
        .push(record(1), Some(&tensor(vec![1.0])))
        .unwrap_err();
    assert!(error.to_string().contains("`path`"), "{error}");
    recorder.push(record(1), Some(&params(1.0))).unwrap();
    drop(recorder);
    // In another process it is known from the file.
    let mut recorder = store.recorder(&run);
    recorder.push(record(2), Some(&tensor(vec![1.0]))).unwrap();
    let error = recorder.flush().unwrap_err();
    assert!(matches!(error, Error::OtherLayout { .. }), "{error}");
    drop(recorder);
    assert_eq!(store.checkpoint_steps(&run).unwrap(), [0, 1]);
}

#[test]
fn damaged_frames_are_errors() {
    let breaks = [
        (
            "UPDATE deltas SET data = data[1:20] WHERE step = 3",
            "ends early",
        ),
        (
            "UPDATE deltas SET data = data || '\\x00'::BLOB WHERE step = 3",
            "too many bytes",
        ),
        (
            "UPDATE deltas SET coding = 'f8' WHERE step = 3",
            "coding `f8`",
        ),
        (
            "DELETE FROM deltas WHERE step = 3",
            "step 4 without the one",
        ),
        ("DELETE FROM records WHERE step = 3", "without its record"),
        (
            "UPDATE layouts SET shape = '[1]' WHERE ordinal = 0",
            "checkpoint",
        ),
    ];
    for (change, says) in breaks {
        let (_dir, store) = store();
        let run = run(&store);
        let mut recorder = store.recorder(&run);
        for step in 0..6 {
            recorder
                .push(record(step), Some(&params(step as f32)))
                .unwrap();
        }
        drop(recorder);
        raw(store.path()).execute_batch(change).unwrap();
        let mut read = store.checkpoints(&run).unwrap();
        let error = read
            .find_map(Result::err)
            .unwrap_or_else(|| panic!("{change}"));
        assert!(error.to_string().contains(says), "{change}: {error}");
        assert!(read.next().is_none());
    }
}

#[test]
fn a_removed_run_takes_compressed_checkpoints_along() {
    let (_dir, store) = store();
    let run = run(&store);
    let mut recorder = store.recorder(&run);
    (0..5).for_each(|step| {
        recorder
            .push(record(step), Some(&params(step as f32)))
            .unwrap()
    });
    recorder.finish(Status::Complete).unwrap();
    let summary = store.summary("path").unwrap();
    assert_eq!(summary.checkpoints, 5);
    assert!(
        (84..=5 * 100).contains(&summary.checkpoint_bytes),
        "{}",
        summary.checkpoint_bytes
    );
    store.remove("path").unwrap();
    for table in ["deltas", "layouts"] {
        let rows = store.sql(&format!("SELECT count(*) FROM {table}")).unwrap();
        assert_eq!(rows.rows, [[json!(0)]]);
    }
}

/// Many transactions with little in them share their blocks.
#[test]
fn small_batches_do_not_take_blocks_of_their_own() {
    for form in [CheckpointForm::Raw, CheckpointForm::F32] {
        let (_dir, store) = store();
        let run = run(&store);
        let mut recorder = store.recorder(&run).form(form);
        for step in 0..40 {
            let params = params(step as f32);
            recorder.push(record(step), Some(&params)).unwrap();
            recorder.flush().unwrap();
        }
        drop(recorder);
        for (step, read) in all(&store).iter().enumerate() {
            assert_eq!(read.record.step, step as u64);
            assert_eq!(read.params, params(step as f32));
        }
        let size = std::fs::metadata(store.path()).unwrap().len();
        assert!(
            size < 6 << 20,
            "{form}: {size} bytes, 20 MB if each had its own"
        );
    }
}

/// A stored path is a source of rows: its components are those of the rows in memory.
#[test]
fn a_stored_path_streams_into_pca() {
    let (_dir, store) = store();
    let run = run(&store);
    let path = adam_path(60);
    let mut recorder = store.recorder(&run);
    for (step, params) in path.iter().enumerate() {
        recorder.push(record(step as u64), Some(params)).unwrap();
    }
    recorder.finish(Status::Complete).unwrap();
    let options = PcaOptions {
        components: 3,
        ignore_one_dimensional: false,
    };
    for range in [0..=u64::MAX, 13..=44] {
        let rows = store.rows(&run, range.clone()).unwrap();
        let held: Vec<&Params> = { path.iter().enumerate() }
            .filter(|(step, _)| range.contains(&(*step as u64)))
            .map(|(_, params)| params)
            .collect();
        assert_eq!(rows.len(), held.len());
        assert_eq!(rows.steps()[5], range.start() + 5);
        assert_eq!(rows.row(5).unwrap(), *held[5]);
        assert!(rows.row(held.len()).is_err());
        let streamed = Pca::fit_source(&rows, held[0], &options).unwrap();
        assert_eq!(streamed, Pca::fit_with(&held, held[0], &options).unwrap());
    }
}

#[test]
fn files_of_version_3_get_the_tables() {
    let (_dir, path) = place();
    let conn = raw(&path);
    for version in [
        include_str!("../../src/schema/v1.sql"),
        include_str!("../../src/schema/v2.sql"),
        include_str!("../../src/schema/v3.sql"),
    ] {
        conn.execute_batch(version).unwrap();
    }
    conn.execute_batch(
        "INSERT INTO meta VALUES ('schema_version', '3');
         INSERT INTO runs VALUES (nextval('run_numbers'), 'path', 'train', 'x', '{}', '{}',
                                  TIMESTAMP '2026-01-01', NULL, 'complete', NULL);
         INSERT INTO records VALUES (1, 5, 0.5, 0.25, NULL, NULL, 0.1);
         INSERT INTO tensors VALUES (1, 'checkpoint', 5, 0, 'w', 'weight', '[1]', '\\x00\\x00\\x80\\x3F');",
    )
    .unwrap();
    drop(conn);
    let old = TrainRecord {
        step: 5,
        epoch: 0.5,
        loss: Some(0.25),
        lr: Some(0.1),
        ..Default::default()
    };
    let kept = [StoredCheckpoint {
        record: old,
        params: tensor(vec![1.0]),
    }];
    assert_eq!(all(&Store::open_read(&path).unwrap()), kept);
    let store = Store::open(&path).unwrap();
    assert_eq!(all(&store), kept);
    // A raw path goes on in another form.
    let run = store.find("path").unwrap();
    assert_eq!(run.kind, RunKind::Train);
    let mut recorder = store.recorder(&run).form(CheckpointForm::F16);
    recorder.push(record(6), Some(&tensor(vec![1.5]))).unwrap();
    recorder.push(record(7), Some(&tensor(vec![1.75]))).unwrap();
    drop(recorder);
    let read = all(&store);
    assert_eq!(
        read.iter()
            .map(|c| values(&c.params)[0])
            .collect::<Vec<_>>(),
        [1.0, 1.5, 1.75]
    );
    let forms = store
        .sql("SELECT form FROM checkpoints ORDER BY step")
        .unwrap();
    assert_eq!(forms.rows, [[json!("raw")], [json!("f32")], [json!("f16")]]);
}

/// Steps of the training that is killed.
const STEPS: u64 = 1200;

/// What a user's program does: goes on from the last checkpoint, with the weights it finds there.
pub fn train_in_child(file: &Path) {
    let store = Store::open(file).unwrap();
    let run = run(&store);
    let mut recorder = store.recorder(&run).form(CheckpointForm::F32);
    let first = match recorder.resume().unwrap() {
        Some(last) => {
            assert_eq!(
                values(&last.params),
                state(last.record.step),
                "the state at {}",
                last.record.step
            );
            last.record.step + 1
        }
        None => 0,
    };
    for step in first..=STEPS {
        println!("at {step}");
        wait_until_allowed(file, step as usize);
        std::thread::sleep(Duration::from_millis(4));
        recorder.step(record(step), || tensor(state(step))).unwrap();
    }
    recorder.finish(Status::Complete).unwrap();
}

/// A state that tells its step.
fn state(step: u64) -> Vec<f32> {
    (0..300)
        .map(|i| (step as f32 * 0.01 + i as f32).sin())
        .collect()
}

/// Twenty kills over the whole of a training: what is found each time is whole, and goes on.
#[test]
fn a_recording_that_is_killed_again_and_again_stays_whole() {
    let (_dir, file) = place();
    let mut seed = 0x2545_f491_4f6c_dd17_u64;
    let mut reached = 0;
    for kill in 0..20 {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        // One in five has time to store some steps; the others may be killed before.
        let some = match kill % 5 {
            4 => reached + 130,
            _ => reached + (seed % 60) as usize,
        };
        assert!(some + 3 < STEPS as usize, "{some} after {kill} kills");
        allow(&file, some + 3);
        let mut process = Process::start("train", &file);
        process.wait_for(&format!("at {some}"));
        assert!(!process.ended());
        process.kill();
        let read = all(&Store::open(&file).unwrap());
        for (step, read) in read.iter().enumerate() {
            assert_eq!(read.record.step, step as u64, "no gap");
            assert_eq!(values(&read.params), state(step as u64));
        }
        assert!(read.len() >= reached, "nothing stored is lost");
        reached = read.len();
    }
    assert!(reached > 0);
    allow_all(&file);
    let output = Process::start("train", &file).output();
    assert!(output.contains("1 passed"), "{output}");
    let store = Store::open(&file).unwrap();
    assert_eq!(all(&store).len() as u64, STEPS + 1);
    assert_eq!(store.find("path").unwrap().status, Status::Complete);
}
