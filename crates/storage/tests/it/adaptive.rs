//! Interpolated points: stored as such, replaced by measurements, kept by every format.

use crate::support::{assert_same, points, raw, spec, store, surface, terms};
use landscape_core::{
    Adapted, Adaptive, Cancel, Grid, Measured, PointSource, Progress, Sample, Sampler, Surface,
    analytic, from_fn,
};
use landscape_storage::{
    Format, RunKind, RunSpec, Status, Store, export_surface, import_surface, write_surface,
};
use std::fs;

fn square() -> Grid {
    Grid::square(33, 1.0, 2).unwrap()
}

fn adaptive() -> Adaptive {
    Adaptive::new(0.01).unwrap()
}

/// An adaptive run, undisturbed, without a store.
fn undisturbed() -> Surface {
    let mut surface = Surface::new(square(), vec![]);
    let objective = from_fn(analytic::valley);
    adaptive()
        .run(&Sampler::new(), &objective, &mut surface, &mut [])
        .unwrap();
    surface
}

#[track_caller]
fn assert_sources(a: &Surface, b: &Surface) {
    assert_same(a, b);
    for flat in 0..a.grid().len() {
        assert_eq!(a.source(flat), b.source(flat), "point {flat}");
    }
}

fn count(store: &Store, condition: &str) -> usize {
    let table = store
        .sql(&format!("SELECT count(*) FROM landscape WHERE {condition}"))
        .unwrap();
    table.text(0, 0).parse().unwrap()
}

#[test]
fn an_interrupted_run_ends_with_the_same_contents_and_computes_nothing_twice() {
    let (_dir, store) = store();
    let want = undisturbed();
    let mut computed = 0;
    for stop in [2, 7, 30, usize::MAX] {
        let (run, mut surface) = store.begin_surface(&spec(1), &square(), &[], None).unwrap();
        assert_eq!(surface.interpolated(), 0);
        assert_eq!(surface.measured(), computed);
        let sampler = Sampler {
            batch: 7,
            cancel: Cancel::new(),
        };
        let (mut batches, cancel) = (0, sampler.cancel.clone());
        let mut counter = |batch: &[Measured], _: Progress| {
            computed += batch.len();
            batches += 1;
            if batches == stop {
                cancel.cancel();
            }
            Ok(())
        };
        let mut observer = store.observer(&run);
        let objective = from_fn(analytic::valley);
        let adapted = adaptive()
            .run(
                &sampler,
                &objective,
                &mut surface,
                &mut [&mut counter, &mut observer],
            )
            .unwrap();
        match adapted {
            Adapted::Cancelled => observer.finish(Status::Interrupted).unwrap(),
            Adapted::Complete(_) => observer.finish(Status::Complete).unwrap(),
        };
    }
    let run = store.find("surface-1").unwrap();
    assert_eq!(run.status, Status::Complete);
    let stored = store.load_surface(&run).unwrap();
    assert_sources(&stored, &want);
    assert_eq!(computed, want.measured());
    assert_eq!(adaptive().report(&stored), adaptive().report(&want));

    let summary = store.summary("surface-1").unwrap();
    assert_eq!(summary.points, 33 * 33);
    assert_eq!(summary.interpolated as usize, want.interpolated());
    assert_eq!(count(&store, "interpolated"), want.interpolated());
    assert_eq!(count(&store, "NOT interpolated"), want.measured());
}

#[test]
fn a_measured_point_takes_the_place_of_an_interpolated_one() {
    let (_dir, store) = store();
    let (run, mut surface) = store.begin_surface(&spec(1), &square(), &[], None).unwrap();
    surface.set(0, Sample::of(1.0)).unwrap();
    surface.set_interpolated(1, Sample::of(2.0)).unwrap();
    surface.set_interpolated(2, Sample::of(3.0)).unwrap();
    let mut observer = store.observer(&run);
    let first = Measured {
        index: 0,
        sample: Sample::of(1.0),
    };
    landscape_core::Observer::batch(
        &mut observer,
        &[first],
        Progress {
            done: 1,
            total: 33 * 33,
            resumed: 0,
            elapsed: std::time::Duration::ZERO,
        },
    )
    .unwrap();
    assert_eq!(observer.complete(&surface).unwrap(), 1);
    let measured = [0, 1].map(|index| Measured {
        index,
        sample: Sample::of(9.0),
    });
    assert_eq!(store.append_points(&run, &measured).unwrap(), 1);
    let stored = store.load_surface(&run).unwrap();
    let known = [0, 1, 2].map(|flat| (stored.get(flat).unwrap().loss, stored.source(flat)));
    let (measured, interpolated) = (PointSource::Measured, PointSource::Interpolated);
    assert_eq!(
        known,
        [
            (1.0, Some(measured)),
            (9.0, Some(measured)),
            (3.0, Some(interpolated))
        ]
    );
}

