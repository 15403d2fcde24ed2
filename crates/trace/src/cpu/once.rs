//! Values that do not depend on the point, tile by tile.

use crate::ir::graph::{Graph, ValueId};
use crate::ir::operation::{HostCall, Operand, Samples, View};
use crate::kernels::simd::Level;
use crate::kernels::turn::rows_of_lanes;
use crate::passes::dependence::Analysis;
use crate::schedule::once::{Backend, Data, Fixed, Once};
use crate::schedule::tiles::Tiles;
use rayon::prelude::*;
use std::sync::Arc;

/// The CPU's kernels on all tiles of a graph's samples.
pub(super) struct HostOnce<'a> {
    pub graph: &'a Graph,
    pub analysis: &'a Analysis,
    pub tiles: Tiles,
    pub level: Level,
}

impl HostOnce<'_> {
    /// What all points share, for `parameters` in the order of the graph's slots; none where they are given later. `known`: what
    /// need not be computed, one entry a value.
    pub fn run(&self, parameters: &[Fixed], known: Vec<Option<Fixed>>) -> Vec<Option<Fixed>> {
        let once = Once {
            graph: self.graph,
            analysis: self.analysis,
            backend: self,
        };
        once.run(parameters, known)
    }

    /// From `[samples][rows]` to `[tiles][rows][lanes]`. Lanes without a sample repeat the last one, so that
    /// they hold nothing that the data does not hold; `empty`: they are 0.
    fn to_tiles(&self, data: &[f32], empty: bool) -> Vec<f32> {
        let Tiles { samples, lanes } = self.tiles;
        let rows = data.len() / samples;
        let mut out = vec![0.0; self.tiles.count() * rows * lanes];
        if rows == 0 {
            return out;
        }
        let tiles = out.par_chunks_mut(rows * lanes).enumerate();
        tiles.for_each(|(tile, out)| {
            let filled = if empty { self.tiles.valid(tile) } else { lanes };
            for lane in 0..filled {
                let sample = (tile * lanes + lane).min(samples - 1);
                for (row, &x) in data[sample * rows..][..rows].iter().enumerate() {
                    out[row * lanes + lane] = x;
                }
            }
        });
        out
    }

    /// Adds up what `call` leaves of each tile: one number a lane, or, where it adds them up itself, their sum.
    fn reduce(&self, rows: usize, kind: Samples, call: impl Fn(usize, &mut [f32])) -> Vec<f32> {
        let lanes = match kind {
            Samples::Summed => 1,
            _ => self.tiles.lanes,
        };
        let mut sums = vec![0.0f64; rows];
        let mut out = vec![0.0; rows * lanes];
        for tile in 0..self.tiles.count() {
            out.fill(0.0);
            call(tile, &mut out);
            let valid = self.tiles.valid(tile).min(lanes);
            for (sum, lanes) in sums.iter_mut().zip(out.chunks(lanes)) {
                *sum += lanes[..valid].iter().map(|&x| f64::from(x)).sum::<f64>();
            }
        }
        let scale = match kind {
            Samples::Reduced { mean: true } => 1.0 / self.tiles.samples as f64,
            _ => 1.0,
        };
        sums.iter().map(|sum| (sum * scale) as f32).collect()
    }
}

impl Backend for HostOnce<'_> {
    type Data = Data;

    fn put(&self, value: ValueId, data: &Data) -> Data {
        match self.analysis.samples[value] {
            true => Arc::new(self.to_tiles(data, self.graph.ones.contains(&value))),
            false => data.clone(),
        }
    }

    fn zeros(&self, value: ValueId) -> Data {
        let shape = &self.graph.values[value].shape;
        let len = match self.analysis.samples[value] {
            true => self.tiles.count() * self.tiles.lanes * shape[1..].iter().product::<usize>(),
            false => shape.iter().product(),
        };
        Arc::new(vec![0.0; len])
    }

    fn apply(&self, index: usize, operands: &[Operand], mut inputs: Vec<Data>) -> Data {
        let node = &self.graph.nodes[index];
        if node.operation.is_view() {
            return inputs.swap_remove(0);
        }
        let shape = &self.graph.values[node.output].shape;
        let any_samples = operands.iter().any(|o| o.samples);
        let samples = match any_samples {
            true => node.operation.samples(operands, shape),
            false => Samples::Kept,
        };
        let view = |i: usize, tile: usize| {
            let data = &inputs[i][..];
            let data = match operands[i].samples {
                true => {
                    let size = data.len() / self.tiles.count();
                    &data[tile * size..][..size]
                }
                false => data,
            };
            View {
                data,
                shape: operands[i].shape,
                samples: operands[i].samples,
            }
        };
        let call = |tile: usize, out: &mut [f32]| {
            let views: Vec<View> = (0..inputs.len()).map(|i| view(i, tile)).collect();
            node.operation.host(HostCall {
                level: self.level,
                lanes: self.tiles.lanes,
                inputs: &views,
                out,
                shape,
                samples: any_samples,
            });
        };
        let collect = || {
            let rows = shape[1..].iter().product::<usize>();
            let mut out = vec![0.0; shape.iter().product()];
            let parts = out.chunks_mut((self.tiles.lanes * rows).max(1));
            for (tile, out) in parts.enumerate() {
                let data = (view(0, tile).data, self.tiles.lanes);
                rows_of_lanes(self.level, data, rows, out);
            }
            out
        };
        Arc::new(match samples {
            Samples::Collected => collect(),
            Samples::Reduced { .. } | Samples::Summed => {
                self.reduce(shape.iter().product(), samples, call)
            }
            _ if any_samples => {
                let size = shape[1..].iter().product::<usize>() * self.tiles.lanes;
                let mut out = vec![0.0; self.tiles.count() * size];
                let tiles = out.par_chunks_mut(size.max(1)).enumerate();
                tiles.for_each(|(tile, out)| call(tile, out));
                out
            }
            _ => {
                let mut out = vec![0.0; shape.iter().product()];
                call(0, &mut out);
                out
            }
        })
    }
}
