use crate::support::{assert_close, rotated, spiked};
use landscape_hessian::density::quadrature;
use landscape_hessian::lanczos::ConditionError;
use landscape_hessian::trace::Ended;
use landscape_hessian::{
    Dense, Density, DensityError, DensityParams, Lanczos, LanczosParams, Operator, Spectrum,
    from_fn, unobserved,
};
use std::ops::ControlFlow;

/// `sum w theta^k = v^T H^k v` up to `k = 2m - 1`, and not beyond.
#[test]
fn moments_are_exact() {
    let spectrum: Vec<f64> = (0..100)
        .map(|i| ((i * 37) % 100) as f64 / 50.0 - 1.0)
        .collect();
    let matrix = rotated(spectrum, 6);
    let mut v: Vec<f64> = (0..100).map(|i| ((i * 13) % 7) as f64 - 3.0).collect();
    let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
    v.iter_mut().for_each(|x| *x /= norm);
    let found = quadrature(&matrix, v.clone(), 8).unwrap();
    assert_close(found.weights.iter().sum(), 1.0, 1e-13);
    let mut image = v.clone();
    for power in 1..=16 {
        image = matrix.apply(&[image]).unwrap().remove(0);
        let exact: f64 = image.iter().zip(&v).map(|(x, y)| x * y).sum();
        let gap = (found.sum(|node| node.powi(power)) - exact).abs();
        assert!((gap < 1e-13) == (power <= 15), "{power}: {gap}");
    }
}

fn broadened(spectrum: &[f64], t: f64, width: f64) -> f64 {
    let gaussian = |x: f64| (-0.5 * (x / width).powi(2)).exp();
    let sum: f64 = spectrum.iter().map(|value| gaussian(t - value)).sum();
    sum / (width * (2.0 * std::f64::consts::PI).sqrt() * spectrum.len() as f64)
}

#[test]
fn bands_cover_the_density_at_their_rate() {
    let spectrum: Vec<f64> = (0..300)
        .map(|i| (i as f64 / 299.0).powi(2) * 3.0 - 1.0)
        .collect();
    let (mut covered, mut points, mut traces) = (0, 0, 0);
    for seed in 0..200 {
        let params = DensityParams {
            steps: 40,
            probes: 6,
            block: 6,
            width: 0.05,
            points: 60,
            seed,
        };
        let matrix = rotated(spectrum.clone(), 300 + seed);
        let found = Density::new(params)
            .unwrap()
            .run(&matrix, &[], &mut unobserved)
            .unwrap();
        for (t, (low, high)) in found.grid.iter().zip(found.band(0.95)) {
            let truth = broadened(&spectrum, *t, found.width);
            // Beyond the spectrum there is nothing to cover.
            if truth > 1e-3 {
                points += 1;
                covered += usize::from(low <= truth && truth <= high);
            }
        }
        let (low, high) = found.trace().interval(0.95);
        let truth: f64 = spectrum.iter().sum();
        traces += usize::from(low <= truth && truth <= high);
    }
    let rate = f64::from(covered as u32) / f64::from(points as u32);
    assert!((0.9..=0.99).contains(&rate), "{rate}");
    assert!((180..=198).contains(&traces), "{traces}");
}

#[test]
fn a_density_integrates_to_one_and_says_how_it_was_made() {
    let params = DensityParams {
        steps: 30,
        probes: 5,
        ..Default::default()
    };
    let found = Density::new(params)
        .unwrap()
        .run(&spiked(300, 3), &[], &mut unobserved)
        .unwrap();
    let step = found.grid[1] - found.grid[0];
    assert_close(found.density.iter().sum::<f64>() * step, 1.0, 1e-3);
    assert_eq!((found.products, found.probes(), found.steps), (150, 5, 30));
    assert_close(found.width, 0.02 * (found.range.1 - found.range.0), 1e-12);
    let (mean, error) = found.moment(1);
    assert!((mean - 312.0 / 300.0).abs() < 0.1 && error < 0.1);
}

