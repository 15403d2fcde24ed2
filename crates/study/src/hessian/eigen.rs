//! Eigenvalues of the whole matrix.

use super::estimates::keep_atoms;
use super::request::EigenMethod;
use super::state::{generation, pack, vectors};
use super::work::{Leading, Work};
use crate::StudyError;
use crate::directions::Derivatives;
use landscape_hessian::{Lanczos, Pair, Power, Spectrum, Stop};
use landscape_storage::{ALL_PARAMETERS, Curvature, Eigenvalue, Error, Side};
use landscape_trace::Matrix;

/// Eigenvectors are stored up to so many numbers.
const STORED: usize = 16 << 20;

/// Finds and keeps the eigenvalues that are asked for.
pub fn eigenvalues(work: &mut Work, derivatives: &Derivatives) -> Result<(), StudyError> {
    let wanted = work.wanted;
    if wanted.top + wanted.bottom == 0 || work.has_eigenvalues(ALL_PARAMETERS) {
        return Ok(());
    }
    let (top, bottom, products) = match wanted.asked.method {
        EigenMethod::Lanczos => lanczos(work, derivatives)?,
        EigenMethod::Power => power(work, derivatives)?,
    };
    let both: Vec<&Pair> = top.iter().chain(&bottom).collect();
    keep_atoms(work, &both)?;
    let method = wanted.asked.method.name();
    let mut found = rows(ALL_PARAMETERS, Side::Top, &top, method);
    found.extend(rows(ALL_PARAMETERS, Side::Bottom, &bottom, method));
    work.keep(
        products,
        Curvature {
            eigenvalues: found,
            ..Curvature::default()
        },
    )?;
    if wanted.asked.subspace.is_some() {
        work.found = Some(Leading {
            point: derivatives.curvature().point().to_vec(),
            vectors: top.iter().map(|pair| pair.vector.clone()).collect(),
        });
    }
    let numbers = (top.len() + bottom.len()) * derivatives.dim();
    if work.at.step.is_none() && numbers <= STORED {
        vectors_of(work, derivatives, Side::Top, &top)?;
        vectors_of(work, derivatives, Side::Bottom, &bottom)?;
    }
    Ok(())
}

/// Finds and keeps the largest eigenvalue of a matrix, under the name of a part; `what` is the name of the work.
pub fn largest(
    work: &mut Work,
    (derivatives, matrix): (&Derivatives, Matrix),
    part: &str,
    what: &str,
) -> Result<(), StudyError> {
    let lanczos = Lanczos::new(work.wanted.single())?;
    let operator = derivatives.operator(matrix);
    let mut state = lanczos.start(derivatives.dim())?;
    let found = work.watch(what, |observer| {
        lanczos.run(&operator, &mut state, observer)
    })?;
    if found.stop == Stop::Cancelled {
        return Err(work.interrupted());
    }
    work.keep(
        found.products,
        Curvature {
            eigenvalues: rows(part, Side::Top, &found.top, "lanczos"),
            ..Curvature::default()
        },
    )
}

fn vectors_of(
    work: &Work,
    derivatives: &Derivatives,
    side: Side,
    pairs: &[Pair],
) -> Result<(), StudyError> {
    let tensors = pairs.iter().map(|pair| derivatives.tensors(&pair.vector));
    let tensors = tensors.collect::<Result<Vec<_>, _>>()?;
    if !tensors.is_empty() {
        work.store.put_eigenvectors(&work.run, side, &tensors)?;
    }
    Ok(())
}

/// Pairs of one end, as they are stored.
pub fn rows(part: &str, side: Side, pairs: &[Pair], method: &str) -> Vec<Eigenvalue> {
    let row = |(rank, pair): (usize, &Pair)| Eigenvalue {
        part: part.to_owned(),
        side,
        rank: rank as u64,
        value: pair.value,
        residual: pair.residual,
        converged: pair.converged,
        method: method.to_owned(),
    };
    pairs.iter().enumerate().map(row).collect()
}

type Found = (Vec<Pair>, Vec<Pair>, usize);

/// The search goes on from what is stored, and is stored while it goes on.
fn lanczos(work: &mut Work, derivatives: &Derivatives) -> Result<Found, StudyError> {
    let lanczos = Lanczos::new(work.wanted.lanczos())?;
    let operator = derivatives.operator(work.wanted.asked.matrix);
    let task = work.task("eigenvalues");
    let mut state = match work.stored_state(&task, derivatives.dim())? {
        Some(state) => state,
        None => lanczos.start(derivatives.dim())?,
    };
    let mut recorder = work.store.lanczos_recorder(&work.run, &task);
    loop {
        let spectrum = work.watch("eigenvalues", |observer| {
            lanczos.run(
                &operator,
                &mut state,
                &mut |progress| match recorder.is_due() {
                    true => std::ops::ControlFlow::Break(()),
                    false => observer(progress),
                },
            )
        })?;
        if spectrum.stop != Stop::Cancelled {
            let Spectrum {
                top,
                bottom,
                products,
                ..
            } = spectrum;
            return Ok((top, bottom, products));
        }
        if work.stopped() {
            match recorder.flush(generation(&state), &pack(&state), &vectors(&state)) {
                Err(Error::Locked { .. }) => work.note(
                    "the iteration in progress will begin again: the database is in use, so it cannot be stored",
                ),
                kept => kept?,
            }
            return Err(work.interrupted());
        }
        recorder.push(generation(&state), &pack(&state), &vectors(&state))?;
    }
}

fn power(work: &mut Work, derivatives: &Derivatives) -> Result<Found, StudyError> {
    let power = Power::new(work.wanted.power())?;
    let operator = derivatives.operator(work.wanted.asked.matrix);
    let mut found = work.watch("eigenvalues", |observer| power.run(&operator, observer))?;
    if found.stop == Stop::Cancelled {
        return Err(work.interrupted());
    }
    found.pairs.sort_by(|a, b| b.value.total_cmp(&a.value));
    Ok((found.pairs, Vec::new(), found.products))
}
