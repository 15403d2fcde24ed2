//! Variants of one training into a store, each kept as an ordinary training run.

use super::recorder::SweepRecorder;
use super::{Base, Compared, ComparisonRequest, Factor, Study, Variant, widened};
use crate::StudyError;
use crate::device::Evaluation;
use crate::estimate::{Estimate, Part, seconds_each};
use crate::problem::{DataRequest, Model, ModelSource, with_loss};
use crate::record::{DataSource, Origin, Provenance};
use crate::recording::{StoredBefore, stored_before};
use crate::report::Reporter;
use crate::runs::{Keep, seconds_a_step, steps, training_spec};
use landscape_core::{Direction, Distribution, Objective, Outcome, Plane, Shard, counted};
use landscape_hessian::LanczosParams;
use landscape_models::{Init, LoadOptions, OptimizerKind, Rename, TrainConfig};
use landscape_storage::{CheckpointForm, Run, RunSpec, Status, Store};
use landscape_trace::Matrix;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// Points that an estimate measures at most.
const TRIAL: usize = 64;
/// Products that an estimate measures at most.
const PRODUCTS: usize = 4;

/// What a sweep varies, and its values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variation {
    /// Optimisers, each with a learning rate of its own where it has one; one of them may be named with several rates.
    Optimizers(Vec<(OptimizerKind, Option<f64>)>),
    /// Learning rates of one optimiser.
    LearningRates(Vec<f64>),
    /// Seeds of the initial parameters and of the order of the samples.
    Seeds(Vec<u64>),
    /// Widths of the network, see [`widened`].
    Widths(Vec<usize>),
    /// Samples in a batch; [`TrainConfig::FULL_BATCH`] for all of them.
    BatchSizes(Vec<usize>),
}

/// Trainings of one network that differ in one factor.
///
/// ```
/// use landscape_storage::Store;
/// use landscape_study::compare::{
///     ComparisonRequest, Sweep, SweepRequest, TrainingComparison, Variation,
/// };
///
/// let folder = tempfile::tempdir()?;
/// let store = Store::open(folder.path().join("landscape.duckdb"))?;
/// let mut request = SweepRequest::new("mlp:2-4-1".parse()?, Variation::LearningRates(vec![0.1, 0.5]));
/// request.data.data = Some("moons:n=50".parse()?);
/// request.config.epochs = 3;
/// let sweep = Sweep::prepare(&request, &())?;
/// let trained = sweep.run(&store, &())?;
/// assert_eq!(trained[1].run.name, "learning-rates-lr-0.5");
/// let mut request = ComparisonRequest::new(sweep.name());
/// request.factor = Some(sweep.factor());
/// (request.counts, request.end_counts) = (vec![9], vec![9]);
/// let found = TrainingComparison::prepare(&request, &trained, &store)?.run(&store, &())?;
/// assert_eq!(found.trainings.len(), 2);
/// println!("{found}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepRequest {
    /// The network.
    #[serde(with = "landscape_core::as_words")]
    pub model: ModelSource,
    /// A file of initial parameters; where absent they are drawn from the seed of each training, or those that are in the file
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
    /// How they are trained, apart from what is varied.
    #[serde(default)]
    pub config: TrainConfig,
    /// What is varied.
    pub variation: Variation,
    /// Only this part of the trainings; see [`crate::shard`].
    #[serde(default, with = "landscape_core::as_words::option")]
    pub shard: Option<Shard>,
    /// Trainings at a time; 0 for one a core.
    #[serde(default)]
    pub threads: usize,
    /// How the runs are kept: `NAME-seed-3`.
    #[serde(default)]
    pub keep: Keep,
}

impl SweepRequest {
    /// Trainings of a network, with everything else as it is usual; the data are to be named.
    pub fn new(model: ModelSource, variation: Variation) -> Self {
        SweepRequest {
            model,
            weights: None,
            renames: Vec::new(),
            init: None,
            data: DataRequest::default(),
            config: TrainConfig::default(),
            variation,
            shard: None,
            threads: 0,
            keep: Keep::default(),
        }
    }

