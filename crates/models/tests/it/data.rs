//! MNIST: the embedded extract and the IDX files.

use crate::support::says;
use flate2::{Compression, write::GzEncoder};
use landscape_models::{DataSpec, Dataset, ModelsError, Pixels, Split, Targets, load, read_idx};
use std::fs;
use std::io::Write;
use std::path::Path;

fn idx(kind: u8, shape: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, kind, shape.len() as u8];
    bytes.extend(shape.iter().flat_map(|n| n.to_be_bytes()));
    bytes.extend(data);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn mnist(dir: &Path, split: Split, samples: Option<usize>) -> Result<Dataset, ModelsError> {
    load(&DataSpec::Mnist(Pixels::Unit), Some(dir), split, samples)
}

/// Four images of 2 x 3 pixels.
fn images() -> Vec<u8> {
    idx(8, &[4, 2, 3], &(0..24).map(|v| v * 10).collect::<Vec<u8>>())
}

#[test]
fn the_extract_is_the_first_thousand_images() {
    let data = load(&DataSpec::Mnist1k(Pixels::Unit), None, Split::Train, None).unwrap();
    assert_eq!(data.shape(), [1000, 784]);
    assert!(data.x().iter().all(|v| (0.0..=1.0).contains(v)));
    let Targets::Classes(labels) = data.y() else {
        panic!("digits")
    };
    assert_eq!(labels[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    // The mean pixel of all of MNIST is 0.1307.
    let mean = data.x().iter().map(|&v| f64::from(v)).sum::<f64>() / 784e3;
    assert!((0.125..0.137).contains(&mean), "{mean}");
    assert_eq!(data.x()[5 * 28 + 12], 3.0 / 255.0);
    let some = load(
        &DataSpec::Mnist1k(Pixels::Unit),
        None,
        Split::Train,
        Some(3),
    )
    .unwrap();
    assert_eq!(some.x(), &data.x()[..3 * 784]);
    let error = load(
        &DataSpec::Mnist1k(Pixels::Unit),
        None,
        Split::Train,
        Some(1001),
    )
    .unwrap_err();
    says(error, &["mnist-1k has 1000 samples, but 1001 asked for"]);
}

#[test]
fn files_are_found_plain_and_packed_under_their_usual_names() {
    let labels = idx(8, &[4], &[7, 0, 9, 1]);
    let places = [
        (
            "",
            "train-images-idx3-ubyte",
            "train-labels-idx1-ubyte.gz",
            Split::Train,
        ),
        (
            "mnist",
            "train-images.idx3-ubyte",
            "train-labels.idx1-ubyte",
            Split::Train,
        ),
        (
            "MNIST/raw",
            "t10k-images-idx3-ubyte.gz",
            "t10k-labels-idx1-ubyte",
            Split::Test,
        ),
    ];
    for (folder, x, y, split) in places {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join(folder);
        fs::create_dir_all(&dir).unwrap();
        for (name, bytes) in [(x, images()), (y, labels.clone())] {
            let packed = if name.ends_with(".gz") {
                gzip(&bytes)
            } else {
                bytes
            };
            fs::write(dir.join(name), packed).unwrap();
        }
        let data = mnist(root.path(), split, Some(3)).unwrap();
        assert_eq!(data.shape(), [3, 6]);
        assert_eq!(data.x()[17], 170.0 / 255.0);
        assert_eq!(data.y(), &Targets::Classes(vec![7, 0, 9]));
    }
}

#[test]
fn missing_files_are_named_with_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let error = mnist(dir.path(), Split::Train, None).unwrap_err();
    says(
        error,
        &[
            "train images not found",
            "train-images-idx3-ubyte.gz",
            "MNIST/raw",
            "mnist-1k",
        ],
    );
    fs::write(dir.path().join("t10k-images-idx3-ubyte"), images()).unwrap();
    says(
        mnist(dir.path(), Split::Test, None).unwrap_err(),
        &["t10k labels not found"],
    );
}

#[test]
fn corrupt_files_say_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let read = |bytes: &[u8]| {
        let path = dir.path().join("file-idx3-ubyte");
        fs::write(&path, bytes).unwrap();
        read_idx(path).unwrap_err()
    };
    let sound = images();
    for keep in [0, 3] {
        says(
            read(&sound[..keep]),
            &["file-idx3-ubyte is corrupt", "does not begin like IDX"],
        );
    }
    says(read(&sound[..10]), &["ends inside its header"]);
    says(
        read(&sound[..sound.len() - 1]),
        &["has 23 values, but its header [4, 2, 3] says 24"],
    );
    let mut long = sound.clone();
    long.push(0);
    says(read(&long), &["has 25 values"]);
    says(read(b"<html>not here</html>"), &["does not begin like IDX"]);
    says(read(&idx(0x0d, &[1], &[0; 4])), &["type 0x0d", "0x08"]);
    says(
        read(&idx(8, &[u32::MAX; 3], &[])),
        &["has 0 values", "more than there can be"],
    );
    let packed = gzip(&sound);
    says(read(&packed[..packed.len() - 6]), &["bad gzip data"]);
}

#[test]
fn files_that_disagree_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let with = |x: Vec<u8>, y: Vec<u8>| {
        fs::write(dir.path().join("train-images-idx3-ubyte"), x).unwrap();
        fs::write(dir.path().join("train-labels-idx1-ubyte"), y).unwrap();
        mnist(dir.path(), Split::Train, None).unwrap_err()
    };
    says(
        with(images(), idx(8, &[3], &[0; 3])),
        &["4 images and 3 labels"],
    );
    says(
        with(images(), idx(8, &[4], &[1, 2, 10, 3])),
        &["label 10 of sample 2", "0 to 9"],
    );
    says(
        with(idx(8, &[24], &[0; 24]), idx(8, &[4], &[0; 4])),
        &["shape [24]", "[n, rows, columns]"],
    );
    says(
        with(idx(8, &[0, 2, 3], &[]), idx(8, &[0], &[])),
        &["is empty"],
    );
}

#[test]
fn data_in_memory_have_a_name_and_are_in_no_file() {
    let spec: DataSpec = "memory".parse().unwrap();
    assert_eq!(
        (spec.to_string().as_str(), spec.files().len()),
        ("memory", 0)
    );
    says(
        load(&spec, None, Split::Train, None).unwrap_err(),
        &["`memory`", "handed them over"],
    );
    assert!("memory:n=5".parse::<DataSpec>().is_err());
}

#[test]
fn pixels_are_scaled_as_the_name_says() {
    let read = |name: &str| {
        let spec: DataSpec = name.parse().unwrap();
        assert_eq!(spec.to_string(), name);
        load(&spec, None, Split::Train, Some(20)).unwrap()
    };
    let (unit, standard) = (read("mnist-1k"), read("mnist-1k:pixels=standard"));
    for (a, b) in unit.x().iter().zip(standard.x()) {
        assert_eq!((a - 0.1307f32) / 0.3081f32, *b);
    }
    assert_ne!(unit.digest(), standard.digest());
    let error = |name: &str| name.parse::<DataSpec>().unwrap_err();
    says(error("mnist-1k:pixels=raw"), &["raw", "unit, standard"]);
    says(
        error("mnist:n=5"),
        &["unknown setting `n=5`", "pixels=unit|standard"],
    );
}
