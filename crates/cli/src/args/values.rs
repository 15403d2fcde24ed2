//! Values that are written in a form of their own.

use clap::Args;
use clap::builder::{OsStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use landscape_core::{Adaptive, Choice, path_text};
use landscape_models::TrainConfig;
use landscape_study::directions::GridRequest;
use landscape_study::text::{Counts, Ranges};
use std::ffi::OsString;
use std::path::Path;
use std::str::FromStr;

/// Why a value cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// No tolerance.
    #[error(
        "`{0}` is not a fraction of the range of the loss between 0 and 1; give for example 0.01"
    )]
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

/// Reads one of these by its name; help and completions list the names, with what each of them is.
pub fn choice<T: Choice>(all: &'static [T]) -> impl TypedValueParser<Value = T> {
    let value = |one: &T| match one.sentence() {
        Some(sentence) => PossibleValue::new(one.word()).help(sentence),
        None => PossibleValue::new(one.word()),
    };
    PossibleValuesParser::new(all.iter().map(value)).map(move |given| {
        let found = all.iter().copied().find(|one| one.word() == given);
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

/// Reads the tolerance of adaptive sampling.
pub fn tolerance(given: &str) -> Result<Adaptive, ValueError> {
    let share = given.trim().parse().ok();
    let adaptive = share.and_then(|share| Adaptive::new(share).ok());
    adaptive.ok_or_else(|| ValueError::Tolerance(given.to_owned()))
}

/// The points of a plane.
#[derive(Debug, Clone, Args)]
pub struct GridArgs {
    /// Points on each axis: 51, or 51x31; by default 51, or 41 towards other parameters
    #[arg(long, value_name = "N[xM]")]
    pub grid: Option<Counts>,
    /// min:max of the coordinates, or one range per axis separated by commas; by default -1:1, towards
    /// other parameters -0.5:1.5, or 0:1 where running variances move, which may become negative outside
    #[arg(long, value_name = "MIN:MAX", allow_hyphen_values = true)]
    pub range: Option<Ranges>,
}

impl GridArgs {
    /// What the library is asked for.
    pub fn request(&self) -> GridRequest {
        GridRequest {
            counts: self.grid.as_ref().map(|counts| counts.0.clone()),
            ranges: self.range.as_ref().map(|ranges| ranges.0.clone()),
        }
    }
}
