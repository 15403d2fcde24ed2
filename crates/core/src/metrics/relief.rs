//! The height of a surface over its minimum, on a scale that a few huge values do not set.

use super::basin::DEPTH;
use super::topology::MergeTree;

/// Share of the values below which a difference is rounding: losses are f32 results.
const RESOLUTION: f64 = 1e-6;

/// Shares of the points up to the quantiles that bound the robust range.
const QUANTILES: [f64; 2] = [0.25, 0.5];

/// Heights over the minimum and the scale on which they count.
pub(super) struct Relief {
    min: f64,
    /// See [`Metrics::robust_range`](super::Metrics::robust_range).
    pub(super) range: f64,
    /// Height up to which the scale is linear, and logarithmic beyond; above 0.
    pub(super) depth: f64,
}

impl Relief {
    pub(super) fn of(values: &[f64], min: f64, range: f64) -> Self {
        let mut rising: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        rising.sort_unstable_by(f64::total_cmp);
        let bound = |share: f64| {
            let quantile = quantile(&rising, share);
            let rise = quantile - min;
            let rounding = RESOLUTION * quantile.abs().max(min.abs());
            (rise > rounding).then_some(rise / (share * share))
        };
        let bounds = QUANTILES.into_iter().filter_map(bound);
        let range = bounds.fold(range.min(f64::MAX), f64::min);
        Relief {
            min,
            range,
            depth: (DEPTH * range).max(f64::MIN_POSITIVE),
        }
    }

    /// Height over the minimum; the largest number where it overflows.
    pub(super) fn rise(&self, value: f64) -> f64 {
        (value - self.min).min(f64::MAX)
    }

    /// The height, linear within `depth` and logarithmic beyond.
    pub(super) fn compressed(&self, value: f64) -> f64 {
        (self.rise(value) / self.depth).asinh()
    }

    /// See [`Metrics::trap_depth`](super::Metrics::trap_depth).
    pub(super) fn deepest(&self, tree: &MergeTree) -> f64 {
        let decided = tree.merges.iter().filter(|m| tree.is_decided(m.minimum));
        let depth = |birth: f64, level: f64| {
            let birth = self.compressed(birth).max(0.0);
            (self.compressed(level) - birth).min(birth)
        };
        decided.map(|m| depth(m.birth, m.level)).fold(0.0, f64::max)
    }
}

/// The quantile of rising values, linear between them.
fn quantile(rising: &[f64], share: f64) -> f64 {
    let place = share * (rising.len() - 1) as f64;
    let (low, part) = (place.floor() as usize, place.fract());
    let high = (low + 1).min(rising.len() - 1);
    rising[low] * (1.0 - part) + rising[high] * part
}
