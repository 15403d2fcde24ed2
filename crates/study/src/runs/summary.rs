//! What was sampled, as programs read it: as JSON, what `landscape surface --json` prints, loss and figures apart.

use super::{Landscape, SampledLandscape};
use crate::Numbers;
use crate::record::{PlacedNetwork, Rounding};
use landscape_core::json::{float, float_list, float_option};
use landscape_core::{AdaptiveReport, Barrier, Surface};
use landscape_storage::RunKind;
use serde::Serialize;

/// A line, plane or volume that was sampled.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LandscapeSummary {
    /// The run.
    pub run: String,
    /// Its kind.
    pub kind: RunKind,
    /// Points on each axis.
    pub shape: Vec<usize>,
    /// Points of the grid.
    pub points: usize,
    /// Points that were computed now.
    pub computed: usize,
    /// Points that were stored already.
    pub stored_before: usize,
    /// Points that are known by measurement.
    pub measured: usize,
    /// Points that are known by interpolation.
    pub interpolated: usize,
    /// What adaptive sampling did.
    pub adaptive: Option<AdaptiveReport>,
    /// Points whose loss is NaN or infinite.
    pub not_finite: usize,
    /// Loss at the origin, where that is a point of the grid.
    #[serde(with = "float_option")]
    pub center_loss: Option<f64>,
    /// The smallest finite loss.
    #[serde(with = "float_option")]
    pub min_loss: Option<f64>,
    /// The largest finite loss.
    #[serde(with = "float_option")]
    pub max_loss: Option<f64>,
    /// The barrier of a line between two networks.
    pub barrier: Option<Barrier>,
    /// The networks that it goes through, where it goes through several.
    pub models: Option<Vec<PlacedNetwork>>,
    /// What the precision costs, where it is not f32.
    pub rounding: Option<Rounding>,
    /// The norm of each direction.
    #[serde(with = "float_list")]
    pub norms: Vec<f64>,
    /// Cosines between all pairs of directions.
    pub cosines: Vec<Numbers>,
    /// Seconds of sampling, storing included.
    #[serde(with = "float")]
    pub seconds: f64,
}

impl SampledLandscape {
    /// What came of a landscape.
    pub fn summary(&self, landscape: &Landscape) -> LandscapeSummary {
        let (sampled, surface) = (&self.sampled, &self.sampled.surface);
        let plane = &landscape.directions.plane;
        let (min_loss, max_loss) = extremes(surface);
        let center = surface.grid().center().and_then(|flat| surface.get(flat));
        LandscapeSummary {
            run: sampled.run.name.clone(),
            kind: sampled.run.kind,
            shape: surface.grid().shape(),
            points: surface.grid().len(),
            computed: sampled.computed,
            stored_before: sampled.known,
            measured: surface.measured(),
            interpolated: surface.interpolated(),
            adaptive: sampled.adaptive,
            not_finite: surface.non_finite(),
            center_loss: center.map(|sample| sample.loss),
            min_loss,
            max_loss,
            barrier: self.barrier,
            models: landscape.directions.provenance(),
            rounding: landscape.rounding,
            norms: plane.norms(),
            cosines: Numbers::rows(&plane.cosines()),
            seconds: sampled.seconds,
        }
    }
}

/// The smallest and the largest finite loss.
fn extremes(surface: &Surface) -> (Option<f64>, Option<f64>) {
    let losses = surface.losses();
    let finite = || losses.iter().copied().filter(|loss| loss.is_finite());
    (
        finite().min_by(f64::total_cmp),
        finite().max_by(f64::total_cmp),
    )
}
