//! Runs a derived graph: the gradient, or products with many vectors, over tiles of samples.
//!
//! Values come in two kinds: those that depend on the parameters alone, which all vectors share, and those
//! that depend on a vector too. For every tile the first are computed once, and then the second for one vector after another
//! in the same memory. Sums over the samples are f32 within a tile and f64 over the tiles. Of small networks, groups of
//! tiles have sums of their own, which are added in the end; of large ones ([`SUMS`]) all threads add to the same sums,
//! each in its tile's turn. Neither depends on the number of threads, and so neither do the bits.

use super::in_order::{Part, Turn, Unwinding};
use crate::ir::graph::{Graph, Source, ValueId};
use crate::ir::operation::{self, HostCall, Operation, Samples, View};
use crate::kernels::buffer::Buffer;
use crate::kernels::simd::Level;
use crate::ops::unary::Unary;
use crate::passes::derive::Derived;
use crate::passes::fuse::transform_weights;
use crate::schedule::once::Tiles;
use crate::schedule::pack::Rows;
use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most inputs of an operation.
const INPUTS: usize = 8;
/// Groups of tiles with sums of their own.
const GROUPS: usize = 8;
/// Bytes that the sums of all groups of tiles may take; above, there is one set of sums for all.
const SUMS: usize = 64 << 20;

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    /// Data, tile by tile; index among [`HostDerivative::data`].
    Data(usize),
    /// A constant; index among [`HostDerivative::constants`].
    Constant(usize),
    /// Without samples, at this offset of what all vectors share or of the vector's own.
    Flat { own: bool, offset: usize },
    /// With samples, at this row of the tile.
    Tile(usize),
}

#[derive(Clone, Debug)]
struct Operand {
    place: Place,
    shape: Vec<usize>,
    samples: bool,
}

impl Operand {
    /// Rows of a tile, or numbers.
    fn size(&self) -> usize {
        self.shape[usize::from(self.samples)..].iter().product()
    }
}

/// A sum over the samples.
#[derive(Clone, Copy, Debug)]
struct Sum {
    /// Index of its first number among the sums of its kind.
    start: usize,
    size: usize,
    /// Where the sum goes.
    offset: usize,
    own: bool,
    /// Whether the kernel itself adds the samples up.
    whole: bool,
    mean: bool,
}

impl Sum {
    /// Its numbers among the sums of its kind.
    fn of<'a>(&self, sums: &'a mut [f64]) -> &'a mut [f64] {
        &mut sums[self.start..self.start + self.size]
    }
}

#[derive(Clone, Debug)]
struct Step {
    operation: Arc<dyn Operation>,
    inputs: Vec<Operand>,
    output: Operand,
    /// Index of the sum that it adds to.
    sum: Option<usize>,
}

/// Steps of one phase: for what all vectors share, and for each vector.
#[derive(Clone, Debug, Default)]
struct Phase {
    shared: Vec<Step>,
    own: Vec<Step>,
}

impl Phase {
    fn of(&mut self, own: bool) -> &mut Vec<Step> {
        if own { &mut self.own } else { &mut self.shared }
    }
}

/// The host executor of a derived graph.
pub(crate) struct HostDerivative {
    before: Phase,
    tile: Phase,
    after: Phase,
    sums: Vec<Sum>,
    /// Numbers in the sums: shared, own.
    sum_sizes: [usize; 2],
    /// Numbers without samples: shared, own.
    flat_sizes: [usize; 2],
    tile_rows: usize,
    /// Places of parameters and of the vectors' parts: (slot, own, offset, length).
    given: Vec<(usize, bool, usize, usize)>,
    constants: Vec<Arc<Vec<f32>>>,
    /// `[tiles][rows][lanes]`
    data: Vec<Vec<f32>>,
    outputs: Vec<Option<Output>>,
    loss: Output,
    tiles: Tiles,
    level: Level,
    pool: Option<Arc<rayon::ThreadPool>>,
    memory: Memory,
}

/// Working memory that is used again, and what the last run found out about its point.
#[derive(Default)]
struct Memory {
    scratch: Mutex<Vec<Scratch>>,
    sums: Mutex<Vec<Vec<f64>>>,
    point: Mutex<Option<Arc<Known>>>,
}

