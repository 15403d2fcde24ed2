//! Ways between two networks.

use burn::tensor::Device;
use landscape_core::alignment::PermutationSpec;
use landscape_core::{
    Axis, Curve, CurveKind, Grid, Outcome, Parameter, Params, Rng, Role, Sample, Surface,
};
use landscape_models::{
    Dataset, LossKind, ModelSpec, Network, OptimizerKind, Record, Schedule, Split, Targets,
    TrainConfig, evaluate, load, train,
};
use landscape_study::StudyError;
use landscape_study::connect::{
    CurveConfig, CurveStep, EvaluationContext, LossProfile, Matching, train_curve, trajectory_on,
};
use landscape_trace::{BatchStatistics, Target};
use std::ops::ControlFlow;

fn spec(text: &str) -> ModelSpec {
    text.parse().unwrap()
}

fn config(epochs: usize, lr: f64) -> TrainConfig {
    TrainConfig {
        epochs,
        lr,
        optimizer: OptimizerKind::Momentum,
        ..TrainConfig::default()
    }
}

fn trained(
    spec: &ModelSpec,
    data: &Dataset,
    loss: LossKind,
    seed: u64,
    config: &TrainConfig,
) -> Params {
    let network = Network::init(spec, seed, &Device::flex());
    let mut quiet = |_: Record| ControlFlow::Continue(());
    let config = TrainConfig {
        seed,
        ..config.clone()
    };
    train(network, data, loss, &config, &mut quiet)
        .unwrap()
        .network
        .params()
}

/// MNIST and a perceptron.
fn mnist(samples: usize) -> EvaluationContext {
    let data = load(
        &"mnist-1k".parse().unwrap(),
        None,
        Split::Train,
        Some(samples),
    )
    .unwrap();
    EvaluationContext::new(spec("mlp:784-24-10"), data, LossKind::CrossEntropy).unwrap()
}

fn fit(context: &EvaluationContext, seed: u64, epochs: usize) -> Params {
    let config = config(epochs, 0.05);
    trained(
        context.model().family().unwrap(),
        context.data(),
        context.loss(),
        seed,
        &config,
    )
}

/// Moons and a small perceptron, fast enough for details.
fn moons() -> EvaluationContext {
    let data = load(&"moons:n=60".parse().unwrap(), None, Split::Train, None).unwrap();
    EvaluationContext::new(spec("mlp:2-6-5-1"), data, LossKind::BceWithLogits).unwrap()
}

fn pair(context: &EvaluationContext) -> [Params; 2] {
    [1, 2].map(|seed| fit(context, seed, 40))
}

fn shuffled(spec: &PermutationSpec, params: &Params) -> Params {
    let mut rng = Rng::new(17, 0);
    let mut permutations = spec.identity();
    permutations.iter_mut().for_each(|p| rng.shuffle(p));
    spec.apply(params, &permutations).unwrap()
}

/// A barrier before alignment, and none after it.
#[track_caller]
fn is_found_again(context: &EvaluationContext, network: &Params, twin: &Params, least: f64) {
    let before = context.line(network, twin, 11).unwrap();
    let height = before.barrier().unwrap().height;
    assert!(height > least, "{height}");
    assert!(before.length > 1.0);
    for by in [Matching::Weights, Matching::Activations] {
        let aligned = context.align(network, twin, by, 0).unwrap();
        let after = context.line(network, &aligned.params, 11).unwrap();
        let height = after.barrier().unwrap().height;
        assert!(height < 1e-5, "{}: {height}", by.name());
        let [from, to] = aligned.matching.similarity;
        assert!(from < to);
        // The twin itself computes the same before and after.
        let ends = [before.losses()[10], after.losses()[10]];
        assert!(
            (ends[0] - ends[1]).abs() < 1e-5 * ends[0].max(1.0),
            "{ends:?}"
        );
    }
}

#[test]
fn the_permuted_twin_of_a_trained_perceptron_is_found_again() {
    let context = mnist(1000);
    let network = fit(&context, 3, 12);
    let twin = shuffled(&context.trace().permutations(), &network);
    is_found_again(&context, &network, &twin, 0.2);
    let aligned = context
        .align(&network, &twin, Matching::Weights, 0)
        .unwrap();
    assert_eq!(aligned.params, network);
}

