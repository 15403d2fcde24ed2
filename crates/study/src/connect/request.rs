//! What is asked for between two networks.

use super::{CurveConfig, LossProfile, Matching};
use crate::StudyError;
use crate::device::Evaluation;
use crate::directions::GridRequest;
use crate::files::may_save;
use crate::memory::plan_grid;
use crate::problem::ModelSource;
use crate::problem::{DataRequest, NetworkRequest};
use crate::report::Reporter;
use crate::runs::Keep;
use landscape_core::{Grid, Rise, Selection, USUAL_RISES};
use landscape_models::{ModelsError, Rename};
use landscape_trace::BatchStatistics;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Points that are measured on each path unless asked otherwise.
const POINTS: usize = 61;

fn usual_rises() -> Vec<Rise> {
    USUAL_RISES.to_vec()
}

/// One of the two networks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    /// The last checkpoint of a training run.
    Run(String),
    /// A file of parameters.
    File(#[serde(with = "landscape_core::as_words::path")] PathBuf),
}

/// The line between two networks; where asked for, the line once the units of the second are permuted for those of the
/// first, and a curve that is trained.
///
/// ```
/// use landscape_storage::Store;
/// use landscape_study::connect::{ConnectRequest, Connection, CurveRequest, Endpoint, Matching};
/// use landscape_study::runs::{Keep, TrainRequest, Training};
///
/// let folder = tempfile::tempdir()?;
/// let store = Store::open(folder.path().join("landscape.duckdb"))?;
/// for (seed, name) in [(1, "a"), (2, "b")] {
///     let mut request = TrainRequest::new("mlp:2-8-1".parse()?);
///     request.data.data = Some("moons:n=50".parse()?);
///     (request.config.epochs, request.config.seed) = (3, seed);
///     request.keep = Keep { name: Some(name.to_owned()), ..Keep::default() };
///     Training::prepare(&request, &())?.run(&store, &())?;
/// }
/// let ends = ["a", "b"].map(|name| Endpoint::Run(name.to_owned()));
/// let mut request = ConnectRequest::new(ends);
/// request.points = 11;
/// request.align = Some(Matching::Weights);
/// let mut curve = CurveRequest::default();
/// curve.config.training.epochs = 2;
/// request.curve = Some(curve);
/// let found = Connection::prepare(&request, Some(&store), &())?.run(&store, &())?;
/// let (aligned, curve) = (found.aligned.unwrap(), found.curve.unwrap());
/// assert!(aligned.path.length <= found.line.length && curve.path.run.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConnectRequest {
    /// Where paths begin, and where they lead to.
    pub ends: [Endpoint; 2],
    /// Further networks, for the average.
    #[serde(default)]
    pub others: Vec<Endpoint>,
    /// Measure the average of all networks, and the greedy one.
    #[serde(default)]
    pub soup: bool,
    /// Low-rank adapters (LoRA) on the first network; those of the others are on the same base.
    #[serde(default, with = "landscape_core::as_words::path::option")]
    pub adapter: Option<PathBuf>,
    /// The network; that of the first training run where absent.
    #[serde(default, with = "landscape_core::as_words::option")]
    pub model: Option<ModelSource>,
    /// Other names for the tensors in files.
    #[serde(default, with = "landscape_core::as_words::list")]
    pub renames: Vec<Rename>,
    /// The data and the loss.
    #[serde(default)]
    pub data: DataRequest,
    /// Which parameters move along the line; all where absent. The rest are those of the first network.
    #[serde(default, with = "landscape_core::as_words::option")]
    pub params: Option<Selection>,
    /// Points that are measured on each path, both ends included.
    pub points: usize,
    /// What BatchNorm layers normalise with; re-estimated at every point where absent.
    #[serde(default, with = "landscape_core::as_words::option")]
    pub statistics: Option<BatchStatistics>,
    /// Rises of the loss at which the basins around both ends are measured.
    #[serde(default = "usual_rises", with = "landscape_core::as_words::list")]
    pub rises: Vec<Rise>,
    /// Permute the units of the second network for those of the first; paths lead to the permuted network then.
    #[serde(default, with = "landscape_core::as_words::option")]
    pub align: Option<Matching>,
    /// The order in which weight matching looks at the layers.
    #[serde(default)]
    pub seed: u64,
    /// Where the permuted network is written to, or the average of all where none is permuted, as safetensors;
    /// [`Keep::replace`] replaces a file.
    #[serde(default, with = "landscape_core::as_words::path::option")]
    pub save: Option<PathBuf>,
    /// Train a curve.
    #[serde(default)]
    pub curve: Option<CurveRequest>,
    /// Where it is evaluated.
    #[serde(default)]
    pub evaluation: Evaluation,
    /// How the runs are kept: `NAME-line`, `NAME-aligned`, `NAME-curve` and `NAME-plane`.
    #[serde(default)]
    pub keep: Keep,
}