    fn base(&self, reporter: &dyn Reporter) -> Result<(Base, DataSource), StudyError> {
        let model = Model::open(&self.model, reporter)?;
        let source = self.data.source(None)?;
        let source = model.named_inputs(source, self.data.loss, reporter)?;
        model.plan(reporter)?;
        let data = self.data.load(&source)?;
        let model = model.for_data(&data, reporter);
        let options = LoadOptions {
            renames: &self.renames,
            ..LoadOptions::default()
        };
        let (model, initial) = match &self.weights {
            Some(path) => {
                let (model, params) = model.load_fitting(path, &options, reporter)?;
                (model, Some(params))
            }
            None => (model, None),
        };
        let (data, loss) = with_loss(data, &model, (self.data.loss, None), reporter)?;
        if let (Variation::Seeds(_), Model::Program(_)) = (&self.variation, &model) {
            reporter.note(
                "all networks start from the same parameters: a seed orders the samples of a program, and draws no weights",
            );
        }
        let base = Base {
            loss: loss.kind,
            initial,
            init: self.init,
            model,
            config: self.config.on(data.len()),
            data,
        };
        Ok((base, source))
    }
}

impl Variation {
    fn len(&self) -> usize {
        match self {
            Variation::Optimizers(all) => all.len(),
            Variation::LearningRates(all) => all.len(),
            Variation::Seeds(all) => all.len(),
            Variation::Widths(all) | Variation::BatchSizes(all) => all.len(),
        }
    }

    /// Plans the memory of all networks, before they are made.
    fn plan(&self, base: &Base, reporter: &dyn Reporter) -> Result<(), StudyError> {
        let Variation::Widths(widths) = self else {
            return base.model.plan_several(self.len(), reporter);
        };
        for &width in widths {
            let model = Model::from(widened(base.model.family()?, width)?);
            model.plan(reporter)?;
            model.plan_samples(base.data.len(), reporter)?;
        }
        Ok(())
    }

    fn study(&self, base: Base) -> Result<Study, StudyError> {
        match self {
            Variation::Optimizers(all) => {
                let usual = base.config.lr;
                let rates = all.iter().map(|&(kind, lr)| (kind, lr.unwrap_or(usual)));
                Study::optimizers(base, &rates.collect::<Vec<_>>())
            }
            Variation::LearningRates(rates) => Study::learning_rates(base, rates),
            Variation::Seeds(seeds) => Study::seeds(base, seeds.iter().copied()),
            Variation::Widths(widths) => Study::widths(base, widths),
            Variation::BatchSizes(sizes) => Study::batch_sizes(base, sizes),
        }
    }
}

/// A sweep, checked and ready.
#[derive(Debug)]
pub struct Sweep {
    name: String,
    study: Study,
    specs: Vec<RunSpec>,
    shard: Option<Shard>,
    threads: usize,
}

impl Sweep {
    /// Reads and checks everything that was asked for; stores nothing.
    ///
    /// # Errors
    /// Whatever is absent or does not fit; [`StudyError::TooFew`], [`StudyError::Repeated`].
    pub fn prepare(request: &SweepRequest, reporter: &dyn Reporter) -> Result<Self, StudyError> {
        let (base, source) = request.base(reporter)?;
        request.variation.plan(&base, reporter)?;
        let study = request.variation.study(base)?;
        if let Some(first) = study.variants().first()
            && first.model.file().is_some()
        {
            study.trainee(first, reporter)?;
        }
        let usual = || study.factor().plural().replace(' ', "-");
        let name = request.keep.name.clone().unwrap_or_else(usual);
        let spec = |variant: &Variant| spec(variant, &study, &name, &source, request);
        let specs = study.variants().iter().map(spec).collect();
        Ok(Sweep {
            name,
            study,
            specs,
            shard: request.shard,
            threads: request.threads,
        })
    }

    /// What the names of its runs begin with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is varied.
    pub fn factor(&self) -> Factor {
        self.study.factor()
    }

    /// The trainings.
    pub fn variants(&self) -> &[Variant] {
        self.study.variants()
    }

    /// Units that can be divided into shards: trainings.
    pub fn units(&self) -> usize {
        self.specs.len()
    }

    /// Whether the training at a place is asked for: all are, but for those of other shards.
    fn is_own(&self, place: usize) -> bool {
        self.shard.is_none_or(|shard| shard.has(place))
    }

