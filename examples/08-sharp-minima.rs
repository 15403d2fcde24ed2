//! # Lesson 8: sharp minima, and what sharpness depends on
//!
//! Flat minima are said to be good ones. Dinh et al. (2017, arXiv:1703.04933) answered with a
//! trick: multiply the first layer of a ReLU network by a number, divide the second by it, and the
//! network computes what it did before. Its predictions, its loss, its generalisation stay; its
//! curvature becomes whatever you like. A measure of sharpness that moves under this rescaling says
//! nothing about the function by itself.
//!
//! You learn
//!
//! - how a module with second derivatives becomes something whose sharpness can be measured;
//! - which measures the rescaling moves: the trace, the largest eigenvalue, Keskar's, SAM's, the
//!   Gaussian average, PAC-Bayes;
//! - which survive it: adaptive worst and average cases, ASAM, the Fisher-Rao norm, relative flatness;
//! - what becomes of the Hessian: `tr H(a) = tr H11 / a^2 + a^2 tr H22`.
//!
//! That a measure survives does not make it a predictor of generalisation (arXiv:2302.07011).
//!
//! ```sh
//! cargo run --release --example 08-sharp-minima [FOLDER]
//! ```

mod common;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::activation::{log_softmax, relu};
use burn::tensor::{Device, Int, Tensor, TensorData};
use common::Output;
use loss_landscape::core::{Params, Role};
use loss_landscape::hessian::sharpness::{
    self, AverageParams, KeskarParams, LossError, LossFunction, Metric, PacBayesParams, Point,
    SamParams, Scaling, WorstCaseParams,
};
use loss_landscape::hessian::{
    Dense, Density, DensityParams, Estimate, Operator, OperatorError, Trace as TraceOf,
    TraceParams, try_from_fn, unobserved,
};
use loss_landscape::models::{Split, Targets, load};
use loss_landscape::plot::{Figure, LossCurve, Options, Scale, losses};
use loss_landscape::trace::{Curvature, Loss, Matrix, Target, Trace, params_of};
use std::error::Error;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Powers of two, so that rescaled weights are exact and the function is the same to the last bit.
const FACTORS: [f64; 7] = [0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0];
/// The place of the network as it was trained among them.
const TRAINED: usize = 3;
/// The curvature of what is known of the weights beforehand, per sample: 1/σ² of a Gaussian around 0, over the samples.
const DAMPING: f64 = 0.01;

/// Two layers, no biases: `W2 relu(W1 x)` does not change under `W1 -> a W1`, `W2 -> W2 / a`.
#[derive(Module, Debug)]
struct Net {
    fc1: Linear,
    fc2: Linear,
}

impl Net {
    fn new(device: &Device) -> Self {
        let layer = |from, to| LinearConfig::new(from, to).with_bias(false).init(device);
        Net {
            fc1: layer(3, 16),
            fc2: layer(16, 2),
        }
    }
}

type Data = (Tensor<2>, Tensor<1, Int>);

/// Cross-entropy, one number a sample.
fn loss(net: &Net, (x, y): &Data) -> Loss {
    let log_p = log_softmax(net.fc2.forward(relu(net.fc1.forward(x.clone()))), 1);
    let of_class = log_p.gather(1, y.clone().unsqueeze_dim(1));
    Loss::new(of_class.squeeze_dim::<1>(1).neg())
}

