//! Every function of the table against its definition in f64: values, first and second derivatives.

use crate::cpu::executor::HostExecutor;
use crate::device::Precision;
use crate::device::executor::{DeviceExecutor, Numbers, Setting};
use crate::ir::graph::{Graph, Slot, Source, Value};
use crate::ir::operation::{DeviceCall, Operation};
use crate::kernels::simd::Level;
use crate::ops::reduce::{Reduce, Reduction};
use crate::ops::unary::Unary;
use crate::passes::derive::{Standing, Wanted, derive};
use crate::replay::{DeviceTensor, download, upload};
use crate::schedule::Replayed;
use burn::tensor::Device;
use std::sync::Arc;

/// Powers that have code of their own, beside the example of the table.
fn functions() -> Vec<Unary> {
    let powers = [
        0.0, 0.5, -0.5, 1.0, 2.0, 3.0, 4.0, -1.0, -2.0, 5.0, -3.0, 0.75, 17.0,
    ];
    let powers = powers.into_iter().map(Unary::PowScalar);
    Unary::all().into_iter().chain(powers).collect()
}

/// Ordinary numbers, and those at which functions go wrong.
fn numbers() -> Vec<f32> {
    let extreme = [
        f32::NAN,
        f32::INFINITY,
        0.0,
        1e-45,
        1e-41,
        1.2e-38,
        3e-20,
        1e-6,
    ];
    let large = [88.1, 89.3, 103.5, 5.2e4, 8.2e3, 8.4e6, 1.7e7, 1e30, 3e38];
    let ordinary = (0..4000).map(|i| (f64::from(i) * 0.003_017) as f32);
    let fine = (0..40).map(|k| 0.5f32.powi(k));
    let positive = extreme.into_iter().chain(large).chain(ordinary).chain(fine);
    positive.flat_map(|x| [x, -x]).collect()
}

/// What is not the definition's value, a line each.
fn wrong_values(f: Unary, x: &[f32], found: &[f32], wherever: &str) -> Vec<String> {
    let exponent = match f {
        Unary::PowScalar(c) => c.abs(),
        _ => 0.0,
    };
    let wrong = |(&x, &found): (&f32, &f32)| {
        let truth = f.real(f64::from(x));
        let same = truth as f32 == found || truth.is_nan() && found.is_nan();
        let error = (f64::from(found) - truth).abs();
        let allowed = (1e-6 + 1e-7 * exponent) * truth.abs() + 5e-7;
        let text = || format!("{f:?} of {x:e}, {wherever}: {found:e}, not {truth:e}");
        // NaN does not fit.
        let fits = error <= allowed;
        (!same && !fits).then(text)
    };
    x.iter().zip(found).filter_map(wrong).collect()
}

#[test]
fn values_are_those_of_the_definition_on_every_executor() {
    let x = numbers();
    let device = Device::flex();
    let mut wrong = Vec::new();
    for f in functions() {
        for level in Level::available() {
            let mut found = vec![0.0; x.len()];
            f.map(level, &x, &mut found);
            wrong.extend(wrong_values(f, &x, &found, &level.to_string()));
        }
        let tensor: DeviceTensor = upload(&x, &[1, x.len()], device.as_dispatch());
        let call = DeviceCall {
            inputs: &[tensor],
            shape: &[x.len()],
            samples: false,
        };
        let found = download(f.device(call)).unwrap();
        let mut found: Vec<f32> = found.iter().map(|&x| x as f32).collect();
        if [Unary::Asinh, Unary::Acosh].contains(&f) {
            // The standard library's overflows at the end of its range.
            let beyond = x.iter().zip(&mut found).filter(|(x, _)| x.abs() > 1e38);
            beyond.for_each(|(x, found)| *found = f.real(f64::from(*x)) as f32);
        }
        wrong.extend(wrong_values(f, &x, &found, "flex"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `sum f(x)`, of a parameter of `n` numbers.
fn sum_of(f: Unary, n: usize) -> Graph {
    let mut graph = Graph::new(1);
    graph.values.push(Value {
        shape: vec![1, n],
        source: Source::Parameter(0),
    });
    graph.parameters.push(Slot {
        name: "x".into(),
        transposed: false,
    });
    let y = graph.push(Arc::new(f), vec![0], vec![1, n]);
    let sum = Reduce {
        reduction: Reduction::Sum,
        axis: None,
    };
    graph.loss = graph.push(Arc::new(sum), vec![y], vec![1]);
    graph
}

/// First and second derivative of the definition, by central differences of order 4.
fn differences(f: Unary, x: f64) -> [f64; 2] {
    let at = |k: f64| f.real(x + k * 1e-3);
    let [a, b, o, c, d] = [-2.0, -1.0, 0.0, 1.0, 2.0].map(at);
    let first = (a - d + 8.0 * (c - b)) / 12e-3;
    [first, (16.0 * (b + c) - a - d - 30.0 * o) / 12e-6]
}

#[track_caller]
fn assert_derivatives(f: Unary, x: &[f32], found: Replayed, order: usize, tolerance: f64) {
    for (i, &x) in x.iter().enumerate() {
        let truth = differences(f, f64::from(x))[order];
        let found = found.outputs[0].get(1).map_or(0.0, |found| found[i]);
        let error = (found - truth).abs() / truth.abs().max(1.0);
        assert!(
            error <= tolerance,
            "derivative {order} of {f:?} at {x}: {found:e}, not {truth:e}"
        );
    }
}

#[test]
fn derivatives_are_those_of_the_definition_twice() {
    let grid = [
        -2.61, -1.71, -0.83, -0.31, 0.17, 0.44, 0.62, 1.31, 2.13, 2.9,
    ];
    // All but the one whose derivative is 0 on purpose.
    for f in functions().into_iter().filter(|f| *f != Unary::Detach) {
        let inside = |x: &f32| differences(f, f64::from(*x)).iter().all(|x| x.is_finite());
        let x: Vec<f32> = grid.into_iter().filter(inside).collect();
        let graph = sum_of(f, x.len());
        let ones = vec![vec![1.0f32; x.len()]];
        let wanted = [Wanted::Gradient, Wanted::Hessian];
        for (order, wanted) in wanted.into_iter().enumerate() {
            let derived = derive(&graph, &[Standing::Free], wanted).unwrap();
            let graph = (&derived.graph, &derived.analysis);
            let vectors = if order == 0 {
                vec![]
            } else {
                vec![ones.clone()]
            };
            for level in Level::available() {
                let host = HostExecutor::new(graph, &[], level, None);
                let found = host.derivatives(vec![x.clone()], &vectors);
                assert_derivatives(f, &x, found, order, 3e-5);
            }
            for (numbers, tolerance) in [(Numbers::F32(Precision::F32), 3e-5), (Numbers::F64, 1e-7)]
            {
                let setting = Setting {
                    device: &Device::flex(),
                    numbers,
                    batch: 0,
                    memory: None,
                    devices: 1,
                };
                let device = DeviceExecutor::new(graph, &[], setting);
                let reals = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
                let vectors: Vec<_> = vectors.iter().map(|v| vec![reals(&v[0])]).collect();
                let found = device.unwrap().derivatives(&[reals(&x)], &vectors).unwrap();
                assert_derivatives(f, &x, found, order, tolerance);
            }
        }
    }
}

#[test]
fn names_are_listed_once() {
    let names = Unary::NAMES;
    assert!((1..names.len()).all(|i| !names[..i].contains(&names[i])));
    assert!(
        Unary::all()
            .iter()
            .all(|f| crate::ops::table::SUPPORTED.contains(&f.name()))
    );
}
