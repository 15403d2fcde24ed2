//! Which of a file's tensors are those of a network.

use super::LoadNote;
use super::fold::PARAMETRIZED;
use super::order::{self, Unordered};
use super::source::{Contents, Tensor};
use super::words::{translated, without_wrappers};
use landscape_core::{Parameter, Params, ParamsError, Role};
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

/// Prefixes that are tried, and the first names of the network that are looked for behind them.
const MOST: usize = 256;
const ANCHORS: usize = 3;

/// Pairs of a missing and an unexpected name that are compared, and the longest names of such a pair.
const PAIRS: usize = 20_000;
const LONGEST: usize = 100;

/// Names that are written out in a list.
pub(super) const SHOWN: usize = 6;

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

/// The tensors of a network, in its order; none for a buffer that is absent.
pub(super) struct Choice<'c> {
    pub(super) tensors: Vec<Option<&'c Tensor>>,
    pub(super) notes: Vec<LoadNote>,
}

/// Why none were chosen.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Names are missing, unexpected or of another shape; what could be another name of which, where there is one.
    Layout {
        source: ParamsError,
        renamed: Option<Box<(String, String)>>,
        /// How many outputs the network of the file has, where it differs in that alone.
        outputs: Option<usize>,
    },
    /// All parameters are there, and none of so many buffers.
    NoBuffers { buffers: usize },
    /// Layers that fit by their shapes, whose order nothing tells.
    Unordered { names: Vec<String> },
    /// A tensor that follows from others by a rule that the file does not tell.
    Parametrized { name: String },
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

/// How names are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// As they are.
    Plain,
    /// Without words of wrappers.
    Unwrapped,
    /// In this crate's words.
    Translated,
    /// Not at all: shapes and order tell.
    Ordered,
}

/// A file's tensors under one reading of their names.
pub(super) struct Reading<'c> {
    how: How,
    pub(super) tensors: &'c [Tensor],
    names: Vec<String>,
    /// Tensors by name; of several the last.
    known: HashMap<String, &'c Tensor>,
    /// The names of the layout.
    wanted: Vec<String>,
}

/// A network's tensors behind one prefix.
pub(super) struct Candidate<'r, 'c> {
    pub(super) reading: &'r Reading<'c>,
    pub(super) how: How,
    /// As it stands in the names, with its last point.
    pub(super) prefix: &'r str,
    /// Own tensors by place in the layout.
    pub(super) own: Vec<Option<&'c Tensor>>,
}

/// Finds the tensors of a network. `stacked` are those of the file with queries, keys and values put together;
/// with `without_buffers` all of its buffers may be absent.
pub(super) fn choose<'c>(
    contents: &'c Contents,
    stacked: &'c [Tensor],
    layout: &Params,
    without_buffers: bool,
) -> Result<Choice<'c>, Refusal> {
    let names: Vec<&str> = layout.iter().map(|t| t.name.as_str()).collect();
    let readings = readings(contents, stacked, &names);
    let fits = |c: &Candidate| c.fits(layout, without_buffers);
    let (within, ordered): (Vec<Reading>, Vec<_>);
    let mut all = Vec::new();
    extend(&mut all, &readings, fits);
    if !all.iter().any(fits) {
        let inner = inner_names(&names);
        within = { inner.iter() }
            .flat_map(|names| self::readings(contents, stacked, names))
            .collect();
        extend(&mut all, &within, fits);
    }
    let mut unordered = None;
    if !all.iter().any(fits) {
        (ordered, unordered) = order::by_order(contents, layout);
        all.extend(ordered.iter().map(|found| Candidate {
            reading: &readings[0],
            how: How::Ordered,
            prefix: &found.prefix,
            own: found.own.clone(),
        }));
    }
    let fitting: Vec<&Candidate> = all.iter().filter(|c| fits(c)).collect();
    if fitting.is_empty() {
        if let Some(Unordered(names)) = unordered {
            return Err(Refusal::Unordered { names });
        }
        return Err(nearest(all, contents, layout));
    }
    let (chosen, further) = preferred(&fitting)?;
    chosen.check(layout)?;
    Ok(Choice {
        notes: chosen.notes(layout, &further),
        tensors: chosen.own.clone(),
    })
}

