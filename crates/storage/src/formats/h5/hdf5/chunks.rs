//! Datasets in chunks: finding the chunks and putting them together.

use super::Flaw;
use super::bytes::Cursor;
use super::filters::{self, Filter};
use super::reader::File;

/// How the chunks of a dataset are found.
#[derive(Debug, Clone, Copy)]
pub(super) enum Index {
    /// A version 1 B-tree; absent where nothing was ever written.
    Tree(Option<u64>),
    /// One chunk, with its bytes in the file where it went through filters.
    Single {
        address: Option<u64>,
        stored: Option<(u64, u32)>,
    },
    /// All chunks in order, in one piece.
    Implicit(Option<u64>),
    /// A list with an entry for each chunk.
    Fixed(Option<u64>),
    /// A list that grows along one axis.
    Array(Option<u64>),
    /// A version 2 B-tree.
    NewerTree(Option<u64>),
}

impl Index {
    /// Reads the index of a layout of version 4 or 5.
    pub(super) fn parse(body: &mut Cursor<'_>, flags: u8) -> Result<Index, Flaw> {
        let unsupported = |what: &str| Err(Flaw::Unsupported(what.to_owned()));
        if flags & 1 != 0 {
            return unsupported("a dataset with chunks at the edge that go through no filter");
        }
        match body.u8()? {
            1 => {
                let stored = match flags & 2 {
                    0 => None,
                    _ => Some((body.length()?, body.u32()?)),
                };
                let address = body.address()?;
                Ok(Index::Single { address, stored })
            }
            2 => Ok(Index::Implicit(body.address()?)),
            3 => {
                // The bits of a page, which the list says again.
                body.skip(1)?;
                Ok(Index::Fixed(body.address()?))
            }
            4 => {
                // Sizes of its blocks, which its header says again.
                body.skip(5)?;
                Ok(Index::Array(body.address()?))
            }
            5 => {
                // The size of a node, and when nodes are divided.
                body.skip(6)?;
                Ok(Index::NewerTree(body.address()?))
            }
            _ => Err(Flaw::Damaged("an unknown chunk index")),
        }
    }
}

/// Copies of a chunk while its filters are undone.
const FORMS: u64 = 3;

/// A dataset as blocks.
#[derive(Debug)]
pub(super) struct Blocks<'a> {
    pub shape: &'a [usize],
    /// The shape that it may grow to, which numbers the chunks.
    pub limits: &'a [usize],
    /// The shape of a chunk.
    pub chunk: &'a [usize],
    /// Bytes of a value.
    pub width: usize,
    pub filters: &'a [Filter],
}

/// Bytes of a checksum.
pub(super) const CHECKSUM: usize = 4;

/// The header of a list of chunks.
struct List {
    /// Whether chunks go through filters, so that their lengths differ.
    filtered: bool,
    /// Bytes of an entry.
    width: usize,
    /// Entries in a page.
    page: usize,
    entries: usize,
    block: Option<u64>,
}

impl List {
    fn parse(file: &File, header: u64) -> Result<Self, Flaw> {
        let damaged = || Flaw::Damaged("a list of chunks");
        let mut at = file.at(header)?;
        at.expect(b"FAHD", "a list of chunks has no signature")?;
        at.skip(1)?;
        let filtered = match at.u8()? {
            0 => false,
            1 => true,
            _ => return Err(damaged()),
        };
        let width = usize::from(at.u8()?);
        let bits = u32::from(at.u8()?);
        let page = 1usize.checked_shl(bits).filter(|&page| page > 0);
        let entries = usize::try_from(at.length()?).map_err(|_| damaged())?;
        let block = at.address()?;
        // Each entry takes bytes of the file.
        if width == 0 || entries > file.bytes().len() / width {
            return Err(damaged());
        }
        Ok(List {
            filtered,
            width,
            page: page.ok_or_else(damaged)?,
            entries,
            block,
        })
    }
}

/// A chunk in the file.
pub(super) struct Stored {
    address: u64,
    bytes: u64,
    mask: u32,
}

