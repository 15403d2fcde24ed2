//! Assignment against brute force, and networks against their permuted twins.

use crate::support::{assert_close, tensor};
use landscape_core::alignment::{
    AlignmentError, AxisRef, Correlator, Group, PermutationSpec, Permutations, assign,
    correlations, match_activations, match_weights, settle_ties,
};
use landscape_core::{Params, Rng, Role};
use proptest::prelude::*;

fn total(cost: &[f64], columns: &[usize]) -> f64 {
    let n = columns.len();
    columns
        .iter()
        .enumerate()
        .map(|(i, &j)| cost[i * n + j])
        .sum()
}

/// The least cost over all permutations.
fn brute(cost: &[f64], chosen: &mut Vec<usize>, n: usize) -> f64 {
    if chosen.len() == n {
        return total(cost, chosen);
    }
    let mut least = f64::INFINITY;
    for column in 0..n {
        if !chosen.contains(&column) {
            chosen.push(column);
            least = least.min(brute(cost, chosen, n));
            chosen.pop();
        }
    }
    least
}

proptest! {
    #[test]
    fn assignments_cost_least(
        n in 0usize..7,
        values in prop::collection::vec(prop_oneof![-9.0..9.0f64, (0i8..3).prop_map(f64::from)], 36),
    ) {
        let cost = &values[..n * n];
        let columns = assign(cost, n).unwrap();
        let mut sorted = columns.clone();
        sorted.sort_unstable();
        prop_assert!(sorted.into_iter().eq(0..n));
        let least = brute(cost, &mut Vec::new(), n);
        prop_assert!((total(cost, &columns) - least).abs() < 1e-9);
    }
}

#[test]
fn a_hidden_assignment_is_found() {
    let n = 200;
    let mut rng = Rng::new(4, 0);
    let mut hidden: Vec<usize> = (0..n).collect();
    rng.shuffle(&mut hidden);
    let mut cost: Vec<f64> = (0..n * n).map(|_| rng.uniform(0.0, 1.0)).collect();
    for (i, &j) in hidden.iter().enumerate() {
        cost[i * n + j] = -1.0;
    }
    assert_eq!(assign(&cost, n), Some(hidden));
    assert_eq!(assign(&cost, n - 1), None);
    cost[3] = f64::NAN;
    assert_eq!(assign(&cost, n), None);
}

fn random(shape: &[usize], name: &str, role: Role, rng: &mut Rng) -> landscape_core::Parameter {
    let count = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|_| rng.normal() as f32).collect();
    tensor(name, shape, role, |i| values[i])
}

fn mlp() -> (Params, PermutationSpec) {
    let mut rng = Rng::new(1, 0);
    let mut tensors = Vec::new();
    for (layer, [inputs, outputs]) in [[5, 40], [40, 24], [24, 24], [24, 3]]
        .into_iter()
        .enumerate()
    {
        let name = |part: &str| format!("fc{}.{part}", layer + 1);
        tensors.push(random(
            &[outputs, inputs],
            &name("weight"),
            Role::Weight,
            &mut rng,
        ));
        tensors.push(random(&[outputs], &name("bias"), Role::Bias, &mut rng));
    }
    let params = Params::new(tensors).unwrap();
    let spec = PermutationSpec::mlp(&["fc1", "fc2", "fc3", "fc4"], &params).unwrap();
    (params, spec)
}

