use crate::support::{assert_close, diagonal, laplacian, rotated};
use landscape_hessian::trace::Ended;
use landscape_hessian::{
    Dense, Estimate, Method, Operator, Probe, Restricted, Trace, TraceError, TraceParams, from_fn,
    unobserved,
};
use std::ops::{ControlFlow, Range};

const METHODS: [Method; 3] = [Method::Hutchinson, Method::HutchPlusPlus, Method::XTrace];

fn estimate(operator: &dyn Operator, params: TraceParams) -> Estimate {
    Trace::new(params).unwrap().solve(operator).unwrap()
}

/// Outliers on a power-law bulk, as Hessians of networks have.
fn outliers_and_bulk(n: usize) -> Vec<f64> {
    let outlier = |i: usize| 50.0 / (1.0 + i as f64);
    let bulk = |i: usize| (1.0 + i as f64).powf(-1.2);
    (0..n)
        .map(|i| if i < 10 { outlier(i) } else { 10.0 * bulk(i) })
        .collect()
}

#[test]
fn the_laplacian_has_trace_2n() {
    for method in METHODS {
        let params = TraceParams {
            method,
            max_products: 200,
            ..Default::default()
        };
        let found = estimate(&laplacian(500), params);
        let (low, high) = found.interval(0.999);
        assert!(low <= 1000.0 && 1000.0 <= high, "{method:?}");
        assert_eq!((found.products, found.ended), (200, Ended::Products));
    }
}

#[test]
fn estimates_end_at_their_target() {
    let spectrum = outliers_and_bulk(400);
    let trace: f64 = spectrum.iter().sum();
    for (method, target) in METHODS.into_iter().zip([0.05, 0.01, 0.005]) {
        let params = TraceParams {
            method,
            target: Some(target),
            max_products: 4000,
            probe: Probe::Gaussian,
            ..Default::default()
        };
        let found = estimate(&rotated(spectrum.clone(), 1), params);
        assert!(found.ended == Ended::Target && found.relative_error() <= target);
        assert!(found.products < 3000, "{method:?}: {}", found.products);
        assert!(
            (found.mean / trace - 1.0).abs() <= 2.0 * target,
            "{method:?}"
        );
    }
}

/// The rule that ends an estimate keeps what it promises, over seeds.
#[test]
fn a_target_is_met_in_nine_of_ten_runs() {
    let spectrum = outliers_and_bulk(300);
    let trace: f64 = spectrum.iter().sum();
    for (method, target) in METHODS.into_iter().zip([0.1, 0.02, 0.01]) {
        let met = (0..200).filter(|&seed| {
            let params = TraceParams {
                method,
                seed,
                target: Some(target),
                max_products: 3000,
                ..Default::default()
            };
            let found = estimate(&rotated(spectrum.clone(), 500 + seed), params);
            assert_eq!(found.ended, Ended::Target);
            (found.mean / trace - 1.0).abs() <= target
        });
        let met = met.count();
        assert!(met >= 180, "{method:?}: {met}");
    }
}

/// Stated intervals against the truth over 200 seeds.
fn coverage(spectrum: &[f64], params: TraceParams) -> f64 {
    let truth: f64 = spectrum.iter().sum();
    let covered = (0..200).filter(|&seed| {
        let matrix = rotated(spectrum.to_vec(), 1000 + seed);
        let (low, high) = estimate(&matrix, TraceParams { seed, ..params }).interval(0.95);
        low <= truth && truth <= high
    });
    covered.count() as f64 / 200.0
}

#[test]
fn intervals_cover_the_truth_at_their_rate() {
    let flat: Vec<f64> = (0..300)
        .map(|i| ((i * 29) % 97) as f64 / 20.0 - 1.0)
        .collect();
    for method in METHODS {
        for probe in [Probe::Rademacher, Probe::Gaussian] {
            for (name, spectrum) in [("flat", &flat), ("decaying", &outliers_and_bulk(300))] {
                let params = TraceParams {
                    method,
                    probe,
                    max_products: 40,
                    ..Default::default()
                };
                let rate = coverage(spectrum, params);
                println!("{method:?} {probe:?} {name}: {rate}");
                assert!(
                    (0.9..=0.99).contains(&rate),
                    "{method:?} {probe:?} {name}: {rate}"
                );
            }
        }
    }
}

