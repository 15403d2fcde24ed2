//! Figures of planes around one network, how far they differ from one seed to another, and the range that suits them.

use super::siblings::{Siblings, random_plane, seed_of};
use crate::figures::RunContents;
use crate::words::{percent, plain};
use landscape_core::json::{float, float_list, float_option};
use landscape_core::{Grid, Metrics, metrics};
use landscape_storage::{ALL_PARAMETERS, Side};
use serde::Serialize;

/// Planes along random directions that a report wants: two differ or agree, of three one can be told to stand out.
pub(super) const WANTED: usize = 3;

/// The basin of a plane that suits takes such a share of its axis: that of a paraboloid is 0.45.
const FITS: std::ops::RangeInclusive<f64> = 0.2..=0.67;
const PARABOLOID: f64 = 0.45;

/// Figures of a plane.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlaneFigures {
    /// Its run.
    pub run: String,
    /// The seed of its directions, where they are random.
    pub seed: Option<u64>,
    /// Its figures; nothing where no loss is finite.
    pub metrics: Option<Metrics>,
}

impl PlaneFigures {
    pub(super) fn of(run: &RunContents) -> Self {
        let settings = random_plane(&run.run);
        PlaneFigures {
            run: run.run.name.clone(),
            seed: settings.and_then(|settings| seed_of(&settings)),
            metrics: run
                .surface
                .as_ref()
                .and_then(|surface| metrics(surface).ok()),
        }
    }
}

/// A figure over planes of several seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spread {
    /// Its name, as in `docs/metrics.md`.
    pub figure: &'static str,
    /// Planes that have it.
    pub planes: usize,
    /// The mean.
    #[serde(with = "float")]
    pub mean: f64,
    /// The standard deviation; nothing of one plane.
    #[serde(with = "float_option")]
    pub deviation: Option<f64>,
    /// Whether it is a share, which is told in percent.
    #[serde(skip)]
    pub is_share: bool,
}

/// A figure of a landscape: its name, what it is, and whether it is a share.
pub(super) type FigureOf = (&'static str, fn(&Metrics) -> Option<f64>, bool);

/// The figures that are held against each other.
pub(super) const FIGURES: [FigureOf; 7] = [
    ("center_loss", |m| m.center_loss, false),
    ("robust_range", |m| Some(m.robust_range), false),
    ("max_loss", |m| Some(m.max_loss), false),
    ("convexity", |m| m.convexity, true),
    ("relative_roughness", |m| m.relative_roughness, false),
    ("basin_width", |m| Some(m.basin_width), false),
    ("sharpness", |m| m.sharpness, false),
];

/// The spread of each figure.
pub(super) fn spreads(planes: &[PlaneFigures]) -> Vec<Spread> {
    let spread = |&(figure, of, is_share): &FigureOf| {
        let known = planes
            .iter()
            .filter_map(|plane| of(plane.metrics.as_ref()?));
        let known: Vec<f64> = known.collect();
        let count = known.len() as f64;
        let mean = known.iter().sum::<f64>() / count;
        let squares: f64 = known.iter().map(|v| (v - mean).powi(2)).sum();
        (!known.is_empty()).then(|| Spread {
            figure,
            planes: known.len(),
            mean,
            deviation: (known.len() > 1).then(|| (squares / (count - 1.0)).sqrt()),
            is_share,
        })
    };
    FIGURES.iter().filter_map(spread).collect()
}

/// Which range suits planes around a network.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SuggestedRange {
    /// Half of the longest axis of the stored planes.
    #[serde(with = "float")]
    pub stored: f64,
    /// The mean share of the axis that the basin takes.
    #[serde(with = "float")]
    pub basin_share: f64,
    /// Whether a basin reaches the edge of its plane.
    pub basin_open: bool,
    /// The half that suits random directions of the same normalisation.
    #[serde(with = "float")]
    pub suggested: f64,
    /// Along unit eigenvectors of the Hessian, in the order of their eigenvalues, the half at which their parabola has risen
    /// by the mean robust range of the random planes; empty where no eigenvalue is known.
    #[serde(with = "float_list")]
    pub eigenvectors: Vec<f64>,
}

