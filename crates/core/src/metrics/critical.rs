//! Critical points of the grid.

use super::field::Field;

/// The eight neighbours in two dimensions, in order around the point.
const RING: [[isize; 3]; 8] = [
    [-1, -1, 0],
    [-1, 0, 0],
    [-1, 1, 0],
    [0, 1, 0],
    [1, 1, 0],
    [1, 0, 0],
    [1, -1, 0],
    [0, -1, 0],
];

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
    let offsets = field.around();
    let mut seen = vec![false; field.values.len()];
    let mut found = Vec::new();
    for start in 0..field.values.len() {
        if seen[start] || !field.values[start].is_finite() {
            continue;
        }
        if plateau_is_extreme(field, start, &offsets, &mut seen, &beyond) {
            found.push(start);
        }
    }
    found
}

/// Visits the whole plateau of `start` and tells whether everything around it lies beyond it.
fn plateau_is_extreme(
    field: &Field,
    start: usize,
    offsets: &[[isize; 3]],
    seen: &mut [bool],
    beyond: &impl Fn(f64, f64) -> bool,
) -> bool {
    let level = field.values[start];
    let mut extreme = true;
    let mut stack = vec![start];
    seen[start] = true;
    while let Some(flat) = stack.pop() {
        extreme &= field.is_interior(flat);
        for next in offsets.iter().filter_map(|&o| field.neighbour(flat, o)) {
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

/// Saddles of a grid of two dimensions: interior points around which the surface changes between
/// higher and lower at least four times. Equal values are told apart by their place in the grid.
pub(super) fn saddles(field: &Field) -> Vec<usize> {
    if field.dims() != 2 {
        return Vec::new();
    }
    (0..field.values.len())
        .filter(|&flat| changes(field, flat).is_some_and(|count| count >= 4))
        .collect()
}

/// How often the ring around a point changes sign.
fn changes(field: &Field, flat: usize) -> Option<usize> {
    let level = field.finite(flat, [0; 3])?;
    let mut higher = [false; 8];
    for (side, offset) in higher.iter_mut().zip(RING) {
        let next = field.neighbour(flat, offset)?;
        let value = field.values[next];
        if value.is_nan() {
            return None;
        }
        *side = (value, next) > (level, flat);
    }
    Some((0..8).filter(|&i| higher[i] != higher[(i + 1) % 8]).count())
}
