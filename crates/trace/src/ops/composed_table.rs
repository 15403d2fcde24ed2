//! Which recorded operations become several of a graph, and which.

use super::binary::Binary;
use super::composed::{self, Build, Composer, Padding};
use super::composed_grid::grid_sample;
use super::composed_index::{self as indices, Update};
use super::composed_layers::{self as layers, Geometry};
use super::cumulative::CumulativeSum;
use super::pool::{Pool2d, Pooling};
use super::reduce::{Reduce, Reduction};
use super::softmax::Softmax;
use super::sort::ArgSort;
use super::table::{Recorded, number};
use super::unary::Unary;
use crate::ir::graph::ValueId;
use burn_backend::Slice;
use burn_backend::tensor::IndexingUpdateOp;
use burn_ir::{
    ActivationOperationIr as A, BaseOperationIr as B, FloatOperationIr as F, IntOperationIr as I,
    InterpolateModeIr, ModuleOperationIr as M, NumericOperationIr as N, PadModeIr, TensorIr,
};

/// The names of operations that become others of another name.
pub(super) const NAMES: &[&str] = &[
    "adaptive_avg_pool1d",
    "adaptive_avg_pool3d",
    "attention",
    "avg_pool1d",
    "bitwise_not",
    "conv1d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose3d",
    "cummax",
    "cummin",
    "cumprod",
    "gather_nd",
    "grid_sample",
    "max_pool1d",
    "max_pool2d_with_indices",
    "prelu",
    "prod",
    "prod_dim",
    "scatter",
    "scatter_nd",
    "select_assign",
    "slice_assign",
    "softmin",
    "sort",
    "topk",
];

/// An operation of one output.
fn one<'a>(
    inputs: Vec<&'a TensorIr>,
    out: &'a TensorIr,
    build: impl Fn(&mut Composer, &[ValueId]) -> ValueId + 'a,
) -> Recorded<'a> {
    let build: Build = Box::new(move |c, inputs| vec![build(c, inputs)]);
    Recorded::Composed(build, inputs, vec![out])
}

fn shape(tensor: &TensorIr) -> Vec<usize> {
    tensor.shape.iter().copied().collect()
}

pub(super) fn base(op: &B, float: bool) -> Recorded<'_> {
    match op {
        B::Flip(ir) => one(vec![&ir.input], &ir.out, |c, x| {
            composed::flip(c, x[0], &ir.axes)
        }),
        B::RepeatDim(ir) => one(vec![&ir.tensor], &ir.out, |c, x| {
            composed::repeat(c, x[0], ir.dim, ir.times)
        }),
        B::Unfold(ir) => one(vec![&ir.input], &ir.out, |c, x| {
            composed::unfold(c, x[0], ir.dim, ir.size, ir.step)
        }),
        B::Cat(ir) => one(ir.tensors.iter().collect(), &ir.out, |c, x| {
            c.concat(x, ir.dim)
        }),
        B::Select(ir) => one(vec![&ir.tensor, &ir.indices], &ir.out, |c, x| {
            indices::select(c, x[0], ir.dim, x[1])
        }),
        // A vector at indices: rows of a table of one column.
        B::Gather(ir) if ir.dim == 0 && ir.tensor.shape.num_dims() == 1 => {
            one(vec![&ir.tensor, &ir.indices], &ir.out, |c, x| {
                indices::select(c, x[0], 0, x[1])
            })
        }
        B::GatherNd(ir) => one(vec![&ir.data, &ir.indices], &ir.out, |c, x| {
            indices::gather_nd(c, x[0], x[1])
        }),
        B::SliceAssign(ir) => match starts(&ir.ranges, &shape(&ir.tensor)) {
            Some(ranges) => one(vec![&ir.tensor, &ir.value], &ir.out, move |c, x| {
                composed::assign(c, x[0], x[1], &ranges)
            }),
            None => Recorded::Unknown,
        },
        B::Empty(ir) => Recorded::Filled(&ir.out, 0.0),
        B::All(ir) if float => one(vec![&ir.input], &ir.out, |c, x| {
            whole(c, Reduction::Min, x[0])
        }),
        B::Any(ir) if float => one(vec![&ir.input], &ir.out, |c, x| {
            whole(c, Reduction::Max, x[0])
        }),
        B::AllDim(ir) if float => one(vec![&ir.input], &ir.out, |c, x| {
            let holds = c.unary(Unary::NotEqualScalar(0.0), x[0]);
            c.reduce(Reduction::Min, holds, ir.axis)
        }),
        B::AnyDim(ir) if float => one(vec![&ir.input], &ir.out, |c, x| {
            let holds = c.unary(Unary::NotEqualScalar(0.0), x[0]);
            c.reduce(Reduction::Max, holds, ir.axis)
        }),
        op => at_indices(op),
    }
}

