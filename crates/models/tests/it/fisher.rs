//! What the Gauss-Newton matrix of each loss is of the true Fisher matrix, whose labels are drawn from the network's own predictions: by
//! enumeration of the labels, with gradients of single samples in f64.

use crate::formula::unit;
use crate::support::close;
use burn::tensor::Device;
use landscape_core::Params;
use landscape_models::{Dataset, LossKind, ModelSpec, Network, Targets, trace_network};
use landscape_trace::{Curvature, Matrix, Target};

const SAMPLES: usize = 4;
/// The mark of tokens that do not count.
const IGNORED: f32 = -100.0;

/// A network at formulas of small numbers, which outputs about `center`.
struct Bench {
    network: Network,
    params: Params,
    loss: LossKind,
    x: Vec<f32>,
    /// Numbers of one sample.
    width: usize,
}

impl Bench {
    fn new(model: &str, loss: LossKind, center: f32) -> Self {
        let spec: ModelSpec = model.parse().unwrap();
        let mut tensors = Network::layout(&spec).into_inner();
        let last = tensors.len() - 1;
        for (place, tensor) in tensors.iter_mut().enumerate() {
            let by = if place == last { center } else { 0.0 };
            let values = unit(&tensor.name, tensor.data.len()).into_iter();
            tensor.data = values.map(|u| 0.4 * u as f32 + by).collect();
        }
        let params = Params::new(tensors).unwrap();
        let network = Network::from_params(&spec, &params, &Device::flex()).unwrap();
        let (width, x) = match spec.tokens().is_some() {
            true => (2, vec![1.0, 4.0, 0.0, 2.0, 3.0, 3.0, 2.0, 1.0]),
            false => (
                2,
                unit("x", 2 * SAMPLES).iter().map(|&u| u as f32).collect(),
            ),
        };
        Bench {
            network,
            params,
            loss,
            x,
            width,
        }
    }

    /// Derivatives in f64 on samples with targets.
    fn at(&self, samples: std::ops::Range<usize>, targets: Targets) -> Curvature {
        let x = self.x[samples.start * self.width..samples.end * self.width].to_vec();
        let data = Dataset::new("drawn", vec![samples.len(), self.width], x, targets).unwrap();
        let trace = trace_network(&self.network, &data, self.loss, &[]).unwrap();
        let curvature = trace.curvature(&self.params, &Target::default());
        curvature.unwrap().in_f64()
    }

    /// The loss of a sample with these targets, and its gradient.
    fn slope(&self, sample: usize, targets: Targets) -> (f64, Vec<f64>) {
        let found = self.at(sample..sample + 1, targets).gradient().unwrap();
        (found.loss, found.gradient)
    }

    fn newton(&self, targets: Targets, v: &[f64]) -> Vec<f64> {
        let whole = self.at(0..SAMPLES, targets);
        let found = whole.products(Matrix::GaussNewton, &[v.to_vec()]);
        found.unwrap().remove(0)
    }

    fn vector(&self) -> Vec<f64> {
        unit("v", self.params.numel())
    }
}

/// Adds `weight g (g . v)`.
fn add(sum: &mut [f64], weight: f64, g: &[f64], v: &[f64]) {
    let along: f64 = g.iter().zip(v).map(|(g, v)| g * v).sum();
    sum.iter_mut()
        .zip(g)
        .for_each(|(s, g)| *s += weight * along * g);
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (a - b).powi(2));
    squares.sum::<f64>().sqrt()
}

/// `distance` as a share of the length of `b`.
fn off(a: &[f64], b: &[f64]) -> f64 {
    distance(a, b) / distance(b, &vec![0.0; b.len()])
}

fn values(data: Vec<f32>, width: usize) -> Targets {
    Targets::Values { data, width }
}

#[test]
fn cross_entropy_has_the_fisher_matrix_whatever_its_labels() {
    let bench = Bench::new("mlp:2-4-3", LossKind::CrossEntropy, 0.0);
    let v = bench.vector();
    let mut fisher = vec![0.0; v.len()];
    for sample in 0..SAMPLES {
        for label in 0..3 {
            let (loss, g) = bench.slope(sample, Targets::Classes(vec![label]));
            add(&mut fisher, (-loss).exp() / SAMPLES as f64, &g, &v);
        }
    }
    // Exact in f32: the matrix is as many times as large as they sum to.
    let soft = [0.25, 0.5, 0.25].repeat(SAMPLES);
    for targets in [Targets::Classes(vec![0, 2, 1, 1]), values(soft, 3)] {
        assert!(off(&bench.newton(targets, &v), &fisher) < 1e-9);
    }
}

