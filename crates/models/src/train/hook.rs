//! A step of any training of a Burn module, with what a recorder wants to know about it.

use crate::ModelsError;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::optim::{GradientsParams, ModuleOptimizer, MultiGradientsParams};
use burn::tensor::Tensor;
use landscape_core::Params;
use landscape_trace::params_of;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A state of a module on its way, see [`StepHook`].
#[derive(Debug, Clone, Copy)]
pub struct Stepped<'a, M> {
    /// Steps done, 0 for the initial state.
    pub step: u64,
    /// Epochs done, where the hook knows how many steps an epoch has; else 0.
    pub epoch: f64,
    /// Learning rate of the step, of all parameters without a rate of their own; nothing for the
    /// initial state.
    pub lr: Option<f64>,
    /// Euclidean norm of the gradient that the optimiser was given, before it clips or decays anything;
    /// nothing for the initial state, and where several devices each have a part.
    pub gradient_norm: Option<f64>,
    /// The module after the step.
    pub module: &'a M,
}

impl<M: Module> Stepped<'_, M> {
    /// The parameters and running statistics in PyTorch's names and layout, read from the device.
    ///
    /// # Errors
    /// When a tensor cannot be read as f32.
    pub fn params(&self) -> Result<Params, ModelsError> {
        Ok(params_of(self.module)?)
    }
}

