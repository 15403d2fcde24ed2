//! The parts of an archive: the graph, and the numbers of its tensors.

use super::pickled;
use super::schema::{Payload, PayloadConfig, TensorMeta};
use crate::source::Element;
use half::{bf16, f16};
use landscape_files::{Budget, FileError, open_zip, product};
use std::collections::HashMap;
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// The archive of `torch.export.save`.
pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    budget: &'a Budget,
    /// The folder that everything is in.
    root: String,
    big_endian: bool,
}

/// Numbers of a file.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub shape: Vec<usize>,
    pub numbers: Numbers,
    /// PyTorch's name of the type that they are stored in.
    pub stored_as: &'static str,
    /// Where they lie, the same for tensors that are one.
    pub place: String,
}

/// Numbers as they are used.
#[derive(Debug, Clone)]
pub(super) enum Numbers {
    /// Floating-point numbers, and whether f32 rounded one.
    Float(Vec<f32>, bool),
    /// Whole numbers or truth values.
    Whole(Vec<i64>, Element),
}

fn corrupt(what: impl Into<String>) -> FileError {
    FileError::Corrupt(what.into())
}

impl<'a> Archive<'a> {
    pub fn new(bytes: &'a [u8], budget: &'a Budget) -> Result<Self, FileError> {
        let zip = open_zip(Cursor::new(bytes), budget)?;
        let mut this = Self {
            zip,
            budget,
            root: String::new(),
            big_endian: false,
        };
        let first = this.zip.file_names().find_map(|name| name.split_once('/'));
        if let Some((root, _)) = first {
            let root = format!("{root}/");
            if this.zip.file_names().all(|name| name.starts_with(&root)) {
                this.root = root;
            }
        }
        this.big_endian = match this.part("byteorder")? {
            Some(order) => order.trim_ascii() == b"big",
            None => false,
        };
        Ok(this)
    }

    /// The names of all parts, within the archive's folder.
    pub fn names(&self) -> Vec<String> {
        let inside = |name: &str| name.strip_prefix(&self.root).map(str::to_owned);
        self.zip.file_names().filter_map(inside).collect()
    }

    /// A part, where it is there.
    pub fn part(&mut self, name: &str) -> Result<Option<Vec<u8>>, FileError> {
        let full = format!("{}{name}", self.root);
        let Some(place) = self.zip.index_for_name(&full) else {
            return Ok(None);
        };
        let damaged = |error: &dyn std::fmt::Display| {
            corrupt(format!("its part `{name}` is damaged ({error})"))
        };
        let entry = self.zip.by_index(place).map_err(|error| damaged(&error))?;
        let length = entry.size();
        self.budget.spend(length)?;
        let mut bytes =
            Vec::with_capacity(usize::try_from(length).map_err(|error| damaged(&error))?);
        let read = entry.take(length.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| damaged(&error))?;
        match bytes.len() as u64 == length {
            true => Ok(Some(bytes)),
            false => Err(corrupt(format!("its part `{name}` is cut short"))),
        }
    }

    /// JSON of a part.
    pub fn json<T: serde::de::DeserializeOwned>(
        &mut self,
        name: &str,
    ) -> Result<Option<T>, FileError> {
        let Some(bytes) = self.part(name)? else {
            return Ok(None);
        };
        // What JSON becomes in memory, beside its text.
        self.budget.spend(6 * bytes.len() as u64)?;
        let parsed = serde_json::from_slice(&bytes);
        parsed
            .map(Some)
            .map_err(|error| corrupt(format!("its part `{name}` is not a program ({error})")))
    }

    /// Tensors by name: of a part that `torch.save` wrote.
    pub fn pickled(&mut self, name: &str) -> Result<Option<Vec<(String, Stored)>>, FileError> {
        let Some(bytes) = self.part(name)? else {
            return Ok(None);
        };
        pickled::tensors(name, &bytes, self.budget).map(Some)
    }

