//! Which cells of the hierarchy are open, and the points they ask for.

use super::hierarchy::Hierarchy;

/// What is taken to be left of a surplus one level further down: no less than so much that all
/// levels below add half the surplus, no more than so much that they add twice the surplus.
const LEAST_LEFT: f64 = 1.0 / 3.0;
const MOST_LEFT: f64 = 2.0 / 3.0;

/// One value for each cell of a level.
#[derive(Debug, Clone)]
struct Cells<T> {
    level: usize,
    shape: [usize; 3],
    values: Vec<T>,
}

type Corner = [usize; 3];

impl<T: Copy> Cells<T> {
    fn new(hierarchy: &Hierarchy, level: usize, value: T) -> Self {
        let shape: [usize; 3] = std::array::from_fn(|axis| hierarchy.axes()[axis].cells(level));
        Cells {
            level,
            shape,
            values: vec![value; shape.iter().product()],
        }
    }

    fn place(&self, [i, j, k]: Corner) -> usize {
        (i * self.shape[1] + j) * self.shape[2] + k
    }

    fn at(&self, place: usize) -> Corner {
        let [_, ny, nz] = self.shape;
        [place / (ny * nz), place / nz % ny, place % nz]
    }

    /// Changes the cells from `low` to `high` inclusive.
    fn change(&mut self, low: Corner, high: Corner, mut change: impl FnMut(&mut T)) {
        for i in low[0]..=high[0] {
            for j in low[1]..=high[1] {
                let row = self.place([i, j, 0]);
                self.values[row + low[2]..=row + high[2]]
                    .iter_mut()
                    .for_each(&mut change);
            }
        }
    }

    /// The first and last cell, on each axis, that contain a point, ends included.
    fn around(&self, hierarchy: &Hierarchy, flat: usize) -> (Corner, Corner) {
        let indices = hierarchy.unravel(flat);
        let around: [(usize, usize); 3] =
            std::array::from_fn(|axis| hierarchy.axes()[axis].around(self.level, indices[axis]));
        (around.map(|(low, _)| low), around.map(|(_, high)| high))
    }

    /// The cell of the level above, which is coarser, that a cell is part of.
    fn parent(&self, hierarchy: &Hierarchy, place: usize) -> Corner {
        let at = self.at(place);
        std::array::from_fn(|axis| hierarchy.axes()[axis].parent(self.level, at[axis]))
    }
}

impl Cells<bool> {
    /// Places of the cells that are set.
    fn set(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.values.len()).filter(|&place| self.values[place])
    }

    /// The cells that are set and all their neighbours.
    fn grown(&self) -> Self {
        let mut grown = Cells {
            values: vec![false; self.values.len()],
            ..*self
        };
        for at in self.set().map(|place| self.at(place)) {
            let low = at.map(|c| c.saturating_sub(1));
            let high = std::array::from_fn(|axis| (at[axis] + 1).min(self.shape[axis] - 1));
            grown.change(low, high, |flag| *flag = true);
        }
        grown
    }
}

/// What is known of the function while it is refined.
pub(super) struct Known<'a> {
    /// Every point, measured or interpolated from the levels below.
    pub(super) values: &'a [f64],
    pub(super) measured: &'a [bool],
}

/// The points that have to be measured, coarse to fine: those of levels up to `base`, and those of
/// cells that are open because the error left may exceed `allowed`. Points that are measured are
/// left out.
pub(super) fn wanted(
    hierarchy: &Hierarchy,
    known: &Known,
    base: usize,
    allowed: f64,
) -> Vec<usize> {
    let level = |flat| hierarchy.level(flat);
    let mut asked: Vec<bool> = (0..hierarchy.len()).map(|f| level(f) <= base).collect();
    let surpluses = surpluses(hierarchy, known);
    for cells in open(hierarchy, &unresolved(hierarchy, &surpluses, allowed)) {
        for place in cells.set() {
            ask(hierarchy, cells.level, cells.at(place), &mut asked);
        }
    }
    let order = hierarchy.order().iter().copied();
    order
        .filter(|&flat| asked[flat] && !known.measured[flat])
        .collect()
}

