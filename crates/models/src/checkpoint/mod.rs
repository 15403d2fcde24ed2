//! Checkpoints with PyTorch's names and layout: safetensors files, and those of `torch.save`.

use crate::files;
use crate::{ModelSpec, ModelsError, Network, PickleError};
use choice::Refusal;
use landscape_core::{FilterAxes, Parameter, Params, Role};
use safetensors::{Dtype, tensor::TensorView};
use source::{Bytes, Source, Tensor, without_counters};
use std::path::Path;

mod adapters;
mod choice;
mod fold;
mod gpt;
mod kinds;
mod lora;
mod notes;
mod order;
mod place;
mod rename;
mod shards;
mod source;
mod words;

pub use adapters::Adapters;
pub use rename::Rename;

/// The tensors of a checkpoint, PyTorch's names and layout, as f32.
///
/// Read are safetensors files and those of `torch.save` (`.pt`, `.pth`, `.t7`), in the zip format
/// as well as the one before PyTorch 1.6; what a file is, its contents say. F32, F64, F16 and BF16
/// are read (and rounded to f32), views of shared storages as what they show. Single integers, such as the
/// counters `num_batches_tracked`, are left out. In a file of `torch.save`, weights under `state_dict`,
/// `model_state_dict`, `model_state`, `net`, `network` or `model` stand for the whole file,
/// whatever else (epoch, optimiser) lies beside them. A prefix that *every* name carries, from
/// `DataParallel` (`module.`), `torch.compile` (`_orig_mod.`) or a wrapper (`state_dict.`,
/// `model_state_dict.`, `net.`, `model.`), is removed. Roles are guessed from the names;
/// [`load_network`] gives those of a network, and sees through more.
///
/// No code in a file is ever run: its pickle is read by a machine that knows the few names that
/// weights need. Of all others it makes nothing, and a file all of whose tensors depend on such is refused.
///
/// # Errors
/// [`ModelsError::Io`], [`ModelsError::Corrupt`], [`ModelsError::Pickle`],
/// [`ModelsError::Unsupported`] for tensors that are not floating-point numbers.
pub fn load_weights(path: impl AsRef<Path>) -> Result<Params, ModelsError> {
    let bytes = Bytes::read(path.as_ref())?;
    let source = bytes.open()?;
    let path = source.path();
    let tensors = without_counters(source.weights()?);
    if let Some(whole) = tensors.iter().find(|t| !t.is_float) {
        return Err(integers(&whole.name, path));
    }
    if tensors.is_empty() {
        return Err(ModelsError::unsupported(path, "it holds no tensors"));
    }
    let arrays = source.read(&tensors.iter().collect::<Vec<_>>())?;
    let parameters = names(&tensors).into_iter().zip(arrays);
    let parameters = parameters
        .map(|(name, array)| parameter(name, array))
        .collect();
    Params::new(parameters).map_err(|e| ModelsError::corrupt(path, e.to_string()))
}

/// Their names without the wrappers that all carry.
fn names(tensors: &[Tensor]) -> Vec<&str> {
    let mut names: Vec<&str> = tensors.iter().map(|t| t.name.as_str()).collect();
    choice::unwrap(&mut names);
    names
}

fn integers(name: &str, path: &Path) -> ModelsError {
    let reason = format!("tensor `{name}` holds integers; parameters are floating-point numbers");
    ModelsError::unsupported(path, reason)
}

fn parameter(name: &str, array: files::Array) -> Parameter {
    Parameter {
        role: Role::from_name(name, &array.shape),
        name: name.to_owned(),
        shape: array.shape,
        data: array.values.into_floats(),
        filter_axes: FilterAxes::default(),
        fixed: false,
    }
}

/// The parameters of a network from a file, and what is to be said of how they were found.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// In the network's order.
    pub params: Params,
    /// In the order in which things were found.
    pub notes: Vec<LoadNote>,
    /// Adapters beside the parameters, where they are asked for apart ([`LoadOptions::apart`]).
    pub adapters: Adapters,
}

/// Something that was left out, chosen or seen through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadNote {
    /// A sentence without its full stop.
    pub words: String,
    /// Whether it could matter: another network may be meant. What is harmless in any case is told to those who ask
    /// for more.
    pub matters: bool,
}

