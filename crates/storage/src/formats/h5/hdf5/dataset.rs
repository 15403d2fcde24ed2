//! Datasets: shape, type, and where the values stand.

use super::bytes::Cursor;
use super::chunks::{self, Index};
use super::filters::{self, Filter};
use super::header::Message;
use super::number::Number;
use super::reader::File;
use super::{Flaw, message};

/// The most axes that the format allows.
const MAX_RANK: usize = 32;

/// A dataset of numbers.
#[derive(Debug)]
pub(in super::super) struct Dataset<'a> {
    file: &'a File,
    /// Lengths of the axes; empty for a scalar.
    pub shape: Vec<usize>,
    /// The lengths that they may grow to.
    limits: Vec<usize>,
    number: Number,
    layout: Layout<'a>,
    filters: Vec<Filter>,
    /// The bytes of a value that was never written.
    fill: Vec<u8>,
}

#[derive(Debug)]
enum Layout<'a> {
    /// In the header.
    Compact(&'a [u8]),
    /// In one piece; absent where nothing was ever written.
    Contiguous(Option<u64>),
    /// In blocks of this shape.
    Chunked { index: Index, chunk: Vec<usize> },
}

impl<'a> Dataset<'a> {
    pub(super) fn new(file: &'a File, messages: &[Message<'a>]) -> Result<Self, Flaw> {
        let find = |kind: u16| messages.iter().find(|m| m.kind == kind).map(Message::body);
        let need = |kind: u16| find(kind).unwrap_or(Err(Flaw::Damaged("this is not a dataset")));
        // First the type: what is not a number says so.
        let number = Number::parse(need(message::DATATYPE)?)?;
        let (shape, limits) = dataspace(need(message::DATASPACE)?)?;
        let shape = counted(&shape, number.size)?;
        let limit = |(&most, &now): (&u64, &usize)| usize::try_from(most).unwrap_or(now).max(now);
        let limits = limits.iter().zip(&shape).map(limit).collect();
        let filters = find(message::FILTERS).transpose()?;
        let fill = find(message::FILL).transpose()?;
        Ok(Dataset {
            file,
            layout: layout(need(message::LAYOUT)?, shape.len())?,
            filters: filters.map(filters::parse).transpose()?.unwrap_or_default(),
            fill: fill_value(fill, number.size),
            shape,
            limits,
            number,
        })
    }

    /// Number of values.
    pub(in super::super) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// All values, the last axis fastest.
    ///
    /// # Errors
    /// When the file is damaged.
    pub(in super::super) fn numbers(&self) -> Result<Vec<f64>, Flaw> {
        let size = self.len() * self.number.size;
        // What the file should hold and does not is damage, however much it is.
        if let Layout::Contiguous(Some(address)) = self.layout {
            self.file.at(address)?.take(size)?;
        }
        let copied = match self.layout {
            Layout::Contiguous(Some(_)) | Layout::Compact(_) => 0,
            _ => self.number.size,
        };
        self.file
            .budget()
            .spend_each(self.len(), size_of::<f64>() + copied)?;
        let raw: &[u8] = match &self.layout {
            Layout::Compact(bytes) => bytes,
            Layout::Contiguous(Some(address)) => self.file.at(*address)?.take(size)?,
            Layout::Contiguous(None) => &self.unwritten(),
            Layout::Chunked { index, chunk } => &self.chunked(index, chunk)?,
        };
        match raw.len() < size {
            true => Err(Flaw::Damaged("a dataset has fewer values than its shape")),
            false => Ok(self.number.values(&raw[..size]).collect()),
        }
    }

    fn unwritten(&self) -> Vec<u8> {
        self.fill.repeat(self.len())
    }

    fn chunked(&self, index: &Index, chunk: &[usize]) -> Result<Vec<u8>, Flaw> {
        let blocks = chunks::Blocks {
            shape: &self.shape,
            limits: &self.limits,
            chunk,
            width: self.number.size,
            filters: &self.filters,
        };
        blocks.check(self.file)?;
        let mut raw = self.unwritten();
        blocks.read(self.file, index, &mut raw)?;
        Ok(raw)
    }
}

