//! What a call of an understood class or function gives.

use super::globals::Global;
use super::machine::Machine;
use super::value::{Storage, Value, View};
use super::{Result, malformed};
use crate::PickleError;
use crate::{Stored, product};

/// Axes of a tensor; PyTorch itself has no more.
const MAX_AXES: usize = 64;

impl<'a> Machine<'a> {
    /// `global(*args)`.
    pub(super) fn call(&mut self, global: Global, args: Value<'a>) -> Result<Value<'a>> {
        match global {
            Global::FromType => {
                let (function, args) = self.inner_call(args)?;
                self.call_plain(function, args)
            }
            global => self.call_plain(global, args),
        }
    }

    /// Function and arguments of `_rebuild_from_type_v2(function, type, arguments, state)`.
    fn inner_call(&self, args: Value<'a>) -> Result<(Global, Value<'a>)> {
        match self.arena.items(args) {
            Some(
                &[
                    Value::Global(function),
                    Value::Global(_) | Value::Object(_),
                    inner,
                    ..,
                ],
            ) if function != Global::FromType => Ok((function, inner)),
            _ => Err(malformed("a tensor's type has unusual arguments")),
        }
    }

    fn call_plain(&mut self, global: Global, args: Value<'a>) -> Result<Value<'a>> {
        match global {
            Global::OrderedDict => self.ordered_dict(args),
            Global::Dict => Ok(self.arena.dict(Vec::new())),
            Global::Unknown(class) => Ok(self.arena.object(class)),
            Global::Tensor => self.tensor(args, false),
            Global::TypedTensor => self.tensor(args, true),
            Global::Parameter => match self.arena.items(args) {
                Some([tensor @ (Value::Tensor(_) | Value::Object(_)), ..]) => Ok(*tensor),
                _ => Err(malformed(
                    "a parameter is made of something other than a tensor",
                )),
            },
            Global::Size => match self.arena.items(args) {
                Some([sizes @ Value::Sequence(_)]) => Ok(*sizes),
                _ => Err(malformed(
                    "a torch.Size is made of something other than numbers",
                )),
            },
            Global::Inert => Ok(Value::Inert),
            Global::Storage(_) | Global::Type(_) | Global::FromType => {
                Err(malformed("it calls a type of numbers"))
            }
        }
    }

    /// An empty dictionary, or (as Python 2 writes it) one of a list of pairs.
    fn ordered_dict(&mut self, args: Value<'a>) -> Result<Value<'a>> {
        let wrong = || malformed("an OrderedDict is made of something other than pairs");
        let pairs = match self.arena.items(args).ok_or_else(wrong)? {
            [] => &[],
            [pairs] => self.arena.items(*pairs).ok_or_else(wrong)?,
            _ => return Err(wrong()),
        };
        let pair = |pair: &Value<'a>| match self.arena.items(*pair) {
            Some([key, value]) => Ok((*key, *value)),
            _ => Err(wrong()),
        };
        // The list may be used again and again: its copies count as work.
        let copied = pairs.len();
        self.check_work(copied)?;
        let entries = pairs.iter().map(pair).collect::<Result<_>>()?;
        self.add_work(copied);
        Ok(self.arena.dict(entries))
    }

    /// `(storage, offset, shape, strides, ...)`, the type of the elements in the seventh place
    /// where it is there.
    fn tensor(&mut self, args: Value<'a>, typed: bool) -> Result<Value<'a>> {
        let wrong = || malformed("a tensor has unusual arguments");
        let args = self.arena.items(args).ok_or_else(wrong)?;
        let (storage, offset, shape, strides) = match args {
            [Value::Storage(storage), offset, shape, strides, ..] => {
                (self.arena.storages[*storage], offset, shape, strides)
            }
            // Numbers of a type that is not understood make a tensor that is not, either.
            [unknown @ Value::Object(_), ..] => return Ok(*unknown),
            _ => return Err(wrong()),
        };
        let kind = match (typed, args.get(6)) {
            (false, _) => storage.kind,
            (true, Some(Value::Global(Global::Type(kind)))) => *kind,
            (true, Some(&Value::Global(Global::Unknown(class)))) => {
                return Ok(self.arena.object(class));
            }
            (true, _) => return Err(wrong()),
        };
        let (shape, strides) = (self.counts(*shape)?, self.counts(*strides)?);
        let offset = offset.count().ok_or_else(wrong)?;
        let view = view(storage, kind, offset, shape, strides)?;
        Ok(self.arena.tensor(view))
    }

    fn counts(&self, values: Value<'a>) -> Result<Vec<usize>> {
        let wrong = || malformed("a tensor's shape or strides are not a whole numbers");
        let values = self.arena.items(values).ok_or_else(wrong)?;
        if values.len() > MAX_AXES {
            return Err(PickleError::Limit {
                what: "axes of a tensor",
                limit: MAX_AXES,
            });
        }
        let counts = values.iter().map(|value| value.count().ok_or_else(wrong));
        counts.collect()
    }

    /// The storage that a persistent identifier names:
    /// `("storage", class, key, location, elements[, view])`.
    pub(super) fn persistent(&mut self, id: Value<'a>) -> Result<Value<'a>> {
        let unusual = || malformed("it refers to something other than a storage of numbers");
        let (class, key, elements, rest) = match self.arena.items(id) {
            Some(
                [
                    Value::Text(b"storage"),
                    Value::Global(class),
                    Value::Text(key),
                    _,
                    n,
                    rest @ ..,
                ],
            ) => (*class, *key, n.count().ok_or_else(unusual)?, rest),
            _ => return Err(unusual()),
        };
        let kind = match class {
            Global::Storage(kind) => kind,
            Global::Unknown(class) => return Ok(self.arena.object(class)),
            _ => return Err(unusual()),
        };
        let part = match rest {
            [] | [Value::None] => (0, elements),
            [view] => match self.arena.items(*view) {
                Some([_, start, length]) => {
                    let start = start.count().ok_or_else(unusual)?;
                    (start, length.count().ok_or_else(unusual)?)
                }
                _ => return Err(unusual()),
            },
            _ => return Err(unusual()),
        };
        let end = part.0.checked_add(part.1);
        if end.is_none_or(|end| end > elements) {
            return Err(malformed("a storage's part lies outside it"));
        }
        Ok(self.arena.storage(Storage {
            key,
            kind: kind.unwrap_or(Stored::U8),
            elements,
            part,
        }))
    }
}

/// A tensor that lies inside its storage.
fn view(
    storage: Storage<'_>,
    kind: Stored,
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
) -> Result<View<'_>> {
    if shape.len() != strides.len() {
        return Err(malformed(format!(
            "a tensor has {} axes and {} strides",
            shape.len(),
            strides.len()
        )));
    }
    let outside = || {
        malformed(format!(
            "a tensor of shape {shape:?}, strides {strides:?} and offset {offset} lies outside its \
             storage of {} values",
            storage.part.1
        ))
    };
    let (unit, size) = (storage.kind.bytes(), kind.bytes());
    let bytes = storage.part.1.checked_mul(unit).ok_or_else(outside)?;
    let first = storage.part.0.checked_mul(unit).ok_or_else(outside)?;
    let end = reach(offset, &shape, &strides).ok_or_else(outside)?;
    if end > bytes / size || !first.is_multiple_of(size) {
        return Err(outside());
    }
    let offset = first / size + offset;
    Ok(View {
        storage,
        kind,
        offset,
        shape,
        strides,
    })
}

/// One past the last element that a view touches; `None` beyond what can be counted.
fn reach(offset: usize, shape: &[usize], strides: &[usize]) -> Option<usize> {
    if product(shape)? == 0 {
        return Some(offset);
    }
    let mut axes = shape.iter().zip(strides);
    let last = axes.try_fold(offset, |at, (&n, &stride)| {
        at.checked_add((n - 1).checked_mul(stride)?)
    });
    last?.checked_add(1)
}
