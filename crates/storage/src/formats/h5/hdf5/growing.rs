//! Indices of chunks of datasets that grow: an extensible array where one axis has no limit, a version 2 B-tree where several
//! have none.

use super::Flaw;
use super::bytes::Cursor;
use super::chunks::{Blocks, CHECKSUM};
use super::reader::File;

/// The deepest tree that is read: more than files of any size have.
const DEPTH: usize = 16;

/// The header of an extensible array.
struct Array {
    filtered: bool,
    /// Bytes of an entry.
    width: usize,
    /// Bits of the number of entries that there may be.
    bits: u32,
    /// Entries in the index block.
    direct: usize,
    /// Entries of the smallest data block.
    smallest: usize,
    /// Data blocks of the first secondary block, at least.
    pointers: usize,
    /// Entries in a page of a large data block.
    page: usize,
    index: Option<u64>,
}

/// What the data blocks of one size have in common.
struct Level {
    blocks: usize,
    entries: usize,
}

impl Array {
    fn parse(file: &File, header: u64) -> Result<Self, Flaw> {
        let damaged = || Flaw::Damaged("an extensible array of chunks");
        let mut at = file.at(header)?;
        at.expect(b"EAHD", "an array of chunks has no signature")?;
        at.skip(1)?;
        let filtered = match at.u8()? {
            0 => false,
            1 => true,
            _ => return Err(damaged()),
        };
        let width = usize::from(at.u8()?);
        let bits = u32::from(at.u8()?);
        let [direct, smallest, pointers] = [at.u8()?, at.u8()?, at.u8()?].map(usize::from);
        let page = 1usize.checked_shl(u32::from(at.u8()?));
        (0..6).try_for_each(|_| at.length().map(drop))?;
        let index = at.address()?;
        let powers = smallest.is_power_of_two() && pointers.is_power_of_two();
        match page.filter(|&page| page > 0 && powers && width > 0 && (1..=64).contains(&bits)) {
            None => Err(damaged()),
            Some(page) => Ok(Array {
                filtered,
                width,
                bits,
                direct,
                smallest,
                pointers,
                page,
                index,
            }),
        }
    }

    /// Data blocks double in number and in length in turn.
    fn level(&self, number: u32) -> Level {
        let power = |n: u32| 1usize.checked_shl(n).unwrap_or(usize::MAX);
        Level {
            blocks: power(number / 2),
            entries: power(number.div_ceil(2)).saturating_mul(self.smallest),
        }
    }

    /// Levels whose data blocks the index block names itself, and all.
    fn levels(&self) -> (u32, u32) {
        let own = 2 * self.pointers.ilog2();
        (
            own,
            (1 + self.bits)
                .saturating_sub(self.smallest.ilog2())
                .max(own),
        )
    }

    /// Bytes of the place of a block in the array.
    fn offset(&self) -> usize {
        self.bits.div_ceil(8) as usize
    }
}

/// Behind the signature of a block: version, client, and the address of the header.
fn block<'a>(file: &'a File, address: u64, signature: &[u8]) -> Result<Cursor<'a>, Flaw> {
    let mut at = file.at(address)?;
    at.expect(signature, "a block of an array of chunks has no signature")?;
    at.skip(2)?;
    at.pointer()?;
    Ok(at)
}

/// The chunks of an array, one after the other.
struct Walk<'w> {
    blocks: &'w Blocks<'w>,
    file: &'w File,
    array: Array,
    /// The number of the next chunk.
    next: usize,
    raw: &'w mut [u8],
}

