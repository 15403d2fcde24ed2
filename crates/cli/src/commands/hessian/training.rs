//! Curvature along a training, beside the limit of stability.

use super::point;
use super::work::Work;
use crate::error::CliError;
use crate::inputs::{Derivatives, Problem};
use landscape_hessian::sharpness::edge_of_stability;
use landscape_models::Network;
use landscape_storage::{Run, Store, TrainRecord};
use serde_json::Value;

/// Everything that is asked for at every recorded checkpoint.
pub fn every_step(
    work: &mut Work,
    problem: &Problem,
    derivatives: &mut Derivatives,
) -> Result<(), CliError> {
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
    let layout = Network::layout(&problem.spec);
    for step in steps {
        let Some(found) = work.store.checkpoint(run, step)? else {
            continue;
        };
        let limit = limit(run, &found.record);
        let params = found.params.conform(&layout)?;
        derivatives.move_to(&params)?;
        point(work, problem, derivatives, Some(step), limit)?;
        work.release();
    }
    Ok(())
}

/// The limit of stability at the checkpoint that a problem is about; nothing without a training run, or for
/// optimisers without such a limit.
pub fn stability(store: &Store, problem: &Problem) -> Result<Option<f64>, CliError> {
    let (Some(run), Some(step)) = (&problem.trained, problem.weights["step"].as_u64()) else {
        return Ok(None);
    };
    let records = store.records(run)?;
    let record = records.iter().find(|record| record.step == step);
    Ok(record.and_then(|record| limit(run, record)))
}

/// The optimiser of the training run; `null` without one.
pub fn optimizer(problem: &Problem) -> Value {
    let training = problem
        .trained
        .as_ref()
        .and_then(|run| run.settings.get("training"));
    let name = training.and_then(|training| training.get("optimizer"));
    name.cloned().unwrap_or(Value::Null)
}

/// `2 / eta` for gradient descent, `2 (1 + beta) / eta` with momentum, and `2 (1 + beta) / (eta (1 + 2 beta))` with
/// Nesterov's (Cohen et al. 2021).
fn limit(run: &Run, record: &TrainRecord) -> Option<f64> {
    let training = run.settings.get("training")?;
    let beta = training
        .get("momentum")
        .and_then(Value::as_f64)
        .unwrap_or(0.0);
    let lr = record.lr?;
    match training.get("optimizer")?.as_str()? {
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
