//! Levels of contours.

use super::ticks::{Step, per_decade, thinned};
use super::{Transform, ValueScale};
use crate::text::number::{evenly_spaced, exponent, value};

/// One contour level, its text, and whether the figure writes it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Level {
    pub value: f64,
    pub text: String,
    pub labelled: bool,
}

/// The most levels of a linear scale; there are six at least.
const LINEAR: usize = 15;
/// Fewer levels than this of a logarithmic scale are made more, where there are any between.
const FEW: usize = 8;
/// More log levels than this are thinned to one a decade, and to one every few.
const MANY: usize = 22;
/// The levels of a decade: as many as usual, and finer and coarser ones.
const USUAL: &[f64] = &[1.0, 2.0, 5.0];
const FINER: &[f64] = &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0];
const COARSER: &[f64] = &[1.0, 3.0];

/// The most levels that are labelled, on lines and on the colour bar.
pub(crate) const LABELS: usize = 8;

/// The levels of a scale. Where it is logarithmic and its values lie mostly within a part of it, that part has as many as a
/// whole scale has: a few values far out leave no picture without lines.
pub(crate) fn of_scale(scale: &ValueScale) -> Vec<Level> {
    let usual = levels(scale.transform, scale.lo, scale.hi);
    match scale.bulk {
        Some(bulk) => filled(usual, scale.transform, bulk),
        None => usual,
    }
}

/// Levels of which those within a part of the scale are replaced by more, where they are few.
fn filled(usual: Vec<Level>, transform: Transform, (from, to): (f64, f64)) -> Vec<Level> {
    let within = |level: &Level| (from..=to).contains(&level.value);
    let few = usual.iter().filter(|level| within(level)).count();
    // Above 0 a logarithm through it is a logarithm.
    let own = if from > 0.0 {
        Transform::Log
    } else {
        transform
    };
    let inner = levels(own, from, to);
    if few >= FEW || inner.len() <= few {
        return usual;
    }
    let outer: Vec<f64> = { usual.iter() }
        .filter(|level| !within(level))
        .map(|level| level.value)
        .collect();
    let room = MANY.saturating_sub(inner.len()).max(1);
    let mut values = every(&outer, outer.len().div_ceil(room));
    values.extend(inner.iter().map(|level| level.value));
    values.sort_by(f64::total_cmp);
    labelled(values)
}

/// Levels strictly inside `(lo, hi)`, some eight to fifteen: nice multiples on a linear scale, 1-2-5 a decade on a log one;
/// more a decade, and then nice multiples, where few decades leave room for few, and fewer a decade where there are many.
pub(crate) fn levels(transform: Transform, lo: f64, hi: f64) -> Vec<Level> {
    let mut levels = candidates(transform, lo, hi);
    levels.retain(|l| l.value > lo && l.value < hi);
    levels.dedup_by(|a, b| a.value <= b.value);
    levels
}

fn candidates(transform: Transform, lo: f64, hi: f64) -> Vec<Level> {
    match transform {
        Transform::Linear | Transform::Scaled { .. } => linear(lo, hi),
        Transform::Log => log(lo, hi),
        Transform::SymLog { threshold } | Transform::Arsinh { threshold } => {
            symlog(lo, hi, threshold)
        }
    }
}

/// The levels that a user asked for, all labelled.
pub(crate) fn custom(values: &[f64]) -> Vec<Level> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.dedup();
    sorted
        .into_iter()
        .map(|v| Level {
            value: v,
            text: value(v, 4),
            labelled: true,
        })
        .collect()
}

fn inside(v: f64, lo: f64, hi: f64) -> bool {
    let margin = 1e-6 * hi - 1e-6 * lo;
    v > lo + margin && v < hi - margin
}

fn linear(lo: f64, hi: f64) -> Vec<Level> {
    let step = Step::nice(lo, hi, LINEAR);
    let multiples: Vec<i64> = step
        .within(lo, hi)
        .filter(|n| inside(step.multiple(*n), lo, hi))
        .collect();
    let values: Vec<f64> = multiples.iter().map(|n| step.multiple(*n)).collect();
    let every = values.len().div_ceil(LABELS) as i64;
    let texts = evenly_spaced(&values, step.exponent);
    multiples
        .iter()
        .zip(values.iter().zip(texts))
        .map(|(n, (value, text))| Level {
            value: *value,
            text,
            labelled: n.rem_euclid(every) == 0,
        })
        .collect()
}

