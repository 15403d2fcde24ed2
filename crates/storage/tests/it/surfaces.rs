//! Grids, points, planes.

use crate::support::{assert_same, grid, params, plane, points, spec, store, surface, terms};
use landscape_core::{
    Axis, Direction, Grid, Measured, Observer, Progress, Sample, Source, Surface, Term,
};
use landscape_storage::{Error, RunKind, RunSpec, Status};
use proptest::prelude::*;
use std::time::Instant;

#[test]
fn a_surface_comes_back_bit_for_bit() {
    let (_dir, store) = store();
    let (run, empty) = store
        .begin_surface(&spec(1), &grid(), &terms(), None)
        .unwrap();
    assert_same(&empty, &Surface::new(grid(), terms()));
    let added = store.append_points(&run, &points(&grid(), 2)).unwrap();
    assert_eq!(added, 28);
    assert_same(
        &store.load_surface(&run).unwrap(),
        &surface(grid(), terms(), 0),
    );
}

#[test]
fn lines_and_volumes_come_back() {
    let (_dir, store) = store();
    let axis = |count| Axis::new(-1.0, 2.0, count).unwrap();
    for (kind, axes) in [
        (RunKind::Line, vec![axis(5)]),
        (RunKind::Volume, vec![axis(3), axis(2), axis(4)]),
    ] {
        let grid = Grid::new(axes).unwrap();
        let spec = RunSpec::new(kind, serde_json::json!({"grid": grid}));
        let (run, _) = store.begin_surface(&spec, &grid, &[], None).unwrap();
        store.append_points(&run, &points(&grid, 0)).unwrap();
        assert_same(
            &store.load_surface(&run).unwrap(),
            &surface(grid, vec![], 0),
        );
    }
    let rows = store.sql("SELECT count(*) FROM points WHERE beta IS NULL AND gamma IS NULL");
    assert_eq!(rows.unwrap().rows, [[5]]);
}

#[test]
fn stored_points_stay_as_they_are() {
    let (_dir, store) = store();
    let (run, _) = store.begin_surface(&spec(1), &grid(), &[], None).unwrap();
    let point = |index, loss| Measured {
        index,
        sample: Sample::of(loss),
    };
    let first = [point(3, 1.0), point(3, 2.0), point(4, f64::NAN)];
    assert_eq!(store.append_points(&run, &first).unwrap(), 2);
    let second = [point(3, 9.0), point(4, 9.0), point(5, 5.0)];
    assert_eq!(store.append_points(&run, &second).unwrap(), 1);
    let surface = store.load_surface(&run).unwrap();
    assert_eq!(surface.get(3).unwrap().loss, 1.0);
    assert!(surface.get(4).unwrap().loss.is_nan());
    assert_eq!(surface.get(5).unwrap().loss, 5.0);
    assert_eq!(surface.missing(), 25);
}

#[test]
fn a_batch_that_does_not_fit_stores_nothing() {
    let (_dir, store) = store();
    let (run, _) = store
        .begin_surface(&spec(1), &grid(), &terms(), None)
        .unwrap();
    let mut batch = points(&grid(), 2);
    batch[7].index = 28;
    assert!(matches!(
        store.append_points(&run, &batch),
        Err(Error::Surface(_))
    ));
    let mut batch = points(&grid(), 2);
    batch[7].sample.terms.pop();
    assert!(matches!(
        store.append_points(&run, &batch),
        Err(Error::Surface(_))
    ));
    assert_eq!(store.load_surface(&run).unwrap().missing(), 28);
}

#[test]
fn a_run_keeps_its_grid_and_terms() {
    let (_dir, store) = store();
    let run = store.begin(&spec(1)).unwrap();
    assert!(matches!(store.load_surface(&run), Err(Error::Lacks { .. })));
    assert!(matches!(
        store.append_points(&run, &points(&grid(), 0)),
        Err(Error::Lacks { .. })
    ));
    store.put_grid(&run, &grid(), &terms()).unwrap();
    store.put_grid(&run, &grid(), &terms()).unwrap();
    let other = Grid::square(3, 1.0, 2).unwrap();
    let text = store
        .put_grid(&run, &other, &terms())
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("7 in -1:1 x 4 in -0.5:0.7 with the terms l2, l1"),
        "{text}"
    );
    assert!(matches!(
        store.put_grid(&run, &grid(), &[]),
        Err(Error::OtherGrid { .. })
    ));
    let twice = [terms()[0].clone(), terms()[0].clone()];
    let run = store.begin(&spec(2)).unwrap();
    assert!(matches!(
        store.put_grid(&run, &grid(), &twice),
        Err(Error::DuplicateTerm { .. })
    ));
}

#[test]
fn totals_and_terms_can_be_queried() {
    let (_dir, store) = store();
    let (run, _) = store
        .begin_surface(&spec(1), &grid(), &terms(), None)
        .unwrap();
    store.append_points(&run, &points(&grid(), 2)).unwrap();
    let surface = store.load_surface(&run).unwrap();
    let rows = store
        .sql("SELECT total FROM landscape WHERE run = 'surface-1' AND i = 3 AND j = 0")
        .unwrap()
        .rows;
    let total = surface.get(12).unwrap().total(&terms());
    assert!((rows[0][0].as_f64().unwrap() - total).abs() < 1e-12 * total.abs());
    let rows = store
        .sql("SELECT term, weight, value FROM point_terms WHERE i = 3 AND j = 0 ORDER BY term DESC")
        .unwrap()
        .rows;
    assert_eq!(
        rows[0],
        [serde_json::json!("l2"), 0.1.into(), (12.0 / 9.0).into()]
    );
    assert_eq!(rows[1][0], "l1");
}