/// A convolution with normalisation, a residual block on its stream, and a linear layer that reads
/// the flattened map.
fn convolutional() -> (Params, PermutationSpec) {
    let mut rng = Rng::new(2, 0);
    let mut make = |name: &str, shape: &[usize], role| random(shape, name, role, &mut rng);
    let params = Params::new(vec![
        make("conv1.weight", &[6, 2, 3, 3], Role::Weight),
        make("bn1.weight", &[6], Role::NormScale),
        make("bn1.bias", &[6], Role::NormShift),
        make("bn1.running_mean", &[6], Role::Buffer),
        make("block.conv1.weight", &[7, 6, 3, 3], Role::Weight),
        make("block.conv2.weight", &[6, 7, 3, 3], Role::Weight),
        make("fc.weight", &[4, 24], Role::Weight),
    ])
    .unwrap();
    let stream = Group {
        name: "stream".into(),
        units: 6,
        axes: vec![
            AxisRef::new("conv1.weight", 0),
            AxisRef::new("bn1.weight", 0),
            AxisRef::new("bn1.bias", 0),
            AxisRef::new("bn1.running_mean", 0),
            AxisRef::new("block.conv1.weight", 1),
            AxisRef::new("block.conv2.weight", 0),
            AxisRef {
                repeat: 4,
                ..AxisRef::new("fc.weight", 1)
            },
        ],
    };
    let inner = Group {
        name: "inner".into(),
        units: 7,
        axes: vec![
            AxisRef::new("block.conv1.weight", 0),
            AxisRef::new("block.conv2.weight", 1),
        ],
    };
    let spec = PermutationSpec {
        groups: vec![stream, inner],
    };
    spec.check(&params).unwrap();
    (params, spec)
}

fn shuffled(spec: &PermutationSpec, seed: u64) -> Permutations {
    let mut rng = Rng::new(seed, 0);
    let mut permutations = spec.identity();
    permutations.iter_mut().for_each(|p| rng.shuffle(p));
    permutations
}

#[test]
fn a_permuted_twin_is_matched_exactly() {
    for (params, spec) in [mlp(), convolutional()] {
        for seed in 0..5 {
            let hidden = shuffled(&spec, seed);
            let twin = spec.apply(&params, &hidden).unwrap();
            assert_ne!(twin, params);
            let found = match_weights(&spec, &params, &twin, seed).unwrap();
            assert!(found.converged);
            assert_eq!(spec.apply(&twin, &found.permutations).unwrap(), params);
            for (found, hidden) in found.permutations.iter().zip(&hidden) {
                let composed: Vec<usize> = found.iter().map(|&i| hidden[i]).collect();
                assert!(composed.into_iter().eq(0..found.len()));
            }
            let [before, after] = found.similarity;
            let own: f64 = params.weights().map(|t| t.norm().powi(2)).sum();
            let fixed = params.get("fc4.bias").map_or(0.0, |t| t.norm().powi(2));
            assert!(before < after);
            assert_close(after, own - fixed, 1e-9);
        }
    }
}

#[test]
fn a_twin_with_noise_is_matched() {
    let (params, spec) = mlp();
    let hidden = shuffled(&spec, 9);
    let twin = spec.apply(&params, &hidden).unwrap();
    let mut rng = Rng::new(3, 0);
    let noisy: Vec<f32> = twin
        .flatten()
        .iter()
        .map(|v| v + 0.2 * rng.normal() as f32)
        .collect();
    let twin = twin.unflatten(&noisy).unwrap();
    let found = match_weights(&spec, &params, &twin, 0).unwrap();
    let aligned = spec.apply(&twin, &found.permutations).unwrap();
    let far = twin.sub(&params).unwrap().norm();
    let near = aligned.sub(&params).unwrap().norm();
    assert!(near < 0.3 * far, "{near} {far}");
}

/// The function of the perceptron with ReLU between the layers.
fn forward(params: &Params, input: &[f64]) -> Vec<Vec<f64>> {
    let mut values = vec![input.to_vec()];
    for layer in 1..=4 {
        let weight = params.get(&format!("fc{layer}.weight")).unwrap();
        let bias = params.get(&format!("fc{layer}.bias")).unwrap();
        let last = values.last().unwrap();
        let outputs = weight.filters().zip(&bias.data).map(|(row, b)| {
            let sum: f64 = row.iter().zip(last).map(|(w, x)| f64::from(*w) * x).sum();
            let value = sum + f64::from(*b);
            if layer < 4 { value.max(0.0) } else { value }
        });
        values.push(outputs.collect());
    }
    values
}

