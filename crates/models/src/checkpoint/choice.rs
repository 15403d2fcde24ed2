//! Which of a file's tensors are those of a network.

use super::LoadNote;
use crate::files::{Contents, Listed};
use landscape_core::{Params, ParamsError, counted};
use std::collections::{HashMap, HashSet};

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

/// Words of torchvision's residual networks, and this crate's.
const SYNONYMS: [(&str, &str); 2] = [("downsample", "shortcut"), ("fc", "linear")];

/// Prefixes that are tried.
const MOST: usize = 256;

/// Pairs of a missing and an unexpected name that are compared, and the longest names of such a pair.
const PAIRS: usize = 20_000;
const LONGEST: usize = 100;

/// Names that are written out in a list.
const SHOWN: usize = 6;

/// Removes every wrapper's prefix that all names carry.
pub(super) fn unwrap(names: &mut [&str]) {
    let common = |names: &[&str]| {
        let of_all = |wrapper: &&&str| names.iter().all(|name| name.starts_with(**wrapper));
        WRAPPERS.iter().find(of_all).filter(|_| !names.is_empty())
    };
    while let Some(wrapper) = common(names) {
        names
            .iter_mut()
            .for_each(|name| *name = &name[wrapper.len()..]);
    }
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
    Several {
        names: Vec<String>,
        /// The keys of dictionaries that lead to the first, and what its names begin with in the last of them.
        first: (Vec<String>, String),
    },
}

/// A file's tensors under one reading of their names.
struct Reading<'c> {
    tensors: &'c [Listed],
    names: Vec<String>,
    /// Tensors by name; of several the last.
    known: HashMap<String, &'c Listed>,
    /// Whether words were replaced by [`SYNONYMS`].
    translated: bool,
}

/// A network's tensors behind one prefix.
struct Candidate<'r, 'c> {
    reading: &'r Reading<'c>,
    /// As it stands in the names, with its last point.
    prefix: &'r str,
    /// Own tensors by place in the layout.
    own: Vec<Option<&'c Listed>>,
}

/// Finds the tensors of a network.
pub(super) fn choose<'c>(contents: &'c Contents, layout: &Params) -> Result<Choice<'c>, Refusal> {
    let readings = [
        Reading::new(contents, str::to_owned, false),
        Reading::new(contents, without_wrappers, false),
        Reading::new(contents, translated, true),
    ];
    let mut all = Vec::new();
    for reading in &readings {
        all.extend(candidates(reading, layout));
        if all.iter().any(|c| c.fits(layout)) {
            break;
        }
    }
    let fitting: Vec<&Candidate> = all.iter().filter(|c| c.fits(layout)).collect();
    if fitting.is_empty() {
        return Err(nearest(all, contents, layout));
    }
    let (chosen, further) = preferred(&fitting)?;
    chosen.check(layout)?;
    Ok(Choice {
        tensors: chosen.own.iter().flatten().copied().collect(),
        notes: chosen.notes(layout, &further),
    })
}

/// The name without words of wrappers, wherever they stand.
fn without_wrappers(name: &str) -> String {
    let parts = name.split('.').filter(|part| !TRANSPARENT.contains(part));
    parts.collect::<Vec<_>>().join(".")
}

/// The same in this crate's words.
fn translated(name: &str) -> String {
    let own = |part: &str| SYNONYMS.iter().find(|(word, _)| *word == part);
    let name = without_wrappers(name);
    let parts = name
        .split('.')
        .map(|part| own(part).map_or(part, |(_, own)| own));
    parts.collect::<Vec<_>>().join(".")
}

/// A candidate for each prefix that stands before a name of the layout.
fn candidates<'r, 'c>(reading: &'r Reading<'c>, layout: &Params) -> Vec<Candidate<'r, 'c>> {
    let anchors: Vec<&str> = layout.iter().map(|t| t.name.as_str()).take(3).collect();
    let pairs = { reading.names.iter() }.flat_map(|name| anchors.iter().map(move |a| (name, a)));
    let prefixes = pairs.filter_map(|(name, anchor)| name.strip_suffix(anchor));
    let mut seen = HashSet::new();
    prefixes
        .filter(|prefix| prefix.is_empty() || prefix.ends_with('.'))
        .filter(|prefix| seen.insert(*prefix))
        .take(MOST)
        .map(|prefix| Candidate::of(reading, prefix, layout))
        .collect()
}

impl<'c> Reading<'c> {
    fn new(contents: &'c Contents, read: fn(&str) -> String, translated: bool) -> Self {
        let tensors = &contents.tensors[..];
        let names: Vec<String> = tensors.iter().map(|t| read(&t.name)).collect();
        Reading {
            known: names.iter().cloned().zip(tensors).collect(),
            tensors,
            names,
            translated,
        }
    }

    /// All tensors, behind the wrappers that every name carries.
    fn of_whole_file(contents: &'c Contents) -> Self {
        let mut names: Vec<&str> = contents.tensors.iter().map(|t| t.name.as_str()).collect();
        unwrap(&mut names);
        Reading {
            tensors: &contents.tensors,
            names: names.into_iter().map(str::to_owned).collect(),
            known: HashMap::new(),
            translated: false,
        }
    }
}

impl<'r, 'c> Candidate<'r, 'c> {
    fn of(reading: &'r Reading<'c>, prefix: &'r str, layout: &Params) -> Self {
        let mut full = prefix.to_owned();
        let mut own = |name: &str| {
            full.truncate(prefix.len());
            full.push_str(name);
            reading.known.get(&full).copied()
        };
        Candidate {
            own: layout.iter().map(|t| own(&t.name)).collect(),
            reading,
            prefix,
        }
    }

