use super::confirm::{Confirmation, confirmation};
use super::params::SPARE;
use super::refine::Refinement;
use super::ritz::Ritz;
use super::{Lanczos, LanczosError, Pair, Spectrum, State, Stop};
use crate::operator::Operator;
use crate::products::{ProductError, multiply};
use crate::progress::{Observer, Progress, Stage, unobserved};
use crate::vectors::{add_scaled, combine, norm, orient};

/// Measurements in a row that do not halve the worst residual before a search counts as stagnated.
const FAILURES: usize = 2;
/// The share of what is allowed of a residual below which a part of it is not looked into.
const NEGLIGIBLE: f64 = 0.1;

/// What a search does next.
enum Next {
    /// Another vector into the basis.
    Expand,
    /// A thick restart, then another vector.
    Restart(Ritz),
    /// Measure the true residuals; why not to go on when they are not small enough.
    Measure(Ritz, Option<Stop>),
    /// Missed eigenvalues were found: go on with all.
    Unlock,
    /// Everything is known.
    Finish(Stop, f64),
}

/// Ritz pairs with their measured residuals.
struct Measured {
    pairs: Vec<Pair>,
    /// `H y - theta y` of the vectors as they come from the basis, without a turn.
    residuals: Vec<Vec<f64>>,
    /// Ratios of residuals to what is allowed.
    ratios: Vec<f64>,
}

impl Lanczos {
    /// The state before the first product of an operator of this dimension, with the random vector of
    /// the seed.
    ///
    /// # Errors
    /// When more pairs are wanted at an end than there are.
    pub fn start(&self, dim: usize) -> Result<State, LanczosError> {
        self.fits(dim)?;
        Ok(State::random(dim, self.params().seed))
    }

    /// As [`Lanczos::start`], with a starting vector that is rich in the eigenvectors wanted: those of
    /// a nearby point, or the gradient.
    ///
    /// # Errors
    /// As [`Lanczos::start`]; when the vector is zero or not finite.
    pub fn start_from(&self, vector: Vec<f64>) -> Result<State, LanczosError> {
        self.fits(vector.len())?;
        State::from_vector(vector, self.params().seed)
    }

    /// Goes on from a state until the pairs wanted are known, products are spent, or the observer ends
    /// it. Not converging is not an error: every pair says how far it is.
    ///
    /// # Errors
    /// When state and operator do not fit, before any work; when a product cannot be had. The state
    /// then is as it was before that product.
    pub fn run(
        &self,
        operator: &dyn Operator,
        state: &mut State,
        observer: Observer,
    ) -> Result<Spectrum, LanczosError> {
        self.check(operator, state)?;
        let mut error = f64::INFINITY;
        loop {
            match self.decide(state, &mut error) {
                Next::Expand => state.expand(operator)?,
                Next::Restart(ritz) => {
                    state.restart(&ritz, &self.kept(&ritz));
                    state.expand(operator)?;
                }
                Next::Measure(ritz, otherwise) => {
                    let measured = self.measure(operator, state, &ritz)?;
                    if let Some(stop) = self.conclude(state, &ritz, &measured, otherwise) {
                        return Ok(self.spectrum(state, measured.pairs, ritz.norm(), stop));
                    }
                }
                Next::Unlock => state.unlock(),
                Next::Finish(stop, missed) => return Ok(self.finish(state, stop, Some(missed))),
            }
            if observer(&self.progress(state, error)).is_break() {
                return Ok(self.finish(state, Stop::Cancelled, None));
            }
        }
    }

    /// The whole search at once: [`Lanczos::start`] and [`Lanczos::run`], unobserved.
    ///
    /// # Errors
    /// As those.
    pub fn solve(&self, operator: &dyn Operator) -> Result<Spectrum, LanczosError> {
        let mut state = self.start(operator.dim())?;
        self.run(operator, &mut state, &mut unobserved)
    }

    /// What the state knows as it is, with measured residuals, one product for each pair: for runs that
    /// were cancelled. The state can be continued afterwards.
    ///
    /// # Errors
    /// As [`Lanczos::run`].
    pub fn pairs(
        &self,
        operator: &dyn Operator,
        state: &mut State,
    ) -> Result<Spectrum, LanczosError> {
        self.check(operator, state)?;
        if state.parts.locked > 0 || state.size() == 0 {
            return Ok(self.finish(state, Stop::Cancelled, None));
        }
        let ritz = state.ritz(0);
        let measured = self.measure(operator, state, &ritz)?;
        Ok(self.spectrum(state, measured.pairs, ritz.norm(), Stop::Cancelled))
    }

    fn fits(&self, dim: usize) -> Result<(), LanczosError> {
        let given = self.params().top.max(self.params().bottom);
        match given > dim {
            true => Err(LanczosError::TooMany { given, dim }),
            false => Ok(()),
        }
    }