#[test]
fn cancelled_densities_go_on_with_the_same_result() {
    let matrix = spiked(100, 3);
    let density = Density::new(DensityParams {
        steps: 10,
        probes: 6,
        ..Default::default()
    });
    let density = density.unwrap();
    let whole = density.run(&matrix, &[], &mut unobserved).unwrap();
    let mut calls = 0;
    let mut stop = |_: &landscape_hessian::Progress| {
        calls += 1;
        match calls < 25 {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    };
    let part = density.run(&matrix, &[], &mut stop).unwrap();
    assert_eq!((part.ended, part.probes()), (Ended::Cancelled, 4));
    let rest = density
        .run(&matrix, &part.quadratures, &mut unobserved)
        .unwrap();
    assert!(rest == whole);
    let single = DensityParams {
        block: 1,
        ..*density.params()
    };
    assert!(
        Density::new(single)
            .unwrap()
            .run(&matrix, &[], &mut unobserved)
            .unwrap()
            == whole
    );
    let first = density
        .run(&matrix, &[], &mut |_| ControlFlow::Break(()))
        .unwrap();
    assert!(first.grid.is_empty() && first.probes() == 0);
}

#[test]
fn densities_of_matrices_with_few_eigenvalues() {
    let density = Density::new(DensityParams::default()).unwrap();
    for value in [0.0, -3.0] {
        let matrix = from_fn(20, move |v: &[f64]| v.iter().map(|x| value * x).collect());
        let found = density.run(&matrix, &[], &mut unobserved).unwrap();
        assert_eq!(found.quadratures[0].nodes.len(), 1);
        assert_close(found.range.0, value, 1e-12);
        let step = found.grid[1] - found.grid[0];
        assert_close(found.density.iter().sum::<f64>() * step, 1.0, 1e-3);
    }
}

fn ends(operator: &dyn Operator, top: usize, bottom: usize) -> Spectrum {
    let params = LanczosParams {
        top,
        bottom,
        tolerance: 1e-6,
        ..Default::default()
    };
    Lanczos::new(params).unwrap().solve(operator).unwrap()
}

#[test]
fn outliers_are_counted_from_converged_pairs() {
    let mut spectrum: Vec<f64> = (0..200).map(|i| 1.0 - i as f64 / 100.0).collect();
    spectrum.extend([9.0, 7.0, 5.0, -4.0]);
    let matrix = rotated(spectrum, 2);
    let found = ends(&matrix, 4, 2);
    let above = found.outliers_above(2.0);
    assert_eq!((above.count, above.undecided, above.complete), (3, 0, true));
    let below = found.outliers_below(-2.0);
    assert_eq!((below.count, below.complete), (1, true));
    // All known pairs are beyond the cut: there may be more.
    let few = ends(&matrix, 2, 0).outliers_above(2.0);
    assert_eq!((few.count, few.complete), (2, false));

    let short = LanczosParams {
        top: 4,
        max_products: 8,
        ..Default::default()
    };
    let short = Lanczos::new(short).unwrap().solve(&matrix).unwrap();
    let counted = short.outliers_above(2.0);
    assert!(counted.undecided > 0 && !counted.complete);
}

#[test]
fn condition_numbers_come_from_converged_ends() {
    let positive = rotated((0..50).map(|i| 1.0 + i as f64).collect(), 3);
    let found = ends(&positive, 1, 1).condition().unwrap();
    assert!((found.value - 50.0).abs() < 1e-3);
    assert!(found.low <= 50.0 && 50.0 <= found.high);
    assert_eq!(ends(&positive, 1, 0).condition(), Err(ConditionError::Ends));
    let saddle = Dense::new(2, vec![3.0, 0.0, 0.0, -1.0]).unwrap();
    let found = ends(&saddle, 1, 1);
    assert!(matches!(
        found.condition(),
        Err(ConditionError::NotPositive { .. })
    ));
    let ratio = found.ratio().unwrap();
    assert_close(ratio.value, 1.0 / 3.0, 1e-12);
    assert!(ratio.converged && ratio.error < 1e-9);
}

#[test]
fn wrong_settings_are_named() {
    let fails = |change: fn(&mut DensityParams)| {
        let mut params = DensityParams::default();
        change(&mut params);
        Density::new(params).unwrap_err()
    };
    assert!(matches!(
        fails(|p| p.steps = 1),
        DensityError::Steps { given: 1 }
    ));
    assert!(matches!(
        fails(|p| p.probes = 1),
        DensityError::Probes { given: 1 }
    ));
    assert!(matches!(fails(|p| p.block = 0), DensityError::Block));
    assert!(matches!(
        fails(|p| p.width = 0.0),
        DensityError::Width { .. }
    ));
    assert!(matches!(
        fails(|p| p.points = 50),
        DensityError::Points { least: 116, .. }
    ));
    let wrong = quadrature(&from_fn(3, |v: &[f64]| v.to_vec()), vec![0.0; 3], 2);
    assert!(matches!(wrong, Err(DensityError::Start)));
}
