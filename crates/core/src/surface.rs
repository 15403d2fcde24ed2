//! A sampled landscape: a grid and what is known at its points.

use crate::counted::counted;
use crate::grid::{Grid, Point};
use crate::names;
use crate::objective::{Sample, Term};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A grid and the samples known so far, each of them measured or interpolated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Surface {
    grid: Grid,
    terms: Vec<Term>,
    samples: Vec<Option<Sample>>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    interpolated: BTreeSet<usize>,
}

/// Where the numbers of a known point come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PointSource {
    /// The objective was evaluated there.
    Measured,
    /// The numbers follow from those of measured points, see [`crate::adaptive`].
    Interpolated,
}

names::named!(PointSource, "source of a point", {
    Measured => "measured",
    Interpolated => "interpolated",
});

/// One number of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// Mean data loss.
    #[default]
    Loss,
    /// Share classified correctly.
    Accuracy,
    /// Standard error of the mean loss.
    LossSe,
    /// Loss plus weighted terms.
    Total,
    /// An extra term by its place, not weighted.
    Term(usize),
}

/// What can be wrong with a surface.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SurfaceError {
    /// There is no such point.
    #[error("point {index} of a surface of {len}")]
    Index {
        /// The point asked for.
        index: usize,
        /// Number of points.
        len: usize,
    },
    /// A sample carries another number of terms than the surface has.
    #[error("a sample of {given} terms in a surface of {expected}")]
    Terms {
        /// Number of terms of the surface.
        expected: usize,
        /// Number of terms of the sample.
        given: usize,
    },
    /// There is no such axis, or no axis would be left.
    #[error("axis {axis} cannot be fixed in a surface of {dims} dimensions")]
    Axis {
        /// The axis asked for, from 0.
        axis: usize,
        /// Dimensions of the surface.
        dims: usize,
    },
    /// An interpolated sample does not take the place of a measured one.
    #[error("point {index} is measured; an interpolated value cannot replace it")]
    Measured {
        /// The point.
        index: usize,
    },
    /// A point is said to be interpolated, but nothing is known there.
    #[error("point {index} is said to be interpolated, but has no sample")]
    NotKnown {
        /// The point.
        index: usize,
    },
    /// The number of samples is not that of the grid's points.
    #[error("{} for a grid of {}", counted(*given, "sample"), counted(*expected, "point"))]
    Count {
        /// Points of the grid.
        expected: usize,
        /// Samples given.
        given: usize,
    },
}

#[derive(Deserialize)]
struct Unchecked {
    grid: Grid,
    terms: Vec<Term>,
    samples: Vec<Option<Sample>>,
    #[serde(default)]
    interpolated: BTreeSet<usize>,
}

impl TryFrom<Unchecked> for Surface {
    type Error = SurfaceError;

    fn try_from(unchecked: Unchecked) -> Result<Self, SurfaceError> {
        let mut surface = Surface::new(unchecked.grid, unchecked.terms);
        if unchecked.samples.len() != surface.samples.len() {
            return Err(SurfaceError::Count {
                expected: surface.samples.len(),
                given: unchecked.samples.len(),
            });
        }
        for (index, sample) in unchecked.samples.into_iter().enumerate() {
            if let Some(sample) = sample {
                surface.set(index, sample)?;
            }
        }
        for &index in &unchecked.interpolated {
            if surface.get(index).is_none() {
                return Err(SurfaceError::NotKnown { index });
            }
        }
        surface.interpolated = unchecked.interpolated;
        Ok(surface)
    }
}

impl Surface {
    /// A surface of which nothing is known yet.
    pub fn new(grid: Grid, terms: Vec<Term>) -> Self {
        let samples = vec![None; grid.len()];
        Surface {
            grid,
            terms,
            samples,
            interpolated: BTreeSet::new(),
        }
    }

    /// The points.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The extra terms that each sample carries.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// What is known at a point, measured or interpolated.
    pub fn get(&self, flat: usize) -> Option<&Sample> {
        self.samples.get(flat)?.as_ref()
    }

    /// Makes a point known by measurement, or replaces what was known.
    ///
    /// # Errors
    /// When there is no such point, or the sample has another number of terms than the surface.
    pub fn set(&mut self, flat: usize, sample: Sample) -> Result<(), SurfaceError> {
        self.place(flat, sample)?;
        self.interpolated.remove(&flat);
        Ok(())
    }

    /// Makes a point known by interpolation, or replaces what was interpolated before.
    ///
    /// # Errors
    /// As [`Surface::set`], and when the point is measured.
    pub fn set_interpolated(&mut self, flat: usize, sample: Sample) -> Result<(), SurfaceError> {
        if self.is_measured(flat) {
            return Err(SurfaceError::Measured { index: flat });
        }
        self.place(flat, sample)?;
        self.interpolated.insert(flat);
        Ok(())
    }

    /// Forgets what was interpolated; only measured points stay known.
    pub fn forget_interpolated(&mut self) {
        for flat in std::mem::take(&mut self.interpolated) {
            self.samples[flat] = None;
        }
    }