/// Each token's label is drawn by itself: the mean over all tokens.
#[test]
fn a_language_model_has_the_mean_fisher_matrix_of_its_tokens() {
    let model = "gpt:vocab=5,context=3,dim=4,depth=1,heads=2";
    let bench = Bench::new(model, LossKind::CrossEntropy, 0.0);
    let v = bench.vector();
    let mut fisher = vec![0.0; v.len()];
    for place in 0..2 * SAMPLES {
        let mut total = 0.0;
        for label in 0..5u8 {
            let mut one = vec![IGNORED; 2];
            one[place % 2] = f32::from(label);
            let (loss, g) = bench.slope(place / 2, values(one, 2));
            total += (-loss).exp();
            add(&mut fisher, (-loss).exp() / (2 * SAMPLES) as f64, &g, &v);
        }
        close(total, 1.0, 1e-12, 0.0);
    }
    let labels = values(vec![0.0, 1.0, 4.0, 2.0, 3.0, 3.0, 1.0, 0.0], 2);
    assert!(off(&bench.newton(labels, &v), &fisher) < 1e-9);
}

/// The loss is the mean over the outputs, the Gauss-Newton matrix the mean of their Fisher matrices: of all outputs of a sample
/// together, whose likelihoods multiply, it is as many times as large.
#[test]
fn several_binary_outputs_have_the_mean_of_their_fisher_matrices() {
    for outputs in [1, 2, 3] {
        let bench = Bench::new(&format!("mlp:2-4-{outputs}"), LossKind::BceWithLogits, 0.0);
        let v = bench.vector();
        let (k, n) = (outputs as f64, SAMPLES as f64);
        let mut together = vec![0.0; v.len()];
        for sample in 0..SAMPLES {
            let mut total = 0.0;
            for word in 0..1u32 << outputs {
                let bits = (0..outputs).map(|bit| (word >> bit & 1) as f32).collect();
                let (loss, g) = bench.slope(sample, values(bits, outputs));
                let likelihood = (-k * loss).exp();
                total += likelihood;
                // The gradient of the log likelihood is k times that of the loss.
                add(&mut together, likelihood * k * k / n, &g, &v);
            }
            close(total, 1.0, 1e-12, 0.0);
        }
        let labels = (0..SAMPLES * outputs).map(|i| (i % 2) as f32).collect();
        let mut newton = bench.newton(values(labels, outputs), &v);
        newton.iter_mut().for_each(|x| *x *= k);
        assert!(off(&newton, &together) < 1e-9, "{outputs}");
    }
}

/// Squared error, the mean over `k` outputs, is the negative log likelihood of a Gaussian of variance `k / 2`, up to a constant. The
/// gradient is linear in the targets, so that the Fisher matrix of variance `s` is `sum_j d_j d_j^T / (s (2 / k)^2)` with the change `d_j`
/// of the gradient where target `j` grows by 1: for unit variance `k / 2` times the Gauss-Newton matrix.
#[test]
fn squared_error_has_the_fisher_matrix_of_a_gaussian() {
    for outputs in [1, 3] {
        let bench = Bench::new(&format!("mlp:2-4-{outputs}"), LossKind::Mse, 0.0);
        let v = bench.vector();
        let (k, n) = (outputs as f64, SAMPLES as f64);
        let fisher = |variance: f64| {
            let mut sum = vec![0.0; v.len()];
            for sample in 0..SAMPLES {
                let slope = |one: Option<usize>| {
                    let at = |j| if one == Some(j) { 1.25 } else { 0.25 };
                    let targets = (0..outputs).map(at).collect();
                    bench.slope(sample, values(targets, outputs)).1
                };
                let origin = slope(None);
                for j in 0..outputs {
                    let d: Vec<f64> = slope(Some(j))
                        .iter()
                        .zip(&origin)
                        .map(|(a, b)| a - b)
                        .collect();
                    add(&mut sum, (k / 2.0).powi(2) / variance / n, &d, &v);
                }
            }
            sum
        };
        let mut newton = bench.newton(values(vec![0.5; SAMPLES * outputs], outputs), &v);
        assert!(off(&newton, &fisher(k / 2.0)) < 1e-9, "{outputs}");
        newton.iter_mut().for_each(|x| *x *= k / 2.0);
        assert!(off(&newton, &fisher(1.0)) < 1e-9, "{outputs}");
    }
}

/// Outputs that are probabilities are not the natural parameters of a likelihood: the Gauss-Newton matrix depends on the labels, and is
/// the Fisher matrix only in the mean over labels that are drawn.
#[test]
fn probabilities_have_another_gauss_newton_matrix() {
    let bench = Bench::new("mlp:2-4-1", LossKind::Bce, 0.35);
    let v = bench.vector();
    let (mut fisher, mut drawn) = (vec![0.0; v.len()], vec![0.0; v.len()]);
    for sample in 0..SAMPLES {
        for label in [0.0, 1.0] {
            let targets = || values(vec![label], 1);
            let (loss, g) = bench.slope(sample, targets());
            let weight = (-loss).exp() / SAMPLES as f64;
            add(&mut fisher, weight, &g, &v);
            let one = bench.at(sample..sample + 1, targets());
            let newton = one.products(Matrix::GaussNewton, std::slice::from_ref(&v));
            let newton = newton.unwrap().remove(0);
            drawn
                .iter_mut()
                .zip(newton)
                .for_each(|(sum, x)| *sum += weight * x);
        }
    }
    assert!(off(&drawn, &fisher) < 1e-9);
    let newton = bench.newton(values(vec![0.0, 1.0, 1.0, 1.0], 1), &v);
    assert!(off(&newton, &fisher) > 0.05);
}