/// How a file is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct LoadOptions<'a> {
    /// Other names for its tensors, one after the other, before they are looked at.
    pub renames: &'a [Rename],
    /// Values for the network's buffers (running statistics) where the file has all parameters and no buffers, as
    /// `named_parameters()` gives them; without such it is an error.
    pub buffers: Option<&'a Params>,
    /// The network's own weights where the file holds low-rank adapters alone (a folder of PEFT); without them it is an error.
    pub base: Option<&'a Params>,
    /// Whether low-rank adapters are given apart ([`Loaded::adapters`]), and the weights without them; else they are merged.
    pub apart: bool,
}

/// The parameters of a network from a file.
///
/// A file is one of [`load_weights`]; or a folder of Hugging Face's programs with `model.safetensors`, `pytorch_model.bin` or an
/// index; or an index of safetensors or PyTorch files beside it (`*.index.json`); or
/// `FILE:KEY` for the network under a key in it, a path of keys with points between them. A file whose own name has the
/// colon is that file.
///
/// The network's names tell which tensors are its own: those behind a prefix that they all share, whatever it is
/// called, and whatever else (optimisers, further networks, metrics) the file holds. Words of wrappers
/// (`module`, `_module`, `_orig_mod`, `_fsdp_wrapped_module`, `_forward_module`, `_checkpoint_wrapped_module`)
/// are seen through wherever they stand in a name. Where no names fit, words of torchvision, timm and Hugging Face
/// stand for this crate's (`downsample` for `shortcut`, `fc` for the last layer, ...). Where those do not fit either, a
/// layer is told by the shapes of its tensors, and several of the same shapes by the numbers in their names or their
/// order in the file; never where neither tells. Pruned tensors (`weight_orig`, `weight_mask`) and parametrised ones
/// (weight norm, spectral norm) are folded, and low-rank adapters (`lora_A`, `lora_B`, with PEFT's `adapter_config.json` beside the file) merged, or given apart ([`LoadOptions`]). Of language models, weights of Hugging Face's `Conv1D` are turned, masks are
/// left out, and a map to the tokens that is the embedding is one tensor with it. Beside a network's own tensors there may be integers and single
/// numbers, as counters leave them; a further tensor of more values is of another network, and an error.
///
/// # Errors
/// Those of [`load_weights`]; [`ModelsError::Checkpoint`] with the missing, unexpected and
/// mis-shaped tensors; [`PickleError::Global`] where one of them is an object that is not understood;
/// [`ModelsError::Several`] where several networks in the file fit; [`ModelsError::NoKey`] for a key that is not
/// there; [`ModelsError::Unordered`] where shapes fit and nothing tells an order;
/// [`ModelsError::NoStatistics`] where a network's running statistics are absent;
/// [`ModelsError::WeightNotFinite`] for NaN and infinities; [`ModelsError::NegativeVariance`] for a running
/// variance below 0.
pub fn load_network(path: impl AsRef<Path>, spec: &ModelSpec) -> Result<Loaded, ModelsError> {
    load_network_with(path, spec, &LoadOptions::default())
}

/// The same with options.
///
/// # Errors
/// Those of [`load_network`].
pub fn load_network_with(
    path: impl AsRef<Path>,
    spec: &ModelSpec,
    options: &LoadOptions,
) -> Result<Loaded, ModelsError> {
    let mut loaded = load_layout_with(path, &Network::layout(spec), &spec.to_string(), options)?;
    loaded.notes.extend(twin(spec));
    Ok(loaded)
}

/// The same for a network that does not belong to a family: the tensors of `layout` (names, shapes and roles; its values do not
/// matter), which messages call `model`.
///
/// # Errors
/// Those of [`load_network`].
pub fn load_layout(
    path: impl AsRef<Path>,
    layout: &Params,
    model: &str,
) -> Result<Loaded, ModelsError> {
    load_layout_with(path, layout, model, &LoadOptions::default())
}

