//! How much memory reading a file may take.

use crate::size::Size;
use std::cell::Cell;
use std::error::Error;
use std::iter::successors;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of memory for each byte of a file.
const RATIO: u64 = 10;
/// Bytes of memory for any file, however small.
const SMALL: u64 = 48 << 20;

/// What the user allows.
static ALLOWED: AtomicU64 = AtomicU64::new(0);

/// Lets the reading of any file in this process take so many bytes of memory. Fewer than a file may
/// take anyway change nothing.
pub fn allow_memory(bytes: u64) {
    ALLOWED.store(bytes, Ordering::Relaxed);
}

/// What [`allow_memory`] was given; nothing before.
pub fn allowed_memory() -> Option<u64> {
    Some(ALLOWED.load(Ordering::Relaxed)).filter(|&bytes| bytes > 0)
}

/// The memory that reading one file may take: ten times its length and 48 MiB, or what
/// [`allow_memory`] was given; twenty times its length where it holds bytes that become numbers.
#[derive(Debug, Clone)]
pub struct Budget {
    file: u64,
    spent: Cell<u64>,
    /// Bytes that have not been counted, see [`Budget::spend_bytes`].
    free: Cell<u64>,
}

/// A file that holds, or says that it holds, more than its length lets expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it needs {} of memory once unpacked, and a file of {} may take {}",
    Size(*needed), Size(*file), Size(*allowed)
)]
pub struct TooLarge {
    /// Bytes of memory that are needed, those before included.
    pub needed: u64,
    /// Length of the file in bytes.
    pub file: u64,
    /// Bytes of memory that are allowed.
    pub allowed: u64,
}

impl TooLarge {
    /// The memory to allow where the file rightly holds so much, see [`allow_memory`].
    pub fn enough(&self) -> String {
        Size(self.needed).enough()
    }

    /// Where an error has this reason.
    pub fn below<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a TooLarge> {
        let first: &(dyn Error + 'static) = error;
        successors(Some(first), |&error| error.source()).find_map(|error| error.downcast_ref())
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        let enough = self.enough();
        format!("if it really holds that much, allow {enough} of memory")
    }
}

impl Budget {
    /// The budget of a file of this length.
    pub fn new(file: u64) -> Self {
        Budget {
            file,
            spent: Cell::new(0),
            free: Cell::new(0),
        }
    }

    /// Bytes of memory that may be taken.
    pub fn allowed(&self) -> u64 {
        let own = self.file.saturating_mul(RATIO).saturating_add(SMALL);
        own.max(ALLOWED.load(Ordering::Relaxed))
    }

    /// Takes memory out of the budget, before it is allocated.
    ///
    /// # Errors
    /// When it holds less; then nothing is taken.
    pub fn spend(&self, bytes: u64) -> Result<(), TooLarge> {
        self.check(bytes)?;
        self.spent.set(self.spent.get() + bytes);
        Ok(())
    }

    /// Whether so much is left.
    ///
    /// # Errors
    /// When it is not.
    pub fn check(&self, bytes: u64) -> Result<(), TooLarge> {
        let needed = self.spent.get().saturating_add(bytes);
        match needed <= self.allowed() {
            true => Ok(()),
            false => Err(TooLarge {
                needed,
                file: self.file,
                allowed: self.allowed(),
            }),
        }
    }

    /// The same for `count` values that take one byte each in the file and `width` in memory. Half of
    /// it is free, as long as that is no more than ten times the file: images are such, and those of
    /// MNIST, packed, take 24 times their files.
    ///
    /// # Errors
    /// As [`Budget::spend`].
    pub fn spend_bytes(&self, count: usize, width: usize) -> Result<(), TooLarge> {
        let bytes = (count as u64).saturating_mul(width as u64);
        let left = self.file.saturating_mul(RATIO) - self.free.get();
        let free = left.min(bytes / 2);
        self.spend(bytes - free)?;
        self.free.set(self.free.get() + free);
        Ok(())
    }

    /// The same for `count` things of `width` bytes each.
    ///
    /// # Errors
    /// As [`Budget::spend`].
    pub fn spend_each(&self, count: usize, width: usize) -> Result<(), TooLarge> {
        self.spend((count as u64).saturating_mul(width as u64))
    }
}