/// What is put, added or else at indices.
fn at_indices(op: &B) -> Recorded<'_> {
    match op {
        B::SelectAssign(ir) => updated(
            [&ir.tensor, &ir.indices, &ir.value, &ir.out],
            ir.update,
            |c, x, update| indices::select_update(c, x, ir.dim, update),
        ),
        B::Scatter(ir) => updated(
            [&ir.tensor, &ir.indices, &ir.value, &ir.out],
            ir.update,
            |c, x, update| indices::scatter(c, x, ir.dim, update),
        ),
        B::ScatterNd(ir) => updated(
            [&ir.data, &ir.indices, &ir.values, &ir.out],
            ir.reduction,
            indices::scatter_nd,
        ),
        _ => Recorded::Unknown,
    }
}

fn updated<'a>(
    [x, index, value, out]: [&'a TensorIr; 4],
    update: IndexingUpdateOp,
    build: impl Fn(&mut Composer, [ValueId; 3], Update) -> ValueId + 'a,
) -> Recorded<'a> {
    one(vec![x, index, value], out, move |c, x| {
        build(c, [x[0], x[1], x[2]], update.into())
    })
}

/// Of bits, in two's complement: `-x - 1`.
pub(super) fn int(op: &I) -> Recorded<'_> {
    match op {
        I::BitwiseNot(ir) => one(vec![&ir.input], &ir.out, |c, x| {
            let less = c.unary(Unary::Neg, x[0]);
            c.unary(Unary::AddScalar(-1.0), less)
        }),
        _ => Recorded::Unknown,
    }
}

/// Over all elements, of whether they are not 0.
fn whole(c: &mut Composer, reduction: Reduction, x: ValueId) -> ValueId {
    let holds = c.unary(Unary::NotEqualScalar(0.0), x);
    let reduce = Reduce {
        reduction,
        axis: None,
    };
    c.push(reduce, &[holds], vec![1])
}

/// (start, step) of ranges with positive steps along all axes of a shape; `None` of others.
pub(super) fn starts(ranges: &[Slice], shape: &[usize]) -> Option<Vec<(usize, usize)>> {
    let start = |(axis, length): (usize, &usize)| match ranges.get(axis) {
        Some(range) if range.step < 1 => None,
        Some(range) if range.start < 0 => {
            let start = (*length as isize + range.start).max(0);
            Some((start as usize, range.step as usize))
        }
        Some(range) => Some((range.start as usize, range.step as usize)),
        None => Some((0, 1)),
    };
    shape.iter().enumerate().map(start).collect()
}

