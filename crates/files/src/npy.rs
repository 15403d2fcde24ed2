//! NumPy's `.npy` format, versions 1 to 3.

use crate::numbers::{BLOCK, Stored};
use crate::{Budget, FileError, product};
use half::{bf16, f16};
use std::io::Read;

/// The longest header that is read; NumPy itself takes no more than 10,000 bytes.
const MAX_HEADER: usize = 1 << 20;
/// What stored values become.
pub trait Number: Copy + Default {
    /// From a floating-point number; `None` where there is no such value.
    fn of_float(value: f64) -> Option<Self>;
    /// From a whole number.
    fn of_int(value: i64) -> Self;
}

impl Number for f64 {
    fn of_float(value: f64) -> Option<f64> {
        Some(value)
    }
    fn of_int(value: i64) -> f64 {
        value as f64
    }
}

impl Number for f32 {
    fn of_float(value: f64) -> Option<f32> {
        Some(value as f32)
    }
    fn of_int(value: i64) -> f32 {
        value as f32
    }
}

impl Number for i64 {
    fn of_float(_: f64) -> Option<i64> {
        None
    }
    fn of_int(value: i64) -> i64 {
        value
    }
}

/// An array whose header has been read, and whose values have not.
#[derive(Debug)]
pub struct Npy<'b, R> {
    kind: Stored,
    shape: Vec<usize>,
    big: bool,
    fortran: bool,
    reader: R,
    budget: &'b Budget,
}

impl<'b, R: Read> Npy<'b, R> {
    /// Reads the header of an array of `length` bytes in all.
    ///
    /// # Errors
    /// When the header is not one of NumPy's, is of a type that is not read, or promises other than
    /// what follows it.
    pub fn new(mut reader: R, length: u64, budget: &'b Budget) -> Result<Self, FileError> {
        let (text, before) = header(&mut reader)?;
        let (kind, big, fortran, shape) = parse(&text)?;
        let found = length.saturating_sub(before);
        let needed = product(&shape).and_then(|n| n.checked_mul(kind.bytes()));
        if needed.map(|bytes| bytes as u64) != Some(found) {
            return Err(FileError::Corrupt(format!(
                "has {found} bytes of data, but its shape {shape:?} needs {} values of {} bytes",
                product(&shape).map_or("too many".into(), |n| n.to_string()),
                kind.bytes()
            )));
        }
        Ok(Npy {
            kind,
            shape,
            big,
            fortran,
            reader,
            budget,
        })
    }

    /// How the values are stored.
    pub fn kind(&self) -> Stored {
        self.kind
    }

    /// Lengths of the axes; empty for a scalar.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// All values, row-major.
    ///
    /// # Errors
    /// When the data end early or go on, when a value has no place in `T`, or when memory for them is
    /// more than the file may take.
    pub fn values<T: Number>(mut self) -> Result<Vec<T>, FileError> {
        let count: usize = self.shape.iter().product();
        let reorder = self.fortran && self.shape.len() > 1;
        let width = size_of::<T>() * if reorder { 2 } else { 1 };
        match self.kind.bytes() {
            1 => self.budget.spend_bytes(count, width)?,
            _ => self.budget.spend_each(count, width)?,
        }
        let mut values = Vec::with_capacity(count);
        let mut block = vec![0; BLOCK.min(count) * self.kind.bytes()];
        while values.len() < count {
            let part = &mut block[..BLOCK.min(count - values.len()) * self.kind.bytes()];
            self.reader.read_exact(part).map_err(FileError::reading)?;
            decode(self.kind, self.big, part, &mut values)?;
        }
        // The end is where archives compare their checksum.
        match self.reader.read(&mut [0]).map_err(FileError::reading)? {
            0 => {}
            _ => return Err(FileError::Corrupt("has data after its end".into())),
        }
        match reorder {
            true => Ok(row_major(&values, &self.shape)),
            false => Ok(values),
        }
    }
}

/// Appends the values in `bytes`.
fn decode<T: Number>(
    kind: Stored,
    big: bool,
    bytes: &[u8],
    into: &mut Vec<T>,
) -> Result<(), FileError> {
    macro_rules! each {
        ($type:ty, $value:expr) => {
            for chunk in bytes.chunks_exact(size_of::<$type>()) {
                let chunk = chunk.try_into().expect("chunks are of this size");
                let stored = match big {
                    true => <$type>::from_be_bytes(chunk),
                    false => <$type>::from_le_bytes(chunk),
                };
                into.push($value(stored)?);
            }
        };
    }
    let int = |value: i64| Ok::<T, FileError>(T::of_int(value));
    let float = |value: f64| {
        let wrong = || FileError::Unsupported("does not hold whole numbers".to_owned());
        T::of_float(value).ok_or_else(wrong)
    };
    match kind {
        Stored::Bool => each!(u8, |v: u8| int(i64::from(v != 0))),
        Stored::U8 => each!(u8, |v: u8| int(v.into())),
        Stored::I8 => each!(i8, |v: i8| int(v.into())),
        Stored::U16 => each!(u16, |v: u16| int(v.into())),
        Stored::I16 => each!(i16, |v: i16| int(v.into())),
        Stored::U32 => each!(u32, |v: u32| int(v.into())),
        Stored::I32 => each!(i32, |v: i32| int(v.into())),
        Stored::I64 => each!(i64, int),
        Stored::U64 => each!(u64, |v: u64| {
            let beyond = |_| {
                FileError::Unsupported(format!("holds {v}, outside the range of 64-bit integers"))
            };
            i64::try_from(v).map_err(beyond).map(T::of_int)
        }),
        Stored::F16 => each!(f16, |v: f16| float(v.to_f64())),
        Stored::Bf16 => each!(bf16, |v: bf16| float(v.to_f64())),
        Stored::F32 => each!(f32, |v: f32| float(v.into())),
        Stored::F64 => each!(f64, float),
    }
    Ok(())
}