#[test]
fn sketches_are_far_more_accurate_where_the_spectrum_decays() {
    let spectrum = outliers_and_bulk(2000);
    let truth: f64 = spectrum.iter().sum();
    let error = |method: Method| {
        let square = |seed: u64| {
            let params = TraceParams {
                method,
                seed,
                max_products: 30,
                probe: Probe::Gaussian,
                ..Default::default()
            };
            let matrix = rotated(spectrum.clone(), seed);
            (estimate(&matrix, params).mean / truth - 1.0).powi(2)
        };
        ((0..40).map(square).sum::<f64>() / 40.0).sqrt()
    };
    let [plain, plus, x] = METHODS.map(error);
    println!("{plain} {plus} {x}");
    assert!(0.03 < plain && plain < 0.3, "{plain}");
    assert!(plus < 0.3 * plain && x < 0.7 * plus, "{plus} {x}");
}

#[test]
fn rademacher_vectors_have_no_variance_on_a_diagonal_matrix() {
    let found = estimate(&diagonal(vec![3.0, -1.0, 5.0]), TraceParams::default());
    assert_eq!((found.mean, found.standard_error), (7.0, 0.0));
    let params = TraceParams {
        probe: Probe::Gaussian,
        ..Default::default()
    };
    assert!(estimate(&diagonal(vec![3.0, -1.0, 5.0]), params).standard_error > 0.1);
}

#[test]
fn a_sketch_of_a_low_rank_matrix_is_exact() {
    let mut spectrum = vec![0.0; 100];
    spectrum[..4].copy_from_slice(&[4.0, 3.0, -2.0, 1.0]);
    for method in [Method::HutchPlusPlus, Method::XTrace] {
        for probe in [Probe::Rademacher, Probe::Gaussian] {
            let params = TraceParams {
                method,
                probe,
                ..Default::default()
            };
            let found = estimate(&rotated(spectrum.clone(), 2), params);
            assert_close(found.mean, 6.0, 1e-9);
            assert!(found.standard_error < 1e-9 && found.ended == Ended::Exact);
        }
    }
    // More random vectors than dimensions.
    let params = TraceParams {
        method: Method::XTrace,
        ..Default::default()
    };
    let found = estimate(&rotated(vec![3.0, 2.0, 1.0], 2), params);
    assert_close(found.mean, 6.0, 1e-12);
}

#[test]
fn one_run_and_its_pieces_are_the_same() {
    let matrix = laplacian(100);
    let trace = Trace::new(TraceParams::default()).unwrap();
    let whole = trace.solve(&matrix).unwrap();
    let mut pieced = trace.run(&matrix, &mut |_| ControlFlow::Break(())).unwrap();
    assert_eq!((pieced.ended, pieced.products), (Ended::Cancelled, 8));
    while pieced.ended == Ended::Cancelled {
        pieced = trace
            .resume(&matrix, &pieced, &mut |_| ControlFlow::Break(()))
            .unwrap();
    }
    assert_eq!(pieced, whole);
    let single = TraceParams {
        block: 1,
        ..Default::default()
    };
    assert_eq!(estimate(&matrix, single), whole);
}

#[test]
fn blocks_of_a_matrix_have_their_own_traces() {
    let matrix = Dense::from_fn(60, |i, j| match i == j {
        true => {
            if i < 20 {
                5.0
            } else {
                1.0
            }
        }
        false => 1.0 / (1.0 + (i + j) as f64),
    });
    let trace = Trace::new(TraceParams {
        max_products: 400,
        ..Default::default()
    });
    let trace = trace.unwrap();
    let found = trace
        .blocks(&matrix, &[0..20, 20..60], &mut unobserved)
        .unwrap();
    for (block, want) in found.blocks.iter().zip([100.0, 40.0]) {
        let (low, high) = block.interval(0.999);
        assert!(low <= want && want <= high && block.standard_error < 0.2);
    }
    let total: f64 = found.blocks.iter().map(|block| block.mean).sum();
    assert_close(total, trace.solve(&matrix).unwrap().mean, 1e-12);
    let own = trace.solve(&Restricted::new(&matrix, 0..20)).unwrap();
    assert!((own.mean - 100.0).abs() < 5.0 * own.standard_error);

    let beyond = trace.blocks(&matrix, &[0..20, 50..61], &mut unobserved);
    assert!(matches!(
        beyond,
        Err(TraceError::Range {
            start: 50,
            end: 61,
            dim: 60
        })
    ));
}

#[test]
fn entries_of_a_diagonal_are_covered_at_their_rate() {
    let matrix = Dense::from_fn(200, |i, j| match i == j {
        true => (i % 5) as f64 - 1.0,
        false => ((i * 31 + j * 17) % 13) as f64 / 60.0 - 0.1,
    });
    let trace = Trace::new(TraceParams {
        max_products: 60,
        ..Default::default()
    });
    let found = trace.unwrap().diagonal(&matrix, &mut unobserved).unwrap();
    let covered = (0..200)
        .filter(|&i| (found.values[i] - matrix.rows()[i * 201]).abs() <= found.half_width(i, 0.95));
    let rate = covered.count() as f64 / 200.0;
    assert!((0.9..=0.99).contains(&rate), "{rate}");

    let target = TraceParams {
        target: Some(0.2),
        max_products: 5000,
        ..Default::default()
    };
    let found = Trace::new(target)
        .unwrap()
        .diagonal(&matrix, &mut unobserved)
        .unwrap();
    assert_eq!(found.ended, Ended::Target);
}

