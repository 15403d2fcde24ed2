//! The weights among everything that a checkpoint holds.

use super::error::{PickleError, Result};
use super::value::{Arena, Value};
use super::{Found, Named, globals};
use landscape_files::Budget;

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

/// Bytes of memory that listing a tensor takes beside its name, with room to grow.
const LISTED: usize = 4 * size_of::<Named>();

/// The tensors and their names, in the order of the file, and the objects that are not understood.
///
/// Dictionaries inside the root join their names with a point; what is neither is left out. With `descend` a
/// dictionary that holds another one of tensors under a wrapper's key stands for that one.
pub(super) fn named<'a>(
    arena: &Arena<'a>,
    root: Value<'a>,
    descend: bool,
    budget: &Budget,
) -> Result<Vec<Named>> {
    let mut walk = Walk {
        arena,
        budget,
        work: 0,
    };
    let Some(mut dict) = arena.entries(root) else {
        return Err(walk.no_dictionary(root));
    };
    for _ in 0..MAX_DEPTH {
        match walk.wrapped(dict).map(|inner| inner.filter(|_| descend))? {
            Some(inner) => dict = inner,
            None => break,
        }
    }
    let mut found = Vec::new();
    walk.collect(dict, "", 0, &mut found)?;
    match found
        .iter()
        .any(|named| matches!(named.found, Found::Tensor(_)))
    {
        true => Ok(found),
        false => Err(walk.no_tensors(dict)),
    }
}

struct Walk<'m, 'a> {
    arena: &'m Arena<'a>,
    budget: &'m Budget,
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
            let (Value::Text(key), Some(inner)) = (key, self.arena.entries(value)) else {
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
                value => match self.arena.entries(value) {
                    Some(inner) => self.has_tensors(inner, depth + 1)?,
                    None => false,
                },
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
        found: &mut Vec<Named>,
    ) -> Result<()> {
        for &(key, value) in &self.arena.dicts[dict] {
            let key = match key {
                Value::Text(text) => lossy(text),
                Value::Int(number) => number.to_string(),
                _ => continue,
            };
            self.charge(1 + prefix.len() + key.len(), depth)?;
            let name = format!("{prefix}{key}");
            let what = match (value, self.arena.entries(value)) {
                (Value::Tensor(id), _) => Found::Tensor(id),
                (_, Some(inner)) => {
                    self.collect(inner, &format!("{name}."), depth + 1, found)?;
                    continue;
                }
                (Value::Object(id), None) => Found::Object(self.class(id)),
                _ => continue,
            };
            self.budget.spend_each(1, LISTED + 2 * name.len())?;
            found.push(Named {
                name,
                depth,
                found: what,
            });
        }
        Ok(())
    }

    fn class(&self, object: usize) -> String {
        let (module, name) = self.arena.classes[self.arena.objects[object].class];
        globals::shown(module, name)
    }

    /// What a file is whose root is no dictionary.
    fn no_dictionary(&self, root: Value<'a>) -> PickleError {
        let tensors = { self.arena.items(root).unwrap_or_default().iter() }
            .filter(|item| matches!(item, Value::Tensor(_)))
            .count();
        match root {
            Value::Object(id) if self.is_module(id) => PickleError::Module {
                class: self.class(id),
            },
            _ if tensors > 0 => PickleError::List { tensors },
            _ => self.nothing(),
        }
    }

    /// What a dictionary is that holds no tensors.
    fn no_tensors(&self, dict: usize) -> PickleError {
        let modules = self.arena.dicts[dict]
            .iter()
            .find_map(|&(_, value)| match value {
                Value::Object(id) if self.is_module(id) => Some(self.class(id)),
                _ => None,
            });
        modules.map_or_else(|| self.nothing(), |class| PickleError::Module { class })
    }

    /// Nothing that is understood is a tensor; perhaps something that is not would be.
    fn nothing(&self) -> PickleError {
        match self.arena.classes.first() {
            Some((module, name)) => PickleError::Global {
                name: globals::shown(module, name),
            },
            None => PickleError::NoTensors,
        }
    }

    /// Whether an object was given the state of a `torch.nn.Module`.
    fn is_module(&self, object: usize) -> bool {
        let state = self.arena.objects[object].state;
        state.is_some_and(|state| self.arena.entry(state, "_modules").is_some())
    }
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}
