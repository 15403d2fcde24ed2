use landscape_core::{
    Cancel, DeviceShare, Grid, Measured, Objective, ObjectiveError, Observer, ObserverError,
    Outcome, Point, Progress, Sample, Sampler, SamplerError, Surface, Term, from_fn,
};
use proptest::prelude::*;
use std::error::Error;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

fn wave([x, y]: [f64; 2]) -> f64 {
    (3.0 * x).sin() + y * y
}

fn surface() -> Surface {
    Surface::new(Grid::square(21, 1.0, 2).unwrap(), vec![])
}

/// Counts what it evaluates; fails from a given point on.
struct Counting {
    seen: Mutex<Vec<Point>>,
    limit: usize,
}

impl Counting {
    fn new(limit: usize) -> Self {
        Counting {
            seen: Mutex::default(),
            limit,
        }
    }
}

impl Objective for Counting {
    fn dims(&self) -> usize {
        2
    }

    fn evaluate(&self, points: &[Point]) -> Result<Vec<Sample>, ObjectiveError> {
        let mut seen = self.seen.lock().unwrap();
        if seen.len() + points.len() > self.limit {
            return Err(ObjectiveError::new("out of points"));
        }
        seen.extend(points);
        Ok(points
            .iter()
            .map(|p| Sample::of(wave([p[0], p[1]])))
            .collect())
    }
}

proptest! {
    #[test]
    fn the_batch_changes_nothing(batch in 0usize..600) {
        let mut want = surface();
        Sampler::new().run(&from_fn(wave), &mut want, &mut []).unwrap();
        let mut got = surface();
        let sampler = Sampler { batch, ..Sampler::new() };
        let mut sizes = Vec::new();
        let mut observer = |measured: &[Measured], _: Progress| { sizes.push(measured.len()); Ok(()) };
        prop_assert_eq!(sampler.run(&from_fn(wave), &mut got, &mut [&mut observer]).unwrap(), Outcome::Complete);
        prop_assert_eq!(sizes.iter().sum::<usize>(), 441);
        if batch > 0 {
            prop_assert!(sizes[..sizes.len() - 1].iter().all(|&s| s == batch));
        }
        prop_assert_eq!(got, want);
    }

    #[test]
    fn only_unknown_points_are_evaluated(known in prop::collection::hash_set(0usize..441, 0..441)) {
        let mut surface = surface();
        for &flat in &known {
            surface.set(flat, Sample::of(-5.0)).unwrap();
        }
        let objective = Counting::new(441 - known.len());
        let mut last = None;
        let mut observer = |_: &[Measured], progress: Progress| { last = Some(progress); Ok(()) };
        Sampler::new().run(&objective, &mut surface, &mut [&mut observer]).unwrap();
        prop_assert!(surface.is_complete());
        for flat in 0..441 {
            prop_assert_eq!(surface.get(flat).unwrap().loss == -5.0, known.contains(&flat));
        }
        if let Some(progress) = last {
            prop_assert_eq!((progress.done, progress.total, progress.resumed), (441, 441, known.len()));
        }
    }
}

#[test]
fn cancellation_ends_between_batches_and_a_later_run_continues() {
    let mut surface = surface();
    let cancel = Cancel::new();
    let sampler = Sampler {
        batch: 50,
        cancel: cancel.clone(),
    };
    let mut batches = 0;
    let mut observer = |_: &[Measured], _: Progress| {
        batches += 1;
        if batches == 3 {
            cancel.cancel();
        }
        Ok(())
    };
    let objective = Counting::new(441);
    let outcome = sampler
        .run(&objective, &mut surface, &mut [&mut observer])
        .unwrap();
    assert_eq!(outcome, Outcome::Cancelled);
    assert_eq!(surface.missing(), 441 - 150);
    assert!(cancel.is_cancelled());
    let known: Vec<usize> = (0..441).filter(|&f| surface.get(f).is_some()).collect();
    let mut coarse = surface.grid().coarse_to_fine()[..150].to_vec();
    coarse.sort_unstable();
    assert_eq!(known, coarse, "an interrupted run is a coarse map");
    assert_eq!(
        Sampler::new()
            .run(&objective, &mut surface, &mut [])
            .unwrap(),
        Outcome::Complete
    );
}

