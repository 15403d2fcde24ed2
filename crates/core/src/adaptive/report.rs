use serde::{Deserialize, Serialize};

/// What an adaptive run did, and how well its interpolation was found to hold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AdaptiveReport {
    /// The largest error asked for, as a share of `range`.
    #[serde(with = "crate::json::float")]
    pub tolerance: f64,
    /// Points of the grid.
    pub points: usize,
    /// Points that are measured; the others are interpolated.
    pub measured: usize,
    /// Largest finite loss measured less the smallest.
    #[serde(with = "crate::json::float")]
    pub range: f64,
    /// Measured points of the last draw, which were compared with their interpolation; 0 when no
    /// point was left to draw.
    pub checks: usize,
    /// How many draws there were; all but the last had misses.
    pub draws: usize,
    /// Largest error found at the points of the last draw, as a share of `range`: at most `tolerance`, and not
    /// below what 32-bit losses resolve, so that it is never 0. Points that were not drawn may be further off,
    /// see `missed_share`.
    #[serde(with = "crate::json::float_option", default)]
    pub max_error: Option<f64>,
    /// The error that 95% of the last draw do not exceed, likewise.
    #[serde(with = "crate::json::float_option", default)]
    pub p95_error: Option<f64>,
    /// The largest share of the interpolated points that may be off by more than `tolerance`, with a confidence
    /// of 95%: `1 - 0.05^(1 / checks)`, about `3 / checks`, since no point of the last draw was.
    #[serde(with = "crate::json::float_option", default)]
    pub missed_share: Option<f64>,
}