#[test]
fn a_copy_under_another_name_keeps_the_sources() {
    let (_dir, store) = store();
    let (run, _) = store.begin_surface(&spec(1), &square(), &[], None).unwrap();
    let want = undisturbed();
    let mut observer = store.observer(&run);
    observer.complete(&want).unwrap();
    let copy = spec(1).named("copy");
    let (_, surface) = store.begin_surface(&copy, &square(), &[], None).unwrap();
    assert_eq!(surface.interpolated(), want.interpolated());
}

/// Measured, interpolated and missing points, with terms and losses that are not finite.
fn mixed() -> Surface {
    let grid = Grid::square(5, 1.0, 2).unwrap();
    let full = surface(grid.clone(), terms(), 4);
    let mut mixed = Surface::new(grid, terms());
    for point in points(full.grid(), 2) {
        match (full.get(point.index), point.index % 3) {
            (None, _) => {}
            (_, 0) => mixed.set_interpolated(point.index, point.sample).unwrap(),
            _ => mixed.set(point.index, point.sample).unwrap(),
        }
    }
    assert!(mixed.measured() > 5 && mixed.interpolated() > 5 && mixed.missing() > 5);
    mixed
}

#[test]
fn formats_keep_the_sources() {
    let dir = tempfile::tempdir().unwrap();
    let surface = mixed();
    for format in [Format::Csv, Format::Json, Format::Parquet, Format::Npz] {
        let path = dir.path().join(format!("mixed.{format}"));
        export_surface(&surface, format, &path, false).unwrap();
        let read = import_surface(&path, format).unwrap();
        for flat in 0..surface.grid().len() {
            assert_eq!(read.source(flat), surface.source(flat), "{format} {flat}");
        }
    }
}

#[test]
fn the_column_is_last_and_there_only_when_needed() {
    let text = |surface: &Surface, format| {
        let mut text = Vec::new();
        write_surface(surface, format, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    };
    let mut line = Surface::new(Grid::square(3, 1.0, 1).unwrap(), vec![]);
    line.set(0, Sample::of(1.0)).unwrap();
    line.set(2, Sample::of(3.0)).unwrap();
    assert!(!text(&line, Format::Csv).contains("source"));
    assert!(!text(&line, Format::Json).contains("source"));
    line.set_interpolated(1, Sample::of(2.0)).unwrap();
    assert_eq!(
        text(&line, Format::Csv),
        "i,alpha,loss,loss_se,accuracy,source\n\
         0,-1.0,1.0,,,measured\n\
         1,0.0,2.0,,,interpolated\n\
         2,1.0,3.0,,,measured\n"
    );
    assert!(
        text(&line, Format::Json).contains(r#""source":["measured","interpolated","measured"]"#)
    );
}

#[test]
fn words_that_are_no_source_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.csv");
    fs::write(&path, "i,alpha,loss,source\n0,0.0,1.0,guessed\n").unwrap();
    let error = import_surface(&path, Format::Csv).unwrap_err().to_string();
    assert!(
        error.ends_with(
            "line 2, `source`: unknown source of a point `guessed`; one of: measured, interpolated"
        ),
        "{error}"
    );
}

#[test]
fn an_import_keeps_the_sources() {
    let (dir, store) = store();
    let path = dir.path().join("mixed.json");
    export_surface(&mixed(), Format::Json, &path, false).unwrap();
    let run = store.import(&path, Format::Json, None, false).unwrap();
    assert_eq!(run.status, Status::Complete);
    assert_sources(&store.load_surface(&run).unwrap(), &mixed());
}

#[test]
fn files_of_version_1_get_the_column() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("old.duckdb");
    let conn = raw(&path);
    conn.execute_batch(include_str!("../../src/schema/v1.sql"))
        .unwrap();
    conn.execute_batch(
        "INSERT INTO meta VALUES ('schema_version', '1');
         INSERT INTO runs VALUES (nextval('run_numbers'), 'old', 'line', 'x', '{}', '{}', now()::TIMESTAMP, NULL,
                                  'complete', NULL);
         INSERT INTO axes VALUES (1, 1, 'alpha', -1, 1, 2);
         INSERT INTO points VALUES (1, 0, 0, 0, -1, NULL, NULL, 0.5, NULL, NULL, NULL)",
    )
    .unwrap();
    drop(conn);
    let store = Store::open(&path).unwrap();
    let run = store.find("old").unwrap();
    let surface = store.load_surface(&run).unwrap();
    assert_eq!((surface.measured(), surface.interpolated()), (1, 0));
    assert_eq!(count(&store, "run = 'old' AND NOT interpolated"), 1);
    let spec = RunSpec::new(RunKind::Line, serde_json::json!({})).named("new");
    let grid = Grid::square(3, 1.0, 1).unwrap();
    let (run, mut surface) = store.begin_surface(&spec, &grid, &[], None).unwrap();
    surface.set_interpolated(1, Sample::of(2.0)).unwrap();
    store.observer(&run).complete(&surface).unwrap();
    assert_eq!(store.load_surface(&run).unwrap(), surface);
}