fn main() -> Result<()> {
    let out = Output::of("08-sharp-minima")?;
    let device = Device::flex();
    device.seed(8);

    // 1. A trained network, and its loss recorded as a graph that knows its second derivatives.
    let data = moons(&device)?;
    let net = train(Net::new(&device), &data);
    let trace = Trace::capture(&net, &data, loss)?;
    let params = params_of(&net)?;

    // 2. The same function at other parameters, and its sharpness there by every measure.
    let measured: Vec<Sharpness> = FACTORS
        .iter()
        .map(|&a| Sharpness::of(&trace, &rescaled(&params, a)?))
        .collect::<Result<_>>()?;

    // 3. The table: what the rescaling moves, and what it does not.
    println!(
        "| measure | {} |",
        FACTORS.map(|a| a.to_string()).join(" | ")
    );
    println!("|---|{}", "---|".repeat(FACTORS.len()));
    row("loss", measured.iter().map(|m| m.loss));
    for (k, measure) in measured[0].measures.iter().enumerate() {
        row(measure.name, measured.iter().map(|m| m.measures[k].value));
    }

    // 4. The law behind it: blocks of the Hessian shrink and grow with the square of the factor.
    let [first, second] = measured[TRAINED].traces;
    println!("trace of the blocks: {first:.4} and {second:.4}");
    let apart = FACTORS.iter().zip(&measured).map(|(a, m)| {
        let law = first / (a * a) + a * a * second;
        ((m.traces[0] + m.traces[1]) / law - 1.0).abs()
    });
    let apart = apart.fold(0.0, f64::max);
    println!("tr H(a) and tr H11 / a^2 + a^2 tr H22 differ by {apart:.1e}");

    // 5. The free energy: what the volume of the minimum adds to a loss that is the same everywhere.
    let [volume, exact] = [
        &measured[TRAINED].volume.mean,
        &measured[TRAINED].exact_volume,
    ];
    let error = measured[TRAINED].volume.standard_error;
    println!(
        "half log-determinant at a = 1: {volume:.3} +- {error:.3}, of all eigenvalues {exact:.3}"
    );
    row("volume", measured.iter().map(|m| m.volume.mean));
    row(
        "free energy",
        measured.iter().map(|m| m.loss + m.volume.mean / 200.0),
    );

    // 6. One picture: each measure relative to its value at a = 1.
    out.figure("sharpness", picture(&measured)?)
}

/// Two moons, 200 points. The third input is 1 and stands in for the bias that the network lacks.
fn moons(device: &Device) -> Result<Data> {
    let moons = load(
        &"moons:n=200,noise=0.15,seed=42".parse()?,
        None,
        Split::Train,
        None,
    )?;
    let Targets::Classes(labels) = moons.y().clone() else {
        return Err("moons have classes".into());
    };
    let x: Vec<f32> = moons
        .x()
        .chunks(2)
        .flat_map(|point| [point[0], point[1], 1.0])
        .collect();
    let (x, y) = (TensorData::new(x, [200, 3]), TensorData::new(labels, [200]));
    Ok((Tensor::from_data(x, device), Tensor::from_data(y, device)))
}

/// 600 steps of Adam on all points.
fn train(net: Net, data: &Data) -> Net {
    let mut net = net.train();
    let mut optimizer = AdamConfig::new().init();
    for _ in 0..600 {
        let (each, _, _) = loss(&net, data).parts();
        let gradients = GradientsParams::from_grads(each.mean().backward(), &net);
        net = optimizer.step(0.02, net, gradients);
    }
    net.valid()
}

/// `W1 -> a W1`, `W2 -> W2 / a`.
fn rescaled(params: &Params, a: f64) -> Result<Params> {
    let mut tensors = params.clone().into_inner();
    for tensor in &mut tensors {
        let factor = if tensor.name == "fc1.weight" {
            a
        } else {
            1.0 / a
        };
        tensor.data.iter_mut().for_each(|w| *w *= factor as f32);
    }
    Ok(Params::new(tensors)?)
}

/// A number, and whether it should stay under the rescaling.
struct Measure {
    name: &'static str,
    survives: bool,
    value: f64,
}

/// All measures at one point.
struct Sharpness {
    loss: f64,
    /// Of the two layers' own blocks of the Hessian.
    traces: [f64; 2],
    measures: Vec<Measure>,
    /// Half the log-determinant, see [`volume`], and the same of all eigenvalues.
    volume: Estimate,
    exact_volume: f64,
}

