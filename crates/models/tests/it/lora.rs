//! Low-rank adapters in checkpoints, merged by what their factors say.

use crate::support::says;
use burn::tensor::Device;
use landscape_core::{Parameter, Params, Role};
use landscape_models::{
    Adapters, LoadOptions, LossKind, ModelSpec, Network, Split, load, load_layout,
    load_layout_with, load_network, load_network_params, save_weights, trace_network,
};
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

/// `W + scale B A`, `W` of so many columns.
fn plus(weight: &[f32], b: &[f32], a: &[f32], columns: usize, scale: f32) -> Vec<f32> {
    let rank = a.len() / columns;
    let values = weight.iter().enumerate().map(|(place, value)| {
        let (row, column) = (place / columns, place % columns);
        let terms = (0..rank).map(|k| b[row * rank + k] * a[k * columns + column]);
        value + scale * terms.sum::<f32>()
    });
    values.collect()
}

fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    let columns = (0..columns).map(|column| values.iter().skip(column).step_by(columns));
    columns.flatten().copied().collect()
}

/// Numbers that are exact, as are their products.
fn counted(count: usize, first: f32) -> Vec<f32> {
    (0..count).map(|at| first + at as f32 * 0.25).collect()
}

fn apart(path: &Path, layout: &Params, base: Option<&Params>) -> (Params, Adapters) {
    let options = LoadOptions {
        apart: true,
        base,
        ..LoadOptions::default()
    };
    let loaded = load_layout_with(path, layout, "the network", &options).unwrap();
    (loaded.params, loaded.adapters)
}

