//! The best point of a surface and its robustness.

use landscape_core::{
    Axis, Goal, Grid, Optimum, OptimumParams, Sample, Surface, Value, from_fn, optimum,
};
use landscape_core::{Objective, Sampler};
use proptest::prelude::*;

fn surface(grid: Grid, function: impl Fn([f64; 2]) -> f64 + Sync) -> Surface {
    let mut surface = Surface::new(grid, vec![]);
    let objective = from_fn(function);
    assert_eq!(objective.dims(), 2);
    Sampler::new()
        .run(&objective, &mut surface, &mut [])
        .expect("a function");
    surface
}

fn of(surface: &Surface, goal: Goal, tolerance: f64, reach: usize) -> Optimum {
    let params = OptimumParams {
        goal,
        tolerance,
        reach,
    };
    optimum(surface, Value::Loss, &params).expect("finite values")
}

/// A deep notch one point wide and a shallow valley: the notch is best, the valley is robust.
#[test]
fn a_notch_is_best_and_a_valley_is_robust() {
    let grid = Grid::square(21, 1.0, 2).expect("a grid");
    let notch = |[x, y]: [f64; 2]| {
        let hit = (x - 0.6).abs() < 0.01 && (y + 0.6).abs() < 0.01;
        if hit { -1.0 } else { (x + 0.5).powi(2) + y * y }
    };
    let found = of(&surface(grid, notch), Goal::Lowest, 0.1, 1);
    assert_eq!(found.at, [0.6, -0.6, 0.0]);
    assert_eq!(found.extent, [(0.6, 0.6), (-0.6, -0.6)]);
    assert_eq!(found.share, 1.0 / 441.0);
    assert!(!found.open);
    // The worst neighbour of the notch is (0.7, -0.7).
    assert!((found.worst_near - (1.2f64.powi(2) + 0.49)).abs() < 1e-12);
    assert_eq!(found.robust_at, [-0.5, 0.0, 0.0]);
    assert_eq!(found.robust_value, 0.0);
    assert!((found.robust_worst - 0.02).abs() < 1e-12);
}

#[test]
fn the_highest_of_a_value_is_the_lowest_of_its_negative() {
    let grid = || Grid::square(15, 1.0, 2).expect("a grid");
    let hill = |[x, y]: [f64; 2]| (3.0 * x).sin() * (2.0 * y).cos() + 0.1 * x;
    let high = of(&surface(grid(), hill), Goal::Highest, 0.2, 2);
    let low = of(&surface(grid(), move |at| -hill(at)), Goal::Lowest, 0.2, 2);
    assert_eq!(high.index, low.index);
    assert_eq!(high.robust_index, low.robust_index);
    assert_eq!(high.extent, low.extent);
    assert_eq!(high.value, -low.value);
    assert_eq!(high.worst_near, -low.worst_near);
}

#[test]
fn unequal_axes_and_points_that_are_not_finite_are_taken_as_they_are() {
    let axes = vec![Axis::new(1.0, 5.0, 5), Axis::new(0.0, 1.0, 3)];
    let axes = axes.into_iter().collect::<Result<_, _>>().expect("axes");
    let grid = Grid::new(axes).expect("a grid");
    let wall = |[k, t]: [f64; 2]| {
        if k == 3.0 {
            f64::NAN
        } else {
            (k - 4.0).abs() + t
        }
    };
    let surface = surface(grid, wall);
    let found = of(&surface, Goal::Lowest, 10.0, 1);
    assert_eq!(found.at, [4.0, 0.0, 0.0]);
    // The region does not pass the points that are not finite.
    assert_eq!(found.extent, [(4.0, 5.0), (0.0, 1.0)]);
    assert_eq!(found.share, 6.0 / 15.0);
    assert!(found.open);
    assert_eq!(found.worst_near, f64::INFINITY);
    // No box within the grid is finite, so that the best point stands for itself.
    assert_eq!(found.robust_index, found.index);
    let nothing = Surface::new(surface.grid().clone(), vec![]);
    let params = OptimumParams {
        goal: Goal::Lowest,
        tolerance: 0.0,
        reach: 1,
    };
    assert_eq!(optimum(&nothing, Value::Loss, &params), None);
    assert_eq!(optimum(&surface, Value::Accuracy, &params), None);
}

proptest! {
    #[test]
    fn robustness_equals_that_of_all_boxes(values in prop::collection::vec(-9i32..9, 30), reach in 0usize..3) {
        let axes = vec![Axis::new(0.0, 5.0, 6).unwrap(), Axis::new(0.0, 4.0, 5).unwrap()];
        let mut surface = Surface::new(Grid::new(axes).unwrap(), vec![]);
        for (index, value) in values.iter().enumerate() {
            surface.set(index, Sample::of(f64::from(*value))).unwrap();
        }
        let found = of(&surface, Goal::Lowest, 1.0, reach);
        let lowest = *values.iter().min().unwrap();
        prop_assert_eq!(found.value, f64::from(lowest));
        let worst = |i: usize, j: usize| {
            let rows = i - reach..=i + reach;
            rows.flat_map(|i| (j - reach..=j + reach).map(move |j| (i, j)))
                .map(|(i, j)| values[5 * i + j]).max().unwrap()
        };
        let boxes = (reach..6 - reach).flat_map(|i| (reach..5 - reach).map(move |j| (i, j)));
        let best = boxes.map(|(i, j)| worst(i, j)).min().unwrap();
        prop_assert_eq!(found.robust_worst, f64::from(best));
    }
}
