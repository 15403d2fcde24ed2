//! IEEE 754 half precision.

/// The nearest half-precision number, ties to even; infinite from 65520 on.
pub(super) fn from_f32(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = ((bits >> 16) & 0x8000) as u16;
    let magnitude = bits & 0x7fff_ffff;
    // 2^-14, the smallest normal number.
    if magnitude < 0x3880_0000 {
        // Adding 0.5 leaves the sum's unit in the last place at 2^-24, the unit of subnormals.
        let sum = f32::from_bits(magnitude) + 0.5;
        return sign | (sum.to_bits() - 0.5f32.to_bits()) as u16;
    }
    if magnitude >= 0x4780_0000 {
        let rest = if magnitude > 0x7f80_0000 {
            0x7e00
        } else {
            0x7c00
        };
        return sign | rest;
    }
    let odd = (magnitude >> 13) & 1;
    // The exponent's bias falls from 127 to 15; half a unit less one rounds ties down to even.
    let rounded = magnitude - ((127 - 15) << 23) + 0xfff + odd;
    sign | (rounded >> 13) as u16
}

/// The same number in single precision.
pub(super) fn to_f32(half: u16) -> f32 {
    let sign = u32::from(half & 0x8000) << 16;
    let magnitude = u32::from(half & 0x7fff);
    let bits = match magnitude {
        0..0x400 => return f32::from_bits(sign | (magnitude as f32 * 2f32.powi(-24)).to_bits()),
        0x400..0x7c00 => (magnitude << 13) + ((127 - 15) << 23),
        _ => (magnitude << 13) | 0x7f80_0000,
    };
    f32::from_bits(sign | bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_comes_back() {
        for half in 0..=u16::MAX {
            let value = to_f32(half);
            if value.is_nan() {
                assert!(to_f32(from_f32(value)).is_nan());
            } else {
                assert_eq!(from_f32(value), half, "{value}");
            }
        }
    }

    /// Between two neighbours the nearer one, and the even one in the middle.
    #[test]
    fn values_between_two_halves_go_to_the_nearer_one() {
        for half in 0..0x7bff_u16 {
            let (low, high) = (to_f32(half), to_f32(half + 1));
            let middle = (low + high) / 2.0;
            let even = half + half % 2;
            assert_eq!(from_f32(middle), even, "{low} {high}");
            assert_eq!(from_f32(-middle), even | 0x8000);
            assert_eq!(from_f32(middle.next_down()), half);
            assert_eq!(from_f32(middle.next_up()), half + 1);
        }
        assert_eq!(from_f32(65519.0), 0x7bff);
        assert_eq!(from_f32(65520.0), 0x7c00);
        assert_eq!(from_f32(f32::MAX), 0x7c00);
        assert_eq!(from_f32(f32::NEG_INFINITY), 0xfc00);
        assert_eq!(from_f32(f32::MIN_POSITIVE), 0);
    }
}
