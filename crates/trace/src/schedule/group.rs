//! What devices compute together.

use landscape_core::{counted, memory_words};
use std::fmt;

/// Samples, and points of a plane or vectors, that a device computes together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The device, in words.
    pub device: String,
    /// Samples.
    pub samples: usize,
    /// Points of a plane, or vectors of a product.
    pub points: usize,
    /// Bytes that the values of a group take at once, about.
    pub memory: u64,
    /// Bytes that they may take. One sample at one point is computed whatever it takes.
    pub most: u64,
    /// Where that is from.
    pub bound: Bound,
}

/// What bounds the memory of a [`Group`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// A cache of a CPU.
    Cache,
    /// The free memory of the system, of which devices that share the points take half.
    Free,
    /// The memory that the device states, of which a group takes an eighth.
    Stated,
    /// 256 MiB, where the device does not state its memory.
    Usual,
    /// [`Trace::with_device_memory`](crate::Trace::with_device_memory).
    Given,
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cache => "which a cache holds",
            Self::Free => "its share of the free memory",
            Self::Stated => "an eighth of the device's memory, or as much as is worth using",
            Self::Usual => "the default, since the device does not state its memory",
            Self::Given => "as given",
        })
    }
}

impl fmt::Display for Group {
    /// Such as `flex: 16 samples at 4 points together in 3.1 MiB of 4.0 MiB, which a cache holds`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.memory > self.most {
            true => "more than",
            false => "of",
        };
        write!(
            f,
            "{}: {} at {} together in {} {place} {}, {}",
            self.device,
            counted(self.samples, "sample"),
            counted(self.points, "point"),
            memory_words(self.memory),
            memory_words(self.most),
            self.bound
        )
    }
}
