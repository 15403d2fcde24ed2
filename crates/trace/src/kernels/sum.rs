//! Sums over the samples of a tile, in f64.

use super::simd::{Kernel, LANES, Level, Simd, run};

/// Sum and, where wanted, squares around the mean (else 0), in f64.
pub(crate) fn moments(level: Level, values: &[f32], spread: bool) -> (f64, f64) {
    let mut total = (0.0, 0.0);
    run(
        level,
        Total {
            values,
            spread,
            total: &mut total,
        },
    );
    total
}

/// `sum x`, and `sum (x - mean)^2` where `spread`: 16 sums side by side, in one pass, with the first
/// value in the place of the mean, which is put right in the end.
struct Total<'a> {
    values: &'a [f32],
    spread: bool,
    total: &'a mut (f64, f64),
}

impl Kernel for Total<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let shift = f64::from(self.values[0]);
        let (mut sums, mut squares) = ([0.0f64; LANES], [0.0f64; LANES]);
        let chunks = self.values.chunks_exact(LANES);
        let left = chunks.remainder();
        if self.spread {
            for chunk in chunks {
                for ((sum, square), &x) in sums.iter_mut().zip(&mut squares).zip(chunk) {
                    let x = f64::from(x);
                    *sum += x;
                    *square += (x - shift) * (x - shift);
                }
            }
        } else {
            for chunk in chunks {
                for (sum, &x) in sums.iter_mut().zip(chunk) {
                    *sum += f64::from(x);
                }
            }
        }
        for ((sum, square), &x) in sums.iter_mut().zip(&mut squares).zip(left) {
            *sum += f64::from(x);
            *square += (f64::from(x) - shift).powi(2);
        }
        let sum: f64 = sums.iter().sum();
        let n = self.values.len() as f64;
        let off = sum / n - shift;
        let squares = squares.iter().sum::<f64>() - n * off * off;
        // Rounding may leave a little below 0; NaN, of losses that are not finite, stays NaN.
        let squares = if squares < 0.0 { 0.0 } else { squares };
        *self.total = (sum, if self.spread { squares } else { 0.0 });
    }
}
