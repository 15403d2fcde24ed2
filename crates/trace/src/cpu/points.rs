//! Points of a plane: blocks of points by ranges of tiles, in parallel. Sums over the samples are f64 in each tile, and
//! over the tiles in their order, whatever the number of threads.

use super::executor::{HostExecutor, Scratch, pieces};
use super::in_order::Part;
use super::steps::Memory;
use crate::kernels::sum::moments;
use crate::schedule::plan::{Location, Output};
use crate::schedule::{Evaluated, Executor, Spread};
use landscape_core::{ObjectiveError, Point};
use rayon::prelude::*;

/// One sum over the samples of one tile, and their spread.
#[derive(Clone, Copy, Debug, Default)]
struct Partial {
    sum: f64,
    spread: Spread,
}

impl HostExecutor {
    /// Numbers in the sums of a point.
    fn sum_size(&self) -> usize {
        self.steps.plan.sum_sizes[0]
    }

    /// Points whose loss needs one pass over the samples, in blocks.
    fn in_one_pass(&self, points: &[Point]) -> Vec<Evaluated> {
        let plan = &self.steps.plan;
        let size = self.steps.tiles.count() * self.sum_size();
        let partials = self.sums(points);
        points
            .par_iter()
            .enumerate()
            .with_min_len(64)
            .map_init(
                || self.scratch(),
                |scratch, (i, point)| {
                    let buffer = &mut scratch.get().points;
                    let point = std::slice::from_ref(point);
                    let partials = &partials[i * size..(i + 1) * size];
                    self.steps.of_points(&plan.again, point, buffer, &[]);
                    self.total(0, partials, buffer);
                    self.finish(point, partials, buffer, &[])
                },
            )
            .collect()
    }

    /// Points whose loss needs several passes: what one finds of all samples enters the next. One point a thread, and where
    /// there are not as many, the tiles of one point on all threads.
    fn in_passes(&self, points: &[Point]) -> Vec<Evaluated> {
        let threads = rayon::current_num_threads();
        let (many, few) = points.split_at(points.len() / threads * threads);
        let mut all: Vec<Evaluated> = many
            .par_iter()
            .map_init(
                || self.scratch(),
                |held, point| self.through_passes(point, held.get(), false),
            )
            .collect();
        let mut held = self.scratch();
        let few = few
            .iter()
            .map(|point| self.through_passes(point, held.get(), true));
        all.extend(few);
        all
    }

    fn through_passes(&self, point: &Point, scratch: &mut Scratch, shared: bool) -> Evaluated {
        let (steps, plan) = (&self.steps, &self.steps.plan);
        let (tiles, point) = (steps.tiles.count(), std::slice::from_ref(point));
        let mut partials = vec![Partial::default(); tiles * self.sum_size()];
        for (index, pass) in plan.passes.iter().enumerate() {
            let Scratch {
                points: buffer,
                tile,
                kept,
                whole,
            } = scratch;
            steps.of_points(&pass.before.point, point, buffer, kept);
            let kept = pieces(kept, tiles).into_iter().enumerate();
            let tasks = kept.zip(pieces(&mut partials, tiles));
            let run = |tile: usize, sums: &mut [Partial], memory: Memory| {
                let mut add = |_: usize, sum: usize, part: Part| self.add(sum, tile, part, sums);
                steps.of_tile(pass, tile, point, false, memory, &mut add);
            };
            if shared {
                let tasks: Vec<_> = tasks.collect();
                tasks.into_par_iter().for_each_init(
                    || self.scratch(),
                    |own, ((index, kept), sums)| {
                        run(index, sums, own.get().given(buffer, &[], kept));
                    },
                );
            } else {
                for ((index, kept), sums) in tasks {
                    let memory = Memory {
                        points: buffer,
                        vectors: &[],
                        tile,
                        kept,
                        whole,
                    };
                    run(index, sums, memory);
                }
            }
            self.total(index, &partials, &mut scratch.points);
        }
        self.finish(point, &partials, &mut scratch.points, &scratch.kept)
    }

    /// Sums of all points, tile by tile: `[points][tiles][sums]`.
    fn sums(&self, points: &[Point]) -> Vec<Partial> {
        let (tiles, size) = (self.steps.tiles.count(), self.sum_size());
        let mut partials = vec![Partial::default(); points.len() * tiles * size];
        if size == 0 {
            return partials;
        }
        let threads = rayon::current_num_threads();
        let block = self.steps.plan.points_a_block();
        let blocks = points.len().div_ceil(block);
        // Enough tasks for all threads; the tiles are cut where the points are few.
        let parts = (4 * threads).div_ceil(blocks).clamp(1, tiles);
        let tiles_a_part = tiles.div_ceil(parts);
        let mut tasks = Vec::new();
        let parts_of = partials.chunks_mut(block * tiles * size);
        for (points, sums) in points.chunks(block).zip(parts_of) {
            let mut by_part: Vec<Vec<&mut [Partial]>> = Vec::new();
            by_part.resize_with(tiles.div_ceil(tiles_a_part), Vec::new);
            for sums in sums.chunks_mut(tiles * size) {
                for (part, sums) in sums.chunks_mut(tiles_a_part * size).enumerate() {
                    by_part[part].push(sums);
                }
            }
            for (part, sums) in by_part.into_iter().enumerate() {
                tasks.push((points, part * tiles_a_part, sums));
            }
        }
        tasks.into_par_iter().for_each_init(
            || self.scratch(),
            |scratch, (points, first, mut sums)| {
                self.block(points, first, &mut sums, scratch.get());
            },
        );
        partials
    }

