//! Tensors back on the host.

use burn::tensor::Tensor;

/// The values of a tensor, row-major; waits for the device.
pub(crate) fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    let data = tensor.into_data_as::<f32>();
    data.try_to_vec()
        .expect("the data was just converted to f32")
}
