//! Gradients and products with second derivatives: f64 against central differences, f32 against f64.

use crate::conv::{Attention, Inputs, Net, cross_entropy, filled, inputs};
use crate::mlp::{Mlp, targets};
use crate::reference::forward;
use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::activation::{relu, sigmoid, softmax, tanh};
use landscape_core::{Params, Rng};
use landscape_trace::{Curvature, Loss, Matrix, Target, Trace, TraceError, params_of};

/// Of differences in f64: small, because losses may jump nearby.
pub const STEP: f64 = 1e-7;

pub fn normal(n: usize, stream: u64) -> Vec<f64> {
    let mut rng = Rng::new(17, stream);
    (0..n).map(|_| rng.normal()).collect()
}

pub fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub fn moved(a: &[f64], t: f64, b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + t * b).collect()
}

/// Whether `found` is `expected` up to `tolerance` times its norm.
#[track_caller]
pub fn assert_near(found: &[f64], expected: &[f64], tolerance: f64) {
    // What is zero everywhere has no relative error.
    let error = norm(&moved(found, -1.0, expected)) / norm(expected).max(1e-9);
    assert!(
        error < tolerance,
        "relative error {error:e}, allowed {tolerance:e}"
    );
}

/// Central differences of f, of order 4.
pub fn difference(f: impl Fn(f64) -> Vec<f64>, h: f64) -> Vec<f64> {
    let [a, b, c, d] = [-2.0, -1.0, 1.0, 2.0].map(|k| f(k * h));
    (0..a.len())
        .map(|i| (a[i] - d[i] + 8.0 * (c[i] - b[i])) / (12.0 * h))
        .collect()
}

/// Gradients and products in f64 against differences, and of all targets against those.
#[track_caller]
fn check<M: Module>(module: &M, inputs: &Inputs, loss: fn(&M, &Inputs) -> Loss) {
    let params = params_of(module).unwrap();
    let trace = Trace::capture(module, inputs, loss).unwrap();
    check_trace(&trace, &params);
}

/// The same for a trace at any parameters.
#[track_caller]
pub fn check_trace(trace: &Trace, params: &Params) {
    let double = trace.curvature(params, &Target::default()).unwrap();
    let double = double.in_f64();
    let (n, point) = (double.dim(), double.point().to_vec());
    let vectors: Vec<Vec<f64>> = (0..3).map(|k| normal(n, k)).collect();
    let truth = double.gradient().unwrap();
    for v in &vectors {
        let slope = difference(
            |t| vec![double.gradient_at(&moved(&point, t, v)).unwrap().loss],
            STEP,
        );
        assert!((slope[0] - dot(&truth.gradient, v)).abs() < 1e-6 * slope[0].abs().max(1.0));
    }
    let products = double.hessian(&vectors).unwrap();
    for (v, product) in vectors.iter().zip(&products) {
        let of = |t: f64| double.gradient_at(&moved(&point, t, v)).unwrap().gradient;
        assert_near(product, &difference(of, STEP), 1e-6);
    }
    let asymmetry = dot(&vectors[0], &products[1]) - dot(&vectors[1], &products[0]);
    assert!(asymmetry.abs() <= 1e-11 * norm(&products[0]) * norm(&vectors[1]));
    for target in targets() {
        let curvature = trace.curvature(params, &target).unwrap();
        let found = curvature.gradient().unwrap();
        assert!(
            (found.loss - truth.loss).abs() < 1e-5 * truth.loss,
            "{target:?}"
        );
        assert_near(&found.gradient, &truth.gradient, 2e-5);
        for (found, product) in curvature.hessian(&vectors).unwrap().iter().zip(&products) {
            assert_near(found, product, 1e-4);
        }
    }
}

/// A module that has losses of many kinds.
fn mlp() -> Mlp {
    Mlp::new(&[6, 9, 7, 5], 3)
}

#[test]
fn layers_with_relu() {
    for samples in [7, 300] {
        check(&mlp(), &inputs(samples, 6, 5), |m, (x, y)| {
            cross_entropy(m.forward(x.clone()), y)
        });
    }
}

