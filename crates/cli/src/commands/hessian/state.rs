//! Lanczos iterations as they are stored: bit for bit.

use crate::error::CliError;
use landscape_hessian::{State, StateParts};
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
    })
}

/// The basis and, behind it, the vector that comes next: it becomes a vector of the basis as it is.
pub fn vectors(state: &State) -> Vec<&[f64]> {
    let parts = state.parts();
    let all = parts.basis.iter().chain(&parts.next);
    all.map(Vec::as_slice).collect()
}

/// While this number stays the same, vectors are only added.
pub fn generation(state: &State) -> u64 {
    let parts = state.parts();
    ((parts.restarts as u64) << 32) | parts.locked_at as u64
}

/// The state of what was stored; nothing where it is not understood: the search then begins again.
pub fn unpack(stored: LanczosState) -> Result<Option<State>, CliError> {
    let LanczosState { state, mut basis } = stored;
    let next = match state["has_next"].as_bool() {
        Some(true) => basis.pop(),
        _ => None,
    };
    let Some(parts) = parts(&state, basis, next) else {
        return Ok(None);
    };
    Ok(State::from_parts(parts).ok())
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