#[test]
fn a_plane_comes_back_with_its_sources() {
    let (_dir, store) = store();
    let plane = plane();
    let (run, _) = store
        .begin_surface(&spec(1), &grid(), &[], Some(&plane))
        .unwrap();
    store.put_plane(&run, &plane).unwrap();
    let stored = store.directions(&run).unwrap();
    assert_eq!(stored.directions, plane.directions());
    assert_eq!(stored.origin.as_ref(), Some(plane.origin()));
    assert_eq!(stored.norms, plane.norms());
    assert_eq!(stored.cosines, plane.cosines());
    let again = store.plane(&run).unwrap();
    assert_eq!(again.at([0.5, -0.25, 0.0]), plane.at([0.5, -0.25, 0.0]));
    let rows = store
        .sql("SELECT direction, seed, normalization, bias FROM directions")
        .unwrap();
    assert_eq!(
        rows.rows[1],
        serde_json::json!([2, 42, "filter", "layer"])
            .as_array()
            .unwrap()[..]
    );
}

#[test]
fn directions_without_an_origin_are_no_plane() {
    let (_dir, store) = store();
    let run = store.begin(&spec(1)).unwrap();
    assert!(matches!(store.directions(&run), Err(Error::Lacks { .. })));
    let custom = Source::Custom("by \"hand\"".to_owned());
    let direction = Direction::from_tensors(params(2.0), &params(0.0), custom).unwrap();
    store
        .put_directions(&run, std::slice::from_ref(&direction))
        .unwrap();
    assert_eq!(store.directions(&run).unwrap().directions, [direction]);
    assert!(matches!(
        store.plane(&run),
        Err(Error::Lacks { what: "origin", .. })
    ));
}

#[test]
fn a_large_surface_is_stored_and_read() {
    let (_dir, store) = store();
    let grid = Grid::square(501, 1.0, 2).unwrap();
    let (run, _) = store.begin_surface(&spec(1), &grid, &[], None).unwrap();
    let all: Vec<Measured> = points(&grid, 0);
    let start = Instant::now();
    let mut observer = store.observer(&run);
    for (number, batch) in all.chunks(16_384).enumerate() {
        let progress = Progress {
            done: number * 16_384 + batch.len(),
            total: all.len(),
            resumed: 0,
            elapsed: start.elapsed(),
        };
        observer.batch(batch, progress).unwrap();
    }
    assert_eq!(observer.finish(Status::Complete).unwrap(), all.len());
    let stored = start.elapsed();
    let start = Instant::now();
    let surface = store.load_surface(&run).unwrap();
    let read = start.elapsed();
    assert!(surface.is_complete());
    println!("251,001 points: stored in {stored:?}, read in {read:?}");
}

#[test]
#[ignore = "for measuring: cargo test --release --test it -- --ignored --nocapture opening_and_closing"]
fn opening_and_closing() {
    let (_dir, store) = store();
    let (run, _) = store.begin_surface(&spec(1), &grid(), &[], None).unwrap();
    let median = |operation: &dyn Fn(usize)| {
        let mut times: Vec<_> = (0..9)
            .map(|number| {
                let start = Instant::now();
                operation(number);
                start.elapsed()
            })
            .collect();
        times.sort();
        times[4]
    };
    let read = median(&|_| drop(store.runs().unwrap()));
    let all = points(&grid(), 0);
    let write = median(&|number| {
        store.append_points(&run, &all[number..=number]).unwrap();
    });
    println!("an operation that reads takes {read:?}, one that writes {write:?}");
}

fn any_measure() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(-0.0)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_points_in_any_batches_come_back(
        counts in prop::collection::vec(1usize..6, 1..4),
        losses in prop::collection::vec(prop::option::of((any_measure(), prop::option::of(any_measure()), any_measure())), 1..125),
        batch in 1usize..50,
    ) {
        let axes = counts.iter().map(|&count| Axis::new(-1.0, 3.0, count).unwrap()).collect();
        let grid = Grid::new(axes).unwrap();
        let terms = vec![Term { name: "t".to_owned(), weight: 2.0 }];
        let (_dir, store) = store();
        let (run, mut expected) = store.begin_surface(&spec(1), &grid, &terms, None).unwrap();
        let mut measured = Vec::new();
        for (index, loss) in losses.iter().enumerate().take(grid.len()) {
            let Some((loss, accuracy, term)) = *loss else { continue };
            let sample = Sample { loss, loss_se: None, accuracy, terms: vec![term] };
            expected.set(index, sample.clone()).unwrap();
            measured.push(Measured { index, sample });
        }
        for batch in measured.chunks(batch) {
            store.append_points(&run, batch).unwrap();
        }
        assert_same(&store.load_surface(&run).unwrap(), &expected);
    }
}