/// Parameters, and the shared sums there.
struct Known {
    parameters: Vec<Vec<f32>>,
    sums: Vec<f64>,
}

/// The values of a tile, and a sum that a kernel adds up itself.
type Scratch = [Buffer; 2];

/// What is there is good whatever happened to another thread.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An output: `factor` times a sum over the samples, or a value without samples.
#[derive(Clone, Copy, Debug)]
struct Output {
    own: bool,
    size: usize,
    from: From,
}

#[derive(Clone, Copy, Debug)]
enum From {
    Sum { index: usize, factor: f64 },
    Flat { offset: usize },
}

/// What a run gives: the mean loss, and per vector (one for a gradient) the numbers of each slot.
pub(crate) struct Found {
    pub loss: f64,
    pub parts: Vec<Vec<Option<Vec<f64>>>>,
}

impl HostDerivative {
    /// `pool`: the threads, or all cores.
    pub fn new(derived: &Derived, level: Level, pool: Option<Arc<rayon::ThreadPool>>) -> Self {
        let mut samples = derived.samples.clone();
        let graph = transform_weights(derived.graph.clone(), &|v| {
            derived.samples.get(v).copied().unwrap_or(false)
        });
        samples.resize(graph.values.len(), false);
        let mut plan = Planner::new(&graph, &samples, &derived.ones);
        for index in 0..graph.nodes.len() {
            plan.node(index);
        }
        let rows = plan.pack();
        let tiles = Tiles::new(graph.samples, rows + plan.data_rows);
        let outputs = derived.outputs.iter();
        let outputs = outputs.map(|v| v.map(|v| plan.output(v))).collect();
        let loss = plan.output(graph.loss);
        let data = plan.data.iter();
        let data = data.map(|(d, ones)| to_tiles(tiles, d, *ones)).collect();
        Self {
            before: plan.before,
            tile: plan.tile,
            after: plan.after,
            sums: plan.sums,
            sum_sizes: plan.sum_sizes,
            flat_sizes: plan.flat_sizes,
            tile_rows: rows,
            given: plan.given,
            constants: plan.constants,
            data,
            outputs,
            loss,
            tiles,
            level,
            pool,
            memory: Memory::default(),
        }
    }

    /// Runs the graph at `parameters` (in Burn's layout, one a slot) for all `vectors`; none for a gradient.
    ///
    /// Memory: beside parameters and vectors themselves, f32 copies of both, the sums (16 bytes a parameter for a product
    /// with one vector: f64 of the gradient and of the product; 8 for each further vector) and the numbers
    /// returned, 8 a parameter and vector.
    pub fn run(&self, parameters: Vec<Vec<f32>>, vectors: &[Vec<Vec<f32>>]) -> Found {
        match &self.pool {
            Some(pool) => pool.install(|| self.run_here(parameters, vectors)),
            None => self.run_here(parameters, vectors),
        }
    }

    fn run_here(&self, parameters: Vec<Vec<f32>>, vectors: &[Vec<Vec<f32>>]) -> Found {
        let mut shared = Buffer::zeros(self.flat_sizes[0]);
        self.fill(false, &parameters, &mut shared);
        self.flat_steps(&self.before.shared, None, &mut shared);
        let mut own: Vec<Buffer> = vectors
            .par_iter()
            .map(|vector| {
                let mut own = Buffer::zeros(self.flat_sizes[1]);
                self.fill(true, vector, &mut own);
                self.flat_steps(&self.before.own, Some(&shared), &mut own);
                own
            })
            .collect();
        // A product with another vector at the same point does not need the gradient again.
        let known = lock(&self.memory.point).clone();
        let known = known.filter(|known| !own.is_empty() && known.parameters == parameters);
        let mut sums = self.sum_tiles(&shared, &own, known.is_some());
        let known = known.unwrap_or_else(|| {
            let sums = std::mem::take(&mut sums[0]);
            Arc::new(Known { parameters, sums })
        });
        if !own.is_empty() {
            *lock(&self.memory.point) = Some(known.clone());
        }
        let mut sums: Vec<&[f64]> = sums.iter().map(Vec::as_slice).collect();
        sums[0] = &known.sums;
        self.place_sums(sums[0], false, &mut shared);
        self.flat_steps(&self.after.shared, None, &mut shared);
        own.par_iter_mut().zip(&sums[1..]).for_each(|(own, sums)| {
            self.place_sums(sums, true, own);
            self.flat_steps(&self.after.own, Some(&shared), own);
        });
        let parts = |vector: usize| {
            let read = |output: &Output| self.read(output, &sums, vector, &shared, &own);
            self.outputs.iter().map(|o| o.as_ref().map(read)).collect()
        };
        Found {
            loss: self.read(&self.loss, &sums, 0, &shared, &own)[0],
            parts: (0..vectors.len().max(1)).map(parts).collect(),
        }
    }

