use super::PowerParams;
use crate::lanczos::Stop;
use crate::operator::Operator;
use crate::products::{ProductError, multiply_one};
use crate::progress::{Observer, Progress, Stage};
use crate::vectors::{add_scaled, dot, gaussian, norm, orthogonalize, scale};

/// A unit vector with its product, and the part of that orthogonal to the pairs found before.
#[derive(Clone)]
struct Step {
    vector: Vec<f64>,
    product: Vec<f64>,
    deflated: Vec<f64>,
}

impl Step {
    fn value(&self) -> f64 {
        dot(&self.vector, &self.deflated)
    }

    /// The residual within what is orthogonal to the pairs found before.
    fn residual(&self) -> f64 {
        let mut residual = self.deflated.clone();
        add_scaled(&mut residual, -self.value(), &self.vector);
        norm(&residual)
    }

    fn combine(&self, a: f64, other: &Step, b: f64) -> Step {
        let mix = |x: &[f64], y: &[f64]| {
            let mut mixed = x.to_vec();
            scale(&mut mixed, a);
            add_scaled(&mut mixed, b, y);
            mixed
        };
        Step {
            vector: mix(&self.vector, &other.vector),
            product: mix(&self.product, &other.product),
            deflated: mix(&self.deflated, &other.deflated),
        }
    }

    fn scaled(mut self, factor: f64) -> Step {
        for part in [&mut self.vector, &mut self.product, &mut self.deflated] {
            scale(part, factor);
        }
        self
    }
}

/// One pair in the making.
pub(super) struct Iteration {
    next: Vec<f64>,
    /// The pair of smallest residual, as a share of what is allowed, with its residual.
    best: Option<(Step, f64)>,
    /// The largest magnitude of an eigenvalue so far.
    largest: f64,
}

/// Share of what is allowed that a vector must reach within what is orthogonal to the others.
const MARGIN: f64 = 0.5;

impl Iteration {
    /// From a random vector orthogonal to those found.
    pub(super) fn new(dim: usize, seed: u64, found: &[Vec<f64>], largest: f64) -> Self {
        let mut next = gaussian(dim, seed, found.len() as u64);
        normalize(&mut next, found);
        Iteration {
            next,
            best: None,
            largest,
        }
    }

    /// The pair of smallest residual: its vector, the product with it, its residual.
    pub(super) fn best(self) -> Option<(Vec<f64>, Vec<f64>, f64)> {
        self.best
            .map(|(step, residual)| (step.vector, step.product, residual))
    }

    pub(super) fn run(
        &mut self,
        params: &PowerParams,
        operator: &dyn Operator,
        found: &[Vec<f64>],
        products: &mut usize,
        observer: Observer,
    ) -> Result<Stop, ProductError> {
        let mut before: Option<Step> = None;
        loop {
            if *products >= params.max_products {
                return Ok(Stop::Products);
            }
            let step = self.multiply(operator, found, products)?;
            let (error, settled) = self.judge(params, &step, before.as_ref());
            let progress = Progress {
                stage: Stage::Iterating,
                products: *products,
                limit: params.max_products,
                error,
                target: params.tolerance,
            };
            let cancelled = observer(&progress).is_break();
            if settled {
                return Ok(Stop::Converged);
            }
            if cancelled {
                return Ok(Stop::Cancelled);
            }
            self.next = step.deflated.clone();
            normalize(&mut self.next, found);
            before = Some(step);
        }
    }

    fn multiply(
        &mut self,
        operator: &dyn Operator,
        found: &[Vec<f64>],
        products: &mut usize,
    ) -> Result<Step, ProductError> {
        let vector = std::mem::take(&mut self.next);
        let product = multiply_one(operator, &vector, products)?;
        let mut deflated = product.clone();
        orthogonalize(found, &mut deflated);
        Ok(Step {
            vector,
            product,
            deflated,
        })
    }

    /// Looks at this step, and at it together with the one before, and keeps the best pair so far; the
    /// relative residual of this step, and whether that is small enough.
    fn judge(&mut self, params: &PowerParams, step: &Step, before: Option<&Step>) -> (f64, bool) {
        let pair = before.and_then(|before| two_dimensional(before, step));
        let mut best = (step.clone(), step.residual());
        if let Some(pair) = pair {
            let residual = pair.residual();
            if residual < best.1 {
                best = (pair, residual);
            }
        }
        let (value, residual) = (best.0.value(), best.1);
        self.largest = self.largest.max(value.abs());
        let allowed = |value: f64| params.allowed(value, self.largest);
        // Residuals are compared as shares of what is allowed: small values have small ones.
        let kept = self
            .best
            .as_ref()
            .map(|(kept, r)| r / allowed(kept.value()));
        if kept.is_none_or(|kept| residual == 0.0 || residual / allowed(value) < kept) {
            self.best = Some(best);
        }
        let settled = residual <= MARGIN * allowed(value);
        match residual == 0.0 {
            true => (0.0, settled),
            false => (residual / value.abs(), settled),
        }
    }
}

/// The eigenpair of larger magnitude in the space of two consecutive vectors; nothing when they are
/// the same to rounding.
fn two_dimensional(before: &Step, step: &Step) -> Option<Step> {
    let overlap = dot(&before.vector, &step.vector);
    let length = (1.0 - overlap * overlap).max(0.0).sqrt();
    if length < 1e-6 {
        return None;
    }
    let other = step.combine(1.0, before, -overlap).scaled(1.0 / length);
    let (a, c) = (before.value(), other.value());
    let b = dot(&before.vector, &other.deflated);
    let (mean, half) = (0.5 * (a + c), 0.5 * (a - c));
    let radius = half.hypot(b);
    let value = if mean < 0.0 {
        mean - radius
    } else {
        mean + radius
    };
    // The row of T - value that is further from zero gives the eigenvector.
    let (x, y) = match (a - value).abs() > (c - value).abs() {
        true => (-b, a - value),
        false => (c - value, -b),
    };
    let norm = x.hypot(y);
    (norm > 0.0).then(|| before.combine(x / norm, &other, y / norm))
}

/// Makes a vector orthogonal to those found and of norm 1; a vector of zeros becomes any other.
fn normalize(vector: &mut Vec<f64>, found: &[Vec<f64>]) {
    let length = orthogonalize(found, vector).norm;
    match length > 0.0 {
        true => scale(vector, 1.0 / length),
        false => {
            *vector = gaussian(vector.len(), 0, u64::MAX);
            let length = orthogonalize(found, vector).norm;
            scale(vector, 1.0 / length);
        }
    }
}
