//! Stored landscapes side by side: their figures, and their differences point by point.

use super::relation::{Relation, relation};
use crate::StudyError;
use crate::diagnose::{Evidence, evidence};
use crate::metrics::metrics_of_run;
use landscape_core::json::float_option;
use landscape_core::{Diagnosis, Metrics, Surface, Value};
use landscape_storage::{Error, Run, RunKind, Store};
use serde::Serialize;

/// Landscapes side by side. As JSON it is what `landscape compare --json` prints of landscapes, files apart.
///
/// ```
/// use landscape_storage::Store;
/// use landscape_study::compare::compare_landscapes;
/// use landscape_study::runs::{Landscape, LandscapeRequest};
///
/// let folder = tempfile::tempdir()?;
/// let store = Store::open(folder.path().join("landscape.duckdb"))?;
/// let mut runs = Vec::new();
/// for data in ["moons:n=50", "moons:n=60"] {
///     let mut plane = LandscapeRequest::default();
///     plane.network.model = Some("mlp:2-8-1".parse()?);
///     plane.data.data = Some(data.parse()?);
///     plane.grid.counts = Some(vec![5]);
///     runs.push(Landscape::prepare(&plane, None, &())?.run(&store, &())?.sampled.run);
/// }
/// let found = compare_landscapes(&runs, Some(1e-6), &store)?;
/// assert_eq!(found.within_tolerance, Some(false));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Serialize)]
pub struct LandscapeComparison {
    /// The landscapes, in the order in which they were given.
    pub landscapes: Vec<ComparedLandscape>,
    /// How far those on the first one's grid are from the first one.
    pub differences: Vec<Difference>,
    /// Whether all differ by at most the tolerance, where one was given.
    pub within_tolerance: Option<bool>,
    /// The tolerance.
    #[serde(skip)]
    pub tolerance: Option<f64>,
}

/// A landscape with its figures.
#[derive(Debug, Clone, Serialize)]
pub struct ComparedLandscape {
    /// Its run.
    pub run: String,
    /// The kind of that.
    pub kind: RunKind,
    /// Points on each axis.
    pub shape: Vec<usize>,
    /// Its figures.
    pub metrics: Metrics,
    /// The loss at the origin.
    #[serde(with = "float_option")]
    pub loss: Option<f64>,
    /// Its standard error.
    #[serde(with = "float_option")]
    pub loss_se: Option<f64>,
    /// The accuracy there.
    #[serde(with = "float_option")]
    pub accuracy: Option<f64>,
    /// Whether each network that it shows is hard to train.
    pub difficulty: Vec<DifficultyVerdict>,
    /// The points.
    #[serde(skip)]
    pub surface: Surface,
}

/// Whether a network is hard to train.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DifficultyVerdict {
    /// In a word.
    pub verdict: &'static str,
    /// How sure that is.
    pub confidence: &'static str,
}

/// How far a landscape is from the first one, over the points at which both are finite.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The first one.
    pub first: String,
    /// The other one.
    pub other: String,
    /// Points at which both are finite.
    pub points: usize,
    /// Points that are finite in one of them alone.
    pub unlike: usize,
    /// The largest difference; nothing where both show different planes, whose points have no differences.
    #[serde(with = "float_option")]
    pub max: Option<f64>,
    /// The mean, likewise.
    #[serde(with = "float_option")]
    pub mean: Option<f64>,
    /// The root mean square, likewise.
    #[serde(with = "float_option")]
    pub rms: Option<f64>,
    /// The largest as a share of the first one's range, likewise.
    #[serde(with = "float_option")]
    pub share: Option<f64>,
    /// Whether both show the same plane, where that is known.
    pub same_plane: Option<bool>,
    /// Why not, or why that is not known.
    pub why: Option<&'static str>,
    /// The largest as a share, whatever planes they show.
    #[serde(skip)]
    pub largest: f64,
}

