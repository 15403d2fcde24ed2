//! Checkpoints under the names of others, folded, in parts, one of several, and renamed. Expected weights are
//! PyTorch's (`tests/reference/wild.py`).

use crate::support::{file, says};
use landscape_core::{Parameter, Params, Role};
use landscape_models::{
    LoadOptions, Loaded, ModelSpec, ModelsError, Network, Rename, load_layout_with, load_network,
    load_network_params, load_network_with, load_weights, save_weights,
};
use std::fs;
use std::path::{Path, PathBuf};

fn spec(text: &str) -> ModelSpec {
    text.parse().unwrap()
}

fn wild(name: &str) -> PathBuf {
    file(&format!("wild/{name}"))
}

/// What a file of `wild.py` gives: the weights that PyTorch has, and what is said.
#[track_caller]
fn loads(name: &str, model: &str) -> Vec<String> {
    let loaded = load_network(wild(name), &spec(model)).unwrap();
    let (stem, _) = name.split_once('.').unwrap();
    let expected = load_network_params(wild(&format!("{stem}-expected.safetensors")), &spec(model));
    for (found, expected) in loaded.params.iter().zip(expected.unwrap().iter()) {
        assert_eq!(found.name, expected.name);
        for (found, expected) in found.data.iter().zip(&expected.data) {
            assert!(
                (found - expected).abs() <= 2e-7,
                "{found} is not {expected}"
            );
        }
    }
    words(&loaded)
}

fn words(loaded: &Loaded) -> Vec<String> {
    let notes = loaded.notes.iter().filter(|note| note.matters);
    notes.map(|note| note.words.clone()).collect()
}

#[test]
fn perceptrons_of_others_are_told_by_shapes_and_order() {
    const MODEL: &str = "mlp:3-5-5-2";
    for (name, first) in [
        ("sequential.pt", "`0.weight` as `fc1.weight`"),
        ("flatten.pt", "`1.weight` as `fc1.weight`"),
        ("words.pt", "`input.weight` as `fc1.weight`"),
        ("inside.pt", "`net.mlp.0.weight` as `fc1.weight`"),
    ] {
        let said = loads(name, MODEL);
        let words = format!("the tensors are matched by their shapes and order: {first}");
        assert!(said.len() == 1 && said[0].starts_with(&words), "{said:?}");
    }
    // `10` is behind `2`, whatever the order of the file.
    let deep = format!("mlp:3-{}2", "4-".repeat(11));
    let said = loads("deep.safetensors", &deep);
    assert!(said[0].ends_with("and 18 more"), "{said:?}");
    assert!(load_network(wild("words.safetensors"), &spec(MODEL)).is_ok());
}

#[test]
fn layers_whose_order_nothing_tells_are_refused() {
    let error = load_network(wild("unordered.safetensors"), &spec("mlp:3-5-5-5-2")).unwrap_err();
    says(
        error,
        &[
            "unordered.safetensors has tensors with the shapes of mlp:3-5-5-5-2",
            "the order of `left`, `right`",
        ],
    );
    let renames = ["left=fc2", "right=fc3", "first=fc1", "last=fc4"].map(|r| r.parse().unwrap());
    let options = LoadOptions {
        renames: &renames,
        ..LoadOptions::default()
    };
    let path = wild("unordered.safetensors");
    let loaded = load_network_with(&path, &spec("mlp:3-5-5-5-2"), &options).unwrap();
    assert_eq!(
        loaded.params.get("fc2.weight").unwrap().data,
        load_weights(&path)
            .unwrap()
            .get("left.weight")
            .unwrap()
            .data
    );
    assert!(words(&loaded).is_empty());
    let effect = "8 tensors renamed: `first.bias` to `fc1.bias`";
    assert!(
        loaded
            .notes
            .iter()
            .any(|note| note.words.starts_with(effect))
    );
    // A layer too many or too few is another network.
    says(
        load_network(&path, &spec("mlp:3-5-5-2")).unwrap_err(),
        &["does not fit mlp:3-5-5-2", "missing: fc1.weight [5, 3]"],
    );
}

