//! # Lesson 5: your own module, your own loss
//!
//! The library knows some networks by name, but needs none of them: any Burn module and any closure
//! from module and data to a loss is a landscape. Here a gated residual network learns three
//! spirals, with label smoothing, noise on the inputs and an L2 term.
//!
//! You learn
//!
//! - that the loss you train with is the loss you look at: one function serves both;
//! - how to keep the parts of a loss apart, so that the picture can show each, or their sum;
//! - that anything random is drawn once, before: a landscape is a function of the weights alone;
//! - how to check the fast way (the loss recorded as a graph) against the plain way (the module
//!   itself, moved to each point).
//!
//! ```sh
//! cargo run --release --example 05-your-own-module [FOLDER]
//! ```

mod common;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::activation::{log_softmax, sigmoid, tanh};
use burn::tensor::{Device, Int, Tensor, TensorData};
use common::Output;
use loss_landscape::core::{
    BiasMode, Direction, Distribution, Grid, Normalization, Objective, Plane, Rng, Sample, Sampler,
    Surface, Value, metrics_of, orthogonalize,
};
use loss_landscape::plot::{Options, Scale, contour, surface3d};
use loss_landscape::trace::{DirectObjective, Loss, Trace, params_of};
use std::error::Error;

/// Any struct that derives `Module`. The paths of its fields become the parameters' names.
#[derive(Module, Debug)]
struct GatedNet {
    enter: Linear,
    value: Linear,
    gate: Linear,
    leave: Linear,
}

impl GatedNet {
    fn new(device: &Device) -> Self {
        let layer = |from, to| LinearConfig::new(from, to).init(device);
        GatedNet {
            enter: layer(2, 24),
            value: layer(24, 24),
            gate: layer(24, 24),
            leave: layer(24, 3),
        }
    }

    /// `h + value(h) * sigmoid(gate(h))`: a residual block that decides how much it adds.
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let h = tanh(self.enter.forward(x));
        let added = tanh(self.value.forward(h.clone())) * sigmoid(self.gate.forward(h.clone()));
        self.leave.forward(h + added)
    }

    /// Sum of the squares of all weights; biases are left free.
    fn squares(&self) -> Tensor<1> {
        let of = |layer: &Linear| layer.weight.val().powi_scalar(2).sum();
        of(&self.enter) + of(&self.value) + of(&self.gate) + of(&self.leave)
    }
}

/// What the loss is computed from: tensors whose first axis counts the samples.
type Data = (Tensor<2>, Tensor<1, Int>);

const SMOOTHING: f64 = 0.1;
const DECAY: f64 = 1e-3;

/// The loss, one number a sample, with its L2 term beside it.
fn loss(net: &GatedNet, (x, y): &Data) -> Loss {
    let log_p = log_softmax(net.forward(x.clone()), 1);
    // Label smoothing: nine tenths of the target are the class, one tenth is shared by all three.
    let of_class = log_p
        .clone()
        .gather(1, y.clone().unsqueeze_dim(1))
        .squeeze_dim::<1>(1);
    let of_all = log_p.clone().mean_dim(1).squeeze_dim::<1>(1);
    let each = of_class.mul_scalar(1.0 - SMOOTHING) + of_all.mul_scalar(SMOOTHING);
    let correct = log_p.argmax(1).squeeze_dim::<1>(1).equal(y.clone());
    Loss::new(each.neg())
        .with_correct(correct)
        .with_term("l2", DECAY, net.squares())
}

