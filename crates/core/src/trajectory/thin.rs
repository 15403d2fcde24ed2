//! Products of a few long rows with a few long columns, in f64.
//!
//! Libraries of matrix products copy their factors into panels first, which for a dozen columns takes
//! longer than the product. Here rows and columns are read where they are, in tiles of 4 rows and 3
//! columns that stay in registers. Sums are taken in four lanes, whatever the tile, so that a
//! value does not depend on its neighbours.

use nalgebra::DMatrix;

const LANES: usize = 4;
/// Rows and columns of a tile.
const ROWS: usize = 4;
const COLUMNS: usize = 3;

/// Products of the rows with the columns of a tile.
type Tile = [[f64; COLUMNS]; ROWS];

/// `<row, column>` of all rows with all columns of a block; all of them equally long.
pub(super) fn products(rows: &[&[f64]], block: &DMatrix<f64>) -> DMatrix<f64> {
    #[cfg(target_arch = "x86_64")]
    if fused() {
        // SAFETY: `fused` has found the features that the function is compiled for, AVX2 and FMA.
        return products_by(rows, block, |rows, columns| unsafe {
            x86::dots(rows, columns)
        });
    }
    products_by(rows, block, dots)
}

/// `block += sum over rows of row weights(row, .)`: a column for each column of the weights.
pub(super) fn add_combinations(rows: &[&[f64]], weights: &DMatrix<f64>, block: &mut DMatrix<f64>) {
    #[cfg(target_arch = "x86_64")]
    if fused() {
        // SAFETY: `fused` has found the features that the function is compiled for, AVX2 and FMA.
        return unsafe { x86::add_combinations(rows, weights, block) };
    }
    add_combinations_by(rows, weights, block, |a, b, c| a * b + c);
}

#[cfg(target_arch = "x86_64")]
fn fused() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// Tiles on 256-bit vectors with fused multiply-add.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{COLUMNS, LANES, ROWS, Tile};
    use nalgebra::DMatrix;
    use std::arch::x86_64::{
        _mm256_fmadd_pd, _mm256_loadu_pd, _mm256_setzero_pd, _mm256_storeu_pd,
    };

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn dots(rows: [&[f64]; ROWS], columns: [&[f64]; COLUMNS]) -> Tile {
        let whole = columns[0].len() / LANES;
        let lanes = |values: &[f64; LANES]| {
            // SAFETY: `values` are 4 numbers, as many as are read.
            unsafe { _mm256_loadu_pd(values.as_ptr()) }
        };
        let [a, b, c, d] = rows.map(|row| &row.as_chunks::<LANES>().0[..whole]);
        let columns_by_lanes = columns.map(|column| &column.as_chunks::<LANES>().0[..whole]);
        let mut sums = [[_mm256_setzero_pd(); COLUMNS]; ROWS];
        for k in 0..whole {
            let [x, y, z] = columns_by_lanes.map(|column| lanes(&column[k]));
            let row_lanes = [lanes(&a[k]), lanes(&b[k]), lanes(&c[k]), lanes(&d[k])];
            for (sums, row) in sums.iter_mut().zip(row_lanes) {
                sums[0] = _mm256_fmadd_pd(row, x, sums[0]);
                sums[1] = _mm256_fmadd_pd(row, y, sums[1]);
                sums[2] = _mm256_fmadd_pd(row, z, sums[2]);
            }
        }
        let mut tile = [[[0.0; LANES]; COLUMNS]; ROWS];
        for (values, sum) in tile.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
            // SAFETY: `values` are 4 numbers, as many as are written.
            unsafe { _mm256_storeu_pd(values.as_mut_ptr(), *sum) };
        }
        super::closed(&tile, rows, columns)
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn add_combinations(
        rows: &[&[f64]],
        weights: &DMatrix<f64>,
        block: &mut DMatrix<f64>,
    ) {
        super::add_combinations_by(rows, weights, block, f64::mul_add);
    }
}

/// Where rows or columns do not fill a tile, the last one stands in for those that lack.
fn products_by(
    rows: &[&[f64]],
    block: &DMatrix<f64>,
    tile: impl Fn([&[f64]; ROWS], [&[f64]; COLUMNS]) -> Tile,
) -> DMatrix<f64> {
    let columns: Vec<&[f64]> = block.as_slice().chunks_exact(block.nrows()).collect();
    let (n, width) = (rows.len(), columns.len());
    let mut all = DMatrix::zeros(n, width);
    for i in (0..n).step_by(ROWS) {
        for j in (0..width).step_by(COLUMNS) {
            let tile_rows = std::array::from_fn(|r| rows[(i + r).min(n - 1)]);
            let tile_columns = std::array::from_fn(|c| columns[(j + c).min(width - 1)]);
            let products = tile(tile_rows, tile_columns);
            for (r, row) in products.iter().enumerate().take(n - i) {
                for (c, product) in row.iter().enumerate().take(width - j) {
                    all[(i + r, j + c)] = *product;
                }
            }
        }
    }
    all
}

