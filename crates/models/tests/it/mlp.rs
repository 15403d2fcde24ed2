//! Names of networks, initial values, the way between module and parameters.

use crate::support::{close, says};
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use landscape_core::{Parameter, Params, Role};
use landscape_models::{Mlp, ModelSpec, Network};

fn spec(text: &str) -> ModelSpec {
    text.parse().unwrap()
}

#[test]
fn names_are_read_and_written() {
    for text in [
        "mlp:2-8-4-1",
        "mlp:784-20-10",
        "mlp:3-1",
        "mlp:2-8-1:tanh",
        "mlp:2-8-1:gelu",
    ] {
        assert_eq!(spec(text).to_string(), text);
    }
    assert_eq!(spec("mlp:2-4-1:relu").to_string(), "mlp:2-4-1");
    assert_eq!(
        (spec("mlp:3-5-2").inputs(), spec("mlp:3-5-2").outputs()),
        (3, 2)
    );
}

#[test]
fn wrong_names_say_what_is_wrong() {
    let error = |text: &str| text.parse::<ModelSpec>().unwrap_err();
    says(
        error("mlp"),
        &["`mlp`", "widths of its layers are missing", "mlp:2-8-4-1"],
    );
    says(error("mlp:5"), &["at least an input and an output"]);
    says(error("mlp:2-0-1"), &["a width is 0"]);
    says(error("mlp:2-x-1"), &["`x` is not a width"]);
    says(error("mlp:2--1"), &["`` is not a width"]);
    says(error("mlp:2-8-1:swish"), &["swish", "relu", "tanh"]);
    says(error("mlp:99999-99999-1"), &["99999-99999"]);
    for unknown in [
        "resnet21",
        "resnet",
        "resnet020",
        "wrn56-3",
        "vgg8",
        "densenet7",
    ] {
        says(
            error(unknown),
            &["unknown network", unknown, "resnet20|32|44", "wrn56-2"],
        );
    }
    says(
        error("perceptron"),
        &["unknown network `perceptron`", "mlp:"],
    );
}

#[test]
fn initial_values_are_pytorchs_distribution() {
    let params = Network::init(&spec("mlp:400-300-10"), 3, &Device::flex()).params();
    let shapes: Vec<_> = params
        .iter()
        .map(|t| (t.name.as_str(), &t.shape[..]))
        .collect();
    let expected: [(&str, &[usize]); 4] = [
        ("fc1.weight", &[300, 400]),
        ("fc1.bias", &[300]),
        ("fc2.weight", &[10, 300]),
        ("fc2.bias", &[10]),
    ];
    assert_eq!(shapes, expected);
    for (tensor, fan_in) in params.iter().zip([400.0f64, 400.0, 300.0, 300.0]) {
        let bound = 1.0 / fan_in.sqrt();
        assert!(
            tensor
                .data
                .iter()
                .all(|v| f64::from(v.abs()) <= bound * (1.0 + 1e-6))
        );
    }
    let weight = params.get("fc1.weight").unwrap();
    assert_eq!(weight.role, Role::Weight);
    assert_eq!(params.get("fc1.bias").unwrap().role, Role::Bias);
    // The standard deviation of a uniform distribution on [-b, b] is b / sqrt(3).
    close(
        weight.norm() / 120_000f64.sqrt(),
        0.05 / 3f64.sqrt(),
        0.01,
        0.0,
    );
    let mean = weight.data.iter().map(|&v| f64::from(v)).sum::<f64>() / 120_000.0;
    close(mean, 0.0, 0.0, 3e-4);
}

#[test]
fn the_seed_determines_the_bits() {
    let draw = |seed| Network::init(&spec("mlp:5-7-3"), seed, &Device::flex()).params();
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
    // Recorded once: these bits must never change, or stored runs lose their meaning.
    let first = draw(42).get("fc1.weight").unwrap().data[0];
    assert_eq!(
        first.to_bits(),
        FIRST_BITS,
        "{first:?} {:#x}",
        first.to_bits()
    );
}

const FIRST_BITS: u32 = 0x3e3e_e0f8;

