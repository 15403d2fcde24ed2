//! Runs a plan: blocks of points by ranges of tiles, in parallel, without allocation inside.

use super::threads::pool;
use crate::error::TraceError;
use crate::ir::graph::{Graph, ValueId};
use crate::ir::operation::{HostCall, View};
use crate::kernels::affine::Affine;
use crate::kernels::buffer::Buffer;
use crate::kernels::simd::Level;
use crate::kernels::sum::moments;
use crate::passes::dependence::{Analysis, SampleMean};
use crate::schedule::once::{Fixed, Once, Tiles};
use crate::schedule::plan::{Action, Operand, Place, Plan, Step, planned};
use crate::schedule::{Evaluated, Executor, Spread};
use landscape_core::{ObjectiveError, Point};
use rayon::prelude::*;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most inputs of an operation, but for stretches.
const INPUTS: usize = 8;

/// No input.
const NOTHING: View = View {
    data: &[],
    shape: &[],
    samples: false,
};

/// The CPU executor of one plane.
pub(crate) struct HostExecutor {
    plan: Plan,
    fixed: Vec<Option<Fixed>>,
    tiles: Tiles,
    level: Level,
    pool: Option<rayon::ThreadPool>,
    /// Index of the loss among the sums, whose spread is measured.
    loss: Option<usize>,
    /// The excess weights of the samples in the loss, where it is a weighted mean.
    excess: Option<Arc<Vec<f64>>>,
    outputs: Vec<ValueId>,
    /// Buffers of workers that are done, for those of the next points.
    free: Mutex<Vec<Scratch>>,
}

/// One sum over the samples of one tile, and their spread.
#[derive(Clone, Copy, Debug, Default)]
struct Partial {
    sum: f64,
    spread: Spread,
}

/// The buffers of a worker.
struct Scratch {
    points: Buffer,
    tile: Buffer,
    kept: Buffer,
}

/// Buffers that are given back when their worker is done.
struct Held<'a> {
    scratch: Option<Scratch>,
    free: &'a Mutex<Vec<Scratch>>,
}

impl Held<'_> {
    fn get(&mut self) -> &mut Scratch {
        self.scratch.as_mut().expect("held until it is dropped")
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        lock(self.free).extend(self.scratch.take());
    }
}

/// What is there is good whatever happened to another thread.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Memory that the steps of a tile work on.
struct Buffers<'a> {
    /// Weights, `[points][point_size]`.
    points: &'a [f32],
    /// `[points][rows][lanes]`
    tile: &'a mut [f32],
    /// What outlives its pass: for each value `[tiles][rows][lanes]`.
    kept: &'a mut [f32],
}

impl HostExecutor {
    /// `loss`: whose spread is measured; `parameters` in the order of the graph's slots; `threads` 0 means all cores.
    pub fn new(
        (graph, analysis): (&Graph, &Analysis),
        loss: Option<SampleMean>,
        parameters: Vec<Fixed>,
        threads: usize,
        level: Level,
    ) -> Result<Self, TraceError> {
        let pool = pool(threads)?;
        let varies: Vec<bool> = parameters.iter().map(Fixed::varies).collect();
        let (graph, analysis, plan, tiles) = planned(graph, analysis, &varies);
        let once = Once {
            graph: &graph,
            analysis: &analysis,
            tiles,
            level,
        };
        let fixed = match &pool {
            Some(pool) => pool.install(|| once.run(parameters)),
            None => once.run(parameters),
        };
        let of_sum = |loss: &SampleMean| plan.sums.iter().position(|sum| sum.value == loss.value);
        let outputs = graph.outputs().collect();
        Ok(Self {
            loss: loss.as_ref().and_then(of_sum),
            excess: loss.and_then(|loss| loss.excess),
            plan,
            fixed,
            tiles,
            level,
            pool,
            outputs,
            free: Mutex::default(),
        })
    }

    fn install<T: Send>(&self, f: impl FnOnce() -> T + Send) -> T {
        match &self.pool {
            Some(pool) => pool.install(f),
            None => f(),
        }
    }

