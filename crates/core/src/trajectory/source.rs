//! Rows that are read rather than held.

use super::TrajectoryError;
use crate::params::Params;
use std::borrow::Cow;
use std::error::Error;

/// What keeps a row from being read.
pub type RowError = Box<dyn Error + Send + Sync>;

/// One row after the other.
pub type RowIter<'a> = Box<dyn Iterator<Item = Result<Cow<'a, Params>, RowError>> + 'a>;

/// Checkpoints that can be read again and again, one at a time and in order: a stored run, a list of
/// files. Held ones (`&[&Params]`) are a source too.
pub trait RowSource {
    /// Number of rows.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All rows from the first on, [`RowSource::len`] of them, the same each time.
    fn rows(&self) -> RowIter<'_>;

    /// One row, from 0. Reads those before it too; sources that can do without should.
    ///
    /// # Errors
    /// When it cannot be read, or there is none.
    fn row(&self, index: usize) -> Result<Params, RowError> {
        match self.rows().nth(index) {
            Some(row) => Ok(row?.into_owned()),
            None => Err(format!("there are {} checkpoints", self.len()).into()),
        }
    }
}

impl RowSource for [&Params] {
    fn len(&self) -> usize {
        <[&Params]>::len(self)
    }

    fn rows(&self) -> RowIter<'_> {
        Box::new(self.iter().map(|row| Ok(Cow::Borrowed(*row))))
    }
}

impl RowSource for Vec<&Params> {
    fn len(&self) -> usize {
        self.as_slice().len()
    }

    fn rows(&self) -> RowIter<'_> {
        self.as_slice().rows()
    }
}

/// Several sources one after the other: the runs of a joint plane.
pub struct Joined<'a>(pub Vec<&'a dyn RowSource>);

impl RowSource for Joined<'_> {
    fn len(&self) -> usize {
        self.0.iter().map(|source| source.len()).sum()
    }

    fn rows(&self) -> RowIter<'_> {
        Box::new(self.0.iter().flat_map(|source| source.rows()))
    }
}

/// Why rows that are read have no principal components.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// What the rows are.
    #[error(transparent)]
    Path(#[from] TrajectoryError),
    /// A row could not be read.
    #[error("checkpoint {index} could not be read")]
    Read {
        /// Which one, from 0.
        index: usize,
        /// What kept it from being read.
        #[source]
        source: RowError,
    },
    /// The source ended before the number of rows it had named, or had more of them.
    #[error("{given} checkpoints were read where {expected} were announced")]
    Length {
        /// Rows announced.
        expected: usize,
        /// Rows read.
        given: usize,
    },
}

impl StreamError {
    /// The error of rows that are held, which can be read.
    pub(super) fn of_held(self) -> TrajectoryError {
        match self {
            StreamError::Path(error) => error,
            StreamError::Read { .. } | StreamError::Length { .. } => {
                unreachable!("rows that are held are read")
            }
        }
    }
}
