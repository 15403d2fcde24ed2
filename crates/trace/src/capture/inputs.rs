//! The data that a loss is computed from.

use burn::prelude::*;
use burn::tensor::IntDType;
use burn_capture::{CaptureBackend, TensorId};

/// One or several tensors whose axis 0 counts the samples. Tensors of floats and of ints, and
/// tuples of them, are inputs.
pub trait Inputs: Clone {
    /// The same on another device; ints become 64-bit, as on every capture device.
    fn to_device(&self, device: &Device) -> Self;

    /// Identifiers on a capture device.
    #[doc(hidden)]
    fn ids(&self) -> Vec<TensorId>;

    /// Length of axis 0 of every tensor.
    fn lengths(&self) -> Vec<usize>;
}

impl<const D: usize> Inputs for Tensor<D> {
    fn to_device(&self, device: &Device) -> Self {
        self.clone().to_device(device)
    }

    fn ids(&self) -> Vec<TensorId> {
        let primitive = self.clone().try_into_primitive::<CaptureBackend>();
        primitive.map(|t| t.id()).into_iter().collect()
    }

    fn lengths(&self) -> Vec<usize> {
        vec![self.dims()[0]]
    }
}

impl<const D: usize> Inputs for Tensor<D, Int> {
    fn to_device(&self, device: &Device) -> Self {
        self.clone().cast(IntDType::I64).to_device(device)
    }

    fn ids(&self) -> Vec<TensorId> {
        let primitive = self.clone().try_into_primitive::<CaptureBackend>();
        primitive.map(|t| t.id()).into_iter().collect()
    }

    fn lengths(&self) -> Vec<usize> {
        vec![self.dims()[0]]
    }
}

macro_rules! tuples {
    ($($name:ident $index:tt),+) => {
        impl<$($name: Inputs),+> Inputs for ($($name,)+) {
            fn to_device(&self, device: &Device) -> Self {
                ($(self.$index.to_device(device),)+)
            }

            fn ids(&self) -> Vec<TensorId> {
                [$(self.$index.ids()),+].concat()
            }

            fn lengths(&self) -> Vec<usize> {
                [$(self.$index.lengths()),+].concat()
            }
        }
    };
}

tuples!(A 0);
tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, E 3);
