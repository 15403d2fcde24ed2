//! Low-rank adapters that are not in the weights: in a file of their own, or as parameters of their own.

use super::fold::Made;
use super::lora::{self, Config, Merge, Pair};
use super::rename::rename;
use super::source::{Contents, Source, Tensor, without_counters};
use super::words::{translated, without_wrappers};
use super::{LoadNote, LoadOptions, Loaded, gpt};
use crate::ModelsError;
use crate::files::Array;
use landscape_core::{FilterAxes, Parameter, Params, ParamsError, Role};
use landscape_trace::LowRank;
use std::collections::HashSet;

/// Low-rank adapters of a network (LoRA), whose factors are parameters beside the weights that they change.
///
/// The factors are named as PEFT names them: `fc1.lora_A.weight`, `[rank, inputs]`, and `fc1.lora_B.weight`, `[outputs, rank]`,
/// of `fc1.weight`; `lora_embedding_A` and `lora_embedding_B` of embeddings. What they are to the weight, [`LowRank`] says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Adapters {
    /// Which weights are changed, and by what.
    pub list: Vec<LowRank>,
    /// The factors `A` and `B` of each, one after the other.
    pub factors: Vec<Parameter>,
}

impl Adapters {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The parameters of a network, and after them the factors.
    ///
    /// # Errors
    /// [`ParamsError::Duplicate`] where the factors are there already.
    pub fn beside(&self, base: Params) -> Result<Params, ParamsError> {
        let mut tensors = base.into_inner();
        tensors.extend(self.factors.iter().cloned());
        Params::new(tensors)
    }

    /// Of parameters with factors, those of the network alone, as they are.
    pub fn base(&self, params: &Params) -> Params {
        let own = |tensor: &&Parameter| !self.is_factor(&tensor.name);
        let tensors = params.iter().filter(own).cloned().collect();
        Params::new(tensors).expect("names are those of parameters")
    }

    /// The same with the factors merged into the weights: `W + scale B A`, summed in f64. What is not there is left out.
    pub fn merged(&self, params: &Params) -> Params {
        let mut tensors = self.base(params).into_inner();
        for adapter in &self.list {
            let [first, second] = adapter.factors.each_ref().map(|name| params.get(name));
            let weight = tensors.iter_mut().find(|t| t.name == adapter.weight);
            let (Some(weight), Some(first), Some(second)) = (weight, first, second) else {
                continue;
            };
            let inputs = first.shape[1..].iter().product();
            let factors = [&first.data[..], &second.data[..]];
            let how = (adapter.scale, adapter.across);
            weight.data = lora::sum(&weight.data, factors, inputs, how);
        }
        Params::new(tensors).expect("names are those of parameters")
    }

    fn is_factor(&self, name: &str) -> bool {
        self.list
            .iter()
            .any(|adapter| adapter.factors.iter().any(|own| own == name))
    }

    fn push(&mut self, weight: &str, merge: Merge, arrays: [Array; 2]) {
        let layer = weight.strip_suffix(".weight").unwrap_or(weight);
        let factors = ["A", "B"].map(|letter| match merge.embedding {
            true => format!("{layer}.lora_embedding_{letter}"),
            false => format!("{layer}.lora_{letter}.weight"),
        });
        let named = factors.iter().zip(arrays);
        self.factors.extend(named.map(|(name, array)| Parameter {
            name: name.clone(),
            shape: array.shape,
            data: array.values.into_floats(),
            role: Role::Weight,
            filter_axes: FilterAxes::default(),
            fixed: false,
        }));
        self.list.push(LowRank {
            weight: weight.to_owned(),
            factors,
            rank: merge.rank,
            scale: merge.scale(),
            across: merge.is_across(),
        });
    }
}

/// An adapter that was taken out of the weight that it is merged into.
pub(super) struct Aside {
    /// The weight without it.
    weight: Tensor,
    merge: Merge,
    factors: [Tensor; 2],
}