/// The same with options.
///
/// # Errors
/// Those of [`load_network`].
pub fn load_layout_with(
    path: impl AsRef<Path>,
    layout: &Params,
    model: &str,
    options: &LoadOptions,
) -> Result<Loaded, ModelsError> {
    let bytes = Bytes::read(path.as_ref())?;
    let source = bytes.open()?;
    let path = source.path();
    if let Some(loaded) = adapters::upon(&source, layout, options)? {
        return Ok(loaded);
    }
    let (mut contents, mut notes) = source.named(options.renames)?;
    notes.extend(gpt::adapt(&mut contents, &source, layout)?);
    let aside = match options.apart {
        true => adapters::apart(&mut contents),
        false => Vec::new(),
    };
    let stacked = fold::stacked(&contents.tensors);
    let stacked = stacked.as_deref().unwrap_or(&contents.tensors);
    let choice = choice::choose(&contents, stacked, layout, options.buffers.is_some());
    let choice = choice.map_err(|refusal| {
        let other = kinds::other(&source, &contents, layout);
        match (&refusal, other) {
            (Refusal::Layout { .. }, Some(what)) => ModelsError::unsupported(path, what),
            _ => refused(refusal, model, &source),
        }
    })?;
    let adapters = adapters::of_chosen(&aside, &choice.tensors, layout, &source)?;
    let found: Vec<&Tensor> = choice.tensors.iter().flatten().copied().collect();
    let mut arrays = source.read(&found)?.into_iter();
    let parameters = { layout.iter().zip(&choice.tensors) }.map(|(own, found)| {
        let kept = || options.buffers.and_then(|kept| kept.get(&own.name));
        let data = match found {
            Some(_) => arrays.next().map(|array| array.values.into_floats()),
            None => kept().map(|kept| kept.data.clone()),
        };
        Parameter {
            data: data.unwrap_or_default(),
            ..own.clone()
        }
    });
    let params = Params::new(parameters.collect());
    let params = params.map_err(|e| ModelsError::corrupt(path, e.to_string()))?;
    check_finite(&params, path)?;
    check_variances(&params, path)?;
    notes.extend(choice.notes);
    notes.extend(unknown_classes(&source.classes()));
    Ok(Loaded {
        params,
        notes,
        adapters,
    })
}

/// The parameters of a network from a file: [`load_network`] without its notes.
///
/// # Errors
/// Those of [`load_network`].
pub fn load_network_params(
    path: impl AsRef<Path>,
    spec: &ModelSpec,
) -> Result<Params, ModelsError> {
    Ok(load_network(path, spec)?.params)
}

fn unknown_classes(classes: &[String]) -> Option<LoadNote> {
    let words = format!(
        "the file also holds Python objects of {}; they were skipped, and nothing was run",
        choice::some_of(classes)
    );
    (!classes.is_empty()).then_some(LoadNote {
        words,
        matters: false,
    })
}

/// Networks whose tensors have the same names and shapes are told apart by nobody but the user.
fn twin(spec: &ModelSpec) -> Option<LoadNote> {
    let twin = spec.twin()?;
    Some(LoadNote {
        words: format!(
            "a file of {twin} has the same names and shapes as one of {spec}: the weights are taken as those of \
             {spec}, the network that was named"
        ),
        matters: true,
    })
}

fn refused(refusal: Refusal, model: &str, source: &Source) -> ModelsError {
    let path = source.path().clone();
    let model = model.to_owned();
    match refusal {
        Refusal::Object { class } => ModelsError::Pickle {
            path,
            source: PickleError::Global { name: class },
        },
        Refusal::Several { names, first } => ModelsError::Several {
            path,
            model,
            names,
            expression: expression(&first, source.is_safetensors()),
        },
        Refusal::Integers { name } => integers(&name, &path),
        Refusal::NoBuffers { buffers } => ModelsError::NoStatistics {
            path,
            model,
            buffers,
        },
        Refusal::Unordered { names } => ModelsError::Unordered {
            names: choice::some_of(&names),
            path,
            model,
        },
        Refusal::Parametrized { name } => ModelsError::Parametrized { path, name },
        Refusal::Layout {
            source: differences,
            renamed,
            outputs,
        } => ModelsError::Checkpoint {
            path,
            model,
            fits: other_network(source),
            outputs,
            renamed,
            source: Box::new(differences),
        },
    }
}

/// A network in a file, in Python.
fn expression((keys, prefix): &(Vec<String>, String), safetensors: bool) -> String {
    let mut text = match safetensors {
        true => "safetensors.torch.load_file(FILE)".to_owned(),
        false => "torch.load(FILE)".to_owned(),
    };
    for key in keys {
        match key.parse::<usize>() {
            Ok(place) => text.push_str(&format!("[{place}]")),
            Err(_) => text.push_str(&format!("['{key}']")),
        }
    }
    match prefix.is_empty() {
        true => text,
        false => {
            format!("{{k: v for k, v in {text}.items() if k.startswith('{prefix}')}}")
        }
    }
}

