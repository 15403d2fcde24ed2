//! What is computed once: seen from outside, by what a plane leaves unmoved.

use crate::mlp::{Mlp, classification, data, plane, targets};
use crate::reference::assert_close;
use landscape_core::{BiasMode, Direction, Distribution, Normalization, Objective, Params, Plane};
use landscape_trace::{Runs, Trace, params_of, with_params};

#[test]
fn unmoved_biases_and_zero_directions_change_nothing() {
    let module = Mlp::new(&[6, 5, 4], 3);
    let data = data(50, 6, 4, 8);
    let trace = Trace::capture(&module, &(data.x(), data.classes()), classification).unwrap();
    let params = params_of(&module).unwrap();
    let direction = |stream| {
        let d = Direction::random(&params, Distribution::Gaussian, 7, stream);
        d.normalize(&params, Normalization::Filter, BiasMode::Zero)
            .unwrap()
    };
    let moving = Plane::new(params.clone(), vec![direction(0), direction(1)]).unwrap();
    let points = [[0.0; 3], [0.5, -0.5, 0.0]];
    let direct = |plane: &Plane, point| {
        let moved = Plane::new(plane.at(point), plane.directions().to_vec()).unwrap();
        trace
            .objective(&moved, &[])
            .unwrap()
            .evaluate(&[[0.0; 3]])
            .unwrap()[0]
            .loss
    };
    let found = trace
        .objective(&moving, &[])
        .unwrap()
        .evaluate(&points)
        .unwrap();
    assert_close(found[1].loss, direct(&moving, points[1]), 1e-5);
    assert_close(found[0].loss, direct(&moving, points[0]), 1e-6);
}

/// The first layer of the data is affine in the point, with its bias: both are computed once, whatever moves.
#[test]
fn a_first_layer_with_bias_is_computed_once() {
    let (n, widths) = (50, [6, 5, 4]);
    let module = Mlp::new(&widths, 3);
    let data = data(n, widths[0], 4, 8);
    let trace = Trace::capture(&module, &(data.x(), data.classes()), classification).unwrap();
    let summary = trace.summary();
    let work = |runs: Runs, names: &[&str]| -> f64 {
        let parts = summary.parts.iter();
        let parts = parts.filter(|p| p.runs == runs && names.contains(&p.operation));
        parts.map(|p| p.work).sum()
    };
    let products = |layer: usize| (2 * n * widths[layer] * widths[layer + 1]) as f64;
    const PRODUCTS: [&str; 2] = ["matmul", "linear"];
    assert_eq!(work(Runs::Once, &PRODUCTS), products(0), "{summary}");
    assert_eq!(work(Runs::Tile, &PRODUCTS), products(1), "{summary}");
    assert_eq!(
        work(Runs::Once, &["add"]),
        (n * widths[1]) as f64,
        "{summary}"
    );
    // Weights alone, biases alone, and both: as at the place itself.
    let params = params_of(&module).unwrap();
    for moves in [
        &["weight"][..],
        &["bias"],
        &["fc1.bias", "fc2.weight"],
        &["fc1"],
    ] {
        let directions = plane(&params, 2).directions().to_vec();
        let directions = directions.into_iter().map(|mut direction| {
            let mut tensors = direction.tensors.into_inner();
            for tensor in &mut tensors {
                if !moves.iter().any(|part| tensor.name.contains(part)) {
                    tensor.data.fill(0.0);
                }
            }
            direction.tensors = Params::new(tensors).unwrap();
            direction
        });
        let moving = Plane::new(params.clone(), directions.collect()).unwrap();
        let point = [0.6, -0.8, 0.0];
        let there = Mlp::new(&widths, 3);
        let there = with_params(there, &moving.at(point)).unwrap();
        let loss = classification(&there, &(data.x(), data.classes()));
        let expected: f32 = loss.parts().0.mean().into_scalar();
        for target in targets() {
            let objective = trace.objective(&moving, &[target]).unwrap();
            let found = objective.evaluate(&[point]).unwrap()[0].loss;
            assert_close(found, f64::from(expected), 1e-5);
        }
    }
}

#[test]
fn the_traced_operations_are_named() {
    let module = Mlp::new(&[6, 5, 4], 3);
    let data = data(5, 6, 4, 8);
    let trace = Trace::capture(&module, &(data.x(), data.classes()), classification).unwrap();
    let known = &landscape_trace::SUPPORTED_OPERATIONS;
    assert!(
        trace.operations().iter().all(|name| known.contains(name)),
        "{:?}",
        trace.operations()
    );
    assert!(known.is_sorted());
}

#[test]
fn a_loss_that_overflows_is_returned_as_it_is() {
    let module = Mlp::new(&[6, 5, 4], 3);
    let data = data(50, 6, 4, 8);
    let trace = Trace::capture(&module, &(data.x(), data.classes()), classification).unwrap();
    let plane = plane(&params_of(&module).unwrap(), 1);
    for target in targets() {
        let objective = trace.objective(&plane, &[target]).unwrap();
        let far = objective.evaluate(&[[1e30, 0.0, 0.0], [0.0; 3]]).unwrap();
        assert!(!far[0].loss.is_finite(), "{}", objective.describe());
        assert!(far[1].loss.is_finite(), "{}", objective.describe());
    }
}
