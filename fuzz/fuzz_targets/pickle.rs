#![no_main]

use landscape_models::load_weights;
use libfuzzer_sys::fuzz_target;
use std::fs;
use std::sync::LazyLock;
use tempfile::TempDir;

static DIR: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

fuzz_target!(|bytes: &[u8]| {
    let path = DIR.path().join("a.pth");
    fs::write(&path, bytes).unwrap();
    let _ = load_weights(&path);
});
