//! Sums over long f32 vectors, accumulated in f64 in an order that depends on nothing but the
//! length, so that the same data give the same bits everywhere.

use nalgebra::{DMatrix, DMatrixView, Dyn};

const LANES: usize = 8;

/// Rows or columns up to which nalgebra multiplies without blocking, and not by strides.
const FEW: usize = 5;

/// `sum a_i b_i` of equally long slices; products of two f32 values are exact in f64.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f64 {
    debug_assert_eq!(a.len(), b.len());
    let mut lanes = [0.0f64; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            lanes[lane] += f64::from(x[lane]) * f64::from(y[lane]);
        }
    }
    let rest: f64 = a_rest
        .iter()
        .zip(b_rest)
        .map(|(x, y)| f64::from(*x) * f64::from(*y))
        .sum();
    lanes.iter().sum::<f64>() + rest
}

/// Euclidean norm.
pub(crate) fn norm(a: &[f32]) -> f64 {
    dot(a, a).sqrt()
}

/// `sum a_i b_i` of equally long f64 slices.
pub(crate) fn dot64(a: &[f64], b: &[f64]) -> f64 {
    debug_assert_eq!(a.len(), b.len());
    let mut lanes = [0.0f64; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    lanes.iter().sum::<f64>() + rest
}

/// Multiplies by an f64 factor and rounds once.
pub(crate) fn scale(a: &mut [f32], factor: f64) {
    for value in a {
        *value = (f64::from(*value) * factor) as f32;
    }
}

/// `a^T b`. Beyond a few columns it goes through a view with the strides exchanged, which nalgebra
/// multiplies several times faster than it does `tr_mul`.
pub(crate) fn transposed_product(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    let (rows, columns) = a.shape();
    let view = DMatrixView::from_slice_with_strides(a.as_slice(), columns, rows, rows, 1);
    let mut product = DMatrix::zeros(columns, b.ncols());
    add_product(&mut product, &view, b);
    product
}

/// `sum += a b` for a view with any strides.
pub(crate) fn add_product(
    sum: &mut DMatrix<f64>,
    a: &DMatrixView<'_, f64, Dyn, Dyn>,
    b: &DMatrix<f64>,
) {
    let few = a.nrows().min(a.ncols()).min(b.ncols()) <= FEW;
    match few {
        true => *sum += a.clone_owned() * b,
        false => sum.gemm(1.0, a, b, 1.0),
    }
}
