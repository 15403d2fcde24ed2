#![no_main]

use landscape_core::{Parameter, Params, Role};
use landscape_storage::import_directions;
use libfuzzer_sys::fuzz_target;
use std::fs;
use std::sync::LazyLock;
use tempfile::TempDir;

static DIR: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

fuzz_target!(|bytes: &[u8]| {
    let path = DIR.path().join("file");
    fs::write(&path, bytes).unwrap();
    let tensor = |name: &str, shape: Vec<usize>| {
        let count = shape.iter().product();
        Parameter::new(name, shape, vec![0.0; count], Role::Weight).unwrap()
    };
    let layout = Params::new(vec![tensor("a", vec![2, 3]), tensor("b", vec![3])]).unwrap();
    let _ = import_directions(&path, &layout);
});
