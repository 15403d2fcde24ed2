/// A command as it would be typed, without the name of the program.
pub fn command_line(words: impl Iterator<Item = String>) -> String {
    let words = words.map(|word| quoted(&word));
    let words: Vec<String> = std::iter::once("landscape".to_owned())
        .chain(words)
        .collect();
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+%@".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
