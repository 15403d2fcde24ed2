//! What is said of how a network's tensors were found.

use super::LoadNote;
use super::choice::{Candidate, How, SHOWN, some_of};
use super::source::Tensor;
use super::words::{difference, pattern, without_wrappers};
use landscape_core::{Params, counted};
use std::collections::HashSet;

impl Candidate<'_, '_> {
    pub(super) fn notes(&self, layout: &Params, further: &[String]) -> Vec<LoadNote> {
        let mut notes = Vec::new();
        let mut say = |matters, words| notes.push(LoadNote { words, matters });
        let place = match self.place() {
            "" => "the weights".to_owned(),
            prefix => format!("the weights under `{prefix}`"),
        };
        if !further.is_empty() {
            say(
                true,
                format!(
                    "{place} are used; those under {} also fit the network",
                    some_of(further)
                ),
            );
        } else if !self.prefix.is_empty() {
            say(false, format!("{place} are used"));
        }
        if let Some(words) = self.other_names(layout) {
            say(true, words);
        }
        for words in self.folded() {
            say(true, words);
        }
        let absent = self.own.iter().filter(|own| own.is_none()).count();
        if absent > 0 {
            say(
                true,
                format!(
                    "none of the network's {absent} buffers (running statistics) are in the file"
                ),
            );
        }
        let beside = self.beside();
        if !beside.is_empty() {
            let kinds = kinds(beside.iter().map(|(name, _)| *name));
            let count = counted(beside.len(), "counter");
            say(
                beside.iter().any(|(_, tensor)| tensor.is_float),
                format!("left out: {count} or single numbers ({})", some_of(&kinds)),
            );
        }
        let taken = self.own.iter().flatten().count() + beside.len();
        let elsewhere = self.reading.tensors.len().saturating_sub(taken);
        if elsewhere > 0 {
            let count = counted(elsewhere, "tensor");
            say(
                false,
                format!("left out: {count} that the network does not have"),
            );
        }
        notes
    }

    /// Which names stand for which, where they are not the network's own.
    fn other_names(&self, layout: &Params) -> Option<String> {
        let rest = |tensor: &Tensor| {
            let name = tensor
                .name
                .strip_prefix(self.prefix)
                .unwrap_or(&tensor.name);
            without_wrappers(name)
        };
        let pairs = { self.own.iter().zip(layout.iter()) }
            .filter_map(|(own, wanted)| Some((rest((*own)?), wanted.name.as_str())));
        let mut seen = HashSet::new();
        let mut words = Vec::new();
        let mut add = |theirs: String, own: String| {
            if seen.insert((pattern(&theirs).0, pattern(&own).0)) || self.how == How::Ordered {
                words.push(format!("`{theirs}` as `{own}`"));
            }
        };
        match self.how {
            How::Plain | How::Unwrapped => return None,
            How::Translated => {
                for (theirs, own) in pairs {
                    difference(&theirs, own)
                        .into_iter()
                        .for_each(|(a, b)| add(a, b));
                }
            }
            How::Ordered => pairs
                .filter(|(theirs, own)| theirs != own)
                .for_each(|(theirs, own)| add(theirs, own.to_owned())),
        }
        let shown = match words.len().saturating_sub(SHOWN) {
            0 => words.join(", "),
            more => format!("{} and {more} more", words[..SHOWN].join(", ")),
        };
        Some(match self.how {
            How::Ordered => format!("the tensors are matched by their shapes and order: {shown}"),
            _ => format!("names are translated: {shown}"),
        })
    }

    /// What was made of several tensors.
    fn folded(&self) -> Vec<String> {
        let mut kinds: Vec<(&str, Vec<String>)> = Vec::new();
        for tensor in self.own.iter().flatten() {
            let Some(words) = tensor.made.words() else {
                continue;
            };
            let name = tensor
                .name
                .strip_prefix(self.prefix)
                .unwrap_or(&tensor.name);
            match kinds.iter_mut().find(|(known, _)| *known == words) {
                Some((_, names)) => names.push(name.to_owned()),
                None => kinds.push((words, vec![name.to_owned()])),
            }
        }
        let sentence =
            |(words, names): (&str, Vec<String>)| format!("{words}: {}", some_of(&names));
        kinds
            .into_iter()
            .map(|(words, names)| sentence((words, names)))
            .collect()
    }
}

/// The last parts of names, each once.
fn kinds<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    for name in names {
        let kind = name.rsplit('.').next().unwrap_or(name);
        if !kinds.iter().any(|known| known == kind) {
            kinds.push(kind.to_owned());
        }
    }
    kinds
}
