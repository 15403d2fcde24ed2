//! ONNX models made to harm: sizes that are not there, places outside of the folder, graphs and functions within each other.

use landscape_files::mutants::endure;
use landscape_import::Program;
use std::fs;
use std::path::Path;

/// A field of bytes.
fn bytes(number: u64, content: &[u8]) -> Vec<u8> {
    let mut out = varint(number << 3 | 2);
    out.extend(varint(content.len() as u64));
    out.extend(content);
    out
}

fn text(number: u64, content: &str) -> Vec<u8> {
    bytes(number, content.as_bytes())
}

/// A field of a whole number.
fn int(number: u64, value: u64) -> Vec<u8> {
    [varint(number << 3), varint(value)].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = vec![];
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

/// `y = operator(inputs)`, with further fields.
fn node(operator: &str, inputs: &[&str], output: &str, more: &[u8]) -> Vec<u8> {
    let mut own: Vec<u8> = inputs.iter().flat_map(|name| text(1, name)).collect();
    own.extend(text(2, output));
    own.extend(text(4, operator));
    own.extend(more);
    bytes(1, &own)
}

/// An input or output of the shape `[n, 2]` in f32.
fn info(number: u64, name: &str) -> Vec<u8> {
    let shape = [bytes(1, &text(2, "n")), bytes(1, &int(1, 2))].concat();
    let tensor = [int(1, 1), bytes(2, &shape)].concat();
    bytes(
        number,
        &[text(1, name), bytes(2, &bytes(1, &tensor))].concat(),
    )
}

/// A model of nodes and initialisers.
fn model(content: &[u8], functions: &[u8]) -> Vec<u8> {
    let graph = [content, &info(11, "x"), &info(12, "y")].concat();
    let opset = bytes(8, &int(2, 18));
    [
        int(1, 8),
        text(2, "test"),
        bytes(7, &graph),
        opset,
        functions.to_vec(),
    ]
    .concat()
}

/// A tensor `w` of a shape in f32, with further fields.
fn tensor(shape: &[u64], more: &[u8]) -> Vec<u8> {
    let mut own: Vec<u8> = shape.iter().flat_map(|&n| int(1, n)).collect();
    own.extend(int(2, 1));
    own.extend(text(8, "w"));
    own.extend(more);
    bytes(5, &own)
}

fn external(entries: &[(&str, &str)]) -> Vec<u8> {
    let entry = |(key, value): &(&str, &str)| bytes(13, &[text(1, key), text(2, value)].concat());
    let mut own: Vec<u8> = entries.iter().flat_map(entry).collect();
    own.extend(int(14, 1));
    own
}

#[track_caller]
fn refused(folder: &Path, model: &[u8], words: &str) {
    let path = folder.join("net.onnx");
    fs::write(&path, model).unwrap();
    let mut found = String::new();
    let time = endure("a model made to harm", model, |_| {
        found = match Program::open(&path) {
            Ok(_) => "it is read".into(),
            Err(error) => error.to_string(),
        };
    });
    assert!(found.contains(words), "{found}");
    assert!(time.as_secs() < 1, "{time:?}");
}

pub fn numbers_beside_the_model_are_read_and_no_others() {
    let outside = tempfile::tempdir().unwrap();
    let numbers: Vec<u8> = (0..4).flat_map(|i| (i as f32).to_le_bytes()).collect();
    fs::write(outside.path().join("w.bin"), &numbers).unwrap();
    let folder = outside.path().join("model");
    fs::create_dir_all(folder.join("parts")).unwrap();
    fs::write(folder.join("parts/w.bin"), [&[0; 8], &numbers[..]].concat()).unwrap();
    let of = |entries: &[(&str, &str)]| {
        model(
            &[
                node("MatMul", &["x", "w"], "y", &[]),
                tensor(&[2, 2], &external(entries)),
            ]
            .concat(),
            &[],
        )
    };
    let path = folder.join("net.onnx");
    for length in [&[("length", "16")][..], &[]] {
        let entries = [&[("location", "parts/w.bin"), ("offset", "8")], length].concat();
        fs::write(&path, of(&entries)).unwrap();
        let program = Program::open(&path).unwrap();
        let w = program.parameters().iter().next().unwrap();
        // The second factor of a product has its filters along its second axis.
        assert_eq!(
            (&w.shape[..], &w.data[..]),
            (&[2, 2][..], &[0.0, 2.0, 1.0, 3.0][..])
        );
    }
    let absolute = outside.path().join("w.bin");
    for location in [
        "../w.bin",
        absolute.to_str().unwrap(),
        "parts/../../w.bin",
        "",
        "..\\w.bin",
    ] {
        refused(
            &folder,
            &of(&[("location", location)]),
            "not a place in the model's folder",
        );
    }
    let at = |more: &[(&str, &str)]| of(&[&[("location", "parts/w.bin")], more].concat());
    refused(&folder, &at(&[("offset", "9")]), "beyond the end");
    refused(
        &folder,
        &at(&[("offset", "18446744073709551615")]),
        "beyond the end",
    );
    refused(&folder, &at(&[("offset", "-1")]), "not a whole number");
    refused(
        &folder,
        &at(&[("length", "99999999999")]),
        "bytes long according to the model",
    );
    refused(
        &folder,
        &of(&[("location", "no.bin")]),
        "keep the files of a model together",
    );
    refused(&folder, &of(&[("location", "parts")]), "it is a folder");
    refused(&folder, &of(&[]), "are missing");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("../w.bin", folder.join("link.bin")).unwrap();
        refused(
            &folder,
            &of(&[("location", "link.bin")]),
            "leads out of the model's folder",
        );
        std::os::unix::fs::symlink("parts/w.bin", folder.join("inside.bin")).unwrap();
        fs::write(&path, of(&[("location", "inside.bin"), ("offset", "8")])).unwrap();
        assert!(Program::open(&path).is_ok());
    }
}

