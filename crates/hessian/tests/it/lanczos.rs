use crate::support::{
    assert_close, diagonal, failing_at, kronecker, laplacian, laplacian_values, noisy, rotated,
    single, spiked,
};
use landscape_hessian::{
    Dense, Lanczos, LanczosError, LanczosParams, Operator, Spectrum, State, StateParts, Stop,
    from_fn, try_from_fn, unobserved,
};
use std::cell::Cell;
use std::ops::ControlFlow;

fn lanczos(params: LanczosParams) -> Lanczos {
    Lanczos::new(params).unwrap()
}

fn values(spectrum: &Spectrum) -> Vec<f64> {
    spectrum.top.iter().map(|pair| pair.value).collect()
}

/// The residual worked out outside of the method.
fn true_residual(operator: &dyn Operator, value: f64, vector: &[f64]) -> f64 {
    let product = operator.apply(&[vector.to_vec()]).unwrap().remove(0);
    let squares = product.iter().zip(vector);
    squares
        .map(|(p, v)| (p - value * v).powi(2))
        .sum::<f64>()
        .sqrt()
}

#[test]
fn a_spiked_matrix_has_its_outliers_and_a_false_one_is_not_converged() {
    let matrix = spiked(2000, 1);
    let params = LanczosParams {
        top: 3,
        max_products: 23,
        tolerance: 1e-3,
        miss: None,
        ..Default::default()
    };
    let found = lanczos(params).solve(&matrix).unwrap();
    assert!(found.is_converged(), "{:?}", found.stop);
    // The outliers of one draw scatter around their limits by O(1 / sqrt(n)).
    for (pair, limit) in found.top.iter().zip([6.25, 16.0 / 3.0, 4.5]) {
        assert_close(pair.value, limit, 0.05);
        assert!(true_residual(&matrix, pair.value, &pair.vector) <= 1e-3 * pair.value);
    }
    let exact = LanczosParams {
        tolerance: 1e-9,
        max_products: 200,
        ..params
    };
    let exact = lanczos(exact).solve(&matrix).unwrap();
    let long = LanczosParams {
        tolerance: 1e-12,
        ..params
    };
    let at_twenty = lanczos(long).solve(&matrix).unwrap();
    assert_eq!(at_twenty.stop, Stop::Products);
    for (got, want) in values(&at_twenty).iter().zip(values(&exact)) {
        assert_close(*got, want, 1e-6);
    }

    // After 9 or 10 steps the third value is a false one, in the bulk or on its way out.
    let mut false_ones = 0;
    for (seed, steps) in (0..4).flat_map(|seed| [(seed, 9), (seed, 10)]) {
        let short = LanczosParams {
            max_products: steps + 3,
            seed,
            ..params
        };
        let short = lanczos(short).solve(&matrix).unwrap();
        assert_eq!((short.stop, short.products), (Stop::Products, steps + 3));
        let third = &short.top[2];
        let wrong = (third.value - values(&exact)[2]).abs() > 0.1;
        false_ones += usize::from(wrong);
        assert!(!third.converged && (!wrong || third.relative() > 0.03));
    }
    assert!(false_ones >= 2, "{false_ones}");
}

#[test]
fn both_ends_of_the_laplacian_come_out_of_one_run_with_restarts() {
    let params = LanczosParams {
        top: 3,
        bottom: 3,
        tolerance: 1e-6,
        basis: Some(20),
        max_products: 5000,
        ..Default::default()
    };
    let found = lanczos(params).solve(&laplacian(200)).unwrap();
    assert!(found.is_converged() && found.restarts > 2);
    let exact = laplacian_values(200);
    for i in 0..3 {
        assert_close(found.top[i].value, exact[i], 1e-9);
        let bottom = &found.bottom[i];
        let want = exact[199 - i];
        assert!(
            (bottom.value - want).abs() <= 1e-6 * want,
            "{}",
            bottom.value
        );
        assert!(bottom.relative() <= 1e-6);
        let measured = true_residual(&laplacian(200), bottom.value, &bottom.vector);
        assert_close(measured / bottom.residual, 1.0, 1e-6);
    }
}

