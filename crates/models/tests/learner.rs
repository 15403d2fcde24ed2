//! A model in Burn's `Learner`: every step is seen, and training is what it is without.

use burn::data::dataloader::batcher::Batcher;
use burn::data::dataloader::{DataLoader, DataLoaderBuilder};
use burn::data::dataset::InMemDataset;
use burn::module::Module;
use burn::nn::loss::{MseLoss, Reduction};
use burn::nn::{Linear, LinearConfig};
use burn::optim::lr_scheduler::linear::LinearLrSchedulerConfig;
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor, TensorData};
use burn_train::logger::InMemoryMetricLogger;
use burn_train::metric::LossMetric;
use burn_train::{
    InferenceStep, Learner, LearnerModel, LearningResult, RegressionOutput, SupervisedTraining,
    TrainOutput, TrainStep,
};
use landscape_core::Params;
use landscape_models::{Recorded, StepHook, gradient_norm};
use landscape_trace::{params_of, with_params};
use std::sync::{Arc, Mutex};

/// A user's model: nothing in it knows that it is recorded.
#[derive(Module, Debug)]
struct Model {
    fc1: Linear,
    fc2: Linear,
}

impl Model {
    fn new(device: &Device) -> Self {
        let model = Model {
            fc1: LinearConfig::new(3, 4).init(device),
            fc2: LinearConfig::new(4, 1).init(device),
        };
        let layout = params_of(&model).unwrap();
        let values: Vec<f32> = (0..layout.numel())
            .map(|i| (i as f32 * 0.7 + 1.0).sin() / 2.0)
            .collect();
        with_params(model, &layout.unflatten(&values).unwrap()).unwrap()
    }

    fn output(&self, x: Tensor<2>) -> RegressionOutput {
        let targets = x.clone().sum_dim(1);
        let output = self.fc2.forward(self.fc1.forward(x).tanh());
        let loss = MseLoss::new().forward(output.clone(), targets.clone(), Reduction::Mean);
        RegressionOutput::new(loss, output, targets)
    }
}

impl TrainStep for Model {
    type Input = Tensor<2>;
    type Output = RegressionOutput;

    fn step(&self, x: Tensor<2>) -> TrainOutput<RegressionOutput> {
        let output = self.output(x);
        TrainOutput::new(self, output.loss.clone().backward(), output)
    }

    /// Of its own: the rate is halved.
    fn optimize(
        self,
        optim: &mut ModuleOptimizer,
        lr: ModuleLearningRate,
        grads: GradientsParams,
    ) -> Self {
        optim.step(lr.base() / 2.0, self, grads)
    }
}

impl InferenceStep for Model {
    type Input = Tensor<2>;
    type Output = RegressionOutput;

    fn step(&self, x: Tensor<2>) -> RegressionOutput {
        self.output(x)
    }
}

#[derive(Clone)]
struct Rows;

impl Batcher<[f32; 3], Tensor<2>> for Rows {
    fn batch(&self, items: Vec<[f32; 3]>, device: &Device) -> Tensor<2> {
        let shape = [items.len(), 3];
        Tensor::from_data(TensorData::new(items.concat(), shape), device)
    }
}

/// Twelve samples in batches of 4: three steps an epoch.
fn loader(device: &Device) -> Arc<dyn DataLoader<Tensor<2>>> {
    let row = |i: usize| [0, 1, 2].map(|j| ((3 * i + j) as f32).cos());
    DataLoaderBuilder::new(Rows)
        .batch_size(4)
        .set_device(device.clone())
        .build(InMemDataset::new((0..12).map(row).collect()))
}

/// Two epochs of a model, in the way of Burn's book.
fn train<M>(model: M, device: &Device) -> LearningResult<M>
where
    M: LearnerModel
        + TrainStep<Input = Tensor<2>, Output = RegressionOutput>
        + InferenceStep<Input = Tensor<2>, Output = RegressionOutput>,
{
    let folder = tempfile::tempdir().unwrap();
    let rate = LinearLrSchedulerConfig::new(0.1, 0.01, 9).init().unwrap();
    let plain = Device::flex();
    SupervisedTraining::new(folder.path(), loader(device), loader(&plain))
        .metric_train_numeric(LossMetric::new())
        .metric_valid_numeric(LossMetric::new())
        .with_metric_logger(InMemoryMetricLogger::new())
        .with_application_logger(None)
        .num_epochs(2)
        .launch(Learner::new(model, AdamConfig::new().init(), rate))
}

/// What a hook saw of a step.
#[derive(Debug, Clone)]
struct Seen {
    step: u64,
    epoch: f64,
    lr: Option<f64>,
    norm: Option<f64>,
    params: Params,
}

fn hook(seen: &Arc<Mutex<Vec<Seen>>>) -> StepHook<Model> {
    let seen = Arc::clone(seen);
    StepHook::new(move |stepped| {
        seen.lock().unwrap().push(Seen {
            step: stepped.step,
            epoch: stepped.epoch,
            lr: stepped.lr,
            norm: stepped.gradient_norm,
            params: stepped.params().unwrap(),
        });
    })
    .steps_per_epoch(3)
}

#[test]
fn a_recorded_model_trains_as_it_does_alone_and_every_step_is_seen() {
    let device = Device::flex().autodiff();
    let alone = train(Model::new(&device), &device);
    assert!(alone.error.is_none());

    let seen = Arc::default();
    let result = train(Recorded::new(Model::new(&device), hook(&seen)), &device);
    assert!(result.error.is_none());
    let path = seen.lock().unwrap().clone();
    let last = params_of(result.model.model()).unwrap();
    assert_eq!(last, params_of(&alone.model).unwrap(), "the same bits");
    assert_eq!(path.last().unwrap().params, last);

    let steps: Vec<u64> = path.iter().map(|s| s.step).collect();
    assert_eq!(steps, [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(path[4].epoch, 4.0 / 3.0);
    assert_eq!((path[0].lr, path[0].norm), (None, None));
    for step in &path[1..] {
        let rate = 0.1 - 0.01 * (step.step - 1) as f64;
        assert!((step.lr.unwrap() - rate).abs() < 1e-12, "{step:?}");
    }
    // The first gradient, by itself.
    let model = Model::new(&device);
    let batch = loader(&device).iter().next().unwrap().unwrap();
    let gradients = TrainStep::step(&model, batch).grads;
    let norm = gradient_norm(&model, &gradients);
    assert!((path[1].norm.unwrap() - norm).abs() < 1e-6 * norm);
    // Adam's first step is the rate, halved by the model's own `optimize`, in every parameter.
    let moved = path[1].params.sub(&path[0].params).unwrap();
    let largest = moved.flatten().iter().fold(0.0f32, |m, v| m.max(v.abs()));
    assert!((largest - 0.05).abs() < 1e-4, "{largest}");
}

#[test]
fn names_are_those_of_the_model() {
    let device = Device::flex().autodiff();
    let recorded = Recorded::new(Model::new(&device), hook(&Arc::default()));
    let params = params_of(&recorded).unwrap();
    let names: Vec<&str> = params.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]);
    let record = recorded.clone().into_record();
    let other = recorded.into_model().no_grad().load_record(record);
    assert_eq!(params_of(&other).unwrap(), params);
}