    /// The prefix without its last point.
    fn place(&self) -> &'r str {
        self.prefix.trim_end_matches('.')
    }

    /// The keys of dictionaries that lead to it, and the rest of the prefix.
    fn way(&self) -> (Vec<String>, String) {
        let depth = self
            .own
            .iter()
            .flatten()
            .map(|t| t.depth)
            .min()
            .unwrap_or(0);
        let mut parts = self.prefix.splitn(depth + 1, '.').map(str::to_owned);
        let keys = parts.by_ref().take(depth).collect();
        (keys, parts.next().unwrap_or_default())
    }

    /// The first key of the prefix.
    fn key(&self) -> &'r str {
        self.prefix.split('.').next().unwrap_or_default()
    }

    /// The other tensors behind the same prefix and in dictionaries as deep, by the rest of their name.
    fn beside(&self, layout: &Params) -> Vec<(&'r str, &'c Listed)> {
        let depth = self.own.iter().flatten().map(|t| t.depth).max();
        let mut seen: HashSet<&str> = layout.iter().map(|t| t.name.as_str()).collect();
        let mut beside = Vec::new();
        for (name, tensor) in self.reading.names.iter().zip(self.reading.tensors) {
            if let Some(rest) = name.strip_prefix(self.prefix)
                && seen.insert(rest)
                && depth.is_none_or(|depth| tensor.depth == depth)
            {
                beside.push((rest, tensor));
            }
        }
        beside
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
        let beside = self.beside(layout);
        match beside.iter().all(|(_, tensor)| is_harmless(tensor)) {
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
        let beside = self.beside(layout);
        let unexpected = { beside.iter() }
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
            renamed: self.renamed(layout, &beside),
            source,
        }
    }

    /// A missing name and the unexpected one that is nearest to it and of its shape, among the first few of both.
    fn renamed(&self, layout: &Params, beside: &[(&str, &Listed)]) -> Option<(String, String)> {
        let short = |name: &str| name.len() <= LONGEST;
        let missing = { layout.iter().zip(&self.own) }
            .filter(|(_, own)| own.is_none())
            .map(|(wanted, _)| wanted)
            .filter(|wanted| short(&wanted.name));
        let pairs = missing.flat_map(|wanted| {
            let same = { beside.iter() }
                .filter(|(name, tensor)| tensor.shape == wanted.shape && short(name));
            same.map(|(name, _)| (&wanted.name, *name))
        });
        let pairs =
            { pairs.take(PAIRS) }.map(|(wanted, name)| (distance(wanted, name), wanted, name));
        let (_, wanted, found) = pairs.min()?;
        Some((wanted.clone(), found.to_owned()))
    }

    fn notes(&self, layout: &Params, further: &[String]) -> Vec<LoadNote> {
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
                    "{place} are taken; the network fits those under {} too",
                    some_of(further)
                ),
            );
        } else if !self.prefix.is_empty() {
            say(false, format!("{place} are taken"));
        }
        if self.reading.translated {
            let words = SYNONYMS.map(|(word, own)| format!("`{word}` as `{own}`"));
            say(
                true,
                format!("names are read in other words: {}", words.join(", ")),
            );
        }
        let beside = self.beside(layout);
        if !beside.is_empty() {
            let kinds = kinds(beside.iter().map(|(name, _)| *name));
            let count = counted(beside.len(), "counter");
            say(
                beside.iter().any(|(_, tensor)| tensor.is_float),
                format!("left out: {count} or single numbers ({})", some_of(&kinds)),
            );
        }
        let elsewhere = self.reading.tensors.len() - layout.len() - beside.len();
        if elsewhere > 0 {
            let count = counted(elsewhere, "tensor");
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
fn preferred<'a, 'r, 'c>(
    fitting: &[&'a Candidate<'r, 'c>],
) -> Result<(&'a Candidate<'r, 'c>, Vec<String>), Refusal> {
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
    let usual: Vec<&Candidate> = { distinct.iter().copied() }
        .filter(|c| c.prefix.is_empty() || KEYS.contains(&c.key()))
        .collect();
    let chosen = match (&distinct[..], &usual[..]) {
        ([only], _) | (_, [only]) => *only,
        _ => {
            return Err(Refusal::Several {
                names: distinct.iter().map(|c| c.place().to_owned()).collect(),
                first: distinct[0].way(),
            });
        }
    };
    let further = distinct.iter().filter(|c| c.prefix != chosen.prefix);
    Ok((chosen, further.map(|c| c.place().to_owned()).collect()))
}

/// Why nothing fits, told of the prefix that comes nearest: the first such.
fn nearest(all: Vec<Candidate>, contents: &Contents, layout: &Params) -> Refusal {
    let Some(best) = all.into_iter().rev().max_by_key(|c| c.score(layout)) else {
        let whole = Reading::of_whole_file(contents);
        return Candidate::of(&whole, "", layout).refusal(layout);
    };
    let objects: HashMap<&str, &String> = { contents.objects.iter() }
        .map(|(name, class)| (name.as_str(), class))
        .collect();
    for (wanted, own) in layout.iter().zip(&best.own) {
        let full = format!("{}{}", best.prefix, wanted.name);
        match own {
            Some(own) if !own.is_float && own.shape == wanted.shape => {
                return Refusal::Integers { name: full };
            }
            None => {
                if let Some(class) = objects.get(full.as_str()) {
                    let class = (*class).clone();
                    return Refusal::Object { class };
                }
            }
            _ => {}
        }
    }
    best.refusal(layout)
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
