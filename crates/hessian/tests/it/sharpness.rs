use crate::functions::{Cliff, Quadratic, TwoLayers, positive};
use crate::support::assert_close;
use landscape_hessian::sharpness::{
    AverageParams, Displaced, EpsilonSharpnessParams, KeskarParams, LossError, LossFunction,
    Metric, Norm, PacBayesParams, Point, SamParams, Scaling, SharpnessError, WorstCaseParams,
    edge_of_stability,
};
use landscape_hessian::trace::Ended;
use landscape_hessian::{
    Congruent, Dense, Lanczos, LanczosParams, Operator, Restricted, Trace, TraceParams, unobserved,
};
use std::ops::ControlFlow;

const N: usize = 30;

fn bowl(seed: u64) -> Quadratic {
    Quadratic {
        matrix: positive(N, seed),
        center: (0..N).map(|i| (i % 7) as f64 / 3.0 - 1.0).collect(),
    }
}

fn minimum(bowl: &Quadratic) -> Point<'_> {
    Point::new(bowl, bowl.center.clone()).unwrap()
}

/// `sum a_ii w_i^2`.
fn weighed(bowl: &Quadratic) -> f64 {
    let entry = |i: usize| bowl.matrix.rows()[i * N + i] * bowl.center[i].powi(2);
    (0..N).map(entry).sum()
}

#[test]
fn worst_cases_of_a_quadratic() {
    let bowl = bowl(1);
    let point = minimum(&bowl);
    let lambda = bowl.matrix.eigenvalues()[0];
    let params = WorstCaseParams {
        rho: 0.2,
        scaling: Scaling::Unit,
        steps: 500,
        ..Default::default()
    };
    let worst = point.worst_case(&params, &mut unobserved).unwrap();
    assert_close(worst.rise, 0.5 * 0.04 * lambda, 1e-4);
    assert!(worst.rise <= 0.5 * 0.04 * lambda * (1.0 + 1e-12) && worst.converged);
    assert_close(
        worst.delta.iter().map(|d| d * d).sum::<f64>().sqrt(),
        0.2,
        1e-9,
    );

    // Adaptive: the same of |w| A |w|.
    let magnitudes: Vec<f64> = bowl.center.iter().map(|w| w.abs()).collect();
    let matrix = Congruent::new(&bowl.matrix, magnitudes).unwrap();
    let exact = LanczosParams {
        tolerance: 1e-8,
        ..Default::default()
    };
    let lambda = Lanczos::new(exact).unwrap().solve(&matrix).unwrap().top[0].value;
    let params = WorstCaseParams {
        scaling: Scaling::Magnitude,
        ..params
    };
    let worst = point.worst_case(&params, &mut unobserved).unwrap();
    assert_close(worst.rise / (0.5 * 0.04 * lambda), 1.0, 1e-3);
}

/// Where the curvature down is stronger than that up, the ascent still finds the way up.
#[test]
fn the_worst_case_at_a_saddle() {
    let bowl = Quadratic {
        matrix: Dense::from_fn(4, |i, j| {
            if i == j {
                [2.0, 1.0, -1.0, -30.0][i]
            } else {
                0.0
            }
        }),
        center: vec![1.0; 4],
    };
    let point = Point::new(&bowl, bowl.center.clone()).unwrap();
    for seed in 0..10 {
        let params = WorstCaseParams {
            rho: 0.1,
            steps: 60,
            scaling: Scaling::Unit,
            seed,
            ..Default::default()
        };
        let worst = point.worst_case(&params, &mut unobserved).unwrap();
        assert_close(worst.rise / (0.5 * 0.01 * 2.0), 1.0, 0.01);
    }
}

#[test]
fn the_box_of_a_diagonal_quadratic_is_worst_at_its_corner() {
    let bowl = Quadratic {
        matrix: Dense::from_fn(4, |i, j| if i == j { 1.0 + i as f64 } else { 0.0 }),
        center: vec![0.5, -2.0, 0.0, 3.0],
    };
    let point = Point::new(&bowl, bowl.center.clone()).unwrap();
    let keskar = KeskarParams {
        epsilon: 0.01,
        ..Default::default()
    };
    let found = point.keskar(&keskar, &mut unobserved).unwrap();
    let corner = |i: usize| (1.0 + i as f64) * (0.01 * (bowl.center[i].abs() + 1.0)).powi(2);
    let rise = 0.5 * (0..4).map(corner).sum::<f64>();
    assert_close(found.value, 100.0 * rise, 1e-12);

    let ball = EpsilonSharpnessParams {
        epsilon: 0.01,
        steps: 200,
        starts: 3,
        ..Default::default()
    };
    let found = point.epsilon_sharpness(&ball, &mut unobserved).unwrap();
    assert!((found.value / (0.5 * 1e-4 * 4.0) - 1.0).abs() < 1e-4);

    let linf = WorstCaseParams {
        norm: Norm::LInf,
        rho: 0.1,
        ..Default::default()
    };
    let found = point.worst_case(&linf, &mut unobserved).unwrap();
    let corner = |i: usize| (1.0 + i as f64) * (0.1 * bowl.center[i]).powi(2);
    assert_close(found.rise, 0.5 * (0..4).map(corner).sum::<f64>(), 1e-12);
}

