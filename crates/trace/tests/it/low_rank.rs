//! Weights with low-rank adapters: losses as those of merged weights, gradients by the chain rule, products with the Hessian
//! by differences.

use crate::mlp::targets;
use crate::networks::{classes, floats, linear};
use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, PaddingConfig2d};
use burn::tensor::activation::tanh;
use burn::tensor::{Device, Int, Tensor};
use landscape_core::{Direction, Objective, Parameter, Params, Plane, Role, Source};
use landscape_trace::{
    Curvature, Loss, LowRank, Target, Trace, TraceError, params_of, with_params,
};

const WORDS: usize = 7;
const WIDTH: usize = 4;
const TOKENS: usize = 3;
const SAMPLES: usize = 9;
const RANK: usize = 2;
const SCALE: f64 = 1.5;

/// A table, a square matrix that is `[inputs, outputs]`, a convolution and a layer.
#[derive(Module, Debug)]
struct Net {
    table: Param<Tensor<2>>,
    square: Param<Tensor<2>>,
    conv: Conv2d,
    layer: Linear,
}

type Data = (Tensor<2, Int>, Tensor<1, Int>);

impl Net {
    fn new() -> Self {
        let valid = PaddingConfig2d::Valid;
        let conv = Conv2dConfig::new([1, 3], [2, 2]).with_padding(valid);
        let net = Net {
            table: Param::from_tensor(floats("table", [WORDS, WIDTH])),
            square: Param::from_tensor(floats("square", [WIDTH, WIDTH])),
            conv: conv.init(&Device::flex()),
            layer: linear(3 * (TOKENS - 1) * (WIDTH - 1), 3),
        };
        let own = params_of(&net).unwrap().into_inner().into_iter();
        let own = own.map(|tensor| drawn(&tensor.name, &tensor.shape));
        with_params(net, &Params::new(own.collect()).unwrap()).unwrap()
    }

    fn loss(&self, (x, y): &Data) -> Loss {
        let [n, t] = x.dims();
        let x = self.table.val().select(0, x.clone().reshape([n * t]));
        let x = tanh(x.matmul(self.square.val())).reshape([n, 1, t, WIDTH]);
        let x = tanh(self.conv.forward(x)).flatten::<2>(1, 3);
        let loss = CrossEntropyLossConfig::new().init(&y.device());
        Loss::new(loss.forward(self.layer.forward(x), y.clone()))
    }
}

/// Multiples of 1/16 in [-1, 1): sums of products of such are exact.
fn drawn(name: &str, shape: &[usize]) -> Parameter {
    let values = floats(name, [shape.iter().product()]).into_data();
    let values = values.iter::<f32>().map(|x| (x * 16.0).floor() / 16.0);
    Parameter::new(name, shape, values.collect(), Role::Weight).unwrap()
}

fn data() -> Data {
    let x = classes("words", [SAMPLES, TOKENS], WORDS);
    (x, classes("y", [SAMPLES], 3))
}

fn adapter(weight: &str, across: bool) -> LowRank {
    LowRank {
        weight: weight.to_owned(),
        factors: ["A", "B"].map(|factor| format!("{weight}.{factor}")),
        rank: RANK,
        scale: SCALE,
        across,
    }
}

fn adapters() -> [LowRank; 4] {
    [
        adapter("table", true),
        adapter("square", true),
        adapter("conv.weight", false),
        adapter("layer.weight", false),
    ]
}

/// Outputs and inputs of what `B A` is of.
fn sizes(weight: &Parameter, across: bool) -> [usize; 2] {
    let (outputs, inputs) = (weight.shape[0], weight.shape[1..].iter().product());
    if across {
        [inputs, outputs]
    } else {
        [outputs, inputs]
    }
}

/// The parameters with factors.
fn with_factors(base: &Params) -> Params {
    let mut tensors = base.clone().into_inner();
    for own in adapters() {
        let weight = base.get(&own.weight).unwrap();
        let [outputs, inputs] = sizes(weight, own.across);
        let (a, b) = match weight.shape[..] {
            [_, channels, height, width] => (
                vec![RANK, channels, height, width],
                vec![outputs, RANK, 1, 1],
            ),
            _ => (vec![RANK, inputs], vec![outputs, RANK]),
        };
        tensors.push(drawn(&own.factors[0], &a));
        tensors.push(drawn(&own.factors[1], &b));
    }
    Params::new(tensors).unwrap()
}