    /// Copies what is given into its place.
    fn fill(&self, own: bool, parts: &[Vec<f32>], flat: &mut [f32]) {
        for &(slot, of, offset, length) in &self.given {
            if of == own {
                flat[offset..offset + length].copy_from_slice(&parts[slot]);
            }
        }
    }

    /// The sums over all tiles: shared (left out where they are `known`), then those of each vector.
    fn sum_tiles(&self, shared: &[f32], own: &[Buffer], known: bool) -> Vec<Vec<f64>> {
        let numbers = self.sum_sizes[0] + self.sum_sizes[1] * own.len();
        let groups = SUMS / (numbers.max(1) * size_of::<f64>());
        match groups < GROUPS {
            true => self.sum_in_turn(shared, own, known),
            false => self.sum_in_groups(groups.min(4 * GROUPS), shared, own, known),
        }
    }

    fn sum_in_groups(
        &self,
        groups: usize,
        shared: &[f32],
        own: &[Buffer],
        known: bool,
    ) -> Vec<Vec<f64>> {
        let count = self.tiles.count();
        let a_group = count.div_ceil(groups);
        let starts: Vec<usize> = (0..count).step_by(a_group).collect();
        let found: Vec<Vec<Vec<f64>>> = starts
            .into_par_iter()
            .map(|start| {
                let mut scratch = self.scratch();
                let mut sums = self.zeros(own.len());
                for tile in start..count.min(start + a_group) {
                    let mut add = |vector: usize, sum: usize, part: Part| {
                        part.add_to(self.sums[sum].of(&mut sums[vector]));
                    };
                    self.one_tile(tile, shared, own, known, &mut scratch, &mut add);
                }
                lock(&self.memory.scratch).push(scratch);
                sums
            })
            .collect();
        let mut all = found.into_iter();
        let mut sums = all.next().unwrap_or_else(|| self.zeros(own.len()));
        for group in all {
            for (sums, group) in sums.iter_mut().zip(&group) {
                sums.iter_mut().zip(group).for_each(|(a, b)| *a += b);
            }
            lock(&self.memory.sums).extend(group);
        }
        sums
    }

