//! Parts of values, and what stands around them.

use super::{TraceBuilder, Value, along, fits};
use crate::error::TraceError;
use crate::ops::along::copies;
use crate::ops::composed;
use crate::ops::shape::Slice;

/// What stands in the place of padding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Padding {
    /// A number.
    Constant(f32),
    /// Mirrored at the first and last element.
    Reflect,
    /// The first and last element.
    Edge,
}

impl From<Padding> for composed::Padding {
    fn from(own: Padding) -> Self {
        match own {
            Padding::Constant(number) => Self::Constant(number),
            Padding::Reflect => Self::Reflect,
            Padding::Edge => Self::Edge,
        }
    }
}

impl TraceBuilder {
    /// Weighted sums along an axis: element `o` of the result is `sum w x[i]` over the pairs `(i, w)` of `terms[o]`, 0 where there
    /// are none. `name` stands in lists of operations.
    ///
    /// # Errors
    /// [`TraceError::Build`] where there is no such axis or element.
    pub fn weighted_sums(
        &mut self,
        name: &'static str,
        x: Value,
        axis: usize,
        terms: Vec<Vec<(usize, f64)>>,
    ) -> Result<Value, TraceError> {
        let shape = self.shape(x);
        along(name, shape, axis)?;
        let length = shape[axis];
        let inside = terms.iter().flatten().all(|term| term.0 < length);
        fits(name, inside && !terms.is_empty(), || {
            format!("there are elements outside axis {axis} of {shape:?}")
        })?;
        Ok(Value(self.composer().along(name, x.0, axis, terms)))
    }

    /// The elements of an axis at given places, 0 where there is none: flips, repetitions, shifts, windows.
    ///
    /// # Errors
    /// As [`Self::weighted_sums`].
    pub fn pick(
        &mut self,
        name: &'static str,
        x: Value,
        axis: usize,
        places: impl IntoIterator<Item = Option<usize>>,
    ) -> Result<Value, TraceError> {
        self.weighted_sums(name, x, axis, copies(places))
    }

    /// Along every axis, the elements `(start, step, length)`.
    ///
    /// # Errors
    /// [`TraceError::Build`] where there are not so many.
    pub fn slice_steps(
        &mut self,
        x: Value,
        ranges: &[(usize, usize, usize)],
    ) -> Result<Value, TraceError> {
        let own = self.shape(x);
        check_ranges(own, ranges)?;
        let shape = ranges.iter().map(|r| r.2).collect();
        let ranges = ranges.iter().map(|r| (r.0, r.1)).collect();
        Ok(Value(self.composer().push(Slice { ranges }, &[x.0], shape)))
    }

    /// x with `value` in the place of the elements `(start, step)` of every axis, as many as it has.
    ///
    /// # Errors
    /// [`TraceError::Build`] where there are not so many.
    pub fn assign(
        &mut self,
        x: Value,
        value: Value,
        ranges: &[(usize, usize)],
    ) -> Result<Value, TraceError> {
        let (own, part) = (self.shape(x), self.shape(value));
        fits(
            "assign",
            own.len() == part.len() && part.len() == ranges.len(),
            || format!("{part:?} is not a part of {own:?}"),
        )?;
        let all: Vec<_> = { ranges.iter().zip(part) }
            .map(|(r, &n)| (r.0, r.1, n))
            .collect();
        check_ranges(own, &all)?;
        let value = composed::assign(&mut self.composer(), x.0, value.0, ranges);
        Ok(Value(value))
    }

    /// Elements before and after along every axis.
    ///
    /// # Errors
    /// [`TraceError::Build`] where there is not one pair for each axis, or a mirrored border is as long as the axis.
    pub fn pad(
        &mut self,
        x: Value,
        widths: &[(usize, usize)],
        padding: Padding,
    ) -> Result<Value, TraceError> {
        let own = self.shape(x);
        let fit = |(&length, &(before, after)): (&usize, &(usize, usize))| match padding {
            Padding::Constant(_) => length > 0,
            Padding::Reflect => before.max(after) < length,
            Padding::Edge => length > 0,
        };
        let all = own.len() == widths.len() && own.iter().zip(widths).all(fit);
        fits("pad", all, || {
            format!("the padding widths {widths:?} do not fit {own:?}")
        })?;
        let value = composed::pad(&mut self.composer(), x.0, widths, padding.into());
        Ok(Value(value))
    }
}

fn check_ranges(shape: &[usize], ranges: &[(usize, usize, usize)]) -> Result<(), TraceError> {
    let inside = |(&length, &(start, step, count)): (&usize, &(usize, usize, usize))| {
        let last = count.checked_sub(1).and_then(|n| n.checked_mul(step));
        let last = last.and_then(|n| n.checked_add(start));
        step > 0 && last.is_some_and(|last| last < length)
    };
    let all = shape.len() == ranges.len() && shape.iter().zip(ranges).all(inside);
    fits("slice", all, || {
        format!("(start, step, length) {ranges:?} are not within {shape:?}")
    })
}
