//! The part of the HDF5 file format that files of landscapes use, after the *HDF5 File Format
//! Specification* 3.0.
//!
//! Read are superblocks 0 to 3, object headers 1 and 2, groups with symbol tables or link messages,
//! and datasets of integers and IEEE floats of 16, 32 and 64 bits that are compact, contiguous, or in chunks (version 1
//! and 2 B-trees, single chunks, implicit indices, fixed and extensible arrays) behind the filters deflate, shuffle and
//! Fletcher-32. That is what h5py writes, with `libver="latest"` too, but for other compression. Anything else is an error that
//! names it. Written are superblock 0, symbol tables and contiguous datasets, which every version
//! of the HDF5 library reads.
//!
//! Files come from anywhere: every access is checked against the end of the file, every loop has a
//! bound that comes from the file's length, and so has every allocation.

mod bytes;
mod chunks;
mod dataset;
mod filters;
mod group;
mod growing;
mod header;
mod number;
mod reader;
mod writer;

pub(super) use dataset::Dataset;
pub(super) use reader::{File, Group};
pub(super) use writer::{Node, Values, encode};

/// Every HDF5 file begins with this, or has it at byte 512, 1024, 2048, ...
const SIGNATURE: &[u8; 8] = b"\x89HDF\r\n\x1a\n";

/// Kinds of header messages.
mod message {
    pub const DATASPACE: u16 = 0x01;
    pub const LINK_INFO: u16 = 0x02;
    pub const DATATYPE: u16 = 0x03;
    pub const FILL: u16 = 0x05;
    pub const LINK: u16 = 0x06;
    pub const LAYOUT: u16 = 0x08;
    pub const FILTERS: u16 = 0x0b;
    pub const CONTINUATION: u16 = 0x10;
    pub const SYMBOL_TABLE: u16 = 0x11;
}

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Flaw {
    /// There is no signature.
    #[error("this is not an HDF5 file")]
    NotHdf5,
    /// The file is shorter than it says.
    #[error("the file is cut short: it has {found} bytes of {expected}")]
    CutShort {
        /// The length that the file gives itself.
        expected: u64,
        /// The length it has.
        found: usize,
    },
    /// Something points beyond the end of the file, or of the part of it that it belongs to.
    #[error("the file is damaged: {wanted} bytes at byte {at}, where {len} are left")]
    Beyond {
        /// Where.
        at: usize,
        /// Bytes that should be there.
        wanted: usize,
        /// Bytes that are there.
        len: usize,
    },
    /// A value that the format does not allow.
    #[error("the file is damaged: {0}")]
    Damaged(&'static str),
    /// Something of the format that is not read here.
    #[error(
        "{0} cannot be read here; what h5py writes by default can be: float16, float32 or float64, compression=\"gzip\", \"lzf\" or none"
    )]
    Unsupported(String),
    /// A shape whose values cannot be counted.
    #[error("the file is damaged: a dataset of {shape:?}")]
    Shape {
        /// Lengths of its axes.
        shape: Vec<u64>,
    },
    /// More than a file of this length may take.
    #[error(transparent)]
    TooLarge(#[from] landscape_files::TooLarge),
}
