//! Exchange of lanes and rows: transposes of 16 by 16 numbers, and sums over lanes.
//!
//! The gradient of a weight is a sum over samples, which lie in the lanes. Either the other factor of
//! the products is turned, so that weights lie in the lanes instead, or sums are kept for every
//! lane and added at the end. Both need shuffles, which [`super::simd::Simd`] has not: these
//! functions choose the instructions themselves.

use super::simd::{LANES, Level};

/// `to[j][i] = from[i][j]` for 16 `j` and `rows` (up to 16) rows `i`; for other `i`, zero. Rows of `from` are
/// `stride` apart, those of `to` `width`.
pub(super) fn transpose(
    level: Level,
    (from, stride): (&[f32], usize),
    rows: usize,
    (to, width): (&mut [f32], usize),
) {
    static ZEROS: [f32; LANES] = [0.0; LANES];
    assert!(rows <= LANES && to.len() >= (LANES - 1) * width + LANES);
    assert!(rows == 0 || from.len() >= (rows - 1) * stride + LANES);
    let mut row = [&ZEROS; LANES];
    for (i, row) in row.iter_mut().enumerate().take(rows) {
        // SAFETY: `i stride + 16 <= (rows - 1) stride + 16 <= from.len()`.
        *row = unsafe { &*from.as_ptr().add(i * stride).cast() };
    }
    match level.is_portable() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: levels above the portable one have these features; the length of `to` was checked.
        false => unsafe { x86::transpose(&row, to, width) },
        _ => transpose_portable(&row, to, width),
    }
}

/// Rows of samples, `[samples][rows]`, in lanes: `out[r][s] = rows[s][r]`. Lanes without a sample repeat the last one.
pub(crate) fn lanes_of_rows(
    level: Level,
    data: &[f32],
    rows: usize,
    (out, lanes): (&mut [f32], usize),
) {
    let samples = data.len() / rows.max(1);
    assert!(samples <= lanes && out.len() >= rows * lanes);
    turned(level, (data, rows), [samples, rows], (out, lanes));
    for row in out.chunks_exact_mut(lanes).take(rows) {
        let last = row[samples - 1];
        row[samples..].fill(last);
    }
}

/// The opposite, for as many samples as `out`, `[samples][rows]`, has.
pub(crate) fn rows_of_lanes(
    level: Level,
    (data, lanes): (&[f32], usize),
    rows: usize,
    out: &mut [f32],
) {
    let samples = out.len() / rows.max(1);
    assert!(samples <= lanes && data.len() >= rows * lanes);
    turned(level, (data, lanes), [rows, samples], (out, rows));
}

/// `to[j][i] = from[i][j]` for `m` rows `i` of `from` and `n` numbers `j` in each; rows of `from` are `stride` apart, those
/// of `to` `width`.
fn turned(
    level: Level,
    (from, stride): (&[f32], usize),
    [m, n]: [usize; 2],
    (to, width): (&mut [f32], usize),
) {
    for i in (0..m).step_by(LANES) {
        for j in (0..n).step_by(LANES) {
            if i + LANES <= m && j + LANES <= n {
                let (from, to) = (&from[i * stride + j..], &mut to[j * width + i..]);
                transpose(level, (from, stride), LANES, (to, width));
                continue;
            }
            for i in i..m.min(i + LANES) {
                for j in j..n.min(j + LANES) {
                    to[j * width + i] = from[i * stride + j];
                }
            }
        }
    }
}

fn transpose_portable(rows: &[&[f32; LANES]; LANES], to: &mut [f32], width: usize) {
    for (i, row) in rows.iter().enumerate() {
        for (j, &x) in row.iter().enumerate() {
            to[j * width + i] = x;
        }
    }
}

/// `to[i] += sum of the 16 lanes of rows[i]`, for all of `to`.
pub(super) fn add_sums(level: Level, rows: &[f32], to: &mut [f32]) {
    assert!(rows.len() >= to.len() * LANES);
    let whole = match level.is_portable() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: levels above the portable one have these features; the length of `rows` was checked.
        false => unsafe { x86::add_sums(rows, to) },
        _ => 0,
    };
    let rest = rows.chunks_exact(LANES).zip(to).skip(whole);
    rest.for_each(|(row, to)| *to += sum(row));
}

