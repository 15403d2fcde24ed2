//! How fast shards are merged; run by hand, see `docs/benchmarks.md`.

use landscape_core::{Grid, Measured, Sample, Shard};
use landscape_storage::{RunKind, RunSpec, Status, Store};
use landscape_study::merge::{Merge, MergeRequest};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A surface of that many points an axis in so many shards, with a loss that is told by the number of the point.
fn shards(folder: &Path, axis: usize, of: usize) -> Vec<PathBuf> {
    let grid = Grid::square(axis, 1.0, 2).unwrap();
    let order = grid.coarse_to_fine();
    let file = |number: usize| {
        let shard = Shard::new(number, of).unwrap();
        let path = folder.join(format!("{number}.duckdb"));
        let store = Store::open(&path).unwrap();
        let spec = RunSpec::new(
            RunKind::Surface,
            json!({"function": "number", "grid": grid}),
        );
        let spec = spec
            .named("plane")
            .with_provenance(json!({"shard": shard.to_string(), "device": "cpu"}));
        let run = store.begin(&spec).unwrap();
        store.put_grid(&run, &grid, &[]).unwrap();
        let point = |index: usize| Measured {
            index,
            sample: Sample {
                accuracy: Some(0.5),
                ..Sample::of(index as f64)
            },
        };
        let points: Vec<Measured> = shard.part(&order).into_iter().map(point).collect();
        store.append_points(&run, &points).unwrap();
        store.finish(&run, Status::Interrupted).unwrap();
        path
    };
    (0..of).map(file).collect()
}

/// Merges all of them, twice: seconds to prepare and to merge, and of the second time, where nothing is new.
fn measured(axis: usize, of: usize) {
    let folder = tempfile::tempdir().unwrap();
    let sources = shards(folder.path(), axis, of);
    let into = folder.path().join("all.duckdb");
    for time in ["first", "again"] {
        let start = Instant::now();
        let request = MergeRequest {
            sources: sources.clone(),
            into: into.clone(),
        };
        let merge = Merge::prepare(&request, &()).unwrap();
        let prepared = start.elapsed().as_secs_f64();
        let merged = merge.run(&Store::open(&into).unwrap(), &()).unwrap();
        assert!(merged.is_complete());
        assert_eq!(merged.runs[0].points, (axis * axis) as u64);
        let all = start.elapsed().as_secs_f64();
        println!(
            "{axis}x{axis} points of {of} shards, {time}: {prepared:.2} s to prepare, {all:.2} s in all"
        );
    }
    let store = Store::open_read(&into).unwrap();
    let of_number = store
        .sql(&format!(
            "SELECT count(*) FROM points WHERE loss <> i * {axis} + j"
        ))
        .unwrap();
    assert_eq!(of_number.rows[0][0], 0);
}

#[test]
fn shards_of_a_small_surface() {
    measured(21, 8);
}

#[test]
#[ignore = "a measurement of ten million points"]
fn ten_million_points() {
    measured(3163, 10);
}

#[test]
#[ignore = "a measurement of a thousand files"]
fn a_thousand_shards() {
    measured(1001, 1000);
}

#[test]
#[ignore = "a measurement of one large file"]
fn one_large_file() {
    measured(3163, 1);
}