#[test]
fn the_way_through_the_module_changes_nothing() {
    let device = Device::flex();
    let network = Network::init(&spec("mlp:4-6-3-2"), 9, &device);
    let params = network.params();
    assert_eq!(
        Network::from_params(&spec("mlp:4-6-3-2"), &params, &device)
            .unwrap()
            .params(),
        params
    );
    let other = Network::init(&spec("mlp:4-6-3-2"), 10, &device);
    assert_eq!(other.with_params(&params).unwrap().params(), params);
    assert_eq!(network.spec(), spec("mlp:4-6-3-2"));
    assert!(
        Network::layout(&spec("mlp:4-6-3-2"))
            .same_layout(&params)
            .is_ok()
    );
}

#[test]
fn other_parameters_are_listed() {
    let tensor = |name: &str, shape: &[usize]| {
        let data = vec![0.0; shape.iter().product()];
        Parameter::new(name, shape, data, Role::Weight).unwrap()
    };
    let tensors = vec![
        tensor("fc1.weight", &[2, 3]),
        tensor("fc1.bias", &[3]),
        tensor("head", &[1]),
    ];
    let error = Network::from_params(
        &spec("mlp:2-3-1"),
        &Params::new(tensors).unwrap(),
        &Device::flex(),
    );
    says(
        error.unwrap_err(),
        &[
            "mlp:2-3-1",
            "missing: fc2.weight [1, 3], fc2.bias [1]",
            "unexpected: head [1]",
            "fc1.weight [2, 3], expected [3, 2]",
        ],
    );
}

/// The network in f64, straight from its definition.
fn forward(params: &Params, x: &[f64], act: fn(f64) -> f64) -> Vec<f64> {
    let tensors: Vec<_> = params.iter().collect();
    let layers = tensors.len() / 2;
    let mut values = x.to_vec();
    for layer in 0..layers {
        let (weight, bias) = (tensors[2 * layer], tensors[2 * layer + 1]);
        values = weight
            .data
            .chunks(values.len())
            .zip(&bias.data)
            .map(|(row, &b)| {
                let products = row.iter().zip(&values).map(|(&w, v)| f64::from(w) * v);
                f64::from(b) + products.sum::<f64>()
            })
            .map(|z| if layer + 1 < layers { act(z) } else { z })
            .collect();
    }
    values
}

#[test]
fn outputs_equal_the_definition() {
    type Case = (&'static str, fn(f64) -> f64);
    let activations: [Case; 4] = [
        ("", |z| z.max(0.0)),
        (":tanh", f64::tanh),
        (":sigmoid", |z| 1.0 / (1.0 + (-z).exp())),
        (":gelu", |z| z / 2.0 * (1.0 + libm::erf(z / 2f64.sqrt()))),
    ];
    let inputs: Vec<f32> = (0..15).map(|i| (i as f32 * 0.7).sin() * 2.0).collect();
    for (suffix, act) in activations {
        let network = Network::init(&spec(&format!("mlp:3-9-5-2{suffix}")), 4, &Device::flex());
        let x = Tensor::from_data(TensorData::new(inputs.clone(), [5, 3]), &Device::flex());
        let found: Vec<f32> = network.forward(x).into_data().try_to_vec().unwrap();
        let rows = inputs.chunks(3).flat_map(|row| {
            let row: Vec<f64> = row.iter().map(|&v| f64::from(v)).collect();
            forward(&network.params(), &row, act)
        });
        for (found, expected) in found.into_iter().zip(rows) {
            close(f64::from(found), expected, 1e-5, 1e-6);
        }
    }
}

#[test]
fn visitors_see_pytorchs_names_and_the_linear_layers() {
    #[derive(Default)]
    struct Paths {
        path: Vec<(String, String)>,
        found: Vec<String>,
    }
    impl ModuleVisitor for Paths {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.path.push((name.into(), container.into()));
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, _: &Param<Tensor<D>>) {
            let names: Vec<_> = self.path.iter().map(|p| p.0.as_str()).collect();
            assert_eq!(self.path.last().unwrap().1, "Struct:Linear");
            self.found.push(names.join("."));
        }
    }
    let network = Network::init(&spec("mlp:2-3-1"), 0, &Device::flex());
    let mut paths = Paths::default();
    network.visit(&mut paths);
    assert_eq!(
        paths.found,
        ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]
    );
    assert_eq!(network.num_params(), 13);
    let Network::Mlp(mlp) = network else {
        panic!("an mlp")
    };
    assert!(format!("{mlp:?}").contains("Linear"));
    let _: &Mlp = &mlp;
}