fn log(lo: f64, hi: f64) -> Vec<Level> {
    let usual = within_log(lo, hi, USUAL);
    let finer = within_log(lo, hi, FINER);
    match usual.len() {
        0..FEW if finer.len() < 6 => linear(lo, hi),
        0..FEW => labelled(finer),
        FEW..=LINEAR => labelled(usual),
        _ => labelled(wide(usual.len(), |set| within_log(lo, hi, set))),
    }
}

/// The levels of a scale on which the usual ones are too many.
fn wide(usual: usize, of: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    match usual {
        0..=MANY => of(COARSER),
        _ => decades(of(&[1.0])),
    }
}

fn within_log(lo: f64, hi: f64, mantissas: &[f64]) -> Vec<f64> {
    per_decade(lo, hi, mantissas)
        .into_iter()
        .filter(|v| *v > lo * (1.0 + 1e-6) && *v < hi * (1.0 - 1e-6))
        .collect()
}

fn symlog(lo: f64, hi: f64, threshold: f64) -> Vec<Level> {
    let side = |end: f64, m: &[f64]| match end > threshold {
        true => within_log(threshold * (1.0 - 1e-5), end, m),
        false => Vec::new(),
    };
    let all = |m: &[f64]| -> Vec<f64> {
        let down = side(-lo, m).into_iter().rev().map(|v| -v);
        let zero = inside(0.0, lo, hi).then_some(0.0);
        down.chain(zero).chain(side(hi, m)).collect()
    };
    let usual = all(USUAL);
    match usual.len() {
        0..=4 => linear(lo, hi),
        5..FEW => labelled(all(FINER)),
        FEW..=LINEAR => labelled(usual),
        _ => labelled(wide(usual.len(), all)),
    }
}

/// Powers of ten, with 0 and of both signs where they are so, of which at most about [`MANY`] are kept.
fn decades(values: Vec<f64>) -> Vec<f64> {
    if values.len() <= MANY {
        return values;
    }
    let (zero, powers): (Vec<f64>, Vec<f64>) = values.iter().partition(|v| **v == 0.0);
    let mut kept = thinned(&powers, MANY);
    kept.extend(zero);
    kept.sort_by(f64::total_cmp);
    kept
}

/// Labels on all levels where they are few, else on powers of ten, and on every few of these where they are many.
fn labelled(values: Vec<f64>) -> Vec<Level> {
    let power =
        |v: f64| v == 0.0 || (v.abs() / crate::text::number::pow10(exponent(v)) - 1.0).abs() < 1e-9;
    let powers: Vec<f64> = values.iter().copied().filter(|v| power(*v)).collect();
    let shown = match (values.len(), powers.len()) {
        (..=LABELS, _) => values.clone(),
        (_, 3..) => every(&powers, powers.len().div_ceil(LABELS)),
        _ => every(&values, values.len().div_ceil(LABELS)),
    };
    let level = |v: &f64| Level {
        value: *v,
        text: value(*v, 3),
        labelled: shown.contains(v),
    };
    values.iter().map(level).collect()
}

