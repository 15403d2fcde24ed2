//! The optimiser of a training, whose state can be taken and given back.

use super::TrainConfig;
use super::state::{OptimizerState, TensorState};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::{DynOptimizer, DynState, GradientsParams, StateSink, StateSource};
use burn::tensor::{Device, Tensor, TensorData};
use std::fmt;
use std::sync::Arc;

/// The optimiser of a [`TrainConfig`] for the parameters of one module, as [`TrainConfig::optimizer`] is. Burn names the
/// state of a parameter by a number that each module draws anew; here it goes by the place of the parameter, so that
/// another process can go on with it.
pub struct ResumableOptimizer {
    rule: Arc<dyn DynOptimizer>,
    /// One a float tensor of the module, in its order; nothing where no step has changed it.
    states: Vec<Option<DynState>>,
}

impl fmt::Debug for ResumableOptimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tensors = self.states.iter().flatten().count();
        f.debug_struct("ResumableOptimizer")
            .field("tensors", &tensors)
            .finish()
    }
}

impl ResumableOptimizer {
    /// An optimiser before its first step. The settings must be valid, see [`TrainConfig::check`].
    pub fn new(config: &TrainConfig) -> Self {
        ResumableOptimizer {
            rule: config.rule(),
            states: Vec::new(),
        }
    }

    /// An optimiser after so many steps of a module.
    ///
    /// # Errors
    /// What of the state does not belong to such a module, optimiser or number of steps.
    pub fn resumed<M: Module>(
        config: &TrainConfig,
        module: &M,
        state: &OptimizerState,
        steps: u64,
    ) -> Result<Self, String> {
        let mut floats = Floats(Vec::new());
        module.visit(&mut floats);
        if state.0.len() > floats.0.len() {
            return Err(format!(
                "the optimiser has {} tensors, the network {}",
                state.0.len(),
                floats.0.len()
            ));
        }
        let rule = config.rule();
        let one = |(stored, float): (&TensorState, &Float)| resumed(&*rule, stored, float, steps);
        let states = state.0.iter().zip(&floats.0).map(one);
        let states = states.collect::<Result<_, _>>()?;
        Ok(ResumableOptimizer { rule, states })
    }

    /// One step; the module after it.
    pub fn step<M: Module>(&mut self, lr: f64, module: M, gradients: GradientsParams) -> M {
        let mut stepper = Stepper {
            rule: &*self.rule,
            states: &mut self.states,
            place: 0,
            lr,
            gradients,
        };
        module.map(&mut stepper)
    }

    /// What later steps depend on, read from the device.
    pub fn state(&self) -> OptimizerState {
        let one = |state: &Option<DynState>| match state {
            None => TensorState::default(),
            Some(state) => stored(&*self.rule, state),
        };
        OptimizerState(self.states.iter().map(one).collect())
    }
}

fn stored(rule: &dyn DynOptimizer, state: &DynState) -> TensorState {
    let mut sink = StateSink::default();
    rule.state_flatten("", state, &mut sink);
    let values = |data: TensorData| data.convert::<f32>().iter::<f32>().collect();
    let tensors = { sink.tensors.into_iter() }.map(|(name, data)| (name, values(data)));
    let count = |(name, value)| {
        let count = u64::try_from(value).expect("optimisers count steps");
        (name, count)
    };
    TensorState {
        tensors: tensors.collect(),
        counts: sink.scalars.into_iter().map(count).collect(),
    }
}

fn resumed(
    rule: &dyn DynOptimizer,
    given: &TensorState,
    float: &Float,
    steps: u64,
) -> Result<Option<DynState>, String> {
    if *given == TensorState::default() {
        return Ok(None);
    }
    let numel: usize = float.shape.iter().product();
    if let Some((name, values)) = given.tensors.iter().find(|(_, v)| v.len() != numel) {
        return Err(format!(
            "`{name}` of the optimiser has {} values, its parameter {numel}",
            values.len()
        ));
    }
    if let Some((name, count)) = given.counts.iter().find(|(_, count)| **count > steps) {
        return Err(format!(
            "`{name}` of the optimiser is {count} after {steps} steps"
        ));
    }
    let counts = given.counts.iter();
    let counts = counts.map(|(name, count)| (name.clone(), (*count).into()));
    let mut source = StateSource::new(counts.collect());
    for (name, values) in &given.tensors {
        let data = TensorData::new(values.clone(), float.shape.clone());
        source.insert_tensor(name.clone(), data);
    }
    let state = rule.state_unflatten(float.shape.len(), "", &mut source, &float.device);
    let whole = |state: &DynState| {
        let found = stored(rule, state);
        found.tensors.keys().eq(given.tensors.keys()) && found.counts == given.counts
    };
    match state.filter(whole) {
        Some(state) => Ok(Some(state)),
        None => Err("it is the state of another optimiser".to_owned()),
    }
}

/// A float tensor of a module.
struct Float {
    shape: Vec<usize>,
    device: Device,
}

struct Floats(Vec<Float>);

impl ModuleVisitor for Floats {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(Float {
            shape: param.dims().to_vec(),
            device: param.val().without_autodiff().device(),
        });
    }
}

/// Steps of the parameters that have a gradient.
struct Stepper<'a> {
    rule: &'a dyn DynOptimizer,
    states: &'a mut Vec<Option<DynState>>,
    place: usize,
    lr: f64,
    gradients: GradientsParams,
}

impl ModuleMapper for Stepper<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.states.len() == self.place {
            self.states.push(None);
        }
        let state = &mut self.states[self.place];
        self.place += 1;
        let (id, tensor, mapper) = param.consume();
        let Some(gradient) = self.gradients.remove::<D>(id) else {
            return Param::from_mapped_value(id, tensor, mapper);
        };
        let tracked = tensor.is_require_grad();
        let (stepped, next) = self.rule.step_dyn(
            D,
            self.lr,
            tensor.inner().into_bridge(),
            gradient.into_bridge(),
            state.take(),
        );
        *state = next;
        let stepped = Tensor::<D>::from_inner(Tensor::from_bridge(stepped));
        let stepped = match tracked {
            true => stepped.require_grad(),
            false => stepped,
        };
        Param::from_mapped_value(id, stepped, mapper)
    }
}
