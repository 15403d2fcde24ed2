use crate::support::{assert_all_close, assert_close, sampled};
use landscape_core::analytic::{self, Analytic};
use landscape_core::{
    Axis, Grid, Metrics, MetricsError, Rng, Sample, Surface, Term, Value, merge_tree, metrics,
    metrics_of,
};
use proptest::prelude::*;

fn of(analytic: Analytic, count: usize) -> (Surface, Metrics) {
    let grid = Grid::square(count, analytic.half_range, 2).unwrap();
    let surface = sampled(grid, analytic.function);
    let report = metrics(&surface).unwrap();
    (surface, report)
}

#[test]
fn minima_are_where_they_are_said_to_be() {
    for analytic in analytic::ALL {
        for &minimum in analytic.minima {
            let value = (analytic.function)(minimum);
            assert!(value.abs() < 1e-20, "{} {value}", analytic.name);
            for (dx, dy) in [(1e-3, 0.0), (-1e-3, 0.0), (0.0, 1e-3), (0.0, -1e-3)] {
                assert!((analytic.function)([minimum[0] + dx, minimum[1] + dy]) > value);
            }
        }
    }
}

#[test]
fn a_bowl_in_closed_form() {
    let (_, m) = of(analytic::BOWL, 51);
    assert_eq!(
        (m.points, m.missing, m.non_finite, m.hessians),
        (2601, 0, 0, 49 * 49)
    );
    assert_eq!(
        (m.center_loss, m.min_loss, m.max_loss, m.range),
        (Some(0.0), 0.0, 2.0, 2.0)
    );
    assert_eq!(m.argmin, [0.0; 3]);
    assert_eq!(m.convexity, Some(1.0));
    // Normalised: f / 2 over axes of length 1 has second derivatives 2 * 2^2 / 2 = 4 on both.
    assert_close(m.smoothness.unwrap(), 1.0 / 9.0, 1e-9);
    assert!(m.roughness.unwrap() < 1e-14);
    assert_close(m.sharpness.unwrap(), 2.0, 1e-9);
    assert_all_close(&m.center_curvature.unwrap(), &[2.0, 2.0], 1e-9);
    // f <= 0.2 along an axis: |x| <= 0.447, 11 steps of 0.04 on both sides.
    assert_close(m.basin_width, 0.88, 1e-12);
    assert_all_close(&m.basin_extent, &[0.88, 0.88], 1e-12);
    assert_close(m.basin_share, std::f64::consts::PI * 0.2 / 4.0, 0.02);
    assert!(!m.basin_open);
    assert_eq!(m.minima, [25 * 51 + 25]);
    assert!(m.maxima.is_empty() && m.saddles.is_empty());
    assert_eq!(m.smad, None, "one minimum does not merge");
}

#[test]
fn a_saddle_in_closed_form() {
    for count in [50, 51] {
        let (surface, m) = of(analytic::SADDLE, count);
        assert_eq!(m.convexity, Some(0.0));
        assert_close(m.smoothness.unwrap(), 1.0, 1e-12);
        assert_all_close(&m.center_eigenvalues.unwrap(), &[2.0, -2.0], 1e-9);
        assert!(m.minima.is_empty() && m.maxima.is_empty());
        assert_eq!(m.saddles.len(), 1);
        let [x, y, _] = surface.grid().point(m.saddles[0]);
        assert!(x.hypot(y) < 0.03);
        assert!(m.basin_open);
    }
}

/// A saddle askew to the grid, and between its points, is one saddle.
#[test]
fn a_skewed_saddle_is_found_once() {
    for count in 30..60 {
        let skewed = |[x, y]: [f64; 2]| 20.0 * (x - y).powi(2) - (x + y - 0.03).powi(2);
        let m = metrics(&sampled(Grid::square(count, 1.0, 2).unwrap(), skewed)).unwrap();
        assert_eq!(m.saddles.len(), 1, "{count}");
    }
}

