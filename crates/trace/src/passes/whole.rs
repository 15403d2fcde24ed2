//! Whole numbers that arithmetic makes of data and labels: f32, in which graphs are computed, rounds some beyond 2^24.

use crate::error::TraceError;
use crate::ir::graph::{Graph, Source, Value, ValueId};
use crate::ir::operation::DeviceCall;
use crate::ops::table::is_rounded;
use crate::replay::{DeviceTensor, Replay, download};
use burn::tensor::{Device, TensorData};
use burn_backend::Shape;
use burn_backend::ops::FloatTensorOps;
use burn_ir::OperationIr;

/// A value of whole numbers.
#[derive(Clone, Copy)]
pub(crate) struct WholeValue {
    pub value: ValueId,
    /// Whether arithmetic makes it; otherwise its numbers are moved from elsewhere.
    pub computed: bool,
}

impl WholeValue {
    pub fn new(value: ValueId, operation: &OperationIr) -> Self {
        let computed = matches!(
            operation,
            OperationIr::NumericInt(..) | OperationIr::Int(..)
        );
        Self { value, computed }
    }
}

/// Computes whole numbers in f64 that are made of constants and of each other; what floats or parameters enter is not
/// known.
///
/// # Errors
/// [`TraceError::Integer`] for a number that f32 would round.
pub(crate) fn check_whole(graph: &Graph, whole: &[WholeValue]) -> Result<(), TraceError> {
    let needed = needed(graph, whole);
    let device = Device::flex();
    let mut values: Vec<Option<DeviceTensor>> = { graph.values.iter().zip(&needed) }
        .map(|(value, &needed)| needed.then(|| constant(value, &device)).flatten())
        .collect();
    let of = |v: ValueId| whole.iter().find(|whole| whole.value == v);
    for node in graph.nodes.iter().filter(|node| needed[node.output]) {
        let inputs = node.inputs.iter().map(|&v| values[v].clone());
        let inputs: Option<Vec<DeviceTensor>> = inputs.collect();
        let (Some(own), Some(inputs)) = (of(node.output), inputs) else {
            continue;
        };
        let out = node.operation.device(DeviceCall {
            inputs: &inputs,
            shape: &graph.values[node.output].shape,
            samples: false,
        });
        if own.computed {
            check(out.clone())?;
        }
        values[node.output] = Some(out);
    }
    Ok(())
}

/// What is needed for the values that arithmetic makes.
fn needed(graph: &Graph, whole: &[WholeValue]) -> Vec<bool> {
    let mut needed = vec![false; graph.values.len()];
    let computed = whole.iter().filter(|whole| whole.computed);
    computed.for_each(|whole| needed[whole.value] = true);
    for node in graph.nodes.iter().rev() {
        if needed[node.output] {
            node.inputs.iter().for_each(|&v| needed[v] = true);
        }
    }
    needed
}

/// A constant in f64, with an axis in front.
fn constant(value: &Value, device: &Device) -> Option<DeviceTensor> {
    let Source::Constant { data, .. } = &value.source else {
        return None;
    };
    let shape: Vec<usize> = std::iter::once(1).chain(value.shape.clone()).collect();
    let data: Vec<f64> = data.iter().map(|&x| f64::from(x)).collect();
    let data = TensorData::new(data, Shape::from(shape));
    Some(Replay::float_from_data(data, device.as_dispatch()))
}

fn check(numbers: DeviceTensor) -> Result<(), TraceError> {
    let data = download(numbers).map_err(TraceError::Capture)?;
    let rounded = data.iter().map(|&x| x as i64).find(|&x| is_rounded(x));
    match rounded {
        Some(value) => Err(TraceError::Integer { value }),
        None => Ok(()),
    }
}
