//! Why a file gives no program, or a program no loss.

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
    #[error("`{}` is {found}; {remedy}", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: String,
        /// What to do.
        remedy: String,
    },
    /// The program uses operations that are not known here.
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
        /// What is wrong, and the remedy.
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
        "the program uses operations that are not known here: {}{more}; write this part of the network with others, or export \
         a decomposed program (`torch.export.export(net, args).run_decompositions()`)",
        shown.join(", ")
    )
}
