//! Elementary functions on logical vectors.
//!
//! Polynomials and reductions are those of Cephes (S. L. Moshier), single precision; the stated
//! errors are checked in the tests for every instruction set.

use super::simd::{Kernel, LANES, Level, SHIFTER, Simd, run};

/// A function of one number, applied to vectors.
pub(crate) trait Map: Copy {
    /// The function on 16 numbers.
    fn apply<S: Simd>(self, x: S::V) -> S::V;
}

/// `out[i] = f(x[i])`; lengths must be equal.
pub(crate) fn map<M: Map>(level: Level, f: M, x: &[f32], out: &mut [f32]) {
    assert_eq!(x.len(), out.len());
    run(level, MapKernel { f, x, out });
}

struct MapKernel<'a, M> {
    f: M,
    x: &'a [f32],
    out: &'a mut [f32],
}

impl<M: Map> Kernel for MapKernel<'_, M> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let whole = self.x.len() / LANES * LANES;
        assert!(self.out.len() >= self.x.len());
        // SAFETY: `i + 16 <= whole <= x.len() <= out.len()`, and `rest` has 16 numbers.
        unsafe {
            for i in (0..whole).step_by(LANES) {
                S::store(self.out, i, self.f.apply::<S>(S::load(self.x, i)));
            }
            if whole < self.x.len() {
                let n = self.x.len() - whole;
                let mut rest = [0.0; LANES];
                rest[..n].copy_from_slice(&self.x[whole..]);
                let value = self.f.apply::<S>(S::load(&rest, 0));
                S::store(&mut rest, 0, value);
                self.out[whole..][..n].copy_from_slice(&rest[..n]);
            }
        }
    }
}

/// `e^x`, relative error below 2e-7; 0 below -103.97, infinity above 88.72.
#[inline(always)]
pub(crate) fn exp<S: Simd>(x: S::V) -> S::V {
    // `x` second: NaN passes through both limits.
    let x = S::max(S::fill(x, -104.0), S::min(S::fill(x, 88.8), x));
    let n = S::round(S::mul(x, S::fill(x, std::f32::consts::LOG2_E)));
    S::scale(exp_rest::<S>(x, n), n)
}

/// `e^x` for `x <= 0`, relative error below 2e-7 down to -87, and `e^-87 = 1.6e-38` below that:
/// what the sum of a softmax needs, in two thirds of the instructions of [`exp`].
#[inline(always)]
pub(crate) fn exp_negative<S: Simd>(x: S::V) -> S::V {
    let x = S::max(S::fill(x, -87.0), x);
    let (log2_e, shifter) = (S::fill(x, std::f32::consts::LOG2_E), S::fill(x, SHIFTER));
    let shifted = S::fma(x, log2_e, shifter);
    let n = S::sub(shifted, shifter);
    S::scale_shifted(exp_rest::<S>(x, n), shifted)
}

/// `e^r` for `r = x - n ln 2`, `|r| <= ln(2) / 2`: `1 + r + r^2 q(r)`, with the q of degree 4 that makes the
/// largest relative error smallest, 3e-9 before rounding.
#[inline(always)]
fn exp_rest<S: Simd>(x: S::V, n: S::V) -> S::V {
    // In two steps, of which the first is exact.
    let r = S::fma(n, S::fill(x, -0.693_359_4), x);
    let r = S::fma(n, S::fill(x, 2.121_944_4e-4), r);
    let mut p = S::fill(x, 1.381_461_2e-3);
    for c in [
        8.368_711e-3,
        4.166_839e-2,
        1.666_652_1e-1,
        0.499_999_94,
        1.0,
        1.0,
    ] {
        p = S::fma(p, r, S::fill(x, c));
    }
    p
}

/// `ln x`, relative error below 2e-7 away from 1; -inf at 0, NaN below, inf at inf.
#[inline(always)]
pub(crate) fn ln<S: Simd>(x: S::V) -> S::V {
    let zero = S::fill(x, 0.0);
    let (m, e) = mantissa::<S>(x);
    let (r, y) = ln_mantissa::<S>(m);
    let y = S::fma(e, S::fill(x, -2.121_944_4e-4), y);
    let y = S::fma(e, S::fill(x, 0.693_359_4), S::add(r, y));
    let y = S::select_eq(x, zero, S::fill(x, f32::NEG_INFINITY), y);
    let y = S::select_gt(zero, x, S::fill(x, f32::NAN), y);
    let y = S::select_eq(x, S::fill(x, f32::INFINITY), x, y);
    // NaN stays NaN: x - x is 0 for every finite number.
    S::select_eq(x, x, y, S::fill(x, f32::NAN))
}

