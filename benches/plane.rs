//! Planes of 51x51 points: the three workloads of `docs/benchmarks.md`, and the same on 1 thread;
//! and four points of convolutional networks, against threads and images a point.
//!
//! `cargo bench --bench plane`; beside a PyTorch loop: `benches/peers/compare.sh`.

#![allow(missing_docs)] // criterion generates public functions

use burn::tensor::Device;
use criterion::{Bencher, Criterion, Throughput, criterion_group, criterion_main};
use landscape_core::{
    BiasMode, Direction, Distribution, Grid, Normalization, Objective, Plane, Point, Rng,
};
use landscape_models::{
    DataSpec, Dataset, LossKind, ModelSpec, Network, Split, Targets, load, trace_network,
};
use landscape_trace::{Level, Target, Trace};
use std::cell::LazyCell;
use std::hint::black_box;

/// A perceptron, an embedded data set repeated up to `samples`, and a plane.
fn workload(model: &str, data: &str, samples: usize, loss: LossKind) -> (Trace, Plane) {
    let source: DataSpec = data.parse().expect("a data set");
    let data = load(&source, None, Split::Train, None).expect("embedded data");
    around_initial(model, &repeated(data, samples), loss)
}

/// A network on data, and a filter-normalised plane around its initial weights.
fn around_initial(model: &str, data: &Dataset, loss: LossKind) -> (Trace, Plane) {
    let spec: ModelSpec = model.parse().expect("a model");
    let network = Network::init(&spec, 0, &Device::flex());
    let params = network.params();
    let direction = |stream| {
        let direction = Direction::random(&params, Distribution::Gaussian, 1, stream);
        direction
            .normalize(&params, Normalization::Filter, BiasMode::Zero)
            .expect("same layout")
    };
    let plane =
        Plane::new(params.clone(), vec![direction(0), direction(1)]).expect("two directions");
    (
        trace_network(&network, data, loss, &[]).expect("a known network"),
        plane,
    )
}

fn repeated(data: Dataset, samples: usize) -> Dataset {
    let times = samples.div_ceil(data.len());
    let x: Vec<f32> = (0..times).flat_map(|_| data.x().to_vec()).collect();
    let y = match data.y() {
        Targets::Classes(y) => Targets::Classes(y.repeat(times)),
        Targets::Values { data, width } => Targets::Values {
            data: data.repeat(times),
            width: *width,
        },
        Targets::None(samples) => Targets::None(samples * times),
    };
    let shape = vec![times * data.len(), data.features()];
    Dataset::new(data.name(), shape, x, y)
        .and_then(|d| d.take(samples))
        .expect("well formed")
}

fn planes(criterion: &mut Criterion) {
    let grid = Grid::square(51, 1.0, 2).expect("a grid");
    let points: Vec<Point> = (0..grid.len()).map(|i| grid.point(i)).collect();
    let mut group = criterion.benchmark_group("plane 51x51");
    group.sample_size(20);
    let workloads = [
        (
            "two moons 2-8-4-1, 200 samples",
            "mlp:2-8-4-1",
            "moons",
            200,
            LossKind::BceWithLogits,
        ),
        (
            "MNIST 784-20-10, 192 samples",
            "mlp:784-20-10",
            "mnist-1k",
            192,
            LossKind::CrossEntropy,
        ),
        (
            "MNIST 784-20-10, 10000 samples",
            "mlp:784-20-10",
            "mnist-1k",
            10_000,
            LossKind::CrossEntropy,
        ),
    ];
    for (name, model, data, samples, loss) in workloads {
        let (trace, plane) = workload(model, data, samples, loss);
        for threads in [1, 2] {
            let id = format!("{name}, {threads} threads");
            group.bench_function(id, |bencher| {
                evaluate(bencher, &trace, &plane, &points, threads);
            });
        }
    }
    group.finish();
}

/// Points on the CPU. The preparation of the plane (shared and affine values) belongs to the work.
fn evaluate(bencher: &mut Bencher, trace: &Trace, plane: &Plane, points: &[Point], threads: usize) {
    let target = Target::Host {
        threads,
        level: Level::detect(),
    };
    bencher.iter(|| {
        let objective = trace.objective(plane, std::slice::from_ref(&target));
        black_box(objective.map(|o| o.evaluate(points).expect("finite memory")))
    });
}

/// Images of noise in CIFAR-10's shape: what they show does not matter for the time.
fn noise(images: usize) -> Dataset {
    let mut rng = Rng::new(0, 0);
    let x = (0..images * 3 * 32 * 32)
        .map(|_| rng.normal() as f32)
        .collect();
    let y = (0..images).map(|_| rng.below(10) as i64).collect();
    Dataset::new("noise", vec![images, 3, 32, 32], x, Targets::Classes(y)).expect("well formed")
}

/// Images a second, against threads and images a point.
fn convolutions(criterion: &mut Criterion) {
    let grid = Grid::square(2, 0.1, 2).expect("a grid");
    let points: Vec<Point> = (0..grid.len()).map(|i| grid.point(i)).collect();
    let mut group = criterion.benchmark_group("CIFAR-10, 4 points");
    group.sample_size(10);
    for (name, model) in [("ResNet-20", "resnet20"), ("ResNet-56", "resnet56")] {
        for images in [16, 128, 512] {
            let inputs = || around_initial(model, &noise(images), LossKind::CrossEntropy);
            let inputs = LazyCell::new(inputs); // not for those that are filtered out
            group.throughput(Throughput::Elements((points.len() * images) as u64));
            for threads in [1, 2] {
                let id = format!("{name}, {images} images, {threads} threads");
                group.bench_function(id, |bencher| {
                    let (trace, plane) = &*inputs;
                    evaluate(bencher, trace, plane, &points, threads);
                });
            }
        }
    }
    group.finish();
}

criterion_group!(benches, planes, convolutions);
criterion_main!(benches);
