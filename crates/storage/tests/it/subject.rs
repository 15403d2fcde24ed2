//! Whose landscape it is: another network is another run or an error, never the stored points of the
//! first one; and which sessions contributed.

use crate::support::{params, plane, store};
use landscape_core::{
    DeviceShare, Grid, Objective, ObjectiveError, Plane, Point, Sample, Sampler, SamplerError,
    Surface, from_fn,
};
use landscape_storage::{Error, Run, RunKind, RunSpec, Status, Store};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

fn grid() -> Grid {
    Grid::square(5, 1.0, 2).unwrap()
}

/// What a person would write who forgets the parameters.
fn spec() -> RunSpec {
    RunSpec::new(RunKind::Surface, json!({"net": "mlp", "grid": 5}))
}

fn begin(store: &Store, spec: &RunSpec, plane: Option<&Plane>) -> (Run, Surface) {
    store.begin_surface(spec, &grid(), &[], plane).unwrap()
}

/// Samples a bowl of that height.
fn sample(
    store: &Store,
    run: &Run,
    surface: &mut Surface,
    height: f64,
) -> Result<(), SamplerError> {
    let bowl = from_fn(move |[x, y]: [f64; 2]| height * (1.0 + x * x + y * y));
    let mut observer = store.observer(run);
    Sampler::new().run(&bowl, surface, &mut [&mut observer])?;
    observer.finish(Status::Complete).unwrap();
    Ok(())
}

/// The same directions from another origin.
fn moved(plane: &Plane) -> Plane {
    Plane::new(params(2.0), plane.directions().to_vec()).unwrap()
}

#[test]
fn another_network_is_another_run() {
    let (_dir, store) = store();
    let first = plane();
    let (run, mut surface) = begin(&store, &spec(), Some(&first));
    sample(&store, &run, &mut surface, 1.0).unwrap();
    let turned = Plane::new(
        first.origin().clone(),
        first.directions().iter().rev().cloned().collect(),
    );
    for other in [moved(&first), turned.unwrap()] {
        let (second, empty) = begin(&store, &spec(), Some(&other));
        assert_ne!(second.id, run.id);
        assert_eq!(empty.missing(), grid().len());
        let map = RunSpec::new(RunKind::Hessian, json!({}));
        let a = { store.begin_curvature_map(&map, &grid(), Some(&first)) }.unwrap();
        let b = { store.begin_curvature_map(&map, &grid(), Some(&other)) }.unwrap();
        assert_ne!(a.0.id, b.0.id);
    }
    let (again, known) = begin(&store, &spec(), Some(&first));
    assert_eq!((again.id, known), (run.id, surface));
    // A name that is taken says what differs.
    let name = spec().named(&run.name);
    let error = store.begin_surface(&name, &grid(), &[], Some(&moved(&first)));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("plane_sha256"), "{error}");
}

