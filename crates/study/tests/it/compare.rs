//! Trainings side by side.

use landscape_core::{
    Cancel, Checkpoint, Grid, Origin, Outcome, PathOptions, PathPlane, Projection, metrics,
};
use landscape_hessian::Dense;
use landscape_models::{
    Dataset, LossKind, ModelSpec, ModelsError, Network, OptimizerKind, Record, Split, Step,
    TrainConfig, evaluate, load, train,
};
use landscape_study::StudyError;
use landscape_study::compare::{
    Base, Factor, Fate, Paths, Row, Statistics, Study, StudyObserver, TableOptions, Trained,
    Unobserved, end_plane, joint_plane, same_layout, widened,
};
use landscape_trace::Target;
use std::ops::ControlFlow;
use std::sync::Mutex;

const LOSS: LossKind = LossKind::BceWithLogits;

fn moons() -> Dataset {
    let spec = "moons:n=60,noise=0.2,seed=42".parse().unwrap();
    load(&spec, None, Split::Train, None).unwrap()
}

fn base(model: &str) -> Base {
    Base {
        model: model.parse::<ModelSpec>().unwrap().into(),
        data: moons(),
        loss: LOSS,
        config: TrainConfig {
            epochs: 6,
            batch: 16,
            lr: 0.1,
            ..TrainConfig::default()
        },
        initial: None,
        init: None,
    }
}

fn optimizers() -> Study {
    use OptimizerKind::{Adam, Momentum, Sgd};
    let rates = [(Sgd, 0.1), (Momentum, 0.1), (Adam, 0.01)];
    Study::optimizers(base("mlp:2-6-4-1"), &rates).unwrap()
}

fn trained(study: &Study) -> Vec<Trained> {
    study.train(2, &Unobserved).unwrap()
}

/// With the paths, on so many threads.
fn followed(study: &Study, threads: usize) -> (Vec<Trained>, Vec<Vec<Checkpoint>>) {
    let paths = Paths::default();
    let trained = study.train(threads, &paths).unwrap();
    (trained, paths.into_inner())
}

fn bits(path: &[Checkpoint]) -> Vec<Vec<u32>> {
    let flat = |c: &Checkpoint| c.params.flatten().iter().map(|v| v.to_bits()).collect();
    path.iter().map(flat).collect()
}

#[test]
fn optimizers_start_from_the_same_parameters_and_go_apart() {
    let (trained, paths) = followed(&optimizers(), 2);
    let labels: Vec<&str> = trained.iter().map(|t| t.label.as_str()).collect();
    assert_eq!(labels, ["sgd", "momentum", "adam"]);
    for (other, path) in trained.iter().zip(&paths).skip(1) {
        assert_eq!(path[0], paths[0][0]);
        assert_ne!(other.end, trained[0].end);
        assert_eq!(other.first, trained[0].first);
    }
}

#[test]
fn each_training_is_what_it_is_alone_on_any_number_of_threads() {
    let study = Study::seeds(base("mlp:2-6-4-1"), 3..8).unwrap();
    let (of_one, alone_paths) = followed(&study, 1);
    let (of_three, paths) = followed(&study, 3);
    let paths: Vec<_> = paths.iter().map(|path| bits(path)).collect();
    assert_eq!(
        alone_paths
            .iter()
            .map(|path| bits(path))
            .collect::<Vec<_>>(),
        paths
    );
    for ((a, b), seed) in of_one.iter().zip(&of_three).zip(3..) {
        assert_eq!(a.records, b.records);
        assert_eq!(a.epochs, b.epochs);
        let config = TrainConfig {
            seed,
            ..base("mlp:2-6-4-1").config
        };
        let spec = "mlp:2-6-4-1".parse().unwrap();
        let network = Network::init(&spec, seed, &burn::tensor::Device::flex());
        let mut losses = Vec::new();
        let mut keep = |record: Record| {
            losses.push(record.loss);
            ControlFlow::Continue(())
        };
        let alone = train(network, &moons(), LOSS, &config, &mut keep).unwrap();
        assert_eq!(alone.network.params(), a.end);
        let recorded = a.records.iter().filter_map(|r| r.loss);
        assert_eq!(losses, recorded.collect::<Vec<_>>());
        assert_eq!(alone.epochs, a.epochs);
        assert_eq!((a.steps, a.outcome), (alone.steps, Outcome::Complete));
        assert_eq!((&a.first, &a.last), (&alone.first, &alone.last));
    }
}

