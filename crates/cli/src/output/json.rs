use landscape_core::path_text;
use landscape_study::problem::LossChoice;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A number as JSON; the words `NaN`, `inf` and `-inf` for those that JSON lacks.
pub fn number(value: impl Into<Option<f64>>) -> Value {
    match value.into() {
        None => Value::Null,
        Some(value) if value.is_finite() => value.into(),
        Some(value) => value.to_string().into(),
    }
}

/// A path as JSON, which holds UTF-8 alone: see [`path_text`].
pub fn path_json(path: &Path) -> Value {
    path_text(path).into()
}

/// Paths as JSON.
pub fn paths_json(paths: &[PathBuf]) -> Value {
    paths.iter().map(|path| path_json(path)).collect()
}

/// Adds the loss, and why it is this one, to what a command prints.
pub fn loss_json(choice: LossChoice, report: &mut Value) {
    report["loss_function"] = json!(choice.kind.name());
    report["loss_reason"] = json!(choice.reason.unwrap_or("--loss"));
}
