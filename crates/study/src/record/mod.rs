//! What a run is, as it is stored: the settings that determine its numbers, a struct for each kind of run, and its
//! provenance, where it came from.
//!
//! Settings make the identity of a run ([`landscape_storage::identity`]): a request with the same settings continues the
//! stored run. They are read again leniently ([`Settings::of`]): fields that an earlier version did not write, or that
//! another program left out, are absent.

mod placed;
mod provenance;
mod rounding;
mod settings;

pub use placed::PlacedNetwork;
pub(crate) use placed::stem;
pub use provenance::{DataSource, GivenFile, Origin, Provenance};
pub use rounding::Rounding;
pub use settings::{
    ALGORITHM, CurvatureSettings, CurvePlaneSettings, CurveSettings, CurveShape, DataDigest,
    DensitySettings, DirectionSettings, DirectionsSettings, EigenvalueSettings, LandscapeSettings,
    PathDigest, PathSettings, ProblemSettings, SCHEMA, Settings, SharpnessSettings,
    StatisticsSettings, TraceSettings, TrainingRunSettings, TrainingSettings, request,
};