pub fn sizes_are_compared_with_what_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let product = node("MatMul", &["x", "w"], "y", &[]);
    let of = |w: Vec<u8>| model(&[product.clone(), w].concat(), &[]);
    let huge = 1 << 40;
    refused(
        dir.path(),
        &of(tensor(&[huge, 2], &bytes(9, &[0; 8]))),
        "needs",
    );
    refused(
        dir.path(),
        &of(tensor(&[huge, huge, huge], &[])),
        "too large",
    );
    refused(
        dir.path(),
        &of(tensor(&[huge], &bytes(4, &[0; 8]))),
        "holds 2 numbers",
    );
    refused(
        dir.path(),
        &of(tensor(&[u64::MAX, 2], &[])),
        "negative length",
    );
    refused(
        dir.path(),
        &of(tensor(&[2], &bytes(4, &[0; 40]))),
        "more than the 2 numbers",
    );
    refused(
        dir.path(),
        &of(tensor(&[huge], &external(&[("location", "net.onnx")]))),
        "beyond the end",
    );
    // A field that says that it is longer than the file.
    let mut cut = of(tensor(&[2, 2], &bytes(9, &[0; 16])));
    cut.truncate(cut.len() - 6);
    refused(dir.path(), &cut, "cut short");
    refused(
        dir.path(),
        &of([
            tensor(&[2, 2], &bytes(9, &[0; 16])),
            tensor(&[2, 2], &bytes(9, &[0; 16])),
        ]
        .concat()),
        "two values",
    );
    refused(
        dir.path(),
        &model(&node("Relu", &["z"], "y", &[]), &[]),
        "input `z`",
    );
    refused(
        dir.path(),
        &model(&node("Relu", &["x"], "z", &[]), &[]),
        "output `y`",
    );
    // Many small things: each takes more memory than its bytes.
    let many: Vec<u8> = (0..400_000).flat_map(|_| bytes(5, &[])).collect();
    refused(dir.path(), &model(&many, &[]), "may take");
    let names: Vec<u8> = (0..20_000_000).flat_map(|_| [10, 0]).collect();
    refused(dir.path(), &model(&bytes(1, &names), &[]), "may take");
}

pub fn graphs_and_functions_within_each_other_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    // If within If.
    let mut graph = node("Relu", &["x"], "y", &[]);
    for _ in 0..100 {
        let attribute = [text(1, "then_branch"), int(20, 5), bytes(6, &graph)].concat();
        graph = node("If", &["x"], "y", &bytes(5, &attribute));
    }
    refused(dir.path(), &model(&graph, &[]), "nested more than");
    let function = |name: &str, content: &[u8]| {
        let own = [text(1, name), text(10, "own"), text(4, "x"), text(5, "y")].concat();
        bytes(25, &[own, content.to_vec()].concat())
    };
    let call = |name: &str, from: &str, to: &str| {
        let whole = node(name, &[from], to, &text(7, "own"));
        // A function's nodes are its field 7.
        [varint(7 << 3 | 2), whole[1..].to_vec()].concat()
    };
    // A function that calls itself.
    let itself = function("f", &call("f", "x", "y"));
    let main = node("f", &["x"], "y", &text(7, "own"));
    refused(
        dir.path(),
        &model(&main, &itself),
        "call each other more than",
    );
    // Each calls the next twice: 2^30 nodes in all.
    let mut functions = vec![];
    for i in 0..30 {
        let next = format!("f{}", i + 1);
        let content = [call(&next, "x", "z"), call(&next, "z", "y")].concat();
        functions.extend(function(&format!("f{i}"), &content));
    }
    let relu = node("Relu", &["x"], "y", &[]);
    functions.extend(function(
        "f30",
        &[varint(7 << 3 | 2), relu[1..].to_vec()].concat(),
    ));
    let main = node("f0", &["x"], "y", &text(7, "own"));
    refused(dir.path(), &model(&main, &functions), "may take");
}

pub fn functions_are_written_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("net.onnx");
    // y = scaled(scaled(x)), of which the second input is left out.
    let relu = node("Clip", &["x", "low"], "y", &[]);
    let own = [
        text(1, "scaled"),
        text(10, "own"),
        text(4, "x"),
        text(4, "low"),
        text(5, "y"),
    ]
    .concat();
    let function = bytes(25, &[own, varint(7 << 3 | 2), relu[1..].to_vec()].concat());
    let calls = [
        node("scaled", &["x"], "z", &text(7, "own")),
        node("scaled", &["z", "w"], "y", &text(7, "own")),
        tensor(&[], &bytes(9, &[0; 4])),
    ];
    fs::write(&path, model(&calls.concat(), &function)).unwrap();
    let program = Program::open(&path).unwrap();
    let operations = program.operations();
    assert_eq!((&*operations[0].name, operations[0].count), ("Clip", 2));
    assert_eq!(program.inputs()[0].name, "x");
    assert_eq!(program.parameters().iter().count(), 0);
}
