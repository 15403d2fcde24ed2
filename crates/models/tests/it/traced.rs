//! Planes of every family through the trace, against PyTorch in f64.

use crate::formula::{PLANE, Reference};
use burn::tensor::Device;
use landscape_core::{Direction, Objective, Plane, Point, Source};
use landscape_models::{Dataset, LossKind, ModelSpec, Network, Targets, trace_network};
use landscape_trace::{Level, Target};

fn check(model: &str, targets: &[Target]) {
    let reference = Reference::of(model);
    let spec: ModelSpec = model.parse().unwrap();
    let layout = Network::layout(&spec);
    let network = Network::from_params(&spec, &reference.params(&layout), &Device::flex()).unwrap();
    let origin = reference.params(&layout);
    let directions = [1, 2].map(|d| {
        let tensors = reference.direction(d, &layout);
        Direction::from_tensors(tensors, &layout, Source::File).unwrap()
    });
    let plane = Plane::new(origin, directions.to_vec()).unwrap();
    let image = spec.image().unwrap();
    let shape = [vec![reference.samples()], image.to_vec()].concat();
    let labels = Targets::Classes(reference.labels());
    let data = Dataset::new("formula", shape, reference.inputs(image), labels).unwrap();
    let trace = trace_network(&network, &data, LossKind::CrossEntropy, &[]).unwrap();
    let points: Vec<Point> = PLANE
        .0
        .iter()
        .flat_map(|&a| PLANE.1.iter().map(move |&b| [a, b, 0.0]))
        .collect();
    for target in targets {
        let objective = trace
            .objective(&plane, std::slice::from_ref(target))
            .unwrap();
        let found = objective.evaluate(&points).unwrap();
        for (found, &expected) in found.iter().zip(reference.get("plane")) {
            let error = (found.loss - expected).abs() / expected.abs();
            assert!(
                error < 1e-4,
                "{model} on {target:?}: {} for {expected}",
                found.loss
            );
        }
    }
}

fn host(level: Level) -> Target {
    Target::Host { threads: 0, level }
}

#[test]
fn small_networks_on_every_level_and_on_flex() {
    let mut targets: Vec<Target> = Level::available().into_iter().map(host).collect();
    targets.push(Target::Device {
        device: Device::flex(),
        batch: 0,
    });
    for model in [
        "resnet20",
        "resnet20-noshort",
        "vit:patch=8,dim=48,depth=2,heads=4",
    ] {
        check(model, &targets);
    }
}

#[test]
fn every_family() {
    let best = [host(Level::detect())];
    for model in [
        "resnet56",
        "resnet50",
        "wrn56-2",
        "vgg9",
        "densenet121",
        "vit:patch=7,dim=32,depth=2,heads=2,mlp=64,image=1x28x28,pool=cls",
    ] {
        check(model, &best);
    }
}
