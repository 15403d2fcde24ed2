//! Which recorded Burn operation becomes which operation of a graph.

use super::Operation;
use super::batch_norm::BatchNorm;
use super::binary::Binary;
use super::composed::Build;
use super::composed_table;
use super::conv::Conv2d;
use super::embedding::Embedding;
use super::gather::Gather;
use super::layer_norm::LayerNorm;
use super::matmul::Matmul;
use super::pool::{Pool2d, Pooling};
use super::reduce::{Reduce, Reduction};
use super::select::MaskWhere;
use super::shape::{Expand, Permute, Reshape, Slice};
use super::softmax::Softmax;
use super::unary::Unary;
use burn_ir::{
    ActivationOperationIr as A, BaseOperationIr as B, BoolOperationIr as L, FloatOperationIr as F,
    IntOperationIr as I, ModuleOperationIr as M, NumericOperationIr as N, OperationIr, ScalarIr,
    TensorIr,
};
use std::sync::LazyLock;

/// The names of all operations that both executors know, sorted; for documentation and messages.
pub static SUPPORTED: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let mut names = [Unary::NAMES, OTHERS, composed_table::NAMES].concat();
    names.sort_unstable();
    names
});

/// The names of the operations that are not functions of one number.
const OTHERS: &[&str] = &[
    "adaptive_avg_pool",
    "adaptive_avg_pool2d",
    "add",
    "and",
    "argmax",
    "argmin",
    "argsort",
    "atan2",
    "avg_pool2d",
    "batch_norm",
    "bitwise_and",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "cat",
    "conv2d",
    "conv_transpose2d",
    "cross",
    "cross_entropy",
    "cumsum",
    "div",
    "embedding",
    "equal",
    "expand",
    "flip",
    "gather",
    "greater",
    "greater_equal",
    "hypot",
    "int_div",
    "interpolate",
    "layer_norm",
    "log_softmax",
    "lower",
    "lower_equal",
    "mask_where",
    "matmul",
    "max",
    "max_dim",
    "max_pool2d",
    "mean",
    "mean_dim",
    "min",
    "min_dim",
    "mul",
    "not_equal",
    "or",
    "pad",
    "permute",
    "powf",
    "remainder",
    "repeat_dim",
    "reshape",
    "select",
    "slice",
    "softmax",
    "sub",
    "sum",
    "sum_dim",
    "unfold",
    "unfold4d",
];

/// A recorded operation in the terms of a graph.
pub(crate) enum Recorded<'a> {
    /// An operation with its inputs and its output.
    Operation(Box<dyn Operation>, Vec<&'a TensorIr>, &'a TensorIr),
    /// Several operations, with the inputs of the first and the outputs of the last.
    Composed(Build<'a>, Vec<&'a TensorIr>, Vec<&'a TensorIr>),
    /// An operation whose last input is one number for all elements.
    WithScalar(Box<dyn Operation>, Vec<&'a TensorIr>, f64, &'a TensorIr),
    /// A tensor of one repeated number.
    Filled(&'a TensorIr, f64),
    /// A tensor of random numbers.
    Random(&'a TensorIr, burn_backend::Distribution),
    /// Nothing to compute: values that were given, tensors that are dropped.
    Nothing,
    /// A whole number that f32, in which integers are computed too, would round.
    Rounded(i64),
    /// Not in the table.
    Unknown,
}

/// Looks `operation` up.
pub(crate) fn convert(operation: &OperationIr) -> Recorded<'_> {
    match operation {
        OperationIr::Init(_) | OperationIr::Drop(_) => Recorded::Nothing,
        OperationIr::BaseFloat(op) | OperationIr::BaseInt(op) => base(op, true),
        OperationIr::BaseBool(op) => bool_base(op),
        OperationIr::NumericFloat(_, op) => numeric(op, false),
        OperationIr::NumericInt(_, op) => numeric(op, true),
        OperationIr::Float(_, op) => float(op),
        OperationIr::Activation(op) => activation(op),
        OperationIr::Int(op) => int(op),
        OperationIr::Bool(op) => bool(op),
        OperationIr::Module(op) => module(op),
        _ => Recorded::Unknown,
    }
}

/// Operations of whole numbers.
fn int(op: &I) -> Recorded<'_> {
    match op {
        I::IntoFloat(op) => unary(Unary::Identity, &op.input, &op.out),
        I::BitwiseAnd(ir) => binary(Binary::BitAnd, ir),
        I::BitwiseOr(ir) => binary(Binary::BitOr, ir),
        I::BitwiseXor(ir) => binary(Binary::BitXor, ir),
        I::BitwiseAndScalar(ir) => bits(Binary::BitAnd, ir),
        I::BitwiseOrScalar(ir) => bits(Binary::BitOr, ir),
        I::BitwiseXorScalar(ir) => bits(Binary::BitXor, ir),
        I::BitwiseLeftShift(ir) => binary(Binary::ShiftLeft, ir),
        I::BitwiseRightShift(ir) => binary(Binary::ShiftRight, ir),
        I::BitwiseLeftShiftScalar(ir) => bits(Binary::ShiftLeft, ir),
        I::BitwiseRightShiftScalar(ir) => bits(Binary::ShiftRight, ir),
        op => composed_table::int(op),
    }
}

