//! Files that unpack to far more than they are, and what is not a file.

use crate::support::Bench;
use std::io::Write;

/// An archive of zeros, f4.
fn zeros(arrays: &[(&str, &str, usize)]) -> Vec<u8> {
    let mut out = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for &(name, shape, bytes) in arrays {
        let options = zip::write::SimpleFileOptions::default();
        out.start_file(format!("{name}.npy"), options).unwrap();
        let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
        out.write_all(b"\x93NUMPY\x01\x00").unwrap();
        out.write_all(&(text.len() as u16).to_le_bytes()).unwrap();
        out.write_all(text.as_bytes()).unwrap();
        for start in (0..bytes).step_by(1 << 20) {
            out.write_all(&vec![0; (bytes - start).min(1 << 20)])
                .unwrap();
        }
    }
    out.finish().unwrap().into_inner()
}

#[test]
fn data_that_unpack_to_far_more() {
    let bench = Bench::trained();
    let count = 8_000_000;
    let bytes = zeros(&[
        ("x", "(8000000, 2)", 8 * count),
        ("y", "(8000000,)", 4 * count),
    ]);
    assert!(bytes.len() < 200_000);
    bench.write("zeros.npz", bytes);
    let said = bench.run("line --run moons --data zeros.npz --grid 3");
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(
        said.err.contains("64.0 MB") && said.err.contains("--max-memory 64MiB"),
        "{}",
        said.err
    );
}

#[test]
fn more_memory_can_be_allowed() {
    let bench = Bench::new();
    let line: Vec<u8> = zeros(&[("alpha", "(1,)", 4), ("loss", "(1,)", 4)]);
    bench.write("one.npz", line);
    bench.ok("import one.npz --name one --max-memory 1GiB");
    let said = bench.run("import one.npz --name two --max-memory much");
    assert_eq!(said.code, 2);
    assert!(said.err.contains("500MB or 8GiB"), "{}", said.err);
}

#[cfg(unix)]
#[test]
fn what_is_no_file() {
    let bench = Bench::trained();
    std::fs::create_dir(bench.path("folder.npz")).unwrap();
    for name in ["loop.npz", "loop.safetensors", "loop_0.pt", "loop_1.pt"] {
        std::os::unix::fs::symlink(name, bench.path(name)).unwrap();
    }
    for (words, reason) in [
        (
            "line --model mlp:2-3-1 --weights /dev/zero --data moons --grid 3 --name a",
            "device",
        ),
        ("import /dev/zero --format csv", "device"),
        ("import folder.npz", "folder"),
        ("import loop.npz", "symbolic links"),
        (
            "line --run moons --data loop.npz --grid 3 --name c",
            "symbolic links",
        ),
        (
            "line --model mlp:2-3-1 --weights loop.safetensors --data moons --grid 3 --name d",
            "symbolic links",
        ),
        (
            "trajectory --model mlp:2-3-1 --checkpoints loop_*.pt --data moons --grid 3 --name e",
            "symbolic links",
        ),
        (
            "line --run moons --data folder.npz --grid 3 --name b",
            "folder",
        ),
    ] {
        let said = bench.run(words);
        assert_eq!(said.code, 2, "{words}: {}", said.err);
        assert!(said.err.contains(reason), "{words}: {}", said.err);
    }
}
