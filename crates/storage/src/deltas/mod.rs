//! Checkpoints as differences to the one before, compressed without and with loss.
//!
//! A chain begins with a key frame, which needs no other, and has one every [`KEY_DISTANCE`]
//! checkpoints, so that any one is read without all before it. Why so: `docs/design/recording.md`.

mod chain;
mod exact;
mod planes;
mod rounded;

pub(crate) use chain::{Encoder, key_frame, restore};

use crate::error::Error;
use landscape_core::{Params, Role, named};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Checkpoints from one key frame to the next.
pub(crate) const KEY_DISTANCE: usize = 64;

/// How checkpoints are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CheckpointForm {
    /// Each tensor a row of `tensors`, as it is: 4 bytes a value, to be read in SQL.
    Raw,
    /// The difference to the checkpoint before, bit for bit, compressed: 4 bytes a value at most.
    #[default]
    F32,
    /// The difference to the checkpoint before, in half precision, compressed: some 1.7 bytes a value.
    ///
    /// A value is off by `2^-11` of its change since the checkpoint before, and by half an f32 unit
    /// in the last place; the difference is to what is stored, so that errors do not add up.
    /// Checkpoints with values that are not finite are kept bit for bit.
    F16,
}

named!(CheckpointForm, "form of checkpoints", {
    Raw => "raw",
    F32 => "f32",
    F16 => "f16",
});

/// How the values of a frame are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Coding {
    /// Every bit.
    F32,
    /// Differences in half precision.
    F16,
}

impl Coding {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Coding::F32 => "f32",
            Coding::F16 => "f16",
        }
    }
}

impl FromStr for Coding {
    type Err = Error;

    fn from_str(given: &str) -> Result<Self, Error> {
        match given {
            "f32" => Ok(Coding::F32),
            "f16" => Ok(Coding::F16),
            _ => Err(Error::damaged(format!(
                "a checkpoint in the unknown coding `{given}`"
            ))),
        }
    }
}

/// A coded checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Frame {
    pub(crate) step: u64,
    /// The checkpoint it is the difference to; nothing for a key frame.
    pub(crate) base: Option<u64>,
    pub(crate) coding: Coding,
    #[serde(with = "serde_bytes")]
    pub(crate) data: Vec<u8>,
}

/// Names, roles and shapes of the tensors of a run's checkpoints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Layout(pub(crate) Vec<TensorLayout>);

/// One tensor of a layout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TensorLayout {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) shape: Vec<usize>,
}

impl TensorLayout {
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    fn checked_len(&self) -> Option<usize> {
        let mut sizes = self.shape.iter();
        sizes.try_fold(1usize, |len, size| len.checked_mul(*size))
    }
}

impl Layout {
    /// A layout as it was stored, once its tensors can be counted.
    pub(crate) fn stored(tensors: Vec<TensorLayout>) -> Result<Self, Error> {
        let mut all = 0usize;
        for tensor in &tensors {
            let len = tensor.checked_len().and_then(|len| all.checked_add(len));
            all = len.ok_or_else(|| {
                let TensorLayout { name, shape, .. } = tensor;
                Error::damaged(format!(
                    "table `layouts` gives tensor `{name}` the shape {shape:?}, which is too large"
                ))
            })?;
        }
        Ok(Layout(tensors))
    }

    pub(crate) fn of(params: &Params) -> Self {
        let layout = |tensor: &landscape_core::Parameter| TensorLayout {
            name: tensor.name.clone(),
            role: tensor.role,
            shape: tensor.shape.clone(),
        };
        Layout(params.iter().map(layout).collect())
    }

    /// Values of all tensors together.
    pub(crate) fn values(&self) -> usize {
        self.0.iter().map(TensorLayout::len).sum()
    }

    pub(crate) fn fits(&self, params: &Params) -> bool {
        let same = |(layout, tensor): (&TensorLayout, &landscape_core::Parameter)| {
            layout.name == tensor.name && layout.role == tensor.role && layout.shape == tensor.shape
        };
        self.0.len() == params.len() && self.0.iter().zip(params).all(same)
    }

    /// Lengths of the tensors, in order.
    fn lengths(&self) -> Vec<usize> {
        self.0.iter().map(TensorLayout::len).collect()
    }
}

/// Restores frames of both codings from any bytes, for tests of what damaged ones do.
#[doc(hidden)]
pub fn decode_checkpoint(bytes: &[u8]) {
    let tensor = |name: &str, shape: Vec<usize>| TensorLayout {
        name: name.to_owned(),
        role: Role::Weight,
        shape,
    };
    let layout = Layout(vec![tensor("a", vec![20, 30]), tensor("b", vec![400])]);
    for coding in [Coding::F32, Coding::F16] {
        for base in [None, Some(0)] {
            let frame = Frame {
                step: 1,
                base,
                coding,
                data: bytes.to_vec(),
            };
            let mut values = vec![0.5; 1000];
            if restore(&frame, &layout, &mut values).is_ok() {
                assert_eq!(values.len(), 1000);
            }
        }
    }
}

/// A frame that [`decode_checkpoint`] can restore.
#[doc(hidden)]
pub fn encode_checkpoint(form: CheckpointForm) -> Vec<u8> {
    let values = |seed: u32| -> Vec<f32> {
        (0..1000u32)
            .map(|n| (n.wrapping_mul(2_654_435_761).wrapping_add(seed) % 977) as f32 / 977.0)
            .collect()
    };
    let params = |seed| {
        let values = values(seed);
        let tensor = |name: &str, shape: Vec<usize>, data: &[f32]| {
            landscape_core::Parameter::new(name, shape, data.to_vec(), Role::Weight)
        };
        let tensors = vec![
            tensor("a", vec![20, 30], &values[..600])?,
            tensor("b", vec![400], &values[600..])?,
        ];
        Params::new(tensors)
    };
    let mut encoder = Encoder::new(form);
    let frames = [1, 2].map(|step| params(step).map(|p| encoder.encode(u64::from(step), &p).data));
    let [_, last] = frames;
    last.unwrap_or_default()
}
