//! The definitions of a head's operations ([`super::head`]) in Burn's calls, with the table of all outputs.

use crate::kernels::head::{By, KEPT, LARGEST, LOGARITHM};
use crate::replay::{self, DeviceTensor, Replay};
use burn_backend::Slice;
use burn_backend::ops::FloatTensorOps;

/// A head on a device; all tensors have the points in front.
pub(super) struct Head {
    x: DeviceTensor,
    w: DeviceTensor,
    /// With the leading axes of the outputs.
    labels: DeviceTensor,
    /// The outputs.
    z: DeviceTensor,
}

fn last(x: &DeviceTensor) -> usize {
    replay::dims(x).len() - 1
}

pub(super) fn add(a: DeviceTensor, b: DeviceTensor) -> DeviceTensor {
    let (a, b) = replay::broadcast(a, b);
    Replay::float_add(a, b)
}

fn sub(a: DeviceTensor, b: DeviceTensor) -> DeviceTensor {
    let (a, b) = replay::broadcast(a, b);
    Replay::float_sub(a, b)
}

fn mul(a: DeviceTensor, b: DeviceTensor) -> DeviceTensor {
    let (a, b) = replay::broadcast(a, b);
    Replay::float_mul(a, b)
}

/// The rows of `x` along the leading axes of `like`.
fn rows_like(x: DeviceTensor, like: &DeviceTensor) -> DeviceTensor {
    let own = replay::dims(&x);
    let mut shape = replay::dims(like);
    let end = shape.len() - 1;
    (shape[0], shape[end]) = (own[0], own[own.len() - 1]);
    replay::reshape(x, &shape)
}

/// One of the numbers of what was kept.
fn column(kept: &DeviceTensor, place: usize) -> DeviceTensor {
    let mut ranges = vec![Slice::new(0, None, 1); last(kept)];
    ranges.push(Slice::new(place as isize, Some(place as isize + 1), 1));
    Replay::float_slice(kept.clone(), &ranges)
}

/// A bias along the last axis of something of that rank.
fn along(bias: DeviceTensor, rank: usize) -> DeviceTensor {
    let own = replay::dims(&bias);
    let mut shape = vec![1; rank];
    (shape[0], shape[rank - 1]) = (own[0], own[1..].iter().product());
    replay::reshape(bias, &shape)
}

/// Points, all rows, and the last axis.
fn flat(x: DeviceTensor) -> DeviceTensor {
    let dims = replay::dims(&x);
    let rows = dims[1..dims.len() - 1].iter().product();
    replay::reshape(x, &[dims[0], rows, dims[dims.len() - 1]])
}

/// With the same points.
fn joined(all: Vec<DeviceTensor>) -> DeviceTensor {
    let points = all.iter().map(|x| replay::dims(x)[0]).max().unwrap_or(1);
    let axis = last(&all[0]);
    let full = all.into_iter().map(|x| {
        let mut shape = replay::dims(&x);
        shape[0] = points;
        replay::expand(x, &shape)
    });
    Replay::float_cat(full.collect(), axis)
}

impl Head {
    /// From the inputs of an operation.
    pub fn new(inputs: &[DeviceTensor], bias: bool) -> Self {
        let input = |i: usize| inputs[i].clone();
        let labels = input(2 + usize::from(bias));
        let mut z = replay::matmul(input(0), input(1));
        if bias {
            let rank = replay::dims(&z).len();
            z = add(z, along(input(2), rank));
        }
        Self {
            x: input(0),
            w: input(1),
            labels: rows_like(labels, &z),
            z,
        }
    }

    /// What is kept.
    pub fn kept(&self) -> DeviceTensor {
        // As on the host: the 1 of the maximum is left out of the sum.
        let (x, axis) = (self.z.clone(), last(&self.z));
        let largest = Replay::float_max_dim(x.clone(), axis);
        let d = sub(x.clone(), largest.clone());
        let is_max = replay::compare(d.clone(), |d, t| Replay::float_equal_elem(d, 0.0.into(), t));
        let others = Replay::float_sub(Replay::float_exp(d.clone()), is_max.clone());
        let ties = Replay::float_add_scalar(Replay::float_sum_dim(is_max, axis), (-1.0).into());
        let rest = Replay::float_add(Replay::float_sum_dim(others, axis), ties);
        let logarithm = replay::log1p(rest);
        let picked = sub(
            replay::gather(axis, d, self.labels.clone()),
            logarithm.clone(),
        );
        let place = replay::index(x, |x, t| Replay::float_argmax(x, axis, t));
        joined(vec![picked, largest, logarithm, place])
    }

