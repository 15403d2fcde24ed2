//! Trigonometric and hyperbolic functions, and their inverses, on logical vectors.
//!
//! Polynomials and reductions are those of Cephes (S. L. Moshier), single precision; the stated
//! errors are checked in the tests for every instruction set.

use super::math::{abs, exp, ln, neg};
use super::simd::Simd;
use std::f32::consts::{FRAC_PI_2, FRAC_PI_4, LN_2, PI};

/// Above, angles are reduced in f64, one by one.
const FAR: f32 = 8192.0;

/// `c[0] z^(n-1) + ... + c[n-1]`
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(z: S::V, c: [f32; N]) -> S::V {
    let mut p = S::fill(z, c[0]);
    for c in &c[1..] {
        p = S::fma(p, z, S::fill(z, *c));
    }
    p
}

/// `y` with the sign of x.
#[inline(always)]
fn signed<S: Simd>(x: S::V, y: S::V) -> S::V {
    S::select_gt(S::fill(x, 0.0), x, neg::<S>(y), y)
}

/// An angle `|x| <= 8192` as `r + q pi/2` with `|r| <= pi/4`: sine and cosine of r, and q modulo 4 in -2..2.
#[inline(always)]
fn reduced<S: Simd>(x: S::V) -> (S::V, S::V, S::V) {
    let q = S::round(S::mul(x, S::fill(x, std::f32::consts::FRAC_2_PI)));
    // pi/2 in three parts; products with the first two are exact.
    let mut r = x;
    for part in [-1.570_312_5, -4.837_513e-4, -7.549_79e-8] {
        r = S::add(r, S::mul(q, S::fill(x, part)));
    }
    let z = S::mul(r, r);
    let p = polynomial::<S, 3>(z, [-1.951_529_6e-4, 8.332_161e-3, -1.666_665_5e-1]);
    let sine = S::fma(S::mul(p, z), r, r);
    let p = polynomial::<S, 3>(z, [2.443_315_7e-5, -1.388_731_6e-3, 4.166_664_6e-2]);
    let half = S::fma(z, S::fill(x, -0.5), S::fill(x, 1.0));
    let cosine = S::fma(S::mul(p, z), z, half);
    let turns = S::round(S::mul(q, S::fill(x, 0.25)));
    (sine, cosine, S::fma(turns, S::fill(x, -4.0), q))
}

/// `near` where `|x| <= 8192` or x is NaN, else f in f64.
#[inline(always)]
fn far<S: Simd>(x: S::V, near: S::V, f: fn(f64) -> f64) -> S::V {
    let (a, limit) = (abs::<S>(x), S::fill(x, FAR));
    match S::any_gt(a, limit) {
        true => S::select_gt(a, limit, S::each(x, x, |x, _| f(f64::from(x)) as f32), near),
        false => near,
    }
}

/// Where q is 1 or -1 the first, else the second.
#[inline(always)]
fn at_odd<S: Simd>(q: S::V, odd: S::V, even: S::V) -> S::V {
    S::select_eq(abs::<S>(q), S::fill(q, 1.0), odd, even)
}

/// The sine, absolute error below 2e-7; relative to x below 2e-7 for `|x| < pi/4`.
#[inline(always)]
pub(crate) fn sin<S: Simd>(x: S::V) -> S::V {
    let (sine, cosine, q) = reduced::<S>(x);
    let value = at_odd::<S>(q, cosine, sine);
    // Negative for q = -1, 2 and -2.
    let negative = S::select_gt(abs::<S>(q), S::fill(x, 1.5), S::fill(x, -1.0), q);
    far::<S>(x, signed::<S>(negative, value), f64::sin)
}

/// The cosine, absolute error below 2e-7.
#[inline(always)]
pub(crate) fn cos<S: Simd>(x: S::V) -> S::V {
    let (sine, cosine, q) = reduced::<S>(x);
    let value = at_odd::<S>(q, sine, cosine);
    // Negative for q = 1, 2 and -2.
    let negative = S::select_gt(S::fill(x, -1.5), q, S::fill(x, -1.0), neg::<S>(q));
    far::<S>(x, signed::<S>(negative, value), f64::cos)
}

