//! Replaying graph operations on Burn devices, whatever their rank.

pub(crate) mod executor;

use burn_backend::ops::{BoolTensorOps, FloatTensorOps, IntTensorOps};
use burn_backend::tensor::{BoolTensor, FloatTensor, IntTensor};
use burn_backend::{
    BoolDType, FloatDType, IntDType, Shape, TensorData, TensorMetadata, get_or_init_device_settings,
};
use burn_dispatch::{Dispatch, DispatchDevice};

/// The backend that calls whichever device a tensor is on.
pub(crate) type Replay = Dispatch;
/// A float tensor of any rank on any device.
pub(crate) type DeviceTensor = FloatTensor<Dispatch>;

/// Lengths of all axes.
pub(crate) fn dims(x: &DeviceTensor) -> Vec<usize> {
    x.shape().iter().copied().collect()
}

/// The values `data` with `shape` on `device`.
pub(crate) fn upload(data: &[f32], shape: &[usize], device: &DispatchDevice) -> DeviceTensor {
    let data = TensorData::new(data.to_vec(), Shape::from(shape.to_vec()));
    Replay::float_from_data(data, device)
}

/// Reads all values back.
pub(crate) fn download(x: DeviceTensor) -> Result<Vec<f32>, String> {
    let data =
        burn_std::future::block_on(Replay::float_into_data(x)).map_err(|e| format!("{e:?}"))?;
    data.as_slice::<f32>()
        .map(<[f32]>::to_vec)
        .map_err(|e| format!("{e:?}"))
}

pub(crate) fn reshape(x: DeviceTensor, shape: &[usize]) -> DeviceTensor {
    if dims(&x) == shape {
        x
    } else {
        Replay::float_reshape(x, Shape::from(shape.to_vec()))
    }
}

pub(crate) fn expand(x: DeviceTensor, shape: &[usize]) -> DeviceTensor {
    if dims(&x) == shape {
        x
    } else {
        Replay::float_expand(x, Shape::from(shape.to_vec()))
    }
}

/// Both values with their common shape.
pub(crate) fn broadcast(a: DeviceTensor, b: DeviceTensor) -> (DeviceTensor, DeviceTensor) {
    let shape: Vec<usize> = dims(&a)
        .iter()
        .zip(dims(&b))
        .map(|(&a, b)| a.max(b))
        .collect();
    (expand(a, &shape), expand(b, &shape))
}

/// Matrix product; leading axes of length 1 broadcast.
pub(crate) fn matmul(a: DeviceTensor, b: DeviceTensor) -> DeviceTensor {
    let (left, right) = (dims(&a), dims(&b));
    let rank = left.len();
    let lead: Vec<usize> = (0..rank - 2).map(|i| left[i].max(right[i])).collect();
    let full = |x: DeviceTensor, own: &[usize]| {
        let mut shape = lead.clone();
        shape.extend_from_slice(&own[rank - 2..]);
        expand(x, &shape)
    };
    Replay::float_matmul(full(a, &left), full(b, &right))
}

/// Chooses along `dim` by index; the points of both are made the same.
pub(crate) fn gather(dim: usize, x: DeviceTensor, index: DeviceTensor) -> DeviceTensor {
    let points = dims(&x)[0].max(dims(&index)[0]);
    let full = |x: DeviceTensor| {
        let mut shape = dims(&x);
        shape[0] = points;
        expand(x, &shape)
    };
    let int_type = get_or_init_device_settings::<Replay>(&x.device()).int_dtype;
    Replay::float_gather(dim, full(x), Replay::float_into_int(full(index), int_type))
}

/// The device's kind of booleans.
pub(crate) fn bool_type(x: &DeviceTensor) -> BoolDType {
    get_or_init_device_settings::<Replay>(&x.device()).bool_dtype
}

/// A comparison as 0 and 1.
pub(crate) fn compare(
    x: DeviceTensor,
    f: impl FnOnce(DeviceTensor, BoolDType) -> BoolTensor<Dispatch>,
) -> DeviceTensor {
    let bool_type = bool_type(&x);
    Replay::bool_into_float(f(x, bool_type), FloatDType::F32)
}

/// Indices as floats.
pub(crate) fn index(
    x: DeviceTensor,
    f: impl FnOnce(DeviceTensor, IntDType) -> IntTensor<Dispatch>,
) -> DeviceTensor {
    let int_type = get_or_init_device_settings::<Replay>(&x.device()).int_dtype;
    Replay::int_into_float(f(x, int_type), FloatDType::F32)
}
