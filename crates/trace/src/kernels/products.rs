//! Sums of products whose factors are a broadcast number and a vector of weights: the inner loops of the
//! gradients of convolutions with respect to their weights.

use super::buffer::Buffer;
use super::simd::{Cursor, LANES, Level, Simd};
use super::turn::transpose;
use std::cell::RefCell;

thread_local! {
    /// What is turned, transformed and summed.
    static SCRATCH: RefCell<Buffer> = RefCell::new(Buffer::zeros(0));
}

/// Calls `f` with scratch memory of these sizes; what it holds is not defined.
pub(super) fn with_scratch<const N: usize>(sizes: [usize; N], f: impl FnOnce([&mut [f32]; N])) {
    SCRATCH.with_borrow_mut(|scratch| {
        let lines = sizes.map(|n| n.next_multiple_of(LANES));
        let total = lines.iter().sum();
        if scratch.len() < total {
            *scratch = Buffer::zeros(total);
        }
        let mut rest = &mut scratch[..];
        f(lines.map(|n| {
            let (first, after) = std::mem::take(&mut rest).split_at_mut(n);
            rest = after;
            first
        }));
    });
}

/// `n` rows cut into blocks (first row, rows) of nearly equal height that fit the registers.
pub(super) fn heights<S: Simd, const V: usize>(n: usize) -> impl Iterator<Item = (usize, usize)> {
    // With one wide register a row, six sums would wait for each other.
    let tall = if S::COLUMNS > 1 && V == 1 { n / 12 } else { 0 };
    let rest = n - 12 * tall;
    let blocks = rest.div_ceil(S::ROWS);
    let mut row = 0;
    (0..tall + blocks).map(move |block| {
        let rows = match block < tall {
            true => 12,
            false => (n - row).div_ceil(tall + blocks - block),
        };
        row += rows;
        (row - rows, rows)
    })
}

/// `x[at..at + n]`.
///
/// # Safety
/// `at + n <= x.len()`.
#[inline(always)]
pub(super) unsafe fn part(x: &[f32], at: usize, n: usize) -> &[f32] {
    debug_assert!(at <= x.len() && x.len() - at >= n);
    // SAFETY: `at + n <= x.len()`, as the caller promises.
    unsafe { x.get_unchecked(at..at + n) }
}

/// `acc[r] += sum x[r][k] y[k]` for `k < depth`, where rows of `y` are `width` apart.
///
/// # Safety
/// The processor must have the features of `S`; each of `x` has `depth` numbers, and
/// `(depth - 1) width + 16 V <= y.len()`.
#[inline(always)]
pub(super) unsafe fn steps<S: Simd, const R: usize, const V: usize>(
    mut acc: [[S::V; V]; R],
    x: [&[f32]; R],
    (y, width): (&[f32], usize),
    depth: usize,
) -> [[S::V; V]; R] {
    let mut y = Cursor::new(y, 0);
    // SAFETY: the caller promises `depth` numbers in each row of `x`, and `at + 16 V <= y.len()`, as
    // `at = k width`.
    unsafe {
        for k in 0..depth {
            let mut values = [S::splat(0.0); V];
            for (v, value) in values.iter_mut().enumerate() {
                *value = y.load::<S>(v * LANES);
            }
            for (r, acc) in acc.iter_mut().enumerate() {
                let factor = S::repeat(x[r], k);
                for v in 0..V {
                    acc[v] = S::fma(factor, values[v], acc[v]);
                }
            }
            y.step(width);
        }
        acc
    }
}

/// Adds `R` rows of `V` vectors to rows `width` numbers apart. What is added here is a sum over a few
/// hundred products, and so the rounding error is that of two short sums instead of a long one.
///
/// # Safety
/// `(R - 1) width + 16 V <= to.len()`.
#[inline(always)]
pub(super) unsafe fn add<S: Simd, const R: usize, const V: usize>(
    acc: &[[S::V; V]; R],
    to: &mut [f32],
    width: usize,
) {
    for (r, acc) in acc.iter().enumerate() {
        for (v, &value) in acc.iter().enumerate() {
            let at = r * width + v * LANES;
            // SAFETY: `at + 16 <= (R - 1) width + 16 V <= to.len()`; there is a vector.
            unsafe { S::store(to, at, S::add(S::load(to, at), value)) }
        }
    }
}

/// `to[o][k] += sums[k][o]` for `k < weights`; rows of `sums` have `width` numbers, rows of `to` begin
/// `stride` apart.
pub(super) fn add_turned(
    level: Level,
    (sums, width): (&[f32], usize),
    (to, stride): (&mut [f32], usize),
    weights: usize,
) {
    let outputs = to.len().div_ceil(stride);
    assert!(width.is_multiple_of(LANES) && outputs <= width && sums.len() >= weights * width);
    let mut block = [0.0; LANES * LANES];
    for k in (0..weights).step_by(LANES) {
        let rows = LANES.min(weights - k);
        for o in (0..outputs).step_by(LANES) {
            let from = (&sums[k * width + o..], width);
            transpose(level, from, rows, (&mut block, LANES));
            let to = to[o * stride..].chunks_mut(stride);
            for (to, block) in to.zip(block.chunks_exact(LANES)) {
                let pairs = to[k..k + rows].iter_mut().zip(block);
                pairs.for_each(|(to, sum)| *to += sum);
            }
        }
    }
}
