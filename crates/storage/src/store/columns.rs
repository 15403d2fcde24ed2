//! Points as columns, which is how they are fast to write and to read.

use crate::error::Error;
use duckdb::arrow::array::{Array, ArrayRef, BooleanArray, Float64Array, Int32Array};
use duckdb::arrow::record_batch::RecordBatch;
use landscape_core::{Grid, Measured, Sample};
use std::collections::HashSet;
use std::sync::Arc;

/// The columns `i, j, k, alpha, beta, gamma, loss, loss_se, accuracy` and one for each term. Of
/// several samples of one point the first counts; coordinates beyond the grid's axes are NULL.
pub(super) fn of_points(grid: &Grid, points: &[Measured]) -> Result<RecordBatch, Error> {
    let mut seen = HashSet::with_capacity(points.len());
    let points: Vec<&Measured> = points.iter().filter(|p| seen.insert(p.index)).collect();
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    let indices: Vec<[usize; 3]> = points.iter().map(|p| grid.unravel(p.index)).collect();
    for (axis, name) in ["i", "j", "k"].into_iter().enumerate() {
        let column = Int32Array::from_iter_values(indices.iter().map(|n| n[axis] as i32));
        columns.push((name.to_owned(), Arc::new(column)));
    }
    for (axis, name) in crate::schema::COORDINATES.into_iter().enumerate() {
        let values = grid.axes().get(axis).map(|axis| axis.values());
        let value = |n: &[usize; 3]| values.as_ref().map(|values| values[n[axis]]);
        let column: Float64Array = indices.iter().map(value).collect();
        columns.push((name.to_owned(), Arc::new(column)));
    }
    let mut measure = |name: String, value: &dyn Fn(&Sample) -> Option<f64>| {
        let column: Float64Array = points.iter().map(|p| value(&p.sample)).collect();
        columns.push((name, Arc::new(column)));
    };
    measure("loss".to_owned(), &|sample| Some(sample.loss));
    measure("loss_se".to_owned(), &|sample| sample.loss_se);
    measure("accuracy".to_owned(), &|sample| sample.accuracy);
    let terms = points.first().map_or(0, |p| p.sample.terms.len());
    for term in 0..terms {
        measure(format!("t{term}"), &|sample| Some(sample.terms[term]));
    }
    RecordBatch::try_from_iter(columns).map_err(|error| Error::damaged(error.to_string()))
}

/// The columns `i, j, k, interpolated, loss, loss_se, accuracy` and one for each term, as they are
/// read.
pub(super) struct PointColumns<'a> {
    indices: [&'a Int32Array; 3],
    interpolated: &'a BooleanArray,
    measures: Vec<&'a Float64Array>,
}

impl<'a> PointColumns<'a> {
    pub(super) fn of(batch: &'a RecordBatch) -> Result<Self, Error> {
        let columns = batch.columns();
        let wrong = || Error::damaged("the columns of `points` have other types");
        let integers = |at: usize| columns[at].as_any().downcast_ref().ok_or_else(wrong);
        let floats = |column: &'a ArrayRef| column.as_any().downcast_ref().ok_or_else(wrong);
        Ok(PointColumns {
            indices: [integers(0)?, integers(1)?, integers(2)?],
            interpolated: columns[3].as_any().downcast_ref().ok_or_else(wrong)?,
            measures: columns[4..].iter().map(floats).collect::<Result<_, _>>()?,
        })
    }

    /// Indices that are negative become ones outside every grid.
    pub(super) fn indices(&self, row: usize) -> [usize; 3] {
        self.indices
            .map(|column| usize::try_from(column.value(row)).unwrap_or(usize::MAX))
    }

    pub(super) fn is_interpolated(&self, row: usize) -> bool {
        self.interpolated.is_valid(row) && self.interpolated.value(row)
    }

    pub(super) fn sample(&self, row: usize) -> Result<Sample, Error> {
        let value = |column: &Float64Array| column.is_valid(row).then(|| column.value(row));
        let needed = |column: &&Float64Array| {
            value(column).ok_or_else(|| Error::damaged("a point lacks its loss or a term"))
        };
        Ok(Sample {
            loss: needed(&self.measures[0])?,
            loss_se: value(self.measures[1]),
            accuracy: value(self.measures[2]),
            terms: self.measures[3..]
                .iter()
                .map(needed)
                .collect::<Result<_, _>>()?,
        })
    }
}
