//! Scales of every pair of f64.

use super::levels::levels;
use super::ticks::{Tick, ticks};
use super::{Clip, Scale};
use super::{Transform, ValueScale};
use proptest::prelude::*;

/// Numbers at the ends of what an f64 holds, and beside them.
const EXTREMES: [f64; 22] = [
    0.0,
    5e-324,
    1e-323,
    1e-320,
    2.2250738585072014e-308,
    1e-300,
    1e-200,
    1e-100,
    1e-17,
    0.1,
    1.0,
    1.0000000000000002,
    3.0,
    1e15,
    1e16,
    10000000000000002.0,
    1e22,
    1e100,
    1e200,
    8.9e307,
    1.7e308,
    f64::MAX,
];

fn scales() -> Vec<Scale> {
    let symlog = |threshold| Scale::SymLog { threshold };
    vec![
        Scale::Linear,
        Scale::Log,
        symlog(1.0),
        symlog(5e-324),
        symlog(1e308),
    ]
}

/// The number that a label stands for.
fn number(label: &str) -> f64 {
    let digit = |c: char| match c {
        '\u{2212}' | '⁻' => '-',
        '¹' => '1',
        '²' => '2',
        '³' => '3',
        c if ('⁰'..='⁹').contains(&c) => char::from(b'0' + (c as u32 - '⁰' as u32) as u8),
        c => c,
    };
    let plain: String = label.chars().map(digit).collect();
    let superscript = |c: char| "⁰¹²³⁴⁵⁶⁷⁸⁹⁻".contains(c);
    let text = match (label.find('×'), label.chars().any(superscript)) {
        (Some(_), _) => plain.replace("×10", "e"),
        (None, true) => plain.replacen("10", "1e", 1),
        (None, false) => plain,
    };
    text.parse()
        .unwrap_or_else(|_| panic!("{label} is not a number"))
}

fn check_ticks(ticks: &[Tick], lo: f64, hi: f64, most: usize) {
    assert!(
        ticks.windows(2).all(|w| w[0].value < w[1].value),
        "{lo:e} {hi:e}: {ticks:?}"
    );
    let labelled: Vec<&Tick> = ticks.iter().filter(|t| t.label.is_some()).collect();
    assert!(
        (1..=most.max(2) + 13).contains(&labelled.len()),
        "{lo:e} {hi:e}: {ticks:?}"
    );
    let room = 1e-6 * hi - 1e-6 * lo + 1e-9 * lo.abs().max(hi.abs());
    for tick in ticks {
        assert!(tick.value.is_finite());
        assert!(
            tick.value >= lo - room && tick.value <= hi + room,
            "{lo:e} {hi:e}: {tick:?}"
        );
    }
    for pair in labelled.windows(2) {
        assert_ne!(pair[0].label, pair[1].label, "{lo:e} {hi:e}");
    }
    for tick in labelled {
        let label = tick.label.as_deref().unwrap_or_default();
        assert!(label.chars().count() <= 26, "{label}");
        let read = number(label);
        let near = (read - tick.value).abs() <= 1e-2 * tick.value.abs() + 5e-324;
        assert!(near, "{lo:e} {hi:e}: {label} for {:e}", tick.value);
    }
}

fn check(a: f64, b: f64) {
    for kind in scales() {
        let scale = ValueScale::of(&[a, b], kind, Clip::default(), None);
        let (from, to) = scale.ends();
        assert!(
            scale.lo < scale.hi && from < to,
            "{a:e} {b:e} {kind:?}: {scale:?}"
        );
        assert!((to - from).is_finite() && scale.lo.is_finite() && scale.hi.is_finite());
        assert_eq!(
            (scale.fraction(scale.lo), scale.fraction(scale.hi)),
            (0.0, 1.0)
        );
        assert!(!scale.below && !scale.above, "{a:e} {b:e} {kind:?}");
        let middle = scale.transform.inverse(from + (to - from) / 2.0);
        assert!(
            middle >= scale.lo && middle <= scale.hi,
            "{a:e} {b:e} {kind:?}"
        );
        for most in [2, 3, 5, 8] {
            check_ticks(
                &ticks(scale.transform, scale.lo, scale.hi, most),
                scale.lo,
                scale.hi,
                most,
            );
        }
        let found = levels(scale.transform, scale.lo, scale.hi);
        assert!(found.len() <= 30 && found.windows(2).all(|w| w[0].value < w[1].value));
        assert!(
            found
                .iter()
                .all(|l| l.value > scale.lo && l.value < scale.hi)
        );
    }
}

#[test]
fn scales_hold_at_the_ends_of_f64() {
    let both = EXTREMES.iter().flat_map(|v| [*v, -v]);
    let all: Vec<f64> = both.collect();
    for a in &all {
        for b in &all {
            check(*a, *b);
        }
        check(*a, a.next_up().min(f64::MAX));
    }
}

#[test]
fn ticks_of_large_and_small_spans_are_round() {
    let labels = |lo, hi| -> Vec<String> {
        let all = ticks(Transform::Linear, lo, hi, 7);
        all.into_iter().filter_map(|t| t.label).collect()
    };
    assert_eq!(labels(-1.7e308, 1.7e308), ["−10³⁰⁸", "0", "10³⁰⁸"]);
    assert_eq!(labels(0.0, 5e-324), ["0", "5×10⁻³²⁴"]);
    assert_eq!(
        labels(1e16, 1.0000000000000002e16),
        ["10¹⁶", "1.0000000000000002×10¹⁶"]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn scales_hold_for_all_pairs(a in any::<u64>(), b in any::<u64>(), near in 0u64..5000) {
        let value = |bits: u64| Some(f64::from_bits(bits)).filter(|v| v.is_finite());
        if let (Some(a), Some(b)) = (value(a), value(b)) {
            check(a, b);
            check(a, a);
        }
        if let (Some(a), Some(b)) = (value(a), value(a.wrapping_add(near))) {
            check(a, b);
        }
    }

    #[test]
    fn transforms_are_total(bits in any::<u64>(), lo in any::<f64>(), hi in any::<f64>()) {
        let v = f64::from_bits(bits);
        for t in [Transform::Linear.over(lo, hi), Transform::Log, Transform::SymLog { threshold: 5e-324 }] {
            prop_assert!(v.is_nan() || !t.forward(v).is_nan());
            prop_assert!(v.is_nan() || t.inverse(v).is_finite());
        }
    }
}
