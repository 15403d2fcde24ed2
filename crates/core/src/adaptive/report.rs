use serde::{Deserialize, Serialize};

/// What an adaptive run did, and how well its interpolation was found to hold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AdaptiveReport {
    /// The largest error asked for, as a share of `range`.
    pub tolerance: f64,
    /// Points of the grid.
    pub points: usize,
    /// Points that are measured; the others are interpolated.
    pub measured: usize,
    /// Largest finite loss measured less the smallest.
    pub range: f64,
    /// Measured points of the last draw, which were compared with their interpolation; 0 when no
    /// point was left to draw.
    pub checks: usize,
    /// How many draws there were; all but the last had misses.
    pub draws: usize,
    /// Largest error of the last draw, as a share of `range`; at most `tolerance`.
    pub max_error: Option<f64>,
    /// The error that 95% of the last draw do not exceed, likewise.
    pub p95_error: Option<f64>,
}
