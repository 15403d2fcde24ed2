//! Final losses summed up.

use super::Trained;
use landscape_core::diagnosis::thresholds::LEARNT;
use landscape_core::json::float;
use landscape_core::named;
use serde::Serialize;

/// What became of a training, by its first and its last loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// The loss fell by at least a twentieth of the first one
    /// ([`LEARNT`]).
    Learnt,
    /// It did not.
    Stuck,
    /// It is above the first one, NaN or infinite.
    Diverged,
}

named!(Fate, "fate of a training", {
    Learnt => "learnt",
    Stuck => "stuck",
    Diverged => "diverged",
});

impl Fate {
    /// Of a training that began with the one loss and ended with the other.
    pub fn of(first: f64, last: f64) -> Self {
        match last {
            _ if !last.is_finite() || last > first => Fate::Diverged,
            _ if first - last < LEARNT * first.abs() => Fate::Stuck,
            _ => Fate::Learnt,
        }
    }
}

/// The final losses of several trainings. Those that are NaN or infinite are counted and take no
/// further part; all figures are NaN where none is left, and those that need two where one is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Statistics {
    /// Trainings.
    pub count: usize,
    /// Final losses that are finite.
    pub finite: usize,
    /// Their mean.
    #[serde(with = "float")]
    pub mean: f64,
    /// Their standard deviation, `sqrt(sum (l - mean)^2 / (n - 1))`.
    #[serde(with = "float")]
    pub std: f64,
    /// Standard error of the mean, `std / sqrt(n)`.
    #[serde(with = "float")]
    pub standard_error: f64,
    /// The smallest.
    #[serde(with = "float")]
    pub min: f64,
    /// The middle one; the mean of the two in the middle where their number is even.
    #[serde(with = "float")]
    pub median: f64,
    /// The largest.
    #[serde(with = "float")]
    pub max: f64,
    /// Trainings that ended above their first loss, or not finite.
    pub diverged: usize,
    /// Trainings whose loss fell by less than a twentieth of the first one.
    pub stuck: usize,
}

impl Statistics {
    /// Of trainings.
    pub fn of(trained: &[Trained]) -> Self {
        let ends = trained.iter().map(|t| (t.first.loss, t.last.loss));
        Statistics::of_losses(&ends.collect::<Vec<_>>())
    }

    /// Of pairs of first and final loss.
    pub fn of_losses(losses: &[(f64, f64)]) -> Self {
        let mut last: Vec<f64> = { losses.iter().map(|pair| pair.1) }
            .filter(|loss| loss.is_finite())
            .collect();
        last.sort_by(f64::total_cmp);
        let n = last.len() as f64;
        let mean = last.iter().sum::<f64>() / n;
        let squares: f64 = last.iter().map(|loss| (loss - mean).powi(2)).sum();
        let std = match last.len() {
            0 | 1 => f64::NAN,
            _ => (squares / (n - 1.0)).sqrt(),
        };
        let fates = |fate| losses.iter().filter(|l| Fate::of(l.0, l.1) == fate).count();
        Statistics {
            count: losses.len(),
            finite: last.len(),
            mean,
            std,
            standard_error: std / n.sqrt(),
            min: last.first().copied().unwrap_or(f64::NAN),
            median: median(&last),
            max: last.last().copied().unwrap_or(f64::NAN),
            diverged: fates(Fate::Diverged),
            stuck: fates(Fate::Stuck),
        }
    }
}

/// Of rising numbers.
fn median(rising: &[f64]) -> f64 {
    let middle = rising.len() / 2;
    match rising.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => rising[middle],
        _ => (rising[middle - 1] + rising[middle]) / 2.0,
    }
}
