//! Values that are written in a form of their own.

use clap::ValueEnum;
use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser};
use landscape_core::path_text;
use landscape_models::TrainConfig;
use landscape_study::directions::{GridRequest, Moves};
use landscape_trace::{BatchStatistics, Precision};
use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::Path;
use std::str::FromStr;

/// Why a value cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Not counts.
    #[error("`{0}` is not a number of points: give 51, or 51x31 with one number for each axis")]
    Counts(String),
    /// Not ranges.
    #[error(
        "`{0}` is not a range: give min:max, or one range for each axis separated by commas, as in \
         -1:1,-2:2"
    )]
    Ranges(String),
    /// Not limits.
    #[error("`{0}` is not a limit: give HIGH or LOW:HIGH, finite numbers with LOW < HIGH")]
    Limits(String),
    /// No window.
    #[error("`{0}` is not a window: give A:B with A <= B, as in 0:100; A or B may be absent")]
    Window(String),
    /// No tolerance.
    #[error("`{0}` is not a share of the range of the loss between 0 and 1; give for example 0.01")]
    Tolerance(String),
    /// No size of a batch.
    #[error("`{0}` is not a number of samples: give 64, or full for all of them")]
    Batch(String),
    /// Not a number of things.
    #[error("`{given}` is not a whole number from {least} to {most}")]
    Count {
        given: String,
        least: usize,
        most: usize,
    },
}

/// Reads a value that may be a path, which need not be UTF-8; it is parsed from the text of the path, see
/// [`path_text`].
pub fn path_parser<T>() -> impl TypedValueParser<Value = T>
where
    T: FromStr + Clone + Send + Sync + 'static,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    OsStringValueParser::new().try_map(|word: OsString| path_text(Path::new(&word)).parse())
}

/// Reads one of these values by its name; help and completions list the names.
pub fn one_of<T>(all: &'static [T], name: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    let names = all.iter().map(|&one| name(one));
    PossibleValuesParser::new(names).map(move |given| {
        let found = all.iter().copied().find(|&one| name(one) == given);
        found.expect("one of the possible values")
    })
}

/// Reads the size of a batch.
pub fn batch_size(given: &str) -> Result<usize, ValueError> {
    match given.trim() {
        "full" => Ok(TrainConfig::FULL_BATCH),
        number => number
            .parse()
            .map_err(|_| ValueError::Batch(given.to_owned())),
    }
}

/// Reads a whole number within bounds; more is a typing mistake.
pub fn count<const LEAST: usize, const MOST: usize>(given: &str) -> Result<usize, ValueError> {
    let number = given.trim().parse().ok();
    let number = number.filter(|n| (LEAST..=MOST).contains(n));
    number.ok_or_else(|| ValueError::Count {
        given: given.to_owned(),
        least: LEAST,
        most: MOST,
    })
}

/// The most passes over the data.
pub const EPOCHS: usize = 1_000_000;

/// Points on the axes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts(pub Vec<usize>);

impl FromStr for Counts {
    type Err = ValueError;

    fn from_str(given: &str) -> Result<Self, ValueError> {
        let counts = given.split(['x', 'X', ',']).map(|n| n.trim().parse());
        let counts: Result<Vec<usize>, _> = counts.collect();
        counts
            .map(Counts)
            .map_err(|_| ValueError::Counts(given.to_owned()))
    }
}

/// Ends of the axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranges(pub Vec<(f64, f64)>);

impl FromStr for Ranges {
    type Err = ValueError;

    fn from_str(given: &str) -> Result<Self, ValueError> {
        let range = |text: &str| -> Option<(f64, f64)> {
            let (min, max) = text.split_once(':')?;
            Some((min.trim().parse().ok()?, max.trim().parse().ok()?))
        };
        let ranges: Option<Vec<_>> = given.split(',').map(range).collect();
        ranges
            .map(Ranges)
            .ok_or_else(|| ValueError::Ranges(given.to_owned()))
    }
}

