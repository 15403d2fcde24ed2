//! Programs from files under training, against PyTorch in f64 (`reference/training.py`) and against the family of the same
//! network.

use landscape_core::{Curve, Params, Role};
use landscape_models::{Dataset, LoadOptions, LossKind, OptimizerKind, TrainConfig};
use landscape_storage::{Run, Store};
use landscape_study::StudyError;
use landscape_study::compare::{Base, Study, Unobserved};
use landscape_study::connect::{CurveConfig, CurveStep, EvaluationContext, train_curve};
use landscape_study::problem::{Model, ModelSource, load_data};
use landscape_study::report::{Level, Meter, Reporter};
use landscape_study::runs::{TrainRequest, TrainedRun, Training};
use std::fmt::Display;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

fn reference(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
    folder.join(name)
}

fn model(name: &str) -> ModelSource {
    ModelSource::File(reference(name))
}

/// A training of `reference/training.py`.
fn request(model: ModelSource, data: &str, rule: OptimizerKind) -> TrainRequest {
    let mut request = TrainRequest::new(model);
    let data = reference(&format!("{data}.npz"));
    request.data.data = Some(data.to_str().unwrap().parse().unwrap());
    let adaptive = matches!(rule, OptimizerKind::Adam | OptimizerKind::AdamW);
    request.config = TrainConfig {
        epochs: 3,
        batch: 8,
        optimizer: rule,
        lr: if adaptive { 0.02 } else { 0.05 },
        momentum: 0.8,
        weight_decay: Some(0.02),
        every: 1,
        shuffle: false,
        ..TrainConfig::default()
    };
    request
}

struct Bench {
    _folder: tempfile::TempDir,
    store: Store,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("landscape.duckdb")).unwrap();
        Bench {
            _folder: folder,
            store,
        }
    }

    fn train(&self, request: &TrainRequest) -> TrainedRun {
        let training = Training::prepare(request, &()).unwrap();
        training.run(&self.store, &()).unwrap()
    }

    fn end(&self, run: &Run) -> Params {
        self.store.last_checkpoint(run).unwrap().unwrap().params
    }
}

fn state_dict(of: &ModelSource, name: &str) -> Params {
    let options = LoadOptions {
        renames: &[],
        ..LoadOptions::default()
    };
    let model = Model::open(of, &()).unwrap();
    model.load(&reference(name), &options, &()).unwrap()
}

fn assert_same(found: &Params, expected: &Params, tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len());
    for tensor in expected {
        let own = found.get(&tensor.name).unwrap();
        for (a, b) in own.data.iter().zip(&tensor.data) {
            let (a, b) = (f64::from(*a), f64::from(*b));
            let close = (a - b).abs() <= tolerance * b.abs().max(1.0);
            assert!(close, "{what}, {}: {a}, not {b}", tensor.name);
        }
    }
}

/// Parameters and running statistics after nine steps, and losses and norms of gradients on the way. The last batch of an
/// epoch is smaller.
#[test]
fn programs_take_pytorchs_steps() {
    let truth = std::fs::read_to_string(reference("truth.txt")).unwrap();
    let bench = Bench::new();
    for (file, name) in [
        ("mlp.pt2", "mlp"),
        ("conv.pt2", "conv"),
        ("conv.onnx", "conv"),
    ] {
        for &rule in OptimizerKind::ALL {
            let what = format!("{file} {rule}");
            let trained = bench.train(&request(model(file), name, rule));
            let end = bench.end(&trained.run);
            let expected = state_dict(&model(file), &format!("{name}-{rule}.safetensors"));
            assert!(expected.iter().any(|t| t.role == Role::Buffer) == (name == "conv"));
            assert_same(&end, &expected, 1e-5, &what);
            assert_eq!(trained.records.len(), 10, "{what}");
            for line in truth.lines() {
                let words: Vec<&str> = line.split(' ').collect();
                if words[..2] != [name, rule.name()] {
                    continue;
                }
                let number = |at: usize| words[at].parse::<f64>().unwrap();
                let record = match words[2] {
                    "end" => &trained.records[9],
                    step => &trained.records[step.parse::<usize>().unwrap()],
                };
                let found = match words[2] {
                    "end" => vec![record.loss],
                    _ => vec![record.batch_loss, record.gradient_norm],
                };
                for (place, found) in found.into_iter().enumerate() {
                    let (found, expected) = (found.unwrap(), number(3 + place));
                    assert!(
                        (found - expected).abs() < 2e-5 * expected,
                        "{what}: {line}, not {found}"
                    );
                }
            }
        }
    }
}

