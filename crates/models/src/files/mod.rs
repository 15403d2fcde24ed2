//! Reading and writing files of numbers.

mod arrays;
mod listing;
mod npy;
mod pickle;
mod safe;

pub(crate) use arrays::Arrays;
pub(crate) use landscape_files::product;
pub(crate) use listing::{Listed, Listing};
pub(crate) use npy::read_npy;
pub(crate) use pickle::is_named_so as is_named_as_pickle;

use crate::ModelsError;
use std::path::Path;

/// Values of an array, floating-point ones rounded to f32.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Numbers {
    Float(Vec<f32>),
    Int(Vec<i64>),
}

impl Numbers {
    pub(crate) fn into_floats(self) -> Vec<f32> {
        match self {
            Numbers::Float(values) => values,
            Numbers::Int(values) => values.into_iter().map(|v| v as f32).collect(),
        }
    }
}

/// A row-major array.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Array {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Numbers,
}

/// As what the values of an array are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    Float,
    /// Whole numbers, and booleans.
    Whole,
    /// Bytes, as those of images.
    Byte,
}

/// The whole file.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, ModelsError> {
    landscape_files::read(path).map_err(|source| ModelsError::read(path, source))
}

/// Writes a file that is either complete or not there: to a temporary name beside it, then renamed.
///
/// A failure leaves an existing file of that name as it was.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), ModelsError> {
    landscape_core::files::write_whole(path, bytes, true).map_err(|source| ModelsError::Io {
        action: "write",
        path: path.to_owned(),
        source,
    })
}

/// Splits bytes into little-endian (or big-endian) values.
macro_rules! decode {
    ($bytes:expr, $big:expr, $type:ty) => {
        $bytes.chunks_exact(size_of::<$type>()).map(move |chunk| {
            let chunk = chunk.try_into().expect("chunks are of this size");
            if $big {
                <$type>::from_be_bytes(chunk)
            } else {
                <$type>::from_le_bytes(chunk)
            }
        })
    };
}

/// Whether targets of this shape may be classes, which are read as the whole numbers that they are.
pub(crate) fn may_be_classes(shape: &[usize]) -> bool {
    matches!(shape, [_] | [_, 1])
}

/// Values that are decoded at a time.
const BLOCK: usize = 8192;

/// How one value is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F16,
    Bf16,
    F32,
    F64,
}

impl Stored {
    pub(crate) fn bytes(self) -> usize {
        match self {
            Stored::Bool | Stored::I8 | Stored::U8 => 1,
            Stored::I16 | Stored::U16 | Stored::F16 | Stored::Bf16 => 2,
            Stored::I32 | Stored::U32 | Stored::F32 => 4,
            Stored::I64 | Stored::U64 | Stored::F64 => 8,
        }
    }

    pub(crate) fn is_float(self) -> bool {
        matches!(self, Stored::F16 | Stored::Bf16 | Stored::F32 | Stored::F64)
    }

    /// The values in `bytes` as floating-point numbers, without a copy as whole numbers.
    pub(crate) fn floats(self, bytes: &[u8]) -> Result<Vec<f32>, u64> {
        let mut floats = Vec::with_capacity(bytes.len() / self.bytes());
        for part in bytes.chunks(BLOCK * self.bytes()) {
            floats.extend(self.decode(part, false)?.into_floats());
        }
        Ok(floats)
    }

    /// The values in `bytes`; a 64-bit unsigned value beyond i64 has no place and is the error.
    pub(crate) fn decode(self, bytes: &[u8], big: bool) -> Result<Numbers, u64> {
        use burn::tensor::{bf16, f16};
        let ints = |values: &mut dyn Iterator<Item = i64>| Ok(Numbers::Int(values.collect()));
        let floats = |values: &mut dyn Iterator<Item = f32>| Ok(Numbers::Float(values.collect()));
        match self {
            Stored::Bool => ints(&mut bytes.iter().map(|&b| i64::from(b != 0))),
            Stored::U8 => ints(&mut bytes.iter().map(|&b| i64::from(b))),
            Stored::I8 => ints(&mut bytes.iter().map(|&b| i64::from(b as i8))),
            Stored::I16 => ints(&mut decode!(bytes, big, i16).map(i64::from)),
            Stored::I32 => ints(&mut decode!(bytes, big, i32).map(i64::from)),
            Stored::I64 => ints(&mut decode!(bytes, big, i64)),
            Stored::U16 => ints(&mut decode!(bytes, big, u16).map(i64::from)),
            Stored::U32 => ints(&mut decode!(bytes, big, u32).map(i64::from)),
            Stored::U64 => decode!(bytes, big, u64)
                .map(|v| i64::try_from(v).map_err(|_| v))
                .collect::<Result<_, _>>()
                .map(Numbers::Int),
            Stored::F16 => floats(&mut decode!(bytes, big, f16).map(f16::to_f32)),
            Stored::Bf16 => floats(&mut decode!(bytes, big, bf16).map(bf16::to_f32)),
            Stored::F32 => floats(&mut decode!(bytes, big, f32)),
            Stored::F64 => floats(&mut decode!(bytes, big, f64).map(|v| v as f32)),
        }
    }
}