#[test]
fn a_cancelled_run_of_a_complete_surface_is_complete() {
    let mut surface = surface();
    Sampler::new()
        .run(&from_fn(wave), &mut surface, &mut [])
        .unwrap();
    let sampler = Sampler::new();
    sampler.cancel.cancel();
    assert_eq!(
        sampler
            .run(&Counting::new(0), &mut surface, &mut [])
            .unwrap(),
        Outcome::Complete
    );
}

#[test]
fn a_failing_objective_loses_nothing() {
    let mut surface = surface();
    let sampler = Sampler {
        batch: 40,
        ..Sampler::new()
    };
    let mut delivered = 0;
    let mut observer = |batch: &[Measured], _: Progress| {
        delivered += batch.len();
        Ok(())
    };
    let error = sampler
        .run(&Counting::new(100), &mut surface, &mut [&mut observer])
        .unwrap_err();
    assert_eq!(error.to_string(), "evaluating 40 points failed");
    let source = error.source().unwrap().source().unwrap();
    assert_eq!(source.to_string(), "out of points");
    assert_eq!(delivered, 80);
    assert_eq!(surface.missing(), 441 - 80);
}

#[test]
fn a_failing_observer_loses_nothing() {
    let mut surface = surface();
    let sampler = Sampler {
        batch: 40,
        ..Sampler::new()
    };
    let mut calls = 0;
    let mut observer = |_: &[Measured], _: Progress| {
        calls += 1;
        if calls == 3 {
            Err(ObserverError::new("disk full"))
        } else {
            Ok(())
        }
    };
    let error = sampler
        .run(&from_fn(wave), &mut surface, &mut [&mut observer])
        .unwrap_err();
    assert!(matches!(error, SamplerError::Observer(_)));
    assert_eq!(error.source().unwrap().to_string(), "disk full");
    assert_eq!(surface.missing(), 441 - 120);
}

#[test]
fn overflow_is_a_result() {
    let mut surface = Surface::new(Grid::square(3, 1.0, 1).unwrap(), vec![]);
    let objective = from_fn(|[x]: [f64; 1]| if x < 0.0 { f64::NAN } else { 1.0 / x });
    Sampler::new()
        .run(&objective, &mut surface, &mut [])
        .unwrap();
    assert!(surface.get(0).unwrap().loss.is_nan());
    assert_eq!(surface.get(1).unwrap().loss, f64::INFINITY);
    assert_eq!((surface.missing(), surface.non_finite()), (0, 2));
}

struct Odd {
    terms: Vec<Term>,
    samples: AtomicUsize,
}

impl Objective for Odd {
    fn dims(&self) -> usize {
        2
    }

    fn terms(&self) -> &[Term] {
        &self.terms
    }

    fn evaluate(&self, _: &[Point]) -> Result<Vec<Sample>, ObjectiveError> {
        Ok(vec![Sample::of(0.0); self.samples.load(Ordering::Relaxed)])
    }
}

#[test]
fn what_does_not_fit_is_refused_before_work() {
    let l2 = Term {
        name: "l2".into(),
        weight: 0.5,
    };
    let mut odd = Odd {
        terms: vec![l2.clone()],
        samples: AtomicUsize::new(441),
    };
    let sampler = Sampler {
        batch: 441,
        ..Sampler::new()
    };
    let error = sampler.run(&odd, &mut surface(), &mut []).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the objective's terms [0.5 x l2] are not the surface's []"
    );

    let mut with_term = Surface::new(Grid::square(21, 1.0, 2).unwrap(), vec![l2]);
    let error = sampler.run(&odd, &mut with_term, &mut []).unwrap_err();
    assert!(
        matches!(error, SamplerError::Surface(_)),
        "a sample without its term"
    );

    odd.terms.clear();
    odd.samples.store(440, Ordering::Relaxed);
    let error = sampler.run(&odd, &mut surface(), &mut []).unwrap_err();
    assert!(matches!(
        error,
        SamplerError::Count {
            expected: 441,
            given: 440
        }
    ));

    let mut line = Surface::new(Grid::square(5, 1.0, 1).unwrap(), vec![]);
    let error = sampler.run(&odd, &mut line, &mut []).unwrap_err();
    assert!(matches!(
        error,
        SamplerError::Dimensions {
            objective: 2,
            grid: 1
        }
    ));
}

