//! Goes on from residuals that are worse than the recurrence claimed.

use super::State;
use super::ritz::Ritz;
use super::state::Waiting;
use crate::vectors::{coefficients, dot, norm, orthogonalize, scale};

/// Measured residuals to go on from.
pub(super) struct Refinement<'a> {
    /// `H y - theta y` of the first of the pairs that are kept.
    pub(super) residuals: &'a [Vec<f64>],
    /// The pairs among them that have not converged, the worst first.
    pub(super) open: &'a [usize],
    /// What is left of a residual besides the others and is no larger than this is passed over.
    pub(super) negligible: f64,
    /// The most vectors to go on with.
    pub(super) most: usize,
}

impl State {
    /// As [`State::restart`], and goes on with the residuals of all pairs that have not converged, then with
    /// the vectors that were to come. What is known of the products with the pairs kept is taken from the
    /// residuals, and where these were not measured from the recurrence.
    pub(super) fn refine(&mut self, ritz: &Ritz, keep: &[usize], with: &Refinement<'_>) {
        self.restart(ritz, keep);
        self.correct(with.residuals);
        let old = self.take_coming();
        let directions = self.directions(&old, with);
        self.parts.waiting = { directions.into_iter() }
            .map(|vector| self.coupled(vector, &old, with.residuals))
            .collect();
        if !self.advance() {
            self.parts.next = self.draw();
        }
    }

    /// The next vector and those that wait, out of the state.
    fn take_coming(&mut self) -> Vec<Waiting> {
        let coupling = std::mem::take(&mut self.parts.coupling);
        let next = self.parts.next.take();
        let next = next.map(|vector| Waiting { vector, coupling });
        next.into_iter()
            .chain(self.parts.waiting.drain(..))
            .collect()
    }

    /// Takes what the measured products say of the projection on the first vectors of the basis, `y_i^T H
    /// y_j = y_i^T (r_j + theta_j y_j)`, in the place of what noisier products had said.
    fn correct(&mut self, residuals: &[Vec<f64>]) {
        let columns: Vec<Vec<f64>> = { residuals.iter() }
            .map(|residual| coefficients(&self.parts.basis, residual))
            .collect();
        for (i, row) in self.parts.projected.iter_mut().enumerate() {
            for (j, entry) in row.iter_mut().take(columns.len()).enumerate() {
                *entry += match columns.get(i) {
                    Some(column) => 0.5 * (column[j] + columns[j][i]),
                    None => columns[j][i],
                };
            }
        }
    }

    /// Orthonormal vectors along the residuals and the vectors that were to come, orthogonal to the basis.
    fn directions(&self, old: &[Waiting], with: &Refinement<'_>) -> Vec<Vec<f64>> {
        let residuals = with.open.iter().map(|&n| (&with.residuals[n], 1.0));
        // Of these the share matters that pairs without measured residuals have in them.
        let weight = |old: &Waiting| {
            let others = old.coupling.iter().skip(with.residuals.len());
            others.fold(0.0, |m: f64, c| m.max(c.abs()))
        };
        let coming = old.iter().map(|old| (&old.vector, weight(old)));
        let negligible = with.negligible.max(self.rounding());
        let mut found: Vec<Vec<f64>> = vec![];
        for (vector, weight) in residuals.chain(coming) {
            if found.len() == with.most {
                break;
            }
            let (direction, left) = self.beyond(&found, vector);
            if left * weight > negligible {
                found.push(direction);
            }
        }
        found
    }

    /// The unit vector along what is left of a vector besides the basis and `found`, and its length.
    fn beyond(&self, found: &[Vec<f64>], vector: &[f64]) -> (Vec<f64>, f64) {
        let mut direction = vector.to_vec();
        orthogonalize(&self.parts.basis, &mut direction);
        orthogonalize(found, &mut direction);
        let left = norm(&direction);
        if left > 0.0 {
            scale(&mut direction, 1.0 / left);
            // What is left may be little: of unit length it is orthogonal only after another pass.
            for _ in 0..2 {
                orthogonalize(found, &mut direction);
                let length = orthogonalize(&self.parts.basis, &mut direction).norm;
                scale(&mut direction, 1.0 / length);
            }
        }
        (direction, left)
    }

    /// A direction with what couples it to the basis.
    fn coupled(&self, vector: Vec<f64>, old: &[Waiting], residuals: &[Vec<f64>]) -> Waiting {
        let mut coupling = vec![0.0; self.size()];
        for Waiting {
            vector: before,
            coupling: by,
        } in old
        {
            let along = dot(before, &vector);
            coupling
                .iter_mut()
                .zip(by)
                .for_each(|(c, by)| *c += along * by);
        }
        let measured = coefficients(residuals, &vector);
        coupling[..measured.len()].copy_from_slice(&measured);
        Waiting { vector, coupling }
    }
}
