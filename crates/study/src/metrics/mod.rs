//! Figures of stored landscapes.

mod topology;
mod value;
mod words;

pub use topology::{Minimum, Passage, Topology};
pub use value::ValueName;
pub use words::metric_rows;

use crate::StudyError;
use crate::directions::ends_at_models;
use crate::record::Provenance;
use landscape_core::{
    Barrier, Grid, Metrics, Rise, Surface, USUAL_RISES, Value, Width, barrier, metrics_of, widths,
};
use landscape_storage::{Run, Store};
use serde::Serialize;

/// The figures of a stored landscape. As JSON it is what `landscape metrics --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LandscapeMetrics {
    /// Its run.
    pub run: String,
    /// Which number of the samples they are of.
    pub value: ValueName,
    /// The figures.
    pub metrics: Metrics,
    /// The barrier of a line between two networks; `None` of any other landscape.
    pub barrier: Option<Barrier>,
    /// How wide the basins around the networks on a line are, at each rise that is asked for; around its origin where it goes
    /// through one network. Empty of any other landscape.
    pub widths: Vec<Width>,
    /// Minima, how much they stand out, and the barriers between them.
    pub topology: Topology,
    /// The points of the landscape.
    #[serde(skip)]
    pub grid: Grid,
}

impl LandscapeMetrics {
    /// Those of a run that is named.
    ///
    /// ```
    /// use landscape_storage::Store;
    /// use landscape_study::metrics::{LandscapeMetrics, ValueName};
    /// use landscape_study::runs::{Keep, Landscape, LandscapeRequest};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let store = Store::open(folder.path().join("landscape.duckdb"))?;
    /// let mut request = LandscapeRequest::default();
    /// request.network.model = Some("mlp:2-8-1".parse()?);
    /// request.data.data = Some("moons:n=50".parse()?);
    /// request.grid.counts = Some(vec![9]);
    /// request.keep = Keep { name: Some("plane".to_owned()), ..Keep::default() };
    /// Landscape::prepare(&request, None, &())?.run(&store, &())?;
    /// let found = LandscapeMetrics::of("plane", &ValueName::Loss, &store)?;
    /// assert_eq!((found.metrics.points, found.barrier), (81, None));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A run that is not there or has no landscape, [`StudyError::NoValue`], and [`StudyError::Metrics`] where no value is
    /// finite.
    pub fn of(run: &str, value: &ValueName, store: &Store) -> Result<Self, StudyError> {
        Self::at_rises(run, value, &[], store)
    }

    /// The same with the widths of basins at other rises of the loss, where some are given.
    ///
    /// # Errors
    /// As [`LandscapeMetrics::of`]; [`StudyError::NotALine`] where some are given and the run is not a line.
    pub fn at_rises(
        run: &str,
        value: &ValueName,
        rises: &[Rise],
        store: &Store,
    ) -> Result<Self, StudyError> {
        let run = store.find(run)?;
        let surface = store.load_surface(&run)?;
        let found = value.of(&surface, &run.name)?;
        let rises = match rises {
            [] => &USUAL_RISES[..],
            _ if surface.grid().dims() == 1 => rises,
            _ => return Err(StudyError::NotALine { run: run.name }),
        };
        Ok(LandscapeMetrics {
            metrics: metrics_of_run(&run, &surface, found)?,
            barrier: barrier_of(&run, &surface, found),
            widths: widths_of(&run, &surface, found, rises),
            topology: Topology::of(&surface, found),
            run: run.name,
            value: value.clone(),
            grid: surface.grid().clone(),
        })
    }
}

/// The figures of a run's landscape.
///
/// # Errors
/// [`StudyError::Metrics`] where no value is finite.
pub fn metrics_of_run(run: &Run, surface: &Surface, value: Value) -> Result<Metrics, StudyError> {
    metrics_of(surface, value).map_err(|source| StudyError::Metrics {
        run: run.name.clone(),
        source,
    })
}

/// The widths of the basins around the networks on a line, or around its origin.
pub fn widths_of(run: &Run, surface: &Surface, value: Value, rises: &[Rise]) -> Vec<Width> {
    let provenance = Provenance::of(run);
    let placed = provenance.networks().iter();
    let mut at: Vec<f64> = placed
        .filter_map(|network| network.at.first().copied())
        .collect();
    if at.is_empty() {
        at.push(0.0);
    }
    widths(surface, value, &at, rises)
}

/// The barrier of a line between two networks; `None` of any other landscape.
pub fn barrier_of(run: &Run, surface: &Surface, value: Value) -> Option<Barrier> {
    match ends_at_models(Provenance::of(run).networks()) {
        true => barrier(surface, value),
        false => None,
    }
}