/// The name of the network that a file is of; both names of two that look alike.
fn other_network(source: &Source) -> Option<String> {
    let tensors = without_counters(source.weights().ok()?);
    let shapes = || tensors.iter().map(|t| &t.shape[..]);
    let names = names(&tensors);
    let words: Vec<String> = names.iter().map(|name| words::translated(name)).collect();
    let translated = words.iter().map(String::as_str).zip(shapes()).collect();
    let own = || ModelSpec::of_shapes(&names.iter().copied().zip(shapes()).collect());
    let spec = own().or_else(|| ModelSpec::of_shapes(&translated))?;
    Some(match spec.twin() {
        Some(twin) => format!("{spec} or {twin} (their names and shapes are the same)"),
        None => spec.to_string(),
    })
}

/// Nothing that is computed with NaN or an infinity is of use: said before any work starts.
fn check_finite(params: &Params, path: &Path) -> Result<(), ModelsError> {
    let finite = |tensor: &Parameter| tensor.data.iter().position(|v| !v.is_finite());
    let bad = params.iter().find_map(|t| finite(t).map(|flat| (t, flat)));
    let Some((tensor, flat)) = bad else {
        return Ok(());
    };
    Err(ModelsError::WeightNotFinite {
        path: path.to_owned(),
        tensor: tensor.name.clone(),
        index: index_of(tensor, flat),
        value: tensor.data[flat],
        count: tensor.data.iter().filter(|v| !v.is_finite()).count(),
        total: tensor.data.len(),
    })
}

/// The root of a running variance must exist: where it does not, every loss is NaN.
fn check_variances(params: &Params, path: &Path) -> Result<(), ModelsError> {
    for tensor in params.iter().filter(|t| t.name.ends_with("running_var")) {
        if let Some(flat) = tensor.data.iter().position(|&v| v < 0.0) {
            return Err(ModelsError::NegativeVariance {
                path: path.to_owned(),
                tensor: tensor.name.clone(),
                index: index_of(tensor, flat),
                value: tensor.data[flat],
            });
        }
    }
    Ok(())
}

/// Indices along all axes of a tensor.
fn index_of(tensor: &Parameter, flat: usize) -> Vec<usize> {
    let mut rest = flat;
    let mut index: Vec<usize> = tensor
        .shape
        .iter()
        .rev()
        .map(|&n| {
            let place = rest % n;
            rest /= n;
            place
        })
        .collect();
    index.reverse();
    index
}

/// Writes the tensors as a safetensors file that PyTorch's `load_state_dict` takes (F32).
///
/// The file is complete or not there: it is written under a temporary name beside its place and
/// renamed; on failure an existing file stays as it was.
///
/// # Errors
/// [`ModelsError::Io`]; [`ModelsError::Unsupported`] as [`may_be_safetensors`] says.
pub fn save_weights(path: impl AsRef<Path>, params: &Params) -> Result<(), ModelsError> {
    let path = path.as_ref();
    may_be_safetensors(path)?;
    let bytes: Vec<Vec<u8>> = params.iter().map(little_endian).collect();
    let views = params
        .iter()
        .zip(&bytes)
        .map(|(tensor, bytes)| {
            let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes)?;
            Ok((tensor.name.as_str(), view))
        })
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>();
    let info = std::collections::HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let file = views
        .and_then(|views| safetensors::serialize(views, Some(info)))
        .map_err(|e| ModelsError::unsupported(path, format!("cannot be written: {e}")))?;
    files::write_atomically(path, &file)
}

/// Endings of other formats, besides those of `torch.save`.
const OTHER_ENDINGS: [&str; 11] = [
    "bin", "ckpt", "csv", "h5", "hdf5", "html", "json", "npy", "npz", "onnx", "zip",
];

/// Checks that the ending of a name is not that of another format, as which the file would be read.
///
/// # Errors
/// [`ModelsError::Unsupported`] with a name that fits.
pub fn may_be_safetensors(path: &Path) -> Result<(), ModelsError> {
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    let ending = ending.to_lowercase();
    if !files::is_named_as_pickle(path) && !OTHER_ENDINGS.contains(&ending.as_str()) {
        return Ok(());
    }
    let name = path.with_extension("safetensors");
    let reason = format!(
        "tensors are written as safetensors, and .{ending} is the extension of another format; give {}",
        name.display()
    );
    Err(ModelsError::unsupported(path, reason))
}

fn little_endian(tensor: &Parameter) -> Vec<u8> {
    tensor.data.iter().flat_map(|v| v.to_le_bytes()).collect()
}
