#![no_main]

use landscape_storage::{Format, import_surface};
use libfuzzer_sys::fuzz_target;
use std::fs;
use std::sync::LazyLock;
use tempfile::TempDir;

static DIR: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

fuzz_target!(|bytes: &[u8]| {
    let path = DIR.path().join("file");
    fs::write(&path, bytes).unwrap();
    let _ = import_surface(&path, Format::H5);
});
