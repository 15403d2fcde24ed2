//! Chains of frames: coded as checkpoints come, and restored.

use super::{CheckpointForm, Coding, Frame, KEY_DISTANCE, Layout, exact, rounded};
use crate::error::Error;
use landscape_core::{Parameter, Params};

/// Codes checkpoints one after the other, and holds what the last one is restored to.
#[derive(Debug)]
pub(crate) struct Encoder {
    form: CheckpointForm,
    last: Option<Last>,
}

#[derive(Debug)]
struct Last {
    step: u64,
    layout: Layout,
    lengths: Vec<usize>,
    values: Vec<f32>,
    /// Frames since the key frame.
    age: usize,
}

impl Encoder {
    pub(crate) fn new(form: CheckpointForm) -> Self {
        Encoder { form, last: None }
    }

    /// Goes on after a frame that is restored to these values and is so many frames after its key frame, so that what
    /// follows is coded as if it had never been stopped.
    pub(crate) fn after(
        form: CheckpointForm,
        step: u64,
        layout: Layout,
        values: Vec<f32>,
        age: usize,
    ) -> Self {
        let last = Last {
            step,
            lengths: layout.lengths(),
            layout,
            values,
            age,
        };
        Encoder {
            form,
            last: Some(last),
        }
    }

    /// Makes the next checkpoint a key frame.
    pub(crate) fn restart(&mut self) {
        self.last = None;
    }

    /// Codes a checkpoint. One of another layout begins a chain, to be refused where it is stored.
    pub(crate) fn encode(&mut self, step: u64, params: &Params) -> Frame {
        match &mut self.last {
            Some(last) if last.age + 1 < KEY_DISTANCE && last.layout.fits(params) => {
                last.next(step, params, self.form)
            }
            last => {
                let (first, frame) = Last::key(step, params);
                *last = Some(first);
                frame
            }
        }
    }
}

impl Last {
    fn key(step: u64, params: &Params) -> (Last, Frame) {
        let layout = Layout::of(params);
        let values = flat(params);
        let frame = key_frame(step, &values);
        let last = Last {
            step,
            lengths: layout.lengths(),
            layout,
            values,
            age: 0,
        };
        (last, frame)
    }

    fn next(&mut self, step: u64, params: &Params, form: CheckpointForm) -> Frame {
        let values = flat(params);
        let rounded = match form {
            CheckpointForm::F16 => rounded::difference(&values, &mut self.values, &self.lengths),
            _ => None,
        };
        let (coding, data) = match rounded {
            Some(data) => (Coding::F16, data),
            None => {
                let data = exact::difference(&values, &self.values);
                self.values = values;
                (Coding::F32, data)
            }
        };
        let base = Some(std::mem::replace(&mut self.step, step));
        self.age += 1;
        Frame {
            step,
            base,
            coding,
            data,
        }
    }
}

/// A frame that needs no other.
pub(crate) fn key_frame(step: u64, values: &[f32]) -> Frame {
    Frame {
        step,
        base: None,
        coding: Coding::F32,
        data: exact::key(values),
    }
}

/// All values, of buffers too.
fn flat(params: &Params) -> Vec<f32> {
    let count = params.iter().map(Parameter::numel).sum();
    let mut values = Vec::with_capacity(count);
    for tensor in params {
        values.extend_from_slice(&tensor.data);
    }
    values
}

/// Turns the values of the frame before into those of this one. For a key frame the values count
/// for nothing.
pub(crate) fn restore(frame: &Frame, layout: &Layout, values: &mut Vec<f32>) -> Result<(), Error> {
    // Deflated bytes are at most so many times as many inflated.
    let most = frame.data.len().saturating_mul(1032);
    if layout.values() > most {
        return Err(Error::damaged(format!(
            "the checkpoint of step {} has {} bytes, which cannot hold the {} values of its layout",
            frame.step,
            frame.data.len(),
            layout.values()
        )));
    }
    values.resize(layout.values(), 0.0);
    match frame.coding {
        Coding::F32 => exact::restore(&frame.data, frame.base.is_none(), values),
        Coding::F16 => rounded::restore(&frame.data, values, &layout.lengths()),
    }
}

impl Layout {
    /// Tensors with these values.
    pub(crate) fn params(&self, values: &[f32]) -> Result<Params, Error> {
        let mut rest = values;
        let mut tensors = Vec::with_capacity(self.0.len());
        for tensor in &self.0 {
            let (data, tail) = rest.split_at(tensor.len());
            let shape = tensor.shape.clone();
            tensors.push(Parameter::new(
                &tensor.name,
                shape,
                data.to_vec(),
                tensor.role,
            )?);
            rest = tail;
        }
        Ok(Params::new(tensors)?)
    }
}
