//! Words of results: numbers, durations, sizes, and tables of them.

mod table;

pub use table::{Align, Columns, Table};

use landscape_core::{Reach, escaped, short};
use std::ffi::OsStr;

/// Seconds in words, as short as is of use.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if !s.is_finite() => "unknown".to_owned(),
        s if s < 1.0 => format!("{s:.2} s"),
        s if s < 60.0 => format!("{s:.1} s"),
        s if s < 3600.0 => format!(
            "{:.0} min {:02.0} s",
            (s / 60.0).floor(),
            (s % 60.0).floor()
        ),
        s => format!(
            "{:.0} h {:02.0} min",
            (s / 3600.0).floor(),
            (s % 3600.0 / 60.0).floor()
        ),
    }
}

/// A perplexity behind a loss; one beyond the largest number is infinite.
pub(crate) fn perplexity_words(perplexity: f64) -> String {
    format!(", perplexity {}", short(perplexity))
}

/// Bytes in words.
pub fn size(bytes: u64) -> String {
    match bytes as f64 {
        b if b < 1e3 => format!("{b} B"),
        b if b < 1e6 => format!("{:.1} kB", b / 1e3),
        b if b < 1e9 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.1} GB", b / 1e9),
    }
}

/// How many a second, in as few digits as are of use.
pub fn rate(rate: f64) -> String {
    match rate {
        r if r.is_finite() && r >= 10.0 => format!("{r:.0}/s"),
        r if r.is_finite() && r > 0.0 && r < 1.0 => format!("one in {}", duration(1.0 / r)),
        r if r.is_finite() => format!("{r:.1}/s"),
        _ => "very many/s".to_owned(),
    }
}

/// A word as a shell has to read it; where it is not UTF-8 or holds control characters, with the escapes of bash and zsh.
///
/// ```
/// use landscape_study::words::quoted;
/// use std::ffi::OsStr;
///
/// assert_eq!(quoted(OsStr::new("it's")), r"'it'\''s'");
/// ```
pub fn quoted(word: &OsStr) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+%@".contains(c);
    match word.to_str() {
        Some(word) if !word.is_empty() && word.chars().all(plain) => word.to_owned(),
        Some(word) if !word.contains(char::is_control) => {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
        _ => escaped(word),
    }
}

/// A number of four significant digits; `-` where there is none.
pub(crate) fn or_dash(value: Option<f64>) -> String {
    or_dash_by(value, short)
}

/// A number in words; `-` where there is none.
pub(crate) fn or_dash_by(value: Option<f64>, words: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), words)
}

/// A number without zeros at its end.
pub(crate) fn plain(value: f64) -> String {
    let text = short(value);
    match text.contains('.') && !text.contains('e') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A share as `12.3%`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1}%", 100.0 * share)
}

/// Shares as `61.2% + 12.0%`.
pub(crate) fn percents(shares: &[f64]) -> String {
    let each: Vec<String> = shares.iter().copied().map(percent).collect();
    each.join(" + ")
}

/// Shares and their sum, as `61.2% + 12.0% = 73.2%`.
pub(crate) fn percents_in_all(shares: &[f64]) -> String {
    format!("{} = {}", percents(shares), percent(shares.iter().sum()))
}

/// A number and its standard error, as `0.25 +- 0.01`.
pub(crate) fn with_error(value: f64, error: Option<f64>) -> String {
    let error = error.map(|error| format!(" +- {}", short(error)));
    short(value) + &error.unwrap_or_default()
}

/// A length of a basin and what the grid leaves open, as `0.21 +- 0.003`. The standard error of points taken as independent is left
/// out, because it says little of points that are measured on the same data.
pub(crate) fn reach_words(reach: &Reach) -> String {
    with_error(reach.length, Some(reach.grid))
}

/// Numbers of points on each axis, as `51x51`.
pub(crate) fn shape_words<N: ToString>(shape: &[N]) -> String {
    let counts: Vec<String> = shape.iter().map(N::to_string).collect();
    counts.join("x")
}

/// The cosine of each pair of directions.
pub(crate) fn cosine_words(cosines: &[crate::Numbers]) -> Vec<String> {
    let rows = cosines.iter().enumerate();
    let pairs = rows.flat_map(|(i, row)| (i + 1..row.0.len()).map(move |j| (i, j, row.0[j])));
    pairs
        .map(|(i, j, cosine)| {
            // What is shown as zero has no sign.
            let cosine = if cosine.abs() < 5e-5 { 0.0 } else { cosine };
            format!("cosine of {} and {}: {cosine:.4}", i + 1, j + 1)
        })
        .collect()
}

/// A text with each line moved in.
pub(crate) fn indented(text: &str, blanks: usize) -> String {
    let line = |line: &str| format!("{:blanks$}{line}\n", "");
    text.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Numbers;

    #[test]
    fn slow_work_has_a_rate_too() {
        assert_eq!(rate(1234.5), "1234/s");
        assert_eq!(rate(1.27), "1.3/s");
        assert_eq!(rate(0.04), "one in 25.0 s");
    }

    #[test]
    fn words_are_quoted_for_the_shell() {
        let cases = [
            ("plane", "plane"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("$(rm -r x)", "'$(rm -r x)'"),
            ("", "''"),
            ("a\x1b[31m\n", r"$'a\x1b[31m\n'"),
        ];
        for (word, shown) in cases {
            assert_eq!(quoted(OsStr::new(word)), shown);
        }
    }

    #[test]
    fn shares_and_cosines() {
        assert_eq!(percents_in_all(&[0.5, 0.25]), "50.0% + 25.0% = 75.0%");
        let cosines = [
            Numbers(vec![1.0, -1e-6, 0.5]),
            Numbers(vec![-1e-6, 1.0, -0.25]),
            Numbers(vec![0.5, -0.25, 1.0]),
        ];
        let expected = [
            "cosine of 1 and 2: 0.0000",
            "cosine of 1 and 3: 0.5000",
            "cosine of 2 and 3: -0.2500",
        ];
        assert_eq!(cosine_words(&cosines), expected);
    }
}
