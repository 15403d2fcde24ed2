//! Damaged files never panic, never take more memory than a file of their length may, and never take
//! long. In a process of its own, whose memory is measured, and one after the other.

use burn::tensor::Device;
use landscape_files::mutants::{endure, survive};
use landscape_models::{
    DataSpec, LossKind, Network, OptimizerKind, Record, Split, Step, TrainConfig, TrainObserver,
    TrainState, load, load_weights, read_idx, resume, train,
};
use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

fn sound(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    fs::read(folder.join(name)).unwrap()
}

#[test]
fn damaged_files_do_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    made_to_harm(dir.path());
    bytes_that_become_numbers(dir.path());
    checkpoints(dir.path());
    data(dir.path());
    images(dir.path());
    states();
}

/// States of trainings, and training from those that can still be read.
fn states() {
    struct Last(Vec<TrainState>);
    impl TrainObserver for Last {
        fn record(&mut self, _: Record) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }
        fn wants_state(&mut self, _: Step) -> bool {
            true
        }
        fn state(&mut self, state: TrainState) -> ControlFlow<()> {
            self.0.push(state);
            ControlFlow::Continue(())
        }
    }
    let network = Network::init(&"mlp:2-3-1".parse().unwrap(), 1, &Device::flex());
    let data = load(&"moons:n=8".parse().unwrap(), None, Split::Train, None).unwrap();
    let config = TrainConfig {
        epochs: 3,
        batch: 3,
        optimizer: OptimizerKind::Adam,
        ..TrainConfig::default()
    };
    let loss = LossKind::BceWithLogits;
    let mut last = Last(Vec::new());
    train(network.clone(), &data, loss, &config, &mut last).unwrap();
    let sound = last.0[5].to_bytes();
    survive("state", &sound, |bytes| {
        if let Ok(state) = TrainState::from_bytes(bytes) {
            let mut quiet = |_: Record| ControlFlow::Continue(());
            let _ = resume(&network, &data, loss, &config, &state, &mut quiet);
        }
    });
}

/// Headers and pickles of far more parts than a file may have.
fn made_to_harm(dir: &Path) {
    let pickle = |part: &[u8], count| [b"\x80\x02", &part.repeat(count)[..]].concat();
    let tensor =
        |number: usize| format!(r#""{number}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#);
    let tensors: Vec<String> = (0..200_000).map(tensor).collect();
    let words: Vec<String> = (0..800_000)
        .map(|number| format!(r#""{number}":"""#))
        .collect();
    let zeros = "0,".repeat(4_000_000);
    for (name, bytes) in [
        ("marks.pth", pickle(b"(", 8_000_000)),
        ("nones.pth", pickle(b"N", 8_000_000)),
        ("tuples.pth", pickle(b")", 8_000_000)),
        ("dictionaries.pth", pickle(b"}", 3_000_000)),
        ("classes.pth", pickle(b"cc\nd\n", 1_200_000)),
        (
            "tensors.safetensors",
            headed(&format!("{{{}}}", tensors.join(",")), 0),
        ),
        (
            "words.safetensors",
            headed(&format!(r#"{{"__metadata__":{{{}}}}}"#, words.join(",")), 0),
        ),
        (
            "axes.safetensors",
            headed(
                &format!(r#"{{"a":{{"dtype":"U8","shape":[{zeros}0],"data_offsets":[0,0]}}}}"#),
                0,
            ),
        ),
    ] {
        let path = dir.join(name);
        endure(name, &bytes, |bytes| {
            fs::write(&path, bytes).unwrap();
            load_weights(&path).unwrap_err();
        });
    }
}

/// Inputs and targets of one byte each, which take four in memory.
fn bytes_that_become_numbers(dir: &Path) {
    const COUNT: usize = 12_000_000;
    let tensor = |name, from| {
        let to = from + COUNT;
        format!(
            r#""{name}":{{"dtype":"U8","shape":[{},3],"data_offsets":[{from},{to}]}}"#,
            COUNT / 3
        )
    };
    let header = format!("{{{},{}}}", tensor("x", 0), tensor("y", COUNT));
    let path = dir.join("bytes.safetensors");
    endure("bytes", &headed(&header, 2 * COUNT), |bytes| {
        fs::write(&path, bytes).unwrap();
        load(
            &DataSpec::File(path.clone().into()),
            None,
            Split::Train,
            None,
        )
        .unwrap();
    });
}

/// A file of safetensors, whose data are zeros.
fn headed(header: &str, data: usize) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length, header.as_bytes(), &vec![0; data]].concat()
}

fn checkpoints(dir: &Path) {
    for name in [
        "mlp-2-3-1.safetensors",
        "pickles/mixed.pth",
        "pickles/protocol5.pt",
        "pickles/mixed.t7",
        "pickles/protocol4.t7",
        "pickles/views.t7",
    ] {
        let ending = name.rsplit('.').next().unwrap();
        let path = dir.join(format!("file.{ending}"));
        survive(name, &sound(name), |bytes| {
            fs::write(&path, bytes).unwrap();
            let _ = load_weights(&path);
        });
    }
}

fn data(dir: &Path) {
    for name in ["classes.npz", "values.safetensors"] {
        let path = dir.join(name);
        let spec = DataSpec::File(path.clone().into());
        survive(name, &sound(name), |bytes| {
            fs::write(&path, bytes).unwrap();
            let _ = load(&spec, None, Split::Train, None);
        });
    }
    let class = dir.join("folder/a");
    fs::create_dir_all(&class).unwrap();
    for name in ["colours.png", "palette.png", "photo.jpg", "grey.jpg"] {
        let path = class.join("image.png");
        let spec: DataSpec = format!("{}/:size=5", dir.join("folder").display())
            .parse()
            .unwrap();
        survive(name, &sound(&format!("images/{name}")), |bytes| {
            fs::write(&path, bytes).unwrap();
            let _ = load(&spec, None, Split::Train, None);
        });
    }
    let (x, y): (PathBuf, PathBuf) = (dir.join("x.npy"), dir.join("y.npy"));
    fs::write(&y, sound("y.npy")).unwrap();
    let spec = DataSpec::Pair(x.clone(), y);
    survive("x.npy", &sound("x.npy"), |bytes| {
        fs::write(&x, bytes).unwrap();
        let _ = load(&spec, None, Split::Train, None);
    });
}

fn images(dir: &Path) {
    let mut idx = vec![0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6];
    idx.extend((0..120).map(|value| value as u8));
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&idx).unwrap();
    let path = dir.join("idx");
    for (name, bytes) in [("idx", idx), ("idx.gz", packed.finish().unwrap())] {
        survive(name, &bytes, |bytes| {
            fs::write(&path, bytes).unwrap();
            let _ = read_idx(&path);
        });
    }
    let path = dir.join("test_batch.bin");
    let records: Vec<u8> = (0..2 * 3073).map(|byte| (byte % 3073 % 10) as u8).collect();
    let spec: DataSpec = "cifar10".parse().unwrap();
    survive("cifar", &records, |bytes| {
        fs::write(&path, bytes).unwrap();
        let _ = load(&spec, Some(dir), Split::Test, None);
    });
}