/// Of bits with those of one number.
fn bits(operation: Binary, ir: &burn_ir::ScalarOpIr) -> Recorded<'_> {
    match number(ir.rhs) {
        x if is_rounded(x as i64) => Recorded::Rounded(x as i64),
        x => Recorded::WithScalar(Box::new(operation), vec![&ir.lhs], x, &ir.out),
    }
}

/// The layers that Burn records whole.
fn module(op: &M) -> Recorded<'_> {
    match op {
        // Burn records linear layers as products and sums, which stay affine in the point one by one. Taken
        // whole, a layer whose bias does not move would be computed anew at every point, unseen.
        M::Linear(_) => Recorded::Unknown,
        M::Conv2d(op) => {
            let mut inputs = vec![&op.x, &op.weight];
            inputs.extend(op.bias.as_ref());
            let conv = Conv2d {
                stride: op.options.stride,
                padding: op.options.padding,
                dilation: op.options.dilation,
                groups: op.options.groups,
                bias: op.bias.is_some(),
                residual: false,
                relu: false,
                transformed: false,
            };
            Recorded::Operation(Box::new(conv), inputs, &op.out)
        }
        M::BatchNorm(op) => {
            let inputs = vec![&op.x, &op.gamma, &op.beta, &op.mean, &op.variance];
            let norm = BatchNorm {
                epsilon: number(op.epsilon),
                relu: false,
                // Burn records none; this is the usual one of its layers, as of PyTorch's.
                momentum: 0.1,
            };
            Recorded::Operation(Box::new(norm), inputs, &op.out)
        }
        M::LayerNorm(op) => {
            let mut inputs = vec![&op.input, &op.gamma];
            inputs.extend(op.beta.as_ref());
            let norm = LayerNorm {
                epsilon: number(op.epsilon),
            };
            Recorded::Operation(Box::new(norm), inputs, &op.out)
        }
        M::Embedding(op) => {
            let inputs = vec![&op.weights, &op.indices];
            Recorded::Operation(Box::new(Embedding), inputs, &op.out)
        }
        op => pool(op),
    }
}

fn pool(op: &M) -> Recorded<'_> {
    let (pool, x, out) = match op {
        M::MaxPool2d(op) => (
            Pool2d {
                pooling: Pooling::Max {
                    dilation: op.dilation,
                },
                kernel: op.kernel_size,
                stride: op.stride,
                padding: op.padding,
                ceil: op.ceil_mode,
            },
            &op.x,
            &op.out,
        ),
        M::AvgPool2d(op) => (
            Pool2d {
                pooling: Pooling::Average {
                    padded: op.count_include_pad,
                },
                kernel: op.kernel_size,
                stride: op.stride,
                padding: op.padding,
                ceil: op.ceil_mode,
            },
            &op.x,
            &op.out,
        ),
        M::AdaptiveAvgPool2d(op) => (
            Pool2d {
                pooling: Pooling::Adaptive,
                kernel: [0, 0],
                stride: [1, 1],
                padding: [0, 0],
                ceil: false,
            },
            &op.x,
            &op.out,
        ),
        op => return composed_table::module(op),
    };
    Recorded::Operation(Box::new(pool), vec![x], out)
}

fn unary<'a>(op: Unary, input: &'a TensorIr, out: &'a TensorIr) -> Recorded<'a> {
    Recorded::Operation(Box::new(op), vec![input], out)
}

fn binary(op: Binary, ir: &burn_ir::BinaryOpIr) -> Recorded<'_> {
    Recorded::Operation(Box::new(op), vec![&ir.lhs, &ir.rhs], &ir.out)
}

fn scalar(ir: &burn_ir::ScalarOpIr, op: impl Fn(f64) -> Unary) -> Recorded<'_> {
    match rounded(ir.rhs, &ir.lhs) {
        Some(value) => Recorded::Rounded(value),
        None => unary(op(number(ir.rhs)), &ir.lhs, &ir.out),
    }
}

