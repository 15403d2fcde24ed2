//! Damaged files never panic, never take more memory than a file of their length may, and never take long. In a process of its
//! own, whose memory is measured, and one after the other.

mod hostile;
mod pt2;

use landscape_files::mutants::survive;
use landscape_import::Program;
use std::fs;
use std::io::Read;
use std::path::Path;

/// A part of an archive of references.
fn part(archive: &str, name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let file = fs::File::open(folder.join(archive)).expect("an archive");
    let mut archive = zip::ZipArchive::new(file).expect("an archive");
    let mut bytes = vec![];
    let mut part = archive.by_name(name).expect("a part");
    part.read_to_end(&mut bytes).expect("whole");
    bytes
}

fn opened(name: &str, bytes: &[u8]) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("net");
    survive(name, bytes, |bytes| {
        fs::write(&path, bytes).expect("written");
        if let Ok(program) = Program::open(&path) {
            let _ = format!("{:?} {:?}", program.operations(), program.notes());
        }
    });
}

#[test]
fn damaged_files_do_no_harm() {
    pt2::damaged_programs_do_no_harm();
    hostile::numbers_beside_the_model_are_read_and_no_others();
    hostile::sizes_are_compared_with_what_is_there();
    hostile::graphs_and_functions_within_each_other_are_bounded();
    hostile::functions_are_written_out();
    for (network, format) in [
        ("mlp_regressor", "dynamo.onnx"),
        ("mlp_regressor", "legacy.onnx"),
        ("pinn", "dynamo.onnx"),
        ("gpt", "legacy.onnx"),
        ("autoencoder", "legacy.onnx"),
        ("lstm", "legacy.onnx"),
        ("shufflenet_v2", "legacy.onnx"),
    ] {
        let bytes = part(&format!("reference/{network}.zip"), format);
        opened(&format!("{network} {format}"), &bytes);
    }
    // With graphs in attributes.
    for name in ["test_if", "test_loop11", "test_scan9_sum"] {
        let bytes = part("operators/nodes.zip", &format!("{name}/model.onnx"));
        opened(name, &bytes);
    }
}
