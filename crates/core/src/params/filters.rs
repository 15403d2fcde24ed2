//! Which numbers of a tensor make one filter.

use super::{Parameter, ParamsError};
use crate::numeric;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::ops::Range;

/// How the filters of a tensor are counted. A filter is all that makes one output unit of its layer: a row of `[out, in]`, a slice of
/// `[out, in / groups, kh, kw]`, and where the outputs stand elsewhere, what these axes say.
///
/// The default are slices of axis 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FilterAxes {
    /// The first of the axes that count filters.
    pub first: usize,
    /// How many axes do, one after another; at least 1.
    pub count: usize,
    /// Blocks of the axes before, each with filters of its own: the groups of a transposed convolution
    /// (`[in, out / groups, kh, kw]`: `first` 1), the matrices of a batch (`[batch, in, out]`: `first` 2). Otherwise 1.
    pub groups: usize,
}

impl Default for FilterAxes {
    fn default() -> Self {
        Self::axis(0)
    }
}

impl FilterAxes {
    /// Slices of one axis.
    pub fn axis(axis: usize) -> Self {
        FilterAxes {
            first: axis,
            count: 1,
            groups: 1,
        }
    }

    /// The tensor as `[groups, shared, filters, rest]`; nothing where the axes do not fit.
    fn blocks(self, shape: &[usize]) -> Option<Blocks> {
        if shape.is_empty() {
            return (self == Self::default()).then_some(Blocks([1; 4]));
        }
        let end = self.first.checked_add(self.count)?;
        if self.count == 0 || self.groups == 0 || end > shape.len() {
            return None;
        }
        let product = |range: Range<usize>| shape[range].iter().product::<usize>();
        let before = product(0..self.first);
        before.is_multiple_of(self.groups).then(|| {
            Blocks([
                self.groups,
                before / self.groups,
                product(self.first..end),
                product(end..shape.len()),
            ])
        })
    }
}

/// Lengths: groups, what the filters of a group share, filters of a group, the rest of a filter.
#[derive(Clone, Copy)]
struct Blocks([usize; 4]);

impl Blocks {
    /// Where the numbers of a filter lie, in order.
    fn runs(self, filter: usize) -> impl Iterator<Item = Range<usize>> {
        let [_, shared, filters, rest] = self.0;
        let (group, own) = (filter / filters, filter % filters);
        (0..shared).map(move |i| {
            let start = ((group * shared + i) * filters + own) * rest;
            start..start + rest
        })
    }
}

impl Parameter {
    /// The same tensor with filters that other axes count.
    ///
    /// # Errors
    /// [`ParamsError::Filters`] where the tensor does not have these axes, or groups do not divide it.
    pub fn with_filters(mut self, axes: FilterAxes) -> Result<Self, ParamsError> {
        self.filter_axes = axes;
        self.check_filters()?;
        Ok(self)
    }

    /// Number of filters; none when the tensor is empty.
    pub fn filter_count(&self) -> usize {
        let Blocks([groups, _, filters, _]) = self.blocks();
        if self.data.is_empty() {
            0
        } else {
            groups * filters
        }
    }

    /// Number of values in one filter; 0 when the tensor is empty.
    pub fn filter_len(&self) -> usize {
        self.data.len() / self.filter_count().max(1)
    }

    /// The filters, each with its values in the order of the tensor: those of a transposed matrix are the rows of the matrix. None when
    /// the tensor is empty.
    pub fn filters(&self) -> impl Iterator<Item = Cow<'_, [f32]>> {
        let blocks = self.blocks();
        (0..self.filter_count()).map(move |filter| {
            let mut runs = blocks.runs(filter);
            match (runs.next(), runs.next()) {
                (Some(only), None) => Cow::Borrowed(&self.data[only]),
                _ => {
                    let values = blocks.runs(filter).flat_map(|run| &self.data[run]);
                    Cow::Owned(values.copied().collect())
                }
            }
        })
    }

    /// Gives all values anew, filter after filter in the order of [`Self::filters`].
    pub(crate) fn fill_filters(&mut self, mut value: impl FnMut() -> f32) {
        let blocks = self.blocks();
        for filter in 0..self.filter_count() {
            for run in blocks.runs(filter) {
                self.data[run].fill_with(&mut value);
            }
        }
    }

    /// Multiplies a filter by a number.
    pub(crate) fn scale_filter(&mut self, filter: usize, factor: f64) {
        for run in self.blocks().runs(filter) {
            numeric::scale(&mut self.data[run], factor);
        }
    }

    pub(crate) fn check_filters(&self) -> Result<(), ParamsError> {
        match self.filter_axes.blocks(&self.shape) {
            Some(_) => Ok(()),
            None => Err(ParamsError::Filters {
                name: self.name.clone(),
                shape: self.shape.clone(),
                axes: Box::new(self.filter_axes),
            }),
        }
    }

    /// Those of axis 0 where the axes do not fit, which no tensor of [`Params`](super::Params) has.
    fn blocks(&self) -> Blocks {
        let all = [self.filter_axes, FilterAxes::default()];
        let mut found = all.iter().filter_map(|axes| axes.blocks(&self.shape));
        found.next().unwrap_or(Blocks([1; 4]))
    }
}
