//! Which of a file's tensors are those of a network.

use super::LoadNote;
use crate::files::{Contents, Listed};
use landscape_core::{Params, ParamsError};
use std::collections::HashMap;

/// What wrapping a module, or keeping it in a dictionary, puts in front of every name.
const WRAPPERS: &[&str] = &[
    "module.",
    "_orig_mod.",
    "state_dict.",
    "model_state_dict.",
    "net.",
    "model.",
];

/// Keys under which training scripts keep the weights that they mean, where they keep several.
const KEYS: &[&str] = &[
    "state_dict",
    "model_state_dict",
    "model_state",
    "net",
    "network",
    "model",
];

/// Modules around others that give no name of their own to anything.
const TRANSPARENT: &[&str] = &[
    "module",
    "_module",
    "_orig_mod",
    "_fsdp_wrapped_module",
    "_forward_module",
    "_checkpoint_wrapped_module",
];

/// Prefixes that are tried.
const MOST: usize = 256;

/// Names that are written out in a list.
const SHOWN: usize = 6;

/// A wrapper's prefix that all names carry.
pub(super) fn common_wrapper(names: &[&str]) -> Option<&'static str> {
    let of_all = |wrapper: &&&str| names.iter().all(|name| name.starts_with(**wrapper));
    WRAPPERS
        .iter()
        .find(of_all)
        .copied()
        .filter(|_| !names.is_empty())
}

/// The tensors of a network, in its order.
pub(super) struct Choice<'c> {
    pub(super) tensors: Vec<&'c Listed>,
    pub(super) notes: Vec<LoadNote>,
}

/// Why none were chosen.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Names are missing, unexpected or of another shape; what could be another name of which, where there is one.
    Layout {
        source: ParamsError,
        renamed: Option<(String, String)>,
    },
    /// A tensor depends on a class that is not understood.
    Object { class: String },
    /// A parameter of integers.
    Integers { name: String },
    /// Several networks of the file fit.
    Several { names: Vec<String> },
}

/// A network's tensors behind one prefix.
struct Candidate<'c> {
    /// As it stands in the file, without its last point.
    prefix: String,
    /// Own tensors by place in the layout.
    own: Vec<Option<&'c Listed>>,
    /// The others behind the same prefix, by the rest of their name.
    beside: Vec<(String, &'c Listed)>,
    /// How many are of another prefix.
    elsewhere: usize,
}

/// Finds the tensors of a network.
pub(super) fn choose<'c>(contents: &'c Contents, layout: &Params) -> Result<Choice<'c>, Refusal> {
    let raw: Vec<String> = contents.tensors.iter().map(|t| t.name.clone()).collect();
    let seen_through: Vec<String> = raw.iter().map(|name| without_wrappers(name)).collect();
    let mut all = candidates(contents, &raw, layout);
    if !all.iter().any(|c| c.fits(layout)) {
        all.extend(candidates(contents, &seen_through, layout));
    }
    let fitting: Vec<&Candidate> = all.iter().filter(|c| c.fits(layout)).collect();
    if fitting.is_empty() {
        return Err(nearest(all, contents, layout));
    }
    let (chosen, further) = preferred(&fitting)?;
    chosen.check(layout)?;
    Ok(Choice {
        tensors: chosen.own.iter().flatten().copied().collect(),
        notes: chosen.notes(&further),
    })
}

/// The name without words of wrappers, wherever they stand.
fn without_wrappers(name: &str) -> String {
    let parts = name.split('.').filter(|part| !TRANSPARENT.contains(part));
    parts.collect::<Vec<_>>().join(".")
}

/// A candidate for each prefix that stands before a name of the layout.
fn candidates<'c>(contents: &'c Contents, names: &[String], layout: &Params) -> Vec<Candidate<'c>> {
    let mut prefixes: Vec<&str> = Vec::new();
    let anchors: Vec<&str> = layout.iter().map(|t| t.name.as_str()).take(3).collect();
    for name in names {
        for anchor in &anchors {
            let before = name.strip_suffix(anchor);
            let before = before.filter(|b| b.is_empty() || b.ends_with('.'));
            if let Some(before) = before.filter(|before| !prefixes.contains(before)) {
                prefixes.push(before);
            }
        }
    }
    let of = |prefix: &&str| Candidate::of(prefix, contents, names, layout);
    prefixes.iter().take(MOST).map(of).collect()
}