    /// All threads take tile after tile and add to the same sums, each sum in the order of the tiles: a thread waits
    /// where the tile before is not there yet. That one was taken before, so that it is under way.
    fn sum_in_turn(&self, shared: &[f32], own: &[Buffer], known: bool) -> Vec<Vec<f64>> {
        let mut sums = self.zeros(own.len());
        let turns: Vec<Vec<Turn>> = (sums.iter_mut().enumerate())
            .map(|(vector, sums)| self.turns(vector > 0, sums))
            .collect();
        let next = AtomicUsize::new(0);
        let work = || {
            let mut scratch = self.scratch();
            loop {
                let tile = next.fetch_add(1, Ordering::Relaxed);
                if tile >= self.tiles.count() {
                    break;
                }
                let _guard = Unwinding(&turns);
                let mut add = |vector: usize, sum: usize, part: Part| {
                    let place = self.place_of(sum);
                    turns[vector][place].add(tile, part);
                };
                self.one_tile(tile, shared, own, known, &mut scratch, &mut add);
            }
            lock(&self.memory.scratch).push(scratch);
        };
        let threads = rayon::current_num_threads().min(self.tiles.count());
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(work);
            }
            work();
        });
        drop(turns);
        sums
    }

    /// One turn a sum of that kind.
    fn turns<'a>(&self, own: bool, mut rest: &'a mut [f64]) -> Vec<Turn<'a>> {
        let of_kind = self.sums.iter().filter(|sum| sum.own == own);
        let turn = |sum: &Sum| {
            let (sums, after) = std::mem::take(&mut rest).split_at_mut(sum.size);
            rest = after;
            Turn::new(sums)
        };
        of_kind.map(turn).collect()
    }

    /// The place of a sum among those of its kind.
    fn place_of(&self, sum: usize) -> usize {
        let own = self.sums[sum].own;
        self.sums[..sum].iter().filter(|s| s.own == own).count()
    }

    /// Zeros for the shared sums and those of each vector.
    fn zeros(&self, vectors: usize) -> Vec<Vec<f64>> {
        let sizes = std::iter::once(self.sum_sizes[0]);
        let sizes = sizes.chain(std::iter::repeat_n(self.sum_sizes[1], vectors));
        let zeros = |n: usize| {
            let mut zeros = lock(&self.memory.sums).pop().unwrap_or_default();
            zeros.clear();
            zeros.resize(n, 0.0);
            zeros
        };
        sizes.map(zeros).collect()
    }

    fn scratch(&self) -> Scratch {
        let used = lock(&self.memory.scratch).pop();
        used.unwrap_or_else(|| {
            let whole = self.sums.iter().filter(|s| s.whole).map(|s| s.size);
            [
                Buffer::zeros(self.tile_rows * self.tiles.lanes),
                Buffer::zeros(whole.max().unwrap_or(0)),
            ]
        })
    }

    fn one_tile(
        &self,
        tile: usize,
        shared: &[f32],
        own: &[Buffer],
        known: bool,
        [buffer, whole]: &mut Scratch,
        add: &mut dyn FnMut(usize, usize, Part),
    ) {
        let needed = |step: &&Step| !(known && step.sum.is_some());
        for step in self.tile.shared.iter().filter(needed) {
            let mut add = |sum: usize, part: Part| add(0, sum, part);
            self.tile_step(step, tile, [shared, &[]], buffer, whole, &mut add);
        }
        for (vector, own) in own.iter().enumerate() {
            for step in &self.tile.own {
                let mut add = |sum: usize, part: Part| add(vector + 1, sum, part);
                self.tile_step(step, tile, [shared, own], buffer, whole, &mut add);
            }
        }
    }

    fn tile_step(
        &self,
        step: &Step,
        tile: usize,
        flat: [&[f32]; 2],
        buffer: &mut [f32],
        whole: &mut [f32],
        add: &mut dyn FnMut(usize, Part),
    ) {
        let lanes = self.tiles.lanes;
        if let Some(index) = step.sum.filter(|&i| self.sums[i].whole) {
            let out = &mut whole[..self.sums[index].size];
            out.fill(0.0);
            self.call(step, tile, flat, [buffer, &[]], 0, out);
            add(index, Part::Whole(out));
            return;
        }
        let Place::Tile(row) = step.output.place else {
            unreachable!("steps of a tile have samples")
        };
        let (head, rest) = buffer.split_at_mut(row * lanes);
        let (out, tail) = rest.split_at_mut(step.output.size() * lanes);
        self.call(step, tile, flat, [head, tail], row * lanes + out.len(), out);
        if let Some(index) = step.sum {
            let valid = self.tiles.valid(tile);
            add(index, Part::Lanes { out, lanes, valid });
        }
    }

    /// Calls a kernel; the tile's buffer lies around its output: what is before, and what begins at `after`.
    fn call(
        &self,
        step: &Step,
        tile: usize,
        flat: [&[f32]; 2],
        [head, tail]: [&[f32]; 2],
        after: usize,
        out: &mut [f32],
    ) {
        let lanes = self.tiles.lanes;
        let mut views = [View {
            data: &[],
            shape: &[],
            samples: false,
        }; INPUTS];
        for (view, operand) in views.iter_mut().zip(&step.inputs) {
            let size = operand.size() * if operand.samples { lanes } else { 1 };
            let data = match operand.place {
                Place::Data(i) => &self.data[i][tile * size..],
                Place::Constant(i) => &self.constants[i][..],
                Place::Flat { own, offset } => &flat[usize::from(own)][offset..],
                Place::Tile(row) if row * lanes < head.len() => &head[row * lanes..],
                Place::Tile(row) => &tail[row * lanes - after..],
            };
            *view = View {
                data: &data[..size],
                shape: &operand.shape,
                samples: operand.samples,
            };
        }
        step.operation.host(HostCall {
            level: self.level,
            lanes,
            inputs: &views[..step.inputs.len()],
            out,
            shape: &step.output.shape,
            samples: true,
        });
    }

    /// Steps without samples; their outputs lie in `flat`.
    fn flat_steps(&self, steps: &[Step], shared: Option<&Buffer>, flat: &mut [f32]) {
        for step in steps {
            let Place::Flat { offset, .. } = step.output.place else {
                unreachable!("steps without samples")
            };
            let (head, rest) = flat.split_at_mut(offset);
            let (out, tail) = rest.split_at_mut(step.output.size());
            let end = offset + out.len();
            let mut views = [View {
                data: &[],
                shape: &[],
                samples: false,
            }; INPUTS];
            for (view, operand) in views.iter_mut().zip(&step.inputs) {
                let data = match (operand.place, shared) {
                    (Place::Constant(i), _) => &self.constants[i][..],
                    (Place::Flat { own: false, offset }, Some(shared)) => &shared[offset..],
                    (Place::Flat { offset, .. }, _) if offset < head.len() => &head[offset..],
                    (Place::Flat { offset, .. }, _) => &tail[offset - end..],
                    _ => unreachable!("values with samples are summed before"),
                };
                *view = View {
                    data: &data[..operand.size()],
                    shape: &operand.shape,
                    samples: false,
                };
            }
            step.operation.host(HostCall {
                level: self.level,
                lanes: self.tiles.lanes,
                inputs: &views[..step.inputs.len()],
                out,
                shape: &step.output.shape,
                samples: false,
            });
        }
    }

    fn place_sums(&self, sums: &[f64], own: bool, flat: &mut [f32]) {
        for sum in self.sums.iter().filter(|sum| sum.own == own) {
            let scale = self.scale(sum);
            let values = &sums[sum.start..sum.start + sum.size];
            let target = &mut flat[sum.offset..sum.offset + sum.size];
            target
                .iter_mut()
                .zip(values)
                .for_each(|(t, s)| *t = (s * scale) as f32);
        }
    }

    fn scale(&self, sum: &Sum) -> f64 {
        if sum.mean {
            1.0 / self.tiles.samples as f64
        } else {
            1.0
        }
    }

    fn read(
        &self,
        output: &Output,
        sums: &[&[f64]],
        vector: usize,
        shared: &[f32],
        own: &[Buffer],
    ) -> Vec<f64> {
        match output.from {
            From::Sum { index, factor } => {
                let sum = &self.sums[index];
                let sums = sums[if output.own { vector + 1 } else { 0 }];
                let factor = factor * self.scale(sum);
                sums[sum.start..sum.start + sum.size]
                    .iter()
                    .map(|x| x * factor)
                    .collect()
            }
            From::Flat { offset } => {
                let flat = if output.own { &own[vector][..] } else { shared };
                flat[offset..offset + output.size]
                    .iter()
                    .map(|&x| f64::from(x))
                    .collect()
            }
        }
    }
}

