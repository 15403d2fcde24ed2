//! The axis of the points, for operations that Burn has for one set of weights only.

use super::{DeviceTensor, Replay, dims, reshape};
use burn_backend::Slice;
use burn_backend::ops::FloatTensorOps;

/// `[1, ...]` without the axis of the points.
pub(crate) fn first(x: DeviceTensor) -> DeviceTensor {
    let shape = dims(&x)[1..].to_vec();
    reshape(x, &shape)
}

/// `[points, n, ...]` as `[points n, ...]`.
pub(crate) fn join(x: DeviceTensor) -> DeviceTensor {
    let shape = dims(&x);
    let mut joined = vec![shape[0] * shape[1]];
    joined.extend_from_slice(&shape[2..]);
    reshape(x, &joined)
}

/// `[points n, ...]` as `[points, n, ...]`.
pub(crate) fn split(x: DeviceTensor, points: usize) -> DeviceTensor {
    let shape = dims(&x);
    let mut parted = vec![points, shape[0] / points];
    parted.extend_from_slice(&shape[1..]);
    reshape(x, &parted)
}

/// Calls `f` for every point with the values there, and puts the results one after another.
pub(crate) fn each_point<const N: usize>(
    inputs: &[Option<DeviceTensor>; N],
    f: impl Fn([Option<DeviceTensor>; N]) -> DeviceTensor,
) -> DeviceTensor {
    let lengths = inputs.iter().flatten().map(|t| dims(t)[0]);
    let points = lengths.max().unwrap_or(1);
    let at = |p: usize| {
        let values = std::array::from_fn(|i| inputs[i].as_ref().map(|t| point(t, p)));
        let value = f(values);
        let mut shape = vec![1];
        shape.extend(dims(&value));
        reshape(value, &shape)
    };
    let all: Vec<DeviceTensor> = (0..points).map(at).collect();
    Replay::float_cat(all, 0)
}

/// A value at point `p`; the same everywhere where it has one point only.
fn point(x: &DeviceTensor, p: usize) -> DeviceTensor {
    if dims(x)[0] == 1 {
        return first(x.clone());
    }
    let mut ranges = vec![Slice::new(0, None, 1); dims(x).len()];
    ranges[0] = Slice::new(p as isize, Some(p as isize + 1), 1);
    first(Replay::float_slice(x.clone(), &ranges))
}
