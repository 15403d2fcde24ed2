//! The zip format of `torch.save`, PyTorch 1.6 and later: `NAME/data.pkl`, and each storage's
//! bytes in `NAME/data/KEY`, none of it compressed.

use super::Container;
use super::{Result, malformed};
use crate::PickleError;
use crate::{Budget, FileError, open_zip};
use std::collections::HashMap;
use std::io::Cursor;

/// An archive of something else.
const NO_LIST: PickleError = PickleError::Kind {
    found: "it is a zip archive, but not one that torch.save wrote (it has no data.pkl)",
};

/// Whether a part is the pickle.
fn is_list(name: &str) -> bool {
    name.matches('/').count() == 1 && name.ends_with("/data.pkl")
}

/// The parts of an archive, each compared with its checksum.
pub(super) fn open<'a>(bytes: &'a [u8], budget: &Budget) -> Result<(&'a [u8], Container<'a>)> {
    let mut archive = open_zip(Cursor::new(bytes), budget).map_err(|error| match error {
        FileError::TooLarge(error) => error.into(),
        error => malformed(format!("it is {error}")),
    })?;
    kind(&archive)?;
    if !archive.file_names().any(is_list) {
        return Err(NO_LIST);
    }
    let entries = entries(bytes, &mut archive)?;
    let list = entries.keys().filter(|name| is_list(name)).min();
    let list = list.ok_or(NO_LIST)?;
    let prefix = list.trim_end_matches("data.pkl");
    let big = match entries.get(&format!("{prefix}byteorder")) {
        Some(&b"big") => true,
        Some(&b"little") | None => false,
        Some(_) => return Err(malformed("its byte order is neither little nor big")),
    };
    let data = format!("{prefix}data/");
    let storages = entries.iter().filter_map(|(name, &bytes)| {
        let key = name.strip_prefix(&data)?;
        Some((key.as_bytes().to_vec(), bytes))
    });
    let storages = storages.collect();
    Ok((entries[list], Container { storages, big }))
}

fn bad(error: zip::result::ZipError) -> PickleError {
    malformed(format!("it is not a valid zip archive ({error})"))
}

/// Archives that other programs write, by the names of their parts.
fn kind(archive: &zip::ZipArchive<Cursor<&[u8]>>) -> Result<()> {
    let has = |end: &str| archive.file_names().any(|name| name.ends_with(end));
    let other = |found, remedy| Err(PickleError::Other { found, remedy });
    if has("/constants.pkl") {
        return other(
            "a TorchScript archive, a program with its weights",
            "save the weights alone: torch.save(torch.jit.load(FILE).state_dict(), OTHER)",
        );
    }
    if has("archive_format") || has("serialized_exported_program.json") {
        return other(
            "a program of torch.export",
            "save the weights alone: torch.save(torch.export.load(FILE).state_dict, OTHER)",
        );
    }
    if !has("/data.pkl")
        && [".pt", ".pth", ".ckpt", ".safetensors"]
            .into_iter()
            .any(has)
    {
        return other(
            "a zip archive that holds a checkpoint",
            "unpack it: unzip FILE",
        );
    }
    if !has("/data.pkl") && has(".npy") {
        return other(
            "an npz archive of NumPy arrays",
            "save them as safetensors: safetensors.numpy.save_file(dict(numpy.load(FILE)), OTHER)",
        );
    }
    Ok(())
}

fn entries<'a>(
    bytes: &'a [u8],
    archive: &mut zip::ZipArchive<Cursor<&'a [u8]>>,
) -> Result<HashMap<String, &'a [u8]>> {
    let mut entries = HashMap::new();
    let mut total = 0;
    for place in 0..archive.len() {
        let entry = archive.by_index_raw(place).map_err(bad)?;
        let part = contents(bytes, &entry)?;
        // Parts on top of each other would be a way to make a small file large.
        total += part.len();
        if total > bytes.len() {
            return Err(malformed("the parts of the archive overlap"));
        }
        checked(part, &entry)?;
        if entries.insert(entry.name().to_owned(), part).is_some() {
            return Err(malformed(format!("it has two parts `{}`", entry.name())));
        }
    }
    Ok(entries)
}

type Entry<'e, 'a> = zip::read::ZipFile<'e, Cursor<&'a [u8]>>;

fn contents<'a>(bytes: &'a [u8], entry: &Entry<'_, 'a>) -> Result<&'a [u8]> {
    if entry.compression() != zip::CompressionMethod::Stored || entry.encrypted() {
        return Err(PickleError::Kind {
            found: "its parts are compressed or encrypted, which torch.save does not do",
        });
    }
    let range = usize::try_from(entry.data_start())
        .ok()
        .zip(usize::try_from(entry.size()).ok())
        .and_then(|(start, size)| bytes.get(start..start.checked_add(size)?));
    range
        .filter(|_| entry.size() == entry.compressed_size())
        .ok_or_else(|| malformed(format!("`{}` lies outside the archive", entry.name())))
}

/// Compares a part with its checksum. PyTorch writes 0 where it was told to compute none
/// (`torch.serialization.set_crc32_options(False)`).
fn checked(part: &[u8], entry: &Entry<'_, '_>) -> Result<()> {
    if entry.crc32() == 0 {
        return Ok(());
    }
    let mut sum = flate2::Crc::new();
    sum.update(part);
    match sum.sum() == entry.crc32() {
        true => Ok(()),
        false => Err(malformed(format!(
            "the checksum of `{}` is wrong",
            entry.name()
        ))),
    }
}
