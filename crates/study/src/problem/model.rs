use crate::StudyError;
use crate::report::Reporter;
use burn::tensor::Device;
use landscape_core::{Direction, Objective, Params, Plane, Role, Sample, Source, path_words};
use landscape_models::{
    Dataset, Loaded, LossKind, ModelSpec, Network, Regularizer, evaluation_bytes, load_network,
    trace_network,
};
use landscape_trace::{Target, Trace};
use std::fmt;
use std::path::Path;

/// A network: names, shapes and roles of its tensors, and the loss that it has on data. It holds no parameters.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Model {
    /// One of the built-in families.
    Family(ModelSpec),
}

impl From<ModelSpec> for Model {
    fn from(spec: ModelSpec) -> Self {
        Model::Family(spec)
    }
}

impl From<&ModelSpec> for Model {
    fn from(spec: &ModelSpec) -> Self {
        spec.clone().into()
    }
}

impl From<&Model> for Model {
    fn from(model: &Model) -> Self {
        model.clone()
    }
}

/// The words that name it in settings and messages.
impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Model::Family(spec) => spec.fmt(f),
        }
    }
}

impl Model {
    /// The network that a stored run is of.
    ///
    /// # Errors
    /// Where the words name none.
    pub fn stored(words: &str) -> Result<Self, StudyError> {
        Ok(Model::Family(words.parse()?))
    }

    /// The family and its settings.
    ///
    /// # Errors
    /// Where it is of none.
    pub fn family(&self) -> Result<&ModelSpec, StudyError> {
        match self {
            Model::Family(spec) => Ok(spec),
        }
    }

    /// Values in one output.
    pub fn outputs(&self) -> usize {
        match self {
            Model::Family(spec) => spec.outputs(),
        }
    }

    /// Names, shapes and roles of its tensors, all values 0.
    pub fn layout(&self) -> Params {
        match self {
            Model::Family(spec) => Network::layout(spec),
        }
    }

    /// Initial parameters, drawn from a seed.
    pub fn initial(&self, seed: u64) -> Params {
        match self {
            Model::Family(spec) => Network::init(spec, seed, &Device::flex()).params(),
        }
    }

    /// Parameters from a file; what is to be said of them is said.
    ///
    /// # Errors
    /// Those of [`load_network`].
    pub fn load(&self, path: &Path, reporter: &dyn Reporter) -> Result<Params, StudyError> {
        let loaded = self.read(path)?;
        for note in &loaded.notes {
            let words = format_args!("{}: {}", path_words(path), note.words);
            match note.matters {
                true => reporter.note(words),
                false => reporter.detail(words),
            }
        }
        Ok(loaded.params)
    }

    fn read(&self, path: &Path) -> Result<Loaded, StudyError> {
        match self {
            Model::Family(spec) => Ok(load_network(path, spec)?),
        }
    }

    /// As a Burn module with these parameters, on the CPU.
    ///
    /// # Errors
    /// As [`Model::family`], and those of [`Network::from_params`].
    pub fn network(&self, params: &Params) -> Result<Network, StudyError> {
        Ok(Network::from_params(
            self.family()?,
            params,
            &Device::flex(),
        )?)
    }

    /// The loss on some data, with `terms` beside it, to be evaluated anywhere in parameter space.
    ///
    /// # Errors
    /// Those of [`trace_network`].
    pub fn trace(
        &self,
        params: &Params,
        data: &Dataset,
        loss: LossKind,
        terms: &[Regularizer],
    ) -> Result<Trace, StudyError> {
        match self {
            Model::Family(_) => Ok(trace_network(&self.network(params)?, data, loss, terms)?),
        }
    }

    /// Weights whose number the name tells, before anything is built.
    pub(crate) fn given_weights(&self) -> Option<u64> {
        match self {
            Model::Family(spec) => spec.matrix_weights(),
        }
    }

    /// Bytes that an evaluation of so many samples takes.
    pub(crate) fn evaluation_bytes(&self, samples: usize) -> u64 {
        match self {
            Model::Family(spec) => evaluation_bytes(spec, samples),
        }
    }
}

/// The loss of a trace at these parameters, with the running statistics that are among them.
pub(crate) fn sample_at(
    trace: &Trace,
    params: &Params,
    targets: &[Target],
) -> Result<Sample, StudyError> {
    // One objective serves one origin: running statistics do not lie on a plane.
    let mut tensors = params.clone().into_inner();
    for tensor in &mut tensors {
        let value = if tensor.role == Role::Buffer {
            0.0
        } else {
            1.0
        };
        tensor.data.fill(value);
    }
    let any = Direction::from_tensors(Params::new(tensors)?, params, Source::Between)?;
    let around = Plane::new(params.clone(), vec![any])?;
    let objective = trace.objective(&around, targets)?;
    Ok(objective.evaluate(&[[0.0; 3]])?.swap_remove(0))
}