impl Sharpness {
    fn of(trace: &Trace, params: &Params) -> Result<Self> {
        let function = Traced::new(trace.curvature(params, &Target::default())?.in_f64());
        let point = Point::new(&function, function.curvature.point().to_vec())?;
        let matrix = assemble(&function.curvature, Matrix::Hessian)?;
        let gauss_newton = assemble(&function.curvature, Matrix::GaussNewton)?.eigenvalues();
        let exact = gauss_newton
            .iter()
            .map(|value| (value.max(0.0) / DAMPING).ln_1p());
        let traces = [0, 1].map(|block| {
            let range = function.curvature.blocks()[block].range.clone();
            range.map(|i| matrix.rows()[i * matrix.dim() + i]).sum()
        });
        let mut measures = vec![
            moved("trace", matrix.trace()),
            moved("largest eigenvalue", matrix.eigenvalues()[0]),
        ];
        measures.extend(plain(&point)?);
        measures.extend(adaptive(&point, &function.curvature, &matrix)?);
        Ok(Sharpness {
            loss: point.loss(),
            traces,
            measures,
            volume: volume(&function.curvature)?,
            exact_volume: 0.5 * exact.sum::<f64>(),
        })
    }
}

fn moved(name: &'static str, value: f64) -> Measure {
    Measure {
        name,
        survives: false,
        value,
    }
}

fn survives(name: &'static str, value: f64) -> Measure {
    Measure {
        survives: true,
        ..moved(name, value)
    }
}

/// Measures in which a step is as long for every weight, however large the weight.
fn plain(point: &Point) -> Result<Vec<Measure>> {
    let keskar = point.keskar(&KeskarParams::default(), &mut unobserved)?;
    let sam = point.sam(&SamParams::default())?;
    let noise = AverageParams {
        scaling: Scaling::Unit,
        ..AverageParams::default()
    };
    let gauss = point.average(&noise, &mut unobserved)?;
    let bayes = point.pac_bayes(&PacBayesParams::default(), &mut unobserved)?;
    Ok(vec![
        moved("Keskar", keskar.value),
        moved("SAM", sam.rise),
        moved("Gaussian average", gauss.mean),
        moved("PAC-Bayes 1/σ²", bayes.flatness()),
    ])
}

/// Measures in which a step is relative to the weight, and norms that belong to the function.
fn adaptive(point: &Point, curvature: &Curvature, hessian: &Dense) -> Result<Vec<Measure>> {
    let worst = point.worst_case(&WorstCaseParams::default(), &mut unobserved)?;
    let average = point.average(&AverageParams::default(), &mut unobserved)?;
    let asam = point.sam(&SamParams {
        rho: 0.5,
        metric: Metric::Adaptive { eta: 1e-6 }, // 0 would be invariant exactly
    })?;
    // For a softmax with cross-entropy, the Gauss-Newton matrix is the Fisher matrix.
    let norm = point.fisher_rao(&gauss_newton(curvature))?.norm;
    let probes = TraceOf::new(TraceParams::default())?;
    let flatness = point.relative_flatness(hessian, "fc1.weight", &probes, &mut unobserved)?;
    Ok(vec![
        survives("adaptive worst case", worst.rise),
        survives("adaptive average", average.mean),
        survives("ASAM", asam.rise),
        survives("Fisher-Rao norm", norm),
        survives("relative flatness", flatness.mean),
    ])
}

fn gauss_newton(curvature: &Curvature) -> impl Operator {
    try_from_fn(curvature.dim(), |block: &[Vec<f64>]| {
        let products = curvature.products(Matrix::GaussNewton, block);
        products.map_err(OperatorError::new)
    })
}

