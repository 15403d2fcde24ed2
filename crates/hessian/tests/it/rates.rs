//! How often intervals cover, on problems of the kinds that lessons and proofs show, whose answers are known.
//!
//! Of `n` intervals that are right in a share `p` of cases, a share within `p +- 3.3 sqrt(p (1 - p) / n)` is right with a chance of
//! 0.999: [`allowed`]. Where a bound is another one, it is stated with its reason.

use crate::functions::{Quadratic, positive};
use crate::support::{assert_close, rotated};
use landscape_core::Rng;
use landscape_hessian::sharpness::{PacBayesParams, Point};
use landscape_hessian::stats::{mean_and_error, mean_interval, skewness, student_t};
use landscape_hessian::{
    Dense, Density, DensityParams, Estimate, Method, Trace, TraceParams, unobserved,
};

/// One standard error to either side of a normal mean.
const ONE: f64 = 0.682_689;

/// The share of seeds for which something holds.
fn rate(seeds: u64, holds: impl Fn(u64) -> bool) -> f64 {
    (0..seeds).filter(|&seed| holds(seed)).count() as f64 / seeds as f64
}

/// By how much a rate may be off a share of `n` cases by chance.
fn allowed(share: f64, n: u64) -> f64 {
    3.3 * (share * (1.0 - share) / n as f64).sqrt()
}

fn holds(interval: (f64, f64), truth: f64) -> bool {
    interval.0 <= truth && truth <= interval.1
}

/// The eigenvalues of a classifier's Hessian, as lesson 15 finds them: ten outliers, a bulk about zero, negative ones in it.
fn classifier(n: usize) -> Vec<f64> {
    let value = |i: usize| match i {
        0..10 => 14.0 / (1.0 + i as f64),
        _ if i.is_multiple_of(3) => -1.5 / (i as f64 - 8.0),
        _ => 3.0 / (i as f64 - 8.0),
    };
    (0..n).map(value).collect()
}

/// Lesson 15: the mean curvature of random directions of length 1 is `tr H / n`, and its error that of the mean of independent numbers.
#[test]
fn mean_curvatures_of_random_directions() {
    let spectrum = classifier(100);
    let truth = spectrum.iter().sum::<f64>() / spectrum.len() as f64;
    let (seeds, directions) = (400, 200);
    for share in [ONE, 0.95] {
        let quantile = student_t(f64::from(directions - 1), share);
        let covered = rate(seeds, |seed| {
            let mut rng = Rng::new(seed, 15);
            let along = (0..directions).map(|_| curvature(&spectrum, &mut rng));
            let (mean, error) = mean_and_error(&along.collect::<Vec<f64>>());
            (mean - truth).abs() <= quantile * error
        });
        println!("directions {share}: {covered}");
        assert_close(covered, share, allowed(share, seeds));
    }
}

/// Along a direction that is uniform on the sphere: in the basis of eigenvectors as in any other.
fn curvature(spectrum: &[f64], rng: &mut Rng) -> f64 {
    let squares: Vec<f64> = spectrum.iter().map(|_| rng.normal().powi(2)).collect();
    let weighed = squares
        .iter()
        .zip(spectrum)
        .map(|(square, value)| square * value);
    weighed.sum::<f64>() / squares.iter().sum::<f64>()
}

/// Spectra of matrices of second derivatives: a Hessian with negative eigenvalues, a Gauss-Newton matrix of low rank whose eigenvalues fall
/// fast, an empirical Fisher matrix with one large eigenvalue, a residual without a leading one.
fn matrices(n: usize) -> [(&'static str, Vec<f64>); 4] {
    let of = |value: fn(usize) -> f64| (0..n).map(value).collect();
    [
        ("hessian", classifier(n)),
        (
            "gauss-newton",
            of(|i| {
                if i < 60 {
                    10.0 * 0.85f64.powi(i as i32)
                } else {
                    0.0
                }
            }),
        ),
        (
            "fisher",
            of(|i| {
                if i == 0 {
                    20.0
                } else {
                    2.0 / (i as f64).powi(2)
                }
            }),
        ),
        (
            "residual",
            of(|i| if i % 2 == 0 { 1.0 } else { -0.9 } / (1.0 + i as f64 / 20.0)),
        ),
    ]
}

fn trace(method: Method, max_products: usize, seed: u64) -> Trace {
    let params = TraceParams {
        method,
        max_products,
        seed,
        ..TraceParams::default()
    };
    Trace::new(params).unwrap()
}

/// A share of Student's distribution within one standard error.
fn within_one(degrees: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        match student_t(degrees, middle) < 1.0 {
            true => low = middle,
            false => high = middle,
        }
    }
    low
}

