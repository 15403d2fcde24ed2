use super::Model;
use crate::StudyError;
use crate::error::Smaller;
use crate::memory::plan_memory;
use crate::report::Reporter;

/// How often parameters are held at least: in the network, and as they are stored.
const COPIES: u64 = 2;

impl Model {
    /// Plans the memory of the parameters of a network whose sizes are given: before it is built.
    ///
    /// # Errors
    /// As [`plan_memory`].
    pub(crate) fn plan(&self, reporter: &dyn Reporter) -> Result<(), StudyError> {
        let weights = self.given_weights().unwrap_or(0);
        let what = format!("a network of {weights} weights");
        let bytes = weights.saturating_mul(COPIES * size_of::<f32>() as u64);
        plan_memory(&what, bytes, Smaller::Network, reporter)
    }

    /// The same for samples in such a network: before a loss is evaluated.
    ///
    /// # Errors
    /// As [`plan_memory`].
    pub(crate) fn plan_samples(
        &self,
        samples: usize,
        reporter: &dyn Reporter,
    ) -> Result<(), StudyError> {
        let what = format!("a loss of {samples} samples in {self}");
        let bytes = self.evaluation_bytes(samples);
        plan_memory(&what, bytes, Smaller::Samples, reporter)
    }

    /// The same for networks of this kind that are trained side by side.
    ///
    /// # Errors
    /// As [`plan_memory`].
    pub(crate) fn plan_several(
        &self,
        count: usize,
        reporter: &dyn Reporter,
    ) -> Result<(), StudyError> {
        let whole = || {
            let layout = self.layout();
            let numbers = layout.iter().map(|tensor| tensor.data.len() as u64);
            numbers.sum::<u64>()
        };
        let weights = self.given_weights().unwrap_or_else(whole);
        let what = format!("the initial parameters of {count} networks");
        let bytes = weights.saturating_mul(count as u64 * size_of::<f32>() as u64);
        plan_memory(&what, bytes, Smaller::Networks, reporter)
    }
}
