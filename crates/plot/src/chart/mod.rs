//! The kinds of figures.

mod basins;
mod contour;
mod curves;
mod fidelity;
mod heatmap;
mod heights;
mod hessian_map;
mod line;
mod losses;
mod paths;
mod persistence;
mod plane;
mod profiles;
mod sharpness;
mod side_by_side;
mod spectrum;
mod stability;
mod surface3d;
mod table;
mod trajectory;
mod volume;

pub use contour::contour;
pub use fidelity::trajectory_losses;
pub use heatmap::heatmap;
pub use hessian_map::hessian_map;
pub use line::line;
pub use losses::{LossBand, LossCurve, loss_bands, losses};
pub use paths::PathOnPlane;
pub use persistence::{barcode, persistence};
pub use profiles::{LossProfile, loss_profiles};
pub use sharpness::{sharpness_markdown, sharpness_table};
pub use side_by_side::{PanelOf, side_by_side};
pub use spectrum::{spectra, spectrum};
pub use stability::edge_of_stability;
pub use surface3d::{surface3d, trajectory3d};
pub use table::{Column, Table, table};
pub use trajectory::{trajectories, trajectory};
pub use volume::volume_slices;

use crate::options::Options;
use crate::scale::Clip;
use crate::scale::{ValueScale, finite_range};
use crate::style::Colormap;

/// The scale of values under the options; a diverging colormap has 0 in its middle.
fn value_scale(values: &[f64], options: &Options) -> ValueScale {
    let Options {
        scale, clip, range, ..
    } = *options;
    if options.style.colormap != Colormap::Diverging || range.is_some() {
        return ValueScale::of(values, scale, clip, range);
    }
    let (min, max) = finite_range(values).unwrap_or((-1.0, 1.0));
    let (low, high) = (clip.low.unwrap_or(min), clip.high.unwrap_or(max));
    let end = match low.abs().max(high.abs()) {
        0.0 => 1.0,
        end => end,
    };
    let clip = Clip {
        low: Some(-end),
        high: Some(end),
    };
    ValueScale::of(values, scale, clip, None)
}
