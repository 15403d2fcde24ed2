//! Points of a plane: blocks of points by ranges of tiles, in parallel. Sums over the samples are f64 in each tile, and
//! over the tiles in their order, whatever the number of threads.

use super::executor::{Held, HostExecutor, Scratch, pieces};
use super::in_order::Part;
use super::steps::{Memory, Needed};
use crate::kernels::sum::moments;
use crate::schedule::plan::{Location, Output};
use crate::schedule::{Evaluated, Executor, Spread};
use landscape_core::{ObjectiveError, Point};
use rayon::prelude::*;

/// From so many blocks a thread on, threads take whole blocks: the last ones then end at about the same time.
const MANY_BLOCKS: usize = 16;
/// Tasks a thread that fewer blocks are divided into.
const TASKS: usize = 32;

/// Some points of a block, over some tiles.
struct PointsOfTiles<'a> {
    points: &'a [Point],
    /// Of these points, `[points][point_size]`.
    weights: &'a [f32],
    /// The first tile.
    first: usize,
    /// Of each point, `[tiles][sums]`.
    sums: Vec<&'a mut [Partial]>,
}

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
                    let scratch = scratch.get();
                    scratch.hold(plan.point_size);
                    let buffer = &mut scratch.points;
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
        scratch.hold(plan.point_size);
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
                steps.of_tile(pass, tile, point, Needed::All, memory, &mut add);
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
        let stride = self.steps.tiles.count() * self.sum_size();
        let mut partials = vec![Partial::default(); points.len() * stride];
        if stride == 0 {
            return partials;
        }
        let threads = rayon::current_num_threads();
        let block = self.steps.plan.points_a_block();
        if points.len() >= MANY_BLOCKS * threads * block {
            let blocks = points.par_chunks(block);
            let blocks = blocks.zip(partials.par_chunks_mut(block * stride));
            blocks.for_each_init(
                || self.scratch(),
                |scratch, (points, sums)| self.block(points, sums, scratch.get()),
            );
            return partials;
        }
        let round = threads * block;
        let rounds = points.chunks(round);
        for (points, sums) in rounds.zip(partials.chunks_mut(round * stride)) {
            self.round(points, sums);
        }
        partials
    }

    /// One block of points over all tiles, on one thread.
    fn block(&self, points: &[Point], sums: &mut [Partial], scratch: &mut Scratch) {
        let (steps, plan) = (&self.steps, &self.steps.plan);
        scratch.hold(points.len() * plan.point_size);
        let Scratch {
            points: weights,
            tile,
            whole,
            ..
        } = scratch;
        steps.of_points(&plan.passes[0].before.point, points, weights, &[]);
        let mut part = PointsOfTiles {
            points,
            weights,
            first: 0,
            sums: sums.chunks_mut(sums.len() / points.len()).collect(),
        };
        self.tiles(&mut part, tile, whole);
    }

    /// Blocks of points, no more than there are threads, on all of them: first the weights, and then tiles of some of the points,
    /// so many and small that no thread waits long for the last one.
    fn round(&self, points: &[Point], sums: &mut [Partial]) {
        let plan = &self.steps.plan;
        let (block, size) = (plan.points_a_block(), plan.point_size);
        let threads = rayon::current_num_threads();
        let mut held: Vec<Held> = points.chunks(block).map(|_| self.scratch()).collect();
        let share = points.len().div_ceil(threads).min(block);
        let weights = held.iter_mut().zip(points.chunks(block));
        let weights: Vec<_> = weights
            .flat_map(|(held, points)| {
                let scratch = held.get();
                scratch.hold(points.len() * size);
                let buffers = scratch.points.chunks_mut((share * size).max(1));
                points.chunks(share).zip(buffers)
            })
            .collect();
        let before = &plan.passes[0].before.point;
        weights
            .into_par_iter()
            .for_each(|(points, buffer)| self.steps.of_points(before, points, buffer, &[]));
        let blocks = points.chunks(block).zip(&mut held);
        let sums = sums.chunks_mut(sums.len() / points.len() * block);
        let most = (TASKS * threads).div_ceil(points.len().div_ceil(block));
        let parts: Vec<PointsOfTiles> = { blocks.zip(sums) }
            .flat_map(|((points, held), sums)| self.parts(points, &held.get().points, sums, most))
            .collect();
        parts.into_par_iter().for_each_init(
            || self.scratch(),
            |scratch, mut part| {
                let Scratch { tile, whole, .. } = scratch.get();
                self.tiles(&mut part, tile, whole);
            },
        );
    }

    /// A block in about so many parts: of its tiles, and where these are few, of its points.
    fn parts<'a>(
        &self,
        points: &'a [Point],
        weights: &'a [f32],
        sums: &'a mut [Partial],
        most: usize,
    ) -> Vec<PointsOfTiles<'a>> {
        let (plan, tiles, size) = (&self.steps.plan, self.steps.tiles, self.sum_size());
        let count = tiles.count();
        let tiles_a_part = count.div_ceil(most);
        let groups = most / count.div_ceil(tiles_a_part);
        let sub = plan.points_a_tile(tiles);
        let points_a_part = points.len().div_ceil(groups.max(1)).next_multiple_of(sub);
        let mut parts = Vec::new();
        let groups = points.chunks(points_a_part).enumerate();
        for ((group, points), sums) in groups.zip(sums.chunks_mut(points_a_part * count * size)) {
            let start = parts.len();
            let weights = &weights[group * points_a_part * plan.point_size..];
            parts.extend((0..count).step_by(tiles_a_part).map(|first| PointsOfTiles {
                points,
                weights,
                first,
                sums: Vec::with_capacity(points.len()),
            }));
            for sums in sums.chunks_mut(count * size) {
                let own = parts[start..].iter_mut();
                for (part, sums) in own.zip(sums.chunks_mut(tiles_a_part * size)) {
                    part.sums.push(sums);
                }
            }
        }
        parts
    }

    /// Some points over some tiles.
    fn tiles(&self, part: &mut PointsOfTiles, tile: &mut [f32], whole: &mut [f32]) {
        let (steps, plan) = (&self.steps, &self.steps.plan);
        let (pass, size) = (&plan.passes[0], self.sum_size());
        let sub = plan.points_a_tile(steps.tiles);
        for number in 0..part.sums[0].len() / size {
            for start in (0..part.points.len()).step_by(sub) {
                let group = &part.points[start..part.points.len().min(start + sub)];
                let memory = Memory {
                    points: &part.weights[start * plan.point_size..],
                    vectors: &[],
                    tile,
                    kept: &mut [],
                    whole,
                };
                let at = part.first + number;
                let mut add = |p: usize, sum: usize, value: Part| {
                    let sums = &mut part.sums[start + p][number * size..(number + 1) * size];
                    self.add(sum, at, value, sums);
                };
                steps.of_tile(pass, at, group, Needed::All, memory, &mut add);
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