impl Blocks<'_> {
    /// Checks that there is memory for a chunk in each of its forms, and that all chunks together are
    /// not far larger than their dataset: they are unpacked one by one.
    pub(super) fn check(&self, file: &File) -> Result<(), Flaw> {
        let damaged = Flaw::Damaged("chunks are far larger than their dataset");
        let bytes = self.chunk_bytes().ok_or(damaged.clone())?;
        file.budget().check((bytes as u64).saturating_mul(FORMS))?;
        let all = bytes.checked_mul(self.count());
        let most = file.budget().allowed().saturating_mul(FORMS);
        match all.is_some_and(|all| all as u64 <= most) {
            true => Ok(()),
            false => Err(damaged),
        }
    }

    /// Bytes of a chunk, when they can be counted.
    pub(super) fn chunk_bytes(&self) -> Option<usize> {
        let product = |bytes: usize, &n: &usize| bytes.checked_mul(n);
        self.chunk.iter().try_fold(self.width, product)
    }

    /// Puts every chunk in its place. `raw` holds the whole dataset, and `chunk_bytes` is a number.
    pub(super) fn read(&self, file: &File, index: &Index, raw: &mut [u8]) -> Result<(), Flaw> {
        let bytes = self.chunk_bytes().unwrap_or(0);
        let first = vec![0; self.shape.len()];
        let plain = |address| Stored {
            address,
            bytes: bytes as u64,
            mask: 0,
        };
        match *index {
            Index::Tree(None)
            | Index::Single { address: None, .. }
            | Index::Implicit(None)
            | Index::Fixed(None)
            | Index::Array(None)
            | Index::NewerTree(None) => Ok(()),
            Index::Fixed(Some(header)) => self.list(file, header, raw),
            Index::Array(Some(header)) => self.array(file, header, raw),
            Index::NewerTree(Some(header)) => self.newer_tree(file, header, raw),
            Index::Tree(Some(root)) => {
                // In a tree there are fewer nodes than chunks, but for a small one.
                let mut budget = self.count().saturating_mul(2).saturating_add(8);
                self.tree(file, root, None, &mut budget, raw)
            }
            Index::Single {
                address: Some(address),
                stored: None,
            } => self.place(file, &first, &plain(address), raw),
            Index::Single {
                address: Some(address),
                stored: Some((bytes, mask)),
            } => {
                let stored = Stored {
                    address,
                    bytes,
                    mask,
                };
                self.place(file, &first, &stored, raw)
            }
            Index::Implicit(Some(start)) => (0..self.count()).try_for_each(|number| {
                let address = start.checked_add(number as u64 * bytes as u64);
                let address = address.ok_or(Flaw::Damaged("the address of a chunk"))?;
                self.place(file, &self.corner(number), &plain(address), raw)
            }),
        }
    }

    /// Chunks along an axis.
    fn along(&self, axis: usize) -> usize {
        self.shape[axis].div_ceil(self.chunk[axis])
    }

    /// Number of chunks; no more than the dataset has values.
    pub(super) fn count(&self) -> usize {
        (0..self.shape.len()).map(|axis| self.along(axis)).product()
    }

    /// The first point of a chunk by its number.
    fn corner(&self, mut number: usize) -> Vec<usize> {
        let mut corner = vec![0; self.shape.len()];
        for axis in (0..self.shape.len()).rev() {
            let count = self.limits[axis].div_ceil(self.chunk[axis]).max(1);
            corner[axis] = number % count * self.chunk[axis];
            number /= count;
        }
        corner
    }

    /// Reads a list with an entry for each chunk, in pages where it is long.
    fn list(&self, file: &File, header: u64, raw: &mut [u8]) -> Result<(), Flaw> {
        let list = List::parse(file, header)?;
        let Some(block) = list.block else {
            return Ok(());
        };
        let mut at = file.at(block)?;
        at.expect(b"FADB", "a list of chunks has no signature")?;
        // Version, client, the address of the header.
        at.skip(2)?;
        at.pointer()?;
        let mut visit = |at: &mut Cursor<'_>, numbers: std::ops::Range<usize>| {
            numbers.into_iter().try_for_each(|number| {
                let stored = self.entry(at, list.filtered, list.width)?;
                let corner = self.corner(number);
                match stored {
                    Some(stored) if self.is_inside(&corner) => {
                        self.place(file, &corner, &stored, raw)
                    }
                    _ => Ok(()),
                }
            })
        };
        if list.entries <= list.page {
            return visit(&mut at, 0..list.entries);
        }
        let pages = list.entries.div_ceil(list.page);
        let written = at.take(pages.div_ceil(8))?;
        at.skip(CHECKSUM)?;
        for page in 0..pages {
            let first = page * list.page;
            let numbers = first..list.entries.min(first + list.page);
            match written[page / 8] & (0x80 >> (page % 8)) {
                0 => at.skip(numbers.len() * list.width)?,
                _ => visit(&mut at, numbers)?,
            }
            at.skip(CHECKSUM)?;
        }
        Ok(())
    }

    /// Whether a point lies within the dataset.
    pub(super) fn is_inside(&self, corner: &[usize]) -> bool {
        { corner.iter().zip(self.shape) }.all(|(at, length)| at < length)
    }

    /// An entry of so many bytes in a list; `None` for a chunk that was never written.
    pub(super) fn entry(
        &self,
        at: &mut Cursor<'_>,
        filtered: bool,
        width: usize,
    ) -> Result<Option<Stored>, Flaw> {
        let before = at.left();
        let address = at.address()?;
        let (bytes, mask) = match filtered {
            false => (self.chunk_bytes().unwrap_or(0) as u64, 0),
            true => {
                let width = width.checked_sub(before - at.left() + 4);
                let width = width.filter(|width| (1..=8).contains(width));
                let width = width.ok_or(Flaw::Damaged("the entries of a list of chunks"))?;
                (at.uint(width)?, at.u32()?)
            }
        };
        Ok(address.map(|address| Stored {
            address,
            bytes,
            mask,
        }))
    }

    /// Walks a node of the tree. `budget` bounds the nodes and chunks that are visited.
    fn tree(
        &self,
        file: &File,
        address: u64,
        above: Option<u8>,
        budget: &mut usize,
        raw: &mut [u8],
    ) -> Result<(), Flaw> {
        let mut at = file.at(address)?;
        at.expect(b"TREE", "a tree of chunks has no signature")?;
        let (kind, level) = (at.u8()?, at.u8()?);
        if kind != 1 || above.is_some_and(|above| Some(above) != level.checked_add(1)) {
            return Err(Flaw::Damaged("a tree of chunks holds another kind of node"));
        }
        let used = at.u16()?;
        let _siblings = (at.address()?, at.address()?);
        for _ in 0..used {
            let too_many = Flaw::Damaged("a tree has more chunks than its dataset");
            *budget = budget.checked_sub(1).ok_or(too_many)?;
            let (stored, corner) = self.key(&mut at)?;
            match level {
                0 => self.place(file, &corner, &stored, raw)?,
                _ => self.tree(file, stored.address, Some(level), budget, raw)?,
            }
        }
        Ok(())
    }

    /// A key of the tree and the address behind it.
    fn key(&self, at: &mut Cursor<'_>) -> Result<(Stored, Vec<usize>), Flaw> {
        let (bytes, mask) = (u64::from(at.u32()?), at.u32()?);
        let mut corner = Vec::with_capacity(self.shape.len());
        for _ in 0..self.shape.len() {
            corner.push(usize::try_from(at.uint(8)?).unwrap_or(usize::MAX));
        }
        at.skip(8)?;
        let address = at.pointer()?;
        let stored = Stored {
            address,
            bytes,
            mask,
        };
        Ok((stored, corner))
    }

    /// Reads a chunk and copies what lies within the dataset.
    pub(super) fn place(
        &self,
        file: &File,
        corner: &[usize],
        stored: &Stored,
        raw: &mut [u8],
    ) -> Result<(), Flaw> {
        if !self.is_inside(corner) {
            return Err(Flaw::Damaged("a chunk lies outside its dataset"));
        }
        let size = self.chunk_bytes().unwrap_or(0);
        let bytes = usize::try_from(stored.bytes).unwrap_or(usize::MAX);
        let chunk = file.at(stored.address)?.take(bytes)?;
        let chunk = filters::undo(self.filters, stored.mask, chunk, size)?;
        self.copy(corner, &chunk, raw);
        Ok(())
    }

    /// Copies a chunk row by row along the last axis.
    fn copy(&self, corner: &[usize], chunk: &[u8], raw: &mut [u8]) {
        let inside: Vec<usize> = { self.shape.iter().zip(corner).zip(self.chunk) }
            .map(|((length, at), chunk)| (length - at).min(*chunk))
            .collect();
        let row = inside.last().copied().unwrap_or(1);
        let rows: usize = inside.iter().rev().skip(1).product();
        for number in 0..rows {
            let (mut rest, mut from, mut to) = (number, 0, 0);
            let (mut step_from, mut step_to) = (self.width, self.width);
            for axis in (0..inside.len()).rev() {
                let at = match axis + 1 == inside.len() {
                    true => 0,
                    false => {
                        let at = rest % inside[axis];
                        rest /= inside[axis];
                        at
                    }
                };
                from += at * step_from;
                to += (corner[axis] + at) * step_to;
                step_from *= self.chunk[axis];
                step_to *= self.shape[axis];
            }
            let bytes = row * self.width;
            raw[to..to + bytes].copy_from_slice(&chunk[from..from + bytes]);
        }
    }
}
