//! Rows of a table, chosen by index.

use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples};
use crate::ir::batching::{Batching, Placed};
use crate::ir::derivation::Derivation;
use crate::ir::graph::{Node, ValueId};
use crate::ir::ties::{Port, Ties};
use crate::replay::{self, DeviceTensor, Replay};
use burn_backend::ops::{FloatTensorOps, ModuleOps};
use burn_backend::{TensorMetadata, get_or_init_device_settings};

/// `out[n, t, ..] = table[index[n, t], ..]`; inputs: table `[entries, width]`, index `[n, t]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Embedding;

impl Operation for Embedding {
    fn name(&self) -> &'static str {
        "embedding"
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        match (inputs[0].samples, inputs[1].samples) {
            (false, true) => Samples::Kept,
            _ => Samples::Mixed,
        }
    }

    fn batched(&self, b: &mut Batching, inputs: &[Placed], shape: &[usize]) -> Option<Placed> {
        let place = inputs[1].place.filter(|_| inputs[0].place.is_none())?;
        let (table, index) = (inputs[0].value, inputs[1].value);
        let lead = b.lead(&[index]);
        b.made(*self, vec![table, index], lead, (place, shape))
    }

    fn linearity(&self, inputs: &[Operand]) -> Linearity {
        match inputs[1].varies {
            true => Linearity::None,
            false => Linearity::Linear,
        }
    }

    fn units(&self, ties: &mut Ties) {
        let (index, out) = (
            ties.shape(Port::Input(1)).len(),
            ties.shape(Port::Output).len(),
        );
        ties.pin(Port::Input(0), 0);
        ties.tie((Port::Input(0), 1), (Port::Output, out - 1));
        for axis in 0..index {
            ties.tie((Port::Input(1), axis), (Port::Output, axis));
        }
    }

    fn host(&self, call: HostCall) {
        let lanes = if call.samples { call.lanes } else { 1 };
        let [table, index] = [call.inputs[0], call.inputs[1]];
        let (entries, width) = (table.shape[0], table.shape[1]);
        let rows = call.out.chunks_exact_mut(width * lanes);
        for (out, index) in rows.zip(index.data.chunks_exact(lanes)) {
            for (lane, &index) in index.iter().enumerate() {
                // An index outside is a value that is not there.
                let valid = index >= 0.0 && index < entries as f32;
                for i in 0..width {
                    out[i * lanes + lane] = match valid {
                        true => table.data[index as usize * width + i],
                        false => f32::NAN,
                    };
                }
            }
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let inputs = [Some(call.inputs[0].clone()), Some(call.inputs[1].clone())];
        replay::each_point(&inputs, |[table, index]| {
            let (table, index) = (table.expect("a table"), index.expect("indices"));
            let int_type = get_or_init_device_settings::<Replay>(&index.device()).int_dtype;
            Replay::embedding(table, Replay::float_into_int(index, int_type))
        })
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        d.multilinear(self, node, tangents, &[0])
    }

    fn adjoint(
        &self,
        d: &mut Derivation,
        node: &Node,
        adjoint: ValueId,
        _: &[bool],
    ) -> Vec<Option<ValueId>> {
        let shape = d.shape(node.inputs[0]);
        let sum = d.push(EmbeddingSum, &[adjoint, node.inputs[1]], shape);
        vec![Some(sum), None]
    }
}

/// The adjoint of [`Embedding`]'s table: every row is the sum of what stands where it was chosen. Inputs: values
/// `[n, t, width]` and index `[n, t]`. Made by derivatives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EmbeddingSum;

impl Operation for EmbeddingSum {
    fn name(&self) -> &'static str {
        "embedding"
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        match inputs.iter().all(|i| i.samples) {
            true => Samples::Summed,
            false => Samples::Mixed,
        }
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    fn host(&self, call: HostCall) {
        let [x, index] = [call.inputs[0], call.inputs[1]];
        let lanes = if x.samples { call.lanes } else { 1 };
        if !x.samples {
            call.out.fill(0.0);
        }
        let (entries, width) = (call.shape[0], call.shape[1]);
        let rows = x.data.chunks_exact(width * lanes);
        for (x, index) in rows.zip(index.data.chunks_exact(lanes)) {
            for (lane, &index) in index.iter().enumerate() {
                if index >= 0.0 && index < entries as f32 {
                    let row = &mut call.out[index as usize * width..][..width];
                    for (i, out) in row.iter_mut().enumerate() {
                        *out += x[i * lanes + lane];
                    }
                }
            }
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let width = call.shape[1];
        let inputs = [Some(call.inputs[0].clone()), Some(call.inputs[1].clone())];
        replay::each_point(&inputs, |[x, index]| {
            let (x, index) = (x.expect("values"), index.expect("indices"));
            let rows: usize = replay::dims(&index).iter().product();
            let x = replay::reshape(x, &[1, rows, width]);
            let index = replay::expand(replay::reshape(index, &[1, rows, 1]), &[1, rows, width]);
            replay::first(replay::scatter(1, x, index, call.shape))
        })
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        d.multilinear(self, node, tangents, &[0])
    }
}