impl SuggestedRange {
    /// From the planes along random directions; nothing where none has a finite loss.
    pub(super) fn of(siblings: &Siblings, planes: &[PlaneFigures]) -> Option<Self> {
        let known = siblings.random.iter().zip(planes);
        let known = known.filter_map(|(run, plane)| {
            Some((run.surface.as_ref()?.grid(), plane.metrics.as_ref()?))
        });
        let known: Vec<(&Grid, &Metrics)> = known.collect();
        let (grid, _) = known.first()?;
        let stored = half(grid);
        let count = known.len() as f64;
        let share: f64 = known.iter().map(|(grid, found)| share(grid, found)).sum();
        let rise: f64 = known.iter().map(|(_, found)| found.robust_range).sum();
        let (basin_share, rise) = (share / count, rise / count);
        let basin_open = known.iter().any(|(_, found)| found.basin_open);
        Some(SuggestedRange {
            suggested: suggested(stored, basin_share, basin_open),
            eigenvectors: along_eigenvectors(siblings, rise),
            stored,
            basin_share,
            basin_open,
        })
    }

    /// In a sentence.
    pub fn words(&self) -> String {
        let (share, stored) = (percent(self.basin_share), plain(self.stored));
        let takes = match self.basin_open {
            true => format!("the basin reaches the edge of a plane to ±{stored}"),
            false => format!("the basin takes {share} of the axes of planes to ±{stored}"),
        };
        match self.suggested == self.stored {
            true => format!("{takes}: the range suits"),
            false => format!("{takes}: ±{} would show more of it", plain(self.suggested)),
        }
    }
}

/// Half of the longest axis.
fn half(grid: &Grid) -> f64 {
    let lengths = grid.axes().iter().map(|axis| axis.max() - axis.min());
    0.5 * lengths.fold(0.0, f64::max)
}

/// The largest share of an axis that the basin takes.
fn share(grid: &Grid, found: &Metrics) -> f64 {
    let axes = grid.axes().iter().zip(&found.basin_extent);
    let shares = axes.map(|(axis, extent)| extent / (axis.max() - axis.min()));
    shares.filter(|share| share.is_finite()).fold(0.0, f64::max)
}

fn suggested(stored: f64, share: f64, open: bool) -> f64 {
    match open || share > *FITS.end() {
        true => 2.0 * stored,
        false if share < *FITS.start() => rounded(stored * (share / PARABOLOID).max(0.05)),
        false => stored,
    }
}

/// Where parabolas along eigenvectors have risen so far.
fn along_eigenvectors(siblings: &Siblings, rise: f64) -> Vec<f64> {
    let run = siblings.curvature.as_ref();
    let Some(point) = run.and_then(|run| run.curvature.last()) else {
        return Vec::new();
    };
    let top = point.eigenvalues_of(ALL_PARAMETERS, Side::Top);
    let risen = top
        .iter()
        .take(2)
        .map(|found| rounded((2.0 * rise / found.value).sqrt()));
    let risen: Vec<f64> = risen.collect();
    match risen.len() == 2 && risen.iter().all(|half| half.is_finite() && *half > 0.0) {
        true => risen,
        false => Vec::new(),
    }
}

/// To two digits, upwards.
fn rounded(value: f64) -> f64 {
    if !(value.is_finite() && value > 0.0) {
        return value;
    }
    let unit = 10f64.powi(value.log10().floor() as i32 - 1);
    // Written and read, so that the number is as short as its digits.
    let text = format!("{:.1e}", (value / unit - 1e-9).ceil() * unit);
    text.parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use landscape_core::{Sampler, Surface, from_fn};

    #[test]
    fn a_paraboloid_keeps_its_range_and_others_are_changed() {
        let suggest = |f: fn(f64, f64) -> f64| {
            let loss = from_fn(move |[x, y]: [f64; 2]| f(x, y));
            let mut surface = Surface::new(Grid::square(41, 1.0, 2).unwrap(), vec![]);
            Sampler::new().run(&loss, &mut surface, &mut []).unwrap();
            let found = metrics(&surface).unwrap();
            suggested(1.0, share(surface.grid(), &found), found.basin_open)
        };
        assert_eq!(suggest(|x, y| 1.0 + x * x + y * y), 1.0);
        // Of a slope the lowest point is at the edge.
        assert_eq!(suggest(|x, _| 1.0 + x), 2.0);
        // A hole in a plateau.
        let narrow = suggest(|x, y| 1.0 - (-(x * x + y * y) / 0.003).exp());
        assert!((0.05..=0.3).contains(&narrow), "{narrow}");
    }

    #[test]
    fn halves_are_rounded_upwards() {
        assert_eq!(rounded(0.931), 0.94);
        assert_eq!(rounded(0.3), 0.3);
        assert_eq!(rounded(12.01), 13.0);
        assert_eq!(rounded(9.99), 10.0);
        assert!(rounded(f64::NAN).is_nan());
    }
}