#[test]
fn the_permuted_twin_of_a_residual_network_is_found_again() {
    let spec = spec("resnet20");
    let mut rng = Rng::new(2, 0);
    let x = (0..16 * 3072).map(|_| rng.normal() as f32).collect();
    let labels = Targets::Classes((0..16).map(|i| i % 10).collect());
    let data = Dataset::new("noise", vec![16, 3, 32, 32], x, labels).unwrap();
    let config = TrainConfig {
        batch: 16,
        ..config(25, 0.05)
    };
    let network = trained(&spec, &data, LossKind::CrossEntropy, 1, &config);
    let context = EvaluationContext::new(&spec, data, LossKind::CrossEntropy).unwrap();
    let twin = shuffled(&context.trace().permutations(), &network);
    is_found_again(&context, &network, &twin, 0.2);
}

#[test]
fn profiles_have_the_losses_of_the_networks_on_them() {
    let context = moons();
    let [a, b] = pair(&context);
    // On the plane of one bend, in the hull of three, and beyond it.
    for (kind, bends) in [
        (CurveKind::Bezier, 1),
        (CurveKind::Chain, 2),
        (CurveKind::Bezier, 4),
    ] {
        let mut curve = Curve::straight(kind, &a, &b, bends).unwrap();
        let mut rng = Rng::new(5, 0);
        for bend in 1..=bends {
            let moved: Vec<f32> = (curve.points()[bend].flatten().iter())
                .map(|v| v + 0.5 * rng.normal() as f32)
                .collect();
            let moved = a.unflatten(&moved).unwrap();
            curve.set_bend(bend, moved).unwrap();
        }
        let profile = context.profile(&curve, 7).unwrap();
        for (t, loss) in profile.t().into_iter().zip(profile.losses()) {
            let network = context.model().network(&curve.at(t));
            let truth = evaluate(&network.unwrap(), context.data(), context.loss()).unwrap();
            assert!(
                (loss - truth.loss).abs() < 1e-5 * truth.loss,
                "{loss} {}",
                truth.loss
            );
        }
        assert!(profile.length > context.line(&a, &b, 2).unwrap().length);
    }
    let same = context.line(&a, &a, 5).unwrap();
    assert_eq!((same.length, same.barrier().unwrap().height), (0.0, 0.0));
    assert_eq!(same.losses()[0], same.losses()[4]);
}

#[test]
fn a_step_is_taken_along_the_share_of_the_gradient() {
    let context = moons();
    let [a, b] = pair(&context);
    let (lr, decay) = (0.3, 0.01);
    let training = TrainConfig {
        epochs: 1,
        batch: 60,
        optimizer: OptimizerKind::Sgd,
        lr,
        weight_decay: Some(decay),
        schedule: Schedule::Constant,
        ..TrainConfig::default()
    };
    for kind in [CurveKind::Bezier, CurveKind::Chain] {
        let config = CurveConfig {
            kind,
            inner_points: 2,
            training: training.clone(),
        };
        let mut steps = Vec::new();
        let mut watch = |step: CurveStep| {
            steps.push(step);
            ControlFlow::Continue(())
        };
        let found = train_curve(&context, &a, &b, &config, &mut watch).unwrap();
        assert_eq!(
            (steps.len(), found.steps, found.outcome),
            (1, 1, Outcome::Complete)
        );
        let before = Curve::straight(kind, &a, &b, 2).unwrap();
        // The exact gradient at the point where the step was taken.
        let at = before.at(steps[0].t);
        let curvature = context.trace().curvature(&at, &Target::default()).unwrap();
        let gradient = curvature.gradient().unwrap();
        assert!((gradient.loss - steps[0].loss).abs() < 1e-5);
        let weights = before.weights(steps[0].t);
        for bend in [1, 2] {
            let old = before.points()[bend].flatten();
            let new = found.curve.points()[bend].flatten();
            let point = at.flatten();
            for i in 0..old.len() {
                let step = gradient.gradient[i] + decay * f64::from(point[i]);
                let expected = f64::from(old[i]) - lr * weights[bend] * step;
                assert!((f64::from(new[i]) - expected).abs() < 1e-6);
            }
        }
        assert_eq!(
            (&found.curve.points()[0], &found.curve.points()[3]),
            (&a, &b)
        );
    }
}