#[test]
fn permuted_networks_compute_the_same_and_their_activations_match() {
    let (params, spec) = mlp();
    let hidden = shuffled(&spec, 5);
    let twin = spec.apply(&params, &hidden).unwrap();
    let mut rng = Rng::new(8, 0);
    let (mut ours, mut theirs) = (vec![Vec::new(); 3], vec![Vec::new(); 3]);
    for _ in 0..60 {
        let input: Vec<f64> = (0..5).map(|_| rng.normal()).collect();
        let (a, b) = (forward(&params, &input), forward(&twin, &input));
        for (x, y) in a[4].iter().zip(&b[4]) {
            assert_close(*x, *y, 1e-9);
        }
        for layer in 0..3 {
            ours[layer].extend(a[layer + 1].iter().map(|&v| v as f32));
            theirs[layer].extend(b[layer + 1].iter().map(|&v| v as f32));
        }
    }
    let matrices: Vec<Vec<f64>> = (0..3)
        .map(|l| correlations(&ours[l], &theirs[l], spec.groups[l].units).unwrap())
        .collect();
    let found = match_activations(&spec, &matrices).unwrap();
    assert_eq!(spec.apply(&twin, &found.permutations).unwrap(), params);
    assert!(found.similarity[0] < found.similarity[1]);
    assert_eq!(correlations(&ours[0], &theirs[0][1..], 40), None);
}

/// Two layers whose outputs stand one after another, and a third one that reads both.
fn concatenated() -> (Params, PermutationSpec) {
    let random = |name: &str, shape: &[usize], stream: u64| {
        let rng = std::cell::RefCell::new(Rng::new(1, stream));
        tensor(name, shape, Role::Weight, |_| {
            rng.borrow_mut().normal() as f32
        })
    };
    let params = Params::new(vec![
        random("one.weight", &[3, 4], 1),
        random("two.weight", &[5, 4], 2),
        random("read.weight", &[2, 16], 3),
    ]);
    let group = |name: &str, units: usize, start: usize| Group {
        name: name.to_owned(),
        units,
        axes: vec![
            AxisRef::new(format!("{name}.weight"), 0),
            AxisRef {
                repeat: 2,
                part: Some(start),
                ..AxisRef::new("read.weight", 1)
            },
        ],
    };
    let groups = vec![group("one", 3, 0), group("two", 5, 6)];
    (params.unwrap(), PermutationSpec { groups })
}

#[test]
fn parts_of_an_axis_are_permuted_by_themselves() {
    let (params, spec) = concatenated();
    let hidden = vec![vec![1, 2, 0], vec![4, 0, 3, 1, 2]];
    let twin = spec.apply(&params, &hidden).unwrap();
    let (old, new) = (
        params.get("read.weight").unwrap(),
        twin.get("read.weight").unwrap(),
    );
    for row in 0..2 {
        let at = |t: &landscape_core::Parameter, i: usize| t.data[row * 16 + i];
        assert_eq!([at(new, 0), at(new, 1)], [at(old, 2), at(old, 3)]);
        assert_eq!([at(new, 6), at(new, 7)], [at(old, 14), at(old, 15)]);
    }
    let found = match_weights(&spec, &params, &twin, 0).unwrap();
    assert_eq!(spec.apply(&twin, &found.permutations).unwrap(), params);
    let with = |part: usize| {
        let mut spec = spec.clone();
        spec.groups[1].axes[1].part = Some(part);
        spec.check(&params).unwrap_err()
    };
    assert!(matches!(with(5), AlignmentError::Claimed { .. }));
    assert!(matches!(with(7), AlignmentError::Axis { .. }));
}

#[test]
fn correlations_do_not_depend_on_the_parts_they_come_in() {
    let mut rng = Rng::new(6, 0);
    // Large means, and a unit that never changes.
    let mut values = |mean: f64| -> Vec<f32> {
        let mut value = |i: usize| if i % 3 == 2 { 0.1 } else { mean + rng.normal() };
        (0..300).map(|i| value(i) as f32).collect()
    };
    let (a, b) = (values(100.0), values(-7.0));
    let mut parts = Correlator::new(3);
    for part in [0..30, 30..33, 33..300] {
        parts.add(&a[part.clone()], &b[part]).unwrap();
    }
    let (found, whole) = (parts.correlations(), correlations(&a, &b, 3).unwrap());
    for (i, (x, y)) in found.iter().zip(&whole).enumerate() {
        assert_close(*x, *y, 1e-9);
        assert_close(*x, pearson(&a, &b, i / 3, i % 3), 1e-9);
    }
    assert_eq!(whole[2], 0.0);
    assert_eq!(parts.add(&a, &b[1..]), None);
}

