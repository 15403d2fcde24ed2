//! Outputs with samples, such as activations: a graph at points that are given, tile by tile.

use super::executor::{HostExecutor, pieces};
use super::in_order::Part;
use super::steps::Needed;
use super::vectors::GIVEN;
use crate::kernels::buffer::Buffer;
use crate::schedule::plan::Location;
use rayon::prelude::*;
use std::ops::Range;

/// The outputs of a tile, `[samples][numbers]` each.
pub(crate) type Rows = Vec<Vec<f32>>;

impl HostExecutor {
    /// Calls `take` with the outputs of all networks on one tile of samples after the other; `networks`: the parameters
    /// of each, in Burn's layout, one a slot.
    ///
    /// Where sums over the samples enter the outputs, those of all samples are held at once.
    pub fn each_tile(&self, networks: &[Vec<Vec<f32>>], mut take: impl FnMut(usize, &[Rows])) {
        let count = self.steps.tiles.count();
        let at_once = match self.steps.plan.in_one_pass() {
            true => 2 * self.install(rayon::current_num_threads),
            false => count,
        };
        let point = |parameters: &Vec<Vec<f32>>| {
            let mut point = Buffer::zeros(self.steps.plan.point_size);
            self.give(false, parameters, &mut point);
            let before = &self.steps.plan.passes[0].before;
            self.steps.of_points(&before.point, &GIVEN, &mut point, &[]);
            point
        };
        let mut points: Vec<Buffer> = networks.iter().map(point).collect();
        for start in (0..count).step_by(at_once) {
            let tiles = start..count.min(start + at_once);
            let found = points
                .iter_mut()
                .map(|point| self.install(|| self.rows(point, tiles.clone())));
            let mut found: Vec<_> = found.map(Vec::into_iter).collect();
            for tile in tiles {
                let of_tile: Vec<Rows> = found.iter_mut().filter_map(Iterator::next).collect();
                take(self.steps.tiles.valid(tile), &of_tile);
            }
        }
    }

    fn rows(&self, point: &mut Buffer, tiles: Range<usize>) -> Vec<Rows> {
        let (steps, passes) = (&self.steps, &self.steps.plan.passes);
        if steps.plan.in_one_pass() {
            let point = &*point;
            let of_tile = |tile| self.of_one_pass(point, tile);
            return tiles.into_par_iter().map(of_tile).collect();
        }
        let (mut held, mut kept) = (self.scratch(), self.kept());
        let mut rows = vec![vec![Vec::new(); steps.plan.outputs.len()]; tiles.len()];
        for (index, pass) in passes.iter().enumerate() {
            let mut sums = vec![0.0; steps.plan.sum_sizes[0]];
            if index > 0 {
                steps.of_points(&pass.before.point, &GIVEN, point, &kept);
            }
            let of_tiles = pieces(&mut kept, steps.tiles.count());
            for (tile, kept) in tiles.clone().zip(of_tiles) {
                let memory = held.get().given(point, &[], kept);
                let mut add = |_: usize, sum: usize, part: Part| {
                    let sum = &steps.plan.sums[sum];
                    part.add_to(&mut sums[sum.start..sum.start + sum.size]);
                };
                steps.of_tile(pass, tile, &GIVEN, Needed::All, memory, &mut add);
                self.read(index, tile, &held.get().tile, &mut rows[tile]);
            }
            self.put_sums(&sums, index, false, point);
        }
        rows
    }

    fn of_one_pass(&self, point: &[f32], tile: usize) -> Rows {
        let mut held = self.scratch();
        let memory = held.get().given(point, &[], &mut []);
        let pass = &self.steps.plan.passes[0];
        self.steps
            .of_tile(pass, tile, &GIVEN, Needed::All, memory, &mut |_, _, _| {});
        let mut rows = vec![Vec::new(); self.steps.plan.outputs.len()];
        self.read(0, tile, &held.get().tile, &mut rows);
        rows
    }

    /// Reads the outputs of one pass from the buffer of a tile.
    fn read(&self, pass: usize, tile: usize, buffer: &[f32], rows: &mut Rows) {
        let lanes = self.steps.tiles.lanes;
        let outputs = self.steps.plan.outputs.iter().zip(rows);
        for (output, rows) in outputs.filter(|(output, _)| output.pass == pass) {
            let size = output.operand.size;
            let data = match output.operand.place {
                Location::Tile(row) => &buffer[row * lanes..][..size * lanes],
                Location::Fixed(value) => self.steps.constant(value, Some(tile), size),
                _ => unreachable!("outputs with samples"),
            };
            let samples = 0..self.steps.tiles.valid(tile);
            let of_sample = |sample| data.iter().skip(sample).step_by(lanes).copied();
            *rows = samples.flat_map(of_sample).collect();
        }
    }
}
