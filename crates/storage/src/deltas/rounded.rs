//! Differences in half precision, each tensor scaled by a power of two.
//!
//! The largest difference of a tensor is scaled into `[2^14, 2^15)`. Half precision then keeps 11 bits
//! of all differences down to `2^-28` of it, however small the steps are.

use super::planes;
use crate::error::Error;
use half::f16;

/// Differences that are larger are kept bit for bit.
const LARGEST: f32 = (1u128 << 100) as f32;
/// Exponent of the scaled largest difference.
const TOP: i32 = 14;
/// Largest exponent of a scale: smaller steps lose bits rather than leave the range of f32.
const FINEST: i32 = 100;

/// The difference to `base` by tensors of these lengths; nothing where it cannot be rounded. `base`
/// becomes what is restored from it.
pub(super) fn difference(values: &[f32], base: &mut [f32], lengths: &[usize]) -> Option<Vec<u8>> {
    let largest = |values: &[f32], base: &[f32]| -> Option<f32> {
        let pairs = values.iter().zip(base);
        // Once NaN, always NaN: `f32::max` would drop it.
        let largest = pairs.fold(0.0f32, |m, (v, b)| {
            let distance = (v - b).abs();
            if distance <= m { m } else { distance }
        });
        let finite = values.iter().zip(base).all(|(v, b)| (v - b).is_finite());
        (finite && largest < LARGEST).then_some(largest)
    };
    let mut scales = Vec::with_capacity(lengths.len());
    for_each(lengths, |range| {
        scales.push(exponent(largest(&values[range.clone()], &base[range])?));
        Some(())
    })?;
    let mut data: Vec<u8> = scales.iter().map(|&scale| scale as i8 as u8).collect();
    let mut words = Vec::with_capacity(values.len());
    let mut tensor = 0;
    for_each(lengths, |range| {
        let (up, down) = powers(scales[tensor]);
        tensor += 1;
        for (value, base) in values[range.clone()].iter().zip(&mut base[range]) {
            let rounded = f16::from_f32((value - *base) * up);
            *base += rounded.to_f32() * down;
            words.push(u32::from(rounded.to_bits()));
        }
        Some(())
    })?;
    planes::append::<2>(&words, &mut data);
    Some(data)
}

/// Calls with the places of each tensor, until there is nothing.
fn for_each(
    lengths: &[usize],
    mut visit: impl FnMut(std::ops::Range<usize>) -> Option<()>,
) -> Option<()> {
    let mut start = 0;
    for length in lengths {
        visit(start..start + length)?;
        start += length;
    }
    Some(())
}

/// The exponent `e` with `2^e largest` in `[2^14, 2^15)`.
fn exponent(largest: f32) -> i32 {
    if largest == 0.0 {
        return 0;
    }
    // Of a subnormal number the exponent is too large, and the scale too small; it is bounded anyway.
    let exponent = (largest.to_bits() >> 23) as i32 - 127;
    (TOP - exponent).min(FINEST)
}

/// `2^e` and `2^-e`.
fn powers(exponent: i32) -> (f32, f32) {
    let power = |exponent: i32| f32::from_bits(((exponent + 127) as u32) << 23);
    (power(exponent), power(-exponent))
}

/// Turns `values`, those of the base, into the ones of the frame.
pub(super) fn restore(data: &[u8], values: &mut [f32], lengths: &[usize]) -> Result<(), Error> {
    let (scales, data) = data
        .split_at_checked(lengths.len())
        .ok_or_else(|| Error::damaged("a checkpoint that ends early"))?;
    let mut words = vec![0; values.len()];
    let rest = planes::read::<2>(data, &mut words)?;
    let scale_of = |&scale: &u8| i32::from(scale as i8);
    if !rest.is_empty() || scales.iter().any(|s| !(-126..=126).contains(&scale_of(s))) {
        return Err(Error::damaged("a checkpoint with bytes that mean nothing"));
    }
    let mut rest = (&mut values[..], &words[..]);
    for (length, scale) in lengths.iter().zip(scales) {
        let (_, down) = powers(scale_of(scale));
        let (these, values) = rest.0.split_at_mut(*length);
        let (halves, words) = rest.1.split_at(*length);
        for (value, &word) in these.iter_mut().zip(halves) {
            *value += f16::from_bits(word as u16).to_f32() * down;
        }
        rest = (values, words);
    }
    Ok(())
}
