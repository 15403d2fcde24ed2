//! A plane as it is drawn: its values on a scale, and where they lie on the page.

use crate::error::PlotError;
use crate::field::{self, Cell, Field};
use crate::layout::{Axis, Panel};
use crate::options::Options;
use crate::scale::ValueScale;
use crate::scale::levels::{self, Level};
use landscape_core::Surface;

/// The values of a plane, their scale and their contour levels.
pub(crate) struct Plane {
    pub field: Field,
    /// The field on a finer grid: what lines, colours and surfaces are drawn from.
    pub fine: Field,
    pub scale: ValueScale,
    pub values: Vec<f64>,
    pub levels: Vec<Level>,
    /// Measured points that are marked, by their indices.
    pub dots: Vec<(usize, usize)>,
}

impl Plane {
    pub fn of(surface: &Surface, options: &Options) -> Result<Self, PlotError> {
        let (values, _) = field::read(surface, options.value)?;
        let scale = options.value_scale(&values);
        Plane::on(surface, options, scale, values)
    }

    /// A plane on a scale that is given.
    pub fn on(
        surface: &Surface,
        options: &Options,
        scale: ValueScale,
        values: Vec<f64>,
    ) -> Result<Self, PlotError> {
        let field = Field::of(surface, &scale, options)?;
        let levels = match &options.levels {
            Some(values) => levels::custom(values),
            None => levels::of_scale(&scale),
        };
        Ok(Plane {
            fine: field.refined(),
            field,
            scale,
            values,
            levels,
            dots: dots(surface, options),
        })
    }

    /// Whether there is anything to put on a colour bar.
    pub fn has_values(&self) -> bool {
        self.field.count(Cell::Finite) > 0
    }
}

/// The ends of an axis whose cells reach `margin` of a step beyond its points.
pub(crate) fn extent(axis: &landscape_core::Axis, margin: f64) -> (f64, f64) {
    let step = match axis.count() > 1 {
        true => axis.step(),
        false => (axis.max() - axis.min()).max(f64::MIN_POSITIVE),
    };
    let (a, b) = (
        axis.value(0) - margin * step,
        axis.value(axis.count() - 1) + margin * step,
    );
    match b - a > 1e-300 {
        true => (a, b),
        false => (a - 0.5, b + 0.5),
    }
}

/// Whether all points of an axis are whole numbers, as counts are.
pub(crate) fn is_whole(axis: &landscape_core::Axis) -> bool {
    axis.count() > 1 && axis.values().iter().all(|v| *v == libm::round(*v))
}

/// From fractional indices of a field to the page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placement {
    x: (f64, f64),
    y: (f64, f64),
}

impl Placement {
    pub fn new(panel: &Panel, field: &Field) -> Self {
        Placement {
            x: along(&panel.x, &field.x),
            y: along(&panel.y, &field.y),
        }
    }

    pub fn at(&self, (u, v): (f64, f64)) -> (f64, f64) {
        (self.x.0 + u * self.x.1, self.y.0 + v * self.y.1)
    }
}

/// Position of index 0, and distance between indices.
fn along(page: &Axis, axis: &landscape_core::Axis) -> (f64, f64) {
    let first = page.at(axis.value(0));
    match axis.count() {
        1 => (first, page.at(page.hi()) - page.at(page.lo())),
        n => (first, (page.at(axis.value(n - 1)) - first) / (n - 1) as f64),
    }
}

/// The measured points, where they are to be marked and others are interpolated.
fn dots(surface: &Surface, options: &Options) -> Vec<(usize, usize)> {
    if !options.measured || surface.interpolated() == 0 {
        return Vec::new();
    }
    let measured = (0..surface.grid().len()).filter(|&flat| surface.is_measured(flat));
    measured
        .map(|flat| {
            let [i, j, _] = surface.grid().unravel(flat);
            (i, j)
        })
        .collect()
}