fn dots(rows: [&[f64]; ROWS], columns: [&[f64]; COLUMNS]) -> Tile {
    let mut tile = [[[0.0; LANES]; COLUMNS]; ROWS];
    for (sums, row) in tile.iter_mut().zip(rows) {
        for (sums, column) in sums.iter_mut().zip(columns) {
            let pairs = row
                .as_chunks::<LANES>()
                .0
                .iter()
                .zip(column.as_chunks::<LANES>().0);
            for (a, b) in pairs {
                for lane in 0..LANES {
                    sums[lane] += a[lane] * b[lane];
                }
            }
        }
    }
    closed(&tile, rows, columns)
}

/// Sums of the lanes, with the values that do not fill them.
fn closed(
    tile: &[[[f64; LANES]; COLUMNS]; ROWS],
    rows: [&[f64]; ROWS],
    columns: [&[f64]; COLUMNS],
) -> Tile {
    let rest = |r: usize, c: usize| -> f64 {
        let (row, column) = (
            rows[r].as_chunks::<LANES>().1,
            columns[c].as_chunks::<LANES>().1,
        );
        row.iter().zip(column).map(|(a, b)| a * b).sum()
    };
    std::array::from_fn(|r| std::array::from_fn(|c| tile[r][c].iter().sum::<f64>() + rest(r, c)))
}

/// With `multiply_add(a, b, c) = a b + c`. Compiled into its callers, for their processor.
#[inline(always)]
fn add_combinations_by(
    rows: &[&[f64]],
    weights: &DMatrix<f64>,
    block: &mut DMatrix<f64>,
    multiply_add: impl Fn(f64, f64, f64) -> f64 + Copy,
) {
    let len = block.nrows();
    for (c, column) in block.as_mut_slice().chunks_exact_mut(len).enumerate() {
        let (tiles, rest) = rows.as_chunks::<ROWS>();
        for (i, tile) in tiles.iter().enumerate() {
            let weight: [f64; ROWS] = std::array::from_fn(|r| weights[(i * ROWS + r, c)]);
            let [a, b, d, e] = tile.map(|row| &row[..len]);
            for (k, sum) in column.iter_mut().enumerate() {
                let half = multiply_add(b[k], weight[1], multiply_add(a[k], weight[0], *sum));
                *sum = multiply_add(e[k], weight[3], multiply_add(d[k], weight[2], half));
            }
        }
        for (r, row) in rest.iter().enumerate() {
            let weight = weights[(tiles.len() * ROWS + r, c)];
            for (sum, value) in column.iter_mut().zip(*row) {
                *sum = multiply_add(*value, weight, *sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    fn random(rows: usize, columns: usize, stream: u64) -> DMatrix<f64> {
        let mut rng = Rng::new(7, stream);
        DMatrix::from_fn(rows, columns, |_, _| rng.normal())
    }

    #[test]
    fn products_and_combinations_equal_those_of_nalgebra() {
        for (n, len, width) in [
            (16, 256, 12),
            (7, 33, 5),
            (1, 3, 1),
            (4, 4, 3),
            (9, 130, 13),
        ] {
            let (x, v) = (random(len, n, 0), random(len, width, 1));
            let rows: Vec<&[f64]> = x.as_slice().chunks_exact(len).collect();
            let weights = random(n, width, 2);
            let near = |a: &DMatrix<f64>, b: &DMatrix<f64>| (a - b).amax() < 1e-12 * len as f64;
            let expected = x.transpose() * &v;
            assert!(near(&products(&rows, &v), &expected));
            assert!(near(&products_by(&rows, &v, dots), &expected));
            let expected = &v + &x * &weights;
            let (mut fast, mut plain) = (v.clone(), v.clone());
            add_combinations(&rows, &weights, &mut fast);
            add_combinations_by(&rows, &weights, &mut plain, |a, b, c| a * b + c);
            assert!(near(&fast, &expected) && near(&plain, &expected));
        }
    }
}
