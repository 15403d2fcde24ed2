//! The points that verify the tolerance, and what they find.

use super::hierarchy::Hierarchy;
use crate::rng::Rng;

/// The fewest points of which none misses when 95% of all are good, with 95% confidence:
/// `0.95^59 < 0.05`.
const FEWEST: usize = 59;
/// With which the share of misses is bounded.
const CONFIDENCE: f64 = 0.95;
/// At most one in so many points left is drawn.
const MOST: usize = 4;
/// The seed of the draws; each has a stream of its own.
const SEED: u64 = 0x4c61_6e64_7363_6170;

/// Points not measured, drawn at random: first such that every row, column and layer with such a
/// point is visited, as far as there may be so many, then any.
pub(super) fn draw(hierarchy: &Hierarchy, measured: &[bool], draw: usize) -> Vec<usize> {
    let mut left: Vec<usize> = (0..measured.len()).filter(|&f| !measured[f]).collect();
    Rng::new(SEED, draw as u64).shuffle(&mut left);
    let most = left.len().div_ceil(MOST);
    let enough = FEWEST.min(most);
    let mut drawn = Vec::new();
    if hierarchy.dims() > 1 {
        visit_all(hierarchy, &mut left, most, &mut drawn);
    }
    left.truncate(enough.saturating_sub(drawn.len()));
    drawn.extend(left);
    drawn
}

/// Moves points to `drawn`, first those that visit a new index on every axis, last those that do
/// so on one.
fn visit_all(hierarchy: &Hierarchy, left: &mut Vec<usize>, most: usize, drawn: &mut Vec<usize>) {
    let counts = hierarchy.axes().iter().map(|axis| axis.count());
    let mut visited: Vec<Vec<bool>> = counts.map(|count| vec![false; count]).collect();
    for new in (1..=hierarchy.dims()).rev() {
        left.retain(|&flat| {
            let indices = hierarchy.unravel(flat);
            let fresh = (0..3).filter(|&axis| !visited[axis][indices[axis]]).count();
            let take = fresh >= new && drawn.len() < most;
            if take {
                drawn.push(flat);
                for (axis, index) in indices.into_iter().enumerate() {
                    visited[axis][index] = true;
                }
            }
            !take
        });
    }
}

/// Errors of the interpolation at points drawn for it.
#[derive(Debug, Clone)]
pub(super) struct Errors(Vec<f64>);

impl Errors {
    /// Of errors in any order; one that is not a number is infinite.
    pub(super) fn of(errors: impl Iterator<Item = f64>) -> Self {
        let number = |error: f64| if error.is_nan() { f64::INFINITY } else { error };
        let mut errors: Vec<f64> = errors.map(number).collect();
        errors.sort_by(f64::total_cmp);
        Errors(errors)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many exceed a tolerance.
    pub(super) fn above(&self, tolerance: f64) -> usize {
        self.0.len() - self.0.partition_point(|&error| error <= tolerance)
    }

    pub(super) fn max(&self) -> Option<f64> {
        self.0.last().copied()
    }

    /// The largest share of all points that may miss, with a confidence of 95%, when none of those drawn does:
    /// `(1 - share)^n = 0.05`. Of few points drawn from few it is less than this.
    pub(super) fn missed_share(&self) -> Option<f64> {
        let n = self.0.len();
        (n > 0).then(|| -libm::expm1(libm::log(1.0 - CONFIDENCE) / n as f64))
    }

    /// The smallest error that at least 95% do not exceed.
    pub(super) fn p95(&self) -> Option<f64> {
        let place = (self.0.len() * 95).div_ceil(100);
        self.0.get(place.checked_sub(1)?).copied()
    }
}
