//! Graphs on Burn devices.

pub(crate) mod executor;
mod memory;
pub(crate) mod open;
mod totals;

use landscape_core::named;

/// In which numbers products are computed: convolutions, matrix products and linear layers.
///
/// Everything else (normalisation, sums, softmax, the loss, the coordinates) is f32 either way, and
/// means over the samples are f64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// 32-bit floats: 24 bits of precision.
    #[default]
    F32,
    /// Bfloat16: 8 bits of precision, the range of f32. Factors and results of products are rounded to it,
    /// as by PyTorch's `autocast`; for devices with hardware for it.
    Bf16,
}

named!(Precision, "precision of products", {
    F32 => "f32": "32-bit floats",
    Bf16 => "bf16": "Convolutions and matrix products in bfloat16, all else in f32",
});