pub(super) fn numeric(op: &N) -> Recorded<'_> {
    match op {
        N::Pad(ir) => {
            let padding = match ir.mode {
                PadModeIr::Constant(c) => Padding::Constant(number(c) as f32),
                PadModeIr::Reflect => Padding::Reflect,
                PadModeIr::Edge => Padding::Edge,
            };
            one(vec![&ir.input], &ir.out, move |c, x| {
                composed::pad(c, x[0], &ir.padding, padding)
            })
        }
        N::CumSum(ir) => one(vec![&ir.input], &ir.out, |c, x| {
            let sum = CumulativeSum {
                axis: ir.axis,
                reversed: false,
            };
            let shape = c.shape(x[0]);
            c.push(sum, x, shape)
        }),
        N::CumProd(ir) => one(vec![&ir.input], &ir.out, |c, x| {
            composed::scan(c, x[0], ir.axis, |c, a, b| c.binary(Binary::Mul, a, b))
        }),
        N::CumMax(ir) => one(vec![&ir.input], &ir.out, |c, x| {
            composed::scan(c, x[0], ir.axis, |c, a, b| composed::extreme(c, a, b, true))
        }),
        N::CumMin(ir) => one(vec![&ir.input], &ir.out, |c, x| {
            composed::scan(c, x[0], ir.axis, |c, a, b| {
                composed::extreme(c, a, b, false)
            })
        }),
        N::ProdDim(ir) => one(vec![&ir.input], &ir.out, |c, x| {
            composed::product(c, x[0], ir.axis)
        }),
        N::Prod(ir) => one(vec![&ir.input], &ir.out, |c, x| {
            let all: usize = c.shape(x[0]).iter().product();
            let row = c.reshape(x[0], &[all]);
            composed::product(c, row, 0)
        }),
        N::SumDims(ir) => one(vec![&ir.input], &ir.out, |c, x| {
            ir.axes
                .iter()
                .fold(x[0], |x, &axis| c.reduce(Reduction::Sum, x, axis))
        }),
        N::MaxAbsDim(ir) => one(vec![&ir.input], &ir.out, |c, x| {
            let size = c.unary(Unary::Abs, x[0]);
            c.reduce(Reduction::Max, size, ir.axis)
        }),
        N::MaxDimWithIndices(ir) => extreme(ir, Reduction::Max, Reduction::ArgMax),
        N::MinDimWithIndices(ir) => extreme(ir, Reduction::Min, Reduction::ArgMin),
        op => sorting(op),
    }
}

/// Orders along an axis, and the elements in it.
fn sorting(op: &N) -> Recorded<'_> {
    let order = |axis: usize, descending: bool| ArgSort { axis, descending };
    match op {
        N::Sort(ir) => sorted(&ir.input, order(ir.dim, ir.descending), Some(&ir.out), None),
        N::ArgSort(ir) => sorted(&ir.input, order(ir.dim, ir.descending), None, Some(&ir.out)),
        N::SortWithIndices(ir) => sorted(
            &ir.input,
            order(ir.dim, ir.descending),
            Some(&ir.out),
            Some(&ir.out_indices),
        ),
        N::TopK(ir) => sorted(&ir.input, order(ir.axis, true), Some(&ir.out), None),
        N::ArgTopK(ir) => sorted(&ir.input, order(ir.axis, true), None, Some(&ir.out)),
        N::TopKWithIndices(ir) => sorted(
            &ir.tensor,
            order(ir.dim, true),
            Some(&ir.out),
            Some(&ir.out_indices),
        ),
        _ => Recorded::Unknown,
    }
}

fn sorted<'a>(
    input: &'a TensorIr,
    order: ArgSort,
    values: Option<&'a TensorIr>,
    indices: Option<&'a TensorIr>,
) -> Recorded<'a> {
    let wanted = [values.is_some(), indices.is_some()];
    let outputs: Vec<&TensorIr> = values.into_iter().chain(indices).collect();
    let count = shape(outputs[0])[order.axis];
    let build: Build = Box::new(move |c, x| {
        let made = composed::sorted(c, x[0], order, count).into_iter();
        let made = made.zip(wanted).filter(|(_, wanted)| *wanted);
        made.map(|(value, _)| value).collect()
    });
    Recorded::Composed(build, vec![input], outputs)
}

/// A maximum or minimum with its place.
fn extreme(
    ir: &burn_ir::ReduceDimWithIndicesOpIr,
    value: Reduction,
    place: Reduction,
) -> Recorded<'_> {
    let build: Build =
        Box::new(move |c, x| vec![c.reduce(value, x[0], ir.dim), c.reduce(place, x[0], ir.dim)]);
    Recorded::Composed(build, vec![&ir.tensor], vec![&ir.out, &ir.out_indices])
}