/// The tangent, relative error below 1e-6.
#[inline(always)]
pub(crate) fn tan<S: Simd>(x: S::V) -> S::V {
    let (sine, cosine, q) = reduced::<S>(x);
    let above = at_odd::<S>(q, neg::<S>(cosine), sine);
    let below = at_odd::<S>(q, sine, cosine);
    far::<S>(x, S::div(above, below), f64::tan)
}

/// `asin x` for x in [0, 1/2].
#[inline(always)]
fn asin_small<S: Simd>(x: S::V, z: S::V) -> S::V {
    let c = [
        4.216_32e-2,
        2.418_131e-2,
        4.547_002_6e-2,
        7.495_3e-2,
        1.666_675_2e-1,
    ];
    S::fma(S::mul(polynomial::<S, 5>(z, c), z), x, x)
}

/// `asin x` for `x = |x| <= 1/2`, and `asin sqrt((1 - x) / 2)` above.
#[inline(always)]
fn asin_parts<S: Simd>(a: S::V) -> S::V {
    let half = S::fill(a, 0.5);
    let rest = S::mul(half, S::sub(S::fill(a, 1.0), a));
    let z = S::select_gt(a, half, rest, S::mul(a, a));
    let x = S::select_gt(a, half, S::sqrt(rest), a);
    asin_small::<S>(x, z)
}

/// The inverse sine, relative error below 4e-7; NaN beyond -1 and 1.
#[inline(always)]
pub(crate) fn asin<S: Simd>(x: S::V) -> S::V {
    let a = abs::<S>(x);
    let part = asin_parts::<S>(a);
    let big = S::fma(part, S::fill(x, -2.0), S::fill(x, FRAC_PI_2));
    signed::<S>(x, S::select_gt(a, S::fill(x, 0.5), big, part))
}

/// The inverse cosine, relative error below 4e-7 (absolute for `|x| < 1/2`); NaN beyond -1 and 1.
#[inline(always)]
pub(crate) fn acos<S: Simd>(x: S::V) -> S::V {
    let a = abs::<S>(x);
    let part = asin_parts::<S>(a);
    let double = S::add(part, part);
    let beyond = S::select_gt(x, S::fill(x, 0.0), double, S::sub(S::fill(x, PI), double));
    let inside = S::sub(S::fill(x, FRAC_PI_2), signed::<S>(x, part));
    let value = S::select_gt(a, S::fill(x, 0.5), beyond, inside);
    S::select_eq(x, x, value, x)
}

/// The inverse tangent, relative error below 3e-7.
#[inline(always)]
pub(crate) fn atan<S: Simd>(x: S::V) -> S::V {
    let (a, one) = (abs::<S>(x), S::fill(x, 1.0));
    let (tan_eighth, tan_three_eighths) = (S::fill(x, 0.414_213_57), S::fill(x, 2.414_213_7));
    let middle = S::div(S::sub(a, one), S::add(a, one));
    let r = S::select_gt(a, tan_eighth, middle, a);
    let r = S::select_gt(a, tan_three_eighths, S::div(S::fill(x, -1.0), a), r);
    let start = S::select_gt(a, tan_eighth, S::fill(x, FRAC_PI_4), S::fill(x, 0.0));
    let start = S::select_gt(a, tan_three_eighths, S::fill(x, FRAC_PI_2), start);
    let z = S::mul(r, r);
    let c = [
        8.053_744_5e-2,
        -1.387_768_6e-1,
        1.997_771_1e-1,
        -3.333_295e-1,
    ];
    let p = S::fma(S::mul(polynomial::<S, 4>(z, c), z), r, r);
    let value = signed::<S>(x, S::add(start, p));
    S::select_eq(x, x, value, x)
}

