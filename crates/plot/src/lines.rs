//! The lines of a figure as data, in the units of its axes.

use crate::scale::levels::Level;
use crate::scale::ticks::Tick;
use crate::scale::{Transform, ValueScale};
use crate::style::{Colormap, Rgb};
use crate::svg::Rect;

/// A frame and its lines.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frame {
    /// A line above it; empty for none.
    pub title: String,
    /// Its place on the page.
    pub area: Rect,
    /// What lies along both sides.
    pub sides: [Side; 2],
    pub lines: Vec<Line>,
    /// What the colours of contours stand for.
    pub colors: Option<Colors>,
}

/// What lies along a side of a frame.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Side {
    /// Empty for none.
    pub label: String,
    pub transform: Transform,
    pub lo: f64,
    pub hi: f64,
    pub ticks: Vec<Tick>,
}

/// One line, or the lines of one level, or marks.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Line {
    /// Its name in the legend; empty for none.
    pub name: String,
    pub color: String,
    /// In points; 0 for marks alone.
    pub width: f64,
    pub dash: &'static [f64],
    /// What pgfplots calls the mark at its points.
    pub mark: Option<&'static str>,
    /// `NaN` between two pieces.
    pub points: Vec<(f64, f64)>,
}

/// The colours of contours.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Colors {
    pub name: String,
    pub table: Vec<Rgb>,
    /// Transformed ends of the scale.
    pub ends: (f64, f64),
    /// Transformed values with their words.
    pub ticks: Vec<(f64, String)>,
}

impl Colors {
    /// Those of the labelled levels.
    pub fn of(scale: &ValueScale, levels: &[Level], colormap: Colormap, name: &str) -> Self {
        let labelled = levels.iter().filter(|level| level.labelled);
        let tick = |level: &Level| (scale.transform.forward(level.value), level.text.clone());
        Colors {
            name: name.to_owned(),
            table: colormap.table(33),
            ends: scale.ends(),
            ticks: labelled.map(tick).collect(),
        }
    }
}

impl Line {
    /// A mark with its name.
    pub fn mark(mark: &'static str, at: (f64, f64), name: &str, color: &str) -> Self {
        Line {
            name: name.to_owned(),
            color: color.to_owned(),
            mark: Some(mark),
            points: vec![at],
            ..Line::default()
        }
    }
}
