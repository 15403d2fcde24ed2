//! Curvature at a point, along a training, over a plane.

mod eigen;
mod estimates;
mod map;
mod matrices;
mod parted;
mod parts;
mod request;
mod sharpness;
mod state;
mod subspace;
mod summary;
mod training;
mod words;
mod work;

pub(crate) use parts::FROBENIUS;
pub use request::{EigenMethod, Floats, Measure, Per, Wanted};
pub(crate) use subspace::is_of_subspace;
pub use summary::{
    CurvatureSummary, DensitySummary, EigenvalueSummary, FoundSummary, LayerSummary, MapSummary,
    MatrixSummary, PairSummary, SubspaceSummary, TraceSummary,
};
pub(crate) use words::{heading, settings_words, steps_words};

use crate::StudyError;
use crate::device::Evaluation;
use crate::directions::{Derivatives, Directions, GridRequest, PlaneRequest, UsualAxis};
use crate::estimate::{Estimate, Part, seconds_each};
use crate::problem::{DataRequest, LossChoice, NetworkRequest, Problem};
use crate::record::{self, Provenance};
use crate::report::Reporter;
use crate::runs::Keep;
use crate::shard::ShardPart;
use landscape_core::{Grid, Rng, Shard};
use landscape_hessian::Method;
use landscape_storage::{Curvature, CurvatureMap, Run, RunKind, RunSpec, Status, Store};
use landscape_trace::{Matrix, Target};
use serde::{Deserialize, Serialize};
use training::stability;
pub use training::training_of;
use work::Work;

/// An axis of a map unless asked otherwise.
const MAP: UsualAxis = UsualAxis {
    min: -1.0,
    max: 1.0,
    count: 21,
};

/// Products that an estimate measures together at most.
const TRIAL: usize = 4;
/// What an estimate calls the products of a density.
const DENSITY: &str = "products for the density";

/// Curvature of a loss at the parameters of a network. Where nothing is asked for, the five largest eigenvalues and the
/// trace.
///
/// ```
/// use landscape_storage::Store;
/// use landscape_study::hessian::{CurvatureRequest, CurvatureStudy};
/// use landscape_study::runs::{TrainRequest, Training};
///
/// let folder = tempfile::tempdir()?;
/// let store = Store::open(folder.path().join("landscape.duckdb"))?;
/// let mut training = TrainRequest::new("mlp:2-8-1".parse()?);
/// training.data.data = Some("moons:n=50".parse()?);
/// training.config.epochs = 5;
/// training.keep.name = Some("moons".to_owned());
/// Training::prepare(&training, &())?.run(&store, &())?;
///
/// let mut request = CurvatureRequest { top: Some(2), ..CurvatureRequest::default() };
/// request.network.run = Some("moons".to_owned());
/// let found = CurvatureStudy::prepare(&request, Some(&store), &())?.run(&store, &())?;
/// assert_eq!(found.points[0].eigenvalues.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CurvatureRequest {
    /// The network and its parameters, which are to be named.
    pub network: NetworkRequest,
    /// The data and the loss.
    pub data: DataRequest,
    /// So many of the largest eigenvalues.
    pub top: Option<usize>,
    /// So many of the smallest eigenvalues.
    pub bottom: Option<usize>,
    /// The trace.
    pub trace: bool,
    /// The density of all eigenvalues.
    pub density: bool,
    /// Traces and largest eigenvalues of the diagonal blocks of layers.
    pub per_layer: bool,
    /// What else the network is looked at in parts for; [`Per::Layer`] is `per_layer`.
    #[serde(with = "landscape_core::as_words::list")]
    pub per: Vec<Per>,
    /// How much of gradient, updates and path lies in the space of so many leading eigenvectors, at every checkpoint.
    pub subspace: Option<usize>,
    /// Both ends of the spectrum over the grid of a plane.
    pub map: bool,
    /// Measures of sharpness.
    #[serde(with = "landscape_core::as_words::list")]
    pub sharpness: Vec<Measure>,
    /// Whether measures that the problem does not have are left out, and said; otherwise they are errors.
    pub every_measure: bool,
    /// All of this at every recorded checkpoint of the training.
    pub all_steps: bool,
    /// Of which matrix.
    #[serde(with = "landscape_core::as_words")]
    pub matrix: Matrix,
    /// How eigenvalues are found.
    #[serde(with = "landscape_core::as_words")]
    pub method: EigenMethod,
    /// An eigenvalue is converged when its residual is at most this share of it.
    pub tolerance: f64,
    /// Bound on the products of each search and each trace.
    pub max_products: Option<usize>,
    /// How the trace is estimated; XTrace where absent, Hutchinson's beyond a million parameters.
    #[serde(with = "landscape_core::as_words::option")]
    pub trace_method: Option<Method>,
    /// Random vectors of the density.
    pub probes: usize,
    /// Lanczos steps from each of them; beyond 80 the Gaussian is narrower, see [`landscape_hessian::DensityParams::of_steps`].
    pub lanczos_steps: usize,
    /// Radius of the measures of sharpness that have one; each has its own default.
    pub rho: Option<f64>,
    /// Whether derivatives are computed in 64-bit floats.
    pub double: bool,
    /// The directions of a map, and the seed of all random vectors.
    pub plane: PlaneRequest,
    /// Only this part of the points of a map, and nothing else; see [`crate::shard`].
    #[serde(with = "landscape_core::as_words::option")]
    pub shard: Option<Shard>,
    /// The points of a map; 21 an axis from -1 to 1 where absent.
    pub grid: GridRequest,
    /// Where it is evaluated: on one device.
    pub evaluation: Evaluation,
    /// How it is kept.
    pub keep: Keep,
}