/// The shares of estimates whose interval of 95% holds the truth, whose standard error holds it, and whose Student's interval does.
struct Rates {
    interval: f64,
    bar: f64,
    student: f64,
}

const SEEDS: u64 = 400;

impl Rates {
    fn of(truth: f64, estimate: impl Fn(u64) -> Estimate) -> Self {
        let all: Vec<Estimate> = (0..SEEDS).map(estimate).collect();
        let share = |holds: &dyn Fn(&Estimate) -> bool| {
            all.iter().filter(|found| holds(found)).count() as f64 / SEEDS as f64
        };
        let off = |found: &Estimate| (found.mean - truth).abs();
        Rates {
            interval: share(&|found| holds(found.interval(0.95), truth)),
            bar: share(&|found| off(found) <= found.standard_error),
            student: share(&|found| off(found) <= found.half_width(0.95)),
        }
    }

    /// Lower bounds: that of chance below 95% and, for what skewness is left, another 2%; that of chance below what Student's distribution
    /// has within one standard error, and another 2%. Of skewed samples the latter is for 30 or more: of eight squares of normal numbers 59%
    /// of means lie within one standard error, of eight of a block that the rest adds noise to 50%.
    #[track_caller]
    fn check(&self, degrees: usize, what: &str) {
        let one = within_one(degrees as f64);
        let bar = if degrees < 15 { one.min(0.55) } else { one };
        let [interval, bar] = [0.95, bar].map(|share| share - allowed(share, SEEDS) - 0.02);
        println!(
            "{what}: {:.3}, {:.3} (of {one:.3}), Student {:.3}",
            self.interval, self.bar, self.student
        );
        assert!(self.interval >= interval, "{what}: {}", self.interval);
        assert!(self.bar >= bar, "{what}: {}", self.bar);
    }
}

/// The trace of every kind of matrix, by few random vectors and by as many as `hessian --trace` takes.
#[test]
fn traces_of_every_kind_of_matrix() {
    for (name, spectrum) in matrices(200) {
        let truth = spectrum.iter().sum();
        for (method, products, samples) in [
            (Method::Hutchinson, 8, 8),
            (Method::Hutchinson, 16, 16),
            (Method::Hutchinson, 100, 100),
            (Method::HutchPlusPlus, 30, 10),
            (Method::XTrace, 6, 3),
            (Method::XTrace, 16, 8),
            (Method::XTrace, 40, 20),
        ] {
            let rates = Rates::of(truth, |seed| {
                let matrix = rotated(spectrum.clone(), 2000 + seed);
                trace(method, products, seed).solve(&matrix).unwrap()
            });
            rates.check(samples - 1, &format!("{name}, {method}, {products}"));
            // What the skewness is taken out for.
            if (name, products) == ("fisher", 8) {
                assert!(rates.student < 0.91, "{}", rates.student);
            }
        }
    }
}

/// Lesson 15 holds two estimates of `tr H / n` against each other: they differ by less than two of their joint standard errors as often as
/// normal numbers do, or more often, because XTrace's error is on the safe side.
#[test]
fn two_estimates_of_one_number() {
    let spectrum = classifier(150);
    let n = spectrum.len() as f64;
    let close = rate(SEEDS, |seed| {
        let mut rng = Rng::new(seed, 16);
        let along = (0..100).map(|_| curvature(&spectrum, &mut rng));
        let (mean, error) = mean_and_error(&along.collect::<Vec<f64>>());
        let matrix = rotated(spectrum.clone(), 3000 + seed);
        let found = trace(Method::XTrace, 40, seed).solve(&matrix).unwrap();
        let joint = error.hypot(found.standard_error / n);
        (mean - found.mean / n).abs() <= 1.96 * joint
    });
    println!("two estimates: {close}");
    assert!(close >= 0.95 - allowed(0.95, SEEDS), "{close}");
}

/// Of diagonal blocks, which what couples them to the rest adds noise to.
#[test]
fn traces_of_blocks() {
    let matrix = Dense::from_fn(60, |i, j| {
        let along = |k: usize| (1.0 + k as f64).sin();
        along(i) * along(j) + if i == j { (i % 5) as f64 - 1.0 } else { 0.0 }
    });
    let ranges = [0..4, 4..24, 24..60];
    for (block, range) in ranges.iter().enumerate() {
        let truth = range.clone().map(|i| matrix.rows()[i * 61]).sum();
        for products in [8, 30] {
            let rates = Rates::of(truth, |seed| {
                let trace = trace(Method::Hutchinson, products, seed);
                let found = trace.blocks(&matrix, &ranges, &mut unobserved);
                found.unwrap().blocks.swap_remove(block)
            });
            rates.check(products - 1, &format!("block {block}, {products}"));
        }
    }
}

