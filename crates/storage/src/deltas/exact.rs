//! Every bit: differences of the values' bit patterns as whole numbers.
//!
//! Neighbouring floats have neighbouring patterns, also across powers of two, so that small changes
//! leave the upper bytes nearly always the same. NaN and infinity are patterns like others.

use super::planes;
use crate::error::Error;

/// A key frame: the patterns themselves.
pub(super) fn key(values: &[f32]) -> Vec<u8> {
    let words: Vec<u32> = values.iter().map(|v| v.to_bits()).collect();
    coded(&words)
}

/// The difference to `base`.
pub(super) fn difference(values: &[f32], base: &[f32]) -> Vec<u8> {
    let words: Vec<u32> = { values.iter().zip(base) }
        .map(|(value, base)| zigzag(value.to_bits().wrapping_sub(base.to_bits())))
        .collect();
    coded(&words)
}

fn coded(words: &[u32]) -> Vec<u8> {
    let mut data = Vec::with_capacity(4 * words.len() + 16);
    planes::append::<4>(words, &mut data);
    data
}

/// Small numbers of either sign become small ones: 0, -1, 1, -2, ... become 0, 1, 2, 3, ...
fn zigzag(difference: u32) -> u32 {
    (difference << 1) ^ ((difference as i32 >> 31) as u32)
}

fn unzigzag(word: u32) -> u32 {
    (word >> 1) ^ (word & 1).wrapping_neg()
}

/// Turns `values`, those of the base, into the ones of the frame.
pub(super) fn restore(data: &[u8], is_key: bool, values: &mut [f32]) -> Result<(), Error> {
    let mut words = vec![0; values.len()];
    let rest = planes::read::<4>(data, &mut words)?;
    if !rest.is_empty() {
        return Err(Error::damaged("a checkpoint with too many bytes"));
    }
    for (value, word) in values.iter_mut().zip(words) {
        *value = f32::from_bits(match is_key {
            true => word,
            false => value.to_bits().wrapping_add(unzigzag(word)),
        });
    }
    Ok(())
}
