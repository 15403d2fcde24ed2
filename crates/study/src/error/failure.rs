//! What a failure is about, and whose it is.

use super::{StudyError, SubmitError};
use landscape_core as core;
use landscape_models::{GetError, ModelsError};
use landscape_storage::Error as Store;
use landscape_trace::TraceError;

impl StudyError {
    /// What it is about, where the message does not name that in backticks.
    pub fn place(&self) -> Option<String> {
        match self {
            StudyError::Models(error) => error.place(),
            StudyError::Store(Store::UnknownRun { name, .. }) => Some(name.clone()),
            _ => None,
        }
    }

    /// Whether the network, or its loss, has something that is not known here, so that it may still run elsewhere.
    pub fn is_unsupported(&self) -> bool {
        use landscape_import::ImportError as I;
        use landscape_trace::TraceError as T;
        match self {
            StudyError::Import(error) => matches!(
                error,
                I::File { .. } | I::Missing { .. } | I::Operation { .. }
            ),
            StudyError::Trace(error) => matches!(
                error,
                T::Unsupported { .. }
                    | T::Build { .. }
                    | T::Rank { .. }
                    | T::Panicked(_)
                    | T::Samples { .. }
                    | T::LossShape { .. }
            ),
            _ => false,
        }
    }

    /// Whether it is about what was asked for, and not about what went wrong while it was computed: a server, a device, an
    /// engine, a function that was called, or what others did to the database meanwhile.
    pub fn is_wrong_input(&self) -> bool {
        use StudyError as E;
        !matches!(
            self,
            E::Store(
                Store::Vanished { .. }
                    | Store::Gone { .. }
                    | Store::TakenOver { .. }
                    | Store::Journaled { .. }
            ) | E::Submit(
                SubmitError::NoEngine { .. }
                    | SubmitError::Failed { .. }
                    | SubmitError::Incomplete { .. }
            ) | E::Models(ModelsError::Get(GetError::Connection { .. }))
                | E::Trace(TraceError::Device { .. } | TraceError::Devices { .. })
                | E::Sampler(core::SamplerError::Objective { .. })
                | E::Objective(_)
                | E::Panicked { .. }
                | E::Interrupted { .. }
        )
    }
}