/// Away from its minimum the value is relative to `1 + f`, and a subspace allows less than the whole.
#[test]
fn keskar_in_a_random_subspace() {
    let bowl = bowl(2);
    let theta: Vec<f64> = bowl.center.iter().map(|c| c + 0.3).collect();
    let point = Point::new(&bowl, theta).unwrap();
    let whole = KeskarParams {
        epsilon: 0.1,
        steps: 100,
        ..Default::default()
    };
    let part = KeskarParams {
        subspace: Some(5),
        ..whole
    };
    let whole = point.keskar(&whole, &mut unobserved).unwrap();
    let share = whole.worst.rise / (1.0 + point.loss());
    assert_close(whole.value, 100.0 * share, 1e-12);
    let part = point.keskar(&part, &mut unobserved).unwrap();
    assert!(0.0 < part.value && part.value < whole.value);
    assert!(whole.worst.evaluations.gradients > 2);
}

#[test]
fn one_step_of_sam_and_asam() {
    let bowl = bowl(3);
    let theta: Vec<f64> = bowl.center.iter().map(|c| c + 0.2).collect();
    let point = Point::new(&bowl, theta.clone()).unwrap();
    let (_, g) = bowl.gradient(&theta).unwrap();
    let length = g.iter().map(|g| g * g).sum::<f64>().sqrt();
    let step: Vec<f64> = g.iter().map(|g| 0.05 * g / length).collect();
    let moved: Vec<f64> = theta.iter().zip(&step).map(|(t, e)| t + e).collect();
    let found = point.sam(&SamParams::default()).unwrap();
    assert_close(found.rise, bowl.loss(&moved).unwrap() - point.loss(), 1e-12);
    assert_close(found.gradient_norm, length, 1e-12);
    assert_eq!(
        (found.evaluations.losses, found.evaluations.gradients),
        (1, 1)
    );

    // At the minimum there is no step to take, and it says so.
    let found = minimum(&bowl).sam(&SamParams::default()).unwrap();
    assert_eq!((found.rise, found.gradient_norm), (0.0, 0.0));
    let adaptive = SamParams {
        metric: Metric::Adaptive { eta: 0.01 },
        ..Default::default()
    };
    assert!(matches!(
        point.sam(&adaptive),
        Err(SharpnessError::NoTensors)
    ));

    let network = TwoLayers::new(3, 4, 2, 20);
    let theta = network.random_point(1);
    let point = Point::new(&network, theta.clone()).unwrap();
    let (_, g) = network.gradient(&theta).unwrap();
    let t: Vec<f64> = theta.iter().map(|w| w.abs() + 0.01).collect();
    let length = g
        .iter()
        .zip(&t)
        .map(|(g, t)| (g * t).powi(2))
        .sum::<f64>()
        .sqrt();
    let found = point.sam(&adaptive).unwrap();
    for i in 0..t.len() {
        assert_close(found.step[i], 0.05 * t[i] * t[i] * g[i] / length, 1e-13);
    }
}

#[test]
fn m_sharpness_is_the_weighted_mean_over_batches() {
    let network = TwoLayers::new(3, 4, 2, 40);
    let theta = network.random_point(2);
    let point = Point::new(&network, theta.clone()).unwrap();
    let found = point
        .m_sharpness(&SamParams::default(), &mut unobserved)
        .unwrap();
    let rise = |batch: usize| {
        let (loss, g) = network.batch_gradient(batch, &theta).unwrap();
        let length = g.iter().map(|g| g * g).sum::<f64>().sqrt();
        let moved: Vec<f64> = theta
            .iter()
            .zip(&g)
            .map(|(t, g)| t + 0.05 * g / length)
            .collect();
        network.batch_loss(batch, &moved).unwrap() - loss
    };
    // 40 samples in batches of 16, 16 and 8.
    let want = (16.0 * rise(0) + 16.0 * rise(1) + 8.0 * rise(2)) / 40.0;
    assert_close(found.mean, want, 1e-13);
    assert!(found.complete && found.rises.len() == 3 && found.standard_error > 0.0);
    let first = point.m_sharpness(&SamParams::default(), &mut |_| ControlFlow::Break(()));
    let first = first.unwrap();
    assert!(!first.complete && first.standard_error == f64::INFINITY);
}