/// A curve between the networks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CurveRequest {
    /// What curve it is, and how it is trained.
    pub config: CurveConfig,
    /// Sample the plane through its ends and its (middle) inner control point; ranges that are absent are those of the
    /// curve and a margin.
    pub grid: Option<GridRequest>,
}

impl ConnectRequest {
    /// The line between two networks, measured at 61 points.
    pub fn new(ends: [Endpoint; 2]) -> Self {
        ConnectRequest {
            ends,
            others: Vec::new(),
            soup: false,
            adapter: None,
            model: None,
            renames: Vec::new(),
            data: DataRequest::default(),
            params: None,
            points: POINTS,
            statistics: None,
            rises: usual_rises(),
            align: None,
            seed: 42,
            save: None,
            curve: None,
            evaluation: Evaluation::default(),
            keep: Keep::default(),
        }
    }

    /// Checks what can be checked before a file is read; gives the points of a path.
    ///
    /// # Errors
    /// For the first thing that cannot work.
    pub fn check(&self, reporter: &dyn Reporter) -> Result<Grid, StudyError> {
        let grid = LossProfile::grid(self.points)?;
        if let (Some(_), Some(what)) = (&self.params, self.of_the_whole()) {
            return Err(StudyError::OfTheWhole { what });
        }
        if let Some(curve) = &self.curve {
            curve.check(reporter)?;
        }
        match (self.others.len(), self.soup, self.align) {
            (0, _, _) | (_, true, None) => {}
            (more, soup, _) => {
                return Err(StudyError::MoreNetworks {
                    given: more + 2,
                    soup,
                });
            }
        }
        if self.save.is_some() && self.align.is_none() && !self.soup {
            return Err(StudyError::NothingToSave);
        }
        if let Some(path) = &self.save {
            may_save(path, self.keep.replace)?;
        }
        Ok(grid)
    }

    /// What is asked for that a part of a network does not have: its units are permuted in all layers that meet them, and all
    /// parameters of a curve are trained.
    fn of_the_whole(&self) -> Option<&'static str> {
        let curve = self.curve.as_ref().map(|_| "a curve");
        self.align.map(|_| "an alignment").or(curve)
    }

    pub(super) fn statistics(&self) -> BatchStatistics {
        self.statistics.unwrap_or(BatchStatistics::Reestimated)
    }

    /// The first network.
    pub(super) fn first(&self) -> NetworkRequest {
        let mut network = NetworkRequest {
            model: self.model.clone(),
            adapter: self.adapter.clone(),
            renames: self.renames.clone(),
            measured: self.statistics() != BatchStatistics::Frozen,
            params: self.params.clone(),
            ..NetworkRequest::default()
        };
        match &self.ends[0] {
            Endpoint::Run(name) => network.run = Some(name.clone()),
            Endpoint::File(path) => network.weights = Some(path.clone()),
        }
        network
    }
}

impl CurveRequest {
    fn check(&self, reporter: &dyn Reporter) -> Result<(), StudyError> {
        self.config.training.check()?;
        let augment = self.config.training.augment;
        if !augment.is_none() {
            let (field, value) = ("augment", augment.to_string());
            let rule = "a curve is trained on images as they are";
            return Err(ModelsError::BadTraining { field, value, rule }.into());
        }
        if self.config.inner_points == 0 {
            return Err(StudyError::NoInnerPoints);
        }
        if self.config.training.epochs == 0 {
            return Err(StudyError::NoEpochs);
        }
        match &self.grid {
            Some(grid) => plan_grid(&grid.of(2)?, 0, reporter),
            None => Ok(()),
        }
    }
}
