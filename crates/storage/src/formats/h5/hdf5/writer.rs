//! Writing: superblock 0, groups with symbol tables, contiguous datasets.
//!
//! Parts follow each other from the inside out, so that whatever points to a part is written after
//! it; the superblock, which stands first, is filled in last.

use super::{SIGNATURE, message};
use std::borrow::Cow;

/// What is written under a name.
#[derive(Debug)]
pub(in super::super) enum Node<'a> {
    /// Names in the order in which they are written, each once, none empty and none with a slash or a zero byte.
    Group(Vec<(String, Node<'a>)>),
    /// An array, the last axis fastest; a single value has no axes.
    Array {
        /// Lengths of its axes.
        shape: Vec<usize>,
        /// As many as the shape has.
        values: Values<'a>,
    },
    /// A single text.
    Text(String),
}

/// The values of an array.
#[derive(Debug)]
pub(in super::super) enum Values<'a> {
    F64(Cow<'a, [f64]>),
    F32(Cow<'a, [f32]>),
    I64(Cow<'a, [i64]>),
    U8(Cow<'a, [u8]>),
}

impl<'a> Node<'a> {
    /// A list or a table of f64.
    pub(in super::super) fn f64(shape: Vec<usize>, values: impl Into<Cow<'a, [f64]>>) -> Self {
        let values = Values::F64(values.into());
        Node::Array { shape, values }
    }

    /// The most names in one group.
    fn most_names(&self) -> usize {
        match self {
            Node::Group(entries) => {
                let inner = entries.iter().map(|(_, node)| node.most_names()).max();
                inner.unwrap_or(0).max(entries.len())
            }
            _ => 0,
        }
    }
}

const UNDEFINED: u64 = u64::MAX;
/// Half the children of a node of a group's tree; a tree here has one.
const TREE_HALF: usize = 16;
/// The least value that the HDF5 library itself uses.
const LEAF_HALF: usize = 4;
const SUPERBLOCK: usize = 96;
const ENTRY: usize = 40;

/// A file with these things in its root group.
pub(in super::super) fn encode(root: &Node<'_>) -> Vec<u8> {
    let mut file = Writer {
        bytes: vec![0; SUPERBLOCK],
        // One leaf holds all names of a group.
        leaf_half: root.most_names().div_ceil(2).max(LEAF_HALF),
    };
    let root = file.node(root);
    file.superblock(root);
    file.bytes
}

struct Writer {
    bytes: Vec<u8>,
    leaf_half: usize,
}

impl Writer {
    /// Begins a part at a multiple of eight bytes.
    fn begin(&mut self) -> u64 {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        self.bytes.len() as u64
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn put_u16(&mut self, value: usize) {
        self.put(&(value as u16).to_le_bytes());
    }

    fn put_u64s(&mut self, values: &[u64]) {
        for value in values {
            self.put(&value.to_le_bytes());
        }
    }

    /// Fills up to a length counted from the start of the part.
    fn fill(&mut self, start: u64, length: usize) {
        self.bytes.resize(start as usize + length, 0);
    }

    fn node(&mut self, node: &Node<'_>) -> u64 {
        match node {
            Node::Group(entries) => self.group(entries),
            Node::Array { shape, values } => self.array(shape, values),
            Node::Text(text) => self.text(text),
        }
    }

    fn group<'b>(&mut self, entries: &'b [(String, Node<'_>)]) -> u64 {
        let object = |(name, node): &'b (String, Node)| (name.as_str(), self.node(node));
        let mut entries: Vec<(&str, u64)> = entries.iter().map(object).collect();
        // The library looks names up by halves.
        entries.sort_unstable();
        let (names, objects): (Vec<&str>, Vec<u64>) = entries.into_iter().unzip();
        let (heap, offsets) = self.heap(&names);
        let leaf = self.leaf(&offsets, &objects);
        let last = offsets.last().copied().unwrap_or(0);
        let tree = self.tree(leaf, last, !names.is_empty());
        let mut body = tree.to_le_bytes().to_vec();
        body.extend(heap.to_le_bytes());
        self.header(&[(message::SYMBOL_TABLE, body)])
    }

    /// A heap of names, and the place of each in it.
    fn heap(&mut self, names: &[&str]) -> (u64, Vec<u64>) {
        // The empty name stands first: it is less than all others.
        let mut data = vec![0u8; 8];
        let mut offsets = Vec::with_capacity(names.len());
        for name in names {
            offsets.push(data.len() as u64);
            data.extend(name.bytes());
            data.push(0);
            data.resize(data.len().next_multiple_of(8), 0);
        }
        let segment = self.begin();
        self.put(&data);
        let heap = self.begin();
        self.put(b"HEAP\0\0\0\0");
        // 1 says that nothing in it is free.
        self.put_u64s(&[data.len() as u64, 1, segment]);
        (heap, offsets)
    }

    fn leaf(&mut self, names: &[u64], objects: &[u64]) -> u64 {
        let leaf = self.begin();
        self.put(b"SNOD\x01\0");
        self.put_u16(names.len());
        for (&name, &object) in names.iter().zip(objects) {
            self.put_u64s(&[name, object, 0, 0, 0]);
        }
        self.fill(leaf, 8 + 2 * self.leaf_half * ENTRY);
        leaf
    }

    /// A tree of one leaf; its keys are the empty name and the last name.
    fn tree(&mut self, leaf: u64, last: u64, used: bool) -> u64 {
        let tree = self.begin();
        self.put(b"TREE\0\0");
        self.put_u16(usize::from(used));
        self.put_u64s(&[UNDEFINED, UNDEFINED, 0, leaf, last]);
        self.fill(tree, 24 + 8 * (4 * TREE_HALF + 1));
        tree
    }

    fn array(&mut self, shape: &[usize], values: &Values<'_>) -> u64 {
        let start = self.begin();
        let datatype = match values {
            Values::F64(values) => {
                values.iter().for_each(|v| self.put(&v.to_le_bytes()));
                float(8, 11, 52, 1023)
            }
            Values::F32(values) => {
                values.iter().for_each(|v| self.put(&v.to_le_bytes()));
                float(4, 8, 23, 127)
            }
            Values::I64(values) => {
                values.iter().for_each(|v| self.put(&v.to_le_bytes()));
                integer(8, true)
            }
            Values::U8(values) => {
                self.put(values);
                integer(1, false)
            }
        };
        self.dataset(start, shape, datatype)
    }

    /// A text of fixed length in UTF-8; an empty one takes a byte that does not count.
    fn text(&mut self, text: &str) -> u64 {
        let start = self.begin();
        self.put(text.as_bytes());
        if text.is_empty() {
            self.put(&[0]);
        }
        let mut datatype = vec![0x13, 0x11, 0, 0];
        datatype.extend((text.len().max(1) as u32).to_le_bytes());
        self.dataset(start, &[], datatype)
    }

    /// The header of a dataset whose values stand between `start` and here.
    fn dataset(&mut self, start: u64, shape: &[usize], datatype: Vec<u8>) -> u64 {
        let size = self.bytes.len() as u64 - start;
        let mut dataspace = vec![1, shape.len() as u8, 0, 0, 0, 0, 0, 0];
        for &length in shape {
            dataspace.extend((length as u64).to_le_bytes());
        }
        let mut layout = vec![3, 1];
        let address = if size == 0 { UNDEFINED } else { start };
        layout.extend(address.to_le_bytes());
        layout.extend(size.to_le_bytes());
        self.header(&[
            (message::DATASPACE, dataspace),
            (message::DATATYPE, datatype),
            // Allocated late, written if set, the default value.
            (message::FILL, vec![2, 2, 2, 1, 0, 0, 0, 0]),
            (message::LAYOUT, layout),
        ])
    }

    /// An object header of version 1.
    fn header(&mut self, messages: &[(u16, Vec<u8>)]) -> u64 {
        let padded = |body: &Vec<u8>| body.len().next_multiple_of(8);
        let size: usize = messages.iter().map(|(_, body)| 8 + padded(body)).sum();
        let header = self.begin();
        self.put(&[1, 0]);
        self.put_u16(messages.len());
        self.put(&1u32.to_le_bytes());
        self.put(&(size as u32).to_le_bytes());
        self.put(&[0; 4]);
        for (kind, body) in messages {
            self.put_u16(usize::from(*kind));
            self.put_u16(padded(body));
            self.put(&[0; 4]);
            self.put(body);
            self.fill(
                header,
                (self.bytes.len() - header as usize).next_multiple_of(8),
            );
        }
        header
    }

    fn superblock(&mut self, root: u64) {
        self.begin();
        let end = self.bytes.len() as u64;
        let body = std::mem::take(&mut self.bytes);
        self.put(SIGNATURE);
        // Versions of its parts, then the bytes of addresses and lengths.
        self.put(&[0, 0, 0, 0, 0, 8, 8, 0]);
        self.put_u16(self.leaf_half);
        self.put_u16(TREE_HALF);
        self.put(&[0; 4]);
        self.put_u64s(&[0, UNDEFINED, end, UNDEFINED]);
        // The entry of the root group: no name, nothing remembered.
        self.put_u64s(&[0, root, 0, 0, 0]);
        self.put(&body[SUPERBLOCK..]);
    }
}

/// An IEEE float, the lowest byte first.
fn float(size: u8, exponent: u8, mantissa: u8, bias: u32) -> Vec<u8> {
    let sign = 8 * size - 1;
    // Padding of zeros, an implied first bit of the mantissa.
    let mut datatype = vec![0x11, 0x20, sign, 0, size, 0, 0, 0];
    datatype.extend([0, 0, 8 * size, 0, mantissa, exponent, 0, mantissa]);
    datatype.extend(bias.to_le_bytes());
    datatype
}

/// An integer, the lowest byte first.
fn integer(size: u8, signed: bool) -> Vec<u8> {
    let flags = if signed { 0x08 } else { 0 };
    vec![0x10, flags, 0, 0, size, 0, 0, 0, 0, 0, 8 * size, 0]
}
