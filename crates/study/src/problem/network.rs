use super::adapted::{AdapterUse, Given};
use super::{DataRequest, LossChoice, Model, ModelSource, with_loss};
use crate::StudyError;
use crate::record::{DataDigest, DataSource, Origin, ProblemSettings, Provenance, Settings};
use crate::report::Reporter;
use landscape_core::{Params, Selection};
use landscape_models::{Dataset, Init, LoadOptions, LossKind, Network, Regularizer, Rename};
use landscape_storage::{Run, RunKind, Store};
use landscape_trace::Trace;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Which network, and which parameters.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkRequest {
    /// The network; that of the training run where absent.
    #[serde(with = "landscape_core::as_words::option")]
    pub model: Option<ModelSource>,
    /// A file of parameters, or `FILE:KEY` for the network under a key of it.
    #[serde(with = "landscape_core::as_words::path::option")]
    pub weights: Option<PathBuf>,
    /// Low-rank adapters on the parameters: a file that holds them, or a folder of PEFT.
    #[serde(with = "landscape_core::as_words::path::option")]
    pub adapter: Option<PathBuf>,
    /// What becomes of adapters, those in the file of parameters too.
    #[serde(with = "landscape_core::as_words")]
    pub lora: AdapterUse,
    /// Other names for the tensors in files.
    #[serde(with = "landscape_core::as_words::list")]
    pub renames: Vec<Rename>,
    /// What initial parameters of a family are drawn from, where there are no others.
    #[serde(with = "landscape_core::as_words")]
    pub init: Init,
    /// Whether running statistics are measured on the data, so that the file need not have them.
    pub measured: bool,
    /// A training run, which has parameters, a network, data and a loss.
    pub run: Option<String>,
    /// Which of its checkpoints; the last by default.
    pub step: Option<u64>,
    /// Which of its parameters move and are differentiated; all where absent.
    #[serde(with = "landscape_core::as_words::option")]
    pub params: Option<Selection>,
}

impl NetworkRequest {
    /// Whether parameters are given, and not drawn at random: in a file, by a run, or in the file of a program.
    pub fn has_parameters(&self) -> bool {
        let in_program = matches!(self.model, Some(ModelSource::File(_)));
        self.run.is_some() || self.weights.is_some() || in_program
    }
}

/// A network with parameters, data and a loss.
#[derive(Debug)]
pub struct Problem {
    /// The network.
    pub model: Model,
    /// The data, without samples that do not count.
    pub data: Dataset,
    /// The loss, and why it is this one.
    pub loss: LossChoice,
    /// The parameters; those that are not selected are fixed.
    pub params: Params,
    /// Which of them are free, where not all are.
    pub selection: Option<Selection>,
    /// The parameters without the low-rank adapters that are merged into them; other adapters are on these.
    pub base: Option<Params>,
    /// Where the parameters are from.
    pub origin: Origin,
    /// Where the data are from.
    pub source: DataSource,
    /// The training run that the parameters are from.
    pub trained: Option<Run>,
    /// Other names for the tensors in files.
    pub renames: Vec<Rename>,
}

impl Problem {
    /// Network, parameters, data and loss, as they are asked for, from a training run in a store, or both. Without
    /// parameters they are drawn from a seed.
    ///
    /// # Errors
    /// Whatever is absent or does not fit.
    pub fn load(
        network: &NetworkRequest,
        data: &DataRequest,
        seed: u64,
        store: Option<&Store>,
        reporter: &dyn Reporter,
    ) -> Result<Self, StudyError> {
        let trained = match (&network.run, store) {
            (Some(name), Some(store)) => Some(training_run(name, store)?),
            _ => None,
        };
        let model = model_of(network, trained.as_ref(), reporter)?;
        model.plan(reporter)?;
        let source = trained.as_ref().and_then(|run| Provenance::of(run).data);
        let source = data.source(source.as_ref())?;
        let source = model.named_inputs(source, data.loss, reporter)?;
        let loaded = data.load(&source)?;
        let stored = match (data.loss, &trained) {
            (None, Some(run)) => stored_loss(run)?,
            _ => None,
        };
        let model = model.for_data(&loaded, reporter);
        let trained_in = store.zip(trained.as_ref());
        let given = parameters(network, model, seed, trained_in, reporter)?;
        let Given {
            model,
            params,
            origin,
            base,
            ..
        } = given.adapted(network, reporter)?;
        let asked = network.params.as_ref();
        let (params, selection) = part_of(asked, params, model.frozen(), reporter)?;
        let (loaded, loss) = with_loss(loaded, &model, (data.loss, stored), reporter)?;
        if let Some(run) = &trained {
            say_other_data(run, &loaded, reporter);
        }
        Ok(Problem {
            model,
            data: loaded,
            loss,
            params,
            selection,
            base,
            origin,
            source,
            trained,
            renames: network.renames.clone(),
        })
    }

    /// The parameters of another such network, from a file. Buffers that it leaves out are those of this one; where it holds
    /// low-rank adapters alone, so are the weights that they are on, without the adapters of this one.
    ///
    /// # Errors
    /// Those of [`Model::load`].
    pub fn other(&self, path: &Path, reporter: &dyn Reporter) -> Result<Params, StudyError> {
        let options = LoadOptions {
            renames: &self.renames,
            buffers: Some(&self.params),
            base: Some(self.base.as_ref().unwrap_or(&self.params)),
            apart: false,
        };
        let params = self.model.load(path, &options, reporter)?;
        Ok(params.conform(&self.params)?)
    }

    /// The network as a Burn module on the CPU.
    ///
    /// # Errors
    /// Those of [`Model::network`].
    pub fn network(&self) -> Result<Network, StudyError> {
        self.model.network(&self.params)
    }