    fn scratch(&self) -> Held<'_> {
        let used = lock(&self.free).pop();
        let scratch = used.unwrap_or_else(|| {
            let sub = self.plan.points_a_tile(self.tiles);
            Scratch {
                points: Buffer::zeros(self.plan.points_a_block() * self.plan.point_size),
                tile: Buffer::zeros(sub * self.plan.tile_rows * self.tiles.lanes),
                kept: Buffer::zeros(self.plan.kept_rows * self.tiles.count() * self.tiles.lanes),
            }
        });
        Held {
            scratch: Some(scratch),
            free: &self.free,
        }
    }

    /// Points whose loss needs one pass over the samples, in blocks.
    fn in_one_pass(&self, points: &[Point]) -> Vec<Evaluated> {
        let size = self.tiles.count() * self.plan.sum_size;
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
                    self.steps(&self.plan.again, point, buffer);
                    self.total(0, partials, buffer);
                    self.finish(point, partials, buffer)
                },
            )
            .collect()
    }

    /// Points whose loss needs several passes: sums of one enter the next. One point a thread.
    fn in_passes(&self, points: &[Point]) -> Vec<Evaluated> {
        let evaluate = |scratch: &mut Held, point: &Point| {
            let scratch = scratch.get();
            let point = std::slice::from_ref(point);
            let mut partials = vec![Partial::default(); self.tiles.count() * self.plan.sum_size];
            for (index, pass) in self.plan.passes.iter().enumerate() {
                self.steps(&pass.before, point, &mut scratch.points);
                for (tile, sums) in partials.chunks_mut(self.plan.sum_size.max(1)).enumerate() {
                    let mut add = |_: usize, k: usize, partial: Partial| sums[k] = partial;
                    let buffers = Buffers {
                        points: &scratch.points,
                        tile: &mut scratch.tile,
                        kept: &mut scratch.kept,
                    };
                    self.tile(&pass.tile, tile, point, buffers, &mut add);
                }
                self.total(index, &partials, &mut scratch.points);
            }
            self.finish(point, &partials, &mut scratch.points)
        };
        let scratch = || self.scratch();
        points.par_iter().map_init(scratch, evaluate).collect()
    }

    /// Sums of all points, tile by tile: `[points][tiles][sums]`.
    fn sums(&self, points: &[Point]) -> Vec<Partial> {
        let (tiles, size) = (self.tiles.count(), self.plan.sum_size);
        let mut partials = vec![Partial::default(); points.len() * tiles * size];
        if size == 0 {
            return partials;
        }
        let threads = rayon::current_num_threads();
        let block = self.plan.points_a_block();
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
                self.block(points, first, &mut sums, scratch.get())
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
        let pass = &self.plan.passes[0];
        self.steps(&pass.before, points, &mut scratch.points);
        let sub = self.plan.points_a_tile(self.tiles);
        let count = sums[0].len() / self.plan.sum_size;
        for tile in 0..count {
            for start in (0..points.len()).step_by(sub) {
                let group = &points[start..points.len().min(start + sub)];
                let buffers = Buffers {
                    points: &scratch.points[start * self.plan.point_size..],
                    tile: &mut scratch.tile,
                    kept: &mut scratch.kept,
                };
                let place = tile * self.plan.sum_size;
                let mut add = |p: usize, k: usize, partial: Partial| {
                    sums[start + p][place + k] = partial;
                };
                self.tile(&pass.tile, first + tile, group, buffers, &mut add);
            }
        }
    }

    /// The steps of one pass over one tile, for a few points (one, where values are kept).
    fn tile(
        &self,
        steps: &[Step],
        tile: usize,
        points: &[Point],
        buffers: Buffers,
        add: &mut dyn FnMut(usize, usize, Partial),
    ) {
        let lanes = self.tiles.lanes;
        let stride = self.plan.tile_rows * lanes;
        let Buffers {
            points: weights,
            tile: buffer,
            kept,
        } = buffers;
        for step in steps {
            let Place::Tile(row) = step.output.place else {
                continue;
            };
            let size = step.output.size() * lanes;
            if let Action::Affine { value, relu } = step.action {
                self.affine(
                    value,
                    tile,
                    points,
                    &mut buffer[row * lanes..],
                    stride,
                    relu,
                );
            }
            for p in 0..points.len() {
                let own = &mut buffer[p * stride..(p + 1) * stride];
                let weights = &weights[p * self.plan.point_size..];
                self.kernel(step, tile, (weights, kept), own, row * lanes, size);
                if let Some(base) = step.keep {
                    let at = self.kept_at(base, tile, step.output.size());
                    kept[at..at + size].copy_from_slice(&own[row * lanes..][..size]);
                }
                if let Action::Reduce(_, sum) = step.action {
                    self.reduce(sum, tile, &own[row * lanes..][..size], |k, x| add(p, k, x));
                }
            }
        }
    }

    /// Sums the samples of one tile.
    fn reduce(&self, sum: usize, tile: usize, values: &[f32], mut add: impl FnMut(usize, Partial)) {
        let valid = self.tiles.valid(tile);
        let start = self.plan.sums[sum].start;
        let spread = self.loss == Some(sum);
        for (k, lanes) in values.chunks(self.tiles.lanes).enumerate() {
            let lanes = &lanes[..valid];
            let (sum, squares) = moments(self.level, lanes, spread);
            let mut total = Partial {
                sum,
                spread: Spread {
                    squares,
                    product: 0.0,
                },
            };
            if let (true, Some(excess)) = (spread, &self.excess) {
                let products = lanes.iter().zip(&excess[tile * self.tiles.lanes..]);
                total.spread.product = products.map(|(&x, excess)| f64::from(x) * excess).sum();
            }
            add(start + k, total);
        }
    }

    fn affine(
        &self,
        value: ValueId,
        tile: usize,
        points: &[Point],
        out: &mut [f32],
        stride: usize,
        relu: bool,
    ) {
        let fixed = self.fixed[value].as_ref().expect("computed once");
        let constant = fixed
            .constant
            .as_ref()
            .expect("an affine value has a constant");
        let size = constant.len() / self.tiles.count();
        let slopes = std::array::from_fn(|k| {
            fixed.slopes[k]
                .as_ref()
                .map(|data| &data[tile * size..(tile + 1) * size])
        });
        let constant = &constant[tile * size..(tile + 1) * size];
        Affine {
            constant,
            slopes,
            points,
            out,
            stride,
            relu,
        }
        .run(self.level);
    }

    /// Where tile `tile` of a kept value of `rows` rows begins.
    fn kept_at(&self, base: usize, tile: usize, rows: usize) -> usize {
        (base * self.tiles.count() + tile * rows) * self.tiles.lanes
    }

    /// Calls one kernel on a tile. Its output is a part of the same buffer as its inputs.
    fn kernel(
        &self,
        step: &Step,
        tile: usize,
        (weights, kept): (&[f32], &[f32]),
        own: &mut [f32],
        at: usize,
        size: usize,
    ) {
        let (Action::Kernel(operation) | Action::Reduce(operation, _)) = &step.action else {
            return;
        };
        let (head, rest) = own.split_at_mut(at);
        let (out, tail) = rest.split_at_mut(size);
        let lanes = self.tiles.lanes;
        let (mut few, mut many) = ([NOTHING; INPUTS], Vec::new());
        let views = match few.get_mut(..step.inputs.len()) {
            Some(few) => few,
            None => {
                many.resize(step.inputs.len(), NOTHING);
                &mut many[..]
            }
        };
        for (view, operand) in views.iter_mut().zip(&step.inputs) {
            let data = match operand.place {
                Place::Fixed(value) => self.fixed_at(value, operand, tile),
                Place::Point(offset) => &weights[offset..offset + operand.size()],
                Place::Kept(base) => {
                    &kept[self.kept_at(base, tile, operand.size())..][..operand.size() * lanes]
                }
                Place::Tile(row) if row * lanes < at => {
                    &head[row * lanes..][..operand.size() * lanes]
                }
                Place::Tile(row) => &tail[row * lanes - at - size..][..operand.size() * lanes],
            };
            *view = View {
                data,
                shape: &operand.shape,
                samples: operand.samples,
            };
        }
        operation.host(HostCall {
            level: self.level,
            lanes,
            inputs: views,
            out,
            shape: &step.output.shape,
            samples: true,
        });
    }

    fn fixed_at(&self, value: ValueId, operand: &Operand, tile: usize) -> &[f32] {
        let fixed = self.fixed[value].as_ref().expect("computed once");
        let data = fixed.constant.as_ref().expect("a shared value");
        match operand.samples {
            true => {
                &data[tile * operand.size() * self.tiles.lanes..]
                    [..operand.size() * self.tiles.lanes]
            }
            false => data,
        }
    }

    /// Steps without samples, for every point.
    fn steps(&self, steps: &[Step], points: &[Point], buffers: &mut [f32]) {
        let stride = self.plan.point_size;
        for step in steps {
            let Place::Point(at) = step.output.place else {
                continue;
            };
            if let Action::Affine { value, relu } = step.action {
                let fixed = self.fixed[value].as_ref().expect("computed once");
                let slopes = std::array::from_fn(|k| fixed.slopes[k].as_ref().map(|d| &d[..]));
                let constant = fixed
                    .constant
                    .as_ref()
                    .expect("an affine value has a constant");
                let out = &mut buffers[at..];
                Affine {
                    constant,
                    slopes,
                    points,
                    out,
                    stride,
                    relu,
                }
                .run(self.level);
                continue;
            }
            for p in 0..points.len() {
                let own = &mut buffers[p * stride..(p + 1) * stride];
                self.point_kernel(step, own, at);
            }
        }
    }

    fn point_kernel(&self, step: &Step, own: &mut [f32], at: usize) {
        let Action::Kernel(operation) = &step.action else {
            return;
        };
        let (head, rest) = own.split_at_mut(at);
        let (out, tail) = rest.split_at_mut(step.output.size());
        let end = at + out.len();
        let mut views = [NOTHING; INPUTS];
        for (view, operand) in views.iter_mut().zip(&step.inputs) {
            let data = match operand.place {
                Place::Point(offset) if offset < at => &head[offset..][..operand.size()],
                Place::Point(offset) => &tail[offset - end..][..operand.size()],
                Place::Fixed(value) => self.fixed_at(value, operand, 0),
                Place::Tile(_) | Place::Kept(_) => unreachable!("values of points have no samples"),
            };
            *view = View {
                data,
                shape: &operand.shape,
                samples: false,
            };
        }
        operation.host(HostCall {
            level: self.level,
            lanes: 1,
            inputs: &views[..step.inputs.len()],
            out,
            shape: &step.output.shape,
            samples: false,
        });
    }

    /// Puts the sums of one pass, over all tiles, where later steps expect them.
    fn total(&self, pass: usize, partials: &[Partial], buffer: &mut [f32]) {
        for sum in self.plan.sums.iter().filter(|sum| sum.pass == pass) {
            let scale = if sum.mean {
                self.tiles.samples as f64
            } else {
                1.0
            };
            for k in 0..sum.size {
                let (total, _) = self.combine(partials, sum.start + k);
                buffer[sum.offset + k] = (total / scale) as f32;
            }
        }
    }

    /// Finishes one point whose sums are complete.
    fn finish(&self, point: &[Point], partials: &[Partial], buffer: &mut [f32]) -> Evaluated {
        self.steps(&self.plan.after, point, buffer);
        let mut of_loss = None;
        let means = self.plan.sums.iter().enumerate().map(|(s, sum)| {
            let (total, spread) = self.combine(partials, sum.start + sum.size - 1);
            if self.loss == Some(s) {
                of_loss = Some(spread);
            }
            (sum.value, total / self.tiles.samples as f64)
        });
        let means = means.collect();
        let outputs = self
            .outputs
            .iter()
            .map(|&v| f64::from(self.output(v, buffer)))
            .collect();
        Evaluated {
            outputs,
            means,
            spread: of_loss,
        }
    }

    fn output(&self, value: ValueId, buffer: &[f32]) -> f32 {
        match self.plan.place(value) {
            Place::Point(offset) => buffer[offset],
            Place::Fixed(value) => {
                let fixed = self.fixed[value].as_ref();
                fixed
                    .and_then(|f| f.constant.as_ref())
                    .map_or(f32::NAN, |data| data[0])
            }
            Place::Tile(_) | Place::Kept(_) => unreachable!("outputs have no samples"),
        }
    }

    /// Sum and spread over all tiles, in their order (Chan et al. 1983).
    fn combine(&self, partials: &[Partial], k: usize) -> (f64, Spread) {
        let (mut n, mut sum, mut spread) = (0.0, 0.0, Spread::default());
        for tile in 0..self.tiles.count() {
            let part = partials[tile * self.plan.sum_size + k];
            let m = self.tiles.valid(tile) as f64;
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
        Ok(self.install(|| match self.plan.passes.len() {
            1 => self.in_one_pass(points),
            _ => self.in_passes(points),
        }))
    }

    fn describe(&self) -> String {
        let threads = self.install(rayon::current_num_threads);
        format!("cpu ({}, {threads} threads)", self.level)
    }
}
