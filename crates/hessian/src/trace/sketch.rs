//! A growing orthonormal sketch of the range of a matrix, and the matrix seen through it.

use super::TraceParams;
use crate::operator::Operator;
use crate::products::{ProductError, multiply};
use crate::vectors::{coefficients, norm, orthogonalize, scale};
use nalgebra::DMatrix;

/// Share of a vector below which what is left of it after orthogonalisation is rounding.
const RANK: f64 = 1e-12;

/// Random vectors of the sketch have streams of their own, away from those of samples.
const STREAM: u64 = 1 << 40;

/// `Q`, an orthonormal basis of `H S` for random `S`, and `Q^T H Q`.
#[derive(Default)]
pub(super) struct Sketch {
    /// Random vectors that the sketch was made of.
    pub(super) probes: Vec<Vec<f64>>,
    /// `Q`.
    pub(super) basis: Vec<Vec<f64>>,
    /// `R` with `H S = Q R`: column `j` has its coefficients up to row `j`.
    pub(super) r: Vec<Vec<f64>>,
    /// The lower triangle of `Q^T H Q`.
    projected: Vec<Vec<f64>>,
    /// Whether a product lay in the span of the others: `Q` spans the range.
    pub(super) spans: bool,
    pub(super) products: usize,
}

impl Sketch {
    /// Grows by so many random vectors, twice as many products.
    pub(super) fn grow(
        &mut self,
        operator: &dyn Operator,
        params: &TraceParams,
        count: usize,
        draw: impl Fn(u64) -> Vec<f64>,
    ) -> Result<(), ProductError> {
        let mut left = count;
        while left > 0 && !self.spans {
            let block = left.min(params.block);
            left -= block;
            let first = self.probes.len();
            let probes: Vec<Vec<f64>> = (first..first + block)
                .map(|i| draw(STREAM + i as u64))
                .collect();
            let images = multiply(operator, &probes, &mut self.products)?;
            let before = self.basis.len();
            images.into_iter().for_each(|image| self.add(image));
            self.probes.extend(probes);
            let multiplied = multiply(operator, &self.basis[before..], &mut self.products)?;
            self.project(before, &multiplied);
        }
        Ok(())
    }

    fn add(&mut self, mut image: Vec<f64>) {
        let before = norm(&image);
        let split = orthogonalize(&self.basis, &mut image);
        if split.norm <= RANK * before {
            self.spans = true;
            return;
        }
        let mut column = split.coefficients;
        column.push(split.norm);
        self.r.push(column);
        scale(&mut image, 1.0 / split.norm);
        self.basis.push(image);
    }

    fn project(&mut self, first: usize, multiplied: &[Vec<f64>]) {
        for (offset, product) in multiplied.iter().enumerate() {
            let upto = first + offset + 1;
            self.projected
                .push(coefficients(&self.basis[..upto], product));
        }
    }

    /// `Q^T H Q`.
    pub(super) fn projected(&self) -> DMatrix<f64> {
        let size = self.basis.len();
        DMatrix::from_fn(size, size, |i, j| self.projected[i.max(j)][i.min(j)])
    }

    /// `tr Q^T H Q`.
    pub(super) fn trace(&self) -> f64 {
        let diagonal = self.projected.iter().enumerate();
        diagonal.map(|(i, row)| row[i]).sum()
    }
}
