//! Operators that are not ordinary Hessian: of one dimension, of zeros, not finite, asymmetric, changing.

use crate::support::{assert_close, diagonal, rotated};
use landscape_hessian::density::quadrature;
use landscape_hessian::lanczos::ConditionError;
use landscape_hessian::trace::{Ended, Method};
use landscape_hessian::{
    Dense, Density, DensityError, DensityParams, Lanczos, LanczosError, LanczosParams, Operator,
    Power, PowerError, PowerParams, ProductError, SpectralDensity, Spectrum, Stop, Trace,
    TraceError, TraceParams, from_fn, try_from_fn, unobserved,
};
use std::cell::Cell;

fn both_ends(operator: &dyn Operator) -> Result<Spectrum, LanczosError> {
    let params = LanczosParams {
        top: 1,
        bottom: 1,
        max_products: 200,
        ..Default::default()
    };
    Lanczos::new(params)?.solve(operator)
}

fn density(operator: &dyn Operator) -> Result<SpectralDensity, DensityError> {
    let params = DensityParams {
        steps: 20,
        probes: 4,
        ..Default::default()
    };
    Density::new(params)?.run(operator, &[], &mut unobserved)
}

fn traces() -> [Trace; 3] {
    [Method::Hutchinson, Method::HutchPlusPlus, Method::XTrace].map(|method| {
        Trace::new(TraceParams {
            method,
            ..Default::default()
        })
        .unwrap()
    })
}

/// `value` in one entry of the products from the second call on.
fn spoiled(value: f64) -> impl Operator {
    let calls = Cell::new(0);
    try_from_fn(30, move |block: &[Vec<f64>]| {
        calls.set(calls.get() + 1);
        let mut products = block.to_vec();
        for (row, product) in products.iter_mut().enumerate() {
            let entries = product.iter_mut().enumerate();
            entries.for_each(|(i, x)| *x *= 1.0 + (i % 7) as f64);
            if calls.get() > 1 || row > 0 {
                product[11] = value;
            }
        }
        Ok(products)
    })
}

/// What every method says of an operator that goes wrong on the way.
fn complaints(value: f64) -> Vec<ProductError> {
    let mut found = vec![];
    match both_ends(&spoiled(value)) {
        Err(LanczosError::Product(error)) => found.push(error),
        other => panic!("{other:?}"),
    }
    match Power::new(PowerParams::default())
        .unwrap()
        .solve(&spoiled(value))
    {
        Err(PowerError::Product(error)) => found.push(error),
        other => panic!("{other:?}"),
    }
    match density(&spoiled(value)) {
        Err(DensityError::Product(error)) => found.push(error),
        other => panic!("{other:?}"),
    }
    let mut of_traces = |result: Result<(), TraceError>| match result {
        Err(TraceError::Product(error)) => found.push(error),
        other => panic!("{other:?}"),
    };
    for trace in traces() {
        of_traces(trace.solve(&spoiled(value)).map(drop));
    }
    let trace = traces()[0];
    of_traces(trace.diagonal(&spoiled(value), &mut unobserved).map(drop));
    of_traces(
        trace
            .blocks(&spoiled(value), &[0..5, 5..30], &mut unobserved)
            .map(drop),
    );
    found
}

#[test]
fn what_is_not_finite_is_an_error_everywhere() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for error in complaints(value) {
            let ProductError::NotFinite {
                index: 11,
                value: found,
            } = error
            else {
                panic!("{error:?}");
            };
            assert_eq!(found.to_bits(), value.to_bits());
        }
    }
}

/// Its square is not finite, so that norms would be none.
#[test]
fn what_cannot_be_squared_is_an_error_everywhere() {
    for error in complaints(-1e200) {
        assert!(
            matches!(
                error,
                ProductError::TooLarge {
                    index: 11,
                    value: -1e200
                }
            ),
            "{error:?}"
        );
        assert!(error.to_string().contains("too large to be squared"));
    }
}

/// Eigenvalues of any size that can be squared are found to the same share.
#[test]
fn sizes_from_tiny_to_huge_are_measured_alike() {
    for size in [1e-120, 1e-30, 1.0, 1e30, 1e120] {
        let operator = diagonal((0..40).map(|i| size * f64::from(i - 10)).collect());
        let found = both_ends(&operator).unwrap();
        assert_eq!(found.stop, Stop::Converged, "{size}");
        assert_close(found.top[0].value / size, 29.0, 1e-5);
        assert_close(found.bottom[0].value / size, -10.0, 1e-5);
        let (mean, _) = density(&operator).unwrap().moment(1);
        assert_close(mean / size, 9.5, 0.5);
        assert_close(
            traces()[0].solve(&operator).unwrap().mean / size,
            380.0,
            1e-9,
        );
    }
}

