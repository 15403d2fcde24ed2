//! Runs the steps of a plan: calls of kernels on buffers, without allocation inside.

use super::in_order::Part;
use crate::ir::graph::ValueId;
use crate::ir::operation::{HostCall, View};
use crate::kernels::affine::Affine;
use crate::kernels::buffer::Buffer;
use crate::kernels::simd::Level;
use crate::kernels::turn::rows_of_lanes;
use crate::schedule::once::Fixed;
use crate::schedule::plan::{Action, Location, Operand, Pass, Plan, Step};
use crate::schedule::tiles::Tiles;
use landscape_core::Point;

/// A plan, and what it needs to run.
pub(super) struct Steps {
    pub plan: Plan,
    /// What is computed once, one a value.
    pub fixed: Vec<Option<Fixed>>,
    pub tiles: Tiles,
    pub level: Level,
}

/// Which steps of a point are run on a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needed {
    All,
    /// All but sums over the samples, which are known.
    Values,
    /// None: the tile holds the values.
    Nothing,
}

/// Memory that the steps of a tile work on.
pub(super) struct Memory<'a> {
    /// `[points][point_size]`
    pub points: &'a [f32],
    /// `[vector_size]` each.
    pub vectors: &'a [Buffer],
    /// `[points][rows][lanes]`
    pub tile: &'a mut [f32],
    /// What of this tile outlives its pass, `[rows][lanes]`.
    pub kept: &'a mut [f32],
    /// The largest sum that a kernel adds up itself.
    pub whole: &'a mut [f32],
}

/// A buffer, but for the part that a step writes.
#[derive(Clone, Copy)]
struct Around<'a> {
    head: &'a [f32],
    tail: &'a [f32],
    /// Where the tail begins.
    after: usize,
}

impl<'a> Around<'a> {
    fn all(buffer: &'a [f32]) -> Self {
        Self {
            head: buffer,
            tail: &[],
            after: buffer.len(),
        }
    }

    fn split(buffer: &'a mut [f32], at: usize, size: usize) -> (Self, &'a mut [f32]) {
        let (head, rest) = buffer.split_at_mut(at);
        let (out, tail) = rest.split_at_mut(size);
        let around = Self {
            head,
            tail,
            after: at + size,
        };
        (around, out)
    }

    fn at(self, start: usize, size: usize) -> &'a [f32] {
        match start + size <= self.head.len() {
            true => &self.head[start..start + size],
            false => &self.tail[start - self.after..][..size],
        }
    }
}

/// What a step reads.
#[derive(Clone, Copy)]
struct Read<'a> {
    tile: usize,
    point: Around<'a>,
    vector: Around<'a>,
    rows: Around<'a>,
    kept: &'a [f32],
}

impl<'a> Read<'a> {
    fn of_point(point: Around<'a>) -> Self {
        Self {
            tile: 0,
            point,
            vector: Around::all(&[]),
            rows: Around::all(&[]),
            kept: &[],
        }
    }
}

impl Steps {
    /// Steps of points, without samples; `buffers` are `[points][point_size]`, `kept` is what all tiles have kept of one
    /// point, `[tiles][rows][lanes]`.
    pub fn of_points(&self, steps: &[Step], points: &[Point], buffers: &mut [f32], kept: &[f32]) {
        let stride = self.plan.point_size;
        for step in steps {
            let Location::Point(at) = step.output.place else {
                unreachable!("values of points have no samples")
            };
            if let Action::Collect(_) = step.action {
                self.collect(&step.inputs[0], kept, &mut buffers[at..]);
                continue;
            }
            if let Action::Affine { value, relu } = step.action {
                let part = (None, step.output.size);
                self.affine((value, relu), part, points, &mut buffers[at..], stride);
                continue;
            }
            for p in 0..points.len() {
                let own = &mut buffers[p * stride..(p + 1) * stride];
                let (point, out) = Around::split(own, at, step.output.size);
                self.call(step, Read::of_point(point), out);
            }
        }
    }