/// From `[samples][rows]` to `[tiles][rows][lanes]`. Lanes without a sample repeat the last one, so that
/// they hold nothing that the data does not hold; `empty`: they are 0.
fn to_tiles(tiles: Tiles, data: &[f32], empty: bool) -> Vec<f32> {
    let rows = data.len() / tiles.samples;
    let lanes = tiles.lanes;
    let mut out = vec![0.0; tiles.count() * rows * lanes];
    for (tile, out) in out.chunks_mut(rows * lanes).enumerate() {
        let filled = if empty { tiles.valid(tile) } else { lanes };
        for lane in 0..filled {
            let sample = (tile * lanes + lane).min(tiles.samples - 1);
            for (row, &x) in data[sample * rows..][..rows].iter().enumerate() {
                out[row * lanes + lane] = x;
            }
        }
    }
    out
}

/// Finds the place of every value and the order of the steps.
struct Planner<'a> {
    graph: &'a Graph,
    samples: &'a [bool],
    /// Depends on a vector; known only after the sums over the samples; one a value.
    own: Vec<bool>,
    summed: Vec<bool>,
    place: Vec<Option<Place>>,
    before: Phase,
    tile: Phase,
    after: Phase,
    sums: Vec<Sum>,
    sum_of: Vec<Option<usize>>,
    sum_sizes: [usize; 2],
    flat_sizes: [usize; 2],
    rows: usize,
    given: Vec<(usize, bool, usize, usize)>,
    constants: Vec<Arc<Vec<f32>>>,
    /// With each, whether it is 0 where a tile has no sample.
    data: Vec<(Arc<Vec<f32>>, bool)>,
    data_rows: usize,
}

