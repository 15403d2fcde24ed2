use serde_json::Value;

/// A number as JSON; the words `NaN`, `inf` and `-inf` for those that JSON lacks.
pub fn number(value: impl Into<Option<f64>>) -> Value {
    match value.into() {
        None => Value::Null,
        Some(value) if value.is_finite() => value.into(),
        Some(value) => value.to_string().into(),
    }
}

/// Numbers as JSON.
pub fn numbers(values: &[f64]) -> Value {
    values.iter().copied().map(number).collect()
}