/// Where the value of `B A` in this row and column is in the weight.
fn place(row: usize, column: usize, [outputs, inputs]: [usize; 2], across: bool) -> usize {
    if across {
        column * outputs + row
    } else {
        row * inputs + column
    }
}

fn merged(params: &Params, base: &Params) -> Params {
    let mut tensors = params.clone().into_inner();
    tensors.truncate(base.iter().count());
    for own in adapters() {
        let [a, b] = own.factors.each_ref().map(|name| params.get(name).unwrap());
        let weight = tensors.iter_mut().find(|t| t.name == own.weight).unwrap();
        let sizes = sizes(weight, own.across);
        for row in 0..sizes[0] {
            for column in 0..sizes[1] {
                let terms =
                    (0..RANK).map(|k| b.data[row * RANK + k] * a.data[k * sizes[1] + column]);
                let change = SCALE as f32 * terms.sum::<f32>();
                weight.data[place(row, column, sizes, own.across)] += change;
            }
        }
    }
    Params::new(tensors).unwrap()
}

fn capture(net: &Net) -> Trace {
    Trace::capture(net, &data(), |net: &Net, data| net.loss(data)).unwrap()
}

fn traces() -> (Params, Trace, Params, Trace) {
    let net = Net::new();
    let (base, plain) = (params_of(&net).unwrap(), capture(&net));
    let adapted = plain.with_low_rank(&adapters()).unwrap();
    (base.clone(), plain, with_factors(&base), adapted)
}

fn vector(dim: usize) -> Vec<f64> {
    let values = floats("v", [dim]).into_data();
    values.iter::<f32>().map(f64::from).collect()
}

#[track_caller]
fn assert_near(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(1e-300f64, |a, b| a.max(b.abs()));
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= tolerance * largest, "{what}: {a} {b}");
    }
}

#[test]
fn planes_are_those_of_merged_weights() {
    let (base, plain, params, adapted) = traces();
    let all = params
        .iter()
        .map(|t| drawn(&format!("to {}", t.name), &t.shape));
    let moves = params.iter().zip(all).map(|(own, drawn)| Parameter {
        data: drawn.data.iter().map(|x| x / 4.0).collect(),
        ..own.clone()
    });
    let moves = Params::new(moves.collect()).unwrap();
    let direction = Direction::from_tensors(moves.clone(), &params, Source::File).unwrap();
    let plane = Plane::new(params.clone(), vec![direction]).unwrap();
    let at = [-1.0, 0.0, 0.5, 1.0];
    for target in targets() {
        let objective = adapted.objective(&plane, std::slice::from_ref(&target));
        let found = objective
            .unwrap()
            .evaluate(&at.map(|t| [t, 0.0, 0.0]))
            .unwrap();
        for (t, found) in at.iter().zip(found) {
            let point = params.iter().zip(moves.iter()).map(|(own, d)| Parameter {
                data: { own.data.iter().zip(&d.data) }
                    .map(|(x, d)| x + *t as f32 * d)
                    .collect(),
                ..own.clone()
            });
            let point = merged(&Params::new(point.collect()).unwrap(), &base);
            let expected = plain.sample_at(&point, &[]).unwrap();
            let what = format!("{target:?} at {t}");
            assert_near(&[found.loss], &[expected.loss], 2e-6, &what);
        }
    }
}

fn gradient(trace: &Trace, params: &Params) -> (Curvature, Params) {
    let curvature = trace
        .curvature(params, &Target::default())
        .unwrap()
        .in_f64();
    let flat = curvature.gradient().unwrap().gradient;
    let mut rest = flat.iter();
    let tensors = params.iter().map(|own| Parameter {
        data: own
            .data
            .iter()
            .map(|_| *rest.next().unwrap() as f32)
            .collect(),
        ..own.clone()
    });
    let tensors = Params::new(tensors.collect()).unwrap();
    (curvature, tensors)
}

