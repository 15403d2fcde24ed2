//! Merge trees, persistence and basins against brute force on random grids.

use crate::support::{assert_close, sampled};
use landscape_core::{
    Axis, Grid, MergeTree, Persistence, Sample, Surface, Value, analytic, basins, lowest_way,
    merge_tree,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn surface(shape: &[usize], values: &[f64]) -> Surface {
    let axes = shape.iter().map(|&n| Axis::new(0.0, 1.0, n).unwrap());
    let mut surface = Surface::new(Grid::new(axes.collect()).unwrap(), Vec::new());
    for flat in 0..surface.grid().len() {
        // Every value above 8 is missing, NaN or infinite.
        let value = match values[flat % values.len()] {
            v if v < 8.0 => v,
            v if v < 8.3 => f64::NAN,
            v if v < 8.6 => f64::INFINITY,
            v if v < 8.8 => f64::NEG_INFINITY,
            _ => continue,
        };
        surface.set(flat, Sample::of(value)).unwrap();
    }
    surface
}

/// Everything by its definition, on sets of points that are searched anew at every level.
struct Brute {
    values: Vec<f64>,
    neighbours: Vec<Vec<usize>>,
    /// Finite points in order.
    rising: Vec<usize>,
}

impl Brute {
    fn new(surface: &Surface) -> Self {
        let values = surface.losses();
        let grid = surface.grid();
        let near = |a: usize, b: usize| {
            let (a, b) = (grid.unravel(a), grid.unravel(b));
            a != b && (0..3).all(|axis| a[axis].abs_diff(b[axis]) <= 1)
        };
        let finite = |flat: &usize| values[*flat].is_finite();
        let of = |a: usize| -> Vec<usize> {
            let others = (0..values.len()).filter(finite);
            others.filter(|&b| near(a, b)).collect()
        };
        let mut rising: Vec<usize> = (0..values.len()).filter(finite).collect();
        rising.sort_by(|&a, &b| values[a].total_cmp(&values[b]).then(a.cmp(&b)));
        Brute {
            neighbours: (0..values.len()).map(of).collect(),
            rising,
            values,
        }
    }

    /// The points connected to `start` among the first `count` in order.
    fn part(&self, start: usize, count: usize) -> BTreeSet<usize> {
        let allowed: BTreeSet<usize> = self.rising[..count].iter().copied().collect();
        let mut part = BTreeSet::from([start]);
        let mut stack = vec![start];
        while let Some(flat) = stack.pop() {
            for &next in &self.neighbours[flat] {
                if allowed.contains(&next) && part.insert(next) {
                    stack.push(next);
                }
            }
        }
        part
    }

    fn place(&self, flat: usize) -> usize {
        self.rising.iter().position(|&f| f == flat).unwrap()
    }

    fn is_minimum(&self, flat: usize) -> bool {
        let own = self.place(flat);
        self.neighbours[flat].iter().all(|&n| self.place(n) > own)
    }

    /// Point and level at which the part of a minimum meets one with an earlier point.
    fn death(&self, minimum: usize) -> Option<usize> {
        let own = self.place(minimum);
        let meets = |count: &usize| {
            let part = self.part(minimum, *count);
            part.iter().any(|&flat| self.place(flat) < own)
        };
        let count = (own + 1..=self.rising.len()).find(meets)?;
        Some(self.rising[count - 1])
    }

    fn diagram(&self) -> Vec<(usize, Option<usize>)> {
        let minima = self.rising.iter().copied().filter(|&f| self.is_minimum(f));
        minima
            .map(|minimum| (minimum, self.death(minimum)))
            .filter(|(minimum, death)| {
                death.is_none_or(|saddle| self.values[saddle] > self.values[*minimum])
            })
            .collect()
    }

    /// Smallest level at which two points are connected.
    fn level(&self, a: usize, b: usize) -> Option<f64> {
        let first = self.place(a).max(self.place(b)) + 1;
        let count = (first..=self.rising.len()).find(|&c| self.part(a, c).contains(&b))?;
        Some(self.values[self.rising[count - 1]])
    }

    /// The minimum at the end of the way down.
    fn drain(&self, mut flat: usize) -> usize {
        loop {
            let lowest = self.neighbours[flat].iter().min_by_key(|&&n| self.place(n));
            match lowest {
                Some(&next) if self.place(next) < self.place(flat) => flat = next,
                _ => return flat,
            }
        }
    }

    /// The minimum that is left of one when those of less persistence than `least` join theirs.
    fn kept(&self, minimum: usize, least: f64) -> usize {
        let Some(saddle) = self.death(minimum) else {
            return minimum;
        };
        let height = self.values[saddle] - self.values[minimum];
        if height > 0.0 && height >= least {
            return minimum;
        }
        // The lowest point of the other part, at the moment when they meet.
        let count = self.place(saddle) + 1;
        let before = self.part(minimum, count - 1);
        let meeting = self.neighbours[saddle].iter().copied();
        let meeting = meeting.filter(|&n| self.place(n) < count - 1);
        let own = self.place(minimum);
        // Parts meet at a saddle in the order of its neighbours.
        let mut elder = minimum;
        let mut joined = before;
        joined.insert(saddle);
        for next in meeting {
            let other = self.part(next, count - 1);
            let lowest = *other.iter().min_by_key(|&&f| self.place(f)).unwrap();
            joined.extend(other);
            if self.place(lowest) < self.place(elder) {
                elder = lowest;
            }
            if self.place(elder) < own && least == 0.0 {
                break;
            }
        }
        self.kept(elder, least)
    }
}

fn grids() -> impl Strategy<Value = (Vec<usize>, Vec<f64>)> {
    let shape = prop_oneof![
        prop::collection::vec(1usize..30, 1),
        prop::collection::vec(1usize..8, 2),
        prop::collection::vec(1usize..5, 3),
    ];
    // Few levels, so that plateaus are frequent, or reals; some points are not finite.
    let value = prop_oneof![
        3 => (0u8..6).prop_map(f64::from),
        3 => 0.0..6.0f64,
        1 => 7.0..9.0f64,
    ];
    (shape, prop::collection::vec(value, 125))
}

fn pairs(tree: &MergeTree) -> BTreeMap<usize, Persistence> {
    let pairs = tree.persistence().into_iter();
    pairs.map(|p| (p.minimum, p)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn trees_equal_brute_force((shape, values) in grids()) {
        let surface = surface(&shape, &values);
        let brute = Brute::new(&surface);
        let tree = merge_tree(&surface, Value::Loss);
        let found = pairs(&tree);
        let want = brute.diagram();
        prop_assert_eq!(found.len(), want.len());
        for (minimum, saddle) in want {
            let pair = found[&minimum];
            prop_assert_eq!(pair.birth, brute.values[minimum]);
            prop_assert_eq!(pair.death, saddle.map(|s| brute.values[s]));
        }
        for merge in &tree.merges {
            prop_assert_eq!(Some(merge.saddle), brute.death(merge.minimum));
            prop_assert_eq!(merge.persistence, merge.level - merge.birth);
            prop_assert!(merge.persistence > 0.0);
        }
        for (index, &a) in found.keys().enumerate() {
            for &b in found.keys().take(index) {
                let passage = tree.passage(a, b);
                prop_assert_eq!(passage.map(|p| p.level), brute.level(a, b));
                prop_assert_eq!(tree.passage(b, a).map(|p| p.saddle), passage.map(|p| p.saddle));
                let way = lowest_way(&surface, Value::Loss, a, b);
                prop_assert_eq!(way.map(|w| w.level), passage.map(|p| p.level));
                if let Some(passage) = passage {
                    let heights = [a, b].map(|m| passage.level - brute.values[m]);
                    prop_assert_eq!(passage.heights, heights);
                    prop_assert_eq!(brute.values[passage.saddle], passage.level);
                }
            }
        }
    }

    #[test]
    fn basins_equal_brute_force((shape, values) in grids()) {
        let surface = surface(&shape, &values);
        let brute = Brute::new(&surface);
        let found = basins(&surface, Value::Loss, 0.0);
        let minima: Vec<usize> = brute.diagram().iter().map(|(minimum, _)| *minimum).collect();
        prop_assert_eq!(&found.minima, &minima);
        prop_assert_eq!(found.sizes.iter().sum::<usize>(), brute.rising.len());
        for flat in 0..brute.values.len() {
            let label = found.labels[flat].map(|place| found.minima[place]);
            let want = brute.values[flat].is_finite().then(|| brute.drain(flat));
            // On plateaus several minima of no height stand for one.
            let want = want.map(|minimum| brute.kept(minimum, 0.0));
            prop_assert_eq!(label, want, "point {}", flat);
        }
    }

    /// Minima of little persistence vanish, and their points go to one that is left.
    #[test]
    fn simplified_basins((shape, values) in grids(), least in 0.0..4.0f64) {
        let surface = surface(&shape, &values);
        let tree = merge_tree(&surface, Value::Loss);
        let fine = basins(&surface, Value::Loss, 0.0);
        let coarse = basins(&surface, Value::Loss, least);
        let lasting = |p: &Persistence| p.death.is_none_or(|d| d - p.birth >= least);
        let mut left: Vec<usize> = tree.persistence().iter().filter(|p| lasting(p)).map(|p| p.minimum).collect();
        let mut minima = coarse.minima.clone();
        left.sort_unstable();
        minima.sort_unstable();
        prop_assert_eq!(minima, left);
        for (a, b) in fine.labels.iter().zip(&coarse.labels) {
            prop_assert_eq!(a.is_some(), b.is_some());
            if let (Some(a), Some(b)) = (a, b) {
                let (mut a, b) = (fine.minima[*a], coarse.minima[*b]);
                while let Some(merge) = tree.merges.iter().find(|m| m.minimum == a && m.persistence < least) {
                    a = merge.into;
                }
                prop_assert_eq!(a, b);
            }
        }
    }
}

#[test]
fn a_line_by_hand() {
    //                    0    1    2    3    4    5    6    7    8
    let values = [5.0, 1.0, 3.0, 2.0, 6.0, 0.0, 4.0, 3.5, 7.0];
    let surface = surface(&[9], &values);
    let tree = merge_tree(&surface, Value::Loss);
    assert_eq!(
        (tree.roots.as_slice(), &tree.root_values[..]),
        (&[5][..], &[0.0][..])
    );
    let merges: Vec<_> = tree
        .merges
        .iter()
        .map(|m| (m.minimum, m.saddle, m.into, m.persistence))
        .collect();
    assert_eq!(merges, [(1, 4, 5, 5.0), (3, 2, 1, 1.0), (7, 6, 5, 0.5)]);
    assert_close(tree.smad().unwrap(), 6.5 / 3.0, 1e-15);
    // First saddles: 1 -> 3.0, 3 -> 3.0, 5 -> 4.0, 7 -> 4.0.
    let want = (2.0 + 1.0 + 4.0 + 0.5) / 4.0;
    assert_close(tree.smad_first_saddle().unwrap(), want, 1e-15);
    let passage = tree.passage(3, 7).unwrap();
    assert_eq!((passage.saddle, passage.level), (4, 6.0));
    assert_eq!(passage.heights, [4.0, 2.5]);
    assert_eq!(tree.passage(3, 3), None);
    assert_eq!(tree.passage(0, 5), None, "0 is not a minimum");
    let way = lowest_way(&surface, Value::Loss, 0, 8).unwrap();
    assert_eq!((way.saddle, way.level, way.heights), (8, 7.0, [2.0, 0.0]));
    assert_eq!(lowest_way(&surface, Value::Loss, 0, 9), None);
    let all = basins(&surface, Value::Loss, 0.0);
    assert_eq!(all.minima, [5, 1, 3, 7]);
    assert_eq!(all.labels, [1, 1, 1, 2, 0, 0, 0, 3, 3].map(Some));
    assert_eq!(all.sizes, [3, 3, 1, 2]);
    let borders: Vec<usize> = (0..9).filter(|&f| all.is_border(&surface, f)).collect();
    assert_eq!(borders, [2, 3, 4, 6, 7]);
    let two = basins(&surface, Value::Loss, 2.0);
    assert_eq!((two.minima, two.sizes), (vec![5, 1], vec![5, 4]));
}

#[test]
fn four_basins_of_himmelblau() {
    let himmelblau = analytic::HIMMELBLAU;
    let grid = Grid::square(101, himmelblau.half_range, 2).unwrap();
    let surface = sampled(grid, himmelblau.function);
    let found = basins(&surface, Value::Loss, 1.0);
    assert_eq!(found.minima.len(), 4);
    for (point, minimum) in himmelblau.minima.iter().enumerate() {
        let near = |&&flat: &&usize| {
            let at = surface.grid().point(flat);
            f64::hypot(at[0] - minimum[0], at[1] - minimum[1]) < 0.2
        };
        assert!(found.minima.iter().find(near).is_some(), "minimum {point}");
    }
}

#[test]
fn nothing_finite_has_no_tree() {
    let surface = surface(&[4, 4], &[8.1]);
    let tree = merge_tree(&surface, Value::Loss);
    assert!(tree.roots.is_empty() && tree.merges.is_empty());
    assert_eq!((tree.smad(), tree.smad_first_saddle()), (None, None));
    assert!(basins(&surface, Value::Loss, 0.0).minima.is_empty());
}
