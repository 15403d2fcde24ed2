//! Traced networks against their own loss, for every loss and both kinds of targets.

use burn::tensor::Device;
use landscape_core::{BiasMode, Direction, Distribution, Normalization, Objective, Plane};
use landscape_models::{
    DataSpec, LossKind, ModelSpec, Network, Regularizer, Split, evaluate, load, trace_network,
};

#[test]
fn the_centre_equals_the_plain_loss() {
    let cases = [
        ("mlp:2-8-4-1", "moons", LossKind::BceWithLogits),
        ("mlp:2-8-4-1:tanh", "moons", LossKind::BceWithLogits),
        ("mlp:2-8-2", "moons", LossKind::CrossEntropy),
        ("mlp:2-8-1", "moons", LossKind::Mse),
        ("mlp:784-20-10", "mnist-1k", LossKind::CrossEntropy),
    ];
    for (model, data, loss) in cases {
        let spec: ModelSpec = model.parse().unwrap();
        let data: DataSpec = data.parse().unwrap();
        let data = load(&data, None, Split::Train, Some(150)).unwrap();
        let network = Network::init(&spec, 3, &Device::flex());
        let params = network.params();
        let direction = |stream| {
            let d = Direction::random(&params, Distribution::Gaussian, 1, stream);
            d.normalize(&params, Normalization::Filter, BiasMode::Raw)
                .unwrap()
        };
        let plane = Plane::new(params.clone(), vec![direction(0), direction(1)]).unwrap();
        let terms = [Regularizer::L2(0.1), Regularizer::L1(0.01)];
        let trace = trace_network(&network, &data, loss, &terms).unwrap();
        let objective = trace.objective(&plane, &[]).unwrap();
        for point in [[0.0; 3], [0.4, -0.7, 0.0]] {
            let found = &objective.evaluate(&[point]).unwrap()[0];
            let moved = plane.at(point);
            let truth = evaluate(&network.with_params(&moved).unwrap(), &data, loss).unwrap();
            assert!(
                (found.loss - truth.loss).abs() < 1e-5 * truth.loss,
                "{model} {loss}"
            );
            let (a, b) = (found.loss_se.unwrap(), truth.loss_se.unwrap());
            assert!((a - b).abs() < 1e-4 * b, "{model} {loss}: {a} {b}");
            assert_eq!(found.accuracy.is_some(), truth.accuracy.is_some());
            if let (Some(a), Some(b)) = (found.accuracy, truth.accuracy) {
                assert!((a - b).abs() < 1e-6);
            }
            let flat = moved.flatten();
            let l2: f64 = flat.iter().map(|&x| f64::from(x).powi(2)).sum();
            let l1: f64 = flat.iter().map(|&x| f64::from(x).abs()).sum();
            assert!((found.terms[0] - l2).abs() < 1e-5 * l2);
            assert!((found.terms[1] - l1).abs() < 1e-5 * l1);
        }
    }
}
