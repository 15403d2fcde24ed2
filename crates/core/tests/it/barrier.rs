//! The barrier between two models, against closed forms.

use crate::support::assert_close;
use landscape_core::{Axis, Grid, Sample, Sampler, Surface, Term, Value, barrier, from_fn};
use proptest::prelude::*;

fn line(min: f64, max: f64, count: usize, f: impl Fn(f64) -> f64 + Sync) -> Surface {
    let grid = Grid::new(vec![Axis::new(min, max, count).unwrap()]).unwrap();
    let mut surface = Surface::new(grid, Vec::new());
    let objective = from_fn(move |[a]: [f64; 1]| f(a));
    Sampler::new()
        .run(&objective, &mut surface, &mut [])
        .unwrap();
    surface
}

fn sample(loss: f64) -> Sample {
    Sample {
        loss,
        loss_se: None,
        accuracy: None,
        terms: Vec::new(),
    }
}

#[test]
fn a_hill_over_a_slope() {
    // f - chord = 4 h a (1 - a): h in the middle, whatever the slope is.
    let surface = line(-0.5, 1.5, 41, |a| 2.0 - 3.0 * a + 4.0 * 0.7 * a * (1.0 - a));
    let found = barrier(&surface, Value::Loss).unwrap();
    assert_close(found.height, 0.7, 1e-12);
    assert_close(found.at, 0.5, 1e-12);
    assert_close(found.ends[0], 2.0, 1e-12);
    assert_close(found.ends[1], -1.0, 1e-12);
}

#[test]
fn a_hill_off_the_middle() {
    // a (1 - a)^2 is highest at 1/3, with 4/27; the grid has 1/3.
    let surface = line(-1.0, 2.0, 91, |a| 27.0 / 4.0 * a * (1.0 - a).powi(2));
    let found = barrier(&surface, Value::Loss).unwrap();
    assert_close(found.height, 1.0, 1e-12);
    assert_close(found.at, 1.0 / 3.0, 1e-12);
}

#[test]
fn a_valley_has_none() {
    let surface = line(0.0, 1.0, 21, |a| (a - 0.4) * (a - 0.4));
    let found = barrier(&surface, Value::Loss).unwrap();
    assert_eq!((found.height, found.at), (0.0, 0.0));
}

#[test]
fn what_lies_beyond_the_ends_does_not_count() {
    let surface = line(-2.0, 3.0, 51, |a| match (0.0..=1.0).contains(&a) {
        true => 1.0,
        false => f64::NAN,
    });
    assert_eq!(barrier(&surface, Value::Loss).unwrap().height, 0.0);
}

#[test]
fn ends_between_points_are_interpolated() {
    // Points at -0.5, 0.1, 0.7, 1.3: f(0) and f(1) come from linear pieces, exactly for a kink that
    // is a point of the grid.
    let surface = line(-0.5, 1.3, 4, |a| if a < 0.7 { a } else { 1.4 - a });
    let found = barrier(&surface, Value::Loss).unwrap();
    assert_close(found.ends[0], 0.0, 1e-12);
    assert_close(found.ends[1], 0.4, 1e-12);
    assert_close(found.at, 0.7, 1e-12);
    assert_close(found.height, 0.7 - 0.7 * 0.4, 1e-12);
}

#[test]
fn a_range_without_both_models_has_no_barrier() {
    for (min, max) in [(-1.0, 0.9), (0.1, 2.0), (2.0, 3.0)] {
        assert_eq!(barrier(&line(min, max, 11, |a| a * a), Value::Loss), None);
    }
    let plane = Surface::new(Grid::square(3, 1.0, 2).unwrap(), Vec::new());
    assert_eq!(barrier(&plane, Value::Loss), None);
}

#[test]
fn holes_and_infinities() {
    let mut surface = line(0.0, 1.0, 5, |_| 1.0);
    surface.set(3, sample(f64::INFINITY)).unwrap();
    let found = barrier(&surface, Value::Loss).unwrap();
    assert_eq!((found.height, found.at), (f64::INFINITY, 0.75));
    surface.set(2, sample(f64::NAN)).unwrap();
    assert_eq!(barrier(&surface, Value::Loss), None);
    surface.set(2, sample(1.0)).unwrap();
    surface.set(4, sample(f64::INFINITY)).unwrap();
    assert_eq!(barrier(&surface, Value::Loss), None);
    let mut partial = Surface::new(surface.grid().clone(), Vec::new());
    for flat in [0, 2, 4] {
        partial.set(flat, sample(1.0)).unwrap();
    }
    assert_eq!(barrier(&partial, Value::Loss), None, "points are missing");
    for flat in [1, 3] {
        partial.set_interpolated(flat, sample(9.0)).unwrap();
    }
    let found = barrier(&partial, Value::Loss).unwrap();
    assert_eq!(found.height, 0.0, "interpolated points are not evidence");
}

#[test]
fn of_any_value() {
    let grid = Grid::new(vec![Axis::new(0.0, 1.0, 3).unwrap()]).unwrap();
    let term = Term {
        name: "l2".into(),
        weight: 0.5,
    };
    let mut surface = Surface::new(grid, vec![term]);
    for (flat, l2) in [0.0, 4.0, 2.0].into_iter().enumerate() {
        let sample = Sample {
            terms: vec![l2],
            ..sample(1.0)
        };
        surface.set(flat, sample).unwrap();
    }
    assert_eq!(barrier(&surface, Value::Total).unwrap().height, 1.5);
    assert_eq!(barrier(&surface, Value::Term(0)).unwrap().height, 3.0);
    assert_eq!(barrier(&surface, Value::Loss).unwrap().height, 0.0);
    assert_eq!(barrier(&surface, Value::Accuracy), None);
}

proptest! {
    /// A chord more does not change the barrier, a factor scales it.
    #[test]
    fn chords_do_not_count(
        slope in -9.0..9.0f64,
        level in -9.0..9.0f64,
        factor in 0.1..9.0f64,
        bend in -3.0..3.0f64,
        quarters in 1usize..30,
    ) {
        let shape = move |a: f64| (bend * a).sin() + bend * a * a;
        let plain = line(-0.5, 1.5, 4 * quarters + 1, shape);
        let tilted = line(-0.5, 1.5, 4 * quarters + 1, move |a| level + slope * a + factor * shape(a));
        let (plain, tilted) = (barrier(&plain, Value::Loss), barrier(&tilted, Value::Loss));
        assert_close(tilted.unwrap().height, factor * plain.unwrap().height, 1e-9);
    }
}
