#![no_main]

use landscape_import::Program;
use libfuzzer_sys::fuzz_target;
use std::fs;
use std::sync::LazyLock;
use tempfile::TempDir;

static DIR: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

fuzz_target!(|bytes: &[u8]| {
    let path = DIR.path().join("net.pt2");
    fs::write(&path, bytes).unwrap();
    let _ = Program::open(&path);
});
