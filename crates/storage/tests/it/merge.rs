//! Runs of other databases: of every earlier version, and who wrote them.

use crate::support::{grid, place, points, spec, terms};
use crate::versions;
use landscape_storage::{
    CurvaturePoint, Error, MergeFile, MergeSource, Run, RunKind, RunSpec, Status, Store,
};
use serde_json::json;
use std::path::Path;

fn source(path: &Path, name: &str) -> MergeSource {
    let mut files = MergeFile::read_all(&[path.to_owned()]).unwrap();
    let mut all = files.remove(0).sources;
    all.retain(|source| source.names.iter().any(|known| known == name));
    all.remove(0)
}

fn of(run: &Run) -> RunSpec {
    RunSpec::new(run.kind, run.settings.clone())
        .named(run.name.clone())
        .determined()
}

fn merge(store: &Store, sources: &[MergeSource]) -> Result<(Run, usize), Error> {
    let theirs = &sources[0].run;
    let run = store.begin_merge(&of(theirs), theirs)?;
    let mut added = 0;
    let merged = store.merge(&run, sources, &mut |_, new| {
        added += new;
        true
    });
    if run.status != Status::Complete {
        store.finish(&run, Status::Interrupted)?;
    }
    merged.map(|()| (run, added))
}

/// A file of every earlier version gives the same as when it is brought up to date.
#[test]
fn files_of_earlier_versions_are_merged() {
    for version in 1..=versions::count() {
        let (dir, path) = place();
        let old = dir.path().join("old.duckdb");
        versions::write(&old, version);
        let bytes = std::fs::read(&old).unwrap();
        let store = Store::open(&path).unwrap();
        let (run, added) = merge(&store, &[source(&old, "surface-1")]).unwrap();
        assert_eq!(added, 20, "version {version}");
        let (training, _) = merge(&store, &[source(&old, "train-1")]).unwrap();
        assert_eq!(std::fs::read(&old).unwrap(), bytes, "version {version}");
        Store::migrate(&old).unwrap();
        let other = Store::open_read(&old).unwrap();
        let theirs = other.find("surface-1").unwrap();
        let surface = |store: &Store, run: &Run| format!("{:?}", store.load_surface(run).unwrap());
        assert_eq!(surface(&store, &run), surface(&other, &theirs));
        assert_eq!(
            store.directions(&run).unwrap().norms,
            other.directions(&theirs).unwrap().norms
        );
        assert_eq!(
            store.load_trajectories(&run).unwrap(),
            other.load_trajectories(&theirs).unwrap()
        );
        let trained = other.find("train-1").unwrap();
        assert_eq!(
            store.records(&training).unwrap(),
            other.records(&trained).unwrap()
        );
        let steps = |store: &Store, run: &Run| store.checkpoint_steps(run).unwrap();
        assert_eq!(steps(&store, &training), steps(&other, &trained));
        // Again, now of the newest version: nothing is new.
        drop(other);
        assert_eq!(merge(&store, &[source(&old, "surface-1")]).unwrap().1, 0);
    }
}

/// A surface with some of its points, in a file.
fn part(path: &Path, of: impl Fn(usize) -> bool, shift: f64) -> MergeSource {
    let store = Store::open(path).unwrap();
    let run = store.begin(&spec(1).named("a")).unwrap();
    store.put_grid(&run, &grid(), &terms()).unwrap();
    let mut some = points(&grid(), terms().len());
    some.retain(|point| of(point.index));
    some.iter_mut().for_each(|point| point.sample.loss += shift);
    store.append_points(&run, &some).unwrap();
    store.finish(&run, Status::Interrupted).unwrap();
    drop(store);
    source(path, "a")
}

#[test]
fn points_are_added_once_and_measured_ones_take_the_place_of_interpolated_ones() {
    let (dir, path) = place();
    let file = |name: &str| dir.path().join(name);
    let all = grid().len();
    let sources = [
        part(&file("even"), |index| index % 2 == 0, 0.0),
        part(&file("all"), |_| true, 0.0),
        part(&file("odd"), |index| index % 2 == 1, 0.0),
    ];
    let store = Store::open(&path).unwrap();
    let run = store.begin(&spec(1).named("a")).unwrap();
    store.put_grid(&run, &grid(), &terms()).unwrap();
    store.finish(&run, Status::Interrupted).unwrap();
    Store::close(&path);
    let database = duckdb::Connection::open(&path).unwrap();
    database
        .execute_batch(&format!(
            "INSERT INTO points VALUES ({}, 0, 0, 0, -1, -0.5, NULL, 7, NULL, NULL, [1, 1], true)",
            run.id
        ))
        .unwrap();
    drop(database);
    let (run, added) = merge(&store, &sources).unwrap();
    assert_eq!(added, all);
    assert_eq!(merge(&store, &sources).unwrap().1, 0);
    let surface = store.load_surface(&run).unwrap();
    assert_eq!((surface.measured(), surface.interpolated()), (all, 0));
    let points_of: Vec<_> = store
        .contributions(&run)
        .unwrap()
        .iter()
        .map(|one| one.points)
        .collect();
    assert_eq!(points_of.iter().flatten().sum::<u64>(), all as u64);
    assert_eq!(store.missing_points(&run).unwrap().count(), 0);
}

