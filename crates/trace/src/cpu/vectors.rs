//! Derivatives: a graph at one point that is given, for many vectors.
//!
//! Values come in two kinds: those that depend on the point alone, which all vectors share, and those
//! that depend on a vector too. For every tile the first are computed once, and then the second for one vector after another
//! in the same memory; what later passes need is kept. Further products at the same point do without the sums of the point, and
//! without its values where tiles hold them ([`super::remembered`]). Sums over the samples are f32 within a tile and f64 over the tiles. Of small networks, groups of
//! tiles have sums of their own, which are added in the end; of large ones ([`SUMS`]) all threads add to the same sums,
//! each in its tile's turn. Neither depends on the number of threads, and so neither do the bits.

use super::executor::{HostExecutor, Scratch, lock, pieces};
use super::in_order::{Part, Turn, Unwinding};
use super::remembered::Remembered;
use super::steps::Needed;
use crate::kernels::buffer::Buffer;
use crate::schedule::Replayed;
use crate::schedule::plan::{Location, Output, Sum};
use landscape_core::Point;
use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Groups of tiles with sums of their own.
const GROUPS: usize = 8;
/// Bytes that the sums of all groups of tiles may take; above, there is one set of sums for all.
const SUMS: usize = 64 << 20;

/// Given points have no place on a plane.
pub(super) const GIVEN: [Point; 1] = [[0.0; 3]];

/// Parameters, and the sums there that no vector enters.
pub(super) struct Known {
    parameters: Vec<Vec<f32>>,
    sums: Vec<f64>,
}

/// The point and the vectors of a run.
#[derive(Clone, Copy)]
struct Run<'a> {
    /// The pass over the samples.
    pass: usize,
    point: &'a [f32],
    vectors: &'a [Buffer],
    /// What each tile keeps.
    kept: &'a [Mutex<&'a mut [f32]>],
    /// What is run of the point's steps where the tile does not hold their values.
    needed: Needed,
    /// Tiles that may hold them.
    remembered: Option<&'a Remembered>,
}

impl HostExecutor {
    /// Runs the graph at `parameters` (in Burn's layout, one a slot) for all `vectors`; none for a gradient.
    ///
    /// Memory: beside parameters and vectors themselves, f32 copies of both, the sums (16 bytes a parameter for a product
    /// with one vector: f64 of the gradient and of the product; 8 for each further vector) and the numbers
    /// returned, 8 a parameter and vector.
    pub fn derivatives(&self, parameters: Vec<Vec<f32>>, vectors: &[Vec<Vec<f32>>]) -> Replayed {
        self.install(|| self.run(parameters, vectors))
    }

    /// What is kept of a tile has one place for all vectors: where something is, they are run one after another.
    fn run(&self, parameters: Vec<Vec<f32>>, vectors: &[Vec<Vec<f32>>]) -> Replayed {
        if self.steps.plan.in_one_pass() || vectors.len() < 2 {
            return self.together(parameters, vectors);
        }
        let one = |vector| self.together(parameters.clone(), std::slice::from_ref(vector));
        Replayed {
            outputs: vectors.iter().flat_map(|v| one(v).outputs).collect(),
        }
    }

    fn together(&self, parameters: Vec<Vec<f32>>, vectors: &[Vec<Vec<f32>>]) -> Replayed {
        let (steps, plan) = (&self.steps, &self.steps.plan);
        let mut point = Buffer::zeros(plan.point_size);
        self.give(false, &parameters, &mut point);
        let given = |vector: &Vec<Vec<f32>>| {
            let mut own = Buffer::zeros(plan.vector_size);
            self.give(true, vector, &mut own);
            own
        };
        let mut own: Vec<Buffer> = vectors.par_iter().map(given).collect();
        let mut kept = self.kept();
        // A product with another vector at the same point does not need the gradient again.
        let known = lock(&self.known).clone();
        let known = known.filter(|known| !own.is_empty() && known.parameters == parameters);
        let known = known.filter(|_| plan.in_one_pass());
        let remembered = known.as_ref().map(|known| {
            let size = plan.tile_rows * steps.tiles.lanes;
            let before = lock(&self.remembered).take();
            Remembered::at(before, known, (steps.tiles.count(), size))
        });
        let mut sums = Vec::new();
        for (index, pass) in plan.passes.iter().enumerate() {
            steps.of_points(&pass.before.point, &GIVEN, &mut point, &kept);
            own.par_iter_mut()
                .for_each(|own| steps.of_vector(&pass.before.vector, &point, own, &kept));
            let tiles = pieces(&mut kept, steps.tiles.count());
            let found = self.sum_tiles(Run {
                pass: index,
                point: &point,
                vectors: &own,
                kept: &tiles.into_iter().map(Mutex::new).collect::<Vec<_>>(),
                needed: match known {
                    Some(_) => Needed::Values,
                    None => Needed::All,
                },
                remembered: remembered.as_ref(),
            });
            self.append(&mut sums, found);
            let of_point = known.as_ref().map_or(&sums[0], |known| &known.sums);
            self.put_sums(of_point, index, false, &mut point);
            for (own, sums) in own.iter_mut().zip(&sums[1..]) {
                self.put_sums(sums, index, true, own);
            }
        }
        if remembered.is_some() {
            *lock(&self.remembered) = remembered;
        }
        let known = known.unwrap_or_else(|| {
            let sums = std::mem::take(&mut sums[0]);
            Arc::new(Known { parameters, sums })
        });
        if !own.is_empty() {
            *lock(&self.known) = Some(known.clone());
        }
        let mut sums: Vec<&[f64]> = sums.iter().map(Vec::as_slice).collect();
        sums[0] = &known.sums;
        steps.of_points(&plan.after.point, &GIVEN, &mut point, &kept);
        own.par_iter_mut()
            .for_each(|own| steps.of_vector(&plan.after.vector, &point, own, &kept));
        let read = |vector: usize, output: &Output| {
            let (sums, own) = match output.vector {
                true => (sums[vector + 1], &own[vector]),
                false => (sums[0], &point),
            };
            self.numbers(output, sums, own)
        };
        let outputs = |vector| plan.outputs.iter().map(move |output| read(vector, output));
        Replayed {
            outputs: (0..vectors.len().max(1))
                .map(|vector| outputs(vector).collect())
                .collect(),
        }
    }

