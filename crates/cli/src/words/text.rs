//! Messages in words that no name and no number spoils.

use std::borrow::Cow;

/// The known name that a mistyped one most likely stands for.
pub fn nearest<'a>(given: &str, known: &'a [String]) -> Option<&'a str> {
    let likeness = |name: &'a String| (strsim::jaro_winkler(given, name), name.as_str());
    let most = known
        .iter()
        .map(likeness)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    most.filter(|(likeness, _)| *likeness > 0.8)
        .map(|(_, name)| name)
}

/// The longest word of a message, in characters: a longer one is shown by its two ends.
const WORD: usize = 400;
/// What is shown of a longer one.
const ENDS: (usize, usize) = (120, 40);
/// The longest message, in characters.
const MESSAGE: usize = 6000;

/// Text in which no character steers a terminal: those are shown as escapes. Ends of lines and tabs stay, but for those
/// in names, which are in backticks.
pub fn plain(text: &str) -> Cow<'_, str> {
    let last = text.rfind('`').unwrap_or(0);
    let mut name = false;
    let mut shown = String::new();
    // What comes before is shown as it is.
    let mut kept = 0;
    for (at, c) in text.char_indices() {
        if c == '`' {
            name = !name && at < last;
        }
        if steers(c) || (name && matches!(c, '\n' | '\t')) {
            shown.push_str(&text[kept..at]);
            shown.extend(c.escape_default());
            kept = at + c.len_utf8();
        }
    }
    match kept {
        0 => text.into(),
        _ => (shown + &text[kept..]).into(),
    }
}

/// Controls, and marks that turn the direction of writing.
fn steers(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && !matches!(c, '\n' | '\t'))
}

/// A message, plain, and of bounded length however long the names and numbers in it are.
pub fn message(text: &str) -> String {
    let text = short_numbers(&plain(text));
    let words: Vec<Cow<str>> = text.split(' ').map(bounded).collect();
    let text = words.join(" ");
    match text.char_indices().nth(MESSAGE) {
        Some((end, _)) => format!("{} ... ({} bytes in all)", &text[..end], text.len()),
        None => text,
    }
}

/// Numbers of more than forty digits with an exponent instead; what is quoted as a whole stays.
fn short_numbers(text: &str) -> String {
    let number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-');
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let other = rest.find(number).unwrap_or(rest.len());
        shown.push_str(&rest[..other]);
        rest = &rest[other..];
        let end = rest.find(|c| !number(c)).unwrap_or(rest.len());
        let (digits, after) = rest.split_at(end);
        let name = shown.ends_with('`') && after.starts_with('`');
        match digits.parse::<f64>() {
            Ok(value) if digits.len() > 40 && !name => shown.push_str(&format!("{value:e}")),
            _ => shown.push_str(digits),
        }
        rest = after;
    }
    shown
}

fn bounded(word: &str) -> Cow<'_, str> {
    let count = word.chars().count();
    if count <= WORD {
        return word.into();
    }
    let (first, last) = ENDS;
    let head: String = word.chars().take(first).collect();
    let tail: String = word.chars().skip(count - last).collect();
    format!("{head}...({count} characters)...{tail}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(plain("a\tb\n"), "a\tb\n");
        assert_eq!(plain("\x1b[31mred\x07\r"), "\\u{1b}[31mred\\u{7}\\r");
        assert_eq!(plain("a\u{9b}2J\u{202e}b"), "a\\u{9b}2J\\u{202e}b");
    }

    #[test]
    fn names_have_no_lines() {
        assert_eq!(plain("no run `a\nb\t`:\n\tx"), "no run `a\\nb\\t`:\n\tx");
        assert_eq!(plain("a`\nb"), "a`\nb");
        assert_eq!(plain("`a` it's `b\n`\n`"), "`a` it's `b\\n`\n`");
    }

    #[test]
    fn messages_are_bounded() {
        let name = "x".repeat(5000);
        let text = message(&format!("unknown run `{name}` in `a.duckdb`"));
        assert!(
            text.len() < 300 && text.contains("(5000 characters)") || text.contains("(5002"),
            "{text}"
        );
        assert!(text.ends_with("in `a.duckdb`"));
        assert!(message(&"word ".repeat(5000)).len() < 6100);
        assert_eq!(
            message("short enough, 1.25 and -3"),
            "short enough, 1.25 and -3"
        );
        assert_eq!(
            message(&format!("range {}:{}", -1e308, 1e-320)),
            "range -1e308:1e-320"
        );
        let digits = "1".repeat(50);
        assert_eq!(
            message(&format!("no run `{digits}`")),
            format!("no run `{digits}`")
        );
    }

    #[test]
    fn names_that_were_mistyped() {
        let known = ["moons", "plane", "mnist"].map(str::to_owned);
        assert_eq!(nearest("moon", &known), Some("moons"));
        assert_eq!(nearest("plnae", &known), Some("plane"));
        assert_eq!(nearest("resnet", &known), None);
        assert_eq!(nearest("x", &[]), None);
    }
}
