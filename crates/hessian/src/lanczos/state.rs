use super::LanczosError;
use super::ritz::Ritz;
use crate::operator::Operator;
use crate::products::{ProductError, multiply_one};
use crate::vectors::{add_scaled, dot, gaussian, norm, orthogonalize, rotate, scale};
use nalgebra::{DMatrix, DVectorView};
use serde::{Deserialize, Serialize};

/// Everything a [`State`] consists of, as plain data to store and to read back.
///
/// With `Q` the basis, `T` the projected matrix, `c` the coupling and `q` the next vector,
/// `H Q = Q T + q c^T` up to the residuals of locked pairs, and with a term `w d^T` more for each vector `w`
/// that waits, with its coupling `d`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateParts {
    /// Dimension of the operator.
    pub dim: usize,
    /// Seed of all random vectors.
    pub seed: u64,
    /// Random vectors drawn so far; each has its own stream.
    pub draws: u64,
    /// Products so far.
    pub products: usize,
    /// Thick restarts so far.
    pub restarts: usize,
    /// Orthonormal vectors of `dim` entries.
    pub basis: Vec<Vec<f64>>,
    /// `T = Q^T H Q`, the rows of its lower triangle: row `i` has `i + 1` entries.
    pub projected: Vec<Vec<f64>>,
    /// `q^T H Q`.
    pub coupling: Vec<f64>,
    /// The next vector of the basis; none when the basis spans the whole space.
    pub next: Option<Vec<f64>>,
    /// Leading vectors of the basis that are converged eigenvectors, by descending eigenvalue; 0
    /// while they are looked for.
    pub locked: usize,
    /// True residuals of the locked pairs.
    pub residuals: Vec<f64>,
    /// What the recurrence had claimed of them.
    pub estimates: Vec<f64>,
    /// Products when the pairs were locked.
    pub locked_at: usize,
    /// The worst ratio of a residual to its tolerance when the pairs were last measured and had not
    /// converged although the recurrence claimed it.
    pub worst: Option<f64>,
    /// How often in a row that ratio was not halved.
    #[serde(default)]
    pub failures: usize,
    /// Vectors that come after the next one; none but after residuals that were worse than claimed.
    #[serde(default)]
    pub waiting: Vec<Waiting>,
}

/// A vector that comes into the basis later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// The vector: of length 1, orthogonal to the basis, to the next vector and to the others that wait.
    pub vector: Vec<f64>,
    /// `vector^T H Q`.
    pub coupling: Vec<f64>,
}

/// How far a Lanczos run is: a plain value, to keep and to continue from.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub(super) parts: StateParts,
}

/// What came of a vector that was taken into the basis.
pub(crate) struct Absorbed {
    /// Whether there is a next vector; otherwise the basis is an invariant subspace.
    pub(crate) goes_on: bool,
    /// By how much the product contradicts those before it: rounding and noise where the operator is
    /// symmetric and the same at every call.
    pub(crate) contradiction: f64,
    /// The largest entries seen, to compare that with.
    pub(crate) size: f64,
}

/// Share of `eps ||T|| sqrt(dim)` below which a remainder is rounding.
const BREAKDOWN: f64 = 10.0;

impl State {
    /// A state before the first product, with a random starting vector.
    pub(super) fn random(dim: usize, seed: u64) -> Self {
        let mut state = State::empty(dim, seed);
        state.parts.next = state.draw();
        state
    }

    /// A state before the first product, with a given starting vector.
    pub(super) fn from_vector(mut start: Vec<f64>, seed: u64) -> Result<Self, LanczosError> {
        let length = norm(&start);
        if !(length.is_finite() && length > 0.0) {
            return Err(LanczosError::Start);
        }
        scale(&mut start, 1.0 / length);
        let mut state = State::empty(start.len(), seed);
        state.parts.next = Some(start);
        Ok(state)
    }

    fn empty(dim: usize, seed: u64) -> Self {
        let parts = StateParts {
            dim,
            seed,
            draws: 0,
            products: 0,
            restarts: 0,
            basis: vec![],
            projected: vec![],
            coupling: vec![],
            next: None,
            locked: 0,
            residuals: vec![],
            estimates: vec![],
            locked_at: 0,
            worst: None,
            failures: 0,
            waiting: vec![],
        };
        State { parts }
    }