#[test]
fn what_disagrees_names_its_file_and_stores_nothing() {
    let (dir, path) = place();
    let file = |name: &str| dir.path().join(name);
    let sources = [
        part(&file("one"), |index| index < 9, 0.0),
        part(&file("two"), |index| index > 3, 100.0),
    ];
    let store = Store::open(&path).unwrap();
    let error = merge(&store, &sources).unwrap_err();
    let Error::PointsDisagree(found) = &error else {
        panic!("{error}");
    };
    assert_eq!(
        (found.source, &found.path, found.points),
        (1, &file("two"), 3)
    );
    let run = store.find("a").unwrap();
    assert_eq!(store.load_surface(&run).unwrap().measured(), 0);
    // One after the other, the first stays.
    assert_eq!(merge(&store, &sources[..1]).unwrap().1, 9);
    assert!(merge(&store, &sources[1..]).is_err());
    assert_eq!(store.load_surface(&run).unwrap().measured(), 9);
}

#[test]
fn a_merge_leaves_runs_of_others_alone() {
    let (dir, path) = place();
    let source = part(&dir.path().join("one"), |_| true, 0.0);
    let first = Store::open(&path).unwrap();
    let run = first.begin_merge(&of(&source.run), &source.run).unwrap();
    // Another writer goes on with the run.
    let second = Store::open(&path).unwrap();
    second.begin_merge(&of(&source.run), &source.run).unwrap();
    let lost = first.merge(&run, &[source], &mut |_, _| true).unwrap_err();
    assert!(matches!(lost, Error::TakenOver { .. }), "{lost}");
    let read = Store::open_read(&path).unwrap();
    assert!(matches!(read.merge(&run, &[], &mut |_, _| true), Ok(())));
}

#[test]
fn maps_of_curvature_are_merged() {
    let (dir, path) = place();
    let spec = RunSpec::new(RunKind::Hessian, json!({"map": true}))
        .named("map")
        .determined();
    let value = |index: usize| CurvaturePoint {
        index,
        lambda_max: index as f64,
        lambda_min: -1.0,
        residual_max: 1e-4,
        residual_min: 1e-4,
        converged: true,
    };
    let file = |name: &str, some: Vec<CurvaturePoint>| {
        let path = dir.path().join(name);
        let store = Store::open(&path).unwrap();
        let (run, _) = store.begin_curvature_map(&spec, &grid(), None).unwrap();
        store.append_curvature(&run, &some).unwrap();
        store.finish(&run, Status::Interrupted).unwrap();
        drop(store);
        source(&path, "map")
    };
    let all = grid().len();
    let one = file("one", (0..20).map(value).collect());
    let two = file("two", (15..all).map(value).collect());
    let wrong = CurvaturePoint {
        lambda_max: 40.0,
        ..value(19)
    };
    let bad = file("bad", vec![wrong]);
    let store = Store::open(&path).unwrap();
    let (run, added) = merge(&store, &[one, two]).unwrap();
    assert_eq!(added, all);
    let map = store.load_curvature_map(&run).unwrap();
    assert!(
        map.points
            .iter()
            .enumerate()
            .all(|(index, point)| *point == Some(value(index)))
    );
    assert!(matches!(
        merge(&store, &[bad]),
        Err(Error::PointsDisagree(_))
    ));
}

#[test]
fn a_point_outside_the_grid_is_damage() {
    let (dir, path) = place();
    let file = dir.path().join("one");
    let source = part(&file, |index| index < 3, 0.0);
    Store::close(&file);
    let database = duckdb::Connection::open(&file).unwrap();
    database
        .execute_batch("UPDATE points SET i = 99 WHERE i = 0 AND j = 1")
        .unwrap();
    drop(database);
    let store = Store::open(&path).unwrap();
    let error = merge(&store, &[source]).unwrap_err();
    assert!(error.to_string().contains("outside its grid"), "{error}");
}