#[test]
fn rosenbrock_at_its_minimum() {
    let hessian = Dense::new(2, vec![802.0, -400.0, -400.0, 200.0]).unwrap();
    let params = LanczosParams {
        bottom: 1,
        tolerance: 1e-9,
        ..Default::default()
    };
    let found = lanczos(params).solve(&hessian).unwrap();
    assert_close(found.top[0].value, 1001.60064, 1e-8);
    assert!((found.bottom[0].value - 0.399361).abs() < 1e-6);
    assert_eq!((found.stop, found.missed), (Stop::Converged, Some(0.0)));
}

#[test]
fn multiplicities_of_a_linear_model_are_found() {
    // Squared error of a linear model with three outputs: every eigenvalue three times.
    let x: Vec<f64> = (0..40 * 8)
        .map(|i| ((i * 37 + 11) % 23) as f64 / 7.0 - 1.5)
        .collect();
    let gram = Dense::from_fn(8, |i, j| (0..40).map(|n| x[n * 8 + i] * x[n * 8 + j]).sum());
    let identity = Dense::from_fn(3, |i, j| if i == j { 2.0 } else { 0.0 });
    let hessian = kronecker(&identity, &gram);
    let params = LanczosParams {
        top: 7,
        bottom: 4,
        tolerance: 1e-8,
        ..Default::default()
    };
    let found = lanczos(params).solve(&hessian).unwrap();
    let exact = hessian.eigenvalues();
    assert!(found.is_converged());
    for (pair, want) in found.top.iter().zip(&exact) {
        assert_close(pair.value, *want, 1e-9);
    }
    for (pair, want) in found.bottom.iter().zip(exact.iter().rev()) {
        assert_close(pair.value, *want, 1e-9);
    }
}

#[test]
fn a_second_copy_of_the_largest_eigenvalue_is_not_missed() {
    let mut spectrum: Vec<f64> = (0..500).map(|i| 1.0 / (1.0 + i as f64)).collect();
    spectrum.extend([10.0, 10.0, 10.0, 7.0, 5.0]);
    let matrix = rotated(spectrum, 3);
    let params = LanczosParams {
        top: 4,
        tolerance: 1e-4,
        ..Default::default()
    };
    for seed in 0..50 {
        let seeded = LanczosParams { seed, ..params };
        let found = lanczos(seeded).solve(&matrix).unwrap();
        assert!(found.is_converged() && found.missed.unwrap() <= 1e-3);
        for (got, want) in values(&found).iter().zip([10.0, 10.0, 10.0, 7.0]) {
            assert_close(*got, want, 1e-6);
        }
    }
    // One starting vector alone sees one copy.
    let blind = LanczosParams {
        miss: None,
        ..params
    };
    let blind = lanczos(blind).solve(&matrix).unwrap();
    assert_close(blind.top[1].value, 7.0, 1e-6);
    assert_eq!(blind.missed, None);
}

#[test]
fn a_plus_minus_pair_comes_out_right() {
    let mut spectrum: Vec<f64> = (0..300).map(|i| (i as f64 / 150.0 - 1.0) * 3.0).collect();
    spectrum.extend([10.0, -9.99]);
    let params = LanczosParams {
        bottom: 1,
        ..Default::default()
    };
    let found = lanczos(params).solve(&rotated(spectrum, 4)).unwrap();
    assert!(found.is_converged());
    assert_close(found.top[0].value, 10.0, 1e-5);
    assert_close(found.bottom[0].value, -9.99, 1e-5);
}

#[test]
fn claims_of_the_recurrence_are_not_believed_when_products_are_noisy() {
    let spectrum: Vec<f64> = (0..400).map(|i| 100.0 / (1.0 + i as f64).powi(2)).collect();
    let params = LanczosParams {
        top: 2,
        tolerance: 1e-8,
        max_products: 400,
        ..Default::default()
    };
    let matrix = noisy(rotated(spectrum.clone(), 5), 1e-5);
    let found = lanczos(params).solve(&matrix).unwrap();
    assert_eq!(found.stop, Stop::Stagnated);
    let first = &found.top[0];
    assert!(!first.converged && first.estimate < 1e-8 * first.value);
    assert!(first.relative() > 2e-6 && first.relative() < 1e-4);
    assert_close(first.value, 100.0, 1e-4);
    assert!(found.products < 100, "{}", found.products);
    // A tolerance above the noise is reached.
    let loose = LanczosParams {
        tolerance: 1e-3,
        ..params
    };
    let found = lanczos(loose).solve(&matrix).unwrap();
    assert!(found.is_converged());
}

