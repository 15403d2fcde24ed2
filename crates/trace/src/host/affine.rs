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
        let n = self.constant.len();
        assert!(self.stride >= n);
        assert!(
            self.points.is_empty() || self.out.len() >= (self.points.len() - 1) * self.stride + n
        );
        assert!(self.slopes.iter().flatten().all(|slope| slope.len() >= n));
        run(level, self);
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

    #[inline(always)]
    unsafe fn vectors<S: Simd, const K: usize>(&mut self, slopes: [(usize, &[f32]); K]) {
        let mut first = 0;
        // SAFETY: `run` has checked all lengths.
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
    #[inline(always)]
    unsafe fn group<S: Simd, const K: usize, const P: usize>(
        &mut self,
        first: usize,
        slopes: [(usize, &[f32]); K],
    ) {
        let whole = self.constant.len() / LANES * LANES;
        unsafe {
            let points: [[S::V; K]; P] = std::array::from_fn(|p| {
                let point = &self.points[first + p];
                std::array::from_fn(|k| S::splat(point[slopes[k].0] as f32))
            });
            let out = self.out.as_mut_ptr().add(first * self.stride);
            for i in (0..whole).step_by(LANES) {
                let constant = S::load(self.constant.as_ptr().add(i));
                let slope: [S::V; K] =
                    std::array::from_fn(|k| S::load(slopes[k].1.as_ptr().add(i)));
                for (p, point) in points.iter().enumerate() {
                    let mut value = constant;
                    for k in 0..K {
                        value = S::fma(point[k], slope[k], value);
                    }
                    if self.relu {
                        value = S::max(S::splat(0.0), value);
                    }
                    S::store(out.add(p * self.stride + i), value);
                }
            }
        }
    }
}

impl Kernel for Affine<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        let mut present = self
            .slopes
            .iter()
            .enumerate()
            .filter_map(|(k, s)| s.map(|s| (k, s)));
        let found = [present.next(), present.next(), present.next()];
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
