//! What a figure shows and how.

use crate::error::PlotError;
use crate::scale::{Clip, Scale, Transform, ValueScale, finite_range};
use crate::style::{Colormap, Style};
use crate::viewpoint::Camera;
use landscape_core::{
    Direction, Normalization, Point, Source, Surface, Trajectory, TrajectoryPoint, Value,
};

/// How the area between contour lines is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fill {
    /// One colour between two levels.
    #[default]
    Bands,
    /// The bilinear interpolation of the values.
    Smooth,
    /// Nothing; the lines take the colours.
    None,
}

/// The shape of a plane's frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Aspect {
    /// One unit of both axes has the same length, unless the frame would be more than 2.5 times
    /// longer one way than the other.
    #[default]
    Equal,
    /// The frame has a pleasant shape whatever the ranges are.
    Free,
}

/// A network that a line, plane or volume goes through, apart from the one at 0.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedNetwork {
    /// Its name, for the legend or beside its mark.
    pub name: String,
    /// Its coordinates.
    pub at: Point,
}

/// Everything that a figure of a surface can be told. The default is a linear figure of the loss,
/// one column wide.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Size, type and colours.
    pub style: Style,
    /// Which number of each sample is drawn.
    pub value: Value,
    /// Linear or logarithmic.
    pub scale: Scale,
    /// Ends beyond which values are not told apart.
    pub clip: Clip,
    /// The whole range of the scale, for figures that share it; see [`Options::share`].
    pub range: Option<(f64, f64)>,
    /// Standard deviation, in cells, of a Gaussian that smooths the picture; 0 for none. Planes are
    /// smoothed in the drawn scale (a log figure's logarithms), lines in their values. The data are not touched, cells that are not finite stay so, and the caption says
    /// that the picture is smoothed.
    pub smooth: f64,
    /// A line above the figure.
    pub title: Option<String>,
    /// Labels of the axes; `direction 1` and so on when absent.
    pub axes: [Option<String>; 3],
    /// Name of the value; `loss`, `accuracy`, the term's name when absent.
    pub value_label: Option<String>,
    /// The shape of a plane's frame.
    pub aspect: Aspect,
    /// Contour levels in place of automatic ones.
    pub levels: Option<Vec<f64>>,
    /// Painting between contour lines.
    pub fill: Fill,
    /// What the point 0 is called in the legend; `None` leaves it unmarked.
    pub origin: Option<String>,
    /// Further networks, marked and named where they are inside the frame.
    pub networks: Vec<PlacedNetwork>,
    /// Whether paths are those of training, whose ends are named by their steps. Not so for curves
    /// between networks.
    pub training: bool,
    /// The step up to which paths are drawn, for the frames of an animation; `None` for all of them. What is said
    /// of a path is said of all of it.
    pub until: Option<u64>,
    /// Marks the measured points of a surface with small dots where others are interpolated.
    pub measured: bool,
    /// To which share of the range the interpolated points are known to be good; the caption says
    /// it, and how many points were measured.
    pub tolerance: Option<f64>,
    /// Draws the basins of the minima whose persistence is at least this share of the range, in
    /// [0, 1], over [`crate::contour`] and trajectories: their borders, the minima by number, and the
    /// passes between them with the height of the barrier. 0.02 is usual.
    pub basins: Option<f64>,
    /// A sentence below the figure, before the notes that the figure adds by itself.
    pub caption: Option<String>,
    /// Names and values written into the file's metadata.
    pub provenance: Vec<(String, String)>,
    /// View of 3D surfaces; `None` for one that shows what is marked, the lowest point, and little of the
    /// underside, with both axes running to the right.
    pub camera: Option<Camera>,
    /// The most slices of a volume that are drawn.
    pub slices: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            style: Style::default(),
            value: Value::Loss,
            scale: Scale::Linear,
            clip: Clip::default(),
            range: None,
            smooth: 0.0,
            title: None,
            axes: [None, None, None],
            value_label: None,
            aspect: Aspect::Equal,
            levels: None,
            fill: Fill::Bands,
            origin: Some("trained point".to_owned()),
            networks: Vec::new(),
            training: true,
            until: None,
            measured: false,
            tolerance: None,
            basins: None,
            caption: None,
            provenance: Vec::new(),
            camera: None,
            slices: 9,
        }
    }
}

impl Options {
    /// Takes axis labels from directions, and an equal aspect when they share a normalisation.
    #[must_use]
    pub fn directions(mut self, directions: &[Direction]) -> Self {
        for (i, (label, direction)) in self.axes.iter_mut().zip(directions).enumerate() {
            *label = Some(axis_label(i, &direction.source, direction.normalization));
        }
        let same = |d: &Direction| {
            d.normalization == directions[0].normalization && d.bias == directions[0].bias
        };
        self.aspect = match directions.iter().all(same) {
            true => Aspect::Equal,
            false => Aspect::Free,
        };
        self
    }

    /// One scale for several surfaces: its range holds all their finite values (within the clip),
    /// and a logarithm that has to pass zero gets one threshold.
    #[must_use]
    pub fn share(self, surfaces: &[&Surface]) -> Self {
        let all: Vec<f64> = surfaces.iter().flat_map(|s| s.values(self.value)).collect();
        self.share_values(&all)
    }

    /// The same for the values themselves: those of terms, which each surface may have in another order.
    #[must_use]
    pub fn share_values(mut self, all: &[f64]) -> Self {
        if finite_range(all).is_none() {
            return self;
        }
        self.range = None;
        let scale = self.value_scale(all);
        self.range = Some((scale.lo, scale.hi));
        if let Transform::SymLog { threshold } = scale.transform {
            self.scale = Scale::SymLog { threshold };
        }
        self
    }

