use super::{AdaptedModel, ModelSource, ProgramModel};
use crate::StudyError;
use crate::record::{DataSource, GivenFile, Origin, Provenance, Settings};
use crate::report::{Level, Reporter};
use burn::tensor::Device;
use landscape_core::{Params, path_words};
use landscape_models::{
    Dataset, Init, LoadOptions, Loaded, LossKind, ModelSpec, ModelsError, Network, Regularizer,
    SuggestedLoss, evaluation_bytes, load_layout_with, load_network_with, trace_network,
};
use landscape_storage::Run;
use landscape_trace::Trace;
use std::fmt;
use std::path::Path;

/// A network: names, shapes and roles of its tensors, and the loss that it has on data. It holds no parameters.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Model {
    /// One of the built-in families.
    Family(ModelSpec),
    /// A program from a file.
    Program(ProgramModel),
    /// One of both with low-rank adapters, whose factors are parameters.
    Adapted(Box<AdaptedModel>),
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
            Model::Program(program) => program.fmt(f),
            Model::Adapted(adapted) => adapted.fmt(f),
        }
    }
}

impl Model {
    /// The network of that name, or of that file; what is to be said of the file is said.
    ///
    /// # Errors
    /// Those of [`landscape_import::Program::open`].
    pub fn open(source: &ModelSource, reporter: &dyn Reporter) -> Result<Self, StudyError> {
        Ok(match source {
            ModelSource::Family(spec) => Model::Family(spec.clone()),
            ModelSource::File(path) => {
                let program = ProgramModel::open(path)?;
                for note in program.notes() {
                    reporter.say_once(Level::Note, &format_args!("{}: {note}", path_words(path)));
                }
                Model::Program(program)
            }
        })
    }

    /// The network that a stored run is of.
    ///
    /// # Errors
    /// [`StudyError::NoModel`] where the run does not say it; [`StudyError::OtherProgram`] where the file of its program
    /// holds another one by now; those of [`Model::open`].
    pub fn of_run(run: &Run, reporter: &dyn Reporter) -> Result<Self, StudyError> {
        let settings = Settings::of(run);
        let words = settings
            .problem()
            .model
            .as_deref()
            .ok_or(StudyError::NoModel)?;
        let Some(file) = Provenance::of(run).model else {
            return Ok(Model::Family(words.parse()?));
        };
        let path = file.found();
        let model = Model::open(&ModelSource::File(path.clone()), reporter)?;
        match model.to_string() == words {
            true => Ok(model),
            false => Err(StudyError::OtherProgram {
                run: run.name.clone(),
                path,
            }),
        }
    }

