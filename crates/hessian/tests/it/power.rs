use crate::support::{assert_close, diagonal, noisy, rotated, spiked};
use landscape_hessian::{Dense, Power, PowerError, PowerPairs, PowerParams, Stop, from_fn};
use std::ops::ControlFlow;

fn solve(operator: &dyn landscape_hessian::Operator, params: PowerParams) -> PowerPairs {
    Power::new(params).unwrap().solve(operator).unwrap()
}

fn values(found: &PowerPairs) -> Vec<f64> {
    found.pairs.iter().map(|pair| pair.value).collect()
}

#[test]
fn deflation_gives_the_pairs_in_order_with_true_residuals() {
    let mut spectrum: Vec<f64> = (0..200).map(|i| 1.0 / (1.0 + i as f64)).collect();
    spectrum.extend([20.0, -15.0, 11.0, 8.0]);
    let params = PowerParams {
        pairs: 4,
        tolerance: 1e-6,
        ..Default::default()
    };
    let matrix = rotated(spectrum, 8);
    let found = solve(&matrix, params);
    assert_eq!(found.stop, Stop::Converged);
    for (got, want) in values(&found).iter().zip([20.0, -15.0, 11.0, 8.0]) {
        assert_close(*got, want, 1e-9);
    }
    assert!(
        found
            .pairs
            .iter()
            .all(|pair| pair.converged && pair.relative() <= 1e-6)
    );
}

/// With noise that differs from product to product, residuals go up and down: the best one is given.
#[test]
fn the_pair_of_smallest_residual_is_kept() {
    let spectrum: Vec<f64> = (0..100).map(|i| 10.0 / (1.0 + i as f64)).collect();
    for seed in 0..5 {
        let params = PowerParams {
            tolerance: 1e-8,
            max_products: 60,
            seed,
            ..Default::default()
        };
        let mut least = f64::INFINITY;
        let mut observe = |progress: &landscape_hessian::Progress| {
            least = least.min(progress.error);
            ControlFlow::Continue(())
        };
        let matrix = noisy(rotated(spectrum.clone(), seed), 1e-3);
        let found = Power::new(params).unwrap().run(&matrix, &mut observe);
        let found = found.unwrap();
        assert_eq!(found.stop, Stop::Products);
        let got = found.pairs[0].relative();
        assert!(got <= least * (1.0 + 1e-9), "{got} against {least}");
    }
}

#[test]
fn a_plus_minus_pair_is_right_or_not_converged() {
    let mut spectrum: Vec<f64> = (0..200).map(|i| 5.0 / (1.0 + i as f64)).collect();
    spectrum.extend([10.0, -9.99]);
    let matrix = rotated(spectrum, 9);
    for max_products in 2..60 {
        let params = PowerParams {
            pairs: 2,
            max_products,
            ..Default::default()
        };
        let found = solve(&matrix, params);
        for pair in found.pairs.iter().filter(|pair| pair.converged) {
            let right = (pair.value - 10.0).abs() < 0.01 || (pair.value + 9.99).abs() < 0.01;
            assert!(right, "{} after {max_products}", pair.value);
        }
    }
    let params = PowerParams {
        pairs: 2,
        ..Default::default()
    };
    let found = solve(&matrix, params);
    assert_eq!(found.stop, Stop::Converged);
    assert_close(found.pairs[0].value, 10.0, 1e-5);
    assert_close(found.pairs[1].value, -9.99, 1e-5);
    assert!(found.products < 80, "{}", found.products);
}

#[test]
fn too_few_products_are_said() {
    let params = PowerParams {
        pairs: 3,
        max_products: 6,
        ..Default::default()
    };
    let found = solve(&spiked(300, 1), params);
    assert_eq!((found.stop, found.products), (Stop::Products, 6));
    let last = found.pairs.last().unwrap();
    assert!(!last.converged && last.relative() > 1e-3);
}

#[test]
fn special_matrices() {
    let params = PowerParams {
        pairs: 2,
        ..Default::default()
    };
    let zero = from_fn(5, |v: &[f64]| vec![0.0; v.len()]);
    let found = solve(&zero, params);
    assert_eq!(
        (values(&found), found.stop),
        (vec![0.0, 0.0], Stop::Converged)
    );
    let identity = from_fn(5, |v: &[f64]| v.to_vec());
    for value in values(&solve(&identity, params)) {
        assert_close(value, 1.0, 1e-12);
    }
    // Rank 1: the second pair is zero to rounding.
    let ones = from_fn(5, |v: &[f64]| vec![v.iter().sum(); v.len()]);
    let found = solve(&ones, params);
    assert!(found.stop == Stop::Converged && found.products < 10);
    assert!(values(&found)[1].abs() < 1e-12);
    let saddle = Dense::new(2, vec![0.0, -6.0, -6.0, 0.0]).unwrap();
    let found = solve(&saddle, params);
    assert_close(values(&found)[0] * values(&found)[1], -36.0, 1e-6);
}

#[test]
fn cancellation_and_wrong_settings() {
    let power = Power::new(PowerParams::default()).unwrap();
    let matrix = diagonal(vec![2.0, 1.9, 0.3]);
    let found = power.run(&matrix, &mut |_| ControlFlow::Break(())).unwrap();
    assert_eq!(
        (found.stop, found.products, found.pairs.len()),
        (Stop::Cancelled, 1, 1)
    );
    let fails = |params: PowerParams| Power::new(params).unwrap_err();
    let none = PowerParams {
        pairs: 0,
        ..Default::default()
    };
    assert!(matches!(fails(none), PowerError::NothingWanted));
    let tolerance = PowerParams {
        tolerance: 2.0,
        ..Default::default()
    };
    assert!(matches!(fails(tolerance), PowerError::Tolerance { .. }));
    let few = PowerParams {
        pairs: 3,
        max_products: 2,
        ..Default::default()
    };
    assert!(matches!(fails(few), PowerError::Products { .. }));
    let many = PowerParams {
        pairs: 4,
        ..Default::default()
    };
    let many = Power::new(many).unwrap().solve(&matrix);
    assert!(matches!(
        many,
        Err(PowerError::TooMany { given: 4, dim: 3 })
    ));
}
