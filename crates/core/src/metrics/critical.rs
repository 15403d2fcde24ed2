//! Critical points of the grid.

use super::curvature;
use super::field::Field;

/// Largest distance of a saddle to its grid point, in grid steps along an axis. The nearest point is
/// at most half a step away; the rest is for the error of the quadratic.
const NEAR: f64 = 0.75;

/// Local minima: interior points, or plateaus of equal values that touch no edge, all of whose
/// neighbours, diagonal ones included, are strictly larger. A plateau counts once, by its first
/// point. A neighbour that is missing or NaN rules a point out; infinite ones compare as numbers.
pub(super) fn minima(field: &Field) -> Vec<usize> {
    extrema(field, |neighbour, level| neighbour > level)
}

/// Local maxima, likewise.
pub(super) fn maxima(field: &Field) -> Vec<usize> {
    extrema(field, |neighbour, level| neighbour < level)
}

fn extrema(field: &Field, beyond: impl Fn(f64, f64) -> bool) -> Vec<usize> {
    let mut seen = vec![false; field.values.len()];
    let mut found = Vec::new();
    for start in 0..field.values.len() {
        if seen[start] || !field.values[start].is_finite() {
            continue;
        }
        if plateau_is_extreme(field, start, &mut seen, &beyond) {
            found.push(start);
        }
    }
    found
}

/// Visits the whole plateau of `start` and tells whether everything around it lies beyond it.
fn plateau_is_extreme(
    field: &Field,
    start: usize,
    seen: &mut [bool],
    beyond: &impl Fn(f64, f64) -> bool,
) -> bool {
    let level = field.values[start];
    let mut extreme = true;
    let mut stack = vec![start];
    seen[start] = true;
    while let Some(flat) = stack.pop() {
        extreme &= field.is_interior(flat);
        for next in field
            .around
            .iter()
            .filter_map(|&o| field.neighbour(flat, o))
        {
            let value = field.values[next];
            if value == level {
                if !seen[next] {
                    seen[next] = true;
                    stack.push(next);
                }
            } else {
                extreme &= beyond(value, level);
            }
        }
    }
    extreme
}

/// Saddles in two and three dimensions: points whose local quadratic is indefinite and has its
/// stationary point within [`NEAR`] steps along every axis. Neighbouring ones count once, by the
/// one nearest to its stationary point.
///
/// Counting sign changes around the ring of neighbours instead finds one saddle several times where
/// it lies askew to the grid.
pub(super) fn saddles(field: &Field) -> Vec<usize> {
    if field.dims() < 2 {
        return Vec::new();
    }
    let mut distances: Vec<Option<f64>> = (0..field.values.len())
        .map(|flat| curvature::saddle_distance(field, flat).filter(|&d| d <= NEAR))
        .collect();
    let mut found: Vec<usize> = (0..field.values.len())
        .filter_map(|flat| nearest_of_group(field, flat, &mut distances))
        .collect();
    found.sort_unstable();
    found
}

/// Empties the group of candidates that `start` belongs to and gives its best one.
fn nearest_of_group(field: &Field, start: usize, distances: &mut [Option<f64>]) -> Option<usize> {
    let mut best = (distances[start].take()?, start);
    let mut stack = vec![start];
    while let Some(flat) = stack.pop() {
        for next in field
            .around
            .iter()
            .filter_map(|&o| field.neighbour(flat, o))
        {
            if let Some(distance) = distances[next].take() {
                if distance < best.0 {
                    best = (distance, next);
                }
                stack.push(next);
            }
        }
    }
    Some(best.1)
}
