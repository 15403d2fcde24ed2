//! The numbers of a model: initialisers and constants of all element types, in the file or beside it.

use super::external::External;
use super::message::Tensor;
use super::wire::Field;
use half::{bf16, f16};
use landscape_files::{Budget, FileError, product};
use std::sync::Arc;

/// Types of elements, as `TensorProto.DataType` numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Float32,
    Float64,
    Float16,
    Bfloat16,
    /// Of 8 bits: those of the exponent, and whether it is a form without infinities and with one zero.
    Float8 {
        exponent: u32,
        one_zero: bool,
    },
    Bool,
    /// Bits, and whether there are negative ones.
    Int {
        bits: u32,
        signed: bool,
    },
}

impl Kind {
    /// The kind of a number of `TensorProto.DataType`.
    pub fn of(code: i64) -> Option<Self> {
        let float8 = |exponent, one_zero| Kind::Float8 { exponent, one_zero };
        let int = |bits, signed| Kind::Int { bits, signed };
        Some(match code {
            1 => Kind::Float32,
            10 => Kind::Float16,
            11 => Kind::Float64,
            16 => Kind::Bfloat16,
            17 => float8(4, false),
            18 => float8(4, true),
            19 => float8(5, false),
            20 => float8(5, true),
            9 => Kind::Bool,
            2 => int(8, false),
            3 => int(8, true),
            4 => int(16, false),
            5 => int(16, true),
            6 => int(32, true),
            7 => int(64, true),
            12 => int(32, false),
            13 => int(64, false),
            21 => int(4, false),
            22 => int(4, true),
            _ => return None,
        })
    }

    pub fn is_float(self) -> bool {
        !matches!(self, Kind::Bool | Kind::Int { .. })
    }

    fn bits(self) -> usize {
        match self {
            Kind::Float64 => 64,
            Kind::Float32 => 32,
            Kind::Float16 | Kind::Bfloat16 => 16,
            Kind::Float8 { .. } | Kind::Bool => 8,
            Kind::Int { bits, .. } => bits as usize,
        }
    }
}

/// Its name in messages.
pub(super) fn kind_name(code: i64) -> String {
    const NAMES: [&str; 25] = [
        "undefined",
        "float32",
        "uint8",
        "int8",
        "uint16",
        "int16",
        "int32",
        "int64",
        "string",
        "bool",
        "float16",
        "float64",
        "uint32",
        "uint64",
        "complex64",
        "complex128",
        "bfloat16",
        "float8e4m3fn",
        "float8e4m3fnuz",
        "float8e5m2",
        "float8e5m2fnuz",
        "uint4",
        "int4",
        "float4e2m1",
        "float8e8m0",
    ];
    let name = usize::try_from(code).ok().and_then(|code| NAMES.get(code));
    name.map_or_else(|| format!("number {code}"), |name| name.to_string())
}

/// Numbers with a shape.
#[derive(Clone, Debug)]
pub(super) struct Array {
    pub shape: Vec<usize>,
    pub kind: Kind,
    pub numbers: Numbers,
}

/// Numbers as they are held: whole ones and booleans, or others.
#[derive(Clone, Debug)]
pub(super) enum Numbers {
    Ints(Arc<Vec<i64>>),
    Singles(Arc<Vec<f32>>),
    Doubles(Arc<Vec<f64>>),
}

