//! Derivatives in f64 against closed forms, and at kinks against PyTorch's conventions.

use burn::module::{Module, Param};
use burn::nn::interpolate::{Interpolate1dConfig, InterpolateMode};
use burn::nn::pool::AvgPool1dConfig;
use burn::tensor::activation::*;
use burn::tensor::{Device, Tensor};
use landscape_trace::{Curvature, Loss, Target, Trace, params_of};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, PI};

/// Nothing but numbers, `[1, n]`.
#[derive(Module, Debug)]
struct Numbers {
    w: Param<Tensor<2>>,
}

fn numbers(w: &[f32]) -> Numbers {
    let w = Tensor::<1>::from_floats(w, &Device::flex()).unsqueeze::<2>();
    Numbers {
        w: Param::from_tensor(w),
    }
}

/// The derivatives of `sum_j f(w_j)`, which two samples share.
fn derivatives(w: &[f32], f: impl Fn(Tensor<2>) -> Tensor<2>) -> Curvature {
    let module = numbers(w);
    let x = Tensor::<2>::ones([2, 1], &Device::flex());
    let loss = |module: &Numbers, x: &Tensor<2>| {
        let each = f(module.w.val()) * x.clone();
        Loss::new(each.sum_dim(1).squeeze_dim::<1>(1))
    };
    let trace = Trace::capture(&module, &x, loss).unwrap();
    trace
        .curvature(&params_of(&module).unwrap(), &Target::default())
        .unwrap()
}

/// Gradient, and the diagonal of the Hessian.
fn both(curvature: &Curvature) -> (Vec<f64>, Vec<f64>) {
    let n = curvature.dim();
    let unit = |j: usize| (0..n).map(|i| f64::from(u8::from(i == j))).collect();
    let units: Vec<Vec<f64>> = (0..n).map(unit).collect();
    let products = curvature.hessian(&units).unwrap();
    let diagonal = (0..n).map(|j| products[j][j]).collect();
    (curvature.gradient().unwrap().gradient, diagonal)
}

#[track_caller]
fn assert_exact(name: &str, found: &[f64], expected: impl Iterator<Item = f64>) {
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let same = (found - expected).abs() <= 1e-12 * expected.abs().max(1.0);
        assert!(same, "{name}[{i}]: {found:e} and {expected:e}");
    }
}

type Function = fn(Tensor<2>) -> Tensor<2>;
type Real = fn(f64) -> f64;

fn phi(x: f64) -> f64 {
    0.5 * (1.0 + libm::erf(x * FRAC_1_SQRT_2))
}

fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Name, the function, its value, first and second derivative.
fn functions() -> Vec<(&'static str, Function, [Real; 3])> {
    vec![
        (
            "mul_scalar",
            |x| (x * 0.1).exp(),
            [
                |x| (0.1 * x).exp(),
                |x| 0.1 * (0.1 * x).exp(),
                |x| 0.01 * (0.1 * x).exp(),
            ],
        ),
        (
            "div_scalar",
            |x| (x / 3.0).sin(),
            [
                |x| (x / 3.0).sin(),
                |x| (x / 3.0).cos() / 3.0,
                |x| -(x / 3.0).sin() / 9.0,
            ],
        ),
        (
            "add_scalar",
            |x| (x + 0.1).cos(),
            [
                |x| (x + 0.1).cos(),
                |x| -(x + 0.1).sin(),
                |x| -(x + 0.1).cos(),
            ],
        ),
        (
            "sub_scalar",
            |x| (x - 0.1).powi_scalar(3),
            [
                |x| (x - 0.1).powi(3),
                |x| 3.0 * (x - 0.1).powi(2),
                |x| 6.0 * (x - 0.1),
            ],
        ),
        (
            "powf_scalar",
            |x| x.powf_scalar(1.7),
            [
                |x| x.powf(1.7),
                |x| 1.7 * x.powf(0.7),
                |x| 1.7 * 0.7 * x.powf(-0.3),
            ],
        ),
        (
            "square",
            |x| x.powi_scalar(2),
            [|x| x * x, |x| 2.0 * x, |_| 2.0],
        ),
        (
            "gelu",
            gelu,
            [
                |x| x * phi(x),
                |x| phi(x) + x * density(x),
                |x| (2.0 - x * x) * density(x),
            ],
        ),
        (
            "erf",
            |x| x.erf(),
            [
                libm::erf,
                |x| FRAC_2_SQRT_PI * (-x * x).exp(),
                |x| -2.0 * x * FRAC_2_SQRT_PI * (-x * x).exp(),
            ],
        ),
        ("exp", |x| x.exp(), [f64::exp, f64::exp, f64::exp]),
        (
            "log",
            |x| x.log(),
            [f64::ln, |x| 1.0 / x, |x| -1.0 / (x * x)],
        ),
        (
            "log1p",
            |x| x.log1p(),
            [
                f64::ln_1p,
                |x| 1.0 / (1.0 + x),
                |x| -1.0 / (1.0 + x).powi(2),
            ],
        ),
        (
            "sqrt",
            |x| x.sqrt(),
            [f64::sqrt, |x| 0.5 / x.sqrt(), |x| -0.25 * x.powf(-1.5)],
        ),
        (
            "recip",
            |x| x.recip(),
            [|x| 1.0 / x, |x| -1.0 / (x * x), |x| 2.0 / x.powi(3)],
        ),
        ("sin", |x| x.sin(), [f64::sin, f64::cos, |x| -x.sin()]),
        ("cos", |x| x.cos(), [f64::cos, |x| -x.sin(), |x| -x.cos()]),
        (
            "tanh",
            |x| x.tanh(),
            [
                f64::tanh,
                |x| 1.0 - x.tanh().powi(2),
                |x| -2.0 * x.tanh() * (1.0 - x.tanh().powi(2)),
            ],
        ),
        (
            "sigmoid",
            sigmoid,
            [
                logistic,
                |x| logistic(x) * logistic(-x),
                |x| logistic(x) * logistic(-x) * (1.0 - 2.0 * logistic(x)),
            ],
        ),
        (
            "log_sigmoid",
            log_sigmoid,
            [
                |x| -(-x).exp().ln_1p(),
                |x| logistic(-x),
                |x| -logistic(x) * logistic(-x),
            ],
        ),
        (
            "leaky_relu",
            |x| leaky_relu(x.neg(), 0.1).powi_scalar(2),
            [
                |x| 0.1 * 0.1 * x * x,
                |x| 2.0 * 0.1 * 0.1 * x,
                |_| 2.0 * 0.1 * 0.1,
            ],
        ),
        (
            "clamp",
            |x| x.clone().clamp(0.1, 0.7) * x,
            [
                |x| x.clamp(0.1, 0.7) * x,
                |x| if x > 0.7 { 0.7 } else { 2.0 * x },
                |x| if x > 0.7 { 0.0 } else { 2.0 },
            ],
        ),
        (
            "full",
            |x| x.clone() * Tensor::full(x.shape(), 0.1, &x.device()),
            [|x| 0.1 * x, |_| 0.1, |_| 0.0],
        ),
        (
            "mask_fill",
            |x| x.clone().mask_fill(x.clone().greater_elem(1.0), 0.1) * x,
            [
                |x| if x > 1.0 { 0.1 * x } else { x * x },
                |x| if x > 1.0 { 0.1 } else { 2.0 * x },
                |x| if x > 1.0 { 0.0 } else { 2.0 },
            ],
        ),
        (
            "powf",
            |x| x.clone().powf(x),
            [
                |x| x.powf(x),
                |x| x.powf(x) * (x.ln() + 1.0),
                |x| x.powf(x) * ((x.ln() + 1.0).powi(2) + 1.0 / x),
            ],
        ),
    ]
}