/// The shape, when the bytes of its values can be counted.
fn counted(shape: &[u64], width: usize) -> Result<Vec<usize>, Flaw> {
    let bytes = shape.iter().try_fold(width, |bytes, &n| {
        bytes.checked_mul(usize::try_from(n).ok()?)
    });
    match bytes {
        Some(_) => Ok(shape.iter().map(|&n| n as usize).collect()),
        None => Err(Flaw::Shape {
            shape: shape.to_vec(),
        }),
    }
}

/// The shape, and the one that it may grow to.
fn dataspace(mut body: Cursor<'_>) -> Result<(Vec<u64>, Vec<u64>), Flaw> {
    let version = body.u8()?;
    let rank = usize::from(body.u8()?);
    let flags = body.u8()?;
    match version {
        // Bytes without a meaning.
        1 => body.skip(5)?,
        2 => {
            if body.u8()? == 2 {
                return Err(Flaw::Unsupported("a dataset without values".to_owned()));
            }
        }
        _ => return Err(Flaw::Damaged("a shape of an unknown version")),
    }
    if rank > MAX_RANK {
        return Err(Flaw::Damaged("a shape of more than 32 axes"));
    }
    let mut lengths = || {
        (0..rank)
            .map(|_| body.length())
            .collect::<Result<Vec<u64>, _>>()
    };
    let shape = lengths()?;
    let limits = match flags & 1 {
        0 => shape.clone(),
        _ => lengths()?,
    };
    Ok((shape, limits))
}

/// Where the values of a dataset of `rank` axes stand.
fn layout(mut body: Cursor<'_>, rank: usize) -> Result<Layout<'_>, Flaw> {
    let version = body.u8()?;
    if !(3..=5).contains(&version) {
        return Err(Flaw::Unsupported(format!(
            "a data layout of version {version}"
        )));
    }
    match (body.u8()?, version) {
        (0, _) => {
            let size = body.u16()?;
            Ok(Layout::Compact(body.take(usize::from(size))?))
        }
        (1, _) => Ok(Layout::Contiguous(body.address()?)),
        (2, 3) => {
            let axes = axes(body.u8()?, rank)?;
            let index = Index::Tree(body.address()?);
            let chunk = chunk_shape(&mut body, axes, 4)?;
            Ok(Layout::Chunked { index, chunk })
        }
        (2, _) => {
            let flags = body.u8()?;
            let axes = axes(body.u8()?, rank)?;
            let width = usize::from(body.u8()?);
            if width > 8 {
                return Err(Flaw::Damaged("the lengths of a chunk"));
            }
            let chunk = chunk_shape(&mut body, axes, width)?;
            let index = Index::parse(&mut body, flags)?;
            Ok(Layout::Chunked { index, chunk })
        }
        _ => Err(Flaw::Unsupported("a virtual dataset".to_owned())),
    }
}

/// Chunks have one axis more than their dataset: the bytes of a value.
fn axes(given: u8, rank: usize) -> Result<usize, Flaw> {
    match usize::from(given) == rank + 1 {
        true => Ok(rank),
        false => Err(Flaw::Damaged(
            "chunks and dataset have other numbers of axes",
        )),
    }
}

fn chunk_shape(body: &mut Cursor<'_>, axes: usize, width: usize) -> Result<Vec<usize>, Flaw> {
    let empty = Flaw::Damaged("an axis of a chunk has no length");
    let mut chunk = Vec::with_capacity(axes);
    for _ in 0..axes {
        let length = usize::try_from(body.uint(width)?).unwrap_or(usize::MAX);
        chunk.push(length);
    }
    body.skip(width)?;
    match chunk.contains(&0) {
        true => Err(empty),
        false => Ok(chunk),
    }
}

/// The bytes that stand for a value that was never written; zero where the file gives none that
/// fits.
fn fill_value(body: Option<Cursor<'_>>, width: usize) -> Vec<u8> {
    let read = |mut body: Cursor<'_>| -> Result<Vec<u8>, Flaw> {
        let version = body.u8()?;
        let defined = match version {
            3 => body.u8()? & 0x20 != 0,
            _ => {
                body.skip(2)?;
                version == 1 || body.u8()? == 1
            }
        };
        match defined {
            true => {
                let size = body.u32()? as usize;
                Ok(body.take(size)?.to_vec())
            }
            false => Ok(Vec::new()),
        }
    };
    match body.map(read) {
        Some(Ok(fill)) if fill.len() == width => fill,
        _ => vec![0; width],
    }
}
