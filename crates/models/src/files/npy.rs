//! NumPy's `.npy` format (versions 1 to 3) and its zip archive `.npz`.

use super::{Array, Numbers, Stored, product, read_bytes};
use crate::ModelsError;
use std::io::{Cursor, Read};
use std::path::Path;

/// The array of a `.npy` file.
pub(crate) fn read_npy(path: &Path) -> Result<Array, ModelsError> {
    let bytes = read_bytes(path)?;
    parse(&bytes).map_err(|problem| problem.at(path, "the file"))
}

/// The named arrays of a `.npz` archive, `None` for a name that is not there.
pub(crate) fn read_npz(path: &Path, names: &[&str]) -> Result<Vec<Option<Array>>, ModelsError> {
    let bytes = read_bytes(path)?;
    let bad = |e: zip::result::ZipError| {
        ModelsError::corrupt(path, format!("no valid npz archive ({e})"))
    };
    let mut archive = zip::ZipArchive::new(Cursor::new(&bytes)).map_err(bad)?;
    let mut arrays = Vec::with_capacity(names.len());
    for name in names {
        let mut entry = match archive.by_name(&format!("{name}.npy")) {
            Ok(entry) => entry,
            Err(zip::result::ZipError::FileNotFound) => {
                arrays.push(None);
                continue;
            }
            Err(e) => return Err(bad(e)),
        };
        let mut contents = Vec::new();
        entry.read_to_end(&mut contents).map_err(|e| {
            ModelsError::corrupt(path, format!("array `{name}` cannot be unpacked ({e})"))
        })?;
        let array =
            parse(&contents).map_err(|problem| problem.at(path, &format!("array `{name}`")))?;
        arrays.push(Some(array));
    }
    Ok(arrays)
}

enum Problem {
    Corrupt(String),
    Unsupported(String),
}

impl Problem {
    fn at(self, path: &Path, what: &str) -> ModelsError {
        match self {
            Problem::Corrupt(reason) => ModelsError::corrupt(path, format!("{what} {reason}")),
            Problem::Unsupported(reason) => {
                ModelsError::unsupported(path, format!("{what} {reason}"))
            }
        }
    }
}

struct Header {
    stored: Stored,
    big: bool,
    fortran: bool,
    shape: Vec<usize>,
}

fn parse(bytes: &[u8]) -> Result<Array, Problem> {
    let (header, data) = split(bytes)?;
    let header = parse_header(header)?;
    let expected = product(&header.shape).and_then(|n| n.checked_mul(header.stored.bytes()));
    if expected != Some(data.len()) {
        return Err(Problem::Corrupt(format!(
            "has {} bytes of data, its shape {:?} needs {} values of {} bytes",
            data.len(),
            header.shape,
            product(&header.shape).map_or("too many".into(), |n| n.to_string()),
            header.stored.bytes()
        )));
    }
    let values = header
        .stored
        .decode(data, header.big)
        .map_err(|v| Problem::Unsupported(format!("holds {v}, beyond 64-bit integers")))?;
    let values = match values {
        Numbers::Float(v) if header.fortran => Numbers::Float(row_major(&v, &header.shape)),
        Numbers::Int(v) if header.fortran => Numbers::Int(row_major(&v, &header.shape)),
        values => values,
    };
    Ok(Array {
        shape: header.shape,
        values,
    })
}

/// Values whose first axis runs fastest, reordered so that the last one does.
fn row_major<T: Copy>(values: &[T], shape: &[usize]) -> Vec<T> {
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = 1;
    for &n in shape {
        strides.push(stride);
        stride *= n;
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

/// The header's text and the bytes after it.
fn split(bytes: &[u8]) -> Result<(&str, &[u8]), Problem> {
    let short = || Problem::Corrupt("ends inside its header".into());
    let Some(rest) = bytes.strip_prefix(b"\x93NUMPY") else {
        return Err(Problem::Corrupt("does not begin as .npy data does".into()));
    };
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        _ => return Err(short()),
    };
    let header = rest.get(..length).ok_or_else(short)?;
    let header = std::str::from_utf8(header)
        .map_err(|_| Problem::Corrupt("has a header that is no text".into()))?;
    Ok((header, &rest[length..]))
}

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
fn parse_header(text: &str) -> Result<Header, Problem> {
    let unreadable = || Problem::Corrupt(format!("has an unreadable header `{}`", text.trim()));
    let after = |key: &str| {
        let at = text.find(&format!("'{key}':"))?;
        Some(text[at + key.len() + 3..].trim_start())
    };
    let descr = after("descr").ok_or_else(unreadable)?;
    let descr = descr
        .strip_prefix('\'')
        .and_then(|rest| rest.split('\'').next())
        .ok_or_else(|| Problem::Unsupported("has fields; plain numbers are needed".into()))?;
    let (big, stored) = stored(descr).ok_or_else(|| {
        Problem::Unsupported(format!(
            "has type `{descr}`; integers and f2, f4, f8 are read"
        ))
    })?;
    let fortran = after("fortran_order").ok_or_else(unreadable)?;
    let shape = after("shape").ok_or_else(unreadable)?;
    let shape = shape
        .strip_prefix('(')
        .and_then(|rest| rest.split(')').next())
        .ok_or_else(unreadable)?;
    let axes = shape.split(',').map(str::trim).filter(|s| !s.is_empty());
    Ok(Header {
        stored,
        big,
        fortran: fortran.starts_with("True"),
        shape: axes
            .map(|axis| axis.parse().map_err(|_| unreadable()))
            .collect::<Result<_, _>>()?,
    })
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
    let stored = match rest.as_str() {
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
    Some((big, stored))
}
