//! Checkpoints of `torch.save`, both formats, without Python and without running anything.
//!
//! A pickle is a program: Python's own reader runs whatever it names. The one here has a stack, a
//! memo and a table of the few names that weights need ([`globals`]); every other name is refused.
//! Memory and time are bounded by the length of the file, whatever the numbers inside it say.

mod archive;
mod error;
mod globals;
mod legacy;
mod machine;
mod opcodes;
mod rebuild;
mod state;
mod value;

pub use error::PickleError;

use super::{Array, Numbers, Tensor, product};
use error::{Result, malformed};
use machine::{Unpickled, unpickle};
use std::collections::HashMap;
use std::path::Path;
use value::View;

/// The bytes of storages.
#[derive(Debug)]
struct Container<'a> {
    storages: HashMap<Vec<u8>, &'a [u8]>,
    /// Whether the most significant byte comes first.
    big: bool,
}

/// How a file of `torch.save` begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Zip,
    Pickle,
    /// PyTorch before 0.1.10.
    Tar,
}

fn format(bytes: &[u8]) -> Option<Format> {
    // A safetensors header of a certain length begins with the same two bytes as a pickle; then
    // `{` follows its eight length bytes.
    let header = bytes.get(8) == Some(&b'{');
    match bytes {
        [b'P', b'K', 3, 4, ..] => Some(Format::Zip),
        [0x80, 2..=5, ..] if !header => Some(Format::Pickle),
        _ if bytes.get(257..262) == Some(b"ustar") => Some(Format::Tar),
        _ => None,
    }
}

/// Whether the file is one of `torch.save`.
pub(crate) fn is_pickle(bytes: &[u8]) -> bool {
    format(bytes).is_some()
}

/// Whether the file's name says so. Most `.bin` files are of torch.save too, but that ending is
/// everybody's.
pub(crate) fn is_named_so(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| {
        matches!(
            ending.to_ascii_lowercase().as_str(),
            "pt" | "pth" | "t7" | "pkl"
        )
    })
}

/// The tensors of a checkpoint whose names `wanted` accepts, in the order in which they are stored.
pub(crate) fn read_pickle(bytes: &[u8], wanted: impl Fn(&str) -> bool) -> Result<Vec<Tensor>> {
    let (object, container) = match format(bytes) {
        Some(Format::Zip) => {
            let (list, container) = archive::open(bytes)?;
            (unpickle(list)?, container)
        }
        Some(Format::Tar) => {
            return Err(PickleError::Kind {
                found: "it is of torch.save before PyTorch 0.1.10",
            });
        }
        Some(Format::Pickle) => legacy::open(bytes)?,
        None => return Err(malformed("it does not begin as files of torch.save do")),
    };
    tensors(&object, &container, bytes.len(), wanted)
}

fn tensors(
    object: &Unpickled<'_>,
    container: &Container<'_>,
    length: usize,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Tensor>> {
    // Tensors may share storages and repeat values, within reason.
    let limit = length.saturating_mul(4).max(1 << 20);
    let mut values = 0usize;
    let mut tensors = Vec::new();
    for (name, view) in state::named_tensors(&object.arena, object.root)? {
        if !wanted(&name) {
            continue;
        }
        values = product(&view.shape).map_or(usize::MAX, |n| values.saturating_add(n));
        if values > limit {
            return Err(PickleError::Limit {
                what: "values for its size",
                limit,
            });
        }
        let array = Array {
            shape: view.shape.clone(),
            values: read(view, container).map_err(|e| at(&name, e))?,
        };
        tensors.push(Tensor { name, array });
    }
    Ok(tensors)
}

fn at(name: &str, error: PickleError) -> PickleError {
    match error {
        PickleError::Malformed { reason } => malformed(format!("tensor `{name}`: {reason}")),
        error => error,
    }
}

/// The values of a view, row-major.
fn read(view: &View<'_>, container: &Container<'_>) -> Result<Numbers> {
    let storage = view.storage;
    let missing = || malformed("its values are not in the file");
    let bytes = *container.storages.get(storage.key).ok_or_else(missing)?;
    let expected = storage.elements.checked_mul(storage.kind.bytes());
    if expected != Some(bytes.len()) {
        return Err(malformed(format!(
            "its storage has {} bytes, {} values of {} bytes are needed",
            bytes.len(),
            storage.elements,
            storage.kind.bytes()
        )));
    }
    let gathered = gather(view, bytes);
    view.kind
        .decode(&gathered, container.big)
        .map_err(|v| malformed(format!("it holds {v}, beyond 64-bit integers")))
}

/// The bytes of the elements, row-major.
fn gather<'a>(view: &View<'_>, bytes: &'a [u8]) -> std::borrow::Cow<'a, [u8]> {
    let size = view.kind.bytes();
    let count: usize = view.shape.iter().product();
    let start = view.offset * size;
    if count == 0 || is_contiguous(view) {
        return bytes[start.min(bytes.len())..][..count * size].into();
    }
    let mut out = Vec::with_capacity(count * size);
    let mut place = vec![0; view.shape.len()];
    let mut at = view.offset;
    for _ in 0..count {
        out.extend_from_slice(&bytes[at * size..][..size]);
        // The next place, the last axis first.
        for axis in (0..place.len()).rev() {
            place[axis] += 1;
            at += view.strides[axis];
            if place[axis] < view.shape[axis] {
                break;
            }
            at -= view.strides[axis] * view.shape[axis];
            place[axis] = 0;
        }
    }
    out.into()
}

fn is_contiguous(view: &View<'_>) -> bool {
    let mut step = 1;
    view.shape
        .iter()
        .zip(&view.strides)
        .rev()
        .all(|(&n, &stride)| {
            let fits = n == 1 || stride == step;
            step *= n;
            fits
        })
}
