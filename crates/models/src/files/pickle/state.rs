//! The weights among everything that a checkpoint holds.

use super::error::{PickleError, Result};
use super::value::{Arena, Value, View};

/// Keys under which training scripts keep the weights, beside epoch, optimiser and options.
const WRAPPERS: &[&[u8]] = &[
    b"state_dict",
    b"model_state_dict",
    b"model_state",
    b"net",
    b"network",
    b"model",
];

/// Dictionaries inside dictionaries.
const MAX_DEPTH: usize = 16;

/// Entries that are looked at and letters of their names: shared dictionaries can be reached in
/// more ways than there is time for.
const MAX_WORK: usize = 1 << 26;

/// The tensors and their names, in the order of the file.
///
/// A dictionary that holds another one of tensors under a wrapper's key stands for that one.
/// Dictionaries inside it join their names with a point; what is no tensor is left out.
pub(super) fn named_tensors<'m, 'a>(
    arena: &'m Arena<'a>,
    root: Value<'a>,
) -> Result<Vec<(String, &'m View<'a>)>> {
    let mut walk = Walk { arena, work: 0 };
    let Value::Dict(mut dict) = root else {
        return Err(PickleError::NoTensors);
    };
    for _ in 0..MAX_DEPTH {
        match walk.wrapped(dict)? {
            Some(inner) => dict = inner,
            None => break,
        }
    }
    let mut tensors = Vec::new();
    walk.collect(dict, "", 0, &mut tensors)?;
    match tensors.is_empty() {
        true => Err(PickleError::NoTensors),
        false => Ok(tensors),
    }
}

struct Walk<'m, 'a> {
    arena: &'m Arena<'a>,
    work: usize,
}

impl<'m, 'a> Walk<'m, 'a> {
    fn charge(&mut self, work: usize, depth: usize) -> Result<()> {
        self.work = self.work.saturating_add(work);
        let limit = |what, limit| Err(PickleError::Limit { what, limit });
        if depth > MAX_DEPTH {
            return limit("dictionaries inside each other", MAX_DEPTH);
        }
        if self.work > MAX_WORK {
            return limit("entries and letters of dictionaries", MAX_WORK);
        }
        Ok(())
    }

    /// The dictionary of tensors under a wrapper's key.
    fn wrapped(&mut self, dict: usize) -> Result<Option<usize>> {
        let mut found: Vec<(&[u8], usize)> = Vec::new();
        for &(key, value) in &self.arena.dicts[dict] {
            let (Value::Text(key), Value::Dict(inner)) = (key, value) else {
                continue;
            };
            let new = WRAPPERS.contains(&key) && found.iter().all(|&(_, known)| known != inner);
            if new && self.has_tensors(inner, 0)? {
                found.push((key, inner));
            }
        }
        match found[..] {
            [] => Ok(None),
            [(_, only)] => Ok(Some(only)),
            _ => Err(PickleError::Ambiguous {
                names: found.iter().map(|(key, _)| lossy(key)).collect(),
            }),
        }
    }

    fn has_tensors(&mut self, dict: usize, depth: usize) -> Result<bool> {
        for &(_, value) in &self.arena.dicts[dict] {
            self.charge(1, depth)?;
            let found = match value {
                Value::Tensor(_) => true,
                Value::Dict(inner) => self.has_tensors(inner, depth + 1)?,
                _ => false,
            };
            if found {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn collect(
        &mut self,
        dict: usize,
        prefix: &str,
        depth: usize,
        tensors: &mut Vec<(String, &'m View<'a>)>,
    ) -> Result<()> {
        for &(key, value) in &self.arena.dicts[dict] {
            let key = match key {
                Value::Text(text) => lossy(text),
                Value::Int(number) => number.to_string(),
                _ => continue,
            };
            self.charge(1 + prefix.len() + key.len(), depth)?;
            match value {
                Value::Tensor(id) => {
                    tensors.push((format!("{prefix}{key}"), &self.arena.tensors[id]));
                }
                Value::Dict(inner) => {
                    self.collect(inner, &format!("{prefix}{key}."), depth + 1, tensors)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}
