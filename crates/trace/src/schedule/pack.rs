//! Memory for the values of a plan: rows that are used again when a value is not needed any more.

use super::plan::{Location, Output, Pass, Phase, Plan, Step};
use std::collections::HashMap;

/// Gives rows of tile buffers, which the plan has numbered one after another, their places; values
/// that a later pass over the samples needs are kept.
pub(crate) fn pack(plan: &mut Plan) {
    let lives = lives(plan);
    let (kept, kept_rows) = keep(&plan.passes, &lives);
    plan.kept_rows = kept_rows;
    plan.tile_rows = 0;
    for (index, pass) in plan.passes.iter_mut().enumerate() {
        let own = |output: &&mut Output| match output.operand.place {
            Location::Tile(row) => lives[&row].0 == index,
            _ => false,
        };
        let outputs: Vec<&mut Output> = plan.outputs.iter_mut().filter(own).collect();
        plan.tile_rows = plan.tile_rows.max(pack_pass(pass, &kept, outputs, index));
        pass.before.steps_mut().for_each(|step| find(step, &kept));
    }
    plan.after.steps_mut().for_each(|step| find(step, &kept));
}

/// What a step without samples reads of tiles has been kept.
fn find(step: &mut Step, kept: &HashMap<usize, usize>) {
    for input in &mut step.inputs {
        if let Location::Tile(row) = input.place {
            input.place = Location::Kept(kept[&row]);
        }
    }
}

/// The first and the last pass that a value, by its number, appears in; what comes after all counts as one.
fn lives(plan: &Plan) -> HashMap<usize, (usize, usize)> {
    let mut lives = HashMap::new();
    let of_passes = plan.passes.iter();
    let of_passes = of_passes.map(|pass| vec![&pass.before, &pass.tile]);
    let all = of_passes.chain([vec![&plan.after]]);
    for (index, phases) in all.enumerate() {
        for step in phases.into_iter().flat_map(Phase::steps) {
            for operand in step.inputs.iter().chain([&step.output]) {
                if let Location::Tile(row) = operand.place {
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
        for step in pass.tile.steps() {
            let Location::Tile(row) = step.output.place else {
                continue;
            };
            let last = lives[&row].1;
            if last > index {
                kept.insert(row, free.take(step.output.size, index, last));
            }
        }
    }
    (kept, free.count)
}

/// When a value is needed last, by its number. What the steps of the vectors read of the point's values stays for all of
/// them.
fn last_uses(pass: &Pass) -> HashMap<usize, usize> {
    let (point, all) = (pass.tile.point.len(), pass.tile.steps().count());
    let mut uses: HashMap<usize, (usize, usize)> = HashMap::new();
    for (time, step) in pass.tile.steps().enumerate() {
        for operand in step.inputs.iter().chain([&step.output]) {
            if let Location::Tile(row) = operand.place {
                let (born, last) = uses.entry(row).or_insert((time, time));
                *last = match *born < point && time >= point {
                    true => all,
                    false => time,
                };
            }
        }
    }
    uses.into_iter()
        .map(|(row, (_, last))| (row, last))
        .collect()
}

/// Packs the steps of one pass; returns the rows of its buffer. Outputs stay until the end of the tile.
fn pack_pass(
    pass: &mut Pass,
    kept: &HashMap<usize, usize>,
    outputs: Vec<&mut Output>,
    index: usize,
) -> usize {
    let mut last = last_uses(pass);
    for output in &outputs {
        if let Location::Tile(row) = output.operand.place {
            last.insert(row, usize::MAX);
        }
    }
    let (mut free, mut moved) = (Rows::default(), HashMap::new());
    for (i, step) in pass.tile.steps_mut().enumerate() {
        for input in &mut step.inputs {
            if let Location::Tile(row) = input.place {
                input.place = match moved.get(&row) {
                    Some(&own) => Location::Tile(own),
                    None => Location::Kept(kept[&row]),
                };
            }
        }
        let size = step.output.size;
        if let Location::Tile(row) = &mut step.output.place {
            step.keep = kept.get(row).copied();
            let start = free.take(size, i, last[row]);
            moved.insert(*row, start);
            *row = start;
        }
    }
    for output in outputs {
        if let Location::Tile(row) = &mut output.operand.place {
            *row = moved[row];
            output.pass = index;
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