    /// The loss, with `terms` beside it, to be evaluated anywhere in parameter space.
    ///
    /// # Errors
    /// Those of [`Model::trace`].
    pub fn trace(&self, terms: &[Regularizer]) -> Result<Trace, StudyError> {
        let Problem { model, params, .. } = self;
        model.trace(params, &self.data, self.loss.kind, terms)
    }

    /// What of it determines numbers.
    pub fn settings(&self) -> ProblemSettings {
        let weights = Some(self.params.digest());
        ProblemSettings {
            params: self.selection.as_ref().map(Selection::to_string),
            ..ProblemSettings::new(&self.model, weights, &self.data, self.loss.kind)
        }
    }

    /// Where it comes from, of a run that is computed now.
    pub fn provenance(&self) -> Provenance {
        Provenance {
            model: self.model.file(),
            data: Some(self.source.clone()),
            weights: Some(self.origin.clone()),
            ..Provenance::now()
        }
    }
}

fn training_run(name: &str, store: &Store) -> Result<Run, StudyError> {
    let run = store.find(name)?;
    match run.kind {
        // The control points of a curve are parameters of the network as a training's are.
        RunKind::Train | RunKind::Curve => Ok(run),
        kind => Err(StudyError::NotATraining {
            run: name.to_owned(),
            kind,
        }),
    }
}

fn model_of(
    network: &NetworkRequest,
    trained: Option<&Run>,
    reporter: &dyn Reporter,
) -> Result<Model, StudyError> {
    match (&network.model, trained) {
        (Some(source), _) => Model::open(source, reporter),
        (None, Some(run)) => Model::of_run(run, reporter),
        (None, None) => Err(StudyError::NoModel),
    }
}

/// The loss that a run was trained with, where it says one.
///
/// # Errors
/// [`StudyError::UnknownLoss`] for one that this version does not know.
pub fn stored_loss(run: &Run) -> Result<Option<LossKind>, StudyError> {
    let settings = Settings::of(run);
    let word = settings.problem().loss.as_deref();
    let loss = word.map(str::parse).transpose();
    loss.map_err(|source| StudyError::UnknownLoss {
        run: run.name.clone(),
        source,
    })
}

fn parameters(
    network: &NetworkRequest,
    model: Model,
    seed: u64,
    trained: Option<(&Store, &Run)>,
    reporter: &dyn Reporter,
) -> Result<Given, StudyError> {
    if let Some((store, run)) = trained {
        let found = checkpoint(network.step, &model, store, run)?;
        return Ok(Given::plain(model, found));
    }
    if let Some(path) = &network.weights {
        let unmeasured = network.measured.then(|| model.unmeasured());
        let options = LoadOptions {
            renames: &network.renames,
            buffers: unmeasured.as_ref(),
            apart: true,
            ..LoadOptions::default()
        };
        let (model, loaded) = model.read_fitting(path, &options, reporter)?;
        return Ok(Given {
            adapters: loaded.adapters,
            ..Given::plain(model, (loaded.params, Origin::file(path)))
        });
    }
    if network.init != Init::default() && model.family().is_err() {
        reporter.note("the initial parameters are those in the file: they are not drawn at random");
    }
    let found = model.initial(network.init, seed);
    Ok(Given::plain(model, found))
}

/// The parameters with those fixed that are not asked for, and which are asked for, where those are not all. `frozen` names
/// those that training does not change.
///
/// # Errors
/// [`StudyError::Selection`]
pub fn part_of(
    asked: Option<&Selection>,
    params: Params,
    frozen: &[String],
    reporter: &dyn Reporter,
) -> Result<(Params, Option<Selection>), StudyError> {
    let Some(selection) = asked else {
        return Ok((params, None));
    };
    let all = (params.numel(), params.weights().count());
    let part = selection.of(params, frozen)?;
    let free = (part.numel(), part.weights().count());
    reporter.note(format_args!(
        "{} of {} parameters move ({} of {} tensors); all others stay as they are",
        free.0, all.0, free.1, all.1
    ));
    Ok((part, Some(selection.clone()).filter(|_| free != all)))
}

/// The last parameters of another training run of the same network, and where they are from.
///
/// # Errors
/// Where there is no such run, or it has no checkpoint, or one of another network.
pub fn last_checkpoint(
    name: &str,
    model: &Model,
    store: &Store,
) -> Result<(Params, Origin), StudyError> {
    checkpoint(None, model, store, &training_run(name, store)?)
}

fn checkpoint(
    step: Option<u64>,
    model: &Model,
    store: &Store,
    run: &Run,
) -> Result<(Params, Origin), StudyError> {
    let found = match step {
        Some(step) => store.checkpoint(run, step)?,
        None => store.last_checkpoint(run)?,
    };
    let Some(found) = found else {
        return Err(StudyError::NoCheckpoint {
            run: run.name.clone(),
            step,
            steps: store.checkpoint_steps(run)?,
        });
    };
    let step = found.record.step;
    let params = found.params.conform(&model.layout());
    let params = params.map_err(|source| StudyError::Checkpoint {
        file: format!("{}, step {step}", run.name),
        source,
    })?;
    let run = run.name.clone();
    Ok((params, Origin::Run { run, step }))
}

fn say_other_data(run: &Run, data: &Dataset, reporter: &dyn Reporter) {
    let stored = Settings::of(run).problem().data.clone();
    if stored.map(|data| data.sha256) != Some(DataDigest::of(data).sha256) {
        reporter.note(format_args!(
            "the data are not those that run `{}` was trained on",
            run.name
        ));
    }
}
