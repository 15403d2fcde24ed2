//! Checkpoints against files written by Python's safetensors.

use crate::support::{file, says, values};
use landscape_core::{Parameter, Params, Role};
use landscape_models::{
    ModelSpec, Network, load_network, load_network_params, load_weights, save_weights,
};
use std::fs;

fn spec() -> ModelSpec {
    "mlp:2-3-1".parse().unwrap()
}

fn check(params: &Params) {
    let expected: [(&str, &[usize], usize, Role); 4] = [
        ("fc1.weight", &[3, 2], 0, Role::Weight),
        ("fc1.bias", &[3], 6, Role::Bias),
        ("fc2.weight", &[1, 3], 9, Role::Weight),
        ("fc2.bias", &[1], 12, Role::Bias),
    ];
    assert_eq!(params.len(), 4);
    for (tensor, (name, shape, start, role)) in params.iter().zip(expected) {
        assert_eq!((tensor.name.as_str(), &tensor.shape[..]), (name, shape));
        assert_eq!(tensor.data, values(start, tensor.numel()));
        assert_eq!(tensor.role, role);
    }
}

#[test]
fn python_files_are_read_whatever_their_wrapper_and_precision() {
    for name in ["mlp-2-3-1", "mlp-wrapped", "mlp-mixed"] {
        let path = file(&format!("{name}.safetensors"));
        check(&load_network_params(path, &spec()).unwrap());
    }
}

#[test]
fn a_written_file_reads_back_and_equals_pythons() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("again.safetensors");
    let params = load_network_params(file("mlp-2-3-1.safetensors"), &spec()).unwrap();
    save_weights(&path, &params).unwrap();
    check(&load_network_params(&path, &spec()).unwrap());
    let bytes = |path: &std::path::Path| {
        let bytes = fs::read(path).unwrap();
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        bytes[8 + header..].to_vec()
    };
    assert_eq!(bytes(&path), bytes(&file("mlp-2-3-1.safetensors")));
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        1,
        "nothing else is left"
    );
}

/// A name that says another format would be read as that format.
#[test]
fn tensors_are_not_written_under_endings_of_other_formats() {
    let dir = tempfile::tempdir().unwrap();
    let params = load_network_params(file("mlp-2-3-1.safetensors"), &spec()).unwrap();
    for name in [
        "w.pt", "w.PTH", "w.t7", "w.pkl", "w.ckpt", "w.h5", "w.npz", "w.bin",
    ] {
        let error = save_weights(dir.path().join(name), &params).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("is the extension of another format; give"),
            "{text}"
        );
        assert!(text.ends_with("w.safetensors"), "{text}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    // Names without a format are read as what they hold.
    for name in ["w", "w.1", "w.weights", "w.safetensors"] {
        let path = dir.path().join(name);
        save_weights(&path, &params).unwrap();
        check(&load_network_params(&path, &spec()).unwrap());
    }
}

#[test]
fn every_bit_survives() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.safetensors");
    let network = Network::init(
        &"mlp:7-11-5".parse().unwrap(),
        1,
        &burn::tensor::Device::flex(),
    );
    let mut tensors = network.params().into_inner();
    tensors[0].data[3] = f32::NAN;
    tensors[0].data[4] = f32::NEG_INFINITY;
    tensors[0].data[5] = 1e-45;
    let params = Params::new(tensors).unwrap();
    save_weights(&path, &params).unwrap();
    let again = load_weights(&path).unwrap();
    let again = again.conform(&params).unwrap();
    let bits = |params: &Params| -> Vec<u32> {
        params
            .iter()
            .flat_map(|t| t.data.iter().map(|v| v.to_bits()))
            .collect()
    };
    assert_eq!(bits(&params), bits(&again));
}

#[test]
fn tensors_that_do_not_fit_are_all_listed() {
    let error = load_network_params(file("mlp-broken.safetensors"), &spec()).unwrap_err();
    says(
        error,
        &[
            "mlp-broken.safetensors does not fit mlp:2-3-1",
            "missing: fc2.weight [1, 3], fc2.bias [1]",
            "unexpected: fc3.bias [1]",
            "fc1.weight [3, 3], expected [3, 2]",
        ],
    );
}

#[test]
fn a_checkpoint_of_another_network_says_of_which() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.safetensors");
    for (name, fits) in [
        ("mlp:2-3-1", "mlp:2-3-1"),
        ("resnet20", "resnet20"),
        (
            "resnet32-noshort",
            "resnet32-noshort or resnet32-a (their names and shapes are the same)",
        ),
        ("vgg9", "vgg9"),
    ] {
        let network: ModelSpec = name.parse().unwrap();
        save_weights(&path, &Network::layout(&network)).unwrap();
        let other = "resnet20-noshort".parse().unwrap();
        let error = load_network_params(&path, &other).unwrap_err();
        says(
            error,
            &[&format!("does not fit resnet20-noshort but {fits}: ")],
        );
    }
}

