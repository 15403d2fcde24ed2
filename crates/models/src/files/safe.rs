//! The safetensors format.

use super::{Array, Element, Numbers, Stored, may_be_classes};
use crate::ModelsError;
use landscape_files::{Budget, TooLarge};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::path::Path;

fn stored(dtype: Dtype) -> Option<Stored> {
    Some(match dtype {
        Dtype::BOOL => Stored::Bool,
        Dtype::I8 => Stored::I8,
        Dtype::I16 => Stored::I16,
        Dtype::I32 => Stored::I32,
        Dtype::I64 => Stored::I64,
        Dtype::U8 => Stored::U8,
        Dtype::U16 => Stored::U16,
        Dtype::U32 => Stored::U32,
        Dtype::U64 => Stored::U64,
        Dtype::F16 => Stored::F16,
        Dtype::BF16 => Stored::Bf16,
        Dtype::F32 => Stored::F32,
        Dtype::F64 => Stored::F64,
        _ => return None,
    })
}

/// The file, its header checked against its length.
pub(super) fn open<'a>(bytes: &'a [u8], path: &Path) -> Result<SafeTensors<'a>, ModelsError> {
    check_header(bytes).map_err(|source| ModelsError::TooLarge {
        path: path.to_owned(),
        source,
    })?;
    SafeTensors::deserialize(bytes)
        .map_err(|e| ModelsError::corrupt(path, format!("not a valid safetensors file ({e})")))
}

/// Bytes of memory that a text or a number of the header takes while it is read.
const ITEM: usize = 160;

/// Checks that there is memory for the header, beside the file, before it is read.
fn check_header(bytes: &[u8]) -> Result<(), TooLarge> {
    let budget = Budget::new(bytes.len() as u64);
    budget.spend(bytes.len() as u64)?;
    let Some((length, rest)) = bytes.split_first_chunk() else {
        return Ok(());
    };
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let header = &rest[..length.min(rest.len())];
    let items = header.iter().filter(|byte| b",:[{".contains(byte)).count();
    budget.check((items as u64).saturating_mul(ITEM as u64))
}

/// Names and views, in the order in which they are stored.
pub(super) fn in_order<'a>(file: &'a SafeTensors<'_>) -> Vec<(&'a str, TensorView<'a>)> {
    let mut views: Vec<_> = file.iter().collect();
    views.sort_by_key(|(_, view)| view.data().as_ptr() as usize);
    views
}

/// Whether the values are floating-point numbers; others are not parameters.
pub(super) fn is_float(dtype: Dtype) -> bool {
    // What is not supported is refused when it is read.
    stored(dtype).is_none_or(Stored::is_float)
}

/// The values of a view.
pub(super) fn read(name: &str, view: &TensorView<'_>, path: &Path) -> Result<Array, ModelsError> {
    array(name, view, path, |stored, bytes| {
        stored.decode(bytes, false)
    })
}

/// The same as floating-point numbers.
fn floats(name: &str, view: &TensorView<'_>, path: &Path) -> Result<Array, ModelsError> {
    array(name, view, path, |stored, bytes| {
        stored.floats(bytes).map(Numbers::Float)
    })
}

fn array(
    name: &str,
    view: &TensorView<'_>,
    path: &Path,
    decode: impl Fn(Stored, &[u8]) -> Result<Numbers, u64>,
) -> Result<Array, ModelsError> {
    let unsupported =
        |what: String| ModelsError::unsupported(path, format!("tensor `{name}` {what}"));
    let stored = stored(view.dtype()).ok_or_else(|| {
        unsupported(format!(
            "has type {:?}; store it as F32 (F64, F16, BF16 and integers can also be read)",
            view.dtype()
        ))
    })?;
    let values = decode(stored, view.data()).map_err(|v| {
        unsupported(format!(
            "holds {v}, which is outside the range of 64-bit integers"
        ))
    })?;
    Ok(Array {
        shape: view.shape().to_vec(),
        values,
    })
}

/// The names of the tensors, in alphabetical order: they are stored by their types.
pub(super) fn names(bytes: &[u8], path: &Path) -> Result<Vec<String>, ModelsError> {
    let file = open(bytes, path)?;
    let mut names: Vec<String> = file.names().into_iter().map(str::to_owned).collect();
    names.sort_unstable();
    Ok(names)
}

/// Inputs or targets by name; `None` for what is not there. Inputs become floating-point numbers as they are read.
pub(super) fn read_one(
    bytes: &[u8],
    path: &Path,
    wanted: &str,
    targets: bool,
) -> Result<Option<(Array, Element)>, ModelsError> {
    let file = open(bytes, path)?;
    let Some((name, view)) = file.iter().find(|(name, _)| *name == wanted) else {
        return Ok(None);
    };
    let element = match stored(view.dtype()) {
        Some(Stored::U8) => Element::Byte,
        Some(stored) if !stored.is_float() => Element::Whole,
        _ => Element::Float,
    };
    let array = match targets && may_be_classes(view.shape()) {
        true => read(name, &view, path),
        false => floats(name, &view, path),
    };
    Ok(Some((array?, element)))
}
