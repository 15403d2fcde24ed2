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
            let (probes, multiplied) = sample(trace, operator, &mut products)?;
            samples.extend(probes.iter().zip(&multiplied).map(|(z, hz)| dot(z, hz)));
        }
        let estimate = Estimate::of(0.0, samples.clone(), products);
        let enough = samples.len() >= LEAST_SAMPLES;
        if let Some(ended) = trace.ended(&estimate, enough, 1, observer) {
            return Ok(Estimate { ended, ..estimate });
        }
    }
}

/// The next block of random vectors and their products; `products` says how many came before.
pub(super) fn sample(
    trace: &Trace,
    operator: &dyn Operator,
    products: &mut usize,
) -> Result<(Vec<Vec<f64>>, Vec<Vec<f64>>), ProductError> {
    let params = trace.params();
    let first = *products;
    let count = params.block.min(params.max_products - first);
    let draw = |i: usize| params.probe.draw(operator.dim(), params.seed, i as u64);
    let probes: Vec<Vec<f64>> = (first..first + count).map(draw).collect();
    let multiplied = multiply(operator, &probes, products)?;
    Ok((probes, multiplied))
}

impl Trace {
    /// Whether the estimate ends here, and why; `step` is what going on costs at least.
    pub(super) fn ended(
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