/// The adapter of a convolution has its kernel in `A`; that of an embedding is the transpose of the table.
#[test]
fn adapters_of_convolutions_and_embeddings_are_merged_and_apart() {
    let (kernel, table) = (counted(16, 1.0), counted(6, -2.0));
    let (a, b) = (counted(8, 0.5), vec![2.0, -1.0]);
    let (of_table, to_table) = (counted(3, 1.0), vec![4.0, 8.0]);
    let layout = Params::new(vec![
        tensor("conv.weight", &[2, 2, 2, 2], &kernel),
        tensor("wte.weight", &[3, 2], &table),
    ])
    .unwrap();
    let tensors = vec![
        tensor("conv.base_layer.weight", &[2, 2, 2, 2], &kernel),
        tensor("conv.lora_A.default.weight", &[1, 2, 2, 2], &a),
        tensor("conv.lora_B.default.weight", &[2, 1, 1, 1], &b),
        tensor("wte.base_layer.weight", &[3, 2], &table),
        tensor("wte.lora_embedding_A.default", &[1, 3], &of_table),
        tensor("wte.lora_embedding_B.default", &[2, 1], &to_table),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), tensors, Some(r#"{"lora_alpha": 3}"#));
    let merged = load_layout(&path, &layout, "the network").unwrap().params;
    let expected = plus(&kernel, &b, &a, 8, 3.0);
    assert_eq!(merged.get("conv.weight").unwrap().data, expected);
    let table = plus(&transposed(&table, 2), &to_table, &of_table, 3, 3.0);
    let expected = transposed(&table, 3);
    assert_eq!(merged.get("wte.weight").unwrap().data, expected);

    let (base, adapters) = apart(&path, &layout, None);
    assert_eq!(base, layout);
    let both = adapters.beside(base).unwrap();
    let names: Vec<&str> = both.iter().skip(2).map(|t| t.name.as_str()).collect();
    let [conv, wte] = [
        ["conv.lora_A.weight", "conv.lora_B.weight"],
        ["wte.lora_embedding_A", "wte.lora_embedding_B"],
    ];
    assert_eq!(names, [conv, wte].concat());
    assert_eq!(adapters.merged(&both), merged);
}

const GPT: &str = "gpt:vocab=96,context=64,dim=8,depth=1,heads=2";

/// Weights of `Conv1D` in a block, and the outputs and inputs of each: one is square, and nothing in its shape tells that
/// it is turned.
const BLOCK: [(&str, usize, usize); 2] = [("attn.c_attn", 24, 8), ("attn.c_proj", 8, 8)];

/// A GPT as Hugging Face has it, and adapters of its attention.
fn gpt(folder: &Path) -> (ModelSpec, Params, Vec<Parameter>) {
    let spec: ModelSpec = GPT.parse().unwrap();
    let params = Network::init(&spec, 3, &Device::flex()).params();
    let config = r#"{"lora_alpha": 2, "fan_in_fan_out": true}"#;
    std::fs::write(folder.join("adapter_config.json"), config).unwrap();
    let mut factors = Vec::new();
    for (layer, outputs, inputs) in BLOCK {
        let name = |factor: &str| format!("transformer.h.0.{layer}.lora_{factor}.weight");
        factors.push(tensor(&name("A"), &[1, inputs], &counted(inputs, 0.25)));
        factors.push(tensor(&name("B"), &[outputs, 1], &counted(outputs, -0.5)));
    }
    (spec, params, factors)
}

/// All of it in one file, of whose matrices of blocks the rows are the inputs.
fn in_one_file(folder: &Path, params: &Params, factors: &[Parameter]) -> PathBuf {
    let turned = params.iter().map(|own| match own.shape[..] {
        [outputs, inputs] if own.name.contains(".h.") => tensor(
            &own.name,
            &[inputs, outputs],
            &transposed(&own.data, inputs),
        ),
        _ => own.clone(),
    });
    let path = folder.join("whole.safetensors");
    let tensors = turned.chain(factors.iter().cloned()).collect();
    save_weights(&path, &Params::new(tensors).unwrap()).unwrap();
    path
}

#[test]
fn adapters_of_language_models_are_those_of_turned_weights() {
    let folder = tempfile::tempdir().unwrap();
    let (spec, params, factors) = gpt(folder.path());
    let whole = in_one_file(folder.path(), &params, &factors);
    let alone = folder.path().join("adapter_model.safetensors");
    let of_peft = factors.iter().cloned().map(|mut factor| {
        factor.name = format!("base_model.model.{}", factor.name);
        factor
    });
    save_weights(&alone, &Params::new(of_peft.collect()).unwrap()).unwrap();

    let merged = load_network_params(&whole, &spec).unwrap();
    for (layer, pair) in BLOCK.iter().zip(factors.chunks(2)) {
        let name = format!("transformer.h.0.{}.weight", layer.0);
        let own = &params.get(&name).unwrap().data;
        let expected = plus(own, &pair[1].data, &pair[0].data, layer.2, 2.0);
        for (found, expected) in merged.get(&name).unwrap().data.iter().zip(expected) {
            assert!(
                (found - expected).abs() <= 4e-6,
                "{name}: {found} {expected}"
            );
        }
    }
    for (path, base) in [(whole, None), (folder.path().to_owned(), Some(&params))] {
        let (base, adapters) = apart(&path, &Network::layout(&spec), base);
        assert_eq!(base, params);
        let both = adapters.beside(base).unwrap();
        assert_eq!(adapters.merged(&both), merged);
        same_loss(&spec, &adapters, &both);
    }
}

/// The loss with the adapters in the graph is that of the merged weights.
fn same_loss(spec: &ModelSpec, adapters: &Adapters, both: &Params) {
    let data = load(&"chars".parse().unwrap(), None, Split::Train, Some(6)).unwrap();
    let trace = |params: &Params| {
        let network = Network::from_params(spec, params, &Device::flex()).unwrap();
        trace_network(&network, &data, LossKind::CrossEntropy, &[]).unwrap()
    };
    let merged = adapters.merged(both);
    let expected = trace(&merged).sample_at(&merged, &[]).unwrap();
    let adapted = trace(&adapters.base(both)).with_low_rank(&adapters.list);
    let found = adapted.unwrap().sample_at(both, &[]).unwrap();
    let off = (found.loss - expected.loss).abs() / expected.loss;
    assert!(off < 1e-6, "{} {}", found.loss, expected.loss);
    assert_eq!(found.accuracy, expected.accuracy);
}
