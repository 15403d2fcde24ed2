//! Exact principal component analysis.

use super::TrajectoryError;
use crate::direction::Direction;
use crate::params::Params;

/// Principal components of a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Pca {
    /// Unit directions, by descending variance. The entry of largest magnitude is positive.
    pub components: Vec<Direction>,
    /// Variance along each component (divisor `n - 1`).
    pub explained_variance: Vec<f64>,
    /// Share of the total variance along each component.
    pub explained_variance_ratio: Vec<f64>,
    /// Coordinates of the mean of the rows relative to the centre: a principal component *score* is
    /// the coordinate minus this offset.
    pub mean_offset: Vec<f64>,
}

/// Settings of [`Pca::fit_with`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PcaOptions {
    /// Number of components.
    pub components: usize,
    /// Leaves tensors of one dimension out of the analysis; the components are zero there.
    pub ignore_one_dimensional: bool,
}

impl Pca {
    /// The first `components` principal components of the rows `theta_t - center`.
    ///
    /// # Errors
    /// See [`TrajectoryError`].
    pub fn fit(
        rows: &[&Params],
        center: &Params,
        components: usize,
    ) -> Result<Self, TrajectoryError> {
        let options = PcaOptions {
            components,
            ignore_one_dimensional: false,
        };
        Pca::fit_with(rows, center, &options)
    }

    /// As [`Pca::fit`], with all settings.
    ///
    /// # Errors
    /// See [`TrajectoryError`].
    pub fn fit_with(
        rows: &[&Params],
        center: &Params,
        options: &PcaOptions,
    ) -> Result<Self, TrajectoryError> {
        let _ = (rows, center, options);
        todo!()
    }
}
