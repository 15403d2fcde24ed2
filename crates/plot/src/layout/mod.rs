//! Frames, axes, colour bars, legends and captions, measured before they are drawn.

mod axis;
mod bar;
mod legend;
pub(crate) mod mark;
mod panel;
mod sheet;

pub(crate) use axis::Axis;
pub(crate) use bar::Bar;
pub(crate) use bar::bands;
pub(crate) use legend::{Entry, Swatch, draw as legend};
pub(crate) use panel::{Panel, PlaneSpec, Words, draw_axes, label_lines, plane, ratio};
pub(crate) use sheet::Sheet;

/// Distance from the figure's border to anything, in points.
pub(crate) const PAD: f64 = 2.0;
/// Length of a tick, in points.
pub(crate) const TICK: f64 = 2.5;
/// Length of a minor tick, in points.
pub(crate) const MINOR_TICK: f64 = 1.5;
/// Between a tick and its label, in points.
pub(crate) const GAP: f64 = 1.8;
/// Height of a line of text, in font sizes.
pub(crate) const LEADING: f64 = 1.3;