/// Positive `x` as `m 2^e`, with m in [sqrt(1/2), sqrt 2).
#[inline(always)]
fn mantissa<S: Simd>(x: S::V) -> (S::V, S::V) {
    let (zero, one) = (S::fill(x, 0.0), S::fill(x, 1.0));
    // Denormals are scaled into the normal range first.
    let small = S::fill(x, f32::MIN_POSITIVE);
    let scaled = S::select_gt(small, x, S::mul(x, S::fill(x, 8_388_608.0)), x);
    let shift = S::select_gt(small, x, S::fill(x, -23.0), zero);
    let (m, e) = S::split(scaled);
    let root = S::fill(x, std::f32::consts::SQRT_2);
    let big = S::select_gt(m, root, one, zero);
    let m = S::select_gt(m, root, S::mul(m, S::fill(x, 0.5)), m);
    (m, S::add(S::add(e, shift), big))
}

/// `ln m` for m in [sqrt(1/2), sqrt 2), as the sum of `m - 1` and a smaller number.
#[inline(always)]
fn ln_mantissa<S: Simd>(m: S::V) -> (S::V, S::V) {
    let r = S::sub(m, S::fill(m, 1.0));
    let mut p = S::fill(m, 7.037_683_6e-2);
    for c in [
        -1.151_461e-1,
        1.167_699_9e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_7e-1,
        2.000_071_5e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ] {
        p = S::fma(p, r, S::fill(m, c));
    }
    let r2 = S::mul(r, r);
    let y = S::mul(S::mul(p, r), r2);
    (r, S::fma(S::fill(m, -0.5), r2, y))
}

/// `x^c`; relative error below `3e-7 + 6e-8 |c|`. 1 where c is 0; NaN below 0, but for whole c and at -inf.
#[inline(always)]
pub(crate) fn pow<S: Simd>(x: S::V, c: f64) -> S::V {
    let square = S::mul(x, x);
    if c == 0.0 {
        S::fill(x, 1.0)
    } else if c == 1.0 {
        x
    } else if c == 2.0 {
        square
    } else if c == 3.0 {
        S::mul(square, x)
    } else if c == 4.0 {
        S::mul(square, square)
    } else if c == -1.0 {
        S::div(S::fill(x, 1.0), x)
    } else {
        any_pow::<S>(x, c)
    }
}

/// `m^c 2^(c e)`, with `c e` in two parts of which the first is exact.
#[inline(always)]
fn any_pow<S: Simd>(x: S::V, c: f64) -> S::V {
    let fill = |c: f32| S::fill(x, c);
    let (zero, infinity) = (fill(0.0), fill(f32::INFINITY));
    let a = abs::<S>(x);
    let (m, e) = mantissa::<S>(a);
    let (r, y) = ln_mantissa::<S>(m);
    let log = S::mul(S::add(r, y), fill((c * std::f64::consts::LOG2_E) as f32));
    // Twelve bits, times the eight of e.
    let head = f32::from_bits((c as f32).to_bits() & 0xffff_f000);
    let tail = (c - f64::from(head)) as f32;
    let whole = S::mul(e, fill(head));
    let rough = S::add(whole, log);
    let n = S::round(S::max(fill(-160.0), S::min(fill(130.0), rough)));
    let rest = S::add(S::fma(e, fill(tail), S::sub(whole, n)), log);
    let power = exp_rest::<S>(S::mul(rest, fill(std::f32::consts::LN_2)), zero);
    let power = S::scale(power, n);
    let power = S::select_gt(rough, fill(128.5), infinity, power);
    let power = S::select_gt(fill(-151.0), rough, zero, power);
    let [at_zero, at_infinity] = match c > 0.0 {
        true => [zero, infinity],
        false => [infinity, zero],
    };
    let power = S::select_eq(a, zero, at_zero, power);
    let power = S::select_eq(a, infinity, at_infinity, power);
    let below = match c.rem_euclid(2.0) {
        0.0 => power,
        1.0 => neg::<S>(power),
        _ => S::select_eq(a, infinity, power, fill(f32::NAN)),
    };
    let power = S::select_gt(zero, x, below, power);
    S::select_eq(x, x, power, x)
}

/// From here on every f32 is a whole number.
const WHOLE: f32 = 8_388_608.0;

/// The nearest whole number, halves to the even one.
#[inline(always)]
pub(crate) fn round<S: Simd>(x: S::V) -> S::V {
    let (a, whole) = (abs::<S>(x), S::fill(x, WHOLE));
    let near = S::sub(S::add(a, whole), whole);
    let near = S::select_gt(S::fill(x, 0.0), x, neg::<S>(near), near);
    S::select_gt(whole, a, near, x)
}

