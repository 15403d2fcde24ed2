//! Settings behind the name of data: `key=value,key=value`, where a value may be a list: `mean=0.5,0.4,0.3`.

use landscape_core::path_text;
use std::path::Path;

/// A key, and the values behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting<'a> {
    pub key: &'a str,
    pub values: Vec<&'a str>,
}

impl<'a> Setting<'a> {
    /// The only value.
    pub fn one(&self) -> Result<&'a str, String> {
        match self.values[..] {
            [one] if !one.is_empty() => Ok(one),
            _ => Err(format!("{} takes one value", self.key)),
        }
    }
}

/// Settings in their order, each given once.
///
/// # Errors
/// In words.
pub(super) fn settings(text: &str) -> Result<Vec<Setting<'_>>, String> {
    let mut all: Vec<Setting<'_>> = Vec::new();
    for part in text.split(',').filter(|_| !text.is_empty()) {
        match (part.split_once('='), all.last_mut()) {
            (Some((key, value)), _) => {
                if all.iter().any(|known| known.key == key) {
                    return Err(format!("`{key}` is given twice"));
                }
                let values = vec![value];
                all.push(Setting { key, values });
            }
            (None, Some(last)) => last.values.push(part),
            (None, None) => {
                return Err(format!("`{part}` is not a setting of the form key=value"));
            }
        }
    }
    Ok(all)
}

/// A path and what is set behind it, as both are typed.
pub(super) fn with_settings(path: &Path, settings: &[String]) -> String {
    let path = path_text(path);
    match settings.is_empty() {
        true => path,
        false => format!("{path}:{}", settings.join(",")),
    }
}

/// The values as finite numbers.
pub(super) fn numbers(setting: &Setting<'_>) -> Result<Vec<f64>, String> {
    let number = |text: &&str| {
        let number = text.trim().parse().ok().filter(|v: &f64| v.is_finite());
        number.ok_or_else(|| format!("`{}={text}`: {0} must be a number", setting.key))
    };
    setting.values.iter().map(number).collect()
}