type Observer<M> = Box<dyn FnMut(Stepped<'_, M>) + Send>;
type Due = Box<dyn Fn(u64) -> bool + Send>;

/// Takes the optimiser's steps of a module, and shows each to an observer.
///
/// One line in a training loop in place of `optimizer.step(lr, module, gradients)`, or in
/// `TrainStep::optimize` of a model for Burn's `Learner`. Clones count the same steps. The observer is
/// whatever stores or prints: a recorder, a channel.
///
/// ```
/// use burn::module::Module;
/// use burn::nn::{Linear, LinearConfig};
/// use burn::optim::{GradientsParams, SgdConfig};
/// use burn::tensor::{Device, Tensor};
/// use landscape_models::StepHook;
/// use std::sync::{Arc, Mutex};
///
/// let norms = Arc::new(Mutex::new(Vec::new()));
/// let seen = norms.clone();
/// let hook = StepHook::new(move |stepped| {
///     seen.lock().unwrap().push((stepped.step, stepped.gradient_norm));
/// });
/// let device = Device::flex().autodiff();
/// let mut model: Linear = LinearConfig::new(1, 1).with_bias(false).init(&device);
/// let mut optimizer = SgdConfig::new().init();
/// hook.start(&model);
/// for _ in 0..3 {
///     let loss = model.forward(Tensor::<2>::ones([1, 1], &device)).sum();
///     let gradients = GradientsParams::from_grads(loss.backward(), &model);
///     model = hook.optimize(model, &mut optimizer, 0.1.into(), gradients);
/// }
/// assert_eq!(*norms.lock().unwrap(), [(0, None), (1, Some(1.0)), (2, Some(1.0)), (3, Some(1.0))]);
/// ```
pub struct StepHook<M> {
    shared: Arc<Mutex<Shared<M>>>,
}

struct Shared<M> {
    step: u64,
    per_epoch: Option<u64>,
    due: Due,
    observer: Observer<M>,
}

impl<M> Clone for StepHook<M> {
    fn clone(&self) -> Self {
        StepHook {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<M> fmt::Debug for StepHook<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = self.step();
        f.debug_struct("StepHook").field("step", &step).finish()
    }
}

impl<M> StepHook<M> {
    /// A hook that shows every step.
    pub fn new(observer: impl FnMut(Stepped<'_, M>) + Send + 'static) -> Self {
        let shared = Shared {
            step: 0,
            per_epoch: None,
            due: Box::new(|_| true),
            observer: Box::new(observer),
        };
        StepHook {
            shared: Arc::new(Mutex::new(shared)),
        }
    }

    /// Shows only the steps of which this is true, and measures nothing at others.
    #[must_use]
    pub fn when(self, due: impl Fn(u64) -> bool + Send + 'static) -> Self {
        self.with(|shared| shared.due = Box::new(due));
        self
    }

    /// Counts epochs, of so many steps each.
    #[must_use]
    pub fn steps_per_epoch(self, steps: u64) -> Self {
        self.with(|shared| shared.per_epoch = Some(steps.max(1)));
        self
    }

    /// Counts on from a step: of a training that goes on.
    #[must_use]
    pub fn after(self, step: u64) -> Self {
        self.with(|shared| shared.step = step);
        self
    }

    /// Steps done.
    pub fn step(&self) -> u64 {
        self.with(|shared| shared.step)
    }

    /// An observer that panicked leaves the count of steps as it is, and what it did to itself is its own.
    fn with<R>(&self, of: impl FnOnce(&mut Shared<M>) -> R) -> R {
        of(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<M: Module> StepHook<M> {
    /// Shows the state before the first step, if it is due.
    pub fn start(&self, module: &M) {
        self.with(|shared| {
            let step = shared.step;
            if (shared.due)(step) {
                shared.show(None, None, module);
            }
        });
    }

    /// Lets the optimiser take a step, and shows it if it is due.
    pub fn optimize(
        &self,
        module: M,
        optimizer: &mut ModuleOptimizer,
        lr: ModuleLearningRate,
        gradients: GradientsParams,
    ) -> M {
        let begun = self.begin(&lr, || Some(gradient_norm(&module, &gradients)));
        let module = optimizer.step(lr, module, gradients);
        self.end(begun, &module);
        module
    }

    /// As [`StepHook::optimize`], with gradients of several devices.
    pub fn optimize_multi(
        &self,
        module: M,
        optimizer: &mut ModuleOptimizer,
        lr: ModuleLearningRate,
        gradients: MultiGradientsParams,
    ) -> M {
        let begun = self.begin(&lr, || None);
        let module = optimizer.step_multi(lr, module, gradients);
        self.end(begun, &module);
        module
    }

    /// Counts a step; if it is due, what is known before it.
    pub(super) fn begin(
        &self,
        lr: &ModuleLearningRate,
        norm: impl FnOnce() -> Option<f64>,
    ) -> Option<Begun> {
        let due = self.with(|shared| {
            shared.step += 1;
            (shared.due)(shared.step)
        });
        due.then(|| Begun {
            lr: lr.base(),
            gradient_norm: norm(),
        })
    }

    /// Shows a step that is due.
    pub(super) fn end(&self, begun: Option<Begun>, module: &M) {
        if let Some(begun) = begun {
            self.with(|shared| shared.show(Some(begun.lr), begun.gradient_norm, module));
        }
    }
}

/// What is known of a step before it is taken.
pub(super) struct Begun {
    lr: f64,
    gradient_norm: Option<f64>,
}

impl<M> Shared<M> {
    fn show(&mut self, lr: Option<f64>, gradient_norm: Option<f64>, module: &M) {
        let step = self.step;
        (self.observer)(Stepped {
            step,
            epoch: self.per_epoch.map_or(0.0, |n| step as f64 / n as f64),
            lr,
            gradient_norm,
            module,
        });
    }
}

/// The Euclidean norm of a module's gradient, over all parameters that have one.
///
/// Squares are summed on the device in its precision, a sum a parameter, and these in f64.
pub fn gradient_norm<M: Module>(module: &M, gradients: &GradientsParams) -> f64 {
    let mut sums = Squares {
        gradients,
        found: Vec::new(),
    };
    module.visit(&mut sums);
    if sums.found.is_empty() {
        return 0.0;
    }
    // Read at once, so that a device is waited for once.
    let sums = crate::host::floats(Tensor::cat(sums.found, 0));
    sums.into_iter().map(f64::from).sum::<f64>().sqrt()
}

struct Squares<'a> {
    gradients: &'a GradientsParams,
    found: Vec<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.found.push(gradient.powi_scalar(2).sum());
        }
    }
}
