//! Curvature along a training, beside the limit of stability.

use super::point;
use super::subspace::{Around, is_known, shares};
use super::work::Work;
use crate::StudyError;
use crate::directions::Derivatives;
use crate::problem::Problem;
use crate::record::Settings;
use landscape_core::Params;
use landscape_hessian::Subspace;
use landscape_hessian::sharpness::edge_of_stability;
use landscape_storage::{Run, RunFilter, RunKind, Store, TrainRecord};

/// Everything that is asked for at every recorded checkpoint.
pub fn every_step(
    work: &mut Work,
    problem: &Problem,
    derivatives: &mut Derivatives,
) -> Result<(), StudyError> {
    let Some(run) = &problem.trained else {
        return Ok(());
    };
    let steps = work.store.checkpoint_steps(run)?;
    let stored = work.store.curvature(&work.run)?;
    if !stored.is_empty() {
        let (known, all) = (stored.len(), steps.len());
        work.note(format_args!(
            "{known} of {all} steps are known already, or begun"
        ));
    }
    let mut along = Along::new(work, run, &steps);
    for (place, &step) in steps.iter().enumerate() {
        let Some(found) = work.store.checkpoint(run, step)? else {
            continue;
        };
        let limit = limit(run, &found.record);
        let params = found.params.conform(&problem.params)?;
        derivatives.move_to(&params)?;
        point(work, problem, derivatives, Some(step), limit)?;
        if work.wanted.asked.subspace.is_some() {
            along.shares(work, derivatives, place)?;
        }
    }
    Ok(())
}

/// A training along which the leading eigenspace is followed.
struct Along<'a> {
    store: &'a Store,
    run: &'a Run,
    steps: &'a [u64],
    /// The space of the checkpoint before, where it was computed now.
    last: Option<Subspace>,
}

impl<'a> Along<'a> {
    fn new(work: &Work<'a>, run: &'a Run, steps: &'a [u64]) -> Self {
        Along {
            store: work.store,
            run,
            steps,
            last: None,
        }
    }

    /// What lies in the space of the checkpoint at this place, unless it is known.
    fn shares(
        &mut self,
        work: &mut Work,
        derivatives: &mut Derivatives,
        place: usize,
    ) -> Result<(), StudyError> {
        if is_known(work) {
            work.found = None;
            self.last = None;
            return Ok(());
        }
        work.go_on()?;
        let at = |place: Option<usize>| -> Result<Option<Params>, StudyError> {
            let step = place.and_then(|place| self.steps.get(place));
            let found = step.map(|&step| self.store.checkpoint(self.run, step));
            Ok(found.transpose()?.flatten().map(|found| found.params))
        };
        let (first, next) = (at(Some(0))?, at(Some(place + 1))?);
        let before = at(place.checked_sub(1))?;
        let here = derivatives.params_at(derivatives.curvature().point())?;
        let around = Around {
            first: first.as_ref().unwrap_or(&here),
            next: next.as_ref(),
            before: before.as_ref(),
        };
        self.last = Some(shares(work, derivatives, &around, self.last.take())?);
        Ok(())
    }
}

/// The limit of stability at the checkpoint that a problem is about; nothing without a training run, or for
/// optimisers without such a limit.
pub fn stability(store: &Store, problem: &Problem) -> Result<Option<f64>, StudyError> {
    let (Some(run), Some(step)) = (&problem.trained, problem.origin.step()) else {
        return Ok(None);
    };
    let records = store.records(run)?;
    let record = records.iter().find(|record| record.step == step);
    Ok(record.and_then(|record| limit(run, record)))
}

/// The optimiser of the training run; nothing without one.
pub(super) fn optimizer(problem: &Problem) -> Option<String> {
    let settings = Settings::of(problem.trained.as_ref()?);
    Some(settings.training()?.optimizer.clone())
}

/// The training along which the curvature of a run was computed, as long as the store has it.
///
/// # Errors
/// When the store cannot be read.
pub fn training_of(curvature: &Run, store: &Store) -> Result<Option<Run>, StudyError> {
    let Settings::Curvature(settings) = Settings::of(curvature) else {
        return Ok(None);
    };
    let Some(identity) = settings.training else {
        return Ok(None);
    };
    let trainings = RunFilter {
        kinds: vec![RunKind::Train],
        ..RunFilter::default()
    };
    let runs = store.runs_where(&trainings)?.into_iter();
    let mut runs = runs.map(|summary| summary.run);
    Ok(runs.find(|run| run.identity == identity))
}

/// `2 / eta` for gradient descent, `2 (1 + beta) / eta` with momentum, and `2 (1 + beta) / (eta (1 + 2 beta))` with
/// Nesterov's (Cohen et al. 2021).
fn limit(run: &Run, record: &TrainRecord) -> Option<f64> {
    let settings = Settings::of(run);
    let training = settings.training()?;
    let (lr, beta) = (record.lr?, training.momentum);
    match training.optimizer.as_str() {
        "sgd" => edge_of_stability(lr, 0.0)
            .ok()
            .map(|edge| edge.gradient_descent),
        "momentum" => edge_of_stability(lr, beta).ok().map(|edge| edge.heavy_ball),
        "nesterov" => {
            let edge = edge_of_stability(lr, beta).ok()?;
            Some(edge.heavy_ball / (1.0 + 2.0 * beta))
        }
        _ => None,
    }
}