    /// Steps of a vector, without samples.
    pub fn of_vector(&self, steps: &[Step], point: &[f32], own: &mut [f32], kept: &[f32]) {
        for step in steps {
            let Location::Vector(at) = step.output.place else {
                unreachable!("values of vectors have no samples")
            };
            if let Action::Collect(_) = step.action {
                self.collect(&step.inputs[0], kept, &mut own[at..]);
                continue;
            }
            let (vector, out) = Around::split(own, at, step.output.size);
            let read = Read::of_point(Around::all(point));
            self.call(step, Read { vector, ..read }, out);
        }
    }

    /// Puts all tiles of what was kept together, `[samples][rows]`.
    fn collect(&self, from: &Operand, kept: &[f32], out: &mut [f32]) {
        let Location::Kept(base) = from.place else {
            unreachable!("what is collected was kept")
        };
        let (rows, lanes) = (from.size, self.tiles.lanes);
        for tile in 0..self.tiles.count() {
            let data = &kept[(tile * self.plan.kept_rows + base) * lanes..];
            let out = &mut out[tile * lanes * rows..][..self.tiles.valid(tile) * rows];
            rows_of_lanes(self.level, (data, lanes), rows, out);
        }
    }

    /// The steps of one pass over one tile, for a few points (one, where there are vectors or values are kept).
    ///
    /// Calls `add` for each sum: with the point, or the vector's number plus 1, and the sum's index. `needed` says which steps
    /// of the points are run.
    pub fn of_tile(
        &self,
        pass: &Pass,
        tile: usize,
        points: &[Point],
        needed: Needed,
        memory: Memory,
        add: &mut dyn FnMut(usize, usize, Part),
    ) {
        let lanes = self.tiles.lanes;
        let stride = self.plan.tile_rows * lanes;
        let Memory {
            points: weights,
            vectors,
            tile: buffer,
            kept,
            whole,
        } = memory;
        let needed = |step: &&Step| match needed {
            Needed::All => true,
            Needed::Values => !matches!(step.action, Action::Reduce(..)),
            Needed::Nothing => false,
        };
        for step in pass.tile.point.iter().filter(needed) {
            if let (&Action::Affine { value, relu }, Location::Tile(row)) =
                (&step.action, step.output.place)
            {
                let part = (Some(tile), step.output.size);
                let out = &mut buffer[row * lanes..];
                self.affine((value, relu), part, points, out, stride);
                if step.keep.is_none() {
                    continue;
                }
            }
            for p in 0..points.len() {
                let own = &mut buffer[p * stride..(p + 1) * stride];
                let point = &weights[p * self.plan.point_size..][..self.plan.point_size];
                self.tile_step(
                    step,
                    tile,
                    [point, &[]],
                    own,
                    kept,
                    whole,
                    &mut |sum, part| {
                        add(p, sum, part);
                    },
                );
            }
        }
        for (v, vector) in vectors.iter().enumerate() {
            for step in &pass.tile.vector {
                let flat = [&weights[..self.plan.point_size], vector];
                self.tile_step(step, tile, flat, buffer, kept, whole, &mut |sum, part| {
                    add(v + 1, sum, part);
                });
            }
        }
    }

