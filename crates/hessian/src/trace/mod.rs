//! The trace of a matrix from products with random vectors, with standard errors.

mod error;
mod estimate;
mod hutchinson;
mod params;

pub use error::TraceError;
pub use estimate::{Ended, Estimate};
pub use params::{Method, Probe, Trace, TraceParams};

use crate::operator::Operator;
use crate::progress::{Observer, Progress, Stage, unobserved};

impl Trace {
    /// Estimates the trace.
    ///
    /// # Errors
    /// When the operator has no dimension; when a product cannot be had.
    pub fn run(&self, operator: &dyn Operator, observer: Observer) -> Result<Estimate, TraceError> {
        if operator.dim() == 0 {
            return Err(TraceError::Empty);
        }
        match self.params().method {
            Method::Hutchinson => hutchinson::hutchinson(self, operator, observer),
        }
    }

    /// As [`Trace::run`], unobserved.
    ///
    /// # Errors
    /// As [`Trace::run`].
    pub fn solve(&self, operator: &dyn Operator) -> Result<Estimate, TraceError> {
        self.run(operator, &mut unobserved)
    }
}

fn progress(params: &TraceParams, products: usize, error: f64) -> Progress {
    Progress {
        stage: Stage::Sampling,
        products,
        limit: params.max_products,
        error,
        target: params.target.unwrap_or(0.0),
    }
}