/// Those of an angle or with two branches, as [`functions`].
fn further_functions() -> Vec<(&'static str, Function, [Real; 3])> {
    fn softplus_of(x: f64) -> f64 {
        x.exp().ln_1p()
    }
    vec![
        (
            "silu",
            silu,
            [
                |x| x * logistic(x),
                |x| logistic(x) * (1.0 + x * logistic(-x)),
                |x| logistic(x) * logistic(-x) * (2.0 + x * (1.0 - 2.0 * logistic(x))),
            ],
        ),
        (
            "softplus",
            |x| softplus(x, 1.3),
            [
                |x| softplus_of(1.3 * x) / 1.3,
                |x| logistic(1.3 * x),
                |x| 1.3 * logistic(1.3 * x) * logistic(-1.3 * x),
            ],
        ),
        (
            "mish",
            mish,
            [
                |x| x * softplus_of(x).tanh(),
                |x| {
                    let (s, t) = (logistic(x), softplus_of(x).tanh());
                    t + x * s * (1.0 - t * t)
                },
                |x| {
                    let (s, t) = (logistic(x), softplus_of(x).tanh());
                    s * (1.0 - t * t) * (2.0 + x * (1.0 - s - 2.0 * t * s))
                },
            ],
        ),
        (
            "hard_sigmoid",
            |x| hard_sigmoid(x.clone(), 0.2, 0.3) * x,
            [|x| (0.2 * x + 0.3) * x, |x| 0.4 * x + 0.3, |_| 0.4],
        ),
        (
            "elu",
            |x| elu(x.neg(), 0.7),
            [
                |x| 0.7 * (-x).exp_m1(),
                |x| -0.7 * (-x).exp(),
                |x| 0.7 * (-x).exp(),
            ],
        ),
        (
            "tan",
            |x| x.tan(),
            [
                f64::tan,
                |x| x.cos().powi(-2),
                |x| 2.0 * x.tan() * x.cos().powi(-2),
            ],
        ),
        (
            "asin",
            |x| (x * 0.4).asin(),
            [
                |x| (0.4 * x).asin(),
                |x| 0.4 * (1.0 - 0.16 * x * x).powf(-0.5),
                |x| 0.064 * x * (1.0 - 0.16 * x * x).powf(-1.5),
            ],
        ),
        (
            "acos",
            |x| (x * 0.4).acos(),
            [
                |x| (0.4 * x).acos(),
                |x| -0.4 * (1.0 - 0.16 * x * x).powf(-0.5),
                |x| -0.064 * x * (1.0 - 0.16 * x * x).powf(-1.5),
            ],
        ),
        (
            "atan",
            |x| x.atan(),
            [
                f64::atan,
                |x| 1.0 / (1.0 + x * x),
                |x| -2.0 * x / (1.0 + x * x).powi(2),
            ],
        ),
        ("sinh", |x| x.sinh(), [f64::sinh, f64::cosh, f64::sinh]),
        ("cosh", |x| x.cosh(), [f64::cosh, f64::sinh, f64::cosh]),
        (
            "asinh",
            |x| x.asinh(),
            [
                libm::asinh,
                |x| (1.0 + x * x).powf(-0.5),
                |x| -x * (1.0 + x * x).powf(-1.5),
            ],
        ),
        (
            "acosh",
            |x| (x + 1.5).acosh(),
            [
                |x| libm::acosh(x + 1.5),
                |x| ((x + 1.5).powi(2) - 1.0).powf(-0.5),
                |x| -(x + 1.5) * ((x + 1.5).powi(2) - 1.0).powf(-1.5),
            ],
        ),
        (
            "atanh",
            |x| (x * 0.4).atanh(),
            [
                |x| libm::atanh(0.4 * x),
                |x| 0.4 / (1.0 - 0.16 * x * x),
                |x| 0.128 * x / (1.0 - 0.16 * x * x).powi(2),
            ],
        ),
        (
            "hypot",
            |x| x.clone().hypot(Tensor::full(x.shape(), 0.7, &x.device())),
            [
                |x| x.hypot(0.7),
                |x| x / x.hypot(0.7),
                |x| 0.49 / x.hypot(0.7).powi(3),
            ],
        ),
        (
            "atan2",
            |x| x.clone().atan2(Tensor::full(x.shape(), 0.7, &x.device())),
            [
                |x| x.atan2(0.7),
                |x| 0.7 / (x * x + 0.49),
                |x| -1.4 * x / (x * x + 0.49).powi(2),
            ],
        ),
    ]
}