#[test]
fn widths_keep_the_proportions_of_hidden_layers() {
    let of = |model: &str, width| {
        let model: ModelSpec = model.parse().unwrap();
        widened(&model, width).map(|model| model.to_string())
    };
    assert_eq!(of("mlp:2-8-4-1", 32).unwrap(), "mlp:2-32-16-1");
    assert_eq!(of("mlp:2-8-4-1", 2).unwrap(), "mlp:2-2-1-1");
    assert_eq!(of("mlp:2-8-4-1", 1).unwrap(), "mlp:2-1-1-1");
    assert_eq!(of("mlp:2-8-8-1:tanh", 3).unwrap(), "mlp:2-3-3-1:tanh");
    assert_eq!(of("wrn56-2-noshort", 8).unwrap(), "wrn56-8-noshort");
    for model in ["mlp:2-1", "resnet20", "vit:patch=7,image=1x28x28"] {
        assert!(matches!(of(model, 4), Err(StudyError::NoWidth { .. })));
    }
    for (model, width) in [("mlp:2-8-1", 0), ("wrn56-2", 3), ("mlp:2-8-1", 1 << 28)] {
        assert!(matches!(of(model, width), Err(StudyError::Width { .. })));
    }
}

#[test]
fn widths_share_no_plane() {
    let study = Study::widths(base("mlp:2-4-1"), &[2, 6]).unwrap();
    assert_eq!(study.factor(), Factor::Width);
    let trained = trained(&study);
    assert!(!same_layout(&trained));
    let none = joint_plane(&trained, &[], &PathOptions::default());
    let words = none.unwrap_err().to_string();
    assert!(words.contains("`width 2` (mlp:2-2-1)") && words.contains("`width 6` (mlp:2-6-1)"));
    for one in &trained {
        assert_eq!(end_plane(&one.end, 0).unwrap().dims(), 2);
    }
}

#[test]
fn batch_sizes_change_the_number_of_steps_and_nothing_of_the_start() {
    let study = Study::batch_sizes(base("mlp:2-4-1"), &[10, 30]).unwrap();
    let (trained, paths) = followed(&study, 2);
    assert_eq!((trained[0].steps, trained[1].steps), (36, 12));
    assert_eq!(paths[0][0], paths[1][0]);
}

#[test]
fn what_cannot_be_compared_is_refused_before_any_training() {
    let few = Study::seeds(base("mlp:2-4-1"), 3..4).unwrap_err();
    assert_eq!(
        few.to_string(),
        "a comparison of seeds needs at least two of them, but 1 given"
    );
    let twice = Study::batch_sizes(base("mlp:2-4-1"), &[8, 16, 8]).unwrap_err();
    assert!(matches!(twice, StudyError::Repeated { label } if label == "batch size 8"));
    let setting = Study::batch_sizes(base("mlp:2-4-1"), &[8, 0]).unwrap_err();
    let bad = |error: &StudyError| {
        matches!(
            error,
            StudyError::Models(ModelsError::BadTraining { field: "batch", .. })
        )
    };
    assert!(bad(&setting), "{setting}");
    let rate = Study::optimizers(
        base("mlp:2-4-1"),
        &[(OptimizerKind::Sgd, 0.1), (OptimizerKind::Adam, -1.0)],
    );
    assert!(matches!(rate, Err(StudyError::Models(_))));
    let inputs = Study::seeds(base("mlp:3-4-1"), 0..2);
    assert!(matches!(
        inputs,
        Err(StudyError::Models(ModelsError::Inputs { .. }))
    ));
    let started = Base {
        initial: Some(Network::layout(&"mlp:2-4-1".parse().unwrap())),
        ..base("mlp:2-4-1")
    };
    let widths = Study::widths(started.clone(), &[2, 4]);
    assert!(matches!(widths, Err(StudyError::InitialWidths)));
    let other = Study::seeds(
        Base {
            model: "mlp:2-5-1".parse::<ModelSpec>().unwrap().into(),
            ..started
        },
        0..2,
    );
    assert!(matches!(
        other,
        Err(StudyError::Models(ModelsError::Layout { .. }))
    ));
}

#[test]
fn given_initial_parameters_are_where_all_seeds_start() {
    let spec = "mlp:2-4-1".parse().unwrap();
    let network = Network::init(&spec, 9, &burn::tensor::Device::flex());
    let started = Base {
        initial: Some(network.params()),
        ..base("mlp:2-4-1")
    };
    let (trained, paths) = followed(&Study::seeds(started, 0..2).unwrap(), 2);
    for path in &paths {
        assert_eq!(path[0].params, network.params());
    }
    assert_ne!(trained[0].end, trained[1].end, "another order of samples");
}

