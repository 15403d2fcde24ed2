//! The plane that shows the paths of one or several runs best.

use super::{
    Checkpoint, Joined, Pca, PcaOptions, Projection, Projector, RowIter, RowSource, StreamError,
    Trajectory, TrajectoryError, TrajectoryPoint,
};
use crate::direction::Direction;
use crate::grid::{Axis, Grid, GridError};
use crate::names::named;
use crate::params::{Params, Role};
use crate::plane::Plane;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Where the point 0 of a plane of paths is. The components do not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The last checkpoint of the first path.
    #[default]
    Last,
    /// The first checkpoint, which all paths must share: runs from common initial weights.
    First,
    /// The mean of all checkpoints, as in scikit-learn. Buffers are those of the last checkpoint of
    /// the first path.
    Mean,
}

named!(Origin, "origin of a plane of paths", {
    Last => "last": "The last checkpoint",
    First => "first": "The first checkpoint",
    Mean => "mean": "The mean of all checkpoints",
});

/// How the plane of paths is made.
#[derive(Debug, Clone, PartialEq)]
pub struct PathOptions {
    /// Number of components, 1 to 3; 2 make a plane, 3 a volume.
    pub components: usize,
    /// The point 0.
    pub origin: Origin,
    /// Steps of the checkpoints that take part, all of them where it is `None`. The others are
    /// neither analysed nor projected.
    pub window: Option<RangeInclusive<u64>>,
    /// Leaves tensors of one dimension out of the analysis, see [`PcaOptions`].
    pub ignore_one_dimensional: bool,
    /// How coordinates are found; on principal components both ways agree.
    pub projection: Projection,
}

impl Default for PathOptions {
    fn default() -> Self {
        PathOptions {
            components: 2,
            origin: Origin::default(),
            window: None,
            ignore_one_dimensional: false,
            projection: Projection::default(),
        }
    }
}

/// One or several paths on the plane of their joint principal components.
#[derive(Debug, Clone)]
pub struct PathPlane {
    /// The plane, through the chosen origin along the components.
    pub plane: Plane,
    /// Variances and components of all checkpoints together, each with the same weight.
    pub pca: Pca,
    /// The paths in the order given, each with off-plane distances and the shares of the joint
    /// variance; losses are left open.
    pub trajectories: Vec<Trajectory>,
}

/// A path whose checkpoints are read rather than held.
#[derive(Clone, Copy)]
pub struct PathSource<'a> {
    /// Steps of the optimiser, one for each row.
    pub steps: &'a [u64],
    /// The parameters, in that order.
    pub rows: &'a dyn RowSource,
}

impl PathPlane {
    /// The plane of the joint principal components of paths.
    ///
    /// # Errors
    /// When there is no path, one has no checkpoint in the window, the paths were to share their
    /// start and do not, or as [`Pca::fit`].
    pub fn fit(paths: &[&[Checkpoint]], options: &PathOptions) -> Result<Self, TrajectoryError> {
        let parts = paths.iter().map(|path| -> (Vec<u64>, Vec<&Params>) {
            path.iter().map(|c| (c.step, &c.params)).unzip()
        });
        let parts: Vec<_> = parts.collect();
        let held = parts.iter().map(|(steps, rows)| PathSource { steps, rows });
        let held: Vec<_> = held.collect();
        let fit = |chosen: &[Chosen<'_>], origin: &Params, settings: &PcaOptions| {
            let rows = parts.iter().zip(chosen).flat_map(|((_, rows), chosen)| {
                let inside = rows.iter().zip(&chosen.inside);
                inside.filter(|(_, inside)| **inside).map(|(row, _)| *row)
            });
            let rows: Vec<&Params> = rows.collect();
            Ok(Pca::fit_with(&rows, origin, settings)?)
        };
        of_paths(&held, options, fit).map_err(StreamError::of_held)
    }

