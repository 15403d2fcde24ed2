//! Curves against closed forms and finite differences.

use crate::support::{assert_all_close, assert_close, network, vector};
use landscape_core::{Curve, CurveError, CurveKind, CurvePlane, Params, Projection, Rng, project};
use proptest::prelude::*;

fn values(params: &Params) -> Vec<f64> {
    params.flatten().into_iter().map(f64::from).collect()
}

fn points(count: usize, seed: u64) -> Vec<Params> {
    let mut rng = Rng::new(seed, 0);
    (0..count)
        .map(|_| vector(&(0..6).map(|_| rng.normal() as f32).collect::<Vec<_>>()))
        .collect()
}

#[test]
fn a_quadratic_bezier_in_closed_form() {
    let all = points(3, 1);
    let curve = Curve::new(CurveKind::Bezier, all.clone()).unwrap();
    for t in [0.0, 0.2, 0.5, 0.9, 1.0] {
        let want = [(1.0 - t) * (1.0 - t), 2.0 * t * (1.0 - t), t * t];
        assert_all_close(&curve.weights(t), &want, 1e-15);
        let of = |i: usize| -> f64 { (0..3).map(|k| want[k] * values(&all[k])[i]).sum() };
        let want: Vec<f64> = (0..6).map(of).collect();
        assert_all_close(&values(&curve.at(t)), &want, 1e-6);
    }
    assert_eq!(
        (curve.at(0.0), curve.at(1.0)),
        (all[0].clone(), all[2].clone())
    );
}

#[test]
fn a_chain_passes_its_points() {
    let all = points(4, 2);
    let curve = Curve::new(CurveKind::Chain, all.clone()).unwrap();
    for (k, point) in all.iter().enumerate() {
        assert_all_close(&values(&curve.at(k as f64 / 3.0)), &values(point), 1e-6);
    }
    assert_eq!(curve.weights(0.5), [0.0, 0.5, 0.5, 0.0]);
    let length: f64 = all
        .windows(2)
        .map(|w| w[1].sub(&w[0]).unwrap().norm())
        .sum();
    assert_close(curve.length(3), length, 1e-6);
    assert!(curve.length(1) < length);
}

#[test]
fn buffers_go_along_and_layouts_are_checked() {
    let (from, to) = (network(), network().zeros_like());
    let curve = Curve::straight(CurveKind::Bezier, &from, &to, 2).unwrap();
    assert_eq!(curve.points().len(), 4);
    let middle = curve.at(0.5);
    assert_close(
        f64::from(middle.get("bn1.running_mean").unwrap().data[0]),
        5.0,
        1e-6,
    );
    assert_close(middle.norm(), from.norm() / 2.0, 1e-6);
    assert_eq!(curve.plane().unwrap_err(), CurveError::Straight);
    let new = |points| Curve::new(CurveKind::Chain, points).unwrap_err();
    assert_eq!(new(vec![from.clone()]), CurveError::TooFew { given: 1 });
    let error = new(vec![from.clone(), vector(&[1.0])]);
    assert!(matches!(error, CurveError::Layout { index: 1, .. }));
    let mut line = Curve::new(CurveKind::Chain, vec![from.clone(), to]).unwrap();
    assert!(matches!(line.plane(), Err(CurveError::NoBend { .. })));
    assert!(matches!(
        line.set_bend(1, from),
        Err(CurveError::NoBend { .. })
    ));
}

#[test]
fn the_plane_holds_the_curve() {
    let all = points(3, 3);
    let curve = Curve::new(CurveKind::Bezier, all.clone()).unwrap();
    let CurvePlane { plane, marks } = curve.plane().unwrap();
    assert_all_close(&plane.norms(), &[1.0, 1.0], 1e-6);
    assert!(plane.cosines()[0][1].abs() < 1e-6);
    for (point, mark) in all.iter().zip(marks) {
        let (found, distance) = project(point, &plane, Projection::LeastSquares).unwrap();
        assert_all_close(&found[..2], &mark, 1e-6);
        assert!(distance < 1e-5);
    }
    assert!(marks[1][1] > 0.0);
    // The figure's curve is the Bézier curve of the marks.
    for t in [0.1, 0.6] {
        let (found, distance) = project(&curve.at(t), &plane, Projection::Cos).unwrap();
        let weights = curve.weights(t);
        let at = |axis: usize| (0..3).map(|k| weights[k] * marks[k][axis]).sum::<f64>();
        assert_all_close(&found[..2], &[at(0), at(1)], 1e-6);
        assert!(distance < 1e-5);
    }
    let straight = CurvePlane::through(&all[0], &all[0], &all[2]).unwrap_err();
    assert_eq!(straight, CurveError::Straight);
    let same = CurvePlane::through(&all[0], &all[1], &all[0]).unwrap_err();
    assert_eq!(same, CurveError::Straight);
}

#[test]
fn bends_move() {
    let mut curve = Curve::new(CurveKind::Bezier, points(3, 4)).unwrap();
    let bend = vector(&[9.0; 6]);
    curve.set_bend(1, bend.clone()).unwrap();
    assert_eq!(curve.points()[1], bend);
    assert!(curve.set_bend(2, bend.clone()).is_err());
    assert!(curve.set_bend(1, vector(&[1.0])).is_err());
}

proptest! {
    #[test]
    fn weights_and_derivatives(count in 2usize..7, t in 0.0..1.0f64) {
        for &kind in CurveKind::ALL {
            let weights = kind.weights(count, t);
            prop_assert!(weights.iter().all(|w| *w >= 0.0));
            assert_close(weights.iter().sum(), 1.0, 1e-12);
            let derivatives = kind.derivatives(count, t);
            let step = 1e-6;
            let corner = t * (count - 1) as f64;
            if kind == CurveKind::Chain && (corner - corner.round()).abs() < 1e-4 {
                continue;
            }
            let (a, b) = (kind.weights(count, t - step), kind.weights(count, t + step));
            let slopes: Vec<f64> = a.iter().zip(&b).map(|(a, b)| (b - a) / (2.0 * step)).collect();
            assert_all_close(&derivatives, &slopes, 1e-6);
        }
    }
}