/// Ends everything when the second variant reaches its tenth step.
struct Impatient(Mutex<Vec<(usize, u64)>>);

impl StudyObserver for Impatient {
    fn step(&self, variant: usize, step: Step) -> ControlFlow<()> {
        self.0.lock().unwrap().push((variant, step.step));
        match (variant, step.step) {
            (1, 10) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}

#[test]
fn an_observer_ends_all_trainings_and_what_is_done_stays() {
    let study = Study::seeds(base("mlp:2-4-1"), 0..4).unwrap();
    let watch = Impatient(Mutex::default());
    let trained = study.train(1, &watch).unwrap();
    let steps: Vec<u64> = trained.iter().map(|t| t.steps).collect();
    assert_eq!(steps, [24, 10, 0, 0]);
    assert_eq!(trained[0].outcome, Outcome::Complete);
    assert_eq!(trained[1].outcome, Outcome::Cancelled);
    assert_eq!(trained[3].outcome, Outcome::Cancelled);
    assert_eq!(trained[3].records.len(), 1, "the initial state");
    assert_eq!(watch.0.lock().unwrap().len(), 34);
    let rest = study.only(&[2, 3]);
    assert_eq!(rest.variants()[1].label, "seed 3");
}

#[test]
fn the_joint_plane_has_every_path_with_its_true_losses() {
    let (trained, all) = followed(&optimizers(), 2);
    let options = PathOptions {
        origin: Origin::First,
        ..PathOptions::default()
    };
    let plane = joint_plane(&trained, &all, &options).unwrap();
    let paths: Vec<&[Checkpoint]> = all.iter().map(Vec::as_slice).collect();
    let plain = PathPlane::fit(&paths, &options).unwrap();
    for (k, path) in plane.trajectories.iter().enumerate() {
        assert_eq!(path.projection, Projection::LeastSquares);
        for (place, point) in path.points.iter().enumerate() {
            assert_eq!(point.coords, plain.trajectories[k].points[place].coords);
            assert_eq!(point.loss, trained[k].records[place].loss);
        }
        assert!(path.points[0].coords.iter().all(|c| c.abs() < 1e-6));
    }
    let windowed = PathOptions {
        window: Some(8..=24),
        ..PathOptions::default()
    };
    let late = joint_plane(&trained, &all, &windowed).unwrap();
    let first = late.trajectories[0].points[0];
    let record = trained[0].records.iter().find(|r| r.step == first.step);
    assert_eq!(first.loss, record.and_then(|r| r.loss));
    assert!(first.step >= 8);
}

/// What diverged does not set the scale of the others.
#[test]
fn the_joint_plane_ends_where_a_training_diverges() {
    let mut wild = base("mlp:2-6-4-1");
    wild.loss = LossKind::Mse;
    wild.config.every = 1;
    let rates = [(OptimizerKind::Sgd, 0.05), (OptimizerKind::Sgd, 8.0)];
    let study = Study::optimizers(wild, &rates).unwrap();
    let (trained, all) = followed(&study, 2);
    let [calm, wild] = &trained[..] else {
        panic!("two trainings");
    };
    assert!(!wild.last.loss.is_finite() || wild.last.loss > wild.first.loss);
    let plane = joint_plane(&trained, &all, &PathOptions::default()).unwrap();
    assert_eq!(plane.trajectories[0].points.len(), calm.records.len());
    let kept = &plane.trajectories[1].points;
    assert!(!kept.is_empty() && kept.len() < wild.records.len());
    let good = |loss: f64| loss.is_finite() && loss <= wild.first.loss;
    let after = wild.records[kept.len()].loss.unwrap_or(f64::NAN);
    assert!(!good(after), "{after}");
}

#[test]
fn the_table_has_the_curvature_of_the_whole_matrix() {
    let study = optimizers();
    let trained = trained(&study);
    let options = TableOptions {
        grid: Grid::square(11, 0.5, 2).unwrap(),
        ..TableOptions::default()
    };
    let rows = study.table(&trained, &options).unwrap();
    for (row, one) in rows.iter().zip(&trained) {
        let trace = study.trace(&one.model, &one.end).unwrap();
        let exact = trace.curvature(&one.end, &Target::default()).unwrap();
        let exact = exact.in_f64();
        let n = exact.dim();
        let unit = |i: usize| (0..n).map(|j| f64::from(u8::from(i == j))).collect();
        let products = exact
            .hessian(&(0..n).map(unit).collect::<Vec<_>>())
            .unwrap();
        let whole = Dense::from_fn(n, |i, j| products[i][j]);
        let largest = whole.eigenvalues()[0];
        let found = row.lambda_max.unwrap();
        assert!(found.converged);
        assert!(found.residual <= 1e-3 * found.value);
        assert!((found.value - largest).abs() <= 1e-3 * largest);

        // One step of 0.05 up the gradient, with losses by forward passes.
        let gradient = exact.gradient().unwrap().gradient;
        let length = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        let up = exact.point().iter().zip(&gradient);
        let up: Vec<f32> = up.map(|(w, g)| (w + 0.05 * g / length) as f32).collect();
        let loss = |params| {
            let device = burn::tensor::Device::flex();
            let network =
                Network::from_params(one.model.family().unwrap(), params, &device).unwrap();
            evaluate(&network, study.data(), LOSS).unwrap().loss
        };
        let moved = one.end.unflatten(&up).unwrap();
        let rise = loss(&moved) - loss(&one.end);
        assert!((row.sharpness.unwrap() - rise).abs() < 1e-5, "{rise}");
        assert_eq!(row.parameters, n);
    }
}

#[test]
fn surfaces_around_the_ends_are_those_of_one_seed_and_grid() {
    let study = optimizers();
    let trained = trained(&study);
    let options = TableOptions {
        grid: Grid::square(9, 1.0, 2).unwrap(),
        seed: 7,
        ..TableOptions::default()
    };
    let rows = study.table(&trained, &options).unwrap();
    for (row, one) in rows.iter().zip(&trained) {
        let plane = end_plane(&one.end, 7).unwrap();
        let surface = study.sample(&one.model, &plane, &options.grid, 1, &Cancel::new());
        let surface = surface.unwrap();
        assert_eq!(row.surface.as_ref(), Some(&surface));
        assert_eq!(row.metrics, metrics(&surface).ok());
        let center = surface.get(40).unwrap().loss;
        assert!((center - row.loss).abs() < 1e-6);
        assert_eq!(row.steps, 24);
        assert_ne!(row.fate, Fate::Diverged);
    }
    let cancelled = TableOptions::default();
    cancelled.cancel.cancel();
    let rows: Vec<Row> = study.table(&trained, &cancelled).unwrap();
    assert!(
        rows.iter()
            .all(|row| row.surface.is_none() && row.loss < row.first_loss)
    );
}

#[test]
fn a_training_that_diverges_is_a_row_without_curvature() {
    let mut wild = base("mlp:2-6-4-1");
    wild.loss = LossKind::Mse;
    let rates = [(OptimizerKind::Sgd, 0.05), (OptimizerKind::Momentum, 1e6)];
    let study = Study::optimizers(wild, &rates).unwrap();
    let trained = trained(&study);
    let rows = study.table(&trained, &TableOptions::default()).unwrap();
    assert_eq!(rows[0].fate, Fate::Learnt);
    assert!(rows[0].accuracy.is_none() && rows[0].metrics.is_some());
    assert_eq!(rows[1].fate, Fate::Diverged);
    assert!(rows[1].lambda_max.is_none() && rows[1].metrics.is_none());
    let statistics = Statistics::of(&trained);
    assert_eq!((statistics.count, statistics.diverged), (2, 1));
}

#[test]
fn statistics_are_those_of_the_finite_losses() {
    // numpy: mean 0.25, std(ddof=1) 0.1290994..., median 0.25.
    let losses = [
        (0.7, 0.4),
        (0.7, 0.1),
        (0.7, 0.3),
        (0.7, f64::NAN),
        (0.7, 0.2),
    ];
    let s = Statistics::of_losses(&losses);
    assert_eq!((s.count, s.finite, s.diverged, s.stuck), (5, 4, 1, 0));
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-15, "{a} {b}");
    near(s.mean, 0.25);
    near(s.std, (0.05f64 / 3.0).sqrt());
    near(s.standard_error, (0.05f64 / 12.0).sqrt());
    near(s.median, 0.25);
    assert_eq!((s.min, s.max), (0.1, 0.4));
    let s = Statistics::of_losses(&[(1.0, 0.96), (1.0, 0.5), (1.0, 1.5)]);
    assert_eq!((s.stuck, s.diverged, s.median), (1, 1, 0.96));
    let nothing = Statistics::of_losses(&[(1.0, f64::INFINITY)]);
    assert!(nothing.mean.is_nan() && nothing.median.is_nan() && nothing.diverged == 1);
    assert!(Statistics::of_losses(&[(1.0, 0.5)]).std.is_nan());
}