/// The hyperbolic sine, relative error below 8e-7.
#[inline(always)]
pub(crate) fn sinh<S: Simd>(x: S::V) -> S::V {
    let (a, half) = (abs::<S>(x), S::fill(x, 0.5));
    // The root of e^|x|, which is finite where the result is.
    let root = exp::<S>(S::mul(half, a));
    let far = S::mul(S::mul(half, root), root);
    let far = S::sub(far, S::div(S::fill(x, 0.25), far));
    let z = S::mul(x, x);
    let c = [2.037_219_1e-4, 8.330_284e-3, 1.666_671_6e-1];
    let near = S::fma(S::mul(polynomial::<S, 3>(z, c), z), x, x);
    S::select_gt(a, S::fill(x, 1.0), signed::<S>(x, far), near)
}

/// The hyperbolic cosine, relative error below 8e-7.
#[inline(always)]
pub(crate) fn cosh<S: Simd>(x: S::V) -> S::V {
    let half = S::fill(x, 0.5);
    let root = exp::<S>(S::mul(half, abs::<S>(x)));
    let far = S::mul(S::mul(half, root), root);
    S::add(far, S::div(S::fill(x, 0.25), far))
}

/// The inverse hyperbolic sine, relative error below 5e-7.
#[inline(always)]
pub(crate) fn asinh<S: Simd>(x: S::V) -> S::V {
    let (a, one) = (abs::<S>(x), S::fill(x, 1.0));
    let z = S::mul(x, x);
    let sum = S::add(a, S::sqrt(S::add(z, one)));
    let c = [2.012_200_3e-2, -4.269_934e-2, 7.484_759e-2, -1.666_628_8e-1];
    let near = S::fma(S::mul(polynomial::<S, 4>(z, c), z), x, x);
    let far = signed::<S>(x, logarithm::<S>(a, sum));
    S::select_gt(S::fill(x, 0.5), a, near, far)
}

/// The inverse hyperbolic cosine, relative error below 5e-7; NaN below 1.
#[inline(always)]
pub(crate) fn acosh<S: Simd>(x: S::V) -> S::V {
    let one = S::fill(x, 1.0);
    let z = S::sub(x, one);
    let sum = S::add(x, S::sqrt(S::mul(z, S::add(x, one))));
    let c = [
        1.759_688_1e-3,
        -7.527_289e-3,
        2.645_490_5e-2,
        -1.178_474_2e-1,
        std::f32::consts::SQRT_2,
    ];
    let near = S::mul(polynomial::<S, 5>(z, c), S::sqrt(z));
    S::select_gt(S::fill(x, 0.5), z, near, logarithm::<S>(x, sum))
}

/// `ln sum`, and `ln(2 a)` where a is so large that the sum, `2 a`, may overflow.
#[inline(always)]
fn logarithm<S: Simd>(a: S::V, sum: S::V) -> S::V {
    let large = S::fill(a, 1500.0);
    let log = ln::<S>(S::select_gt(a, large, a, sum));
    let shift = S::select_gt(a, large, S::fill(a, LN_2), S::fill(a, 0.0));
    S::add(log, shift)
}

/// The inverse hyperbolic tangent, relative error below 5e-7; NaN beyond -1 and 1.
#[inline(always)]
pub(crate) fn atanh<S: Simd>(x: S::V) -> S::V {
    let (a, one, half) = (abs::<S>(x), S::fill(x, 1.0), S::fill(x, 0.5));
    let z = S::mul(x, x);
    let c = [
        1.817_400_8e-1,
        8.243_702e-2,
        1.466_914_4e-1,
        1.997_821_6e-1,
        3.333_373e-1,
    ];
    let near = S::fma(S::mul(polynomial::<S, 5>(z, c), z), x, x);
    let log = ln::<S>(S::div(S::add(one, a), S::sub(one, a)));
    let far = signed::<S>(x, S::mul(half, log));
    S::select_gt(half, a, near, far)
}
