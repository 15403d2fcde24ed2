//! Programs that PyTorch 2.5 to 2.9 saved, each in its own form, with the losses that it computed (`tests/versions`).

use crate::reference::unpacked;
use landscape_core::Role;
use landscape_import::{Array, Loss, Program};
use landscape_trace::Target;
use std::path::Path;

#[test]
fn programs_of_every_version_have_the_losses_that_it_computed() {
    let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/versions/versions.zip");
    let folder = unpacked(&archive);
    let text = std::fs::read_to_string(folder.path().join("truth.json")).unwrap();
    let truth: serde_json::Value = serde_json::from_str(&text).unwrap();
    let numbers = |value: &serde_json::Value| -> Vec<f64> {
        let all = value.as_array().unwrap().iter();
        all.map(|x| x.as_f64().unwrap()).collect()
    };
    let array = |shape: &[usize], name: &str| {
        let data = numbers(&truth[name]).into_iter().map(|x| x as f32);
        Array::new(shape, data.collect()).unwrap()
    };
    for version in ["2.5", "2.6", "2.7", "2.8", "2.9"] {
        let program = Program::open(folder.path().join(format!("{version}.pt2"))).unwrap();
        let params = program.parameters();
        let buffers = params.iter().filter(|t| t.role == Role::Buffer);
        let mut buffers: Vec<_> = buffers.map(|t| t.name.as_str()).collect();
        buffers.sort_unstable();
        assert_eq!(
            buffers,
            ["norm.running_mean", "norm.running_var", "scale"],
            "{version}"
        );
        // One parameter, by the name that the version gives it.
        let tied = ["head.weight", "again.weight"].map(|name| params.get(name).is_some());
        assert!(tied[0] != tied[1], "{version}: {tied:?}");
        let tied = if tied[0] {
            "head.weight"
        } else {
            "again.weight"
        };
        let program = program.with_loss(Loss::CrossEntropy);
        let trace = program
            .trace(&[("x", array(&[6, 2, 5, 5], "x"))], &array(&[6], "y"))
            .unwrap();
        let params = program.program().parameters();
        let curvature = trace.curvature(params, &Target::default()).unwrap();
        let found = curvature.gradient().unwrap();
        let expected = truth[version]["loss"].as_f64().unwrap();
        assert!(
            (found.loss - expected).abs() < 1e-6,
            "{version}: {} not {expected}",
            found.loss
        );
        let squares = numbers(&truth[version]["gradient"]);
        for (name, expected) in ["conv.weight", tied, "turned"].iter().zip(squares) {
            let block = { curvature.blocks().iter() }.find(|block| block.name == *name);
            let own = &found.gradient[block.unwrap().range.clone()];
            let square: f64 = own.iter().map(|x| x * x).sum();
            assert!(
                (square - expected).abs() < 1e-5 * expected,
                "{version} {name}: {square} not {expected}"
            );
        }
    }
}
