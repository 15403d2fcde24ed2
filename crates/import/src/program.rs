//! A program from a file.

use crate::array::Array;
use crate::error::ImportError;
use crate::loss::Loss;
use crate::source::{Input, Operation, Output, Source};
use crate::{onnx, pt2};
use landscape_core::Params;
use landscape_files::{Budget, FileError};
use landscape_trace::Trace;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// A network from a file: what goes in and out, its parameters, and the operations between them.
pub struct Program {
    path: PathBuf,
    digest: String,
    source: Source,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program")
            .field("path", &self.path)
            .field("inputs", &self.source.inputs)
            .field("outputs", &self.source.outputs)
            .field("parameters", &self.source.params.len())
            .finish_non_exhaustive()
    }
}

impl Program {
    /// Reads a file: a program of `torch.export.save` or an ONNX model, told by what is in it.
    ///
    /// # Errors
    /// [`ImportError::File`], [`ImportError::Kind`].
    pub fn open(path: &Path) -> Result<Self, ImportError> {
        let file = |source: FileError| ImportError::File {
            path: path.to_owned(),
            source,
        };
        let bytes = landscape_files::read(path).map_err(|error| file(error.into()))?;
        let budget = Budget::new(bytes.len() as u64);
        let source = match pt2::is_program(&bytes) {
            true => pt2::read(&bytes, &budget).map_err(file)?,
            false if onnx::is_model(&bytes) => {
                onnx::read(&bytes, Some(path), &budget).map_err(file)?
            }
            false => {
                return Err(ImportError::Kind {
                    path: path.to_owned(),
                    found: "neither a program of torch.export nor an ONNX model".into(),
                    remedy: "export one with torch.export.save(torch.export.export(net, (x,)), \"net.pt2\")".into(),
                });
            }
        };
        Ok(Self {
            path: path.to_owned(),
            digest: format!("{:x}", Sha256::digest(&bytes)),
            source,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// SHA-256 of the file, in hexadecimal: equal exactly where the files are.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The inputs, in order.
    pub fn inputs(&self) -> &[Input] {
        &self.source.inputs
    }

    /// The outputs, in order.
    pub fn outputs(&self) -> &[Output] {
        &self.source.outputs
    }

    /// Parameters and buffers of floating-point numbers, by their own names and in their own layout.
    pub fn parameters(&self) -> &Params {
        &self.source.params
    }

    /// The operations, by name.
    pub fn operations(&self) -> &[Operation] {
        &self.source.operations
    }

    /// What the user should know: weights that were converted, training flags that are overruled, names that are gone.
    pub fn notes(&self) -> &[String] {
        &self.source.notes
    }

    /// The trace of a loss on data: inputs by their names, or in order where a name is empty, with the samples along axis 0.
    ///
    /// # Errors
    /// [`ImportError::Missing`], [`ImportError::Operation`], [`ImportError::Inputs`], [`ImportError::Targets`],
    /// [`ImportError::Trace`].
    pub fn trace(
        &self,
        _params: &Params,
        _inputs: &[(&str, Array)],
        _targets: Option<&Array>,
        _loss: Loss,
    ) -> Result<Trace, ImportError> {
        todo!()
    }
}
