//! Low-rank adapters in checkpoints, merged by what their factors say.

use crate::support::says;
use landscape_core::{Parameter, Params, Role};
use landscape_models::{ModelSpec, load_network, load_network_params, save_weights};
use std::path::{Path, PathBuf};

fn spec() -> ModelSpec {
    "mlp:3-2-2".parse().unwrap()
}

fn tensor(name: &str, shape: &[usize], data: &[f32]) -> Parameter {
    Parameter::new(name, shape, data.to_vec(), Role::Weight).unwrap()
}

const WEIGHT: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
const A: [f32; 3] = [1.0, -2.0, 0.5];
const B: [f32; 2] = [2.0, -1.0];

/// A network with an adapter of rank 1 on its first layer, as PEFT names it or as loralib does.
fn adapted(names: [&str; 4]) -> Vec<Parameter> {
    let [weight, bias, a, b] = names;
    vec![
        tensor(weight, &[2, 3], &WEIGHT),
        tensor(bias, &[2], &[0.1, 0.2]),
        tensor(a, &[1, 3], &A),
        tensor(b, &[2, 1], &B),
        tensor("fc2.weight", &[2, 2], &[1.0, 0.0, 0.0, 1.0]),
        tensor("fc2.bias", &[2], &[0.0, 0.0]),
    ]
}

const PEFT: [&str; 4] = [
    "fc1.base_layer.weight",
    "fc1.base_layer.bias",
    "fc1.lora_A.default.weight",
    "fc1.lora_B.default.weight",
];

fn write(folder: &Path, tensors: Vec<Parameter>, config: Option<&str>) -> PathBuf {
    let path = folder.join("adapted.safetensors");
    save_weights(&path, &Params::new(tensors).unwrap()).unwrap();
    if let Some(config) = config {
        std::fs::write(folder.join("adapter_config.json"), config).unwrap();
    }
    path
}

#[test]
fn adapters_are_merged_as_their_scale_says() {
    let loralib = ["fc1.weight", "fc1.bias", "fc1.lora_A", "fc1.lora_B"];
    let rank_1 = (r#"{"peft_type": "LORA", "r": 1, "lora_alpha": 3}"#, 3.0);
    for names in [PEFT, loralib] {
        let folder = tempfile::tempdir().unwrap();
        let (config, scale) = rank_1;
        let path = write(folder.path(), adapted(names), Some(config));
        let loaded = load_network(&path, &spec()).unwrap();
        let merged = &loaded.params.get("fc1.weight").unwrap().data;
        for (place, value) in merged.iter().enumerate() {
            let (row, column) = (place / 3, place % 3);
            assert_eq!(*value, WEIGHT[place] + scale * B[row] * A[column]);
        }
        assert_eq!(loaded.params.get("fc1.bias").unwrap().data, [0.1, 0.2]);
        let said = loaded
            .notes
            .iter()
            .any(|note| note.words.contains("(LoRA) are merged"));
        assert!(said, "{:?}", loaded.notes);
    }
}

/// With `use_rslora` the scale is alpha over the root of the rank; all names may stand behind PEFT's prefix.
#[test]
fn scales_and_prefixes_of_peft_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let mut tensors = adapted(PEFT);
    tensors[2] = tensor(PEFT[2], &[4, 3], &[A, A, A, A].concat());
    tensors[3] = tensor(PEFT[3], &[2, 4], &[2.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0]);
    for tensor in &mut tensors {
        tensor.name = format!("base_model.model.{}", tensor.name);
    }
    let config = r#"{"r": 4, "lora_alpha": 2, "use_rslora": true}"#;
    let path = write(folder.path(), tensors, Some(config));
    let params = load_network_params(&path, &spec()).unwrap();
    let merged = &params.get("fc1.weight").unwrap().data;
    // 2 / sqrt 4.
    let expected: Vec<f32> = { WEIGHT.iter().enumerate() }
        .map(|(place, value)| value + B[place / 3] * A[place % 3])
        .collect();
    assert_eq!(*merged, expected);
}

#[test]
fn adapters_that_cannot_be_merged_say_why() {
    let fails = |tensors: Vec<Parameter>, config: Option<&str>| {
        let folder = tempfile::tempdir().unwrap();
        let path = write(folder.path(), tensors, config);
        load_network_params(&path, &spec()).unwrap_err()
    };
    let config = Some(r#"{"r": 1, "lora_alpha": 3}"#);
    says(fails(adapted(PEFT), None), &["adapter_config.json"]);
    let mut alone = adapted(PEFT);
    alone.remove(0);
    says(
        fails(alone, config),
        &["without the weight that it changes"],
    );
    let mut wide = adapted(PEFT);
    wide[2] = tensor(PEFT[2], &[1, 4], &[0.0; 4]);
    says(fails(wide, config), &["does not fit its weight"]);
    let mut two = adapted(PEFT);
    two.push(tensor("fc1.lora_A.other.weight", &[1, 3], &A));
    two.push(tensor("fc1.lora_B.other.weight", &[2, 1], &B));
    says(fails(two, config), &["several adapters"]);
    let magnitudes = Some(r#"{"r": 1, "lora_alpha": 3, "use_dora": true}"#);
    says(fails(adapted(PEFT), magnitudes), &["DoRA"]);
    says(fails(adapted(PEFT), Some("{}")), &["lora_alpha"]);
}
