//! Kernels that reduce along rows of a tile, on values without samples: sixteen rows at a time are put in the lanes.

use super::products::with_scratch;
use super::simd::{LANES, Level};
use super::turn::{lanes_of_rows, rows_of_lanes};

/// Calls `kernel` with `[length][16]` of `x`, `[before][length][after]`, and with what becomes of it, `[new][16]` of `out`,
/// `[before][new][after]`, until all are done. It must not use scratch memory itself.
pub(crate) fn by_sixteen(
    level: Level,
    (x, out): (&[f32], &mut [f32]),
    [before, length, after]: [usize; 3],
    new: usize,
    mut kernel: impl FnMut(&[f32], &mut [f32]),
) {
    assert!(x.len() >= before * length * after && out.len() >= before * new * after);
    let rows = before * after;
    with_scratch([length * LANES, new * LANES], |[from, to]| {
        for first in (0..rows).step_by(LANES) {
            let count = LANES.min(rows - first);
            if after == 1 {
                let x = &x[first * length..][..count * length];
                lanes_of_rows(level, x, length, (from, LANES));
                kernel(from, to);
                let out = &mut out[first * new..][..count * new];
                rows_of_lanes(level, (to, LANES), new, out);
                continue;
            }
            let place = |lane: usize, length: usize| {
                let row = first + lane.min(count - 1);
                row / after * length * after + row % after
            };
            for (i, from) in from.chunks_exact_mut(LANES).enumerate().take(length) {
                for (lane, from) in from.iter_mut().enumerate() {
                    *from = x[place(lane, length) + i * after];
                }
            }
            kernel(from, to);
            for (i, to) in to.chunks_exact(LANES).enumerate().take(new) {
                for (lane, &to) in to.iter().enumerate().take(count) {
                    out[place(lane, new) + i * after] = to;
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_rows_are_done_once() {
        for level in Level::available() {
            for [before, length, after] in [[1, 3, 1], [33, 5, 1], [2, 4, 9], [1, 7, 40]] {
                let x: Vec<f32> = (0..before * length * after).map(|i| i as f32).collect();
                let mut out = vec![-1.0; 2 * before * after];
                let sizes = [before, length, after];
                by_sixteen(level, (&x, &mut out), sizes, 2, |x, out| {
                    out[..LANES].copy_from_slice(&x[..LANES]);
                    out[LANES..2 * LANES].copy_from_slice(&x[(length - 1) * LANES..length * LANES]);
                });
                for (at, &found) in out.iter().enumerate() {
                    let (b, i, a) = (at / (2 * after), at / after % 2, at % after);
                    let expected = x[(b * length + i * (length - 1)) * after + a];
                    assert_eq!(found, expected, "{level} {sizes:?}");
                }
            }
        }
    }
}
