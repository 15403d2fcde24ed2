//! Contour lines against closed forms.

use crate::support::{plane, sampled};
use landscape_core::Value;
use landscape_plot::{Isoline, Scale, isolines};
use proptest::prelude::*;

fn lines(surface: &landscape_core::Surface, scale: Scale, level: f64) -> Vec<Isoline> {
    isolines(surface, Value::Loss, scale, level).unwrap()
}

/// Area inside a closed line.
fn area(line: &Isoline) -> f64 {
    let n = line.points.len();
    let cross = |k: usize| {
        let (a, b) = (line.points[k], line.points[(k + 1) % n]);
        a.0 * b.1 - b.0 * a.1
    };
    (0..n).map(cross).sum::<f64>().abs() / 2.0
}

#[test]
fn circles_are_circles_within_the_error_of_interpolation() {
    let surface = plane(81, 81, |x, y| x * x + y * y);
    let step = 2.0 / 80.0;
    for r in [0.2, 0.5, 0.83] {
        let found = lines(&surface, Scale::Linear, r * r);
        assert_eq!(found.len(), 1);
        assert!(found[0].closed);
        // A chord of length h in a parabola of curvature 2 is off by h^2 / 4 at most.
        let bound = step * step / 4.0 / (2.0 * r) + 1e-12;
        for (x, y) in &found[0].points {
            assert!((x.hypot(*y) - r).abs() <= bound, "{r}: {}", x.hypot(*y) - r);
        }
        assert!((area(&found[0]) / (std::f64::consts::PI * r * r) - 1.0).abs() < 0.01);
    }
}

#[test]
fn log_contours_interpolate_logarithms() {
    // The logarithm of the loss is linear, so that every crossing is exact.
    let surface = plane(9, 7, |x, y| (2.0 * x + 0.5 * y).exp());
    for level in [0.3, 1.0, 4.0] {
        for (x, y) in lines(&surface, Scale::Log, level)
            .iter()
            .flat_map(|l| &l.points)
        {
            assert!((2.0 * x + 0.5 * y - level.ln()).abs() < 1e-12);
        }
    }
}

#[test]
fn coordinates_are_those_of_the_axes_not_of_cells() {
    let surface = sampled(&[(2.0, 6.0, 5), (-10.0, 30.0, 3)], |[x, _, _]| Some(x));
    let found = lines(&surface, Scale::Linear, 4.25);
    assert_eq!(found.len(), 1);
    assert!(!found[0].closed);
    let mut ys: Vec<f64> = found[0].points.iter().map(|p| p.1).collect();
    ys.sort_by(f64::total_cmp);
    assert_eq!(ys, [-10.0, 10.0, 30.0]);
    assert!(found[0].points.iter().all(|p| p.0 == 4.25));
}

#[test]
fn a_saddle_joins_the_side_of_its_value() {
    // x y on one cell about its saddle (1/3, -1/5), shifted so that the saddle has the value 0.1.
    let surface = sampled(&[(-1.0, 1.0, 2), (-1.0, 1.0, 2)], |[x, y, _]| {
        Some((x - 1.0 / 3.0) * (y + 0.2) + 0.1)
    });
    for level in [0.05, 0.15] {
        let found = lines(&surface, Scale::Linear, level);
        assert_eq!(found.len(), 2);
        for line in found {
            assert_eq!(line.points.len(), 2);
            // Both ends are on one branch of the hyperbola (x - 1/3)(y + 1/5) = level - 0.1.
            let sides: Vec<bool> = line.points.iter().map(|p| p.0 > 1.0 / 3.0).collect();
            assert_eq!(sides[0], sides[1], "level {level}");
            for (x, y) in line.points {
                assert!(((x - 1.0 / 3.0) * (y + 0.2) + 0.1 - level).abs() < 1e-12);
            }
        }
    }
}

#[test]
fn hyperbolas_pass_a_fine_saddle_on_the_right_branches() {
    let surface = plane(61, 41, |x, y| x * x - y * y);
    let right = lines(&surface, Scale::Linear, 0.05);
    assert_eq!(right.len(), 2);
    assert!(right.iter().all(|l| !l.closed));
    assert!(right.iter().any(|l| l.points.iter().all(|p| p.0 > 0.0)));
    let up = lines(&surface, Scale::Linear, -0.05);
    assert_eq!(up.len(), 2);
    assert!(up.iter().any(|l| l.points.iter().all(|p| p.1 > 0.0)));
}

#[test]
fn lines_stop_at_holes() {
    let surface = sampled(&[(-1.0, 1.0, 41), (-1.0, 1.0, 41)], |[x, y, _]| {
        Some(if x > 0.2 && y > 0.2 {
            f64::NAN
        } else {
            x * x + y * y
        })
    });
    for line in lines(&surface, Scale::Linear, 0.36) {
        assert!(!line.closed);
        assert!(
            line.points
                .iter()
                .all(|(x, y)| !(*x > 0.2 + 1e-9 && *y > 0.2 + 1e-9))
        );
        assert!(
            line.points
                .iter()
                .all(|(x, y)| (x.hypot(*y) - 0.6).abs() < 2e-3)
        );
    }
}

proptest! {
    /// Every point of a line lies on a grid line, where the interpolation has the level, and open
    /// lines end at the border.
    #[test]
    fn points_have_the_level(
        values in prop::collection::vec(-1.0f64..1.0, 6 * 5),
        level in -0.9f64..0.9,
    ) {
        let at = |i: usize, j: usize| values[i * 5 + j];
        let surface = sampled(&[(0.0, 5.0, 6), (0.0, 4.0, 5)], |[x, y, _]| {
            Some(at(x.round() as usize, y.round() as usize))
        });
        for line in lines(&surface, Scale::Linear, level) {
            for (x, y) in &line.points {
                let (i, j) = (x.floor() as usize, y.floor() as usize);
                let (s, t) = (x.fract(), y.fract());
                prop_assert!(s == 0.0 || t == 0.0);
                let next = if s > 0.0 { at(i + 1, j) } else { at(i, (j + 1).min(4)) };
                let value = at(i, j) + s.max(t) * (next - at(i, j));
                prop_assert!((value - level).abs() < 1e-9);
            }
            if !line.closed {
                for (x, y) in [line.points[0], line.points[line.points.len() - 1]] {
                    prop_assert!(x == 0.0 || x == 5.0 || y == 0.0 || y == 4.0);
                }
            }
        }
    }
}
