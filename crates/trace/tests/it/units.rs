//! Permutable units derived from graphs, and what they do on the data.

use crate::conv::{cross_entropy, filled, inputs};
use crate::mlp::Mlp;
use crate::reference::assert_close;
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Int, Tensor};
use landscape_core::alignment::{AxisRef, PermutationSpec, correlations, match_activations};
use landscape_core::{Params, Rng};
use landscape_trace::{Loss, Trace, TraceError, params_of};

type Inputs = (Tensor<2>, Tensor<1, Int>);

fn perceptron(inputs: &Inputs) -> (Params, Trace) {
    let module = Mlp::new(&[4, 9, 7, 3], 2);
    let trace = Trace::capture(&module, inputs, |m: &Mlp, (x, y): &Inputs| {
        cross_entropy(m.forward(x.clone()), y)
    });
    (params_of(&module).unwrap(), trace.unwrap())
}

/// `relu(W x + b)` of every row.
fn layer(params: &Params, name: &str, rows: &[f64], width: usize) -> Vec<f64> {
    let weight = params.get(&format!("{name}.weight")).unwrap();
    let bias = params.get(&format!("{name}.bias")).unwrap();
    let unit = |row: &[f64], (w, b): (&[f32], &f32)| {
        let sum: f64 = w.iter().zip(row).map(|(w, x)| f64::from(*w) * x).sum();
        (sum + f64::from(*b)).max(0.0)
    };
    let one = |row: &[f64]| -> Vec<f64> {
        let units = weight.data.chunks(width).zip(&bias.data);
        units.map(|of| unit(row, of)).collect()
    };
    rows.chunks(width).flat_map(one).collect()
}

fn numbers(x: &Tensor<2>) -> Vec<f64> {
    x.to_data().iter::<f64>().collect()
}

#[test]
fn units_of_a_perceptron_are_its_hidden_layers() {
    let data = inputs(50, 4, 3);
    let (params, trace) = perceptron(&data);
    let spec = trace.permutations();
    assert_eq!(
        spec,
        PermutationSpec::mlp(&["fc1", "fc2", "fc3"], &params).unwrap()
    );
    let found = trace.activations(&params).unwrap();
    let first = layer(&params, "fc1", &numbers(&data.0), 4);
    let second = layer(&params, "fc2", &first, 9);
    assert_eq!(found.len(), 2);
    for (group, (found, expected)) in found.iter().zip([first, second]).enumerate() {
        assert_eq!(
            (found.group, found.units),
            (group, spec.groups[group].units)
        );
        assert_eq!(found.values.len(), expected.len());
        for (x, e) in found.values.iter().zip(expected) {
            assert_close(f64::from(*x), e, 1e-5);
        }
    }
}

#[test]
fn correlations_of_a_permuted_twin_find_the_permutation() {
    let data = inputs(200, 4, 3);
    let (params, trace) = perceptron(&data);
    let spec = trace.permutations();
    let mut rng = Rng::new(1, 0);
    let mut hidden = spec.identity();
    hidden.iter_mut().for_each(|p| rng.shuffle(p));
    let twin = spec.apply(&params, &hidden).unwrap();
    let matrices = trace.correlations(&params, &twin).unwrap();
    let (a, b) = (
        trace.activations(&params).unwrap(),
        trace.activations(&twin).unwrap(),
    );
    for (matrix, (a, b)) in matrices.iter().zip(a.iter().zip(&b)) {
        let expected = correlations(&a.values, &b.values, a.units).unwrap();
        for (x, e) in matrix.iter().zip(expected) {
            assert!((x - e).abs() < 1e-9, "{x} {e}");
        }
    }
    let found = match_activations(&spec, &matrices).unwrap();
    assert_eq!(spec.apply(&twin, &found.permutations).unwrap(), params);
    let mut short = params.into_inner();
    short.pop();
    let short = Params::new(short).unwrap();
    assert!(trace.activations(&short).is_err());
}

/// Two convolutions, the second of them channel by channel, and a linear layer on the flattened map.
#[derive(Module, Debug)]
struct Small {
    conv1: Conv2d,
    conv2: Conv2d,
    fc: Linear,
}

impl Small {
    fn new() -> Self {
        let device = Device::flex();
        let conv =
            |channels, size| Conv2dConfig::new(channels, size).with_padding(PaddingConfig2d::Valid);
        filled(
            Small {
                conv1: conv([1, 4], [2, 2]).init(&device),
                conv2: conv([4, 4], [1, 1]).with_groups(4).init(&device),
                fc: LinearConfig::new(16, 3).init(&device),
            },
            8,
        )
    }