    fn place(&mut self, flat: usize, sample: Sample) -> Result<(), SurfaceError> {
        if sample.terms.len() != self.terms.len() {
            return Err(SurfaceError::Terms {
                expected: self.terms.len(),
                given: sample.terms.len(),
            });
        }
        let len = self.samples.len();
        let place = self
            .samples
            .get_mut(flat)
            .ok_or(SurfaceError::Index { index: flat, len })?;
        *place = Some(sample);
        Ok(())
    }

    /// Where the numbers of a point come from; `None` where nothing is known.
    pub fn source(&self, flat: usize) -> Option<PointSource> {
        self.get(flat)?;
        Some(match self.interpolated.contains(&flat) {
            true => PointSource::Interpolated,
            false => PointSource::Measured,
        })
    }

    /// Whether a point is known by measurement.
    pub fn is_measured(&self, flat: usize) -> bool {
        self.source(flat) == Some(PointSource::Measured)
    }

    /// Number of points known by measurement.
    pub fn measured(&self) -> usize {
        self.samples.len() - self.missing() - self.interpolated()
    }

    /// Number of points known by interpolation.
    pub fn interpolated(&self) -> usize {
        self.interpolated.len()
    }

    /// Number of points not known, neither measured nor interpolated.
    pub fn missing(&self) -> usize {
        self.samples.iter().filter(|s| s.is_none()).count()
    }

    /// Whether every point is known.
    pub fn is_complete(&self) -> bool {
        self.missing() == 0
    }

    /// Number of known points whose loss is NaN or infinite.
    pub fn non_finite(&self) -> usize {
        let broken = |sample: &&Sample| !sample.loss.is_finite();
        self.samples.iter().flatten().filter(broken).count()
    }

    /// The losses of all points in grid order; NaN where not known.
    pub fn losses(&self) -> Vec<f64> {
        self.values(Value::Loss)
    }

    /// One number of all points in grid order; NaN where not known or not measured.
    pub fn values(&self, value: Value) -> Vec<f64> {
        (0..self.samples.len())
            .map(|flat| self.value(flat, value).unwrap_or(f64::NAN))
            .collect()
    }

    /// One number of one point, when it is known and measured.
    pub fn value(&self, flat: usize, value: Value) -> Option<f64> {
        let sample = self.get(flat)?;
        match value {
            Value::Loss => Some(sample.loss),
            Value::Accuracy => sample.accuracy,
            Value::LossSe => sample.loss_se,
            Value::Total => Some(sample.total(&self.terms)),
            Value::Term(i) => sample.terms.get(i).copied(),
        }
    }

    /// Linear, bilinear or trilinear interpolation at a point; `None` outside the grid or where a
    /// corner that counts is not known. A coordinate on the grid needs its neighbours not.
    pub fn interpolate(&self, value: Value, point: Point) -> Option<f64> {
        let shape = self.grid.shape3();
        let mut cells = [(0usize, 0.0f64); 3];
        for ((cell, axis), x) in cells.iter_mut().zip(self.grid.axes()).zip(point) {
            *cell = axis.locate(x)?;
        }
        let mut sum = 0.0;
        for corner in 0..8usize {
            let bits: [usize; 3] = std::array::from_fn(|axis| corner >> axis & 1);
            let weight: f64 = bits
                .iter()
                .zip(cells)
                .map(|(&bit, (_, t))| if bit == 1 { t } else { 1.0 - t })
                .product();
            if weight > 0.0 {
                let indices =
                    std::array::from_fn(|axis| (cells[axis].0 + bits[axis]).min(shape[axis] - 1));
                sum += weight * self.value(self.grid.index(indices)?, value)?;
            }
        }
        Some(sum)
    }

    /// The surface of one dimension less at index `index` of an axis: a plane of a volume, a line
    /// of a plane. The remaining axes keep their order.
    ///
    /// # Errors
    /// When there is no such axis or index, or the surface has one dimension only.
    pub fn slice(&self, axis: usize, index: usize) -> Result<Surface, SurfaceError> {
        let dims = self.grid.dims();
        if dims < 2 || axis >= dims {
            return Err(SurfaceError::Axis { axis, dims });
        }
        let count = self.grid.axes()[axis].count();
        if index >= count {
            return Err(SurfaceError::Index { index, len: count });
        }
        let mut axes = self.grid.axes().to_vec();
        axes.remove(axis);
        let inside = |&flat: &usize| self.grid.unravel(flat)[axis] == index;
        let points = || (0..self.samples.len()).filter(inside);
        let interpolated = points().enumerate();
        Ok(Surface {
            grid: Grid::new(axes).expect("axes of a grid make one"),
            terms: self.terms.clone(),
            samples: points().map(|flat| self.samples[flat].clone()).collect(),
            interpolated: interpolated
                .filter(|(_, flat)| self.interpolated.contains(flat))
                .map(|(place, _)| place)
                .collect(),
        })
    }
}
