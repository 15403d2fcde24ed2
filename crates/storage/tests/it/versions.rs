//! A real file of every earlier schema version: read as it is, brought up to date, continued.

use crate::support::{grid, place, points};
use flate2::read::GzDecoder;
use landscape_core::{Measured, Surface, Term};
use landscape_storage::{
    CheckpointForm, Eigenvalue, RunKind, RunSpec, SCHEMA_VERSION, Side, Status, Store, TrainRecord,
};
use serde_json::{Value, json};
use std::fs;
use std::io::Read;
use std::path::Path;

const FILES: [&[u8]; 5] = [
    include_bytes!("../reference/versions/v1.duckdb.gz"),
    include_bytes!("../reference/versions/v2.duckdb.gz"),
    include_bytes!("../reference/versions/v3.duckdb.gz"),
    include_bytes!("../reference/versions/v4.duckdb.gz"),
    include_bytes!("../reference/versions/v5.duckdb.gz"),
];

/// How many earlier versions there are.
pub fn count() -> u64 {
    FILES.len() as u64
}

/// Writes the file of a version.
pub fn write(path: &Path, version: u64) {
    let mut bytes = Vec::new();
    let mut file = GzDecoder::new(FILES[version as usize - 1]);
    file.read_to_end(&mut bytes).unwrap();
    fs::write(path, bytes).unwrap();
}

/// There is a file of every version before this one: a new version adds the file of the last.
#[test]
fn every_earlier_version_has_a_file() {
    assert_eq!(FILES.len() as u64, SCHEMA_VERSION - 1);
}

fn terms() -> Vec<Term> {
    vec![Term {
        name: "l2".to_owned(),
        weight: 0.1,
    }]
}

fn the_surface(store: &Store) -> Surface {
    store
        .load_surface(&store.find("surface-1").unwrap())
        .unwrap()
}

fn query(store: &Store, sql: &str) -> Vec<Vec<Value>> {
    store.sql(sql).unwrap().rows
}

fn check_surface(store: &Store, version: u64) {
    let run = store.find("surface-1").unwrap();
    assert_eq!((run.id, run.status), (1, Status::Interrupted));
    assert_eq!(run.identity, surface_spec().identity());
    assert_eq!(
        landscape_storage::timestamp(run.created),
        "2026-03-01T12:00:00Z"
    );
    let surface = the_surface(store);
    assert_eq!((surface.grid(), surface.missing()), (&grid(), 8));
    for i in 0..5 {
        for j in 0..4 {
            let flat = surface.grid().index([i, j, 0]).unwrap();
            let sample = surface.get(flat).unwrap();
            assert!(surface.is_measured(flat));
            assert_eq!(
                (sample.loss_se, sample.terms[0]),
                (Some(0.25), (i + j) as f64)
            );
            match (i, j) {
                (4, 3) => assert!(sample.loss.is_nan()),
                _ => assert_eq!(sample.loss, (i * i) as f64 + j as f64 / 2.0),
            }
        }
    }
    let directions = store.directions(&run).unwrap();
    assert_eq!(directions.norms, [5.0]);
    assert_eq!(
        directions.directions[0].tensors.iter().next().unwrap().data,
        [3.0, 4.0]
    );
    let paths = store.load_trajectories(&run).unwrap();
    assert_eq!((paths.len(), paths[0].label.as_str()), (1, "train-1"));
    assert_eq!(paths[0].trajectory.points[0].coords, [0.5, -0.5, 0.0]);
    let total = query(
        store,
        "SELECT total FROM landscape WHERE run = 'surface-1' AND i = 2 AND j = 1",
    );
    assert_eq!(total, [[json!(4.5 + 0.1 * 3.0)]]);
    let sessions = run.provenance.get("sessions").and_then(Value::as_array);
    assert_eq!(
        sessions.map_or(1, Vec::len),
        if version == 5 { 2 } else { 1 }
    );
}

fn check_training(store: &Store, version: u64) {
    let run = store.find("train-1").unwrap();
    assert_eq!((run.kind, run.status), (RunKind::Train, Status::Complete));
    let records = store.records(&run).unwrap();
    assert_eq!(records.len(), 3);
    assert_eq!(records[1].loss, Some(0.5));
    assert_eq!(records[1].gradient_norm, (version >= 4).then_some(2.5));
    let weights = |params: &landscape_core::Params| params.iter().next().unwrap().data.clone();
    for (step, checkpoint) in store.checkpoints(&run).unwrap().enumerate() {
        let step = step as f32;
        assert_eq!(
            weights(&checkpoint.unwrap().params),
            [step + 0.5, -step - 0.25]
        );
    }
    let last = store.last_checkpoint(&run).unwrap().unwrap();
    assert_eq!(last.record.step, 2);
    let listed = query(
        store,
        "SELECT run, step, form FROM checkpoints ORDER BY ALL",
    );
    let form = if version >= 4 { "f32" } else { "raw" };
    let rows =
        [("raw", 0), ("raw", 1), (form, 2)].map(|(form, step)| json!(["train-1", step, form]));
    assert_eq!(
        json!(listed),
        json!(rows),
        "control points are not checkpoints"
    );
}

fn check_curve(store: &Store, version: u64) {
    let name = if version >= 5 { "curve-1" } else { "train-2" };
    let run = store.find(name).unwrap();
    assert_eq!(run.kind, RunKind::Curve);
    let points = store.checkpoints(&run).unwrap();
    let first =
        |point: landscape_storage::StoredCheckpoint| point.params.iter().next().unwrap().data[0];
    let points: Vec<f32> = points.map(|point| first(point.unwrap())).collect();
    assert_eq!(points, [0.0, 1.0, 2.0]);
    let parts = query(store, "SELECT DISTINCT part FROM tensors WHERE run_id = 3");
    assert_eq!(parts, [[json!("control-point")]]);
}

