//! The format of `torch.save` before PyTorch 1.6, and still with
//! `_use_new_zipfile_serialization=False`: five pickles (a magic number, a version, the system,
//! the object, the keys of its storages), then each storage: its length in elements as a 64-bit
//! number and its bytes.

use super::Container;
use super::globals;
use super::machine::{Unpickled, unpickle};
use super::value::{Storage, Value};
use super::{Result, malformed};
use crate::{Budget, PickleError};
use std::collections::HashMap;

/// 0x1950a86a20f9469cfc6c.
const MAGIC: &[u8] = b"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
const VERSION: i64 = 1001;

/// The object and the storages of a file.
pub(super) fn open<'a>(bytes: &'a [u8], budget: &Budget) -> Result<(Unpickled<'a>, Container<'a>)> {
    let mut rest = bytes;
    let mut next = || {
        let pickle = unpickle(rest, budget)?;
        rest = &rest[pickle.length..];
        Ok::<_, PickleError>(pickle)
    };
    let first = next()?;
    if !matches!(first.root, Value::Long(MAGIC)) {
        if let Some((module, name)) = first.arena.classes.first() {
            return Err(PickleError::Global {
                name: globals::shown(module, name),
            });
        }
        return Err(PickleError::Kind {
            found: "it is a Python pickle, but not one that torch.save wrote",
        });
    }
    if !matches!(next()?.root, Value::Int(VERSION)) {
        return Err(PickleError::Kind {
            found: "it was written by an unknown version of torch.save",
        });
    }
    let system = next()?;
    let big = match system.arena.entry(system.root, "little_endian") {
        Some(Value::Bool(little)) => !little,
        _ => return Err(malformed("it does not state its byte order")),
    };
    let object = next()?;
    // Of a file that is not a checkpoint, what it asks for says more than where it ends.
    let keys = next().map_err(|error| match object.arena.classes.first() {
        Some((module, name)) => PickleError::Global {
            name: globals::shown(module, name),
        },
        None => error,
    })?;
    let storages = storages(rest, &object, &keys, big)?;
    Ok((object, Container { storages, big }))
}

fn storages<'a>(
    mut rest: &'a [u8],
    object: &Unpickled<'a>,
    keys: &Unpickled<'a>,
    big: bool,
) -> Result<HashMap<Vec<u8>, &'a [u8]>> {
    let declared: HashMap<&[u8], &Storage<'a>> = object
        .arena
        .storages
        .iter()
        .map(|storage| (storage.key, storage))
        .collect();
    let keys = keys.arena.items(keys.root);
    let mut storages = HashMap::new();
    for key in keys.ok_or_else(|| malformed("it does not list its storages"))? {
        let Value::Text(key) = key else {
            return Err(malformed("a storage has no name"));
        };
        let storage = declared
            .get(key)
            .ok_or_else(|| malformed("a storage has no type"))?;
        let (bytes, after) = storage_bytes(rest, storage, big)?;
        storages.insert(key.to_vec(), bytes);
        rest = after;
    }
    Ok(storages)
}

/// The bytes of the storage at the beginning, and what follows it.
fn storage_bytes<'a>(
    rest: &'a [u8],
    storage: &Storage<'_>,
    big: bool,
) -> Result<(&'a [u8], &'a [u8])> {
    let short = PickleError::Truncated {
        what: "the values of its tensors",
    };
    let Some((length, rest)) = rest.split_first_chunk::<8>() else {
        return Err(short);
    };
    let found = match big {
        true => u64::from_be_bytes(*length),
        false => u64::from_le_bytes(*length),
    };
    if found != storage.elements as u64 {
        return Err(malformed(format!(
            "a storage has {found} values, but its tensors say {}",
            storage.elements
        )));
    }
    let bytes = storage.elements.checked_mul(storage.kind.bytes());
    bytes.and_then(|n| rest.split_at_checked(n)).ok_or(short)
}