    /// Tensors by name, in the order of the index.
    pub fn tensors(
        &mut self,
        folder: &str,
        index: &str,
    ) -> Result<Vec<(String, Stored)>, FileError> {
        let Some(config) = self.json::<PayloadConfig>(&format!("{folder}{index}"))? else {
            return Ok(Vec::new());
        };
        let mut read: HashMap<String, Vec<u8>> = HashMap::new();
        let mut last_use: HashMap<String, usize> = HashMap::new();
        for (i, (_, payload)) in config.config.iter().enumerate() {
            last_use.insert(payload.path_name.clone(), i);
        }
        let mut all = Vec::new();
        for (i, (name, payload)) in config.config.iter().enumerate() {
            let Some(meta) = tensor_meta(name, payload)? else {
                continue;
            };
            let path = &payload.path_name;
            if !read.contains_key(path) {
                let bytes = self.part(&format!("{folder}{path}"))?;
                let bytes =
                    bytes.ok_or_else(|| corrupt(format!("the numbers of `{name}` are missing")))?;
                read.insert(path.clone(), bytes);
            }
            let stored = self.stored(name, path, meta, &read[path])?;
            if last_use.get(path) == Some(&i) {
                read.remove(path);
            }
            all.push((name.clone(), stored));
        }
        Ok(all)
    }

    fn stored(
        &self,
        name: &str,
        path: &str,
        meta: &TensorMeta,
        bytes: &[u8],
    ) -> Result<Stored, FileError> {
        let wrong = |what: &str| corrupt(format!("tensor `{name}` {what}"));
        let fixed = |sizes: &[super::schema::SymInt]| -> Option<Vec<usize>> {
            sizes.iter().map(|size| size.fixed()).collect()
        };
        let shape = fixed(&meta.sizes).ok_or_else(|| wrong("has no fixed shape"))?;
        let strides = fixed(&meta.strides).ok_or_else(|| wrong("has no fixed strides"))?;
        let offset = match &meta.storage_offset {
            None => 0,
            Some(offset) => offset.fixed().ok_or_else(|| wrong("has no fixed offset"))?,
        };
        let count = product(&shape).ok_or_else(|| wrong("is too large"))?;
        let kind = Kind::of(meta.dtype).ok_or_else(|| {
            FileError::Unsupported(format!(
                "tensor `{name}` has a type that is not supported (complex, 8-bit or quantised); convert the network: net.float()"
            ))
        })?;
        self.budget.spend_each(count, kind.width_in_memory())?;
        let lies = Lies {
            shape: &shape,
            strides: &strides,
            offset,
        };
        let places = lies.places(count, bytes.len() / kind.bytes());
        let places = places.ok_or_else(|| wrong("lies outside its storage"))?;
        let numbers = kind.numbers(bytes, places, count, self.big_endian);
        Ok(Stored {
            numbers,
            stored_as: kind.name(),
            place: format!("{path} {shape:?} {strides:?} {offset}"),
            shape,
        })
    }
}

fn tensor_meta<'p>(name: &str, payload: &'p Payload) -> Result<Option<&'p TensorMeta>, FileError> {
    match &payload.tensor_meta {
        Some(meta) if !payload.use_pickle && matches!(meta.layout, 0 | 7) => Ok(Some(meta)),
        // Objects that are not tensors: an operation that uses one says so.
        None => Ok(None),
        Some(_) => Err(FileError::Unsupported(format!(
            "tensor `{name}` is sparse or of a special class; make it an ordinary tensor before the export"
        ))),
    }
}

/// How a tensor lies in its storage.
struct Lies<'a> {
    shape: &'a [usize],
    strides: &'a [usize],
    offset: usize,
}

impl Lies<'_> {
    /// The place of every element in a storage of so many, where all are inside; nothing where they are one after another.
    fn places(&self, count: usize, stored: usize) -> Option<Places<'_>> {
        if self.strides.len() != self.shape.len() {
            return None;
        }
        if count == 0 {
            return Some(Places::Run(0));
        }
        let last = self
            .shape
            .iter()
            .zip(self.strides)
            .try_fold(self.offset, |last, (&n, &stride)| {
                last.checked_add((n - 1).checked_mul(stride)?)
            })?;
        if last >= stored {
            return None;
        }
        let mut dense = 1;
        let run = { self.shape.iter().zip(self.strides).rev() }.all(|(&n, &stride)| {
            let fits = n == 1 || stride == dense;
            dense *= n;
            fits
        });
        Some(match run {
            true => Places::Run(self.offset),
            false => Places::Strided(self.shape, self.strides, self.offset),
        })
    }
}

pub(super) enum Places<'a> {
    Run(usize),
    Strided(&'a [usize], &'a [usize], usize),
}