/// Sum in pairs, which the compiler makes vectors of.
fn sum(row: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    sums.copy_from_slice(row);
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            sums[i] += sums[i + half];
        }
        half /= 2;
    }
    sums[0]
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::LANES;
    use std::arch::x86_64::*;

    /// Four blocks of 8 by 8.
    ///
    /// # Safety
    /// `15 width + 16 <= to.len()`.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn transpose(rows: &[&[f32; LANES]; LANES], to: &mut [f32], width: usize) {
        for i in [0, 8] {
            for j in [0, 8] {
                // SAFETY: `i + 8 <= 16`, `j + 8 <= 16`, and
                // `j width + i + 7 width + 8 <= 15 width + 16 <= to.len()`.
                unsafe { block(&rows[i..], j, to, (j * width + i, width)) }
            }
        }
    }

    /// `to[at + j width + i] = rows[i][first + j]` for 8 by 8 numbers.
    ///
    /// # Safety
    /// There are 8 rows, `first + 8 <= 16`, and `at + 7 width + 8 <= to.len()`.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn block(
        rows: &[&[f32; LANES]],
        first: usize,
        to: &mut [f32],
        (at, width): (usize, usize),
    ) {
        debug_assert!(first + 8 <= LANES && at + 7 * width + 8 <= to.len());
        for half in [0, 4] {
            // SAFETY: `first + half + 4 <= 16`, and `at + (half + 3) width + 8 <= to.len()`.
            unsafe {
                let mut r = [_mm256_setzero_ps(); 4];
                for i in 0..4 {
                    let low = _mm_loadu_ps(rows[i].as_ptr().add(first + half));
                    let high = _mm_loadu_ps(rows[i + 4].as_ptr().add(first + half));
                    r[i] = _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(low), high);
                }
                let (a, b) = (
                    _mm256_unpacklo_ps(r[0], r[1]),
                    _mm256_unpackhi_ps(r[0], r[1]),
                );
                let (c, d) = (
                    _mm256_unpacklo_ps(r[2], r[3]),
                    _mm256_unpackhi_ps(r[2], r[3]),
                );
                let to = to.as_mut_ptr().add(at + half * width);
                _mm256_storeu_ps(to, _mm256_shuffle_ps::<0x44>(a, c));
                _mm256_storeu_ps(to.add(width), _mm256_shuffle_ps::<0xee>(a, c));
                _mm256_storeu_ps(to.add(2 * width), _mm256_shuffle_ps::<0x44>(b, d));
                _mm256_storeu_ps(to.add(3 * width), _mm256_shuffle_ps::<0xee>(b, d));
            }
        }
    }

    /// Whole groups of 8 rows; returns the number of rows done.
    ///
    /// # Safety
    /// `16 to.len() <= rows.len()`.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn add_sums(rows: &[f32], to: &mut [f32]) -> usize {
        debug_assert!(to.len() * LANES <= rows.len());
        let whole = to.len() / 8 * 8;
        for first in (0..whole).step_by(8) {
            // SAFETY: `first + 8 <= whole <= to.len()`, and of `rows` there are 16 times as many.
            unsafe {
                let row = rows.as_ptr().add(first * LANES);
                let mut v = [_mm256_setzero_ps(); 8];
                for (i, v) in v.iter_mut().enumerate() {
                    let at = row.add(i * LANES);
                    *v = _mm256_add_ps(_mm256_loadu_ps(at), _mm256_loadu_ps(at.add(8)));
                }
                let (a, b) = (_mm256_hadd_ps(v[0], v[1]), _mm256_hadd_ps(v[2], v[3]));
                let (c, d) = (_mm256_hadd_ps(v[4], v[5]), _mm256_hadd_ps(v[6], v[7]));
                let (a, c) = (_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
                let low = _mm256_permute2f128_ps::<0x20>(a, c);
                let high = _mm256_permute2f128_ps::<0x31>(a, c);
                let out = to.as_mut_ptr().add(first);
                let sums = _mm256_add_ps(_mm256_loadu_ps(out), _mm256_add_ps(low, high));
                _mm256_storeu_ps(out, sums);
            }
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turned_blocks_are_transposes() {
        let from: Vec<f32> = (0..17 * 19).map(|i| i as f32 + 1.0).collect();
        for level in Level::available() {
            for rows in [0, 1, 7, 8, 13, 16] {
                let mut to = vec![-1.0f32; 16 * 20];
                transpose(level, (&from, 19), rows, (&mut to, 20));
                for (at, &value) in to.iter().enumerate() {
                    let (j, i) = (at / 20, at % 20);
                    let truth = match i {
                        16.. => -1.0,
                        _ if i < rows => from[i * 19 + j],
                        _ => 0.0,
                    };
                    assert_eq!(value, truth, "{level} {rows} {i} {j}");
                }
            }
        }
    }

    #[test]
    fn lanes_are_rows_again() {
        for level in Level::available() {
            for (samples, rows) in [(1, 1), (7, 3), (16, 16), (30, 33), (32, 5)] {
                let data: Vec<f32> = (0..samples * rows).map(|i| i as f32).collect();
                let mut tile = vec![-1.0; rows * 32];
                lanes_of_rows(level, &data, rows, (&mut tile, 32));
                for (at, &x) in tile.iter().enumerate() {
                    let sample = (at % 32).min(samples - 1);
                    assert_eq!(x, data[sample * rows + at / 32], "{level} {samples} {rows}");
                }
                let mut back = vec![-1.0; data.len()];
                rows_of_lanes(level, (&tile, 32), rows, &mut back);
                assert_eq!(back, data, "{level} {samples} {rows}");
            }
        }
    }

    #[test]
    fn sums_over_lanes_are_added() {
        let rows: Vec<f32> = (0..21 * 16).map(|i| (i * i % 97) as f32).collect();
        for level in Level::available() {
            let mut to: Vec<f32> = (0..21).map(|i| i as f32).collect();
            add_sums(level, &rows, &mut to);
            for (i, &value) in to.iter().enumerate() {
                let truth: f32 = rows[i * 16..][..16].iter().sum();
                assert_eq!(value, truth + i as f32, "{level} {i}");
            }
        }
    }
}
