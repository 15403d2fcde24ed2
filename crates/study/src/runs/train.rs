//! Trainings that record their path.

use super::Keep;
use super::projected::{ProjectedTrainee, ProjectedUpdates, is_of_training};
use super::trial::{seconds_a_step, steps};
use crate::StudyError;
use crate::device::DeviceName;
use crate::estimate::{Estimate, Part};
use crate::problem::{DataRequest, LossChoice, Model, ModelSource, TrainingTask, with_loss};
use crate::record::{self, Origin, ProblemSettings, Provenance, TrainingRunSettings};
use crate::recording::{StoredBefore, StoredTraining, stored_before};
use crate::report::{ReportedSteps, Reporter};
use landscape_core::{Outcome, Params};
use landscape_models::{Init, LoadOptions, Rename, Step, TrainConfig, Trainee};
use landscape_storage::{CheckpointForm, Run, RunKind, RunSpec, Status, Store, TrainRecord};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Instant;

/// A training.
///
/// ```
/// use landscape_storage::Store;
/// use landscape_study::runs::{TrainRequest, Training};
///
/// let folder = tempfile::tempdir()?;
/// let store = Store::open(folder.path().join("landscape.duckdb"))?;
/// let mut request = TrainRequest::new("mlp:2-8-1".parse()?);
/// request.data.data = Some("moons:n=50".parse()?);
/// request.config.epochs = 3;
/// let trained = Training::prepare(&request, &())?.run(&store, &())?;
/// assert_eq!(trained.records.len(), 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainRequest {
    /// The network.
    #[serde(with = "landscape_core::as_words")]
    pub model: ModelSource,
    /// A file of initial parameters; where absent they are drawn from the seed of the training, or those that are in the file
    /// of a program.
    #[serde(default, with = "landscape_core::as_words::path::option")]
    pub weights: Option<PathBuf>,
    /// Other names for the tensors in it.
    #[serde(default, with = "landscape_core::as_words::list")]
    pub renames: Vec<Rename>,
    /// What the initial parameters of a family are drawn from, where there is no file; [`Init::PyTorch`] where absent.
    #[serde(default, with = "landscape_core::as_words::option")]
    pub init: Option<Init>,
    /// The data and the loss.
    #[serde(default)]
    pub data: DataRequest,
    /// How it is trained.
    #[serde(default)]
    pub config: TrainConfig,
    /// What of each update is made.
    #[serde(default, with = "landscape_core::as_words::option")]
    pub projected: Option<ProjectedUpdates>,
    /// On which device.
    pub device: DeviceName,
    /// How checkpoints are stored.
    #[serde(default, with = "landscape_core::as_words")]
    pub form: CheckpointForm,
    /// How it is kept.
    #[serde(default)]
    pub keep: Keep,
}

impl TrainRequest {
    /// A training of a network, with everything else as it is usual; the data are to be named.
    pub fn new(model: ModelSource) -> Self {
        TrainRequest {
            model,
            weights: None,
            renames: Vec::new(),
            init: None,
            data: DataRequest::default(),
            config: TrainConfig::default(),
            projected: None,
            device: DeviceName::Cpu,
            form: CheckpointForm::default(),
            keep: Keep::default(),
        }
    }
}

/// A training, checked and ready.
pub struct Training {
    trainee: Box<dyn Trainee>,
    samples: usize,
    /// The loss, and why it is this one.
    pub loss: LossChoice,
    config: TrainConfig,
    form: CheckpointForm,
    /// The run that it makes.
    pub spec: RunSpec,
}

/// A finished training.
#[derive(Debug)]
pub struct TrainedRun {
    /// The run.
    pub run: Run,
    /// All records, by step.
    pub records: Vec<TrainRecord>,
    /// What its checkpoints take.
    pub bytes: u64,
    /// Seconds that it took now.
    pub seconds: f64,
}

impl TrainedRun {
    /// Whether it ended with a loss: the parameters of one that diverged have no landscape around them.
    pub fn is_finite(&self) -> bool {
        let last = self.records.last().and_then(|record| record.loss);
        last.is_some_and(f64::is_finite)
    }
}

impl Training {
    /// Reads and checks everything that was asked for; stores nothing.
    ///
    /// # Errors
    /// Whatever is absent or does not fit.
    pub fn prepare(request: &TrainRequest, reporter: &dyn Reporter) -> Result<Self, StudyError> {
        request.config.check()?;
        let model = Model::open(&request.model, reporter)?;
        model.plan(reporter)?;
        request.device.open()?;
        let source = request.data.source(None)?;
        let source = model.named_inputs(source, request.data.loss, reporter)?;
        let data = request.data.load(&source)?;
        let model = model.for_data(&data, reporter);
        let (model, params, origin) = match &request.weights {
            None => {
                let (params, origin) = model.start(request.init, request.config.seed)?;
                (model, params, origin)
            }
            Some(path) => {
                let options = LoadOptions {
                    renames: &request.renames,
                    ..LoadOptions::default()
                };
                let (model, params) = model.load_fitting(path, &options, reporter)?;
                (model, params, Origin::file(path))
            }
        };
        let (data, loss) = with_loss(data, &model, (request.data.loss, None), reporter)?;
        let config = request.config.on(data.len());
        let task = TrainingTask {
            data: &data,
            loss: loss.kind,
            config: &config,
        };
        let trainee = model.trainee(&params, request.device, task, reporter)?;
        let trainee = match request.projected {
            None => trainee,
            Some(updates) => projected(trainee, updates, &model, task, reporter)?,
        };
        // Labels outside the classes, inputs of another size: before anything is stored.
        trainee.evaluate()?;
        trainee.check_batches(config.batch)?;
        let provenance = Provenance {
            model: model.file(),
            data: Some(source),
            weights: Some(origin),
            device: Some(request.device.to_string()),
            ..Provenance::now()
        };
        let spec = training_spec(&model, &params, task, request.form, request.projected);
        Ok(Training {
            trainee,
            samples: data.len(),
            loss,
            config,
            form: request.form,
            spec: request.keep.spec(spec, provenance),
        })
    }