    /// The scale of values; a diverging colormap has 0 in its middle.
    pub(crate) fn value_scale(&self, values: &[f64]) -> ValueScale {
        let Options {
            scale, clip, range, ..
        } = *self;
        if self.style.colormap != Colormap::Diverging || range.is_some() {
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

    /// The points of a path that are drawn: the first one, and those up to the last step.
    pub(crate) fn shown<'p>(&self, path: &'p Trajectory) -> &'p [TrajectoryPoint] {
        let points = &path.points[..];
        let end =
            points.partition_point(|point| self.until.is_none_or(|until| point.step <= until));
        &points[..end.max(1).min(points.len())]
    }

    pub(crate) fn axis(&self, i: usize) -> String {
        let given = self.axes.get(i).and_then(Clone::clone);
        given.unwrap_or_else(|| format!("direction {}", i + 1))
    }

    pub(crate) fn value_name(&self, surface: &Surface) -> String {
        let term = |i: usize| surface.terms().get(i).map(|t| t.name.clone());
        let name = || match self.value {
            Value::Loss => "loss".to_owned(),
            Value::Accuracy => "accuracy".to_owned(),
            Value::LossSe => "standard error of the loss".to_owned(),
            Value::Total => "total loss".to_owned(),
            Value::Term(i) => term(i).unwrap_or_else(|| format!("term {}", i + 1)),
        };
        self.value_label.clone().unwrap_or_else(name)
    }

    /// Checks all that does not depend on the data.
    pub(crate) fn check(&self) -> Result<(), PlotError> {
        self.style.check()?;
        let bad = |option, given: String, rule| {
            Err(PlotError::Option {
                option,
                given,
                rule,
            })
        };
        if !(0.0..=100.0).contains(&self.smooth) {
            return bad("smooth", self.smooth.to_string(), "0 to 100 cells");
        }
        if let Some(share) = self.basins
            && !(0.0..=1.0).contains(&share)
        {
            return bad(
                "basins",
                share.to_string(),
                "a fraction of the range, 0 to 1",
            );
        }
        if let Scale::SymLog { threshold } = self.scale
            && !(threshold.is_finite() && threshold > 0.0)
        {
            return bad("threshold", threshold.to_string(), "a positive number");
        }
        if let Some(camera) = self.camera.filter(|camera| !camera.is_usable()) {
            let given = format!("{}, {}", camera.azimuth, camera.elevation);
            return bad(
                "camera",
                given,
                "a finite azimuth, an elevation of 5 to 85 degrees",
            );
        }
        let levels = self.levels.iter().flatten();
        if let Some(level) = levels.clone().find(|level| !level.is_finite()) {
            return bad("levels", level.to_string(), "finite numbers");
        }
        if self.levels.is_some() && levels.count() == 0 {
            return bad("levels", "none".to_owned(), "one level or more");
        }
        let Clip { low, high } = self.clip;
        let ends = [low, high, self.range.map(|r| r.0), self.range.map(|r| r.1)];
        if ends.into_iter().flatten().any(|v| !v.is_finite()) {
            return bad("clip", limits(&ends), "finite ends");
        }
        let ordered = |a: Option<f64>, b: Option<f64>| a.zip(b).is_none_or(|(a, b)| a < b);
        if !ordered(low, high) || !ordered(ends[2], ends[3]) {
            return bad("clip", limits(&ends), "a lower end below the upper one");
        }
        Ok(())
    }
}

/// The ends that are given, of the clip and of the range.
fn limits(ends: &[Option<f64>]) -> String {
    let words = ends
        .chunks(2)
        .filter(|pair| pair.iter().any(Option::is_some));
    let word = |end: &Option<f64>| end.map_or_else(String::new, |end| format!("{end:?}"));
    let words = words.map(|pair| pair.iter().map(word).collect::<Vec<_>>().join(":"));
    words.collect::<Vec<_>>().join(", ")
}

/// The label of an axis: what the direction is, and how it was normalised.
///
/// ```
/// use landscape_core::{Normalization, Source};
/// use landscape_plot::axis_label;
///
/// let pca = axis_label(1, &Source::Pca { component: 1 }, Normalization::None);
/// assert_eq!(pca, "PCA component 2");
/// let drawn = Source::Random { seed: 1, stream: 0, distribution: Default::default() };
/// assert_eq!(axis_label(0, &drawn, Normalization::Filter), "direction 1 (filter-normalised)");
/// ```
pub fn axis_label(index: usize, source: &Source, normalization: Normalization) -> String {
    let name = match source {
        Source::Pca { component } => format!("PCA component {}", component + 1),
        Source::Hessian { index } => format!("Hessian eigenvector {}", index + 1),
        Source::Gradient => "gradient".to_owned(),
        Source::Between => "interpolation".to_owned(),
        Source::Custom(words) => words.clone(),
        Source::Random { .. } | Source::File => format!("direction {}", index + 1),
    };
    let how = match (normalization, source) {
        (Normalization::Filter, _) => "filter-normalised",
        (Normalization::Layer, _) => "layer-normalised",
        (Normalization::Weight, _) => "weight-normalised",
        (Normalization::DFilter, _) => "unit filters",
        (Normalization::DLayer, _) => "unit layers",
        (Normalization::Model, _) => "model-normalised",
        (Normalization::None, Source::Random { .. }) => "not normalised",
        (Normalization::None, Source::File) => "from a file",
        (Normalization::None, _) => return name,
    };
    format!("{name} ({how})")
}
