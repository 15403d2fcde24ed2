/// A number of things in words.
///
/// ```
/// use landscape_core::counted;
///
/// assert_eq!(counted(1, "checkpoint"), "1 checkpoint");
/// assert_eq!(counted(20, "checkpoint"), "20 checkpoints");
/// ```
pub fn counted(n: usize, noun: &str) -> String {
    match n {
        1 => format!("1 {noun}"),
        n => format!("{n} {noun}s"),
    }
}

/// The same as a subject, with its verb.
///
/// ```
/// use landscape_core::counted_are;
///
/// assert_eq!(counted_are(1, "checkpoint"), "1 checkpoint is");
/// assert_eq!(counted_are(20, "checkpoint"), "20 checkpoints are");
/// ```
pub fn counted_are(n: usize, noun: &str) -> String {
    let verb = if n == 1 { "is" } else { "are" };
    format!("{} {verb}", counted(n, noun))
}
