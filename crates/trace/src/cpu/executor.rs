//! A graph on the CPU's own kernels: its plan, what is computed once, and buffers that are used again.

use super::once::HostOnce;
use super::remembered::Remembered;
use super::steps::{Memory, Steps};
use super::threads::{Pool, install};
use super::vectors::Known;
use crate::ir::graph::Graph;
use crate::kernels::buffer::Buffer;
use crate::kernels::simd::Level;
use crate::passes::dependence::Analysis;
use crate::schedule::once::Fixed;
use crate::schedule::plan::planned;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The CPU executor of one graph.
pub(crate) struct HostExecutor {
    pub(super) steps: Steps,
    pool: Pool,
    /// Buffers of workers that are done, for those that come.
    free: Mutex<Vec<Scratch>>,
    /// Sums of vectors that have been read.
    pub(super) free_sums: Mutex<Vec<Vec<f64>>>,
    /// What the last product found out about its point.
    pub(super) known: Mutex<Option<Arc<Known>>>,
    /// What the tiles hold there.
    pub(super) remembered: Mutex<Option<Remembered>>,
}

/// The buffers of a worker.
pub(super) struct Scratch {
    /// Of points, see [`Scratch::hold`].
    pub points: Buffer,
    pub tile: Buffer,
    /// What all tiles keep of one point, `[tiles][rows][lanes]`.
    pub kept: Buffer,
    pub whole: Buffer,
}

impl Scratch {
    /// Makes room for so many numbers of points: not all workers prepare some.
    pub fn hold(&mut self, numbers: usize) {
        if self.points.len() < numbers {
            self.points = Buffer::zeros(numbers);
        }
    }

    /// The memory of a tile, for a point that is given.
    pub fn given<'a>(
        &'a mut self,
        point: &'a [f32],
        vectors: &'a [Buffer],
        kept: &'a mut [f32],
    ) -> Memory<'a> {
        Memory {
            points: point,
            vectors,
            tile: &mut self.tile,
            kept,
            whole: &mut self.whole,
        }
    }
}

/// `all`, in so many equal pieces.
pub(super) fn pieces<T>(mut all: &mut [T], count: usize) -> Vec<&mut [T]> {
    let size = all.len() / count.max(1);
    let mut piece = || {
        let (piece, rest) = std::mem::take(&mut all).split_at_mut(size);
        all = rest;
        piece
    };
    (0..count).map(|_| piece()).collect()
}

/// Buffers that are given back when their worker is done.
pub(super) struct Held<'a> {
    scratch: Option<Scratch>,
    free: &'a Mutex<Vec<Scratch>>,
}

impl Held<'_> {
    pub fn get(&mut self) -> &mut Scratch {
        self.scratch.as_mut().expect("held until it is dropped")
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        lock(self.free).extend(self.scratch.take());
    }
}

/// What is there is good whatever happened to another thread.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl HostExecutor {
    /// `parameters` in the order of the graph's slots; none where they are given for every run.
    pub fn new(graph: (&Graph, &Analysis), parameters: &[Fixed], level: Level, pool: Pool) -> Self {
        Self::with_graph(graph, parameters, level, pool).0
    }

    /// The same, with the graph that it runs.
    pub fn with_graph(
        (graph, analysis): (&Graph, &Analysis),
        parameters: &[Fixed],
        level: Level,
        pool: Pool,
    ) -> (Self, Graph, Analysis) {
        let (graph, analysis, plan, tiles) = planned(graph, analysis);
        let once = HostOnce {
            graph: &graph,
            analysis: &analysis,
            tiles,
            level,
        };
        let none = vec![None; graph.values.len()];
        let fixed = install(&pool, || once.run(parameters, none));
        let this = Self {
            steps: Steps {
                plan,
                fixed,
                tiles,
                level,
            },
            pool,
            free: Mutex::default(),
            free_sums: Mutex::default(),
            known: Mutex::default(),
            remembered: Mutex::default(),
        };
        (this, graph, analysis)
    }

    /// Computes anew what is computed once, but for what does not depend on the data: `anew`, one entry a value.
    pub fn refresh(&mut self, graph: &Graph, analysis: &Analysis, anew: &[bool]) {
        let fixed = std::mem::take(&mut self.steps.fixed);
        let known = fixed.into_iter().zip(anew);
        let known = known.map(|(fixed, &anew)| fixed.filter(|_| !anew));
        let once = HostOnce {
            graph,
            analysis,
            tiles: self.steps.tiles,
            level: self.steps.level,
        };
        let known = known.collect();
        self.steps.fixed = install(&self.pool, || once.run(&[], known));
        *lock(&self.known) = None;
        *lock(&self.remembered) = None;
    }

    pub(super) fn install<T: Send>(&self, f: impl FnOnce() -> T + Send) -> T {
        install(&self.pool, f)
    }

    /// Memory for what all tiles keep of one point.
    pub(super) fn kept(&self) -> Buffer {
        let Steps { plan, tiles, .. } = &self.steps;
        Buffer::zeros(plan.kept_rows * tiles.count() * tiles.lanes)
    }

    pub(super) fn scratch(&self) -> Held<'_> {
        let used = lock(&self.free).pop();
        let scratch = used.unwrap_or_else(|| {
            let Steps { plan, tiles, .. } = &self.steps;
            let given = !plan.given.is_empty();
            let sub = if given { 1 } else { plan.points_a_tile(*tiles) };
            let whole = plan.whole_sums().map(|sum| sum.size).max();
            Scratch {
                points: Buffer::zeros(0),
                tile: Buffer::zeros(sub * plan.tile_rows * tiles.lanes),
                kept: if given { Buffer::zeros(0) } else { self.kept() },
                whole: Buffer::zeros(whole.unwrap_or(0)),
            }
        });
        Held {
            scratch: Some(scratch),
            free: &self.free,
        }
    }
}
