//! Training whose updates are cut to the leading eigenspace of the Hessian, or to what is left of them without it.

use crate::StudyError;
use crate::directions::{basis, floor};
use landscape_core::{Operator, OperatorError, Params, Role, Sample, named};
use landscape_hessian::{Lanczos, LanczosError, LanczosParams, ProductError, Subspace};
use landscape_models::{Batch, BatchStep, ModelsError, NetworkState, Trainee};
use landscape_trace::{Curvature, Target, Trace};
use std::fmt;
use std::str::FromStr;

/// Which part of an update is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// What lies in the space of the leading eigenvectors.
    Dominant,
    /// What is across it.
    Bulk,
}

named!(Space, "space", {
    Dominant => "dominant": "What of each update lies in the space of the leading eigenvectors",
    Bulk => "bulk": "What of each update is across that space",
});

/// Each update is projected before it is made (Song, Ahn and Yun 2024, *Does SGD really happen in tiny subspaces?*): on the span of
/// the eigenvectors of so many of the largest eigenvalues of the Hessian where the update begins, or across it. The Hessian is that
/// of the mean loss over all data, in evaluation mode; running statistics are not projected. In words `dominant:10`, `bulk:10`.
///
/// ```
/// use landscape_study::runs::ProjectedUpdates;
///
/// let bulk: ProjectedUpdates = "bulk:10".parse()?;
/// assert_eq!((bulk.dimension, bulk.to_string().as_str()), (10, "bulk:10"));
/// assert!("bulk".parse::<ProjectedUpdates>().is_err());
/// # Ok::<(), landscape_study::runs::UnknownProjection>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProjectedUpdates {
    /// The part that is kept.
    pub space: Space,
    /// Leading eigenvectors, at least 1.
    pub dimension: usize,
}

/// Words that are no projection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` does not say where updates are kept: give dominant:K or bulk:K, as in bulk:10 for all but the 10 leading eigenvectors"
)]
pub struct UnknownProjection(String);

impl FromStr for ProjectedUpdates {
    type Err = UnknownProjection;

    fn from_str(given: &str) -> Result<Self, UnknownProjection> {
        let read = |given: &str| {
            let (space, dimension) = given.split_once(':')?;
            Some(ProjectedUpdates {
                space: space.trim().parse().ok()?,
                dimension: dimension.trim().parse().ok().filter(|&k| k > 0)?,
            })
        };
        read(given).ok_or_else(|| UnknownProjection(given.to_owned()))
    }
}

impl fmt::Display for ProjectedUpdates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.space, self.dimension)
    }
}

/// Leading eigenvectors need not be better than this: a share of the eigenvalue.
const TOLERANCE: f64 = 1e-2;

/// Something under training, whose updates are projected.
pub struct ProjectedTrainee {
    inner: Box<dyn Trainee>,
    updates: ProjectedUpdates,
    curvature: Curvature,
    search: Lanczos,
}

impl ProjectedTrainee {
    /// `trace` is the loss over all data.
    ///
    /// # Errors
    /// Where there are fewer parameters than leading eigenvectors, and those of [`Trace::curvature`].
    pub fn new(
        inner: Box<dyn Trainee>,
        updates: ProjectedUpdates,
        trace: &Trace,
        seed: u64,
    ) -> Result<Self, StudyError> {
        let curvature = trace.curvature(&inner.params(), &Target::default())?;
        let (given, dim) = (updates.dimension, curvature.dim());
        if given > dim {
            return Err(LanczosError::TooMany { given, dim })?;
        }
        let search = Lanczos::new(LanczosParams {
            top: given,
            tolerance: TOLERANCE,
            floor: floor(false),
            basis: basis(given, dim),
            miss: None,
            seed,
            ..LanczosParams::default()
        })?;
        Ok(ProjectedTrainee {
            inner,
            updates,
            curvature,
            search,
        })
    }

    /// The leading eigenspace at these parameters; nothing where the loss overflows.
    fn leading(&mut self, at: &Params) -> Result<Option<Subspace>, ModelsError> {
        let point: Vec<f64> = at.flatten().into_iter().map(f64::from).collect();
        self.curvature.move_to(&point)?;
        let found = match self.search.solve(&Hessian(&self.curvature)) {
            Err(LanczosError::Product(
                ProductError::NotFinite { .. } | ProductError::TooLarge { .. },
            )) => return Ok(None),
            found => found.map_err(|source| ModelsError::Update {
                source: source.into(),
            })?,
        };
        let vectors = found.top.into_iter().map(|pair| pair.vector);
        Ok(Some(Subspace::of(&vectors.collect::<Vec<_>>())))
    }

    /// Where the update leads once it is projected.
    fn projected(&mut self, before: &Params, after: &Params) -> Result<Params, ModelsError> {
        let layout = |source| ModelsError::Layout {
            model: "the network under training".to_owned(),
            source,
        };
        let Some(space) = self.leading(before)? else {
            return Ok(after.clone());
        };
        let (from, to) = (before.flatten(), after.flatten());
        let pairs = to.iter().zip(&from);
        let update: Vec<f64> = pairs.map(|(a, b)| f64::from(*a) - f64::from(*b)).collect();
        let kept = match self.updates.space {
            Space::Dominant => space.project(&update),
            Space::Bulk => space.reject(&update),
        };
        let moved = from.iter().zip(&kept);
        let moved: Vec<f32> = moved.map(|(a, b)| (f64::from(*a) + b) as f32).collect();
        after.unflatten(&moved).map_err(layout)
    }
}

/// Products with the Hessian.
struct Hessian<'a>(&'a Curvature);

impl Operator for Hessian<'_> {
    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn apply(&self, block: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, OperatorError> {
        self.0.hessian(block).map_err(OperatorError::new)
    }
}

impl Trainee for ProjectedTrainee {
    fn samples(&self) -> usize {
        self.inner.samples()
    }

    fn check_batches(&self, batch: usize) -> Result<(), ModelsError> {
        self.inner.check_batches(batch)
    }

    fn evaluate(&self) -> Result<Sample, ModelsError> {
        self.inner.evaluate()
    }

    fn step(&mut self, batch: &Batch) -> Result<BatchStep, ModelsError> {
        let before = self.inner.params();
        let done = self.inner.step(batch)?;
        let NetworkState { params, optimizer } = self.inner.state();
        let params = self.projected(&before, &params)?;
        let moved = NetworkState { params, optimizer };
        self.inner.restore(&moved, batch.step + 1)?;
        Ok(done)
    }

    fn params(&self) -> Params {
        self.inner.params()
    }

    fn state(&self) -> NetworkState {
        self.inner.state()
    }

    fn restore(&mut self, state: &NetworkState, steps: u64) -> Result<(), ModelsError> {
        self.inner.restore(state, steps)
    }
}

/// Whether the Hessian is that of the loss which is trained: layers with statistics of the batch have another one.
pub(super) fn is_of_training(params: &Params) -> bool {
    !params.iter().any(|tensor| tensor.role == Role::Buffer)
}
