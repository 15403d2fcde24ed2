//! Losses of MLPs on lines, planes and volumes, by every executor.

use crate::reference::*;
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::{log_softmax, relu};
use burn::tensor::{Device, Int, Tensor, TensorData};
use landscape_core::{
    BiasMode, Direction, Distribution, Normalization, Objective, Params, Plane, Rng,
};
use landscape_trace::{Level, Loss, Target, Trace, TraceError, params_of, with_params};

#[derive(Module, Debug)]
pub struct Mlp {
    fc1: Linear,
    fc2: Linear,
    fc3: Option<Linear>,
}

impl Mlp {
    pub fn new(sizes: &[usize], seed: u64) -> Self {
        let device = Device::flex();
        let layer = |i: usize| LinearConfig::new(sizes[i], sizes[i + 1]).init(&device);
        let fc3 = (sizes.len() > 3).then(|| layer(2));
        let module = Self {
            fc1: layer(0),
            fc2: layer(1),
            fc3,
        };
        let mut rng = Rng::new(seed, 99);
        let mut params = params_of(&module).unwrap().into_inner();
        for p in &mut params {
            p.data
                .iter_mut()
                .for_each(|x| *x = 0.7 * rng.normal() as f32);
        }
        with_params(module, &Params::new(params).unwrap()).unwrap()
    }

    pub fn weights(&self) -> [Tensor<2>; 2] {
        [self.fc1.weight.val(), self.fc2.weight.val()]
    }

    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let h = self.fc2.forward(relu(self.fc1.forward(x)));
        match &self.fc3 {
            Some(fc3) => fc3.forward(relu(h)),
            None => h,
        }
    }
}

/// A plane of `dims` random directions; biases move too.
pub fn plane(params: &Params, dims: usize) -> Plane {
    let directions = (0..dims as u64).map(|stream| {
        let d = Direction::random(params, Distribution::Gaussian, 7, stream);
        d.normalize(params, Normalization::Filter, BiasMode::Layer)
            .unwrap()
    });
    Plane::new(params.clone(), directions.collect()).unwrap()
}

pub struct Data {
    pub x: Vec<Vec<f64>>,
    pub labels: Vec<usize>,
}

pub fn data(n: usize, width: usize, classes: u64, seed: u64) -> Data {
    let mut rng = Rng::new(seed, 5);
    let x = (0..n)
        .map(|_| (0..width).map(|_| f64::from(rng.normal() as f32)).collect())
        .collect();
    let labels = (0..n).map(|_| rng.below(classes) as usize).collect();
    Data { x, labels }
}

impl Data {
    pub fn x(&self) -> Tensor<2> {
        let flat: Vec<f32> = self.x.iter().flatten().map(|&x| x as f32).collect();
        let data = TensorData::new(flat, [self.x.len(), self.x[0].len()]);
        Tensor::from_data(data, &Device::flex())
    }

    pub fn classes(&self) -> Tensor<1, Int> {
        let labels: Vec<i64> = self.labels.iter().map(|&l| l as i64).collect();
        let data = TensorData::new(labels, [self.labels.len()]);
        Tensor::from_data(data, &Device::flex())
    }

    pub fn targets(&self) -> Tensor<2> {
        let targets: Vec<f32> = self.labels.iter().map(|&l| l as f32).collect();
        let data = TensorData::new(targets, [self.labels.len(), 1]);
        Tensor::from_data(data, &Device::flex())
    }
}

pub fn classification(module: &Mlp, (x, y): &(Tensor<2>, Tensor<1, Int>)) -> Loss {
    let logits = module.forward(x.clone());
    let correct = logits
        .clone()
        .argmax(1)
        .squeeze_dim::<1>(1)
        .equal(y.clone());
    let picked = log_softmax(logits, 1).gather(1, y.clone().unsqueeze_dim(1));
    Loss::new(picked.neg().squeeze_dim::<1>(1)).with_correct(correct)
}

/// Every executor that runs on this machine.
pub fn targets() -> Vec<Target> {
    let mut targets: Vec<Target> = Level::available()
        .into_iter()
        .flat_map(|level| [1, 3].map(|threads| Target::Host { threads, level }))
        .collect();
    for device in devices() {
        targets.extend([0, 7].map(|batch| Target::Device {
            device: device.clone(),
            batch,
        }));
    }
    targets
}

