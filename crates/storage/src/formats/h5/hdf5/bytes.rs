//! Reading bytes with every access checked.

use super::Flaw;

/// How many bytes an address and a length take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Widths {
    pub offset: usize,
    pub length: usize,
}

/// A place in a file, or in a part of one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    widths: Widths,
}

impl<'a> Cursor<'a> {
    /// Byte `at` of `bytes`.
    pub(super) fn new(bytes: &'a [u8], at: u64, widths: Widths) -> Result<Self, Flaw> {
        match usize::try_from(at) {
            Ok(at) if at <= bytes.len() => Ok(Cursor { bytes, at, widths }),
            _ => Err(Flaw::Beyond {
                at: usize::try_from(at).unwrap_or(usize::MAX),
                wanted: 1,
                len: 0,
            }),
        }
    }

    /// Bytes that are left.
    pub(super) fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The next bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Flaw> {
        if count > self.left() {
            return Err(Flaw::Beyond {
                at: self.at,
                wanted: count,
                len: self.left(),
            });
        }
        let taken = &self.bytes[self.at..self.at + count];
        self.at += count;
        Ok(taken)
    }

    pub(super) fn skip(&mut self, count: usize) -> Result<(), Flaw> {
        self.take(count).map(drop)
    }

    /// The next bytes as a part that is read on its own.
    pub(super) fn part(&mut self, count: usize) -> Result<Cursor<'a>, Flaw> {
        Cursor::new(self.take(count)?, 0, self.widths)
    }

    /// An unsigned number of up to eight bytes, the lowest first.
    pub(super) fn uint(&mut self, width: usize) -> Result<u64, Flaw> {
        let taken = self.take(width)?;
        Ok(taken
            .iter()
            .rev()
            .fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
    }

    pub(super) fn u8(&mut self) -> Result<u8, Flaw> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16, Flaw> {
        Ok(self.uint(2)? as u16)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Flaw> {
        Ok(self.uint(4)? as u32)
    }

    /// A length or a number of things.
    pub(super) fn length(&mut self) -> Result<u64, Flaw> {
        self.uint(self.widths.length)
    }

    /// An address; `None` where the file says that there is none.
    pub(super) fn address(&mut self) -> Result<Option<u64>, Flaw> {
        let width = self.widths.offset;
        let undefined = u64::MAX >> (64 - 8 * width);
        let address = self.uint(width)?;
        Ok((address != undefined).then_some(address))
    }

    /// An address that has to be there.
    pub(super) fn pointer(&mut self) -> Result<u64, Flaw> {
        self.address()?
            .ok_or(Flaw::Damaged("an address is missing"))
    }

    /// Bytes that have to be these.
    pub(super) fn expect(&mut self, wanted: &[u8], what: &'static str) -> Result<(), Flaw> {
        match self.take(wanted.len())? == wanted {
            true => Ok(()),
            false => Err(Flaw::Damaged(what)),
        }
    }
}
