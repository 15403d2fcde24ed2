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

/// How often the band covers the truth, over places where the density is at least a tenth of one
/// eigenvalue's peak, and the least over places.
fn coverage(spectrum: &[f64], params: DensityParams, seeds: u64, pairs: usize) -> (f64, f64) {
    let density = |seed| Density::new(DensityParams { seed, ..params }).unwrap();
    let mut covered: Vec<(u64, u64)> = vec![];
    for seed in 0..seeds {
        let matrix = rotated(spectrum.to_vec(), 300 + seed);
        let atoms = match pairs {
            0 => vec![],
            _ => ends(&matrix, pairs, 1).top,
        };
        let found = density(seed).run_beside(&matrix, &atoms, &[], &mut unobserved);
        let found = found.unwrap();
        covered.resize(found.grid.len(), (0, 0));
        let floor = 0.1 / (spectrum.len() as f64 * found.width * 2.5066);
        for (n, (low, high)) in found.band(0.95).into_iter().enumerate() {
            let truth = broadened(spectrum, found.grid[n], found.width);
            if truth > floor {
                covered[n].0 += u64::from(low <= truth && truth <= high);
                covered[n].1 += 1;
            }
        }
    }
    // A place that is hardly ever above the floor, because the grid moves a little, says nothing.
    covered.retain(|(_, all)| *all == seeds);
    let rate = |(hits, all): (u64, u64)| hits as f64 / all as f64;
    let all = { covered.iter() }.fold((0, 0), |sum, place| (sum.0 + place.0, sum.1 + place.1));
    let least = covered.iter().map(|place| rate(*place)).fold(1.0, f64::min);
    (rate(all), least)
}

fn spaced(count: usize, low: f64, high: f64) -> Vec<f64> {
    let step = (high - low) / (count - 1) as f64;
    (0..count).map(|i| low + step * i as f64).collect()
}

/// Bulks with isolated eigenvalues, clusters of them, multiple and nearly multiple ones.
fn spectra() -> Vec<(&'static str, Vec<f64>)> {
    let with = |mut bulk: Vec<f64>, others: &[f64]| {
        bulk.extend(others);
        bulk
    };
    vec![
        (
            "smooth",
            spaced(150, 0.0, 1.0)
                .iter()
                .map(|x| 3.0 * x * x - 1.0)
                .collect(),
        ),
        (
            "outliers",
            with(spaced(150, 0.0, 1.0), &[5.0, 8.0, 12.0, -4.0]),
        ),
        (
            "clusters",
            with(
                spaced(100, 0.0, 0.1),
                &[4.0, 4.01, 4.02, 4.03, 4.04, 8.0, 8.001, 8.002, 12.0],
            ),
        ),
        (
            "multiple",
            with(vec![0.0; 80], &[3.0, 3.0, 3.0, 6.0, 6.0, 9.0]),
        ),
        (
            "near",
            with(spaced(100, 0.0, 1.0), &[6.0, 6.3, 9.0, 9.8, 12.0]),
        ),
        ("low rank", with(vec![0.0; 150], &[1.0, 2.0, 3.0, 10.0])),
        ("few", spaced(12, -10.0, 10.0)),
    ]
}

/// The rates of a spectrum for several numbers of probes.
fn rates(name: &str, spectrum: &[f64]) -> Vec<f64> {
    let rate = |(probes, seeds)| {
        let params = DensityParams {
            steps: 40,
            probes,
            block: probes,
            width: 0.04,
            points: 70,
            seed: 0,
        };
        let (rate, least) = coverage(spectrum, params, seeds, 0);
        println!("{name} with {probes}: {rate:.3}, at least {least:.3}");
        assert!((0.92..=0.98).contains(&rate), "{name}, {probes}: {rate}");
        assert!(least >= 0.85, "{name}, {probes}: {least}");
        rate
    };
    [(4, 300), (6, 300), (8, 300), (24, 150)].map(rate).to_vec()
}

