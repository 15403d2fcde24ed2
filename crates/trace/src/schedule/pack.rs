//! Memory for the values of a plan: rows that are used again when a value is not needed any more.

use super::plan::{Pass, Place, Plan};
use std::collections::HashMap;

/// Gives rows of tile buffers, which the plan has numbered one after another, their places; values
/// that a later pass over the samples needs are kept.
pub(crate) fn pack(plan: &mut Plan) {
    let lives = lives(&plan.passes);
    let (kept, kept_rows) = keep(&plan.passes, &lives);
    plan.kept_rows = kept_rows;
    plan.tile_rows = 0;
    for pass in &mut plan.passes {
        plan.tile_rows = plan.tile_rows.max(pack_pass(pass, &kept));
    }
}

/// The first and the last pass that a value, by its number, appears in.
fn lives(passes: &[Pass]) -> HashMap<usize, (usize, usize)> {
    let mut lives = HashMap::new();
    for (index, pass) in passes.iter().enumerate() {
        for step in &pass.tile {
            for operand in step.inputs.iter().chain([&step.output]) {
                if let Place::Tile(row) = operand.place {
                    lives.entry(row).or_insert((index, index)).1 = index;
                }
            }
        }
    }
    lives
}

/// Places of the values that outlive their pass, and the rows they take.
fn keep(passes: &[Pass], lives: &HashMap<usize, (usize, usize)>) -> (HashMap<usize, usize>, usize) {
    let (mut free, mut kept) = (Rows::default(), HashMap::new());
    for (index, pass) in passes.iter().enumerate() {
        for step in &pass.tile {
            let Place::Tile(row) = step.output.place else {
                continue;
            };
            let last = lives[&row].1;
            if last > index {
                kept.insert(row, free.take(step.output.size(), index, last));
            }
        }
    }
    (kept, free.count)
}

/// Packs the steps of one pass; returns the rows of its buffer.
fn pack_pass(pass: &mut Pass, kept: &HashMap<usize, usize>) -> usize {
    let mut last: HashMap<usize, usize> = HashMap::new();
    for (i, step) in pass.tile.iter().enumerate() {
        for operand in step.inputs.iter().chain([&step.output]) {
            if let Place::Tile(row) = operand.place {
                last.insert(row, i);
            }
        }
    }
    let (mut free, mut moved) = (Rows::default(), HashMap::new());
    for (i, step) in pass.tile.iter_mut().enumerate() {
        for input in &mut step.inputs {
            if let Place::Tile(row) = input.place {
                input.place = match moved.get(&row) {
                    Some(&own) => Place::Tile(own),
                    None => Place::Kept(kept[&row]),
                };
            }
        }
        let size = step.output.size();
        if let Place::Tile(row) = &mut step.output.place {
            step.keep = kept.get(row).copied();
            let start = free.take(size, i, last[row]);
            moved.insert(*row, start);
            *row = start;
        }
    }
    free.count
}

/// Rows that are taken from a time on, up to and with another.
#[derive(Default)]
pub(crate) struct Rows {
    /// (start, size, last time)
    live: Vec<(usize, usize, usize)>,
    pub(crate) count: usize,
}

impl Rows {
    pub(crate) fn take(&mut self, size: usize, now: usize, last: usize) -> usize {
        self.live.retain(|&(_, _, end)| end >= now);
        self.live.sort_unstable();
        let mut start = 0;
        for &(taken, length, _) in &self.live {
            if start + size <= taken {
                break;
            }
            start = start.max(taken + length);
        }
        self.live.push((start, size, last));
        self.count = self.count.max(start + size);
        start
    }
}
