//! Burn's recording of a module and a loss closure.

pub(crate) mod inputs;
pub(crate) mod loss;
pub(crate) mod module;
pub(crate) mod panics;

use crate::error::TraceError;
use burn::prelude::*;
use burn_capture::{CaptureBackend, CapturedGraph, TensorId};
use inputs::Inputs;
use landscape_core::Term;
use loss::Loss;
use module::{Captured, captured};
use panics::panic_message;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the closure left behind, as identifiers.
pub(crate) struct Outputs {
    pub loss: TensorId,
    pub correct: Option<TensorId>,
    pub terms: Vec<(Term, TensorId)>,
}

/// What Burn has recorded of a loss.
pub(crate) struct Recording {
    pub captured: CapturedGraph,
    pub parameters: Vec<Captured>,
    pub inputs: Vec<TensorId>,
    pub outputs: Outputs,
    /// Number of samples in the data.
    pub samples: usize,
}

impl Outputs {
    fn ids(&self) -> Vec<TensorId> {
        let terms = self.terms.iter().map(|(_, id)| *id);
        let first = std::iter::once(self.loss).chain(self.correct);
        first.chain(terms).collect()
    }
}

/// Runs `loss` on a device that records.
pub(crate) fn record<M, I, F>(module: &M, inputs: &I, loss: F) -> Result<Recording, TraceError>
where
    M: Module,
    I: Inputs,
    F: Fn(&M, &I) -> Loss,
{
    let lengths = inputs.lengths();
    let samples = lengths.first().copied().unwrap_or(0);
    if samples == 0 || lengths.iter().any(|&n| n != samples) {
        return Err(TraceError::Samples { lengths });
    }
    let device = Device::capture();
    let mut found = None;
    let run = || {
        device.capture_scope(|scope| {
            let module = module.clone().valid().to_device(&device);
            let inputs = inputs.to_device(&device);
            let parameters = captured(&module);
            let outputs = identify(&loss(&module, &inputs));
            let ids: Vec<TensorId> = outputs.as_ref().map_or(Vec::new(), Outputs::ids);
            let input_ids = inputs.ids();
            found = Some((parameters, input_ids.clone(), outputs));
            scope.complete(input_ids, ids)
        })
    };
    // The closure is the user's, and reading or moving tensors in it makes Burn panic; the scope
    // closes while it unwinds.
    let captured = catch_unwind(AssertUnwindSafe(run))
        .map_err(|panic| TraceError::Panicked(panic_message(panic.as_ref())))?;
    let captured = captured.map_err(|e| TraceError::Capture(e.to_string()))?;
    let (parameters, inputs, outputs) = found.expect("the closure has run");
    Ok(Recording {
        captured,
        parameters,
        inputs,
        outputs: outputs?,
        samples,
    })
}

/// The loss by its identifiers.
fn identify(loss: &Loss) -> Result<Outputs, TraceError> {
    let float = |tensor: &Tensor<1>, what: &str| {
        let primitive = tensor.clone().try_into_primitive::<CaptureBackend>();
        let found = primitive.map(|tensor| tensor.id());
        found.map_err(|_| TraceError::Elsewhere(what.into()))
    };
    let correct = loss.correct.as_ref().filter(|_| loss.accuracy.is_none());
    let correct = correct.map(|tensor| {
        let primitive = tensor.clone().try_into_primitive::<CaptureBackend>();
        let found = primitive.map(|tensor| tensor.id());
        found.map_err(|_| TraceError::Elsewhere("the tensor of correct predictions".into()))
    });
    let terms = loss.terms.iter().map(|(name, weight, tensor)| {
        let term = Term {
            name: name.clone(),
            weight: *weight,
        };
        Ok::<_, TraceError>((term, float(tensor, &format!("the term `{name}`"))?))
    });
    let accuracy = loss.accuracy.as_ref();
    let accuracy = accuracy.map(|tensor| float(tensor, "the accuracy"));
    Ok(Outputs {
        loss: float(&loss.data, "the loss")?,
        correct: accuracy.or(correct).transpose()?,
        terms: terms.collect::<Result<_, _>>()?,
    })
}