/// Values whose first axis runs fastest, reordered so that the last one does.
fn row_major<T: Copy>(values: &[T], shape: &[usize]) -> Vec<T> {
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = 1usize;
    for &n in shape {
        strides.push(stride);
        stride = stride.saturating_mul(n);
    }
    let place = |mut flat: usize| {
        let mut at = 0;
        for (&n, &stride) in shape.iter().zip(&strides).rev() {
            at += flat % n * stride;
            flat /= n;
        }
        at
    };
    (0..values.len()).map(|flat| values[place(flat)]).collect()
}

/// The header's text, and the bytes before the values.
fn header(reader: &mut impl Read) -> Result<(String, u64), FileError> {
    let mut take = |bytes: &mut [u8]| {
        let short = |error| match FileError::reading(error) {
            FileError::Corrupt(reason) if reason == "ends early" => {
                FileError::Corrupt("ends inside its header".into())
            }
            error => error,
        };
        reader.read_exact(bytes).map_err(short)
    };
    let mut start = [0; 8];
    take(&mut start)?;
    if !start.starts_with(b"\x93NUMPY") {
        return Err(FileError::Corrupt("does not begin like .npy data".into()));
    }
    let (length, before) = match start[6] {
        1 => {
            let mut length = [0; 2];
            take(&mut length)?;
            (usize::from(u16::from_le_bytes(length)), 10)
        }
        2 | 3 => {
            let mut length = [0; 4];
            take(&mut length)?;
            (u32::from_le_bytes(length) as usize, 12)
        }
        version => {
            let reason = format!("has .npy version {version}; versions 1 to 3 can be read");
            return Err(FileError::Unsupported(reason));
        }
    };
    if length > MAX_HEADER {
        let reason = format!("has a header of {length} bytes; at most {MAX_HEADER} are read");
        return Err(FileError::Corrupt(reason));
    }
    let mut text = vec![0; length];
    take(&mut text)?;
    let text = String::from_utf8(text)
        .map_err(|_| FileError::Corrupt("has a header that is not text".into()))?;
    Ok((text, before + length as u64))
}

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
fn parse(text: &str) -> Result<(Stored, bool, bool, Vec<usize>), FileError> {
    let unreadable = || {
        let shown: String = text.trim().chars().take(200).collect();
        FileError::Corrupt(format!(
            "has an unreadable header `{}`",
            shown.escape_debug()
        ))
    };
    let after = |key: &str| {
        let at = text.find(&format!("'{key}':"))?;
        Some(text[at + key.len() + 3..].trim_start())
    };
    let descr = after("descr").ok_or_else(unreadable)?;
    let descr = descr
        .strip_prefix('\'')
        .and_then(|rest| rest.split('\'').next())
        .ok_or_else(|| {
            FileError::Unsupported("is a structured array; plain numbers are needed".into())
        })?;
    let (big, kind) = stored(descr).ok_or_else(|| {
        let shown: String = descr.chars().take(40).collect();
        FileError::Unsupported(format!(
            "has type `{}`; {}",
            shown.escape_debug(),
            instead(descr)
        ))
    })?;
    let fortran = after("fortran_order").ok_or_else(unreadable)?;
    let shape = after("shape").ok_or_else(unreadable)?;
    let shape = shape
        .strip_prefix('(')
        .and_then(|rest| rest.split(')').next())
        .ok_or_else(unreadable)?;
    let axes = shape.split(',').map(str::trim).filter(|s| !s.is_empty());
    let shape = axes
        .map(|axis| axis.parse().map_err(|_| unreadable()))
        .collect::<Result<Vec<usize>, _>>()?;
    Ok((kind, big, fortran.starts_with("True"), shape))
}

/// What to store in the place of numbers of a type that is not read.
fn instead(descr: &str) -> &'static str {
    match descr
        .trim_start_matches(['<', '>', '|', '='])
        .chars()
        .next()
    {
        Some('O') => {
            "it holds Python's objects, which are never run; store numbers: numpy.array(x.tolist(), dtype=\"float32\")"
        }
        Some('U' | 'S') => {
            "words become classes by numpy.unique(y, return_inverse=True)[1]; integers and f2, f4, f8 can be read"
        }
        Some('c') => "store the parts, x.real and x.imag; integers and f2, f4, f8 can be read",
        Some('f') => "store it as x.astype(\"float64\"); integers and f2, f4, f8 can be read",
        _ => "integers and f2, f4, f8 can be read",
    }
}

/// Byte order and type of a descriptor such as `<f4`.
fn stored(descr: &str) -> Option<(bool, Stored)> {
    let mut rest = descr.chars();
    let big = match rest.next()? {
        '<' | '|' => false,
        '>' => true,
        '=' => cfg!(target_endian = "big"),
        _ => return None,
    };
    let kind = match rest.as_str() {
        "b1" => Stored::Bool,
        "i1" => Stored::I8,
        "i2" => Stored::I16,
        "i4" => Stored::I32,
        "i8" => Stored::I64,
        "u1" => Stored::U8,
        "u2" => Stored::U16,
        "u4" => Stored::U32,
        "u8" => Stored::U64,
        "f2" => Stored::F16,
        "f4" => Stored::F32,
        "f8" => Stored::F64,
        _ => return None,
    };
    Some((big, kind))
}
