//! Storing a surface of 501x501 points, from opening the file to closing it.

#![allow(missing_docs)] // criterion generates public functions

use criterion::{Criterion, criterion_group, criterion_main};
use landscape_core::{Grid, Measured, Observer, Progress, Sample};
use landscape_storage::{RunKind, RunSpec, Status, Store};
use std::time::Duration;

fn store(criterion: &mut Criterion) {
    let grid = Grid::square(501, 1.0, 2).expect("a grid");
    let points: Vec<Measured> = (0..grid.len())
        .map(|index| Measured {
            index,
            sample: Sample::of(index as f64 * 1e-3),
        })
        .collect();
    let mut group = criterion.benchmark_group("storage");
    group.sample_size(10);
    group.bench_function("surface 501x501", |bencher| {
        bencher.iter(|| {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let store = Store::open(folder.path().join("bench.duckdb")).expect("a new file");
            let settings = serde_json::json!({"bench": true});
            let spec = RunSpec::new(RunKind::Surface, settings);
            let (run, _) = store
                .begin_surface(&spec, &grid, &[], None)
                .expect("a new run");
            let mut observer = store.observer(&run);
            let total = points.len();
            for batch in points.chunks(16_384) {
                let progress = Progress {
                    done: 0,
                    total,
                    resumed: 0,
                    elapsed: Duration::ZERO,
                };
                observer.batch(batch, progress).expect("stored");
            }
            observer.finish(Status::Complete).expect("stored");
        });
    });
    group.finish();
}

criterion_group!(benches, store);
criterion_main!(benches);