    fn check(&self, operator: &dyn Operator, state: &State) -> Result<(), LanczosError> {
        let (state, operator) = (state.dim(), operator.dim());
        if state != operator {
            return Err(LanczosError::Dimension { state, operator });
        }
        self.fits(operator)
    }

    /// Pairs wanted of a matrix of this dimension, without repetition.
    fn wanted(&self, dim: usize) -> usize {
        self.params().wanted().min(dim)
    }

    /// Vectors of the basis held at once.
    fn limit(&self, dim: usize) -> usize {
        self.params().basis_limit().min(dim)
    }

    /// What to do next; `error` becomes the worst relative residual as the recurrence claims it.
    fn decide(&self, state: &State, error: &mut f64) -> Next {
        if state.parts.locked > 0 {
            return self.decide_locked(state);
        }
        *error = f64::INFINITY;
        let wanted = self.wanted(state.dim());
        let spent = state.products() + wanted >= self.params().max_products;
        if state.size() < wanted && !spent {
            return Next::Expand;
        }
        let ritz = state.ritz(0);
        if ritz.len() == 0 {
            // Nothing is known and nothing may be spent.
            return Next::Finish(Stop::Products, 1.0);
        }
        let claim = self.claim(&ritz);
        *error = claim * self.params().tolerance;
        match () {
            () if state.is_exhausted() => Next::Measure(ritz, Some(Stop::Stagnated)),
            () if spent => Next::Measure(ritz, Some(Stop::Products)),
            () if claim <= 1.0 => Next::Measure(ritz, None),
            () if state.held() >= self.limit(state.dim()) => Next::Restart(ritz),
            () => Next::Expand,
        }
    }

    fn decide_locked(&self, state: &State) -> Next {
        let params = self.params();
        let Some(target) = params.miss else {
            return Next::Finish(Stop::Converged, 1.0);
        };
        let wanted = self.wanted(state.dim());
        let steps = state.products() - state.parts.locked_at;
        let over = state.products() >= params.max_products
            || steps >= state.parts.locked_at
            || state.size() >= self.limit(state.dim());
        match confirmation(self, state) {
            Confirmation::Missed if state.products() + wanted < params.max_products => Next::Unlock,
            Confirmation::Missed => Next::Finish(Stop::Products, 1.0),
            Confirmation::Chance(chance) if chance <= target || over => {
                Next::Finish(Stop::Converged, chance)
            }
            Confirmation::Chance(_) => Next::Expand,
        }
    }

    /// What a residual may be.
    pub(super) fn allowed(&self, value: f64, norm: f64) -> f64 {
        (self.params().tolerance * value.abs()).max(self.params().floor * norm)
    }

    /// The worst ratio of what the recurrence claims to what is allowed.
    fn claim(&self, ritz: &Ritz) -> f64 {
        let norm = ritz.norm();
        let wanted = ritz.ends(self.params().top, self.params().bottom);
        let ratios = wanted.iter().map(|&i| {
            let allowed = self.allowed(ritz.values[i], norm);
            excess(ritz.couplings[i], allowed)
        });
        ratios.fold(0.0, f64::max)
    }

    /// What stays in a restart: the pairs wanted first, then those next to them.
    fn kept(&self, ritz: &Ritz) -> Vec<usize> {
        let params = self.params();
        let mut keep = ritz.ends(params.top, params.bottom);
        let extra = ritz.len().saturating_sub(keep.len()) / 2;
        let top = extra * params.top / params.wanted();
        let more = ritz.ends(
            params.top + top * usize::from(params.top > 0),
            params.bottom + (extra - top) * usize::from(params.bottom > 0),
        );
        let room = ritz.len().saturating_sub(SPARE / 2).max(keep.len());
        let added: Vec<usize> = more.into_iter().filter(|i| !keep.contains(i)).collect();
        keep.extend(added);
        keep.truncate(room);
        keep
    }

    fn measure(
        &self,
        operator: &dyn Operator,
        state: &mut State,
        ritz: &Ritz,
    ) -> Result<Measured, ProductError> {
        let wanted = ritz.ends(self.params().top, self.params().bottom);
        let vectors = combine(&state.parts.basis, &ritz.vectors.select_columns(&wanted));
        let mut residuals = multiply(operator, &vectors, &mut state.parts.products)?;
        let mut ratios = Vec::with_capacity(wanted.len());
        let mut pairs = Vec::with_capacity(wanted.len());
        for (n, (&i, mut vector)) in wanted.iter().zip(vectors).enumerate() {
            let value = ritz.values[i];
            add_scaled(&mut residuals[n], -value, &vector);
            let residual = norm(&residuals[n]);
            let allowed = self.allowed(value, ritz.norm());
            ratios.push(excess(residual, allowed));
            orient(&mut vector);
            pairs.push(Pair {
                value,
                vector,
                residual,
                estimate: ritz.couplings[i],
                converged: residual <= allowed,
            });
        }
        Ok(Measured {
            pairs,
            residuals,
            ratios,
        })
    }