#[test]
fn convolutions_norms_and_pooling() {
    check(
        &filled(Net::new(), 1),
        &inputs(21, 3 * 9 * 8, 5),
        |m, (x, y)| cross_entropy(m.forward(x.clone()), y),
    );
}

#[test]
fn attention() {
    let (x, y) = inputs(21, 6, 5);
    check(&filled(Attention::new(), 2), &(x * 4.0, y), |m, (x, y)| {
        cross_entropy(m.forward(x.clone()), y)
    });
}

/// Functions of one and two numbers, reductions, shapes: a loss that has them all.
#[test]
fn elementwise_functions() {
    check(&mlp(), &inputs(23, 6, 5), |m, (x, _)| {
        let z = m.forward(x.clone());
        let n = z.dims()[0];
        let a = tanh(z.clone()) + sigmoid(z.clone()).sqrt() * z.clone().sin();
        let b = (z.clone().powi_scalar(2) + 1.0).log() - (-z.clone().abs()).exp().log1p();
        let c = z.clone().cos() / (z.clone().powi_scalar(2) + 0.5).recip().neg();
        let d = burn::tensor::activation::leaky_relu(z.clone(), 0.1)
            .clamp(-0.4, 0.9)
            .erf();
        let e = (z.clone().exp() + 0.1).powf_scalar(1.5)
            - burn::tensor::activation::log_sigmoid(z.clone());
        let f = burn::tensor::activation::gelu(z.clone())
            .slice([0..n, 1..4])
            .sum_dim(1);
        let g = z.clone().max_dim(1) * z.clone().min_dim(1) + softmax(z.clone(), 1).narrow(1, 2, 1);
        let mask = z.clone().greater_elem(0.3);
        let h = a.mask_fill(mask, 0.25) * b - c.transpose().swap_dims(0, 1) * d;
        let h = Tensor::cat(vec![h, e * relu(z.clone())], 1).mean_dim(1);
        Loss::new((h + f * 0.1 - g).powi_scalar(2).squeeze_dim::<1>(1))
    });
}

/// Activations that are written out, whose slopes are taken in one step: GELU by tanh, Mish, a swish with a
/// quotient, and a function of a function of each; with values in between that are used elsewhere too.
#[test]
fn functions_that_are_written_out() {
    check(&mlp(), &inputs(23, 6, 5), |m, (x, _)| {
        let z = m.forward(x.clone());
        let inner = (z.clone() + z.clone().powi_scalar(3) * 0.044_715) * 0.797_884_560_8;
        let gelu = z.clone() * (tanh(inner.clone()) + 1.0) * 0.5;
        let mish = z.clone() * tanh((z.clone().exp() + 1.0).log());
        let swish = z.clone() / ((-z.clone() * 1.702).exp() + 1.0);
        let twice = sigmoid(gelu.clone() * gelu.clone() - swish.clone())
            / (mish.clone() * mish.clone() + 2.0);
        let floor = z.clone().abs().floor() * z.clone() + relu(z.clone() * z.clone() - 0.1);
        let all = gelu * mish - swish * twice + floor * 0.1 + inner.mean_dim(1) * z.detach();
        Loss::new(all.powi_scalar(2).mean_dim(1).squeeze_dim::<1>(1))
    });
}

/// Values of the point that are kept for further products do not outlive it, nor are gradients elsewhere
/// mistaken for its own: the bits are those of derivatives that were never asked before.
#[test]
fn products_at_points_that_change() {
    let (net, data) = (filled(Net::new(), 1), inputs(70, 3 * 9 * 8, 5));
    let loss = |m: &Net, (x, y): &Inputs| cross_entropy(m.forward(x.clone()), y);
    let trace = Trace::capture(&net, &data, loss).unwrap();
    let params = params_of(&net).unwrap();
    let fresh = || trace.curvature(&params, &Target::default()).unwrap();
    let mut used = fresh();
    let start = used.point().to_vec();
    let points = [start.clone(), moved(&start, 0.1, &normal(start.len(), 7))];
    for at in [0, 1, 0, 0, 1] {
        used.move_to(&points[at]).unwrap();
        for round in 0..4 {
            let v = vec![normal(start.len(), round), normal(start.len(), 9)];
            let mut alone = fresh();
            alone.move_to(&points[at]).unwrap();
            assert_eq!(
                used.hessian(&v).unwrap(),
                alone.hessian(&v).unwrap(),
                "{at} {round}"
            );
            let elsewhere = used.gradient_at(&points[1 - at]).unwrap();
            assert_ne!(elsewhere.gradient, alone.gradient().unwrap().gradient);
        }
    }
}