/// Two pairs of equal hardness: products are noisy while the pairs are found and exact from the first
/// measurement on. Each residual is as large as the other, so that to go on along one alone would leave the
/// worst where it is.
fn hard_pairs(seed: u64) -> (Lanczos, impl Operator) {
    let mut spectrum: Vec<f64> = (0..300).map(|i| 1.0 - i as f64 / 300.0).collect();
    spectrum.extend([20.0, 19.0, -20.0, -19.0]);
    let exact = rotated(spectrum.clone(), seed);
    let noise = noisy(rotated(spectrum, seed), 1e-4);
    let measured = Cell::new(false);
    let matrix = try_from_fn(304, move |block: &[Vec<f64>]| {
        // A block is a measurement.
        measured.set(measured.get() || block.len() > 1);
        match measured.get() {
            true => exact.apply(block),
            false => noise.apply(block),
        }
    });
    let params = LanczosParams {
        top: 2,
        bottom: 2,
        tolerance: 1e-7,
        max_products: 200,
        seed,
        ..Default::default()
    };
    (lanczos(params), matrix)
}

#[test]
fn all_pairs_that_have_not_converged_are_refined_together() {
    for seed in 0..6 {
        let (lanczos, matrix) = hard_pairs(seed);
        let found = lanczos.solve(&matrix).unwrap();
        assert!(found.is_converged(), "{seed}: {:?}", found.stop);
        for (got, want) in values(&found).iter().zip([20.0, 19.0]) {
            assert_close(*got, want, 1e-9);
        }
        assert!(found.products < 120, "{seed}: {}", found.products);
    }
}

/// Vectors that wait belong to the state.
#[test]
fn a_refinement_goes_on_from_its_parts() {
    let (lanczos, matrix) = hard_pairs(3);
    let whole = lanczos.solve(&matrix).unwrap();
    let (lanczos, matrix) = hard_pairs(3);
    let mut state = lanczos.start(304).unwrap();
    let mut waited = false;
    let pieces = loop {
        let stop = &mut |_: &landscape_hessian::Progress| ControlFlow::Break(());
        let found = lanczos.run(&matrix, &mut state, stop).unwrap();
        if found.stop != Stop::Cancelled {
            break found;
        }
        let parts = state.into_parts();
        waited |= !parts.waiting.is_empty();
        state = State::from_parts(parts).unwrap();
    };
    assert!(waited);
    assert_eq!(pieces, whole);
}

/// Zero eigenvalues have no relative accuracy; with a floor for f32 both ends are settled all the same.
#[test]
fn both_ends_of_a_singular_matrix_in_single_precision() {
    let spectrum: Vec<f64> = (0..300)
        .map(|i| if i < 40 { 40.0 - i as f64 } else { 0.0 })
        .collect();
    let matrix = single(rotated(spectrum, 7));
    let params = LanczosParams {
        top: 3,
        bottom: 2,
        floor: 1e-6,
        ..Default::default()
    };
    let found = lanczos(params).solve(&matrix).unwrap();
    assert!(
        found.is_converged() && found.products < 200,
        "{}",
        found.products
    );
    for (got, want) in values(&found).iter().zip([40.0, 39.0, 38.0]) {
        assert_close(*got, want, 1e-5);
    }
    assert!(found.bottom.iter().all(|pair| pair.value.abs() < 4e-5));
    let strict = LanczosParams {
        floor: 0.0,
        ..params
    };
    let found = lanczos(strict).solve(&matrix).unwrap();
    assert!(found.top.iter().all(|pair| pair.converged) && !found.is_converged());
}

#[test]
fn exact_invariant_subspaces_and_zero_matrices_do_not_end_a_search() {
    let identity = from_fn(30, |v: &[f64]| v.to_vec());
    let params = LanczosParams {
        top: 3,
        bottom: 1,
        ..Default::default()
    };
    let found = lanczos(params).solve(&identity).unwrap();
    assert!(found.is_converged());
    assert!(values(&found).iter().all(|v| (v - 1.0).abs() < 1e-12));

    let zero = from_fn(30, |v: &[f64]| vec![0.0; v.len()]);
    let found = lanczos(params).solve(&zero).unwrap();
    assert!(found.is_converged());
    assert_eq!(values(&found), [0.0; 3]);

    // A start within an invariant subspace that lacks the largest eigenvalue.
    let matrix = diagonal((1..=20).map(f64::from).collect());
    let one = LanczosParams {
        tolerance: 1e-8,
        ..Default::default()
    };
    let mut state =
        lanczos(one).start_from(vec![1.0; 5].into_iter().chain(vec![0.0; 15]).collect());
    let found = lanczos(one)
        .run(&matrix, state.as_mut().unwrap(), &mut unobserved)
        .unwrap();
    assert_close(found.top[0].value, 20.0, 1e-9);

    let scalar = from_fn(1, |v: &[f64]| vec![-4.0 * v[0]]);
    let found = lanczos(one).solve(&scalar).unwrap();
    assert_eq!(found.top[0].value, -4.0);
}

