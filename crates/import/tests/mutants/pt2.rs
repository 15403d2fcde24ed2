//! Archives of `torch.export.save`, and their parts, damaged.

use crate::part;
use landscape_files::mutants::survive;
use landscape_import::{Array, Loss, Program, Size};
use std::io::{Cursor, Read, Write};
use std::path::Path;

fn parts(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).expect("an archive");
    (0..archive.len())
        .map(|i| {
            let mut part = archive.by_index(i).expect("a part");
            let mut bytes = Vec::new();
            part.read_to_end(&mut bytes).expect("whole");
            (part.name().to_owned(), bytes)
        })
        .collect()
}

/// An archive with another part in the place of one.
fn with(all: &[(String, Vec<u8>)], name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (own, part) in all {
        archive.start_file(own.as_str(), stored).expect("a part");
        let part = if own == name { bytes } else { part };
        archive.write_all(part).expect("written");
    }
    archive.finish().expect("an archive").into_inner()
}

/// Opens a file, and traces what is in it on three samples.
fn use_up(path: &Path) {
    let Ok(program) = Program::open(path) else {
        return;
    };
    let lengths = |shape: &[Size]| -> Vec<usize> {
        let length = |size: &Size| match size {
            Size::Fixed(n) => *n,
            Size::Free(_) => 3,
        };
        shape.iter().map(length).collect()
    };
    let mut inputs = Vec::new();
    for input in program.inputs() {
        let mut shape = lengths(&input.shape);
        if let Some(samples) = shape.first_mut() {
            *samples = 3;
        }
        let count = shape
            .iter()
            .try_fold(1usize, |product, &n| product.checked_mul(n));
        match count.filter(|&n| n < 1 << 16) {
            Some(count) => inputs.push(("", Array::new(shape, vec![0.0; count]).expect("fits"))),
            None => return,
        }
    }
    let _ = program.trace(program.parameters(), &inputs, None, Loss::Program);
}

pub fn damaged_programs_do_no_harm() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("net.pt2");
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("written");
        use_up(&path);
    };
    for (name, sound) in [
        ("pt2 mlp", part("reference/mlp_regressor.zip", "static.pt2")),
        ("pt2 lstm", part("reference/lstm.zip", "decomposed.pt2")),
        (
            "pt2 writes",
            part("reference/operations.zip", "write_buffer.pt2"),
        ),
        (
            "pt2 pools",
            part("reference/operations.zip", "max_pool_places.pt2"),
        ),
        (
            "pt2 volumes",
            part("reference/operations.zip", "conv_transpose3d.pt2"),
        ),
        (
            "pt2 blocks",
            part("reference/operations.zip", "no_grad_within.pt2"),
        ),
        ("pt2 of 2.5", part("versions/versions.zip", "2.5.pt2")),
        ("pt2 of 2.8", part("versions/versions.zip", "2.8.pt2")),
    ] {
        survive(name, &sound, read);
        let all = parts(&sound);
        let read_in = |own: &str| {
            [".json", "state_dict.pt", "weights/model.pt"]
                .iter()
                .any(|end| own.ends_with(end))
        };
        let inside = all.iter().filter(|(own, _)| read_in(own));
        for (own, bytes) in inside {
            let name = format!("{name} {}", own.rsplit('/').next().unwrap_or_default());
            survive(&name, bytes, |bytes| read(&with(&all, own, bytes)));
        }
    }
}