/// What a batch of one, and padding within a tile, must not change: the weighted mean over parts is the whole.
#[test]
fn parts_of_the_data() {
    let module = mlp();
    let params = params_of(&module).unwrap();
    let (x, y): Inputs = inputs(100, 6, 5);
    let curvature = |from: usize, to: usize| {
        let part = (x.clone().slice(from..to), y.clone().slice(from..to));
        let loss = |m: &Mlp, (x, y): &Inputs| cross_entropy(m.forward(x.clone()), y);
        let trace = Trace::capture(&module, &part, loss).unwrap();
        trace.curvature(&params, &Target::default()).unwrap()
    };
    let v = vec![normal(curvature(0, 100).dim(), 1)];
    let product = |c: Curvature| c.hessian(&v).unwrap().remove(0);
    let (a, b) = (product(curvature(0, 64)), product(curvature(64, 100)));
    let sum: Vec<f64> = a.iter().zip(&b).map(|(a, b)| 0.64 * a + 0.36 * b).collect();
    assert_near(&product(curvature(0, 100)), &sum, 1e-6);
    let alone = product(curvature(5, 6));
    assert!(alone.iter().all(|x| x.is_finite()));
}

/// For a loss that is linear in its parameters up to a softmax, Gauss-Newton is the Hessian; the empirical
/// Fisher matrix is the mean of the outer products of the gradients of single samples.
#[test]
fn gauss_newton_and_fisher() {
    use burn::nn::{Linear, LinearConfig};
    let device = burn::tensor::Device::flex();
    let linear = filled(LinearConfig::new(6, 5).init(&device), 4);
    let data = inputs(33, 6, 5);
    let loss = |m: &Linear, (x, y): &Inputs| cross_entropy(m.forward(x.clone()), y);
    let params = params_of(&linear).unwrap();
    let trace = Trace::capture(&linear, &data, loss).unwrap();
    for target in targets() {
        let curvature = trace.curvature(&params, &target).unwrap();
        let v = vec![normal(curvature.dim(), 1), normal(curvature.dim(), 2)];
        let hessian = curvature.hessian(&v).unwrap();
        let newton = curvature.products(Matrix::GaussNewton, &v).unwrap();
        for (a, b) in newton.iter().zip(&hessian) {
            assert_near(a, b, 1e-5);
        }
        // A linear network has no curvature of its own.
        let residual = curvature.products(Matrix::Residual, &v).unwrap();
        for (rest, b) in residual.iter().zip(&hessian) {
            assert!(norm(rest) < 1e-5 * norm(b));
        }
        let fisher = curvature.products(Matrix::EmpiricalFisher, &v).unwrap();
        let mut sums = vec![vec![0.0; curvature.dim()]; 2];
        for i in 0..33 {
            let one = (
                data.0.clone().slice(i..i + 1),
                data.1.clone().slice(i..i + 1),
            );
            let one = Trace::capture(&linear, &one, loss).unwrap();
            let gradient = one
                .curvature(&params, &target)
                .unwrap()
                .gradient()
                .unwrap()
                .gradient;
            for (sum, v) in sums.iter_mut().zip(&v) {
                *sum = moved(sum, dot(&gradient, v) / 33.0, &gradient);
            }
        }
        for (found, sum) in fisher.iter().zip(&sums) {
            assert_near(found, sum, 1e-5);
        }
    }
}