#[test]
fn functions_of_one_to_three_numbers() {
    for dims in 1..=3 {
        let mut surface = Surface::new(Grid::square(5, 1.0, dims).unwrap(), vec![]);
        let sum = match dims {
            1 => Sampler::new().run(&from_fn(|[x]| x), &mut surface, &mut []),
            2 => Sampler::new().run(&from_fn(|[x, y]| x + 10.0 * y), &mut surface, &mut []),
            _ => Sampler::new().run(
                &from_fn(|[x, y, z]| x + 10.0 * y + 100.0 * z),
                &mut surface,
                &mut [],
            ),
        };
        sum.unwrap();
        for flat in 0..surface.grid().len() {
            let [x, y, z] = surface.grid().point(flat);
            assert_eq!(surface.get(flat).unwrap().loss, x + 10.0 * y + 100.0 * z);
        }
    }
}

#[test]
fn a_panic_of_the_objective_is_an_error_and_keeps_what_was_measured() {
    let objective = from_fn(|[x]: [f64; 1]| match x > 0.5 {
        true => panic!("no loss at {x}"),
        false => x,
    });
    let mut surface = Surface::new(Grid::square(9, 1.0, 1).unwrap(), Vec::new());
    let sampler = Sampler {
        batch: 1,
        ..Sampler::new()
    };
    let error = sampler.run(&objective, &mut surface, &mut []).unwrap_err();
    let SamplerError::Objective { points: 1, source } = error else {
        panic!("{error}");
    };
    assert_eq!(source.0.to_string(), "it panicked: no loss at 1");
    assert_eq!(surface.measured(), 2);
}

/// A bowl that is computed by so many devices, each with a point at a time.
struct Devices {
    at_once: usize,
    sizes: Mutex<Vec<usize>>,
}

impl Objective for Devices {
    fn dims(&self) -> usize {
        2
    }

    fn evaluate(&self, points: &[Point]) -> Result<Vec<Sample>, ObjectiveError> {
        self.sizes.lock().unwrap().push(points.len());
        Ok(points.iter().map(|point| Sample::of(point[0])).collect())
    }

    fn at_once(&self) -> usize {
        self.at_once
    }

    fn shares(&self) -> Vec<DeviceShare> {
        let points: usize = self.sizes.lock().unwrap().iter().sum();
        let share = |device: &str, points: usize, failed: Option<String>| DeviceShare {
            device: device.to_owned(),
            points: points as u64,
            failed,
        };
        let failed = (points >= 5).then(|| "gone".to_owned());
        vec![
            share("a", points.min(5), failed),
            share("b", points.saturating_sub(5), None),
        ]
    }
}

/// Is told of shares.
#[derive(Default)]
struct Told(Vec<DeviceShare>, usize);

impl Observer for Told {
    fn shared(&mut self, shares: &[DeviceShare]) -> Result<(), ObserverError> {
        self.1 += shares.iter().filter(|share| share.failed.is_some()).count();
        DeviceShare::add(&mut self.0, shares);
        Ok(())
    }

    fn batch(&mut self, _: &[Measured], _: Progress) -> Result<(), ObserverError> {
        Ok(())
    }
}

#[test]
fn batches_have_a_point_for_every_device_and_tell_what_each_computed() {
    let objective = Devices {
        at_once: 4,
        sizes: Mutex::default(),
    };
    let mut surface = Surface::new(Grid::square(5, 1.0, 2).unwrap(), vec![]);
    let mut told = Told::default();
    let done = Sampler::new().run(&objective, &mut surface, &mut [&mut told]);
    assert_eq!(done.unwrap(), Outcome::Complete);
    assert_eq!(objective.sizes.lock().unwrap()[0], 4);
    let points: Vec<u64> = told.0.iter().map(|share| share.points).collect();
    assert_eq!(points, [5, 20]);
    // A failure is told once.
    assert_eq!((told.1, told.0[0].failed.as_deref()), (1, Some("gone")));
    // Batches that are given stay as they are.
    let objective = Devices {
        at_once: 4,
        sizes: Mutex::default(),
    };
    let mut surface = Surface::new(Grid::square(5, 1.0, 2).unwrap(), vec![]);
    let sampler = Sampler {
        batch: 2,
        ..Sampler::new()
    };
    sampler.run(&objective, &mut surface, &mut []).unwrap();
    assert!(
        objective.sizes.lock().unwrap()[..12]
            .iter()
            .all(|size| *size == 2)
    );
}
