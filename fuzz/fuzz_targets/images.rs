#![no_main]

use landscape_models::{DataSpec, Split, load};
use libfuzzer_sys::fuzz_target;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;
use tempfile::TempDir;

static DIR: LazyLock<(TempDir, PathBuf, DataSpec)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("a")).unwrap();
    let file = dir.path().join("a/image.png");
    let spec = format!("{}/:size=5", dir.path().display());
    (dir, file, spec.parse().unwrap())
});

fuzz_target!(|bytes: &[u8]| {
    let (_, file, spec) = &*DIR;
    fs::write(file, bytes).unwrap();
    let _ = load(spec, None, Split::Train, None);
});