    fn maps(&self, x: Tensor<2>) -> Tensor<4> {
        let samples = x.dims()[0];
        let x = self.conv1.forward(x.reshape([samples, 1, 3, 3]));
        self.conv2.forward(relu(x))
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.fc.forward(self.maps(x).flatten(1, 3))
    }
}

#[test]
fn channels_take_their_positions_along() {
    let data = inputs(20, 9, 3);
    let module = Small::new();
    let trace = Trace::capture(&module, &data, |m: &Small, (x, y): &Inputs| {
        cross_entropy(m.forward(x.clone()), y)
    });
    let trace = trace.unwrap();
    let spec = trace.permutations();
    assert_eq!(spec.groups.len(), 1);
    let read = AxisRef {
        repeat: 4,
        ..AxisRef::new("fc.weight", 1)
    };
    let axes = [
        AxisRef::new("conv1.weight", 0),
        AxisRef::new("conv1.bias", 0),
        AxisRef::new("conv2.weight", 0),
        AxisRef::new("conv2.bias", 0),
        read,
    ];
    assert_eq!(spec.groups[0].axes, axes);
    // Every position of a channel is a row of what the linear layer reads.
    let found = trace.activations(&params_of(&module).unwrap()).unwrap();
    assert_eq!((found.len(), found[0].units), (1, 4));
    let maps: Vec<f32> = module.maps(data.0).to_data().iter::<f32>().collect();
    assert_eq!(found[0].values.len(), maps.len());
    for (place, x) in found[0].values.iter().enumerate() {
        let (sample, position, channel) = (place / 16, place / 4 % 4, place % 4);
        let expected = maps[sample * 16 + channel * 4 + position];
        assert_close(f64::from(*x), f64::from(expected), 1e-5);
    }
}

#[test]
fn what_sees_the_order_of_its_input_has_no_units() {
    let data = inputs(10, 4, 3);
    let module = Mlp::new(&[4, 6, 3], 4);
    // The hidden units are weighed by their place.
    let trace = Trace::capture(&module, &data, |m: &Mlp, (x, y): &Inputs| {
        let [first, second] = m.weights();
        let hidden = relu(x.clone().matmul(first));
        let places = Tensor::<1>::from_floats([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &x.device());
        cross_entropy((hidden * places.unsqueeze()).matmul(second), y)
    });
    assert_eq!(trace.unwrap().permutations().groups, []);
    // The same with one weight for all of them is as good as none.
    let trace = Trace::capture(&module, &data, |m: &Mlp, (x, y): &Inputs| {
        let [first, second] = m.weights();
        let hidden = relu(x.clone().matmul(first));
        let places = Tensor::<1>::ones([6], &x.device());
        cross_entropy((hidden * places.unsqueeze()).matmul(second), y)
    });
    assert_eq!(trace.unwrap().permutations().groups.len(), 1);
}

/// What a unit does on one sample is known although the loss mixes them afterwards, and not where layers run on pairs of them.
#[test]
fn activations_that_cannot_be_read_are_an_error() {
    let module = crate::mlp::Mlp::new(&[6, 5, 4], 3);
    let data = crate::mlp::data(20, 6, 4, 8);
    let near = |out: Tensor<2>| out.clone().slice_dim(0, 1..20) - out.slice_dim(0, 0..19);
    let after = move |module: &crate::mlp::Mlp, x: &Tensor<2>| {
        Loss::new(near(module.forward(x.clone())).powi_scalar(2).mean())
    };
    let params = params_of(&module).unwrap();
    let trace = Trace::capture(&module, &data.x(), after).unwrap();
    let error = trace.activations(&params).unwrap_err();
    let found =
        matches!(&error, TraceError::NoActivations { groups, mixed: true } if groups == "`fc2`");
    assert!(found, "{error}");
    let before = move |module: &crate::mlp::Mlp, x: &Tensor<2>| {
        Loss::new(module.forward(near(x.clone())).powi_scalar(2).mean())
    };
    let trace = Trace::capture(&module, &data.x(), before).unwrap();
    assert_eq!(trace.permutations().groups.len(), 2);
    let errors = [
        trace.correlations(&params, &params).unwrap_err(),
        trace.activations(&params).unwrap_err(),
    ];
    for error in errors {
        let found = matches!(&error, TraceError::NoActivations { groups, mixed: false } if groups == "`fc1`, `fc2`");
        assert!(found, "{error}");
        assert!(error.to_string().contains("align by weights"));
    }
}