/// Takes the adapters out of the weights of a file.
pub(super) fn apart(contents: &mut Contents) -> Vec<Aside> {
    let mut aside = Vec::new();
    for tensor in &mut contents.tensors {
        let Made::Adapted(merge) = tensor.made else {
            continue;
        };
        let factors = tensor.parts.split_off(1);
        let factors = [0, 1].map(|factor| Tensor::of(factors[factor].clone()));
        tensor.made = if merge.turned {
            Made::Turned
        } else {
            Made::Alone
        };
        aside.push(Aside {
            weight: tensor.clone(),
            merge,
            factors,
        });
    }
    aside
}

/// The adapters of the weights that were chosen for a layout.
///
/// # Errors
/// [`ModelsError::Unsupported`] where the weight of one was not chosen as it is.
pub(super) fn of_chosen(
    aside: &[Aside],
    chosen: &[Option<&Tensor>],
    layout: &Params,
    source: &Source,
) -> Result<Adapters, ModelsError> {
    let mut adapters = Adapters::default();
    for Aside {
        weight,
        merge,
        factors,
    } in aside
    {
        let own = { layout.iter().zip(chosen) }
            .find(|(_, tensor)| tensor.is_some_and(|tensor| tensor.is(weight)));
        let Some((own, _)) = own else {
            return Err(lora::refused(
                source.path(),
                &format!(
                    "the adapter of `{}` is of no weight of the network as it is here; take the adapters merged",
                    weight.name
                ),
            ));
        };
        adapters.push(
            &own.name,
            *merge,
            pair_of(source.read(&factors.each_ref())?),
        );
    }
    Ok(adapters)
}

fn pair_of(arrays: Vec<Array>) -> [Array; 2] {
    arrays.try_into().expect("two were read")
}

/// A file that holds adapters alone, on the weights that the options give; nothing where it holds more, or they give none.
///
/// # Errors
/// [`ModelsError::Unsupported`] where they are not those of the network.
pub(super) fn upon(
    source: &Source,
    layout: &Params,
    options: &LoadOptions,
) -> Result<Option<Loaded>, ModelsError> {
    let Some(base) = options.base else {
        return Ok(None);
    };
    let mut tensors = source.contents()?.tensors;
    if !tensors.iter().any(|tensor| lora::is_part(&tensor.name)) {
        return Ok(None);
    }
    let mut notes = rename(&mut tensors, options.renames, source.path())?;
    let tensors = without_counters(tensors);
    let pairs = lora::pairs(&tensors, source.path())?;
    let names: HashSet<String> = tensors.iter().map(|t| lora::plain(&t.name)).collect();
    if pairs.iter().any(|pair| names.contains(&pair.weight())) {
        return Ok(None);
    }
    let file = AdapterFile {
        source,
        layout,
        rest: tensors.iter().filter(|t| !lora::is_part(&t.name)).collect(),
        pairs,
    };
    let (params, adapters) = file.on(base)?;
    super::check_finite(&params, source.path())?;
    if options.apart {
        return Ok(Some(Loaded {
            params,
            notes,
            adapters,
        }));
    }
    let count = adapters.list.len();
    notes.push(LoadNote {
        words: format!("its adapters (LoRA) of {count} weights are merged, W + scale B A"),
        matters: false,
    });
    let both = adapters.beside(params);
    let both = both.map_err(|e| ModelsError::corrupt(source.path(), e.to_string()))?;
    Ok(Some(Loaded {
        params: adapters.merged(&both),
        notes,
        adapters: Adapters::default(),
    }))
}

/// A file of adapters, and of what else a fine-tuning changed.
struct AdapterFile<'f, 's> {
    source: &'f Source<'s>,
    layout: &'f Params,
    pairs: Vec<Pair<'f>>,
    /// Tensors that stand for those of the network.
    rest: Vec<&'f Tensor>,
}

