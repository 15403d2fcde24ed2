//! Lines, planes and volumes.

use super::{Keep, LandscapeEstimate, Sampled, StoredSampling};
use crate::StudyError;
use crate::device::Evaluation;
use crate::directions::{
    Directions, GridRequest, INTERPOLATION, PlaneRequest, SEGMENT, USUAL, UsualAxis,
    check_statistics, ends_at_models, moves_statistics, negative_variance, say_without_statistics,
};
use crate::estimate::{Estimate, Part, seconds_each};
use crate::memory::plan_grid;
use crate::problem::{DataRequest, LossChoice, NetworkRequest, Problem};
use crate::record::{self, LandscapeSettings, Origin, Provenance, Rounding};
use crate::report::{Reporter, say_how_it_runs, say_journal, say_where};
use landscape_core::{Adaptive, Barrier, Grid, Objective, Plane, Shard, Surface, Value, barrier};
use landscape_models::Regularizer;
use landscape_storage::{RunKind, RunSpec, RunSummary, Store};
use landscape_trace::{BatchStatistics, PlaneObjective, Precision, Summary, Target, Trace};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Points that an estimate measures at most.
const TRIAL: usize = 64;

/// A line, plane or volume through the parameters of a network.
///
/// ```
/// use landscape_storage::Store;
/// use landscape_study::runs::{Landscape, LandscapeRequest};
///
/// let folder = tempfile::tempdir()?;
/// let store = Store::open(folder.path().join("landscape.duckdb"))?;
/// let mut request = LandscapeRequest { dims: 2, ..LandscapeRequest::default() };
/// request.network.model = Some("mlp:2-8-1".parse()?);
/// request.data.data = Some("moons:n=50".parse()?);
/// request.grid.counts = Some(vec![5]);
/// let sampled = Landscape::prepare(&request, None, &())?.run(&store, &())?;
/// assert_eq!(sampled.sampled.surface.measured(), 25);
/// // The same request finds what is stored.
/// let again = Landscape::prepare(&request, None, &())?.run(&store, &())?;
/// assert_eq!(again.sampled.computed, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LandscapeRequest {
    /// Axes: 1, 2 or 3.
    pub dims: usize,
    /// The network and its parameters, at the origin.
    pub network: NetworkRequest,
    /// The data and the loss.
    pub data: DataRequest,
    /// The directions.
    pub plane: PlaneRequest,
    /// The points; on axes towards other networks 41 from -0.5 to 1.5, or from 0 to 1 where running variances move.
    pub grid: GridRequest,
    /// BatchNorm.
    #[serde(with = "landscape_core::as_words")]
    pub statistics: BatchStatistics,
    /// Terms that are stored beside the loss.
    pub terms: Vec<Regularizer>,
    /// In which numbers products are computed.
    #[serde(with = "landscape_core::as_words")]
    pub precision: Precision,
    /// Measure only where interpolation is not expected to hold.
    pub adaptive: Option<Adaptive>,
    /// Only this part of the points; see [`crate::shard`].
    #[serde(with = "landscape_core::as_words::option")]
    pub shard: Option<Shard>,
    /// The database that shards of earlier rounds are merged into, for shards of an adaptive run; before the first round it need not
    /// be there.
    #[serde(with = "landscape_core::as_words::path::option")]
    pub rounds: Option<PathBuf>,
    /// Points a batch; 0 adapts to the speed.
    pub batch: usize,
    /// Where it is evaluated.
    pub evaluation: Evaluation,
    /// How it is kept.
    pub keep: Keep,
}

impl Default for LandscapeRequest {
    /// A plane of 51 x 51 points from -1 to 1.
    fn default() -> Self {
        LandscapeRequest {
            dims: 2,
            network: NetworkRequest::default(),
            data: DataRequest::default(),
            plane: PlaneRequest::default(),
            grid: GridRequest::default(),
            statistics: BatchStatistics::Frozen,
            terms: Vec::new(),
            precision: Precision::F32,
            adaptive: None,
            shard: None,
            rounds: None,
            batch: 0,
            evaluation: Evaluation::default(),
            keep: Keep::default(),
        }
    }
}

impl LandscapeRequest {
    /// Checks what can be checked before a file is read, the memory of the points included.
    ///
    /// # Errors
    /// For the first thing that cannot work.
    pub fn check(&self, reporter: &dyn Reporter) -> Result<Grid, StudyError> {
        let asked = self.grid.of(self.dims)?;
        plan_grid(&asked, self.terms.len(), reporter)?;
        check_terms(&self.terms)?;
        Ok(asked)
    }

    /// The grid on the usual axes of these directions.
    fn grid_on(&self, directions: &Directions) -> Result<Grid, StudyError> {
        let frozen = self.statistics == BatchStatistics::Frozen;
        let all = directions.plane.directions();
        let statistics = frozen && all.iter().any(moves_statistics);
        let usual = |axis: usize| match (axis < directions.towards, statistics) {
            (false, _) => USUAL,
            (true, false) => INTERPOLATION,
            (true, true) => SEGMENT,
        };
        let usual: Vec<UsualAxis> = (0..self.dims).map(usual).collect();
        self.grid.on(&usual)
    }