impl Default for CurvatureRequest {
    /// The five largest eigenvalues and the trace of the Hessian.
    fn default() -> Self {
        CurvatureRequest {
            network: NetworkRequest::default(),
            data: DataRequest::default(),
            top: None,
            bottom: None,
            trace: false,
            density: false,
            per_layer: false,
            per: Vec::new(),
            subspace: None,
            map: false,
            sharpness: Vec::new(),
            every_measure: false,
            all_steps: false,
            matrix: Matrix::Hessian,
            method: EigenMethod::Lanczos,
            tolerance: 1e-3,
            max_products: None,
            trace_method: None,
            probes: 8,
            lanczos_steps: 80,
            rho: None,
            double: false,
            plane: PlaneRequest::default(),
            shard: None,
            grid: GridRequest::default(),
            evaluation: Evaluation::default(),
            keep: Keep::default(),
        }
    }
}

impl CurvatureRequest {
    /// Checks what can be checked before a file is read; gives what is wanted.
    ///
    /// # Errors
    /// For the first thing that cannot work.
    pub fn check(&self) -> Result<Wanted, StudyError> {
        self.grid.of(2)?;
        let wanted = Wanted::precheck(self)?;
        if self.shard.is_some() && !self.is_map_alone() {
            return Err(StudyError::ShardedCurvature);
        }
        if !self.network.has_parameters() {
            return Err(StudyError::NoParameters);
        }
        match self.evaluation.devices.len() {
            1 => Ok(wanted),
            devices => Err(StudyError::OneDevice { devices }),
        }
    }
}

impl CurvatureRequest {
    /// What the network is looked at in parts for, each once and in the order of [`Per::ALL`].
    pub fn divisions(&self) -> Vec<Per> {
        let asked = |per: &Per| self.per.contains(per) || (*per == Per::Layer && self.per_layer);
        Per::ALL.iter().copied().filter(asked).collect()
    }

    /// Whether nothing but a map is asked for.
    fn is_map_alone(&self) -> bool {
        let numbers = self.top.is_some() || self.bottom.is_some() || self.trace || self.density;
        let more = !self.divisions().is_empty() || !self.sharpness.is_empty() || self.all_steps;
        self.map && !numbers && !more
    }
}

/// A plane to map.
struct Mapped {
    directions: Directions,
    grid: Grid,
}

/// Curvature that is ready to be computed.
pub struct CurvatureStudy {
    problem: Problem,
    derivatives: Derivatives,
    /// What is computed.
    pub wanted: Wanted,
    map: Option<Mapped>,
    /// The limit of stability of the training at these parameters.
    limit: Option<f64>,
    shard: Option<Shard>,
    /// The run that it makes.
    pub spec: RunSpec,
}

/// What was found.
#[derive(Debug)]
pub struct FoundCurvature {
    /// The run.
    pub run: Run,
    /// At each set of parameters.
    pub points: Vec<Curvature>,
    /// Over the plane.
    pub map: Option<CurvatureMap>,
    /// The part of the map that was asked for, where it was not all of it.
    pub shard: Option<ShardPart>,
    /// Products computed now.
    pub computed: u64,
    /// Seconds that it took now.
    pub seconds: f64,
    /// The loss, and why it is this one.
    pub loss: LossChoice,
}