    fn softmax(&self, kept: &DeviceTensor) -> DeviceTensor {
        let d = sub(self.z.clone(), column(kept, LARGEST));
        Replay::float_exp(sub(d, column(kept, LOGARITHM)))
    }

    /// The changes of the outputs.
    fn changes(&self, [x, w, bias]: [Option<DeviceTensor>; 3]) -> DeviceTensor {
        let mut sum = replay::zeros_like(&self.z, &replay::dims(&self.z));
        let products = [
            x.map(|x| (x, self.w.clone())),
            w.map(|w| (self.x.clone(), w)),
        ];
        for (x, w) in products.into_iter().flatten() {
            sum = add(sum, replay::matmul(x, w));
        }
        match bias {
            Some(bias) => {
                let rank = replay::dims(&sum).len();
                add(sum, along(bias, rank))
            }
            None => sum,
        }
    }

    /// The change of what is kept.
    pub fn change(&self, kept: &DeviceTensor, moved: [Option<DeviceTensor>; 3]) -> DeviceTensor {
        let axis = last(&self.z);
        let changes = self.changes(moved);
        let mean = mul(self.softmax(kept), changes.clone());
        let mean = Replay::float_sum_dim(mean, axis);
        let picked = sub(
            replay::gather(axis, changes, self.labels.clone()),
            mean.clone(),
        );
        let zero = replay::zeros_like(&mean, &replay::dims(&mean));
        let mut all = vec![zero; KEPT];
        (all[0], all[LOGARITHM]) = (picked, mean);
        joined(all)
    }

    /// 1 at the label, less the softmax.
    fn shares(&self, softmax: DeviceTensor) -> DeviceTensor {
        let axis = last(&self.z);
        let ones = replay::zeros_like(&self.labels, &replay::dims(&self.labels));
        let ones = Replay::float_add_scalar(ones, 1.0.into());
        let shape = replay::dims(&self.z);
        let hot = replay::scatter(axis, ones, self.labels.clone(), &shape[1..]);
        sub(hot, softmax)
    }

    /// The adjoint of the outputs.
    pub fn adjoint(&self, kept: &DeviceTensor, factors: &DeviceTensor) -> DeviceTensor {
        mul(self.shares(self.softmax(kept)), factors.clone())
    }

    /// Its change.
    pub fn adjoint_change(
        &self,
        (kept, factors): (&DeviceTensor, &DeviceTensor),
        (mean, scale): (&DeviceTensor, Option<&DeviceTensor>),
        moved: [Option<DeviceTensor>; 3],
    ) -> DeviceTensor {
        let softmax = self.softmax(kept);
        let around = sub(self.changes(moved), column(mean, LOGARITHM));
        let bent = mul(mul(softmax.clone(), around), factors.clone());
        let turned = match scale {
            Some(scale) => mul(self.shares(softmax), scale.clone()),
            None => replay::zeros_like(&bent, &replay::dims(&bent)),
        };
        sub(turned, bent)
    }

    /// An adjoint of the outputs times what `by` is multiplied with in them, or what stands there for it (`other`).
    pub fn product(
        &self,
        by: By,
        adjoint: DeviceTensor,
        other: Option<DeviceTensor>,
        shape: &[usize],
    ) -> DeviceTensor {
        let product = match by {
            By::Inputs => {
                let w = other.unwrap_or_else(|| self.w.clone());
                let axis = last(&w);
                replay::matmul(adjoint, Replay::float_swap_dims(w, axis - 1, axis))
            }
            By::Weights => {
                let x = flat(other.unwrap_or_else(|| self.x.clone()));
                replay::matmul(Replay::float_swap_dims(x, 1, 2), flat(adjoint))
            }
            By::Bias => Replay::float_sum_dim(flat(adjoint), 1),
        };
        let mut full = vec![replay::dims(&product)[0]];
        full.extend_from_slice(shape);
        replay::reshape(product, &full)
    }
}
