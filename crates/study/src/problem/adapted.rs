//! Networks with low-rank adapters (LoRA): merged, or with factors that are parameters of their own.

use super::{Model, NetworkRequest};
use crate::StudyError;
use crate::record::Origin;
use crate::report::Reporter;
use landscape_core::{Params, counted, named};
use landscape_models::{Adapters, Dataset, LoadOptions, Loaded, LossKind, Regularizer};
use landscape_trace::Trace;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// What becomes of low-rank adapters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AdapterUse {
    /// They are merged into the weights that they change.
    #[default]
    Merged,
    /// Their factors are parameters of the network, beside the weights that they change.
    Parameters,
}

named!(AdapterUse, "use of adapters", {
    Merged => "merged": "Merged into the weights that they change, W + scale B A",
    Parameters => "parameters": "Parameters of their own beside those weights: fc1.lora_A.weight and fc1.lora_B.weight of \
                                 fc1.weight",
});

/// A network whose weights are `W0 + scale B A`, where `W0`, `A` and `B` are parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct AdaptedModel {
    model: Model,
    adapters: Adapters,
    /// The names of the network's own parameters, which a fine-tuning of the adapters leaves as they are.
    frozen: Vec<String>,
}

impl From<AdaptedModel> for Model {
    fn from(adapted: AdaptedModel) -> Self {
        Model::Adapted(Box::new(adapted))
    }
}

impl AdaptedModel {
    /// A network with such adapters.
    pub fn new(model: Model, adapters: Adapters) -> Self {
        let layout = model.layout();
        AdaptedModel {
            frozen: layout.weights().map(|own| own.name.clone()).collect(),
            model,
            adapters,
        }
    }

    /// The network without them.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The adapters, as they were given.
    pub fn adapters(&self) -> &Adapters {
        &self.adapters
    }

    pub(super) fn frozen(&self) -> &[String] {
        &self.frozen
    }

    /// The parameters of a network with these adapters from a file: the whole network, or where `options` have its base, the
    /// adapters alone.
    pub(super) fn read(
        &self,
        path: &Path,
        options: &LoadOptions,
        reporter: &dyn Reporter,
    ) -> Result<Loaded, StudyError> {
        let options = LoadOptions {
            apart: true,
            ..*options
        };
        let loaded = self.model.read(path, &options, reporter)?;
        if loaded.adapters.list != self.adapters.list {
            return Err(StudyError::OtherAdapters {
                path: path.to_owned(),
                expected: words(&self.adapters),
                found: match loaded.adapters.is_empty() {
                    true => "no adapters".to_owned(),
                    false => words(&loaded.adapters),
                },
            });
        }
        Ok(Loaded {
            params: loaded.adapters.beside(loaded.params)?,
            ..loaded
        })
    }

    pub(super) fn trace(
        &self,
        params: &Params,
        data: &Dataset,
        loss: LossKind,
        terms: &[Regularizer],
    ) -> Result<Trace, StudyError> {
        if !terms.is_empty() {
            return Err(StudyError::AdaptedTerms);
        }
        let base = self.adapters.base(params);
        let trace = self.model.trace(&base, data, loss, terms)?;
        Ok(trace.with_low_rank(&self.adapters.list)?)
    }
}

/// `mlp:2-8-2 with adapters of rank 1, scale 3 (2 weights)`: what of them is not in the parameters.
impl fmt::Display for AdaptedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {}", self.model, words(&self.adapters))
    }
}

fn words(adapters: &Adapters) -> String {
    let mut kinds: BTreeMap<(usize, u64), usize> = BTreeMap::new();
    for adapter in &adapters.list {
        *kinds
            .entry((adapter.rank, adapter.scale.to_bits()))
            .or_default() += 1;
    }
    let kinds = kinds.iter().map(|((rank, scale), count)| {
        // In full, for runs are told apart by it.
        let (scale, of) = (f64::from_bits(*scale), counted(*count, "weight"));
        format!("rank {rank}, scale {scale} ({of})")
    });
    format!("adapters of {}", kinds.collect::<Vec<_>>().join("; "))
}

/// A network with its parameters, and what the adapters on them become.
pub(super) struct Given {
    pub model: Model,
    pub params: Params,
    pub adapters: Adapters,
    pub origin: Origin,
    /// The parameters without the adapters that are merged into them.
    pub base: Option<Params>,
}

impl Given {
    /// A network without adapters.
    pub(super) fn plain(model: Model, (params, origin): (Params, Origin)) -> Self {
        Given {
            model,
            params,
            adapters: Adapters::default(),
            origin,
            base: None,
        }
    }

    /// With the adapters that are asked for, or those of the parameters' own file, used as is asked for.
    ///
    /// # Errors
    /// [`StudyError::NoAdapters`] where none are found, [`StudyError::AdaptersAlone`] on initial parameters; those of the file.
    pub(super) fn adapted(
        mut self,
        network: &NetworkRequest,
        reporter: &dyn Reporter,
    ) -> Result<Self, StudyError> {
        if let Some(path) = &network.adapter {
            self.take_adapters(path, network, reporter)?;
        }
        let apart = network.lora == AdapterUse::Parameters;
        if self.adapters.is_empty() {
            let asked = network.adapter.as_ref().or(network.weights.as_ref());
            return match apart || network.adapter.is_some() {
                true => Err(StudyError::NoAdapters {
                    path: asked.cloned(),
                }),
                false => Ok(self),
            };
        }
        reporter.note(format_args!(
            "{} are {}",
            words(&self.adapters),
            if apart { "parameters" } else { "merged" }
        ));
        let both = self.adapters.beside(self.params.clone())?;
        Ok(match apart {
            true => Given {
                model: AdaptedModel::new(self.model, self.adapters.clone()).into(),
                params: both,
                ..self
            },
            false => Given {
                params: self.adapters.merged(&both),
                base: Some(self.params),
                ..self
            },
        })
    }

    /// Takes the adapters of a file in the place of those that are there.
    fn take_adapters(
        &mut self,
        path: &Path,
        network: &NetworkRequest,
        reporter: &dyn Reporter,
    ) -> Result<(), StudyError> {
        if let Origin::Seed { .. } = self.origin {
            return Err(StudyError::AdaptersAlone {
                path: path.to_owned(),
            });
        }
        let options = LoadOptions {
            renames: &network.renames,
            buffers: Some(&self.params),
            base: Some(&self.params),
            apart: true,
        };
        let loaded = self.model.read(path, &options, reporter)?;
        (self.params, self.adapters) = (loaded.params, loaded.adapters);
        self.origin = Origin::file(path);
        Ok(())
    }
}
