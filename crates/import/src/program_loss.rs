//! A program and the loss of its outputs.

use crate::array::Array;
use crate::error::ImportError;
use crate::loss::{Loss, Penalty};
use crate::program::Program;
use landscape_core::Params;
use landscape_trace::Trace;

/// A program whose outputs have a loss: all but the data.
#[derive(Debug)]
pub struct ProgramLoss {
    program: Program,
    loss: Loss,
    penalties: Vec<Penalty>,
    params: Option<Params>,
}

impl Program {
    /// The program with a loss of its outputs; [`Loss::Program`] where the first output is the loss.
    pub fn with_loss(self, loss: Loss) -> ProgramLoss {
        ProgramLoss {
            program: self,
            loss,
            penalties: Vec::new(),
            params: None,
        }
    }
}

impl ProgramLoss {
    /// With other parameters than those in the file, of the same names and shapes.
    #[must_use]
    pub fn with_parameters(self, params: Params) -> Self {
        let params = Some(params);
        ProgramLoss { params, ..self }
    }

    /// With a penalty as a term beside the loss, after those before.
    #[must_use]
    pub fn with_penalty(mut self, penalty: Penalty) -> Self {
        self.penalties.push(penalty);
        self
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The parameters that the trace is of.
    pub fn parameters(&self) -> &Params {
        self.params.as_ref().unwrap_or(self.program.parameters())
    }

    /// The trace of the loss on data: inputs by their names, or in order where a name is empty, with the samples along axis 0;
    /// `None` for targets where the loss takes none.
    ///
    /// # Errors
    /// As [`Program::trace`].
    pub fn trace<'a>(
        &self,
        inputs: &[(&str, Array)],
        targets: impl Into<Option<&'a Array>>,
    ) -> Result<Trace, ImportError> {
        let (params, targets) = (self.parameters(), targets.into());
        self.program
            .trace_with(params, inputs, targets, self.loss, &self.penalties)
    }
}