pub(super) fn float(op: &F) -> Recorded<'_> {
    match op {
        F::Cross(ir) => one(vec![&ir.lhs, &ir.rhs], &ir.out, |c, x| {
            composed::cross(c, x[0], x[1], ir.dim)
        }),
        F::GridSample2d(ir)
            if matches!(
                ir.options.mode,
                InterpolateModeIr::Bilinear | InterpolateModeIr::Nearest
            ) =>
        {
            one(vec![&ir.tensor, &ir.grid], &ir.out, |c, x| {
                grid_sample(c, x[0], x[1], &ir.options)
            })
        }
        _ => Recorded::Unknown,
    }
}

pub(super) fn activation(op: &A) -> Recorded<'_> {
    match op {
        A::PRelu(ir) => one(vec![&ir.lhs, &ir.rhs], &ir.out, |c, x| {
            composed::prelu(c, x[0], x[1])
        }),
        A::Softmin(ir) => one(vec![&ir.input], &ir.out, |c, x| {
            let turned = c.unary(Unary::Neg, x[0]);
            let softmax = Softmax {
                axis: ir.axis,
                log: false,
            };
            let shape = c.shape(turned);
            c.push(softmax, &[turned], shape)
        }),
        _ => Recorded::Unknown,
    }
}

/// Input, weights, and the bias where there is one.
fn layer<'a>(
    x: &'a TensorIr,
    weight: &'a TensorIr,
    bias: &'a Option<TensorIr>,
) -> Vec<&'a TensorIr> {
    [x, weight].into_iter().chain(bias.as_ref()).collect()
}

pub(super) fn module(op: &M) -> Recorded<'_> {
    match op {
        M::Conv1d(ir) => {
            let geometry = Geometry {
                stride: ir.options.stride,
                padding: ir.options.padding,
                dilation: ir.options.dilation,
                groups: ir.options.groups,
            };
            one(layer(&ir.x, &ir.weight, &ir.bias), &ir.out, move |c, x| {
                layers::conv1d(c, x, geometry, &shape(&ir.out))
            })
        }
        M::Conv3d(ir) => {
            let geometry = Geometry {
                stride: ir.options.stride,
                padding: ir.options.padding.map(|p| (p, p)),
                dilation: ir.options.dilation,
                groups: ir.options.groups,
            };
            one(layer(&ir.x, &ir.weight, &ir.bias), &ir.out, move |c, x| {
                layers::conv3d(c, x, geometry, &shape(&ir.out))
            })
        }
        M::ConvTranspose1d(ir) if ir.options.padding_out[0] < ir.options.stride[0] => {
            let geometry = Geometry {
                stride: ir.options.stride,
                padding: ir.options.padding.map(|p| (p, p)),
                dilation: ir.options.dilation,
                groups: ir.options.groups,
            };
            one(layer(&ir.x, &ir.weight, &ir.bias), &ir.out, move |c, x| {
                layers::conv_transpose1d(c, x, geometry, &shape(&ir.out))
            })
        }
        M::ConvTranspose2d(ir)
            if (0..2).all(|i| ir.options.padding_out[i] < ir.options.stride[i]) =>
        {
            let geometry = Geometry {
                stride: ir.options.stride,
                padding: ir.options.padding.map(|p| (p, p)),
                dilation: ir.options.dilation,
                groups: ir.options.groups,
            };
            one(layer(&ir.x, &ir.weight, &ir.bias), &ir.out, move |c, x| {
                layers::conv_transpose2d(c, x, geometry, &shape(&ir.out))
            })
        }
        M::ConvTranspose3d(ir) => {
            let geometry = Geometry {
                stride: ir.options.stride,
                padding: ir.options.padding.map(|p| (p, p)),
                dilation: ir.options.dilation,
                groups: ir.options.groups,
            };
            one(layer(&ir.x, &ir.weight, &ir.bias), &ir.out, move |c, x| {
                layers::conv_transpose3d(c, x, geometry, &shape(&ir.out))
            })
        }
        op => rest(op),
    }
}