#[test]
fn himmelblau_has_four_minima_four_saddles_and_a_maximum() {
    for count in [30, 41, 50, 51, 64, 79, 93, 101, 150] {
        let (surface, m) = of(analytic::HIMMELBLAU, count);
        assert_eq!(m.minima.len(), 4, "{count}");
        let step = surface.grid().axes()[0].step();
        for minimum in analytic::HIMMELBLAU.minima {
            let near = |&flat: &usize| {
                let [x, y, _] = surface.grid().point(flat);
                (x - minimum[0]).hypot(y - minimum[1]) < 1.5 * step
            };
            assert!(m.minima.iter().any(near), "{count} {minimum:?}");
        }
        assert_eq!(m.maxima.len(), 1, "{count}");
        assert_eq!(m.saddles.len(), 4, "{count}");
        assert!(m.convexity.unwrap() < 1.0);
        let tree = merge_tree(&surface, Value::Loss);
        assert_eq!((tree.roots.len(), tree.merges.len()), (1, 3));
        // Saddle values of Himmelblau's function: 13.31, 67.72, 104.02, 178.34.
        let mut barriers: Vec<f64> = tree
            .merges
            .iter()
            .map(|m| surface.get(m.saddle).unwrap().loss)
            .collect();
        barriers.sort_by(f64::total_cmp);
        if count == 150 {
            assert_close(barriers[0], 13.31, 0.1);
            assert_close(barriers[1], 67.72, 0.05);
            assert_close(barriers[2], 104.02, 0.05);
        }
        assert_eq!(m.smad, tree.smad());
    }
}

#[test]
fn rosenbrock_is_a_narrow_valley() {
    let (_, m) = of(analytic::ROSENBROCK, 41);
    assert_eq!((m.argmin, m.min_loss), ([1.0, 1.0, 0.0], 0.0));
    assert_eq!(m.center_loss, Some(1.0));
    let convexity = m.convexity.unwrap();
    assert!(convexity > 0.5 && convexity < 1.0, "{convexity}");
    // d2/dx2 = 2 at the centre, up to 200 h^2 of the difference; d2/dy2 = 200.
    let curvature = m.center_curvature.unwrap();
    assert_close(curvature[0], 2.0 + 200.0 * 0.1f64.powi(2), 1e-6);
    assert_close(curvature[1], 200.0, 1e-9);
    assert_close(m.sharpness.unwrap(), 200.0, 1e-9);
}

#[test]
fn rastrigin_has_a_minimum_near_each_pair_of_integers() {
    let (surface, m) = of(analytic::RASTRIGIN, 101);
    assert_eq!(m.minima.len(), 25);
    assert_eq!(m.argmin, [0.0; 3]);
    let near = m.minima.iter().all(|&flat| {
        let [x, y, _] = surface.grid().point(flat);
        (x - x.round()).abs() < 0.06 && (y - y.round()).abs() < 0.06
    });
    assert!(near);
    assert_eq!(m.maxima.len(), 16, "between four minima each");
    assert_eq!(m.saddles.len(), 40, "between two minima each");
    assert!(m.roughness > of(analytic::BOWL, 101).1.roughness);
    assert!(m.smoothness < of(analytic::BOWL, 101).1.smoothness);
}

#[test]
fn axes_of_other_lengths_and_counts() {
    let grid = Grid::new(vec![
        Axis::new(-1.0, 1.0, 21).unwrap(),
        Axis::new(-4.0, 2.0, 31).unwrap(),
    ])
    .unwrap();
    let surface = sampled(grid, |[x, y]| 3.0 * x * x + x * y + 0.5 * y * y + y);
    let m = metrics(&surface).unwrap();
    assert_all_close(&m.center_curvature.unwrap(), &[6.0, 1.0], 1e-9);
    let gap = f64::hypot(2.5, 1.0);
    assert_all_close(
        &m.center_eigenvalues.unwrap(),
        &[3.5 + gap, 3.5 - gap],
        1e-9,
    );
    assert_eq!((m.convexity, m.minima.len()), (Some(1.0), 1));
    assert!(m.basin_extent[1] > m.basin_extent[0]);
    assert_eq!(m.basin_width, m.basin_extent[1]);
}