/// Every Burn device that this build has.
pub fn devices() -> Vec<Device> {
    vec![
        Device::flex(),
        #[cfg(feature = "wgpu")]
        landscape_trace::wgpu_device(None).unwrap(),
        #[cfg(feature = "wgpu")]
        landscape_trace::vulkan_device(Some(0)).unwrap(),
        #[cfg(feature = "tch")]
        #[allow(deprecated)]
        Device::libtorch(),
    ]
}

fn points(dims: usize) -> Vec<[f64; 3]> {
    let mut rng = Rng::new(1, 2);
    let mut points: Vec<[f64; 3]> = vec![[0.0; 3]];
    points.extend((0..45).map(|_| {
        std::array::from_fn(|k| {
            if k < dims {
                rng.uniform(-1.0, 1.0)
            } else {
                0.0
            }
        })
    }));
    points
}

#[test]
fn cross_entropy_equals_the_reference_in_one_two_and_three_dimensions() {
    let module = Mlp::new(&[30, 20, 10], 1);
    for (n, dims) in [(192, 2), (37, 1), (300, 3), (1, 2)] {
        let data = data(n, 30, 10, n as u64);
        let inputs = (data.x(), data.classes());
        let trace = Trace::capture(&module, &inputs, classification).unwrap();
        let plane = plane(&params_of(&module).unwrap(), dims);
        for target in targets() {
            let objective = trace
                .objective(&plane, std::slice::from_ref(&target))
                .unwrap();
            let samples = objective.evaluate(&points(dims)).unwrap();
            for (point, sample) in points(dims).iter().zip(samples) {
                let logits = forward(&at(&plane, *point), 2, &data.x);
                let losses: Vec<f64> = logits
                    .iter()
                    .zip(&data.labels)
                    .map(|(x, &y)| cross_entropy(x, y))
                    .collect();
                let (mean, error) = mean_and_error(&losses);
                assert_close(sample.loss, mean, 1e-5);
                if n > 1 {
                    assert_close(sample.loss_se.unwrap(), error, 1e-4);
                }
                let hits = logits
                    .iter()
                    .zip(&data.labels)
                    .filter(|(x, y)| (0..10).all(|c| x[c] <= x[**y]));
                assert_close(
                    sample.accuracy.unwrap(),
                    hits.count() as f64 / n as f64,
                    1e-6,
                );
            }
        }
    }
}

#[test]
fn binary_cross_entropy_of_a_deep_net_equals_the_reference() {
    let module = Mlp::new(&[2, 8, 4, 1], 2);
    let data = data(200, 2, 2, 3);
    let inputs = (data.x(), data.targets());
    let trace = Trace::capture(&module, &inputs, |module, (x, y)| {
        let z = module.forward(x.clone());
        let loss = z.clone().clamp_min(0.0) - z.clone() * y.clone()
            + (z.clone().abs().neg().exp() + 1.0).log();
        let correct = z.greater_elem(0.0).equal(y.clone().greater_elem(0.5));
        Loss::new(loss.squeeze_dim::<1>(1)).with_correct(correct.squeeze_dim::<1>(1))
    })
    .unwrap();
    let plane = plane(&params_of(&module).unwrap(), 2);
    for target in targets() {
        let objective = trace.objective(&plane, &[target]).unwrap();
        let samples = objective.evaluate(&points(2)).unwrap();
        for (point, sample) in points(2).iter().zip(samples) {
            let logits = forward(&at(&plane, *point), 3, &data.x);
            let pairs = logits.iter().zip(&data.labels);
            let losses: Vec<f64> = pairs
                .map(|(z, &y)| bce_with_logits(z[0], y as f64))
                .collect();
            let (mean, error) = mean_and_error(&losses);
            assert_close(sample.loss, mean, 1e-5);
            assert_close(sample.loss_se.unwrap(), error, 1e-4);
        }
    }
}