    /// The data as the network asks for them: of a file whose arrays have the names of a program's inputs, those.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn named_inputs(
        &self,
        source: DataSource,
        loss: Option<LossKind>,
        reporter: &dyn Reporter,
    ) -> Result<DataSource, StudyError> {
        match self {
            Model::Family(_) => Ok(source),
            Model::Program(program) => program.named_inputs(source, loss, reporter),
            Model::Adapted(adapted) => adapted.model().named_inputs(source, loss, reporter),
        }
    }

    /// The family and its settings.
    ///
    /// # Errors
    /// [`StudyError::NoFamily`] where it is of none.
    pub fn family(&self) -> Result<&ModelSpec, StudyError> {
        match self {
            Model::Family(spec) => Ok(spec),
            Model::Program(program) => Err(StudyError::NoFamily {
                path: program.path().to_owned(),
            }),
            Model::Adapted(adapted) => adapted.model().family(),
        }
    }

    /// The file that it is from, where it is from one.
    pub fn file(&self) -> Option<GivenFile> {
        match self {
            Model::Family(_) => None,
            Model::Program(program) => Some(GivenFile::new(program.path())),
            Model::Adapted(adapted) => adapted.model().file(),
        }
    }

    /// Names of the parameters that training leaves as they are, where its file says it of some.
    pub fn frozen(&self) -> &[String] {
        match self {
            Model::Family(_) => &[],
            Model::Program(program) => program.program().frozen(),
            Model::Adapted(adapted) => adapted.frozen(),
        }
    }

    /// Values in one output.
    pub fn outputs(&self) -> usize {
        match self {
            Model::Family(spec) => spec.outputs(),
            Model::Program(program) => program.outputs(),
            Model::Adapted(adapted) => adapted.model().outputs(),
        }
    }

    /// Whether its inputs are whole numbers, such as the ids of tokens.
    pub(crate) fn takes_integers(&self) -> bool {
        match self {
            Model::Family(spec) => spec.tokens().is_some(),
            Model::Program(program) => program.takes_integers(),
            Model::Adapted(adapted) => adapted.model().takes_integers(),
        }
    }

    /// The loss that outputs and targets suggest, see [`LossKind::suggested`].
    pub(crate) fn suggested_loss(&self, data: &Dataset) -> SuggestedLoss {
        match self {
            Model::Family(spec) if spec.tokens().is_some() => SuggestedLoss {
                kind: LossKind::CrossEntropy,
                reason: "the token that follows each",
                usual: true,
            },
            Model::Family(spec) => LossKind::suggested(spec.outputs(), data.y()),
            Model::Program(program) => program.suggested_loss(data),
            Model::Adapted(adapted) => adapted.model().suggested_loss(data),
        }
    }

    /// Names, shapes and roles of its tensors, all values 0.
    pub fn layout(&self) -> Params {
        match self {
            Model::Family(spec) => Network::layout(spec),
            Model::Program(program) => program.params().zeros_like(),
            Model::Adapted(adapted) => {
                let base = adapted.model().layout();
                let both = adapted.adapters().beside(base);
                both.expect("factors have names of their own").zeros_like()
            }
        }
    }

    /// Initial parameters: drawn from a seed, or those that are in the file.
    pub fn initial(&self, init: Init, seed: u64) -> (Params, Origin) {
        match self {
            Model::Family(spec) => {
                let network = Network::init_with(spec, init, seed, &Device::flex());
                (network.params(), Origin::Seed { seed })
            }
            Model::Program(program) => (program.params().clone(), Origin::file(program.path())),
            Model::Adapted(adapted) => {
                let (base, origin) = adapted.model().initial(init, seed);
                let both = adapted.adapters().beside(base);
                (both.expect("factors have names of their own"), origin)
            }
        }
    }

    /// Where a training starts: parameters that are drawn from a seed, or those that are in the file of a program.
    ///
    /// # Errors
    /// [`StudyError::ProgramInit`] where a program's are to be drawn.
    pub fn start(&self, init: Option<Init>, seed: u64) -> Result<(Params, Origin), StudyError> {
        match (self, init) {
            (Model::Program(program), Some(init)) => Err(StudyError::ProgramInit {
                init,
                path: program.path().to_owned(),
            }),
            _ => Ok(self.initial(init.unwrap_or_default(), seed)),
        }
    }

    /// Parameters from a file; what is to be said of them is said.
    ///
    /// # Errors
    /// Those of [`load_network_with`].
    pub fn load(
        &self,
        path: &Path,
        options: &LoadOptions,
        reporter: &dyn Reporter,
    ) -> Result<Params, StudyError> {
        Ok(self.read(path, options, reporter)?.params)
    }

    /// The same where the network of the file may have another number of outputs, if that is all that differs and the
    /// name of this one sets none: it is then the network that is given, which is said.
    ///
    /// # Errors
    /// Those of [`Model::load`].
    pub fn load_fitting(
        &self,
        path: &Path,
        options: &LoadOptions,
        reporter: &dyn Reporter,
    ) -> Result<(Self, Params), StudyError> {
        let (model, loaded) = self.read_fitting(path, options, reporter)?;
        Ok((model, loaded.params))
    }

    /// The same with the adapters of the file, where they are asked for apart.
    pub(super) fn read_fitting(
        &self,
        path: &Path,
        options: &LoadOptions,
        reporter: &dyn Reporter,
    ) -> Result<(Self, Loaded), StudyError> {
        let error = match self.read(path, options, reporter) {
            Ok(loaded) => return Ok((self.clone(), loaded)),
            Err(error) => error,
        };
        let Some(other) = self.with_outputs_of(&error) else {
            return Err(error);
        };
        reporter.note(format_args!(
            "{}: its network has {} outputs, so it is taken to be {other}",
            path_words(path),
            other.outputs()
        ));
        let unmeasured = options.buffers.map(|_| other.unmeasured());
        let options = LoadOptions {
            buffers: unmeasured.as_ref(),
            ..*options
        };
        let loaded = other.read(path, &options, reporter)?;
        Ok((other, loaded))
    }

    /// The same network for these data, where it takes such and its name does not say it, which is said: images of their
    /// size, or as many tokens as they have.
    pub fn for_data(self, data: &Dataset, reporter: &dyn Reporter) -> Self {
        let named = match &self {
            Model::Family(spec) if spec.tokens().is_some() => {
                let tokens = data.tokens();
                tokens.and_then(|tokens| Some((spec.with_tokens(tokens)?, tokens)))
            }
            Model::Family(_) | Model::Program(_) | Model::Adapted(_) => None,
        };
        let Some((spec, tokens)) = named else {
            return self.for_images(data, reporter);
        };
        reporter.note(format_args!(
            "the data have ids of {} tokens, {} a sample, so the network is taken to be {spec}",
            tokens.vocab, tokens.context
        ));
        Model::Family(spec)
    }

    fn for_images(self, data: &Dataset, reporter: &dyn Reporter) -> Self {
        let &[_, channels, height, width] = data.shape() else {
            return self;
        };
        let found = match &self {
            Model::Family(spec) => {
                let other = spec.image().is_some_and(|[own, h, w]| {
                    own == channels && [h, w] != [height, width] && data.check_inputs(spec).is_err()
                });
                spec.with_image([channels, height, width]).filter(|_| other)
            }
            Model::Program(_) | Model::Adapted(_) => None,
        };
        let Some(spec) = found else { return self };
        reporter.note(format_args!(
            "the images are {height}x{width}, so the network is taken to be {spec}"
        ));
        Model::Family(spec)
    }

    /// The network with as many outputs as that of a file that does not fit.
    fn with_outputs_of(&self, error: &StudyError) -> Option<Self> {
        match (self, error) {
            (
                Model::Family(spec),
                StudyError::Models(ModelsError::Checkpoint {
                    outputs: Some(outputs),
                    ..
                }),
            ) => spec.with_outputs(*outputs).map(Model::Family),
            _ => None,
        }
    }

    /// What a file holds for the network; what is to be said of it is said.
    pub(super) fn read(
        &self,
        path: &Path,
        options: &LoadOptions,
        reporter: &dyn Reporter,
    ) -> Result<Loaded, StudyError> {
        let loaded = match self {
            Model::Family(spec) => load_network_with(path, spec, options)?,
            Model::Program(program) => {
                let name = path_words(program.path()).to_string();
                load_layout_with(path, program.params(), &name, options)?
            }
            Model::Adapted(adapted) => return adapted.read(path, options, reporter),
        };
        for note in &loaded.notes {
            let words = format_args!("{}: {}", path_words(path), note.words);
            match note.matters {
                true => reporter.note(words),
                false => reporter.detail(words),
            }
        }
        Ok(loaded)
    }

    /// Its tensors with buffers as they are before anything is measured: running variances 1, all else 0.
    pub(crate) fn unmeasured(&self) -> Params {
        let mut tensors = self.layout().into_inner();
        for tensor in &mut tensors {
            let variance = tensor.name.ends_with("running_var");
            tensor.data.fill(if variance { 1.0 } else { 0.0 });
        }
        Params::new(tensors).expect("names and lengths are those of the layout")
    }

    /// As a Burn module with these parameters, on the CPU; adapters are merged.
    ///
    /// # Errors
    /// As [`Model::family`], and those of [`Network::from_params`].
    pub fn network(&self, params: &Params) -> Result<Network, StudyError> {
        if let Model::Adapted(adapted) = self {
            let merged = adapted.adapters().merged(params);
            return adapted.model().network(&merged);
        }
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
            Model::Program(program) => program.trace(params, data, loss, terms),
            Model::Adapted(adapted) => adapted.trace(params, data, loss, terms),
        }
    }

    /// Weights whose number the name tells, before anything is built.
    pub(crate) fn given_weights(&self) -> Option<u64> {
        match self {
            Model::Family(spec) => spec.matrix_weights(),
            Model::Program(_) => None,
            Model::Adapted(adapted) => adapted.model().given_weights(),
        }
    }

    /// Bytes that an evaluation of so many samples takes.
    pub(crate) fn evaluation_bytes(&self, samples: usize) -> u64 {
        match self {
            Model::Family(spec) => evaluation_bytes(spec, samples),
            Model::Program(_) => 0,
            Model::Adapted(adapted) => adapted.model().evaluation_bytes(samples),
        }
    }
}
