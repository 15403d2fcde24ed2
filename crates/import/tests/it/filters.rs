//! Which axes of weights count filters, against the slopes that PyTorch computes (`tests/filters`).

use crate::reference::unpacked;
use landscape_core::{
    BiasMode, Direction, Distribution, FilterAxes, Grid, Normalization, Parameter, Plane, Sampler,
    Surface,
};
use landscape_import::{Array, Loss, Program};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

fn archive() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/filters/filters.zip")
}

/// The number of the filter that each element is in.
fn filters(weight: &Parameter) -> Vec<usize> {
    let shape = weight.shape.clone();
    let numbers: Vec<f32> = (0..weight.numel()).map(|i| i as f32).collect();
    let numbered = Parameter::new("w", shape, numbers, weight.role).unwrap();
    let numbered = numbered.with_filters(weight.filter_axes).unwrap();
    let mut all = vec![usize::MAX; weight.numel()];
    for (number, filter) in numbered.filters().enumerate() {
        filter.iter().for_each(|&i| all[i as usize] = number);
    }
    all
}

/// Whether two numberings make the same sets.
fn same_sets(a: &[usize], b: &[usize]) -> bool {
    let (mut there, mut back) = (HashMap::new(), HashMap::new());
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(&a, &b)| *there.entry(a).or_insert(b) == b && *back.entry(b).or_insert(a) == a)
}

#[test]
fn a_filter_is_what_makes_one_unit() {
    let folder = unpacked(&archive());
    let text = std::fs::read_to_string(folder.path().join("units.json")).unwrap();
    let units: BTreeMap<String, Vec<usize>> = serde_json::from_str(&text).unwrap();
    let mut wrong = Vec::new();
    for (name, expected) in &units {
        for format in ["pt2", "core.pt2", "onnx"] {
            let program = Program::open(folder.path().join(format!("{name}.{format}"))).unwrap();
            let weights: Vec<_> = program.parameters().weights().collect();
            let [weight] = weights[..] else {
                wrong.push(format!("{name}.{format}: {} weights", weights.len()));
                continue;
            };
            if !same_sets(&filters(weight), expected) {
                wrong.push(format!(
                    "{name}.{format}: {:?} {:?}",
                    weight.shape, weight.filter_axes
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Losses on a plane of random directions with the norms of the filters.
fn surface(program: &Program, normalization: Normalization) -> Vec<f64> {
    let number = |i: usize| (i * 7 % 11) as f32 / 5.0 - 1.0;
    let x = Array::new([8, 5], (0..40).map(number).collect()).unwrap();
    let y = Array::new([8], (0..8).map(|i| (i % 3) as f32).collect()).unwrap();
    let params = program.parameters();
    let trace = program
        .trace(params, &[("", x)], Some(&y), Loss::CrossEntropy)
        .unwrap();
    let direction = |stream| {
        Direction::random(params, Distribution::Gaussian, 5, stream)
            .normalize(params, normalization, BiasMode::Raw)
            .unwrap()
    };
    let plane = Plane::new(params.clone(), vec![direction(0), direction(1)]).unwrap();
    let mut surface = Surface::new(Grid::square(5, 1.0, 2).unwrap(), vec![]);
    let objective = trace.objective(&plane, &[]).unwrap();
    Sampler::new()
        .run(&objective, &mut surface, &mut [])
        .unwrap();
    surface.losses()
}

#[test]
fn weights_as_they_are_multiplied_give_the_surface_of_their_transposes() {
    let folder = unpacked(&archive());
    let open = |name: &str| Program::open(folder.path().join(name)).unwrap();
    let twin = open("twin.pt2");
    for name in ["twin_matmul.onnx", "twin_gemm.onnx"] {
        let other = open(name);
        let weight = other.parameters().get("0.weight").unwrap();
        assert_eq!(
            (weight.shape.as_slice(), weight.filter_axes),
            (&[5, 4][..], FilterAxes::axis(1))
        );
        for normalization in [Normalization::Filter, Normalization::DFilter] {
            let (expected, found) = (
                surface(&twin, normalization),
                surface(&other, normalization),
            );
            for (a, b) in expected.iter().zip(&found) {
                assert!((a - b).abs() <= 1e-6 * a.abs(), "{name}: {b}, not {a}");
            }
        }
    }
}
