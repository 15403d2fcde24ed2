//! Long vectors: products, norms and orthogonalisation against a basis.
//!
//! Vectors are cut into chunks that stay in a core's cache while all vectors of a basis pass by, so
//! that a basis is read once a pass. Chunks run on all threads; their sums are added in the order of
//! the chunks, so that a result does not depend on how many threads there are.

use landscape_core::Rng;
use nalgebra::DMatrix;
use rayon::prelude::*;

/// Entries of a chunk: 8 KiB.
const CHUNK: usize = 1024;
const LANES: usize = 8;

/// `sum a_i b_i` of equally long slices, on one thread.
pub(crate) fn dot_chunk(a: &[f64], b: &[f64]) -> f64 {
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

/// `sum a_i b_i`, summed chunk by chunk.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let chunks = a.chunks(CHUNK).zip(b.chunks(CHUNK));
    chunks.map(|(x, y)| dot_chunk(x, y)).sum()
}

/// Euclidean norm.
pub(crate) fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// `y += factor x`.
pub(crate) fn add_scaled(y: &mut [f64], factor: f64, x: &[f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}

/// Multiplies in place.
pub(crate) fn scale(a: &mut [f64], factor: f64) {
    a.iter_mut().for_each(|value| *value *= factor);
}

/// Adds up lists, in their order.
fn sum_lists(lists: Vec<Vec<f64>>, len: usize) -> Vec<f64> {
    lists.into_iter().fold(vec![0.0; len], |mut sum, list| {
        add_scaled(&mut sum, 1.0, &list);
        sum
    })
}

/// `Q^T w`: the product of every basis vector with `w`.
pub(crate) fn coefficients(basis: &[Vec<f64>], w: &[f64]) -> Vec<f64> {
    let chunk = |(index, part): (usize, &[f64])| -> Vec<f64> {
        let start = index * CHUNK;
        let piece = |q: &Vec<f64>| dot_chunk(&q[start..start + part.len()], part);
        basis.iter().map(piece).collect()
    };
    let lists = w.par_chunks(CHUNK).enumerate().map(chunk).collect();
    sum_lists(lists, basis.len())
}

/// `w -= Q c`; returns the square norm of the result and, where they are wanted, its coefficients
/// `Q^T w` from the same pass over the basis.
fn subtract(basis: &[Vec<f64>], c: &[f64], w: &mut [f64], wanted: bool) -> (f64, Vec<f64>) {
    let chunk = |(index, part): (usize, &mut [f64])| -> Vec<f64> {
        let span = index * CHUNK..index * CHUNK + part.len();
        for (q, c) in basis.iter().zip(c) {
            add_scaled(part, -c, &q[span.clone()]);
        }
        let mut sums = vec![dot_chunk(part, part)];
        if wanted {
            sums.extend(basis.iter().map(|q| dot_chunk(&q[span.clone()], part)));
        }
        sums
    };
    let lists = w.par_chunks_mut(CHUNK).enumerate().map(chunk).collect();
    let len = if wanted { basis.len() + 1 } else { 1 };
    let mut sums = sum_lists(lists, len);
    let coefficients = sums.split_off(1);
    (sums[0], coefficients)
}

/// A vector after orthogonalisation against a basis.
pub(crate) struct Orthogonal {
    /// `Q^T w` of the vector as it was given.
    pub(crate) coefficients: Vec<f64>,
    /// Norm of what is left of it.
    pub(crate) norm: f64,
}

/// Classical Gram-Schmidt against an orthonormal basis, twice (Giraud, Langou and Rozložník 2005:
/// twice is enough), and again while a pass still takes most of what is left, which happens only
/// when nothing but rounding is left.
pub(crate) fn orthogonalize(basis: &[Vec<f64>], w: &mut [f64]) -> Orthogonal {
    const PASSES: usize = 4;
    let mut total = coefficients(basis, w);
    let (square, mut next) = subtract(basis, &total, w, true);
    let mut length = square.sqrt();
    for _ in 1..PASSES {
        add_scaled(&mut total, 1.0, &next);
        let left = subtract(basis, &next, w, false).0.sqrt();
        let stands = left > 0.5 * length;
        length = left;
        if stands {
            break;
        }
        next = coefficients(basis, w);
    }
    Orthogonal {
        coefficients: total,
        norm: length,
    }
}

/// `Q S`: one combination of the basis vectors for each column of `S`.
pub(crate) fn combine(basis: &[Vec<f64>], s: &DMatrix<f64>) -> Vec<Vec<f64>> {
    let dim = basis.first().map_or(0, Vec::len);
    let mut combined = vec![vec![0.0; dim]; s.ncols()];
    let mut chunks: Vec<Vec<&mut [f64]>> = (0..dim.div_ceil(CHUNK)).map(|_| vec![]).collect();
    for vector in &mut combined {
        for (chunk, part) in chunks.iter_mut().zip(vector.chunks_mut(CHUNK)) {
            chunk.push(part);
        }
    }
    chunks
        .par_iter_mut()
        .enumerate()
        .for_each(|(index, parts)| {
            for (part, column) in parts.iter_mut().zip(s.column_iter()) {
                let span = index * CHUNK..index * CHUNK + part.len();
                for (q, factor) in basis.iter().zip(column.iter()) {
                    add_scaled(part, *factor, &q[span.clone()]);
                }
            }
        });
    combined
}

/// `Q <- Q S` in place, with no second basis in memory; as many vectors stay as `S` has columns.
pub(crate) fn rotate(basis: &mut Vec<Vec<f64>>, s: &DMatrix<f64>) {
    let dim = basis.first().map_or(0, Vec::len);
    let mut chunks: Vec<Vec<&mut [f64]>> = (0..dim.div_ceil(CHUNK)).map(|_| vec![]).collect();
    for vector in basis.iter_mut() {
        for (chunk, part) in chunks.iter_mut().zip(vector.chunks_mut(CHUNK)) {
            chunk.push(part);
        }
    }
    chunks
        .par_iter_mut()
        .for_each(|parts| rotate_chunk(parts, s));
    basis.truncate(s.ncols());
}

fn rotate_chunk(parts: &mut [&mut [f64]], s: &DMatrix<f64>) {
    let len = parts.first().map_or(0, |part| part.len());
    let mut rotated = vec![vec![0.0; len]; s.ncols()];
    for (new, column) in rotated.iter_mut().zip(s.column_iter()) {
        for (old, factor) in parts.iter().zip(column.iter()) {
            add_scaled(new, *factor, old);
        }
    }
    for (old, new) in parts.iter_mut().zip(&rotated) {
        old.copy_from_slice(new);
    }
}

/// A vector of independent standard normal entries: its direction is uniform on the sphere.
pub(crate) fn gaussian(dim: usize, seed: u64, stream: u64) -> Vec<f64> {
    let mut rng = Rng::new(seed, stream);
    (0..dim).map(|_| rng.normal()).collect()
}

/// A vector of entries -1 and 1.
pub(crate) fn rademacher(dim: usize, seed: u64, stream: u64) -> Vec<f64> {
    let mut rng = Rng::new(seed, stream);
    (0..dim).map(|_| rng.rademacher()).collect()
}

/// Turns a vector so that its entry of largest magnitude, the first of them, is positive.
pub(crate) fn orient(a: &mut [f64]) {
    let mut largest = 0.0f64;
    for value in a.iter() {
        if value.abs() > largest.abs() {
            largest = *value;
        }
    }
    if largest < 0.0 {
        scale(a, -1.0);
    }
}
