//! Arrays of numbers as files store them.

use half::{bf16, f16};

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

/// Values of an array, floating-point ones rounded to f32.
#[derive(Debug, Clone, PartialEq)]
pub enum Numbers {
    /// Floating-point numbers.
    Float(Vec<f32>),
    /// Whole numbers, and truth values as 0 and 1.
    Int(Vec<i64>),
}

impl Numbers {
    /// All as f32.
    pub fn into_floats(self) -> Vec<f32> {
        match self {
            Numbers::Float(values) => values,
            Numbers::Int(values) => values.into_iter().map(|v| v as f32).collect(),
        }
    }
}

/// A row-major array.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// As many as the product of the lengths.
    pub values: Numbers,
}

/// Values that are decoded at a time.
pub(crate) const BLOCK: usize = 8192;

/// How one value is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// Truth values, a byte each.
    Bool,
    /// Signed 8 bits.
    I8,
    /// Signed 16 bits.
    I16,
    /// Signed 32 bits.
    I32,
    /// Signed 64 bits.
    I64,
    /// Unsigned 8 bits.
    U8,
    /// Unsigned 16 bits.
    U16,
    /// Unsigned 32 bits.
    U32,
    /// Unsigned 64 bits.
    U64,
    /// IEEE half precision.
    F16,
    /// The upper half of f32.
    Bf16,
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
}

impl Stored {
    /// Bytes of one.
    pub fn bytes(self) -> usize {
        match self {
            Stored::Bool | Stored::I8 | Stored::U8 => 1,
            Stored::I16 | Stored::U16 | Stored::F16 | Stored::Bf16 => 2,
            Stored::I32 | Stored::U32 | Stored::F32 => 4,
            Stored::I64 | Stored::U64 | Stored::F64 => 8,
        }
    }

    /// Whether they are floating-point numbers.
    pub fn is_float(self) -> bool {
        matches!(self, Stored::F16 | Stored::Bf16 | Stored::F32 | Stored::F64)
    }

    /// The values in `bytes` as floating-point numbers, without a copy as whole numbers.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn floats(self, bytes: &[u8]) -> Result<Vec<f32>, u64> {
        let mut floats = Vec::with_capacity(bytes.len() / self.bytes());
        for part in bytes.chunks(BLOCK * self.bytes()) {
            floats.extend(self.decode(part, false)?.into_floats());
        }
        Ok(floats)
    }

    /// The values in `bytes`; a 64-bit unsigned value beyond i64 has no place and is the error.
    ///
    /// # Errors
    /// That value.
    pub fn decode(self, bytes: &[u8], big: bool) -> Result<Numbers, u64> {
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