/// Asks for the points of the next level in a cell, ends included.
fn ask(hierarchy: &Hierarchy, level: usize, cell: Corner, asked: &mut [bool]) {
    let [x, y, z]: [&[usize]; 3] =
        std::array::from_fn(|axis| hierarchy.axes()[axis].inside(level, cell[axis]));
    for &i in x {
        for &j in y {
            for &k in z {
                asked[hierarchy.flat([i, j, k])] = true;
            }
        }
    }
}

/// The open cells of each level: the unresolved ones with their neighbours, the parts of unresolved
/// ones, and all that these are part of.
fn open(hierarchy: &Hierarchy, unresolved: &[Cells<bool>]) -> Vec<Cells<bool>> {
    let mut open: Vec<Cells<bool>> = unresolved.iter().map(Cells::grown).collect();
    for level in (1..open.len()).rev() {
        let (coarser, finer) = open.split_at_mut(level);
        let (coarser, finer) = (&mut coarser[level - 1], &mut finer[0]);
        let whole = &unresolved[level - 1];
        for place in 0..finer.values.len() {
            let parent = finer.parent(hierarchy, place);
            finer.values[place] |= whole.values[whole.place(parent)];
            if finer.values[place] {
                coarser.change(parent, parent, |flag| *flag = true);
            }
        }
    }
    open
}

/// The cells of each level in which the error left may exceed what is allowed.
fn unresolved(hierarchy: &Hierarchy, surpluses: &[Cells<f64>], allowed: f64) -> Vec<Cells<bool>> {
    let flag = |cells: &Cells<f64>| {
        let mut flags = Cells::new(hierarchy, cells.level, false);
        for (place, flag) in flags.values.iter_mut().enumerate() {
            let coarser = cells.level.checked_sub(1).map_or(0.0, |level| {
                let coarser = &surpluses[level];
                coarser.values[coarser.place(cells.parent(hierarchy, place))]
            });
            *flag = error_left(cells.values[place], coarser) > allowed;
        }
        flags
    };
    surpluses.iter().map(flag).collect()
}

/// What the levels below may add where the surplus fell from `coarser` to `surplus`: the rest of the
/// geometric series with that ratio.
fn error_left(surplus: f64, coarser: f64) -> f64 {
    if surplus == 0.0 || surplus == f64::INFINITY {
        return surplus;
    }
    let left = (surplus / coarser).clamp(LEAST_LEFT, MOST_LEFT);
    surplus * left / (1.0 - left)
}

/// The largest surplus in each cell of each level, among the measured points of the next level in
/// it; infinite where a loss is not finite.
fn surpluses(hierarchy: &Hierarchy, known: &Known) -> Vec<Cells<f64>> {
    let depth = hierarchy.depth();
    let levels = (0..depth).map(|level| Cells::new(hierarchy, level, 0.0));
    let mut surpluses: Vec<Cells<f64>> = levels.collect();
    for &flat in hierarchy.order().iter().filter(|&&f| known.measured[f]) {
        let own = hierarchy.level(flat).saturating_sub(1);
        let value = known.values[flat];
        let surplus = (value - hierarchy.predict(known.values, flat)).abs();
        let (surplus, levels) = match (value.is_finite(), surplus.is_finite()) {
            (true, true) => (surplus, 1),
            (true, false) => (f64::INFINITY, 1),
            (false, _) => (f64::INFINITY, depth),
        };
        for cells in surpluses.iter_mut().skip(own).take(levels) {
            let (low, high) = cells.around(hierarchy, flat);
            cells.change(low, high, |largest| *largest = largest.max(surplus));
        }
    }
    surpluses
}
