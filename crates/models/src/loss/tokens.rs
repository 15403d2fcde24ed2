//! The cross-entropy of tokens with the ones that follow.

use super::{IGNORED, cross_entropy};
use crate::host;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use landscape_trace::Loss;

/// The token that follows each, `[samples, tokens]`, on a device; [`IGNORED`] where none counts.
#[derive(Debug, Clone)]
pub struct TokenTargets {
    ids: Tensor<2, Int>,
    /// Whether some do not count.
    ignores: bool,
}

impl TokenTargets {
    /// Ids row by row, `tokens` a sample.
    pub(crate) fn new(ids: Vec<i64>, tokens: usize, device: &Device) -> Self {
        let shape = [ids.len() / tokens.max(1), tokens];
        TokenTargets {
            ignores: ids.contains(&IGNORED),
            ids: Tensor::from_data(TensorData::new(ids, shape), device),
        }
    }

    /// The ids.
    pub(crate) fn ids(&self) -> Tensor<2, Int> {
        self.ids.clone()
    }

    /// Some of them, or the same on another device.
    pub(crate) fn with_ids(&self, ids: Tensor<2, Int>) -> Self {
        TokenTargets {
            ids,
            ignores: self.ignores,
        }
    }

    /// Number of samples.
    pub(super) fn len(&self) -> usize {
        self.ids.dims()[0]
    }

    /// The ids one after the other, `[samples * tokens]`.
    pub(super) fn flat(&self) -> Tensor<1, Int> {
        let [samples, tokens] = self.ids.dims();
        self.ids().reshape([samples * tokens])
    }

    /// 1 for each token that counts, 0 for the others, `[samples * tokens]`; nothing where all count.
    fn counted(&self) -> Option<Tensor<1>> {
        let counted = || self.flat().not_equal_elem(IGNORED).float();
        self.ignores.then(counted)
    }

    /// The loss of each token, `[samples * tokens]`, of logits `[samples * tokens, vocab]`; 0 where none counts.
    fn losses(&self, logits: Tensor<2>) -> Tensor<1> {
        let Some(counted) = self.counted() else {
            return cross_entropy(logits, self.flat());
        };
        let none = self.flat().equal_elem(IGNORED);
        cross_entropy(logits, self.flat().mask_fill(none, 0)) * counted
    }

    /// Whether each token is predicted, `[samples * tokens]`; no where none counts.
    fn hits(&self, logits: Tensor<2>) -> Tensor<1, Bool> {
        logits.argmax(1).squeeze_dim::<1>(1).equal(self.flat())
    }

    /// The losses of each sample's tokens, summed: `[samples]`.
    pub(crate) fn sums(&self, logits: Tensor<2>) -> Tensor<1> {
        let each = self.losses(logits).reshape(self.ids.dims());
        each.sum_dim(1).squeeze_dim::<1>(1)
    }

    /// How many tokens of each sample count.
    pub(crate) fn counts(&self) -> Vec<f32> {
        let [samples, tokens] = self.ids.dims();
        match self.counted() {
            None => vec![tokens as f32; samples],
            Some(counted) => {
                let counted = counted.reshape([samples, tokens]);
                host::floats(counted.sum_dim(1).squeeze_dim::<1>(1))
            }
        }
    }

    /// A loss of each sample, `[samples]`, whose mean is that over all the tokens that count.
    pub(super) fn per_sample(&self, logits: Tensor<2>) -> Tensor<1> {
        let [samples, tokens] = self.ids.dims();
        let sums = self.sums(logits);
        match self.counted() {
            None => sums.div_scalar(tokens as f64),
            Some(counted) => sums / counted.sum().div_scalar(samples as f64),
        }
    }

    /// The mean loss and the share of tokens that are predicted, to be recorded.
    pub(crate) fn loss(&self, logits: Tensor<2>) -> Loss {
        let (each, hits) = (self.losses(logits.clone()), self.hits(logits));
        match self.counted() {
            None => Loss::new(each).with_correct(hits),
            Some(counted) => {
                let total = counted.sum();
                let hits = hits.float().sum() / total.clone();
                Loss::new(each.sum() / total).with_accuracy(hits)
            }
        }
    }
}
