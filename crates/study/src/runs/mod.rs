//! Runs: lines, planes and volumes, and trainings, into a store, where the same request continues what is stored.

mod function;
mod landscape;
mod precision;
mod projected;
mod sampling;
mod summary;
mod train;
mod trial;

pub use function::{FunctionLandscape, FunctionRequest};
pub use landscape::{Landscape, LandscapeRequest, SampledLandscape};
pub use projected::{ProjectedTrainee, ProjectedUpdates, Space, UnknownProjection};
pub use sampling::{Sampled, StoredSampling};
pub use summary::{LandscapeEstimate, LandscapeSummary, TrainSummary};
pub use train::{TrainRequest, TrainedRun, Training, training_spec};

pub(crate) use trial::{seconds_a_step, steps};

use crate::record::Provenance;
use landscape_storage::RunSpec;
use serde::{Deserialize, Serialize};

/// How a run is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Keep {
    /// Its name; one is made up if none is given.
    pub name: Option<String>,
    /// Whether it takes the place of the stored run of that name, once it is complete.
    pub replace: bool,
    /// The command as it could be typed, for the provenance.
    pub command: Option<String>,
    /// The comparison that it is a part of, for the provenance.
    pub comparison: Option<String>,
}

impl Keep {
    /// The same under a name with another part at its end, where a name was given.
    #[must_use]
    pub fn part(&self, part: &str) -> Self {
        let mut keep = self.clone();
        keep.name = keep.name.map(|name| format!("{name}-{part}"));
        keep
    }

    /// A request for a run that is kept so, and comes from there.
    pub(crate) fn spec(&self, of: RunSpec, provenance: Provenance) -> RunSpec {
        let provenance = Provenance {
            command: self.command.clone(),
            comparison: self.comparison.clone(),
            ..provenance
        };
        RunSpec {
            name: self.name.clone(),
            replace: self.replace,
            provenance: provenance.to_json(),
            ..of
        }
    }
}
