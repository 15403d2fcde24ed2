//! Which queries are answered: one statement that only reads.

use crate::error::Error;
use duckdb::{Connection, params};

/// First words of statements that only read.
const READERS: [&str; 10] = [
    "SELECT",
    "FROM",
    "WITH",
    "VALUES",
    "TABLE",
    "DESCRIBE",
    "DESC",
    "SHOW",
    "SUMMARIZE",
    "EXPLAIN",
];

/// What a text is to DuckDB's parser.
enum Parsed {
    /// That many statements, all of which only read.
    Readers(u64),
    /// Statements of other kinds, alone or among others.
    Others,
    /// No SQL.
    Wrong,
}

/// Checks that a query is one statement that only reads. Nothing of it is executed.
///
/// Text that cannot be parsed passes: preparing it fails with the place of the mistake.
pub(super) fn check(conn: &Connection, query: &str) -> Result<(), Error> {
    match parse(conn, query)? {
        Parsed::Readers(0) => Err(refusal("the query is empty".to_owned())),
        Parsed::Readers(1) | Parsed::Wrong => Ok(()),
        Parsed::Readers(count) => Err(refusal(format!(
            "a query is a single statement, but there are {count}; run them one at a time"
        ))),
        Parsed::Others => match explained(query) {
            Some(inner) => check_explained(conn, query, inner),
            None => Err(not_a_reader(query)),
        },
    }
}

/// `EXPLAIN` of one statement that only reads, with options in brackets or without.
fn check_explained(conn: &Connection, query: &str, inner: &str) -> Result<(), Error> {
    let bare = options(inner).unwrap_or(inner);
    for inner in [inner, bare] {
        if let Parsed::Readers(1) = parse(conn, inner)? {
            return Ok(());
        }
    }
    Err(not_a_reader(query))
}

fn parse(conn: &Connection, text: &str) -> Result<Parsed, Error> {
    let (kind, count): (Option<String>, Option<u64>) = conn
        .query_row(
            "SELECT s->>'error_type', json_array_length(s, '$.statements')
             FROM (SELECT json_serialize_sql(?::VARCHAR)::JSON AS s)",
            params![text],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .map_err(super::wrong)?;
    Ok(match (kind.as_deref(), count) {
        (None, Some(count)) => Parsed::Readers(count),
        (Some("not implemented"), _) => Parsed::Others,
        _ => Parsed::Wrong,
    })
}

fn not_a_reader(query: &str) -> Error {
    let first = word(query).map(|(word, _)| word.to_uppercase());
    let this = match first {
        Some(word) if !READERS.contains(&word.as_str()) => format!("is {word}"),
        _ => "holds another".to_owned(),
    };
    refusal(format!(
        "a query is one statement that only reads (SELECT, FROM, VALUES, DESCRIBE, SHOW, SUMMARIZE \
         or EXPLAIN), and this {this}"
    ))
}

fn refusal(message: String) -> Error {
    Error::Query { message }
}

/// What follows `EXPLAIN`, and `ANALYZE` where it is there.
fn explained(query: &str) -> Option<&str> {
    let (first, rest) = word(query)?;
    if !first.eq_ignore_ascii_case("EXPLAIN") {
        return None;
    }
    match word(rest) {
        Some((second, rest)) if second.eq_ignore_ascii_case("ANALYZE") => Some(rest),
        _ => Some(rest),
    }
}

/// What follows options such as `(ANALYZE, FORMAT json)`: words alone, so that no quote or comment
/// begins or ends in them.
fn options(text: &str) -> Option<&str> {
    let (inside, rest) = blanks(text)?.strip_prefix('(')?.split_once(')')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c.is_whitespace() || "_,".contains(c);
    inside.chars().all(plain).then_some(rest)
}

/// The first word and what follows it.
fn word(text: &str) -> Option<(&str, &str)> {
    let text = blanks(text)?;
    let end = text
        .find(|c: char| !c.is_ascii_alphabetic() && c != '_')
        .unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// The text without blanks, comments and semicolons at its start; nothing where a comment has no
/// end.
fn blanks(mut text: &str) -> Option<&str> {
    loop {
        text = text.trim_start_matches(|c: char| c.is_whitespace() || c == ';');
        text = match (text.strip_prefix("--"), text.strip_prefix("/*")) {
            (Some(line), _) => line.split_once('\n').map_or("", |(_, rest)| rest),
            (_, Some(comment)) => after_comment(comment)?,
            _ => return Some(text),
        };
    }
}

/// What follows a comment, which may hold others.
fn after_comment(text: &str) -> Option<&str> {
    let mut depth = 1;
    let mut at = 0;
    while depth > 0 {
        let rest = &text.as_bytes()[at..];
        match rest {
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [_, ..] => at += 1,
            [] => return None,
        }
    }
    text.get(at..)
}