/// Norms between ranges: of a block that one pair of vectors makes up, as couplings along a leading eigenvector are, and of one without any
/// structure; with two vectors in each range to as many as the command takes. Of few entries (four), signs are of so few kinds
/// that they agree by chance.
#[test]
fn norms_between_parts() {
    let n = 40;
    let single = |k: usize| (1.0 + k as f64).sin();
    let matrices = [
        ("rank one", Dense::from_fn(n, |i, j| single(i) * single(j))),
        (
            "mixed",
            Dense::from_fn(n, |i, j| {
                ((i * 37 + j * 61 + i * j) % 23) as f64 / 11.0 - 1.0
            }),
        ),
    ];
    let ranges = [0..16, 16..28, 28..n];
    for (name, matrix) in &matrices {
        for each in [2, 4, 8, 16] {
            let found = |seed| {
                let trace = trace(Method::Hutchinson, 3 * each, seed);
                trace
                    .couplings(matrix, &ranges, &mut unobserved)
                    .unwrap()
                    .pairs
            };
            let all: Vec<_> = (0..SEEDS).map(found).collect();
            for pair in 0..6 {
                let [i, j] = all[0][pair].pair;
                let entries = ranges[i]
                    .clone()
                    .flat_map(|i| ranges[j].clone().map(move |j| i * n + j));
                let truth = entries
                    .map(|at| matrix.rows()[at].powi(2))
                    .sum::<f64>()
                    .sqrt();
                let inside = all
                    .iter()
                    .filter(|found| holds(found[pair].interval(0.95), truth));
                let covered = inside.count() as f64 / SEEDS as f64;
                println!("{name}, {each} vectors, {i} and {j}: {covered}");
                // As in `Rates::check`, with another percent for four vectors or fewer.
                let least = if each < 8 { 0.884 } else { 0.894 };
                assert!(covered >= least, "{name}, {each}, {i} and {j}: {covered}");
            }
        }
    }
}

/// The volume of a minimum, `log det (G + damping)`: with few random vectors, and with as many as lesson 8 takes.
#[test]
fn log_determinants_of_minima() {
    let (_, spectrum) = matrices(80).into_iter().nth(1).unwrap();
    let truth = spectrum.iter().map(|value| (value + 0.1).ln()).sum();
    for probes in [4, 8, 32] {
        let rates = Rates::of(truth, |seed| {
            let params = DensityParams {
                steps: 20,
                probes,
                seed,
                ..DensityParams::default()
            };
            let matrix = rotated(spectrum.clone(), 4000 + seed);
            let found = Density::new(params)
                .unwrap()
                .run(&matrix, &[], &mut unobserved);
            found.unwrap().log_determinant(0.1).unwrap()
        });
        rates.check(probes - 1, &format!("log-determinant, {probes}"));
    }
}

/// PAC-Bayes flatness `1 / sigma^2`, whose error is twice that of sigma relative to it.
#[test]
fn flatness_of_a_bowl() {
    let matrix = positive(30, 5);
    let truth = matrix.trace() / 0.2;
    let bowl = Quadratic {
        center: vec![1.0; 30],
        matrix,
    };
    let point = Point::new(&bowl, vec![1.0; 30]).unwrap();
    let params = |seed| PacBayesParams {
        seed,
        samples: 30,
        ..PacBayesParams::default()
    };
    let covered = rate(200, |seed| {
        let found = point.pac_bayes(&params(seed), &mut unobserved).unwrap();
        let error = 2.0 * found.standard_error / found.sigma.powi(3);
        (found.flatness() - truth).abs() <= student_t(29.0, 0.95) * error
    });
    println!("flatness: {covered}");
    assert!(covered >= 0.95 - allowed(0.95, 200) - 0.02, "{covered}");
}

/// Student's interval of a mean, with the skewness taken out: of normal numbers, of squares of them, and of their exponentials' opposites.
#[test]
fn means_of_skewed_samples() {
    type Draw = (&'static str, fn(f64) -> f64, f64);
    let draws: [Draw; 3] = [
        ("normal", |x| x, 0.0),
        ("squares", |x| x * x, 1.0),
        ("to the left", |x| -(0.5 * x).exp(), -(0.125f64).exp()),
    ];
    for (name, of, truth) in draws {
        for n in [8, 16, 100] {
            let mut covered = 0;
            for seed in 0..1000 {
                let mut rng = Rng::new(seed, 17);
                let samples: Vec<f64> = (0..n).map(|_| of(rng.normal())).collect();
                let found = mean_interval(mean_and_error(&samples), skewness(&samples), n, 0.95);
                covered += usize::from(holds(found, truth));
            }
            println!("{name}, {n}: {covered} of 1000");
            // Within 3.3 standard deviations of a count (23) of 935 to 960.
            assert!((912..=983).contains(&covered), "{name}, {n}: {covered}");
        }
    }
}
