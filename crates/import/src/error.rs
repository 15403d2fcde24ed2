//! Why a file gives no program, or a program no loss.

use crate::ways_out;
use landscape_files::FileError;
use landscape_trace::TraceError;
use std::path::PathBuf;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file can't be read, or contradicts itself.
    #[error("`{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: FileError,
    },
    /// A file of another kind.
    #[error("`{}` is {found}", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: String,
        /// What to do.
        remedy: String,
    },
    /// The program uses operations that are not supported.
    #[error("{}", missing(operations))]
    Missing {
        /// The operations and where each of them comes from.
        operations: Vec<(String, String)>,
    },
    /// An operation that can't be computed as it is used.
    #[error("operation `{operation}`{}: {problem}", at(place))]
    Operation {
        /// Its name in the file.
        operation: String,
        /// Where it comes from; empty where the file does not say.
        place: String,
        /// What is wrong, and after a semicolon the remedy, where it has one of its own.
        problem: String,
    },
    /// Inputs do not fit the program.
    #[error("{0}")]
    Inputs(String),
    /// Targets do not fit the outputs.
    #[error("{0}")]
    Targets(String),
    /// Shape and number of values disagree.
    #[error("an array of shape {shape:?} has {values} values")]
    Length {
        /// The shape.
        shape: Vec<usize>,
        /// The number of values.
        values: usize,
    },
    /// The loss could not be traced.
    #[error(transparent)]
    Trace(#[from] TraceError),
}

impl ImportError {
    /// What to do about it, where the message does not say it already.
    pub fn help(&self) -> Option<String> {
        use ImportError as E;
        let words = match self {
            E::File {
                source: FileError::Corrupt(_),
                ..
            } => "get the file again, or export the program again",
            E::File { source, .. } => return source.help(),
            E::Kind { remedy, .. } => remedy,
            E::Missing { operations } => return Some(ways_out::of(operations)),
            E::Operation { problem, .. } if problem.contains("; ") => return None,
            E::Operation { .. } => "write this part of the network with other operations",
            E::Inputs(_) => "give what the inputs of the program take",
            E::Targets(problem) if problem.contains("; ") => return None,
            E::Targets(_) => {
                "give targets that fit the outputs of the program, or choose another loss"
            }
            E::Length { .. } => "give as many values as the shape has elements",
            E::Trace(_) => return None,
        };
        Some(words.to_owned())
    }
}

fn at(place: &str) -> String {
    match place.is_empty() {
        true => String::new(),
        false => format!(" ({place})"),
    }
}

fn missing(operations: &[(String, String)]) -> String {
    const SHOWN: usize = 6;
    let shown: Vec<String> = { operations.iter().take(SHOWN) }
        .map(|(name, place)| format!("`{name}`{}", at(place)))
        .collect();
    let more = match operations.len().saturating_sub(SHOWN) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    format!(
        "the program uses operations that are not supported: {}{more}",
        shown.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_to_do() {
        let path = || PathBuf::from("net.pt2");
        let operation = |problem: &str| ImportError::Operation {
            operation: "aten.x".to_owned(),
            place: String::new(),
            problem: problem.to_owned(),
        };
        let cut = ImportError::File {
            path: path(),
            source: FileError::Corrupt("it ends early".to_owned()),
        };
        let other = ImportError::Kind {
            path: path(),
            found: "a checkpoint".to_owned(),
            remedy: "export the network".to_owned(),
        };
        let missing = ImportError::Missing {
            operations: vec![("torch.ops.aten.x.default".to_owned(), String::new())],
        };
        let cases = [
            (cut, Some("export the program again")),
            (other, Some("export the network")),
            (missing, Some("run_decompositions")),
            (operation("it is not supported"), Some("other operations")),
            (operation("it draws numbers; call net.eval()"), None),
            (
                ImportError::Inputs("input `x` is not given".to_owned()),
                Some("inputs"),
            ),
            (
                ImportError::Targets("they do not fit".to_owned()),
                Some("another loss"),
            ),
        ];
        for (error, expected) in cases {
            let help = error.help();
            let fits = match (&help, expected) {
                (Some(help), Some(part)) => help.contains(part),
                (None, None) => true,
                _ => false,
            };
            assert!(fits, "{error}: {help:?}");
        }
    }
}