impl Places<'_> {
    fn each(&self, count: usize, mut see: impl FnMut(usize)) {
        match self {
            Places::Run(first) => (*first..first + count).for_each(see),
            Places::Strided(shape, strides, offset) => {
                for i in 0..count {
                    let (mut rest, mut at) = (i, *offset);
                    for (&n, &stride) in shape.iter().zip(*strides).rev() {
                        at += rest % n * stride;
                        rest /= n;
                    }
                    see(at);
                }
            }
        }
    }
}

/// The types of PyTorch that are read, by their numbers in a program.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    U8,
    I8,
    I16,
    I32,
    I64,
    F16,
    F32,
    F64,
    Bool,
    Bf16,
    U16,
}

impl Kind {
    fn of(number: u64) -> Option<Self> {
        Some(match number {
            1 => Self::U8,
            2 => Self::I8,
            3 => Self::I16,
            4 => Self::I32,
            5 => Self::I64,
            6 => Self::F16,
            7 => Self::F32,
            8 => Self::F64,
            12 => Self::Bool,
            13 => Self::Bf16,
            28 => Self::U16,
            _ => return None,
        })
    }

    /// A type that pickles have too.
    pub fn stored(kind: landscape_files::Stored) -> Option<Self> {
        use landscape_files::Stored;
        Some(match kind {
            Stored::U8 => Self::U8,
            Stored::I8 => Self::I8,
            Stored::I16 => Self::I16,
            Stored::I32 => Self::I32,
            Stored::I64 => Self::I64,
            Stored::F16 => Self::F16,
            Stored::F32 => Self::F32,
            Stored::F64 => Self::F64,
            Stored::Bool => Self::Bool,
            Stored::Bf16 => Self::Bf16,
            Stored::U16 => Self::U16,
            Stored::U32 | Stored::U64 => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::U8 => "uint8",
            Self::I8 => "int8",
            Self::I16 => "int16",
            Self::I32 => "int32",
            Self::I64 => "int64",
            Self::F16 => "float16",
            Self::F32 => "float32",
            Self::F64 => "float64",
            Self::Bool => "bool",
            Self::Bf16 => "bfloat16",
            Self::U16 => "uint16",
        }
    }

    pub fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::I16 | Self::U16 | Self::F16 | Self::Bf16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }

    fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::F32 | Self::F64 | Self::Bf16)
    }

    pub fn width_in_memory(self) -> usize {
        if self.is_float() { 4 } else { 8 }
    }

    pub fn numbers(self, bytes: &[u8], places: Places, count: usize, big: bool) -> Numbers {
        if let (Self::F32, Places::Run(first), false) = (self, &places, big) {
            let run = bytes[4 * first..4 * (first + count)].chunks_exact(4);
            let numbers = run.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            return Numbers::Float(numbers.collect(), false);
        }
        let at = |place: usize| {
            let width = self.bytes();
            let mut own = [0; 8];
            let from = &bytes[place * width..(place + 1) * width];
            own[..width].copy_from_slice(from);
            if big {
                own[..width].reverse();
            }
            own
        };
        if self.is_float() {
            let mut numbers = Vec::with_capacity(count);
            let mut rounded = false;
            places.each(count, |place| {
                let b = at(place);
                let two = u16::from_le_bytes([b[0], b[1]]);
                numbers.push(match self {
                    Self::F16 => f16::from_bits(two).to_f32(),
                    Self::Bf16 => bf16::from_bits(two).to_f32(),
                    Self::F64 => {
                        let exact = f64::from_le_bytes(b);
                        rounded |= f64::from(exact as f32) != exact && !exact.is_nan();
                        exact as f32
                    }
                    _ => f32::from_le_bytes([b[0], b[1], b[2], b[3]]),
                });
            });
            return Numbers::Float(numbers, rounded);
        }
        let mut numbers = Vec::with_capacity(count);
        places.each(count, |place| {
            let b = at(place);
            numbers.push(match self {
                Self::I8 => i64::from(b[0] as i8),
                Self::I16 => i64::from(i16::from_le_bytes([b[0], b[1]])),
                Self::I32 => i64::from(i32::from_le_bytes([b[0], b[1], b[2], b[3]])),
                _ => i64::from_le_bytes(b),
            });
        });
        let element = if self == Self::Bool {
            Element::Bool
        } else {
            Element::Int
        };
        Numbers::Whole(numbers, element)
    }
}
