//! From a value to its place on a scale: linear, logarithmic, or logarithmic through zero.

pub(crate) mod levels;
pub(crate) mod ticks;

use crate::error::PlotError;
use crate::text::number::{exponent, pow10, value};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// The scale of values: of colours, heights, and the vertical axis of curves.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Scale {
    /// Proportional.
    #[default]
    Linear,
    /// Logarithmic. Where values are zero or negative it becomes [`Scale::SymLog`] with a threshold
    /// chosen from the values, and the figure's caption names it.
    Log,
    /// `v / t` for `|v| <= t`, `sign(v) (1 + log10(|v| / t))` beyond.
    SymLog {
        /// The threshold `t > 0`.
        threshold: f64,
    },
}

/// Ends beyond which values are not told apart. Colour bars get an arrow where something lies
/// beyond; 3D surfaces are cut open there.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clip {
    /// Lower end; the smallest value when absent.
    pub low: Option<f64>,
    /// Upper end; the largest value when absent.
    pub high: Option<f64>,
}

impl FromStr for Clip {
    type Err = PlotError;

    /// Reads `HIGH` or `LOW:HIGH`, of which one may be empty.
    fn from_str(given: &str) -> Result<Self, PlotError> {
        let wrong = || PlotError::Limits(given.to_owned());
        let end = |text: &str| match text.trim() {
            "" => Some(None),
            text => text.parse().ok().filter(|v: &f64| v.is_finite()).map(Some),
        };
        let (low, high) = given.split_once(':').unwrap_or(("", given));
        let limits = end(low).zip(end(high));
        let (low, high) = limits.ok_or_else(wrong)?;
        match (low, high) {
            (None, None) => Err(wrong()),
            (Some(low), Some(high)) if low >= high => Err(wrong()),
            _ => Ok(Clip { low, high }),
        }
    }
}

/// The function between values and places. All are strictly increasing, and a place is always a number that sums
/// and products of a few can be made of without overflow or underflow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Transform {
    /// `v`.
    Linear,
    /// `v * unit`, with a power of two: linear, for values so large or so close that an f64 does not hold their
    /// differences.
    Scaled { unit: f64 },
    /// `log10 v`, for positive values.
    Log,
    /// `v / t` up to the threshold `t`, `sign(v) (1 + log10(|v| / t))` beyond it.
    SymLog { threshold: f64 },
    /// `arsinh(5 v / t) / ln 10`: that of the same threshold within 0.005 beyond it, without its kink there. Curves over
    /// such an axis have no corner that their values have not.
    Arsinh { threshold: f64 },
}

/// Linear scales are scaled where a value, or their span, is not within these.
const SPAN: (f64, f64) = (1e-100, 1e100);
/// Where an area hyperbolic sine is a logarithm, to the last digit.
const LARGE: f64 = 1e10;
/// No place is further from 0 than this.
const FAR: f64 = 1e100;

impl Transform {
    /// This transform, in a form that suits the range `[lo, hi]`.
    pub fn over(self, lo: f64, hi: f64) -> Self {
        let largest = lo.abs().max(hi.abs());
        let fits = largest <= SPAN.1 && hi - lo >= SPAN.0;
        match self {
            Transform::Linear if !fits && largest > 0.0 => Transform::Scaled {
                unit: libm::ldexp(1.0, (-libm::ilogb(largest)).min(1023)),
            },
            other => other,
        }
    }

    /// The place of a value; minus infinity for values that a plain logarithm cannot show.
    pub fn forward(self, v: f64) -> f64 {
        match self {
            Transform::Linear => v.clamp(-FAR, FAR),
            Transform::Scaled { unit } => (v * unit).clamp(-FAR, FAR),
            Transform::Log if v <= 0.0 => f64::NEG_INFINITY,
            Transform::Log => libm::log10(v),
            Transform::SymLog { threshold } if v.abs() <= threshold => v / threshold,
            Transform::SymLog { threshold } => {
                let decades = match v.abs() / threshold {
                    ratio if ratio.is_finite() => libm::log10(ratio),
                    _ => libm::log10(v.abs()) - libm::log10(threshold),
                };
                (1.0 + decades).copysign(v)
            }
            Transform::Arsinh { threshold } => match 5.0 * (v / threshold) {
                ratio if ratio.abs() < LARGE => libm::asinh(ratio) / std::f64::consts::LN_10,
                _ => Transform::SymLog { threshold }.forward(v),
            },
        }
    }