/// Every `stride`-th value, 0 among them where it is there.
fn every(values: &[f64], stride: usize) -> Vec<f64> {
    let from = values.iter().position(|v| *v == 0.0).unwrap_or(0) % stride.max(1);
    values
        .iter()
        .copied()
        .skip(from)
        .step_by(stride.max(1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scale::{Clip, Scale};

    fn values(levels: &[Level]) -> Vec<f64> {
        levels.iter().map(|l| l.value).collect()
    }

    #[test]
    fn log_levels_are_one_two_five() {
        let found = levels(Transform::Log, 0.09, 30.0);
        assert_eq!(values(&found), [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0]);
        let many = levels(Transform::Log, 1e-12, 1e3);
        assert_eq!(many.len(), 14);
    }

    #[test]
    fn logarithmic_scales_of_one_and_a_half_to_seven_decades_have_eight_to_fifteen_levels() {
        for start in 0..20 {
            for tenths in 15..=70 {
                let lo = libm::exp10(f64::from(start) / 20.0 - 3.0);
                let hi = lo * libm::exp10(f64::from(tenths) / 10.0);
                let found = levels(Transform::Log, lo, hi).len();
                assert!((8..=15).contains(&found), "{lo} to {hi}: {found}");
            }
        }
    }

    /// Values from `low` to `high`, evenly in their logarithms, with one far below and one far above.
    fn mostly(low: f64, high: f64) -> Vec<f64> {
        let step = (high / low).ln() / 999.0;
        let bulk = (0..1000).map(|k| low * (step * f64::from(k)).exp());
        bulk.chain([low * 1e-9, high * 1e4]).collect()
    }

    #[test]
    fn values_far_out_leave_the_others_eight_to_fifteen_levels() {
        for (low, high) in [(0.5, 8.0), (0.02, 30.0), (1e-4, 2.0), (2.0, 2.9)] {
            let values = mostly(low, high);
            let scale = ValueScale::of(&values, Scale::Log, Clip::default(), None);
            let found = of_scale(&scale);
            let inside = |l: &&Level| l.value > low && l.value < high;
            let inside = found.iter().filter(inside).count();
            assert!((6..=15).contains(&inside), "{low} to {high}: {inside}");
            assert!(
                high / low < 30.0 || inside >= 8,
                "{low} to {high}: {inside}"
            );
            assert!(found.len() <= 24, "{}", found.len());
            assert!(found.windows(2).all(|w| w[0].value < w[1].value));
            let labels = found.iter().filter(|l| l.labelled).count();
            assert!((2..=LABELS).contains(&labels), "{labels}");
            assert!(found[0].value < low && found.last().unwrap().value > high);
        }
    }

    #[test]
    fn a_clip_and_a_shared_range_choose_their_levels_alone() {
        let values = mostly(0.5, 8.0);
        let clip = Clip {
            low: None,
            high: Some(20.0),
        };
        for (clip, range) in [(clip, None), (Clip::default(), Some((1e-9, 1e5)))] {
            let scale = ValueScale::of(&values, Scale::Log, clip, range);
            let usual = levels(scale.transform, scale.lo, scale.hi);
            assert_eq!(of_scale(&scale), usual);
        }
    }

    #[test]
    fn narrow_log_ranges_get_round_levels() {
        assert!(levels(Transform::Log, 2.28, 3.91).len() >= 5);
    }

    #[test]
    fn linear_levels_lie_strictly_inside() {
        let found = levels(Transform::Linear, 0.0, 2.0);
        assert_eq!(found.first().map(|l| l.value), Some(0.2));
        assert_eq!(found.last().map(|l| l.value), Some(1.8));
        assert!(found.iter().any(|l| l.labelled) && found.iter().any(|l| !l.labelled));
    }

    #[test]
    fn at_most_eight_levels_are_labelled_and_all_of_a_few() {
        let symlog = Transform::SymLog { threshold: 0.1 };
        for (transform, lo, hi) in [
            (Transform::Linear, 0.3, 5.8),
            (Transform::Linear, -1.0, 1.0),
            (Transform::Log, 0.04, 17.0),
            (Transform::Log, 1e-9, 1e9),
            (Transform::Log, 0.3, 128.0),
            (symlog, -2e5, 6e4),
        ] {
            let found = levels(transform, lo, hi);
            let labels = found.iter().filter(|l| l.labelled).count();
            assert!((2..=LABELS).contains(&labels), "{lo} {hi}: {labels}");
            assert!(found.len() > LABELS || labels == found.len());
        }
    }

    #[test]
    fn symlog_levels_cross_zero() {
        let found = values(&levels(Transform::SymLog { threshold: 0.1 }, -2.0, 60.0));
        assert!(found.contains(&0.0) && found.contains(&-1.0) && found.contains(&50.0));
        assert!(found.windows(2).all(|w| w[0] < w[1]));
    }
}