    /// Everything that determines the numbers.
    fn settings(
        &self,
        problem: &Problem,
        directions: &Directions,
        grid: &Grid,
    ) -> LandscapeSettings {
        let mut shared = problem.settings();
        shared.precision = Some(self.precision.name().to_owned());
        LandscapeSettings {
            terms: weights(&self.terms),
            statistics: self.statistics.into(),
            adaptive: self.adaptive.map(|adaptive| adaptive.tolerance()),
            ..LandscapeSettings::new(shared, directions.settings.clone(), grid)
        }
    }
}

/// A line, plane or volume that is ready to be sampled.
pub struct Landscape {
    /// Its points.
    pub grid: Grid,
    /// Its directions.
    pub directions: Directions,
    /// The loss on it.
    pub objective: PlaneObjective,
    /// The run that it makes.
    pub spec: RunSpec,
    /// What the precision costs, where it is not f32.
    pub rounding: Option<Rounding>,
    /// The loss, and why it is this one.
    pub loss: LossChoice,
    /// How the network runs.
    pub summary: Summary,
    batch: usize,
    adaptive: Option<Adaptive>,
    shard: Option<Shard>,
    rounds: Option<PathBuf>,
}

/// What came of it.
#[derive(Debug)]
pub struct SampledLandscape {
    /// The points.
    pub sampled: Sampled,
    /// The barrier between two networks, where a line leads from one to the other.
    pub barrier: Option<Barrier>,
}

impl Landscape {
    /// Reads and checks everything that was asked for; stores nothing. Trainings are looked up in `store`.
    ///
    /// # Errors
    /// Whatever is absent or does not fit.
    pub fn prepare(
        request: &LandscapeRequest,
        store: Option<&Store>,
        reporter: &dyn Reporter,
    ) -> Result<Self, StudyError> {
        request.check(reporter)?;
        // What is prepared is kept in a database in the end, which is opened meanwhile.
        landscape_storage::warm_up();
        let targets = request.evaluation.shared_targets(reporter)?;
        let network = NetworkRequest {
            measured: request.statistics != BatchStatistics::Frozen,
            ..request.network.clone()
        };
        let problem = Problem::load(&network, &request.data, request.plane.seed, store, reporter)?;
        let plane = &request.plane;
        let directions = plane.build(request.dims, &problem, store, &targets[0], reporter)?;
        say_without_statistics(
            request.statistics,
            &problem.model,
            &problem.params,
            reporter,
        );
        for direction in directions.plane.directions() {
            check_statistics(direction, request.statistics)?;
        }
        let grid = request.grid_on(&directions)?;
        say_negative(request.statistics, &directions.plane, &grid, reporter);
        if let Origin::Seed { seed } = problem.origin {
            reporter.note(format_args!(
                "no parameters are given: initial parameters from seed {seed} are used"
            ));
        }
        let trace = problem.trace(&request.terms)?;
        let trace = trace.with_batch_norm(request.statistics)?;
        let summary = say_how_it_runs(&trace, reporter);
        let (objective, rounding) = measured_in(
            &trace,
            request.precision,
            &directions.plane,
            &targets,
            &grid,
        )?;
        say_where(&objective.describe(), &objective.groups(), reporter);
        let settings = request.settings(&problem, &directions, &grid);
        let provenance = Provenance {
            device: Some(objective.describe()),
            models: directions.provenance(),
            rounding,
            shard: request.shard.map(|shard| shard.to_string()),
            ..problem.provenance()
        };
        let spec = record::request(kind(request.dims), &settings);
        Ok(Landscape {
            grid,
            directions,
            objective,
            spec: request.keep.spec(spec, provenance),
            rounding,
            loss: problem.loss,
            summary,
            batch: request.batch,
            adaptive: request.adaptive,
            shard: request.shard,
            rounds: request.rounds.clone(),
        })
    }

    /// Units that can be divided into shards: points of the whole grid.
    pub fn units(&self) -> usize {
        self.grid.len()
    }

    /// Continues the stored run until every point, or every one of the shard, is known.
    ///
    /// # Errors
    /// As [`StoredSampling::run`].
    pub fn run(
        &self,
        store: &Store,
        reporter: &dyn Reporter,
    ) -> Result<SampledLandscape, StudyError> {
        let sampling = StoredSampling {
            store,
            spec: &self.spec,
            plane: &self.directions.plane,
            grid: &self.grid,
            objective: &self.objective,
            batch: self.batch,
            adaptive: self.adaptive,
            shard: self.shard,
            earlier: stored_elsewhere(self.rounds(), &self.spec, reporter)?,
            last: true,
        };
        let sampled = sampling.run(reporter)?;
        let whole = sampled.surface.is_complete();
        let barrier = match whole && ends_at_models(&self.directions.models) {
            true => barrier(&sampled.surface, Value::Loss),
            false => None,
        };
        Ok(SampledLandscape { sampled, barrier })
    }

