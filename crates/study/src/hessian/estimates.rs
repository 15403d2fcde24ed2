//! Trace and density of the whole matrix.

use super::state::{bits, floats};
use super::work::Work;
use crate::StudyError;
use crate::directions::Derivatives;
use landscape_hessian::density::Quadrature;
use landscape_hessian::trace::Ended;
use landscape_hessian::{Density, DensityParams, Estimate, Pair, SpectralDensity, Trace};
use landscape_storage::{
    ALL_PARAMETERS, Curvature, LanczosState, SpectralDensity as StoredDensity, TraceEstimate,
};
use landscape_trace::Matrix;
use serde_json::{Value, json};

/// Estimates and keeps the trace.
pub fn trace(work: &mut Work, derivatives: &Derivatives) -> Result<(), StudyError> {
    if !work.wanted.trace {
        return Ok(());
    }
    let matrix = work.wanted.asked.matrix;
    trace_of(work, derivatives, ALL_PARAMETERS, matrix)
}

/// Estimates and keeps the trace of a matrix under a name, unless it is known.
pub fn trace_of(
    work: &mut Work,
    derivatives: &Derivatives,
    part: &str,
    matrix: Matrix,
) -> Result<(), StudyError> {
    if work.has_trace(part) {
        return Ok(());
    }
    let trace = Trace::new(work.wanted.trace_params())?;
    let operator = derivatives.operator(matrix);
    let what = match part {
        ALL_PARAMETERS => "trace".to_owned(),
        _ => format!("trace of {matrix}"),
    };
    let found = work.watch(&what, |observer| trace.run(&operator, observer))?;
    if found.ended == Ended::Cancelled {
        return Err(work.interrupted());
    }
    let method = work.wanted.trace_method().name();
    let products = found.products;
    let row = estimate(part, method, &found);
    keep_traces(work, products, vec![row])
}

/// An estimate as it is stored.
pub fn estimate(part: &str, method: &str, found: &Estimate) -> TraceEstimate {
    let se = found.standard_error;
    TraceEstimate {
        part: part.to_owned(),
        method: method.to_owned(),
        mean: found.mean,
        se: se.is_finite().then_some(se),
        probes: found.samples.len() as u64,
        products: found.products as u64,
    }
}

/// Keeps estimates that took so many products together.
pub fn keep_traces(
    work: &mut Work,
    products: usize,
    traces: Vec<TraceEstimate>,
) -> Result<(), StudyError> {
    work.keep(
        products,
        Curvature {
            traces,
            ..Curvature::default()
        },
    )
}

/// The share of cases that the interval of a density covers.
const CONFIDENCE: f64 = 0.95;

/// What a density is made of: eigenpairs that are known, and the random vectors that are done.
#[derive(Default)]
struct Beside {
    pairs: Vec<Pair>,
    known: Vec<Quadrature>,
}

/// Keeps the converged pairs for a density that is to come, before their values are kept: the density is
/// then the same however often the work is interrupted.
pub fn keep_atoms(work: &Work, pairs: &[&Pair]) -> Result<(), StudyError> {
    if !work.wanted.asked.density || work.has_density() {
        return Ok(());
    }
    let converged: Vec<&&Pair> = pairs.iter().filter(|pair| pair.converged).collect();
    let vectors: Vec<&[f64]> = converged.iter().map(|p| p.vector.as_slice()).collect();
    let state = packed(converged.iter().map(|pair| **pair), &[]);
    work.store
        .put_lanczos_state(&work.run, &work.task("density"), &state, 0, &vectors)?;
    Ok(())
}

/// Estimates and keeps the density, beside the eigenvalues that were found. Random vectors that are done
/// are kept on the way.
pub fn density(work: &mut Work, derivatives: &Derivatives) -> Result<(), StudyError> {
    if !work.wanted.asked.density || work.has_density() {
        return Ok(());
    }
    let params = work.wanted.density_params();
    let operator = derivatives.operator(work.wanted.asked.matrix);
    let task = work.task("density");
    let stored = work.store.lanczos_state(&work.run, &task)?;
    let Beside { pairs, mut known } = stored.and_then(unpacked).unwrap_or_default();
    loop {
        let probes = (known.len() + params.block).clamp(2, params.probes);
        let some = Density::new(DensityParams { probes, ..params })?;
        let found = work.watch("density", |observer| {
            some.run_beside(&operator, &pairs, &known, observer)
        })?;
        if found.ended == Ended::Cancelled {
            return Err(work.interrupted());
        }
        if found.ended == Ended::Exact || found.probes() == params.probes {
            let products = found.products;
            let results = Curvature {
                densities: vec![stored_density(found)],
                ..Curvature::default()
            };
            return work.keep(products, results);
        }
        known = found.quadratures;
        let state = packed(pairs.iter(), &known);
        work.store
            .put_lanczos_state(&work.run, &task, &state, pairs.len(), &[])?;
        work.go_on()?;
    }
}

/// All but the vectors of the pairs; numbers as their bits.
fn packed<'a>(pairs: impl Iterator<Item = &'a Pair>, known: &[Quadrature]) -> Value {
    let one = |q: &Quadrature| json!({"nodes": bits(&q.nodes), "weights": bits(&q.weights)});
    let pair = |pair: &Pair| bits(&[pair.value, pair.residual, pair.estimate]);
    json!({
        "pairs": pairs.map(pair).collect::<Vec<_>>(),
        "quadratures": known.iter().map(one).collect::<Vec<_>>(),
    })
}

fn unpacked(stored: LanczosState) -> Option<Beside> {
    let one = |value: &Value| {
        Some(Quadrature {
            nodes: floats(&value["nodes"])?,
            weights: floats(&value["weights"])?,
        })
    };
    // A list alone is of a version without pairs.
    let list = match stored.state.as_array() {
        Some(list) => list,
        None => stored.state["quadratures"].as_array()?,
    };
    let known = list.iter().map(one).collect::<Option<_>>()?;
    let numbers = stored.state["pairs"].as_array().into_iter().flatten();
    let pair = |(numbers, vector): (&Value, Vec<f64>)| {
        let numbers = floats(numbers)?;
        Some(Pair {
            value: *numbers.first()?,
            residual: *numbers.get(1)?,
            estimate: *numbers.get(2)?,
            vector,
            converged: true,
        })
    };
    let pairs = numbers.zip(stored.basis).map(pair).collect::<Option<_>>()?;
    Some(Beside { pairs, known })
}

fn stored_density(found: SpectralDensity) -> StoredDensity {
    let (lower, upper) = found.band(CONFIDENCE).into_iter().unzip();
    StoredDensity {
        part: ALL_PARAMETERS.to_owned(),
        lanczos_steps: found.steps as u64,
        probes: found.probes() as u64,
        width: found.width,
        atoms: Some(found.atoms.len() as u64),
        confidence: Some(CONFIDENCE),
        grid: found.grid,
        density: found.density,
        se: found.standard_errors,
        lower,
        upper,
    }
}
