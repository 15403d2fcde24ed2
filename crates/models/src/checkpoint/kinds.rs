//! What is given in the place of a network's weights: folders, and files of something else, with what to do.

use super::source::{Contents, Source, Tensor};
use crate::ModelsError;
use landscape_core::{Parameter, Params};
use std::path::{Path, PathBuf};

/// Files in the folders that training programs write, in the order in which they are taken.
const IN_FOLDERS: [&str; 6] = [
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "adapter_model.safetensors",
    "adapter_model.bin",
];

/// The file with the weights: the path itself, or in a folder of Hugging Face's programs the one that is called so.
///
/// # Errors
/// [`ModelsError::Unsupported`] for other folders, with what they are.
pub(super) fn file_of(path: PathBuf) -> Result<PathBuf, ModelsError> {
    if !path.is_dir() {
        return Ok(path);
    }
    let there = |name: &str| path.join(name).exists();
    if let Some(name) = IN_FOLDERS.iter().find(|name| there(name)) {
        return Ok(path.join(name));
    }
    let reason = match () {
        () if there(".metadata") => {
            "it is a folder of torch.distributed.checkpoint; make one file of it: \
             python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER FILE"
        }
        () if there("latest") || there("zero_to_fp32.py") => {
            "it is a folder of DeepSpeed; make one file of it: python zero_to_fp32.py FOLDER OUT, which stands in the folder; or give \
             mp_rank_00_model_states.pt in it, unless parameters are divided (ZeRO-3)"
        }
        () if there("saved_model.pb") => {
            "it is a model of TensorFlow; export it with tf2onnx, and take net.onnx as the model"
        }
        () => {
            "it is a folder, without model.safetensors or pytorch_model.bin in it; give the file with the weights"
        }
    };
    Err(ModelsError::unsupported(&path, reason))
}

/// What a file is that does not fit a network, where that is another thing than another network.
pub(super) fn other(source: &Source, contents: &Contents, layout: &Params) -> Option<&'static str> {
    let tensors = &contents.tensors;
    let quantised = |class: &String| class.contains("qtensor") || class.contains("qint8");
    Some(match () {
        () if source.classes().iter().any(quantised) => {
            "its layers are quantised; give the weights as they were before"
        }
        () if tensors.iter().all(is_of_optimizer) && !tensors.is_empty() => {
            "it is the state of an optimiser, without weights; give the file of the network: torch.save(model.state_dict(), FILE)"
        }
        () if is_divided(tensors) => {
            "its parameters are divided among processes, or were left out; make whole ones of them: DeepSpeed's \
             zero_to_fp32.py FOLDER OUT, or a full state of FSDP (StateDictOptions(full_state_dict=True))"
        }
        () if tensors.iter().any(|t| is_kernel(t, layout)) => {
            "its matrices are called `kernel` and are [inputs, outputs], as those of Keras and JAX; export that network as ONNX and \
             take it as the model, or turn them: {k.replace('kernel', 'weight'): v.T for k, v in weights.items()}"
        }
        () if tensors
            .iter()
            .any(|t| t.name.ends_with("classifier.6.weight")) =>
        {
            "it is a VGG or AlexNet of torchvision, whose classifier has three layers and which has no name here; export the network, \
             torch.export.save(torch.export.export(net.eval(), (x,)), \"net.pt2\"), and take net.pt2 as the model"
        }
        () if is_part(source.path()) => {
            "it is one part of a checkpoint in several files; give the index beside them, `*.index.json`"
        }
        () => return None,
    })
}

/// `state.0.exp_avg`, ...
fn is_of_optimizer(tensor: &Tensor) -> bool {
    let mut words = tensor.name.split('.').rev();
    let (leaf, number, state) = (words.next(), words.next(), words.next());
    let counts = number.is_some_and(|n| n.parse::<u32>().is_ok());
    leaf.is_some() && counts && state == Some("state")
}

/// Whether all that has numbers has none, or is one long row of FSDP's.
fn is_divided(tensors: &[Tensor]) -> bool {
    let flat = |t: &Tensor| t.name.ends_with("_flat_param") || t.name.ends_with("flat_param");
    let mut floats = tensors.iter().filter(|t| t.is_float).peekable();
    floats.peek().is_some() && floats.all(|t| t.numel() == 0 || flat(t))
}

/// Whether a matrix is the transpose of one of the network's.
fn is_kernel(tensor: &Tensor, layout: &Params) -> bool {
    let turned = |own: &Parameter| matches!((&own.shape[..], &tensor.shape[..]), ([a, b], [c, d]) if (a, b) == (d, c));
    tensor.name.ends_with("kernel") && layout.iter().any(turned)
}

/// `model-00001-of-00002.safetensors`
fn is_part(path: &Path) -> bool {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut words = name.rsplit('-');
    let (count, of, number) = (words.next(), words.next(), words.next());
    let is_number = |word: Option<&str>| word.is_some_and(|w| w.parse::<u32>().is_ok());
    of == Some("of") && is_number(count) && is_number(number)
}