impl<'a> Planner<'a> {
    fn new(graph: &'a Graph, samples: &'a [bool], ones: &[ValueId]) -> Self {
        let n = graph.values.len();
        let mut this = Self {
            graph,
            samples,
            own: vec![false; n],
            summed: vec![false; n],
            place: vec![None; n],
            before: Phase::default(),
            tile: Phase::default(),
            after: Phase::default(),
            sums: Vec::new(),
            sum_of: vec![None; n],
            sum_sizes: [0; 2],
            flat_sizes: [0; 2],
            rows: 0,
            given: Vec::new(),
            constants: Vec::new(),
            data: Vec::new(),
            data_rows: 0,
        };
        let mut used = vec![false; n];
        graph
            .nodes
            .iter()
            .flat_map(|n| &n.inputs)
            .for_each(|&v| used[v] = true);
        graph.outputs().for_each(|v| used[v] = true);
        for value in (0..n).filter(|&v| used[v]) {
            this.source(value, ones.contains(&value));
        }
        this
    }

    fn source(&mut self, value: ValueId, ones: bool) {
        let numel = self.graph.values[value].numel();
        self.place[value] = Some(match &self.graph.values[value].source {
            Source::Node(_) => return,
            Source::Constant { data, .. } if self.samples[value] => {
                self.data_rows += numel / self.graph.samples;
                self.data.push((data.clone(), ones));
                Place::Data(self.data.len() - 1)
            }
            Source::Constant { data, .. } => {
                self.constants.push(data.clone());
                Place::Constant(self.constants.len() - 1)
            }
            &(Source::Parameter(slot) | Source::Vector(slot)) => {
                let own = matches!(self.graph.values[value].source, Source::Vector(_));
                self.own[value] = own;
                let offset = self.flat(own, numel);
                self.given.push((slot, own, offset, numel));
                Place::Flat { own, offset }
            }
        });
    }

    fn flat(&mut self, own: bool, size: usize) -> usize {
        let counter = &mut self.flat_sizes[usize::from(own)];
        *counter += size;
        *counter - size
    }

    fn operand(&self, value: ValueId) -> Operand {
        Operand {
            place: self.place[value].expect("placed before"),
            shape: self.graph.values[value].shape.clone(),
            samples: self.samples[value],
        }
    }

    fn node(&mut self, index: usize) {
        let node = &self.graph.nodes[index];
        let any = |of: &[bool]| node.inputs.iter().any(|&v| of[v]);
        let (own, with_samples) = (any(&self.own), any(self.samples));
        let summed = any(&self.summed);
        debug_assert!(!(summed && with_samples), "one pass over the samples");
        let out = node.output;
        self.own[out] = own;
        self.summed[out] = summed || with_samples && !self.samples[out];
        let inputs: Vec<Operand> = node.inputs.iter().map(|&v| self.operand(v)).collect();
        let reduces = with_samples && !self.samples[out];
        if node.operation.is_view() && !reduces {
            self.place[out] = Some(inputs[0].place);
            self.sum_of[out] = self.sum_of[node.inputs[0]];
            return;
        }
        let size = self.graph.values[out].numel();
        let place = match self.samples[out] {
            true => Place::Tile(self.take_rows(size / self.graph.samples)),
            false => Place::Flat {
                own,
                offset: self.flat(own, size),
            },
        };
        self.place[out] = Some(place);
        let mut output = self.operand(out);
        let mut sum = None;
        if reduces {
            sum = Some(self.sum(index, own, &mut output));
        }
        let phase = match (with_samples, summed) {
            (true, _) => &mut self.tile,
            (false, true) => &mut self.after,
            (false, false) => &mut self.before,
        };
        phase.of(own).push(Step {
            operation: node.operation.clone(),
            inputs,
            output,
            sum,
        });
    }

