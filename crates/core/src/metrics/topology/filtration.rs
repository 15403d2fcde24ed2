//! The points of a surface added one by one, from the lowest to the highest.

use crate::metrics::field::Field;

/// A part of the surface that ends, because it meets one with a lower minimum.
#[derive(Debug, Clone, Copy)]
pub(super) struct Join {
    /// Lowest point of the part that ends.
    pub(super) minimum: usize,
    /// Lowest point of the part that goes on.
    pub(super) into: usize,
    /// The point at which they meet.
    pub(super) saddle: usize,
}

/// Where each point drains to and which parts meet.
pub(super) struct Filtration {
    /// Finite points, rising by value, equal ones by number.
    pub(super) rising: Vec<usize>,
    /// In the order in which they happen; those of no height too.
    pub(super) joins: Vec<Join>,
    /// Lowest points of the parts that never end.
    pub(super) roots: Vec<usize>,
}

impl Filtration {
    pub(super) fn of(field: &Field) -> Self {
        let values = &field.values;
        let mut rising: Vec<usize> = (0..values.len())
            .filter(|&flat| values[flat].is_finite())
            .collect();
        rising.sort_unstable_by(|&a, &b| order(values, a, b));
        let mut parts = Parts::new(values.len());
        let mut joins = Vec::new();
        for &flat in &rising {
            parts.start(flat);
            let neighbours = field.around.iter();
            for next in neighbours.filter_map(|&o| field.neighbour(flat, o)) {
                if parts.is_started(next) {
                    joins.extend(parts.join(flat, next, values));
                }
            }
        }
        let roots = rising.iter().copied();
        let roots = roots.filter(|&flat| parts.parent[flat] == flat).collect();
        Filtration {
            rising,
            joins,
            roots,
        }
    }
}

/// The point at which the parts of two points meet first, as the level rises: the highest one of the
/// lowest way between them.
pub(super) fn meeting(field: &Field, from: usize, to: usize) -> Option<usize> {
    let values = &field.values;
    let finite = |&flat: &usize| values.get(flat).is_some_and(|v| v.is_finite());
    if !(finite(&from) && finite(&to)) {
        return None;
    }
    let mut rising: Vec<usize> = (0..values.len()).filter(finite).collect();
    rising.sort_unstable_by(|&a, &b| order(values, a, b));
    let mut parts = Parts::new(values.len());
    for flat in rising {
        parts.start(flat);
        let neighbours = field.around.iter();
        for next in neighbours.filter_map(|&o| field.neighbour(flat, o)) {
            if parts.is_started(next) {
                parts.join(flat, next, values);
            }
        }
        let both = parts.is_started(from) && parts.is_started(to);
        if both && parts.root(from) == parts.root(to) {
            return Some(flat);
        }
    }
    None
}

/// The order in which points are added.
pub(super) fn order(values: &[f64], a: usize, b: usize) -> std::cmp::Ordering {
    // Finite values; 0 and -0 are one level.
    let by_value = values[a].partial_cmp(&values[b]);
    by_value
        .unwrap_or(std::cmp::Ordering::Equal)
        .then(a.cmp(&b))
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
    fn join(&mut self, saddle: usize, next: usize, values: &[f64]) -> Option<Join> {
        let (a, b) = (self.root(saddle), self.root(next));
        if a == b {
            return None;
        }
        let (into, minimum) = match order(values, a, b).is_lt() {
            true => (a, b),
            false => (b, a),
        };
        self.parent[minimum] = into;
        Some(Join {
            minimum,
            into,
            saddle,
        })
    }
}