impl Walk<'_> {
    fn whole(&mut self, index: u64) -> Result<(), Flaw> {
        let mut at = block(self.file, index, b"EAIB")?;
        self.entries(&mut at, self.array.direct)?;
        let (own, all) = self.array.levels();
        for number in 0..own {
            let level = self.array.level(number);
            for _ in 0..level.blocks {
                let address = at.address()?;
                self.data(address, None, level.entries)?;
            }
        }
        for number in own..all {
            // Numbers only rise.
            if self.next >= self.blocks.count_in_array() {
                break;
            }
            let address = at.address()?;
            self.secondary(address, number)?;
        }
        Ok(())
    }

    /// Data blocks that a block of its own names.
    fn secondary(&mut self, address: Option<u64>, number: u32) -> Result<(), Flaw> {
        let level = self.array.level(number);
        let Some(address) = address else {
            self.skip(level.blocks.saturating_mul(level.entries));
            return Ok(());
        };
        let mut at = block(self.file, address, b"EASB")?;
        at.skip(self.array.offset())?;
        let pages = match level.entries > self.array.page {
            true => level.entries / self.array.page,
            false => 0,
        };
        let bytes = pages.div_ceil(8);
        let written = at.take(bytes.saturating_mul(level.blocks))?;
        for block in 0..level.blocks {
            let address = at.address()?;
            let pages = (pages > 0).then(|| &written[block * bytes..][..bytes]);
            self.data(address, pages, level.entries)?;
        }
        Ok(())
    }

    /// The entries of a data block, in pages (with a bit for each that was written) where it is large.
    fn data(
        &mut self,
        address: Option<u64>,
        pages: Option<&[u8]>,
        entries: usize,
    ) -> Result<(), Flaw> {
        let Some(address) = address else {
            self.skip(entries);
            return Ok(());
        };
        let mut at = block(self.file, address, b"EADB")?;
        at.skip(self.array.offset())?;
        let Some(written) = pages else {
            return self.entries(&mut at, entries);
        };
        at.skip(CHECKSUM)?;
        let page = self.array.page;
        for number in 0..entries / page {
            match written[number / 8] & (0x80 >> (number % 8)) {
                0 => {
                    at.skip(page.saturating_mul(self.array.width))?;
                    self.skip(page);
                }
                _ => self.entries(&mut at, page)?,
            }
            at.skip(CHECKSUM)?;
        }
        Ok(())
    }

    fn skip(&mut self, entries: usize) {
        self.next = self.next.saturating_add(entries);
    }

    fn entries(&mut self, at: &mut Cursor<'_>, count: usize) -> Result<(), Flaw> {
        for _ in 0..count {
            let stored = { self.blocks }.entry(at, self.array.filtered, self.array.width)?;
            let corner = self.blocks.corner_in_array(self.next);
            self.skip(1);
            if let (Some(stored), true) = (stored, self.blocks.is_inside(&corner)) {
                { self.blocks }.place(self.file, &corner, &stored, self.raw)?;
            }
        }
        Ok(())
    }
}

impl Blocks<'_> {
    /// Reads the chunks that an extensible array names.
    pub(super) fn array(&self, file: &File, header: u64, raw: &mut [u8]) -> Result<(), Flaw> {
        let array = Array::parse(file, header)?;
        let Some(index) = array.index else {
            return Ok(());
        };
        let mut walk = Walk {
            blocks: self,
            file,
            array,
            next: 0,
            raw,
        };
        walk.whole(index)
    }

    /// The first point of a chunk by its number in an array, in which the axis without a limit is the slowest.
    fn corner_in_array(&self, mut number: usize) -> Vec<usize> {
        let mut corner = vec![0; self.shape.len()];
        let open = self.open();
        for axis in (0..self.shape.len()).rev().filter(|&axis| axis != open) {
            let count = self.limits[axis].div_ceil(self.chunk[axis]).max(1);
            corner[axis] = (number % count).saturating_mul(self.chunk[axis]);
            number /= count;
        }
        corner[open] = number.saturating_mul(self.chunk[open]);
        corner
    }

    /// The axis without a limit.
    fn open(&self) -> usize {
        let open = |&limit: &usize| limit == usize::MAX;
        self.limits.iter().position(open).unwrap_or(0)
    }

    /// One more than the largest number of a chunk in an array.
    fn count_in_array(&self) -> usize {
        let open = self.open();
        let others = (0..self.shape.len()).filter(|&axis| axis != open);
        let rows = others.map(|axis| self.limits[axis].div_ceil(self.chunk[axis]).max(1));
        rows.fold(
            self.shape[open].div_ceil(self.chunk[open]),
            usize::saturating_mul,
        )
    }
}

/// The header of a version 2 B-tree of chunks.
struct Tree {
    filtered: bool,
    /// Bytes of a record.
    record: usize,
    /// Bytes of the number of records in a node.
    count: usize,
    /// By depth: bytes of the number of records in a node and all below it.
    below: Vec<usize>,
}

/// Bytes that hold a number up to a limit.
fn bytes_for(limit: u64) -> usize {
    (limit.max(1).ilog2() / 8 + 1) as usize
}