#[test]
fn derivatives_in_f64_are_exact_to_twelve_digits() {
    let w = [0.3f32, 0.55, 1.3, 2.1];
    let real = || w.iter().map(|&x| f64::from(x));
    for (name, f, [value, first, second]) in { functions().into_iter() }.chain(further_functions())
    {
        let curvature = derivatives(&w, f).in_f64();
        let (gradient, diagonal) = both(&curvature);
        let loss = curvature.gradient().unwrap().loss;
        assert_exact(name, &[loss], std::iter::once(real().map(value).sum()));
        assert_exact(name, &gradient, real().map(first));
        assert_exact(name, &diagonal, real().map(second));
    }
}

#[test]
fn softmax_in_f64_is_exact_to_twelve_digits() {
    let w = [0.3f32, -1.55, 1.3, 2.1];
    let exp: Vec<f64> = w.iter().map(|&x| f64::from(x).exp()).collect();
    let sum: f64 = exp.iter().sum();
    let p: Vec<f64> = exp.iter().map(|e| e / sum).collect();
    // sum p_j^2, and - sum ln p_j.
    let squares = derivatives(&w, |x| softmax(x, 1).powi_scalar(2)).in_f64();
    let total: f64 = p.iter().map(|p| p * p).sum();
    let expected = p.iter().map(|p| 2.0 * p * (p - total));
    assert_exact("softmax", &squares.gradient().unwrap().gradient, expected);
    let logs = derivatives(&w, |x| log_softmax(x, 1).neg()).in_f64();
    let (gradient, diagonal) = both(&logs);
    assert_exact("log_softmax", &gradient, p.iter().map(|p| 4.0 * p - 1.0));
    let expected = p.iter().map(|p| 4.0 * p * (1.0 - p));
    assert_exact("log_softmax", &diagonal, expected);
}

/// Name, a linear map of four numbers, and its rows.
fn means() -> Vec<(&'static str, Function, Vec<[f64; 4]>)> {
    let (third, sixth) = (1.0 / 3.0, 1.0 / 6.0);
    vec![
        (
            "mean_dim",
            |x| x.narrow(1, 0, 3).mean_dim(1),
            vec![[third, third, third, 0.0]],
        ),
        (
            "avg_pool1d",
            |x| {
                let pool = AvgPool1dConfig::new(3).with_stride(1).init();
                pool.forward(x.unsqueeze_dim::<3>(1)).squeeze_dim::<2>(1)
            },
            vec![[third, third, third, 0.0], [0.0, third, third, third]],
        ),
        (
            "interpolate",
            |x| {
                let config = Interpolate1dConfig::new().with_mode(InterpolateMode::Linear);
                let config = config.with_align_corners(false).with_output_size(Some(3));
                let x = config.init().forward(x.unsqueeze_dim::<3>(1));
                x.squeeze_dim::<2>(1)
            },
            vec![
                [1.0 - sixth, sixth, 0.0, 0.0],
                [0.0, 0.5, 0.5, 0.0],
                [0.0, 0.0, sixth, 1.0 - sixth],
            ],
        ),
    ]
}

/// `sum_k exp((L w)_k)`
#[test]
fn means_in_f64_are_exact_to_twelve_digits() {
    let w = [0.3f32, 0.55, 1.3, 2.1];
    for (name, f, rows) in means() {
        let row = |row: &[f64; 4]| { row.iter().zip(&w) }.map(|(a, &w)| a * f64::from(w)).sum();
        let exp: Vec<f64> = rows.iter().map(|r| f64::exp(row(r))).collect();
        let curvature = derivatives(&w, |x| f(x).exp()).in_f64();
        let (gradient, diagonal) = both(&curvature);
        let expected = |power: i32| {
            let (rows, exp) = (&rows, &exp);
            (0..4).map(move |j| {
                rows.iter()
                    .zip(exp)
                    .map(|(r, e)| r[j].powi(power) * e)
                    .sum()
            })
        };
        assert_exact(
            name,
            &[curvature.gradient().unwrap().loss],
            std::iter::once(exp.iter().sum()),
        );
        assert_exact(name, &gradient, expected(1));
        assert_exact(name, &diagonal, expected(2));
    }
}