/// Puts stored landscapes side by side, and looks whether all differ from the first by at most a share of its range.
///
/// # Errors
/// [`StudyError::Tolerance`] for what is not a share, [`StudyError::NoLandscape`], [`StudyError::SeveralGrids`] where there is
/// a tolerance, [`StudyError::Metrics`] where no loss is finite, and those of the store.
pub fn compare_landscapes(
    runs: &[Run],
    tolerance: Option<f64>,
    store: &Store,
) -> Result<LandscapeComparison, StudyError> {
    if let Some(tolerance) = tolerance.filter(|t| !(*t >= 0.0 && t.is_finite())) {
        return Err(StudyError::Tolerance { tolerance });
    }
    let landscapes = { runs.iter() }
        .map(|run| ComparedLandscape::load(run, store))
        .collect::<Result<Vec<_>, _>>()?;
    let differences = differences(&landscapes, runs);
    if tolerance.is_some() && differences.len() + 1 < landscapes.len() {
        return Err(StudyError::SeveralGrids);
    }
    let within = |tolerance| differences.iter().all(|d| d.is_within(tolerance));
    Ok(LandscapeComparison {
        within_tolerance: tolerance.map(within),
        tolerance,
        landscapes,
        differences,
    })
}

/// Of all landscapes on the first one's grid from the first one.
fn differences(landscapes: &[ComparedLandscape], runs: &[Run]) -> Vec<Difference> {
    let Some(first) = landscapes.first() else {
        return Vec::new();
    };
    let others = landscapes.iter().zip(runs).skip(1);
    let others = others.filter(|(other, _)| other.surface.grid() == first.surface.grid());
    others
        .map(|(other, run)| Difference::of(first, other, relation(&runs[0], run)))
        .collect()
}

impl ComparedLandscape {
    fn load(run: &Run, store: &Store) -> Result<Self, StudyError> {
        let surface = store.load_surface(run).map_err(|error| match error {
            Error::Lacks { .. } => StudyError::NoLandscape {
                run: run.name.clone(),
                kind: run.kind,
            },
            error => error.into(),
        })?;
        let figures = metrics_of_run(run, &surface, Value::Loss)?;
        let known = evidence(store, run)?;
        let told = known.iter().map(Evidence::diagnose);
        let at_origin = |value| surface.interpolate(value, [0.0; 3]);
        Ok(ComparedLandscape {
            run: run.name.clone(),
            kind: run.kind,
            shape: surface.grid().shape(),
            metrics: figures,
            loss: at_origin(Value::Loss),
            loss_se: at_origin(Value::LossSe),
            accuracy: at_origin(Value::Accuracy),
            difficulty: told.map(|told| DifficultyVerdict::of(&told)).collect(),
            surface,
        })
    }
}

impl DifficultyVerdict {
    /// That of a diagnosis.
    pub(super) fn of(told: &Diagnosis) -> Self {
        DifficultyVerdict {
            verdict: told.difficulty.verdict.name(),
            confidence: told.difficulty.confidence.name(),
        }
    }
}

impl Difference {
    fn of(first: &ComparedLandscape, other: &ComparedLandscape, relation: Relation) -> Self {
        let (a, b) = (first.surface.losses(), other.surface.losses());
        let both = |(a, b): &(&f64, &f64)| a.is_finite() && b.is_finite();
        let one = |(a, b): &(&f64, &f64)| a.is_finite() != b.is_finite();
        let pairs = || a.iter().zip(&b);
        let gaps = pairs().filter(both).map(|(a, b)| (a - b).abs());
        let gaps: Vec<f64> = gaps.collect();
        let n = gaps.len() as f64;
        let max = gaps.iter().copied().fold(0.0, f64::max);
        let largest = match max {
            0.0 => 0.0,
            max => max / first.metrics.range,
        };
        let related = |value: f64| (relation.same() != Some(false)).then_some(value);
        Difference {
            first: first.run.clone(),
            other: other.run.clone(),
            points: gaps.len(),
            unlike: pairs().filter(one).count(),
            max: related(max),
            mean: related(gaps.iter().sum::<f64>() / n),
            rms: related((gaps.iter().map(|gap| gap * gap).sum::<f64>() / n).sqrt()),
            share: related(largest),
            same_plane: relation.same(),
            why: relation.why(),
            largest,
        }
    }

    /// Whether it is at most a share of the first one's range.
    pub fn is_within(&self, tolerance: f64) -> bool {
        self.unlike == 0 && self.largest <= tolerance
    }
}
