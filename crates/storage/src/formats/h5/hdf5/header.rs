//! Object headers: what describes a group or a dataset.

use super::bytes::Cursor;
use super::reader::File;
use super::{Flaw, message};

/// One message of a header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    pub kind: u16,
    /// Whether the body is only a reference to a message elsewhere.
    pub shared: bool,
    pub body: Cursor<'a>,
}

impl<'a> Message<'a> {
    /// The body, when it stands here.
    pub(super) fn body(&self) -> Result<Cursor<'a>, Flaw> {
        match self.shared {
            false => Ok(self.body),
            true => Err(Flaw::Unsupported("a shared header message".to_owned())),
        }
    }
}

/// How the messages of a header are framed.
#[derive(Debug, Clone, Copy)]
enum Frame {
    One,
    /// With the order of creation in each message, or without.
    Two {
        ordered: bool,
    },
}

/// All messages of the object at an address.
pub(super) fn messages(file: &File, address: u64) -> Result<Vec<Message<'_>>, Flaw> {
    let mut at = file.at(address)?;
    let (frame, first) = match at.u8()? {
        1 => {
            at.skip(7)?;
            let size = at.u32()? as usize;
            at.skip(4)?;
            (Frame::One, at.part(size)?)
        }
        _ => second(file.at(address)?)?,
    };
    let mut found = Vec::new();
    let mut blocks = vec![first];
    // Blocks do not overlap, so that together they are no longer than the file.
    let mut budget = file.bytes().len();
    while let Some(mut block) = blocks.pop() {
        budget = budget
            .checked_sub(block.left().max(1))
            .ok_or(Flaw::Damaged("an object header runs in a circle"))?;
        while let Some(message) = next(&mut block, frame)? {
            match message.kind {
                message::CONTINUATION => blocks.push(continued(file, message, frame)?),
                _ => {
                    // While the list grows.
                    file.budget().spend_each(1, 2 * size_of::<Message>())?;
                    found.push(message);
                }
            }
        }
    }
    Ok(found)
}

/// The head of a header of version 2, and its first block.
fn second(mut at: Cursor<'_>) -> Result<(Frame, Cursor<'_>), Flaw> {
    at.expect(b"OHDR", "an object header has no signature")?;
    if at.u8()? != 2 {
        return Err(Flaw::Damaged("an object header of an unknown version"));
    }
    let flags = at.u8()?;
    if flags & 0x20 != 0 {
        // Four times of access and change.
        at.skip(16)?;
    }
    if flags & 0x10 != 0 {
        at.skip(4)?;
    }
    let size = at.uint(1 << (flags & 3))?;
    let size = usize::try_from(size).map_err(|_| Flaw::Damaged("the size of an object header"))?;
    let ordered = flags & 0x04 != 0;
    Ok((Frame::Two { ordered }, at.part(size)?))
}

/// The next message of a block; `None` at its end.
fn next<'a>(block: &mut Cursor<'a>, frame: Frame) -> Result<Option<Message<'a>>, Flaw> {
    let head = match frame {
        Frame::One => 8,
        Frame::Two { ordered: false } => 4,
        Frame::Two { ordered: true } => 6,
    };
    if block.left() < head {
        return Ok(None);
    }
    let kind = match frame {
        Frame::One => block.u16()?,
        Frame::Two { .. } => u16::from(block.u8()?),
    };
    let size = usize::from(block.u16()?);
    let flags = block.u8()?;
    block.skip(match frame {
        Frame::One => 3,
        Frame::Two { ordered } => 2 * usize::from(ordered),
    })?;
    let body = block.part(size)?;
    let shared = flags & 0x02 != 0;
    Ok(Some(Message { kind, shared, body }))
}

/// The block that a continuation message points to.
fn continued<'a>(file: &'a File, message: Message<'a>, frame: Frame) -> Result<Cursor<'a>, Flaw> {
    let mut body = message.body()?;
    let (address, length) = (body.pointer()?, body.length()?);
    let length = usize::try_from(length).map_err(|_| Flaw::Damaged("the size of a header"))?;
    let mut at = file.at(address)?;
    match frame {
        Frame::One => at.part(length),
        Frame::Two { .. } => {
            at.expect(b"OCHK", "a block of a header has no signature")?;
            // The signature and a checksum stand around the messages.
            let inner = length.checked_sub(8);
            at.part(inner.ok_or(Flaw::Damaged("the size of a header"))?)
        }
    }
}
