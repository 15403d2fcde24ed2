//! Places and labels of ticks.

use super::Transform;
use crate::text::number::{evenly_spaced, exponent, scaled, shortest, value};
use std::ops::RangeInclusive;

/// One tick; a minor one has no label.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    pub value: f64,
    pub label: Option<String>,
}

/// A step of 1, 2 or 5 times a power of ten.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Step {
    pub mantissa: f64,
    pub exponent: i32,
}

/// The smallest positive f64.
const SMALLEST: f64 = f64::from_bits(1);
/// Beyond this many steps from 0 the multiples of a step are not told apart.
const FINEST: f64 = (1_u64 << 50) as f64;

impl Step {
    /// The smallest nice step that divides the way from `lo` to `hi` into at most `intervals` parts.
    pub fn nice(lo: f64, hi: f64, intervals: usize) -> Step {
        let parts = intervals.max(1) as f64;
        // The difference of two numbers can be too large for an f64.
        let raw = match hi - lo {
            span if span.is_finite() => span / parts,
            _ => hi / parts - lo / parts,
        };
        let raw = raw.clamp(SMALLEST, f64::MAX);
        let exponent = exponent(raw);
        [1.0, 2.0, 5.0]
            .into_iter()
            .find(|m| scaled(*m, exponent) >= raw * (1.0 - 1e-9))
            .map_or(
                Step {
                    mantissa: 1.0,
                    exponent: exponent + 1,
                },
                |mantissa| Step { mantissa, exponent },
            )
    }

    /// The `n`-th multiple.
    pub fn multiple(self, n: i64) -> f64 {
        scaled(n as f64 * self.mantissa, self.exponent)
    }

    /// Which multiples lie within `[lo, hi]`, ends included within rounding. None where the step is so
    /// small beside the ends that an f64 cannot tell its multiples apart.
    pub fn within(self, lo: f64, hi: f64) -> RangeInclusive<i64> {
        let size = self.multiple(1);
        if (lo / size).abs().max((hi / size).abs()) > FINEST {
            return RangeInclusive::new(1, 0);
        }
        let first = libm::ceil(lo / size - 1e-6) as i64;
        let last = libm::floor(hi / size + 1e-6) as i64;
        first..=last
    }
}

/// Ticks of an axis from `lo` to `hi` with at most about `most` labels.
pub(crate) fn ticks(transform: Transform, lo: f64, hi: f64, most: usize) -> Vec<Tick> {
    let most = most.max(2);
    match transform {
        Transform::Linear | Transform::Scaled { .. } => linear(lo, hi, most),
        Transform::Log => log(lo, hi, most),
        Transform::SymLog { threshold } | Transform::Arsinh { threshold } => {
            symlog(lo, hi, threshold, most)
        }
    }
}

fn linear(lo: f64, hi: f64, most: usize) -> Vec<Tick> {
    // A coarse step may hit the range once or not at all; the next finer one then serves.
    let found = (most - 1..=12)
        .map(|n| multiples(Step::nice(lo, hi, n), lo, hi))
        .find(|(values, _)| values.len() >= 2);
    // Where no round number lies between neighbours, the ends themselves are the ticks.
    let (values, labels) =
        found.unwrap_or_else(|| (vec![lo, hi], vec![shortest(lo), shortest(hi)]));
    values
        .into_iter()
        .zip(labels)
        .map(|(value, label)| Tick {
            value,
            label: Some(label),
        })
        .collect()
}

/// The multiples of a step in `[lo, hi]` and their labels; none where labels or values coincide.
fn multiples(step: Step, lo: f64, hi: f64) -> (Vec<f64>, Vec<String>) {
    let slack = 1e-6 * step.multiple(1);
    let values: Vec<f64> = step
        .within(lo, hi)
        .map(|n| step.multiple(n))
        .filter(|v| v.is_finite() && *v >= lo - slack && *v <= hi + slack)
        .collect();
    let labels = evenly_spaced(&values, step.exponent);
    let apart = values.windows(2).all(|w| w[0] < w[1]) && labels.windows(2).all(|w| w[0] != w[1]);
    match apart {
        true => (values, labels),
        false => (Vec::new(), Vec::new()),
    }
}

/// Values `m * 10^k` in `[lo, hi]` for the given mantissas; `lo > 0`.
pub(crate) fn per_decade(lo: f64, hi: f64, mantissas: &[f64]) -> Vec<f64> {
    let (first, last) = (exponent(lo), exponent(hi));
    let mut values: Vec<f64> = (first..=last)
        .flat_map(|k| mantissas.iter().map(move |m| scaled(*m, k)))
        .filter(|v| v.is_finite() && *v >= lo * (1.0 - 1e-9) && *v <= hi * (1.0 + 1e-9))
        .collect();
    // The smallest numbers have no digits to tell mantissas apart.
    values.dedup();
    values
}

const MINOR: [f64; 8] = [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];

