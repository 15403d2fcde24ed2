//! The objective of last resort: the module itself, at every point.

use crate::capture::module::{params_of, with_params};
use crate::error::TraceError;
use burn::module::Module;
use landscape_core::{Objective, ObjectiveError, Plane, Point, Sample, Term};
use std::sync::Mutex;

/// Moves a module to every point of a plane and calls a closure on it.
///
/// Slow, and always possible: the closure may do anything (several batches, generation, a
/// simulation). It must be deterministic, or the surface is noise.
pub struct DirectObjective<M, F> {
    module: Mutex<M>,
    plane: Plane,
    terms: Vec<Term>,
    evaluate: F,
}

impl<M: Module, F: Fn(&M) -> Sample + Sync> DirectObjective<M, F> {
    /// `terms` names the numbers in [`Sample::terms`] that the closure returns.
    ///
    /// # Errors
    /// [`TraceError::Layout`] where the plane's origin does not fit the module.
    pub fn new(
        module: &M,
        plane: &Plane,
        terms: Vec<Term>,
        evaluate: F,
    ) -> Result<Self, TraceError> {
        let module = with_params(module.clone(), plane.origin())?;
        params_of(&module)?;
        Ok(Self {
            module: Mutex::new(module),
            plane: plane.clone(),
            terms,
            evaluate,
        })
    }
}

impl<M: Module, F: Fn(&M) -> Sample + Sync> Objective for DirectObjective<M, F> {
    fn dims(&self) -> usize {
        self.plane.dims()
    }

    fn terms(&self) -> &[Term] {
        &self.terms
    }

    fn evaluate(&self, points: &[Point]) -> Result<Vec<Sample>, ObjectiveError> {
        // The user's module is never touched: every point gets a module of its own.
        let module = self
            .module
            .lock()
            .map_err(|e| ObjectiveError::new(e.to_string()))?
            .clone();
        points
            .iter()
            .map(|&point| {
                let moved = with_params(module.clone(), &self.plane.at(point));
                moved
                    .map(|module| (self.evaluate)(&module))
                    .map_err(ObjectiveError::new)
            })
            .collect()
    }
}
