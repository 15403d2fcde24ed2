//! Both ends of the spectrum over the grid of a plane, point by point.

use super::work::Work;
use crate::StudyError;
use crate::directions::Derivatives;
use landscape_core::{Plane, Progress, Shard};
use landscape_hessian::{Lanczos, LanczosError, LanczosParams, ProductError, Spectrum, Stop};
use landscape_storage::{CurvatureMap, CurvaturePoint, Status};
use std::ops::ControlFlow;
use std::time::Instant;

/// Computes and keeps the points of a map, or of a shard of it, that are missing.
pub fn fill(
    work: &mut Work,
    derivatives: &mut Derivatives,
    plane: &Plane,
    map: &mut CurvatureMap,
    shard: Option<Shard>,
) -> Result<(), StudyError> {
    let order = map.grid.coarse_to_fine();
    let order = shard.map_or(order.clone(), |shard| shard.part(&order));
    let total = order.len();
    let missing: Vec<usize> = { order.into_iter() }
        .filter(|&index| map.points[index].is_none())
        .collect();
    let mut recorder = work.store.curvature_recorder(&work.run);
    let mut meter = work.points_meter();
    let start = Instant::now();
    let resumed = total - missing.len();
    for (done, index) in missing.into_iter().enumerate() {
        derivatives.move_to(&plane.at(map.grid.point(index)))?;
        let Some((point, products)) = one(work, derivatives, index)? else {
            recorder.finish(Status::Interrupted)?;
            return Err(work.interrupted());
        };
        work.computed += products as u64;
        work.at.products += products as u64;
        recorder.count(work.counts());
        recorder.push(&[point])?;
        map.points[index] = Some(point);
        meter.update(Progress {
            done: resumed + done + 1,
            total,
            resumed,
            elapsed: start.elapsed(),
        });
    }
    // The run goes on with what else is asked for: dropping the recorder stores what waits.
    drop(recorder);
    derivatives.move_to(plane.origin())
}

/// Both ends at the point, and the products they took; nothing where it was stopped.
fn one(
    work: &Work,
    derivatives: &Derivatives,
    index: usize,
) -> Result<Option<(CurvaturePoint, usize)>, StudyError> {
    let lanczos = Lanczos::new(LanczosParams {
        top: 1,
        bottom: 1,
        // The ends of a spectrum are found from a random start; looking for missed ones would double the cost.
        miss: None,
        ..work.wanted.single()
    })?;
    let operator = derivatives.operator(work.wanted.asked.matrix);
    let mut state = lanczos.start(derivatives.dim())?;
    let found = lanczos.run(&operator, &mut state, &mut |_| match work.stopped() {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    });
    match found {
        Ok(spectrum) if spectrum.stop == Stop::Cancelled => Ok(None),
        Ok(spectrum) => Ok(Some((point(index, &spectrum), spectrum.products))),
        // The loss is not finite there.
        Err(LanczosError::Product(ProductError::NotFinite { .. })) => {
            Ok(Some((unknown(index), state.products())))
        }
        Err(error) => Err(error.into()),
    }
}

fn point(index: usize, spectrum: &Spectrum) -> CurvaturePoint {
    match (spectrum.top.first(), spectrum.bottom.first()) {
        (Some(top), Some(bottom)) => CurvaturePoint {
            index,
            lambda_max: top.value,
            lambda_min: bottom.value,
            residual_max: top.residual,
            residual_min: bottom.residual,
            converged: top.converged && bottom.converged,
        },
        _ => unknown(index),
    }
}

fn unknown(index: usize) -> CurvaturePoint {
    CurvaturePoint {
        index,
        lambda_max: f64::NAN,
        lambda_min: f64::NAN,
        residual_max: f64::NAN,
        residual_min: f64::NAN,
        converged: false,
    }
}
