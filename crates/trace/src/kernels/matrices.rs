//! Products of matrices that samples have of their own.

use super::gemm::equal;
use super::products::with_scratch;
use super::simd::{Cursor, Kernel, LANES, Level, Simd, run};

/// A factor of a product; a number of it is a row of `lanes` numbers, or one that is the same in all lanes.
#[derive(Clone, Copy)]
pub(crate) struct Factor<'a> {
    pub data: &'a [f32],
    /// Numbers from row to row, and from column to column.
    pub strides: [usize; 2],
    /// Whether there is one for every lane.
    pub lanes: bool,
}

/// `out[i][j][s] = sum_k a[i][k][s] b[k][j][s]`, in every lane `s` for itself.
///
/// A block of `ROWS` rows by `COLUMNS` columns of 16 lanes stays in registers while `k` runs.
pub(crate) struct Matrices<'a> {
    a: Factor<'a>,
    b: Factor<'a>,
    out: &'a mut [f32],
    /// Numbers from row to row of `out`.
    row: usize,
    /// Rows, products in a sum, columns.
    sizes: [usize; 3],
    lanes: usize,
}

impl<'a> Matrices<'a> {
    /// The product into `out`, `[rows][columns][lanes]`, of factors of which one has lanes at least; `sizes`: rows, products in a sum, columns; `lanes` is a
    /// multiple of 16.
    pub fn of_lanes(
        a: Factor<'a>,
        b: Factor<'a>,
        out: &'a mut [f32],
        sizes: [usize; 3],
        lanes: usize,
    ) -> Self {
        let row = sizes[2] * lanes;
        Self {
            a,
            b,
            out,
            row,
            sizes,
            lanes,
        }
    }

    /// Computes the product.
    pub fn run(self, level: Level) {
        run(level, self);
    }

    /// Panics where a slice is too short, on which the kernel relies.
    fn check(&self) {
        let [rows, depth, columns] = self.sizes;
        assert!(self.lanes.is_multiple_of(LANES));
        assert!(self.a.lanes || self.b.lanes);
        let width = |lanes: bool| if lanes { self.lanes } else { 1 };
        let end =
            |[rows, columns]: [usize; 2], strides: [usize; 2], width: usize| match rows * columns {
                0 => 0,
                _ => (rows - 1) * strides[0] + (columns - 1) * strides[1] + width,
            };
        let [a, b] = [&self.a, &self.b];
        assert!(a.data.len() >= end([rows, depth], a.strides, width(a.lanes)));
        assert!(b.data.len() >= end([depth, columns], b.strides, width(b.lanes)));
        let out = end([rows, columns], [self.row, self.lanes], self.lanes);
        assert!(self.out.len() >= out);
    }

    /// All blocks of lanes `s..s + 16`; `A`, `B`: whether the factors have lanes.
    ///
    /// # Safety
    /// The processor must have the features of `S`, and `s + 16 <= lanes`.
    #[inline(always)]
    unsafe fn blocks<S: Simd, const A: bool, const B: bool>(&mut self, s: usize) {
        for (i, rows) in equal(self.sizes[0], S::ROWS) {
            for (j, columns) in equal(self.sizes[2], S::COLUMNS) {
                // SAFETY: the block is inside, and `rows <= S::ROWS <= 6`.
                unsafe {
                    match rows {
                        1 => self.columns::<S, A, B, 1>([i, j, s], columns),
                        2 => self.columns::<S, A, B, 2>([i, j, s], columns),
                        3 => self.columns::<S, A, B, 3>([i, j, s], columns),
                        4 => self.columns::<S, A, B, 4>([i, j, s], columns),
                        5 => self.columns::<S, A, B, 5>([i, j, s], columns),
                        _ => self.columns::<S, A, B, 6>([i, j, s], columns),
                    }
                }
            }
        }
    }

    /// Rows `i..i + R` by columns `j..j + columns` of lanes `s..s + 16`.
    ///
    /// # Safety
    /// As for `blocks`; the rows and columns exist, and `columns <= S::COLUMNS`.
    #[inline(always)]
    unsafe fn columns<S: Simd, const A: bool, const B: bool, const R: usize>(
        &mut self,
        at: [usize; 3],
        columns: usize,
    ) {
        // SAFETY: `columns <= S::COLUMNS <= 4`, and the caller promises the rest.
        unsafe {
            match columns {
                _ if S::COLUMNS == 1 => self.block::<S, A, B, R, 1>(at),
                1 => self.block::<S, A, B, R, 1>(at),
                2 => self.block::<S, A, B, R, 2>(at),
                3 => self.block::<S, A, B, R, 3>(at),
                _ => self.block::<S, A, B, R, 4>(at),
            }
        }
    }