#[test]
fn without_a_plane_a_stored_point_is_measured_again() {
    let (_dir, store) = store();
    let (run, mut surface) = begin(&store, &spec(), None);
    sample(&store, &run, &mut surface, 1.0).unwrap();
    for (height, same) in [
        (1.0, true),
        (1.0 + 1e-6, true),
        (1.01, false),
        (-1.0, false),
    ] {
        let (again, mut known) = begin(&store, &spec(), None);
        assert_eq!(again.id, run.id);
        match sample(&store, &again, &mut known, height) {
            Ok(()) => assert!(same, "{height}"),
            Err(SamplerError::Observer(error)) => {
                let error = error.0.downcast::<Error>().unwrap();
                assert!(
                    !same && matches!(*error, Error::OtherObjective { .. }),
                    "{error}"
                );
                assert!(error.to_string().contains("another network"), "{error}");
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(store.load_surface(&run).unwrap(), surface);
}

/// Runs from before digests were added to settings are found where their planes are the same.
#[test]
fn runs_of_earlier_versions_are_found_by_their_planes() {
    let (_dir, store) = store();
    let first = plane();
    let (old, mut surface) = begin(&store, &spec().determined(), Some(&first));
    sample(&store, &old, &mut surface, 1.0).unwrap();
    assert_eq!(old.settings, spec().settings);
    let (found, known) = begin(&store, &spec(), Some(&first));
    assert_eq!((found.id, known), (old.id, surface));
    let (other, _) = begin(&store, &spec(), Some(&moved(&first)));
    assert_ne!(other.id, old.id);
}

#[test]
fn digests_tell_names_shapes_and_bits_apart() {
    let one = params(1.0);
    assert_eq!(one.digest(), params(1.0).digest());
    assert_ne!(one.digest(), params(1.0 + f32::EPSILON).digest());
    let first = plane();
    assert_eq!(first.digest(), plane().digest());
    assert_ne!(first.digest(), moved(&first).digest());
}

#[test]
fn every_session_that_contributed_is_told() {
    let (_dir, store) = store();
    let on = |device: &str, seed: u64| {
        spec().with_provenance(json!({"device": device, "version": "1", "command": seed}))
    };
    let plane = plane();
    let (run, _) = begin(&store, &on("flex", 1), Some(&plane));
    let points = crate::support::points(&grid(), 0);
    store.append_points(&run, &points[..7]).unwrap();
    let told = |store: &Store| -> Value { store.find(&run.name).unwrap().provenance };
    // The same device again is the same session; one that stores nothing is none.
    let (run, _) = begin(&store, &on("flex", 2), Some(&plane));
    store.append_points(&run, &points[..9]).unwrap();
    begin(&store, &on("wgpu", 3), Some(&plane));
    assert_eq!(
        told(&store),
        json!({"device": "flex", "version": "1", "command": 1})
    );
    let (run, _) = begin(&store, &on("cpu", 4), Some(&plane));
    store.append_points(&run, &points).unwrap();
    store.finish(&run, Status::Complete).unwrap();
    let all = json!({
        "device": "flex, cpu",
        "version": "1",
        "command": 1,
        "sessions": [
            {"device": "flex", "version": "1", "command": 1, "points": 9},
            {"device": "cpu", "version": "1", "command": 4, "points": 16},
        ],
    });
    assert_eq!(told(&store), all);
    begin(&store, &on("flex", 5), Some(&plane));
    assert_eq!(told(&store), all);
}

/// A bowl on two devices, of which one fails after some points.
struct TwoDevices {
    points: [AtomicU64; 2],
    fails_after: u64,
}

impl TwoDevices {
    fn new(fails_after: u64) -> Self {
        TwoDevices {
            points: Default::default(),
            fails_after,
        }
    }

    fn of(&self, device: usize) -> u64 {
        self.points[device].load(Ordering::Relaxed)
    }
}

impl Objective for TwoDevices {
    fn dims(&self) -> usize {
        2
    }

    fn evaluate(&self, points: &[Point]) -> Result<Vec<Sample>, ObjectiveError> {
        for _ in points {
            let device = usize::from(self.of(0) >= self.fails_after);
            self.points[device].fetch_add(1, Ordering::Relaxed);
        }
        let bowl = |point: &Point| Sample::of(point[0] * point[0] + point[1] * point[1]);
        Ok(points.iter().map(bowl).collect())
    }

    fn shares(&self) -> Vec<DeviceShare> {
        let share = |device: usize, failed: Option<&str>| DeviceShare {
            device: format!("gpu:{device}"),
            points: self.of(device),
            failed: failed.map(str::to_owned),
        };
        let failed = (self.of(0) >= self.fails_after).then_some("out of memory");
        vec![share(0, failed), share(1, None)]
    }
}

#[test]
fn what_each_device_computed_is_told() {
    let (_dir, store) = store();
    let on = |device: &str| spec().with_provenance(json!({"device": device, "version": "1"}));
    let plane = plane();
    let sampled = |points: &[usize], objective: &TwoDevices, status: Status| {
        let (run, mut surface) = begin(&store, &on("gpu:0, gpu:1"), Some(&plane));
        let mut observer = store.observer(&run);
        let sampler = Sampler {
            batch: 3,
            ..Sampler::new()
        };
        let done = sampler.run_on(points, objective, &mut surface, &mut [&mut observer]);
        done.unwrap();
        observer.finish(status).unwrap();
        store.find(&run.name).unwrap().provenance
    };
    let all: Vec<usize> = (0..25).collect();
    let told = sampled(&all[..9], &TwoDevices::new(5), Status::Interrupted);
    let shares = json!([
        {"device": "gpu:0", "points": 5, "failed": "out of memory"},
        {"device": "gpu:1", "points": 4},
    ]);
    assert_eq!(told["devices"], shares);
    // Continued by the same command it is the same session; the point that is measured again counts for nobody.
    let told = sampled(&all, &TwoDevices::new(100), Status::Complete);
    assert_eq!(told["sessions"], Value::Null);
    assert_eq!(
        (&told["devices"][0]["points"], &told["devices"][1]["points"]),
        (&json!(21), &json!(4))
    );
    assert_eq!(
        store
            .contributions(&store.find("surface-1").unwrap())
            .unwrap()[0]
            .points,
        Some(25)
    );
}
