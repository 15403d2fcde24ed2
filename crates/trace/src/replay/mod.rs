//! Burn's calls, by which operations are replayed on devices, whatever their rank.

mod points;

pub(crate) use points::{each_point, first, join, split};

use burn_backend::ops::{BoolTensorOps, FloatTensorOps, IntTensorOps};
use burn_backend::tensor::IndexingUpdateOp;
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

/// The numbers with `shape`, of the kind and on the device of `x`.
pub(crate) fn numbers_like(x: &DeviceTensor, data: Vec<f64>, shape: &[usize]) -> DeviceTensor {
    let data = TensorData::new(data, Shape::from(shape.to_vec()));
    Replay::float_from_data(data.convert_dtype(x.dtype()), &x.device())
}

/// Reads all values back, in f64.
///
/// # Errors
/// What the device says.
pub(crate) fn download(x: DeviceTensor) -> Result<Vec<f64>, String> {
    let data = burn_std::future::block_on(Replay::float_into_data(x));
    let data = data.map_err(|e| format!("{e:?}"))?;
    Ok(data.iter::<f64>().collect())
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

/// The adjoint of [`gather`]: zeros of `shape` (without the points), to which `x` is added along `dim` at
/// `index`.
pub(crate) fn scatter(
    dim: usize,
    x: DeviceTensor,
    index: DeviceTensor,
    shape: &[usize],
) -> DeviceTensor {
    let own = dims(&x);
    let points = own[0].max(dims(&index)[0]);
    let full = |x: DeviceTensor| {
        let mut shape = dims(&x);
        shape[0] = points;
        expand(x, &shape)
    };
    let mut target = vec![points];
    target.extend_from_slice(shape);
    for axis in (1..target.len()).filter(|&axis| axis != dim) {
        target[axis] = own[axis];
    }
    let zeros = zeros_like(&x, &target);
    let int_type = get_or_init_device_settings::<Replay>(&x.device()).int_dtype;
    let index = Replay::float_into_int(full(index), int_type);
    Replay::float_scatter(dim, zeros, index, full(x), IndexingUpdateOp::Add)
}

/// Zeros of the same kind of numbers and on the same device as `x`.
pub(crate) fn zeros_like(x: &DeviceTensor, shape: &[usize]) -> DeviceTensor {
    let shape = Shape::from(shape.to_vec());
    Replay::float_zeros(shape, &x.device(), x.dtype().into())
}

/// The device of a tensor.
pub(crate) fn device_of(x: &DeviceTensor) -> DispatchDevice {
    x.device()
}

/// Lengths of all axes of a tensor of indices.
pub(crate) fn dims_of_indices(x: &IntTensor<Dispatch>) -> Vec<usize> {
    x.shape().iter().copied().collect()
}

pub(crate) fn reshape_indices(x: IntTensor<Dispatch>, shape: &[usize]) -> IntTensor<Dispatch> {
    Replay::int_reshape(x, Shape::from(shape.to_vec()))
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
    let float_type = FloatDType::from(x.dtype());
    Replay::bool_into_float(f(x, bool_type), float_type)
}

/// Indices as floats.
pub(crate) fn index(
    x: DeviceTensor,
    f: impl FnOnce(DeviceTensor, IntDType) -> IntTensor<Dispatch>,
) -> DeviceTensor {
    let int_type = get_or_init_device_settings::<Replay>(&x.device()).int_dtype;
    let float_type = FloatDType::from(x.dtype());
    Replay::int_into_float(f(x, int_type), float_type)
}

/// `ln(1 + x)`, with its relative accuracy where x is small.
///
/// Burn's GPU kernels take the logarithm of the rounded sum, which loses losses below 1e-3, and graphics
/// APIs promise logarithms near 1 to an absolute 2^-21 only. There, for x in [-0.5, 1], it is
/// `2 artanh(s) = 2 (s + s^3/3 + s^5/5 + ...)` with `s = x / (2 + x)`, `|s| <= 1/3`.
pub(crate) fn log1p(x: DeviceTensor) -> DeviceTensor {
    match x.device() {
        #[cfg(feature = "wgpu")]
        DispatchDevice::Cube(_) => log1p_by_series(x),
        _ => Replay::float_log1p(x),
    }
}

#[cfg(any(feature = "wgpu", test))]
fn log1p_by_series(x: DeviceTensor) -> DeviceTensor {
    let s = Replay::float_div(x.clone(), Replay::float_add_scalar(x.clone(), 2.0.into()));
    let square = Replay::float_mul(s.clone(), s.clone());
    // Eight terms: what follows is below 2e-9 of the sum.
    let mut sum = Replay::float_mul_scalar(square.clone(), (2.0 / 15.0).into());
    for odd in [13.0, 11.0, 9.0, 7.0, 5.0, 3.0] {
        sum = Replay::float_add_scalar(sum, (2.0 / odd).into());
        sum = Replay::float_mul(sum, square.clone());
    }
    let series = Replay::float_mul(Replay::float_add_scalar(sum, 2.0.into()), s);
    let direct = Replay::float_log(Replay::float_add_scalar(x.clone(), 1.0.into()));
    // Written so that NaN takes the logarithm.
    let far = Replay::float_sub_scalar(x, 0.25.into());
    let near = Replay::float_lower_equal_elem(
        Replay::float_abs(far.clone()),
        0.75.into(),
        bool_type(&far),
    );
    Replay::float_mask_where(direct, near, series)
}

/// `ln(1 / (1 + e^-x)) = min(x, 0) - ln(1 + e^-|x|)`
pub(crate) fn log_sigmoid(x: DeviceTensor) -> DeviceTensor {
    let tail = log1p(Replay::float_exp(Replay::float_neg(Replay::float_abs(
        x.clone(),
    ))));
    Replay::float_sub(Replay::float_clamp_max(x, 0.0.into()), tail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn the_series_is_the_logarithm() {
        let x: Vec<f32> = (-1000..3000)
            .map(|i| i as f32 / 1000.0)
            .chain((0..40).map(|k| 0.3f32.powi(k)))
            .chain([f32::INFINITY, f32::NAN, -2.0])
            .collect();
        let device = Device::flex();
        let tensor = upload(&x, &[x.len()], device.as_dispatch());
        let found = download(log1p_by_series(tensor)).unwrap();
        for (x, found) in x.iter().zip(found) {
            let expected = f64::from(*x).ln_1p();
            let error = (found - expected).abs() / expected.abs().max(1e-30);
            let same = found == expected || found.is_nan() && expected.is_nan();
            assert!(same || error < 3e-7, "{x}: {found} and {expected}");
        }
    }
}