/// The same weights, seed and order of the samples.
#[test]
fn a_family_and_its_program_take_one_path() {
    let bench = Bench::new();
    let family: ModelSource = "mlp:2-5-3:tanh".parse().unwrap();
    for &rule in OptimizerKind::ALL {
        let with = |model: ModelSource| {
            let mut request = request(model, "mlp", rule);
            (request.config.shuffle, request.config.seed) = (true, 7);
            request
        };
        let mut of_family = with(family.clone());
        of_family.weights = Some(reference("mlp.safetensors"));
        let [own, program] = [of_family, with(model("mlp.pt2"))].map(|r| bench.train(&r));
        assert_ne!(own.run.name, program.run.name);
        assert_same(
            &bench.end(&program.run),
            &bench.end(&own.run),
            3e-6,
            rule.name(),
        );
        for (a, b) in own.records.iter().zip(&program.records) {
            assert_eq!(
                (a.step, a.epoch, a.lr, a.accuracy),
                (b.step, b.epoch, b.lr, b.accuracy)
            );
            let close = |a: Option<f64>, b: Option<f64>| {
                let (a, b) = (a.unwrap_or(0.0), b.unwrap_or(0.0));
                assert!((a - b).abs() <= 1e-5 * b.abs(), "{rule}: {a}, not {b}");
            };
            close(a.loss, b.loss);
            close(a.batch_loss, b.batch_loss);
            close(a.gradient_norm, b.gradient_norm);
        }
    }
}

/// Stops a training after some steps.
struct Stopper {
    steps: Mutex<usize>,
    said: Mutex<Vec<String>>,
}

impl Stopper {
    fn after(steps: usize) -> Self {
        Stopper {
            steps: Mutex::new(steps),
            said: Mutex::default(),
        }
    }
}

impl Reporter for Stopper {
    fn say(&self, _: Level, words: &dyn Display) {
        self.said.lock().unwrap().push(words.to_string());
    }

    fn meter(&self, _: &str, _: bool) -> Box<dyn Meter> {
        ().meter("", false)
    }

    fn cancelled(&self) -> bool {
        let mut left = self.steps.lock().unwrap();
        *left = left.saturating_sub(1);
        *left == 0
    }
}

#[test]
fn a_stopped_training_of_a_program_ends_bit_for_bit() {
    for rule in [OptimizerKind::Nesterov, OptimizerKind::AdamW] {
        let (whole, parts) = (Bench::new(), Bench::new());
        let mut request = request(model("conv.pt2"), "conv", rule);
        request.config.shuffle = true;
        request.config.augment = "crop,flip".parse().unwrap();
        let calm = whole.train(&request);
        let training = Training::prepare(&request, &()).unwrap();
        let error = training.run(&parts.store, &Stopper::after(5)).unwrap_err();
        assert!(matches!(error, StudyError::Interrupted { .. }), "{error}");
        let rest = parts.train(&request);
        let bits = |params: &Params| -> Vec<u32> {
            let tensors = params.iter();
            tensors
                .flat_map(|t| t.data.iter().map(|x| x.to_bits()))
                .collect()
        };
        assert_eq!(bits(&parts.end(&rest.run)), bits(&whole.end(&calm.run)));
        for (a, b) in calm.records.iter().zip(&rest.records) {
            assert_eq!(
                (a.loss, a.batch_loss, a.gradient_norm),
                (b.loss, b.batch_loss, b.gradient_norm)
            );
        }
    }
}

/// What cannot be done to a program is told with what to do.
#[test]
fn programs_are_refused_what_only_families_have() {
    let with = |change: &dyn Fn(&mut TrainRequest)| {
        let mut request = request(model("conv.pt2"), "conv", OptimizerKind::Sgd);
        change(&mut request);
        Training::prepare(&request, &()).err().unwrap().to_string()
    };
    let error = with(&|request| request.init = Some("li".parse().unwrap()));
    assert!(
        error.contains("`li` are drawn for the built-in families"),
        "{error}"
    );
    let error = with(&|request| request.device = "wgpu".parse().unwrap());
    assert!(error.contains("wgpu"), "{error}");
    let error = with(&|request| request.config.batch = 7);
    assert!(error.contains("last"), "{error}");
    let mut flat = request(model("mlp.pt2"), "mlp", OptimizerKind::Sgd);
    flat.config.augment = "flip".parse().unwrap();
    let error = Training::prepare(&flat, &()).err().unwrap().to_string();
    assert!(error.contains("only a network of images"), "{error}");
}