/// By the textbook, in two passes; 0 without variance.
fn pearson(a: &[f32], b: &[f32], i: usize, j: usize) -> f64 {
    let column = |values: &[f32], unit: usize| -> Vec<f64> {
        let column: Vec<f64> = values.chunks(3).map(|row| f64::from(row[unit])).collect();
        let mean = column.iter().sum::<f64>() / column.len() as f64;
        column.iter().map(|v| v - mean).collect()
    };
    let (x, y) = (column(a, i), column(b, j));
    let product = |p: &[f64], q: &[f64]| p.iter().zip(q).map(|(p, q)| p * q).sum::<f64>();
    match i == 2 || j == 2 {
        true => 0.0,
        false => product(&x, &y) / (product(&x, &x) * product(&y, &y)).sqrt(),
    }
}

#[test]
fn units_without_activity_are_told_apart_by_their_weights() {
    let (params, spec) = mlp();
    let hidden = shuffled(&spec, 5);
    let twin = spec.apply(&params, &hidden).unwrap();
    // The correlations of the true matching, but for units that do nothing.
    let matrices: Vec<Vec<f64>> = (spec.groups.iter().zip(&hidden))
        .map(|(group, permutation)| {
            let mut matrix = vec![0.0; group.units * group.units];
            for (place, &unit) in permutation.iter().enumerate().filter(|(p, _)| p % 3 > 0) {
                matrix[unit * group.units + place] = 1.0;
            }
            matrix
        })
        .collect();
    let rough = match_activations(&spec, &matrices).unwrap();
    assert_ne!(spec.apply(&twin, &rough.permutations).unwrap(), params);
    let found = settle_ties(&spec, &params, &twin, &matrices, rough.clone()).unwrap();
    assert_eq!(spec.apply(&twin, &found.permutations).unwrap(), params);
    assert!(found.converged);
    assert_close(found.similarity[1], rough.similarity[1], 1e-12);
}

#[test]
fn what_does_not_fit_is_named() {
    let (params, spec) = mlp();
    let with = |change: fn(&mut Group)| {
        let mut spec = spec.clone();
        change(&mut spec.groups[0]);
        spec.check(&params).unwrap_err()
    };
    let error = with(|g| g.axes[0].tensor = "fc9.weight".into());
    assert!(matches!(error, AlignmentError::UnknownTensor { .. }));
    for change in [
        (|g| g.units = 39) as fn(&mut Group),
        |g| g.axes[0].axis = 2,
        |g| g.axes[0].repeat = 0,
    ] {
        assert!(matches!(with(change), AlignmentError::Axis { .. }));
    }
    let error = with(|g| g.axes.push(g.axes[0].clone()));
    assert!(matches!(error, AlignmentError::Claimed { .. }));
    let apply = |p: &[Vec<usize>]| spec.apply(&params, p).unwrap_err();
    assert!(matches!(apply(&[]), AlignmentError::Groups { .. }));
    let mut twice = spec.identity();
    twice[1][3] = 4;
    assert!(matches!(
        apply(&twice),
        AlignmentError::NoPermutation { .. }
    ));
    let mut flat = params.flatten();
    flat[2] = f32::NAN;
    let broken = params.unflatten(&flat).unwrap();
    let error = match_weights(&spec, &params, &broken, 0).unwrap_err();
    assert!(matches!(error, AlignmentError::NotFinite { .. }));
    let error = match_activations(&spec, &vec![vec![0.0; 4]; 3]).unwrap_err();
    assert!(matches!(error, AlignmentError::NotFinite { .. }));
    let error = PermutationSpec::mlp(&["fc1", "fc3"], &params).unwrap_err();
    assert!(matches!(error, AlignmentError::Axis { .. }));
}
