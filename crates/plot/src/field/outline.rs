//! Outlines of sets of cells.

use std::collections::BTreeMap;

type Corner = (usize, usize);

/// Closed outlines of the cells for which `inside` holds, in fractional indices: cell `(i, j)`
/// reaches from `i - 0.5` to `i + 0.5`. Straight runs are one segment.
pub(super) fn trace(
    nx: usize,
    ny: usize,
    inside: impl Fn(usize, usize) -> bool,
) -> Vec<Vec<(f64, f64)>> {
    let mut edges = directed_edges(nx, ny, &inside);
    let mut outlines = Vec::new();
    while let Some((&start, _)) = edges.iter().next() {
        let outline = follow(&mut edges, start);
        outlines.push(simplified(&outline));
    }
    outlines
}

/// The sides of inner cells that border on something else, with the inner cell to the left.
fn directed_edges(
    nx: usize,
    ny: usize,
    inside: &impl Fn(usize, usize) -> bool,
) -> BTreeMap<Corner, Vec<Corner>> {
    let mut edges: BTreeMap<Corner, Vec<Corner>> = BTreeMap::new();
    let mut add = |a: Corner, b: Corner| edges.entry(a).or_default().push(b);
    for i in 0..nx {
        for j in 0..ny {
            if !inside(i, j) {
                continue;
            }
            if j == 0 || !inside(i, j - 1) {
                add((i, j), (i + 1, j));
            }
            if i + 1 == nx || !inside(i + 1, j) {
                add((i + 1, j), (i + 1, j + 1));
            }
            if j + 1 == ny || !inside(i, j + 1) {
                add((i + 1, j + 1), (i, j + 1));
            }
            if i == 0 || !inside(i - 1, j) {
                add((i, j + 1), (i, j));
            }
        }
    }
    edges
}

/// Follows edges from a corner until it comes back, and takes them away.
fn follow(edges: &mut BTreeMap<Corner, Vec<Corner>>, start: Corner) -> Vec<Corner> {
    let mut outline = vec![start];
    let mut at = start;
    while let Some(ways) = edges.get_mut(&at) {
        let Some(next) = ways.pop() else { break };
        if ways.is_empty() {
            edges.remove(&at);
        }
        if next == start {
            break;
        }
        outline.push(next);
        at = next;
    }
    outline
}

/// Corners only where the outline turns, as fractional indices.
fn simplified(outline: &[Corner]) -> Vec<(f64, f64)> {
    let n = outline.len();
    let turns = |k: usize| {
        let (a, b, c) = (outline[(k + n - 1) % n], outline[k], outline[(k + 1) % n]);
        !((a.0 == b.0 && b.0 == c.0) || (a.1 == b.1 && b.1 == c.1))
    };
    (0..n)
        .filter(|k| turns(*k))
        .map(|k| (outline[k].0 as f64 - 0.5, outline[k].1 as f64 - 0.5))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_one_rectangle() {
        let found = trace(5, 4, |i, j| (1..3).contains(&i) && (1..4).contains(&j));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].len(), 4);
        assert!(found[0].contains(&(0.5, 0.5)) && found[0].contains(&(2.5, 3.5)));
    }

    #[test]
    fn a_ring_has_an_outer_and_an_inner_outline() {
        let found = trace(5, 5, |i, j| (i, j) != (2, 2));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn diagonal_cells_are_all_outlined() {
        let found = trace(3, 3, |i, j| i == j);
        let corners: usize = found.iter().map(Vec::len).sum();
        assert_eq!(corners, 12);
    }
}
