//! What is measured: a symmetric matrix that is known by its products with vectors.

pub use landscape_core::{Operator, OperatorError};

use rayon::prelude::*;

/// A function of one vector as an [`Operator`]; made by [`from_fn`].
#[derive(Debug, Clone)]
pub struct FnOperator<F> {
    dim: usize,
    function: F,
}

/// A function that multiplies one vector, as an [`Operator`].
///
/// ```
/// use landscape_hessian::{Operator, from_fn};
/// let twice = from_fn(2, |v: &[f64]| v.iter().map(|x| 2.0 * x).collect());
/// assert_eq!(twice.apply(&[vec![1.0, 3.0]])?, [[2.0, 6.0]]);
/// # Ok::<(), landscape_hessian::OperatorError>(())
/// ```
pub fn from_fn<F: Fn(&[f64]) -> Vec<f64>>(dim: usize, function: F) -> FnOperator<F> {
    FnOperator { dim, function }
}

impl<F: Fn(&[f64]) -> Vec<f64>> Operator for FnOperator<F> {
    fn dim(&self) -> usize {
        self.dim
    }

    fn apply(&self, block: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, OperatorError> {
        Ok(block.iter().map(|v| (self.function)(v)).collect())
    }
}

/// A function of a block of vectors as an [`Operator`]; made by [`try_from_fn`].
#[derive(Debug, Clone)]
pub struct BlockOperator<F> {
    dim: usize,
    function: F,
}

/// A function that multiplies a block of vectors and may fail, as an [`Operator`].
pub fn try_from_fn<F>(dim: usize, function: F) -> BlockOperator<F>
where
    F: Fn(&[Vec<f64>]) -> Result<Vec<Vec<f64>>, OperatorError>,
{
    BlockOperator { dim, function }
}

impl<F> Operator for BlockOperator<F>
where
    F: Fn(&[Vec<f64>]) -> Result<Vec<Vec<f64>>, OperatorError>,
{
    fn dim(&self) -> usize {
        self.dim
    }

    fn apply(&self, block: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, OperatorError> {
        (self.function)(block)
    }
}

/// A dense symmetric matrix, for tests, examples and small problems.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    dim: usize,
    rows: Vec<f64>,
}

/// What is wrong with the entries of a [`Dense`] matrix.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DenseError {
    /// The entries are not those of a square matrix.
    #[error("{given} entries do not make a matrix of {dim} rows and columns")]
    Count {
        /// Rows and columns.
        dim: usize,
        /// Entries given.
        given: usize,
    },
    /// Two entries that mirror each other differ by more than rounding.
    #[error("the matrix is not symmetric: entry ({row}, {column}) differs from its mirror image")]
    Asymmetric {
        /// Row of the first such entry.
        row: usize,
        /// Its column.
        column: usize,
    },
}

impl Dense {
    /// A matrix of `dim` rows and columns from its entries, row by row.
    ///
    /// # Errors
    /// When there are not `dim^2` entries, or it is not symmetric to rounding.
    pub fn new(dim: usize, rows: Vec<f64>) -> Result<Self, DenseError> {
        if rows.len() != dim * dim {
            let given = rows.len();
            return Err(DenseError::Count { dim, given });
        }
        let largest = rows.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        for row in 0..dim {
            for column in 0..row {
                let gap = (rows[row * dim + column] - rows[column * dim + row]).abs();
                // A NaN has no mirror image.
                if gap.is_nan() || gap > 1e-12 * largest {
                    return Err(DenseError::Asymmetric { row, column });
                }
            }
        }
        Ok(Dense { dim, rows })
    }

    /// The matrix of the entries `entry(row, column)`; the lower triangle alone is asked for.
    pub fn from_fn(dim: usize, entry: impl Fn(usize, usize) -> f64) -> Self {
        let mut rows = vec![0.0; dim * dim];
        for row in 0..dim {
            for column in 0..=row {
                let value = entry(row, column);
                rows[row * dim + column] = value;
                rows[column * dim + row] = value;
            }
        }
        Dense { dim, rows }
    }

    /// The entries, row by row.
    pub fn rows(&self) -> &[f64] {
        &self.rows
    }

    /// The sum of the diagonal.
    pub fn trace(&self) -> f64 {
        (0..self.dim).map(|i| self.rows[i * self.dim + i]).sum()
    }