impl Tree {
    /// Sizes that follow from those of a node; `pointer` are the bytes of an address.
    fn new(
        filtered: bool,
        record: usize,
        node: usize,
        depth: usize,
        pointer: usize,
    ) -> Option<Self> {
        // Signature, version, type, checksum.
        const AROUND: usize = 10;
        let leaf = node.checked_sub(AROUND)?.checked_div(record)? as u64;
        let count = bytes_for(leaf);
        let (mut below, mut all) = (vec![0], leaf);
        for _ in 0..depth {
            let child = pointer + count + below.last()?;
            let own = (node.checked_sub(AROUND + child)? / (record + child)) as u64;
            all = own.checked_add(1)?.saturating_mul(all).saturating_add(own);
            below.push(bytes_for(all));
        }
        Some(Tree {
            filtered,
            record,
            count,
            below,
        })
    }
}

impl Blocks<'_> {
    /// Reads the chunks that a version 2 B-tree names.
    pub(super) fn newer_tree(&self, file: &File, header: u64, raw: &mut [u8]) -> Result<(), Flaw> {
        let damaged = || Flaw::Damaged("a version 2 tree of chunks");
        let mut at = file.at(header)?;
        at.expect(b"BTHD", "a tree of chunks has no signature")?;
        at.skip(1)?;
        let filtered = match at.u8()? {
            10 => false,
            11 => true,
            _ => return Err(damaged()),
        };
        let node = at.u32()? as usize;
        let [record, depth] = [at.u16()?, at.u16()?].map(usize::from);
        at.skip(2)?;
        let before = at.left();
        let root = at.address()?;
        let pointer = before - at.left();
        let records = usize::from(at.u16()?);
        let Some(root) = root.filter(|_| records > 0) else {
            return Ok(());
        };
        let tree = (depth <= DEPTH && record > 0)
            .then(|| Tree::new(filtered, record, node, depth, pointer))
            .flatten()
            .ok_or_else(damaged)?;
        let mut budget = self.count().saturating_mul(2).saturating_add(8);
        self.newer_node(file, &tree, (root, records, depth), &mut budget, raw)
    }

    /// A node: its address, its records, and how many levels are below it.
    fn newer_node(
        &self,
        file: &File,
        tree: &Tree,
        (address, records, depth): (u64, usize, usize),
        budget: &mut usize,
        raw: &mut [u8],
    ) -> Result<(), Flaw> {
        let mut at = file.at(address)?;
        let signature: &[u8] = if depth == 0 { b"BTLF" } else { b"BTIN" };
        at.expect(signature, "a node of a tree of chunks has no signature")?;
        at.skip(2)?;
        let too_many = Flaw::Damaged("a tree has more chunks than its dataset");
        *budget = budget.checked_sub(records + 1).ok_or(too_many)?;
        for _ in 0..records {
            let mut record = at.part(tree.record)?;
            self.record(file, &mut record, tree, raw)?;
        }
        if depth == 0 {
            return Ok(());
        }
        for _ in 0..=records {
            let child = at.pointer()?;
            let own = at.uint(tree.count)? as usize;
            at.skip(tree.below[depth - 1])?;
            self.newer_node(file, tree, (child, own, depth - 1), budget, raw)?;
        }
        Ok(())
    }

    /// A record: address and length of a chunk, and its place in chunks along every axis.
    fn record(
        &self,
        file: &File,
        at: &mut Cursor<'_>,
        tree: &Tree,
        raw: &mut [u8],
    ) -> Result<(), Flaw> {
        let damaged = Flaw::Damaged("the records of a tree of chunks");
        let places = 8 * self.shape.len();
        let width = tree.record.checked_sub(places).ok_or(damaged)?;
        let stored = self.entry(at, tree.filtered, width)?;
        let mut corner = Vec::with_capacity(self.shape.len());
        for &chunk in self.chunk {
            let place = usize::try_from(at.uint(8)?).unwrap_or(usize::MAX);
            corner.push(place.saturating_mul(chunk));
        }
        match stored {
            Some(stored) => self.place(file, &corner, &stored, raw),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::bytes_for;

    #[test]
    fn numbers_take_the_bytes_that_their_limit_needs() {
        assert_eq!(
            [0, 1, 255, 256, 65_535, 65_536].map(bytes_for),
            [1, 1, 1, 2, 2, 3]
        );
    }
}
