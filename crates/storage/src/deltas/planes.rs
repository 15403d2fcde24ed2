//! Bytes of values in planes: the first bytes of all values, then the second ones, and so on, each
//! plane deflated where that makes it smaller.
//!
//! A plane is its length as u32, little endian, and its bytes. A length equal to the number of values
//! means bytes as they are, any other a zlib stream.

use crate::error::Error;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use std::io::{Read, Write};

/// Bits a byte, in the entropy of single bytes, above which a plane is not worth an attempt.
const DENSE: f64 = 7.8;

/// The lowest level at which both of flate2's backends choose codes by how often bytes occur, which
/// is all there is to gain in noise; level 1 of zlib-rs has fixed codes.
const LEVEL: u32 = 2;

/// Bytes that one byte of a deflated stream may become, rounded up.
const LARGEST: usize = 1040;

/// Appends `BYTES` planes of as many words as `words` has, lowest bytes first.
pub(super) fn append<const BYTES: usize>(words: &[u32], into: &mut Vec<u8>) {
    let mut plane = vec![0u8; words.len()];
    for byte in 0..BYTES {
        for (to, word) in plane.iter_mut().zip(words) {
            *to = (word >> (8 * byte)) as u8;
        }
        append_plane(&plane, into);
    }
}

fn append_plane(plane: &[u8], into: &mut Vec<u8>) {
    let start = into.len();
    into.extend([0; 4]);
    if worth_it(plane) {
        // Writing into memory does not fail.
        let mut encoder = ZlibEncoder::new(&mut *into, Compression::new(LEVEL));
        let _ = encoder.write_all(plane).and_then(|()| encoder.try_finish());
        drop(encoder);
    }
    let length = into.len() - start - 4;
    if length == 0 || length >= plane.len() {
        into.truncate(start + 4);
        into.extend_from_slice(plane);
    }
    let length = (into.len() - start - 4) as u32;
    into[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

/// Whether bytes are uneven enough to be deflated.
fn worth_it(plane: &[u8]) -> bool {
    let mut counts = [0u32; 256];
    for &byte in plane {
        counts[usize::from(byte)] += 1;
    }
    let total = plane.len() as f64;
    let bits = |&count: &u32| match count {
        0 => 0.0,
        count => f64::from(count) / total * (total / f64::from(count)).log2(),
    };
    counts.iter().map(bits).sum::<f64>() < DENSE
}

/// Adds `BYTES` planes into the bytes of `words`, and gives what follows them.
pub(super) fn read<'a, const BYTES: usize>(
    mut data: &'a [u8],
    words: &mut [u32],
) -> Result<&'a [u8], Error> {
    let mut inflated = Vec::new();
    for byte in 0..BYTES {
        let (plane, rest) = next_plane(data, words.len(), &mut inflated)?;
        for (word, &value) in words.iter_mut().zip(plane) {
            *word |= u32::from(value) << (8 * byte);
        }
        data = rest;
    }
    Ok(data)
}

/// The bytes of the first plane, and what follows it.
fn next_plane<'a, 'b: 'a>(
    data: &'b [u8],
    values: usize,
    inflated: &'a mut Vec<u8>,
) -> Result<(&'a [u8], &'b [u8]), Error> {
    let (length, rest) = data.split_at_checked(4).ok_or_else(ends)?;
    let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]);
    let (bytes, rest) = rest.split_at_checked(length as usize).ok_or_else(ends)?;
    if bytes.len() == values {
        return Ok((bytes, rest));
    }
    // Deflate does not reach more: there is no room made for what cannot come.
    if values / LARGEST > bytes.len() {
        return Err(Error::damaged(
            "a checkpoint with bytes of another number of values",
        ));
    }
    inflated.clear();
    inflated.reserve(values);
    // One byte more than there should be, so that too many are noticed and no more are read.
    let read = ZlibDecoder::new(bytes)
        .take(values as u64 + 1)
        .read_to_end(inflated);
    match read {
        Ok(read) if read == values => Ok((inflated, rest)),
        Ok(_) => Err(Error::damaged(
            "a checkpoint with bytes of another number of values",
        )),
        Err(error) => Err(Error::damaged(format!(
            "a checkpoint whose bytes cannot be inflated ({error})"
        ))),
    }
}

fn ends() -> Error {
    Error::damaged("a checkpoint that ends early")
}
