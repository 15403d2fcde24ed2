//! Wrong input: one message that says what, where and the remedy; code 2; nothing written.

use crate::support::{Bench, Said, images, make_newer};
use landscape_core::Params;
use landscape_models::{Network, save_weights};

const MOONS: &str = "surface --model mlp:2-8-4-1 --data moons --grid 3";

/// A safetensors file of tensors, without the library.
fn safetensors(tensors: &[(&str, &str, &[usize], Vec<u8>)]) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    let mut data = Vec::new();
    for (name, kind, shape, bytes) in tensors {
        let start = data.len();
        data.extend_from_slice(bytes);
        let entry = serde_json::json!({
            "dtype": kind, "shape": shape, "data_offsets": [start, data.len()],
        });
        header.insert((*name).to_owned(), entry);
    }
    let header = serde_json::Value::Object(header).to_string();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.extend_from_slice(&data);
    file
}

fn floats(count: usize) -> Vec<u8> {
    (0..count)
        .flat_map(|i| (i as f32 * 0.01).to_le_bytes())
        .collect()
}

fn labels(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

#[test]
fn missing_files() {
    let bench = Bench::new();
    insta::assert_snapshot!(
        "missing-weights",
        bench.fails(&format!("{MOONS} --weights none.safetensors"))
    );
    insta::assert_snapshot!(
        "missing-data",
        bench.fails("surface --model mlp:2-8-4-1 --data none.npz")
    );
    insta::assert_snapshot!("missing-database", bench.fails("runs"));
    insta::assert_snapshot!(
        "missing-mnist",
        bench.fails("train --model mlp:784-20-10 --data mnist --data-dir nowhere")
    );
    let message = bench.fails(&format!("{MOONS} --direction none.safetensors"));
    assert!(message.contains("none.safetensors"), "{message}");
    let message = bench.fails(&format!("{MOONS} --direction sideways"));
    assert!(
        message.contains("`sideways` is neither a kind of direction nor a file"),
        "{message}"
    );
    let message = bench.fails(&format!("{MOONS} --to none.safetensors"));
    assert!(message.contains("none.safetensors"), "{message}");
}

#[test]
fn corrupt_checkpoints() {
    let bench = Bench::new();
    bench.write(
        "noise.safetensors",
        "this is not a checkpoint, whatever its name says\u{1}",
    );
    insta::assert_snapshot!(
        "corrupt",
        bench.fails(&format!("{MOONS} --weights noise.safetensors"))
    );
    bench.write("pickle.pt", b"PK\x03\x04rest of a zip archive");
    let message = bench.fails(&format!("{MOONS} --weights pickle.pt"));
    assert!(message.contains("pickle.pt"), "{message}");
    let whole = safetensors(&[("fc1.weight", "F32", &[8, 2], floats(16))]);
    bench.write("cut.safetensors", &whole[..whole.len() - 10]);
    let message = bench.fails(&format!("{MOONS} --weights cut.safetensors"));
    assert!(message.contains("corrupt"), "{message}");
}

#[test]
fn shapes_that_do_not_fit() {
    let bench = Bench::new();
    let tensors = [
        ("fc1.weight", "F32", &[8, 3][..], floats(24)),
        ("fc1.bias", "F32", &[8][..], floats(8)),
        ("extra", "F32", &[1][..], floats(1)),
    ];
    bench.write("other.safetensors", safetensors(&tensors));
    insta::assert_snapshot!(
        "shapes",
        bench.fails(&format!("{MOONS} --weights other.safetensors"))
    );
    insta::assert_snapshot!(
        "inputs",
        bench.fails("surface --model mlp:3-4-1 --data moons --grid 3")
    );
    insta::assert_snapshot!(
        "directions",
        bench.fails(&format!("{MOONS} --direction other.safetensors"))
    );
}

#[test]
fn labels_outside_the_classes_and_empty_data() {
    let bench = Bench::new();
    let data = |labels: Vec<u8>, n: usize| {
        safetensors(&[
            ("x", "F32", &[n, 2], floats(2 * n)),
            ("y", "I64", &[n], labels),
        ])
    };
    bench.write("labels.safetensors", data(labels(&[0, 2, 7]), 3));
    bench.write("empty.safetensors", data(labels(&[]), 0));
    let words = "--model mlp:2-4-3 --data labels.safetensors";
    insta::assert_snapshot!("labels", bench.fails(&format!("surface {words}")));
    insta::assert_snapshot!("labels-train", bench.fails(&format!("train {words}")));
    insta::assert_snapshot!(
        "empty",
        bench.fails("surface --model mlp:2-4-3 --data empty.safetensors")
    );
    let message = bench.fails(&format!("{MOONS} --samples 0"));
    assert!(message.contains("empty"), "{message}");
    let message = bench.fails(&format!("{MOONS} --samples 201"));
    assert!(
        message.contains("200 samples, but 201 asked for"),
        "{message}"
    );
}

#[test]
fn checkpoints_of_other_networks_and_hostile_ones() {
    let bench = Bench::new();
    bench.write("images.safetensors", images(2));
    let network = Network::layout(&"resnet20".parse().unwrap());
    save_weights(bench.path("w.safetensors"), &network).unwrap();
    // What Python would run, and a file that ends after its first lines.
    let hostile = b"\x80\x02cposix\nsystem\n(U\x0ctouch hackedtR.";
    bench.write("hostile.pt", hostile);
    bench.write("cut.t7", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.");
    for (model, file, words) in [
        ("resnet20-noshort", "w.safetensors", "give --model resnet20"),
        ("resnet20", "hostile.pt", "`posix.system`"),
        ("resnet20", "hostile.pt", "nothing was run"),
        ("resnet20", "cut.t7", "get the file again"),
    ] {
        let rest = format!("--weights {file} --data images.safetensors --grid 3");
        let message = bench.fails(&format!("surface --model {model} {rest}"));
        assert!(message.contains(file), "{message}");
        assert!(message.contains(words), "{message}");
    }
    assert!(!bench.path("hacked").exists());
}

#[test]
fn images_that_do_not_suit_the_network() {
    let bench = Bench::new();
    let data = |shape: &[usize], y: &[i64]| {
        let values = floats(shape.iter().product());
        safetensors(&[
            ("x", "F32", shape, values),
            ("y", "I64", &[y.len()], labels(y)),
        ])
    };
    bench.write("small.safetensors", data(&[2, 3, 28, 28], &[0, 1]));
    bench.write("last.safetensors", data(&[2, 32, 32, 3], &[0, 1]));
    bench.write("labels.safetensors", data(&[2, 3, 32, 32], &[0, 10]));
    for (file, words) in [
        (
            "small",
            "3x32x32 inputs per sample, but data small.safetensors has 3x28x28",
        ),
        (
            "last",
            "3x32x32 inputs per sample, but data last.safetensors has 32x32x3\n  remedy: the channels come last",
        ),
        (
            "labels",
            "label 10 of sample 1 is outside the 10 classes 0 to 9",
        ),
    ] {
        let words_of = format!("surface --model resnet20 --data {file}.safetensors --grid 3");
        let message = bench.fails(&words_of);
        assert!(message.contains(words), "{message}");
    }
    std::fs::create_dir(bench.path("cifar")).unwrap();
    bench.write("cifar/test_batch.bin", [0; 3072]);
    let words = "surface --model resnet20 --data cifar10 --data-dir cifar --split test";
    let message = bench.fails(words);
    assert!(
        message.contains("test_batch.bin is corrupt: it has 3072 bytes"),
        "{message}"
    );
}

#[test]
fn weights_that_are_not_finite() {
    let bench = Bench::new();
    bench.write("images.safetensors", images(2));
    let mut params = Network::layout(&"resnet20".parse().unwrap()).into_inner();
    params[0].data[7] = f32::NAN;
    save_weights(bench.path("w.safetensors"), &Params::new(params).unwrap()).unwrap();
    let words = "surface --model resnet20 --weights w.safetensors --data images.safetensors";
    let message = bench.fails(words);
    assert!(
        message.contains("w.safetensors: `conv1.weight` at [0, 0, 2, 1] is NaN"),
        "{message}"
    );
}

#[test]
fn grids_of_nothing_and_of_too_much() {
    let bench = Bench::new();
    let surface = "surface --model mlp:2-8-4-1 --data moons";
    insta::assert_snapshot!("grid-zero", bench.fails(&format!("{surface} --grid 0")));
    insta::assert_snapshot!(
        "grid-huge",
        bench.fails("volume --model mlp:2-8-4-1 --data moons --grid 1000")
    );
    insta::assert_snapshot!("range", bench.fails(&format!("{surface} --range=1:-1")));
    insta::assert_snapshot!("grid-axes", bench.fails(&format!("{surface} --grid 3x4x5")));
    insta::assert_snapshot!("grid-words", bench.fails(&format!("{surface} --grid many")));
    let message = bench.fails(&format!("{surface} --range=-1:nan"));
    assert!(message.contains("not finite"), "{message}");
}

#[test]
fn unknown_names() {
    let bench = Bench::trained();
    insta::assert_snapshot!("unknown-run", bench.fails("metrics nothing"));
    insta::assert_snapshot!(
        "unknown-model",
        bench.fails("surface --model lenet --data moons")
    );
    insta::assert_snapshot!(
        "bad-transformer",
        bench.fails("surface --model vit:patch=5 --data moons")
    );
    insta::assert_snapshot!(
        "unknown-data",
        bench.fails("surface --model mlp:2-1 --data suns")
    );
    insta::assert_snapshot!("unknown-norm", bench.fails(&format!("{MOONS} --norm best")));
    insta::assert_snapshot!(
        "unknown-device",
        bench.fails(&format!("{MOONS} --device tpu"))
    );
    insta::assert_snapshot!("unknown-step", bench.fails("surface --run moons --step 3"));
    insta::assert_snapshot!("unknown-command", bench.fails("hessians --top 5"));
    insta::assert_snapshot!("no-landscape", bench.fails("metrics moons"));
    let message = bench.fails("surface --data moons");
    assert!(message.contains("--model is missing"), "{message}");
    let message = bench.fails("surface --model mlp:2-1");
    assert!(message.contains("--data is missing"), "{message}");
    let message = bench.fails("trajectory");
    assert!(message.contains("--run"), "{message}");
}

#[test]
fn instruction_sets_that_are_not_there() {
    let bench = Bench::new();
    let run = |name: &str| {
        let mut command = bench.command("line --model mlp:2-3-1 --data moons --grid 3");
        Said::of(command.env("LANDSCAPE_SIMD", name).output().unwrap())
    };
    let said = run("protable");
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{}", said.err);
    assert!(
        said.err.contains("LANDSCAPE_SIMD is protable") && said.err.contains("one of: portable"),
        "{}",
        said.err
    );
    assert!(bench.files().is_empty());
    for name in ["portable", ""] {
        assert_eq!(run(name).code, 0, "{name}");
    }
}

#[test]
fn devices_that_are_not_built_in() {
    let bench = Bench::trained();
    if !cfg!(feature = "wgpu") {
        insta::assert_snapshot!("no-wgpu", bench.fails("surface --run moons --device wgpu"));
    }
    if !cfg!(feature = "cuda") {
        let message = bench.fails("surface --run moons --device cuda:1");
        assert!(
            message.contains("cuda:1") && message.contains("--features cuda"),
            "{message}"
        );
    }
    if !cfg!(feature = "tch") {
        let message = bench.fails("surface --run moons --device cpu,libtorch-cuda:1");
        assert!(
            message.contains("libtorch-cuda:1") && message.contains("--features tch"),
            "{message}"
        );
    }
}

#[test]
fn databases_that_are_none() {
    let bench = Bench::new();
    bench.write(
        "notes.txt",
        "no database, but precious to somebody all the same",
    );
    let surface = format!("{MOONS} --db notes.txt");
    insta::assert_snapshot!("no-database", bench.fails(&surface));
    assert!(
        bench
            .fails("runs --db notes.txt")
            .contains("not a DuckDB database")
    );
    bench.write("empty.duckdb", "");
    assert!(
        bench
            .fails("runs --db empty.duckdb")
            .contains("not a DuckDB database")
    );
    std::fs::create_dir(bench.path("folder")).unwrap();
    let message = bench.fails(&format!("{MOONS} --db folder"));
    assert!(message.contains("folder"), "{message}");
    let message = bench.fails(&format!("{MOONS} --db nowhere/a.duckdb"));
    assert!(message.contains("nowhere/a.duckdb"), "{message}");
    assert!(message.contains("remedy:"), "{message}");
}

#[test]
fn a_database_of_a_newer_version() {
    let bench = Bench::trained();
    make_newer(&bench);
    let message = bench.fails("runs");
    assert!(
        message.contains("newer version of the program"),
        "{message}"
    );
    let message = bench.fails(MOONS);
    assert!(
        message.contains("newer version of the program"),
        "{message}"
    );
}

#[test]
fn a_full_disk() {
    let bench = Bench::trained();
    bench.ok("surface --run moons --grid 9 --name plane");
    // /dev/full takes files to be opened, and has no space for anything.
    if std::path::Path::new("/dev/full").exists() {
        let output = bench
            .process("export plane")
            .stdout(
                std::fs::OpenOptions::new()
                    .write(true)
                    .open("/dev/full")
                    .unwrap(),
            )
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains("cannot write to stdout"), "{message}");
        assert!(message.contains("No space left"), "{message}");
    }
    full_database(&bench);
    let message = bench.fails("export plane -o /proc/plane.csv");
    assert!(message.contains("/proc/plane.csv"), "{message}");
    let message = bench.fails("plot plane -o /nowhere/plane.svg");
    assert!(
        message.contains("/nowhere/plane.svg") && message.contains("remedy:"),
        "{message}"
    );
    let message = bench.fails(&format!("{MOONS} --db /proc/landscape.duckdb"));
    assert!(message.contains("/proc/landscape.duckdb"), "{message}");
}

/// A limit on the size of files stands in for a small disk.
#[cfg(target_os = "linux")]
fn full_database(bench: &Bench) {
    let words = "surface --run moons --grid 401 --batch 9000 --name big";
    let program = crate::support::PROGRAM;
    let script = format!("trap '' XFSZ; ulimit -f 8000; exec {program} {words}");
    let mut shell = std::process::Command::new("sh");
    let output = shell
        .args(["-c", &script])
        .current_dir(bench.path("."))
        .output()
        .unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(
        message.contains("File too large") && message.contains("space on the disk"),
        "{message}"
    );
    // What was stored before is whole, and the same command goes on once there is space.
    assert_eq!(bench.json("metrics plane")["metrics"]["points"], 81);
    let stored = bench.json(&format!("{words} --dry-run"))["stored"].clone();
    let rest = bench.json(words);
    assert_eq!(rest["stored_before"], stored);
    assert_eq!(
        rest["computed"].as_u64().unwrap() + stored.as_u64().unwrap(),
        401 * 401
    );
}

#[cfg(not(target_os = "linux"))]
fn full_database(_: &Bench) {}

#[test]
fn names_that_are_taken() {
    let bench = Bench::trained();
    bench.ok("surface --run moons --grid 3 --name plane");
    insta::assert_snapshot!(
        "differs",
        bench.fails("surface --run moons --grid 5 --seed 7 --name plane")
    );
    let message = bench.fails("surface --run moons --grid 3 --name 17");
    assert!(
        message.contains("`17` cannot be the name of a run"),
        "{message}"
    );
    let message = bench.fails("surface --run plane --grid 3");
    assert!(
        message.contains("`plane` is a surface, not a training run"),
        "{message}"
    );
}

/// Names from files and of files: no message breaks a line, or steers the terminal, in the midst of one.
#[cfg(unix)]
#[test]
fn names_have_neither_lines_nor_controls() {
    let bench = Bench::new();
    let odd = "a\nerror: b\u{1b}[31m\u{202e}";
    bench.write(
        "odd.safetensors",
        safetensors(&[(odd, "F32", &[2], floats(2))]),
    );
    let file = format!("{odd}.safetensors");
    bench.write(&file, "no tensors");
    let data = format!("{odd}.npz");
    bench.write(&data, "no arrays");
    for words in [
        format!("{MOONS} --weights odd.safetensors"),
        format!("{MOONS} --weights '{file}'"),
        format!("surface --model mlp:2-8-4-1 --grid 3 --data '{data}'"),
        format!("import '{data}'"),
        format!("import '{odd}.csv'"),
        format!("import '{odd}.json'"),
        format!("runs --db '{odd}.duckdb'"),
        format!("show '{odd}'"),
        format!("{MOONS} --direction '{odd}.h5'"),
        format!("{MOONS} --name '{odd}'"),
        format!("trajectory --model mlp:2-8-4-1 --data moons --checkpoints '{odd}*'"),
    ] {
        let said = bench.run(&words);
        assert_eq!(said.code, 2, "{words:?}: {}", said.err);
        let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!said.err.contains(steers), "{words:?}: {:?}", said.err);
        let lines = said.err.lines();
        assert!(
            lines.skip(1).all(|line| !line.starts_with("error: b")),
            "{words:?}: {}",
            said.err
        );
    }
}

#[test]
fn one_of_something_is_no_several() {
    let bench = Bench::new();
    bench.ok("train --model mlp:2-8-4-1 --data moons --epochs 1 --save one.safetensors --name one");
    let said = bench
        .run("trajectory --model mlp:2-8-4-1 --data moons --checkpoints one.safetensors --grid 3");
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("1 checkpoint: one") && !said.err.contains("1 checkpoints"),
        "{}",
        said.err
    );
}
