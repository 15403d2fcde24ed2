//! What a network is, and networks from files.

use crate::support::Bench;
use landscape_import::Program;
use landscape_models::save_weights;
use serde_json::json;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use zip::ZipArchive;

#[test]
fn a_family_is_described() {
    let bench = Bench::new();
    let said = bench.json("model resnet20");
    assert_eq!(said["parameters"], 272_474);
    assert_eq!(said["inputs"][0]["shape"], json!([null, 3, 32, 32]));
    let first = json!({"name": "conv1.weight", "shape": [16, 3, 3, 3], "role": "weight"});
    assert_eq!(said["tensors"][0], first);
    let norm = json!({"name": "bn1.weight", "shape": [16], "role": "norm-scale"});
    assert_eq!(said["tensors"][1], norm);
    assert_eq!(said["runs"]["samples"], 256);
    assert_eq!(said["runs"]["has_error"], true);
    let words = bench.ok("model mlp:2-8-4-1").out;
    assert!(words.contains("65 parameters"), "{words}");
    assert!(words.contains("fc2.weight  [4, 8]"), "{words}");
}

#[test]
fn what_is_no_network_is_told() {
    let bench = Bench::new();
    bench.write("net.pt2", b"PK\x03\x04 nothing");
    bench.write("notes.txt", b"nothing");
    for file in ["net.pt2", "notes.txt", "absent.onnx"] {
        let said = bench.fails(&format!("model {file}"));
        assert!(said.contains(file), "{said}");
    }
    let said = bench.fails("model lenet");
    assert!(said.contains("FILE.pt2"), "{said}");
}

/// What PyTorch exported of a network, with data and its losses in f64; see crates/import/tests/reference.
fn exported(name: &str) -> Bench {
    let bench = Bench::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../import/tests/reference");
    let file = File::open(folder.join(name).with_extension("zip")).unwrap();
    let mut archive = ZipArchive::new(file).unwrap();
    for place in 0..archive.len() {
        let mut entry = archive.by_index(place).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        bench.write(entry.name(), bytes);
    }
    bench
}

fn center(bench: &Bench, words: &str) -> f64 {
    bench.json(words)["center_loss"].as_f64().unwrap()
}

const FORMATS: [&str; 5] = [
    "static.pt2",
    "dynamic.pt2",
    "decomposed.pt2",
    "dynamo.onnx",
    "legacy.onnx",
];

/// Losses of 7 samples by PyTorch in f64; the files are made for 4 samples, or for any number.
#[test]
fn networks_of_files_have_the_losses_that_pytorch_computes() {
    for (name, loss) in [
        ("mlp_regressor", 0.432_737_33),
        ("gpt", 3.616_197_66),
        ("lstm", 1.393_552_53),
        ("resnet18", 2.735_101_1),
    ] {
        let bench = exported(name);
        for file in FORMATS {
            let data = "truth.npz:x=input_0,y=targets";
            let words = format!("line --model {file} --data {data} --grid 3 --name {file}");
            let found = center(&bench, &words);
            assert!((found - loss).abs() < 1e-5 * loss, "{name} {file}: {found}");
        }
    }
}

/// The output is the loss: of several inputs by name, and of one without targets.
#[test]
fn a_program_may_be_the_loss_itself() {
    let bench = exported("pinn");
    for file in FORMATS {
        let words = format!(
            "line --model {file} --loss program --data truth.npz:x=input_0,y=none --grid 3 --name {file}"
        );
        let found = center(&bench, &words);
        assert!((found - 1.013_237_97).abs() < 1e-5, "{file}: {found}");
        // Runs are listed and shown with the file as it was typed, not with its digest.
        let run = &bench.json(&format!("runs --match {file}"))["runs"][0];
        assert_eq!(run["model"], *file);
        let shown = bench.ok(&format!("show {file}")).out;
        let words = format!("  model     {file}\n");
        assert!(shown.contains(&words), "{shown}");
        bench.ok(&format!("plot {file} -o {file}.svg"));
        let figure = bench.read(&format!("{file}.svg"));
        assert!(!figure.contains(">program:"), "{figure}");
    }
}

/// Each error of a program from a file ends with a line that says what to do.
#[test]
fn errors_of_programs_have_remedies() {
    let bench = exported("pinn");
    for file in ["static.pt2", "legacy.onnx"] {
        let whole = std::fs::read(bench.path(file)).unwrap();
        bench.write(&format!("cut-{file}"), &whole[..whole.len() / 2]);
    }
    bench.write("text.pt2", "not a program");
    let cases = [
        (
            "line --model cut-static.pt2 --data moons",
            "export the program again",
        ),
        (
            "line --model cut-legacy.onnx --data moons",
            "get the file again, or export the program again",
        ),
        ("model text.pt2", "torch.export.save"),
        (
            "line --model static.pt2 --loss program --data moons",
            "give another --model or other --data",
        ),
    ];
    for (words, remedy) in cases {
        let message = bench.fails(words);
        let told = message
            .split_once("\n  remedy: ")
            .map_or("", |(_, told)| told);
        assert!(told.contains(remedy), "{words}: {message}");
    }
}

/// A file whose arrays have the names of a program's inputs needs no names; the last input are the targets of a loss.
#[test]
fn arrays_with_the_names_of_inputs_are_taken() {
    let bench = exported("distillation");
    let named = "input_0=input_0,input_1=input_1,y=input_2";
    for data in ["truth.npz", &format!("truth.npz:{named}")] {
        let found = center(
            &bench,
            &format!("line --model legacy.onnx --data {data} --grid 3 --name run"),
        );
        assert!((found - 1.603_656_1).abs() < 1e-5, "{data}: {found}");
    }
    let said = bench.ok("line --model legacy.onnx --data truth.npz --grid 3 --name run");
    assert!(
        said.err.contains("names of the program's inputs"),
        "{}",
        said.err
    );
}

/// The losses of a run, in grid order.
fn losses(bench: &Bench, run: &str) -> Vec<f64> {
    bench.ok(&format!("export {run} --format csv -o {run}.csv"));
    let table = bench.read(&format!("{run}.csv"));
    let mut lines = table.lines();
    let header = lines.next().unwrap();
    let column = header.split(',').position(|name| name == "loss").unwrap();
    let loss = |line: &str| line.split(',').nth(column).unwrap().parse().unwrap();
    lines.map(loss).collect()
}

/// One checkpoint as a family's, as PyTorch's program and as ONNX, along the same directions.
#[test]
fn a_family_and_its_exports_have_one_surface() {
    let bench = exported("resnet20");
    let program = Program::open(bench.path("static.pt2")).unwrap();
    save_weights(bench.path("w.safetensors"), program.parameters()).unwrap();
    let words = "--data truth.npz:x=input_0,y=targets --grid 3";
    bench.ok(&format!(
        "surface --model resnet20 --weights w.safetensors {words} --name family --save-directions d.safetensors"
    ));
    let family = losses(&bench, "family");
    assert_eq!(family.len(), 9);
    assert!((family[4] - 2.758_014_87).abs() < 1e-5, "{}", family[4]);
    for file in FORMATS {
        let name = file.replace('.', "-");
        bench.ok(&format!(
            "surface --model {file} {words} --direction d.safetensors --name {name}"
        ));
        for (own, loss) in losses(&bench, &name).iter().zip(&family) {
            assert!((own - loss).abs() <= 1e-6 * loss, "{file}: {own} {loss}");
        }
    }
}
