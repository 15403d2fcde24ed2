//! Runs a plan: blocks of points by ranges of tiles, in parallel, without allocation inside.

use super::affine::Affine;
use super::once::{Fixed, Once, Tiles};
use super::plan::{Action, Operand, Place, Plan, Step};
use super::simd::{Kernel, LANES, Level, Simd, run};
use crate::TraceError;
use crate::analysis::Analysis;
use crate::graph::{Graph, ValueId};
use crate::objective::{Evaluated, Executor};
use crate::operations::{HostCall, View};
use landscape_core::{ObjectiveError, Point};
use rayon::prelude::*;

/// Points whose weights are prepared together.
const BLOCK: usize = 32;
/// The most inputs of an operation.
const INPUTS: usize = 8;

/// The CPU executor of one plane.
pub(crate) struct HostExecutor {
    plan: Plan,
    fixed: Vec<Option<Fixed>>,
    tiles: Tiles,
    level: Level,
    pool: Option<rayon::ThreadPool>,
    /// Index of the loss among the sums, whose spread is measured.
    loss: Option<usize>,
    outputs: Vec<ValueId>,
}

/// One sum over the samples of one tile: the sum, and the squares around its mean.
#[derive(Clone, Copy, Debug, Default)]
struct Partial {
    sum: f64,
    squares: f64,
}

/// The buffers of a worker.
struct Scratch {
    points: Vec<f32>,
    tile: Vec<f32>,
}

impl HostExecutor {
    /// `parameters` in the order of the graph's slots; `threads` 0 means all cores.
    pub fn new(
        graph: &Graph,
        analysis: &Analysis,
        parameters: Vec<Fixed>,
        threads: usize,
        level: Level,
    ) -> Result<Self, TraceError> {
        let pool = match threads {
            0 => None,
            n => {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build();
                Some(pool.map_err(TraceError::Threads)?)
            }
        };
        let tiles = Tiles::new(graph.samples);
        let plan = Plan::new(graph, analysis);
        let once = Once {
            graph,
            analysis,
            tiles,
            level,
        };
        let fixed = match &pool {
            Some(pool) => pool.install(|| once.run(parameters)),
            None => once.run(parameters),
        };
        let loss = analysis
            .multiple_of_mean(graph, graph.loss)
            .and_then(|(node, _)| plan.sums.iter().position(|sum| sum.node == node));
        let outputs = graph.outputs().collect();
        Ok(Self {
            plan,
            fixed,
            tiles,
            level,
            pool,
            loss,
            outputs,
        })
    }

    fn install<T: Send>(&self, f: impl FnOnce() -> T + Send) -> T {
        match &self.pool {
            Some(pool) => pool.install(f),
            None => f(),
        }
    }

    fn scratch(&self) -> Scratch {
        let sub = self.plan.points_a_tile(self.tiles);
        Scratch {
            points: vec![0.0; BLOCK * self.plan.point_size],
            tile: vec![0.0; sub * self.plan.tile_rows * self.tiles.lanes],
        }
    }

