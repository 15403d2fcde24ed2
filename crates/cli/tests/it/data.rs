//! Weights of PyTorch, CIFAR-10, and getting data sets.

use crate::support::Bench;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

/// Files that PyTorch wrote: the network mlp:2-3-1 in several forms.
fn pickles() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/tests/data/pickles")
}

/// CIFAR-10 files of a few records.
fn cifar(bench: &Bench, records: usize) {
    let record = |n: usize| {
        let mut bytes = vec![(n % 10) as u8];
        bytes.extend((0..3072).map(|place| (place * 7 + n * 31) as u8));
        bytes
    };
    std::fs::create_dir_all(bench.path("data/cifar-10-batches-bin")).unwrap();
    let bytes: Vec<u8> = (0..records).flat_map(record).collect();
    for file in ["data_batch_1.bin", "test_batch.bin"] {
        bench.write(&format!("data/cifar-10-batches-bin/{file}"), &bytes);
    }
}

/// A server that answers every request with the same status and body.
fn server(status: u16, body: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            while lines.next().is_some_and(|line| !line.is_empty()) {}
            let head = format!(
                "HTTP/1.1 {status} Word\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(&[head.as_bytes(), body].concat());
        }
    });
    url
}

#[test]
fn every_form_of_pytorchs_files_gives_the_same_plane() {
    let bench = Bench::new();
    let mut planes = Vec::new();
    for name in ["plain.pt", "views.t7", "mixed.pth", "mixed.t7"] {
        std::fs::copy(pickles().join(name), bench.path(name)).unwrap();
        bench.ok(&format!(
            "surface --model mlp:2-3-1 --data moons:n=20 --grid 3 --weights {name} --name p{}",
            planes.len()
        ));
        planes.push(bench.ok(&format!("export p{}", planes.len())).out);
    }
    assert!(planes.iter().all(|plane| *plane == planes[0]));
}

#[test]
fn pickles_that_are_not_weights_are_refused() {
    let bench = Bench::new();
    let magic = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.";
    let system = b"\x80\x02}X\x0d\0\0\0little_endian\x88s.";
    let hostile = b"\x80\x02cos\nsystem\nU\x0dtouch witness\x85R.";
    bench.write("hostile.t7", [&magic[..], system, hostile].concat());
    let surface = "surface --model mlp:2-3-1 --data moons --weights";
    let message = bench.fails(&format!("{surface} hostile.t7"));
    for words in [
        "hostile.t7",
        "`os.system`",
        "nothing was run",
        "state_dict()",
    ] {
        assert!(message.contains(words), "{message}");
    }
    let whole = std::fs::read(pickles().join("plain.pt")).unwrap();
    bench.write("cut.pt", &whole[..whole.len() / 2]);
    let message = bench.fails(&format!("{surface} cut.pt"));
    assert!(
        message.contains("cut.pt") && message.contains("get the file again"),
        "{message}"
    );
    std::fs::copy(pickles().join("broken.pt"), bench.path("broken.pt")).unwrap();
    let message = bench.fails(&format!("{surface} broken.pt"));
    for words in [
        "missing: fc2.weight [1, 3]",
        "unexpected: fc3.bias",
        "expected [3, 2]",
        "remedy",
    ] {
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn weights_that_are_not_finite_are_refused() {
    let bench = Bench::new();
    let mut bytes = std::fs::read(pickles().join("plain.t7")).unwrap();
    // The last four bytes are a value of the last tensor.
    let end = bytes.len() - 4;
    bytes[end..].copy_from_slice(&f32::NAN.to_le_bytes());
    bench.write("nan.t7", bytes);
    let message = bench.fails("surface --model mlp:2-3-1 --data moons --weights nan.t7");
    assert!(
        message.contains("nan.t7") && message.contains("is NaN"),
        "{message}"
    );
}

#[test]
fn cifar_is_read_and_its_scaling_is_said() {
    let bench = Bench::new();
    cifar(&bench, 12);
    let words = "--model mlp:3072-4-10 --data cifar10 --data-dir data --samples 6";
    bench.ok(&format!("line {words} --split test --grid 3 --name a"));
    bench.ok(&format!("line {words} --split train --grid 3 --name b"));
    assert_eq!(bench.ok("export a").out, bench.ok("export b").out);
    let shown = bench.json("show a");
    let pixels = shown.to_string();
    assert!(
        pixels.contains("mean = (125.3, 123.0, 113.9) / 255"),
        "{pixels}"
    );
    let message = bench.fails("line --model mlp:3072-4-10 --data cifar10 --data-dir data");
    assert!(message.contains("data_batch_2.bin"), "{message}");
    bench.write("data/cifar-10-batches-bin/test_batch.bin", [0; 5000]);
    let message = bench.fails(&format!("line {words} --split test"));
    assert!(
        message.contains("5000 bytes") && message.contains("30730000"),
        "{message}"
    );
    cifar(&bench, 12);
    bench.write("data/cifar-10-batches-bin/test_batch.bin", [11; 3073]);
    let message =
        bench.fails("line --model mlp:3072-4-10 --data cifar10 --data-dir data --split test");
    assert!(message.contains("record 0 has the label 11"), "{message}");
}

#[test]
fn a_download_that_fails_leaves_nothing() {
    let bench = Bench::new();
    let gone = server(404, b"gone");
    let message = bench.fails(&format!("data get mnist --dir new --url {gone}/mnist"));
    for words in ["/mnist/train-images-idx3-ubyte.gz", "404", "--url"] {
        assert!(message.contains(words), "{message}");
    }
    let wrong = server(200, b"<html>come back later</html>");
    let said = bench.run(&format!("data get cifar10 --dir new --url {wrong}/"));
    assert_eq!((said.code, &said.out[..]), (2, ""));
    assert!(
        said.err.contains("cifar-10-binary.tar.gz is corrupt"),
        "{}",
        said.err
    );
    let left = std::fs::read_dir(bench.path("new/cifar-10-batches-bin")).unwrap();
    assert_eq!(left.count(), 0);
    let message = bench.fails("data get imagenet");
    assert!(
        message.contains("mnist") && message.contains("cifar10"),
        "{message}"
    );
}

#[test]
fn help_of_getting_data_starts_with_examples() {
    let bench = Bench::new();
    let help = bench.ok("data get --help").out;
    assert!(
        help.starts_with("Examples:\n  landscape data get"),
        "{help}"
    );
    insta::assert_snapshot!("help-data-get", help);
}