#[test]
fn tensors_tell_their_network() {
    for name in [
        "resnet18",
        "wrn56-2-noshort",
        "densenet121",
        "mlp:784-20-10",
        "resnet34:classes=100",
        "wrn56-2:classes=5,image=1x32x32",
        "resnet50-noshort:classes=1000,stem=imagenet",
        "densenet121:classes=3,stem=imagenet",
        "vgg16:classes=12",
    ] {
        let network: ModelSpec = name.parse().unwrap();
        let found = ModelSpec::of_tensors(&Network::layout(&network));
        assert_eq!(found, Some(network));
    }
    let transformer = "vit:dim=8,depth=1,heads=2".parse().unwrap();
    assert_eq!(ModelSpec::of_tensors(&Network::layout(&transformer)), None);
}

#[test]
fn files_that_are_no_checkpoint_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        load_weights(path).unwrap_err()
    };
    let sound = fs::read(file("mlp-2-3-1.safetensors")).unwrap();
    says(
        write("short", &sound[..sound.len() - 3]),
        &["short is corrupt", "get the file again"],
    );
    says(write("empty", b""), &["it is empty", "get the file again"]);
    says(write("noise", &[0xff; 64]), &["noise is corrupt"]);
    says(
        load_weights(dir.path().join("none")).unwrap_err(),
        &["cannot read", "none"],
    );
    says(
        load_weights(file("classes.safetensors")).unwrap_err(),
        &["tensor `y` holds integers"],
    );
}

#[test]
fn an_existing_file_survives_a_failed_write() {
    let dir = tempfile::tempdir().unwrap();
    let params = load_weights(file("mlp-2-3-1.safetensors")).unwrap();
    // A folder of that name cannot be replaced by a file.
    let path = dir.path().join("taken");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("inside"), "kept").unwrap();
    says(
        save_weights(&path, &params).unwrap_err(),
        &["cannot write", "taken"],
    );
    assert!(path.join("inside").exists());
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        1,
        "no temporary file is left"
    );
    let error = save_weights(dir.path().join("no/such/folder"), &params).unwrap_err();
    says(error, &["cannot write", "no/such/folder"]);
}

/// `resnet20` with the words of torchvision: read as what it is, and told.
#[test]
fn torchvisions_words_of_residual_networks_are_understood() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("net.safetensors");
    let spec: ModelSpec = "resnet20".parse().unwrap();
    let own = Network::layout(&spec);
    let renamed = |name: &str| {
        let name = name.replace("linear.", "fc.");
        format!("module.{}", name.replace(".shortcut.", ".downsample."))
    };
    let numbered = own.iter().enumerate().map(|(place, tensor)| Parameter {
        name: renamed(&tensor.name),
        data: vec![1.0 + place as f32; tensor.numel()],
        ..tensor.clone()
    });
    let theirs = Params::new(numbered.collect()).unwrap();
    save_weights(&path, &theirs).unwrap();
    let loaded = load_network(&path, &spec).unwrap();
    for (place, (tensor, own)) in loaded.params.iter().zip(own.iter()).enumerate() {
        assert_eq!((&tensor.name, &tensor.shape), (&own.name, &own.shape));
        assert!(tensor.data.iter().all(|&v| v == 1.0 + place as f32));
    }
    let words = "names are translated: `downsample` as `shortcut`, `fc` as `linear`";
    assert!(
        loaded
            .notes
            .iter()
            .any(|note| note.words == words && note.matters)
    );

    // With a stem of 7x7 it is another network, and that is said.
    let stem = theirs.iter().cloned().map(|mut tensor| {
        if tensor.name == "module.conv1.weight" {
            tensor.shape = vec![16, 3, 7, 7];
            tensor.data = vec![0.0; 16 * 3 * 49];
        }
        tensor
    });
    save_weights(&path, &Params::new(stem.collect()).unwrap()).unwrap();
    let message = load_network(&path, &spec).unwrap_err().to_string();
    let reason = "(of another shape: conv1.weight [16, 3, 7, 7], expected [16, 3, 3, 3])";
    assert!(message.contains(reason), "{message}");
}

/// Files whose names are made to be searched for long: refused before anybody waits for it.
#[test]
fn twenty_thousand_tensors_are_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("many.safetensors");
    let spec: ModelSpec = "resnet110".parse().unwrap();
    let refused = |make: &dyn Fn(usize) -> String| {
        let tensors = (0..20_000).map(|i| Parameter {
            name: make(i),
            shape: vec![1],
            data: vec![0.0],
            role: Role::Weight,
            filter_axes: landscape_core::FilterAxes::default(),
            fixed: false,
        });
        let params = Params::new(tensors.collect()).unwrap();
        save_weights(&path, &params).unwrap();
        let message = load_network(&path, &spec).unwrap_err().to_string();
        assert!(message.len() < 4000, "{} bytes", message.len());
    };
    // A prefix for every tensor; prefixes inside each other; names that are nearly those of the network.
    refused(&|i| format!("p{i}.conv1.weight"));
    refused(&|i| match i {
        0..300 => format!("{}conv1.weight", "a.".repeat(i)),
        _ => format!("{}x{i}", "a.".repeat(300)),
    });
    refused(&|i| format!("layer1.{i}.bn1.weighs"));
}
