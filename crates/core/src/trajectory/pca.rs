//! Exact principal component analysis of a path.
//!
//! The rows `x_t = theta_t - center` are mean-centred, as scikit-learn does. With `n` rows of `p`
//! values the smaller of two symmetric matrices is formed, in f64, from blocks of the rows: the
//! Gram matrix `X X^T` (`n x n`) when `n <= p`, the scatter matrix `X^T X` (`p x p`) otherwise.
//! They have the same non-zero eigenvalues `l_k`; the variance along component `k` is
//! `l_k / (n - 1)`. Where both matrices would be large, or the rows are read from a
//! [`RowSource`] and would not fit, block Lanczos finds the leading components to a residual of
//! `1e-9 l_1`.

use super::TrajectoryError;
use super::columns::Columns;
use super::krylov::{self, Scatter};
use super::source::{RowSource, StreamError};
use crate::direction::{Direction, Source};
use crate::numeric::dot64;
use crate::params::Params;
use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// Values of each row that are held in f64 at once.
const BLOCK: usize = 4096;

/// Smaller side of the data up to which all eigenvectors are computed.
const DENSE: usize = 512;

/// Bytes of rows from a source that are held.
const HELD: usize = 64 << 20;

/// Share of the largest eigenvalue below which another is the rounding of f32 parameters, about
/// `f32::EPSILON` squared.
const RESOLUTION: f64 = 1e-13;

/// Principal components of a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Pca {
    /// Directions of norm 1 over all tensors but buffers, orthogonal, by descending variance; never
    /// scaled per tensor, which would leave the principal plane. The sign is chosen so that the
    /// entry of largest magnitude (the first of them) is positive.
    pub components: Vec<Direction>,
    /// Variance along each component, with divisor `n - 1`.
    pub explained_variance: Vec<f64>,
    /// Share of the total variance along each component, in [0, 1].
    pub explained_variance_ratio: Vec<f64>,
    /// Coordinates of the mean of the rows relative to the centre. A coordinate on the plane
    /// through the centre is `<theta_t - center, v_k>`; scikit-learn's score is that minus this.
    pub mean_offset: Vec<f64>,
}

/// Settings of [`Pca::fit_with`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PcaOptions {
    /// Number of components.
    pub components: usize,
    /// Leaves tensors of one dimension (biases, scales, shifts) out of the analysis; the components
    /// are zero there.
    pub ignore_one_dimensional: bool,
}

impl Pca {
    /// The first `components` principal components of the rows `theta_t - center`, over all tensors
    /// but buffers. The centre is usually the last checkpoint: it moves the origin of the
    /// coordinates, the components do not depend on it.
    ///
    /// # Errors
    /// When there are fewer than two rows, one does not have the centre's layout, a value is not
    /// finite, or the path spans fewer dimensions than components are wanted.
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
    /// As [`Pca::fit`].
    pub fn fit_with(
        rows: &[&Params],
        center: &Params,
        options: &PcaOptions,
    ) -> Result<Self, TrajectoryError> {
        check(rows, center)?;
        let columns = options.columns();
        let data = Rows {
            rows,
            center,
            columns,
        };
        let (n, p) = (rows.len(), columns.width(center));
        if n.min(p) > DENSE {
            return from_source(rows, center, options).map_err(StreamError::of_held);
        }
        let spectrum = match n <= p {
            true => data.gram_spectrum(options.components)?,
            false => data.scatter_spectrum(options.components)?,
        };
        let mean_offset = |vector: &[f64]| data.mean_along(vector);
        Ok(describe(spectrum, center, columns, n, mean_offset))
    }

    /// As [`Pca::fit_with`], of rows that are read from a source and never held together: memory
    /// for 32 of them in f64, and 160 MB, whatever their number. They are read four or five times,
    /// more where the variances of the components hardly differ.
    ///
    /// # Errors
    /// As [`Pca::fit`], and when a row cannot be read or the components do not settle.
    pub fn fit_source<S: RowSource + ?Sized>(
        source: &S,
        center: &Params,
        options: &PcaOptions,
    ) -> Result<Self, StreamError> {
        let values = source.len().saturating_mul(center.numel());
        if values.saturating_mul(size_of::<f32>()) > HELD {
            return from_source(source, center, options);
        }
        let read = |(index, row): (usize, Result<_, _>)| {
            row.map_err(|source| StreamError::Read { index, source })
        };
        let rows: Vec<_> = source
            .rows()
            .enumerate()
            .map(read)
            .collect::<Result<_, _>>()?;
        let (expected, given) = (source.len(), rows.len());
        if given != expected {
            return Err(StreamError::Length { expected, given });
        }
        let rows: Vec<&Params> = rows.iter().map(AsRef::as_ref).collect();
        Ok(Pca::fit_with(&rows, center, options)?)
    }
}