/// A run that is cancelled after every step, stored, read back and continued.
#[test]
fn interrupted_runs_continue_bit_for_bit() {
    let matrix = spiked(300, 2);
    let run = lanczos(LanczosParams {
        top: 3,
        basis: Some(9),
        tolerance: 1e-8,
        ..Default::default()
    });
    let whole = run.solve(&matrix).unwrap();
    assert!(whole.restarts > 0);
    let mut state = run.start(300).unwrap();
    let mut pieces = 0;
    let pieced = loop {
        let found = run
            .run(&matrix, &mut state, &mut |_| ControlFlow::Break(()))
            .unwrap();
        if found.stop != Stop::Cancelled {
            break found;
        }
        pieces += 1;
        state = State::from_parts(state.into_parts()).unwrap();
    };
    assert!(pieces > 20 && whole.is_converged());
    assert!(pieced == whole);
}

#[test]
fn states_are_stored_and_checked_when_they_come_back() {
    let run = lanczos(LanczosParams::default());
    let mut state = run.start(40).unwrap();
    run.run(&laplacian(40), &mut state, &mut |_| ControlFlow::Break(()))
        .unwrap();
    let stored = serde_json::to_string(state.parts()).unwrap();
    let mut parts: StateParts = serde_json::from_str(&stored).unwrap();
    assert_eq!((parts.products, parts.basis.len()), (1, 1));
    assert!(State::from_parts(parts.clone()).is_ok());
    parts.basis[0].pop();
    let error = State::from_parts(parts).unwrap_err();
    assert!(
        error.to_string().contains("a vector of the basis"),
        "{error}"
    );
}

#[test]
fn a_run_that_reached_its_limit_goes_on_with_a_larger_one() {
    let matrix = spiked(300, 2);
    let params = LanczosParams {
        top: 3,
        tolerance: 1e-6,
        max_products: 12,
        ..Default::default()
    };
    let mut state = lanczos(params).start(300).unwrap();
    let first = lanczos(params)
        .run(&matrix, &mut state, &mut unobserved)
        .unwrap();
    assert_eq!((first.stop, first.products), (Stop::Products, 12));
    let larger = LanczosParams {
        max_products: 500,
        ..params
    };
    let whole = lanczos(larger).solve(&matrix).unwrap();
    let continued = lanczos(larger)
        .run(&matrix, &mut state, &mut unobserved)
        .unwrap();
    assert_eq!(values(&continued), values(&whole));
}

#[test]
fn a_failed_product_leaves_a_state_that_continues() {
    let run = lanczos(LanczosParams {
        top: 2,
        ..Default::default()
    });
    let whole = run.solve(&laplacian(60)).unwrap();
    let failing = failing_at(laplacian(60), 7);
    let mut state = run.start(60).unwrap();
    let failed = run.run(&failing, &mut state, &mut unobserved);
    assert!(matches!(failed, Err(LanczosError::Product(_))));
    assert_eq!(state.products(), 6);
    let continued = run.run(&failing, &mut state, &mut unobserved).unwrap();
    assert!(continued == whole);
}

