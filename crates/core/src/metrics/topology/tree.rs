//! Merge tree of the sub-level sets, and what follows from it: persistence, barriers, SMAD.

use super::filtration::{Filtration, Join, meeting};
use crate::metrics::field::Field;
use crate::surface::{Surface, Value};
use serde::{Deserialize, Serialize};

/// A minimum that joins a deeper one as the level rises.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Merge {
    /// The minimum, by number of point.
    pub minimum: usize,
    /// The point at whose level its part of the sub-level set meets a deeper one's.
    pub saddle: usize,
    /// The lowest minimum of that deeper part.
    pub into: usize,
    /// `f(minimum)`.
    pub birth: f64,
    /// `f(saddle)`.
    pub level: f64,
    /// `f(saddle) - f(minimum)`, above 0: the barrier out of the minimum.
    pub persistence: f64,
}

/// Merge tree of the sub-level sets of the known points of a surface.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MergeTree {
    /// The lowest points of the parts of the surface that never meet; one unless missing points cut
    /// the surface.
    pub roots: Vec<usize>,
    /// Their values.
    pub root_values: Vec<f64>,
    /// Every other minimum, by descending persistence.
    pub merges: Vec<Merge>,
    /// The minima, rising by number, that points not yet known may undo: one that has such a neighbour,
    /// or that only such points part from a lower one. The lowest of all is none of them.
    #[serde(default)]
    pub undecided: Vec<usize>,
}

/// A minimum's interval of levels: a point of the 0-dimensional persistence diagram of the sub-level
/// sets, a bar of their barcode.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Persistence {
    /// The minimum, by number of point.
    pub minimum: usize,
    /// `f(minimum)`.
    pub birth: f64,
    /// The level at which it joins a deeper minimum; `None` for one that never does.
    pub death: Option<f64>,
}

/// The lowest way from one minimum to another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    /// The highest point of the way.
    pub saddle: usize,
    /// Its value: the smallest level at which both minima are in one part.
    pub level: f64,
    /// The barrier from the first minimum, `level - f(first)`, and from the second.
    pub heights: [f64; 2],
}

impl MergeTree {
    /// Saddle-minimum average distance: the mean persistence, `f(saddle) - f(minimum)`, of the
    /// minima that join a deeper one, undecided ones apart; `None` without a merge.
    ///
    /// Chen et al., *Landscaper: Understanding Loss Landscapes Through Multi-Dimensional Topological
    /// Analysis*, 2026. Their program averages [`MergeTree::smad_first_saddle`].
    pub fn smad(&self) -> Option<f64> {
        let decided = self.merges.iter().filter(|m| self.is_decided(m.minimum));
        mean(decided.map(|merge| merge.persistence))
    }

    /// Whether a minimum is one whatever the points not yet known are.
    pub fn is_decided(&self, minimum: usize) -> bool {
        self.undecided.binary_search(&minimum).is_err()
    }

    /// The persistence diagram of the minima that are decided.
    pub fn decided(&self) -> Vec<Persistence> {
        let all = self.persistence().into_iter();
        all.filter(|pair| self.is_decided(pair.minimum)).collect()
    }

    /// As [`MergeTree::smad`] over the leaves of the tree: the distance of every minimum, the lowest
    /// one included, to the first saddle above it, where its branch meets any other. The program
    /// Landscaper computes its SMAD so.
    pub fn smad_first_saddle(&self) -> Option<f64> {
        let leaves = self.decided();
        mean(leaves.iter().filter_map(|leaf| {
            let meets = |m: &&Merge| m.minimum == leaf.minimum || m.into == leaf.minimum;
            let levels = self.merges.iter().filter(meets).map(|m| m.level);
            levels.reduce(f64::min).map(|level| level - leaf.birth)
        }))
    }

    /// The persistence diagram: first the minima that never join a deeper one, then the others by
    /// descending persistence.
    pub fn persistence(&self) -> Vec<Persistence> {
        let roots = self.roots.iter().zip(&self.root_values);
        let roots = roots.map(|(&minimum, &birth)| Persistence {
            minimum,
            birth,
            death: None,
        });
        let merges = self.merges.iter().map(|merge| Persistence {
            minimum: merge.minimum,
            birth: merge.birth,
            death: Some(merge.level),
        });
        roots.chain(merges).collect()
    }

