//! Other names for tensors, by regular expressions.

use super::{LoadNote, choice::some_of, source::Tensor};
use crate::ModelsError;
use landscape_core::counted;
use regex::{Regex, RegexBuilder};
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// Another name for the tensors of a file: a regular expression and what stands for each of its matches,
/// `REGEX=REPLACEMENT`.
///
/// What is in parentheses in the expression is `$1` in the replacement, or `${1}` before a letter. A name is that in
/// the dictionary that holds the tensor; where the expression matches nothing there, the keys of the dictionaries
/// around it stand in front, `state_dict.0.weight`. The first `=` ends the expression; one in it is written `\x3d`.
///
/// ```
/// use landscape_models::Rename;
///
/// let rename: Rename = r"^layers\.(\d+)\.=fc$1.".parse()?;
/// assert_eq!(rename.apply("layers.2.weight"), "fc2.weight");
/// assert_eq!(rename.to_string(), r"^layers\.(\d+)\.=fc$1.");
/// # Ok::<(), landscape_models::ModelsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Rename {
    expression: Regex,
    replacement: String,
}

/// Bytes that a compiled expression may take.
const LARGEST: usize = 1 << 20;

/// The longest name that a renaming may make: far beyond any in use.
const LONGEST: usize = 4096;

impl Rename {
    /// The name with each match replaced.
    pub fn apply<'n>(&self, name: &'n str) -> Cow<'n, str> {
        self.expression.replace_all(name, self.replacement.as_str())
    }

    /// The new name of a tensor; nothing where no part of it matches.
    fn of(&self, tensor: &Tensor) -> Option<String> {
        let (keys, name) = tensor.place();
        if self.expression.is_match(name) {
            return Some(format!("{keys}{}", self.apply(name)));
        }
        let matched = self.expression.is_match(&tensor.name);
        matched.then(|| self.apply(&tensor.name).into_owned())
    }
}

impl PartialEq for Rename {
    fn eq(&self, other: &Self) -> bool {
        let parts = |rename: &Self| {
            (
                rename.expression.as_str().to_owned(),
                rename.replacement.clone(),
            )
        };
        parts(self) == parts(other)
    }
}

impl Eq for Rename {}

impl fmt::Display for Rename {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.expression, self.replacement)
    }
}

impl FromStr for Rename {
    type Err = ModelsError;

    fn from_str(given: &str) -> Result<Self, ModelsError> {
        let bad = |reason: String| ModelsError::BadRename {
            given: given.to_owned(),
            reason,
        };
        let (expression, replacement) = { given.split_once('=') }.ok_or_else(|| {
            bad(r"it is not of the form REGEX=REPLACEMENT, for example `^net\.=`".into())
        })?;
        if expression.is_empty() {
            return Err(bad("the expression is empty, and matches everywhere".into()));
        }
        let built = RegexBuilder::new(expression).size_limit(LARGEST).build();
        Ok(Rename {
            expression: built.map_err(|error| bad(reason(&error)))?,
            replacement: replacement.to_owned(),
        })
    }
}

/// The last line of what is wrong with an expression; those before it draw the place.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

/// Renames tensors, one expression after the other, and says what came of it.
///
/// # Errors
/// [`ModelsError::Unsupported`] where two tensors get one name, or one a very long name.
pub(super) fn rename(
    tensors: &mut [Tensor],
    renames: &[Rename],
    path: &Path,
) -> Result<Vec<LoadNote>, ModelsError> {
    let mut notes = Vec::new();
    let before: Vec<String> = tensors.iter().map(|t| t.name.clone()).collect();
    for rename in renames {
        let mut matched = 0;
        for tensor in tensors.iter_mut() {
            let Some(name) = rename.of(tensor) else {
                continue;
            };
            if name.len() > LONGEST.max(tensor.name.len()) {
                let reason = format!(
                    "the renaming `{rename}` makes a name of {} bytes",
                    name.len()
                );
                return Err(ModelsError::unsupported(path, reason));
            }
            matched += 1;
            tensor.name = name;
        }
        if matched == 0 {
            let names: Vec<String> = tensors.iter().map(|t| t.name.clone()).collect();
            notes.push(LoadNote {
                words: format!("`{rename}` matches none of the names: {}", some_of(&names)),
                matters: true,
            });
        }
    }
    let changed: Vec<(&str, &str)> = { before.iter().zip(tensors.iter()) }
        .filter(|(old, tensor)| **old != tensor.name)
        .map(|(old, tensor)| (old.as_str(), tensor.name.as_str()))
        .collect();
    check_unique(tensors, &changed, path)?;
    if !changed.is_empty() {
        notes.push(LoadNote {
            words: effect(&changed),
            matters: false,
        });
    }
    Ok(notes)
}

fn effect(changed: &[(&str, &str)]) -> String {
    const SHOWN: usize = 6;
    let shown: Vec<String> = { changed.iter().take(SHOWN) }
        .map(|(old, new)| format!("`{old}` to `{new}`"))
        .collect();
    let rest = match changed.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let count = counted(changed.len(), "tensor");
    format!("{count} renamed: {}{rest}", shown.join(", "))
}

fn check_unique(
    tensors: &[Tensor],
    changed: &[(&str, &str)],
    path: &Path,
) -> Result<(), ModelsError> {
    if changed.is_empty() {
        return Ok(());
    }
    let mut seen = HashSet::new();
    let twice = tensors.iter().find(|t| !seen.insert(t.name.as_str()));
    let Some(twice) = twice.filter(|twice| changed.iter().any(|(_, new)| *new == twice.name))
    else {
        return Ok(());
    };
    let reason = format!("renaming gives two tensors the name `{}`", twice.name);
    Err(ModelsError::unsupported(path, reason))
}