#[test]
fn averages_of_a_quadratic_are_covered_at_their_rate() {
    let bowl = bowl(4);
    let point = minimum(&bowl);
    for (scaling, curvature) in [
        (Scaling::Unit, bowl.matrix.trace()),
        (Scaling::Magnitude, weighed(&bowl)),
    ] {
        let truth = 0.5 * 0.09 * curvature;
        let covered = (0..200).filter(|&seed| {
            let params = AverageParams {
                rho: 0.3,
                scaling,
                samples: 40,
                seed,
                ..Default::default()
            };
            let found = point.average(&params, &mut unobserved).unwrap();
            let (low, high) = found.interval(0.95);
            low <= truth && truth <= high
        });
        let rate = covered.count() as f64 / 200.0;
        assert!((0.9..=0.99).contains(&rate), "{scaling:?} {rate}");
    }
}

#[test]
fn both_signs_take_the_slope_out_of_an_average() {
    let bowl = bowl(4);
    let theta: Vec<f64> = bowl.center.iter().map(|c| c + 1.0).collect();
    let point = Point::new(&bowl, theta).unwrap();
    let params = AverageParams {
        scaling: Scaling::Unit,
        ..Default::default()
    };
    let plain = AverageParams {
        antithetic: false,
        ..params
    };
    let paired = point.average(&params, &mut unobserved).unwrap();
    let plain = point.average(&plain, &mut unobserved).unwrap();
    assert!(paired.standard_error < 0.02 * plain.standard_error);
    assert_eq!((paired.products, plain.products), (200, 100));
    let target = AverageParams {
        target: Some(0.1),
        samples: 5000,
        ..params
    };
    let found = point.average(&target, &mut unobserved).unwrap();
    assert!(found.ended == Ended::Target && found.relative_error() <= 0.1);
}

#[test]
fn pac_bayes_of_a_quadratic() {
    let bowl = bowl(5);
    let point = minimum(&bowl);
    let truth = (0.2 / bowl.matrix.trace()).sqrt();
    let covered = (0..200).filter(|&seed| {
        let params = PacBayesParams {
            seed,
            samples: 30,
            ..Default::default()
        };
        let found = point.pac_bayes(&params, &mut unobserved).unwrap();
        assert!(found.converged && (found.sigma / truth - 1.0).abs() < 0.2);
        let (low, high) = found.interval(0.95);
        low <= truth && truth <= high
    });
    let rate = covered.count() as f64 / 200.0;
    assert!((0.9..=0.99).contains(&rate), "{rate}");
    let found = point
        .pac_bayes(&PacBayesParams::default(), &mut unobserved)
        .unwrap();
    assert_close(found.flatness(), 1.0 / found.sigma.powi(2), 1e-12);
    assert!(found.bracket.0 <= found.sigma && found.sigma <= found.bracket.1);

    let flat = Quadratic {
        matrix: Dense::from_fn(3, |_, _| 0.0),
        center: vec![1.0; 3],
    };
    let never = minimum(&flat).pac_bayes(&PacBayesParams::default(), &mut unobserved);
    assert!(matches!(never, Err(SharpnessError::NoRise { .. })));
}

/// A classification of one dimension, `x < w`, whose accuracy is known: `samples` points evenly between -1
/// and 1, all right at `w = 0`.
struct Threshold {
    samples: usize,
}

impl LossFunction for Threshold {
    fn dim(&self) -> usize {
        1
    }

    fn loss(&self, theta: &[f64]) -> Result<f64, LossError> {
        Ok(0.5 * theta[0] * theta[0])
    }

    fn gradient(&self, theta: &[f64]) -> Result<(f64, Vec<f64>), LossError> {
        Ok((self.loss(theta)?, theta.to_vec()))
    }