    /// Puts the sums of a pass behind those of the passes before.
    fn append(&self, sums: &mut Vec<Vec<f64>>, more: Vec<Vec<f64>>) {
        if sums.is_empty() {
            *sums = more;
            return;
        }
        for (sums, more) in sums.iter_mut().zip(&more) {
            sums.extend_from_slice(more);
        }
        lock(&self.free_sums).extend(more);
    }

    /// Adds sums to those that there are.
    fn merge(&self, sums: &mut Vec<Vec<f64>>, more: Vec<Vec<f64>>) {
        if sums.is_empty() {
            *sums = more;
            return;
        }
        for (sums, more) in sums.iter_mut().zip(&more) {
            sums.iter_mut().zip(more).for_each(|(a, b)| *a += b);
        }
        lock(&self.free_sums).extend(more);
    }

    /// Copies what is given into its place.
    pub(super) fn give(&self, vector: bool, parts: &[Vec<f32>], buffer: &mut [f32]) {
        let given = self.steps.plan.given.iter();
        for given in given.filter(|given| given.vector == vector) {
            buffer[given.offset..given.offset + given.size].copy_from_slice(&parts[given.slot]);
        }
    }

    /// The sums of a pass over all tiles: those of the point (left out where they are known), then those of each vector.
    fn sum_tiles(&self, run: Run) -> Vec<Vec<f64>> {
        let [of_point, of_vector] =
            [false, true].map(|kind| self.steps.plan.sums_of(run.pass, kind));
        let numbers = of_point.len() + of_vector.len() * run.vectors.len();
        let groups = SUMS / (numbers.max(1) * size_of::<f64>());
        match groups < GROUPS {
            true => self.sum_in_turn(run),
            false => self.sum_in_groups(groups.min(4 * GROUPS), run),
        }
    }

    fn tile(
        &self,
        run: Run,
        tile: usize,
        scratch: &mut Scratch,
        add: &mut dyn FnMut(usize, usize, Part),
    ) {
        let mut kept = lock(&run.kept[tile]);
        let mut memory = scratch.given(run.point, run.vectors, &mut kept);
        let pass = &self.steps.plan.passes[run.pass];
        let mut of_tile =
            |needed, memory| self.steps.of_tile(pass, tile, &GIVEN, needed, memory, add);
        let Some(own) = run.remembered.and_then(|all| all.tile(tile)) else {
            return of_tile(run.needed, memory);
        };
        let mut own = lock(own);
        let filled = std::mem::replace(&mut own.filled, true);
        memory.tile = &mut own.buffer;
        of_tile(if filled { Needed::Nothing } else { run.needed }, memory);
    }

    fn sum_in_groups(&self, groups: usize, run: Run) -> Vec<Vec<f64>> {
        let count = self.steps.tiles.count();
        let a_group = count.div_ceil(groups);
        let first = [false, true].map(|kind| self.steps.plan.sums_of(run.pass, kind).start);
        let starts: Vec<usize> = (0..count).step_by(a_group).collect();
        let found: Vec<Vec<Vec<f64>>> = starts
            .into_par_iter()
            .map(|start| {
                let mut scratch = self.scratch();
                let mut sums = self.zeros(run);
                for tile in start..count.min(start + a_group) {
                    let mut add = |place: usize, sum: usize, part: Part| {
                        let sum = &self.steps.plan.sums[sum];
                        let start = sum.start - first[usize::from(sum.vector)];
                        part.add_to(&mut sums[place][start..start + sum.size]);
                    };
                    self.tile(run, tile, scratch.get(), &mut add);
                }
                sums
            })
            .collect();
        let mut sums = Vec::new();
        found
            .into_iter()
            .for_each(|group| self.merge(&mut sums, group));
        sums
    }

