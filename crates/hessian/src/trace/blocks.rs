use super::hutchinson::sample;
use super::params::LEAST_SAMPLES;
use super::{Ended, Estimate, Method, Trace, TraceError};
use crate::operator::Operator;
use crate::progress::Observer;
use crate::vectors::dot;
use std::ops::Range;

/// Traces of blocks on the diagonal, for example of every layer, from the same products.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockTraces {
    /// One estimate for each range, in their order.
    pub blocks: Vec<Estimate>,
    /// Products spent.
    pub products: usize,
    /// Why it ended.
    pub ended: Ended,
}

impl Trace {
    /// The trace of every block `H[range, range]`: `z_range^T (H z)_range` of the same random vectors.
    /// What couples a block to the rest has mean 0 and adds to its standard error; to measure a block
    /// without that noise, at the price of products of its own, estimate the trace of
    /// [`crate::Restricted`]. A target holds for each block as a share of the sum of all their
    /// magnitudes.
    ///
    /// # Errors
    /// When the method is not Hutchinson's, a range is empty or beyond the dimension, before any work;
    /// when a product cannot be had.
    pub fn blocks(
        &self,
        operator: &dyn Operator,
        ranges: &[Range<usize>],
        observer: Observer,
    ) -> Result<BlockTraces, TraceError> {
        if self.params().method != Method::Hutchinson {
            return Err(TraceError::Method);
        }
        check(ranges, operator.dim())?;
        let mut samples = vec![vec![]; ranges.len()];
        let mut products = 0;
        loop {
            let sampled = sample(self, operator, &mut products)?;
            for (z, hz) in sampled.iter() {
                for (list, range) in samples.iter_mut().zip(ranges) {
                    list.push(dot(&z[range.clone()], &hz[range.clone()]));
                }
            }
            let of = |list: &Vec<f64>| Estimate::of(0.0, list.clone(), products);
            let blocks: Vec<Estimate> = samples.iter().map(of).collect();
            let worst = worst(&blocks);
            let enough = products >= LEAST_SAMPLES;
            if let Some(ended) = self.ended(&worst, enough, 1, observer) {
                return Ok(finish(blocks, products, ended));
            }
        }
    }
}

fn finish(mut blocks: Vec<Estimate>, products: usize, ended: Ended) -> BlockTraces {
    blocks.iter_mut().for_each(|block| block.ended = ended);
    BlockTraces {
        blocks,
        products,
        ended,
    }
}

/// The largest standard error, beside the sum of magnitudes as its mean.
fn worst(blocks: &[Estimate]) -> Estimate {
    let mean = blocks.iter().map(|block| block.mean.abs()).sum();
    let errors = blocks.iter().map(|block| block.standard_error);
    Estimate {
        mean,
        standard_error: errors.fold(0.0, f64::max),
        samples: vec![],
        ..blocks[0].clone()
    }
}

pub(super) fn check(ranges: &[Range<usize>], dim: usize) -> Result<(), TraceError> {
    if ranges.is_empty() || dim == 0 {
        return Err(TraceError::Empty);
    }
    match ranges.iter().find(|r| r.is_empty() || r.end > dim) {
        Some(&Range { start, end }) => Err(TraceError::Range { start, end, dim }),
        None => Ok(()),
    }
}
