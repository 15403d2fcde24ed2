//! Lanczos iterations as they are stored: bit for bit.

use crate::StudyError;
use landscape_hessian::{State, StateParts, Waiting};
use landscape_storage::LanczosState;
use serde_json::{Value, json};

/// All but the vectors. Numbers are stored as their bits, which text gives back exactly.
pub fn pack(state: &State) -> Value {
    let parts = state.parts();
    json!({
        "dim": parts.dim,
        "seed": parts.seed,
        "draws": parts.draws,
        "products": parts.products,
        "restarts": parts.restarts,
        "projected": parts.projected.iter().map(|row| bits(row)).collect::<Vec<_>>(),
        "coupling": bits(&parts.coupling),
        "has_next": parts.next.is_some(),
        "locked": parts.locked,
        "residuals": bits(&parts.residuals),
        "estimates": bits(&parts.estimates),
        "locked_at": parts.locked_at,
        "worst": parts.worst.map(f64::to_bits),
        "failures": parts.failures,
        "waiting": parts.waiting.iter().map(|w| bits(&w.coupling)).collect::<Vec<_>>(),
    })
}

/// The basis and, behind it, the vectors that come next: they become vectors of the basis as they are, in
/// this order.
pub fn vectors(state: &State) -> Vec<&[f64]> {
    let parts = state.parts();
    let waiting = parts.waiting.iter().map(|waiting| &waiting.vector);
    let all = parts.basis.iter().chain(&parts.next).chain(waiting);
    all.map(Vec::as_slice).collect()
}

/// While this number stays the same, vectors are only added.
pub fn generation(state: &State) -> u64 {
    let parts = state.parts();
    ((parts.restarts as u64) << 32) | parts.locked_at as u64
}

/// The state of what was stored; nothing where it is not understood: the search then begins again.
pub fn unpack(stored: LanczosState) -> Result<Option<State>, StudyError> {
    let LanczosState { state, mut basis } = stored;
    let waiting = waiting(&state, &mut basis);
    let next = match state["has_next"].as_bool() {
        Some(true) => basis.pop(),
        _ => None,
    };
    let (Some(waiting), Some(parts)) = (waiting, parts(&state, basis, next)) else {
        return Ok(None);
    };
    let parts = StateParts { waiting, ..parts };
    Ok(State::from_parts(parts).ok())
}

/// The vectors that wait, which are the last ones; none where that was not noted.
fn waiting(state: &Value, vectors: &mut Vec<Vec<f64>>) -> Option<Vec<Waiting>> {
    let couplings = state["waiting"].as_array().into_iter().flatten();
    let couplings = couplings.map(floats).collect::<Option<Vec<_>>>()?;
    let first = vectors.len().checked_sub(couplings.len())?;
    let last = vectors.split_off(first).into_iter().zip(couplings);
    Some(
        last.map(|(vector, coupling)| Waiting { vector, coupling })
            .collect(),
    )
}

fn parts(state: &Value, basis: Vec<Vec<f64>>, next: Option<Vec<f64>>) -> Option<StateParts> {
    let count = |name: &str| state[name].as_u64();
    let rows = state["projected"].as_array()?;
    Some(StateParts {
        dim: count("dim")? as usize,
        seed: count("seed")?,
        draws: count("draws")?,
        products: count("products")? as usize,
        restarts: count("restarts")? as usize,
        basis,
        projected: rows.iter().map(floats).collect::<Option<_>>()?,
        coupling: floats(&state["coupling"])?,
        next,
        locked: count("locked")? as usize,
        residuals: floats(&state["residuals"])?,
        estimates: floats(&state["estimates"])?,
        locked_at: count("locked_at")? as usize,
        worst: count("worst").map(f64::from_bits),
        failures: count("failures").unwrap_or(0) as usize,
        waiting: vec![],
    })
}

/// Numbers as their bits.
pub fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Numbers from their bits.
pub fn floats(bits: &Value) -> Option<Vec<f64>> {
    let all = bits.as_array()?.iter();
    all.map(|bits| bits.as_u64().map(f64::from_bits)).collect()
}