    /// One block of points over the tiles from `first` on; `sums[point]` is `[tiles][sums]`.
    fn block(
        &self,
        points: &[Point],
        first: usize,
        sums: &mut [&mut [Partial]],
        scratch: &mut Scratch,
    ) {
        let (steps, plan) = (&self.steps, &self.steps.plan);
        let pass = &plan.passes[0];
        steps.of_points(&pass.before.point, points, &mut scratch.points, &[]);
        let sub = plan.points_a_tile(steps.tiles);
        let size = self.sum_size();
        for tile in 0..sums[0].len() / size {
            for start in (0..points.len()).step_by(sub) {
                let group = &points[start..points.len().min(start + sub)];
                let memory = scratch.memory(start * plan.point_size);
                let mut add = |p: usize, sum: usize, part: Part| {
                    let sums = &mut sums[start + p][tile * size..(tile + 1) * size];
                    self.add(sum, first + tile, part, sums);
                };
                steps.of_tile(pass, first + tile, group, false, memory, &mut add);
            }
        }
    }

    /// Puts what a tile adds to a sum among those of the tile.
    fn add(&self, sum: usize, tile: usize, part: Part, sums: &mut [Partial]) {
        let spread = self.steps.plan.loss == Some(sum);
        let own = &mut sums[self.steps.plan.sums[sum].start..];
        match part {
            Part::Whole(out) => {
                for (own, &x) in own.iter_mut().zip(out) {
                    own.sum = f64::from(x);
                }
            }
            Part::Lanes { out, lanes, valid } => {
                for (own, values) in own.iter_mut().zip(out.chunks(lanes)) {
                    *own = self.partial(&values[..valid], tile, spread);
                }
            }
        }
    }

    /// The sum of the samples of one tile.
    fn partial(&self, samples: &[f32], tile: usize, spread: bool) -> Partial {
        let (sum, squares) = moments(self.steps.level, samples, spread);
        let product = match (spread, &self.steps.plan.excess) {
            (true, Some(excess)) => {
                let products = samples.iter().zip(&excess[tile * self.steps.tiles.lanes..]);
                products.map(|(&x, excess)| f64::from(x) * excess).sum()
            }
            _ => 0.0,
        };
        Partial {
            sum,
            spread: Spread { squares, product },
        }
    }

    /// Puts the sums of one pass, over all tiles, where later steps expect them.
    fn total(&self, pass: usize, partials: &[Partial], buffer: &mut [f32]) {
        let sums = &self.steps.plan.sums;
        for sum in sums.iter().filter(|sum| sum.pass == pass) {
            let scale = match sum.mean {
                true => self.steps.tiles.samples as f64,
                false => 1.0,
            };
            let Location::Point(offset) = sum.result.place else {
                unreachable!("sums of points")
            };
            for k in 0..sum.size {
                let (total, _) = self.combine(partials, sum.start + k);
                buffer[offset + k] = (total / scale) as f32;
            }
        }
    }

    /// Finishes one point whose sums are complete.
    fn finish(
        &self,
        point: &[Point],
        partials: &[Partial],
        buffer: &mut [f32],
        kept: &[f32],
    ) -> Evaluated {
        let plan = &self.steps.plan;
        self.steps.of_points(&plan.after.point, point, buffer, kept);
        let value = |output: &Output| match output.multiple {
            Some((sum, factor)) => {
                let (total, _) = self.combine(partials, plan.sums[sum].start);
                factor * (total / self.steps.tiles.samples as f64)
            }
            None => f64::from(self.output(output, buffer)),
        };
        Evaluated {
            outputs: plan.outputs.iter().map(value).collect(),
            spread: plan
                .loss
                .map(|sum| self.combine(partials, plan.sums[sum].start).1),
        }
    }

    fn output(&self, output: &Output, buffer: &[f32]) -> f32 {
        match output.operand.place {
            Location::Point(offset) => buffer[offset],
            Location::Fixed(value) => self.steps.constant(value, None, 1)[0],
            _ => unreachable!("outputs of points have no samples"),
        }
    }

    /// Sum and spread over all tiles, in their order (Chan et al. 1983).
    fn combine(&self, partials: &[Partial], k: usize) -> (f64, Spread) {
        let (mut n, mut sum, mut spread) = (0.0, 0.0, Spread::default());
        for (tile, partials) in partials.chunks(self.sum_size().max(1)).enumerate() {
            let part = partials[k];
            let m = self.steps.tiles.valid(tile) as f64;
            if n > 0.0 {
                let delta: f64 = part.sum / m - sum / n;
                spread.squares += part.spread.squares + delta * delta * n * m / (n + m);
            } else {
                spread.squares = part.spread.squares;
            }
            spread.product += part.spread.product;
            n += m;
            sum += part.sum;
        }
        (sum, spread)
    }
}

impl Executor for HostExecutor {
    fn evaluate(&self, points: &[Point]) -> Result<Vec<Evaluated>, ObjectiveError> {
        Ok(self.install(|| match self.steps.plan.in_one_pass() {
            true => self.in_one_pass(points),
            false => self.in_passes(points),
        }))
    }

    fn describe(&self) -> String {
        let threads = self.install(rayon::current_num_threads);
        format!("cpu ({}, {threads} threads)", self.steps.level)
    }
}