    /// What follows from measured residuals: why the search ends here, or nothing when it goes on.
    fn conclude(
        &self,
        state: &mut State,
        ritz: &Ritz,
        measured: &Measured,
        otherwise: Option<Stop>,
    ) -> Option<Stop> {
        let complete = measured.pairs.len() == self.wanted(state.dim());
        let worst = measured.ratios.iter().copied().fold(0.0, f64::max);
        if complete && worst <= 1.0 {
            if self.params().miss.is_none() || state.is_exhausted() {
                return Some(Stop::Converged);
            }
            lock(state, &measured.pairs);
            return None;
        }
        if otherwise.is_some() {
            return otherwise;
        }
        let failed = state.parts.worst.is_some_and(|best| worst > 0.5 * best);
        let failures = if failed { state.parts.failures + 1 } else { 0 };
        if failures >= FAILURES {
            return Some(Stop::Stagnated);
        }
        self.refine(state, ritz, measured);
        state.parts.failures = failures;
        state.parts.worst = Some(state.parts.worst.map_or(worst, |best| best.min(worst)));
        None
    }

    /// Goes on along the residuals of all pairs that have not converged, as far as the basis has room.
    fn refine(&self, state: &mut State, ritz: &Ritz, measured: &Measured) {
        let Measured {
            pairs,
            residuals,
            ratios,
        } = measured;
        let mut open: Vec<usize> = (0..ratios.len()).filter(|&n| ratios[n] > 1.0).collect();
        open.sort_by(|&a, &b| ratios[b].total_cmp(&ratios[a]));
        let allowed = pairs
            .iter()
            .map(|pair| self.allowed(pair.value, ritz.norm()));
        let limit = self.limit(state.dim());
        let room = limit.saturating_sub(pairs.len() + SPARE / 2);
        let most = room.clamp(1, open.len() + 1);
        let mut keep = self.kept(ritz);
        keep.truncate(limit.saturating_sub(SPARE / 2 + most).max(pairs.len()));
        let with = Refinement {
            residuals,
            open: &open,
            negligible: NEGLIGIBLE * allowed.fold(f64::INFINITY, f64::min),
            most,
        };
        state.refine(ritz, &keep, &with);
    }

    /// The spectrum of what is locked; empty lists when nothing is.
    fn finish(&self, state: &State, stop: Stop, missed: Option<f64>) -> Spectrum {
        let parts = &state.parts;
        let pair = |i: usize| Pair {
            value: parts.projected[i][i],
            vector: parts.basis[i].clone(),
            residual: parts.residuals[i],
            estimate: parts.estimates[i],
            converged: true,
        };
        let pairs = (0..parts.locked).map(pair).collect();
        let norm = state.ritz(0).norm();
        Spectrum {
            missed: missed.filter(|_| self.params().miss.is_some()),
            ..self.spectrum(state, pairs, norm, stop)
        }
    }

    /// Splits pairs, by descending value, into the two ends.
    fn spectrum(&self, state: &State, pairs: Vec<Pair>, norm: f64, stop: Stop) -> Spectrum {
        let bottom = self.params().bottom.min(pairs.len());
        let bottom = pairs.iter().rev().take(bottom).cloned().collect();
        let mut top = pairs;
        top.truncate(self.params().top);
        let exhausted = state.is_exhausted() && stop == Stop::Converged;
        Spectrum {
            top,
            bottom,
            stop,
            products: state.products(),
            restarts: state.parts.restarts,
            norm,
            missed: (exhausted && self.params().miss.is_some()).then_some(0.0),
        }
    }

    fn progress(&self, state: &State, error: f64) -> Progress {
        Progress {
            stage: match state.parts.locked {
                0 => Stage::Iterating,
                _ => Stage::Confirming,
            },
            products: state.products(),
            limit: self.params().max_products,
            error,
            target: self.params().tolerance,
        }
    }
}

/// `residual / allowed`, 0 when there is no residual.
fn excess(residual: f64, allowed: f64) -> f64 {
    match residual == 0.0 {
        true => 0.0,
        false => residual / allowed,
    }
}

fn lock(state: &mut State, pairs: &[Pair]) {
    let values: Vec<f64> = pairs.iter().map(|pair| pair.value).collect();
    state.parts.residuals = pairs.iter().map(|pair| pair.residual).collect();
    state.parts.estimates = pairs.iter().map(|pair| pair.estimate).collect();
    let vectors = pairs.iter().map(|pair| pair.vector.clone()).collect();
    state.lock(vectors, &values);
}
