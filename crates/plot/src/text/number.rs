//! Numbers as a journal prints them: a true minus sign, no trailing zeros, powers of ten.

/// `10^k`, correctly rounded: 0 below the smallest f64, infinite above the largest.
pub(crate) fn pow10(k: i32) -> f64 {
    let exact = |k: i32| (0..k).fold(1.0, |p, _| p * 10.0);
    match k {
        0..=22 => exact(k),
        -22..=-1 => 1.0 / exact(-k),
        _ => read(1.0, k),
    }
}

/// `m * 10^k` by way of its digits: correctly rounded, also where `10^k` itself is not an f64.
fn read(m: f64, k: i32) -> f64 {
    let digits = format!("{m:e}");
    let (mantissa, exponent) = digits.split_once('e').unwrap_or((&digits, "0"));
    let shift: i32 = exponent.parse().unwrap_or(0);
    format!("{mantissa}e{}", shift + k)
        .parse()
        .unwrap_or(f64::NAN)
}

/// The largest `k` with `10^k <= |v|`; `v` is finite and not zero.
pub(crate) fn exponent(v: f64) -> i32 {
    let v = v.abs();
    let mut k = libm::floor(libm::log10(v)) as i32;
    if pow10(k + 1) <= v {
        k += 1;
    } else if pow10(k) > v {
        k -= 1;
    }
    k
}

/// `m * 10^k` with the fewest roundings, so that 3 and -1 give exactly 0.3.
pub(crate) fn scaled(m: f64, k: i32) -> f64 {
    match k {
        0..=22 => m * pow10(k),
        -22..=-1 => m / pow10(-k),
        _ => read(m, k),
    }
}

/// A number with a fixed count of decimals and U+2212 as its minus sign.
pub(crate) fn fixed(v: f64, decimals: usize) -> String {
    let text = format!("{:.*}", decimals, v.abs());
    let zero = text.bytes().all(|b| b == b'0' || b == b'.');
    match v < 0.0 && !zero {
        true => format!("\u{2212}{text}"),
        false => text,
    }
}

/// A count with commas between thousands.
pub(crate) fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A power as superscript digits: `10⁻³`.
fn power(k: i32) -> String {
    let digits: String = k
        .to_string()
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            d => char::from_u32('⁰' as u32 + d as u32 - '0' as u32).unwrap_or(d),
        })
        .collect();
    format!("10{digits}")
}

/// `m × 10^k`, the mantissa left out when it is one.
fn scientific(v: f64, digits: usize) -> String {
    let mut k = exponent(v);
    let mut mantissa = trimmed(fixed(scaled(v.abs(), -k), digits));
    if mantissa == "10" {
        mantissa = "1".to_owned();
        k += 1;
    }
    let sign = if v < 0.0 { "\u{2212}" } else { "" };
    match mantissa.as_str() {
        "1" => format!("{sign}{}", power(k)),
        _ => format!("{sign}{mantissa}×{}", power(k)),
    }
}

fn trimmed(text: String) -> String {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A number by itself, with up to `significant` digits.
pub(crate) fn value(v: f64, significant: usize) -> String {
    if v.is_nan() {
        return "NaN".to_owned();
    }
    if v.is_infinite() {
        return if v > 0.0 { "∞" } else { "\u{2212}∞" }.to_owned();
    }
    if v == 0.0 {
        return "0".to_owned();
    }
    let k = exponent(v);
    if !(-3..5).contains(&k) {
        return scientific(v, significant.saturating_sub(1));
    }
    let decimals = (significant as i32 - 1 - k).max(0) as usize;
    trimmed(fixed(v, decimals))
}

/// All digits that tell a number from its neighbours.
pub(crate) fn shortest(v: f64) -> String {
    let plain = v == 0.0 || (-4..16).contains(&exponent(v));
    if !v.is_finite() || !plain {
        return value(v, 17);
    }
    format!("{v}").replace('-', "\u{2212}")
}

/// The most digits that an f64 has.
const DIGITS: usize = 17;

/// Labels of evenly spaced values that are multiples of `10^step_exponent`, all written alike.
pub(crate) fn evenly_spaced(values: &[f64], step_exponent: i32) -> Vec<String> {
    let largest = values.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
    if largest == 0.0 {
        return values.iter().map(|_| "0".to_owned()).collect();
    }
    let top = exponent(largest);
    let digits = ((top - step_exponent).max(0) as usize).min(DIGITS - 1);
    let plain = (-4..5).contains(&top) || digits > 5 && (-8..DIGITS as i32).contains(&top);
    let decimals = (-step_exponent).max(0) as usize;
    let label = |v: &f64| match (plain, *v == 0.0) {
        (_, true) => fixed(0.0, if plain { decimals } else { 0 }),
        (true, _) => fixed(*v, decimals),
        (false, _) => scientific(*v, digits),
    };
    values.iter().map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_print_does() {
        assert_eq!(value(0.25, 3), "0.25");
        assert_eq!(value(-1.0, 3), "−1");
        assert_eq!(value(1e-6, 3), "10⁻⁶");
        assert_eq!(value(-2.5e7, 3), "−2.5×10⁷");
        assert_eq!(value(9.9999e7, 3), "10⁸");
        assert_eq!(value(f64::INFINITY, 3), "∞");
        assert_eq!(fixed(-0.001, 2), "0.00");
        assert_eq!(evenly_spaced(&[-0.5, 0.0, 0.5], -1), ["−0.5", "0.0", "0.5"]);
        assert_eq!(evenly_spaced(&[0.0, 2e-6], -6), ["0", "2×10⁻⁶"]);
    }

    #[test]
    fn exponents_hold_at_powers_of_ten() {
        for k in -22..=22 {
            assert_eq!(exponent(pow10(k)), k);
        }
        assert_eq!(scaled(3.0, -1), 0.3);
    }
}
