use std::error::Error;

/// The message of an error with the reasons below it, as far as it does not hold them already.
///
/// ```
/// let wrong = "x".parse::<f64>().unwrap_err();
/// let error = std::io::Error::other(wrong.clone());
/// assert_eq!(landscape_core::in_full(&error), wrong.to_string());
/// ```
pub fn in_full(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut reason = error.source();
    while let Some(error) = reason {
        let words = error.to_string();
        if !text.contains(words.trim()) {
            text = format!("{text}: {words}");
        }
        reason = error.source();
    }
    text
}