/// `log det (1 + G / damping) / 2` by Lanczos quadrature: how much smaller the minimum is than what was known beforehand, as a
/// logarithm.
fn volume(curvature: &Curvature) -> Result<Estimate> {
    let density = Density::new(DensityParams {
        probes: 32,
        ..DensityParams::default()
    })?;
    let found = density.run(&gauss_newton(curvature), &[], &mut unobserved)?;
    let whole = found.log_determinant(DAMPING).ok_or("not a minimum")?;
    Ok(Estimate {
        mean: 0.5 * (whole.mean - curvature.dim() as f64 * DAMPING.ln()),
        standard_error: 0.5 * whole.standard_error,
        ..whole
    })
}

/// The recorded loss as something whose sharpness can be measured.
struct Traced {
    curvature: Curvature,
    tensors: Vec<sharpness::Tensor>,
}

impl Traced {
    fn new(curvature: Curvature) -> Self {
        let tensor = |block: &loss_landscape::trace::Block| sharpness::Tensor {
            name: block.name.clone(),
            range: block.range.clone(),
            shape: block.shape.clone(),
            weight: block.role == Role::Weight,
        };
        let tensors = curvature.blocks().iter().map(tensor).collect();
        Traced { curvature, tensors }
    }
}

impl LossFunction for Traced {
    fn dim(&self) -> usize {
        self.curvature.dim()
    }

    fn loss(&self, theta: &[f64]) -> std::result::Result<f64, LossError> {
        Ok(self.gradient(theta)?.0)
    }

    fn gradient(&self, theta: &[f64]) -> std::result::Result<(f64, Vec<f64>), LossError> {
        let found = self.curvature.gradient_at(theta).map_err(LossError::new)?;
        Ok((found.loss, found.gradient))
    }

    fn tensors(&self) -> &[sharpness::Tensor] {
        &self.tensors
    }
}

/// A whole matrix: 80 products with unit vectors, at once.
fn assemble(curvature: &Curvature, matrix: Matrix) -> Result<Dense> {
    let n = curvature.dim();
    let unit = |i: usize| (0..n).map(|j| f64::from(u8::from(i == j))).collect();
    let units: Vec<Vec<f64>> = (0..n).map(unit).collect();
    Ok(Dense::new(n, curvature.products(matrix, &units)?.concat())?)
}

fn row(name: &str, values: impl Iterator<Item = f64>) {
    let cells: Vec<String> = values.map(|value| format!("{value:.4e}")).collect();
    println!("| {name} | {} |", cells.join(" | "));
}

/// Every measure that moves, relative to its value at a = 1, and the mean of those that do not.
fn picture(measured: &[Sharpness]) -> Result<Figure> {
    let trained = &measured[TRAINED].measures;
    let share = |m: &Sharpness, k: usize| m.measures[k].value / trained[k].value;
    let curve = |name: &str, of: &dyn Fn(&Sharpness) -> f64| LossCurve {
        name: name.into(),
        steps: FACTORS.map(f64::log2).to_vec(),
        losses: measured.iter().map(of).collect(),
        accuracies: vec![],
    };
    let all = 0..trained.len();
    let (surviving, moving): (Vec<usize>, Vec<usize>) = all.partition(|&k| trained[k].survives);
    let mut curves: Vec<LossCurve> = moving
        .iter()
        .map(|&k| curve(trained[k].name, &|m| share(m, k)))
        .collect();
    let mean = |m: &Sharpness| {
        let sum: f64 = surviving.iter().map(|&k| share(m, k)).sum();
        sum / surviving.len() as f64
    };
    let name = format!("mean of the {} that survive", surviving.len());
    curves.push(curve(&name, &mean));
    let options = Options {
        scale: Scale::Log,
        range: Some((0.5, 80.0)),
        axes: [
            Some("log₂ a (W₁ times a, W₂ divided by a)".into()),
            None,
            None,
        ],
        value_label: Some("value relative to a = 1".into()),
        ..Options::default()
    };
    Ok(losses(&curves, &options)?)
}