impl<'c> Candidate<'c> {
    fn of(prefix: &str, contents: &'c Contents, names: &[String], layout: &Params) -> Self {
        let mut known: HashMap<&str, &'c Listed> = HashMap::new();
        let mut order = Vec::new();
        for (name, tensor) in names.iter().zip(&contents.tensors) {
            if let Some(rest) = name.strip_prefix(prefix)
                && known.insert(rest, tensor).is_none()
            {
                order.push((rest.to_owned(), tensor));
            }
        }
        let own: Vec<Option<&Listed>> = layout
            .iter()
            .map(|t| known.get(t.name.as_str()).copied())
            .collect();
        let depth = own.iter().flatten().map(|t| t.depth).max();
        let is_own = |name: &str| layout.iter().any(|t| t.name == name);
        order.retain(|(rest, tensor)| !is_own(rest) && Some(tensor.depth) == depth);
        Candidate {
            prefix: prefix.trim_end_matches('.').to_owned(),
            elsewhere: contents.tensors.len() - own.iter().flatten().count() - order.len(),
            own,
            beside: order,
        }
    }

    fn fits(&self, layout: &Params) -> bool {
        let is_it = |(own, wanted): (&Option<&Listed>, &landscape_core::Parameter)| {
            own.is_some_and(|own| own.shape == wanted.shape && own.is_float)
        };
        self.own.iter().zip(layout.iter()).all(is_it)
    }

    /// How many tensors are there and of the right shape.
    fn score(&self, layout: &Params) -> usize {
        let pairs = self.own.iter().zip(layout.iter());
        pairs
            .filter(|(own, wanted)| own.is_some_and(|own| own.shape == wanted.shape))
            .count()
    }

    /// What stands beside the network's own tensors is harmless, or it is another network.
    fn check(&self, layout: &Params) -> Result<(), Refusal> {
        match self.beside.iter().all(|(_, tensor)| is_harmless(tensor)) {
            true => Ok(()),
            false => Err(self.refusal(layout)),
        }
    }

    fn refusal(&self, layout: &Params) -> Refusal {
        let pairs = || layout.iter().zip(&self.own);
        let missing: Vec<String> = { pairs() }
            .filter(|(_, own)| own.is_none())
            .map(|(wanted, _)| format!("{} {:?}", wanted.name, wanted.shape))
            .collect();
        let unexpected = { self.beside.iter() }
            .filter(|(_, tensor)| !is_harmless(tensor))
            .map(|(name, tensor)| format!("{name} {:?}", tensor.shape));
        let misshaped = pairs().filter_map(|(wanted, own)| {
            let own = own.filter(|own| own.shape != wanted.shape)?;
            Some(format!(
                "{} {:?}, expected {:?}",
                wanted.name, own.shape, wanted.shape
            ))
        });
        let source = ParamsError::Layout {
            unexpected: unexpected.collect(),
            misshaped: misshaped.collect(),
            missing,
        };
        Refusal::Layout {
            renamed: self.renamed(layout),
            source,
        }
    }

    /// A missing name and the unexpected one that is nearest to it and of its shape.
    fn renamed(&self, layout: &Params) -> Option<(String, String)> {
        let missing = layout
            .iter()
            .zip(&self.own)
            .filter(|(_, own)| own.is_none());
        let pairs = missing.flat_map(|(wanted, _)| {
            let same = self
                .beside
                .iter()
                .filter(|(_, tensor)| tensor.shape == wanted.shape);
            same.map(|(name, _)| (distance(&wanted.name, name), &wanted.name, name))
        });
        let (_, wanted, found) = pairs.min()?;
        Some((wanted.clone(), found.clone()))
    }

    fn notes(&self, further: &[String]) -> Vec<LoadNote> {
        let mut notes = Vec::new();
        let mut say = |matters, words| notes.push(LoadNote { words, matters });
        let place = match self.prefix.as_str() {
            "" => "the weights".to_owned(),
            prefix => format!("the weights under `{prefix}`"),
        };
        if !further.is_empty() {
            say(
                true,
                format!(
                    "{place} are taken; the network fits those under {} too",
                    some_of(further)
                ),
            );
        } else if !self.prefix.is_empty() {
            say(false, format!("{place} are taken"));
        }
        if !self.beside.is_empty() {
            let kinds = kinds(self.beside.iter().map(|(name, _)| name.as_str()));
            let count = counted(self.beside.len(), "counter");
            say(
                self.beside.iter().any(|(_, tensor)| tensor.is_float),
                format!("left out: {count} or single numbers ({})", some_of(&kinds)),
            );
        }
        if self.elsewhere > 0 {
            let count = counted(self.elsewhere, "tensor");
            say(
                false,
                format!("left out: {count} that the network has not, beside its own"),
            );
        }
        notes
    }
}

