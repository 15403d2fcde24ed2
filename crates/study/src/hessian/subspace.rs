//! How much of the gradient, of the updates and of the path of a training lies in the space of the leading eigenvectors, and how far
//! that space stays the same.

use super::work::Work;
use crate::StudyError;
use crate::directions::Derivatives;
use landscape_core::Params;
use landscape_hessian::{Lanczos, Stop, Subspace};
use landscape_storage::{Curvature, Sharpness};
use serde_json::json;

/// What the names of the numbers begin with.
const PREFIX: &str = "subspace-";
/// The share of the gradient, of the way to the next checkpoint, and of the way from the first one.
pub const GRADIENT: &str = "subspace-gradient";
/// See [`GRADIENT`].
pub const UPDATE: &str = "subspace-update";
/// See [`GRADIENT`].
pub const PATH: &str = "subspace-path";
/// How far the space agrees with that of the checkpoint before.
pub const OVERLAP: &str = "subspace-overlap";

/// Whether a stored number is one of these, and no measure of sharpness.
pub fn is_of_subspace(row: &Sharpness) -> bool {
    row.measure.starts_with(PREFIX)
}

/// A checkpoint, and those around it.
pub struct Around<'a> {
    /// The first of the training.
    pub first: &'a Params,
    /// The next one.
    pub next: Option<&'a Params>,
    /// The one before.
    pub before: Option<&'a Params>,
}

/// Whether the shares are known where the work is.
pub fn is_known(work: &Work) -> bool {
    work.at.sharpness.iter().any(|row| row.measure == GRADIENT)
}

/// Measures and keeps the shares at a checkpoint; `last` is the space of the checkpoint before, where that is known. Gives the space
/// of this one.
///
/// # Errors
/// Those of derivatives and store.
pub fn shares(
    work: &mut Work,
    derivatives: &mut Derivatives,
    around: &Around,
    last: Option<Subspace>,
) -> Result<Subspace, StudyError> {
    let here = derivatives.params_at(derivatives.curvature().point())?;
    let last = match (last, around.before) {
        (None, Some(before)) => {
            derivatives.move_to(before)?;
            let space = leading(work, derivatives)?;
            derivatives.move_to(&here)?;
            Some(space)
        }
        (last, _) => last,
    };
    let space = leading(work, derivatives)?;
    let gradient = derivatives.curvature().gradient()?.gradient;
    let way = |from: &Params, to: &Params| -> Result<f64, StudyError> {
        let moved = to
            .clone()
            .conform(&here)?
            .sub(&from.clone().conform(&here)?)?;
        let moved: Vec<f64> = moved.flatten().into_iter().map(f64::from).collect();
        Ok(space.share(&moved))
    };
    let next = around.next.map(|next| way(&here, next)).transpose()?;
    let path = way(around.first, &here)?;
    let overlap = last.map(|last| last.overlap(&space));
    let all = [
        (GRADIENT, Some(space.share(&gradient))),
        (UPDATE, next),
        (PATH, Some(path)),
        (OVERLAP, overlap),
    ];
    keep(work, space.dim(), &all)?;
    Ok(space)
}

/// Keeps what there is: of no way at all there is no share.
fn keep(work: &mut Work, dim: usize, all: &[(&str, Option<f64>)]) -> Result<(), StudyError> {
    let known = { all.iter() }.filter_map(|(name, value)| Some((*name, (*value)?)));
    let known = known.filter(|(name, value)| *name == GRADIENT || value.is_finite());
    let rows = known.map(|(name, value)| Sharpness {
        measure: name.to_owned(),
        value,
        se: None,
        settings: json!({ "dimension": dim }),
    });
    let sharpness = rows.collect();
    work.keep(
        0,
        Curvature {
            sharpness,
            ..Curvature::default()
        },
    )
}

/// The space of the leading eigenvectors where the derivatives are: those that the search for eigenvalues has just found, or those
/// of a search of its own.
fn leading(work: &mut Work, derivatives: &Derivatives) -> Result<Subspace, StudyError> {
    let wanted = work.wanted.asked.subspace.unwrap_or(1);
    let point = derivatives.curvature().point();
    if let Some(found) = work.found.take().filter(|found| found.point == point) {
        return Ok(Subspace::of(
            &found.vectors[..wanted.min(found.vectors.len())],
        ));
    }
    let lanczos = Lanczos::new(work.wanted.lanczos_for(wanted))?;
    let operator = derivatives.operator(work.wanted.asked.matrix);
    let mut state = lanczos.start(derivatives.dim())?;
    let found = work.watch("leading eigenvectors", |observer| {
        lanczos.run(&operator, &mut state, observer)
    })?;
    if found.stop == Stop::Cancelled {
        return Err(work.interrupted());
    }
    work.keep(found.products, Curvature::default())?;
    let vectors: Vec<Vec<f64>> = found.top.into_iter().map(|pair| pair.vector).collect();
    Ok(Subspace::of(&vectors))
}
