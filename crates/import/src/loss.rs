//! Losses of outputs and targets, with PyTorch's definitions.

/// Which loss is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Loss {
    /// Negative log likelihood of the class under the softmax of the outputs: of labels, of which -100 is left out, or of class
    /// probabilities.
    CrossEntropy,
    /// Binary cross-entropy of the sigmoid of the outputs.
    BceWithLogits,
    /// Binary cross-entropy of outputs that are probabilities already.
    Bce,
    /// Squared difference, averaged over the outputs.
    Mse,
    /// The first output is the loss: one number, or one for each sample.
    Program,
}
