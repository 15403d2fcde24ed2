//! Numbers of given shape.

use crate::error::ImportError;
use landscape_files::product;
use std::sync::Arc;

/// Numbers of a given shape, row-major: an input or the targets of all samples. Whole numbers are held as f32, exactly up to 2^24.
/// Clones, and the traces made of it, share them.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    shape: Vec<usize>,
    data: Arc<Vec<f32>>,
}

impl Array {
    /// Numbers that fill a shape.
    ///
    /// # Errors
    /// [`ImportError::Length`] where they do not.
    pub fn new(shape: impl Into<Vec<usize>>, data: Vec<f32>) -> Result<Self, ImportError> {
        Self::shared(shape, Arc::new(data))
    }

    /// As [`Self::new`], of numbers that whoever holds them keeps.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn shared(shape: impl Into<Vec<usize>>, data: Arc<Vec<f32>>) -> Result<Self, ImportError> {
        let shape = shape.into();
        match product(&shape) == Some(data.len()) {
            true => Ok(Self { shape, data }),
            false => Err(ImportError::Length {
                shape,
                values: data.len(),
            }),
        }
    }

    /// The first samples.
    pub(crate) fn first(&self, samples: usize) -> Self {
        let mut shape = self.shape.clone();
        let all = shape.first().copied().unwrap_or(0);
        let kept = samples.min(all);
        if let Some(first) = shape.first_mut() {
            *first = kept;
        }
        Self {
            data: Arc::new(self.data[..self.data.len() / all.max(1) * kept].to_vec()),
            shape,
        }
    }

    /// Lengths of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The numbers.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// The same, to be shared.
    pub(crate) fn numbers(&self) -> Arc<Vec<f32>> {
        Arc::clone(&self.data)
    }
}