#[test]
fn training_finds_a_low_way_around_the_barrier() {
    let context = mnist(300);
    let [a, b] = [1, 2].map(|seed| fit(&context, seed, 30));
    let line = context.line(&a, &b, 21).unwrap();
    let high = line.barrier().unwrap().height;
    for kind in [CurveKind::Bezier, CurveKind::Chain] {
        let config = CurveConfig {
            kind,
            inner_points: 1,
            training: config(30, 0.05),
        };
        let mut quiet = |_: CurveStep| ControlFlow::Continue(());
        let found = train_curve(&context, &a, &b, &config, &mut quiet).unwrap();
        let profile = context.profile(&found.curve, 21).unwrap();
        let low = profile.barrier().unwrap().height;
        assert!(low < 0.3 * high, "{kind:?}: {high} {low}");
        assert!(profile.length > line.length);
        assert!(found.epochs.last().unwrap().loss < found.epochs[0].loss);
        let again = train_curve(&context, &a, &b, &config, &mut quiet).unwrap();
        assert_eq!(again, found);
        // On the plane of its bend a curve lies exactly.
        let plane = found.curve.plane().unwrap();
        let path = trajectory_on(&plane.plane, &found.curve, &profile).unwrap();
        assert_eq!(path.points.len(), 21);
        for (point, loss) in path.points.iter().zip(profile.losses()) {
            assert!(point.residual < 1e-3 * line.length);
            assert_eq!(point.loss, Some(loss));
        }
        let last = path.points[20].coords;
        assert!((last[0] - plane.marks[2][0]).abs() < 1e-3 && last[1].abs() < 1e-3);
    }
}