    /// Sums of all points, tile by tile: `[points][tiles][sums]`.
    fn sums(&self, points: &[Point]) -> Vec<Partial> {
        let (tiles, size) = (self.tiles.count(), self.plan.sum_size);
        let mut partials = vec![Partial::default(); points.len() * tiles * size];
        if size == 0 {
            return partials;
        }
        let threads = rayon::current_num_threads();
        let blocks = points.len().div_ceil(BLOCK);
        // Enough tasks for all threads; the tiles are cut where the points are few.
        let parts = (4 * threads).div_ceil(blocks).clamp(1, tiles);
        let tiles_a_part = tiles.div_ceil(parts);
        let mut tasks = Vec::new();
        for (block, sums) in partials.chunks_mut(BLOCK * tiles * size).enumerate() {
            let points = &points[block * BLOCK..][..BLOCK.min(points.len() - block * BLOCK)];
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
            |scratch, (points, first, mut sums)| self.block(points, first, &mut sums, scratch),
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
        self.steps(&self.plan.before, points, &mut scratch.points);
        let sub = self.plan.points_a_tile(self.tiles);
        let count = sums[0].len() / self.plan.sum_size;
        for tile in 0..count {
            for start in (0..points.len()).step_by(sub) {
                let group = &points[start..points.len().min(start + sub)];
                let weights = &scratch.points[start * self.plan.point_size..];
                let place = tile * self.plan.sum_size;
                let mut add = |p: usize, k: usize, partial: Partial| {
                    sums[start + p][place + k] = partial;
                };
                self.tile(first + tile, group, weights, &mut scratch.tile, &mut add);
            }
        }
    }

    /// All steps of one tile for a few points.
    fn tile(
        &self,
        tile: usize,
        points: &[Point],
        weights: &[f32],
        buffer: &mut [f32],
        add: &mut dyn FnMut(usize, usize, Partial),
    ) {
        let lanes = self.tiles.lanes;
        let stride = self.plan.tile_rows * lanes;
        for step in &self.plan.tile {
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
                continue;
            }
            for p in 0..points.len() {
                let own = &mut buffer[p * stride..(p + 1) * stride];
                let weights = &weights[p * self.plan.point_size..];
                self.kernel(step, tile, weights, own, row * lanes, size);
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
        for (k, lanes) in values.chunks(self.tiles.lanes).enumerate() {
            let spread = self.loss == Some(sum);
            add(start + k, partial(self.level, &lanes[..valid], spread));
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

    /// Calls one kernel on a tile. Its output is a part of the same buffer as its inputs.
    fn kernel(
        &self,
        step: &Step,
        tile: usize,
        weights: &[f32],
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
        let mut views = [View {
            data: &[],
            shape: &[],
            samples: false,
        }; INPUTS];
        for (view, operand) in views.iter_mut().zip(&step.inputs) {
            let data = match operand.place {
                Place::Fixed(value) => self.fixed_at(value, operand, tile),
                Place::Point(offset) => &weights[offset..offset + operand.size()],
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
            inputs: &views[..step.inputs.len()],
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
        let mut views = [View {
            data: &[],
            shape: &[],
            samples: false,
        }; INPUTS];
        for (view, operand) in views.iter_mut().zip(&step.inputs) {
            let data = match operand.place {
                Place::Point(offset) if offset < at => &head[offset..][..operand.size()],
                Place::Point(offset) => &tail[offset - end..][..operand.size()],
                Place::Fixed(value) | Place::Tile(value) => self.fixed_at(value, operand, 0),
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

    /// Puts the sums of one point together and finishes it.
    fn finish(&self, point: Point, partials: &[Partial], buffer: &mut [f32]) -> Evaluated {
        let points = [point];
        self.steps(&self.plan.before, &points, buffer);
        let mut sums = vec![0.0; self.plan.sums.len()];
        let mut squares = None;
        for (s, sum) in self.plan.sums.iter().enumerate() {
            for k in 0..sum.size {
                let (total, spread) = self.combine(partials, sum.start + k);
                let scale = if sum.mean {
                    self.tiles.samples as f64
                } else {
                    1.0
                };
                buffer[sum.offset + k] = (total / scale) as f32;
                sums[s] = total / self.tiles.samples as f64;
                if self.loss == Some(s) {
                    squares = Some(spread);
                }
            }
        }
        self.steps(&self.plan.after, &points, buffer);
        let outputs = self
            .outputs
            .iter()
            .map(|&v| f64::from(self.output(v, buffer)))
            .collect();
        let means = self
            .plan
            .sums
            .iter()
            .zip(sums)
            .map(|(sum, mean)| (sum.node, mean))
            .collect();
        Evaluated {
            outputs,
            means,
            squares,
        }
    }

    fn output(&self, value: ValueId, buffer: &[f32]) -> f32 {
        match self.plan.place(value) {
            Place::Point(offset) => buffer[offset],
            Place::Fixed(value) | Place::Tile(value) => {
                let fixed = self.fixed[value].as_ref();
                fixed
                    .and_then(|f| f.constant.as_ref())
                    .map_or(f32::NAN, |data| data[0])
            }
        }
    }

    /// Sum and squares around the mean over all tiles, in their order (Chan et al. 1983).
    fn combine(&self, partials: &[Partial], k: usize) -> (f64, f64) {
        let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for tile in 0..self.tiles.count() {
            let part = partials[tile * self.plan.sum_size + k];
            let m = self.tiles.valid(tile) as f64;
            if n > 0.0 {
                let delta: f64 = part.sum / m - sum / n;
                squares += part.squares + delta * delta * n * m / (n + m);
            } else {
                squares = part.squares;
            }
            n += m;
            sum += part.sum;
        }
        (sum, squares)
    }
}

impl Executor for HostExecutor {
    fn evaluate(&self, points: &[Point]) -> Result<Vec<Evaluated>, ObjectiveError> {
        let size = self.tiles.count() * self.plan.sum_size;
        Ok(self.install(|| {
            let partials = self.sums(points);
            points
                .par_iter()
                .enumerate()
                .with_min_len(64)
                .map_init(
                    || vec![0.0; self.plan.point_size],
                    |buffer, (i, &point)| {
                        self.finish(point, &partials[i * size..(i + 1) * size], buffer)
                    },
                )
                .collect()
        }))
    }

    fn describe(&self) -> String {
        let threads = self.install(rayon::current_num_threads);
        format!("cpu ({}, {threads} threads)", self.level)
    }
}

/// Sum and, where wanted, squares around the mean, in f64.
fn partial(level: Level, values: &[f32], spread: bool) -> Partial {
    let mut sum = 0.0;
    run(
        level,
        Total {
            values,
            shift: None,
            total: &mut sum,
        },
    );
    let mut squares = 0.0;
    if spread {
        let shift = Some(sum / values.len() as f64);
        run(
            level,
            Total {
                values,
                shift,
                total: &mut squares,
            },
        );
    }
    Partial { sum, squares }
}

/// `sum x`, or `sum (x - shift)^2`, with 16 sums side by side.
struct Total<'a> {
    values: &'a [f32],
    shift: Option<f64>,
    total: &'a mut f64,
}

impl Kernel for Total<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let mut sums = [0.0f64; LANES];
        let chunks = self.values.chunks_exact(LANES);
        let mut rest = [0.0f32; LANES];
        let left = chunks.remainder();
        rest[..left.len()].copy_from_slice(left);
        match self.shift {
            None => {
                for chunk in chunks.chain([&rest[..]]) {
                    for (sum, &x) in sums.iter_mut().zip(chunk) {
                        *sum += f64::from(x);
                    }
                }
            }
            Some(shift) => {
                for chunk in chunks {
                    for (sum, &x) in sums.iter_mut().zip(chunk) {
                        let d = f64::from(x) - shift;
                        *sum += d * d;
                    }
                }
                for (sum, &x) in sums.iter_mut().zip(left) {
                    *sum += (f64::from(x) - shift).powi(2);
                }
            }
        }
        *self.total = sums.iter().sum();
    }
}
