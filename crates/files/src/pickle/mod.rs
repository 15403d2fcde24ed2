//! Checkpoints of `torch.save`, both formats, without Python and without running anything.
//!
//! A pickle is a program: Python's own reader runs whatever it names. The one here has a stack, a
//! memo and a table of the few names that weights need (`globals`); every other name stands for an object that nothing
//! is made of. Memory and time are bounded by the length of the file, whatever the numbers inside it say.

mod archive;
mod error;
mod globals;
mod legacy;
mod machine;
mod opcodes;
mod rebuild;
mod state;
mod value;

use crate::Budget;
use crate::{Array, Numbers, Stored, product};
pub use error::PickleError;
use machine::{Unpickled, unpickle};
use std::borrow::Cow;
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
pub fn is_pickle(bytes: &[u8]) -> bool {
    format(bytes).is_some()
}

/// Whether the file's name says so. Most `.bin` files are of torch.save too, but that ending is
/// everybody's.
pub fn is_named_so(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| {
        matches!(
            ending.to_ascii_lowercase().as_str(),
            "pt" | "pth" | "t7" | "pkl"
        )
    })
}

/// A checkpoint whose tensors are listed and not yet read.
pub struct Opened<'a> {
    object: Unpickled<'a>,
    container: Container<'a>,
    budget: Budget,
}

/// What stands under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The keys that lead there, joined with points.
    pub name: String,
    /// How many dictionaries lead there.
    pub depth: usize,
    /// A tensor by number, or the class of an object that is not understood.
    pub found: Found,
}

/// A tensor, or what could be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A tensor, by number.
    Tensor(usize),
    /// The class of an object that is not understood.
    Object(String),
}

/// The parts of a file; nothing of it is run.
///
/// # Errors
/// [`PickleError`] says what the file is instead, or what is wrong with it.
pub fn open(bytes: &[u8]) -> Result<Opened<'_>> {
    // Tensors may share storages and repeat values, within reason. The file is in memory too.
    let budget = Budget::new(bytes.len() as u64);
    budget.spend(bytes.len() as u64)?;
    open_within(bytes, budget)
}

/// The same for a part of a file, in memory already, with what is left of the file's budget.
///
/// # Errors
/// As [`open`].
pub fn open_within(bytes: &[u8], budget: Budget) -> Result<Opened<'_>> {
    let (object, container) = match format(bytes) {
        Some(Format::Zip) => {
            let (list, container) = archive::open(bytes, &budget)?;
            (unpickle(list, &budget)?, container)
        }
        Some(Format::Tar) => {
            return Err(PickleError::Kind {
                found: "it is a tar archive, which torch.save wrote before PyTorch 0.1.10; if it holds the file, unpack it",
            });
        }
        Some(Format::Pickle) => legacy::open(bytes, &budget)?,
        None => return Err(malformed("it does not begin like a file of torch.save")),
    };
    Ok(Opened {
        object,
        container,
        budget,
    })
}

