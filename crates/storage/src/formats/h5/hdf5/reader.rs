//! A file and its groups.

use super::bytes::{Cursor, Widths};
use super::dataset::Dataset;
use super::header::{self, Message};
use super::{Flaw, SIGNATURE, group, message};
use landscape_files::Budget;
use std::collections::BTreeMap;

/// A file in memory.
#[derive(Debug)]
pub(in super::super) struct File {
    bytes: Vec<u8>,
    /// Where its superblock stands; all addresses count from there.
    start: usize,
    widths: Widths,
    root: u64,
    budget: Budget,
}

/// A group: names and where the objects of these names stand.
#[derive(Debug)]
pub(in super::super) struct Group<'a> {
    file: &'a File,
    links: BTreeMap<String, u64>,
}

impl File {
    /// Reads the superblock.
    ///
    /// # Errors
    /// When the bytes are not an HDF5 file, or fewer than the file says it has.
    pub(in super::super) fn parse(bytes: Vec<u8>) -> Result<File, Flaw> {
        let start = superblock(&bytes).ok_or(Flaw::NotHdf5)?;
        let (widths, end, root) = read_superblock(&bytes[start..])?;
        // Behind a block of the user's own the end counts from the beginning of the file, or from behind the block.
        let found = bytes.len();
        if end > found as u64 {
            return Err(Flaw::CutShort {
                expected: end,
                found,
            });
        }
        let budget = Budget::new(bytes.len() as u64);
        budget.spend(bytes.len() as u64)?;
        Ok(File {
            budget,
            bytes,
            start,
            widths,
            root,
        })
    }

    /// The root group.
    ///
    /// # Errors
    /// When it is damaged, or stored in a way that is not read here.
    pub(in super::super) fn root(&self) -> Result<Group<'_>, Flaw> {
        self.group(self.root)
    }

    /// The memory that reading may take.
    pub(in super::super) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Every byte from the superblock on.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub(super) fn at(&self, address: u64) -> Result<Cursor<'_>, Flaw> {
        Cursor::new(self.bytes(), address, self.widths)
    }

    /// The messages of the object at an address.
    fn messages(&self, address: u64) -> Result<Vec<Message<'_>>, Flaw> {
        header::messages(self, address)
    }

    fn group(&self, address: u64) -> Result<Group<'_>, Flaw> {
        let links = group::links(self, &self.messages(address)?)?;
        Ok(Group { file: self, links })
    }
}

impl<'a> Group<'a> {
    /// The names in it, in the order in which their objects stand in the file: usually that in
    /// which they were made.
    pub(in super::super) fn names(&self) -> Vec<&str> {
        let mut names: Vec<(u64, &str)> = self.links.iter().map(|(n, &at)| (at, &n[..])).collect();
        names.sort_unstable();
        names.into_iter().map(|(_, name)| name).collect()
    }

    /// Whether something has that name.
    pub(in super::super) fn has(&self, name: &str) -> bool {
        self.links.contains_key(name)
    }

    /// The group of that name; `None` where there is none.
    pub(in super::super) fn group(&self, name: &str) -> Result<Option<Group<'a>>, Flaw> {
        let address = self.links.get(name);
        address.map(|&at| self.file.group(at)).transpose()
    }

    /// The dataset of that name; `None` where there is none.
    ///
    /// # Errors
    /// When it is damaged, not a dataset of numbers, or stored in a way that is not read here.
    pub(in super::super) fn dataset(&self, name: &str) -> Result<Option<Dataset<'a>>, Flaw> {
        let Some(&address) = self.links.get(name) else {
            return Ok(None);
        };
        let messages = self.file.messages(address)?;
        Dataset::new(self.file, &messages).map(Some)
    }

    /// Whether that name belongs to a group.
    pub(in super::super) fn is_group(&self, name: &str) -> Result<bool, Flaw> {
        let Some(&address) = self.links.get(name) else {
            return Ok(false);
        };
        let messages = self.file.messages(address)?;
        let layout = |m: &Message| m.kind == message::LAYOUT;
        Ok(!messages.iter().any(layout))
    }
}

/// Where the superblock stands: at the start, or behind a block of the user's own.
fn superblock(bytes: &[u8]) -> Option<usize> {
    let places = std::iter::successors(Some(512usize), |at| at.checked_mul(2));
    std::iter::once(0)
        .chain(places.take_while(|&at| at < bytes.len()))
        .find(|&at| bytes[at..].starts_with(SIGNATURE))
}

/// Widths, length of the file, address of the root group's header.
fn read_superblock(bytes: &[u8]) -> Result<(Widths, u64, u64), Flaw> {
    let unknown = Widths {
        offset: 8,
        length: 8,
    };
    let mut at = Cursor::new(bytes, SIGNATURE.len() as u64, unknown)?;
    let version = at.u8()?;
    if version > 3 {
        return Err(Flaw::Unsupported(format!("superblock {version}")));
    }
    if version < 2 {
        // Versions of other parts.
        at.skip(4)?;
    }
    let widths = Widths {
        offset: usize::from(at.u8()?),
        length: usize::from(at.u8()?),
    };
    if ![widths.offset, widths.length]
        .iter()
        .all(|w| [2, 4, 8].contains(w))
    {
        return Err(Flaw::Damaged("addresses are not of 2, 4 or 8 bytes"));
    }
    // Flags; before version 2 also the sizes of tree nodes.
    at.skip([9, 13, 1, 1][usize::from(version)])?;
    let mut at = Cursor::new(bytes, (bytes.len() - at.left()) as u64, widths)?;
    let _base = at.address()?;
    let _free_or_extension = at.address()?;
    let end = at.pointer()?;
    if version < 2 {
        let _driver = at.address()?;
        // The root group's entry begins with the place of its name.
        at.skip(widths.offset)?;
    }
    Ok((widths, end, at.pointer()?))
}
