//! Lines, planes and volumes of functions that are known by their values alone.

use super::landscape::{check_terms, stored_elsewhere, weights};
use super::{Keep, Sampled, StoredSampling};
use crate::StudyError;
use crate::directions::{Directions, GridRequest, PlaneRequest, USUAL};
use crate::memory::plan_grid;
use crate::problem::part_of;
use crate::record::{
    self, ALGORITHM, DataDigest, LandscapeSettings, ProblemSettings, Provenance, SCHEMA,
};
use crate::report::Reporter;
use landscape_core::{
    Adaptive, DeviceShare, Grid, Objective, ObjectiveError, Params, Plane, Point, Sample,
    Selection, Shard, Term,
};
use landscape_models::Regularizer;
use landscape_storage::{RunSpec, Store};
use landscape_trace::BatchStatistics;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A line, plane or volume of any function of parameters: a loss in another program, the return of a policy, a simulation.
///
/// What the function computes cannot be looked into, so `function` has to tell it from others: together with the digests
/// of parameters and data, the directions and the grid it is the identity of the run.
///
/// ```
/// use landscape_core::{Parameter, Params, Role, from_fn};
/// use landscape_storage::Store;
/// use landscape_study::runs::{FunctionLandscape, FunctionRequest};
///
/// let folder = tempfile::tempdir()?;
/// let store = Store::open(folder.path().join("landscape.duckdb"))?;
/// let weight = Parameter::new("w", [2, 2], vec![1.0; 4], Role::Weight)?;
/// let mut request = FunctionRequest::new("bowl", Params::new(vec![weight])?);
/// request.grid.counts = Some(vec![5]);
/// let landscape = FunctionLandscape::prepare(&request, &())?;
/// let bowl = from_fn(|[x, y]: [f64; 2]| x * x + y * y);
/// let sampled = landscape.run(&bowl, &store, &())?;
/// assert_eq!((sampled.computed, sampled.surface.measured()), (25, 25));
/// // The same request finds what is stored.
/// assert_eq!(landscape.run(&bowl, &store, &())?.computed, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FunctionRequest {
    /// Axes: 1, 2 or 3.
    pub dims: usize,
    /// What tells the function from others.
    pub function: String,
    /// What its values are, in a word; `loss` where absent.
    pub loss: Option<String>,
    /// The parameters at the origin.
    #[serde(skip)]
    pub params: Params,
    /// Which of them move; all where absent.
    #[serde(with = "landscape_core::as_words::option")]
    pub selection: Option<Selection>,
    /// Names of those that training does not change: a selection may leave them out.
    pub frozen: Vec<String>,
    /// The data that it uses, where they are known.
    pub data: Option<DataDigest>,
    /// The directions: random ones, or those of a file.
    pub plane: PlaneRequest,
    /// The points.
    pub grid: GridRequest,
    /// Which statistics its BatchNorm layers use, where it has some: it is told apart by them.
    #[serde(with = "landscape_core::as_words")]
    pub statistics: BatchStatistics,
    /// Terms of its parameters that are stored beside the loss.
    pub terms: Vec<Regularizer>,
    /// Measure only where interpolation is not expected to hold.
    pub adaptive: Option<Adaptive>,
    /// Only this part of the points; see [`crate::shard`].
    #[serde(with = "landscape_core::as_words::option")]
    pub shard: Option<Shard>,
    /// The database that shards of earlier rounds are merged into, for shards of an adaptive run.
    pub rounds: Option<PathBuf>,
    /// Points a batch; 0 adapts to the speed.
    pub batch: usize,
    /// How it is kept.
    pub keep: Keep,
}

impl Default for FunctionRequest {
    /// A plane of 51 x 51 points from -1 to 1, of a function and parameters that are to be named.
    fn default() -> Self {
        FunctionRequest::new("", Params::default())
    }
}

impl FunctionRequest {
    /// A plane of 51 x 51 points from -1 to 1.
    pub fn new(function: impl Into<String>, params: Params) -> Self {
        FunctionRequest {
            dims: 2,
            function: function.into(),
            loss: None,
            params,
            selection: None,
            frozen: Vec::new(),
            data: None,
            plane: PlaneRequest::default(),
            grid: GridRequest::default(),
            statistics: BatchStatistics::Frozen,
            terms: Vec::new(),
            adaptive: None,
            shard: None,
            rounds: None,
            batch: 0,
            keep: Keep::default(),
        }
    }

    /// The words for the function in settings and messages.
    fn name(&self) -> String {
        format!("function:{}", self.function)
    }