/// What counters and meters leave in a state dictionary: integers, and single numbers. A single weight, such as that
/// of a PReLU, is a parameter.
pub(super) fn is_harmless(tensor: &Listed) -> bool {
    let kind = tensor.name.rsplit('.').next().unwrap_or_default();
    let is_parameter = matches!(kind, "weight" | "bias");
    !is_parameter && (!tensor.is_float || tensor.numel() <= 1)
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

fn counted(n: usize, noun: &str) -> String {
    match n {
        1 => format!("1 {noun}"),
        n => format!("{n} {noun}s"),
    }
}

/// The first few of a list.
pub(super) fn some_of(names: &[String]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(SHOWN)
        .map(|name| format!("`{name}`"))
        .collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        rest => format!("{} and {rest} more", shown.join(", ")),
    }
}

/// The candidate that is meant, and the prefixes of the further ones.
fn preferred<'a, 'c>(
    fitting: &[&'a Candidate<'c>],
) -> Result<(&'a Candidate<'c>, Vec<String>), Refusal> {
    // A dictionary under two names is one.
    let mut distinct: Vec<&Candidate> = Vec::new();
    for candidate in fitting {
        let same = |known: &&Candidate| {
            let mut pairs = known
                .own
                .iter()
                .flatten()
                .zip(candidate.own.iter().flatten());
            pairs.all(|(a, b)| a.is(b))
        };
        if !distinct.iter().any(same) {
            distinct.push(candidate);
        }
    }
    let first = |candidate: &Candidate| candidate.prefix.split('.').next().unwrap_or("").to_owned();
    let usual: Vec<&Candidate> = { distinct.iter().copied() }
        .filter(|c| c.prefix.is_empty() || KEYS.contains(&first(c).as_str()))
        .collect();
    let chosen = match (&distinct[..], &usual[..]) {
        ([only], _) | (_, [only]) => *only,
        _ => {
            let names = distinct.iter().map(|c| c.prefix.clone()).collect();
            return Err(Refusal::Several { names });
        }
    };
    let further = distinct.iter().filter(|c| c.prefix != chosen.prefix);
    Ok((chosen, further.map(|c| c.prefix.clone()).collect()))
}

/// Why nothing fits, told of the prefix that comes nearest.
fn nearest(all: Vec<Candidate<'_>>, contents: &Contents, layout: &Params) -> Refusal {
    let best = all.into_iter().max_by_key(|c| c.score(layout));
    let best = best.unwrap_or_else(|| whole(contents, layout));
    for (wanted, own) in layout.iter().zip(&best.own) {
        let full = match best.prefix.as_str() {
            "" => wanted.name.clone(),
            prefix => format!("{prefix}.{}", wanted.name),
        };
        match own {
            Some(own) if !own.is_float && own.shape == wanted.shape => {
                return Refusal::Integers { name: full };
            }
            None => {
                let object = contents.objects.iter().find(|(name, _)| *name == full);
                if let Some((_, class)) = object {
                    return Refusal::Object {
                        class: class.clone(),
                    };
                }
            }
            _ => {}
        }
    }
    best.refusal(layout)
}

/// The whole file as a candidate without a tensor of its own, behind the wrapper that all names carry.
fn whole<'c>(contents: &'c Contents, layout: &Params) -> Candidate<'c> {
    let mut names: Vec<&str> = contents.tensors.iter().map(|t| t.name.as_str()).collect();
    while let Some(wrapper) = common_wrapper(&names) {
        for name in &mut names {
            *name = &name[wrapper.len()..];
        }
    }
    let names = names.into_iter().map(str::to_owned);
    Candidate {
        prefix: String::new(),
        own: vec![None; layout.len()],
        beside: names.zip(&contents.tensors).collect(),
        elsewhere: 0,
    }
}

/// Letters to change, add or leave out between two names (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let change = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
