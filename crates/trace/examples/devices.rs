//! Times a plane on every device of this build, beside the CPU's own kernels, and compares the losses.
//!
//! `cargo run --release -p landscape-trace --example devices --features wgpu -- [images] [axis]`

use burn::module::Module;
use burn::nn::{Linear, LinearConfig, loss::CrossEntropyLossConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Int, Tensor, TensorData};
use landscape_core::{
    BiasMode, Direction, Distribution, Grid, Normalization, Objective, Plane, Point, Rng,
};
use landscape_trace::{Loss, Target, Trace, params_of};
use std::time::Instant;

#[derive(Module, Debug)]
struct Net {
    fc1: Linear,
    fc2: Linear,
}

type Batch = (Tensor<2>, Tensor<1, Int>);

/// As many images of 784 pixels as asked for, of noise: their values do not change the time.
fn batch(images: usize) -> Batch {
    let mut rng = Rng::new(1, 1);
    let pixels: Vec<f32> = (0..images * 784).map(|_| rng.normal() as f32).collect();
    let labels: Vec<i64> = (0..images).map(|_| rng.below(10) as i64).collect();
    let device = Device::flex();
    (
        Tensor::from_data(TensorData::new(pixels, [images, 784]), &device),
        Tensor::from_data(TensorData::new(labels, [images]), &device),
    )
}

fn loss(net: &Net, (x, y): &Batch) -> Loss {
    let logits = net.fc2.forward(relu(net.fc1.forward(x.clone())));
    let correct = logits.clone().argmax(1).squeeze_dim::<1>(1);
    let correct = correct.equal(y.clone());
    let config = CrossEntropyLossConfig::new().init(&x.device());
    Loss::new(config.forward(logits, y.clone())).with_correct(correct)
}

fn plane(net: &Net) -> Result<Plane, Box<dyn std::error::Error>> {
    let params = params_of(net)?;
    let direction = |stream| {
        let random = Direction::random(&params, Distribution::Gaussian, 7, stream);
        random.normalize(&params, Normalization::Filter, BiasMode::Zero)
    };
    Ok(Plane::new(
        params.clone(),
        vec![direction(0)?, direction(1)?],
    )?)
}

fn devices() -> Result<Vec<Device>, Box<dyn std::error::Error>> {
    Ok(vec![
        Device::flex(),
        #[cfg(feature = "wgpu")]
        landscape_trace::wgpu_device(None)?,
        #[cfg(feature = "tch")]
        #[allow(deprecated)] // by Burn
        Device::libtorch(),
    ])
}

/// Seconds of the fastest of three evaluations, of one where it is slow, after a point that is not
/// counted; and the losses.
fn time(
    trace: &Trace,
    plane: &Plane,
    target: Target,
    points: &[Point],
) -> Result<(String, f64, Vec<f64>), Box<dyn std::error::Error>> {
    let objective = trace.objective(plane, &[target])?;
    objective.evaluate(&points[..1])?;
    let mut best = f64::INFINITY;
    let mut losses = Vec::new();
    for _ in 0..3 {
        let start = Instant::now();
        let samples = objective.evaluate(points)?;
        best = best.min(start.elapsed().as_secs_f64());
        losses = samples.iter().map(|sample| sample.loss).collect();
        if best > 10.0 {
            break;
        }
    }
    Ok((objective.describe(), best, losses))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut given = std::env::args().skip(1);
    let images = given.next().map_or(Ok(10_000), |n| n.parse())?;
    let axis = given.next().map_or(Ok(51), |n| n.parse())?;
    let device = Device::flex();
    let net = Net {
        fc1: LinearConfig::new(784, 20).init(&device),
        fc2: LinearConfig::new(20, 10).init(&device),
    };
    let trace = Trace::capture(&net, &batch(images), loss)?;
    let plane = plane(&net)?;
    let grid = Grid::square(axis, 1.0, 2)?;
    let points: Vec<Point> = (0..grid.len()).map(|i| grid.point(i)).collect();
    let (name, host, expected) = time(&trace, &plane, Target::default(), &points)?;
    println!("{name}: {host:.3} s");
    for device in devices()? {
        let target = Target::Device { device, batch: 0 };
        let (name, seconds, losses) = time(&trace, &plane, target, &points)?;
        let differences = losses
            .iter()
            .zip(&expected)
            .map(|(a, b)| (a / b - 1.0).abs());
        let largest = differences.fold(0.0, f64::max);
        let ratio = seconds / host;
        println!("{name}: {seconds:.3} s, {ratio:.1} times; losses differ by {largest:.1e}");
    }
    Ok(())
}