/// The file's tensors in every reading of their names, against those of a network.
fn readings<'c>(contents: &'c Contents, stacked: &'c [Tensor], names: &[&str]) -> [Reading<'c>; 3] {
    let tensors = &contents.tensors[..];
    [
        Reading::new(How::Plain, tensors, str::to_owned, names),
        Reading::new(How::Unwrapped, tensors, without_wrappers, names),
        Reading::new(How::Translated, stacked, translated, names),
    ]
}

/// Adds what the readings find, until something fits.
fn extend<'r, 'c>(
    all: &mut Vec<Candidate<'r, 'c>>,
    readings: &'r [Reading<'c>],
    fits: impl Fn(&Candidate) -> bool,
) {
    for reading in readings {
        all.extend(candidates(reading));
        if all.iter().any(&fits) {
            break;
        }
    }
}

/// The names of a network without the modules that all of it is in: a program of a module around the network has `net.fc1.weight`,
/// its checkpoints `fc1.weight`.
fn inner_names<'n>(names: &[&'n str]) -> Vec<Vec<&'n str>> {
    const LEVELS: usize = 4;
    let mut levels: Vec<Vec<&str>> = Vec::new();
    let mut names = names.to_vec();
    while levels.len() < LEVELS {
        let first = names.first().and_then(|name| name.split_once('.'));
        let Some((module, _)) = first else { break };
        let within = |name: &&'n str| {
            let rest = name.strip_prefix(module)?.strip_prefix('.')?;
            rest.contains('.').then_some(rest)
        };
        let Some(inner) = names.iter().map(within).collect::<Option<Vec<_>>>() else {
            break;
        };
        levels.push(inner.clone());
        names = inner;
    }
    levels
}

/// A candidate for each prefix that stands before a name of the layout.
fn candidates<'r, 'c>(reading: &'r Reading<'c>) -> Vec<Candidate<'r, 'c>> {
    let anchors = &reading.wanted[..reading.wanted.len().min(ANCHORS)];
    let pairs = { reading.names.iter() }.flat_map(|name| anchors.iter().map(move |a| (name, a)));
    let prefixes = pairs.filter_map(|(name, anchor)| name.strip_suffix(anchor.as_str()));
    let mut seen = HashSet::new();
    prefixes
        .filter(|prefix| prefix.is_empty() || prefix.ends_with('.'))
        .filter(|prefix| seen.insert(*prefix))
        .take(MOST)
        .map(|prefix| Candidate::of(reading, prefix))
        .collect()
}

impl<'c> Reading<'c> {
    fn new(how: How, tensors: &'c [Tensor], read: fn(&str) -> String, wanted: &[&str]) -> Self {
        let names: Vec<String> = tensors.iter().map(|t| read(&t.name)).collect();
        Reading {
            how,
            known: names.iter().cloned().zip(tensors).collect(),
            tensors,
            names,
            wanted: wanted.iter().map(|name| read(name)).collect(),
        }
    }

    /// All tensors, behind the wrappers that every name carries.
    fn of_whole_file(contents: &'c Contents, layout: &Params) -> Self {
        let mut names: Vec<&str> = contents.tensors.iter().map(|t| t.name.as_str()).collect();
        unwrap(&mut names);
        Reading {
            how: How::Plain,
            tensors: &contents.tensors,
            names: names.into_iter().map(str::to_owned).collect(),
            known: HashMap::new(),
            wanted: layout.iter().map(|t| t.name.clone()).collect(),
        }
    }
}

impl<'r, 'c> Candidate<'r, 'c> {
    fn of(reading: &'r Reading<'c>, prefix: &'r str) -> Self {
        let mut full = prefix.to_owned();
        let mut own = |name: &String| {
            full.truncate(prefix.len());
            full.push_str(name);
            reading.known.get(&full).copied()
        };
        Candidate {
            own: reading.wanted.iter().map(&mut own).collect(),
            how: reading.how,
            reading,
            prefix,
        }
    }

    /// The prefix without its last point.
    pub(super) fn place(&self) -> &'r str {
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

