#![no_main]
//! The graph of a PyTorch program, in an archive that is sound otherwise: whole archives that are damaged end at their checksums.
//! The first byte says which archive.

use landscape_import::Program;
use libfuzzer_sys::fuzz_target;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::sync::LazyLock;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

type Parts = Vec<(String, Vec<u8>)>;

const SOUND: [&[u8]; 5] = [
    include_bytes!("../seeds/pt2/mlp"),
    include_bytes!("../seeds/pt2/writes"),
    include_bytes!("../seeds/pt2/attention"),
    include_bytes!("../seeds/pt2/max_pool_places"),
    include_bytes!("../seeds/pt2/index_put"),
];

static DIR: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());
static ARCHIVES: LazyLock<Vec<Parts>> = LazyLock::new(|| SOUND.map(parts).into());

fn parts(archive: &[u8]) -> Parts {
    let mut archive = ZipArchive::new(Cursor::new(archive)).unwrap();
    let count = archive.len();
    let part = |i| {
        let mut part = archive.by_index(i).unwrap();
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).unwrap();
        (part.name().to_owned(), bytes)
    };
    (0..count).map(part).collect()
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&first, graph)) = bytes.split_first() else {
        return;
    };
    let parts = &ARCHIVES[usize::from(first) % SOUND.len()];
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, part) in parts {
        archive.start_file(name.as_str(), stored).unwrap();
        let model = name.ends_with("/models/model.json");
        archive.write_all(if model { graph } else { part }).unwrap();
    }
    let path = DIR.path().join("net.pt2");
    fs::write(&path, archive.finish().unwrap().into_inner()).unwrap();
    let _ = Program::open(&path);
});
