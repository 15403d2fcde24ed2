use super::{Lanczos, State};

/// What is known about eigenvalues beyond the locked ones.
pub(super) enum Confirmation {
    /// There is one.
    Missed,
    /// The chance that there is one is estimated as this.
    Chance(f64),
}

/// Looks at what was found in the space orthogonal to the locked pairs.
pub(super) fn confirmation(lanczos: &Lanczos, state: &State) -> Confirmation {
    let locked = state.parts.locked;
    let steps = state.size() - locked;
    if steps == 0 {
        return Confirmation::Chance(if state.is_exhausted() { 0.0 } else { 1.0 });
    }
    let ritz = state.ritz(locked);
    let value = |i: usize| state.parts.projected[i][i];
    let (high, low) = (ritz.values[0], ritz.values[steps - 1]);
    let norm = ritz.norm().max(value(0).abs()).max(value(locked - 1).abs());
    let (top, bottom) = (lanczos.params().top, lanczos.params().bottom);
    // Beyond these an eigenvalue was missed.
    let upper = (top > 0).then(|| value(top.min(locked) - 1));
    let upper = upper.map(|v| v + lanczos.allowed(v, norm));
    let lower = (bottom > 0).then(|| value(locked - bottom.min(locked)));
    let lower = lower.map(|v| v - lanczos.allowed(v, norm));
    if upper.is_some_and(|edge| high > edge) || lower.is_some_and(|edge| low < edge) {
        return Confirmation::Missed;
    }
    let invariant = state.parts.coupling.iter().all(|&c| c == 0.0);
    if state.is_exhausted() || invariant {
        return Confirmation::Chance(0.0);
    }
    // The far end of what is left, as far out as its residual lets it be.
    let floor = low - ritz.couplings[steps - 1];
    let ceiling = high + ritz.couplings[0];
    let above = upper.map(|edge| share(edge - high, edge - floor));
    let below = lower.map(|edge| share(low - edge, ceiling - edge));
    let free = state.dim() - locked;
    let shares = above.into_iter().chain(below);
    let chance = shares.map(|share| miss(free, steps, share)).sum();
    Confirmation::Chance(f64::min(chance, 1.0))
}

fn share(gap: f64, width: f64) -> f64 {
    match width > 0.0 {
        true => gap / width,
        false => 0.0,
    }
}

/// The chance that `steps` of Lanczos from a random vector in `n` dimensions miss an eigenvalue that
/// is beyond the outermost one found by `share` of its distance from the other end.
fn miss(n: usize, steps: usize, share: f64) -> f64 {
    let exponent = share.clamp(0.0, 1.0).sqrt() * (2 * steps - 1) as f64;
    1.648 * (n as f64).sqrt() * libm::exp(-exponent)
}