fn check_curvature(store: &Store, version: u64) {
    let run = store.find("hessian-1").unwrap();
    let all = store.curvature(&run).unwrap();
    let value = |value: &Eigenvalue| (value.side, value.rank, value.value);
    let values: Vec<_> = all[0].eigenvalues.iter().map(value).collect();
    let wanted = [
        (Side::Top, 1, 3.0),
        (Side::Top, 0, 4.0),
        (Side::Bottom, 0, -1.0),
    ];
    assert_eq!(values, wanted, "in the order in which they were stored");
    assert_eq!(all[0].traces[0].mean, 6.0);
    let density = &all[0].densities[0];
    assert_eq!(
        (density.grid.len(), density.atoms),
        (2, (version >= 5).then_some(1))
    );
    assert_eq!(all[0].sharpness[0].value, 0.75);
    let vectors = store.eigenvectors(&run, Side::Top).unwrap();
    let vectors: Vec<_> = vectors
        .iter()
        .map(|v| v.iter().next().unwrap().data.clone())
        .collect();
    assert_eq!(vectors, [[1.0, 0.0], [0.0, 1.0]]);
    assert!(store.eigenvectors(&run, Side::Bottom).unwrap().is_empty());
    let map = store.load_curvature_map(&run).unwrap();
    assert_eq!(map.points.iter().flatten().count(), 1);
}

/// All that the file held when it was made.
fn check(store: &Store, version: u64) {
    let runs = store.runs().unwrap();
    assert_eq!(runs.len(), if version >= 3 { 4 } else { 3 });
    assert!(runs.iter().all(|run| run.names == [run.run.name.clone()]));
    assert_eq!((runs[1].checkpoints, runs[2].checkpoints), (3, 3));
    check_surface(store, version);
    check_training(store, version);
    check_curve(store, version);
    if version >= 3 {
        check_curvature(store, version);
    }
    for table in query(
        store,
        "SELECT DISTINCT table_name FROM duckdb_columns() WHERE NOT internal",
    ) {
        query(store, &format!("FROM {}", table[0].as_str().unwrap()));
    }
}

fn surface_spec() -> RunSpec {
    RunSpec::new(RunKind::Surface, json!({"model": "mlp:2-8-4-1", "seed": 1}))
}

/// Goes on with runs of the file, and adds others.
fn go_on(store: &Store, version: u64) {
    let (run, surface) = store
        .begin_surface(&surface_spec(), &grid(), &terms(), None)
        .unwrap();
    assert_eq!((run.id, surface.missing()), (1, 8));
    let all: Vec<Measured> = points(&grid(), 1);
    assert_eq!(store.append_points(&run, &all).unwrap(), 8);
    store.finish(&run, Status::Complete).unwrap();
    assert_eq!(the_surface(store).missing(), 0);
    let told = query(
        store,
        "SELECT points FROM contributions WHERE run_id = 1 ORDER BY ordinal",
    );
    let told: u64 = told.iter().map(|row| row[0].as_u64().unwrap()).sum();
    assert_eq!(told, 28);
    let training = store.find("train-1").unwrap();
    let mut recorder = store.recorder(&training).form(CheckpointForm::F32);
    let last = store.last_checkpoint(&training).unwrap().unwrap();
    let record = TrainRecord {
        step: 3,
        ..TrainRecord::default()
    };
    recorder.push(record, Some(&last.params)).unwrap();
    recorder.finish(Status::Complete).unwrap();
    assert_eq!(store.checkpoint_steps(&training).unwrap(), [0, 1, 2, 3]);
    let curve = RunSpec::new(
        RunKind::Curve,
        json!({"curve": {"bends": 1, "kind": "bezier"}, "model": "mlp:1-1"}),
    );
    assert_eq!(store.begin(&curve).unwrap().id, 3);
    let again = store.begin(&surface_spec().named("again")).unwrap();
    assert_eq!(again.id, 1, "another name");
    let new = store
        .begin(&RunSpec::new(RunKind::Hessian, json!({})))
        .unwrap();
    assert_eq!(new.id, if version >= 3 { 5 } else { 4 }, "numbers go on");
    if version >= 3 {
        let run = store.find("hessian-1").unwrap();
        let curvature = store.curvature(&run).unwrap().remove(0);
        store.put_curvature(&run, &curvature).unwrap();
        let again = store.curvature(&run).unwrap();
        // NaN is not a number.
        assert_eq!(format!("{again:?}"), format!("{:?}", [curvature]));
    }
}

#[test]
fn files_of_every_version_are_read_migrated_and_continued() {
    std::thread::scope(|scope| {
        for version in 1..SCHEMA_VERSION {
            scope.spawn(move || is_read_migrated_and_continued(version));
        }
    });
}

fn is_read_migrated_and_continued(version: u64) {
    let (_dir, path) = place();
    write(&path, version);
    let before = fs::read(&path).unwrap();
    check(&Store::open_read(&path).unwrap(), version);
    assert!(
        fs::read(&path).unwrap() == before,
        "version {version}: reading changes nothing"
    );
    assert_eq!(Store::migrate(&path).unwrap(), version);
    assert_eq!(Store::migrate(&path).unwrap(), SCHEMA_VERSION);
    check(&Store::open_read(&path).unwrap(), version);
    let store = Store::open(&path).unwrap();
    check(&store, version);
    go_on(&store, version);
    // By the program that writes, without a word about versions.
    let (_dir, path) = place();
    write(&path, version);
    let store = Store::open(&path).unwrap();
    check(&store, version);
    go_on(&store, version);
}