/// With hidden layers, Gauss-Newton is positive semi-definite and symmetric, and what the definition says.
#[test]
fn gauss_newton_of_a_network() {
    let module = mlp();
    let data = inputs(40, 6, 5);
    let squares = |m: &Mlp, (x, y): &Inputs| {
        let target = y.clone().float().unsqueeze_dim::<2>(1);
        Loss::new(
            (m.forward(x.clone()) - target)
                .powi_scalar(2)
                .mean_dim(1)
                .squeeze_dim::<1>(1),
        )
    };
    let params = params_of(&module).unwrap();
    let trace = Trace::capture(&module, &data, squares).unwrap();
    let curvature = trace.curvature(&params, &Target::default()).unwrap();
    let v = vec![normal(curvature.dim(), 1), normal(curvature.dim(), 2)];
    let products = curvature.products(Matrix::GaussNewton, &v).unwrap();
    let asymmetry = dot(&v[0], &products[1]) - dot(&v[1], &products[0]);
    assert!(asymmetry.abs() < 1e-5 * norm(&products[0]) * norm(&v[1]));
    // v^T G v = 2 mean |J v|^2, with J v from differences of the outputs.
    let (n, columns) = (data.0.dims()[0], data.0.dims()[1]);
    let x: Vec<f64> = data.0.to_data().iter::<f64>().collect();
    let x: Vec<Vec<f64>> = x.chunks(columns).map(<[f64]>::to_vec).collect();
    let outputs = |t: f64| {
        let point = moved(curvature.point(), t, &v[0]);
        let of = |name: &str| {
            let block = curvature.blocks().iter().find(|b| b.name == name).unwrap();
            (block.shape.clone(), point[block.range.clone()].to_vec())
        };
        forward(&of, 3, &x).concat()
    };
    assert_eq!(x.len(), n);
    let slope = difference(outputs, STEP);
    let expected = 2.0 * dot(&slope, &slope) / slope.len() as f64;
    let found = dot(&v[0], &products[0]);
    assert!(
        (found - expected).abs() < 1e-5 * expected,
        "{found} and {expected}"
    );
}

#[test]
fn blocks_and_many_vectors() {
    let module = mlp();
    let data = inputs(40, 6, 5);
    let loss = |m: &Mlp, (x, y): &Inputs| cross_entropy(m.forward(x.clone()), y);
    let trace = Trace::capture(&module, &data, loss).unwrap();
    let params = params_of(&module).unwrap();
    let curvature = trace.curvature(&params, &Target::default()).unwrap();
    let names: Vec<&str> = curvature.blocks().iter().map(|b| b.name.as_str()).collect();
    assert_eq!(
        names,
        params.iter().map(|p| p.name.as_str()).collect::<Vec<_>>()
    );
    let range = curvature.blocks()[2].range.clone();
    let v = normal(range.len(), 1);
    let own = curvature
        .block_products(Matrix::Hessian, range.clone(), std::slice::from_ref(&v))
        .unwrap();
    let mut whole = vec![0.0; curvature.dim()];
    whole[range.clone()].copy_from_slice(&v);
    let product = curvature.hessian(&[whole]).unwrap().remove(0);
    assert_eq!(own[0], product[range]);
    // Together or one by one: the same bits.
    let vectors: Vec<Vec<f64>> = (0..5).map(|k| normal(curvature.dim(), k)).collect();
    let together = curvature.hessian(&vectors).unwrap();
    for (v, together) in vectors.iter().zip(&together) {
        assert_eq!(
            &curvature.hessian(std::slice::from_ref(v)).unwrap()[0],
            together
        );
    }
    let one = Target::Host {
        threads: 1,
        level: landscape_trace::Level::detect(),
    };
    let single = trace.curvature(&params, &one).unwrap();
    assert_eq!(single.hessian(&vectors).unwrap(), together);
    let short = curvature.hessian(&[vec![1.0; 3]]).unwrap_err();
    assert!(matches!(short, TraceError::Length { found: 3, .. }));
}
