//! One named input of a network.

use std::sync::Arc;

/// The values of one input for all samples. Clones share them.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) values: Arc<Vec<f32>>,
}

impl Input {
    /// An input of `shape` `[samples, ...]`, row-major. [`Dataset::with_inputs`](super::Dataset::with_inputs) checks it.
    pub fn new(name: impl Into<String>, shape: Vec<usize>, values: Vec<f32>) -> Self {
        let name = name.into();
        Input {
            name,
            shape,
            values: Arc::new(values),
        }
    }

    /// What it is called: `x` where a network has one input that nobody named.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Lengths of the axes, samples first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Lengths of the axes of one sample; none where a sample is one number.
    pub fn sample_shape(&self) -> &[usize] {
        self.shape.get(1..).unwrap_or_default()
    }

    /// Values in one sample.
    pub fn features(&self) -> usize {
        self.sample_shape().iter().product()
    }

    /// The values, row-major.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The same, to be shared by what is made of them.
    pub fn shared(&self) -> Arc<Vec<f32>> {
        Arc::clone(&self.values)
    }

    /// The values as whole numbers, for token ids and the like; `None` where one is not whole, or is beyond 2^24, so that
    /// it may have been rounded.
    pub fn integers(&self) -> Option<Vec<i64>> {
        crate::loss::whole(&self.values)
    }
}
