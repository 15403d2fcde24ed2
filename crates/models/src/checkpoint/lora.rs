//! Low-rank adapters (Hu et al. 2021, *LoRA: low-rank adaptation of large language models*), merged into the weights that they change:
//! `W + scale B A`, as PEFT's `merge_and_unload` does it.

use super::fold::Made;
use super::source::Tensor;
use crate::ModelsError;
use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;

/// The word before the first factor's name, and what stands for it in the second's.
const FACTORS: [&str; 2] = [".lora_A", ".lora_B"];
/// Where PEFT keeps what an adapter wraps.
const BASE: &str = ".base_layer.";
/// The file of PEFT in which the scale is.
const CONFIG: &str = "adapter_config.json";

/// How an adapter is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Merge {
    /// The bits of the factor of `B A`.
    scale: u64,
    /// Whether the weight is the transpose of what `B A` is of.
    across: bool,
    /// Whether the merged weight is turned.
    pub(super) turned: bool,
}

impl Merge {
    /// The same, turned afterwards.
    pub(super) fn turned(self) -> Self {
        Merge {
            turned: true,
            ..self
        }
    }
}

/// What of PEFT's settings says the scale.
#[derive(Debug, Deserialize)]
struct Config {
    lora_alpha: f64,
    #[serde(default)]
    use_rslora: bool,
    #[serde(default)]
    use_dora: bool,
    #[serde(default)]
    alpha_pattern: HashMap<String, f64>,
}

/// Merges the adapters among the tensors of a file at `path`.
///
/// # Errors
/// [`ModelsError::Unsupported`] where the weights or the scale are not there, and for adapters of other kinds.
pub(super) fn merged(tensors: Vec<Tensor>, path: &Path) -> Result<Vec<Tensor>, ModelsError> {
    if !tensors
        .iter()
        .any(|tensor| tensor.name.contains(FACTORS[0]))
    {
        return Ok(tensors);
    }
    let mut settings = None;
    let known: HashMap<String, &Tensor> = tensors.iter().map(|t| (plain(&t.name), t)).collect();
    let mut whole: HashMap<String, Tensor> = HashMap::new();
    for first in &tensors {
        let Some((layer, rest)) = first.name.split_once(FACTORS[0]) else {
            continue;
        };
        let second = known.get(&format!("{layer}{}{rest}", FACTORS[1]));
        let name = format!("{layer}.weight");
        let weight = known.get(&name);
        let (Some(second), Some(weight)) = (second, weight) else {
            return Err(refused(
                path,
                &format!(
                    "it holds the adapter (LoRA) of `{layer}` without the weight that it changes, or half of it; merge it and save the \
                     whole: torch.save(model.merge_and_unload().state_dict(), FILE)"
                ),
            ));
        };
        let settings = match &settings {
            Some(known) => known,
            None => settings.insert(config(path)?),
        };
        let merge = Merge::of(weight, [first, *second], settings).ok_or_else(|| {
            refused(
                path,
                &format!("the adapter of `{layer}` does not fit its weight"),
            )
        })?;
        let parts = [weight, &first, second].map(|tensor| tensor.parts.clone());
        let tensor = Tensor {
            name: name.clone(),
            made: Made::Adapted(merge),
            parts: parts.concat(),
            ..(*weight).clone()
        };
        if whole.insert(name, tensor).is_some() {
            return Err(refused(
                path,
                &format!("`{layer}` has several adapters; keep one of them"),
            ));
        }
    }
    let kept = { tensors.iter() }.filter(|tensor| !tensor.name.contains(".lora_"));
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
fn plain(name: &str) -> String {
    name.replace(BASE, ".")
}

fn refused(path: &Path, reason: &str) -> ModelsError {
    ModelsError::unsupported(path, reason)
}

fn config(path: &Path) -> Result<Config, ModelsError> {
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

impl Merge {
    /// Nothing where the factors do not fit the weight.
    fn of(weight: &Tensor, [first, second]: [&Tensor; 2], config: &Config) -> Option<Self> {
        let (&[rank, inputs], &[outputs, other]) = (&first.shape[..], &second.shape[..]) else {
            return None;
        };
        let alone = [weight, first, second]
            .iter()
            .all(|t| t.made == Made::Alone && t.is_float);
        if !alone || rank != other || rank == 0 {
            return None;
        }
        let across = match weight.shape[..] {
            [rows, columns] if [rows, columns] == [outputs, inputs] => false,
            [rows, columns] if [columns, rows] == [outputs, inputs] => true,
            _ => return None,
        };
        let rank = match config.use_rslora {
            true => (rank as f64).sqrt(),
            false => rank as f64,
        };
        Some(Merge {
            scale: (config.lora_alpha / rank).to_bits(),
            across,
            turned: false,
        })
    }

    /// The merged values of a weight, and the factors `A`, of so many columns, and `B`.
    pub(super) fn values(self, parts: &[Vec<f32>], inputs: usize) -> Vec<f32> {
        let [weight, first, second] = parts else {
            unreachable!("an adapted weight has three parts");
        };
        let rank = first.len() / inputs.max(1);
        let outputs = second.len() / rank.max(1);
        let scale = f64::from_bits(self.scale);
        let mut merged = weight.clone();
        for output in 0..outputs {
            let row = &second[output * rank..][..rank];
            for input in 0..inputs {
                let terms = row.iter().enumerate();
                let terms =
                    terms.map(|(k, b)| f64::from(*b) * f64::from(first[k * inputs + input]));
                let place = match self.across {
                    true => input * outputs + output,
                    false => output * inputs + input,
                };
                let sum = f64::from(merged[place]) + scale * terms.sum::<f64>();
                merged[place] = sum as f32;
            }
        }
        merged
    }
}