    /// As [`PathPlane::fit`], of checkpoints that are read one at a time: memory as of
    /// [`Pca::fit_source`], whatever their number.
    ///
    /// # Errors
    /// As [`PathPlane::fit`], and when a checkpoint cannot be read or the components do not settle.
    pub fn fit_sources(
        paths: &[PathSource<'_>],
        options: &PathOptions,
    ) -> Result<Self, StreamError> {
        of_paths(paths, options, |chosen, origin, settings| {
            let sources = chosen.iter().map(|path| path as &dyn RowSource);
            Pca::fit_source(&Joined(sources.collect()), origin, settings)
        })
    }

    /// A grid of `counts` points an axis around the paths, see [`ranges`].
    ///
    /// # Errors
    /// When there are not as many counts as components, or as [`Grid::new`].
    pub fn grid(&self, counts: &[usize], margin: f64) -> Result<Grid, GridError> {
        let dims = self.plane.dims();
        if counts.len() != dims {
            return Err(GridError::Dimensions {
                given: counts.len(),
            });
        }
        let ranges = ranges(&self.trajectories, dims, margin);
        let axes = ranges.into_iter().zip(counts);
        let axes = axes.map(|((min, max), &count)| Axis::new(min, max, count));
        Grid::new(axes.collect::<Result<_, _>>()?)
    }

    /// The directions of the plane.
    pub fn directions(&self) -> &[Direction] {
        self.plane.directions()
    }
}

/// Ends of `dims` axes around paths and the origin: their extent and `margin` of it on either side
/// (0.25 is usual), an axis of little extent as long as a fifth of the longest, rounded outwards to
/// two digits of half its length. `(-1, 1)` where nothing moves.
pub fn ranges(trajectories: &[Trajectory], dims: usize, margin: f64) -> Vec<(f64, f64)> {
    let extent = |axis: usize| {
        let points = trajectories.iter().flat_map(|path| &path.points);
        let values = points.map(|point| point.coords[axis]);
        let finite = values.filter(|v| v.is_finite());
        finite.fold((0.0f64, 0.0f64), |(low, high), v| (low.min(v), high.max(v)))
    };
    let extents: Vec<_> = (0..dims).map(extent).collect();
    let longest = extents.iter().map(|(l, h)| h - l).fold(0.0, f64::max);
    let wider = |&(low, high): &(f64, f64)| {
        let length = (high - low).max(longest / 5.0);
        let half = (0.5 + margin.max(0.0)) * length;
        let middle = (low + high) / 2.0;
        match Axis::new(middle - half, middle + half, 2).is_ok() && half > 0.0 {
            true => rounded(middle - half, middle + half, half),
            false => (-1.0, 1.0),
        }
    };
    extents.iter().map(wider).collect()
}

/// Ends in few digits, no nearer to each other.
fn rounded(low: f64, high: f64, half: f64) -> (f64, f64) {
    // Powers of ten above 1 are exact, their inverses are not.
    let digits = 1 - half.log10().floor() as i32;
    let scale = 10f64.powi(digits.abs());
    let (times, over) = match digits >= 0 {
        true => (scale, 1.0),
        false => (1.0, scale),
    };
    let round = |value: f64, to: fn(f64) -> f64| to(value * times / over) / times * over;
    let ends = (round(low, f64::floor), round(high, f64::ceil));
    match ends.0.is_finite() && ends.1.is_finite() {
        true => ends,
        false => (low, high),
    }
}

/// The checkpoints of a path that take part.
struct Chosen<'a> {
    rows: &'a dyn RowSource,
    /// Their steps.
    steps: Vec<u64>,
    /// Of all rows, whether they are among them.
    inside: Vec<bool>,
}

impl<'a> Chosen<'a> {
    /// Those in the window.
    fn of(
        path: usize,
        source: &PathSource<'a>,
        window: Option<&RangeInclusive<u64>>,
    ) -> Result<Self, StreamError> {
        let (expected, given) = (source.rows.len(), source.steps.len());
        if expected != given {
            return Err(StreamError::Length { expected, given });
        }
        let inside = |step: &u64| window.is_none_or(|window| window.contains(step));
        let steps: Vec<u64> = source.steps.iter().copied().filter(inside).collect();
        if steps.is_empty() {
            return Err(match given {
                0 => TrajectoryError::EmptyPath { path },
                _ => TrajectoryError::EmptyWindow { path },
            })?;
        }
        Ok(Chosen {
            rows: source.rows,
            steps,
            inside: source.steps.iter().map(inside).collect(),
        })
    }

    /// The place among all rows of the first or the last of them.
    fn place(&self, last: bool) -> usize {
        let places = 0..self.inside.len();
        let mut inside = places.filter(|&place| self.inside[place]);
        let found = match last {
            true => inside.next_back(),
            false => inside.next(),
        };
        found.unwrap_or(0)
    }

    fn end(&self, last: bool) -> Result<Params, StreamError> {
        let index = self.place(last);
        let row = self.rows.row(index);
        row.map_err(|source| StreamError::Read { index, source })
    }

