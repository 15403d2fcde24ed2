//! Where a network is: a file, and a key in it.

use super::source::{Contents, Tensor};
use crate::ModelsError;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A file, and the path of keys to one of its dictionaries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: PathBuf,
    pub(super) key: Option<String>,
}

impl Place {
    /// `FILE`, or `FILE:KEY`. A file that exists by the whole name is that file; else the longest name before a
    /// colon that is a file.
    pub(super) fn of(given: &Path) -> Self {
        let whole = || Place {
            file: given.to_owned(),
            key: None,
        };
        let Some(text) = given.to_str().filter(|_| !given.exists()) else {
            return whole();
        };
        let split = { text.rmatch_indices(':') }
            .map(|(at, _)| (&text[..at], &text[at + 1..]))
            .find(|(file, key)| !key.is_empty() && Path::new(file).is_file());
        split.map_or_else(whole, |(file, key)| Place {
            file: file.into(),
            key: Some(key.to_owned()),
        })
    }
}

/// The tensors behind a key, whatever wrappers' keys lead to it.
///
/// # Errors
/// [`ModelsError::NoKey`] where there are none, or several dictionaries under that key.
pub(super) fn behind(key: &str, contents: Contents, path: &Path) -> Result<Contents, ModelsError> {
    let wanted = format!("{}.", key.trim_matches('.'));
    let mut places: HashSet<&str> = HashSet::new();
    if contents.tensors.iter().any(|t| t.name.starts_with(&wanted)) {
        places.insert("");
    } else {
        let inner = format!(".{wanted}");
        let found = { contents.tensors.iter() }
            .filter_map(|t| t.name.find(&inner).map(|at| &t.name[..=at]));
        places.extend(found);
    }
    let mut prefixes: Vec<String> = places.iter().map(|p| format!("{p}{wanted}")).collect();
    prefixes.sort();
    let [prefix] = &prefixes[..] else {
        return Err(ModelsError::NoKey {
            path: path.to_owned(),
            key: key.to_owned(),
            keys: match prefixes.is_empty() {
                true => keys(&contents.tensors),
                false => prefixes
                    .iter()
                    .map(|p| p.trim_end_matches('.').to_owned())
                    .collect(),
            },
        });
    };
    let levels = prefix.matches('.').count();
    let strip = |mut tensor: Tensor| {
        tensor.name = tensor.name.strip_prefix(prefix.as_str())?.to_owned();
        tensor.depth = tensor.depth.saturating_sub(levels);
        Some(tensor)
    };
    let objects = { contents.objects.into_iter() }
        .filter_map(|(name, class)| Some((name.strip_prefix(prefix.as_str())?.to_owned(), class)));
    Ok(Contents {
        objects: objects.collect(),
        tensors: contents.tensors.into_iter().filter_map(strip).collect(),
        in_order: contents.in_order,
    })
}

/// The keys of the dictionaries that hold tensors with names, each once; where there are none, what the names begin
/// with.
fn keys(tensors: &[Tensor]) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut keys = Vec::new();
    for tensor in tensors {
        let (around, name) = tensor.place();
        let key = match around.trim_end_matches('.') {
            "" => name.split('.').next().unwrap_or_default(),
            around => around,
        };
        // Optimisers keep a dictionary for each parameter.
        if !key.contains(".state.") && seen.insert(key.to_owned()) {
            keys.push(key.to_owned());
        }
    }
    keys
}
