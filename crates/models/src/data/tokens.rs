//! Data of token ids, and what a language model asks of them.

use super::Dataset;
use crate::layers::Tokens;
use crate::loss::{IGNORED, TokenTargets};
use crate::{LossKind, ModelSpec, ModelsError, TargetTensor, Targets};
use burn::tensor::Device;

impl Dataset {
    /// With the number of tokens that there are, of which these data need not have all.
    #[must_use]
    pub fn with_vocabulary(mut self, tokens: usize) -> Self {
        self.vocabulary = Some(tokens);
        self
    }

    /// What a language model has to take for these data: as many tokens as there are, or as the largest id of inputs and
    /// targets says, and samples of their length; `None` where the inputs are not ids `[n, tokens]`, whole numbers from 0.
    pub fn tokens(&self) -> Option<Tokens> {
        let [input] = self.named_inputs() else {
            return None;
        };
        let &[context] = input.sample_shape() else {
            return None;
        };
        let ids = input.integers()?;
        let targets = self.y().integers().unwrap_or_default();
        let largest = ids.iter().chain(&targets).max()?;
        let known = self.vocabulary.unwrap_or(0);
        let vocab = usize::try_from(largest + 1).ok()?.max(known).max(2);
        ids.iter()
            .all(|&id| id >= 0)
            .then_some(Tokens { vocab, context })
    }

    /// Checks that a language model takes these inputs.
    pub(super) fn check_tokens(
        &self,
        spec: &ModelSpec,
        Tokens { vocab, context }: Tokens,
    ) -> Result<(), ModelsError> {
        let input = &self.named_inputs()[0];
        let &[length] = input.sample_shape() else {
            return Err(self.no_tokens(
                spec,
                format!(
                    "its samples have the shape {:?}, and those of token ids are rows [tokens]; use a network that takes \
                     values, such as resnet20 for images",
                    input.sample_shape()
                ),
            ));
        };
        self.check_ids(spec, input.values(), length, vocab)?;
        if length > context {
            return Err(self.no_tokens(
                spec,
                format!(
                    "its samples have {length} tokens, and the context of the network is {context}; give \
                     context={length} (without `context` it follows from the data), or shorter samples"
                ),
            ));
        }
        Ok(())
    }

    /// Whether all are whole numbers below `vocab`.
    fn check_ids(
        &self,
        spec: &ModelSpec,
        ids: &[f32],
        length: usize,
        vocab: usize,
    ) -> Result<(), ModelsError> {
        let place = |at: usize| format!("token {} of sample {}", at % length, at / length);
        let wrong = |id: f32| id.fract() != 0.0 || id < 0.0;
        if let Some(at) = ids.iter().position(|&id| wrong(id)) {
            return Err(self.no_tokens(
                spec,
                format!(
                    "{} is {}, and token ids are whole numbers from 0; use a network that takes values, such as \
                     mlp:{length}-16-10",
                    place(at),
                    ids[at]
                ),
            ));
        }
        match ids.iter().position(|&id| id >= vocab as f32) {
            None => Ok(()),
            Some(at) => Err(self.outside(spec, &place(at), ids[at] as i64, vocab)),
        }
    }

    /// An id that the network does not know.
    fn outside(&self, spec: &ModelSpec, place: &str, id: i64, vocab: usize) -> ModelsError {
        let enough = self.tokens().map_or(vocab, |tokens| tokens.vocab);
        self.no_tokens(
            spec,
            format!(
                "{place} is {id}, outside the vocabulary of {vocab} tokens, 0 to {}; give vocab={enough} (without \
                 `vocab` it follows from the data)",
                vocab - 1
            ),
        )
    }

    pub(super) fn no_tokens(&self, spec: &ModelSpec, reason: String) -> ModelsError {
        ModelsError::Tokens {
            model: spec.to_string(),
            name: self.name().to_owned(),
            reason,
        }
    }

    /// The targets of a language model on a device, checked: the token that follows each, or -100 for none.
    pub(super) fn token_targets(
        &self,
        loss: LossKind,
        spec: &ModelSpec,
        vocab: usize,
        device: &Device,
    ) -> Result<TargetTensor, ModelsError> {
        let unsuited = |reason: &str| ModelsError::Targets {
            name: self.name().to_owned(),
            loss: loss.name(),
            reason: reason.to_owned(),
        };
        if loss != LossKind::CrossEntropy {
            return Err(unsuited(
                "a language model predicts which token follows each; use cross-entropy",
            ));
        }
        if matches!(self.y(), Targets::None(_)) {
            return Err(unsuited(
                "there are no targets; leave `y=none` out, and the target of each token is the next one",
            ));
        }
        let labels = self.y().integers().ok_or_else(|| {
            unsuited("its targets are not token ids, which are whole numbers from 0; name the array that holds them, y=ARRAY")
        })?;
        let length = self.features();
        if labels.len() != self.len() * length {
            return Err(unsuited(&format!(
                "its samples have {length} tokens and {} targets each, and each token has one: the id of the token that \
                 follows, or -100 for none",
                labels.len() / self.len()
            )));
        }
        let wrong = |&id: &i64| id != IGNORED && usize::try_from(id).map_or(true, |id| id >= vocab);
        match labels.iter().position(wrong) {
            Some(at) => {
                let place = format!("target {} of sample {}", at % length, at / length);
                Err(self.outside(spec, &place, labels[at], vocab))
            }
            None => Ok(TargetTensor::Tokens(TokenTargets::new(
                labels, length, device,
            ))),
        }
    }
}
