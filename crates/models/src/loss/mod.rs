//! Losses a sample, with PyTorch's definitions, as plain Burn tensor operations.

mod formulas;
mod targets;
mod tokens;

pub use formulas::{bce, bce_with_logits, cross_entropy, mse, soft_cross_entropy};
pub use targets::{TargetTensor, Targets};
pub(crate) use targets::{retain, whole};
pub use tokens::TokenTargets;

use burn::tensor::{Bool, Tensor};
use landscape_core::named;

/// Which loss is meant.
///
/// The mean of [`LossKind::per_sample`] over the samples is PyTorch's loss with its default
/// `reduction='mean'`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LossKind {
    /// Negative log likelihood of the class under the softmax of the outputs.
    CrossEntropy,
    /// Binary cross-entropy of the sigmoid of the outputs.
    BceWithLogits,
    /// Binary cross-entropy of outputs that are probabilities already.
    Bce,
    /// Squared difference, averaged over the outputs.
    Mse,
    /// What a program from a file gives: its output is the loss, its last input are the targets. No family has it.
    Program,
}

named!(LossKind, "loss", {
    CrossEntropy => "cross-entropy",
    BceWithLogits => "bce-with-logits",
    Bce => "bce",
    Mse => "mse",
    Program => "program",
});

/// PyTorch's mark of samples that cross-entropy leaves out (`ignore_index`).
pub const IGNORED: i64 = -100;

/// The loss that a network's outputs and the targets suggest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SuggestedLoss {
    /// The loss.
    pub kind: LossKind,
    /// What the targets are, in words.
    pub reason: &'static str,
    /// Whether anyone would expect it of targets in this form.
    pub usual: bool,
}

impl LossKind {
    /// The loss that a network's outputs and the targets suggest.
    ///
    /// | outputs | targets | loss |
    /// |---|---|---|
    /// | several | one whole number a sample, of whatever type | `cross-entropy`, of labels |
    /// | several | rows of as many numbers in [0, 1] that sum to 1, one-hot or not, of whatever type | `cross-entropy`, of class probabilities |
    /// | one | only 0 and 1 | `bce-with-logits` |
    /// | any | all others | `mse` |
    pub fn suggested(outputs: usize, targets: &Targets) -> SuggestedLoss {
        let binary = match targets {
            Targets::Classes(labels) => labels.iter().all(|&v| v == 0 || v == 1),
            Targets::Values { data, width } => {
                *width == 1 && data.iter().all(|&v| v == 0.0 || v == 1.0)
            }
            Targets::None(_) => false,
        };
        let suggest = |kind, reason, usual| SuggestedLoss {
            kind,
            reason,
            usual,
        };
        let whole = |data: &[f32]| data.iter().all(|v| v.fract() == 0.0);
        use LossKind::{BceWithLogits, CrossEntropy, Mse};
        match targets {
            _ if outputs == 1 && binary => {
                suggest(BceWithLogits, "one output and targets 0 and 1", true)
            }
            Targets::Classes(_) if outputs > 1 => suggest(CrossEntropy, "labels", true),
            Targets::Values { data, width: 1 } if outputs > 1 && whole(data) => {
                suggest(CrossEntropy, "labels, one whole number per sample", false)
            }
            Targets::Values { data, width } if outputs > 1 && *width == outputs => {
                match targets::rows(data, outputs) {
                    targets::Rows::OneHot => suggest(CrossEntropy, "one-hot rows", false),
                    targets::Rows::Probabilities => {
                        suggest(CrossEntropy, "rows of class probabilities", false)
                    }
                    targets::Rows::Values => {
                        let several = data.iter().all(|&v| v == 0.0 || v == 1.0);
                        match several {
                            true => {
                                suggest(Mse, "rows of zeros and ones that are not one-hot", false)
                            }
                            false => suggest(Mse, "values", true),
                        }
                    }
                }
            }
            _ => suggest(Mse, "values", !matches!(targets, Targets::Classes(_))),
        }
    }

    /// The loss of each sample, `[samples]`, of outputs `[samples, outputs]`; where targets are tokens, of
    /// `[samples * tokens, vocab]`, and the mean over the samples is that over all tokens that count.
    ///
    /// Targets made by [`Targets::suited_to`] are used as they are; others are converted as that
    /// function does it, without its checks.
    ///
    /// # Panics
    /// When outputs and targets differ in the number of samples, or of values a sample.
    pub fn per_sample(self, output: Tensor<2>, target: &TargetTensor) -> Tensor<1> {
        let outputs = output.dims()[1];
        match (self, target) {
            (_, TargetTensor::Tokens(tokens)) => tokens.per_sample(output),
            (LossKind::CrossEntropy, TargetTensor::Classes(labels)) => {
                cross_entropy(output, labels.clone())
            }
            (LossKind::CrossEntropy, TargetTensor::Values(y)) if y.dims()[1] == 1 => {
                cross_entropy(output, y.clone().squeeze_dim::<1>(1).int())
            }
            (LossKind::CrossEntropy, TargetTensor::Values(y)) => {
                soft_cross_entropy(output, y.clone())
            }
            (LossKind::BceWithLogits, _) => bce_with_logits(output, target.values(outputs)),
            (LossKind::Bce, _) => bce(output, target.values(outputs)),
            (LossKind::Mse, _) => mse(output, target.values(outputs)),
            (LossKind::Program, _) => output.mean_dim(1).squeeze_dim::<1>(1),
        }
    }

    /// Whether each sample is predicted right, `[samples]`, or each token, `[samples * tokens]`, but for those that do not
    /// count; nothing for a regression.
    ///
    /// - `cross-entropy`: the largest output stands at the label (the first of equals counts; for
    ///   class probabilities, at the most probable class);
    /// - `bce-with-logits`: every output is > 0 exactly where its target is > 1/2;
    /// - `bce`: every output is > 1/2 exactly where its target is.
    ///
    /// # Panics
    /// As [`LossKind::per_sample`].
    pub fn correct(self, output: Tensor<2>, target: &TargetTensor) -> Option<Tensor<1, Bool>> {
        let threshold = match self {
            LossKind::Mse | LossKind::Program => return None,
            LossKind::CrossEntropy => {
                let predicted = output.argmax(1).squeeze_dim::<1>(1);
                return Some(predicted.equal(target.classes()));
            }
            LossKind::BceWithLogits => 0.0,
            LossKind::Bce => 0.5,
        };
        let wanted = target.values(output.dims()[1]).greater_elem(0.5);
        let hits = output.greater_elem(threshold).equal(wanted);
        Some(hits.all_dim(1).squeeze_dim::<1>(1))
    }

    /// Whether [`LossKind::correct`] has an answer.
    pub fn has_accuracy(self) -> bool {
        !matches!(self, LossKind::Mse | LossKind::Program)
    }
}