#[test]
fn small_losses_keep_their_relative_accuracy() {
    let module = Mlp::new(&[30, 20, 10], 6);
    let plane = plane(&params_of(&module).unwrap(), 1);
    let mut data = data(400, 30, 10, 7);
    // Labels as predicted, and of those samples the ones with losses between 1e-7 and 1e-3.
    let logits = forward(&at(&plane, [0.0; 3]), 2, &data.x);
    let best = |x: &[f64]| (0..10).max_by(|&a, &b| x[a].total_cmp(&x[b])).unwrap();
    data.labels = logits.iter().map(|x| best(x)).collect();
    let losses = logits
        .iter()
        .zip(&data.labels)
        .map(|(x, &y)| cross_entropy(x, y));
    let kept: Vec<bool> = losses.map(|loss| (1e-7..1e-3).contains(&loss)).collect();
    let mut kept_x = kept.iter();
    data.x.retain(|_| *kept_x.next().unwrap());
    let mut kept_labels = kept.iter();
    data.labels.retain(|_| *kept_labels.next().unwrap());
    assert!(data.labels.len() > 50);
    let trace = Trace::capture(&module, &(data.x(), data.classes()), classification).unwrap();
    for target in targets() {
        let objective = trace.objective(&plane, &[target]).unwrap();
        for point in [[0.0; 3], [0.01, 0.0, 0.0]] {
            let found = objective.evaluate(&[point]).unwrap()[0].loss;
            let logits = forward(&at(&plane, point), 2, &data.x);
            let pairs = logits.iter().zip(&data.labels);
            let sum: f64 = pairs.map(|(x, &y)| cross_entropy(x, y)).sum();
            let expected = sum / data.labels.len() as f64;
            assert!(expected < 1e-3);
            assert_close(found, expected, 1e-5);
        }
    }
}

#[test]
fn the_same_bits_for_any_number_of_threads_and_any_way_of_asking() {
    let module = Mlp::new(&[30, 20, 10], 4);
    let data = data(1000, 30, 10, 5);
    let trace = Trace::capture(&module, &(data.x(), data.classes()), classification).unwrap();
    let plane = plane(&params_of(&module).unwrap(), 2);
    let points = points(2);
    let level = Level::detect();
    let run = |threads| {
        let objective = trace
            .objective(&plane, &[Target::Host { threads, level }])
            .unwrap();
        let whole = objective.evaluate(&points).unwrap();
        let single: Vec<_> = points
            .iter()
            .flat_map(|&p| objective.evaluate(&[p]).unwrap())
            .collect();
        assert_eq!(whole, single);
        whole
    };
    assert_eq!(run(1), run(2));
    assert_eq!(run(1), run(5));
}

#[test]
fn devices_share_the_points() {
    let module = Mlp::new(&[30, 20, 10], 4);
    let data = data(100, 30, 10, 5);
    let trace = Trace::capture(&module, &(data.x(), data.classes()), classification).unwrap();
    let plane = plane(&params_of(&module).unwrap(), 2);
    let points: Vec<[f64; 3]> = (0..500).map(|i| [f64::from(i) / 500.0, 0.1, 0.0]).collect();
    let alone = trace
        .objective(&plane, &[])
        .unwrap()
        .evaluate(&points)
        .unwrap();
    let others = devices()
        .into_iter()
        .map(|device| Target::Device { device, batch: 0 });
    let all: Vec<Target> = std::iter::once(Target::default()).chain(others).collect();
    let shared = trace
        .objective(&plane, &all)
        .unwrap()
        .evaluate(&points)
        .unwrap();
    for (a, b) in alone.iter().zip(&shared) {
        assert_close(a.loss, b.loss, 1e-5);
    }
}

#[test]
fn more_threads_than_make_sense_are_an_error() {
    let module = Mlp::new(&[3, 4, 2], 4);
    let data = data(10, 3, 2, 5);
    let trace = Trace::capture(&module, &(data.x(), data.classes()), classification).unwrap();
    let params = params_of(&module).unwrap();
    let plane = plane(&params, 2);
    for threads in [1 << 20, usize::MAX] {
        let level = Level::PORTABLE;
        let target = Target::Host { threads, level };
        let refused = |e| matches!(e, TraceError::TooManyThreads { given } if given == threads);
        assert!(refused(
            trace
                .objective(&plane, std::slice::from_ref(&target))
                .unwrap_err()
        ));
        assert!(refused(trace.curvature(&params, &target).unwrap_err()));
    }
}
