//! What is computed once for all points: shared values, and the coefficients of affine ones.

use crate::ir::graph::{Graph, Source, ValueId};
use crate::ir::operation::{HostCall, Linearity, Operand, Samples, View};
use crate::kernels::simd::{LANES, Level};
use crate::passes::dependence::{Analysis, Stage};
use rayon::prelude::*;
use std::sync::Arc;

/// Bytes that the values of a tile may take at one point: half of a second-level cache.
pub(crate) const TILE: usize = 256 * 1024;

/// The same for a wider tile: half of a last-level cache of 32 MiB.
pub(crate) const WIDE_TILE: usize = 16 << 20;

/// How the samples are cut into tiles of equal size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tiles {
    pub samples: usize,
    /// Samples a tile, a multiple of 16; the last tile may be partly empty.
    pub lanes: usize,
}

impl Tiles {
    /// Tiles of `rows` values a sample within [`TILE`], if 16 lanes are.
    pub fn new(samples: usize, rows: usize) -> Self {
        Self::within(samples, rows, TILE)
    }

    /// The most lanes, up to 256, of which `rows` values each take no more than `bytes`, or 16.
    pub fn most(rows: usize, bytes: usize) -> usize {
        LANES * (bytes / (rows.max(1) * LANES * size_of::<f32>())).clamp(1, 16)
    }

    /// The number of lanes, up to 256, with the least work: empty lanes cost as much as full ones,
    /// and every tile costs about as much again as 64 lanes (calls, partly filled registers). A
    /// tile of `rows` values a sample stays within `bytes`, if 16 lanes do.
    pub fn within(samples: usize, rows: usize, bytes: usize) -> Self {
        const OVERHEAD: usize = 64;
        let groups = samples.div_ceil(LANES);
        let most = Self::most(rows, bytes) / LANES;
        let cost = |&g: &usize| groups.div_ceil(g) * (g * LANES + OVERHEAD);
        let best = (1..=groups.clamp(1, most)).min_by_key(cost);
        Self {
            samples,
            lanes: best.unwrap_or(1) * LANES,
        }
    }

    pub fn count(&self) -> usize {
        self.samples.div_ceil(self.lanes)
    }

    /// Samples in tile `i`.
    pub fn valid(&self, i: usize) -> usize {
        self.lanes.min(self.samples - i * self.lanes)
    }
}

/// Numbers that do not depend on the point: plain row-major without samples; tile by tile
/// (`[tiles][rows][lanes]`) with samples.
pub(crate) type Data = Arc<Vec<f32>>;

/// A shared value (only the constant), or the coefficients of an affine one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fixed {
    pub constant: Option<Data>,
    /// One a direction; `None` where it is zero.
    pub slopes: [Option<Data>; 3],
}

impl Fixed {
    /// Whether it depends on the point.
    pub fn varies(&self) -> bool {
        self.slopes.iter().any(Option::is_some)
    }

    fn coefficient(&self, j: usize) -> Option<&Data> {
        if j == 0 {
            self.constant.as_ref()
        } else {
            self.slopes[j - 1].as_ref()
        }
    }

    fn set(&mut self, j: usize, data: Option<Data>) {
        if j == 0 {
            self.constant = data;
        } else {
            self.slopes[j - 1] = data;
        }
    }
}

/// Computes all nodes of [`Stage::Once`]; values that nothing needs later are dropped on the way.
pub(crate) struct Once<'a> {
    pub graph: &'a Graph,
    pub analysis: &'a Analysis,
    pub tiles: Tiles,
    pub level: Level,
}

