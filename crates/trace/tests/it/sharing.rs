//! What is computed once: seen from outside, by what a plane leaves unmoved.

use crate::mlp::{Mlp, classification, data, plane, targets};
use crate::reference::assert_close;
use landscape_core::{BiasMode, Direction, Distribution, Normalization, Objective, Plane};
use landscape_trace::{Trace, params_of};

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