    /// The other tensors behind the same prefix and in dictionaries as deep, by the rest of their name. What is one of the
    /// network's own under another name (tied weights) is none of them.
    pub(super) fn beside(&self) -> Vec<(&'r str, &'c Tensor)> {
        let depth = self.own.iter().flatten().map(|t| t.depth).max();
        let own: HashSet<_> = self.own.iter().flatten().map(|t| t.parts()).collect();
        let mut seen: HashSet<&str> = match self.how {
            How::Ordered => HashSet::new(),
            _ => self.reading.wanted.iter().map(String::as_str).collect(),
        };
        let mut beside = Vec::new();
        for (name, tensor) in self.reading.names.iter().zip(self.reading.tensors) {
            if let Some(rest) = name.strip_prefix(self.prefix)
                && !own.contains(&tensor.parts())
                && seen.insert(rest)
                && depth.is_none_or(|depth| tensor.depth == depth)
            {
                beside.push((rest, tensor));
            }
        }
        beside
    }

    /// Whether all tensors are there, or with `without_buffers` all but the buffers.
    fn fits(&self, layout: &Params, without_buffers: bool) -> bool {
        let is_it = |(own, wanted): (&Option<&Tensor>, &Parameter)| {
            own.is_some_and(|own| own.shape == wanted.shape && own.is_float)
        };
        let pairs = || self.own.iter().zip(layout.iter());
        pairs().all(is_it) || without_buffers && self.has_parameters_alone(layout)
    }

    /// Whether all parameters are there and none of the buffers, of which there are some.
    fn has_parameters_alone(&self, layout: &Params) -> bool {
        let mut buffers = 0;
        let right = |(own, wanted): (&Option<&Tensor>, &Parameter)| match wanted.role {
            Role::Buffer => {
                buffers += 1;
                own.is_none()
            }
            _ => own.is_some_and(|own| own.shape == wanted.shape && own.is_float),
        };
        self.own.iter().zip(layout.iter()).all(right) && buffers > 0
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
        let beside = self.beside();
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
        let beside = self.beside();
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
            outputs: self.outputs(layout, &source),
            source,
        }
    }

    /// How many outputs the network of the file has, where its last layer differs in that and nothing else does.
    fn outputs(&self, layout: &Params, differences: &ParamsError) -> Option<usize> {
        let ParamsError::Layout {
            missing,
            unexpected,
            misshaped,
        } = differences
        else {
            return None;
        };
        let last = layout.iter().last()?;
        let (layer, _) = last.name.rsplit_once('.')?;
        let outputs = self.own.last().copied().flatten()?.shape.first().copied()?;
        let of_layer = |name: &str| name.rsplit_once('.').is_some_and(|(l, _)| l == layer);
        let mut differing = 0;
        for (own, wanted) in self.own.iter().flatten().zip(layout.iter()) {
            if own.shape != wanted.shape {
                let rows = own.shape.first() == Some(&outputs);
                let rest = own.shape.get(1..) == wanted.shape.get(1..);
                differing += usize::from(rows && rest && of_layer(&wanted.name));
            }
        }
        let all = missing.is_empty() && unexpected.is_empty() && differing == misshaped.len();
        (all && differing > 0 && outputs > 0).then_some(outputs)
    }

    /// A missing name and the unexpected one that is nearest to it and of its shape, among the first few of both.
    fn renamed(
        &self,
        layout: &Params,
        beside: &[(&str, &Tensor)],
    ) -> Option<Box<(String, String)>> {
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
        Some(Box::new((wanted.clone(), found.to_owned())))
    }
}

/// What counters and meters leave in a state dictionary: integers, and single numbers. A single weight, such as that
/// of a PReLU, is a parameter.
pub(super) fn is_harmless(tensor: &Tensor) -> bool {
    let kind = tensor.name.rsplit('.').next().unwrap_or_default();
    let is_parameter = matches!(kind, "weight" | "bias");
    !is_parameter && (!tensor.is_float || tensor.numel() <= 1)
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
    let parametrized = contents
        .tensors
        .iter()
        .find(|t| t.name.contains(PARAMETRIZED));
    let parametrized = parametrized.map(|t| Refusal::Parametrized {
        name: t.name.clone(),
    });
    let Some(best) = all.into_iter().rev().max_by_key(|c| c.score(layout)) else {
        let whole = Reading::of_whole_file(contents, layout);
        return parametrized.unwrap_or_else(|| Candidate::of(&whole, "").refusal(layout));
    };
    if best.has_parameters_alone(layout) {
        let buffers = layout.iter().filter(|t| t.role == Role::Buffer).count();
        return Refusal::NoBuffers { buffers };
    }
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
    parametrized.unwrap_or_else(|| best.refusal(layout))
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
