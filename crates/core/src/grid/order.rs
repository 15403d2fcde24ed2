//! Coarse-to-fine order of the points of a grid.

/// Points by level, row-major within a level; the level of a point is the highest of its indices.
pub(super) fn coarse_to_fine(shape: [usize; 3]) -> Vec<usize> {
    let levels = shape.map(axis_levels);
    let mut starts = count_levels(&levels);
    let mut order = vec![0; shape.iter().product()];
    for (flat, level) in point_levels(&levels).enumerate() {
        let place = &mut starts[usize::from(level)];
        order[*place] = flat;
        *place += 1;
    }
    order
}

/// Level of each index of an axis: 0 for the ends and the middle, then one more for each halving of
/// the intervals between known indices.
pub(crate) fn axis_levels(count: usize) -> Vec<u8> {
    let mut levels = vec![0u8; count];
    let last = count - 1;
    let middle = last / 2;
    let mut intervals = vec![(0, middle), (middle, last)];
    let mut level = 1;
    while !intervals.is_empty() {
        let mut halves = Vec::with_capacity(2 * intervals.len());
        for (low, high) in intervals {
            if high > low + 1 {
                let middle = low + (high - low) / 2;
                levels[middle] = level;
                halves.extend([(low, middle), (middle, high)]);
            }
        }
        intervals = halves;
        level += 1;
    }
    levels
}

/// Level of each point, row-major.
fn point_levels(levels: &[Vec<u8>; 3]) -> impl Iterator<Item = u8> {
    let [x, y, z] = levels;
    x.iter().flat_map(move |&i| {
        y.iter()
            .flat_map(move |&j| z.iter().map(move |&k| i.max(j).max(k)))
    })
}

/// Where each level starts in the order.
fn count_levels(levels: &[Vec<u8>; 3]) -> Vec<usize> {
    let mut counts = vec![0usize; usize::from(u8::MAX) + 1];
    for level in point_levels(levels) {
        counts[usize::from(level)] += 1;
    }
    let mut start = 0;
    for count in &mut counts {
        start += std::mem::replace(count, start);
    }
    counts
}