/// The array of an initialiser, or of a `Constant`.
///
/// # Errors
/// [`FileError`] where its numbers do not fill its shape, are not there, or are of a type that has no numbers.
pub(super) fn read(
    tensor: &Tensor,
    external: &External,
    budget: &Budget,
) -> Result<Array, FileError> {
    let named = |problem: String| format!("the tensor `{}` {problem}", tensor.name);
    let kind = Kind::of(tensor.kind).ok_or_else(|| {
        let kind = kind_name(tensor.kind);
        FileError::Unsupported(named(format!(
            "has the type {kind}, which is not supported"
        )))
    })?;
    let corrupt = |problem: &str| FileError::Corrupt(named(problem.into()));
    let axis = |&n: &i64| usize::try_from(n).ok();
    let shape: Option<Vec<usize>> = tensor.shape.iter().map(axis).collect();
    let shape = shape.ok_or_else(|| corrupt("has a negative length"))?;
    let count = product(&shape).ok_or_else(|| corrupt("is too large"))?;
    let bytes = count.checked_mul(kind.bits()).map(|bits| bits.div_ceil(8));
    let bytes = bytes.ok_or_else(|| corrupt("is too large"))?;
    let numbers = match (tensor.is_external, tensor.raw) {
        (true, _) => external.read(tensor, bytes, |data, budget| {
            numbers(data, kind, count, budget)
        })?,
        (false, Some(raw)) if raw.len() == bytes => numbers(raw, kind, count, budget)?,
        (false, Some(raw)) => {
            let there = raw.len();
            let problem = format!("holds {there} bytes where its shape {shape:?} needs {bytes}");
            return Err(FileError::Corrupt(named(problem)));
        }
        (false, None) => typed(tensor, kind, count, budget)?,
    };
    let there = match &numbers {
        Numbers::Ints(all) => all.len(),
        Numbers::Singles(all) => all.len(),
        Numbers::Doubles(all) => all.len(),
    };
    match there == count {
        true => Ok(Array {
            shape,
            kind,
            numbers,
        }),
        false => Err(FileError::Corrupt(named(format!(
            "holds {there} numbers where its shape {shape:?} needs {count}"
        )))),
    }
}

/// Numbers from bytes, little-endian.
fn numbers(bytes: &[u8], kind: Kind, count: usize, budget: &Budget) -> Result<Numbers, FileError> {
    let (singles, doubles) = (
        |all: Vec<f32>| Numbers::Singles(Arc::new(all)),
        |all: Vec<f64>| Numbers::Doubles(Arc::new(all)),
    );
    Ok(match kind {
        Kind::Float32 => singles(each(bytes, budget, f32::from_le_bytes)?),
        Kind::Float64 => doubles(each(bytes, budget, f64::from_le_bytes)?),
        Kind::Float16 => singles(each(bytes, budget, |b| f16::from_le_bytes(b).to_f32())?),
        Kind::Bfloat16 => singles(each(bytes, budget, |b| bf16::from_le_bytes(b).to_f32())?),
        Kind::Float8 { exponent, one_zero } => {
            let number = |[byte]: [u8; 1]| float8(byte, exponent, one_zero);
            singles(each(bytes, budget, number)?)
        }
        Kind::Bool => Numbers::Ints(Arc::new(each(bytes, budget, |[b]: [u8; 1]| {
            i64::from(b != 0)
        })?)),
        Kind::Int { bits, signed } => Numbers::Ints(Arc::new(match (bits, signed) {
            (8, true) => each(bytes, budget, |[b]: [u8; 1]| i64::from(b as i8))?,
            (8, false) => each(bytes, budget, |[b]: [u8; 1]| i64::from(b))?,
            (16, true) => each(bytes, budget, |b| i64::from(i16::from_le_bytes(b)))?,
            (16, false) => each(bytes, budget, |b| i64::from(u16::from_le_bytes(b)))?,
            (32, true) => each(bytes, budget, |b| i64::from(i32::from_le_bytes(b)))?,
            (32, false) => each(bytes, budget, |b| i64::from(u32::from_le_bytes(b)))?,
            (4, signed) => {
                budget.spend_each(count, size_of::<i64>())?;
                let nibble = |i: usize| i64::from((bytes[i / 2] >> (4 * (i % 2))) & 15);
                let number = |i| match nibble(i) {
                    n if signed && n > 7 => n - 16,
                    n => n,
                };
                (0..count).map(number).collect()
            }
            _ => each(bytes, budget, i64::from_le_bytes)?,
        })),
    })
}

fn each<const N: usize, T>(
    bytes: &[u8],
    budget: &Budget,
    number: impl Fn([u8; N]) -> T,
) -> Result<Vec<T>, FileError> {
    let (chunks, _) = bytes.as_chunks::<N>();
    budget.spend_bytes(chunks.len(), size_of::<T>())?;
    Ok(chunks.iter().map(|&bytes| number(bytes)).collect())
}

