use super::params::LEAST_SAMPLES;
use super::{Ended, Estimate, Trace, TraceError};
use crate::operator::Operator;
use crate::products::{ProductError, multiply};
use crate::progress::Observer;
use crate::vectors::dot;

/// `z^T H z` of consecutive random vectors, after those that are known.
pub(super) fn hutchinson(
    trace: &Trace,
    operator: &dyn Operator,
    known: &[f64],
    observer: Observer,
) -> Result<Estimate, TraceError> {
    let mut samples = known.to_vec();
    let mut products = samples.len();
    loop {
        if products < trace.params().max_products {
            let sampled = sample(trace, operator, &mut products)?;
            samples.extend(sampled.iter().map(|(z, hz)| dot(z, hz)));
        }
        let estimate = Estimate::of(0.0, samples.clone(), products);
        let enough = samples.len() >= LEAST_SAMPLES;
        if let Some(ended) = trace.ended(&estimate, enough, 1, observer) {
            return Ok(Estimate { ended, ..estimate });
        }
    }
}

/// Random vectors and their products.
pub(super) struct Sampled {
    pub(super) probes: Vec<Vec<f64>>,
    pub(super) multiplied: Vec<Vec<f64>>,
}

impl Sampled {
    /// Every random vector with its product.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Vec<f64>, &Vec<f64>)> {
        self.probes.iter().zip(&self.multiplied)
    }
}

/// The next block of random vectors and their products; `products` says how many came before.
pub(super) fn sample(
    trace: &Trace,
    operator: &dyn Operator,
    products: &mut usize,
) -> Result<Sampled, ProductError> {
    let params = trace.params();
    let first = *products;
    let count = params.block.min(params.max_products - first);
    let draw = |i: usize| params.probe.draw(operator.dim(), params.seed, i as u64);
    let probes: Vec<Vec<f64>> = (first..first + count).map(draw).collect();
    let multiplied = multiply(operator, &probes, products)?;
    Ok(Sampled { probes, multiplied })
}

impl Trace {
    /// Whether the estimate ends here, and why; `step` is what going on costs at least.
    pub(crate) fn ended(
        &self,
        estimate: &Estimate,
        enough: bool,
        step: usize,
        observer: Observer,
    ) -> Option<Ended> {
        let params = self.params();
        let error = estimate.relative_error();
        let cancelled = observer(&super::progress(params, estimate.products, error)).is_break();
        match params.target {
            Some(target) if enough && error <= target => Some(Ended::Target),
            _ if estimate.products + step > params.max_products => Some(Ended::Products),
            _ => cancelled.then_some(Ended::Cancelled),
        }
    }
}
