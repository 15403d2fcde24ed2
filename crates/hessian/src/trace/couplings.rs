use super::blocks::check;
use super::params::LEAST_SAMPLES;
use super::{Ended, Estimate, Method, Trace, TraceError, progress};
use crate::operator::Operator;
use crate::products::multiply;
use crate::progress::Observer;
use crate::vectors::dot;
use std::ops::Range;

/// Random vectors of a range have streams of their own, away from those of all others.
const STREAM: u64 = 1 << 32;

/// How strongly two ranges of entries are coupled: the size of the block with the rows of one and the columns of the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Coupling {
    /// The places of both among the ranges, the smaller one first; equal for a block on the diagonal.
    pub pair: [usize; 2],
    /// `||H_ij||_F^2`, the sum of the squares of the block's entries, which is `tr H_ij H_ji`.
    pub square: Estimate,
}

impl Coupling {
    /// The Frobenius norm `||H_ij||_F`. The root of an unbiased estimate is too small by about `se^2 / (2 norm)`, with the standard
    /// error of [`Coupling::norm_error`].
    pub fn norm(&self) -> f64 {
        self.square.mean.sqrt()
    }

    /// The standard error of the norm, to first order: that of the square divided by twice the norm. From 16 vectors in each range one
    /// to either side covers the norm in 63 to 68% of cases, the least where one pair of vectors makes up the block; from two to four
    /// in 42 to 61%, as Student's distribution has it: [`Coupling::interval`] knows that.
    pub fn norm_error(&self) -> f64 {
        match self.square.standard_error == 0.0 {
            true => 0.0,
            false => self.square.standard_error / (2.0 * self.norm()),
        }
    }

    /// The interval that covers the norm in this share of cases: the roots of [`Estimate::interval`] of the square, and, of fewer than
    /// eight vectors in each range, Student's of the logarithm, which no end below 0 can spoil. Intervals of 95% cover 91 to 97%, also where
    /// one pair of vectors makes up the block; Student's of the square itself cover 82 to 95%. Of a range of four parameters, whose signs
    /// are of so few kinds that vectors agree by chance, 85 to 88%.
    pub fn interval(&self, confidence: f64) -> (f64, f64) {
        let (norm, half) = (self.norm(), self.square.half_width(confidence));
        let (low, high) = self.square.interval(confidence);
        match self.square.samples.len() < LEAST_SAMPLES && half > 0.0 {
            true => {
                let factor = libm::exp(0.5 * half / self.square.mean);
                (norm / factor, norm * factor)
            }
            false => (low.max(0.0).sqrt(), high.sqrt()),
        }
    }
}

/// Couplings of all pairs of ranges.
#[derive(Debug, Clone, PartialEq)]
pub struct Couplings {
    /// Row by row, from the diagonal on: `(0, 0), (0, 1), ..., (1, 1), ...`. Empty where the observer ended it.
    pub pairs: Vec<Coupling>,
    /// Products spent.
    pub products: usize,
    /// Why it ended.
    pub ended: Ended,
}

impl Couplings {
    fn cancelled(products: usize) -> Self {
        Couplings {
            pairs: Vec::new(),
            products,
            ended: Ended::Cancelled,
        }
    }
}

impl Trace {
    /// The squared Frobenius norms of all blocks `H[range_i, range_j]`. With a random vector `z` in the entries of range `j` alone,
    /// `E ||(H z)_i||^2 = ||H_ij||_F^2` (Hutchinson's estimate of the trace of `H_ji H_ij`; Gudmundsson, Kenney and Laub 1995), so
    /// that one product is a sample of every pair that `j` is in. A sample of a pair is the mean of one from either side.
    ///
    /// The products are divided equally among the ranges; a target does not end it. Rademacher vectors have no error where a range
    /// has one entry.
    ///
    /// # Errors
    /// When the method is not Hutchinson's, a range is empty or beyond the dimension, or there are fewer than two products for each
    /// range, before any work; when a product cannot be had.
    pub fn couplings(
        &self,
        operator: &dyn Operator,
        ranges: &[Range<usize>],
        observer: Observer,
    ) -> Result<Couplings, TraceError> {
        check(ranges, operator.dim())?;
        let each = self.samples_each(ranges.len())?;
        let mut products = 0;
        let mut columns = vec![vec![vec![]; ranges.len()]; ranges.len()];
        for (place, column) in columns.iter_mut().enumerate() {
            while column[0].len() < each {
                let first = column[0].len();
                let count = self.params().block.min(each - first);
                let draw = |k: usize| self.within(operator.dim(), ranges, place, first + k);
                let vectors: Vec<Vec<f64>> = (0..count).map(draw).collect();
                let multiplied = multiply(operator, &vectors, &mut products)?;
                add(column, &multiplied, ranges);
                if observer(&progress(self.params(), products, f64::INFINITY)).is_break() {
                    return Ok(Couplings::cancelled(products));
                }
            }
        }
        Ok(Couplings {
            pairs: pairs(&columns, products),
            products,
            ended: Ended::Products,
        })
    }

    /// Random vectors in each of so many ranges, for [`Trace::couplings`].
    ///
    /// # Errors
    /// When the method is not Hutchinson's, or they are fewer than two.
    pub fn samples_each(&self, ranges: usize) -> Result<usize, TraceError> {
        let (given, least) = (self.params().max_products, 2 * ranges);
        match self.params().method {
            Method::Hutchinson if given >= least => Ok(given / ranges.max(1)),
            Method::Hutchinson => Err(TraceError::Products { given, least }),
            _ => Err(TraceError::Method),
        }
    }

    /// The k-th random vector of a range, zero elsewhere.
    fn within(&self, dim: usize, ranges: &[Range<usize>], place: usize, k: usize) -> Vec<f64> {
        let (params, range) = (self.params(), &ranges[place]);
        let stream = STREAM * (place as u64 + 1) + k as u64;
        let drawn = params.probe.draw(range.len(), params.seed, stream);
        let mut whole = vec![0.0; dim];
        whole[range.clone()].copy_from_slice(&drawn);
        whole
    }
}

/// Adds a sample of every block of a column for each product with a vector in it.
fn add(column: &mut [Vec<f64>], multiplied: &[Vec<f64>], ranges: &[Range<usize>]) {
    for product in multiplied {
        for (list, rows) in column.iter_mut().zip(ranges) {
            let part = &product[rows.clone()];
            list.push(dot(part, part));
        }
    }
}

/// Samples from both sides of every pair; `columns[j][i]` are those of the rows `i` from vectors in `j`.
fn pairs(columns: &[Vec<Vec<f64>>], products: usize) -> Vec<Coupling> {
    let count = columns.len();
    let all = (0..count).flat_map(|i| (i..count).map(move |j| [i, j]));
    all.map(|pair| {
        let [i, j] = pair;
        let sides = columns[i][j].iter().zip(&columns[j][i]);
        let samples = sides.map(|(a, b)| 0.5 * (a + b)).collect();
        Coupling {
            pair,
            square: Estimate::of(0.0, samples, products),
        }
    })
    .collect()
}