    /// Where shards of earlier rounds are, of a shard of an adaptive run.
    fn rounds(&self) -> Option<&Path> {
        self.shard.and(self.adaptive).and(self.rounds.as_deref())
    }

    /// What sampling would cost, from at most 64 points that are measured and not kept. What is stored is looked up in `store`.
    ///
    /// # Errors
    /// Those of the objective and the store.
    pub fn estimate(&self, store: Option<&Store>) -> Result<LandscapeEstimate, StudyError> {
        let stored = self.stored(store)?;
        let order = self.grid.coarse_to_fine();
        let order = self.shard.map_or(order.clone(), |shard| shard.part(&order));
        let trial = order.iter().take(TRIAL);
        let trial: Vec<_> = trial.map(|&i| self.grid.point(i)).collect();
        let each = seconds_each(trial.len(), |count| {
            self.objective.evaluate(&trial[..count]).map(drop)
        })?;
        let part = Part::new("points", order.len(), each).stored(stored as u64);
        let mut estimate = Estimate::of(vec![part.at_most(self.adaptive.is_some())]);
        estimate.memory += self.grid.len() * size_of::<Option<landscape_core::Sample>>();
        Ok(LandscapeEstimate {
            estimate,
            points: self.grid.len(),
            stored,
            points_per_second: 1.0 / each,
            tile: self.summary.tile,
            operations: self.summary.work_a_point(),
            groups: self.objective.groups(),
            warnings: self.summary.warnings(),
            headline: self.summary.headline(),
        })
    }

    /// Points of the same request that are stored already.
    fn stored(&self, store: Option<&Store>) -> Result<usize, StudyError> {
        let Some(store) = store.filter(|_| !self.spec.replace) else {
            return Ok(0);
        };
        let own = self.spec.identity();
        let same = |run: &&RunSummary| run.run.identity == own && run.run.kind == self.spec.kind;
        let runs = store.runs()?;
        let points = runs.iter().filter(same).map(|run| run.points as usize);
        Ok(points.max().unwrap_or(0))
    }
}

/// Checks the weights of terms.
pub(super) fn check_terms(terms: &[Regularizer]) -> Result<(), StudyError> {
    let wrong = terms.iter().find(|term| !term.weight().is_finite());
    wrong.map_or(Ok(()), |term| {
        Err(StudyError::TermWeight {
            term: term.name(),
            weight: term.weight(),
        })
    })
}

/// The weights of terms, by name.
pub(super) fn weights(terms: &[Regularizer]) -> BTreeMap<String, f64> {
    let one = |term: &Regularizer| (term.name().to_owned(), term.weight());
    terms.iter().map(one).collect()
}

/// The kind of a landscape of so many axes.
pub(super) fn kind(dims: usize) -> RunKind {
    match dims {
        1 => RunKind::Line,
        2 => RunKind::Surface,
        _ => RunKind::Volume,
    }
}

/// What another database has of a run, where there is one.
pub(super) fn stored_elsewhere(
    path: Option<&Path>,
    spec: &RunSpec,
    reporter: &dyn Reporter,
) -> Result<Option<Surface>, StudyError> {
    let Some(path) = path.filter(|path| path.exists()) else {
        return Ok(None);
    };
    let store = Store::open_read(path)?;
    say_journal(&store, reporter);
    let own = spec.identity();
    let mut runs = store.runs()?.into_iter().map(|summary| summary.run);
    let run = runs.find(|run| run.kind == spec.kind && run.identity == own);
    Ok(run.map(|run| store.load_surface(&run)).transpose()?)
}

/// The objective, and what its precision costs where it is not f32.
fn measured_in(
    trace: &Trace,
    precision: Precision,
    plane: &Plane,
    targets: &[Target],
    grid: &Grid,
) -> Result<(PlaneObjective, Option<Rounding>), StudyError> {
    let objective = trace.clone().with_precision(precision);
    let objective = objective.objective(plane, targets)?;
    let rounding = match precision {
        Precision::F32 => None,
        Precision::Bf16 => {
            let exact = trace.objective(plane, targets)?;
            Some(Rounding::measure(&exact, &objective, grid)?)
        }
    };
    Ok((objective, rounding))
}

/// Says where running variances are negative on a grid.
fn say_negative(statistics: BatchStatistics, plane: &Plane, grid: &Grid, reporter: &dyn Reporter) {
    if statistics != BatchStatistics::Frozen {
        return;
    }
    if let Some(lowest) = negative_variance(plane, grid) {
        let at: Vec<String> = lowest.at.iter().map(|a| format!("{a:.3}")).collect();
        reporter.note(format_args!(
            "running variances become negative ({} is {:.3e} at ({})): the loss is NaN there; keep the range between \
             the networks, re-estimate the statistics, or move only the weights",
            lowest.name,
            lowest.value,
            at.join(", ")
        ));
    }
}