/// Two standard errors, and Student's distribution, cover 80 to 90% beside isolated eigenvalues.
#[test]
fn bands_cover_the_density_at_their_rate() {
    let rates: Vec<f64> = std::thread::scope(|scope| {
        let of = |(name, spectrum): (&'static str, Vec<f64>)| {
            scope.spawn(move || rates(name, &spectrum))
        };
        let threads: Vec<_> = spectra().into_iter().map(of).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    let mean = rates.iter().sum::<f64>() / rates.len() as f64;
    assert!((0.94..=0.96).contains(&mean), "{mean}");
}

#[test]
fn bands_beside_known_eigenvalues_cover_at_least_at_their_rate() {
    for (name, pairs) in [
        ("outliers", 3),
        ("near", 5),
        ("clusters", 2),
        ("multiple", 4),
    ] {
        let all = spectra();
        let (_, spectrum) = all.iter().find(|(known, _)| *known == name).unwrap();
        let params = DensityParams {
            steps: 40,
            probes: 6,
            block: 6,
            width: 0.04,
            points: 70,
            seed: 0,
        };
        let (rate, least) = coverage(spectrum, params, 200, pairs);
        println!("{name} beside {pairs}: {rate:.3}, at least {least:.3}");
        assert!(rate >= 0.94, "{name}: {rate}");
        assert!(least >= 0.88, "{name}: {least}");
    }
}

/// A known eigenvalue has the weight `1 / n`, and its band no more width than its residual gives it.
#[test]
fn known_eigenvalues_are_atoms() {
    let mut spectrum = spaced(150, 0.0, 1.0);
    spectrum.extend([5.0, 8.0, 12.0]);
    let matrix = rotated(spectrum.clone(), 4);
    let pairs = ends(&matrix, 3, 1);
    let density = Density::new(DensityParams {
        probes: 4,
        ..Default::default()
    })
    .unwrap();
    let found = density.run_beside(&matrix, &pairs.top, &[], &mut unobserved);
    let found = found.unwrap();
    let values: Vec<f64> = found.atoms.iter().map(|atom| atom.value).collect();
    assert_eq!(values.len(), 3);
    for (got, want) in values.iter().zip([12.0, 8.0, 5.0]) {
        assert_close(*got, want, 1e-9);
    }
    let step = found.grid[1] - found.grid[0];
    assert_close(found.density.iter().sum::<f64>() * step, 1.0, 1e-3);
    let near = |value: f64| found.grid.iter().position(|t| *t >= value).unwrap();
    for value in [12.0, 8.0, 5.0] {
        let at = near(value);
        let truth = broadened(&spectrum, found.grid[at], found.width);
        assert_close(found.density[at] / truth, 1.0, 1e-4);
        let (low, high) = found.band(0.95)[at];
        assert!(low <= truth && truth <= high && high - low < 1e-3 * truth);
    }
    // The trace of what is left has no noise of the outliers.
    let trace = found.trace();
    let truth: f64 = spectrum.iter().sum();
    let (low, high) = trace.interval(0.99);
    assert!(low <= truth && truth <= high);
    // That of the outliers alone would be 10.8, of the bulk 2.5.
    assert!(trace.standard_error < 5.0, "{}", trace.standard_error);
    let (mean, _) = found.moment(1);
    assert_close(mean * spectrum.len() as f64, trace.mean, 1e-12);
    // The same pair twice, and one that did not converge, are not further atoms.
    let mut twice = pairs.top.clone();
    twice.extend(pairs.top.clone());
    twice.push(landscape_hessian::Pair {
        converged: false,
        ..pairs.bottom[0].clone()
    });
    let again = density.run_beside(&matrix, &twice, &[], &mut unobserved);
    assert!(again.unwrap() == found);
}

#[test]
fn with_all_eigenvalues_known_a_density_is_exact() {
    let spectrum = vec![-1.0, 0.5, 2.0];
    let matrix = rotated(spectrum.clone(), 5);
    let pairs = ends(&matrix, 3, 0).top;
    let density = Density::new(DensityParams::default()).unwrap();
    let found = density
        .run_beside(&matrix, &pairs, &[], &mut unobserved)
        .unwrap();
    assert_eq!(
        (found.ended, found.products, found.probes()),
        (Ended::Exact, 0, 0)
    );
    let band = found.band(0.95);
    for ((t, got), (low, high)) in found.grid.iter().zip(&found.density).zip(band) {
        let truth = broadened(&spectrum, *t, found.width);
        assert!((got - truth).abs() < 1e-9 && high - low < 1e-6);
    }
    assert_close(found.trace().mean, 1.5, 1e-12);
    assert!(found.trace().standard_error == 0.0);
    let short = landscape_hessian::Pair {
        vector: vec![1.0],
        ..pairs[0].clone()
    };
    let wrong = density.run_beside(&matrix, &[short], &[], &mut unobserved);
    assert!(matches!(
        wrong,
        Err(DensityError::Pair { given: 1, dim: 3 })
    ));
}

/// One entry, no steps to take, nothing but zeros: each has its density.
#[test]
fn densities_of_tiny_matrices() {
    let density = Density::new(DensityParams::default()).unwrap();
    for (value, dim) in [(2.0, 1), (0.0, 1), (0.0, 7), (5.0, 3)] {
        let matrix = from_fn(dim, move |v: &[f64]| v.iter().map(|x| value * x).collect());
        let found = density.run(&matrix, &[], &mut unobserved).unwrap();
        for ((t, got), (low, high)) in found.grid.iter().zip(&found.density).zip(found.band(0.95)) {
            let truth = broadened(&vec![value; dim], *t, found.width);
            assert!((got - truth).abs() <= 1e-6 * truth.max(1e-3), "{value}");
            assert!(low <= *got && *got <= high && high.is_finite());
        }
    }
}

/// The trace's interval, by Student's distribution, on a smooth bulk.
#[test]
fn intervals_of_traces_cover_at_their_rate() {
    let (_, spectrum) = spectra().swap_remove(0);
    let truth: f64 = spectrum.iter().sum();
    let mut traces = 0;
    for seed in 0..200 {
        let params = DensityParams {
            steps: 10,
            probes: 6,
            block: 6,
            seed,
            ..Default::default()
        };
        let matrix = rotated(spectrum.clone(), 300 + seed);
        let found = Density::new(params)
            .unwrap()
            .run(&matrix, &[], &mut unobserved);
        let (low, high) = found.unwrap().trace().interval(0.95);
        traces += usize::from(low <= truth && truth <= high);
    }
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

/// Intervals of the log-determinant cover that of all eigenvalues at their rate, with known eigenpairs and without.
#[test]
fn log_determinants_are_covered_at_their_rate() {
    let spectrum: Vec<f64> = (0..80).map(|i| 20.0 / f64::from(1 + i * i)).collect();
    let damping = 0.05;
    let truth: f64 = spectrum.iter().map(|value| (value + damping).ln()).sum();
    for pairs in [0, 3] {
        let mut covered = 0;
        for seed in 0..80 {
            let matrix = rotated(spectrum.clone(), 900 + seed);
            let params = DensityParams {
                steps: 40,
                probes: 4,
                seed,
                ..DensityParams::default()
            };
            let atoms = match pairs {
                0 => vec![],
                _ => ends(&matrix, pairs, 1).top,
            };
            let density = Density::new(params).unwrap();
            let found = density.run_beside(&matrix, &atoms, &[], &mut unobserved);
            let volume = found.unwrap().log_determinant(damping).unwrap();
            let (low, high) = volume.interval(0.95);
            covered += usize::from(low <= truth && truth <= high);
        }
        assert!((70..=80).contains(&covered), "{pairs}: {covered} of 80");
    }
}

/// Of a matrix whose eigenpairs are all known the log-determinant is exact; of one with a negative eigenvalue there is none.
#[test]
fn log_determinants_of_known_eigenpairs_are_exact() {
    let matrix = rotated(vec![3.0, 2.0, 0.5, -0.25], 4);
    let params = LanczosParams {
        top: 4,
        tolerance: 1e-12,
        ..LanczosParams::default()
    };
    let all = Lanczos::new(params).unwrap().solve(&matrix).unwrap().top;
    let density = Density::new(DensityParams::default()).unwrap();
    let found = density
        .run_beside(&matrix, &all, &[], &mut unobserved)
        .unwrap();
    let volume = found.log_determinant(1.0).unwrap();
    let truth = [4.0f64, 3.0, 1.5, 0.75].iter().map(|v| v.ln()).sum();
    assert_close(volume.mean, truth, 1e-12);
    assert_eq!(volume.standard_error, 0.0);
    assert!(found.log_determinant(0.2).is_none());
    assert!(found.log_determinant(0.3).is_some());
}
