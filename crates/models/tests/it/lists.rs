//! Networks in lists and tuples, which of several is meant, and text in the place of a checkpoint.

use crate::support::says;
use landscape_core::Params;
use landscape_models::{ModelSpec, ModelsError, load_network_params, load_weights, save_weights};
use std::fs;
use std::io::Write;

/// A zip of torch.save: an object's pickle, and storages of f32.
fn zipped(object: &[u8], storages: &[&[f32]]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("archive/data.pkl", stored).unwrap();
    zip.write_all(&[b"\x80\x02", object, b"."].concat())
        .unwrap();
    for (key, values) in storages.iter().enumerate() {
        zip.start_file(format!("archive/data/{key}"), stored)
            .unwrap();
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        zip.write_all(&bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A text of fewer than 256 letters.
fn text(word: &str) -> Vec<u8> {
    [&[b'U', word.len() as u8], word.as_bytes()].concat()
}

/// A tensor of one number and so many axes.
fn tensor(storage: u8, rank: usize) -> Vec<u8> {
    let ones = [&b"("[..], &b"K\x01".repeat(rank), b"t"].concat();
    [
        &b"ctorch._utils\n_rebuild_tensor_v2\n(("[..],
        &text("storage"),
        b"ctorch\nFloatStorage\n",
        &text(&storage.to_string()),
        &text("cpu"),
        b"K\x01tQK\x00",
        &ones,
        &ones,
        b"\x89NtR",
    ]
    .concat()
}

/// The tensors of mlp:1-1 behind a prefix: entries of a dictionary, from the storages `from` and the next.
fn entries(from: u8, prefix: &str) -> Vec<u8> {
    let named = |name: &str| text(&format!("{prefix}{name}"));
    [
        named("fc1.weight"),
        tensor(from, 2),
        named("fc1.bias"),
        tensor(from + 1, 1),
    ]
    .concat()
}

fn dict(entries: &[&[u8]]) -> Vec<u8> {
    [b"}(", &entries.concat()[..], b"u"].concat()
}

fn list(items: &[&[u8]]) -> Vec<u8> {
    [b"](", &items.concat()[..], b"e"].concat()
}

fn tuple(items: &[&[u8]]) -> Vec<u8> {
    [b"(", &items.concat()[..], b"t"].concat()
}

/// What mlp:1-1 takes from a file of an object with the storages 1, 2, 3 and 4.
fn taken(object: &[u8]) -> Result<Params, ModelsError> {
    read("w.pt", &zipped(object, &[&[1.0], &[2.0], &[3.0], &[4.0]]))
}

fn read(name: &str, bytes: &[u8]) -> Result<Params, ModelsError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, bytes).unwrap();
    let spec: ModelSpec = "mlp:1-1".parse().unwrap();
    let found = load_network_params(&path, &spec)?;
    // Without a network in mind there is one reading too.
    assert_eq!(load_weights(&path)?.len(), 2);
    Ok(found)
}

#[test]
fn a_network_in_a_list_or_a_tuple_is_found() {
    let net = dict(&[&entries(0, "")]);
    let epoch = dict(&[&text("epoch"), b"K\x03"]);
    for object in [
        list(&[&net]),
        tuple(&[&net, &epoch]),
        list(&[b"K\x03", &text("resnet"), &net]),
        list(&[&dict(&[&text("state_dict"), &net]), b"N"]),
        tuple(&[&dict(&[&entries(0, "module.")]), b"G\0\0\0\0\0\0\0\0"]),
    ] {
        let params = taken(&object).unwrap();
        let values: Vec<f32> = params.iter().map(|t| t.data[0]).collect();
        assert_eq!(values, [1.0, 2.0]);
    }
    // A list that holds itself is followed for a while.
    let itself = [b"]q\x00(", &net[..], b"h\x00e"].concat();
    assert_eq!(taken(&itself).unwrap().len(), 2);
    says(
        taken(&list(&[&tensor(0, 2), &tensor(1, 1)])).unwrap_err(),
        &["a list of 2 tensors without names"],
    );
    says(
        taken(&list(&[&epoch])).unwrap_err(),
        &["no dictionary of tensors"],
    );
}

/// The remedy is Python that works.
#[test]
fn one_of_several_is_chosen_by_python_that_fits() {
    let (one, two) = (entries(0, ""), entries(2, ""));
    let (first, second) = (dict(&[&one]), dict(&[&two]));
    let flat = dict(&[&entries(0, "student."), &entries(2, "teacher.")]);
    let flat_part = "k.startswith('student.')}, OTHER)";
    for (object, expression) in [
        (
            list(&[&first, &second]),
            "torch.save(torch.load(FILE)[0], OTHER)",
        ),
        (
            dict(&[&text("nets"), &list(&[&first, &second])]),
            "torch.save(torch.load(FILE)['nets'][0], OTHER)",
        ),
        (
            dict(&[&text("student"), &first, &text("teacher"), &second]),
            "torch.save(torch.load(FILE)['student'], OTHER)",
        ),
        (flat.clone(), flat_part),
        (
            dict(&[&text("state_dict"), &flat]),
            "for k, v in torch.load(FILE)['state_dict'].items() if k.startswith('student.')}",
        ),
    ] {
        says(taken(&object).unwrap_err(), &["several", expression]);
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.safetensors");
    let named = |prefix: &str| {
        let net = taken(&first).unwrap().into_inner().into_iter();
        let prefix = prefix.to_owned();
        net.map(move |mut tensor| {
            tensor.name = format!("{prefix}.{}", tensor.name);
            tensor
        })
    };
    let both = Params::new(named("student").chain(named("teacher")).collect()).unwrap();
    save_weights(&path, &both).unwrap();
    let error = load_network_params(&path, &"mlp:1-1".parse().unwrap()).unwrap_err();
    says(
        error,
        &["safetensors.torch.load_file(FILE).items()", flat_part],
    );
}

#[test]
fn files_of_other_kinds_are_named() {
    let plain = |name: &str| {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let deflated = zip::write::SimpleFileOptions::default();
        zip.start_file(name, deflated).unwrap();
        zip.write_all(&[7; 500]).unwrap();
        zip.finish().unwrap().into_inner()
    };
    let onnx = b"\x08\x07\x12\x07pytorch\x1a\x052.1.0:\x80\x01";
    for (bytes, part) in [
        (
            &b"404: Not Found\n"[..],
            "text, which begins with `404: Not Found`",
        ),
        (
            b"Access denied. Please try again with another account",
            "get the file itself",
        ),
        (&plain("model.pth"), "unzip FILE"),
        (&plain("config.yaml"), "it has no data.pkl"),
        (onnx, "an ONNX program"),
        (b"GGUF\x03\0\0\0", "GGUF"),
        (b"\xfd7zXZ\0\0\0", "unxz FILE"),
        (b"BZh91AY&SY", "bunzip2 FILE"),
        (b"\x28\xb5\x2f\xfd\0\0", "unzstd FILE"),
    ] {
        for name in ["w.pt", "w.safetensors"] {
            let error = read(name, bytes).unwrap_err().to_string();
            assert!(!error.contains("corrupt"), "{error}");
            says(error, &[part]);
        }
    }
}
