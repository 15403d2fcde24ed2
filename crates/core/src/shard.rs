//! Parts of a list of independent units of work, that processes without knowledge of each other compute.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// The part `number` of `of`, written `number/of`: every `of`-th unit of a list, from the one at place `number` on.
///
/// Of a list in an order from coarse to fine, as [`crate::Grid::coarse_to_fine`] has, each shard is a coarse map of the whole,
/// and so is any number of them together.
///
/// ```
/// use landscape_core::Shard;
/// let shard: Shard = "1/3".parse()?;
/// assert_eq!(shard.part(&[10, 11, 12, 13, 14]), [11, 14]);
/// # Ok::<(), landscape_core::ShardError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard {
    number: usize,
    of: usize,
}

/// The most parts of one division.
pub const MOST_SHARDS: usize = 1_000_000;

/// What is no shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// The words are none.
    #[error("`{given}` is not a shard: give K/N with whole numbers, K from 0, for example 0/16")]
    Words {
        /// What was given.
        given: String,
    },
    /// There are too many parts.
    #[error("{of} shards are more than {MOST_SHARDS}; give fewer")]
    Many {
        /// How many.
        of: usize,
    },
    /// There is no part of that number.
    #[error("there is no shard {number} of {of}: {}", numbers(*of))]
    Number {
        /// The part that was asked for.
        number: usize,
        /// How many parts there are.
        of: usize,
    },
}

fn numbers(of: usize) -> String {
    match of {
        0 => "there has to be at least one".to_owned(),
        1 => "the only one is 0/1".to_owned(),
        _ => format!("they are counted from 0/{of} to {}/{of}", of - 1),
    }
}

impl Shard {
    /// The part `number`, counted from 0, of `of`.
    ///
    /// # Errors
    /// [`ShardError::Number`] where there are no more than `number` parts, [`ShardError::Many`] beyond [`MOST_SHARDS`].
    pub fn new(number: usize, of: usize) -> Result<Self, ShardError> {
        match (number < of, of <= MOST_SHARDS) {
            (true, true) => Ok(Shard { number, of }),
            (false, _) => Err(ShardError::Number { number, of }),
            (_, false) => Err(ShardError::Many { of }),
        }
    }

    /// Its number, from 0.
    pub fn number(self) -> usize {
        self.number
    }

    /// How many parts there are, at least 1.
    pub fn of(self) -> usize {
        self.of
    }

    /// Whether the unit at a place of the list is in it.
    pub fn has(self, place: usize) -> bool {
        place % self.of == self.number
    }

    /// How many of so many units are in it.
    pub fn count(self, units: usize) -> usize {
        units.saturating_sub(self.number).div_ceil(self.of)
    }

    /// The units of a list that are in it, in their order.
    pub fn part<T: Clone>(self, units: &[T]) -> Vec<T> {
        let part = units.iter().skip(self.number).step_by(self.of);
        part.cloned().collect()
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(given: &str) -> Result<Self, ShardError> {
        let number = |word: &str| match word.bytes().all(|byte| byte.is_ascii_digit()) {
            true => word.parse().ok(),
            false => None,
        };
        let read = given.split_once('/');
        match read.and_then(|(k, n)| Some((number(k)?, number(n)?))) {
            Some((number, of)) => Shard::new(number, of),
            None => Err(ShardError::Words {
                given: given.to_owned(),
            }),
        }
    }
}

/// A set of shards, perhaps of several divisions: `0-3,7/16` are five of 16, `0/2; 1/3` two of two divisions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shards(BTreeMap<usize, BTreeSet<usize>>);

impl Shards {
    /// Adds a shard.
    pub fn insert(&mut self, shard: Shard) {
        self.0.entry(shard.of).or_default().insert(shard.number);
    }

    /// Adds all of another set.
    pub fn extend(&mut self, others: &Shards) {
        others.iter().for_each(|shard| self.insert(shard));
    }

    /// Those of each division, by the number of its parts.
    pub fn iter(&self) -> impl Iterator<Item = Shard> {
        let of = |(&of, numbers): (&usize, &BTreeSet<usize>)| {
            let numbers: Vec<usize> = numbers.iter().copied().collect();
            numbers.into_iter().map(move |number| Shard { number, of })
        };
        self.0.iter().flat_map(of)
    }

    /// Numbers of parts of its divisions, from the least.
    pub fn divisions(&self) -> Vec<usize> {
        self.0.keys().copied().collect()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the unit at a place is in one of them.
    pub fn has(&self, place: usize) -> bool {
        let one = |(of, numbers): (&usize, &BTreeSet<usize>)| numbers.contains(&(place % of));
        self.0.iter().any(one)
    }

    /// How many of so many units are in one of them.
    pub fn count(&self, units: usize) -> usize {
        match self.0.len() {
            0 | 1 => self.iter().map(|shard| shard.count(units)).sum(),
            _ => (0..units).filter(|&place| self.has(place)).count(),
        }
    }
}

impl FromIterator<Shard> for Shards {
    fn from_iter<I: IntoIterator<Item = Shard>>(shards: I) -> Self {
        let mut all = Shards::default();
        shards.into_iter().for_each(|shard| all.insert(shard));
        all
    }
}

impl fmt::Display for Shards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (of, numbers)) in self.0.iter().enumerate() {
            let between = if place > 0 { "; " } else { "" };
            write!(f, "{between}{}/{of}", ranges(numbers))?;
        }
        Ok(())
    }
}

/// Numbers as `0-3,7`.
fn ranges(numbers: &BTreeSet<usize>) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for &number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let words = ranges.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    words.collect::<Vec<_>>().join(",")
}

impl FromStr for Shards {
    type Err = ShardError;

    fn from_str(given: &str) -> Result<Self, ShardError> {
        let wrong = || ShardError::Words {
            given: given.to_owned(),
        };
        let mut all = Shards::default();
        for division in given.split("; ") {
            let (numbers, of) = division.split_once('/').ok_or_else(wrong)?;
            for range in numbers.split(',') {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                let shard = |number: &str| format!("{number}/{of}").parse::<Shard>();
                let (first, last) = (shard(first)?, shard(last)?);
                let range = first.number..=last.number;
                range.for_each(|number| all.insert(Shard { number, ..last }));
            }
        }
        Ok(all)
    }
}
