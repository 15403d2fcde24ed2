use super::GridError;
use serde::{Deserialize, Serialize};

/// `count` evenly spaced values from `min` to `max`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Axis {
    min: f64,
    max: f64,
    count: usize,
}

#[derive(Deserialize)]
struct Unchecked {
    min: f64,
    max: f64,
    count: usize,
}

impl TryFrom<Unchecked> for Axis {
    type Error = GridError;

    fn try_from(Unchecked { min, max, count }: Unchecked) -> Result<Self, GridError> {
        Axis::new(min, max, count)
    }
}

impl Axis {
    /// An axis from `min` to `max`.
    ///
    /// A single point lies in the middle of its range, so that `min` may then equal `max`.
    ///
    /// # Errors
    /// When `count` is 0, an end is not finite, the range does not run upwards, or the step is too
    /// small for f64 to tell neighbours apart.
    pub fn new(min: f64, max: f64, count: usize) -> Result<Self, GridError> {
        let axis = Axis { min, max, count };
        axis.check()?;
        Ok(axis)
    }

    /// First value.
    pub fn min(&self) -> f64 {
        self.min
    }

    /// Last value.
    pub fn max(&self) -> f64 {
        self.max
    }

    /// Number of values, at least 1.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Distance between neighbours; the whole range for a single point.
    pub fn step(&self) -> f64 {
        (self.max - self.min) / (self.count.max(2) - 1) as f64
    }

    /// The value of index `i`: exactly `min` and `max` at the ends, exactly 0 in the middle of a
    /// symmetric range with an odd count, and exactly symmetric about 0 in any symmetric range.
    ///
    /// The lower half counts up from `min`, the upper half down from `max`.
    pub fn value(&self, i: usize) -> f64 {
        let from_end = (self.count - 1).saturating_sub(i);
        match i.cmp(&from_end) {
            std::cmp::Ordering::Less => self.min + i as f64 * self.step(),
            std::cmp::Ordering::Equal => self.min + (self.max - self.min) / 2.0,
            std::cmp::Ordering::Greater => self.max - from_end as f64 * self.step(),
        }
    }

    /// All values in order.
    pub fn values(&self) -> Vec<f64> {
        (0..self.count).map(|i| self.value(i)).collect()
    }

    /// The index whose value is exactly 0, when there is one.
    pub fn zero(&self) -> Option<usize> {
        self.nearest(0.0).filter(|&i| self.value(i) == 0.0)
    }

    /// The index whose value is nearest to `x`, the lower of two; `None` when `x` is not within the
    /// ends of the axis.
    pub fn nearest(&self, x: f64) -> Option<usize> {
        let (below, share) = self.locate(x)?;
        Some(if share > 0.5 { below + 1 } else { below })
    }

    /// The cell that holds `x`: the index below and the share of the way to the next, in [0, 1);
    /// `None` outside the axis. A point of the axis is found with share 0.
    pub(crate) fn locate(&self, x: f64) -> Option<(usize, f64)> {
        let last = self.count - 1;
        if !(self.value(0)..=self.value(last)).contains(&x) {
            return None;
        }
        let guess = ((x - self.min) / self.step()) as usize;
        let below = (guess.saturating_sub(1)..=(guess + 1).min(last))
            .rev()
            .find(|&i| self.value(i) <= x)?;
        if below == last {
            return Some((last, 0.0));
        }
        let (low, high) = (self.value(below), self.value(below + 1));
        Some((below, (x - low) / (high - low)))
    }

    fn check(&self) -> Result<(), GridError> {
        let &Axis { min, max, count } = self;
        if count == 0 {
            return Err(GridError::Empty);
        }
        if !(min.is_finite() && max.is_finite() && (max - min).is_finite()) {
            return Err(GridError::NotFinite { min, max });
        }
        if min > max || (min == max && count > 1) {
            return Err(GridError::Range { min, max });
        }
        let resolution = 8.0 * f64::EPSILON * min.abs().max(max.abs());
        if count > 1 && self.step() <= resolution.max(f64::MIN_POSITIVE) {
            return Err(GridError::TooFine { min, max, count });
        }
        Ok(())
    }
}
