//! Eigenpairs of largest magnitude by power iteration with deflation: the simple method.
//!
//! A random unit vector is multiplied again and again, and made orthogonal to the eigenvectors found
//! before at every step, not only at its start: rounding and the errors of those vectors would bring them back.
//! It is done when its true residual `||H v - theta v||`, with the Rayleigh quotient
//! `theta = v^T H v`, is small. The estimate changing little says nothing: on eigenvalues 10 and
//! -9.99 the quotient may stand at -7 for hundreds of steps, with a residual as large as itself.
//!
//! For such pairs of opposite sign two consecutive vectors together are tried as well: the better
//! eigenpair of the two-dimensional space that they span, with its true residual from the products that
//! are known already. At the end, the eigenproblem is solved once more in the space of all vectors found, which
//! takes out what deflation with approximate vectors left behind.
//!
//! [`crate::Lanczos`] needs far fewer products (for ten pairs a tenth) and is to be preferred; this one
//! is here for comparison with programs and notebooks that use it.
//!
//! ```
//! use landscape_hessian::{Dense, Power, PowerParams};
//! let matrix = Dense::new(2, vec![2.0, 1.0, 1.0, 2.0])?;
//! let power = Power::new(PowerParams { pairs: 2, tolerance: 1e-9, ..Default::default() })?;
//! let found = power.solve(&matrix)?;
//! assert!((found.pairs[0].value - 3.0).abs() < 1e-9 && (found.pairs[1].value - 1.0).abs() < 1e-9);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod iterate;
mod params;

pub use error::PowerError;
pub use params::{Power, PowerParams};

use crate::lanczos::{Pair, Stop};
use crate::operator::Operator;
use crate::progress::{Observer, unobserved};
use crate::vectors::{add_scaled, combine, dot, norm, orient};
use iterate::Iteration;
use nalgebra::{DMatrix, SymmetricEigen};

/// Eigenpairs by descending magnitude.
#[derive(Debug, Clone, PartialEq)]
pub struct PowerPairs {
    /// Those found, and the best of the one in work when products ran out. [`Pair::estimate`] is the residual within
    /// what is orthogonal to the pairs found before it.
    pub pairs: Vec<Pair>,
    /// Why it ended.
    pub stop: Stop,
    /// Products spent.
    pub products: usize,
}

/// Vectors with their products.
#[derive(Default)]
struct Basis {
    vectors: Vec<Vec<f64>>,
    products: Vec<Vec<f64>>,
    estimates: Vec<f64>,
}

impl Power {
    /// Looks for the pairs. Not converging is not an error: every pair says how far it is.
    ///
    /// # Errors
    /// When more pairs are wanted than there are, before any work; when a product cannot be had.
    pub fn run(
        &self,
        operator: &dyn Operator,
        observer: Observer,
    ) -> Result<PowerPairs, PowerError> {
        let (given, dim) = (self.params().pairs, operator.dim());
        if given > dim {
            return Err(PowerError::TooMany { given, dim });
        }
        let mut found = Basis::default();
        let mut products = 0;
        let mut stop = Stop::Converged;
        while found.vectors.len() < given && stop == Stop::Converged {
            let seed = self.params().seed;
            let mut iteration = Iteration::new(dim, seed, &found.vectors, found.largest());
            stop = iteration.run(
                self.params(),
                operator,
                &found.vectors,
                &mut products,
                observer,
            )?;
            found.add(iteration);
        }
        let pairs = found.pairs(self.params());
        let converged = pairs.len() == given && pairs.iter().all(|pair| pair.converged);
        Ok(PowerPairs {
            stop: match stop {
                Stop::Converged if !converged => Stop::Stagnated,
                stop => stop,
            },
            pairs,
            products,
        })
    }

    /// As [`Power::run`], unobserved.
    ///
    /// # Errors
    /// As [`Power::run`].
    pub fn solve(&self, operator: &dyn Operator) -> Result<PowerPairs, PowerError> {
        self.run(operator, &mut unobserved)
    }
}

impl Basis {
    fn add(&mut self, iteration: Iteration) {
        if let Some((vector, product, residual)) = iteration.best() {
            self.vectors.push(vector);
            self.products.push(product);
            self.estimates.push(residual);
        }
    }

    /// The largest magnitude of a Rayleigh quotient.
    fn largest(&self) -> f64 {
        let pairs = self.vectors.iter().zip(&self.products);
        pairs.map(|(v, p)| dot(v, p).abs()).fold(0.0, f64::max)
    }

    /// The eigenpairs of the space of all vectors, with true residuals, by descending magnitude.
    fn pairs(&self, params: &PowerParams) -> Vec<Pair> {
        let size = self.vectors.len();
        if size == 0 {
            return vec![];
        }
        let entry = |i: usize, j: usize| {
            let one = dot(&self.vectors[i], &self.products[j]);
            0.5 * (one + dot(&self.vectors[j], &self.products[i]))
        };
        let eigen = SymmetricEigen::new(DMatrix::from_fn(size, size, entry));
        let mut order: Vec<usize> = (0..size).collect();
        let magnitude = |i: usize| eigen.eigenvalues[i].abs();
        order.sort_by(|&a, &b| magnitude(b).total_cmp(&magnitude(a)));
        let s = eigen.eigenvectors.select_columns(&order);
        let mut vectors = combine(&self.vectors, &s);
        let products = combine(&self.products, &s);
        let pair = |(n, mut residual): (usize, Vec<f64>)| {
            let value = eigen.eigenvalues[order[n]];
            let mut vector = std::mem::take(&mut vectors[n]);
            add_scaled(&mut residual, -value, &vector);
            orient(&mut vector);
            let residual = norm(&residual);
            Pair {
                value,
                vector,
                residual,
                estimate: self.estimates[n],
                converged: residual <= params.allowed(value, magnitude(order[0])),
            }
        };
        products.into_iter().enumerate().map(pair).collect()
    }
}