/// The greatest whole number that is not above x.
#[inline(always)]
pub(crate) fn floor<S: Simd>(x: S::V) -> S::V {
    let near = round::<S>(x);
    let one = S::fill(x, 1.0);
    S::sub(near, S::select_gt(near, x, one, S::fill(x, 0.0)))
}

/// The least whole number that is not below x.
#[inline(always)]
pub(crate) fn ceil<S: Simd>(x: S::V) -> S::V {
    let near = round::<S>(x);
    let one = S::fill(x, 1.0);
    S::add(near, S::select_gt(x, near, one, S::fill(x, 0.0)))
}

/// The whole number next to x on the side of 0.
#[inline(always)]
pub(crate) fn trunc<S: Simd>(x: S::V) -> S::V {
    S::select_gt(S::fill(x, 0.0), x, ceil::<S>(x), floor::<S>(x))
}

/// `ln(1 + u)`, relative error below 3e-7 for `u >= 0`; -inf at -1, NaN below.
#[inline(always)]
pub(crate) fn ln_1p<S: Simd>(u: S::V) -> S::V {
    let one = S::fill(u, 1.0);
    let w = S::add(one, u);
    // What the rounding of 1 + u lost, to first order.
    let lost = S::sub(u, S::sub(w, one));
    let y = ln::<S>(w);
    // Where w is 0 or infinite, the correction is not a number, and not needed.
    let correction = S::div(lost, w);
    S::select_eq(correction, correction, S::add(y, correction), y)
}

#[inline(always)]
pub(crate) fn neg<S: Simd>(x: S::V) -> S::V {
    S::mul(S::fill(x, -1.0), x)
}

#[inline(always)]
pub(crate) fn abs<S: Simd>(x: S::V) -> S::V {
    S::max(x, neg::<S>(x))
}

/// `1 / (1 + e^-x)`
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(x: S::V) -> S::V {
    let one = S::fill(x, 1.0);
    S::div(one, S::add(one, exp::<S>(neg::<S>(x))))
}

/// `ln sigmoid(x) = min(x, 0) - ln(1 + e^-|x|)`
#[inline(always)]
pub(crate) fn log_sigmoid<S: Simd>(x: S::V) -> S::V {
    let tail = ln_1p::<S>(exp::<S>(neg::<S>(abs::<S>(x))));
    S::sub(S::min(S::fill(x, 0.0), x), tail)
}

/// Hyperbolic tangent, relative error below 3e-7.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(x: S::V) -> S::V {
    let (one, two) = (S::fill(x, 1.0), S::fill(x, 2.0));
    let a = abs::<S>(x);
    let e = exp::<S>(S::mul(two, a));
    let far = S::sub(one, S::div(two, S::add(e, one)));
    let far = S::select_gt(S::fill(x, 0.0), x, neg::<S>(far), far);
    let z = S::mul(x, x);
    let mut p = S::fill(x, -5.704_988_7e-3);
    for c in [2.063_909e-2, -5.373_971_5e-2, 1.333_144_2e-1, -3.333_328e-1] {
        p = S::fma(p, z, S::fill(x, c));
    }
    let near = S::fma(S::mul(p, z), x, x);
    S::select_gt(S::fill(x, 0.625), a, near, far)
}

/// Error function, absolute error below 3e-7: Taylor-like polynomial to 1, `1 - e^(-x^2) P` beyond.
#[inline(always)]
pub(crate) fn erf<S: Simd>(x: S::V) -> S::V {
    let one = S::fill(x, 1.0);
    let a = abs::<S>(x);
    let z = S::mul(x, x);
    let mut p = S::fill(x, 7.853_861e-5);
    for c in [
        -8.010_194e-4,
        5.188_327_5e-3,
        -2.685_381_2e-2,
        1.128_358_6e-1,
        -3.761_262_6e-1,
        std::f32::consts::FRAC_2_SQRT_PI,
    ] {
        p = S::fma(p, z, S::fill(x, c));
    }
    let near = S::mul(x, p);
    // Abramowitz and Stegun 7.1.26
    let t = S::div(one, S::fma(S::fill(x, 0.327_591_1), a, one));
    let mut q = S::fill(x, 1.061_405_4);
    for c in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
        q = S::fma(q, t, S::fill(x, c));
    }
    let far = S::sub(one, S::mul(S::mul(q, t), exp::<S>(neg::<S>(z))));
    let far = S::select_gt(S::fill(x, 0.0), x, neg::<S>(far), far);
    S::select_gt(one, a, near, far)
}