    fn accuracies(&self, points: &[Vec<f64>]) -> Result<Option<Vec<f64>>, LossError> {
        let at = |k: usize| (2 * k + 1) as f64 / self.samples as f64 - 1.0;
        let wrong = |w: f64, k: usize| (at(k) < 0.0) != (at(k) < w);
        let errors = |w: f64| (0..self.samples).filter(|&k| wrong(w, k)).count();
        let accuracy = |p: &Vec<f64>| 1.0 - errors(p[0]) as f64 / self.samples as f64;
        Ok(Some(points.iter().map(accuracy).collect()))
    }
}

/// `E |w| / 2 = 0.1` for `w ~ N(0, sigma^2)`: `sigma = 0.2 sqrt(pi / 2)`; the loss gives another.
#[test]
fn pac_bayes_of_the_accuracy_and_of_the_loss() {
    let function = Threshold { samples: 2000 };
    let point = Point::new(&function, vec![0.0]).unwrap();
    let of = |displaced| {
        let params = PacBayesParams {
            displaced,
            samples: 4000,
            ..Default::default()
        };
        point.pac_bayes(&params, &mut unobserved).unwrap()
    };
    let found = of(Displaced::Accuracy);
    let truth = 0.2 * (std::f64::consts::PI / 2.0).sqrt();
    assert!((found.sigma / truth - 1.0).abs() < 0.05, "{}", found.sigma);
    assert!(found.converged && found.evaluations.losses > 0);
    let found = of(Displaced::Loss);
    assert!((found.sigma / 0.2f64.sqrt() - 1.0).abs() < 0.05);

    let bowl = bowl(5);
    let accuracy = PacBayesParams {
        displaced: Displaced::Accuracy,
        ..Default::default()
    };
    let none = minimum(&bowl).pac_bayes(&accuracy, &mut unobserved);
    assert!(matches!(none, Err(SharpnessError::NoAccuracy)));
    // It cannot fall by more than there is.
    let much = PacBayesParams {
        rise: 0.9,
        ..accuracy
    };
    let never = point.pac_bayes(&much, &mut unobserved);
    assert!(matches!(never, Err(SharpnessError::NoRise { .. })));
}

/// `w_0`: the ascent along the gradient is at the top at once, the one from a random start ends at its limit
/// there.
struct Slope;

impl LossFunction for Slope {
    fn dim(&self) -> usize {
        3
    }

    fn loss(&self, theta: &[f64]) -> Result<f64, LossError> {
        Ok(theta[0])
    }

    fn gradient(&self, theta: &[f64]) -> Result<(f64, Vec<f64>), LossError> {
        Ok((theta[0], vec![1.0, 0.0, 0.0]))
    }
}

#[test]
fn convergence_is_that_of_the_ascent_whose_result_is_given() {
    let point = Point::new(&Slope, vec![0.0; 3]).unwrap();
    let params = WorstCaseParams {
        rho: 0.1,
        scaling: Scaling::Unit,
        steps: 2,
        starts: 2,
        ..Default::default()
    };
    let found = point.worst_case(&params, &mut unobserved).unwrap();
    assert_close(found.rise, 0.1, 1e-15);
    assert!(found.converged);
    // One gradient is not enough to know.
    let short = WorstCaseParams { steps: 1, ..params };
    assert!(!point.worst_case(&short, &mut unobserved).unwrap().converged);
}

/// Gradient descent diverges if and only if `eta > 2 / lambda_max`; with momentum, `2 (1 + beta) / eta`.
#[test]
fn the_edge_of_stability_is_where_descent_diverges() {
    let bowl = bowl(6);
    let lambda = bowl.matrix.eigenvalues()[0];
    let ends = |eta: f64, beta: f64| {
        let mut theta: Vec<f64> = bowl.center.iter().map(|c| c + 1.0).collect();
        let mut velocity = vec![0.0; N];
        for _ in 0..3000 {
            let (_, g) = bowl.gradient(&theta).unwrap();
            velocity
                .iter_mut()
                .zip(&g)
                .for_each(|(v, g)| *v = beta * *v + g);
            theta
                .iter_mut()
                .zip(&velocity)
                .for_each(|(t, v)| *t -= eta * v);
        }
        bowl.loss(&theta).unwrap() < 1.0
    };
    for beta in [0.0, 0.5, 0.9] {
        // The learning rate whose line is at lambda.
        let eta = 2.0 * (1.0 + beta) / lambda;
        for share in [0.98, 1.02] {
            let edge = edge_of_stability(share * eta, beta).unwrap();
            let line = if beta == 0.0 {
                edge.gradient_descent
            } else {
                edge.heavy_ball
            };
            assert_eq!(ends(share * eta, beta), lambda < line, "{beta} {share}");
        }
    }
    assert!(matches!(
        edge_of_stability(0.0, 0.0),
        Err(SharpnessError::LearningRate { .. })
    ));
    assert!(matches!(
        edge_of_stability(0.1, 1.0),
        Err(SharpnessError::Momentum { .. })
    ));
}

