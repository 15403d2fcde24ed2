//! Low-rank adapters on weights: merged, and as parameters of their own.

use crate::support::Bench;
use serde_json::Value;
use std::path::Path;

const PROBLEM: &str = "--model mlp:4-6-6-3:tanh --data data.npz";
/// Losses of the base and of both fine-tunings by PyTorch in f64; see crates/study/tests/reference/fine-tuning.py.
const LOSSES: [f64; 3] = [
    1.213_942_343_973_310_6,
    1.258_988_265_002_202_4,
    2.478_403_246_062_528,
];
/// Parameters of the network, and of an adapter of rank 2 on its three layers.
const PARAMETERS: [u64; 2] = [93, 62];

/// A base, and two adapters on it in folders of PEFT.
fn tuned() -> Bench {
    let reference =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../study/tests/reference/fine-tuning");
    let bench = Bench::new();
    for folder in ["a", "b"] {
        std::fs::create_dir(bench.path(folder)).unwrap();
        for file in ["adapter_config.json", "adapter_model.safetensors"] {
            let place = format!("{folder}/{file}");
            std::fs::copy(reference.join(&place), bench.path(&place)).unwrap();
        }
    }
    for file in ["base.safetensors", "data.npz"] {
        std::fs::copy(reference.join(file), bench.path(file)).unwrap();
    }
    bench
}

#[track_caller]
fn near(found: &Value, expected: f64) {
    let found = found.as_f64().unwrap();
    assert!((found - expected).abs() < 4e-6, "{found} {expected}");
}

#[test]
fn adapters_are_merged_or_parameters() {
    let bench = tuned();
    let command =
        format!("hessian --weights base.safetensors --adapter a/ {PROBLEM} --top 1 --f64");
    let merged = bench.json(&command);
    let apart = bench.json(&format!("{command} --lora parameters --params '*lora*'"));
    for (found, parameters) in [merged, apart].iter().zip(PARAMETERS) {
        near(&found["loss"], LOSSES[1]);
        assert_eq!(found["parameters"], parameters);
    }
    for (command, points) in [("line", 3), ("surface", 9), ("volume", 27)] {
        let found = bench.json(&format!(
            "{command} --weights base.safetensors --adapter a/ --lora=parameters --params '*lora*' {PROBLEM} --grid 3"
        ));
        assert_eq!(found["computed"], points, "{command}");
        near(&found["center_loss"], LOSSES[1]);
    }
}

#[test]
fn lines_lead_from_adapter_to_adapter() {
    let bench = tuned();
    let found = bench.json(&format!(
        "connect --weights base.safetensors --adapter a/ --to b/ {PROBLEM} --points 5"
    ));
    let ends = &found["line"]["barrier"]["ends"];
    near(&ends[0], LOSSES[1]);
    near(&ends[1], LOSSES[2]);
    let plane = bench.json(&format!(
        "surface --weights base.safetensors --to a/ --to b/ {PROBLEM} --grid 2 --range 0:1 --name plane"
    ));
    near(&plane["center_loss"], LOSSES[0]);
}

#[test]
fn adapters_that_are_none_are_told() {
    let bench = tuned();
    let lora = "there are no low-rank adapters";
    for (words, told) in [
        ("--weights base.safetensors --lora parameters", lora),
        (
            "--weights base.safetensors --adapter base.safetensors",
            lora,
        ),
        ("--adapter a/", "change weights that are not given"),
    ] {
        let error = bench.fails(&format!("line {words} {PROBLEM} --grid 3"));
        assert!(error.contains(told), "{words}: {error}");
    }
}