/// Name, the function, and PyTorch's first derivative at 0.
fn kinks() -> Vec<(&'static str, Function, f64)> {
    vec![
        ("relu", relu, 0.0),
        ("abs", |x| x.abs(), 0.0),
        ("sign", |x| x.clone().sign() + x, 1.0),
        ("leaky_relu", |x| leaky_relu(x, 0.25), 0.25),
        ("clamp", |x| x.clamp(0.0, 1.0), 1.0),
        ("pow 0", |x| x.powf_scalar(0.0), 0.0),
        ("pow 1", |x| x.powf_scalar(1.0), 1.0),
        ("pow 2", |x| x.powf_scalar(2.0), 0.0),
        ("pow 3", |x| x.powi_scalar(3), 0.0),
        ("pow 0.5", |x| x.powf_scalar(0.5), f64::INFINITY),
        ("pow of a tensor 0", |x| x.clone().powf(x.zeros_like()), 0.0),
        ("pow of a tensor 1", |x| x.clone().powf(x.ones_like()), 1.0),
        (
            "pow of a tensor 2",
            |x| x.clone().powf(x.ones_like() * 2.0),
            0.0,
        ),
        (
            "0 to the power 2 + x",
            |x| (x.zeros_like()).powf(x + 2.0),
            0.0,
        ),
        ("0 to the power x", |x| (x.zeros_like()).powf(x), 0.0),
        ("sqrt", |x| x.sqrt(), f64::INFINITY),
        ("log", |x| x.log(), f64::INFINITY),
        // An infinite slope on the side that is not taken.
        (
            "1 / x where x is not 0",
            |x| {
                let zero = x.clone().equal_elem(0.0);
                x.clone()
                    .mask_fill(zero.clone(), 0.25)
                    .recip()
                    .mask_fill(zero, 0.0)
            },
            0.0,
        ),
        (
            "sqrt of x where it is not 0",
            |x| {
                let zero = x.clone().equal_elem(0.0);
                x.mask_fill(zero, 0.25).sqrt()
            },
            0.0,
        ),
        (
            "sqrt of a clamp",
            |x| (x + -1.0).clamp(0.0, 3.0).sqrt(),
            0.0,
        ),
    ]
}

/// The values are those of `torch.autograd.grad` at 0, but for the last: there PyTorch has
/// `clamp(-1)`, whose slope 0 takes an infinite one: 0.
#[test]
fn derivatives_at_kinks_are_those_of_pytorch() {
    for (name, f, expected) in kinks() {
        for double in [false, true] {
            let curvature = derivatives(&[0.0, 0.0], f);
            let curvature = if double {
                curvature.in_f64()
            } else {
                curvature
            };
            let found = curvature.gradient().unwrap().gradient[0];
            assert_eq!(found, expected, "{name}, in f64: {double}");
        }
    }
}

/// PyTorch: second derivatives of powers at 0.
#[test]
fn second_derivatives_of_powers_at_zero() {
    let cases: [(Function, f64); 6] = [
        (|x| x.powf_scalar(0.0), 0.0),
        (|x| x.powf_scalar(1.0), 0.0),
        (|x| x.powi_scalar(2), 2.0),
        (|x| x.powi_scalar(3), 0.0),
        (|x| x.clone().powf(x.ones_like()), 0.0),
        (|x| x.clone().powf(x.ones_like() * 2.0), 2.0),
    ];
    for (case, (f, expected)) in cases.into_iter().enumerate() {
        let (_, diagonal) = both(&derivatives(&[0.0], f));
        assert_eq!(diagonal[0], expected, "case {case}");
        let (_, diagonal) = both(&derivatives(&[0.0], f).in_f64());
        assert_eq!(diagonal[0], expected, "case {case} in f64");
    }
}
