//! What is computed once for all points: shared values, and the coefficients of affine ones.

use crate::ir::graph::{Graph, Source, ValueId};
use crate::ir::operation::{Linearity, Operand};
use crate::passes::dependence::{Analysis, Stage};
use std::sync::Arc;

/// Numbers that do not depend on the point: plain row-major without samples; tile by tile
/// (`[tiles][rows][lanes]`) with samples.
pub(crate) type Data = Arc<Vec<f32>>;

/// A shared value (only the constant), or the coefficients of an affine one.
#[derive(Clone, Debug)]
pub(crate) struct Fixed<D = Data> {
    pub constant: Option<D>,
    /// One a direction; `None` where it is zero.
    pub slopes: [Option<D>; 3],
}

impl<D> Default for Fixed<D> {
    fn default() -> Self {
        Self {
            constant: None,
            slopes: [None, None, None],
        }
    }
}

impl<D> Fixed<D> {
    /// Whether it depends on the point.
    pub fn varies(&self) -> bool {
        self.slopes.iter().any(Option::is_some)
    }

    fn coefficient(&self, j: usize) -> Option<&D> {
        match j {
            0 => self.constant.as_ref(),
            j => self.slopes[j - 1].as_ref(),
        }
    }

    fn set(&mut self, j: usize, data: Option<D>) {
        match j {
            0 => self.constant = data,
            j => self.slopes[j - 1] = data,
        }
    }
}

/// Where values that do not depend on the point are computed.
pub(crate) trait Backend {
    type Data: Clone;

    /// Numbers of the program or of a parameter, where operations find them.
    fn put(&self, value: ValueId, data: &Data) -> Self::Data;

    /// A value that is 0.
    fn zeros(&self, value: ValueId) -> Self::Data;

    /// The output of a node.
    fn apply(&self, node: usize, operands: &[Operand], inputs: Vec<Self::Data>) -> Self::Data;
}

/// Computes all nodes of [`Stage::Once`]; values that nothing needs later are dropped on the way.
pub(crate) struct Once<'a, B> {
    pub graph: &'a Graph,
    pub analysis: &'a Analysis,
    pub backend: &'a B,
}

impl<B: Backend> Once<'_, B> {
    /// `parameters`: in the order of the graph's slots, none where they are given later; `known`: one entry a value, of
    /// what has been computed before. Returns one entry a value.
    pub fn run(
        &self,
        parameters: &[Fixed],
        mut known: Vec<Option<Fixed<B::Data>>>,
    ) -> Vec<Option<Fixed<B::Data>>> {
        let last_use = self.last_uses();
        for (id, value) in self.graph.values.iter().enumerate() {
            let put = |data: &Data| self.backend.put(id, data);
            known[id] = match (known[id].take(), &value.source) {
                (Some(known), _) => Some(known),
                (None, Source::Parameter(p)) => parameters.get(*p).map(|fixed| Fixed {
                    constant: fixed.constant.as_ref().map(put),
                    slopes: fixed.slopes.each_ref().map(|slope| slope.as_ref().map(put)),
                }),
                (None, Source::Constant { data, .. }) if !data.is_empty() => Some(Fixed {
                    constant: Some(put(data)),
                    ..Fixed::default()
                }),
                _ => None,
            };
        }
        for (index, node) in self.graph.nodes.iter().enumerate() {
            if self.analysis.stage[index] == Stage::Once && known[node.output].is_none() {
                known[node.output] = Some(self.node(index, &known));
            }
            for &input in &node.inputs {
                if last_use[input] == Some(index) {
                    known[input] = None;
                }
            }
        }
        known
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

    fn node(&self, index: usize, known: &[Option<Fixed<B::Data>>]) -> Fixed<B::Data> {
        let node = &self.graph.nodes[index];
        let operands: Vec<Operand> = node
            .inputs
            .iter()
            .map(|&v| self.analysis.operand(self.graph, v))
            .collect();
        let varies = operands.iter().any(|o| o.varies);
        let linearity = match varies {
            true => node.operation.linearity(&operands),
            false => Linearity::Linear,
        };
        let mut result = Fixed::default();
        for j in 0..if varies { 4 } else { 1 } {
            result.set(j, self.coefficient(index, j, linearity, &operands, known));
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
        known: &[Option<Fixed<B::Data>>],
    ) -> Option<B::Data> {
        let node = &self.graph.nodes[index];
        let of = |v: ValueId| known[v].as_ref().expect("computed before");
        let present = |(v, o): (&ValueId, &Operand)| o.varies && of(*v).coefficient(j).is_some();
        if j > 0 && !node.inputs.iter().zip(operands).any(present) {
            return None;
        }
        if j > 0 && linearity == Linearity::Shifted {
            return of(node.inputs[0]).coefficient(j).cloned();
        }
        let input = |(&v, operand): (&ValueId, &Operand)| {
            let value = match operand.varies {
                true => of(v).coefficient(j),
                false if j > 0 && linearity == Linearity::Additive => None,
                false => of(v).coefficient(0),
            };
            value.cloned().unwrap_or_else(|| self.backend.zeros(v))
        };
        let inputs = node.inputs.iter().zip(operands).map(input).collect();
        Some(self.backend.apply(index, operands, inputs))
    }
}
