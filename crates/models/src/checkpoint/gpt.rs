//! Language models as other programs keep them: Hugging Face's GPT-2, and heads that are the embedding.

use super::LoadNote;
use super::fold::Made;
use super::source::{Contents, Source, Tensor};
use crate::ModelsError;
use landscape_core::Params;
use std::collections::HashSet;

/// The embedding of a language model, and its map to the tokens.
const EMBEDDING: &str = "transformer.wte.weight";
const HEAD: &str = "lm_head.weight";

/// Weights of a block that Hugging Face keeps as `[inputs, outputs]`; the first tells, for it has three times as many outputs.
const CONV1D: [&str; 4] = [
    "attn.c_attn.weight",
    "attn.c_proj.weight",
    "mlp.c_fc.weight",
    "mlp.c_proj.weight",
];

/// What of a block is a mask, and no parameter.
const MASKS: [&str; 2] = [".attn.bias", ".attn.masked_bias"];

/// Makes of a file's tensors those of a language model as the family has them, where `layout` is of one.
///
/// # Errors
/// [`ModelsError::Unsupported`] where the map to the tokens is another than that of the network.
pub(super) fn adapt(
    contents: &mut Contents,
    source: &Source,
    layout: &Params,
) -> Result<Option<LoadNote>, ModelsError> {
    if layout.get(EMBEDDING).is_none() {
        return Ok(None);
    }
    let tensors = &mut contents.tensors;
    tensors.retain(|t| !MASKS.iter().any(|mask| t.name.ends_with(mask)) || t.shape.len() == 1);
    check_head(tensors, source, layout)?;
    Ok(turn(tensors))
}

/// Whether a network's own weights are those of `Conv1D`, `[inputs, outputs]`.
pub(super) fn is_conv1d(layout: &Params) -> bool {
    layout
        .iter()
        .any(|own| own.name.ends_with(CONV1D[0]) && is_turned(&own.shape))
}

/// Whether a weight of queries, keys and values is `[inputs, outputs]`.
fn is_turned(shape: &[usize]) -> bool {
    matches!(*shape, [inputs, outputs] if inputs.checked_mul(3) == Some(outputs))
}

/// Turns the weights of `Conv1D`.
fn turn(tensors: &mut [Tensor]) -> Option<LoadNote> {
    let blocks = tensors.iter().filter(|t| is_turned(&t.shape));
    let blocks: HashSet<String> = blocks
        .filter_map(|t| Some(t.name.strip_suffix(CONV1D[0])?.to_owned()))
        .collect();
    for tensor in tensors.iter_mut() {
        let mut places = CONV1D.iter();
        let block = places.find_map(|place| tensor.name.strip_suffix(place));
        let of_block = block.is_some_and(|block| blocks.contains(block));
        let turned = match tensor.made {
            Made::Alone => Made::Turned,
            Made::Adapted(merge) => Made::Adapted(merge.turned()),
            _ => continue,
        };
        if of_block && tensor.shape.len() == 2 {
            tensor.shape.reverse();
            tensor.made = turned;
        }
    }
    (!blocks.is_empty()).then(|| LoadNote {
        words: "weights of Conv1D are [inputs, outputs], as Hugging Face keeps GPT-2, and are turned; that network has an \
                approximation of GELU, which differs from the exact one here by up to 0.0005"
            .to_owned(),
        matters: true,
    })
}

/// A network whose map to the tokens is the embedding has a file where both are one, or where the map is left out; any
/// other has one with a map.
fn check_head(
    tensors: &mut Vec<Tensor>,
    source: &Source,
    layout: &Params,
) -> Result<(), ModelsError> {
    let head = tensors.iter().position(|t| t.name.ends_with(HEAD));
    let wrong = |reason: &str| Err(ModelsError::unsupported(source.path(), reason));
    match (head, layout.get(HEAD)) {
        (None, Some(_)) if tensors.iter().any(|t| t.name.ends_with("wte.weight")) => wrong(
            "it has no lm_head.weight, so that its map to the tokens is the embedding; add `,tied` to the name of the \
             network",
        ),
        (Some(at), None) => {
            let prefix = tensors[at].name.strip_suffix(HEAD).unwrap_or_default();
            let embedding = format!("{prefix}{EMBEDDING}");
            let Some(embedding) = tensors.iter().find(|t| t.name == embedding) else {
                return Ok(());
            };
            let head = &tensors[at];
            if head.shape == embedding.shape && !head.is(embedding) {
                let both = source.read(&[head, embedding])?;
                if both[0] != both[1] {
                    return wrong(
                        "its lm_head.weight differs from transformer.wte.weight, and the network has one for both; \
                         leave `tied` out of its name",
                    );
                }
            }
            tensors.retain(|t| !t.name.ends_with(HEAD));
            Ok(())
        }
        _ => Ok(()),
    }
}
