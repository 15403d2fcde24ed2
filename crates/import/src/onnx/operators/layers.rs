//! Layers with weights, normalisations, pooling, attention and images of other sizes.

mod attention;
mod convolutions;
mod norms;
mod pools;
mod sizes;

use super::{Table, one};
use crate::lower::{Lowered, Lowering, Operand, Tensor};
use crate::onnx::run::Call;
use landscape_core::Role;
use landscape_trace::{Binary, Unary};

pub(super) const TABLE: Table = &[
    ("Conv", convolutions::conv),
    ("ConvTranspose", convolutions::conv_transpose),
    ("Col2Im", convolutions::assembled),
    ("Gemm", gemm),
    ("MatMul", |l, c| one(l.matmul(c.tensor(0)?, c.tensor(1)?))),
    ("Einsum", |l, c| {
        let values = c
            .inputs
            .iter()
            .map(|x| x.tensor().cloned())
            .collect::<Lowered<Vec<_>>>()?;
        one(l.einsum(c.text("equation", ""), &values))
    }),
    ("MaxPool", pools::max),
    ("AveragePool", pools::average),
    ("LpPool", pools::norm),
    ("BatchNormalization", norms::batch),
    ("InstanceNormalization", norms::instance),
    ("GroupNormalization", norms::group),
    ("LayerNormalization", norms::layer),
    ("RMSNormalization", norms::rms),
    ("LRN", norms::local_response),
    ("Attention", attention::attention),
    ("RotaryEmbedding", attention::rotary),
    ("Resize", sizes::resize),
    ("Upsample", sizes::upsample),
    ("GridSample", sizes::grid_sample),
    ("AffineGrid", sizes::affine_grid),
];

/// Of onnxruntime.
pub(super) const CONTRIBUTED: Table = &[
    ("FusedMatMul", fused),
    ("SkipLayerNormalization", norms::skip),
    ("SimplifiedLayerNormalization", norms::rms),
];

/// `alpha a b + beta c`, of matrices that may be transposed.
fn gemm(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let turned = |l: &mut Lowering, position: usize, name: &str| match c.int(name, 0) {
        0 => Ok(c.tensor(position)?.clone()),
        _ => l.transpose(c.tensor(position)?, 0, 1),
    };
    let (alpha, beta) = (c.float("alpha", 1.0), c.float("beta", 1.0));
    let a = turned(l, 0, "transA")?;
    if c.int("transB", 0) != 0 && alpha == 1.0 && (beta == 1.0 || c.optional(2).is_none()) {
        let bias = c.optional(2).filter(|bias| l.rank(bias) <= 1);
        let product = l.linear(&a, c.tensor(1)?, bias)?;
        return one(match (bias, c.optional(2)) {
            (None, Some(other)) => l.binary(Binary::Add, &product, other),
            _ => Ok(product),
        });
    }
    let b = turned(l, 1, "transB")?;
    one(match c.optional(2) {
        Some(other) => l.sum_with_product(other, &a, &b, [beta, alpha]),
        None => {
            let product = l.matmul(&a, &b)?;
            Ok(scaled(l, product, alpha))
        }
    })
}

fn scaled(l: &mut Lowering, x: Tensor, factor: f64) -> Tensor {
    match factor == 1.0 {
        true => x,
        false => l.unary(Unary::MulScalar(factor), &x),
    }
}

fn fused(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let turned = |l: &mut Lowering, position: usize, name: &str| match c.int(name, 0) {
        0 => Ok(c.tensor(position)?.clone()),
        _ => l.transpose(c.tensor(position)?, -1, -2),
    };
    let (a, b) = (turned(l, 0, "transA")?, turned(l, 1, "transB")?);
    let product = l.matmul(&a, &b)?;
    one(Ok(scaled(l, product, c.float("alpha", 1.0))))
}

/// What a vector is for that enters a sum or a product of values: a bias, or a scale.
pub(super) fn vector_role(l: &mut Lowering, c: &Call, role: Role) {
    for x in c.inputs.iter().filter_map(|x| x.tensor().ok()) {
        if l.rank(x) == 1 {
            l.role(x, role);
        }
    }
}