#[test]
fn a_matrix_of_zeros_is_known_exactly() {
    let zeros = from_fn(30, |v: &[f64]| vec![0.0; v.len()]);
    let found = both_ends(&zeros).unwrap();
    assert_eq!(found.stop, Stop::Converged);
    assert_eq!((found.top[0].value, found.bottom[0].value), (0.0, 0.0));
    assert_eq!(found.ratio().unwrap().value, 0.0);
    assert!(matches!(
        found.condition(),
        Err(ConditionError::NotPositive { smallest: 0.0, .. })
    ));
    let power = Power::new(PowerParams {
        pairs: 3,
        ..Default::default()
    })
    .unwrap();
    let found = power.solve(&zeros).unwrap();
    assert_eq!(found.stop, Stop::Converged);
    assert!(
        found
            .pairs
            .iter()
            .all(|pair| pair.value == 0.0 && pair.residual == 0.0)
    );
    for trace in traces() {
        let found = trace.solve(&zeros).unwrap();
        assert_eq!((found.mean, found.standard_error), (0.0, 0.0));
        assert_eq!(found.relative_error(), 0.0);
    }
    stands_at(&density(&zeros).unwrap(), 0.0);
}

/// All of a density is at one value, and its band is narrow.
#[track_caller]
fn stands_at(found: &SpectralDensity, value: f64) {
    let step = found.grid[1] - found.grid[0];
    assert_close(found.density.iter().sum::<f64>() * step, 1.0, 1e-3);
    assert_close(found.moment(1).0, value, 1e-12);
    assert!(found.moment(1).1 <= 1e-12 * value.abs());
    for ((low, high), density) in found.band(0.95).into_iter().zip(&found.density) {
        assert!(low <= *density && *density <= high && high <= low * (1.0 + 1e-6) + 1e-12);
    }
}

#[test]
fn a_matrix_of_one_entry_is_its_eigenvalue() {
    for value in [2.5, -3.0] {
        let one = from_fn(1, move |v: &[f64]| vec![value * v[0]]);
        let found = both_ends(&one).unwrap();
        assert_eq!(found.stop, Stop::Converged);
        assert_close(found.top[0].value, value, 1e-15);
        assert_close(found.bottom[0].value, value, 1e-15);
        assert_eq!(found.missed, Some(0.0));
        assert_eq!(found.ratio().unwrap().value, 1.0);
        match found.condition() {
            Ok(condition) => assert!(value > 0.0 && condition.value == 1.0),
            Err(error) => {
                assert!(value < 0.0 && matches!(error, ConditionError::NotPositive { .. }))
            }
        }
        let power = Power::new(PowerParams::default())
            .unwrap()
            .solve(&one)
            .unwrap();
        assert_close(power.pairs[0].value, value, 1e-15);
        for trace in traces() {
            assert_close(trace.solve(&one).unwrap().mean, value, 1e-14);
        }
        stands_at(&density(&one).unwrap(), value);
    }
}

/// Fewer dimensions than steps, random vectors and products.
#[test]
fn a_matrix_smaller_than_the_settings_is_known_exactly() {
    let small = || Dense::new(3, vec![2.0, 1.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0, -1.0]).unwrap();
    let found = both_ends(&small()).unwrap();
    assert_close(found.top[0].value, 3.0, 1e-12);
    assert_close(found.bottom[0].value, -1.0, 1e-12);
    let all = LanczosParams {
        top: 3,
        bottom: 3,
        ..Default::default()
    };
    let found = Lanczos::new(all).unwrap().solve(&small()).unwrap();
    let values: Vec<f64> = found.top.iter().map(|pair| pair.value).collect();
    for (value, want) in values.iter().zip([3.0, 1.0, -1.0]) {
        assert_close(*value, want, 1e-12);
    }
    for trace in &traces()[1..] {
        let found = trace.solve(&small()).unwrap();
        assert_eq!(found.ended, Ended::Exact);
        assert_close(found.mean, 3.0, 1e-12);
        assert!(found.standard_error < 1e-12);
    }
    // The weights of every random vector are at the eigenvalues, to rounding.
    for quadrature in &density(&small()).unwrap().quadratures {
        for node in &quadrature.nodes {
            assert!(
                [3.0, 1.0, -1.0].iter().any(|v| (v - node).abs() < 1e-12),
                "{node}"
            );
        }
        assert_close(quadrature.weights.iter().sum(), 1.0, 1e-12);
    }
}

/// One random vector says nothing of its own spread.
#[test]
fn one_random_vector_has_no_interval() {
    let one = DensityParams {
        probes: 1,
        ..Default::default()
    };
    assert!(matches!(
        Density::new(one),
        Err(DensityError::Probes { given: 1 })
    ));
    let one = TraceParams {
        max_products: 1,
        ..Default::default()
    };
    assert!(matches!(
        Trace::new(one),
        Err(TraceError::Products { given: 1, .. })
    ));
    // An observer ends an estimate after one.
    let stopped = TraceParams {
        block: 1,
        ..Default::default()
    };
    let operator = diagonal(vec![1.0, 2.0, 3.0]);
    let stop = &mut |_: &landscape_hessian::Progress| std::ops::ControlFlow::Break(());
    let found = Trace::new(stopped).unwrap().run(&operator, stop).unwrap();
    assert_eq!((found.samples.len(), found.degrees), (1, 0));
    assert!(found.standard_error == f64::INFINITY && found.relative_error() == f64::INFINITY);
    assert_eq!(found.interval(0.95), (f64::NEG_INFINITY, f64::INFINITY));
}

