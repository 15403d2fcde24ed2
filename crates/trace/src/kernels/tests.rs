//! Kernels against f64, for every instruction set of this machine.

use super::affine::Affine;
use super::conv::Finish;
use super::conv_tests::{cases, compared, draw, or_under_miri};
use super::elementwise::{MapN, Row, Walk, copy_walk, map_rows, map_walk};
use super::gemm::Gemm;
use super::math::{self, Map, map};
use super::matrices::{Factor, Matrices, plain};
use super::norm::{ChannelMoments, RowNorm, Scaled};
use super::pool::{Channel, Span};
use super::reduce::{Reduction, RowsByLane};
use super::simd::{LANES, Level, Simd, run};
use super::softmax::{Picked, SoftmaxRows};
use super::trigonometry;
use proptest::prelude::*;

macro_rules! functions {
    ($($name:ident = $module:ident::$f:ident;)*) => {
        $(
            #[derive(Clone, Copy)]
            struct $name;
            impl Map for $name {
                #[inline(always)]
                fn apply<S: Simd>(self, x: S::V) -> S::V {
                    $module::$f::<S>(x)
                }
            }
        )*
    };
}

functions! {
    Exp = math::exp;
    ExpNegative = math::exp_negative;
    Ln = math::ln;
    Ln1p = math::ln_1p;
    Tanh = math::tanh;
    Erf = math::erf;
    Sigmoid = math::sigmoid;
    LogSigmoid = math::log_sigmoid;
    Sin = trigonometry::sin;
    Cos = trigonometry::cos;
    Tan = trigonometry::tan;
    Asin = trigonometry::asin;
    Acos = trigonometry::acos;
    Atan = trigonometry::atan;
    Sinh = trigonometry::sinh;
    Cosh = trigonometry::cosh;
    Asinh = trigonometry::asinh;
    Acosh = trigonometry::acosh;
    Atanh = trigonometry::atanh;
}