    /// Rows `i..i + R` by columns `j..j + V` of lanes `s..s + 16`.
    ///
    /// # Safety
    /// As for `blocks`; the rows and columns exist.
    #[inline(always)]
    unsafe fn block<S: Simd, const A: bool, const B: bool, const R: usize, const V: usize>(
        &mut self,
        [i, j, s]: [usize; 3],
    ) {
        let (a, b) = (self.a, self.b);
        debug_assert!(i + R <= self.sizes[0] && j + V <= self.sizes[2] && s + LANES <= self.lanes);
        let from = |factor: &Factor, row: usize, column: usize| {
            let at = row * factor.strides[0] + column * factor.strides[1];
            at + if factor.lanes { s } else { 0 }
        };
        // SAFETY: `check` has found all rows and columns of the factors and of `out` in their slices; those read here are
        // `i + r`, `k` and `j + v`, below the sizes, and `s + 16 <= lanes`.
        unsafe {
            let mut acc = [[S::splat(0.0); V]; R];
            let mut left = Cursor::new(a.data, from(&a, i, 0));
            let mut right = Cursor::new(b.data, from(&b, 0, j));
            for _ in 0..self.sizes[1] {
                let mut values = [S::splat(0.0); V];
                for (v, value) in values.iter_mut().enumerate() {
                    *value = match B {
                        true => right.load::<S>(v * b.strides[1]),
                        false => right.repeat::<S>(v * b.strides[1]),
                    };
                }
                for (r, acc) in acc.iter_mut().enumerate() {
                    let factor = match A {
                        true => left.load::<S>(r * a.strides[0]),
                        false => left.repeat::<S>(r * a.strides[0]),
                    };
                    for v in 0..V {
                        acc[v] = S::fma(factor, values[v], acc[v]);
                    }
                }
                left.step(a.strides[1]);
                right.step(b.strides[0]);
            }
            for (r, acc) in acc.iter().enumerate() {
                for (v, &value) in acc.iter().enumerate() {
                    let at = (i + r) * self.row + (j + v) * self.lanes + s;
                    S::store(self.out, at, value);
                }
            }
        }
    }
}

impl Kernel for Matrices<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        self.check();
        for s in (0..self.lanes).step_by(LANES) {
            // SAFETY: `s + 16 <= lanes`, a multiple of 16.
            unsafe {
                match (self.a.lanes, self.b.lanes) {
                    (true, true) => self.blocks::<S, true, true>(s),
                    (true, false) => self.blocks::<S, true, false>(s),
                    (false, _) => self.blocks::<S, false, true>(s),
                }
            }
        }
    }
}

/// `out[i][j] = sum_k a[i][k] b[k][j]`, of `a` with those strides, the others row-major; `sizes`: rows, products in a sum,
/// columns.
pub(crate) fn plain(
    level: Level,
    ((a, strides), b): ((&[f32], [usize; 2]), &[f32]),
    out: &mut [f32],
    sizes: [usize; 3],
) {
    let [rows, depth, columns] = sizes;
    let a = Factor {
        data: a,
        strides,
        lanes: false,
    };
    // The columns are the lanes.
    let product = |b: &[f32], out: &mut [f32], width: usize, lanes: usize| {
        let b = Factor {
            data: b,
            strides: [width, 0],
            lanes: true,
        };
        Matrices {
            a,
            b,
            out,
            row: width,
            sizes: [rows, depth, 1],
            lanes,
        }
        .run(level);
    };
    let whole = columns / LANES * LANES;
    if whole > 0 {
        product(b, out, columns, whole);
    }
    let rest = columns - whole;
    if rest == 0 {
        return;
    }
    with_scratch([depth * LANES, rows * LANES], |[last, to]| {
        for (last, b) in last.chunks_exact_mut(LANES).zip(b.chunks_exact(columns)) {
            last[..rest].copy_from_slice(&b[whole..]);
            last[rest..].fill(0.0);
        }
        product(last, to, LANES, LANES);
        for (out, to) in out.chunks_exact_mut(columns).zip(to.chunks_exact(LANES)) {
            out[whole..].copy_from_slice(&to[..rest]);
        }
    });
}
