//! Merge tree of the sub-level sets: which minimum joins a deeper one, where, and how high.

use super::field::Field;
use crate::surface::{Surface, Value};
use serde::{Deserialize, Serialize};

/// A minimum that joins a deeper one as the level rises.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Merge {
    /// The minimum, by number of point.
    pub minimum: usize,
    /// The point at whose level its basin meets a deeper one's.
    pub saddle: usize,
    /// `f(saddle) - f(minimum)`, above 0: the barrier out of the minimum.
    pub persistence: f64,
}

/// Persistence of the minima of a surface.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MergeTree {
    /// The lowest points of the parts of the surface that never meet; one unless missing points cut
    /// the surface.
    pub roots: Vec<usize>,
    /// Every other minimum, by descending persistence.
    pub merges: Vec<Merge>,
}

impl MergeTree {
    /// Saddle-minimum average distance, the mean of `f(saddle) - f(minimum)`; `None` without a
    /// merge.
    pub fn smad(&self) -> Option<f64> {
        let sum: f64 = self.merges.iter().map(|m| m.persistence).sum();
        (!self.merges.is_empty()).then(|| sum / self.merges.len() as f64)
    }
}

/// The merge tree of the points with finite values; all neighbours, diagonal ones included, are
/// connected, and the edge of the grid bounds the basins.
///
/// Points are added by rising value (equal ones in grid order) to a union-find; where two parts
/// meet, the one with the higher minimum ends (elder rule). Merges of no height are left out.
pub fn merge_tree(surface: &Surface, value: Value) -> MergeTree {
    let field = Field::new(&surface.grid, surface.values(value));
    let values = &field.values;
    let mut rising: Vec<usize> = (0..values.len())
        .filter(|&flat| values[flat].is_finite())
        .collect();
    rising.sort_by(|&a, &b| values[a].total_cmp(&values[b]).then(a.cmp(&b)));
    let mut parts = Parts::new(values.len());
    let mut merges = Vec::new();
    for &flat in &rising {
        parts.start(flat);
        for next in field
            .around
            .iter()
            .filter_map(|&o| field.neighbour(flat, o))
        {
            if parts.is_started(next) {
                merges.extend(parts.join(flat, next, flat, values));
            }
        }
    }
    merges.sort_by(|a, b| b.persistence.total_cmp(&a.persistence));
    MergeTree {
        roots: rising
            .into_iter()
            .filter(|&f| parts.parent[f] == f)
            .collect(),
        merges,
    }
}

/// Union-find whose roots are the lowest points of their parts.
struct Parts {
    parent: Vec<usize>,
}

const UNKNOWN: usize = usize::MAX;

impl Parts {
    fn new(points: usize) -> Self {
        Parts {
            parent: vec![UNKNOWN; points],
        }
    }

    fn start(&mut self, flat: usize) {
        self.parent[flat] = flat;
    }

    fn is_started(&self, flat: usize) -> bool {
        self.parent[flat] != UNKNOWN
    }

    fn root(&mut self, mut flat: usize) -> usize {
        while self.parent[flat] != flat {
            self.parent[flat] = self.parent[self.parent[flat]];
            flat = self.parent[flat];
        }
        flat
    }

    /// Joins two parts at `saddle`; the part with the higher minimum ends there.
    fn join(&mut self, a: usize, b: usize, saddle: usize, values: &[f64]) -> Option<Merge> {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return None;
        }
        let (elder, minimum) = if (values[a], a) < (values[b], b) {
            (a, b)
        } else {
            (b, a)
        };
        self.parent[minimum] = elder;
        let persistence = values[saddle] - values[minimum];
        (persistence > 0.0).then_some(Merge {
            minimum,
            saddle,
            persistence,
        })
    }
}