/// The points that are asked for.
pub fn grid_request(counts: Option<&Counts>, ranges: Option<&Ranges>) -> GridRequest {
    GridRequest {
        counts: counts.map(|counts| counts.0.clone()),
        ranges: ranges.map(|ranges| ranges.0.clone()),
    }
}

/// Steps from one to another, both included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepWindow(pub RangeInclusive<u64>);

impl FromStr for StepWindow {
    type Err = ValueError;

    fn from_str(given: &str) -> Result<Self, ValueError> {
        window(given, 0, u64::MAX).map(StepWindow)
    }
}

/// Epochs from one to another, both included.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochWindow(pub RangeInclusive<f64>);

impl FromStr for EpochWindow {
    type Err = ValueError;

    fn from_str(given: &str) -> Result<Self, ValueError> {
        window(given, 0.0, f64::INFINITY).map(EpochWindow)
    }
}

fn window<T: FromStr + PartialOrd>(
    given: &str,
    least: T,
    most: T,
) -> Result<RangeInclusive<T>, ValueError> {
    let end = |text: &str, usual: T| match text.trim() {
        "" => Some(usual),
        text => text.parse().ok(),
    };
    let ends = given
        .split_once(':')
        .and_then(|(from, to)| Some((end(from, least)?, end(to, most)?)));
    match ends {
        // Not so of NaN.
        Some((from, to)) if from <= to => Ok(from..=to),
        _ => Err(ValueError::Window(given.to_owned())),
    }
}

/// Ends beyond which values are not told apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    pub low: Option<f64>,
    pub high: Option<f64>,
}

impl FromStr for Limits {
    type Err = ValueError;

    fn from_str(given: &str) -> Result<Self, ValueError> {
        let wrong = || ValueError::Limits(given.to_owned());
        let end = |text: &str| match text.trim() {
            "" => Some(None),
            text => text.parse().ok().filter(|v: &f64| v.is_finite()).map(Some),
        };
        let (low, high) = given.split_once(':').unwrap_or(("", given));
        let limits = end(low).zip(end(high));
        let (low, high) = limits.ok_or_else(wrong)?;
        match (low, high) {
            (None, None) => Err(wrong()),
            (Some(low), Some(high)) if low >= high => Err(wrong()),
            _ => Ok(Limits { low, high }),
        }
    }
}

/// Statistics of BatchNorm layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BatchNorm {
    /// Running statistics as they were trained, as in evaluation
    Frozen,
    /// Mean and variance of all samples at each point, as in training with one batch
    Batch,
    /// Running statistics estimated anew at each point from all samples, and an evaluation with them: as
    /// PyTorch's update_bn with one batch
    Reestimate,
}

impl BatchNorm {
    /// What the trace calls it.
    pub fn statistics(self) -> BatchStatistics {
        match self {
            BatchNorm::Frozen => BatchStatistics::Frozen,
            BatchNorm::Batch => BatchStatistics::Batch,
            BatchNorm::Reestimate => BatchStatistics::Reestimated,
        }
    }
}

/// What of a network moves towards another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DirectionType {
    /// Weights, and the running statistics of BatchNorm: at 1 the network is the other one
    States,
    /// Weights only; the statistics stay those of the network at 0
    Weights,
}

impl DirectionType {
    /// What the library calls it.
    pub fn moves(self) -> Moves {
        match self {
            DirectionType::States => Moves::States,
            DirectionType::Weights => Moves::Weights,
        }
    }
}

/// In which numbers products are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PrecisionName {
    /// 32-bit floats
    F32,
    /// Convolutions and matrix products in bfloat16, all else in f32
    Bf16,
}

impl PrecisionName {
    /// What the trace calls it.
    pub fn precision(self) -> Precision {
        match self {
            PrecisionName::F32 => Precision::F32,
            PrecisionName::Bf16 => Precision::Bf16,
        }
    }
}
