//! Exact principal component analysis of a path.
//!
//! The rows `x_t = theta_t - center` are mean-centred, as scikit-learn does. With `n` rows of `p`
//! values the smaller of two symmetric matrices is formed, in f64, from blocks of the rows: the
//! Gram matrix `X X^T` (`n x n`) when `n <= p`, the scatter matrix `X^T X` (`p x p`) otherwise.
//! They have the same non-zero eigenvalues `l_k`; the variance along component `k` is
//! `l_k / (n - 1)`.

use super::TrajectoryError;
use crate::direction::{Direction, Source};
use crate::numeric::dot64;
use crate::params::{Parameter, Params, Role};
use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// Values of each row that are held in f64 at once.
const BLOCK: usize = 4096;

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
        let data = Rows {
            rows,
            center,
            ignore_one_dimensional: options.ignore_one_dimensional,
        };
        let spectrum = match rows.len() <= data.width() {
            true => data.gram_spectrum(options.components)?,
            false => data.scatter_spectrum(options.components)?,
        };
        Ok(data.describe(spectrum))
    }
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
    ignore_one_dimensional: bool,
}

/// Leading eigenpairs: sums of squares along unit vectors of `p` values, and the total.
struct Spectrum {
    sums: Vec<f64>,
    vectors: Vec<Vec<f64>>,
    total: f64,
}

impl Rows<'_> {
    fn takes(&self, tensor: &Parameter) -> bool {
        let ignored = self.ignore_one_dimensional && tensor.is_one_dimensional();
        tensor.role != Role::Buffer && !ignored
    }

    /// Number of values of a row, `p`.
    fn width(&self) -> usize {
        let taken = self.center.iter().filter(|t| self.takes(t));
        taken.map(Parameter::numel).sum()
    }

    /// Calls `visit(offset, block)` with consecutive columns of the mean-centred rows; the block is
    /// transposed, one column a row.
    fn blocks(&self, mut visit: impl FnMut(usize, DMatrix<f64>)) {
        let mut offset = 0;
        for (index, tensor) in self.center.iter().enumerate() {
            if !self.takes(tensor) {
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
        let mut vectors = vec![vec![0.0; self.width()]; wanted];
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
        let (n, p) = (self.rows.len(), self.width());
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

    fn describe(&self, spectrum: Spectrum) -> Pca {
        let divisor = (self.rows.len() - 1) as f64;
        let mut pca = Pca {
            components: Vec::new(),
            explained_variance: spectrum.sums.iter().map(|s| s / divisor).collect(),
            explained_variance_ratio: spectrum.sums.iter().map(|s| s / spectrum.total).collect(),
            mean_offset: Vec::new(),
        };
        for (component, mut vector) in spectrum.vectors.into_iter().enumerate() {
            to_unit(&mut vector);
            pca.mean_offset.push(self.mean_along(&vector));
            let tensors = self.unflatten(&vector);
            let source = Source::Pca { component };
            pca.components.push(Direction::raw(tensors, source));
        }
        pca
    }

    /// `<mean of the rows - center, v>`.
    fn mean_along(&self, vector: &[f64]) -> f64 {
        let along = |row: &&Params| {
            let mut rest = vector;
            let mut sum = 0.0;
            for (tensor, center) in row.iter().zip(self.center) {
                if self.takes(center) {
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

    fn unflatten(&self, vector: &[f64]) -> Params {
        let mut tensors = self.center.zeros_like();
        let mut values = vector.iter();
        for tensor in tensors.tensors_mut() {
            if self.takes(tensor) {
                for (to, from) in tensor.data.iter_mut().zip(&mut values) {
                    *to = *from as f32;
                }
            }
        }
        tensors
    }
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
    let largest = order.first().map_or(0.0, |&i| eigen.eigenvalues[i]);
    let rounding = largest * (4.0 * size as f64 * f64::EPSILON).max(RESOLUTION);
    let rank = eigen.eigenvalues.iter().filter(|&&l| l > rounding).count();
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