    /// All threads take tile after tile and add to the same sums, each sum in the order of the tiles: a thread waits
    /// where the tile before is not there yet. That one was taken before, so that it is under way.
    fn sum_in_turn(&self, run: Run) -> Vec<Vec<f64>> {
        let count = self.steps.tiles.count();
        let mut sums = self.zeros(run);
        let turns: Vec<Vec<Turn>> = (sums.iter_mut().enumerate())
            .map(|(place, sums)| self.turns((run.pass, place > 0), sums))
            .collect();
        let next = AtomicUsize::new(0);
        let work = || {
            let mut scratch = self.scratch();
            loop {
                let tile = next.fetch_add(1, Ordering::Relaxed);
                if tile >= count {
                    break;
                }
                let _guard = Unwinding(&turns);
                let mut add = |place: usize, sum: usize, part: Part| {
                    turns[place][self.turn_of(sum)].add(tile, part);
                };
                self.tile(run, tile, scratch.get(), &mut add);
            }
        };
        let threads = rayon::current_num_threads().min(count);
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(work);
            }
            work();
        });
        drop(turns);
        sums
    }

    /// One turn a sum of that pass and kind.
    fn turns<'a>(&self, kind: (usize, bool), mut rest: &'a mut [f64]) -> Vec<Turn<'a>> {
        let of_kind = self.steps.plan.sums.iter();
        let of_kind = of_kind.filter(|sum| (sum.pass, sum.vector) == kind);
        let turn = |sum: &Sum| {
            let (sums, after) = std::mem::take(&mut rest).split_at_mut(sum.size);
            rest = after;
            Turn::new(sums)
        };
        of_kind.map(turn).collect()
    }

    /// The place of a sum among those of its kind.
    fn turn_of(&self, sum: usize) -> usize {
        let sums = &self.steps.plan.sums;
        let kind = |s: &Sum| (s.pass, s.vector);
        let same = |s: &&Sum| kind(s) == kind(&sums[sum]);
        sums[..sum].iter().filter(same).count()
    }

    /// Zeros for the sums of a pass: those of the point and those of each vector.
    fn zeros(&self, run: Run) -> Vec<Vec<f64>> {
        let [of_point, of_vector] =
            [false, true].map(|kind| self.steps.plan.sums_of(run.pass, kind));
        let of_vectors = std::iter::repeat_n(of_vector.len(), run.vectors.len());
        let sizes = std::iter::once(of_point.len()).chain(of_vectors);
        let zeros = |n: usize| {
            let mut zeros = lock(&self.free_sums).pop().unwrap_or_default();
            zeros.clear();
            zeros.resize(n, 0.0);
            zeros
        };
        sizes.map(zeros).collect()
    }

    /// Puts the sums of one pass where later steps expect them.
    pub(super) fn put_sums(&self, sums: &[f64], pass: usize, vector: bool, buffer: &mut [f32]) {
        let all = self.steps.plan.sums.iter();
        for sum in all.filter(|sum| sum.vector == vector && sum.pass == pass) {
            let (Location::Point(offset) | Location::Vector(offset)) = sum.result.place else {
                unreachable!("sums have no samples")
            };
            let scale = self.scale(sum);
            let values = &sums[sum.start..sum.start + sum.size];
            for (to, x) in buffer[offset..].iter_mut().zip(values) {
                *to = (x * scale) as f32;
            }
        }
    }

    fn scale(&self, sum: &Sum) -> f64 {
        match sum.mean {
            true => 1.0 / self.steps.tiles.samples as f64,
            false => 1.0,
        }
    }

    /// The numbers of an output, from its sum where it is a multiple of one.
    fn numbers(&self, output: &Output, sums: &[f64], buffer: &[f32]) -> Vec<f64> {
        let double = |data: &[f32]| data.iter().map(|&x| f64::from(x)).collect();
        if let Some((sum, factor)) = output.multiple {
            let sum = &self.steps.plan.sums[sum];
            let scale = factor / self.steps.tiles.samples as f64;
            let sums = &sums[sum.start..sum.start + sum.size];
            return sums.iter().map(|x| x * scale).collect();
        }
        match output.operand.place {
            Location::Point(offset) | Location::Vector(offset) => {
                double(&buffer[offset..offset + output.operand.size])
            }
            Location::Fixed(value) => double(self.steps.constant(value, None, output.operand.size)),
            _ => unreachable!("derivatives have no samples"),
        }
    }
}
