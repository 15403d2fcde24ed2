//! Paths as text, the same for settings, provenance and the command line.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

const OPEN: &str = "$'";
const CLOSE: &str = "'";

/// A path as text from which [`text_path`] makes the same path again.
///
/// Most paths are written as they are. One that is not UTF-8, or that begins with `$'`, is written as
/// bash and zsh quote it: `$'runs/\xff.npz'`.
///
/// ```
/// use landscape_core::path_text;
/// use std::path::Path;
///
/// assert_eq!(path_text(Path::new("runs/a b.npz")), "runs/a b.npz");
/// ```
pub fn path_text(path: &Path) -> String {
    match path.to_str() {
        Some(text) if !text.starts_with(OPEN) => text.to_owned(),
        _ => escaped(path.as_os_str()),
    }
}

/// A path in a text for people that has no quotes around it: as it is, or as bash and zsh quote it where its name holds
/// characters that end a line, steer a terminal or turn the direction of writing.
///
/// ```
/// use landscape_core::path_words;
/// use std::path::Path;
///
/// assert_eq!(path_words(Path::new("runs/a b.npz")), "runs/a b.npz");
/// assert_eq!(path_words(Path::new("a\nb.npz")), r"$'a\nb.npz'");
/// ```
pub fn path_words(path: &Path) -> String {
    match path.to_str() {
        Some(text) if !text.contains(|c: char| c.is_control() || turns(c)) => text.to_owned(),
        _ => escaped(path.as_os_str()),
    }
}

/// A name from a file in a text for people: as it is, or with escapes in the place of characters that end a line, steer a
/// terminal or turn the direction of writing.
///
/// ```
/// assert_eq!(landscape_core::name_words("fc1.weight"), "fc1.weight");
/// assert_eq!(landscape_core::name_words("a\nb"), r"a\nb");
/// ```
pub fn name_words(name: &str) -> Cow<'_, str> {
    let odd = |c: char| c.is_control() || turns(c);
    if !name.contains(odd) {
        return name.into();
    }
    let mut words = String::new();
    for c in name.chars() {
        match odd(c) {
            true => words.extend(c.escape_default()),
            false => words.push(c),
        }
    }
    words.into()
}

/// The path that [`path_text`] wrote.
pub fn text_path(text: &str) -> PathBuf {
    let inner = text
        .strip_prefix(OPEN)
        .and_then(|rest| rest.strip_suffix(CLOSE));
    match inner.and_then(unescaped) {
        Some(path) => path.into(),
        None => text.into(),
    }
}

/// A word in the quotes of bash and zsh that know escapes: every byte can be written in them.
///
/// ```
/// use landscape_core::escaped;
/// use std::ffi::OsStr;
///
/// assert_eq!(escaped(OsStr::new("it's\x1b")), r"$'it\'s\x1b'");
/// ```
pub fn escaped(word: &OsStr) -> String {
    let mut text = OPEN.to_owned();
    for chunk in word.as_encoded_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' | '\'' => text.extend(['\\', c]),
                '\n' => text.push_str("\\n"),
                c if c.is_control() || turns(c) => {
                    let mut bytes = [0; 4];
                    push_bytes(&mut text, c.encode_utf8(&mut bytes).as_bytes());
                }
                c => text.push(c),
            }
        }
        push_bytes(&mut text, chunk.invalid());
    }
    text + CLOSE
}

/// Marks that turn the direction of writing.
fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn push_bytes(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        text.push_str(&format!("\\x{byte:02x}"));
    }
}

/// What is between the quotes; `None` where it holds an escape that [`escaped`] does not write.
fn unescaped(inner: &str) -> Option<OsString> {
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next()? {
            b'n' => bytes.push(b'\n'),
            b'x' => {
                let digit = |byte: u8| (byte as char).to_digit(16);
                let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                bytes.push(u8::try_from(16 * high + low).ok()?);
            }
            byte @ (b'\\' | b'\'') => bytes.push(byte),
            _ => return None,
        }
    }
    from_bytes(bytes)
}

#[cfg(unix)]
fn from_bytes(bytes: Vec<u8>) -> Option<OsString> {
    use std::os::unix::ffi::OsStringExt;
    Some(OsString::from_vec(bytes))
}

#[cfg(not(unix))]
fn from_bytes(bytes: Vec<u8>) -> Option<OsString> {
    String::from_utf8(bytes).ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_path_are_inverse_to_each_other() {
        let plain = [
            "",
            "a",
            "runs/a b.npz",
            "it's",
            "$",
            "ü/\u{1b}[31m",
            "a\\x41",
        ];
        for path in plain.map(Path::new) {
            assert_eq!(path_text(path), path.to_str().unwrap());
            assert_eq!(text_path(&path_text(path)), path);
        }
        let quoted = ["$'", "$'a'", "$'\\x41'", "$'it\\'s\n\t'"];
        for path in quoted.map(Path::new) {
            assert!(path_text(path).starts_with("$'"));
            assert_eq!(text_path(&path_text(path)), path);
        }
    }

    #[cfg(unix)]
    #[test]
    fn paths_that_are_not_utf8_come_back() {
        use std::os::unix::ffi::OsStrExt;
        for bytes in [
            &b"\xff"[..],
            b"a/\xfe\xff'b\\",
            b"\xe2\x82",
            b"\n\x80$'",
            b"x\xffn.npz",
        ] {
            let path = Path::new(OsStr::from_bytes(bytes));
            assert_eq!(text_path(&path_text(path)), path, "{bytes:?}");
        }
        let path = Path::new(OsStr::from_bytes(b"runs/\xff.npz"));
        assert_eq!(path_text(path), r"$'runs/\xff.npz'");
    }
}