#[test]
fn wrong_settings_are_named() {
    let fails = |params: TraceParams| Trace::new(params).unwrap_err();
    let least = |method, max_products| TraceParams {
        method,
        max_products,
        ..Default::default()
    };
    assert!(matches!(
        fails(least(Method::Hutchinson, 1)),
        TraceError::Products { least: 2, .. }
    ));
    assert!(matches!(
        fails(least(Method::XTrace, 3)),
        TraceError::Products { least: 6, .. }
    ));
    let block = TraceParams {
        block: 0,
        ..Default::default()
    };
    assert!(matches!(fails(block), TraceError::Block));
    let target = TraceParams {
        target: Some(f64::NAN),
        ..Default::default()
    };
    assert!(matches!(fails(target), TraceError::Target { .. }));
    let empty = from_fn(0, |_: &[f64]| vec![]);
    let empty = Trace::new(TraceParams::default()).unwrap().solve(&empty);
    assert!(matches!(empty, Err(TraceError::Empty)));
}

/// Entries of a symmetric matrix without any structure.
fn mixed(n: usize) -> Dense {
    let entry = |i: usize, j: usize| ((i * 37 + j * 61 + i * j) % 23) as f64 / 11.0 - 1.0;
    Dense::from_fn(n, entry)
}

fn block_square(matrix: &Dense, rows: &Range<usize>, columns: &Range<usize>) -> f64 {
    let n = matrix.dim();
    let entries = rows
        .clone()
        .flat_map(|i| columns.clone().map(move |j| (i, j)));
    entries.map(|(i, j)| matrix.rows()[i * n + j].powi(2)).sum()
}

/// The norms of all blocks of a matrix, of which those off the diagonal couple the ranges, within intervals of the stated rate.
#[test]
fn couplings_are_the_norms_of_blocks() {
    let matrix = mixed(40);
    let ranges = [0..12, 12..15, 15..40];
    let mut covered = [0usize; 6];
    for seed in 0..200 {
        let params = TraceParams {
            max_products: 3 * 20,
            seed,
            ..Default::default()
        };
        let trace = Trace::new(params).unwrap();
        let found = trace.couplings(&matrix, &ranges, &mut unobserved).unwrap();
        assert_eq!((found.products, found.ended), (60, Ended::Products));
        let order: Vec<[usize; 2]> = found.pairs.iter().map(|c| c.pair).collect();
        assert_eq!(order, [[0, 0], [0, 1], [0, 2], [1, 1], [1, 2], [2, 2]]);
        for (count, coupling) in covered.iter_mut().zip(&found.pairs) {
            let [i, j] = coupling.pair;
            let truth = block_square(&matrix, &ranges[i], &ranges[j]);
            let (low, high) = coupling.square.interval(0.95);
            *count += usize::from(low <= truth && truth <= high);
            let root = coupling.norm();
            assert_close(root * root, coupling.square.mean, 1e-12);
        }
    }
    for count in covered {
        let rate = count as f64 / 200.0;
        assert!((0.89..=0.99).contains(&rate), "{covered:?}");
    }
}

#[test]
fn couplings_of_single_entries_are_exact() {
    let matrix = mixed(5);
    let ranges: Vec<Range<usize>> = (0..5).map(|i| i..i + 1).collect();
    let params = TraceParams {
        max_products: 10,
        ..Default::default()
    };
    let trace = Trace::new(params).unwrap();
    let found = trace.couplings(&matrix, &ranges, &mut unobserved).unwrap();
    for coupling in &found.pairs {
        let [i, j] = coupling.pair;
        assert_close(coupling.norm(), matrix.rows()[i * 5 + j].abs(), 1e-14);
        assert_eq!(coupling.norm_error(), 0.0);
    }
    let few = TraceParams {
        max_products: 9,
        ..params
    };
    let few = Trace::new(few).unwrap();
    let refused = few.couplings(&matrix, &ranges, &mut unobserved);
    assert!(matches!(
        refused,
        Err(TraceError::Products {
            given: 9,
            least: 10
        })
    ));
    let cut = few.couplings(&matrix, &ranges[..2], &mut |_| ControlFlow::Break(()));
    assert_eq!(cut.unwrap().ended, Ended::Cancelled);
}
