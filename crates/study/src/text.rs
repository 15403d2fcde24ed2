//! Values in the form in which people write them: `51x31`, `-1:1,-2:2`, `0..10`, `adam=0.001`.

use landscape_core::UnknownName;
use landscape_models::OptimizerKind;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Why a text cannot be read as a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Not counts.
    #[error("`{0}` is not a number of points: give 51, or 51x31 with one number for each axis")]
    Counts(String),
    /// Not ranges.
    #[error(
        "`{0}` is not a range: give min:max, or one range for each axis separated by commas, as in \
         -1:1,-2:2"
    )]
    Ranges(String),
    /// No window.
    #[error("`{0}` is not a window: give A:B with A <= B, as in 0:100; A or B may be left out")]
    Window(String),
    /// No optimiser.
    #[error(transparent)]
    Optimizer(#[from] UnknownName),
    /// No learning rate.
    #[error("`{0}` is not a learning rate: give NAME=RATE, as in adam=0.001")]
    Rate(String),
    /// No seeds.
    #[error("`{0}` names no seeds: give a range as in 0..10, or a list as in 1,2,5")]
    Seeds(String),
    /// A range without anything in it.
    #[error("the range `{0}` is empty: 0..10 are the seeds 0 to 9")]
    Empty(String),
    /// More than anyone wants.
    #[error("`{0}` are more than {MOST} seeds; give a shorter range")]
    Many(String),
}

/// Points on the axes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts(pub Vec<usize>);

impl FromStr for Counts {
    type Err = TextError;

    fn from_str(given: &str) -> Result<Self, TextError> {
        let counts = given.split(['x', 'X', ',']).map(|n| n.trim().parse());
        let counts: Result<Vec<usize>, _> = counts.collect();
        counts
            .map(Counts)
            .map_err(|_| TextError::Counts(given.to_owned()))
    }
}

/// Ends of the axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranges(pub Vec<(f64, f64)>);

impl FromStr for Ranges {
    type Err = TextError;

    fn from_str(given: &str) -> Result<Self, TextError> {
        let range = |text: &str| -> Option<(f64, f64)> {
            let (min, max) = text.split_once(':')?;
            Some((min.trim().parse().ok()?, max.trim().parse().ok()?))
        };
        let ranges: Option<Vec<_>> = given.split(',').map(range).collect();
        ranges
            .map(Ranges)
            .ok_or_else(|| TextError::Ranges(given.to_owned()))
    }
}

/// From one to another, both included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window<T>(pub RangeInclusive<T>);

impl FromStr for Window<u64> {
    type Err = TextError;

    fn from_str(given: &str) -> Result<Self, TextError> {
        window(given, 0, u64::MAX)
    }
}

impl FromStr for Window<f64> {
    type Err = TextError;

    fn from_str(given: &str) -> Result<Self, TextError> {
        window(given, 0.0, f64::INFINITY)
    }
}

fn window<T: FromStr + PartialOrd>(given: &str, least: T, most: T) -> Result<Window<T>, TextError> {
    let end = |text: &str, usual: T| match text.trim() {
        "" => Some(usual),
        text => text.parse().ok(),
    };
    let ends = given
        .split_once(':')
        .and_then(|(from, to)| Some((end(from, least)?, end(to, most)?)));
    match ends {
        // Not so of NaN.
        Some((from, to)) if from <= to => Ok(Window(from..=to)),
        _ => Err(TextError::Window(given.to_owned())),
    }
}

/// An optimiser, with a learning rate of its own where there is one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rated {
    /// The optimiser.
    pub optimizer: OptimizerKind,
    /// Its learning rate.
    pub lr: Option<f64>,
}

impl FromStr for Rated {
    type Err = TextError;

    fn from_str(given: &str) -> Result<Self, TextError> {
        let (name, rate) = match given.split_once('=') {
            None => (given, None),
            Some((name, rate)) => (name, Some(rate)),
        };
        let wrong = |_| TextError::Rate(rate.unwrap_or_default().to_owned());
        Ok(Rated {
            optimizer: name.trim().parse()?,
            lr: rate
                .map(|rate| rate.trim().parse().map_err(wrong))
                .transpose()?,
        })
    }
}

/// Seeds to train with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeds(pub Vec<u64>);

/// More seeds than this are refused as a typing mistake.
const MOST: u64 = 10_000;

impl FromStr for Seeds {
    type Err = TextError;

    fn from_str(given: &str) -> Result<Self, TextError> {
        let wrong = || TextError::Seeds(given.to_owned());
        let number = |text: &str| text.trim().parse::<u64>().map_err(|_| wrong());
        let Some((first, end)) = given.split_once("..") else {
            let list = given.split(',').map(number);
            return Ok(Seeds(list.collect::<Result<_, _>>()?));
        };
        let first = number(first)?;
        let end = match end.strip_prefix('=') {
            Some(last) => number(last)?.checked_add(1).ok_or_else(wrong)?,
            None => number(end)?,
        };
        match end.saturating_sub(first) {
            0 => Err(TextError::Empty(given.to_owned())),
            n if n > MOST => Err(TextError::Many(given.to_owned())),
            _ => Ok(Seeds((first..end).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read() {
        assert_eq!("51x31".parse(), Ok(Counts(vec![51, 31])));
        assert_eq!(
            "-1:1, -2:2".parse(),
            Ok(Ranges(vec![(-1.0, 1.0), (-2.0, 2.0)]))
        );
        assert_eq!(":9".parse(), Ok(Window(0u64..=9)));
        assert_eq!("0.5:".parse(), Ok(Window(0.5..=f64::INFINITY)));
        assert_eq!("3..=5".parse(), Ok(Seeds(vec![3, 4, 5])));
        let adam = Rated {
            optimizer: OptimizerKind::Adam,
            lr: Some(0.001),
        };
        assert_eq!("adam=0.001".parse(), Ok(adam));
    }

    #[test]
    fn what_cannot_be_read_says_what_is_expected() {
        let wrong = |given: &str| given.to_owned();
        assert_eq!("5x".parse::<Counts>(), Err(TextError::Counts(wrong("5x"))));
        assert_eq!("1".parse::<Ranges>(), Err(TextError::Ranges(wrong("1"))));
        assert_eq!(
            "9:1".parse::<Window<u64>>(),
            Err(TextError::Window(wrong("9:1")))
        );
        assert_eq!(
            "NaN:1".parse::<Window<f64>>(),
            Err(TextError::Window(wrong("NaN:1")))
        );
        assert_eq!(
            "4..4".parse::<Seeds>(),
            Err(TextError::Empty(wrong("4..4")))
        );
        assert_eq!(
            "0..99999".parse::<Seeds>(),
            Err(TextError::Many(wrong("0..99999")))
        );
        assert_eq!(
            "sgd=fast".parse::<Rated>(),
            Err(TextError::Rate(wrong("fast")))
        );
        assert!(matches!(
            "lbfgs".parse::<Rated>(),
            Err(TextError::Optimizer(_))
        ));
    }
}