impl PcaOptions {
    fn columns(&self) -> Columns {
        Columns {
            ignore_one_dimensional: self.ignore_one_dimensional,
        }
    }
}

/// Components by block Lanczos.
fn from_source<S: RowSource + ?Sized>(
    source: &S,
    center: &Params,
    options: &PcaOptions,
) -> Result<Pca, StreamError> {
    let (columns, rows, wanted) = (options.columns(), source.len(), options.components);
    if rows < 2 {
        return Err(TrajectoryError::TooFew { given: rows }.into());
    }
    let mut at = Vec::new();
    if !columns.append(center, center, None, &mut at) {
        return Err(TrajectoryError::CenterNotFinite.into());
    }
    if at.is_empty() {
        return Err(TrajectoryError::Rank { wanted, rank: 0 }.into());
    }
    let scatter = Scatter {
        source,
        layout: center,
        columns,
    };
    let (spectrum, mean) = krylov::leading(&scatter, wanted)?;
    let offset: Vec<f64> = mean.iter().zip(&at).map(|(m, c)| m - c).collect();
    let mean_offset = |vector: &[f64]| dot64(&offset, vector);
    Ok(describe(spectrum, center, columns, rows, mean_offset))
}

fn check(rows: &[&Params], center: &Params) -> Result<(), TrajectoryError> {
    if rows.len() < 2 {
        return Err(TrajectoryError::TooFew { given: rows.len() });
    }
    let finite = |params: &Params| {
        params
            .weights()
            .all(|t| t.data.iter().all(|v| v.is_finite()))
    };
    if !finite(center) {
        return Err(TrajectoryError::CenterNotFinite);
    }
    for (index, row) in rows.iter().enumerate() {
        center
            .same_layout(row)
            .map_err(|source| TrajectoryError::Layout { index, source })?;
        if !finite(row) {
            return Err(TrajectoryError::NotFinite { index });
        }
    }
    Ok(())
}

/// The mean-centred rows, read block by block.
struct Rows<'a> {
    rows: &'a [&'a Params],
    center: &'a Params,
    columns: Columns,
}

/// Leading eigenpairs: sums of squares along unit vectors of `p` values, and the total.
pub(super) struct Spectrum {
    pub(super) sums: Vec<f64>,
    pub(super) vectors: Vec<Vec<f64>>,
    pub(super) total: f64,
}