/// Layers without weights.
fn rest(op: &M) -> Recorded<'_> {
    match op {
        M::MaxPool1d(ir) => {
            let max = Pooling::Max {
                dilation: [1, ir.dilation],
            };
            let pool = layers::row_pool(max, ir.kernel_size, ir.stride, ir.padding, ir.ceil_mode);
            one(vec![&ir.x], &ir.out, move |c, x| {
                layers::pool1d(c, x[0], pool, &shape(&ir.out))
            })
        }
        M::MaxPool1dWithIndices(ir) => {
            let max = Pooling::Max {
                dilation: [1, ir.dilation],
            };
            let pool = layers::row_pool(max, ir.kernel_size, ir.stride, ir.padding, ir.ceil_mode);
            let build: Build = Box::new(move |c, x| {
                let (own, out) = (c.shape(x[0]), shape(&ir.out));
                let image = c.reshape(x[0], &[own[0], own[1], 1, own[2]]);
                let both =
                    layers::max_pool_with_places(c, image, pool, &[out[0], out[1], 1, out[2]]);
                both.map(|v| c.reshape(v, &out)).to_vec()
            });
            Recorded::Composed(build, vec![&ir.x], vec![&ir.out, &ir.out_indices])
        }
        M::MaxPool2dWithIndices(ir) => {
            let pool = Pool2d {
                pooling: Pooling::Max {
                    dilation: ir.dilation,
                },
                kernel: ir.kernel_size,
                stride: ir.stride,
                padding: ir.padding,
                ceil: ir.ceil_mode,
            };
            let build: Build = Box::new(move |c, x| {
                layers::max_pool_with_places(c, x[0], pool, &shape(&ir.out)).to_vec()
            });
            Recorded::Composed(build, vec![&ir.x], vec![&ir.out, &ir.out_indices])
        }
        M::AvgPool1d(ir) => {
            let average = Pooling::Average {
                padded: ir.count_include_pad,
            };
            let pool =
                layers::row_pool(average, ir.kernel_size, ir.stride, ir.padding, ir.ceil_mode);
            one(vec![&ir.x], &ir.out, move |c, x| {
                layers::pool1d(c, x[0], pool, &shape(&ir.out))
            })
        }
        M::AdaptiveAvgPool1d(ir) => one(vec![&ir.x], &ir.out, |c, x| {
            layers::adaptive(c, x[0], &[ir.output_size])
        }),
        M::AdaptiveAvgPool3d(ir) => one(vec![&ir.x], &ir.out, |c, x| {
            layers::adaptive(c, x[0], &ir.output_size)
        }),
        M::Interpolate(ir) => one(vec![&ir.x], &ir.out, |c, x| {
            let options = &ir.options;
            layers::interpolate(
                c,
                x[0],
                ir.output_size,
                &options.mode,
                options.align_corners,
            )
        }),
        M::Unfold4d(ir) => {
            let geometry = Geometry {
                stride: ir.options.stride,
                padding: ir.options.padding.map(|p| (p, p)),
                dilation: ir.options.dilation,
                groups: 1,
            };
            one(vec![&ir.x], &ir.out, move |c, x| {
                layers::unfold4d(c, x[0], ir.kernel_size, geometry)
            })
        }
        M::Attention(ir) => {
            let inputs = [&ir.query, &ir.key, &ir.value].into_iter();
            let inputs = inputs.chain(&ir.mask).chain(&ir.attn_bias).collect();
            let given = (ir.mask.is_some(), ir.attn_bias.is_some());
            one(inputs, &ir.out, move |c, x| {
                let numbers = [ir.options.scale, ir.options.softcap].map(|n| n.map(number));
                layers::attention(c, x, given, &ir.options, numbers)
            })
        }
        _ => Recorded::Unknown,
    }
}
