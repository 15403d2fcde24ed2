//! Types of numbers.

use super::Flaw;
use super::bytes::Cursor;

/// A type whose every value is read as f64. Integers beyond 2^53 are rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    /// Bytes of a value.
    pub size: usize,
    kind: Kind,
    big_endian: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Signed,
    Unsigned,
    Float,
}

const CLASSES: [&str; 12] = [
    "integers",
    "floats",
    "times",
    "text",
    "bit fields",
    "opaque values",
    "compounds",
    "references",
    "enumerations",
    "values of variable length",
    "arrays",
    "complex numbers",
];

impl Number {
    /// Reads the description of a type.
    pub(super) fn parse(mut body: Cursor<'_>) -> Result<Number, Flaw> {
        let class = body.u8()? & 0x0f;
        let flags = body.uint(3)?;
        let size = body.u32()?;
        match (class, size) {
            (0, 1 | 2 | 4 | 8) => {
                let whole = [0, 8 * size as u16];
                plain(
                    [body.u16()?, body.u16()?] == whole,
                    "integers of odd widths",
                )?;
                let kind = [Kind::Unsigned, Kind::Signed][usize::from(flags & 0x08 != 0)];
                Ok(Number::new(size, kind, flags & 1 != 0))
            }
            (1, 2 | 4 | 8) => {
                let bits = [body.u16()?, body.u16()?];
                let fields = [body.u8()?, body.u8()?, body.u8()?, body.u8()?];
                let (exponent, mantissa) = match size {
                    2 => (5, 10),
                    4 => (8, 23),
                    _ => (11, 52),
                };
                let ieee = bits == [0, 8 * size as u16]
                    && fields == [mantissa, exponent, 0, mantissa]
                    && flags & 0x40 == 0;
                plain(ieee, "floats that are not IEEE")?;
                Ok(Number::new(size, Kind::Float, flags & 1 != 0))
            }
            _ => {
                let class = CLASSES
                    .get(usize::from(class))
                    .unwrap_or(&"an unknown type");
                Err(Flaw::Unsupported(format!(
                    "a dataset of {class} ({size} bytes each)"
                )))
            }
        }
    }

    fn new(size: u32, kind: Kind, big_endian: bool) -> Number {
        Number {
            size: size as usize,
            kind,
            big_endian,
        }
    }

    /// The values of bytes; what is left over at the end is passed over.
    pub(super) fn values(self, raw: &[u8]) -> impl Iterator<Item = f64> + '_ {
        raw.chunks_exact(self.size)
            .map(move |bytes| self.value(bytes))
    }

    fn value(self, bytes: &[u8]) -> f64 {
        let push = |sum: u64, &byte: &u8| sum << 8 | u64::from(byte);
        let bits = match self.big_endian {
            true => bytes.iter().fold(0, push),
            false => bytes.iter().rev().fold(0, push),
        };
        let spare = 64 - 8 * self.size as u32;
        match (self.kind, self.size) {
            (Kind::Float, 2) => half::f16::from_bits(bits as u16).to_f64(),
            (Kind::Float, 4) => f64::from(f32::from_bits(bits as u32)),
            (Kind::Float, _) => f64::from_bits(bits),
            (Kind::Unsigned, _) => bits as f64,
            (Kind::Signed, _) => (((bits << spare) as i64) >> spare) as f64,
        }
    }
}

fn plain(is: bool, otherwise: &str) -> Result<(), Flaw> {
    match is {
        true => Ok(()),
        false => Err(Flaw::Unsupported(otherwise.to_owned())),
    }
}