impl Rows<'_> {
    /// Calls `visit(offset, block)` with consecutive columns of the mean-centred rows; the block is
    /// transposed, one column a row.
    fn blocks(&self, mut visit: impl FnMut(usize, DMatrix<f64>)) {
        let mut offset = 0;
        for (index, tensor) in self.center.iter().enumerate() {
            if !self.columns.takes(tensor) {
                continue;
            }
            for start in (0..tensor.numel()).step_by(BLOCK) {
                let end = (start + BLOCK).min(tensor.numel());
                visit(offset, self.block(index, start, end));
                offset += end - start;
            }
        }
    }

    fn block(&self, tensor: usize, start: usize, end: usize) -> DMatrix<f64> {
        let center = &self.center.tensor(tensor).data[start..end];
        let differences = self.rows.iter().flat_map(|row| {
            let values = &row.tensor(tensor).data[start..end];
            let pairs = values.iter().zip(center);
            pairs.map(|(v, c)| f64::from(*v) - f64::from(*c))
        });
        let mut block = DMatrix::from_iterator(end - start, self.rows.len(), differences);
        let mean = block.column_mean();
        for mut row in block.column_iter_mut() {
            row -= &mean;
        }
        block
    }

    fn gram_spectrum(&self, wanted: usize) -> Result<Spectrum, TrajectoryError> {
        let n = self.rows.len();
        let mut gram = DMatrix::zeros(n, n);
        self.blocks(|_, block| gram.gemm(1.0, &block.transpose(), &block, 1.0));
        let (sums, small) = leading(gram.clone(), wanted)?;
        let mut vectors = vec![vec![0.0; self.columns.width(self.center)]; wanted];
        self.blocks(|offset, block| {
            for (vector, u) in vectors.iter_mut().zip(&small) {
                let part = &block * u;
                vector[offset..offset + part.len()].copy_from_slice(part.as_slice());
            }
        });
        Ok(Spectrum {
            sums,
            vectors,
            total: gram.trace(),
        })
    }

    fn scatter_spectrum(&self, wanted: usize) -> Result<Spectrum, TrajectoryError> {
        let (n, p) = (self.rows.len(), self.columns.width(self.center));
        let mut rows = DMatrix::zeros(p, n);
        self.blocks(|offset, block| rows.rows_mut(offset, block.nrows()).copy_from(&block));
        let scatter = &rows * rows.transpose();
        let total = scatter.trace();
        let (sums, vectors) = leading(scatter, wanted)?;
        Ok(Spectrum {
            sums,
            vectors: vectors.iter().map(|v| v.as_slice().to_vec()).collect(),
            total,
        })
    }

    /// `<mean of the rows - center, v>`.
    fn mean_along(&self, vector: &[f64]) -> f64 {
        let along = |row: &&Params| {
            let mut rest = vector;
            let mut sum = 0.0;
            for (tensor, center) in row.iter().zip(self.center) {
                if self.columns.takes(center) {
                    let (v, tail) = rest.split_at(tensor.numel());
                    let pairs = tensor.data.iter().zip(&center.data).zip(v);
                    sum += pairs
                        .map(|((a, c), v)| (f64::from(*a) - f64::from(*c)) * v)
                        .sum::<f64>();
                    rest = tail;
                }
            }
            sum
        };
        self.rows.iter().map(along).sum::<f64>() / self.rows.len() as f64
    }
}

fn describe(
    spectrum: Spectrum,
    center: &Params,
    columns: Columns,
    rows: usize,
    mean_offset: impl Fn(&[f64]) -> f64,
) -> Pca {
    let divisor = (rows - 1) as f64;
    let mut pca = Pca {
        components: Vec::new(),
        explained_variance: spectrum.sums.iter().map(|s| s / divisor).collect(),
        explained_variance_ratio: spectrum.sums.iter().map(|s| s / spectrum.total).collect(),
        mean_offset: Vec::new(),
    };
    for (component, mut vector) in spectrum.vectors.into_iter().enumerate() {
        to_unit(&mut vector);
        pca.mean_offset.push(mean_offset(&vector));
        let tensors = columns.unflatten(center, &vector);
        pca.components
            .push(Direction::raw(tensors, Source::Pca { component }));
    }
    pca
}

/// The largest eigenvalues of a positive semidefinite matrix, descending, and their vectors.
fn leading(
    matrix: DMatrix<f64>,
    wanted: usize,
) -> Result<(Vec<f64>, Vec<DVector<f64>>), TrajectoryError> {
    let size = matrix.nrows();
    let eigen = SymmetricEigen::new(matrix);
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let rank = rank(eigen.eigenvalues.as_slice());
    if wanted > rank {
        return Err(TrajectoryError::Rank { wanted, rank });
    }
    order.truncate(wanted);
    let values = order.iter().map(|&i| eigen.eigenvalues[i]).collect();
    let vectors = order
        .iter()
        .map(|&i| eigen.eigenvectors.column(i).into_owned())
        .collect();
    Ok((values, vectors))
}

/// Number of eigenvalues above rounding.
pub(super) fn rank(eigenvalues: &[f64]) -> usize {
    let largest = eigenvalues.iter().copied().fold(0.0, f64::max);
    let rounding = 4.0 * eigenvalues.len() as f64 * f64::EPSILON;
    let least = largest * rounding.max(RESOLUTION);
    eigenvalues.iter().filter(|&&l| l > least).count()
}

/// Scales to norm 1 with the first entry of largest magnitude positive.
fn to_unit(vector: &mut [f64]) {
    let norm = dot64(vector, vector).sqrt();
    let largest = vector
        .iter()
        .fold(0.0f64, |l, &v| if v.abs() > l.abs() { v } else { l });
    let factor = 1.0_f64.copysign(largest) / norm;
    for value in vector {
        *value *= factor;
    }
}
