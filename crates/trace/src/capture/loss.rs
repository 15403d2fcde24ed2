//! What a loss closure returns.

use burn::tensor::{Bool, Tensor};

/// The loss of a batch, in parts that are kept apart: the data loss, which predictions are
/// correct, and further terms with their weights.
#[derive(Clone, Debug)]
pub struct Loss {
    pub(crate) data: Tensor<1>,
    pub(crate) correct: Option<Tensor<1, Bool>>,
    pub(crate) accuracy: Option<Tensor<1>>,
    pub(crate) terms: Vec<(String, f64, Tensor<1>)>,
}

impl Loss {
    /// The data loss: one number a sample (`[n]`), or one a row of a sample, such as a token (`[n rows]`), or their
    /// mean (`[1]`).
    ///
    /// The standard error of the mean over the data is known where the loss is given sample by
    /// sample, and where it is a multiple of a mean over samples, as Burn's losses are.
    pub fn new(data: Tensor<1>) -> Self {
        Self {
            data,
            correct: None,
            accuracy: None,
            terms: Vec::new(),
        }
    }

    /// Which samples are predicted correctly, `[n]`; their share is the accuracy.
    pub fn with_correct(mut self, correct: Tensor<1, Bool>) -> Self {
        self.correct = Some(correct);
        self
    }

    /// The accuracy itself, `[1]`, where it is not the share of all samples, but that of what counts among them. It stands
    /// before [`Loss::with_correct`].
    pub fn with_accuracy(mut self, accuracy: Tensor<1>) -> Self {
        self.accuracy = Some(accuracy);
        self
    }

    /// A further term of the objective, `[1]`, such as a regulariser. It is stored beside the data
    /// loss, unweighted; the total is the data loss plus `weight` times the term.
    pub fn with_term(mut self, name: impl Into<String>, weight: f64, term: Tensor<1>) -> Self {
        self.terms.push((name.into(), weight, term));
        self
    }

    /// The data loss, the correct predictions and the unweighted terms.
    pub fn parts(self) -> (Tensor<1>, Option<Tensor<1, Bool>>, Vec<Tensor<1>>) {
        let terms = self.terms.into_iter().map(|(_, _, term)| term).collect();
        (self.data, self.correct, terms)
    }
}