impl CurvatureStudy {
    /// Reads and checks everything that was asked for; stores nothing. Trainings are looked up in `store`.
    ///
    /// # Errors
    /// Whatever is absent or does not fit.
    pub fn prepare(
        request: &CurvatureRequest,
        store: Option<&Store>,
        reporter: &dyn Reporter,
    ) -> Result<Self, StudyError> {
        request.check()?;
        let target = request.evaluation.targets()?.swap_remove(0);
        let problem = Problem::load(
            &request.network,
            &request.data,
            request.plane.seed,
            store,
            reporter,
        )?;
        let derivatives = Derivatives::new(&problem, &target, request.double)?;
        let wanted = Wanted::new(request, derivatives.dim())?;
        if wanted.has(Per::Pair) {
            parts::pair_trace(&wanted, derivatives.curvature().blocks())?;
        }
        wanted.plan_memory(reporter)?;
        let derivatives = derivatives.said(reporter)?;
        let map = match wanted.asked.map {
            true => Some(mapped(request, &problem, store, &target, reporter)?),
            false => None,
        };
        let spec = spec(request, &problem, &wanted, map.as_ref());
        let limit = store.map(|store| stability(store, &problem)).transpose()?;
        Ok(CurvatureStudy {
            limit: limit.flatten(),
            shard: request.shard,
            problem,
            derivatives,
            wanted,
            map,
            spec,
        })
    }

    /// The directions of the map.
    pub fn directions(&self) -> Option<&Directions> {
        self.map.as_ref().map(|mapped| &mapped.directions)
    }

    /// The points of the map.
    pub fn grid(&self) -> Option<&Grid> {
        self.map.as_ref().map(|mapped| &mapped.grid)
    }

    /// Units that can be divided into shards: points of the whole map.
    pub fn units(&self) -> usize {
        self.grid().map_or(0, Grid::len)
    }

    /// What it would cost, from a few products with random vectors, which are not kept. Most searches need fewer products
    /// than they may take; measures of sharpness are not counted.
    ///
    /// # Errors
    /// Those of derivatives and store; trainings are looked up in `store`.
    pub fn estimate(&self, store: Option<&Store>) -> Result<Estimate, StudyError> {
        let wanted = &self.wanted;
        let steps = match (store, &self.problem.trained) {
            (Some(store), Some(run)) if wanted.asked.all_steps => {
                store.checkpoint_steps(run)?.len()
            }
            _ => 1,
        };
        let map = self.units();
        let map = self.shard.map_or(map, |shard| shard.count(map));
        let search = wanted.single().max_products;
        let trace = wanted.trace_params().max_products;
        let blocks = self.derivatives.curvature().blocks();
        let of_parts: usize = { [Per::Layer, Per::Block].into_iter() }
            .filter(|&per| wanted.has(per))
            .map(|per| trace + search * parts::parts(blocks, per).len())
            .sum();
        let of_pairs = match wanted.has(Per::Pair) {
            true => parts::pair_trace(wanted, blocks)?.params().max_products,
            false => 0,
        };
        let pairs = wanted.top + wanted.bottom > 0;
        let of = |is_asked: bool, products: usize| if is_asked { steps * products } else { 0 };
        let parts = [
            ("products for eigenvalues", of(pairs, search)),
            ("products for the trace", of(wanted.trace, trace)),
            (DENSITY, of(wanted.asked.density, wanted.density_products())),
            ("products for parts", steps * of_parts),
            ("products between parts", steps * of_pairs),
            (
                "products for other matrices",
                of(
                    wanted.has(Per::Matrix),
                    (Matrix::ALL.len() - 1) * (search + trace),
                ),
            ),
            ("products for the map", map * search),
        ];
        let mut rng = Rng::new(wanted.asked.plane.seed, 0);
        let vector: Vec<f64> = (0..self.derivatives.dim()).map(|_| rng.normal()).collect();
        let curvature = self.derivatives.curvature();
        let each = seconds_each(TRIAL, |count| {
            let block = vec![vector.clone(); count];
            curvature.products(wanted.asked.matrix, &block).map(drop)
        })?;
        // Of a density every product counts; searches end when they have converged.
        let part = |(what, count)| Part::new(what, count, each).at_most(what != DENSITY);
        let parts = parts.into_iter().filter(|(_, count)| *count > 0);
        Ok(Estimate::of(parts.map(part).collect()))
    }

    /// Continues the stored run until everything, or every point of the shard, is known. The reporter can stop it.
    ///
    /// # Errors
    /// [`StudyError::Interrupted`] when it was stopped, and those of store and derivatives.
    pub fn run(
        &mut self,
        store: &Store,
        reporter: &dyn Reporter,
    ) -> Result<FoundCurvature, StudyError> {
        let (run, map) = self.begin(store)?;
        let complete = run.status == Status::Complete;
        let wanted = self.wanted.clone();
        let shard = map.as_ref().and_then(|map| self.part(map));
        let mut work = Work::new(store, run, &wanted, reporter);
        let map = match complete {
            true => map,
            false => self.complete(&mut work, map)?,
        };
        let points = store.curvature(&work.run)?;
        Ok(FoundCurvature {
            computed: work.computed,
            seconds: work.seconds(),
            run: work.run,
            points,
            map,
            shard,
            loss: self.problem.loss,
        })
    }

