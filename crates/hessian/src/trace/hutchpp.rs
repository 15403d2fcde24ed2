use super::hutchinson::sample;
use super::params::LEAST_SAMPLES;
use super::sketch::Sketch;
use super::{Ended, Estimate, Trace, TraceError};
use crate::operator::Operator;
use crate::progress::Observer;
use crate::vectors::{coefficients, dot};
use nalgebra::DVector;

/// Random vectors with their products, which serve again when the sketch has grown:
/// `(g - Q c)^T H (g - Q c) = g^T H g - 2 c^T Q^T H g + c^T Q^T H Q c` with `c = Q^T g`.
#[derive(Default)]
struct Rest {
    probes: Vec<Vec<f64>>,
    multiplied: Vec<Vec<f64>>,
    products: usize,
}

/// The trace on a sketch exactly, Hutchinson on what is orthogonal to it. With a target, sketch and
/// samples double until it is reached; nothing is computed twice.
pub(super) fn hutch_plus_plus(
    trace: &Trace,
    operator: &dyn Operator,
    observer: Observer,
) -> Result<Estimate, TraceError> {
    let params = *trace.params();
    let mut sketch = Sketch::default();
    let mut rest = Rest::default();
    let most = params.max_products / 3;
    let mut size = match params.target {
        Some(_) => LEAST_SAMPLES.min(most),
        None => most,
    };
    loop {
        let grow = size - sketch.probes.len().min(size);
        sketch.grow(operator, &params, grow, |stream| {
            params.probe.draw(operator.dim(), params.seed, stream)
        })?;
        // What the sketch leaves, once it is as large as it may be.
        let samples = match size == most {
            true => params.max_products - 2 * most,
            false => size,
        };
        rest.grow(trace, operator, samples)?;
        let products = sketch.products + rest.products;
        let estimate = Estimate::of(sketch.trace(), rest.samples(&sketch), products);
        let enough = samples >= LEAST_SAMPLES;
        let step = if size == most { usize::MAX / 2 } else { 1 };
        if let Some(ended) = trace.ended(&estimate, enough, step, observer) {
            let ended = if sketch.spans { Ended::Exact } else { ended };
            return Ok(Estimate { ended, ..estimate });
        }
        size = (2 * size).min(most);
    }
}

impl Rest {
    fn grow(
        &mut self,
        trace: &Trace,
        operator: &dyn Operator,
        samples: usize,
    ) -> Result<(), TraceError> {
        while self.probes.len() < samples {
            let limit = trace.with_limit(samples);
            let sampled = sample(&limit, operator, &mut self.products)?;
            self.probes.extend(sampled.probes);
            self.multiplied.extend(sampled.multiplied);
        }
        Ok(())
    }

    /// The quadratic forms of the vectors without their part in the sketch.
    fn samples(&self, sketch: &Sketch) -> Vec<f64> {
        let projected = sketch.projected();
        let pairs = self.probes.iter().zip(&self.multiplied);
        let form = |(g, hg): (&Vec<f64>, &Vec<f64>)| {
            let c = DVector::from_vec(coefficients(&sketch.basis, g));
            let across = DVector::from_vec(coefficients(&sketch.basis, hg));
            dot(g, hg) - 2.0 * c.dot(&across) + c.dot(&(&projected * &c))
        };
        pairs.map(form).collect()
    }
}