fn reduce(reduction: Reduction, ir: &burn_ir::ReduceOpIr) -> Recorded<'_> {
    Recorded::Operation(
        Box::new(Reduce {
            reduction,
            axis: None,
        }),
        vec![&ir.input],
        &ir.out,
    )
}

fn reduce_dim(reduction: Reduction, ir: &burn_ir::ReduceDimOpIr) -> Recorded<'_> {
    let op = Reduce {
        reduction,
        axis: Some(ir.axis),
    };
    Recorded::Operation(Box::new(op), vec![&ir.input], &ir.out)
}

/// The number, where it belongs to a tensor of whole numbers and f32 would round it.
fn rounded(value: ScalarIr, tensor: &TensorIr) -> Option<i64> {
    let value = match value {
        ScalarIr::Int(x) => x,
        ScalarIr::UInt(x) => i64::try_from(x).unwrap_or(i64::MAX),
        ScalarIr::Float(_) | ScalarIr::Bool(_) => return None,
    };
    let whole = tensor.dtype.is_int() || tensor.dtype.is_uint();
    (whole && is_rounded(value)).then_some(value)
}

/// Whether f32 does not hold a whole number: some beyond 2^24.
pub(crate) fn is_rounded(value: i64) -> bool {
    value as f32 as i128 != i128::from(value)
}

pub(super) fn number(value: ScalarIr) -> f64 {
    match value {
        ScalarIr::Float(x) => x,
        ScalarIr::Int(x) => x as f64,
        ScalarIr::UInt(x) => x as f64,
        ScalarIr::Bool(x) => f64::from(u8::from(x)),
    }
}

/// `numbers`: of numbers, not of booleans.
fn base(op: &B, numbers: bool) -> Recorded<'_> {
    match op {
        B::Reshape(ir) => Recorded::Operation(Box::new(Reshape), vec![&ir.input], &ir.out),
        B::Expand(ir) => Recorded::Operation(Box::new(Expand), vec![&ir.input], &ir.out),
        B::RepeatDim(ir) if ir.tensor.shape[ir.dim] == 1 => {
            Recorded::Operation(Box::new(Expand), vec![&ir.tensor], &ir.out)
        }
        B::RepeatDim(ir) if ir.times == 1 => unary(Unary::Identity, &ir.tensor, &ir.out),
        B::SwapDims(ir) => {
            let mut axes: Vec<usize> = (0..ir.out.shape.num_dims()).collect();
            axes.swap(ir.dim1, ir.dim2);
            Recorded::Operation(Box::new(Permute { axes }), vec![&ir.input], &ir.out)
        }
        B::Permute(ir) => {
            let op = Permute {
                axes: ir.axes.clone(),
            };
            Recorded::Operation(Box::new(op), vec![&ir.input], &ir.out)
        }
        B::Slice(ir) => slice(ir),
        B::Cat(ir) if ir.tensors.len() == 1 => unary(Unary::Identity, &ir.tensors[0], &ir.out),
        B::Gather(ir) if ir.dim > 0 || ir.tensor.shape.num_dims() > 1 => {
            let op = Gather { axis: ir.dim };
            Recorded::Operation(Box::new(op), vec![&ir.tensor, &ir.indices], &ir.out)
        }
        B::MaskWhere(ir) => {
            let inputs = vec![&ir.tensor, &ir.mask, &ir.value];
            Recorded::Operation(Box::new(MaskWhere), inputs, &ir.out)
        }
        B::MaskFill(ir) => match rounded(ir.value, &ir.tensor) {
            Some(value) => Recorded::Rounded(value),
            None => {
                let inputs = vec![&ir.tensor, &ir.mask];
                Recorded::WithScalar(Box::new(MaskWhere), inputs, number(ir.value), &ir.out)
            }
        },
        B::Equal(ir) => binary(Binary::Equal, ir),
        B::NotEqual(ir) => binary(Binary::NotEqual, ir),
        B::EqualElem(ir) => scalar(ir, Unary::EqualScalar),
        B::NotEqualElem(ir) => scalar(ir, Unary::NotEqualScalar),
        B::Cast(ir) if ir.out.dtype.is_float() || !ir.input.dtype.is_float() => {
            unary(Unary::Identity, &ir.input, &ir.out)
        }
        B::Cast(ir) => unary(Unary::Truncate, &ir.input, &ir.out),
        B::Ones(ir) => Recorded::Filled(&ir.out, 1.0),
        B::Zeros(ir) => Recorded::Filled(&ir.out, 0.0),
        op => composed_table::base(op, numbers),
    }
}

