//! Products in bf16: what is rounded, what is not, and devices without it.

use crate::mlp::{Mlp, classification, data, devices, plane};
use landscape_core::direction::{Direction, Source};
use landscape_core::{Objective, Params, Plane, Sample};
use landscape_trace::{Precision, Target, Trace, TraceError, params_of, with_params};

const POINTS: [[f64; 3]; 3] = [[0.0; 3], [0.5, 0.0, 0.0], [-0.75, 0.0, 0.0]];

fn trace(module: &Mlp) -> Trace {
    let data = data(40, 6, 4, 8);
    Trace::capture(module, &(data.x(), data.classes()), classification).unwrap()
}

/// Losses on every device that has bf16, in both precisions.
fn both(trace: &Trace, plane: &Plane) -> Vec<[Vec<Sample>; 2]> {
    let on = |device: &burn::tensor::Device| {
        let targets = [Target::Device {
            device: device.clone(),
            batch: 0,
        }];
        let f32 = trace.objective(plane, &targets).unwrap();
        let bf16 = trace.clone().with_precision(Precision::Bf16);
        match bf16.objective(plane, &targets) {
            Err(TraceError::Precision { precision, .. }) => {
                assert_eq!(precision, "bf16");
                None
            }
            Err(error) => panic!("{error}"),
            Ok(bf16) => {
                assert!(bf16.describe().ends_with(" in bf16"), "{bf16:?}");
                Some([f32, bf16].map(|objective| objective.evaluate(&POINTS).unwrap()))
            }
        }
    };
    devices().iter().filter_map(on).collect()
}

/// Factors and sums of small integers are exact in bf16; the softmax of the logits is f32, or its
/// loss would have two digits.
#[test]
fn only_products_are_rounded() {
    let module = Mlp::new(&[6, 5, 4], 3);
    let mut params = params_of(&module).unwrap().into_inner();
    for p in &mut params {
        p.data.iter_mut().for_each(|x| *x = x.round());
    }
    let params = Params::new(params).unwrap();
    let module = with_params(module, &params).unwrap();
    let signs = params.iter().cloned().map(|mut p| {
        p.data.iter_mut().for_each(|x| *x = 4.0 * x.signum());
        p
    });
    // A quarter of it at the least, so that all points are integers.
    let signs = Params::new(signs.collect()).unwrap();
    let signs = Direction::from_tensors(signs, &params, Source::File).unwrap();
    let plane = Plane::new(params, vec![signs]).unwrap();
    let mut data = data(40, 6, 4, 8);
    for x in data.x.iter_mut().flatten() {
        *x = x.round();
    }
    let inputs = (data.x(), data.classes());
    let trace = Trace::capture(&module, &inputs, classification).unwrap();
    let found = both(&trace, &plane);
    assert!(!found.is_empty(), "flex has bf16");
    for [f32, bf16] in found {
        for (a, b) in f32.iter().zip(&bf16) {
            assert_eq!(a.loss, b.loss);
            assert_eq!(a.accuracy, b.accuracy);
        }
    }
}

/// Three roundings of 2^-9 along each of two layers, of logits of a few units.
#[test]
fn the_error_is_that_of_eight_bits() {
    let module = Mlp::new(&[6, 5, 4], 3);
    let plane = plane(&params_of(&module).unwrap(), 1);
    for [f32, bf16] in both(&trace(&module), &plane) {
        for (a, b) in f32.iter().zip(&bf16) {
            let error = (a.loss - b.loss).abs() / a.loss;
            assert!(error > 1e-7 && error < 2e-2, "{} and {}", a.loss, b.loss);
        }
    }
}

#[test]
fn the_own_kernels_have_none() {
    let module = Mlp::new(&[6, 5, 4], 3);
    let plane = plane(&params_of(&module).unwrap(), 1);
    let bf16 = trace(&module).with_precision(Precision::Bf16);
    let error = bf16.objective(&plane, &[]).unwrap_err();
    assert_eq!(error.to_string(), "device `cpu` does not compute in bf16");
}