    /// The path's shadow on a plane.
    fn project(&self, plane: &Plane, projection: Projection) -> Result<Trajectory, StreamError> {
        let projector = Projector::new(plane, projection)?;
        let mut points = Vec::with_capacity(self.steps.len());
        for (index, (row, &step)) in self.rows().zip(&self.steps).enumerate() {
            let row = row.map_err(|source| StreamError::Read { index, source })?;
            let (coords, residual) = projector.project(&row)?;
            points.push(TrajectoryPoint {
                step,
                coords,
                residual,
                loss: None,
                plane_loss: None,
            });
        }
        Ok(Trajectory {
            points,
            explained_variance: Vec::new(),
            projection,
        })
    }
}

impl RowSource for Chosen<'_> {
    fn len(&self) -> usize {
        self.steps.len()
    }

    fn rows(&self) -> RowIter<'_> {
        let all = self.rows.rows().enumerate();
        // Rows beyond those announced are passed on: the reader counts them.
        let inside = |place: usize| self.inside.get(place).copied().unwrap_or(true);
        Box::new(all.filter_map(move |(place, row)| (row.is_err() || inside(place)).then_some(row)))
    }
}

/// The plane of paths whose components `fit` finds.
fn of_paths<'a>(
    paths: &[PathSource<'a>],
    options: &PathOptions,
    fit: impl FnOnce(&[Chosen<'a>], &Params, &PcaOptions) -> Result<Pca, StreamError>,
) -> Result<PathPlane, StreamError> {
    let wanted = options.components;
    if !(1..=3).contains(&wanted) {
        return Err(TrajectoryError::Components { wanted }.into());
    }
    if paths.is_empty() {
        return Err(TrajectoryError::EmptyPath { path: 0 }.into());
    }
    let chosen = paths.iter().enumerate();
    let chosen = chosen.map(|(path, source)| Chosen::of(path, source, options.window.as_ref()));
    let chosen: Vec<_> = chosen.collect::<Result<_, _>>()?;
    let origin = origin(&chosen, options.origin)?;
    let settings = PcaOptions {
        components: wanted,
        ignore_one_dimensional: options.ignore_one_dimensional,
    };
    let pca = fit(&chosen, &origin, &settings)?;
    let plane = Plane::new(origin, pca.components.clone())
        .expect("1 to 3 components of norm 1, in the layout of the origin");
    let project = |path: &Chosen<'_>| -> Result<_, StreamError> {
        let mut shadow = path.project(&plane, options.projection)?;
        shadow
            .explained_variance
            .clone_from(&pca.explained_variance_ratio);
        Ok(shadow)
    };
    Ok(PathPlane {
        trajectories: chosen.iter().map(project).collect::<Result<_, _>>()?,
        plane,
        pca,
    })
}

fn origin(paths: &[Chosen<'_>], origin: Origin) -> Result<Params, StreamError> {
    match origin {
        Origin::Last => paths[0].end(true),
        Origin::Mean => mean(paths, paths[0].end(true)?),
        Origin::First => {
            let start = paths[0].end(false)?;
            for (path, other) in paths.iter().enumerate().skip(1) {
                let first = other.end(false)?;
                let fits = start.same_layout(&first);
                let index = paths[..path].iter().map(RowSource::len).sum();
                fits.map_err(|source| TrajectoryError::Layout { index, source })?;
                let mut pairs = start.weights().zip(first.weights());
                if pairs.any(|(a, b)| a.data != b.data) {
                    return Err(TrajectoryError::StartsDiffer { path })?;
                }
            }
            Ok(start)
        }
    }
}

/// The mean of all rows, in f64 and rounded once; buffers as in `layout`.
fn mean(paths: &[Chosen<'_>], layout: Params) -> Result<Params, StreamError> {
    let joined = Joined(paths.iter().map(|path| path as &dyn RowSource).collect());
    let mut sums: Vec<Vec<f64>> = layout.iter().map(|t| vec![0.0; t.numel()]).collect();
    for (index, row) in joined.rows().enumerate() {
        let row = row.map_err(|source| StreamError::Read { index, source })?;
        let fits = layout.same_layout(&row);
        fits.map_err(|source| TrajectoryError::Layout { index, source })?;
        for (sums, tensor) in sums.iter_mut().zip(row.iter()) {
            let pairs = sums.iter_mut().zip(&tensor.data);
            pairs.for_each(|(sum, value)| *sum += f64::from(*value));
        }
    }
    let (mut mean, count) = (layout, joined.len() as f64);
    let tensors = mean.tensors_mut().iter_mut().zip(sums);
    for (tensor, sums) in tensors.filter(|(tensor, _)| tensor.role != Role::Buffer) {
        let pairs = tensor.data.iter_mut().zip(sums);
        pairs.for_each(|(value, sum)| *value = (sum / count) as f32);
    }
    Ok(mean)
}