    /// What tells the run from others; `selection` where not all parameters move.
    fn settings(
        &self,
        directions: &Directions,
        grid: &Grid,
        selection: Option<&Selection>,
    ) -> LandscapeSettings {
        let problem = ProblemSettings {
            schema: SCHEMA,
            algorithm: ALGORITHM,
            model: Some(self.name()),
            weights: Some(self.params.digest()),
            params: selection.map(Selection::to_string),
            data: self.data.clone(),
            loss: self.loss.clone(),
            ..ProblemSettings::default()
        };
        LandscapeSettings {
            terms: weights(&self.terms),
            statistics: self.statistics.into(),
            adaptive: self.adaptive.map(|adaptive| adaptive.tolerance()),
            ..LandscapeSettings::new(problem, directions.settings.clone(), grid)
        }
    }
}

/// A line, plane or volume that is ready to be sampled.
#[derive(Debug)]
pub struct FunctionLandscape {
    /// Its points.
    pub grid: Grid,
    /// Its directions.
    pub directions: Directions,
    /// The run that it makes.
    pub spec: RunSpec,
    terms: Vec<Regularizer>,
    batch: usize,
    adaptive: Option<Adaptive>,
    shard: Option<Shard>,
    rounds: Option<PathBuf>,
}

impl FunctionLandscape {
    /// Checks everything that was asked for; stores nothing.
    ///
    /// # Errors
    /// Whatever is absent or does not fit.
    pub fn prepare(request: &FunctionRequest, reporter: &dyn Reporter) -> Result<Self, StudyError> {
        let grid = request.grid.on(&vec![USUAL; request.dims])?;
        plan_grid(&grid, request.terms.len(), reporter)?;
        check_terms(&request.terms)?;
        landscape_storage::warm_up();
        let plane = &request.plane;
        let asked = request.selection.as_ref();
        let (params, selection) =
            part_of(asked, request.params.clone(), &request.frozen, reporter)?;
        let directions = plane.build_through(request.dims, &params, &request.function)?;
        let provenance = Provenance {
            shard: request.shard.map(|shard| shard.to_string()),
            ..Provenance::now()
        };
        let settings = request.settings(&directions, &grid, selection.as_ref());
        let spec = record::request(super::landscape::kind(request.dims), &settings);
        Ok(FunctionLandscape {
            grid,
            directions,
            spec: request.keep.spec(spec, provenance),
            terms: request.terms.clone(),
            batch: request.batch,
            adaptive: request.adaptive,
            shard: request.shard,
            rounds: request.rounds.clone(),
        })
    }

    /// Continues the stored run until every point, or every one of the shard, is known. The objective is the function on
    /// the plane of [`FunctionLandscape::directions`].
    ///
    /// # Errors
    /// As [`StoredSampling::run`].
    pub fn run(
        &self,
        objective: &dyn Objective,
        store: &Store,
        reporter: &dyn Reporter,
    ) -> Result<Sampled, StudyError> {
        let rounds = self.shard.and(self.adaptive).and(self.rounds.as_deref());
        let penalised = Penalised::new(objective, &self.directions.plane, &self.terms);
        let sampling = StoredSampling {
            store,
            spec: &self.spec,
            plane: &self.directions.plane,
            grid: &self.grid,
            objective: &penalised,
            batch: self.batch,
            adaptive: self.adaptive,
            shard: self.shard,
            earlier: stored_elsewhere(rounds, &self.spec, reporter)?,
            last: true,
        };
        sampling.run(reporter)
    }
}

/// A function, with terms of its parameters beside it.
struct Penalised<'a> {
    function: &'a dyn Objective,
    plane: &'a Plane,
    asked: &'a [Regularizer],
    /// Those of the function, and those that are asked for.
    terms: Vec<Term>,
}

impl<'a> Penalised<'a> {
    fn new(function: &'a dyn Objective, plane: &'a Plane, asked: &'a [Regularizer]) -> Self {
        let own = function.terms().iter().cloned();
        let more = asked.iter().map(|term| Term {
            name: term.name().to_owned(),
            weight: term.weight(),
        });
        Penalised {
            function,
            plane,
            asked,
            terms: own.chain(more).collect(),
        }
    }
}

impl Objective for Penalised<'_> {
    fn dims(&self) -> usize {
        self.function.dims()
    }

    fn terms(&self) -> &[Term] {
        &self.terms
    }

    fn evaluate(&self, points: &[Point]) -> Result<Vec<Sample>, ObjectiveError> {
        let mut samples = self.function.evaluate(points)?;
        if self.asked.is_empty() {
            return Ok(samples);
        }
        for (sample, &point) in samples.iter_mut().zip(points) {
            let params = self.plane.at(point);
            let terms = self.asked.iter().map(|term| term.at(&params));
            sample.terms.extend(terms);
        }
        Ok(samples)
    }

    fn at_once(&self) -> usize {
        self.function.at_once()
    }

    fn shares(&self) -> Vec<DeviceShare> {
        self.function.shares()
    }
}
