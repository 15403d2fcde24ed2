#![no_main]

use landscape_models::{DataSpec, Pixels, Split, load};
use libfuzzer_sys::fuzz_target;
use std::fs;
use std::sync::LazyLock;
use tempfile::TempDir;

static DIR: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

fuzz_target!(|bytes: &[u8]| {
    let path = DIR.path().join("test_batch.bin");
    fs::write(&path, bytes).unwrap();
    let spec = DataSpec::Cifar10(Pixels::Unit);
    let _ = load(&spec, Some(DIR.path()), Split::Test, None);
});