#[test]
fn pruned_and_parametrised_layers_are_folded() {
    for (name, said) in [
        ("pruned.pt", "pruned tensors are original times mask"),
        (
            "weight-norm-old.pt",
            "weight norm is folded, g v / |v|: `fc1.weight`, `fc2.weight`",
        ),
        ("weight-norm-new.pt", "weight norm is folded"),
        (
            "spectral-old.pt",
            "spectral norm is folded, as in evaluation",
        ),
        ("spectral-new.pt", "spectral norm is folded"),
    ] {
        let words = loads(name, "mlp:3-5-5-2");
        assert!(words.len() == 1 && words[0].starts_with(said), "{words:?}");
    }
    says(
        load_network(wild("orthogonal.pt"), &spec("mlp:3-5-5-2")).unwrap_err(),
        &["`fc2.parametrizations.weight", "remove_parametrizations"],
    );
}

fn numbered(name: &str, shape: &[usize], from: f32) -> Parameter {
    let count: usize = shape.iter().product();
    let data = (0..count).map(|i| from + i as f32).collect();
    Parameter::new(name, shape, data, Role::Weight).unwrap()
}

/// The tensors of mlp:2-3-1 behind prefixes, with values from so many on.
fn networks(prefixes: &[(&str, f32)]) -> Params {
    let of = |(prefix, from): &(&str, f32)| {
        [
            ("fc1.weight", &[3, 2][..]),
            ("fc1.bias", &[3]),
            ("fc2.weight", &[1, 3]),
            ("fc2.bias", &[1]),
        ]
        .map(|(name, shape)| numbered(&format!("{prefix}{name}"), shape, *from))
    };
    Params::new(prefixes.iter().flat_map(of).collect()).unwrap()
}

#[test]
fn one_of_several_networks_is_named_behind_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.safetensors");
    let save = |path: &Path, prefixes: &[(&str, f32)]| {
        save_weights(path, &networks(prefixes)).unwrap();
    };
    save(
        &path,
        &[("a.student.", 1.0), ("a.teacher.", 2.0), ("step.", 3.0)],
    );
    let load = |words: &str| {
        let place = format!("{}{words}", path.display());
        load_network_params(place, &spec("mlp:2-3-1"))
    };
    let first = |params: Params| params.get("fc1.weight").unwrap().data[0];
    says(
        load("").unwrap_err(),
        &[
            "several networks that fit mlp:2-3-1: a.student, a.teacher, step;",
            "FILE:a.student",
        ],
    );
    for (key, value) in [
        (":a.student", 1.0),
        (":a.teacher", 2.0),
        (":teacher", 2.0),
        (":step", 3.0),
    ] {
        assert_eq!(first(load(key).unwrap()), value, "{key}");
    }
    says(
        load(":pupil").unwrap_err(),
        &[
            "w.safetensors has no single dictionary of tensors under `pupil`",
            "`a`, `step`",
        ],
    );
    says(load(":a").unwrap_err(), &["several", "FILE:student"]);
    // A file whose name has a colon is that file, and may have a key too.
    let odd = dir.path().join("w.safetensors:a.student");
    save(&odd, &[("", 4.0)]);
    assert_eq!(first(load(":a.student").unwrap()), 4.0);
    save(&odd, &[("x.", 5.0), ("y.", 6.0)]);
    assert_eq!(first(load(":a.student:y").unwrap()), 6.0);
}