    /// Trains what is not trained yet, of a shard its trainings alone. The reporter can stop it.
    ///
    /// # Errors
    /// [`StudyError::Interrupted`] when it was stopped, and those of training and store.
    pub fn run(&self, store: &Store, reporter: &dyn Reporter) -> Result<Vec<Compared>, StudyError> {
        let runs = self.begin(store, reporter)?;
        let complete = |run: &Run| run.status == Status::Complete;
        let own: Vec<usize> = (0..self.specs.len()).filter(|&k| self.is_own(k)).collect();
        let left: Vec<(usize, &Run)> = { own.iter().copied().zip(&runs) }
            .filter(|(_, run)| !complete(run))
            .collect();
        if !left.is_empty() {
            self.train(&left, runs.len(), store, reporter)?;
        }
        // All at once, so that the runs of two sweeps are never side by side.
        store.promote(&runs)?;
        let compared = |(place, run): (&usize, Run)| Compared {
            label: self.study.variants()[*place].label.clone(),
            run,
        };
        Ok(own.iter().zip(runs).map(compared).collect())
    }

    /// What it would cost to train them and to put them side by side, from steps and points that are measured and not
    /// kept; curvature is not counted. What is stored of the trainings is looked up in `store`.
    ///
    /// # Errors
    /// Those of training, objective and store.
    pub fn estimate(
        &self,
        request: &ComparisonRequest,
        store: Option<&Store>,
    ) -> Result<Estimate, StudyError> {
        let data = self.study.data();
        let variants = self.study.variants();
        let (mut all, mut stored, mut seconds) = (0, 0, 0.0);
        let mut each: Option<f64> = None;
        let own = variants.iter().zip(&self.specs).enumerate();
        for (_, (variant, spec)) in own.filter(|(place, _)| self.is_own(*place)) {
            let steps = steps(&variant.config, data.len());
            let before = match store.filter(|_| !spec.replace) {
                Some(store) => stored_before(store, spec)?.steps(steps),
                None => 0,
            };
            // Steps of one network and batch take the same time.
            let step = match (self.factor(), each) {
                (Factor::Width | Factor::BatchSize, _) | (_, None) => {
                    seconds_a_step(self.study.trainee(variant, &())?, &variant.config)?
                }
                (_, Some(each)) => each,
            };
            each = Some(step);
            (all, stored) = (all + steps, stored + before);
            seconds += step * (steps as u64 - before) as f64;
        }
        let left = (all as u64).saturating_sub(stored);
        let together = match self.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let together = together.min(variants.len()) as f64;
        let step = seconds / left.max(1) as f64 / together;
        let training = Part::new("steps of training", all, step).stored(stored);
        let mut parts = vec![training];
        if self.shard.is_some() {
            return Ok(Estimate::of(parts));
        }
        let planes = request.points(variants.len())?;
        let point = seconds_a_point(&self.study, &request.evaluation)?;
        parts.push(Part::new("points of planes", planes, point));
        if request.curvature {
            let product = seconds_a_product(&self.study, &request.evaluation)?;
            let most = variants.len() * LanczosParams::default().max_products;
            parts.push(Part::new("products for eigenvalues", most, product).at_most(true));
        }
        Ok(Estimate::of(parts))
    }

    /// A run for each variant. Names that are taken by something else are found before any is made.
    fn begin(&self, store: &Store, reporter: &dyn Reporter) -> Result<Vec<Run>, StudyError> {
        let own = self
            .specs
            .iter()
            .enumerate()
            .filter(|(place, _)| self.is_own(*place));
        let mut specs: Vec<RunSpec> = own.map(|(_, spec)| spec.clone()).collect();
        let mut stopped = 0;
        for spec in specs.iter_mut().filter(|spec| !spec.replace) {
            // Half of a path that cannot go on is stored anew.
            let before = stored_before(store, spec)?;
            spec.replace = matches!(before, StoredBefore::WithoutState { .. });
            stopped += usize::from(matches!(before, StoredBefore::Stopped(_)));
        }
        let runs = specs.iter().map(|spec| store.begin(spec));
        let runs: Vec<Run> = runs.collect::<Result<_, _>>()?;
        let known = { runs.iter() }.filter(|run| run.status == Status::Complete);
        let known = known.count();
        if known > 0 {
            let all = runs.len();
            reporter.note(format_args!(
                "{known} of {all} networks are trained already"
            ));
        }
        if stopped > 0 {
            let stopped = counted(stopped, "network");
            reporter.note(format_args!(
                "continued from where they were stopped: {stopped}"
            ));
        }
        Ok(runs)
    }

