//! What several tests need.

use std::path::PathBuf;

/// A file of `tests/data`.
pub fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// The value `index` of the arrays in the reference files: `(index + start - 8) / 8`.
pub fn values(start: usize, count: usize) -> Vec<f32> {
    let value = |index: usize| (index + start) as f32 / 8.0 - 1.0;
    (0..count).map(value).collect()
}

/// Asserts that a message has each of the parts.
#[track_caller]
pub fn says(error: impl std::fmt::Display, parts: &[&str]) {
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

/// Asserts that two numbers agree to a relative error, with an absolute floor.
#[track_caller]
pub fn close(found: f64, expected: f64, relative: f64, absolute: f64) {
    let allowed = absolute.max(relative * expected.abs());
    assert!(
        (found - expected).abs() <= allowed,
        "{found} is not {expected} (allowed difference {allowed})"
    );
}
