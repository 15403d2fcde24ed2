//! How large recordings are, and how long they take.

use crate::support::store;
use crate::training::{Adam, record, run, values};
use landscape_core::{Pca, PcaOptions};
use landscape_storage::{CheckpointForm, Status, Store};
use std::time::{Duration, Instant};

/// What came of a recording.
struct Recorded {
    /// The whole file.
    file: u64,
    /// Of it, the checkpoints.
    stored: u64,
    /// Four bytes a value.
    raw: u64,
    recording: Duration,
    reading: Duration,
    components: Duration,
}

/// Trains a network of 15,910 parameters, and records every step.
fn recorded(form: CheckpointForm, steps: u64) -> Recorded {
    let (_dir, store) = store();
    let run = run(&store);
    let mut recorder = store.recorder(&run).form(form);
    let mut adam = Adam::new(20);
    let mut recording = Duration::ZERO;
    for step in 0..steps {
        let clock = Instant::now();
        recorder.step(record(step), || adam.params()).unwrap();
        recording += clock.elapsed();
        adam.advance();
    }
    recorder.finish(Status::Complete).unwrap();
    let raw = 4 * adam.weights.len() as u64 * steps;
    let reading = read_back(&store, steps);
    let clock = Instant::now();
    let run = store.find("path").unwrap();
    let options = PcaOptions {
        components: 2,
        ignore_one_dimensional: false,
    };
    let rows = store.rows(&run, 0..=u64::MAX).unwrap();
    let pca = Pca::fit_source(&rows, &adam.params(), &options).unwrap();
    assert!(pca.explained_variance_ratio[0] > 0.1);
    let components = clock.elapsed();
    let stored = store.summary("path").unwrap().checkpoint_bytes;
    let file = std::fs::metadata(store.path()).unwrap().len();
    Recorded {
        file,
        stored,
        raw,
        recording,
        reading,
        components,
    }
}

fn read_back(store: &Store, steps: u64) -> Duration {
    let clock = Instant::now();
    let run = store.find("path").unwrap();
    let mut count = 0;
    for checkpoint in store.checkpoints(&run).unwrap() {
        assert!(values(&checkpoint.unwrap().params)[0].is_finite());
        count += 1;
    }
    assert_eq!(count, steps);
    clock.elapsed()
}

#[test]
fn files_are_half_as_large_with_f16_and_smaller_with_f32() {
    let (f16, f32) = (
        recorded(CheckpointForm::F16, 600),
        recorded(CheckpointForm::F32, 600),
    );
    // Besides the checkpoints a file has blocks that are to be used again, whatever its size.
    let blocks = 6 << 20;
    assert!(
        10 * f16.stored <= 9 * (f16.raw / 2),
        "{} of {}",
        f16.stored,
        f16.raw
    );
    assert!(
        f16.file <= f16.raw / 2 + blocks,
        "{} of {}",
        f16.file,
        f16.raw
    );
    assert!(
        10 * f32.stored <= 9 * f32.raw,
        "{} of {}",
        f32.stored,
        f32.raw
    );
    assert!(f32.file <= f32.raw, "{} of {}", f32.file, f32.raw);
}

#[test]
#[ignore = "takes a minute, for measuring: cargo test --release --test it -- --ignored --nocapture ten_thousand"]
fn ten_thousand_steps() {
    for form in [CheckpointForm::F16, CheckpointForm::F32] {
        let done = recorded(form, 10_000);
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let peak = status.lines().find(|line| line.starts_with("VmHWM"));
        println!(
            "{form}: {:.1} of {:.1} MB ({:.1} of checkpoints), {:.1} s recording, {:.1} s reading, {:.1} s for two components, {}",
            done.file as f64 / 1e6,
            done.raw as f64 / 1e6,
            done.stored as f64 / 1e6,
            done.recording.as_secs_f64(),
            done.reading.as_secs_f64(),
            done.components.as_secs_f64(),
            peak.unwrap_or_default(),
        );
        let most = match form {
            CheckpointForm::F16 => done.raw / 2,
            _ => done.raw,
        };
        assert!(done.file <= most);
    }
}