#[test]
fn a_training_can_be_ended() {
    let context = moons();
    let [a, b] = pair(&context);
    let config = CurveConfig::default();
    let mut after_three = |step: CurveStep| match step.step {
        3 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let found = train_curve(&context, &a, &b, &config, &mut after_three).unwrap();
    assert_eq!((found.steps, found.outcome), (3, Outcome::Cancelled));
    assert_eq!(found.epochs.len(), 3);
}

#[test]
fn statistics_between_networks_are_estimated_anew() {
    let spec = spec("resnet20");
    let mut rng = Rng::new(2, 0);
    let x = (0..8 * 3072).map(|_| rng.normal() as f32).collect();
    let labels = Targets::Classes((0..8).collect());
    let data = Dataset::new("noise", vec![8, 3, 32, 32], x, labels).unwrap();
    let context = EvaluationContext::new(&spec, data, LossKind::CrossEntropy).unwrap();
    let network = Network::init(&spec, 1, &Device::flex()).params();
    // Statistics that are wrong change nothing but in evaluation with them.
    let mut wrong = network.clone().into_inner();
    for tensor in wrong.iter_mut().filter(|t| t.role == Role::Buffer) {
        tensor.data.iter_mut().for_each(|v| *v = 3.0 * *v + 0.5);
    }
    let wrong = Params::new(wrong).unwrap();
    let losses = |context: &EvaluationContext| context.line(&network, &wrong, 2).unwrap().losses();
    let anew = losses(&context);
    assert!((anew[0] - anew[1]).abs() < 1e-5, "{anew:?}");
    let frozen = losses(&context.clone().with_batch_norm(BatchStatistics::Frozen));
    assert!((frozen[0] - frozen[1]).abs() > 1e-3, "{frozen:?}");
}

#[test]
fn barrier_and_connectivity_are_as_defined() {
    let grid = Grid::new(vec![Axis::new(0.0, 1.0, 5).unwrap()]).unwrap();
    let profile = |losses: [f64; 5]| {
        let mut surface = Surface::new(grid.clone(), Vec::new());
        for (flat, loss) in losses.into_iter().enumerate() {
            surface.set(flat, Sample::of(loss)).unwrap();
        }
        LossProfile {
            surface,
            length: 1.0,
        }
    };
    let hill = profile([1.0, 2.5, 2.0, 2.75, 3.0]);
    let barrier = hill.barrier().unwrap();
    assert_eq!((barrier.height, barrier.at), (1.0, 0.25));
    let found = hill.connectivity().unwrap();
    assert_eq!((found.value, found.at), (1.0, 0.0));
    let valley = profile([1.0, 0.5, 0.25, 0.5, 1.0]);
    assert_eq!(valley.barrier().unwrap().height, 0.0);
    let found = valley.connectivity().unwrap();
    assert_eq!((found.value, found.at), (0.75, 0.5));
    assert_eq!(profile([1.0, f64::NAN, 0.0, 0.0, 0.0]).connectivity(), None);
}

#[test]
fn what_makes_no_path_is_named() {
    let context = moons();
    let [a, b] = pair(&context);
    let other = Network::init(&spec("mlp:2-7-5-1"), 1, &Device::flex()).params();
    assert!(matches!(
        context.line(&a, &other, 5),
        Err(StudyError::Curve(_))
    ));
    let align = |a: &Params, b: &Params| context.align(a, b, Matching::Weights, 0).unwrap_err();
    assert!(matches!(align(&a, &other), StudyError::Params(_)));
    assert!(matches!(
        context.line(&a, &b, 1),
        Err(StudyError::FewPoints { given: 1 })
    ));
    let mut broken = b.clone().into_inner();
    broken[1].data[0] = f32::NAN;
    let broken = Params::new(broken).unwrap();
    let error = context.line(&a, &broken, 5).unwrap_err();
    assert!(
        error.to_string().contains("`fc1.bias` of network 2"),
        "{error}"
    );
    assert!(matches!(align(&a, &broken), StudyError::NotFinite { .. }));
    let mut quiet = |_: CurveStep| ControlFlow::Continue(());
    let mut curve = |inner_points, epochs, lr| {
        let training = config(epochs, lr);
        let config = CurveConfig {
            inner_points,
            training,
            ..CurveConfig::default()
        };
        train_curve(&context, &a, &b, &config, &mut quiet).unwrap_err()
    };
    assert!(matches!(curve(0, 1, 0.1), StudyError::NoInnerPoints));
    assert!(matches!(curve(1, 1, -0.1), StudyError::Models(_)));
    let linear = spec("mlp:2-1");
    let data = load(&"moons:n=10".parse().unwrap(), None, Split::Train, None).unwrap();
    let flat = EvaluationContext::new(&linear, data, LossKind::BceWithLogits).unwrap();
    let network = Network::init(&linear, 1, &Device::flex()).params();
    let error = flat
        .align(&network, &network, Matching::Weights, 0)
        .unwrap_err();
    assert!(error.to_string().contains("mlp:2-1"), "{error}");
}

#[test]
fn the_highest_loss_of_a_path_hides_nothing() {
    let ends = [0.0f32, 1.0].map(|x| {
        let tensor = Parameter::new("w", [1, 1], vec![x], Role::Weight).unwrap();
        Params::new(vec![tensor]).unwrap()
    });
    let curve = Curve::straight(CurveKind::Chain, &ends[0], &ends[1], 0).unwrap();
    let highest = |losses: [f64; 3]| {
        let mut surface = Surface::new(LossProfile::grid(3).unwrap(), Vec::new());
        for (i, loss) in losses.into_iter().enumerate() {
            surface.set(i, Sample::of(loss)).unwrap();
        }
        LossProfile::new(surface, &curve).highest()
    };
    assert_eq!(highest([1.0, 3.0, 2.0]), 3.0);
    assert_eq!(highest([1.0, f64::INFINITY, 2.0]), f64::INFINITY);
    for at in 0..3 {
        let mut losses = [1.0, 3.0, 2.0];
        losses[at] = f64::NAN;
        assert!(highest(losses).is_nan(), "{losses:?}");
    }
}