impl AdapterFile<'_, '_> {
    /// The network's parameters where the file's own stand for some of them, and the adapters.
    fn on(&self, base: &Params) -> Result<(Params, Adapters), ModelsError> {
        let path = self.source.path();
        let mut config = Config::beside(path)?;
        // The network's own weights may be turned.
        config.fan_in_fan_out &= gpt::is_conv1d(self.layout);
        let names = self.names()?;
        let (weights, replaced) = names.split_at(self.pairs.len());
        let mut adapters = Adapters::default();
        for (pair, own) in self.pairs.iter().zip(weights) {
            let merge = Merge::of(&own.shape, pair, &config);
            let merge = merge.ok_or_else(|| lora::unfitting(&pair.layer, path))?;
            adapters.push(&own.name, merge, pair_of(self.source.read(&pair.factors)?));
        }
        let own = self
            .layout
            .iter()
            .map(|own| base.get(&own.name).unwrap_or(own).clone());
        let mut tensors: Vec<Parameter> = own.collect();
        let arrays = self.source.read(&self.rest)?;
        for ((own, tensor), array) in replaced.iter().zip(&self.rest).zip(arrays) {
            if tensor.shape != own.shape || !tensor.is_float {
                return Err(lora::refused(
                    path,
                    &format!(
                        "`{}` is {:?}, and {:?} in the network",
                        tensor.name, tensor.shape, own.shape
                    ),
                ));
            }
            let place = tensors.iter().position(|tensor| tensor.name == own.name);
            let place = place.expect("it is one of the layout");
            tensors[place].data = array.values.into_floats();
        }
        let params = Params::new(tensors).expect("names are those of the layout");
        Ok((params, adapters))
    }

    /// The network's tensors that are meant by those of the file: the weights of the pairs, and the rest.
    fn names(&self) -> Result<Vec<&Parameter>, ModelsError> {
        let weights = self.pairs.iter().map(Pair::weight);
        let rest = self.rest.iter().map(|tensor| lora::plain(&tensor.name));
        let names: Vec<String> = weights.chain(rest).collect();
        let readings: [fn(&str) -> String; 3] = [str::to_owned, without_wrappers, translated];
        let found = readings.iter().find_map(|read| self.read_as(*read, &names));
        found.ok_or_else(|| {
            let strange = { names.iter() }.find(|name| meant(self.layout, name).is_none());
            let strange = strange.or(names.first()).map_or("", String::as_str);
            lora::refused(
                self.source.path(),
                &format!(
                    "it holds adapters (LoRA) of another network: `{strange}` is not among its weights; name the network that was \
                     adapted, or give other names to the tensors"
                ),
            )
        })
    }

    /// All of them, behind one prefix.
    fn read_as(&self, read: fn(&str) -> String, names: &[String]) -> Option<Vec<&Parameter>> {
        let words: Vec<String> = self.layout.iter().map(|own| read(&own.name)).collect();
        let mut prefix: Option<String> = None;
        let mut found = Vec::new();
        for name in names {
            let name = read(name);
            let behind = |own: &&(&Parameter, &String)| is_behind(&name, own.1);
            let all: Vec<_> = self.layout.iter().zip(&words).collect();
            let (own, word) = { all.iter().filter(behind) }.max_by_key(|(_, word)| word.len())?;
            let before = &name[..name.len() - word.len()];
            if prefix.get_or_insert_with(|| before.to_owned()) != before {
                return None;
            }
            found.push(*own);
        }
        Some(found)
    }
}

fn meant<'l>(layout: &'l Params, name: &str) -> Option<&'l Parameter> {
    layout
        .iter()
        .find(|own| is_behind(&translated(name), &translated(&own.name)))
}

/// Whether a name is another one behind a prefix.
fn is_behind(name: &str, own: &str) -> bool {
    let rest = name.strip_suffix(own);
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