#[test]
fn one_and_three_dimensions() {
    let line = Grid::square(41, 2.0, 1).unwrap();
    let mut surface = Surface::new(line, vec![]);
    for flat in 0..41 {
        let [x, ..] = surface.grid().point(flat);
        surface
            .set(flat, Sample::of((x * x - 1.0).powi(2)))
            .unwrap();
    }
    let m = metrics(&surface).unwrap();
    assert_eq!(
        (m.minima.as_slice(), m.maxima.as_slice()),
        (&[10, 30][..], &[20][..])
    );
    assert!(m.saddles.is_empty());
    // 12 x^2 - 4 < 0 for |x| < 0.577, with h = 0.1: 11 of 39 interior points.
    assert_close(m.convexity.unwrap(), 28.0 / 39.0, 1e-12);
    assert_close(m.sharpness.unwrap(), -4.0 + 2.0 * 0.01, 1e-9);
    assert_close(m.smad.unwrap(), 1.0, 1e-12);

    let cube = Grid::square(11, 1.0, 3).unwrap();
    let mut surface = Surface::new(cube, vec![]);
    for flat in 0..surface.grid().len() {
        let [x, y, z] = surface.grid().point(flat);
        surface
            .set(flat, Sample::of(x * x + 2.0 * y * y + 3.0 * z * z + y * z))
            .unwrap();
    }
    let m = metrics(&surface).unwrap();
    assert_eq!((m.hessians, m.convexity), (729, Some(1.0)));
    assert_all_close(&m.center_curvature.unwrap(), &[2.0, 4.0, 6.0], 1e-9);
    let gap = 2f64.sqrt();
    assert_all_close(
        &m.center_eigenvalues.unwrap(),
        &[5.0 + gap, 5.0 - gap, 2.0],
        1e-9,
    );
    assert_eq!(m.minima, [5 * 121 + 5 * 11 + 5]);
    assert!(m.basin_extent[0] > m.basin_extent[2]);

    for flat in 0..surface.grid().len() {
        let [x, y, z] = surface.grid().point(flat);
        let saddle = x * x + y * y - (z - 0.45).powi(2) + 0.3 * x * z;
        surface.set(flat, Sample::of(saddle)).unwrap();
    }
    let m = metrics(&surface).unwrap();
    let [x, y, z] = surface.grid().point(m.saddles[0]);
    assert_eq!(m.saddles.len(), 1);
    assert!(
        x.abs() < 0.2 && y == 0.0 && (z - 0.45).abs() < 0.1,
        "{x} {y} {z}"
    );
}

#[test]
fn roughness_measures_noise() {
    let mut rng = Rng::new(0, 0);
    let mut surface = Surface::new(Grid::square(101, 1.0, 2).unwrap(), vec![]);
    for flat in 0..surface.grid().len() {
        let [x, y, _] = surface.grid().point(flat);
        surface
            .set(flat, Sample::of(x * x + y * y + 0.01 * rng.normal()))
            .unwrap();
    }
    let m = metrics(&surface).unwrap();
    assert_close(m.roughness.unwrap() * m.range, 0.01, 2e-4);
}

#[test]
fn missing_and_broken_points_are_counted_and_take_no_part() {
    let (full, _) = of(analytic::BOWL, 11);
    let mut holed = Surface::new(full.grid().clone(), vec![]);
    for flat in 0..121 {
        match flat {
            0 => {}
            7 => holed.set(flat, Sample::of(f64::NAN)).unwrap(),
            100 => holed.set(flat, Sample::of(f64::INFINITY)).unwrap(),
            113 => holed.set(flat, Sample::of(f64::NEG_INFINITY)).unwrap(),
            _ => holed.set(flat, full.get(flat).unwrap().clone()).unwrap(),
        }
    }
    let m = metrics(&holed).unwrap();
    assert_eq!((m.missing, m.non_finite), (1, 3));
    assert_eq!(
        (m.min_loss, m.argmin, m.convexity),
        (0.0, [0.0; 3], Some(1.0))
    );
    assert_eq!(m.minima, [60]);
    assert!(m.hessians < 81 && m.hessians > 60);
    assert!(
        serde_json::to_string(&m)
            .unwrap()
            .contains("\"convexity\":1.0")
    );
}

#[test]
fn small_and_empty_surfaces() {
    let empty = Surface::new(Grid::square(3, 1.0, 2).unwrap(), vec![]);
    assert_eq!(
        metrics(&empty),
        Err(MetricsError::NothingFinite {
            points: 9,
            missing: 9
        })
    );
    for count in [1, 2] {
        let surface = sampled(Grid::square(count, 1.0, 2).unwrap(), |[x, y]| x + y);
        let m = metrics(&surface).unwrap();
        assert_eq!((m.hessians, m.convexity, m.smoothness), (0, None, None));
        assert_eq!((m.roughness, m.sharpness), (None, None));
        assert_close(m.center_loss.unwrap(), 0.0, 1e-15);
    }
    let off_center = Grid::new(vec![Axis::new(1.0, 2.0, 5).unwrap(); 2]).unwrap();
    let m = metrics(&sampled(off_center, |[x, y]| x + y)).unwrap();
    assert_eq!((m.center_loss, m.sharpness), (None, None));
}