/// Losses of batches are those of a linear function of what is dropped, whose mean is known: for `y = E + noise`, it is
/// `(w E)^2 + Var(w noise)`. Evaluations drop nothing.
#[test]
fn dropout_drops_in_training_as_pytorchs() {
    const RATE: f64 = 0.4;
    const ALPHA: f64 = 1.758_099_340_847_376_6;
    let w = [0.5, -1.0, 0.25, 1.0, 0.75, -0.5];
    let scale = 1.0 / ((ALPHA * ALPHA * RATE + 1.0) * (1.0 - RATE)).sqrt();
    let odds = RATE / (1.0 - RATE);
    let square = |x: f64| x * x;
    let spread = |name: &str, x: &[f64]| -> f64 {
        let terms = (0..6).map(|k| w[k] * x[k]);
        match name {
            "dropout" => odds * terms.map(square).sum::<f64>(),
            "feature" => {
                let terms: Vec<f64> = terms.collect();
                odds * terms
                    .chunks(2)
                    .map(|pair| square(pair.iter().sum()))
                    .sum::<f64>()
            }
            _ => {
                let each = (0..6).map(|k| square(w[k] * (x[k] + ALPHA)));
                scale * scale * RATE * (1.0 - RATE) * each.sum::<f64>()
            }
        }
    };
    let bench = Bench::new();
    for name in ["dropout", "feature", "alpha"] {
        let mut request = request(model(&format!("{name}.pt2")), "dropout", OptimizerKind::Sgd);
        request.data.loss = Some("mse".parse().unwrap());
        request.config = TrainConfig {
            epochs: 400,
            batch: 50,
            lr: 1e-30,
            every: 1,
            ..TrainConfig::default()
        };
        let trained = bench.train(&request);
        let (mut still, mut expected) = (0.0, 0.0);
        for sample in 0..50 {
            let x: Vec<f64> = (0..6)
                .map(|k| -1.0 + 3.0 * f64::from(sample * 6 + k) / 299.0)
                .collect();
            let mean: f64 = (0..6).map(|k| w[k] * x[k]).sum();
            let factor = if name == "alpha" {
                scale * (1.0 - RATE)
            } else {
                1.0
            };
            still += square(mean) / 50.0;
            expected += (square(factor * mean) + spread(name, &x)) / 50.0;
        }
        let losses: Vec<f64> = trained
            .records
            .iter()
            .filter_map(|r| r.batch_loss)
            .collect();
        let n = losses.len() as f64;
        let mean = losses.iter().sum::<f64>() / n;
        let error = (losses.iter().map(|l| square(l - mean)).sum::<f64>() / n / n).sqrt();
        assert!(
            error > 0.0 && (mean - expected).abs() < 4.0 * error,
            "{name}: {mean}, not {expected}"
        );
        for record in &trained.records {
            assert!(
                (record.loss.unwrap() - still).abs() < 1e-5,
                "{name}: {:?}",
                record.loss
            );
        }
    }
}

/// Data, loss and settings of the small perceptron.
fn problem() -> (Dataset, LossKind, TrainConfig) {
    let request = request(model("mlp.pt2"), "mlp", OptimizerKind::Momentum);
    let source = request.data.source(None).unwrap();
    let data = load_data(&source).unwrap();
    (data, LossKind::CrossEntropy, request.config)
}

#[test]
fn variants_of_a_program_are_trained_side_by_side() {
    let (data, loss, config) = problem();
    let base = |model: Model, initial: Option<Params>| Base {
        model,
        data: data.clone(),
        loss,
        config: config.clone(),
        initial,
        init: None,
    };
    let program = Model::open(&model("mlp.pt2"), &()).unwrap();
    let rates = [(OptimizerKind::Sgd, 0.1), (OptimizerKind::Adam, 0.01)];
    let study = Study::optimizers(base(program.clone(), None), &rates).unwrap();
    let own = study.train(2, &Unobserved).unwrap();
    let family: ModelSource = "mlp:2-5-3:tanh".parse().unwrap();
    let start = state_dict(&family, "mlp.safetensors");
    let family = Model::open(&family, &()).unwrap();
    let study = Study::optimizers(base(family, Some(start)), &rates).unwrap();
    for (own, expected) in own.iter().zip(study.train(2, &Unobserved).unwrap()) {
        assert_eq!((&own.label, own.steps), (&expected.label, expected.steps));
        assert_same(&own.end, &expected.end, 3e-6, &own.label);
    }
    let widths = Study::widths(base(program, None), &[2, 8]);
    assert!(matches!(widths, Err(StudyError::NoFamily { .. })));
}

#[test]
fn a_curve_between_weights_of_a_program_is_that_of_the_family() {
    let (data, loss, training) = problem();
    let curve = |source: ModelSource| {
        let ends = ["mlp.safetensors", "mlp-adam.safetensors"].map(|end| state_dict(&source, end));
        let model = Model::open(&source, &()).unwrap();
        let context = EvaluationContext::new(model, data.clone(), loss).unwrap();
        let config = CurveConfig {
            inner_points: 2,
            training: training.clone(),
            ..CurveConfig::default()
        };
        let mut steps = 0;
        let mut watch = |_: CurveStep| {
            steps += 1;
            ControlFlow::Continue(())
        };
        let found = train_curve(&context, &ends[0], &ends[1], &config, &mut watch).unwrap();
        assert_eq!((steps, found.steps), (9, 9));
        found.curve
    };
    let [own, expected] = [model("mlp.pt2"), "mlp:2-5-3:tanh".parse().unwrap()].map(curve);
    for (own, expected) in own.points().iter().zip(expected.points()) {
        assert_same(own, expected, 3e-6, "curve");
    }
    let straight = Curve::straight(own.kind, &own.points()[0], &own.points()[3], 2).unwrap();
    assert_ne!(own.points()[1], straight.points()[1]);
}