impl Once<'_> {
    /// `parameters` in the order of the graph's slots. Returns one entry a value.
    pub fn run(&self, parameters: Vec<Fixed>) -> Vec<Option<Fixed>> {
        let last_use = self.last_uses();
        let mut fixed: Vec<Option<Fixed>> = vec![None; self.graph.values.len()];
        for (id, value) in self.graph.values.iter().enumerate() {
            fixed[id] = match &value.source {
                Source::Parameter(p) => Some(parameters[*p].clone()),
                Source::Constant { data, .. } if !data.is_empty() => Some(self.constant(id, data)),
                _ => None,
            };
        }
        for (index, node) in self.graph.nodes.iter().enumerate() {
            if self.analysis.stage[index] == Stage::Once {
                fixed[node.output] = Some(self.node(index, &fixed));
            }
            for &input in &node.inputs {
                if last_use[input] == Some(index) {
                    fixed[input] = None;
                }
            }
        }
        fixed
    }

    /// For values that only nodes of [`Stage::Once`] use: the last of them.
    fn last_uses(&self) -> Vec<Option<usize>> {
        let mut last = vec![None; self.graph.values.len()];
        let mut later = vec![false; self.graph.values.len()];
        self.graph.outputs().for_each(|v| later[v] = true);
        for (index, node) in self.graph.nodes.iter().enumerate() {
            for &input in &node.inputs {
                last[input] = Some(index);
                later[input] |= self.analysis.stage[index] != Stage::Once;
            }
        }
        last.iter()
            .zip(&later)
            .map(|(&last, &later)| if later { None } else { last })
            .collect()
    }

    fn constant(&self, id: ValueId, data: &Data) -> Fixed {
        let data = if self.analysis.samples[id] {
            Arc::new(self.to_tiles(data))
        } else {
            data.clone()
        };
        Fixed {
            constant: Some(data),
            slopes: [None, None, None],
        }
    }

    /// From `[samples][rows]` to `[tiles][rows][lanes]`; empty lanes are zero.
    fn to_tiles(&self, data: &[f32]) -> Vec<f32> {
        let Tiles { samples, lanes } = self.tiles;
        let rows = data.len() / samples;
        let mut out = vec![0.0; self.tiles.count() * rows * lanes];
        out.par_chunks_mut(rows * lanes)
            .enumerate()
            .for_each(|(tile, out)| {
                for lane in 0..self.tiles.valid(tile) {
                    let sample = &data[(tile * lanes + lane) * rows..][..rows];
                    for (row, &x) in sample.iter().enumerate() {
                        out[row * lanes + lane] = x;
                    }
                }
            });
        out
    }

    fn node(&self, index: usize, fixed: &[Option<Fixed>]) -> Fixed {
        let node = &self.graph.nodes[index];
        let operands: Vec<Operand> = node
            .inputs
            .iter()
            .map(|&v| self.analysis.operand(self.graph, v))
            .collect();
        let varies = operands.iter().any(|o| o.varies);
        let linearity = if varies {
            node.operation.linearity(&operands)
        } else {
            Linearity::Linear
        };
        let mut result = Fixed::default();
        for j in 0..if varies { 4 } else { 1 } {
            result.set(j, self.coefficient(index, j, linearity, &operands, fixed));
        }
        result
    }

    /// Coefficient `j` of a node's output: the operation, applied to the coefficients of what
    /// varies. What does not vary is a factor, or enters the constant only.
    fn coefficient(
        &self,
        index: usize,
        j: usize,
        linearity: Linearity,
        operands: &[Operand],
        fixed: &[Option<Fixed>],
    ) -> Option<Data> {
        let node = &self.graph.nodes[index];
        let of = |v: ValueId| fixed[v].as_ref().expect("computed before");
        let present = |(v, o): (&ValueId, &Operand)| o.varies && of(*v).coefficient(j).is_some();
        if j > 0 && !node.inputs.iter().zip(operands).any(present) {
            return None;
        }
        if j > 0 && linearity == Linearity::Shifted || node.operation.is_view() {
            return of(node.inputs[0]).coefficient(j).cloned();
        }
        let inputs: Vec<Data> = node
            .inputs
            .iter()
            .zip(operands)
            .map(|(&v, operand)| {
                let value = match operand.varies {
                    true => of(v).coefficient(j),
                    false if j > 0 && linearity == Linearity::Additive => None,
                    false => of(v).coefficient(0),
                };
                value
                    .cloned()
                    .unwrap_or_else(|| Arc::new(vec![0.0; self.len(v)]))
            })
            .collect();
        Some(Arc::new(self.apply(index, &inputs, operands)))
    }

    fn len(&self, value: ValueId) -> usize {
        let shape = &self.graph.values[value].shape;
        match self.analysis.samples[value] {
            true => self.tiles.count() * self.tiles.lanes * shape[1..].iter().product::<usize>(),
            false => shape.iter().product(),
        }
    }

    fn apply(&self, index: usize, inputs: &[Data], operands: &[Operand]) -> Vec<f32> {
        let node = &self.graph.nodes[index];
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
        let call = |tile: usize, out: &mut [f32], with_samples: bool| {
            let views: Vec<View> = (0..inputs.len()).map(|i| view(i, tile)).collect();
            node.operation.host(HostCall {
                level: self.level,
                lanes: self.tiles.lanes,
                inputs: &views,
                out,
                shape,
                samples: with_samples,
            });
        };
        let rows = |shape: &[usize]| shape[1..].iter().product::<usize>();
        match samples {
            Samples::Reduced { mean } => {
                let rows: usize = shape.iter().product();
                self.reduce(rows, mean, |tile, out| call(tile, out, true))
            }
            _ if any_samples => {
                let size = rows(shape) * self.tiles.lanes;
                let mut out = vec![0.0; self.tiles.count() * size];
                out.par_chunks_mut(size)
                    .enumerate()
                    .for_each(|(tile, out)| call(tile, out, true));
                out
            }
            _ => {
                let mut out = vec![0.0; shape.iter().product()];
                call(0, &mut out, false);
                out
            }
        }
    }

    fn reduce(&self, rows: usize, mean: bool, call: impl Fn(usize, &mut [f32])) -> Vec<f32> {
        let mut sums = vec![0.0f64; rows];
        let mut out = vec![0.0; rows * self.tiles.lanes];
        for tile in 0..self.tiles.count() {
            call(tile, &mut out);
            for (sum, lanes) in sums.iter_mut().zip(out.chunks(self.tiles.lanes)) {
                *sum += lanes[..self.tiles.valid(tile)]
                    .iter()
                    .map(|&x| f64::from(x))
                    .sum::<f64>();
            }
        }
        let scale = if mean {
            1.0 / self.tiles.samples as f64
        } else {
            1.0
        };
        sums.iter().map(|sum| (sum * scale) as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn tiles_cover_all_samples_once(samples in 1usize..100_000) {
            let tiles = Tiles::new(samples, 1);
            let covered: usize = (0..tiles.count()).map(|i| tiles.valid(i)).sum();
            prop_assert_eq!(covered, samples);
            prop_assert!(tiles.lanes.is_multiple_of(16) && tiles.lanes <= 256);
            prop_assert!(tiles.count() * tiles.lanes < samples + samples / 8 + 48);
        }
    }
}