/// The largest error of `f` on a grid of numbers: relative where the value is above `floor`,
/// else relative to it.
fn error<M: Map>(f: M, truth: impl Fn(f64) -> f64, low: f64, high: f64, floor: f64) -> f64 {
    let n = or_under_miri(100_003, 53);
    let x: Vec<f32> = (0..n)
        .map(|i| (low + (high - low) * f64::from(i) / f64::from(n - 1)) as f32)
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

#[derive(Clone, Copy)]
struct Pow(f64);

impl Map for Pow {
    #[inline(always)]
    fn apply<S: Simd>(self, x: S::V) -> S::V {
        math::pow::<S>(x, self.0)
    }
}

#[test]
fn powers_are_as_accurate_as_they_say() {
    for c in [-7.3, -1.5, -0.5, 0.1, 0.5, 0.75, 1.7, 2.5, 5.0, 11.0] {
        let power = |x: f64| x.powf(c);
        let allowed = 3e-7 + 6e-8 * f64::abs(c);
        for (low, high) in [(1e-3, 4.0), (0.7, 1.5), (1.0, 2e3)] {
            let found = error(Pow(c), power, low, high, 0.0);
            assert!(found < allowed, "{c} {low}: {found:e}");
        }
    }
}

#[test]
fn trigonometric_functions_are_as_accurate_as_they_say() {
    assert!(error(Sin, f64::sin, -8192.0, 8192.0, 1.0) < 2e-7);
    assert!(error(Sin, f64::sin, -1e5, 1e5, 1.0) < 2e-7);
    assert!(error(Sin, f64::sin, -0.78, 0.78, 0.0) < 2e-7);
    assert!(error(Cos, f64::cos, -8192.0, 8192.0, 1.0) < 2e-7);
    assert!(error(Cos, f64::cos, -9.0, 9.0, 1.0) < 2e-7);
    assert!(error(Tan, f64::tan, -90.0, 90.0, 0.0) < 1e-6);
    assert!(error(Asin, f64::asin, -1.0, 1.0, 0.0) < 4e-7);
    assert!(error(Acos, f64::acos, 0.5, 1.0, 0.0) < 4e-7);
    assert!(error(Acos, f64::acos, -1.0, 0.5, 1.0) < 4e-7);
    assert!(error(Atan, f64::atan, -50.0, 50.0, 0.0) < 3e-7);
}

#[test]
fn hyperbolic_functions_are_as_accurate_as_they_say() {
    assert!(error(Sinh, f64::sinh, -89.0, 89.0, 0.0) < 8e-7);
    assert!(error(Sinh, f64::sinh, -2.0, 2.0, 0.0) < 8e-7);
    assert!(error(Cosh, f64::cosh, -89.0, 89.0, 0.0) < 8e-7);
    assert!(error(Asinh, libm::asinh, -1e6, 1e6, 0.0) < 5e-7);
    assert!(error(Asinh, libm::asinh, -3.0, 3.0, 0.0) < 5e-7);
    assert!(error(Acosh, libm::acosh, 1.0, 1e6, 0.0) < 5e-7);
    assert!(error(Acosh, libm::acosh, 1.0, 3.0, 0.0) < 5e-7);
    assert!(error(Atanh, f64::atanh, -0.9999, 0.9999, 0.0) < 5e-7);
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
        let tiny = f64::from(1e-41f32).ln();
        assert!((f64::from(ln(1e-41)) - tiny).abs() < 1e-5);
        assert!(of(&|x, y| map(level, Tanh, x, y), nan).is_nan());
        assert_eq!(of(&|x, y| map(level, Tanh, x, y), -inf), -1.0);
    }
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn products_equal_f64(
        inputs in 1..or_under_miri(40usize, 12),
        outputs in 1..or_under_miri(25usize, 20),
        vectors in 1..or_under_miri(9usize, 3),
        times in 1..or_under_miri(12usize, 3),
        relu: bool,
        bias: bool,
        residual: bool,
        turned: bool,
        seed: u64,
    ) {
        let mut rng = landscape_core::Rng::new(seed, 0);
        let mut draw = |n| draw(&mut rng, n);
        let lanes = 16 * vectors;
        let (x, w, b) = (draw(times * inputs * lanes), draw(inputs * outputs), draw(outputs));
        let r = draw(times * outputs * lanes);
        for level in Level::available() {
            let mut out = vec![f32::NAN; times * outputs * lanes];
            let finish = Finish {
                bias: bias.then_some(&b[..]),
                residual: residual.then_some(&r[..]),
                relu,
            };
            let gemm = Gemm {
                x: &x,
                w: &w,
                steps: if turned { [1, inputs] } else { [outputs, 1] },
                finish,
                out: &mut out,
                times,
                inputs,
                outputs,
                lanes,
            };
            gemm.run(level);
            for (at, out) in out.iter().enumerate() {
                let (t, o, s) = (at / lanes / outputs, at / lanes % outputs, at % lanes);
                let x = &x[t * inputs * lanes..];
                let sum: f64 = (0..inputs)
                    .map(|k| {
                        let at = if turned { o * inputs + k } else { k * outputs + o };
                        f64::from(x[k * lanes + s]) * f64::from(w[at])
                    })
                    .sum();
                let truth = sum + if bias { f64::from(b[o]) } else { 0.0 };
                let truth = truth + if residual { f64::from(r[at]) } else { 0.0 };
                let truth = if relu { truth.max(0.0) } else { truth };
                prop_assert!((f64::from(*out) - truth).abs() < 2e-5, "{level}");
            }
        }
    }

    #[test]
    fn products_of_far_rows_equal_f64(inputs in 9usize..11, outputs in 17usize..20, seed: u64) {
        let mut rng = landscape_core::Rng::new(seed, 0);
        let lanes = 4096;
        let (x, w) = (draw(&mut rng, inputs * lanes), draw(&mut rng, inputs * outputs));
        for level in Level::available() {
            let mut out = vec![f32::NAN; outputs * lanes];
            let gemm = Gemm {
                x: &x, w: &w, steps: [1, inputs], finish: Finish::default(), out: &mut out, times: 1,
                inputs, outputs, lanes,
            };
            gemm.run(level);
            for s in compared(lanes) {
                for o in 0..outputs {
                    let product = |k: usize| f64::from(x[k * lanes + s]) * f64::from(w[o * inputs + k]);
                    let truth: f64 = (0..inputs).map(product).sum();
                    prop_assert!((f64::from(out[o * lanes + s]) - truth).abs() < 2e-5, "{level}");
                }
            }
        }
    }

    #[test]
    fn products_of_samples_equal_f64(
        (rows, depth, columns) in (1usize..15, 0usize..12, 1usize..15),
        vectors in 1..or_under_miri(4usize, 2),
        of_lanes in prop_oneof![Just([true, true]), Just([true, false]), Just([false, true])],
        turned: [bool; 2],
        seed: u64,
    ) {
        let mut rng = landscape_core::Rng::new(seed, 0);
        let lanes = LANES * vectors;
        let sizes = [[rows, depth], [depth, columns]];
        let width: [usize; 2] = std::array::from_fn(|f| if of_lanes[f] { lanes } else { 1 });
        let data: [Vec<f32>; 2] =
            std::array::from_fn(|f| draw(&mut rng, sizes[f][0] * sizes[f][1] * width[f]));
        let strides: [[usize; 2]; 2] = std::array::from_fn(|f| match turned[f] {
            true => [width[f], sizes[f][0] * width[f]],
            false => [sizes[f][1] * width[f], width[f]],
        });
        let factor = |f: usize| Factor { data: &data[f], strides: strides[f], lanes: of_lanes[f] };
        let number = |f: usize, row: usize, column: usize, s: usize| {
            let at = row * strides[f][0] + column * strides[f][1];
            f64::from(data[f][at + if of_lanes[f] { s } else { 0 }])
        };
        for level in Level::available() {
            let mut out = vec![f32::NAN; rows * columns * lanes];
            Matrices::of_lanes(factor(0), factor(1), &mut out, [rows, depth, columns], lanes).run(level);
            for (at, out) in out.iter().enumerate() {
                let (i, j, s) = (at / lanes / columns, at / lanes % columns, at % lanes);
                let truth: f64 = (0..depth).map(|k| number(0, i, k, s) * number(1, k, j, s)).sum();
                prop_assert!((f64::from(*out) - truth).abs() < 2e-5, "{level}");
            }
        }
    }

    #[test]
    fn products_without_samples_equal_f64(
        (rows, depth, columns) in (1usize..9, 0usize..12, 0usize..50), seed: u64,
    ) {
        let mut rng = landscape_core::Rng::new(seed, 0);
        let (a, b) = (draw(&mut rng, rows * depth), draw(&mut rng, depth * columns));
        for level in Level::available() {
            let mut out = vec![f32::NAN; rows * columns];
            plain(level, ((&a, [depth, 1]), &b), &mut out, [rows, depth, columns]);
            for (at, out) in out.iter().enumerate() {
                let (i, j) = (at / columns, at % columns);
                let products = (0..depth).map(|k| f64::from(a[i * depth + k]) * f64::from(b[k * columns + j]));
                prop_assert!((f64::from(*out) - products.sum::<f64>()).abs() < 2e-5, "{level}");
            }
        }
    }

    #[test]
    fn affine_values_equal_f64(n in 1usize..70, present in 0usize..8, relu: bool, seed: u64) {
        let mut rng = landscape_core::Rng::new(seed, 0);
        let parts: Vec<Vec<f32>> = (0..4).map(|_| draw(&mut rng, n)).collect();
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
}

/// `x y + z`
#[derive(Clone, Copy)]
struct MultiplyAdd;

impl MapN<3> for MultiplyAdd {
    #[inline(always)]
    fn apply<S: Simd>(self, [x, y, z]: [S::V; 3]) -> S::V {
        S::fma(x, y, z)
    }
}

/// `x - y`
#[derive(Clone, Copy)]
struct Difference;

impl MapN<2> for Difference {
    #[inline(always)]
    fn apply<S: Simd>(self, [x, y]: [S::V; 2]) -> S::V {
        S::sub(x, y)
    }
}

/// The rows of a tile at one lane: `n` numbers, `stride` apart.
fn lane(x: &[f32], n: usize, stride: usize, s: usize) -> Vec<f64> {
    (0..n).map(|i| f64::from(x[i * stride + s])).collect()
}

type OfNumbers<'a> = &'a dyn Fn(&[f64]) -> f64;

/// The softmax, and its logarithm.
fn softmax(x: &[f64]) -> Vec<[f64; 2]> {
    let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let log = x.iter().map(|x| (x - max).exp()).sum::<f64>().ln();
    x.iter()
        .map(|x| [(x - max - log).exp(), x - max - log])
        .collect()
}

fn moments(x: &[f64]) -> (f64, f64) {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    (mean, x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n)
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn elementwise_functions_equal_f64(n in 0usize..70, repeated in 0usize..8, seed: u64) {
        let mut rng = landscape_core::Rng::new(seed, 0);
        let parts: Vec<Vec<f32>> = (0..3)
            .map(|k| draw(&mut rng, if repeated >> k & 1 == 1 { 1 } else { n }))
            .collect();
        let rows = std::array::from_fn(|k| Row {
            data: &parts[k],
            stride: usize::from(repeated >> k & 1 == 0),
        });
        for level in Level::available() {
            let mut out = vec![f32::NAN; n];
            map_rows(level, MultiplyAdd, rows, &mut out);
            for (i, out) in out.iter().enumerate() {
                let [x, y, z] = rows.map(|row| f64::from(row.data[i * row.stride]));
                prop_assert!((f64::from(*out) - (x * y + z)).abs() < 1e-5, "{level}");
            }
        }
    }

    #[test]
    fn walks_visit_what_strides_say(
        lengths in proptest::collection::vec(1usize..5, 0..5),
        inner: prop::sample::Index,
        whole: bool,
        repeated in 0usize..1024,
        seed: u64,
    ) {
        // The strides of two inputs, some of whose axes have one element.
        let mut axes: Vec<usize> = lengths;
        axes.push(if whole { 16 * (1 + inner.index(2)) } else { 1 + inner.index(20) });
        let mut strides = vec![[0; 2]; axes.len()];
        let mut sizes = [1; 2];
        for (axis, &length) in axes.iter().enumerate().rev() {
            for k in 0..2 {
                if repeated >> (2 * axis + k) & 1 == 0 {
                    strides[axis][k] = sizes[k];
                    sizes[k] *= length;
                }
            }
        }
        let data = sizes.map(|n| draw(&mut landscape_core::Rng::new(seed, 0), n));
        let size: usize = axes.iter().product();
        let place = |at: usize, k: usize| {
            let mut rest = at;
            let axes = axes.iter().zip(&strides).rev();
            axes.map(|(&n, s)| (rest % n * s[k], rest /= n).0).sum::<usize>()
        };
        let walk = Walk::new(axes.iter().copied().zip(strides.iter().copied()));
        let one = Walk::new(axes.iter().copied().zip(strides.iter().map(|s| [s[0]])));
        for level in Level::available() {
            let mut out = vec![f32::NAN; size];
            map_walk(level, Difference, [&data[0], &data[1]], &walk, &mut out);
            let mut copy = vec![f32::NAN; size];
            copy_walk(level, &data[0], &one, &mut copy);
            for at in 0..size {
                let [x, y] = [0, 1].map(|k| data[k][place(at, k)]);
                prop_assert_eq!([out[at], copy[at]], [x - y, x], "{} {:?}", level, walk);
            }
        }
    }

    #[test]
    fn reductions_equal_f64(length in 1usize..12, vectors in 1usize..4, gap in 0usize..40, seed: u64) {
        let mut rng = landscape_core::Rng::new(seed, 0);
        let (lanes, stride) = (LANES * vectors, LANES * vectors + gap);
        let x = draw(&mut rng, (length - 1) * stride + lanes);
        let extreme = |x: &[f64], sign: f64| {
            let best = x.iter().map(|x| sign * x).fold(f64::NEG_INFINITY, f64::max);
            let at = x.iter().position(|x| sign * x == best).unwrap();
            [sign * best, at as f64]
        };
        let reductions: [(Reduction, OfNumbers); 6] = [
            (Reduction::Sum, &|x| x.iter().sum()),
            (Reduction::Mean, &|x| moments(x).0),
            (Reduction::Max, &|x| extreme(x, 1.0)[0]),
            (Reduction::Min, &|x| extreme(x, -1.0)[0]),
            (Reduction::ArgMax, &|x| extreme(x, 1.0)[1]),
            (Reduction::ArgMin, &|x| extreme(x, -1.0)[1]),
        ];
        for level in Level::available() {
            for (reduction, truth) in reductions {
                let mut out = vec![f32::NAN; lanes];
                let (x, to) = (&x[..], &mut out[..]);
                run(level, RowsByLane { reduction, x, out: to, length, stride });
                for (s, &out) in out.iter().enumerate() {
                    let truth = truth(&lane(x, length, stride, s));
                    prop_assert!((f64::from(out) - truth).abs() < 1e-5, "{level} {reduction:?}");
                }
            }
        }
    }

    #[test]
    fn softmaxes_equal_f64(classes in 1usize..12, vectors in 1usize..4, gap in 0usize..40, seed: u64) {
        let mut rng = landscape_core::Rng::new(seed, 0);
        let (lanes, stride) = (LANES * vectors, LANES * vectors + gap);
        let x = draw(&mut rng, classes * stride);
        let labels: Vec<f32> = (0..lanes).map(|s| (s * 7 % classes) as f32).collect();
        for level in Level::available() {
            for log in [false, true] {
                let mut out = vec![f32::NAN; x.len()];
                let (x, to) = (&x[..], &mut out[..]);
                run(level, SoftmaxRows { x, out: to, length: classes, stride, lanes, log });
                for s in 0..lanes {
                    let truth = softmax(&lane(x, classes, stride, s));
                    for (i, truth) in truth.iter().enumerate() {
                        let found = f64::from(out[i * stride + s]);
                        prop_assert!((found - truth[usize::from(log)]).abs() < 2e-6, "{level}");
                    }
                }
            }
            let mut out = vec![f32::NAN; lanes];
            let (x, labels, to) = (&x[..classes * lanes], &labels[..], &mut out[..]);
            run(level, Picked { x, labels, out: to, classes, lanes, negated: true });
            for (s, &out) in out.iter().enumerate() {
                let truth = -softmax(&lane(x, classes, lanes, s))[labels[s] as usize][1];
                prop_assert!((f64::from(out) - truth).abs() < 2e-6, "{level}");
            }
        }
    }

    #[test]
    fn normalisations_equal_f64(length in 1usize..12, vectors in 1usize..4, seed: u64) {
        let mut rng = landscape_core::Rng::new(seed, 0);
        let lanes = LANES * vectors;
        let x = draw(&mut rng, length * lanes);
        let (gamma, beta) = (draw(&mut rng, length), draw(&mut rng, length));
        for level in Level::available() {
            let mut out = vec![f32::NAN; x.len()];
            let row = RowNorm {
                x: &x,
                gamma: &gamma,
                beta: Some(&beta),
                epsilon: 0.01,
                lanes,
                out: &mut out,
            };
            run(level, row);
            let (mut means, mut squares) = (vec![f32::NAN; lanes], vec![f32::NAN; lanes]);
            let (mean, square) = (&mut means[..], &mut squares[..]);
            run(level, ChannelMoments { x: &x, shift: 0.5, mean, square });
            for s in 0..lanes {
                let values = lane(&x, length, lanes, s);
                let (mean, variance) = moments(&values);
                for (i, x) in values.iter().enumerate() {
                    let scaled = f64::from(gamma[i]) * (x - mean) / (variance + 0.01).sqrt();
                    let truth = scaled + f64::from(beta[i]);
                    prop_assert!((f64::from(out[i * lanes + s]) - truth).abs() < 5e-5, "{level}");
                }
                let shifted: Vec<f64> = values.iter().map(|x| x - 0.5).collect();
                let square = shifted.iter().map(|x| x * x).sum::<f64>() / length as f64;
                prop_assert!((f64::from(means[s]) - moments(&shifted).0).abs() < 1e-5, "{level}");
                prop_assert!((f64::from(squares[s]) - square).abs() < 1e-5, "{level}");
            }
            let (x, out) = (&x[..x.len() - 3], &mut out[3..]);
            run(level, Scaled { x, factor: 1.5, shift: 0.25, relu: true, out });
            for (x, &out) in x.iter().zip(&*out) {
                let truth = (1.5 * f64::from(*x) + 0.25).max(0.0);
                prop_assert!((f64::from(out) - truth).abs() < 1e-5, "{level}");
            }
        }
    }

    #[test]
    fn pooling_equals_f64(
        size in (1usize..6, 1usize..6),
        spans in proptest::collection::vec((0usize..6, 1usize..4, 0usize..6), 2..5),
        max: bool,
        seed: u64,
    ) {
        let (lanes, [height, width]) = (2 * LANES, [size.0, size.1]);
        let x = draw(&mut landscape_core::Rng::new(seed, 0), height * width * lanes);
        // As many indices as there are, from a start inside.
        let of = |n: usize| -> Vec<Span> {
            let span = |&(start, step, count): &(usize, usize, usize)| {
                let start = start % n;
                let count = count.min((n - start).div_ceil(step));
                Span { start, step, count, length: 3 }
            };
            spans.iter().map(span).collect()
        };
        let (rows, columns) = (of(height), of(width));
        for level in Level::available() {
            let mut out = vec![f32::NAN; rows.len() * columns.len() * lanes];
            let (windows, to) = ([&rows[..], &columns[..]], &mut out[..]);
            run(level, Channel { x: &x, width, windows, max, lanes, out: to });
            for (at, &out) in out.iter().enumerate() {
                let (s, place) = (at % lanes, at / lanes);
                let (row, column) = (&rows[place / columns.len()], &columns[place % columns.len()]);
                let pixels = row.indices().flat_map(|i| column.indices().map(move |j| (i, j)));
                let values = pixels.map(|(i, j)| f64::from(x[(i * width + j) * lanes + s]));
                let truth = match max {
                    true => values.fold(f64::NEG_INFINITY, f64::max),
                    false => values.sum::<f64>() / 9.0,
                };
                let out = f64::from(out);
                prop_assert!(out == truth || (out - truth).abs() < 1e-5, "{level}");
            }
        }
    }
}

/// Kernels do not read or write beyond what they are given: they refuse it.
#[test]
fn slices_that_are_too_short_are_refused() {
    let (x, short) = (vec![1.0f32; 64], vec![1.0f32; 31]);
    let refused = |f: &dyn Fn(Level)| {
        for level in Level::available() {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| f(level)));
            assert!(outcome.is_err(), "{level}");
        }
    };
    refused(&|level| {
        let (w, out) = (&x[..4], &mut [0.0; 32][..]);
        Gemm {
            x: &short,
            w,
            steps: [2, 1],
            finish: Finish::default(),
            out,
            times: 1,
            inputs: 2,
            outputs: 2,
            lanes: 16,
        }
        .run(level);
    });
    refused(&|level| {
        let out = &mut [0.0; 16][..];
        run(
            level,
            RowsByLane {
                reduction: Reduction::Sum,
                x: &short,
                out,
                length: 2,
                stride: 16,
            },
        );
    });
    refused(&|level| {
        let out = &mut [0.0; 32][..];
        run(
            level,
            SoftmaxRows {
                x: &short,
                out,
                length: 2,
                stride: 16,
                lanes: 16,
                log: true,
            },
        );
    });
    refused(&|level| {
        let span = Span {
            start: 1,
            step: 1,
            count: 2,
            length: 2,
        };
        let windows = [&[span.clone()][..], &[span][..]];
        let out = &mut [0.0; 16][..];
        run(
            level,
            Channel {
                x: &x,
                width: 2,
                windows,
                max: true,
                lanes: 16,
                out,
            },
        );
    });
    refused(&|level| {
        let slopes = [Some(&short[..]), None, None];
        let (out, points) = (&mut [0.0; 64][..], &[[1.0; 3]][..]);
        Affine {
            constant: &x,
            slopes,
            points,
            out,
            stride: 64,
            relu: false,
        }
        .run(level);
    });
}
