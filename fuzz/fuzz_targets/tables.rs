#![no_main]

use landscape_storage::TableFile;
use libfuzzer_sys::fuzz_target;
use std::fs;
use std::sync::LazyLock;
use tempfile::TempDir;

static DIR: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

fuzz_target!(|bytes: &[u8]| {
    let path = DIR.path().join("t.csv");
    fs::write(&path, bytes).unwrap();
    let Ok(table) = TableFile::open(&path) else {
        return;
    };
    let names: Vec<&str> = table.columns().iter().map(|c| c.name.as_str()).collect();
    let _ = table.numbers(&names);
    let _ = table.classes(names.first().unwrap_or(&""));
});
