//! Curvature in words.

use crate::record::Settings;
use landscape_core::short;
use landscape_storage::{Curvature, Run};
use serde_json::Value;

/// The matrix and its size.
pub fn heading(run: &Run, points: &[Curvature]) -> String {
    let settings = Settings::of(run);
    let matrix = settings.matrix();
    let parameters = points.last().map_or(0, |point| point.parameters);
    format!("{} of {parameters} parameters", matrix.unwrap_or("hessian"))
}

/// `rho 0.05, samples 100`.
pub fn settings_words(settings: &Value) -> String {
    let value = |value: &Value| match (value.as_f64(), value) {
        (Some(number), Value::Number(n)) if n.is_f64() => short(number),
        (_, Value::String(word)) => word.clone(),
        (_, Value::Bool(flag)) => if *flag { "yes" } else { "no" }.to_owned(),
        _ => value.to_string(),
    };
    let fields = settings.as_object().into_iter().flatten();
    let words: Vec<String> = fields
        .map(|(name, v)| format!("{name} {}", value(v)))
        .collect();
    words.join(", ")
}
