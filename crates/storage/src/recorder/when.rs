//! Which steps are recorded.

use landscape_core::is_logarithmic_step;
use std::collections::BTreeSet;

/// Which steps of training are recorded. Step 0, the state before the first, always is.
///
/// ```
/// use landscape_storage::When;
///
/// let steps = |when: When| (0..=200).filter(|&step| when.is_due(step, None, 0.0)).collect::<Vec<_>>();
/// assert_eq!(steps(When::every(50)), [0, 50, 100, 150, 200]);
/// assert_eq!(steps(When::logarithmic(3)), [0, 1, 2, 5, 10, 22, 46, 100]);
/// assert_eq!(steps(When::at([3, 7])), [0, 3, 7]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum When {
    /// Every k-th step.
    Every(u64),
    /// Dense at first, then thinner: so many steps from each power of ten to the next, evenly by their
    /// logarithms.
    Logarithmic(u32),
    /// Where a pass over the data ends: the first step at which the number of whole epochs is larger
    /// than it was.
    EpochEnds,
    /// These steps.
    At(BTreeSet<u64>),
}

impl When {
    /// Every `k`-th step; 0 counts as 1.
    pub fn every(k: u64) -> Self {
        When::Every(k)
    }

    /// So many steps a power of ten; 0 counts as 1.
    pub fn logarithmic(per_decade: u32) -> Self {
        When::Logarithmic(per_decade)
    }

    /// These steps, in any order.
    pub fn at(steps: impl IntoIterator<Item = u64>) -> Self {
        When::At(steps.into_iter().collect())
    }

    /// Whether a step is recorded, at so many epochs; `before` are the epochs at the step before it,
    /// where there was one.
    pub fn is_due(&self, step: u64, before: Option<f64>, epoch: f64) -> bool {
        step == 0
            || match self {
                When::Every(k) => step.is_multiple_of((*k).max(1)),
                When::Logarithmic(n) => is_logarithmic_step(step, *n),
                When::EpochEnds => match before {
                    Some(before) => epoch.floor() > before.floor(),
                    None => epoch.fract() == 0.0,
                },
                When::At(steps) => steps.contains(&step),
            }
    }
}
