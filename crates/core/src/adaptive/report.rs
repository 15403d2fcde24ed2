use serde::{Deserialize, Serialize};
use std::fmt;

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

impl fmt::Display for AdaptiveReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (measured, points) = (self.measured, self.points);
        let share = 100.0 * measured as f64 / points as f64;
        write!(
            f,
            "adaptive: {measured} of {points} points measured ({share:.1}%)"
        )?;
        let (Some(largest), Some(missed)) = (self.max_error, self.missed_share) else {
            return f.write_str("; nothing is interpolated");
        };
        write!(
            f,
            ", the rest interpolated; {} points drawn to check it are off by at most {} of the range, so that with \
             95% confidence at most {} of the rest are off by more than {}",
            self.checks,
            percent(largest),
            percent(missed),
            percent(self.tolerance)
        )
    }
}

/// A share as a percentage of two significant digits.
fn percent(share: f64) -> String {
    let text = format!("{:.1e}", 100.0 * share);
    format!("{}%", text.parse().unwrap_or(100.0 * share))
}
