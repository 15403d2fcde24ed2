//! Units of one network in the order of another's.

use super::context::EvaluationContext;
use super::profile::check_finite;
use crate::StudyError;
use landscape_core::alignment::{
    Matching as Matched, PermutationSpec, match_activations, match_weights, settle_ties,
};
use landscape_core::{Params, named};

/// By what units are told to be alike: the two of Ainsworth et al., *Git Re-Basin: Merging Models
/// modulo Permutation Symmetries*, ICLR 2023, that have an exact or convergent solution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Matching {
    /// By their weights; no data are needed.
    #[default]
    Weights,
    /// By what they do on the data, and by their weights where that is the same.
    Activations,
}

named!(Matching, "matching of units", {
    Weights => "weights": "Their weights",
    Activations => "activations": "What they do on the data",
});

/// A network whose units were put in the order of another's.
#[derive(Debug, Clone, PartialEq)]
pub struct Aligned {
    /// Its parameters and buffers: the same function as before.
    pub params: Params,
    /// What can be permuted.
    pub spec: PermutationSpec,
    /// The permutations, and how well they match.
    pub matching: Matched,
}

impl EvaluationContext {
    /// Permutes the units of `b` for those of `a`, so that the line between both is as low as
    /// permutations can make it. Measure it before and after with [`EvaluationContext::line`]. `seed` is the order in
    /// which weight matching looks at the layers.
    ///
    /// # Errors
    /// [`StudyError::NoUnits`] where the network has nothing that can be permuted; when one of the
    /// networks does not have its parameters, or has such that are not finite.
    pub fn align(
        &self,
        a: &Params,
        b: &Params,
        by: Matching,
        seed: u64,
    ) -> Result<Aligned, StudyError> {
        a.same_layout(b)?;
        check_finite(&[a.clone(), b.clone()])?;
        let spec = self.trace().permutations();
        if spec.groups.is_empty() {
            let model = self.model().to_string();
            return Err(StudyError::NoUnits { model });
        }
        let matching = match by {
            Matching::Weights => match_weights(&spec, a, b, seed)?,
            Matching::Activations => {
                let correlations = self.trace().correlations(a, b)?;
                let matching = match_activations(&spec, &correlations)?;
                settle_ties(&spec, a, b, &correlations, matching)?
            }
        };
        Ok(Aligned {
            params: spec.apply(b, &matching.permutations)?,
            spec,
            matching,
        })
    }
}