    /// All eigenvalues, descending, by a dense method in `O(dim^3)`.
    pub fn eigenvalues(&self) -> Vec<f64> {
        let matrix = nalgebra::DMatrix::from_row_slice(self.dim, self.dim, &self.rows);
        let mut values: Vec<f64> = matrix.symmetric_eigenvalues().iter().copied().collect();
        values.sort_by(|a, b| b.total_cmp(a));
        values
    }
}

impl Operator for Dense {
    fn dim(&self) -> usize {
        self.dim
    }

    fn apply(&self, block: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, OperatorError> {
        let product = |v: &Vec<f64>| {
            let rows = self.rows.par_chunks(self.dim).with_min_len(32);
            rows.map(|row| crate::vectors::dot(row, v)).collect()
        };
        Ok(block.iter().map(product).collect())
    }
}

/// A matrix times a number.
#[derive(Debug, Clone)]
pub struct Scaled<O> {
    operator: O,
    factor: f64,
}

impl<O: Operator> Scaled<O> {
    /// `factor * operator`; -1 turns the bottom of a spectrum into its top.
    pub fn new(operator: O, factor: f64) -> Self {
        Scaled { operator, factor }
    }
}

impl<O: Operator> Operator for Scaled<O> {
    fn dim(&self) -> usize {
        self.operator.dim()
    }

    fn apply(&self, block: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, OperatorError> {
        let mut products = self.operator.apply(block)?;
        let entries = products.iter_mut().flatten();
        entries.for_each(|value| *value *= self.factor);
        Ok(products)
    }
}

/// The principal submatrix of an operator on one range of entries: a layer's own block of a Hessian.
/// It costs as much as the whole.
#[derive(Debug, Clone)]
pub struct Restricted<O> {
    operator: O,
    range: std::ops::Range<usize>,
}

impl<O: Operator> Restricted<O> {
    /// The rows and columns of `range`, which is cut at the operator's dimension.
    pub fn new(operator: O, range: std::ops::Range<usize>) -> Self {
        let end = range.end.min(operator.dim());
        let range = range.start.min(end)..end;
        Restricted { operator, range }
    }
}

impl<O: Operator> Operator for Restricted<O> {
    fn dim(&self) -> usize {
        self.range.len()
    }

    fn apply(&self, block: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, OperatorError> {
        let whole: Vec<Vec<f64>> = block.iter().map(|part| self.embed(part)).collect();
        let products = self.operator.apply(&whole)?;
        let cut = |product: &Vec<f64>| product.get(self.range.clone()).map(<[f64]>::to_vec);
        let parts: Option<Vec<_>> = products.iter().map(cut).collect();
        parts
            .ok_or_else(|| OperatorError::new("a product is shorter than the operator's dimension"))
    }
}

impl<O: Operator> Restricted<O> {
    fn embed(&self, part: &[f64]) -> Vec<f64> {
        let mut whole = vec![0.0; self.operator.dim()];
        whole[self.range.clone()].copy_from_slice(part);
        whole
    }
}

/// `D H D` with a diagonal `D`: the Hessian in coordinates of other units, for example of parameters
/// relative to their magnitude.
#[derive(Debug, Clone)]
pub struct Congruent<O> {
    operator: O,
    diagonal: Vec<f64>,
}

impl<O: Operator> Congruent<O> {
    /// The operator between two diagonal matrices.
    ///
    /// # Errors
    /// When the diagonal has another length than the operator.
    pub fn new(operator: O, diagonal: Vec<f64>) -> Result<Self, OperatorError> {
        match diagonal.len() == operator.dim() {
            true => Ok(Congruent { operator, diagonal }),
            false => Err(OperatorError::new(format!(
                "a diagonal of {} entries does not fit an operator of dimension {}",
                diagonal.len(),
                operator.dim()
            ))),
        }
    }

    fn scale(&self, vectors: &mut [Vec<f64>]) {
        for vector in vectors {
            let entries = vector.iter_mut().zip(&self.diagonal);
            entries.for_each(|(value, factor)| *value *= factor);
        }
    }
}

impl<O: Operator> Operator for Congruent<O> {
    fn dim(&self) -> usize {
        self.operator.dim()
    }

    fn apply(&self, block: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, OperatorError> {
        let mut scaled = block.to_vec();
        self.scale(&mut scaled);
        let mut products = self.operator.apply(&scaled)?;
        self.scale(&mut products);
        Ok(products)
    }
}
