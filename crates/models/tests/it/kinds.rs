//! What is given in the place of weights, and what is said of it. The files are PyTorch's (`tests/reference/wild.py`).

use crate::support::{file, says};
use landscape_core::{Parameter, Params, Role};
use landscape_models::{ModelSpec, ModelsError, Network, load_layout, load_network, save_weights};
use std::fs;
use std::path::Path;

fn spec() -> ModelSpec {
    "mlp:2-3-1".parse().unwrap()
}

fn network() -> Params {
    Network::init(&spec(), 3, &burn::tensor::Device::flex()).params()
}

/// The tensors of a network under other names.
fn renamed(params: &Params, name: impl Fn(&Parameter) -> String) -> Params {
    let tensors = params.iter().map(|tensor| Parameter {
        name: name(tensor),
        ..tensor.clone()
    });
    Params::new(tensors.collect()).unwrap()
}

fn refused(path: &Path) -> ModelsError {
    load_network(path, &spec()).unwrap_err()
}

#[test]
fn a_tensor_under_two_names_is_one() {
    let loaded = load_network(file("wild/tied.pt"), &spec()).unwrap();
    assert_eq!(loaded.params.len(), 4);
    assert!(
        loaded.notes.iter().all(|note| !note.matters),
        "{:?}",
        loaded.notes
    );
}

/// A program of a module around a network, and the network's own checkpoint; and of two modules around it.
#[test]
fn a_network_within_a_module_takes_its_own_checkpoints() {
    let dir = tempfile::tempdir().unwrap();
    let own = network();
    for (file, around) in [
        ("", ""),
        ("model.", ""),
        ("", "net."),
        ("module.", "m.net."),
    ] {
        let path = dir.path().join("w.safetensors");
        save_weights(&path, &renamed(&own, |t| format!("{file}{}", t.name))).unwrap();
        let layout = renamed(&own, |t| format!("{around}{}", t.name));
        let loaded = load_layout(&path, &layout, "net.pt2").unwrap();
        assert_eq!(loaded.params, layout);
        assert!(
            loaded.notes.iter().all(|note| !note.matters),
            "{:?}",
            loaded.notes
        );
    }
}

#[test]
fn tensors_that_are_not_read_say_how_they_become_usual_ones() {
    for (name, parts) in [
        ("float8", ["8-bit floating-point", "v.float()"]),
        ("complex", ["complex numbers", "torch.view_as_real(v)"]),
        ("quantised", ["quantised tensors", "v.dequantize()"]),
        ("sparse", ["sparse tensors", "v.to_dense()"]),
        ("meta", ["device `meta`", "once its weights are loaded"]),
        ("dumped", ["`pickle.dump` wrote", "torch.save(pickle.load("]),
        (
            "packed",
            ["its layers are quantised", "as they were before"],
        ),
        (
            "optimizer",
            ["the state of an optimiser", "model.state_dict()"],
        ),
    ] {
        says(refused(&file(&format!("wild/{name}.pt"))), &parts);
    }
}

#[test]
fn folders_of_training_programs_have_their_weights_in_files_of_known_names() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("checkpoint-500");
    fs::create_dir(&folder).unwrap();
    says(
        refused(&folder),
        &["it is a folder, without model.safetensors"],
    );
    fs::write(folder.join(".metadata"), "").unwrap();
    says(
        refused(&folder),
        &["torch.distributed.checkpoint", "dcp_to_torch"],
    );
    fs::remove_file(folder.join(".metadata")).unwrap();
    fs::write(folder.join("latest"), "global_step10").unwrap();
    says(refused(&folder), &["DeepSpeed", "zero_to_fp32.py"]);
    let params = network();
    save_weights(folder.join("model.safetensors"), &params).unwrap();
    assert_eq!(load_network(&folder, &spec()).unwrap().params, params);
}

#[test]
fn files_of_something_else_than_a_network_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.safetensors");
    let message = |params: &Params, name: &str| {
        let path = dir.path().join(name);
        save_weights(&path, params).unwrap();
        refused(&path)
    };
    let own = network();
    let adapter = renamed(&own, |t| format!("base.{}.lora_A.weight", t.name));
    says(
        message(&adapter, "a.safetensors"),
        &["adapter (LoRA)", "merge_and_unload"],
    );
    let kernels = own.iter().map(|tensor| Parameter {
        name: tensor.name.replace("weight", "kernel"),
        shape: tensor.shape.iter().rev().copied().collect(),
        ..tensor.clone()
    });
    let kernels = Params::new(kernels.collect()).unwrap();
    says(
        message(&kernels, "k.safetensors"),
        &["[inputs, outputs]", "as ONNX"],
    );
    let divided = own.iter().map(|tensor| Parameter {
        shape: vec![0],
        data: Vec::new(),
        ..tensor.clone()
    });
    let divided = Params::new(divided.collect()).unwrap();
    says(
        message(&divided, "d.safetensors"),
        &["divided among processes", "zero_to_fp32.py"],
    );
    let first = Params::new(own.iter().take(2).cloned().collect()).unwrap();
    let part = "model-00001-of-00002.safetensors";
    says(
        message(&first, part),
        &["one part of a checkpoint", "*.index.json"],
    );
    let head = Parameter::new("classifier.6.weight", [3, 2], vec![0.0; 6], Role::Weight).unwrap();
    let vgg = Params::new(vec![head]).unwrap();
    says(
        message(&vgg, "v.safetensors"),
        &["VGG or AlexNet of torchvision", "torch.export.save"],
    );
    // What merely does not fit is told as ever.
    let other = renamed(&own, |t| t.name.replace("fc1", "fc7").replace("fc2", "x"));
    save_weights(
        &path,
        &Params::new(other.iter().take(3).cloned().collect()).unwrap(),
    )
    .unwrap();
    says(refused(&path), &["does not fit mlp:2-3-1", "missing"]);
}

#[test]
fn files_of_other_programs_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let table = [
        &[0; 40][..],
        &[0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb],
    ]
    .concat();
    let keras = b"PK\x03\x04..........metadata.json{}PK\x03\x04config.json{}".to_vec();
    for (name, bytes, words) in [
        (
            "flax.msgpack",
            b"\x81\xa6params\x82\xa4bias\xc0\0\0\0\0".to_vec(),
            "MessagePack",
        ),
        ("model.ckpt.index", table, "TensorFlow"),
        ("model.keras", keras, "a model of Keras 3"),
        (
            "model.h5",
            b"\x89HDF\r\n\x1a\n\0\0".to_vec(),
            "model.export(\"net.onnx\"",
        ),
    ] {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        says(refused(&path), &[words, "net.onnx"]);
    }
}
