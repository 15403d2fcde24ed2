//! What is drawn of a plane, before it is drawn: the display list of its contour lines, their labels and the marks of
//! models. Figures draw it as SVG, and the page receives it.

mod marks;
mod plane;

pub(crate) use marks::{marked, model_obstacles, models, obstacle, origin};
pub(crate) use plane::{Placement, Plane, extent, is_whole};

use crate::isoline;
use crate::isoline::label::{Curve, Labelled, Placed, TurnedBox, place};
use crate::layout::Panel;
use rayon::prelude::*;

/// Closed lines shorter than this, in points, would be blots.
const LEAST: f64 = 8.0;

/// A contour line on the page.
#[derive(Debug, Clone)]
pub(crate) struct Contour {
    /// Which level it belongs to.
    pub level: usize,
    pub curve: Curve,
}

/// The contour lines of a plane in a frame, and the labels on them.
#[derive(Debug, Clone)]
pub(crate) struct List {
    pub lines: Vec<Contour>,
    /// Which lines are labelled, and where.
    pub words: Vec<Placed>,
}

impl List {
    /// The lines of all levels. Points that lie within `off` of the line without them are left out.
    pub fn lines(data: &Plane, panel: &Panel, off: f64) -> Self {
        let at = Placement::new(panel, &data.fine);
        let of_level = |level: usize| -> Vec<Contour> {
            let place = data.scale.transform.forward(data.levels[level].value);
            let found = isoline::trace(&data.fine, place).into_iter();
            let curves = found.map(|line| {
                let points: Vec<(f64, f64)> = line.points.into_iter().map(|p| at.at(p)).collect();
                Curve::new(isoline::thinned(&points, off), line.closed)
            });
            let shown = curves.filter(|curve| !curve.closed() || curve.length() > LEAST);
            shown.map(|curve| Contour { level, curve }).collect()
        };
        let levels = (0..data.levels.len()).into_par_iter();
        let lines: Vec<Vec<Contour>> = levels.map(of_level).collect();
        List {
            lines: lines.into_iter().flatten().collect(),
            words: Vec::new(),
        }
    }

    /// The same with labels of a font size, which keep clear of `obstacles`.
    pub fn labelled(self, data: &Plane, panel: &Panel, size: f64, obstacles: &[TurnedBox]) -> Self {
        let curves: Vec<Curve> = self.lines.iter().map(|line| line.curve.clone()).collect();
        let wanted = |(curve, line): (usize, &Contour)| Labelled {
            curve,
            level: line.level,
            words: &data.levels[line.level].text,
            first: data.levels[line.level].labelled,
        };
        let wanted: Vec<Labelled<'_>> = self.lines.iter().enumerate().map(wanted).collect();
        List {
            words: place(&curves, &wanted, panel.frame, size, obstacles),
            ..self
        }
    }
}
