#![no_main]

use landscape_models::read_idx;
use libfuzzer_sys::fuzz_target;
use std::fs;
use std::sync::LazyLock;
use tempfile::TempDir;

static DIR: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

fuzz_target!(|bytes: &[u8]| {
    let path = DIR.path().join("a.idx");
    fs::write(&path, bytes).unwrap();
    let _ = read_idx(&path);
});