/// The largest eigenvalue is 0: the ratio of the other end to it has no bound.
#[test]
fn a_ratio_to_zero_is_infinite() {
    let operator = diagonal(vec![0.0, -1.0, -2.0]);
    let ratio = both_ends(&operator).unwrap().ratio().unwrap();
    assert!(ratio.value > 1e9 && ratio.error > 1e9, "{ratio:?}");
    let flat = from_fn(2, |v: &[f64]| vec![0.0, -v[1]]);
    let mut spectrum = both_ends(&flat).unwrap();
    spectrum.top[0].value = 0.0;
    spectrum.top[0].residual = 0.0;
    let ratio = spectrum.ratio().unwrap();
    assert_eq!((ratio.value, ratio.error), (f64::INFINITY, f64::INFINITY));
    assert!(matches!(
        spectrum.condition(),
        Err(ConditionError::NotPositive { .. })
    ));
}

/// `M_ij` below the diagonal, twice that above it.
fn asymmetric(n: usize) -> impl Operator {
    from_fn(n, |v: &[f64]| {
        let entry = |i: usize, j: usize| ((i * 7 + j * 3) % 5) as f64 - 2.0;
        let factor = |i: usize, j: usize| if i < j { 2.0 } else { -0.5 };
        let row = |i: usize| {
            v.iter()
                .enumerate()
                .map(|(j, x)| entry(i, j) * factor(i, j) * x)
                .sum()
        };
        (0..v.len()).map(row).collect()
    })
}

/// Another matrix at every second call.
fn changing(n: usize) -> impl Operator {
    let calls = Cell::new(0usize);
    try_from_fn(n, move |block: &[Vec<f64>]| {
        calls.set(calls.get() + 1);
        let shift = 3 * (calls.get() % 2);
        let product = |v: &Vec<f64>| (0..n).map(|i| ((i + shift) % 9) as f64 * v[i]).collect();
        Ok(block.iter().map(product).collect())
    })
}

/// A pair counts as converged only by its own product.
fn claims_only_what_it_measured(operator: &dyn Operator) {
    let found = both_ends(operator).unwrap();
    assert_ne!(found.stop, Stop::Converged);
    assert!(matches!(
        found.condition(),
        Err(ConditionError::NotConverged { .. })
    ));
    assert!(!found.ratio().unwrap().converged);
}

/// Beside the known pairs of a matrix of low rank there is nothing but rounding, which contradicts itself.
#[test]
fn rounding_is_no_contradiction() {
    let operator = rotated([vec![5.0, -3.0], vec![0.0; 60]].concat(), 4);
    let params = LanczosParams {
        top: 1,
        bottom: 1,
        tolerance: 1e-9,
        ..Default::default()
    };
    let found = Lanczos::new(params).unwrap().solve(&operator).unwrap();
    let pairs = [found.top, found.bottom].concat();
    let params = DensityParams {
        steps: 20,
        probes: 4,
        ..Default::default()
    };
    let density = Density::new(params).unwrap();
    let found = density.run_beside(&operator, &pairs, &[], &mut unobserved);
    assert_close(found.unwrap().moment(1).0, 2.0 / 62.0, 1e-9);
}

#[test]
fn asymmetric_operators_are_told_or_not_claimed() {
    claims_only_what_it_measured(&asymmetric(40));
    let error = density(&asymmetric(40)).unwrap_err();
    assert!(
        matches!(error, DensityError::Asymmetric { share } if share > 0.1),
        "{error}"
    );
    // The smallest of all: both eigenvalues are 0.
    let shift = from_fn(2, |v: &[f64]| vec![v[1], 0.0]);
    assert!(matches!(
        density(&shift),
        Err(DensityError::Asymmetric { .. })
    ));
    let start = vec![0.6, 0.8];
    assert!(matches!(
        quadrature(&shift, start, 2),
        Err(DensityError::Asymmetric { .. })
    ));
    for pair in Power::new(PowerParams::default())
        .unwrap()
        .solve(&shift)
        .unwrap()
        .pairs
    {
        assert!(!pair.converged || pair.value.abs() < 1e-9, "{pair:?}");
    }
}

#[test]
fn operators_that_change_between_calls_are_told_or_not_claimed() {
    claims_only_what_it_measured(&changing(50));
    let error = density(&changing(50)).unwrap_err();
    assert!(
        error.to_string().contains("changes between calls"),
        "{error}"
    );
}