    /// A step on one tile at one point, but for affine values.
    #[allow(clippy::too_many_arguments)]
    #[inline(always)]
    fn tile_step(
        &self,
        step: &Step,
        tile: usize,
        [point, vector]: [&[f32]; 2],
        rows: &mut [f32],
        kept: &mut [f32],
        whole: &mut [f32],
        add: &mut dyn FnMut(usize, Part),
    ) {
        let lanes = self.tiles.lanes;
        let flat = Read {
            tile,
            vector: Around::all(vector),
            ..Read::of_point(Around::all(point))
        };
        let Location::Tile(row) = step.output.place else {
            let out = &mut whole[..step.output.size];
            out.fill(0.0);
            let rows = Around::all(rows);
            self.call(step, Read { rows, kept, ..flat }, out);
            if let Action::Reduce(_, sum) = step.action {
                add(sum, Part::Whole(out));
            }
            return;
        };
        let size = step.output.size * lanes;
        let (rows, out) = Around::split(rows, row * lanes, size);
        self.call(step, Read { rows, kept, ..flat }, out);
        if let Some(base) = step.keep {
            kept[base * lanes..][..size].copy_from_slice(out);
        }
        if let Action::Reduce(_, sum) = step.action {
            let valid = self.tiles.valid(tile);
            add(sum, Part::Lanes { out, lanes, valid });
        }
    }

    /// Calls the kernel of a step, where it has one.
    #[inline(always)]
    fn call(&self, step: &Step, read: Read, out: &mut [f32]) {
        let (Action::Kernel(operation) | Action::Reduce(operation, _)) = &step.action else {
            return;
        };
        // Sums that kernels add up themselves have no samples, unlike what they read.
        let samples = step.output.samples || step.output.place == Location::Whole;
        let mut run = |inputs: &[View]| {
            operation.host(HostCall {
                level: self.level,
                lanes: self.tiles.lanes,
                inputs,
                out,
                shape: &step.output.shape,
                samples,
            });
        };
        let view = |operand| self.view(operand, read);
        match &step.inputs[..] {
            [x] => run(&[view(x)]),
            [x, y] => run(&[view(x), view(y)]),
            [x, y, z] => run(&[view(x), view(y), view(z)]),
            many => run(&many.iter().map(view).collect::<Vec<_>>()),
        }
    }

    #[inline(always)]
    fn view<'a>(&'a self, operand: &'a Operand, from: Read<'a>) -> View<'a> {
        View {
            data: self.read(operand, from),
            shape: &operand.shape,
            samples: operand.samples,
        }
    }

    #[inline(always)]
    fn read<'a>(&'a self, operand: &Operand, from: Read<'a>) -> &'a [f32] {
        let lanes = self.tiles.lanes;
        let size = operand.size;
        match operand.place {
            Location::Fixed(value) => {
                let tile = operand.samples.then_some(from.tile);
                self.constant(value, tile, size)
            }
            Location::Point(offset) => from.point.at(offset, size),
            Location::Vector(offset) => from.vector.at(offset, size),
            Location::Tile(row) => from.rows.at(row * lanes, size * lanes),
            Location::Kept(row) => &from.kept[row * lanes..][..size * lanes],
            Location::Whole => unreachable!("sums are read where they are put"),
        }
    }

    /// A value that is computed once; of one with samples, those of a tile, of `size` rows.
    pub fn constant(&self, value: ValueId, tile: Option<usize>, size: usize) -> &[f32] {
        let fixed = self.fixed[value].as_ref().expect("computed once");
        let data = fixed.constant.as_ref().expect("a constant");
        self.part(data, tile, size)
    }

    fn part<'a>(&self, data: &'a [f32], tile: Option<usize>, size: usize) -> &'a [f32] {
        let Some(tile) = tile else { return data };
        &data[tile * size * self.tiles.lanes..][..size * self.tiles.lanes]
    }

    /// An affine value at points, `stride` numbers apart; of one with samples, those of a tile.
    fn affine(
        &self,
        (value, relu): (ValueId, bool),
        (tile, size): (Option<usize>, usize),
        points: &[Point],
        out: &mut [f32],
        stride: usize,
    ) {
        let fixed = self.fixed[value].as_ref().expect("computed once");
        let slopes = std::array::from_fn(|k| {
            let data = fixed.slopes[k].as_ref();
            data.map(|data| self.part(data, tile, size))
        });
        Affine {
            constant: self.constant(value, tile, size),
            slopes,
            points,
            out,
            stride,
            relu,
        }
        .run(self.level);
    }
}