    /// The lowest way between two minima of the tree: over all ways on the grid, the one whose
    /// highest point is lowest. `None` where one of them is not a minimum of the tree, both are the same,
    /// or no way connects them.
    pub fn passage(&self, from: usize, to: usize) -> Option<Passage> {
        if from == to {
            return None;
        }
        let births = [self.birth(from)?, self.birth(to)?];
        let (mut a, mut b) = (from, to);
        let mut highest: Option<Merge> = None;
        // The younger of two joins first, so that stepping from the lower saddle ends where both meet.
        while a != b {
            let (up_a, up_b) = (self.merge_of(a), self.merge_of(b));
            let step = match (up_a, up_b) {
                (None, None) => return None,
                (Some(x), None) => x,
                (None, Some(y)) => y,
                (Some(x), Some(y)) if x.level < y.level => x,
                (Some(x), Some(y)) if x.level > y.level => y,
                // At one level the order of the points decides; the higher minimum ends first.
                (Some(x), Some(y)) => match (x.birth, x.minimum) > (y.birth, y.minimum) {
                    true => x,
                    false => y,
                },
            };
            if highest.is_none_or(|h| step.level > h.level) {
                highest = Some(*step);
            }
            match step.minimum == a {
                true => a = step.into,
                false => b = step.into,
            }
        }
        highest.map(|merge| Passage {
            saddle: merge.saddle,
            level: merge.level,
            heights: births.map(|birth| merge.level - birth),
        })
    }

    fn merge_of(&self, minimum: usize) -> Option<&Merge> {
        self.merges.iter().find(|merge| merge.minimum == minimum)
    }

    fn birth(&self, minimum: usize) -> Option<f64> {
        let root = self.roots.iter().position(|&root| root == minimum);
        root.map(|index| self.root_values[index])
            .or_else(|| self.merge_of(minimum).map(|merge| merge.birth))
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0u32), |(sum, count), v| (sum + v, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

/// The merge tree of the points with finite values; all neighbours, diagonal ones included, are
/// connected, and the edge of the grid bounds the parts.
///
/// Points are added by rising value (equal ones in grid order) to a union-find; where two parts
/// meet, the one with the higher minimum ends (elder rule). Merges of no height are left out.
pub fn merge_tree(surface: &Surface, value: Value) -> MergeTree {
    let field = Field::new(surface.grid(), surface.values(value));
    let values = &field.values;
    let filtration = Filtration::of(&field);
    let merge = |join: Join| {
        let (birth, level) = (values[join.minimum], values[join.saddle]);
        (level > birth).then_some(Merge {
            minimum: join.minimum,
            saddle: join.saddle,
            into: join.into,
            birth,
            level,
            persistence: level - birth,
        })
    };
    let mut merges: Vec<Merge> = filtration.joins.into_iter().filter_map(merge).collect();
    merges.sort_by(|a, b| b.persistence.total_cmp(&a.persistence));
    MergeTree {
        root_values: filtration.roots.iter().map(|&flat| values[flat]).collect(),
        undecided: undecided(surface, value, &field, &filtration.roots, &merges),
        roots: filtration.roots,
        merges,
    }
}

fn undecided(
    surface: &Surface,
    value: Value,
    field: &Field,
    roots: &[usize],
    merges: &[Merge],
) -> Vec<usize> {
    let unknown = |flat: usize| surface.value(flat, value).is_none();
    let Some((&lowest, others)) = roots.split_first() else {
        return Vec::new();
    };
    let reached = reached(field, lowest, |flat| {
        unknown(flat) || field.values[flat].is_finite()
    });
    let open = |minimum: usize| {
        let offsets = field.around.iter();
        let mut near = offsets.filter_map(|&offset| field.neighbour(minimum, offset));
        near.any(unknown)
    };
    let roots = others.iter().filter(|&&root| reached[root] || open(root));
    let minima = merges.iter().map(|merge| merge.minimum);
    let mut found: Vec<usize> = roots.copied().chain(minima.filter(|&m| open(m))).collect();
    found.sort_unstable();
    found
}

/// The points that neighbours which pass connect with one of them.
fn reached(field: &Field, start: usize, passes: impl Fn(usize) -> bool) -> Vec<bool> {
    let mut seen = vec![false; field.values.len()];
    let mut stack = vec![start];
    seen[start] = true;
    while let Some(flat) = stack.pop() {
        let offsets = field.around.iter();
        for next in offsets.filter_map(|&offset| field.neighbour(flat, offset)) {
            if !seen[next] && passes(next) {
                seen[next] = true;
                stack.push(next);
            }
        }
    }
    seen
}

/// The lowest way between any two points of a surface, by number of point. `None` where a value is
/// not finite, or nothing connects them.
pub fn lowest_way(surface: &Surface, value: Value, from: usize, to: usize) -> Option<Passage> {
    way_over(&Field::new(surface.grid(), surface.values(value)), from, to)
}

/// The same where every point that is not known lies low: no way can be lower, whatever is measured
/// yet. `None` where a value of the ends is not finite, or such values cut them off.
pub(crate) fn lowest_possible_way(
    surface: &Surface,
    value: Value,
    from: usize,
    to: usize,
) -> Option<Passage> {
    let low = |flat: usize| surface.value(flat, value).unwrap_or(f64::MIN);
    let values = (0..surface.grid().len()).map(low).collect();
    way_over(&Field::new(surface.grid(), values), from, to)
}

fn way_over(field: &Field, from: usize, to: usize) -> Option<Passage> {
    let saddle = meeting(field, from, to)?;
    let level = field.values[saddle];
    Some(Passage {
        saddle,
        level,
        heights: [from, to].map(|end| level - field.values[end]),
    })
}