/// With G the gradient of a merged weight: `s B^T G` of A, and `s G A^T` of B.
#[test]
fn gradients_follow_by_the_chain_rule() {
    let (base, plain, params, adapted) = traces();
    let (_, of_merged) = gradient(&plain, &merged(&params, &base));
    let (_, found) = gradient(&adapted, &params);
    let values = |name: &str| -> Vec<f64> {
        let tensor = found.get(name).unwrap();
        tensor.data.iter().map(|x| f64::from(*x)).collect()
    };
    for tensor in of_merged.iter() {
        let expected: Vec<f64> = tensor.data.iter().map(|x| f64::from(*x)).collect();
        assert_near(&values(&tensor.name), &expected, 1e-6, &tensor.name);
    }
    for own in adapters() {
        let weight = of_merged.get(&own.weight).unwrap();
        let [a, b] = own.factors.each_ref().map(|name| params.get(name).unwrap());
        let sizes = sizes(weight, own.across);
        let g = |row, column| f64::from(weight.data[place(row, column, sizes, own.across)]);
        let (mut of_a, mut of_b) = (vec![0.0; a.data.len()], vec![0.0; b.data.len()]);
        for row in 0..sizes[0] {
            for column in 0..sizes[1] {
                for k in 0..RANK {
                    let (at_a, at_b) = (k * sizes[1] + column, row * RANK + k);
                    of_a[at_a] += SCALE * f64::from(b.data[at_b]) * g(row, column);
                    of_b[at_b] += SCALE * f64::from(a.data[at_a]) * g(row, column);
                }
            }
        }
        assert_near(&values(&own.factors[0]), &of_a, 1e-5, &own.factors[0]);
        assert_near(&values(&own.factors[1]), &of_b, 1e-5, &own.factors[1]);
    }
}

/// Of all parameters, and of the factors alone.
#[test]
fn products_equal_differences_of_gradients() {
    let (base, _, params, adapted) = traces();
    let factors = params.iter().cloned().map(|tensor| Parameter {
        fixed: base.get(&tensor.name).is_some(),
        ..tensor
    });
    let factors = Params::new(factors.collect()).unwrap();
    for params in [params, factors] {
        let curvature = adapted.curvature(&params, &Target::default());
        let curvature = curvature.unwrap().in_f64();
        let v = vector(curvature.dim());
        let found = curvature
            .hessian(std::slice::from_ref(&v))
            .unwrap()
            .swap_remove(0);
        let point = curvature.point().to_vec();
        let side = |h: f64| {
            let point: Vec<f64> = point.iter().zip(&v).map(|(x, v)| x + h * v).collect();
            curvature.gradient_at(&point).unwrap().gradient
        };
        let h = 1e-5;
        let (up, down) = (side(h), side(-h));
        let expected = up.iter().zip(&down).map(|(a, b)| (a - b) / (2.0 * h));
        assert_near(&found, &expected.collect::<Vec<_>>(), 1e-7, "product");
    }
}

/// The loss of a network is not that of its free part.
#[test]
fn fixed_parameters_have_a_loss() {
    let (base, plain, ..) = traces();
    let fixed = base.iter().cloned().map(|tensor| Parameter {
        fixed: true,
        ..tensor
    });
    let fixed = Params::new(fixed.collect()).unwrap();
    let of = |params: &Params| plain.sample_at(params, &[]).unwrap();
    assert_eq!(of(&fixed), of(&base));
}

#[test]
fn adapters_that_do_not_fit_are_refused() {
    let (_, plain, params, adapted) = traces();
    let refused = |trace: &Trace, adapter: LowRank, words: &str| {
        let error = trace.with_low_rank(&[adapter]).unwrap_err();
        assert!(matches!(error, TraceError::Adapter { .. }));
        assert!(error.to_string().contains(words), "{error}");
    };
    refused(&plain, adapter("other", false), "not a parameter");
    refused(&plain, adapter("conv.bias", false), "neither a matrix");
    refused(&adapted, adapter("square", true), "has an adapter already");
    // Factors of another rank.
    let other = plain.with_low_rank(&adapters().map(|own| LowRank { rank: 3, ..own }));
    let error = other.unwrap().sample_at(&params, &[]).unwrap_err();
    assert!(matches!(error, TraceError::Layout { .. }), "{error}");
}