/// Booleans are 0 and 1: `all` is their minimum, `any` their maximum.
fn bool_base(op: &B) -> Recorded<'_> {
    match op {
        B::All(ir) => reduce(Reduction::Min, ir),
        B::Any(ir) => reduce(Reduction::Max, ir),
        B::AllDim(ir) => reduce_dim(Reduction::Min, ir),
        B::AnyDim(ir) => reduce_dim(Reduction::Max, ir),
        op => base(op, false),
    }
}

fn slice(ir: &burn_ir::SliceOpIr) -> Recorded<'_> {
    let shape: Vec<usize> = ir.tensor.shape.iter().copied().collect();
    match composed_table::starts(&ir.ranges, &shape) {
        Some(ranges) => Recorded::Operation(Box::new(Slice { ranges }), vec![&ir.tensor], &ir.out),
        None => Recorded::Unknown,
    }
}

fn numeric(op: &N, int: bool) -> Recorded<'_> {
    match op {
        N::Add(ir) => binary(Binary::Add, ir),
        N::Sub(ir) => binary(Binary::Sub, ir),
        N::Mul(ir) => binary(Binary::Mul, ir),
        N::Div(ir) if int => binary(Binary::IntDiv, ir),
        N::Div(ir) => binary(Binary::Div, ir),
        N::Rem(ir) => binary(Binary::Remainder, ir),
        N::RemScalar(ir) => scalar(ir, Unary::RemainderScalar),
        N::AddScalar(ir) => scalar(ir, Unary::AddScalar),
        N::SubScalar(ir) => scalar(ir, |c| Unary::AddScalar(-c)),
        N::MulScalar(ir) => scalar(ir, Unary::MulScalar),
        N::DivScalar(ir) if int => scalar(ir, Unary::IntDivScalar),
        N::DivScalar(ir) => scalar(ir, Unary::DivScalar),
        N::Abs(ir) => unary(Unary::Abs, &ir.input, &ir.out),
        N::Neg(ir) => unary(Unary::Neg, &ir.input, &ir.out),
        N::Sign(ir) => unary(Unary::Sign, &ir.input, &ir.out),
        N::Full(ir) => match rounded(ir.value, &ir.out) {
            Some(value) => Recorded::Rounded(value),
            None => Recorded::Filled(&ir.out, number(ir.value)),
        },
        N::IntRandom(_) => Recorded::Unknown,
        N::Sum(ir) => reduce(Reduction::Sum, ir),
        N::Mean(ir) if !int => reduce(Reduction::Mean, ir),
        N::Max(ir) => reduce(Reduction::Max, ir),
        N::Min(ir) => reduce(Reduction::Min, ir),
        N::SumDim(ir) => reduce_dim(Reduction::Sum, ir),
        N::MeanDim(ir) if !int => reduce_dim(Reduction::Mean, ir),
        N::MaxDim(ir) => reduce_dim(Reduction::Max, ir),
        N::MinDim(ir) => reduce_dim(Reduction::Min, ir),
        N::ArgMax(ir) => reduce_dim(Reduction::ArgMax, ir),
        N::ArgMin(ir) => reduce_dim(Reduction::ArgMin, ir),
        N::Greater(ir) => binary(Binary::Greater, ir),
        N::GreaterEqual(ir) => binary(Binary::GreaterEqual, ir),
        N::Lower(ir) => binary(Binary::Lower, ir),
        N::LowerEqual(ir) => binary(Binary::LowerEqual, ir),
        N::GreaterElem(ir) => scalar(ir, Unary::GreaterScalar),
        N::GreaterEqualElem(ir) => scalar(ir, Unary::GreaterEqualScalar),
        N::LowerElem(ir) => scalar(ir, Unary::LowerScalar),
        N::LowerEqualElem(ir) => scalar(ir, Unary::LowerEqualScalar),
        N::Clamp(ir) => unary(
            Unary::Clamp(number(ir.min), number(ir.max)),
            &ir.tensor,
            &ir.out,
        ),
        N::ClampMin(ir) => scalar(ir, |c| Unary::Clamp(c, f64::INFINITY)),
        N::ClampMax(ir) => scalar(ir, |c| Unary::Clamp(f64::NEG_INFINITY, c)),
        N::PowiScalar(ir) => scalar(ir, Unary::PowScalar),
        N::Powi(ir) => binary(Binary::Pow, ir),
        op => composed_table::numeric(op),
    }
}

