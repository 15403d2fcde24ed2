//! Matrices of many rows and few columns, in f64, cut into blocks of rows that fit a cache.
//!
//! Blocks are worked on in parallel; sums over them are taken in their order, so that results do not
//! depend on the number of threads.

use crate::numeric::transposed_product;
use nalgebra::DMatrix;
use rayon::prelude::*;

/// Rows of a block.
pub(super) const BLOCK: usize = 256;

/// Share of the largest squared length below which a column is the rounding of the others.
const DEPENDENT: f64 = 1e-14;

/// A `p x b` matrix.
#[derive(Debug, Clone)]
pub(super) struct Tall {
    blocks: Vec<DMatrix<f64>>,
}

impl Tall {
    pub(super) fn zeros(rows: usize, columns: usize) -> Self {
        let starts = (0..rows).step_by(BLOCK);
        let block = |start: usize| DMatrix::zeros(BLOCK.min(rows - start), columns);
        Tall {
            blocks: starts.map(block).collect(),
        }
    }

    pub(super) fn columns(&self) -> usize {
        self.blocks.first().map_or(0, DMatrix::ncols)
    }

    /// Calls `change(first row, block)` for every block.
    pub(super) fn for_each(&mut self, change: impl Fn(usize, &mut DMatrix<f64>) + Sync) {
        let blocks = self.blocks.par_iter_mut().enumerate();
        blocks.for_each(|(index, block)| change(index * BLOCK, block));
    }

    /// `sum over blocks of of(first row, block)`.
    pub(super) fn sum(
        &self,
        of: impl Fn(usize, &DMatrix<f64>) -> DMatrix<f64> + Sync,
    ) -> DMatrix<f64> {
        let blocks = self.blocks.par_iter().enumerate();
        let parts: Vec<_> = blocks.map(|(i, block)| of(i * BLOCK, block)).collect();
        let mut parts = parts.into_iter();
        let first = parts.next().unwrap_or_else(|| DMatrix::zeros(0, 0));
        parts.fold(first, |sum, part| sum + part)
    }

    /// `self^T other`.
    pub(super) fn transposed_times(&self, other: &Tall) -> DMatrix<f64> {
        let part = |start: usize, block: &DMatrix<f64>| {
            transposed_product(block, &other.blocks[start / BLOCK])
        };
        self.sum(part)
    }

    /// `self += factor * other * small`.
    pub(super) fn add_product(&mut self, factor: f64, other: &Tall, small: &DMatrix<f64>) {
        self.for_each(|start, block| block.gemm(factor, &other.blocks[start / BLOCK], small, 1.0));
    }

    /// `self * small`.
    pub(super) fn times(&self, small: &DMatrix<f64>) -> Tall {
        let blocks = self.blocks.par_iter().map(|block| block * small);
        Tall {
            blocks: blocks.collect(),
        }
    }

    /// One column, in one piece.
    pub(super) fn column(&self, index: usize) -> Vec<f64> {
        let blocks = self.blocks.iter();
        blocks
            .flat_map(|block| block.column(index).iter().copied().collect::<Vec<_>>())
            .collect()
    }

    /// Orthonormal columns that span the same space. What is shorter than `rounding`, or depends on
    /// the other columns, is dropped; no column may be left.
    pub(super) fn orthonormal(self, rounding: f64) -> Tall {
        self.whitened(rounding).whitened(0.0)
    }

    fn whitened(self, rounding: f64) -> Tall {
        if self.columns() == 0 {
            return self;
        }
        let eigen = self.transposed_times(&self).symmetric_eigen();
        let values = &eigen.eigenvalues;
        let least = (DEPENDENT * values.max()).max(rounding * rounding);
        let kept: Vec<usize> = (0..values.len()).filter(|&i| values[i] > least).collect();
        let mut vectors = eigen.eigenvectors.select_columns(&kept);
        for (place, &index) in kept.iter().enumerate() {
            vectors
                .column_mut(place)
                .scale_mut(values[index].sqrt().recip());
        }
        self.times(&vectors)
    }
}
