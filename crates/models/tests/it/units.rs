//! Permutation symmetries derived from traced networks, family by family.

use burn::tensor::Device;
use landscape_core::alignment::{PermutationSpec, Permutations};
use landscape_core::{Direction, Objective, Params, Plane, Rng, Source};
use landscape_models::{
    Dataset, LossKind, ModelSpec, Network, Regularizer, Targets, trace_network,
};
use landscape_trace::{BatchStatistics, Trace};

const SAMPLES: usize = 6;

/// A network with random normalisations and statistics, and its trace on random data.
fn network(model: &str, regularizers: &[Regularizer]) -> (Params, Trace) {
    let spec: ModelSpec = model.parse().unwrap();
    let network = Network::init(&spec, 3, &Device::flex());
    let mut rng = Rng::new(11, 0);
    let mut params = network.params().into_inner();
    for tensor in params.iter_mut().filter(|t| t.shape.len() < 2) {
        for value in &mut tensor.data {
            *value += rng.uniform(0.05, 0.5) as f32;
        }
    }
    let network = network.with_params(&Params::new(params).unwrap()).unwrap();
    let shape = match spec.image() {
        Some(image) => [&[SAMPLES], &image[..]].concat(),
        None => vec![SAMPLES, spec.inputs()],
    };
    let x = (0..shape.iter().product()).map(|_| rng.normal() as f32);
    let classes = spec.outputs() as i64;
    let y = Targets::Classes((0..SAMPLES as i64).map(|i| i % classes).collect());
    let data = Dataset::new("random", shape, x.collect(), y).unwrap();
    let trace = trace_network(&network, &data, LossKind::CrossEntropy, regularizers).unwrap();
    (network.params(), trace)
}

fn loss(trace: &Trace, params: &Params) -> f64 {
    let ones = params.clone().into_inner().into_iter().map(|mut tensor| {
        tensor.data.fill(1.0);
        tensor
    });
    let ones = Params::new(ones.collect()).unwrap();
    let direction = Direction::from_tensors(ones, params, Source::File).unwrap();
    let plane = Plane::new(params.clone(), vec![direction]).unwrap();
    let objective = trace.objective(&plane, &[]).unwrap();
    objective.evaluate(&[[0.0; 3]]).unwrap()[0].loss
}

fn shuffled(spec: &PermutationSpec, seed: u64) -> Permutations {
    let mut rng = Rng::new(seed, 0);
    let mut permutations = spec.identity();
    permutations.iter_mut().for_each(|p| rng.shuffle(p));
    permutations
}

/// Random permutations leave the loss as it is and move the parameters far; the spec that was derived.
#[track_caller]
fn keeps_the_loss(model: &str, groups: usize) -> PermutationSpec {
    let (params, trace) = network(model, &[]);
    let spec = trace.permutations();
    spec.check(&params).unwrap();
    let names: Vec<&str> = spec.groups.iter().map(|g| g.name.as_str()).collect();
    assert_eq!(names.len(), groups, "{names:?}");
    let before = loss(&trace, &params);
    for seed in 0..2 {
        let twin = spec.apply(&params, &shuffled(&spec, seed)).unwrap();
        let moved = twin.sub(&params).unwrap().norm() / params.norm();
        assert!(moved > 0.2, "{moved}");
        let after = loss(&trace, &twin);
        assert!((after - before).abs() < 1e-5 * before, "{before} {after}");
    }
    spec
}

#[test]
fn a_perceptron_has_the_groups_of_its_layers() {
    let spec = keeps_the_loss("mlp:7-20-15-4", 2);
    let (params, _) = network("mlp:7-20-15-4", &[]);
    assert_eq!(
        spec,
        PermutationSpec::mlp(&["fc1", "fc2", "fc3"], &params).unwrap()
    );
}

#[test]
fn residual_streams_are_groups_of_their_own() {
    // Three streams, and one between the convolutions of each of nine blocks: the groups of Git
    // Re-Basin's hand-written specification.
    let spec = keeps_the_loss("resnet20", 12);
    let stream = &spec.groups[0];
    assert_eq!((stream.name.as_str(), stream.units), ("conv1", 16));
    let tensors: Vec<&str> = stream.axes.iter().map(|a| a.tensor.as_str()).collect();
    for tensor in [
        "bn1.running_mean",
        "layer1.2.bn2.weight",
        "layer2.0.shortcut.0.weight",
    ] {
        assert!(tensors.contains(&tensor), "{tensor} in {tensors:?}");
    }
    assert_eq!(spec.groups[1].name, "layer1.0.conv1");
    // Two axes of both convolutions, and four tensors of the normalisation between them.
    assert_eq!(spec.groups[1].axes.len(), 6);
}

#[test]
fn without_shortcuts_every_convolution_is_a_group() {
    keeps_the_loss("resnet20-noshort", 19);
}

#[test]
fn wide_residual_networks() {
    // Three streams and 27 blocks.
    keeps_the_loss("wrn56-2", 30);
}

#[test]
fn maps_that_are_flattened_repeat_their_channels() {
    // Seven convolutions and the hidden linear layer.
    let spec = keeps_the_loss("vgg9", 8);
    // Means of 2x2 pixels leave 4 x 4 positions of each of 256 channels.
    let last = &spec.groups[6];
    let read = last.axes.last().unwrap();
    assert_eq!((read.tensor.as_str(), read.axis), ("fc.0.weight", 1));
    assert_eq!((last.units, read.repeat), (256, 16));
}

#[test]
fn concatenated_maps_are_parts_of_an_axis() {
    let spec = keeps_the_loss("densenet121", 120);
    let parts = |axis: &&landscape_core::alignment::AxisRef| axis.part.is_some();
    assert!(spec.groups[0].axes.iter().filter(parts).count() > 2);
}

#[test]
fn attention_heads_are_units() {
    let spec = keeps_the_loss("vit:patch=8,dim=48,depth=2,heads=4", 5);
    let heads = spec.groups.iter().find(|g| g.name.contains("qkv")).unwrap();
    assert_eq!(heads.units, 4);
    // Queries, keys and values of a head, twelve each, and the columns that read them.
    let qkv = heads
        .axes
        .iter()
        .filter(|a| a.tensor.ends_with("qkv.weight"));
    let places: Vec<_> = qkv.map(|a| (a.part, a.repeat)).collect();
    assert_eq!(places, [(Some(0), 12), (Some(48), 12), (Some(96), 12)]);
}

#[test]
fn statistics_and_regularizers_change_no_group() {
    let (_, plain) = network("resnet20", &[]);
    let (_, regularized) = network("resnet20", &[Regularizer::L2(1e-4)]);
    let expected = plain.permutations();
    assert_eq!(regularized.permutations(), expected);
    for statistics in [BatchStatistics::Batch, BatchStatistics::Reestimated] {
        let found = plain.with_batch_norm(statistics).unwrap().permutations();
        let units = |spec: &PermutationSpec| -> Vec<(String, usize)> {
            spec.groups
                .iter()
                .map(|g| (g.name.clone(), g.units))
                .collect()
        };
        assert_eq!(units(&found), units(&expected));
    }
}
