//! All samples at once, for what mixes them; and back from there to each sample by itself.
//!
//! Between a value that knows its samples (axis 0, cut into tiles) and one that has them along an ordinary axis, these two are
//! the only way. Each is the other's adjoint. Made by [`crate::passes::batch`].

use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples};
use crate::ir::derivation::Derivation;
use crate::ir::graph::{Node, ValueId};
use crate::ir::ties::{Port, Ties};
use crate::kernels::turn::lanes_of_rows;
use crate::replay::{self, DeviceTensor, Replay};
use burn_backend::ops::FloatTensorOps;
use burn_backend::{TensorMetadata, get_or_init_device_settings};

/// The same numbers, of all samples at once: the output has no samples, and its axis 0 is an ordinary one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Collect;

/// The opposite: inputs are a value without samples, whose axis 0 is as long as there are samples, and the number of every
/// sample, `[n, 1]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Distribute;

impl Operation for Collect {
    fn name(&self) -> &'static str {
        "collect"
    }

    fn samples(&self, _: &[Operand], _: &[usize]) -> Samples {
        Samples::Collected
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::Linear
    }

    fn units(&self, ties: &mut Ties) {
        ties.elementwise();
    }

    /// Of what has no samples; executors put the tiles of the others together.
    fn host(&self, call: HostCall) {
        call.out.copy_from_slice(call.inputs[0].data);
    }

    /// All samples are one batch where they are collected.
    fn device(&self, call: DeviceCall) -> DeviceTensor {
        call.inputs[0].clone()
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
        if !d.samples[node.inputs[0]] {
            return vec![Some(adjoint)];
        }
        let shape = d.shape(adjoint);
        let numbers = d.sample_numbers();
        let each = d.push(Distribute, &[adjoint, numbers], shape.clone());
        // What the last tile lacks counts 0.
        let ones = d.ones(shape.len());
        vec![Some(d.mul(each, ones))]
    }
}

impl Operation for Distribute {
    fn name(&self) -> &'static str {
        "distribute"
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        match (inputs[0].samples, inputs[1].samples) {
            (false, true) => Samples::Kept,
            _ => Samples::Mixed,
        }
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::Linear
    }

    fn units(&self, ties: &mut Ties) {
        let (from, to) = (Port::Input(0), Port::Output);
        (0..ties.shape(to).len()).for_each(|axis| ties.tie((from, axis), (to, axis)));
    }

    fn host(&self, call: HostCall) {
        let [table, number] = [call.inputs[0], call.inputs[1]];
        if !call.samples {
            return call.out.copy_from_slice(table.data);
        }
        let rows = call.rows().iter().product();
        let samples = table.shape[0];
        let first = number.data[0] as usize;
        let valid = call.lanes.min(samples - first);
        let data = &table.data[first * rows..][..valid * rows];
        lanes_of_rows(call.level, data, rows, (call.out, call.lanes));
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let [table, number] = [call.inputs[0].clone(), call.inputs[1].clone()];
        if !call.samples {
            return table;
        }
        let n = replay::dims(&number)[1];
        let int_type = get_or_init_device_settings::<Replay>(&number.device()).int_dtype;
        let number = Replay::float_into_int(replay::reshape(number, &[n]), int_type);
        Replay::float_select(table, 1, number)
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
        _: &Node,
        adjoint: ValueId,
        _: &[bool],
    ) -> Vec<Option<ValueId>> {
        let shape = d.shape(adjoint);
        vec![Some(d.push(Collect, &[adjoint], shape)), None]
    }
}
