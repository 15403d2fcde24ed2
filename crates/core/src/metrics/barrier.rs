//! The barrier between two models on the line through both.

use crate::short;
use crate::surface::{Surface, Value};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How far the value rises above the chord between two models, which lie at the coordinates 0 and 1
/// of a line.
///
/// `height = max_a [f(a) - (1 - a) f(0) - a f(1)]` over `a` in [0, 1] (Frankle et al., *Linear Mode
/// Connectivity and the Lottery Ticket Hypothesis*, ICML 2020, with the chord in place of the mean
/// of the ends). It is never negative, and 0 where no point lies above the chord: the ends take
/// part.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Barrier {
    /// The height; infinite where `f` is.
    #[serde(with = "crate::json::float")]
    pub height: f64,
    /// The smallest `a` at which it is reached.
    #[serde(with = "crate::json::float")]
    pub at: f64,
    /// `f(0)` and `f(1)`.
    #[serde(with = "crate::json::float_array")]
    pub ends: [f64; 2],
}

impl fmt::Display for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [from, to] = self.ends.map(short);
        let (height, at) = (short(self.height), short(self.at));
        match self.height > 0.0 {
            true => write!(f, "{height} at {at} above the chord from {from} to {to}"),
            false => write!(f, "0: nothing lies above the chord from {from} to {to}"),
        }
    }
}

/// The barrier of a line, from its points in [0, 1], between which `f` is taken to be linear: an end
/// that is not a point of the grid is interpolated. Of an adaptive line, the points are the measured ones.
///
/// `None` where the surface is not a line, 0 or 1 is outside the grid, an end is not finite, or a point
/// between them is missing or NaN.
///
/// ```
/// use landscape_core::{Axis, Grid, Sampler, Surface, Value, barrier, from_fn};
///
/// let grid = Grid::new(vec![Axis::new(-0.5, 1.5, 41).unwrap()]).unwrap();
/// let mut line = Surface::new(grid, Vec::new());
/// let hill = from_fn(|[a]: [f64; 1]| 1.0 + a + 4.0 * a * (1.0 - a));
/// Sampler::new().run(&hill, &mut line, &mut []).unwrap();
/// let found = barrier(&line, Value::Loss).unwrap();
/// assert!((found.height - 1.0).abs() < 1e-12 && found.at == 0.5);
/// ```
pub fn barrier(surface: &Surface, value: Value) -> Option<Barrier> {
    let [axis] = surface.grid().axes() else {
        return None;
    };
    let end = |a: f64| surface.interpolate(value, [a, 0.0, 0.0]);
    let ends = [end(0.0)?, end(1.0)?];
    if !ends.iter().all(|f| f.is_finite()) {
        return None;
    }
    let mut highest = Barrier {
        height: 0.0,
        at: 0.0,
        ends,
    };
    for (flat, a) in axis.values().into_iter().enumerate() {
        let known = surface.get(flat).is_none() || surface.is_measured(flat);
        if !(0.0..=1.0).contains(&a) || !known {
            continue;
        }
        let above = surface.value(flat, value)? - (1.0 - a) * ends[0] - a * ends[1];
        if above.is_nan() {
            return None;
        }
        if above > highest.height {
            (highest.height, highest.at) = (above, a);
        }
    }
    Some(highest)
}