#[test]
fn the_hessian_of_two_layers_is_the_derivative_of_the_gradient() {
    let network = TwoLayers::new(3, 5, 2, 30);
    let theta = network.random_point(3);
    let hessian = network.hessian(&theta);
    let h = 1e-6;
    for j in 0..network.dim() {
        let at = |step: f64| {
            let mut moved = theta.clone();
            moved[j] += step;
            network.gradient(&moved).unwrap().1
        };
        let (up, down) = (at(h), at(-h));
        for i in 0..network.dim() {
            assert_close(
                hessian.rows()[i * network.dim() + j],
                (up[i] - down[i]) / (2.0 * h),
                1e-7,
            );
        }
    }
}

/// Dinh et al.: the same function, another curvature.
#[test]
fn what_survives_the_rescaling_of_layers() {
    let network = TwoLayers::new(3, 5, 2, 30);
    let theta = network.random_point(3);
    let split = 15;
    for a in [0.2, 3.0] {
        let scaled = network.rescaled(&theta, a);
        let points = [&theta, &scaled].map(|t| Point::new(&network, t.clone()).unwrap());
        let hessians = [&theta, &scaled].map(|t| network.hessian(t));
        assert_close(points[0].loss(), points[1].loss(), 1e-12);

        let block = |range: std::ops::Range<usize>| {
            let part = Restricted::new(&hessians[0], range.clone());
            let unit = |i: usize| {
                (0..range.len())
                    .map(|j| f64::from(i == j))
                    .collect::<Vec<f64>>()
            };
            let product = |i: usize| part.apply(&[unit(i)]).unwrap()[0][i];
            (0..range.len()).map(product).sum::<f64>()
        };
        let (first, second) = (block(0..split), block(split..network.dim()));
        assert_close(hessians[1].trace(), first / (a * a) + a * a * second, 1e-10);

        let params = WorstCaseParams {
            rho: 0.05,
            ..Default::default()
        };
        let worst = points
            .each_ref()
            .map(|p| p.worst_case(&params, &mut unobserved).unwrap());
        assert_close(worst[0].rise / worst[1].rise, 1.0, 1e-9);
        let unit = WorstCaseParams {
            scaling: Scaling::Unit,
            ..params
        };
        let worst = points
            .each_ref()
            .map(|p| p.worst_case(&unit, &mut unobserved).unwrap());
        assert!((worst[0].rise / worst[1].rise - 1.0).abs() > 0.2);

        let params = AverageParams::default();
        let average = points
            .each_ref()
            .map(|p| p.average(&params, &mut unobserved).unwrap());
        assert_close(average[0].mean / average[1].mean, 1.0, 1e-8);

        let fishers = [&theta, &scaled].map(|t| network.fisher(t));
        let norms = [0, 1].map(|i| points[i].fisher_rao(&fishers[i]).unwrap().norm);
        assert_close(norms[0] / norms[1], 1.0, 1e-12);

        let trace = Trace::new(TraceParams::default()).unwrap();
        for layer in ["fc1.weight", "fc2.weight"] {
            let flat = [0, 1].map(|i| {
                let operator = &hessians[i];
                points[i]
                    .relative_flatness(operator, layer, &trace, &mut unobserved)
                    .unwrap()
                    .mean
            });
            assert_close(flat[0] / flat[1], 1.0, 1e-10);
        }

        let asam = SamParams {
            metric: Metric::Adaptive { eta: 1e-12 },
            ..Default::default()
        };
        let rises = points.each_ref().map(|p| p.sam(&asam).unwrap().rise);
        assert_close(rises[0] / rises[1], 1.0, 1e-8);
    }
}

