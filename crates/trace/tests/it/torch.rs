//! Losses, standard errors and accuracies of `tests/reference/mlp.txt`, which PyTorch computed in
//! f64, by every executor.

use crate::mlp::targets;
use crate::reference::assert_close;
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::{gelu, log_softmax, relu, tanh};
use burn::tensor::{Device, Int, Tensor, TensorData};
use landscape_core::{
    Axis, Direction, Grid, Objective, Parameter, Params, Plane, Point, Role, Sample, Source,
};
use landscape_trace::{Loss, Trace, with_params};
use std::collections::HashMap;

const TOLERANCE: f64 = 1e-5;

/// Tensors by name: shape and values.
struct Reference(HashMap<&'static str, (Vec<usize>, Vec<f64>)>);

impl Reference {
    fn read() -> Self {
        let lines = include_str!("../reference/mlp.txt").lines();
        let tensor = |line: &'static str| {
            let mut words = line.split(' ');
            let name = words.next().unwrap();
            let shape = words.next().unwrap().split('x');
            let shape: Vec<usize> = shape.map(|n| n.parse().unwrap()).collect();
            let values: Vec<f64> = words.map(|v| v.parse().unwrap()).collect();
            assert_eq!(values.len(), shape.iter().product::<usize>(), "{name}");
            (name, (shape, values))
        };
        Self(lines.filter(|l| !l.starts_with('#')).map(tensor).collect())
    }

    fn values(&self, name: &str) -> &[f64] {
        &self.0.get(name).unwrap_or_else(|| panic!("no {name}")).1
    }

    fn tensor<const D: usize>(&self, name: &str) -> Tensor<D> {
        let (shape, values) = &self.0[name];
        let values: Vec<f32> = values.iter().map(|&v| v as f32).collect();
        Tensor::from_data(TensorData::new(values, shape.clone()), &Device::flex())
    }

    /// `theta`, `d1`, `d2` or `d3`.
    fn params(&self, group: &str) -> Params {
        let parameter = |layer: usize, part: &str| {
            let own = format!("fc{layer}.{part}");
            let (shape, values) = &self.0[format!("{group}.{own}").as_str()];
            let data = values.iter().map(|&v| v as f32).collect();
            let role = Role::from_name(&own, shape);
            Parameter::new(own, shape.clone(), data, role).unwrap()
        };
        let all = (1..=3).flat_map(|layer| ["weight", "bias"].map(|part| parameter(layer, part)));
        Params::new(all.collect()).unwrap()
    }

    fn grid(&self, name: &str) -> Grid {
        let axes = self.values(&format!("{name}.axes")).chunks_exact(3);
        let axes = axes.map(|a| Axis::new(a[0], a[1], a[2] as usize).unwrap());
        Grid::new(axes.collect()).unwrap()
    }

    fn plane(&self, dims: usize) -> Plane {
        let origin = self.params("theta");
        let direction = |k: usize| {
            let tensors = self.params(&format!("d{k}"));
            Direction::from_tensors(tensors, &origin, Source::File).unwrap()
        };
        let directions = (1..=dims).map(direction).collect();
        Plane::new(origin.clone(), directions).unwrap()
    }

    fn data(&self) -> Data {
        let labels: Tensor<1> = self.tensor("labels");
        let targets = (self.tensor("probabilities"), self.tensor("values"));
        (self.tensor("x"), labels.int(), targets.0, targets.1)
    }

    fn network(&self) -> Network {
        let layer = |i, o| LinearConfig::new(i, o).init(&Device::flex());
        let network = Network {
            fc1: layer(5, 6),
            fc2: layer(6, 4),
            fc3: layer(4, 3),
        };
        with_params(network, &self.params("theta")).unwrap()
    }
}

/// Inputs, labels, targets in [0, 1], targets of a regression.
type Data = (Tensor<2>, Tensor<1, Int>, Tensor<2>, Tensor<2>);

#[derive(Module, Debug)]
struct Network {
    fc1: Linear,
    fc2: Linear,
    fc3: Linear,
}

impl Network {
    fn forward(&self, x: Tensor<2>, activation: fn(Tensor<2>) -> Tensor<2>) -> Tensor<2> {
        let h = activation(self.fc1.forward(x));
        self.fc3.forward(activation(self.fc2.forward(h)))
    }
}

fn cross_entropy(outputs: Tensor<2>, (_, labels, ..): &Data) -> Loss {
    let predicted = outputs.clone().argmax(1).squeeze_dim::<1>(1);
    let picked = log_softmax(outputs, 1).gather(1, labels.clone().unsqueeze_dim(1));
    Loss::new(picked.neg().squeeze_dim::<1>(1)).with_correct(predicted.equal(labels.clone()))
}

fn bce_with_logits(outputs: Tensor<2>, (_, _, y, _): &Data) -> Loss {
    let tail = outputs.clone().abs().neg().exp().log1p();
    let each = relu(outputs.clone()) - outputs * y.clone() + tail;
    Loss::new(each.mean_dim(1).squeeze_dim::<1>(1))
}

fn mse(outputs: Tensor<2>, (_, _, _, y): &Data) -> Loss {
    let each = (outputs - y.clone()).powi_scalar(2);
    Loss::new(each.mean_dim(1).squeeze_dim::<1>(1))
}

/// All losses and executors with one activation, on the plane and in the volume.
fn check(name: &str, activation: fn(Tensor<2>) -> Tensor<2>) {
    let reference = Reference::read();
    type Of = fn(Tensor<2>, &Data) -> Loss;
    let losses: [(&str, Of); 3] = [
        ("cross-entropy", cross_entropy),
        ("bce-with-logits", bce_with_logits),
        ("mse", mse),
    ];
    for (kind, loss) in losses {
        let trace = Trace::capture(
            &reference.network(),
            &reference.data(),
            |network: &Network, data| loss(network.forward(data.0.clone(), activation), data),
        );
        let trace = trace.unwrap();
        for (shape, dims) in [("plane", 2), ("volume", 3)] {
            let grid = reference.grid(shape);
            let points: Vec<Point> = (0..grid.len()).map(|i| grid.point(i)).collect();
            let plane = reference.plane(dims);
            for target in targets() {
                let objective = trace.objective(&plane, &[target]).unwrap();
                let samples = objective.evaluate(&points).unwrap();
                compare(&reference, &format!("{shape}.{name}.{kind}"), &samples);
            }
        }
    }
}

fn compare(reference: &Reference, name: &str, samples: &[Sample]) {
    let losses = reference.values(&format!("{name}.loss"));
    let errors = reference.values(&format!("{name}.loss_se"));
    assert_eq!(samples.len(), losses.len());
    for (sample, (&loss, &error)) in samples.iter().zip(losses.iter().zip(errors)) {
        assert_close(sample.loss, loss, TOLERANCE);
        assert_close(sample.loss_se.unwrap(), error, TOLERANCE);
    }
    if name.ends_with("cross-entropy") {
        let accuracies = reference.values(&format!("{name}.accuracy"));
        for (sample, &accuracy) in samples.iter().zip(accuracies) {
            assert_close(sample.accuracy.unwrap(), accuracy, TOLERANCE);
        }
    }
}

#[test]
fn relu_networks_equal_pytorch() {
    check("relu", relu);
}

#[test]
fn tanh_networks_equal_pytorch() {
    check("tanh", tanh);
}

#[test]
fn gelu_networks_equal_pytorch() {
    check("gelu", gelu);
}
