//! Choices by index, orders, and running results.

use super::{TraceBuilder, Value, along, fits};
use crate::error::TraceError;
use crate::ops::binary::Binary;
use crate::ops::composed;
use crate::ops::composed_index::{self as indices, Update};
use crate::ops::cumulative::CumulativeSum;
use crate::ops::gather::Gather;
use crate::ops::sort::ArgSort;

impl TraceBuilder {
    /// Elements along an axis at an index for each element of the result, which has the index' shape.
    ///
    /// # Errors
    /// [`TraceError::Build`] where the shapes differ along other axes.
    pub fn gather(&mut self, x: Value, axis: usize, index: Value) -> Result<Value, TraceError> {
        let shape = self.shape(index).to_vec();
        self.check_index("gather", x, axis, index)?;
        let gather = Gather { axis };
        Ok(Value(self.composer().push(gather, &[x.0, index.0], shape)))
    }

    fn check_index(
        &self,
        operation: &'static str,
        x: Value,
        axis: usize,
        index: Value,
    ) -> Result<(), TraceError> {
        let (own, shape) = (self.shape(x), self.shape(index));
        along(operation, own, axis)?;
        let same = |a: usize| a == axis || own[a] == shape[a];
        let fit = own.len() == shape.len() && (0..own.len()).all(same);
        fits(operation, fit, || {
            format!("{shape:?} are not indices along axis {axis} of {own:?}")
        })
    }

    /// Elements along an axis at the indices of a vector.
    ///
    /// # Errors
    /// [`TraceError::Build`] where `index` is not a vector or there is no such axis.
    pub fn select(&mut self, x: Value, axis: usize, index: Value) -> Result<Value, TraceError> {
        let (own, at) = (self.shape(x), self.shape(index));
        along("select", own, axis)?;
        fits("select", at.len() == 1, || {
            format!("{at:?} is not the shape of a vector")
        })?;
        Ok(Value(indices::select(
            &mut self.composer(),
            x.0,
            axis,
            index.0,
        )))
    }

    /// Rows of x at places in its first axes: `index` holds, along its last axis, one number for each of them.
    ///
    /// # Errors
    /// [`TraceError::Build`] where there are more numbers than axes.
    pub fn gather_nd(&mut self, x: Value, index: Value) -> Result<Value, TraceError> {
        self.check_places(x, index)?;
        Ok(Value(indices::gather_nd(
            &mut self.composer(),
            x.0,
            index.0,
        )))
    }

    fn check_places(&self, x: Value, index: Value) -> Result<(), TraceError> {
        let (own, at) = (self.shape(x), self.shape(index));
        let depth = at.last().copied().unwrap_or(0);
        fits("gather_nd", depth > 0 && depth <= own.len(), || {
            format!("{at:?} is not the shape of places in {own:?}")
        })
    }

    /// x updated by rows at places, see [`Self::gather_nd`].
    ///
    /// # Errors
    /// [`TraceError::Build`] where the shapes do not go together.
    pub fn scatter_nd(
        &mut self,
        x: Value,
        index: Value,
        rows: Value,
        update: Update,
    ) -> Result<Value, TraceError> {
        self.check_places(x, index)?;
        let (own, at) = (self.shape(x), self.shape(index));
        let (depth, places) = at.split_last().expect("places");
        let wanted = [places, &own[*depth..]].concat();
        let fit = self.shape(rows) == wanted;
        fits("scatter_nd", fit, || {
            format!("{:?} is not the shape of rows {wanted:?}", self.shape(rows))
        })?;
        let all = [x.0, index.0, rows.0];
        let c = &mut self.composer();
        Ok(Value(indices::scatter_nd(c, all, update)))
    }

    /// x updated along an axis by numbers at an index for each of them.
    ///
    /// # Errors
    /// [`TraceError::Build`] where the shapes do not go together.
    pub fn scatter(
        &mut self,
        x: Value,
        axis: usize,
        index: Value,
        numbers: Value,
        update: Update,
    ) -> Result<Value, TraceError> {
        self.check_index("scatter", x, axis, index)?;
        let fit = self.shape(numbers) == self.shape(index);
        fits("scatter", fit, || {
            "there is not one index for each number".into()
        })?;
        let all = [x.0, index.0, numbers.0];
        let c = &mut self.composer();
        Ok(Value(indices::scatter(c, all, axis, update)))
    }

    /// The first `count` elements in order along an axis, and their indices; equal ones stay in their order.
    ///
    /// # Errors
    /// [`TraceError::Build`] where there are not so many.
    pub fn sorted(
        &mut self,
        x: Value,
        axis: usize,
        descending: bool,
        count: usize,
    ) -> Result<[Value; 2], TraceError> {
        let own = self.shape(x);
        along("sort", own, axis)?;
        fits("sort", count > 0 && count <= own[axis], || {
            format!("axis {axis} of {own:?} does not have {count} elements")
        })?;
        let order = ArgSort { axis, descending };
        Ok(composed::sorted(&mut self.composer(), x.0, order, count).map(Value))
    }

    /// The sums of every element along an axis and all before it.
    ///
    /// # Errors
    /// [`TraceError::Build`] where there is no such axis.
    pub fn running_sum(&mut self, x: Value, axis: usize) -> Result<Value, TraceError> {
        let shape = self.shape(x).to_vec();
        along("cumsum", &shape, axis)?;
        let sum = CumulativeSum {
            axis,
            reversed: false,
        };
        Ok(Value(self.composer().push(sum, &[x.0], shape)))
    }

    /// The products of every element along an axis and all before it.
    ///
    /// # Errors
    /// As [`Self::running_sum`].
    pub fn running_product(&mut self, x: Value, axis: usize) -> Result<Value, TraceError> {
        along("cumprod", self.shape(x), axis)?;
        let c = &mut self.composer();
        let both = |c: &mut composed::Composer, a, b| c.binary(Binary::Mul, a, b);
        Ok(Value(composed::scan(c, x.0, axis, both)))
    }

    /// The greatest (or least) of every element along an axis and all before it.
    ///
    /// # Errors
    /// As [`Self::running_sum`].
    pub fn running_extreme(
        &mut self,
        x: Value,
        axis: usize,
        greatest: bool,
    ) -> Result<Value, TraceError> {
        along("cummax", self.shape(x), axis)?;
        let c = &mut self.composer();
        let both = |c: &mut composed::Composer, a, b| composed::extreme(c, a, b, greatest);
        Ok(Value(composed::scan(c, x.0, axis, both)))
    }

    /// The product along an axis, which stays with length 1.
    ///
    /// # Errors
    /// As [`Self::running_sum`], or where the axis is empty.
    pub fn product(&mut self, x: Value, axis: usize) -> Result<Value, TraceError> {
        let own = self.shape(x);
        along("prod", own, axis)?;
        fits("prod", own[axis] > 0, || {
            format!("axis {axis} of {own:?} is empty")
        })?;
        Ok(Value(composed::product(&mut self.composer(), x.0, axis)))
    }
}