#[test]
fn a_checkpoint_in_parts_is_read_by_its_index() {
    let dir = tempfile::tempdir().unwrap();
    let whole = networks(&[("model.", 1.0)]).into_inner();
    let (one, two) = whole.split_at(1);
    let part = |name: &str, tensors: &[Parameter]| {
        save_weights(
            dir.path().join(name),
            &Params::new(tensors.to_vec()).unwrap(),
        )
        .unwrap();
    };
    part("part-1.safetensors", one);
    part("part-2.safetensors", two);
    let index = |map: &str| {
        let path = dir.path().join("model.safetensors.index.json");
        fs::write(
            &path,
            format!(r#"{{"metadata": {{}}, "weight_map": {map}}}"#),
        )
        .unwrap();
        load_network_params(path, &spec("mlp:2-3-1"))
    };
    let names = |first: &str, rest: &str| {
        let rest = ["fc1.bias", "fc2.weight", "fc2.bias"]
            .map(|name| format!(r#", "model.{name}": "{rest}""#))
            .concat();
        format!(r#"{{"model.fc1.weight": "{first}"{rest}}}"#)
    };
    let found = index(&names("part-1.safetensors", "part-2.safetensors")).unwrap();
    assert_eq!(found.get("fc1.weight").unwrap().data[5], 6.0);
    assert_eq!(found.get("fc2.bias").unwrap().data, [1.0]);
    // A tensor that lies elsewhere than the index says.
    says(
        index(&names("part-2.safetensors", "part-2.safetensors")).unwrap_err(),
        &["not in its parts: `model.fc1.weight`"],
    );
    for outside in [
        "../part-1.safetensors",
        "/part-1.safetensors",
        "",
        "a/../../b",
    ] {
        says(
            index(&names(outside, "part-2.safetensors")).unwrap_err(),
            &["outside its folder"],
        );
    }
    says(index("{}").unwrap_err(), &["names no tensors"]);
    says(index("[").unwrap_err(), &["not a valid index"]);
    says(
        index(&names("part-3.safetensors", "part-2.safetensors")).unwrap_err(),
        &["names the part `part-3.safetensors`", "not beside it"],
    );
}

#[test]
fn names_are_replaced_by_expressions() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.safetensors");
    let tensors = [
        ("lin_a.w", &[3, 2][..]),
        ("lin_a.b", &[3]),
        ("lin_b.w", &[1, 3]),
        ("lin_b.b", &[1]),
    ]
    .map(|(name, shape)| numbered(name, shape, 1.0));
    save_weights(&path, &Params::new(tensors.to_vec()).unwrap()).unwrap();
    let load = |renames: &[&str]| -> Result<Loaded, ModelsError> {
        let renames: Result<Vec<Rename>, _> = renames.iter().map(|text| text.parse()).collect();
        let options = LoadOptions {
            renames: &renames?,
            ..LoadOptions::default()
        };
        load_network_with(&path, &spec("mlp:2-3-1"), &options)
    };
    let loaded = load(&[
        "lin_a=fc1",
        "lin_b=fc2",
        r"\.w$=.weight",
        r"\.b$=.bias",
        "none=x",
    ])
    .unwrap();
    assert_eq!(
        loaded.params.get("fc2.weight").unwrap().data,
        [1.0, 2.0, 3.0]
    );
    assert_eq!(
        words(&loaded),
        ["`none=x` matches none of the names: `fc1.bias`, `fc1.weight`, `fc2.bias`, `fc2.weight`"]
    );
    says(
        load(&["lin_a"]).unwrap_err(),
        &["renaming `lin_a`", "REGEX=REPLACEMENT"],
    );
    says(
        load(&["(=x"]).unwrap_err(),
        &["renaming `(=x`", "unclosed group"],
    );
    says(load(&["=x"]).unwrap_err(), &["the expression is empty"]);
    says(
        load(&["lin_.=fc"]).unwrap_err(),
        &["renaming gives two tensors the name `fc."],
    );
    let long = format!("lin_a={}", "x".repeat(5000));
    says(load(&[&long]).unwrap_err(), &["bytes"]);
}

/// `named_parameters()` of a network with BatchNorm: the statistics stay, or it is said what is absent.
#[test]
fn parameters_without_buffers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.safetensors");
    let model = spec("resnet20");
    let network = Network::init(&model, 1, &burn::tensor::Device::flex()).params();
    let alone = network.iter().filter(|t| t.role != Role::Buffer).cloned();
    save_weights(&path, &Params::new(alone.collect()).unwrap()).unwrap();
    says(
        load_network(&path, &model).unwrap_err(),
        &["w.safetensors has the parameters of resnet20 but none of its 42 running statistics"],
    );
    let mut kept = Network::layout(&model).into_inner();
    kept.iter_mut().for_each(|tensor| tensor.data.fill(7.0));
    let kept = Params::new(kept).unwrap();
    let options = LoadOptions {
        buffers: Some(&kept),
        ..LoadOptions::default()
    };
    let loaded = load_layout_with(&path, &Network::layout(&model), "resnet20", &options).unwrap();
    for (found, own) in loaded.params.iter().zip(network.iter()) {
        match own.role {
            Role::Buffer => assert!(found.data.iter().all(|&v| v == 7.0)),
            _ => assert_eq!(found, own),
        }
    }
    assert_eq!(
        words(&loaded),
        ["none of the network's 42 buffers (running statistics) are in the file"]
    );
    // One that is absent among others is an error as ever.
    let most = network
        .iter()
        .filter(|t| t.name != "bn1.running_var")
        .cloned();
    save_weights(&path, &Params::new(most.collect()).unwrap()).unwrap();
    says(
        load_layout_with(&path, &Network::layout(&model), "resnet20", &options).unwrap_err(),
        &["missing: bn1.running_var [16]"],
    );
}

/// The names of torchvision, and of its vision transformer.
fn of_torchvision(name: &str) -> String {
    let dense = |name: &str| -> Option<String> {
        let (block, rest) = name.strip_prefix("dense")?.split_once('.')?;
        let (layer, rest) = rest.split_once('.')?;
        let layer = layer.parse::<usize>().ok()? + 1;
        let rest = rest.replace("bn", "norm");
        Some(format!(
            "features.denseblock{block}.denselayer{layer}.{rest}"
        ))
    };
    if let Some(name) = dense(name) {
        return name;
    }
    match name {
        "bn.weight" | "bn.bias" | "bn.running_mean" | "bn.running_var" => {
            name.replace("bn.", "features.norm5.")
        }
        _ if name.starts_with("trans") => {
            let name = name.replace("trans", "features.transition");
            name.replace(".bn.", ".norm.")
        }
        _ => name
            .replace(".shortcut.", ".downsample.")
            .replace("linear.", "fc."),
    }
}

#[test]
fn torchvisions_names_are_understood() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.safetensors");
    let rename = |layout: &Params, name: &dyn Fn(&str) -> String| {
        let numbered = layout.iter().enumerate().map(|(place, tensor)| Parameter {
            name: format!("module.{}", name(&tensor.name)),
            data: vec![1.0 + place as f32; tensor.numel()],
            ..tensor.clone()
        });
        save_weights(&path, &Params::new(numbered.collect()).unwrap()).unwrap();
    };
    let dense = |name: &str| {
        let name = of_torchvision(name).replace("fc.", "classifier.");
        match name.split_once('.') {
            Some(("conv1", rest)) => format!("features.conv0.{rest}"),
            Some(("bn1", rest)) => format!("features.norm0.{rest}"),
            _ => name,
        }
    };
    let vit = |name: &str| {
        let mut name = name.to_owned();
        for (own, theirs) in [
            ("cls_token", "class_token"),
            ("pos_embed", "encoder.pos_embedding"),
            ("patch_embed.proj", "conv_proj"),
            ("norm.", "encoder.ln."),
            ("head.", "heads.head."),
        ] {
            if let Some(rest) = name.strip_prefix(own) {
                name = format!("{theirs}{rest}");
                break;
            }
        }
        for (own, theirs) in [
            ("blocks.", "encoder.layers.encoder_layer_"),
            (".norm", ".ln_"),
            (".attn.qkv.", ".self_attention.in_proj_"),
            (".attn.proj.", ".self_attention.out_proj."),
            (".mlp.fc1.", ".mlp.0."),
            (".mlp.fc2.", ".mlp.3."),
        ] {
            name = name.replace(own, theirs);
        }
        name
    };
    type Renaming<'a> = &'a dyn Fn(&str) -> String;
    let names: [(&str, Renaming); 4] = [
        ("resnet18:stem=imagenet,classes=1000", &of_torchvision),
        ("resnet50:stem=imagenet", &of_torchvision),
        ("densenet121:stem=imagenet", &dense),
        ("vit:patch=8,dim=16,depth=12,heads=2,pool=cls", &vit),
    ];
    for (model, name) in names {
        let layout = Network::layout(&spec(model));
        rename(&layout, name);
        let loaded = load_network(&path, &spec(model)).unwrap();
        for (place, (found, own)) in loaded.params.iter().zip(layout.iter()).enumerate() {
            assert_eq!((&found.name, &found.shape), (&own.name, &own.shape));
            assert!(
                found.data.iter().all(|&v| v == 1.0 + place as f32),
                "{}",
                own.name
            );
        }
        let said = words(&loaded);
        assert!(said[0].starts_with("names are translated: "), "{said:?}");
    }
    // What it is, is said for another network.
    rename(
        &Network::layout(&spec("resnet18:stem=imagenet,classes=1000")),
        &of_torchvision,
    );
    says(
        load_network(&path, &spec("resnet34")).unwrap_err(),
        &["does not fit resnet34 but resnet18:classes=1000,stem=imagenet: "],
    );
}

#[test]
fn queries_keys_and_values_of_hugging_face_are_put_together() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.safetensors");
    let model = spec("vit:patch=8,dim=8,depth=2,heads=2,pool=cls");
    let layout = Network::layout(&model);
    let mut theirs = Vec::new();
    for (place, tensor) in layout.iter().enumerate() {
        let mut name = tensor
            .name
            .replace("patch_embed.proj", "embeddings.patch_embeddings.projection");
        for (own, word) in [
            ("cls_token", "embeddings.cls_token"),
            ("pos_embed", "embeddings.position_embeddings"),
            ("blocks.", "encoder.layer."),
            (".norm1.", ".layernorm_before."),
            (".norm2.", ".layernorm_after."),
            (".attn.proj.", ".attention.output.dense."),
            (".attn.qkv.", ".attention.attention.qkv."),
            (".mlp.fc1.", ".intermediate.dense."),
            (".mlp.fc2.", ".output.dense."),
            ("norm.", "layernorm."),
        ] {
            name = name.replace(own, word);
        }
        let name = match name.strip_prefix("head.") {
            Some(rest) => format!("classifier.{rest}"),
            None => format!("vit.{name}"),
        };
        let data: Vec<f32> = (0..tensor.numel())
            .map(|i| (place * 1000 + i) as f32)
            .collect();
        let (shape, parts) = match name.contains(".qkv.") {
            true => {
                let mut shape = tensor.shape.clone();
                shape[0] /= 3;
                let words = ["query", "key", "value"].map(|word| name.replace("qkv", word));
                (shape, words.to_vec())
            }
            false => (tensor.shape.clone(), vec![name]),
        };
        let each = data.len() / parts.len();
        for (part, name) in parts.into_iter().enumerate() {
            let data = data[part * each..][..each].to_vec();
            theirs.push(Parameter::new(name, shape.clone(), data, Role::Weight).unwrap());
        }
    }
    save_weights(&path, &Params::new(theirs).unwrap()).unwrap();
    let loaded = load_network(&path, &model).unwrap();
    for (place, tensor) in loaded.params.iter().enumerate() {
        let right = |(i, v): (usize, &f32)| *v == (place * 1000 + i) as f32;
        assert!(tensor.data.iter().enumerate().all(right), "{}", tensor.name);
    }
}