    /// The value at a place; the largest or smallest f64 where there is none.
    pub fn inverse(self, t: f64) -> f64 {
        let v = match self {
            Transform::Linear => t,
            Transform::Scaled { unit } => t / unit,
            Transform::Log => libm::exp10(t).max(f64::from_bits(1)),
            Transform::SymLog { threshold } if t.abs() <= 1.0 => t * threshold,
            Transform::SymLog { threshold } => {
                let size = match libm::exp10(t.abs() - 1.0) {
                    ratio if ratio.is_finite() => threshold * ratio,
                    _ => libm::exp10(t.abs() - 1.0 + libm::log10(threshold)),
                };
                size.copysign(t)
            }
            Transform::Arsinh { threshold } => match libm::sinh(t * std::f64::consts::LN_10) {
                ratio if ratio.abs() < LARGE => ratio / 5.0 * threshold,
                _ => return Transform::SymLog { threshold }.inverse(t),
            },
        };
        v.clamp(-f64::MAX, f64::MAX)
    }
}

/// A value scale: what is shown from where to where, and what lies beyond.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ValueScale {
    pub transform: Transform,
    pub lo: f64,
    pub hi: f64,
    /// Values lie below `lo`.
    pub below: bool,
    /// Values lie above `hi`.
    pub above: bool,
    /// Of a logarithmic scale of its values' own range: the part that all but the lowest and the highest hundredth of them
    /// lie in.
    pub bulk: Option<(f64, f64)>,
    /// What the figure has to say about the scale.
    pub notes: Vec<String>,
}

impl ValueScale {
    /// The scale of the finite values among `values`. Without any, it runs from 1 to 10.
    pub fn of(values: &[f64], scale: Scale, clip: Clip, range: Option<(f64, f64)>) -> Self {
        let known = finite_range(values);
        let (min, max) = known.unwrap_or((1.0, 10.0));
        let (lo, hi) = range.unwrap_or((clip.low.unwrap_or(min), clip.high.unwrap_or(max)));
        let (lo, hi) = widened(lo, hi, scale);
        let transform = choose(scale, lo, hi, range.map_or(values, |_| &[]));
        let mut notes = Vec::new();
        if let (Transform::SymLog { threshold }, Some(_)) = (transform, known) {
            notes.push(format!(
                "the scale is logarithmic, and linear between −{0} and {0}",
                value(threshold, 3)
            ));
        }
        let whole = range.is_none() && clip == Clip::default();
        let logarithmic = matches!(transform, Transform::Log | Transform::SymLog { .. });
        let mut scale = ValueScale {
            transform,
            lo,
            hi,
            below: false,
            above: false,
            bulk: (whole && logarithmic).then(|| bulk(values)).flatten(),
            notes,
        };
        (scale.below, scale.above) = (scale.is_below(min), scale.is_above(max));
        scale
    }

    /// How far beyond its ends the scale still counts a value as within.
    fn slack(&self) -> f64 {
        1e-9 * self.hi - 1e-9 * self.lo
    }

    /// Whether a value lies below the lower end.
    pub fn is_below(&self, v: f64) -> bool {
        v < self.lo - self.slack()
    }

    /// Whether a value lies above the upper end.
    pub fn is_above(&self, v: f64) -> bool {
        v > self.hi + self.slack()
    }

    /// Place of a value from 0 (`lo`) to 1 (`hi`), not clamped.
    pub fn fraction(&self, v: f64) -> f64 {
        let (a, b) = self.ends();
        (self.transform.forward(v) - a) / (b - a)
    }

    /// The transformed ends.
    pub fn ends(&self) -> (f64, f64) {
        (
            self.transform.forward(self.lo),
            self.transform.forward(self.hi),
        )
    }
}

/// The smallest and largest finite values.
pub(crate) fn finite_range(values: &[f64]) -> Option<(f64, f64)> {
    values.iter().filter(|v| v.is_finite()).fold(None, |r, v| {
        let (a, b) = r.unwrap_or((*v, *v));
        Some((a.min(*v), b.max(*v)))
    })
}

/// Where the finite values lie but for the lowest and the highest hundredth; nothing where these are one.
fn bulk(values: &[f64]) -> Option<(f64, f64)> {
    let mut known: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    let last = known.len().checked_sub(1)?;
    let mut nth = |place: usize| *known.select_nth_unstable_by(place, f64::total_cmp).1;
    let (from, to) = (nth(last / 100), nth(last - last / 100));
    (from < to).then_some((from, to))
}

/// Ends that are apart, also for a constant surface.
fn widened(lo: f64, hi: f64, scale: Scale) -> (f64, f64) {
    let (lo, hi) = (lo.min(hi), lo.max(hi));
    if hi - lo > 1e-12 * lo.abs().max(hi.abs()) {
        return (lo, hi);
    }
    let (a, b) = match (scale, lo) {
        (_, 0.0) => (-0.5, 0.5),
        (Scale::Linear, v) => (v - 0.1 * v.abs(), v + 0.1 * v.abs()),
        (_, v) if v > 0.0 => (v / 1.5, v * 1.5),
        (_, v) => (v * 1.5, v / 1.5),
    };
    let (a, b) = (a.max(-f64::MAX), b.min(f64::MAX));
    // A tenth of the smallest numbers is nothing.
    match a < b {
        true => (a, b),
        false => (a.next_down(), b.next_up()),
    }
}