    /// The state of stored parts.
    ///
    /// # Errors
    /// When lengths contradict each other or a value is not finite. Whether the parts belong to the
    /// same operator is for the caller to know.
    pub fn from_parts(parts: StateParts) -> Result<Self, LanczosError> {
        let size = parts.basis.len();
        let whole = |v: &Vec<f64>| v.len() == parts.dim && v.iter().all(|x| x.is_finite());
        let rows = parts.projected.iter().enumerate();
        let triangle = rows.fold(true, |fits, (i, row)| {
            fits && row.len() == i + 1 && row.iter().all(|x| x.is_finite())
        });
        let waits = |w: &Waiting| whole(&w.vector) && w.coupling.len() == size;
        let rules = [
            (parts.basis.iter().all(whole), "a vector of the basis"),
            (parts.next.iter().all(whole), "the next vector"),
            (parts.next.is_some() || size == parts.dim, "no next vector"),
            (parts.projected.len() == size && triangle, "the projection"),
            (parts.coupling.len() == size, "the coupling"),
            (
                parts.waiting.is_empty() || parts.next.is_some(),
                "no next vector",
            ),
            (parts.waiting.iter().all(waits), "a vector that waits"),
            (parts.locked <= size, "the locked pairs"),
            (parts.residuals.len() == parts.locked, "the residuals"),
            (parts.estimates.len() == parts.locked, "the estimates"),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, what)) => Err(LanczosError::Parts { what }),
            None => Ok(State { parts }),
        }
    }

    /// The parts, to look at or to store.
    pub fn parts(&self) -> &StateParts {
        &self.parts
    }

    /// The parts, without a copy.
    pub fn into_parts(self) -> StateParts {
        self.parts
    }

    /// Dimension of the operator.
    pub fn dim(&self) -> usize {
        self.parts.dim
    }

    /// Products so far.
    pub fn products(&self) -> usize {
        self.parts.products
    }

    /// Vectors in the basis and those that wait.
    pub(super) fn held(&self) -> usize {
        self.size() + self.parts.waiting.len()
    }

    /// Vectors in the basis.
    pub fn size(&self) -> usize {
        self.parts.basis.len()
    }

    /// Whether the basis spans the whole space.
    pub(super) fn is_exhausted(&self) -> bool {
        self.parts.next.is_none()
    }

    /// The Ritz pairs of the basis from its vector `from` on.
    pub(super) fn ritz(&self, from: usize) -> Ritz {
        let size = self.size() - from;
        let entry = |i: usize, j: usize| {
            let (row, column) = (from + i.max(j), from + i.min(j));
            self.parts.projected[row][column]
        };
        let projected = DMatrix::from_fn(size, size, entry);
        let waiting = self.parts.waiting.iter().map(|w| &w.coupling[from..]);
        let couplings = std::iter::once(&self.parts.coupling[from..]).chain(waiting);
        Ritz::new(projected, couplings)
    }

    /// Takes the next vector into the basis: one product.
    pub(super) fn expand(&mut self, operator: &dyn Operator) -> Result<(), ProductError> {
        let Some(next) = &self.parts.next else {
            return Ok(());
        };
        let product = multiply_one(operator, next, &mut self.parts.products)?;
        let vector = self.parts.next.take();
        if !self.absorb(vector.unwrap_or_default(), product).goes_on {
            self.parts.next = self.draw();
        }
        Ok(())
    }

    /// A state before the first product in what is orthogonal to `locked`, orthonormal vectors, with the
    /// part of a starting vector there; without a next vector where nothing but rounding is left of it.
    pub(crate) fn beside(locked: &[Vec<f64>], mut start: Vec<f64>) -> Self {
        let mut state = State::empty(start.len(), 0);
        let before = norm(&start);
        let left = orthogonalize(locked, &mut start).norm;
        state.parts.locked = locked.len();
        state.parts.basis = locked.to_vec();
        state.parts.projected = diagonal(locked.iter().map(|_| 0.0));
        state.parts.coupling = vec![0.0; locked.len()];
        if left > 1e-10 * before && locked.len() < start.len() {
            scale(&mut start, 1.0 / left);
            state.parts.next = Some(start);
        }
        state
    }

    /// The vector that is to be multiplied, to be given to [`State::absorb`] with its product.
    pub(crate) fn take_next(&mut self) -> Option<Vec<f64>> {
        self.parts.next.take()
    }

    /// Ritz values in what is orthogonal to the locked pairs, ascending, each with the square of its
    /// vector's component along the first vector there: nodes and weights of a Gauss quadrature.
    pub(crate) fn quadrature(&self) -> (Vec<f64>, Vec<f64>) {
        let ritz = self.ritz(self.parts.locked);
        let weight = |i: usize| ritz.vectors[(0, i)].powi(2);
        let weights = (0..ritz.len()).rev().map(weight).collect();
        (ritz.values.iter().rev().copied().collect(), weights)
    }

    /// Takes a vector into the basis with its product, what is left of which is the next vector, or waits
    /// behind those that wait.
    pub(crate) fn absorb(&mut self, vector: Vec<f64>, mut product: Vec<f64>) -> Absorbed {
        self.parts.basis.push(vector);
        let split = orthogonalize(&self.parts.basis, &mut product);
        let (contradiction, size) = self.contradiction(&split.coefficients);
        self.parts.projected.push(split.coefficients);
        let left = match self.parts.waiting.is_empty() {
            true => split.norm,
            false => self.couple(&mut product),
        };
        if left > self.rounding() && self.held() < self.parts.dim {
            scale(&mut product, 1.0 / left);
            let mut coupling = vec![0.0; self.size()];
            coupling[self.size() - 1] = left;
            let vector = product;
            self.parts.waiting.push(Waiting { vector, coupling });
        }
        Absorbed {
            goes_on: self.advance(),
            contradiction,
            size,
        }
    }

    /// What the product of a vector says of its coupling to the basis, against what the products with
    /// the basis had said of it: the difference, and the size of what is compared.
    fn contradiction(&self, coefficients: &[f64]) -> (f64, f64) {
        let expected = &self.parts.coupling;
        let pairs = expected.iter().zip(coefficients);
        let difference: Vec<f64> = pairs.map(|(expected, found)| found - expected).collect();
        let size = norm(expected).max(norm(coefficients)).max(self.largest());
        (norm(&difference), size)
    }

    /// Takes what couples the last vector of the basis to those that wait out of what is left of its product;
    /// the norm of the rest.
    fn couple(&mut self, product: &mut [f64]) -> f64 {
        let size = self.size();
        let waiting = &mut self.parts.waiting;
        { waiting.iter_mut() }.for_each(|waiting| waiting.coupling.resize(size, 0.0));
        let mut left = norm(product);
        for _ in 0..2 {
            for Waiting { vector, coupling } in &mut *waiting {
                let along = dot(vector, product);
                add_scaled(product, -along, vector);
                coupling[size - 1] += along;
            }
            left = orthogonalize(&self.parts.basis, product).norm;
        }
        left
    }

    /// The first vector that waits becomes the next; false, and no next vector, where none does.
    pub(super) fn advance(&mut self) -> bool {
        if self.parts.waiting.is_empty() {
            self.parts.next = None;
            self.parts.coupling = vec![0.0; self.size()];
            return false;
        }
        let Waiting { vector, coupling } = self.parts.waiting.remove(0);
        self.parts.next = Some(vector);
        self.parts.coupling = coupling;
        true
    }

    /// What a remainder is when nothing but rounding is left of it: `c eps ||T||`.
    pub(super) fn rounding(&self) -> f64 {
        BREAKDOWN * (self.parts.dim as f64).sqrt() * f64::EPSILON * self.largest()
    }

    /// The largest magnitude in the projection.
    fn largest(&self) -> f64 {
        let rows = self.parts.projected.iter();
        rows.flatten().fold(0.0f64, |m, v| m.max(v.abs()))
    }

    /// A random unit vector orthogonal to the basis; none when the basis spans the whole space.
    pub(super) fn draw(&mut self) -> Option<Vec<f64>> {
        while self.size() < self.parts.dim {
            let mut vector = gaussian(self.parts.dim, self.parts.seed, self.parts.draws);
            self.parts.draws += 1;
            let before = norm(&vector);
            let left = orthogonalize(&self.parts.basis, &mut vector).norm;
            if left > 1e-10 * before {
                scale(&mut vector, 1.0 / left);
                return Some(vector);
            }
        }
        None
    }

    /// Thick restart: keeps these Ritz pairs as the basis, and the next vector.
    pub(super) fn restart(&mut self, ritz: &Ritz, keep: &[usize]) {
        let s = ritz.vectors.select_columns(keep);
        rotate(&mut self.parts.basis, &s);
        self.parts.projected = diagonal(keep.iter().map(|&i| ritz.values[i]));
        self.parts.coupling = combined(&self.parts.coupling, &s);
        for waiting in &mut self.parts.waiting {
            waiting.coupling = combined(&waiting.coupling, &s);
        }
        self.parts.restarts += 1;
    }

    /// Keeps converged pairs alone and goes on at random in what is orthogonal to them.
    pub(super) fn lock(&mut self, vectors: Vec<Vec<f64>>, values: &[f64]) {
        self.parts.locked = values.len();
        self.parts.basis = vectors;
        self.parts.projected = diagonal(values.iter().copied());
        self.parts.coupling = vec![0.0; values.len()];
        self.parts.locked_at = self.parts.products;
        self.parts.worst = None;
        self.parts.failures = 0;
        self.parts.waiting.clear();
        self.parts.next = self.draw();
    }

    /// Takes locked pairs back into the search.
    pub(super) fn unlock(&mut self) {
        self.parts.locked = 0;
        self.parts.residuals.clear();
        self.parts.estimates.clear();
    }
}

/// `S^T c`: what couples combinations of vectors.
fn combined(coupling: &[f64], s: &DMatrix<f64>) -> Vec<f64> {
    let columns = s.column_iter();
    let one = |column: DVectorView<f64>| column.iter().zip(coupling).map(|(s, c)| s * c).sum();
    columns.map(one).collect()
}

/// The lower triangle of a diagonal matrix.
fn diagonal(values: impl Iterator<Item = f64>) -> Vec<Vec<f64>> {
    let row = |(i, value): (usize, f64)| {
        let mut row = vec![0.0; i];
        row.push(value);
        row
    };
    values.enumerate().map(row).collect()
}
