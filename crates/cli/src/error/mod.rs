//! What goes wrong on the command line, what to do about it, and the exit code.

mod options;

use crate::interrupt::Interrupt;
use landscape_core as core;
use landscape_models::ModelsError;
use landscape_storage::Error as Store;
use landscape_study::StudyError;
use landscape_trace::TraceError;
use std::io;

/// Everything that ends a command early.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// An operation of the library.
    #[error(transparent)]
    Study(StudyError),
    /// An option that is needed is absent.
    #[error("{what} is missing")]
    Missing {
        what: &'static str,
        remedy: &'static str,
    },
    /// Options that do not go together, or with the stored run.
    #[error("{what}")]
    Conflict { what: String, remedy: String },
    /// Results could not be printed.
    #[error("cannot write to stdout: {0}")]
    Stdout(#[source] io::Error),
    /// What the program computes is wrong on this machine.
    #[error("these checks failed: {what}")]
    Unsound { what: String },
    /// What was compared differs by more than is allowed.
    #[error("{what}")]
    Differs { what: String },
    /// What was merged is not all there is to be.
    #[error("{what}")]
    Incomplete { what: String },
    /// Ctrl-C, or another signal that asks to end.
    #[error("{saved}")]
    Interrupted { saved: String, again: &'static str },
}

/// An option, by its name in the definition of the command line, that does nothing where it stands: why, and
/// what to add, where something can be added.
pub fn no_effect(id: &str, why: &str, add: Option<&str>) -> CliError {
    let option = format!("--{}", id.replace('_', "-"));
    CliError::Conflict {
        remedy: match add {
            Some(company) => format!("add {company}, or leave {option} out"),
            None => format!("leave {option} out"),
        },
        what: format!("{option} has no effect here: {why}"),
    }
}

impl From<StudyError> for CliError {
    fn from(error: StudyError) -> Self {
        let (what, remedy) = match error {
            StudyError::NoParameters => (
                "--weights",
                "curvature is measured at given parameters: give --weights FILE, or --run NAME of a training run (--step 0 \
                 is its initial state)",
            ),
            StudyError::NoCheckpoints => {
                ("--run", "give a training run, or files with --checkpoints")
            }
            StudyError::NoModel => (
                "--model",
                "give the network, for example --model mlp:2-8-4-1, or a training run with --run",
            ),
            StudyError::NoData => (
                "--data",
                "give the data, for example --data moons or --data mnist-1k",
            ),
            StudyError::Interrupted { saved, again } => {
                return CliError::Interrupted { saved, again };
            }
            StudyError::NoInnerPoints => return nothing_to_train("--inner-points"),
            StudyError::NoEpochs => return nothing_to_train("--epochs"),
            StudyError::NoFolder { .. } => return no_effect("data_dir", &error.to_string(), None),
            StudyError::NothingToSave => {
                return no_effect(
                    "save",
                    &error.to_string(),
                    Some("--align weights or --soup"),
                );
            }
            error => return CliError::Study(error),
        };
        CliError::Missing { what, remedy }
    }
}

fn nothing_to_train(option: &str) -> CliError {
    CliError::Conflict {
        what: format!("{option} 0 leaves nothing to train"),
        remedy: format!("give {option} 1 or more"),
    }
}

/// Errors that are those of an operation, wherever they come from.
macro_rules! operations {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for CliError {
            fn from(error: $error) -> Self {
                StudyError::from(error).into()
            }
        })+
    };
}

operations!(
    ModelsError,
    Store,
    TraceError,
    core::GridError,
    core::DirectionError,
    core::PlaneError,
    core::ParamsError,
    core::TrajectoryError,
    core::SamplerError,
    core::ObjectiveError,
);

impl CliError {
    /// The exit code of the process.
    pub fn code(&self) -> u8 {
        match self {
            CliError::Interrupted { .. } => Interrupt::code(),
            CliError::Unsound { .. } | CliError::Differs { .. } | CliError::Incomplete { .. } => 1,
            // A command waits for its database until it is told to stop.
            CliError::Study(StudyError::Store(Store::Journaled { .. })) => Interrupt::code(),
            CliError::Study(error) => match error.is_wrong_input() {
                true => 2,
                false => 1,
            },
            _ if self.is_quiet() => 0,
            _ => 2,
        }
    }

    /// Whoever reads has had enough: not worth a word.
    pub fn is_quiet(&self) -> bool {
        matches!(self, CliError::Stdout(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// What it is about, where the message does not name that in backticks or as an option.
    pub fn place(&self) -> Option<String> {
        match self {
            CliError::Study(error) => error.place(),
            _ => None,
        }
    }

    /// What happened and where, with the reasons below it.
    pub fn what(&self) -> String {
        core::in_full(self)
    }

    /// What to do, where the message does not say it already.
    pub fn remedy(&self) -> Option<String> {
        let words = match self {
            CliError::Study(error) => return options::remedy(error).or_else(|| error.help()),
            CliError::Unsound { .. } => {
                "try LANDSCAPE_SIMD=portable or --device flex, and report it with this table"
            }
            CliError::Incomplete { .. } => {
                "compute what is missing, and merge again: the same command goes on"
            }
            CliError::Missing { remedy, .. } => *remedy,
            CliError::Conflict { remedy, .. } => return Some(remedy.clone()),
            CliError::Interrupted { again, .. } => *again,
            _ => return None,
        };
        Some(words.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use landscape_models::GetError;
    use std::path::PathBuf;

    fn code(error: impl Into<CliError>) -> u8 {
        error.into().code()
    }

    #[test]
    fn wrong_input_is_2_and_a_failure_on_the_way_is_1() {
        let path = PathBuf::from("a.duckdb");
        let io = |kind: io::ErrorKind| Store::Io {
            action: "write",
            path: PathBuf::from("a.duckdb"),
            source: kind.into(),
        };
        for kind in [io::ErrorKind::NotFound, io::ErrorKind::StorageFull] {
            assert_eq!(code(io(kind)), 2);
        }
        assert_eq!(code(Store::NotFound { path: path.clone() }), 2);
        assert_eq!(code(StudyError::NoModel), 2);
        let name = "a".to_owned();
        assert_eq!(code(Store::Gone { path, name }), 1);
        let lost = GetError::Connection {
            url: "http://a".to_owned(),
            reason: "timed out".to_owned(),
            done: 0,
        };
        assert_eq!(code(ModelsError::Get(lost)), 1);
        let device = "cuda".to_owned();
        let reason = "lost".to_owned();
        assert_eq!(code(TraceError::Device { device, reason }), 1);
        assert_eq!(
            CliError::Differs {
                what: String::new()
            }
            .code(),
            1
        );
        let closed = CliError::Stdout(io::ErrorKind::BrokenPipe.into());
        assert_eq!((closed.code(), closed.is_quiet()), (0, true));
        assert_eq!(
            CliError::Stdout(io::ErrorKind::StorageFull.into()).code(),
            2
        );
    }
}
