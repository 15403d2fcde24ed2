//! What a network is, and networks from files.

use crate::support::Bench;
use serde_json::json;

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