#[test]
fn a_constant_is_flat_convex_and_without_minima() {
    let m = metrics(&sampled(Grid::square(9, 1.0, 2).unwrap(), |_| 0.7)).unwrap();
    assert_eq!(
        (m.range, m.convexity, m.smoothness),
        (0.0, Some(1.0), Some(1.0))
    );
    assert_eq!((m.roughness, m.sharpness), (Some(0.0), Some(0.0)));
    assert_eq!(
        (m.basin_width, m.basin_share, m.basin_open),
        (2.0, 1.0, true)
    );
    assert!(m.minima.is_empty() && m.maxima.is_empty() && m.saddles.is_empty());
}

#[test]
fn a_plateau_counts_once() {
    let bottom = |v: f64| (v.abs() - 0.35).max(0.0);
    let grid = || Grid::square(21, 1.0, 2).unwrap();
    let m = metrics(&sampled(grid(), |[x, y]| bottom(x) + bottom(y))).unwrap();
    assert_eq!(m.minima, [7 * 21 + 7], "the first of 7 x 7 equal points");
    let shelf = |[x, _]: [f64; 2]| bottom(x);
    let m = metrics(&sampled(grid(), shelf)).unwrap();
    assert!(
        m.minima.is_empty(),
        "a valley to the edge of the grid is not a minimum"
    );
}

#[test]
fn rounding_of_f32_losses_is_not_curvature() {
    let tilted = |[x, y]: [f64; 2]| f64::from((2.0 + 0.1 * x + 0.2 * y) as f32);
    let m = metrics(&sampled(Grid::square(51, 1.0, 2).unwrap(), tilted)).unwrap();
    assert_eq!(m.convexity, Some(1.0));
}

#[test]
fn the_total_has_figures_of_its_own() {
    let term = Term {
        name: "l2".into(),
        weight: 2.0,
    };
    let mut surface = Surface::new(Grid::square(3, 1.0, 1).unwrap(), vec![term]);
    for flat in 0..3 {
        let sample = Sample {
            terms: vec![flat as f64],
            ..Sample::of(1.0)
        };
        surface.set(flat, sample).unwrap();
    }
    assert_eq!(metrics(&surface).unwrap().range, 0.0);
    assert_eq!(metrics_of(&surface, Value::Total).unwrap().max_loss, 5.0);
    assert!(metrics_of(&surface, Value::Accuracy).is_err());
}

proptest! {
    /// Exact figures of any quadratic: constant Hessian, no third difference.
    #[test]
    fn quadratics(a in -3.0..3.0f64, b in -3.0..3.0f64, c in -3.0..3.0f64, nx in 4usize..12, ny in 4usize..12) {
        let grid = Grid::new(vec![
            Axis::new(-1.0, 1.0, nx).unwrap(),
            Axis::new(-1.5, 1.0, ny).unwrap(),
        ]).unwrap();
        let m = metrics(&sampled(grid, |[x, y]| a * x * x + b * x * y + c * y * y)).unwrap();
        let gap = f64::hypot(a - c, b);
        let want = [a + c + gap, a + c - gap];
        assert_all_close(&m.center_eigenvalues.unwrap(), &want, 1e-9);
        prop_assert!(m.roughness.unwrap() < 1e-12);
        if want[1].abs() > 1e-3 {
            prop_assert_eq!(m.convexity.unwrap(), f64::from(want[1] > 0.0));
        }
    }

    /// Scaling or shifting the loss changes no figure that has no unit.
    #[test]
    fn figures_without_unit(scale in 0.1..10.0f64, shift in 0.0..5.0f64) {
        let grid = || Grid::square(31, 5.0, 2).unwrap();
        let one = metrics(&sampled(grid(), analytic::himmelblau)).unwrap();
        let two = metrics(&sampled(grid(), |p| scale * analytic::himmelblau(p) + shift)).unwrap();
        assert_close(two.smoothness.unwrap(), one.smoothness.unwrap(), 1e-9);
        assert_close(two.roughness.unwrap(), one.roughness.unwrap(), 1e-9);
        prop_assert_eq!(two.minima, one.minima);
        prop_assert_eq!(two.saddles, one.saddles);
        prop_assert_eq!(two.basin_extent, one.basin_extent);
    }
}