#[test]
fn relative_flatness_and_fisher_rao_equal_their_definitions() {
    let network = TwoLayers::new(3, 5, 2, 30);
    let theta = network.random_point(4);
    let point = Point::new(&network, theta.clone()).unwrap();
    let hessian = network.hessian(&theta);
    let trace = Trace::new(TraceParams {
        max_products: 3000,
        ..Default::default()
    });
    let trace = trace.unwrap();
    for tensor in network.tensors() {
        let (rows, columns) = (tensor.shape[0], tensor.shape[1]);
        let at = |s: usize, c: usize| tensor.range.start + s * columns + c;
        let mut exact = 0.0;
        for s in 0..rows {
            for t in 0..rows {
                let product = (0..columns).map(|c| theta[at(s, c)] * theta[at(t, c)]);
                let entry = |c: usize| hessian.rows()[at(s, c) * network.dim() + at(t, c)];
                exact += product.sum::<f64>() * (0..columns).map(entry).sum::<f64>();
            }
        }
        let found = point.relative_flatness(&hessian, &tensor.name, &trace, &mut unobserved);
        let found = found.unwrap();
        let (low, high) = found.interval(0.999);
        assert!(low <= exact && exact <= high, "{exact} {found:?}");
        assert!(found.standard_error < 0.1 * exact.abs());
    }
    let fisher = network.fisher(&theta);
    let product = fisher
        .apply(std::slice::from_ref(&theta))
        .unwrap()
        .remove(0);
    let form: f64 = product.iter().zip(&theta).map(|(p, t)| p * t).sum();
    assert_close(point.fisher_rao(&fisher).unwrap().squared, form, 1e-12);
    let negative = landscape_hessian::Scaled::new(&fisher, -1.0);
    assert!(matches!(
        point.fisher_rao(&negative),
        Err(SharpnessError::Negative { .. })
    ));

    let unknown = point
        .relative_flatness(&hessian, "fc9", &trace, &mut unobserved)
        .unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "there is no tensor `fc9`; there are fc1.weight, fc2.weight"
    );
}

#[test]
fn losses_that_overflow_are_kept_as_infinite_rises() {
    let point = Point::new(&Cliff, vec![0.5]).unwrap();
    let wide = WorstCaseParams {
        rho: 3.0,
        ..Default::default()
    };
    assert_eq!(
        point.worst_case(&wide, &mut unobserved).unwrap().rise,
        f64::INFINITY
    );
    let average = AverageParams {
        rho: 5.0,
        ..Default::default()
    };
    let found = point.average(&average, &mut unobserved).unwrap();
    assert_eq!(
        (found.mean, found.standard_error),
        (f64::INFINITY, f64::INFINITY)
    );
    let found = Point::new(&Cliff, vec![0.0]).unwrap();
    let found = found
        .pac_bayes(&PacBayesParams::default(), &mut unobserved)
        .unwrap();
    assert!(found.sigma > 0.2 && found.sigma < 0.4);
}

#[test]
fn wrong_points_and_settings_are_named() {
    let bowl = bowl(1);
    let short = Point::new(&bowl, vec![0.0; 3]);
    assert!(matches!(
        short,
        Err(SharpnessError::Dimension { dim: N, given: 3 })
    ));
    let nan = Point::new(&bowl, vec![f64::NAN; N]);
    assert!(matches!(
        nan,
        Err(SharpnessError::PointNotFinite { index: 0, .. })
    ));
    let beyond = Point::new(&Cliff, vec![2.0]);
    assert!(matches!(beyond, Err(SharpnessError::LossNotFinite { .. })));

    let point = minimum(&bowl);
    let worst = |change: fn(&mut WorstCaseParams)| {
        let mut params = WorstCaseParams::default();
        change(&mut params);
        point.worst_case(&params, &mut unobserved).unwrap_err()
    };
    assert!(matches!(
        worst(|p| p.rho = -1.0),
        SharpnessError::Radius { .. }
    ));
    assert!(matches!(worst(|p| p.steps = 0), SharpnessError::Steps));
    assert!(matches!(worst(|p| p.starts = 0), SharpnessError::Starts));
    let subspace = KeskarParams {
        subspace: Some(N + 1),
        ..Default::default()
    };
    let subspace = point.keskar(&subspace, &mut unobserved);
    assert!(matches!(subspace, Err(SharpnessError::Subspace { .. })));
    let samples = AverageParams {
        samples: 1,
        ..Default::default()
    };
    let samples = point.average(&samples, &mut unobserved);
    assert!(matches!(samples, Err(SharpnessError::Samples { given: 1 })));
    let rise = PacBayesParams {
        rise: 0.0,
        ..Default::default()
    };
    let rise = point.pac_bayes(&rise, &mut unobserved);
    assert!(matches!(rise, Err(SharpnessError::Rise { .. })));
    let batches = point.m_sharpness(&SamParams::default(), &mut unobserved);
    assert!(matches!(batches, Err(SharpnessError::Batches { given: 0 })));
}
