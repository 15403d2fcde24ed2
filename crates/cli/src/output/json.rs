use landscape_core::path_text;
use landscape_study::problem::LossChoice;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A path as JSON, which holds UTF-8 alone: see [`path_text`].
pub fn path_json(path: &Path) -> Value {
    path_text(path).into()
}

/// What a command adds to a result of the library.
#[derive(Debug, Clone, Copy, Default)]
pub struct Added<'a> {
    /// The loss, and why it is this one.
    pub loss: Option<LossChoice>,
    /// Files that were written.
    pub files: Option<&'a [PathBuf]>,
}

impl Added<'_> {
    /// A result with it.
    pub(super) fn to(self, mut result: Value) -> Value {
        if let Some(choice) = self.loss {
            result["loss_function"] = json!(choice.kind.name());
            result["loss_reason"] = json!(choice.reason.unwrap_or("--loss"));
        }
        if let Some(files) = self.files {
            result["files"] = files.iter().map(|path| path_json(path)).collect();
        }
        result
    }
}
