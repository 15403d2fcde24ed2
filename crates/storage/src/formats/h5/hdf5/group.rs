//! Groups: names and addresses.

use super::bytes::Cursor;
use super::header::Message;
use super::reader::File;
use super::{Flaw, message};
use std::collections::BTreeMap;

/// Bytes of memory for a link beside its name.
const LINK: usize = 64;

/// The hard links of a group. Soft and external links are passed over.
pub(super) fn links(file: &File, messages: &[Message]) -> Result<BTreeMap<String, u64>, Flaw> {
    let mut links = BTreeMap::new();
    for message in messages {
        match message.kind {
            message::SYMBOL_TABLE => symbol_table(file, message.body()?, &mut links)?,
            message::LINK => {
                if let Some((name, address)) = link(message.body()?)? {
                    links.insert(name, address);
                }
            }
            message::LINK_INFO => check_dense(message.body()?)?,
            _ => {}
        }
    }
    Ok(links)
}

/// Groups of newer files keep many links in a heap of their own, which is not read here.
fn check_dense(mut body: Cursor<'_>) -> Result<(), Flaw> {
    body.skip(1)?;
    let flags = body.u8()?;
    body.skip(8 * usize::from(flags & 1))?;
    match body.address()? {
        None => Ok(()),
        Some(_) => Err(Flaw::Unsupported(
            "a group with densely stored links".to_owned(),
        )),
    }
}

/// Name and address of a hard link.
fn link(mut body: Cursor<'_>) -> Result<Option<(String, u64)>, Flaw> {
    body.skip(1)?;
    let flags = body.u8()?;
    let kind = match flags & 0x08 {
        0 => 0,
        _ => body.u8()?,
    };
    // Order of creation, character set.
    body.skip(8 * usize::from(flags >> 2 & 1) + usize::from(flags >> 4 & 1))?;
    let length = body.uint(1 << (flags & 3))?;
    let length = usize::try_from(length).map_err(|_| Flaw::Damaged("the length of a name"))?;
    let name = text(body.take(length)?)?;
    match kind {
        0 => Ok(Some((name, body.pointer()?))),
        _ => Ok(None),
    }
}

fn text(bytes: &[u8]) -> Result<String, Flaw> {
    let text = std::str::from_utf8(bytes).map_err(|_| Flaw::Damaged("a name is not UTF-8"))?;
    Ok(text.to_owned())
}

/// Adds the entries of a symbol table: a tree of nodes over names in a heap.
fn symbol_table(
    file: &File,
    mut body: Cursor<'_>,
    links: &mut BTreeMap<String, u64>,
) -> Result<(), Flaw> {
    let (tree, heap) = (body.pointer()?, body.pointer()?);
    let names = heap_names(file, heap)?;
    let mut table = Table {
        file,
        names,
        // Each node and each entry takes at least this many bytes of the file.
        budget: file.bytes().len() / 24,
        links,
    };
    table.tree(tree, None)
}

/// The bytes of a local heap that hold names.
fn heap_names(file: &File, address: u64) -> Result<&[u8], Flaw> {
    let mut at = file.at(address)?;
    at.expect(b"HEAP", "a heap of names has no signature")?;
    at.skip(4)?;
    let size = at.length()?;
    let _free = at.length()?;
    let size = usize::try_from(size).map_err(|_| Flaw::Damaged("the size of a heap"))?;
    let data = at.pointer()?;
    file.at(data)?.take(size)
}

struct Table<'a, 'b> {
    file: &'a File,
    names: &'a [u8],
    budget: usize,
    links: &'b mut BTreeMap<String, u64>,
}

impl Table<'_, '_> {
    fn spend(&mut self) -> Result<(), Flaw> {
        let circle = Flaw::Damaged("a group's names run in a circle");
        self.budget = self.budget.checked_sub(1).ok_or(circle)?;
        Ok(())
    }

    /// Walks a node of the tree; its level has to be one below that of its parent.
    fn tree(&mut self, address: u64, above: Option<u8>) -> Result<(), Flaw> {
        self.spend()?;
        let mut at = self.file.at(address)?;
        at.expect(b"TREE", "a group's tree has no signature")?;
        let (kind, level) = (at.u8()?, at.u8()?);
        if kind != 0 || above.is_some_and(|above| Some(above) != level.checked_add(1)) {
            return Err(Flaw::Damaged("a group's tree holds another kind of node"));
        }
        let used = at.u16()?;
        let _siblings = (at.address()?, at.address()?);
        for _ in 0..used {
            let _key = at.length()?;
            let child = at.pointer()?;
            match level {
                0 => self.node(child)?,
                _ => self.tree(child, Some(level))?,
            }
        }
        Ok(())
    }

    /// Adds the entries of a leaf.
    fn node(&mut self, address: u64) -> Result<(), Flaw> {
        self.spend()?;
        let mut at = self.file.at(address)?;
        at.expect(b"SNOD", "a group's leaf has no signature")?;
        at.skip(2)?;
        let used = at.u16()?;
        for _ in 0..used {
            self.spend()?;
            let name = at.address()?;
            let header = at.address()?;
            let cached = at.u32()?;
            at.skip(20)?;
            // Kind 2 is a soft link.
            if let (Some(name), Some(header)) = (name, header)
                && cached != 2
            {
                let name = self.name(name)?;
                self.links.insert(name, header);
            }
        }
        Ok(())
    }

    fn name(&self, offset: u64) -> Result<String, Flaw> {
        let wrong = || Flaw::Damaged("a name lies outside its heap");
        let offset = usize::try_from(offset).map_err(|_| wrong())?;
        let from = self.names.get(offset..).ok_or_else(wrong)?;
        let end = from.iter().position(|&byte| byte == 0).ok_or_else(wrong)?;
        // Names in a heap may overlap: together they can be far longer than the file.
        self.file.budget().spend_each(end + LINK, 1)?;
        text(&from[..end])
    }
}
