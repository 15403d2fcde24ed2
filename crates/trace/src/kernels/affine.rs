//! Values that are affine in the point, evaluated at many points: `T0 + a T1 + b T2 + c T3`.

use super::simd::{Kernel, LANES, Level, Simd, run};
use landscape_core::Point;

/// Evaluates one value at several points. The coefficients are read once for all of them.
pub(crate) struct Affine<'a> {
    pub constant: &'a [f32],
    /// One for each direction; `None` where it is zero.
    pub slopes: [Option<&'a [f32]>; 3],
    pub points: &'a [Point],
    /// `[points][stride]`, of which the first `constant.len()` values of each are written.
    pub out: &'a mut [f32],
    pub stride: usize,
    /// Whether `max(0, .)` is applied.
    pub relu: bool,
}

impl Affine<'_> {
    /// Evaluates all points.
    pub fn run(self, level: Level) {
        run(level, self);
    }

    /// Panics where a slice is too short, on which the kernel relies.
    fn check(&self) {
        let n = self.constant.len();
        assert!(self.stride >= n);
        assert!(
            self.points.is_empty() || self.out.len() >= (self.points.len() - 1) * self.stride + n
        );
        assert!(self.slopes.iter().flatten().all(|slope| slope.len() >= n));
    }

    /// One value at one point.
    fn scalar(&self, i: usize, point: &Point) -> f32 {
        let mut value = self.constant[i];
        for (slope, &a) in self.slopes.iter().zip(point) {
            if let Some(slope) = slope {
                value = (a as f32).mul_add(slope[i], value);
            }
        }
        if self.relu && value < 0.0 { 0.0 } else { value }
    }

    /// # Safety
    /// The processor must have the features of `S`, and the slopes be as long as the constant.
    #[inline(always)]
    unsafe fn vectors<S: Simd, const K: usize>(&mut self, slopes: [(usize, &[f32]); K]) {
        let mut first = 0;
        // SAFETY: `first + P <= points.len()` for groups of `P`.
        unsafe {
            while first + 4 <= self.points.len() {
                self.group::<S, K, 4>(first, slopes);
                first += 4;
            }
            while first + 2 <= self.points.len() {
                self.group::<S, K, 2>(first, slopes);
                first += 2;
            }
            if first < self.points.len() {
                self.group::<S, K, 1>(first, slopes);
            }
        }
        let whole = self.constant.len() / LANES * LANES;
        for (p, point) in self.points.iter().enumerate() {
            for i in whole..self.constant.len() {
                self.out[p * self.stride + i] = self.scalar(i, point);
            }
        }
    }

    /// The whole vectors of `P` points, whose coordinates stay in registers.
    ///
    /// # Safety
    /// As for `vectors`, and `first + P <= points.len()`.
    #[inline(always)]
    unsafe fn group<S: Simd, const K: usize, const P: usize>(
        &mut self,
        first: usize,
        slopes: [(usize, &[f32]); K],
    ) {
        let whole = self.constant.len() / LANES * LANES;
        // SAFETY: `i + 16 <= whole <= constant.len()`, which the slopes have too; `check` has found
        // `constant.len()` numbers from `p stride` on of `out` for every point.
        unsafe {
            let points: [[S::V; K]; P] = std::array::from_fn(|p| {
                let point = &self.points[first + p];
                std::array::from_fn(|k| S::splat(point[slopes[k].0] as f32))
            });
            for i in (0..whole).step_by(LANES) {
                let constant = S::load(self.constant, i);
                let slope: [S::V; K] = std::array::from_fn(|k| S::load(slopes[k].1, i));
                for (p, point) in points.iter().enumerate() {
                    let mut value = constant;
                    for k in 0..K {
                        value = S::fma(point[k], slope[k], value);
                    }
                    if self.relu {
                        value = S::max(S::splat(0.0), value);
                    }
                    S::store(self.out, (first + p) * self.stride + i, value);
                }
            }
        }
    }
}

impl Kernel for Affine<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        self.check();
        let mut present = self
            .slopes
            .iter()
            .enumerate()
            .filter_map(|(k, s)| s.map(|s| (k, s)));
        let found = [present.next(), present.next(), present.next()];
        // SAFETY: `check` has found slopes as long as the constant.
        unsafe {
            match found {
                [Some(a), Some(b), Some(c)] => self.vectors::<S, 3>([a, b, c]),
                [Some(a), Some(b), None] => self.vectors::<S, 2>([a, b]),
                [Some(a), ..] => self.vectors::<S, 1>([a]),
                _ => self.vectors::<S, 0>([]),
            }
        }
    }
}
