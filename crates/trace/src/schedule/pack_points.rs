//! Memory for the values of a point, and of a vector, that have no samples: places that are used again when a value is not
//! needed any more. Weights live until the tiles have read them, what is made of all samples as long as something needs it.

use super::pack::Rows;
use super::plan::{Location, Plan};
use std::collections::BTreeMap;

/// Whether of a vector, and the number that the plan has given to the value.
type Key = (bool, usize);

/// Numbers of a value, and when it is made and needed last.
#[derive(Clone, Copy)]
struct Life {
    size: usize,
    born: usize,
    last: usize,
}

/// Gives values without samples, which the plan has numbered one after another, their places.
pub(crate) fn pack_points(plan: &mut Plan) {
    let mut lives: Vec<(Key, Life)> = lives(plan).into_iter().collect();
    lives.sort_by_key(|&(key, life)| (life.born, key));
    let mut buffers = [Rows::default(), Rows::default()];
    let place = |(key, life): (Key, Life)| {
        let buffer = &mut buffers[usize::from(key.0)];
        (key, buffer.take(life.size, life.born, life.last))
    };
    let places: BTreeMap<Key, usize> = lives.into_iter().map(place).collect();
    each_place(plan, |place| match place {
        Location::Point(at) => *at = places[&(false, *at)],
        Location::Vector(at) => *at = places[&(true, *at)],
        _ => {}
    });
    for given in &mut plan.given {
        given.offset = places[&(given.vector, given.offset)];
    }
    plan.flat_size = plan.point_size + plan.vector_size;
    [plan.point_size, plan.vector_size] = buffers.map(|buffer| buffer.count);
}

fn key(place: Location) -> Option<Key> {
    match place {
        Location::Point(at) => Some((false, at)),
        Location::Vector(at) => Some((true, at)),
        _ => None,
    }
}

/// The lives of all values. Time passes with every step without samples, with the tiles of a pass, and with its sums.
fn lives(plan: &Plan) -> BTreeMap<Key, Life> {
    let (mut lives, mut reads, mut now) = (BTreeMap::new(), Vec::new(), 0);
    let mut born = |place: Location, size: usize, now: usize| {
        let last = now;
        let life = Life {
            size,
            born: now,
            last,
        };
        lives.extend(key(place).map(|key| (key, life)));
    };
    for given in &plan.given {
        let place = match given.vector {
            true => Location::Vector(given.offset),
            false => Location::Point(given.offset),
        };
        born(place, given.size, now);
    }
    let befores = plan.passes.iter().map(|pass| &pass.before);
    for (index, phase) in befores.chain([&plan.after]).enumerate() {
        for step in phase.steps() {
            now += 1;
            reads.extend(step.inputs.iter().map(|input| (input.place, now)));
            born(step.output.place, step.output.size, now);
        }
        now += 1;
        let tile = plan.passes.get(index).map(|pass| &pass.tile);
        let inputs = tile
            .iter()
            .flat_map(|tile| tile.steps())
            .flat_map(|step| &step.inputs);
        reads.extend(inputs.map(|input| (input.place, now)));
        now += 1;
        for sum in plan.sums.iter().filter(|sum| sum.pass == index) {
            born(sum.result.place, sum.size, now);
        }
    }
    reads.extend(
        plan.outputs
            .iter()
            .map(|output| (output.operand.place, usize::MAX)),
    );
    for (place, time) in reads {
        if let Some(life) = key(place).and_then(|key| lives.get_mut(&key)) {
            life.last = life.last.max(time);
        }
    }
    lives
}

/// Calls `change` with every place of the plan.
fn each_place(plan: &mut Plan, mut change: impl FnMut(&mut Location)) {
    let passes = plan.passes.iter_mut();
    let phases = passes.flat_map(|pass| [&mut pass.before, &mut pass.tile]);
    for step in phases
        .chain([&mut plan.after])
        .flat_map(|phase| phase.steps_mut())
    {
        step.inputs
            .iter_mut()
            .for_each(|input| change(&mut input.place));
        change(&mut step.output.place);
    }
    plan.sums
        .iter_mut()
        .for_each(|sum| change(&mut sum.result.place));
    plan.outputs
        .iter_mut()
        .for_each(|output| change(&mut output.operand.place));
}
