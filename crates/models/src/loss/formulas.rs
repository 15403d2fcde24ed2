//! The formulas, each stable over the whole range of f32 and differentiable where the loss is.
//!
//! All take `[samples, outputs]` and give one loss a sample, `[samples]`; several outputs of one
//! sample are averaged where PyTorch's `reduction='mean'` averages over them. NaN stays NaN.

use burn::tensor::{Int, Tensor, activation};

/// `-log softmax(logits)[label]`, as `torch.nn.functional.cross_entropy`.
///
/// # Panics
/// When the number of labels is not the number of samples, or a label is outside the classes on a
/// device that checks it.
pub fn cross_entropy(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    activation::log_softmax(logits, 1)
        .gather(1, labels.unsqueeze_dim::<2>(1))
        .squeeze_dim::<1>(1)
        .neg()
}

/// `-sum_c p_c log softmax(logits)_c` for class probabilities `p`, as
/// `torch.nn.functional.cross_entropy` with floating-point targets.
///
/// # Panics
/// When the shapes differ.
pub fn soft_cross_entropy(logits: Tensor<2>, probabilities: Tensor<2>) -> Tensor<1> {
    (activation::log_softmax(logits, 1) * probabilities)
        .sum_dim(1)
        .squeeze_dim::<1>(1)
        .neg()
}

/// `log(1 + e^x) - x y`, as `torch.nn.functional.binary_cross_entropy_with_logits`.
///
/// Computed as `r - x y + log1p(exp(x - 2 r))` with `r = relu(x)`: `x - 2 r` is `-|x|` exactly, so
/// nothing overflows, a confident right answer keeps its small loss (no cancellation for targets 0
/// and 1), and the derivative is `sigmoid(x) - y` everywhere, also at `x = 0` where `relu` and `abs`
/// have none.
///
/// # Panics
/// When the shapes differ.
pub fn bce_with_logits(logits: Tensor<2>, y: Tensor<2>) -> Tensor<1> {
    let positive = activation::relu(logits.clone());
    let tail = (logits.clone() - positive.clone().mul_scalar(2.0))
        .exp()
        .log1p();
    let loss = positive - logits * y + tail;
    loss.mean_dim(1).squeeze_dim::<1>(1)
}

/// `-(y log p + (1 - y) log(1 - p))`, as `torch.nn.functional.binary_cross_entropy`: each logarithm
/// is at least -100, so that probabilities of exactly 0 and 1 have a finite loss.
///
/// A `p` outside [0, 1] has no loss: NaN. At `p` exactly 0 or 1 the clamped logarithm has derivative
/// 0 (PyTorch's derivative there is limited to 1e12 instead).
///
/// # Panics
/// When the shapes differ.
pub fn bce(p: Tensor<2>, y: Tensor<2>) -> Tensor<1> {
    let log_p = bounded_log(p.clone());
    let log_q = bounded_log1p(p.neg());
    let gain = log_p * y.clone() + log_q * y.neg().add_scalar(1.0);
    gain.neg().mean_dim(1).squeeze_dim::<1>(1)
}

/// `(output - y)^2`, as `torch.nn.functional.mse_loss`.
///
/// # Panics
/// When the shapes differ.
pub fn mse(output: Tensor<2>, y: Tensor<2>) -> Tensor<1> {
    let difference = output - y;
    (difference.clone() * difference)
        .mean_dim(1)
        .squeeze_dim::<1>(1)
}

/// The smallest logarithm that `bce` uses.
const LOG_FLOOR: f64 = -100.0;

/// `max(log x, -100)`.
///
/// A tensor that tracks gradients gets the same values with the infinite logarithm masked: without
/// the mask the derivative at 0 would be 0 (of the clamp) times infinity (of the logarithm).
fn bounded_log(x: Tensor<2>) -> Tensor<2> {
    if !x.is_autodiff() {
        return x.log().clamp_min(LOG_FLOOR);
    }
    let singular = x.clone().equal_elem(0.0);
    let log = x.mask_fill(singular.clone(), 1.0).log();
    log.clamp_min(LOG_FLOOR).mask_fill(singular, LOG_FLOOR)
}

/// `max(log(1 + x), -100)`, see [`bounded_log`].
fn bounded_log1p(x: Tensor<2>) -> Tensor<2> {
    if !x.is_autodiff() {
        return x.log1p().clamp_min(LOG_FLOOR);
    }
    let singular = x.clone().equal_elem(-1.0);
    let log = x.mask_fill(singular.clone(), 0.0).log1p();
    log.clamp_min(LOG_FLOOR).mask_fill(singular, LOG_FLOOR)
}
