//! What chunks went through before they were written, undone.

use super::Flaw;
use super::bytes::Cursor;
use flate2::read::ZlibDecoder;
use std::io::Read;

/// A step between the values and the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    /// Compressed.
    Deflate,
    /// The first bytes of all values, then the second, and so on; values of this many bytes.
    Shuffle(usize),
    /// Followed by a checksum.
    Fletcher,
    /// Compressed by LibLZF, as h5py offers it.
    Lzf,
}

/// The names of filters that are not read.
fn name(id: u16) -> String {
    let known = match id {
        4 => "szip",
        5 => "nbit",
        6 => "scale-offset",
        32001 => "blosc",
        32004 => "lz4",
        32015 => "zstd",
        _ => return format!("number {id}"),
    };
    known.to_owned()
}

/// The filters in the order in which they were applied.
pub(super) fn parse(mut body: Cursor<'_>) -> Result<Vec<Filter>, Flaw> {
    let version = body.u8()?;
    let count = body.u8()?;
    match version {
        1 => body.skip(6)?,
        2 => {}
        _ => return Err(Flaw::Damaged("filters of an unknown version")),
    }
    (0..count).map(|_| filter(&mut body, version)).collect()
}

fn filter(body: &mut Cursor<'_>, version: u8) -> Result<Filter, Flaw> {
    let id = body.u16()?;
    let name_length = match version == 1 || id >= 256 {
        true => usize::from(body.u16()?),
        false => 0,
    };
    let _flags = body.u16()?;
    let count = usize::from(body.u16()?);
    body.skip(match version {
        1 => name_length.next_multiple_of(8),
        _ => name_length,
    })?;
    let mut parameters = body.part(4 * count)?;
    if version == 1 {
        body.skip(4 * (count % 2))?;
    }
    match id {
        1 => Ok(Filter::Deflate),
        2 => Ok(Filter::Shuffle(parameters.u32()? as usize)),
        3 => Ok(Filter::Fletcher),
        32000 => Ok(Filter::Lzf),
        _ => Err(Flaw::Unsupported(format!("the filter {}", name(id)))),
    }
}

/// Undoes the filters of a chunk of `size` bytes; filters whose bit is set in `mask` were left out.
pub(super) fn undo(
    filters: &[Filter],
    mask: u32,
    stored: &[u8],
    size: usize,
) -> Result<Vec<u8>, Flaw> {
    let mut chunk = stored.to_vec();
    for (place, filter) in filters.iter().enumerate().rev() {
        if mask >> place.min(31) & 1 == 1 {
            continue;
        }
        chunk = match *filter {
            Filter::Deflate => inflate(&chunk, size)?,
            Filter::Shuffle(width) => unshuffle(&chunk, width),
            Filter::Fletcher => checked(chunk)?,
            Filter::Lzf => unpack(&chunk, size)?,
        };
    }
    match chunk.len() >= size {
        true => Ok(chunk),
        false => Err(Flaw::Damaged("a chunk has fewer bytes than its shape")),
    }
}

/// A checksum may follow within what was compressed.
const CHECKSUM: usize = 4;

fn inflate(stored: &[u8], size: usize) -> Result<Vec<u8>, Flaw> {
    let mut chunk = Vec::new();
    let mut decoder = ZlibDecoder::new(stored).take((size + CHECKSUM) as u64);
    match decoder.read_to_end(&mut chunk) {
        Ok(_) => Ok(chunk),
        Err(_) => Err(Flaw::Damaged("a compressed chunk cannot be unpacked")),
    }
}

/// Undoes LZF: runs of up to 32 bytes as they are, and repetitions of what came before.
fn unpack(packed: &[u8], size: usize) -> Result<Vec<u8>, Flaw> {
    let most = size + CHECKSUM;
    let mut plain = Vec::new();
    let mut bytes = packed.iter().copied();
    let mut next =
        || { bytes.next() }.ok_or(Flaw::Damaged("a compressed chunk cannot be unpacked"));
    while let Ok(code) = next() {
        let code = usize::from(code);
        if code < 32 {
            for _ in 0..=code {
                plain.push(next()?);
            }
        } else {
            let mut length = code >> 5;
            if length == 7 {
                length += usize::from(next()?);
            }
            let back = ((code & 31) << 8) + usize::from(next()?) + 1;
            let damaged = Flaw::Damaged("a compressed chunk cannot be unpacked");
            let from = plain.len().checked_sub(back).ok_or(damaged)?;
            // What is repeated may reach into the repetition.
            for at in from..from + length + 2 {
                plain.push(plain[at]);
            }
        }
        if plain.len() > most {
            return Err(Flaw::Damaged("a chunk has more bytes than its shape"));
        }
    }
    Ok(plain)
}

fn unshuffle(shuffled: &[u8], width: usize) -> Vec<u8> {
    let count = match width {
        0 | 1 => return shuffled.to_vec(),
        width => shuffled.len() / width,
    };
    let mut plain = shuffled.to_vec();
    for value in 0..count {
        for byte in 0..width {
            plain[value * width + byte] = shuffled[byte * count + value];
        }
    }
    plain
}

fn checked(mut chunk: Vec<u8>) -> Result<Vec<u8>, Flaw> {
    let end = chunk.len().checked_sub(CHECKSUM);
    let end = end.ok_or(Flaw::Damaged("a chunk has no checksum"))?;
    let sum: Vec<u8> = chunk.drain(end..).collect();
    match fletcher(&chunk).to_le_bytes() == sum[..] {
        true => Ok(chunk),
        false => Err(Flaw::Damaged("the checksum of a chunk does not fit")),
    }
}

/// Fletcher's checksum over words of 16 bits, the high byte first, as the HDF5 library takes it.
fn fletcher(bytes: &[u8]) -> u32 {
    let fold = |sum: u32| (sum & 0xffff) + (sum >> 16);
    let (mut low, mut high) = (0u32, 0u32);
    // 360 words are what two sums of 32 bits hold.
    for block in bytes.chunks(720) {
        for word in block.chunks(2) {
            let second = word.get(1).copied().unwrap_or(0);
            low += u32::from(word[0]) << 8 | u32::from(second);
            high += low;
        }
        (low, high) = (fold(low), fold(high));
    }
    fold(high) << 16 | fold(low)
}
