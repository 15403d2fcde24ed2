//! Kernels against f64, for every instruction set of this machine.

use super::affine::Affine;
use super::gemm::Gemm;
use super::math::{self, Map, map};
use super::once::Tiles;
use super::simd::{Level, Simd};
use proptest::prelude::*;

macro_rules! functions {
    ($($name:ident = $f:ident;)*) => {
        $(
            #[derive(Clone, Copy)]
            struct $name;
            impl Map for $name {
                #[inline(always)]
                unsafe fn apply<S: Simd>(self, x: S::V) -> S::V {
                    unsafe { math::$f::<S>(x) }
                }
            }
        )*
    };
}

functions! {
    Exp = exp;
    ExpNegative = exp_negative;
    Ln = ln;
    Ln1p = ln_1p;
    Tanh = tanh;
    Erf = erf;
    Sigmoid = sigmoid;
    LogSigmoid = log_sigmoid;
}

/// The largest error of `f` on a grid of numbers: relative where the value is above `floor`,
/// else relative to it.
fn error<M: Map>(f: M, truth: fn(f64) -> f64, low: f64, high: f64, floor: f64) -> f64 {
    let x: Vec<f32> = (0..100_003)
        .map(|i| (low + (high - low) * f64::from(i) / 100_002.0) as f32)
        .collect();
    let worst = |level| {
        let mut y = vec![0.0; x.len()];
        map(level, f, &x, &mut y);
        let errors = x.iter().zip(&y).map(|(&x, &y)| {
            let t = truth(f64::from(x));
            (f64::from(y) - t).abs() / t.abs().max(floor)
        });
        errors.fold(0.0, f64::max)
    };
    Level::available()
        .into_iter()
        .map(worst)
        .fold(0.0, f64::max)
}

#[test]
fn elementary_functions_are_as_accurate_as_they_say() {
    assert!(error(Exp, f64::exp, -87.0, 88.7, 0.0) < 2e-7);
    assert!(error(ExpNegative, f64::exp, -87.0, 0.0, 0.0) < 2e-7);
    assert!(error(Ln, f64::ln, 1e-30, 1e30, 0.0) < 2e-7);
    assert!(error(Ln, f64::ln, 0.1, 4.0, 1e-2) < 2e-7);
    assert!(error(Ln1p, f64::ln_1p, 0.0, 1.0, 0.0) < 3e-7);
    assert!(error(Ln1p, f64::ln_1p, 0.0, 1e-3, 0.0) < 3e-7);
    assert!(error(Ln1p, f64::ln_1p, 0.0, 1e6, 0.0) < 3e-7);
    assert!(error(Tanh, f64::tanh, -12.0, 12.0, 0.0) < 3e-7);
    assert!(error(Erf, libm::erf, -5.0, 5.0, 1.0) < 3e-7);
    assert!(error(Sigmoid, |x| 1.0 / (1.0 + (-x).exp()), -80.0, 80.0, 0.0) < 3e-7);
    let log_sigmoid = |x: f64| x.min(0.0) - (-x.abs()).exp().ln_1p();
    assert!(error(LogSigmoid, log_sigmoid, -90.0, 20.0, 0.0) < 4e-7);
}

#[test]
fn special_values_are_kept() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    for level in Level::available() {
        let of = |f: &dyn Fn(&[f32], &mut [f32]), x: f32| {
            let mut y = [0.0];
            f(&[x], &mut y);
            y[0]
        };
        let exp = |x| of(&|x, y| map(level, Exp, x, y), x);
        let ln = |x| of(&|x, y| map(level, Ln, x, y), x);
        let exp_negative = |x| of(&|x, y| map(level, ExpNegative, x, y), x);
        assert!(exp_negative(nan).is_nan());
        assert!((0.0..1.7e-38).contains(&exp_negative(-inf)) && exp_negative(0.0) == 1.0);
        assert_eq!(
            [exp(inf), exp(-inf), exp(200.0), exp(-200.0)],
            [inf, 0.0, inf, 0.0]
        );
        assert_eq!([ln(inf), ln(0.0)], [inf, -inf]);
        assert!(exp(nan).is_nan() && ln(nan).is_nan() && ln(-1.0).is_nan());
        assert!((ln(1e-41) - 1e-41f32.ln()).abs() < 1e-5);
        assert!(of(&|x, y| map(level, Tanh, x, y), nan).is_nan());
        assert_eq!(of(&|x, y| map(level, Tanh, x, y), -inf), -1.0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn products_equal_f64(
        inputs in 1usize..40,
        outputs in 1usize..25,
        vectors in 1usize..9,
        relu: bool,
        bias: bool,
        seed: u64,
    ) {
        let mut rng = landscape_core::Rng::new(seed, 0);
        let mut draw = |n: usize| -> Vec<f32> { (0..n).map(|_| rng.normal() as f32).collect() };
        let lanes = 16 * vectors;
        let (x, w, b) = (draw(inputs * lanes), draw(inputs * outputs), draw(outputs));
        for level in Level::available() {
            let mut out = vec![0.0; outputs * lanes];
            let gemm = Gemm {
                x: &x, w: &w, bias: bias.then_some(&b[..]), out: &mut out, inputs, outputs, lanes, relu,
            };
            gemm.run(level);
            for o in 0..outputs {
                for s in 0..lanes {
                    let sum: f64 = (0..inputs)
                        .map(|k| f64::from(x[k * lanes + s]) * f64::from(w[k * outputs + o]))
                        .sum();
                    let truth = sum + if bias { f64::from(b[o]) } else { 0.0 };
                    let truth = if relu { truth.max(0.0) } else { truth };
                    prop_assert!((f64::from(out[o * lanes + s]) - truth).abs() < 2e-5, "{level}");
                }
            }
        }
    }

    #[test]
    fn affine_values_equal_f64(n in 1usize..70, present in 0usize..8, relu: bool, seed: u64) {
        let mut rng = landscape_core::Rng::new(seed, 0);
        let parts: Vec<Vec<f32>> =
            (0..4).map(|_| (0..n).map(|_| rng.normal() as f32).collect()).collect();
        let points: Vec<[f64; 3]> =
            (0..5).map(|_| std::array::from_fn(|_| rng.uniform(-1.0, 1.0))).collect();
        let slopes = std::array::from_fn(|k| (present >> k & 1 == 1).then_some(&parts[k + 1][..]));
        for level in Level::available() {
            let stride = n + 3;
            let mut out = vec![0.0; points.len() * stride];
            Affine { constant: &parts[0], slopes, points: &points, out: &mut out, stride, relu }.run(level);
            for (p, point) in points.iter().enumerate() {
                for i in 0..n {
                    let sum: f64 = (0..3)
                        .filter(|k| slopes[*k].is_some())
                        .map(|k| point[k] * f64::from(parts[k + 1][i]))
                        .sum();
                    let truth = f64::from(parts[0][i]) + sum;
                    let truth = if relu { truth.max(0.0) } else { truth };
                    prop_assert!((f64::from(out[p * stride + i]) - truth).abs() < 1e-5, "{level}");
                }
            }
        }
    }

    #[test]
    fn tiles_cover_all_samples_once(samples in 1usize..100_000) {
        let tiles = Tiles::new(samples, 1);
        let covered: usize = (0..tiles.count()).map(|i| tiles.valid(i)).sum();
        prop_assert_eq!(covered, samples);
        prop_assert!(tiles.lanes.is_multiple_of(16) && tiles.lanes <= 256);
        prop_assert!(tiles.count() * tiles.lanes < samples + samples / 8 + 48);
    }
}
