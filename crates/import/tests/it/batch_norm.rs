//! BatchNorm's statistics and alignment of a program from a file (`tests/batch_norm`): losses as PyTorch computes them in f64.

use crate::reference::array;
use landscape_core::alignment::match_weights;
use landscape_core::{Direction, Objective, Parameter, Params, Plane};
use landscape_files::Npz;
use landscape_import::{ImportError, Loss, Program, ProgramLoss};
use landscape_trace::{BatchStatistics, Trace};
use std::path::Path;

fn network() -> (ProgramLoss, Trace) {
    opened("net.pt2", "data.npz").unwrap()
}

fn opened(net: &str, data: &str) -> Result<(ProgramLoss, Trace), ImportError> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/batch_norm");
    let net = Program::open(folder.join(net))?.with_loss(Loss::CrossEntropy);
    let mut data = Npz::open(&folder.join(data)).unwrap();
    let [x, y] = ["x", "y"].map(|name| array(&mut data, name).unwrap());
    let trace = net.trace(&[("", x)], &y)?;
    Ok((net, trace))
}

/// Losses at both ends of a line and in its middle.
fn line(trace: &Trace, from: &Params, to: &Params) -> Vec<f64> {
    let between = Direction::between(from, to).unwrap();
    let plane = Plane::new(from.clone(), vec![between]).unwrap();
    let objective = trace.objective(&plane, &[]).unwrap();
    let points = [0.0, 0.5, 1.0].map(|at| [at, 0.0, 0.0]);
    let found = objective.evaluate(&points).unwrap();
    found.iter().map(|sample| sample.loss).collect()
}

#[test]
fn statistics_are_those_that_are_asked_for() {
    let (net, trace) = network();
    for (statistics, expected) in [
        (BatchStatistics::Frozen, 1.461550680009342),
        (BatchStatistics::Batch, 1.5188773771115571),
        (BatchStatistics::Reestimated, 1.5179267205549283),
    ] {
        let trace = trace.with_batch_norm(statistics).unwrap();
        let params = net.parameters();
        let found = line(&trace, params, &permuted(params))[0];
        assert!((found - expected).abs() < 1e-6, "{statistics:?}: {found}");
    }
}

/// A tensor with one axis in another order.
fn ordered(tensor: &Parameter, axis: usize, order: &[usize]) -> Parameter {
    let inner: usize = tensor.shape[axis + 1..].iter().product();
    let own = tensor.shape[axis];
    let data = (0..tensor.data.len()).map(|i| {
        let (outer, place, rest) = (i / inner / own, i / inner % own, i % inner);
        tensor.data[(outer * own + order[place]) * inner + rest]
    });
    let data = data.collect();
    Parameter {
        data,
        ..tensor.clone()
    }
}

/// The same network with the units of both hidden layers in another order.
fn permuted(params: &Params) -> Params {
    let orders: [Vec<usize>; 2] = [16, 12].map(|n| (0..n).map(|i| (5 * i + 3) % n).collect());
    let tensors = params.iter().map(|tensor| match tensor.name.as_str() {
        "3.weight" => ordered(&ordered(tensor, 0, &orders[1]), 1, &orders[0]),
        "3.bias" => ordered(tensor, 0, &orders[1]),
        "5.weight" => ordered(tensor, 1, &orders[1]),
        "5.bias" => tensor.clone(),
        _ => ordered(tensor, 0, &orders[0]),
    });
    Params::new(tensors.collect()).unwrap()
}

#[test]
fn a_permuted_twin_is_the_network_after_alignment() {
    let (net, trace) = network();
    let own = net.parameters();
    let twin = permuted(own);
    let [start, middle, end] = line(&trace, own, &twin)[..] else {
        panic!("three losses");
    };
    assert!((start - end).abs() < 1e-6 && (middle - start).abs() > 1e-2);
    let spec = trace.permutations();
    let matching = match_weights(&spec, own, &twin, 0).unwrap();
    let aligned = spec.apply(&twin, &matching.permutations).unwrap();
    assert_eq!(&aligned, own);
}

/// An instance norm with running statistics, whole and taken apart, keeps them, and mixes no samples. Taken apart for a number of
/// samples it holds that number.
#[test]
fn an_instance_norm_keeps_its_running_statistics() {
    for file in ["instance-whole.pt2", "instance-apart.pt2"] {
        let (net, trace) = opened(file, "instance.npz").unwrap();
        assert!(
            net.program().notes().is_empty(),
            "{:?}",
            net.program().notes()
        );
        assert_eq!(trace.mixes_samples(), None, "{file}");
        for statistics in [BatchStatistics::Frozen, BatchStatistics::Batch] {
            let trace = trace.with_batch_norm(statistics).unwrap();
            let found = line(&trace, net.parameters(), &moved(net.parameters()))[0];
            assert!(
                (found - 1.432_807_448).abs() < 1e-6,
                "{file} {statistics:?}: {found}"
            );
        }
    }
    let error = opened("instance-fixed.pt2", "instance.npz")
        .unwrap_err()
        .to_string();
    for words in [
        "its instance norm was taken apart",
        "run_decompositions()",
        "torch.export.Dim",
    ] {
        assert!(error.contains(words), "{error}");
    }
}

/// Another point.
fn moved(params: &Params) -> Params {
    let tensors = params.iter().map(|tensor| Parameter {
        data: tensor.data.iter().map(|x| x + 0.1).collect(),
        ..tensor.clone()
    });
    Params::new(tensors.collect()).unwrap()
}