fn main() -> Result<(), Box<dyn Error>> {
    let out = Output::of("05-your-own-module")?;
    let device = Device::flex();
    device.seed(42);

    // 1. Train it, in whatever way you train. This is Burn's own loop on the whole data.
    let data = spirals(60, &device);
    let net = train(GatedNet::new(&device), &data);

    // 2. From the module to parameters (PyTorch's names and layout) to a plane.
    let params = params_of(&net)?;
    println!("parameters: {} in {} tensors", params.numel(), params.len());
    let draw = |stream| {
        let raw = Direction::random(&params, Distribution::Gaussian, 42, stream);
        raw.normalize(&params, Normalization::Filter, BiasMode::Zero)
    };
    let mut directions = vec![draw(0)?, draw(1)?];
    orthogonalize(&mut directions)?;
    let plane = Plane::new(params, directions)?;

    // 3. The fast way: record the loss as a graph, once, and evaluate the graph on the plane.
    let trace = Trace::capture(&net, &data, loss)?;
    println!("graph: {} operations", trace.operations().len());
    let objective = trace.objective(&plane, &[])?;
    let terms = objective.terms().to_vec();
    let mut surface = Surface::new(Grid::square(51, 1.0, 2)?, terms.clone());
    Sampler::new().run(&objective, &mut surface, &mut [])?;

    // 4. The plain way, for losses that cannot be recorded, and as a check at some points.
    let itself = |net: &GatedNet| measure(net, &data);
    let plain = DirectObjective::new(&net, &plane, terms, itself)?;
    let points = [[0.0; 3], [0.5, -0.25, 0.0], [-1.0, 1.0, 0.0]];
    for (a, b) in std::iter::zip(objective.evaluate(&points)?, plain.evaluate(&points)?) {
        let difference = (a.loss / b.loss - 1.0).abs();
        println!(
            "graph {:.6}, module {:.6}: differ by {difference:.1e}",
            a.loss, b.loss
        );
    }

    // 5. Parts and whole. Each point also knows the standard error of its mean over the samples.
    let centre = &objective.evaluate(&[[0.0; 3]])?[0];
    let error = centre.loss_se.unwrap_or(f64::NAN);
    let (l2, total) = (centre.terms[0], centre.total(surface.terms()));
    println!(
        "trained accuracy: {:.3}",
        centre.accuracy.unwrap_or(f64::NAN)
    );
    println!(
        "data loss {:.4} +- {error:.4}, l2 {l2:.2} * {DECAY}, total {total:.4}",
        centre.loss
    );
    let parts = [
        ("data", Value::Loss),
        ("l2", Value::Term(0)),
        ("total", Value::Total),
    ];
    for (name, value) in parts {
        let m = metrics_of(&surface, value)?;
        let (low, high, convexity) = (m.min_loss, m.max_loss, m.convexity.unwrap_or(f64::NAN));
        println!("{name} plane: {low:.3} to {high:.3}, convexity {convexity:.3}");
        let mut options = Options::default().directions(plane.directions());
        options.value = value;
        options.scale = Scale::Log;
        out.figure(&format!("{name}-contour"), contour(&surface, &options)?)?;
        out.figure(&format!("{name}-surface"), surface3d(&surface, &options)?)?;
    }
    Ok(())
}

/// Three spiral arms of `n` points each. The noise is drawn here, once: every point of the
/// landscape sees the same inputs.
fn spirals(n: usize, device: &Device) -> Data {
    let mut rng = Rng::new(42, 0);
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for arm in 0..3 {
        for i in 0..n {
            let t = i as f64 / n as f64;
            let angle = 4.0 * t + std::f64::consts::TAU * arm as f64 / 3.0;
            x.push((2.0 * t * angle.cos() + 0.08 * rng.normal()) as f32);
            x.push((2.0 * t * angle.sin() + 0.08 * rng.normal()) as f32);
            y.push(arm as i64);
        }
    }
    let (x, y) = (TensorData::new(x, [3 * n, 2]), TensorData::new(y, [3 * n]));
    (Tensor::from_data(x, device), Tensor::from_data(y, device))
}

/// 400 steps of Adam on the data loss and its term.
fn train(net: GatedNet, data: &Data) -> GatedNet {
    let mut net = net.train();
    let mut optimizer = AdamConfig::new().init();
    for _ in 0..400 {
        let (each, _, terms) = loss(&net, data).parts();
        let total = each.mean() + terms[0].clone().mul_scalar(DECAY);
        let gradients = GradientsParams::from_grads(total.backward(), &net);
        net = optimizer.step(0.01, net, gradients);
    }
    net.valid()
}

/// The same loss, computed by the module itself.
fn measure(net: &GatedNet, data: &Data) -> Sample {
    let (each, _, terms) = loss(net, data).parts();
    let mean = |values: Tensor<1>| {
        let n = values.dims()[0] as f64;
        values.into_data().iter::<f64>().sum::<f64>() / n
    };
    Sample {
        terms: terms.into_iter().map(mean).collect(),
        ..Sample::of(mean(each))
    }
}