#[test]
fn a_cancelled_run_can_say_what_it_knows() {
    let run = lanczos(LanczosParams::default());
    let mut state = run.start(200).unwrap();
    let mut seen = vec![];
    let found = run.run(&laplacian(200), &mut state, &mut |progress| {
        seen.push(progress.products);
        match progress.products < 9 {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    });
    let found = found.unwrap();
    assert_eq!((found.stop, found.top.len()), (Stop::Cancelled, 0));
    assert_eq!(seen, (1..10).collect::<Vec<usize>>());
    let known = run.pairs(&laplacian(200), &mut state).unwrap();
    assert_eq!((known.top.len(), known.products), (1, 10));
    assert!(known.top[0].value > 3.5 && !known.top[0].converged);
}

/// Random spectra with clusters, copies and signs, random settings: a pair that is called converged
/// is an eigenpair, and the list has the right values.
#[test]
fn what_is_called_converged_is_right() {
    let mut converged = 0;
    for seed in 0..120 {
        let mut rng = landscape_core::Rng::new(seed, 9);
        let n = 20 + rng.below(100) as usize;
        let mut spectrum: Vec<f64> = (0..n).map(|_| rng.normal().powi(3)).collect();
        for _ in 0..rng.below(6) {
            let (from, to) = (rng.below(n as u64) as usize, rng.below(n as u64) as usize);
            spectrum[to] = spectrum[from];
        }
        let (top, bottom) = (1 + rng.below(4) as usize, rng.below(4) as usize);
        let params = LanczosParams {
            top,
            bottom,
            tolerance: 10f64.powi(-2 - rng.below(6) as i32),
            basis: Some(top + bottom + 4 + rng.below(20) as usize),
            max_products: 30 + rng.below(300) as usize,
            seed,
            ..Default::default()
        };
        let matrix = rotated(spectrum.clone(), seed);
        let found = lanczos(params).solve(&matrix).unwrap();
        assert!(found.products <= params.max_products, "{seed}");
        spectrum.sort_by(|a, b| b.total_cmp(a));
        for pair in found
            .top
            .iter()
            .chain(&found.bottom)
            .filter(|pair| pair.converged)
        {
            let measured = true_residual(&matrix, pair.value, &pair.vector);
            assert!(
                measured <= 1.01 * params.tolerance * pair.value.abs() + 1e-13,
                "{seed}"
            );
        }
        if found.is_converged() {
            converged += 1;
            let bottom = found.bottom.iter().zip(spectrum.iter().rev());
            for (pair, want) in found.top.iter().zip(&spectrum).chain(bottom) {
                let gap = (pair.value - want).abs();
                assert!(
                    gap <= params.tolerance * want.abs() + 1e-12,
                    "{seed}: {gap} of {want}"
                );
            }
        }
    }
    assert!(converged > 80, "{converged}");
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let matrix = laplacian(5000);
    let solve = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let params = LanczosParams {
            top: 2,
            max_products: 60,
            ..Default::default()
        };
        let matrix = &matrix;
        pool.build()
            .unwrap()
            .scope(|_| lanczos(params).solve(matrix).unwrap())
    };
    assert!(solve(1) == solve(5));
}

#[test]
fn wrong_settings_are_named() {
    let fails = |change: fn(&mut LanczosParams)| {
        let mut params = LanczosParams::default();
        change(&mut params);
        Lanczos::new(params).unwrap_err()
    };
    assert!(matches!(fails(|p| p.top = 0), LanczosError::NothingWanted));
    assert!(matches!(
        fails(|p| p.tolerance = f64::NAN),
        LanczosError::Tolerance { .. }
    ));
    assert!(matches!(
        fails(|p| p.floor = 1.0),
        LanczosError::Floor { given: 1.0 }
    ));
    assert!(matches!(
        fails(|p| p.miss = Some(0.0)),
        LanczosError::Miss { .. }
    ));
    assert!(matches!(
        fails(|p| p.basis = Some(4)),
        LanczosError::Basis { least: 5, .. }
    ));
    assert!(matches!(
        fails(|p| p.max_products = 1),
        LanczosError::Products { least: 2, .. }
    ));
    let many = lanczos(LanczosParams {
        top: 5,
        ..Default::default()
    });
    let two = from_fn(2, |v: &[f64]| v.to_vec());
    assert!(matches!(
        many.solve(&two),
        Err(LanczosError::TooMany { given: 5, dim: 2 })
    ));
    let nan = from_fn(9, |v: &[f64]| vec![f64::NAN; v.len()]);
    let error = many.solve(&nan).unwrap_err();
    assert!(
        error.to_string().contains("entry 0 of a product is NaN"),
        "{error}"
    );
    let short = from_fn(9, |_: &[f64]| vec![0.0; 3]);
    let error = many.solve(&short).unwrap_err();
    assert!(
        error.to_string().contains("3 entries for a vector of 9"),
        "{error}"
    );
}