    fn take_rows(&mut self, size: usize) -> usize {
        self.rows += size;
        self.rows - size
    }

    /// Adds the sum that a node computes; its kernel writes `output`.
    fn sum(&mut self, index: usize, own: bool, output: &mut Operand) -> usize {
        let node = &self.graph.nodes[index];
        let operands: Vec<operation::Operand> = node
            .inputs
            .iter()
            .map(|&v| operation::Operand {
                shape: &self.graph.values[v].shape,
                samples: self.samples[v],
                varies: true,
            })
            .collect();
        let kind = node.operation.samples(&operands, &output.shape);
        let whole = kind == Samples::Summed;
        let size = output.size();
        let Place::Flat { offset, .. } = output.place else {
            unreachable!("sums have no samples")
        };
        let start = self.sum_sizes[usize::from(own)];
        self.sum_sizes[usize::from(own)] += size;
        self.sums.push(Sum {
            start,
            size,
            offset,
            own,
            whole,
            mean: kind == Samples::Reduced { mean: true },
        });
        self.sum_of[node.output] = Some(self.sums.len() - 1);
        if !whole {
            // The kernel leaves one value a sample.
            output.shape.insert(0, 0);
            output.samples = true;
            output.place = Place::Tile(self.take_rows(size));
        }
        self.sums.len() - 1
    }

    /// Gives the rows of the tile their places, so that those that are not needed any more are used again; returns their
    /// number. What the steps of the vectors read of the shared values stays for all of them.
    fn pack(&mut self) -> usize {
        let (shared, own) = (self.tile.shared.len(), self.tile.own.len());
        let mut last = std::collections::HashMap::new();
        let steps = self.tile.shared.iter().chain(&self.tile.own);
        for (time, step) in steps.enumerate() {
            for operand in step.inputs.iter().chain([&step.output]) {
                if let Place::Tile(row) = operand.place {
                    let born = *last.get(&row).map_or(&time, |(born, _)| born);
                    let end = if time >= shared && born < shared {
                        shared + own
                    } else {
                        time
                    };
                    last.insert(row, (born, end));
                }
            }
        }
        let (mut free, mut moved) = (Rows::default(), std::collections::HashMap::new());
        let steps = self.tile.shared.iter_mut().chain(&mut self.tile.own);
        for (time, step) in steps.enumerate() {
            for input in &mut step.inputs {
                if let Place::Tile(row) = &mut input.place {
                    *row = moved[row];
                }
            }
            let size = step.output.size();
            if let Place::Tile(row) = &mut step.output.place {
                let start = free.take(size, time, last[row].1);
                moved.insert(*row, start);
                *row = start;
            }
        }
        free.count
    }

    /// How an output is read: from a sum in f64 where it is a multiple of one.
    fn output(&self, value: ValueId) -> Output {
        let size = self.graph.values[value].numel();
        let own = self.own[value];
        let from = match self.multiple_of_sum(value) {
            Some((index, factor)) => From::Sum { index, factor },
            None => match self.place[value] {
                Some(Place::Flat { offset, .. }) => From::Flat { offset },
                _ => unreachable!("outputs are computed and have no samples"),
            },
        };
        Output { own, size, from }
    }

    fn multiple_of_sum(&self, value: ValueId) -> Option<(usize, f64)> {
        if let Some(index) = self.sum_of[value] {
            return Some((index, 1.0));
        }
        let node = self.graph.producer(value)?;
        let (index, factor) = self.multiple_of_sum(*node.inputs.first()?)?;
        let own = match node.operation.as_any().downcast_ref::<Unary>()? {
            Unary::Neg => -1.0,
            Unary::MulScalar(c) => *c,
            Unary::DivScalar(c) => 1.0 / *c,
            _ => return None,
        };
        Some((index, factor * own))
    }
}
