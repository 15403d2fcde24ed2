//! What is sampled: any function of one to three numbers.

use crate::grid::Point;
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::error::Error;

/// What one point of a landscape measures.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Sample {
    /// Mean loss over the data, without the extra terms. May be NaN or infinite.
    #[serde(with = "crate::json::float")]
    pub loss: f64,
    /// Standard error of that mean over the data, `sd / sqrt(n)`, where losses a sample are known.
    #[serde(with = "crate::json::float_option")]
    pub loss_se: Option<f64>,
    /// Share of the data that is classified correctly, in [0, 1], where that means something.
    #[serde(with = "crate::json::float_option")]
    pub accuracy: Option<f64>,
    /// Values of the extra terms, not multiplied by their weights, in the order of
    /// [`Objective::terms`].
    #[serde(with = "crate::json::float_list")]
    pub terms: Vec<f64>,
}

impl Sample {
    /// A sample that is a loss and nothing else.
    pub fn of(loss: f64) -> Self {
        Sample {
            loss,
            ..Sample::default()
        }
    }

    /// The loss with its extra terms: `loss + sum_i weight_i term_i`.
    pub fn total(&self, terms: &[Term]) -> f64 {
        terms
            .iter()
            .zip(&self.terms)
            .fold(self.loss, |sum, (term, value)| sum + term.weight * value)
    }
}

/// An extra term of the loss (a regulariser, a second head), kept apart from the data loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// Its name, for example `l2`.
    pub name: String,
    /// Its factor in the total loss.
    pub weight: f64,
}

/// A function on a line, plane or volume, evaluated at many points at once.
pub trait Objective: Sync {
    /// Number of coordinates that count: 1, 2 or 3.
    fn dims(&self) -> usize;

    /// The extra terms each sample carries; none unless the objective says so.
    fn terms(&self) -> &[Term] {
        &[]
    }

    /// The samples at these points, in their order. A result must not depend on which points are
    /// evaluated together.
    ///
    /// # Errors
    /// Whatever keeps the function from being evaluated at all. A loss that overflows is not an
    /// error: it is returned as it is.
    fn evaluate(&self, points: &[Point]) -> Result<Vec<Sample>, ObjectiveError>;

    /// How many points have to be given at once, so that no part of what computes them is idle: more than 1 where several
    /// devices share them. It may change from one evaluation to the next.
    fn at_once(&self) -> usize {
        1
    }

    /// What each of several devices has computed so far, where devices share the points.
    fn shares(&self) -> Vec<DeviceShare> {
        Vec::new()
    }
}

/// What one of several devices computed that share the points of an objective.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceShare {
    /// The device, in words.
    pub device: String,
    /// Points that it computed.
    pub points: u64,
    /// Why it computes no more, where it failed; its points were then given to the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

impl DeviceShare {
    /// What was added since an earlier look at the same devices: those that computed something or failed meanwhile.
    pub fn since(now: Vec<Self>, before: &[Self]) -> Vec<Self> {
        let added = |(place, share): (usize, Self)| {
            let known = before.get(place);
            let points = share.points - known.map_or(0, |known| known.points);
            let failed = share
                .failed
                .filter(|_| known.is_none_or(|known| known.failed.is_none()));
            (points > 0 || failed.is_some()).then_some(DeviceShare {
                device: share.device,
                points,
                failed,
            })
        };
        now.into_iter().enumerate().filter_map(added).collect()
    }

    /// Adds shares to others, by the device.
    pub fn add(all: &mut Vec<Self>, more: &[Self]) {
        for share in more {
            match all.iter_mut().find(|known| known.device == share.device) {
                Some(known) => {
                    known.points += share.points;
                    known.failed = share.failed.clone().or(known.failed.take());
                }
                None => all.push(share.clone()),
            }
        }
    }
}

/// What went wrong inside an [`Objective`].
#[derive(Debug, thiserror::Error)]
#[error("the objective could not be evaluated")]
pub struct ObjectiveError(#[source] pub Box<dyn Error + Send + Sync>);

impl ObjectiveError {
    /// Wraps any error, or a message.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        ObjectiveError(source.into())
    }

    /// A panic that was caught, with its message.
    pub fn of_panic(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        let words = text.unwrap_or_else(|| "without a message".into());
        ObjectiveError::new(format!("it panicked: {words}"))
    }
}

/// An ordinary function as an [`Objective`]; made by [`from_fn`].
#[derive(Debug, Clone)]
pub struct FnObjective<const D: usize, F> {
    function: F,
}

/// Any function of one to three numbers as an [`Objective`].
///
/// ```
/// use landscape_core::{from_fn, Objective};
/// let bowl = from_fn(|[x, y]: [f64; 2]| x * x + y * y);
/// assert_eq!(bowl.evaluate(&[[1.0, 2.0, 0.0]])?[0].loss, 5.0);
/// # Ok::<(), landscape_core::ObjectiveError>(())
/// ```
pub fn from_fn<const D: usize, F: Fn([f64; D]) -> f64 + Sync>(function: F) -> FnObjective<D, F> {
    const { assert!(D >= 1 && D <= 3, "a landscape has 1 to 3 dimensions") };
    FnObjective { function }
}

impl<const D: usize, F: Fn([f64; D]) -> f64 + Sync> Objective for FnObjective<D, F> {
    fn dims(&self) -> usize {
        D
    }

    fn evaluate(&self, points: &[Point]) -> Result<Vec<Sample>, ObjectiveError> {
        let sample = |point: &Point| Sample::of((self.function)(std::array::from_fn(|i| point[i])));
        Ok(points.iter().map(sample).collect())
    }
}
