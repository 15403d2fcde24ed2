//! Low-rank adapters (Hu et al. 2021, *LoRA: low-rank adaptation of large language models*), merged into the weights that they change:
//! `W + scale B A`, as PEFT's `merge_and_unload` does it.

use super::fold::Made;
use super::source::Tensor;
use crate::ModelsError;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// What stands after a layer's name in those of its factors `A` and `B`: of layers, and of embeddings.
const FACTORS: [[&str; 2]; 2] = [
    [".lora_A", ".lora_B"],
    [".lora_embedding_A", ".lora_embedding_B"],
];
/// Where PEFT keeps what an adapter wraps.
const BASE: &str = ".base_layer.";
/// The file of PEFT in which the scale is.
const CONFIG: &str = "adapter_config.json";

/// How an adapter is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Merge {
    /// The bits of the factor of `B A`.
    scale: u64,
    pub(super) rank: usize,
    /// Whether the weight is the transpose of what `B A` is of.
    across: bool,
    /// Whether the merged weight is turned.
    pub(super) turned: bool,
    /// Whether it is of an embedding.
    pub(super) embedding: bool,
}

impl Merge {
    /// The same of a weight of `Conv1D`, which is `[inputs, outputs]` even where it is square, turned afterwards.
    pub(super) fn turned(self) -> Self {
        Merge {
            across: true,
            turned: true,
            ..self
        }
    }

    /// The factor of `B A`.
    pub(super) fn scale(self) -> f64 {
        f64::from_bits(self.scale)
    }

    /// Whether the weight of the network, after turning, is the transpose of what `B A` is of.
    pub(super) fn is_across(self) -> bool {
        self.across != self.turned
    }
}

/// What of PEFT's settings says the scale.
#[derive(Debug, Deserialize)]
pub(super) struct Config {
    lora_alpha: f64,
    #[serde(default)]
    use_rslora: bool,
    #[serde(default)]
    use_dora: bool,
    #[serde(default)]
    alpha_pattern: HashMap<String, f64>,
    /// Whether square weights, too, are `[inputs, outputs]` in the file.
    #[serde(default)]
    pub(super) fan_in_fan_out: bool,
}

/// The factors of a layer, as they are in a file.
pub(super) struct Pair<'t> {
    /// The layer's name without wrappers.
    pub(super) layer: String,
    pub(super) factors: [&'t Tensor; 2],
    embedding: bool,
}

impl Pair<'_> {
    /// The name of the weight that they change.
    pub(super) fn weight(&self) -> String {
        format!("{}.weight", self.layer)
    }
}

/// The adapters among the tensors of a file at `path`.
///
/// # Errors
/// [`ModelsError::Unsupported`] for halves, several of one layer, and those of other kinds.
pub(super) fn pairs<'t>(tensors: &'t [Tensor], path: &Path) -> Result<Vec<Pair<'t>>, ModelsError> {
    let known: HashMap<&str, &Tensor> = tensors.iter().map(|t| (t.name.as_str(), t)).collect();
    let mut pairs: Vec<Pair> = Vec::new();
    let mut layers = HashSet::new();
    for first in tensors {
        let Some((kind, (layer, rest))) = kind_of(&first.name) else {
            continue;
        };
        let second = known.get(format!("{layer}{}{rest}", FACTORS[kind][1]).as_str());
        let second = *second.ok_or_else(|| incomplete(layer, path))?;
        let layer = plain(layer);
        if !layers.insert(layer.clone()) {
            return Err(refused(
                path,
                &format!("`{layer}` has several adapters; keep one of them"),
            ));
        }
        pairs.push(Pair {
            layer,
            factors: [first, second],
            embedding: kind == 1,
        });
    }
    match tensors.iter().find(|t| is_other_part(&t.name)) {
        Some(other) if !pairs.is_empty() => Err(refused(
            path,
            &format!(
                "`{}` is part of an adapter that is not W + scale B A; merge it in PEFT: merge_and_unload()",
                other.name
            ),
        )),
        _ => Ok(pairs),
    }
}

/// Of the name of a first factor: which of [`FACTORS`] it is, what is before the word, and what is after it.
fn kind_of(name: &str) -> Option<(usize, (&str, &str))> {
    let mut kinds = FACTORS.iter().enumerate();
    kinds.find_map(|(kind, [first, _])| Some((kind, name.split_once(first)?)))
}

/// Whether a tensor is one of an adapter.
pub(super) fn is_part(name: &str) -> bool {
    name.contains(".lora_")
}

/// Whether it is so and neither a factor nor left over: a bias beside `B`, or magnitudes.
fn is_other_part(name: &str) -> bool {
    let of_second = FACTORS.iter().any(|[_, second]| name.contains(second));
    name.contains(".lora_magnitude_vector") || of_second && name.ends_with(".bias")
}

fn incomplete(layer: &str, path: &Path) -> ModelsError {
    refused(
        path,
        &format!(
            "it holds the adapter (LoRA) of `{layer}` without the weight that it changes, or half of it; give the network's own \
             weights and this as the adapter on them, or merge it and save the whole: \
             torch.save(model.merge_and_unload().state_dict(), FILE)"
        ),
    )
}