impl Opened<'_> {
    /// The tensors of the dictionary of weights: where a wrapper's key holds one, that.
    pub fn weights(&self) -> Result<Vec<Named>> {
        state::named(&self.object.arena, self.object.root, true, &self.budget)
    }

    /// Everything in the file that has a name.
    pub fn all(&self) -> Result<Vec<Named>> {
        state::named(&self.object.arena, self.object.root, false, &self.budget)
    }

    /// The classes that are not understood; nothing was made of them.
    pub fn classes(&self) -> Vec<String> {
        let classes = self.object.arena.classes.iter();
        classes
            .map(|(module, name)| globals::shown(module, name))
            .collect()
    }

    /// Shape of a tensor and whether its values are floating-point numbers.
    pub fn shape(&self, tensor: usize) -> (&[usize], bool) {
        let view = &self.object.arena.tensors[tensor];
        (&view.shape, view.kind.is_float())
    }

    /// Where the elements of a tensor lie, and how: the same for tensors that are one under several names.
    pub fn place(&self, tensor: usize) -> (&[u8], usize, &[usize], &[usize]) {
        let view = &self.object.arena.tensors[tensor];
        (view.storage.key, view.offset, &view.shape, &view.strides)
    }

    /// A tensor as it is stored.
    ///
    /// # Errors
    /// [`PickleError::Malformed`] where its storage is absent or of another length, [`PickleError::TooLarge`].
    pub fn raw(&self, tensor: usize) -> Result<Raw<'_>> {
        let view = &self.object.arena.tensors[tensor];
        let count = product(&view.shape).unwrap_or(usize::MAX);
        if !is_contiguous(view) {
            self.budget.spend_each(count, view.kind.bytes())?;
        }
        Ok(Raw {
            shape: &view.shape,
            kind: view.kind,
            bytes: gather(view, stored(view, &self.container)?),
            big_endian: self.container.big,
            place: (view.storage.key, view.offset, &view.strides),
        })
    }

    /// The values of tensors, one after the other.
    pub fn read<'n>(&self, wanted: impl Iterator<Item = (usize, &'n str)>) -> Result<Vec<Array>> {
        let mut arrays = Vec::new();
        for (tensor, name) in wanted {
            let view = &self.object.arena.tensors[tensor];
            let count = product(&view.shape).unwrap_or(usize::MAX);
            self.budget.spend_each(count, width(view))?;
            arrays.push(Array {
                shape: view.shape.clone(),
                values: read(view, &self.container).map_err(|e| at(name, e))?,
            });
        }
        Ok(arrays)
    }
}

/// A tensor as it is stored.
#[derive(Debug, Clone)]
pub struct Raw<'a> {
    /// Lengths of its axes.
    pub shape: &'a [usize],
    /// What its elements are.
    pub kind: Stored,
    /// Its elements, the last axis first.
    pub bytes: Cow<'a, [u8]>,
    /// Whether the most significant byte comes first.
    pub big_endian: bool,
    /// Where it lies, the same for tensors that are one: storage, first element, steps of the axes.
    pub place: (&'a [u8], usize, &'a [usize]),
}

/// Bytes that reading takes for each value of a tensor: of the value, and of its copy in order.
fn width(view: &View<'_>) -> usize {
    let value = match view.kind {
        Stored::F16 | Stored::Bf16 | Stored::F32 | Stored::F64 => size_of::<f32>(),
        _ => size_of::<i64>(),
    };
    match is_contiguous(view) {
        true => value,
        false => value + view.kind.bytes(),
    }
}

fn at(name: &str, error: PickleError) -> PickleError {
    match error {
        PickleError::Malformed { reason } => malformed(format!("tensor `{name}`: {reason}")),
        error => error,
    }
}

/// The values of a view, row-major.
fn read(view: &View<'_>, container: &Container<'_>) -> Result<Numbers> {
    let gathered = gather(view, stored(view, container)?);
    view.kind.decode(&gathered, container.big).map_err(|v| {
        malformed(format!(
            "it holds {v}, outside the range of 64-bit integers"
        ))
    })
}

/// The bytes of a view's storage.
fn stored<'a>(view: &View<'_>, container: &Container<'a>) -> Result<&'a [u8]> {
    let storage = view.storage;
    let missing = || malformed("its values are not in the file");
    let bytes = *container.storages.get(storage.key).ok_or_else(missing)?;
    let expected = storage.elements.checked_mul(storage.kind.bytes());
    if expected != Some(bytes.len()) {
        return Err(malformed(format!(
            "its storage has {} bytes, but {} values of {} bytes are needed",
            bytes.len(),
            storage.elements,
            storage.kind.bytes()
        )));
    }
    Ok(bytes)
}

/// The bytes of the elements, row-major.
fn gather<'a>(view: &View<'_>, bytes: &'a [u8]) -> Cow<'a, [u8]> {
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

type Result<T> = std::result::Result<T, PickleError>;

fn malformed(reason: impl Into<String>) -> PickleError {
    PickleError::Malformed {
        reason: reason.into(),
    }
}