    /// What the shard has, as far as the map is stored.
    fn part(&self, map: &CurvatureMap) -> Option<ShardPart> {
        let shard = self.shard?;
        let points = shard.part(&map.grid.coarse_to_fine());
        let stored = points.iter().filter(|&&index| map.points[index].is_some());
        Some(ShardPart {
            shard,
            units: points.len(),
            stored_before: stored.count(),
        })
    }

    fn begin(&self, store: &Store) -> Result<(Run, Option<CurvatureMap>), StudyError> {
        let Some(mapped) = &self.map else {
            return Ok((store.begin(&self.spec)?, None));
        };
        let plane = &mapped.directions.plane;
        let (run, map) = store.begin_curvature_map(&self.spec, &mapped.grid, Some(plane))?;
        Ok((run, Some(map)))
    }

    fn complete(
        &mut self,
        work: &mut Work,
        map: Option<CurvatureMap>,
    ) -> Result<Option<CurvatureMap>, StudyError> {
        match self.wanted.asked.all_steps {
            true => training::every_step(work, &self.problem, &mut self.derivatives)?,
            false => point(work, &self.problem, &self.derivatives, None, self.limit)?,
        }
        let map = match (map, &self.map) {
            (Some(mut map), Some(mapped)) => {
                let plane = &mapped.directions.plane;
                map::fill(work, &mut self.derivatives, plane, &mut map, self.shard)?;
                work.keep(0, Curvature::default())?;
                Some(map)
            }
            _ => None,
        };
        let whole = { map.iter() }.all(|map| map.points.iter().all(Option::is_some));
        let status = match whole {
            true => Status::Complete,
            false => Status::Interrupted,
        };
        work.store.finish(&work.run, status)?;
        Ok(map)
    }
}

/// Everything that is asked for at the point of the derivatives.
fn point(
    work: &mut Work,
    problem: &Problem,
    derivatives: &Derivatives,
    step: Option<u64>,
    limit: Option<f64>,
) -> Result<(), StudyError> {
    let stored = work.store.curvature(&work.run)?;
    let known = stored.into_iter().find(|known| known.step == step);
    let mut known = known.unwrap_or_default();
    if known.parameters == 0 {
        let gradient = derivatives.curvature().gradient()?;
        let squares: f64 = gradient.gradient.iter().map(|g| g * g).sum();
        known.step = step;
        known.parameters = derivatives.dim() as u64;
        known.loss = Some(gradient.loss);
        known.gradient_norm = Some(squares.sqrt());
        known.stability_limit = limit;
    }
    work.go_to(known);
    work.keep(0, Curvature::default())?;
    let tasks = [
        eigen::eigenvalues,
        estimates::trace,
        estimates::density,
        parts::each,
        parts::pairs,
        matrices::matrices,
    ];
    for task in tasks {
        work.go_on()?;
        task(work, derivatives)?;
    }
    work.go_on()?;
    sharpness::sharpness(work, problem, derivatives)
}

fn mapped(
    request: &CurvatureRequest,
    problem: &Problem,
    store: Option<&Store>,
    target: &Target,
    reporter: &dyn Reporter,
) -> Result<Mapped, StudyError> {
    Ok(Mapped {
        grid: request.grid.on(&[MAP; 2])?,
        directions: request.plane.build(2, problem, store, target, reporter)?,
    })
}

fn spec(
    request: &CurvatureRequest,
    problem: &Problem,
    wanted: &Wanted,
    map: Option<&Mapped>,
) -> RunSpec {
    let mut settings = wanted.settings(problem.settings());
    settings.directions = map.map(|mapped| mapped.directions.settings.clone());
    settings.grid = map.map(|mapped| mapped.grid.clone());
    if let (true, Some(run)) = (wanted.asked.all_steps, &problem.trained) {
        settings.training = Some(run.identity.clone());
    }
    let provenance = Provenance {
        device: Some(request.evaluation.devices[0].to_string()),
        parts: parts::sizes(wanted, &problem.params),
        optimizer: training::optimizer(problem),
        models: map.and_then(|mapped| mapped.directions.provenance()),
        shard: request.shard.map(|shard| shard.to_string()),
        ..problem.provenance()
    };
    let spec = record::request(RunKind::Hessian, &settings);
    request.keep.spec(spec, provenance)
}