fn choose(scale: Scale, lo: f64, hi: f64, values: &[f64]) -> Transform {
    match scale {
        Scale::Linear => Transform::Linear.over(lo, hi),
        Scale::Log if lo > 0.0 => Transform::Log,
        Scale::Log => Transform::SymLog {
            threshold: threshold(lo, hi, values),
        },
        // Up to its threshold the scale is linear.
        Scale::SymLog { threshold } if lo.abs().max(hi.abs()) <= threshold => {
            Transform::Linear.over(lo, hi)
        }
        Scale::SymLog { threshold } => Transform::SymLog { threshold },
    }
}

/// Where a logarithm that has to pass zero turns linear: a power of ten. With losses that reach
/// zero but not below, just under the smallest positive one; with losses of both signs, at the
/// tenth of the values nearest to zero; never beyond six decades below the largest.
fn threshold(lo: f64, hi: f64, values: &[f64]) -> f64 {
    let largest = lo.abs().max(hi.abs());
    let mut sizes: Vec<f64> = values
        .iter()
        .filter(|v| v.is_finite() && **v != 0.0)
        .map(|v| v.abs())
        .collect();
    sizes.sort_by(f64::total_cmp);
    let nth = if lo < 0.0 { sizes.len() / 10 } else { 0 };
    let near = sizes.get(nth).copied().unwrap_or(largest * 1e-3);
    let bounded = near.clamp(largest * 1e-6, largest).max(f64::MIN_POSITIVE);
    pow10(exponent(bounded)).max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod all_numbers;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transforms_invert_and_increase() {
        for t in [
            Transform::Linear,
            Transform::Log,
            Transform::SymLog { threshold: 0.01 },
            Transform::Arsinh { threshold: 0.01 },
        ] {
            let values: &[f64] = match t {
                Transform::Log => &[1e-5, 0.3, 1.0, 900.0],
                _ => &[-50.0, -0.01, -1e-3, 0.0, 1e-3, 0.3, 900.0],
            };
            for v in values {
                assert!((t.inverse(t.forward(*v)) - v).abs() <= 1e-12 * v.abs().max(1e-9));
            }
            assert!(values.windows(2).all(|w| t.forward(w[0]) < t.forward(w[1])));
        }
    }

    #[test]
    fn the_smooth_logarithm_is_that_of_its_threshold_without_the_kink() {
        let (smooth, kinked) = (
            Transform::Arsinh { threshold: 0.01 },
            Transform::SymLog { threshold: 0.01 },
        );
        for v in [0.01, -0.02, 0.3, 7.0, -1e9, 1e300, -f64::MAX] {
            assert!((smooth.forward(v) - kinked.forward(v)).abs() < 0.005, "{v}");
            assert!((smooth.inverse(smooth.forward(v)) / v - 1.0).abs() < 1e-11);
        }
        let slope = |v: f64| (smooth.forward(v + 1e-7) - smooth.forward(v)) / 1e-7;
        assert!((slope(0.01 - 2e-7) / slope(0.01 + 2e-7) - 1.0).abs() < 1e-3);
    }

    #[test]
    fn zero_and_negative_values_turn_the_log_symmetric() {
        let clip = Clip::default();
        let scale = ValueScale::of(&[0.0, 1e-3, 10.0], Scale::Log, clip, None);
        assert_eq!(scale.transform, Transform::SymLog { threshold: 1e-3 });
        assert_eq!(scale.notes.len(), 1);
        let scale = ValueScale::of(&[-2.0, 0.5, 3.0], Scale::Log, clip, None);
        assert!(matches!(scale.transform, Transform::SymLog { .. }));
        assert!(scale.fraction(-2.0) == 0.0 && scale.fraction(3.0) == 1.0);
    }

    #[test]
    fn clipping_keeps_the_plain_log_and_marks_the_ends() {
        let clip = Clip {
            low: Some(0.1),
            high: Some(5.0),
        };
        let scale = ValueScale::of(&[0.0, 1.0, 10.0], Scale::Log, clip, None);
        assert_eq!(scale.transform, Transform::Log);
        assert!(scale.below && scale.above);
    }

    #[test]
    fn constant_and_empty_values_have_a_scale() {
        for values in [&[2.0, 2.0][..], &[0.0], &[-3.0], &[f64::NAN], &[]] {
            for scale in [Scale::Linear, Scale::Log] {
                let s = ValueScale::of(values, scale, Clip::default(), None);
                assert!(s.lo < s.hi && s.ends().0 < s.ends().1, "{values:?}");
            }
        }
    }
}
