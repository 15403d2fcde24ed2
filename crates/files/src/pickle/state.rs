//! The weights among everything that a checkpoint holds.

use super::Result;
use super::value::{Arena, Value};
use super::{Found, Named, globals};
use crate::Budget;
use crate::PickleError;

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

/// How deep lists are looked into: networks lie in those near the root, if in any.
const LIST_DEPTH: usize = 4;

/// Entries that are looked at and letters of their names: shared dictionaries can be reached in
/// more ways than there is time for.
const MAX_WORK: usize = 1 << 26;

/// Bytes of memory that listing a tensor takes beside its name, with room to grow.
const LISTED: usize = 4 * size_of::<Named>();

/// The tensors and their names, in the order of the file, and the objects that are not understood.
///
/// Dictionaries inside the root join their names with a point, those in lists with their places; what is neither is left
/// out. With `descend` a dictionary that holds another one of tensors under a wrapper's key stands for that one, and a
/// list for the only one in it.
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
    let mut found = Vec::new();
    let dict = match arena.entries(root) {
        Some(dict) => Some(walk.unwrapped(dict, descend)?),
        None => match walk.dictionaries(root)?[..] {
            [only] if descend => Some(walk.unwrapped(only, descend)?),
            _ => None,
        },
    };
    match dict {
        Some(dict) => walk.collect(dict, "", 0, &mut found)?,
        None => walk.collect_items(root, "", 0, &mut found)?,
    }
    let is_tensor = |named: &Named| matches!(named.found, Found::Tensor(_));
    match (found.iter().any(is_tensor), dict) {
        (true, _) => Ok(found),
        (false, Some(dict)) => Err(walk.no_tensors(dict)),
        (false, None) => Err(walk.no_dictionary(root)),
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
            return limit("nested dictionaries", MAX_DEPTH);
        }
        if self.work > MAX_WORK {
            return limit("entries and characters of dictionaries", MAX_WORK);
        }
        Ok(())
    }

    /// What a dictionary stands for: itself, or with `descend` the one under wrappers' keys.
    fn unwrapped(&mut self, mut dict: usize, descend: bool) -> Result<usize> {
        for _ in 0..MAX_DEPTH {
            match self.wrapped(dict)?.filter(|_| descend) {
                Some(inner) => dict = inner,
                None => break,
            }
        }
        Ok(dict)
    }

    /// The dictionaries of tensors in a list.
    fn dictionaries(&mut self, list: Value<'a>) -> Result<Vec<usize>> {
        let arena = self.arena;
        let mut found = Vec::new();
        let items = arena.items(list).unwrap_or_default().iter();
        for dict in items.filter_map(|&item| arena.entries(item)) {
            if self.has_tensors(dict, 0)? {
                found.push(dict);
            }
        }
        Ok(found)
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
            [(first, _), ..] => Err(PickleError::Ambiguous {
                names: found.iter().map(|(key, _)| lossy(key)).collect(),
                expression: format!("torch.load(FILE)['{}']", lossy(first)),
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
                (Value::Sequence(_), None) => {
                    self.collect_items(value, &format!("{name}."), depth + 1, found)?;
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

    /// The same for the dictionaries in a list; tensors and objects without names are left out.
    fn collect_items(
        &mut self,
        list: Value<'a>,
        prefix: &str,
        depth: usize,
        found: &mut Vec<Named>,
    ) -> Result<()> {
        let arena = self.arena;
        let items = arena.items(list).unwrap_or_default();
        for (place, &item) in items.iter().enumerate() {
            if depth > LIST_DEPTH {
                break;
            }
            self.charge(1, depth)?;
            if let Some(inner) = arena.entries(item) {
                self.collect(inner, &format!("{prefix}{place}."), depth + 1, found)?;
            } else if arena.items(item).is_some() {
                self.collect_items(item, &format!("{prefix}{place}."), depth + 1, found)?;
            }
        }
        Ok(())
    }

    fn class(&self, object: usize) -> String {
        let (module, name) = self.arena.classes[self.arena.objects[object].class];
        globals::shown(module, name)
    }

    /// What a file is whose root is not a dictionary.
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
