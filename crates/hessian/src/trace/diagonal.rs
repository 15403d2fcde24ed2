use super::hutchinson::sample;
use super::params::LEAST_SAMPLES;
use super::{Ended, Probe, Trace, TraceError};
use crate::operator::Operator;
use crate::progress::Observer;
use crate::stats::student_t;
use crate::vectors::norm;

/// The diagonal of a matrix, with a standard error for every entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagonal {
    /// The estimates.
    pub values: Vec<f64>,
    /// The standard error of each, over the random vectors; infinite for fewer than two.
    pub standard_errors: Vec<f64>,
    /// Products spent, one for each random vector.
    pub products: usize,
    /// Why it ended.
    pub ended: Ended,
}

impl Diagonal {
    /// Half the width of the interval that covers entry `index` in this share of cases, by Student's
    /// distribution.
    pub fn half_width(&self, index: usize, confidence: f64) -> f64 {
        match self.standard_errors[index] {
            0.0 => 0.0,
            error => student_t(self.products as f64 - 1.0, confidence) * error,
        }
    }
}

/// Running means and sums of squared deviations (Welford).
struct Moments {
    count: usize,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl Trace {
    /// The diagonal by the estimator of Bekas, Kokiopoulou and Saad, the mean of `z * (H z)`, entry by
    /// entry, over Rademacher vectors (`method` and `probe` play no part). Its variance at entry `i` is
    /// the sum of squares of the rest of row `i`. A target holds for the norm of all standard errors as a
    /// share of the norm of the diagonal, at 95% confidence.
    ///
    /// # Errors
    /// When the operator has no dimension; when a product cannot be had.
    pub fn diagonal(
        &self,
        operator: &dyn Operator,
        observer: Observer,
    ) -> Result<Diagonal, TraceError> {
        if operator.dim() == 0 {
            return Err(TraceError::Empty);
        }
        let rademacher = self.with_probe(Probe::Rademacher);
        let mut moments = Moments::new(operator.dim());
        let mut products = 0;
        loop {
            let sampled = sample(&rademacher, operator, &mut products)?;
            for (z, hz) in sampled.iter() {
                moments.add(z, hz);
            }
            let overall = moments.overall(products);
            let enough = products >= LEAST_SAMPLES;
            if let Some(ended) = self.ended(&overall, enough, 1, observer) {
                return Ok(moments.diagonal(products, ended));
            }
        }
    }
}

impl Moments {
    fn new(dim: usize) -> Self {
        Moments {
            count: 0,
            mean: vec![0.0; dim],
            squares: vec![0.0; dim],
        }
    }

    fn add(&mut self, z: &[f64], hz: &[f64]) {
        self.count += 1;
        let n = self.count as f64;
        let entries = self.mean.iter_mut().zip(&mut self.squares);
        for ((mean, squares), (z, hz)) in entries.zip(z.iter().zip(hz)) {
            let gap = z * hz - *mean;
            *mean += gap / n;
            *squares += gap * (z * hz - *mean);
        }
    }

    fn errors(&self) -> Vec<f64> {
        let n = self.count as f64;
        match self.count {
            0 | 1 => vec![f64::INFINITY; self.mean.len()],
            _ => self
                .squares
                .iter()
                .map(|s| (s / (n - 1.0) / n).sqrt())
                .collect(),
        }
    }

    /// Norms of the diagonal and of its standard errors, as if they were one estimate.
    fn overall(&self, products: usize) -> super::Estimate {
        super::Estimate {
            mean: norm(&self.mean),
            standard_error: norm(&self.errors()),
            degrees: self.count.saturating_sub(1),
            skewness: 0.0,
            samples: vec![],
            products,
            ended: Ended::Products,
        }
    }

    fn diagonal(self, products: usize, ended: Ended) -> Diagonal {
        Diagonal {
            standard_errors: self.errors(),
            values: self.mean,
            products,
            ended,
        }
    }
}
