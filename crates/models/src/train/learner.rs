//! Any model in Burn's `Learner`, with its steps shown to a hook.

use super::StepHook;
use super::hook::gradient_norm;
use burn::module::{Devices, Module, ModuleMapper, ModuleVisitor};
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::optim::{GradientsParams, ModuleOptimizer, MultiGradientsParams};
use burn::tensor::Device;
use burn_train::{InferenceStep, TrainOutput, TrainStep};
use std::fmt;

/// A model whose steps a [`StepHook`] sees: `Learner::new(Recorded::new(model, hook), optimizer, lr)`
/// in place of `Learner::new(model, optimizer, lr)`, and nothing else changes. Names of parameters, records
/// and files are those of the model.
#[derive(Debug, Clone)]
pub struct Recorded<M> {
    model: M,
    hook: StepHook<M>,
}

impl<M: Module> Recorded<M> {
    /// The model with a hook, which is shown the initial state at once.
    pub fn new(model: M, hook: StepHook<M>) -> Self {
        hook.start(&model);
        Recorded { model, hook }
    }

    /// The model.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// The model without the hook.
    pub fn into_model(self) -> M {
        self.model
    }

    fn map_model(self, change: impl FnOnce(M) -> M) -> Self {
        Recorded {
            model: change(self.model),
            hook: self.hook,
        }
    }
}

impl<M: fmt::Display> fmt::Display for Recorded<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.model.fmt(f)
    }
}

impl<M: Module> Module for Recorded<M> {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.model.collect_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        self.map_model(|model| model.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.map_model(|model| model.to_device(device))
    }

    fn train(self) -> Self {
        self.map_model(Module::train)
    }

    fn valid(&self) -> Self {
        Recorded {
            model: self.model.valid(),
            hook: self.hook.clone(),
        }
    }

    fn materialize(self) -> Self {
        self.map_model(Module::materialize)
    }

    fn visit<Visitor: ModuleVisitor>(&self, visitor: &mut Visitor) {
        self.model.visit(visitor);
    }

    fn map<Mapper: ModuleMapper>(self, mapper: &mut Mapper) -> Self {
        self.map_model(|model| model.map(mapper))
    }
}

impl<M: TrainStep + Module> TrainStep for Recorded<M> {
    type Input = M::Input;
    type Output = M::Output;

    fn step(&self, item: Self::Input) -> TrainOutput<Self::Output> {
        self.model.step(item)
    }

    fn optimize(
        self,
        optim: &mut ModuleOptimizer,
        lr: ModuleLearningRate,
        grads: GradientsParams,
    ) -> Self {
        let Recorded { model, hook } = self;
        let begun = hook.begin(&lr, || Some(gradient_norm(&model, &grads)));
        let model = model.optimize(optim, lr, grads);
        hook.end(begun, &model);
        Recorded { model, hook }
    }

    fn optimize_multi(
        self,
        optim: &mut ModuleOptimizer,
        lr: ModuleLearningRate,
        grads: MultiGradientsParams,
    ) -> Self {
        let Recorded { model, hook } = self;
        let begun = hook.begin(&lr, || None);
        let model = model.optimize_multi(optim, lr, grads);
        hook.end(begun, &model);
        Recorded { model, hook }
    }
}

impl<M: InferenceStep> InferenceStep for Recorded<M> {
    type Input = M::Input;
    type Output = M::Output;

    fn step(&self, item: Self::Input) -> Self::Output {
        self.model.step(item)
    }
}
