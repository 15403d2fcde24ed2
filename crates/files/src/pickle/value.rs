//! What an unpickled file consists of.

use super::globals::Global;
use crate::Stored;
use std::collections::HashMap;

/// An object. Texts are slices of the file, and what has parts lies in the [`Arena`]: a value is
/// small and copying one never copies its parts, so that no pickle grows beyond its length in
/// opcodes, cycles do no harm, and nothing is dropped recursively.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    None,
    Bool(bool),
    Int(i64),
    /// A whole number beyond 64 bits: two's complement, little endian.
    Long(&'a [u8]),
    /// Text or bytes.
    Text(&'a [u8]),
    /// A list or a tuple.
    Sequence(usize),
    Dict(usize),
    Global(Global),
    Storage(usize),
    Tensor(usize),
    /// An object that weights do not depend on: a float, a set, a NumPy scalar.
    Inert,
    /// An object of a class that is not understood, by number.
    Object(usize),
}

/// An object of which nothing but its class is known, and what was put into it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object<'a> {
    /// Its class, or the function that made it, by place in [`Arena::classes`].
    pub(super) class: usize,
    /// Items that were set in it, as in a dictionary, by number.
    pub(super) items: Option<usize>,
    /// The state that it was given.
    pub(super) state: Option<Value<'a>>,
}

/// A run of numbers in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Storage<'a> {
    /// Its name in the file.
    pub(super) key: &'a [u8],
    /// Type of its elements.
    pub(super) kind: Stored,
    /// Elements in the file.
    pub(super) elements: usize,
    /// First element that is meant, and how many are.
    pub(super) part: (usize, usize),
}

/// A tensor: a strided view of a storage.
#[derive(Debug, Clone)]
pub(super) struct View<'a> {
    pub(super) storage: Storage<'a>,
    /// Type of its elements; the storage's, except where that is untyped bytes.
    pub(super) kind: Stored,
    /// First element, counted from the beginning of the storage in the file.
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
}

/// Everything that has parts, by number.
#[derive(Debug, Default)]
pub(super) struct Arena<'a> {
    pub(super) sequences: Vec<Vec<Value<'a>>>,
    pub(super) dicts: Vec<Vec<(Value<'a>, Value<'a>)>>,
    pub(super) storages: Vec<Storage<'a>>,
    pub(super) tensors: Vec<View<'a>>,
    pub(super) objects: Vec<Object<'a>>,
    /// Module and name of the classes and functions that are not understood.
    pub(super) classes: Vec<(&'a [u8], &'a [u8])>,
    numbers: HashMap<(&'a [u8], &'a [u8]), usize>,
    /// Bytes of memory that all this takes, with room to grow.
    pub(super) held: usize,
}

/// Twice the bytes of a value: lists grow by doubling.
const ITEM: usize = 2 * size_of::<Value<'static>>();
/// Of a list, a dictionary or a view itself, and of its parts on the heap.
const OBJECT: usize = 96;

impl<'a> Arena<'a> {
    pub(super) fn sequence(&mut self, items: Vec<Value<'a>>) -> Value<'a> {
        self.held += OBJECT + ITEM * items.len();
        self.sequences.push(items);
        Value::Sequence(self.sequences.len() - 1)
    }

    pub(super) fn dict(&mut self, entries: Vec<(Value<'a>, Value<'a>)>) -> Value<'a> {
        self.held += OBJECT + 2 * ITEM * entries.len();
        self.dicts.push(entries);
        Value::Dict(self.dicts.len() - 1)
    }

    pub(super) fn storage(&mut self, storage: Storage<'a>) -> Value<'a> {
        self.held += 2 * size_of::<Storage<'a>>();
        self.storages.push(storage);
        Value::Storage(self.storages.len() - 1)
    }

    pub(super) fn tensor(&mut self, view: View<'a>) -> Value<'a> {
        self.held += 2 * size_of::<View<'a>>() + OBJECT + 16 * view.shape.len();
        self.tensors.push(view);
        Value::Tensor(self.tensors.len() - 1)
    }

    pub(super) fn object(&mut self, class: usize) -> Value<'a> {
        self.held += 2 * size_of::<Object<'a>>();
        self.objects.push(Object {
            class,
            items: None,
            state: None,
        });
        Value::Object(self.objects.len() - 1)
    }

    /// The number of a class that is not understood.
    pub(super) fn class(&mut self, module: &'a [u8], name: &'a [u8]) -> usize {
        let next = self.classes.len();
        let number = *self.numbers.entry((module, name)).or_insert(next);
        if number == next {
            self.held += OBJECT;
            self.classes.push((module, name));
        }
        number
    }

    /// The entries of a dictionary, or of an object that has such.
    pub(super) fn entries(&self, value: Value<'a>) -> Option<usize> {
        match value {
            Value::Dict(id) => Some(id),
            Value::Object(id) => self.objects[id].items,
            _ => None,
        }
    }

    /// Adds items to a list.
    pub(super) fn append(&mut self, list: usize, items: Vec<Value<'a>>) {
        self.held += ITEM * items.len();
        self.sequences[list].extend(items);
    }

    /// Adds keys and values to a dictionary.
    pub(super) fn set_items(&mut self, dict: usize, pairs: Vec<(Value<'a>, Value<'a>)>) {
        self.held += 2 * ITEM * pairs.len();
        self.dicts[dict].extend(pairs);
    }

    /// Gives an object its first items.
    pub(super) fn give_items(&mut self, object: usize, pairs: Vec<(Value<'a>, Value<'a>)>) {
        self.held += OBJECT + 2 * ITEM * pairs.len();
        self.dicts.push(pairs);
        self.objects[object].items = Some(self.dicts.len() - 1);
    }

    /// The parts of a list or tuple.
    pub(super) fn items(&self, value: Value<'a>) -> Option<&[Value<'a>]> {
        match value {
            Value::Sequence(id) => Some(&self.sequences[id]),
            _ => None,
        }
    }

    /// The value at a text key.
    pub(super) fn entry(&self, dict: Value<'a>, key: &str) -> Option<Value<'a>> {
        let Value::Dict(id) = dict else { return None };
        let is_it = |(name, value): &(Value<'a>, Value<'a>)| match name {
            Value::Text(text) if *text == key.as_bytes() => Some(*value),
            _ => None,
        };
        self.dicts[id].iter().rev().find_map(is_it)
    }
}

impl Value<'_> {
    /// A count: a whole number that is not negative.
    pub(super) fn count(self) -> Option<usize> {
        match self {
            Value::Int(n) => usize::try_from(n).ok(),
            _ => None,
        }
    }
}