fn float(op: &F) -> Recorded<'_> {
    match op {
        F::Matmul(ir) => Recorded::Operation(Box::new(Matmul), vec![&ir.lhs, &ir.rhs], &ir.out),
        F::Exp(ir) => unary(Unary::Exp, &ir.input, &ir.out),
        F::Log(ir) => unary(Unary::Log, &ir.input, &ir.out),
        F::Log1p(ir) => unary(Unary::Log1p, &ir.input, &ir.out),
        F::Erf(ir) => unary(Unary::Erf, &ir.input, &ir.out),
        F::Sqrt(ir) => unary(Unary::Sqrt, &ir.input, &ir.out),
        F::Recip(ir) => unary(Unary::Recip, &ir.input, &ir.out),
        F::Sin(ir) => unary(Unary::Sin, &ir.input, &ir.out),
        F::Cos(ir) => unary(Unary::Cos, &ir.input, &ir.out),
        F::Tan(ir) => unary(Unary::Tan, &ir.input, &ir.out),
        F::ArcSin(ir) => unary(Unary::Asin, &ir.input, &ir.out),
        F::ArcCos(ir) => unary(Unary::Acos, &ir.input, &ir.out),
        F::ArcTan(ir) => unary(Unary::Atan, &ir.input, &ir.out),
        F::Sinh(ir) => unary(Unary::Sinh, &ir.input, &ir.out),
        F::Cosh(ir) => unary(Unary::Cosh, &ir.input, &ir.out),
        F::ArcSinh(ir) => unary(Unary::Asinh, &ir.input, &ir.out),
        F::ArcCosh(ir) => unary(Unary::Acosh, &ir.input, &ir.out),
        F::ArcTanh(ir) => unary(Unary::Atanh, &ir.input, &ir.out),
        F::ArcTan2(ir) => binary(Binary::Atan2, ir),
        F::Hypot(ir) => binary(Binary::Hypot, ir),
        F::Round(ir) => unary(Unary::Round, &ir.input, &ir.out),
        F::Floor(ir) => unary(Unary::Floor, &ir.input, &ir.out),
        F::Ceil(ir) => unary(Unary::Ceil, &ir.input, &ir.out),
        F::Trunc(ir) => unary(Unary::Truncate, &ir.input, &ir.out),
        F::IsNan(ir) => unary(Unary::IsNan, &ir.input, &ir.out),
        F::IsInf(ir) => unary(Unary::IsInf, &ir.input, &ir.out),
        F::Tanh(ir) => unary(Unary::Tanh, &ir.input, &ir.out),
        F::IntoInt(ir) => unary(Unary::Truncate, &ir.input, &ir.out),
        F::PowfScalar(ir) => scalar(ir, Unary::PowScalar),
        F::Powf(ir) => binary(Binary::Pow, ir),
        F::Random(ir) => Recorded::Random(&ir.out, ir.distribution),
        op => composed_table::float(op),
    }
}

fn activation(op: &A) -> Recorded<'_> {
    match op {
        A::Relu(ir) => unary(Unary::Relu, &ir.input, &ir.out),
        A::Gelu(ir) => unary(Unary::Gelu, &ir.input, &ir.out),
        A::Sigmoid(ir) => unary(Unary::Sigmoid, &ir.input, &ir.out),
        A::LogSigmoid(ir) => unary(Unary::LogSigmoid, &ir.input, &ir.out),
        A::HardSigmoid(ir) => {
            let op = Unary::HardSigmoid(number(ir.alpha), number(ir.beta));
            unary(op, &ir.tensor, &ir.out)
        }
        A::LeakyRelu(ir) => scalar(ir, Unary::LeakyRelu),
        A::Softmax(ir) | A::LogSoftmax(ir) => {
            let op = Softmax {
                axis: ir.axis,
                log: matches!(op, A::LogSoftmax(_)),
            };
            Recorded::Operation(Box::new(op), vec![&ir.input], &ir.out)
        }
        op => composed_table::activation(op),
    }
}

fn bool(op: &L) -> Recorded<'_> {
    match op {
        L::IntoFloat(ir) | L::IntoInt(ir) => unary(Unary::Identity, &ir.input, &ir.out),
        L::Not(ir) => unary(Unary::Not, &ir.input, &ir.out),
        L::And(ir) => binary(Binary::And, ir),
        L::Or(ir) => binary(Binary::Or, ir),
        L::Xor(ir) => binary(Binary::NotEqual, ir),
    }
}