fn log(lo: f64, hi: f64, most: usize) -> Vec<Tick> {
    let decades = per_decade(lo, hi, &[1.0]);
    let of = |least: usize| {
        let sets = [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0, 5.0]].into_iter();
        let mut fits = sets.map(|m| per_decade(lo, hi, m));
        fits.find(|v| v.len() >= least && v.len() <= most)
    };
    let major = match (of(3), decades.len()) {
        (Some(fine), 0..=3) => fine,
        (_, 0 | 1) => match of(2).filter(|_| hi >= 10.0 * lo) {
            Some(few) => few,
            // Within a decade, round steps.
            None => return linear(lo, hi, most),
        },
        _ => thinned(&decades, most),
    };
    let minor = match decades.len() <= 2 * most {
        true => per_decade(lo, hi, &[&[1.0][..], &MINOR].concat()),
        false => decades,
    };
    merge(&major, &minor)
}

/// Every k-th decade, so that about `most` are left, 1 among them when it is there.
pub(super) fn thinned(decades: &[f64], most: usize) -> Vec<f64> {
    let stride = decades.len().div_ceil(most) as i32;
    decades
        .iter()
        .copied()
        .filter(|v| exponent(*v).rem_euclid(stride) == 0)
        .collect()
}

fn merge(major: &[f64], minor: &[f64]) -> Vec<Tick> {
    let labelled = major.iter().map(|v| Tick {
        value: *v,
        label: Some(value(*v, 3)),
    });
    let plain = minor.iter().filter(|v| !major.contains(v)).map(|v| Tick {
        value: *v,
        label: None,
    });
    let mut all: Vec<Tick> = labelled.chain(plain).collect();
    all.sort_by(|a, b| a.value.total_cmp(&b.value));
    all
}

fn symlog(lo: f64, hi: f64, threshold: f64, most: usize) -> Vec<Tick> {
    if hi <= threshold && lo >= -threshold {
        return linear(lo, hi, most);
    }
    let up = positive_part(hi, threshold);
    let down = positive_part(-lo, threshold);
    let room = most.saturating_sub(1).max(1);
    let stride = (up.len() + down.len()).div_ceil(room).max(1) as i32;
    // Powers of ten that stand a stride apart, also from 0.
    let start = |v: &f64| {
        let apart = exponent(*v) - exponent(threshold) + 1;
        exponent(*v).rem_euclid(stride) == 0 && 2 * apart > stride
    };
    let zero = (lo <= 0.0 && hi >= 0.0).then_some(0.0);
    let major: Vec<f64> = down
        .iter()
        .filter(|v| start(v))
        .map(|v| -v)
        .chain(zero)
        .chain(up.iter().copied().filter(|v| start(v)))
        .filter(|v| *v >= lo && *v <= hi)
        .collect();
    if major.len() < 2 {
        return linear(lo, hi, most);
    }
    let minor: Vec<f64> = down
        .iter()
        .map(|v| -v)
        .chain(up.iter().copied())
        .filter(|v| *v >= lo && *v <= hi)
        .collect();
    merge(&major, &minor)
}

/// The decades between the threshold and the end of one side.
fn positive_part(end: f64, threshold: f64) -> Vec<f64> {
    match end > threshold {
        true => per_decade(threshold, end, &[1.0]),
        false => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(t: &[Tick]) -> Vec<&str> {
        t.iter().filter_map(|t| t.label.as_deref()).collect()
    }

    #[test]
    fn linear_ticks_are_round_and_include_the_ends() {
        let t = ticks(Transform::Linear, -1.0, 1.0, 5);
        assert_eq!(labels(&t), ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
        let t = ticks(Transform::Linear, 0.0, 60000.0, 7);
        assert_eq!(t.last().map(|t| t.value), Some(60000.0));
    }

    #[test]
    fn log_ticks_follow_the_span() {
        let t = ticks(Transform::Log, 1e-6, 1.0, 8);
        assert_eq!(
            labels(&t),
            ["10⁻⁶", "10⁻⁵", "10⁻⁴", "0.001", "0.01", "0.1", "1"]
        );
        let t = ticks(Transform::Log, 0.3, 40.0, 8);
        assert_eq!(labels(&t), ["0.5", "1", "2", "5", "10", "20"]);
        let t = ticks(Transform::Log, 0.13, 0.8, 6);
        assert_eq!(labels(&t), ["0.2", "0.4", "0.6", "0.8"]);
        let t = ticks(Transform::Log, 0.033, 0.88, 3);
        assert_eq!(labels(&t), ["0.05", "0.1", "0.5"]);
        let t = ticks(Transform::Log, 2.28, 3.91, 6);
        assert!(labels(&t).len() >= 3);
    }

    #[test]
    fn symlog_ticks_hold_zero_and_both_signs() {
        let t = ticks(Transform::SymLog { threshold: 0.1 }, -10.0, 100.0, 9);
        assert!(labels(&t).contains(&"0") && labels(&t).contains(&"−10"));
        assert!(t.windows(2).all(|w| w[0].value < w[1].value));
    }
}