    /// Trains those at these places, of so many in all.
    fn train(
        &self,
        left: &[(usize, &Run)],
        all: usize,
        store: &Store,
        reporter: &dyn Reporter,
    ) -> Result<(), StudyError> {
        let (left, of): (Vec<usize>, Vec<&Run>) = left.iter().copied().unzip();
        let recorder = SweepRecorder::new(store, of, &self.name, reporter);
        let trained = self.study.only(&left).train(self.threads, &recorder);
        recorder.told()?;
        let trained = trained?;
        let done = trained
            .iter()
            .filter(|one| one.outcome == Outcome::Complete);
        let done = done.count();
        if done == trained.len() {
            return Ok(());
        }
        let done = all - left.len() + done;
        Err(StudyError::Interrupted {
            saved: format!(
                "{done} of {all} networks are trained and stored, the others as far as they got"
            ),
            again: "the same command continues from there",
        })
    }
}

/// Seconds of a point of a plane through the parameters of the first variant.
fn seconds_a_point(study: &Study, evaluation: &Evaluation) -> Result<f64, StudyError> {
    let first = &study.variants()[0];
    let origin = &first.initial;
    let draw = |stream| Direction::random(origin, Distribution::Gaussian, 0, stream);
    let plane = Plane::new(origin.clone(), vec![draw(0), draw(1)])?;
    let trace = study.trace(&first.model, origin)?;
    let objective = trace.objective(&plane, &evaluation.targets()?)?;
    let points: Vec<_> = (0..TRIAL)
        .map(|i| [i as f64 / TRIAL as f64, 0.5, 0.0])
        .collect();
    Ok(seconds_each(TRIAL, |count| {
        objective.evaluate(&points[..count]).map(drop)
    })?)
}

/// Seconds of a product with the Hessian at the parameters of the first variant.
fn seconds_a_product(study: &Study, evaluation: &Evaluation) -> Result<f64, StudyError> {
    let first = &study.variants()[0];
    let trace = study.trace(&first.model, &first.initial)?;
    // Products are computed on one device.
    let target = evaluation.targets()?.swap_remove(0);
    let curvature = trace.curvature(&first.initial, &target)?;
    let vector = vec![1.0; curvature.dim()];
    Ok(seconds_each(PRODUCTS, |count| {
        let block = vec![vector.clone(); count];
        curvature.products(Matrix::Hessian, &block).map(drop)
    })?)
}

/// The run of a variant.
fn spec(
    variant: &Variant,
    study: &Study,
    name: &str,
    source: &DataSource,
    request: &SweepRequest,
) -> RunSpec {
    let (task, form) = (study.task(variant), CheckpointForm::default());
    let spec = training_spec(&variant.model, &variant.initial, task, form, None);
    let keep = Keep {
        name: Some(format!("{name}-{}", variant.label.replace(' ', "-"))),
        comparison: Some(name.to_owned()),
        ..request.keep.clone()
    };
    let seed = variant.config.seed;
    let given = request.weights.as_deref().map(Origin::file);
    let origin = match (given, &variant.model) {
        (Some(given), _) => given,
        (None, Model::Program(program)) => Origin::file(program.path()),
        (None, Model::Family(_) | Model::Adapted(_)) => Origin::Seed { seed },
    };
    let provenance = Provenance {
        model: variant.model.file(),
        data: Some(source.clone()),
        weights: Some(origin),
        device: Some("cpu".to_owned()),
        ..Provenance::now()
    };
    keep.spec(spec, provenance)
}

/// The trainings of a shard: as JSON, what `landscape compare --shard --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrainedShard {
    /// The shard.
    #[serde(with = "landscape_core::as_words")]
    pub shard: Shard,
    /// Trainings of the whole.
    pub trainings: usize,
    /// The runs of those that are the shard's.
    pub runs: Vec<String>,
}

impl Sweep {
    /// The shard that was trained; nothing where everything was.
    pub fn trained_shard(&self, trained: &[Compared]) -> Option<TrainedShard> {
        Some(TrainedShard {
            shard: self.shard?,
            trainings: self.units(),
            runs: trained.iter().map(|one| one.run.name.clone()).collect(),
        })
    }
}

impl fmt::Display for TrainedShard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shard, own, all) = (self.shard, self.runs.len(), self.trainings);
        writeln!(f, "shard {shard}: {own} of {all} networks are trained")?;
        self.runs.iter().try_for_each(|run| writeln!(f, "  {run}"))
    }
}