    /// Trains, unless that was done before. The reporter can stop it.
    ///
    /// # Errors
    /// [`StudyError::Stopped`] where a training that was stopped is stored, [`StudyError::Interrupted`], and those of
    /// training and store.
    pub fn run(self, store: &Store, reporter: &dyn Reporter) -> Result<TrainedRun, StudyError> {
        let start = Instant::now();
        self.check_stored(store, reporter)?;
        let run = store.begin(&self.spec)?;
        if run.status == Status::Complete {
            reporter.note(format_args!("{}: trained already", run.name));
            store.promote(std::slice::from_ref(&run))?;
        } else {
            self.work(store, &run, reporter)?;
        }
        Ok(TrainedRun {
            records: store.records(&run)?,
            bytes: store.summary(&run.name)?.checkpoint_bytes,
            run,
            seconds: start.elapsed().as_secs_f64(),
        })
    }

    /// What training would cost, from its first steps, which are measured and not kept. What is stored is looked up in
    /// `store`.
    ///
    /// # Errors
    /// Those of training and store.
    pub fn estimate(self, store: Option<&Store>) -> Result<Estimate, StudyError> {
        let store = store.filter(|_| !self.spec.replace);
        let before = match store {
            Some(store) => stored_before(store, &self.spec)?,
            None => StoredBefore::Nothing,
        };
        let steps = steps(&self.config, self.samples);
        let each = seconds_a_step(self.trainee, &self.config)?;
        let part = Part::new("steps of training", steps, each);
        Ok(Estimate::of(vec![part.stored(before.steps(steps))]))
    }

    /// Says where a training that was stopped goes on. Checkpoints of one that cannot are not given up unless that is
    /// asked for.
    fn check_stored(&self, store: &Store, reporter: &dyn Reporter) -> Result<(), StudyError> {
        if self.spec.replace {
            return Ok(());
        }
        match stored_before(store, &self.spec)? {
            StoredBefore::Stopped(step) => {
                reporter.note(format_args!("continues from step {step}"));
                Ok(())
            }
            StoredBefore::WithoutState {
                name: run,
                step,
                checkpoints,
            } => Err(StudyError::Stopped {
                run,
                step,
                checkpoints,
            }),
            StoredBefore::Nothing | StoredBefore::Complete => Ok(()),
        }
    }

    fn work(self, store: &Store, run: &Run, reporter: &dyn Reporter) -> Result<(), StudyError> {
        let mut steps = ReportedSteps::new(reporter, &run.name);
        let mut watch = |step: Step| steps.step(step.step, step.steps);
        let training = StoredTraining {
            trainee: self.trainee,
            config: &self.config,
            form: self.form,
        };
        let report = training.run(store, run, &mut watch)?;
        match report.outcome {
            Outcome::Complete => Ok(()),
            Outcome::Cancelled => Err(StudyError::Interrupted {
                saved: format!(
                    "the path of run `{}` up to step {} is stored",
                    run.name, report.steps
                ),
                again: "the same command continues from there",
            }),
        }
    }
}

/// The same whose updates are projected.
fn projected(
    trainee: Box<dyn Trainee>,
    updates: ProjectedUpdates,
    model: &Model,
    task: TrainingTask,
    reporter: &dyn Reporter,
) -> Result<Box<dyn Trainee>, StudyError> {
    let params = trainee.params();
    if !is_of_training(&params) {
        reporter.note(
            "the eigenvectors are those of the loss with running statistics, not of that with statistics of the batch",
        );
    }
    let trace = model.trace(&params, task.data, task.loss, &[])?;
    let seed = task.config.seed;
    Ok(Box::new(ProjectedTrainee::new(
        trainee, updates, &trace, seed,
    )?))
}

/// A training as a run, without a name and provenance: everything that determines its numbers.
pub fn training_spec(
    model: &Model,
    start: &Params,
    task: TrainingTask,
    form: CheckpointForm,
    projected: Option<ProjectedUpdates>,
) -> RunSpec {
    let weights = Some(start.digest());
    let problem = ProblemSettings::new(model, weights, task.data, task.loss);
    let settings = TrainingRunSettings {
        projected: projected.map(|updates| updates.to_string()),
        ..TrainingRunSettings::new(problem, task.config, form)
    };
    record::request(RunKind::Train, &settings)
}