/// A number of 8 bits with so many of the exponent.
fn float8(byte: u8, exponent: u32, one_zero: bool) -> f32 {
    let mantissa = 7 - exponent;
    let sign = if byte & 0x80 != 0 { -1.0 } else { 1.0 };
    let (e, m) = (
        i32::from(byte & 0x7f) >> mantissa,
        i32::from(byte) & ((1 << mantissa) - 1),
    );
    let bias = (1 << (exponent - 1)) - i32::from(!one_zero);
    let (top, last) = ((1 << exponent) - 1, (1 << mantissa) - 1);
    match (e, m) {
        _ if one_zero && byte == 0x80 => f32::NAN,
        (e, m) if !one_zero && exponent == 4 && e == top && m == last => f32::NAN,
        (e, 0) if !one_zero && exponent == 5 && e == top => sign * f32::INFINITY,
        (e, _) if !one_zero && exponent == 5 && e == top => f32::NAN,
        (0, m) => sign * m as f32 * 2f32.powi(1 - bias - mantissa as i32),
        (e, m) => sign * ((1 << mantissa) + m) as f32 * 2f32.powi(e - bias - mantissa as i32),
    }
}

/// Numbers of the fields that `onnx.proto` has for them. Those of 16 and fewer bits are held in numbers of 32.
fn typed(tensor: &Tensor, kind: Kind, count: usize, budget: &Budget) -> Result<Numbers, FileError> {
    let (mut singles, mut doubles, mut ints) = (vec![], vec![], vec![]);
    let wanted = match kind {
        Kind::Float32 => 4,
        Kind::Float64 => 10,
        Kind::Int {
            bits: 64,
            signed: true,
        } => 7,
        Kind::Int {
            bits: 32 | 64,
            signed: false,
        } => 11,
        _ => 5,
    };
    let fields = tensor.typed.iter().filter(|(number, _)| *number == wanted);
    for (_, field) in fields {
        let room = |held: usize| match held < count {
            true => Ok(budget.spend_each(2, 8)?),
            false => Err(FileError::Corrupt(format!(
                "the tensor `{}` holds more than the {count} numbers of its shape",
                tensor.name
            ))),
        };
        let field: Field = *field;
        match kind {
            Kind::Float32 => field.floats(|x| room(singles.len()).map(|()| singles.push(x)))?,
            Kind::Float64 => field.doubles(|x| room(doubles.len()).map(|()| doubles.push(x)))?,
            Kind::Float16 => field.integers(|i| {
                let x = f16::from_bits(i as u16).to_f32();
                room(singles.len()).map(|()| singles.push(x))
            })?,
            Kind::Bfloat16 => field.integers(|i| {
                let x = bf16::from_bits(i as u16).to_f32();
                room(singles.len()).map(|()| singles.push(x))
            })?,
            Kind::Float8 { exponent, one_zero } => field.integers(|i| {
                let x = float8(i as u8, exponent, one_zero);
                room(singles.len()).map(|()| singles.push(x))
            })?,
            Kind::Int { bits: 4, signed } => field.integers(|pair| {
                for nibble in [pair & 15, (pair >> 4) & 15] {
                    if ints.len() < count {
                        room(ints.len())?;
                        ints.push(if signed && nibble > 7 {
                            nibble - 16
                        } else {
                            nibble
                        });
                    }
                }
                Ok(())
            })?,
            Kind::Bool => {
                field.integers(|i| room(ints.len()).map(|()| ints.push(i64::from(i != 0))))?
            }
            Kind::Int { .. } => field.integers(|i| room(ints.len()).map(|()| ints.push(i)))?,
        }
    }
    Ok(match kind {
        Kind::Float64 => Numbers::Doubles(Arc::new(doubles)),
        kind if kind.is_float() => Numbers::Singles(Arc::new(singles)),
        _ => Numbers::Ints(Arc::new(ints)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_eight_bits() {
        // Largest, smallest, and special ones, of the table in ONNX's documentation.
        for (byte, exponent, one_zero, value) in [
            (0x7e, 4, false, 448.0),
            (0x01, 4, false, 2f32.powi(-9)),
            (0x7f, 4, true, 240.0),
            (0x01, 4, true, 2f32.powi(-10)),
            (0x7b, 5, false, 57344.0),
            (0x01, 5, false, 2f32.powi(-16)),
            (0x7f, 5, true, 57344.0),
            (0xfc, 5, false, f32::NEG_INFINITY),
            (0xb8, 4, false, -1.0),
        ] {
            assert_eq!(float8(byte, exponent, one_zero), value, "{byte:x}");
        }
        for (byte, exponent, one_zero) in [(0x7f, 4, false), (0x80, 4, true), (0x7d, 5, false)] {
            assert!(float8(byte, exponent, one_zero).is_nan());
        }
    }
}