/// Merges the adapters among the tensors of a file at `path`.
///
/// # Errors
/// [`ModelsError::Unsupported`] where the weights or the scale are not there, and for adapters of other kinds.
pub(super) fn merged(tensors: Vec<Tensor>, path: &Path) -> Result<Vec<Tensor>, ModelsError> {
    let pairs = pairs(&tensors, path)?;
    if pairs.is_empty() {
        return Ok(tensors);
    }
    let known: HashMap<String, &Tensor> = tensors.iter().map(|t| (plain(&t.name), t)).collect();
    let mut config = None;
    let mut whole: HashMap<String, Tensor> = HashMap::new();
    for pair in &pairs {
        let name = pair.weight();
        let weight = known.get(&name);
        let weight = *weight.ok_or_else(|| incomplete(&pair.layer, path))?;
        let config = match &config {
            Some(known) => known,
            None => config.insert(Config::beside(path)?),
        };
        let alone = weight.made == Made::Alone && weight.is_float;
        let merge = Merge::of(&weight.shape, pair, config).filter(|_| alone);
        let merge = merge.ok_or_else(|| unfitting(&pair.layer, path))?;
        let [first, second] = pair.factors;
        let parts = [weight, first, second].map(|tensor| tensor.parts.clone());
        let tensor = Tensor {
            name: name.clone(),
            made: Made::Adapted(merge),
            parts: parts.concat(),
            ..weight.clone()
        };
        whole.insert(name, tensor);
    }
    let kept = { tensors.iter() }.filter(|tensor| !is_part(&tensor.name));
    let own = kept.map(|tensor| {
        let name = plain(&tensor.name);
        let bare = || Tensor {
            name: name.clone(),
            ..tensor.clone()
        };
        whole.remove(&name).unwrap_or_else(bare)
    });
    Ok(own.collect())
}

/// The name of a tensor that an adapter wraps, without the wrapper.
pub(super) fn plain(name: &str) -> String {
    name.replace(BASE, ".")
}

pub(super) fn unfitting(layer: &str, path: &Path) -> ModelsError {
    refused(
        path,
        &format!("the adapter of `{layer}` does not fit its weight"),
    )
}

pub(super) fn refused(path: &Path, reason: &str) -> ModelsError {
    ModelsError::unsupported(path, reason)
}

impl Config {
    /// The settings beside a file.
    ///
    /// # Errors
    /// [`ModelsError::Unsupported`] where they are not there, or are of other adapters.
    pub(super) fn beside(path: &Path) -> Result<Self, ModelsError> {
        let file = path.with_file_name(CONFIG);
        let text = std::fs::read_to_string(&file).map_err(|_| {
            refused(
                path,
                "it holds adapters (lora_A, lora_B), whose scale is not in it; put PEFT's adapter_config.json beside it, or merge them",
            )
        })?;
        let config: Config = serde_json::from_str(&text).map_err(|error| {
            refused(
                &file,
                &format!("it is not the adapter_config.json of a LoRA: {error}"),
            )
        })?;
        match config.use_dora || !config.alpha_pattern.is_empty() {
            true => Err(refused(
                &file,
                "adapters with magnitudes (DoRA) or a scale for each layer (alpha_pattern) are not merged here; merge them in PEFT",
            )),
            false => Ok(config),
        }
    }
}

impl Merge {
    /// Nothing where the factors do not fit a weight of that shape.
    pub(super) fn of(weight: &[usize], pair: &Pair, config: &Config) -> Option<Self> {
        let [first, second] = pair.factors;
        let alone = [first, second]
            .iter()
            .all(|t| t.made == Made::Alone && t.is_float);
        let (rank, across) = fit(weight, &first.shape, &second.shape)?;
        // A square weight fits both ways.
        let square = matches!(weight, [rows, columns] if rows == columns);
        let turned = square && (config.fan_in_fan_out || pair.embedding);
        let root = match config.use_rslora {
            true => (rank as f64).sqrt(),
            false => rank as f64,
        };
        alone.then_some(Merge {
            scale: (config.lora_alpha / root).to_bits(),
            rank,
            across: across || turned,
            turned: false,
            embedding: pair.embedding,
        })
    }

    /// The merged values of a weight, and the factors `A`, of so many columns, and `B`.
    pub(super) fn values(self, parts: &[Vec<f32>], inputs: usize) -> Vec<f32> {
        let [weight, first, second] = parts else {
            unreachable!("an adapted weight has three parts");
        };
        sum(weight, [first, second], inputs, (self.scale(), self.across))
    }
}

/// The rank, and whether the weight is the transpose of what `B A` is of; nothing where they do not fit.
fn fit(weight: &[usize], first: &[usize], second: &[usize]) -> Option<(usize, bool)> {
    match (weight, first, second) {
        (_, [0, ..], _) => None,
        (&[rows, columns], &[rank, inputs], &[outputs, other]) if rank == other => {
            match [outputs, inputs] {
                fit if fit == [rows, columns] => Some((rank, false)),
                fit if fit == [columns, rows] => Some((rank, true)),
                _ => None,
            }
        }
        // Of a convolution: the kernel is that of A.
        ([rows, patch @ ..], [rank, inputs @ ..], [outputs, other, 1, 1]) => {
            let fits = patch.len() == 3 && patch == inputs && rows == outputs && rank == other;
            fits.then_some((*rank, false))
        }
        _ => None,
    }
}

/// `W + scale B A` of values, `A` of so many columns; `across` where `W` is the transpose of what `B A` is of.
pub(super) fn sum(
    weight: &[f32],
    [first, second]: [&[f32]; 2],
    inputs: usize,
    (scale, across): (f64, bool),
) -> Vec<f32> {
    let rank = first.len() / inputs.max(1);
    let outputs = second.len() / rank.max(1);
    let mut merged = weight.to_vec();
    for output in 0..outputs {
        let row = &second[output * rank..][..rank];
        for input in 0..inputs {
            let terms = row.iter().enumerate();
            let terms = terms.map(|(k, b)| f64::from(*b) * f64::from(first[k * inputs + input]));
            let place = match across {
                true => input * outputs + output,
                false => output * inputs + input,
            };
            let sum = f64::from(merged[place]) + scale * terms.sum::<f64>();
            merged[place] = sum as f32;
        }
    }
    merged
}
