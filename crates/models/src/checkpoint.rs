//! Checkpoints with PyTorch's names and layout: safetensors files, and those of `torch.save`.

use crate::files::{self, Numbers};
use crate::{ModelSpec, ModelsError, Network};
use landscape_core::{Parameter, Params, Role};
use safetensors::{Dtype, tensor::TensorView};
use std::path::Path;

/// What wrapping a module, or keeping it in a dictionary, puts in front of every name.
const WRAPPERS: &[&str] = &[
    "module.",
    "_orig_mod.",
    "state_dict.",
    "model_state_dict.",
    "net.",
    "model.",
];

/// The tensors of a checkpoint, PyTorch's names and layout, as f32.
///
/// Read are safetensors files and those of `torch.save` (`.pt`, `.pth`, `.t7`), in the zip format
/// as well as the one before PyTorch 1.6; what a file is, its contents say. F32, F64, F16 and BF16
/// are read (and rounded to f32), views of shared storages as what they show. The counters
/// `num_batches_tracked` are left out. In a file of `torch.save`, weights under `state_dict`,
/// `model_state_dict`, `model_state`, `net`, `network` or `model` stand for the whole file,
/// whatever else (epoch, optimiser) lies beside them. A prefix that *every* name carries, from
/// `DataParallel` (`module.`), `torch.compile` (`_orig_mod.`) or a wrapper (`state_dict.`,
/// `model_state_dict.`, `net.`, `model.`), is removed. Roles are guessed from the names;
/// [`load_network_params`] gives those of a network.
///
/// No code in a file is ever run: its pickle is read by a machine that knows the few names that
/// weights need, and refuses all others.
///
/// # Errors
/// [`ModelsError::Io`], [`ModelsError::Corrupt`], [`ModelsError::Pickle`],
/// [`ModelsError::Unsupported`] for tensors that are no floating-point numbers.
pub fn load_weights(path: impl AsRef<Path>) -> Result<Params, ModelsError> {
    let path = path.as_ref();
    let mut tensors = files::read_tensors(path, |name| !is_counter(name))?;
    while let Some(wrapper) = common_wrapper(tensors.iter().map(|t| t.name.as_str())) {
        for tensor in &mut tensors {
            tensor.name.drain(..wrapper.len());
        }
    }
    if tensors.is_empty() {
        return Err(ModelsError::unsupported(path, "it holds no tensors"));
    }
    let parameters = tensors.into_iter().map(|tensor| parameter(tensor, path));
    let parameters = parameters.collect::<Result<_, _>>()?;
    Params::new(parameters).map_err(|e| ModelsError::corrupt(path, e.to_string()))
}

fn parameter(tensor: files::Tensor, path: &Path) -> Result<Parameter, ModelsError> {
    let Numbers::Float(data) = tensor.array.values else {
        let reason = format!(
            "tensor `{}` holds integers; parameters are floating-point numbers",
            tensor.name
        );
        return Err(ModelsError::unsupported(path, reason));
    };
    Ok(Parameter {
        role: Role::from_name(&tensor.name, &tensor.array.shape),
        name: tensor.name,
        shape: tensor.array.shape,
        data,
    })
}

/// The parameters of a network from a file, in the network's order.
///
/// # Errors
/// Those of [`load_weights`]; [`ModelsError::Checkpoint`] lists every missing, unexpected and
/// mis-shaped tensor; [`ModelsError::WeightNotFinite`] for NaN and infinities;
/// [`ModelsError::NegativeVariance`] for a running variance below 0.
pub fn load_network_params(
    path: impl AsRef<Path>,
    spec: &ModelSpec,
) -> Result<Params, ModelsError> {
    let path = path.as_ref();
    let params = load_weights(path)?
        .conform(&Network::layout(spec))
        .map_err(|source| ModelsError::Checkpoint {
            path: path.to_owned(),
            model: spec.to_string(),
            fits: other_network(path),
            source: Box::new(source),
        })?;
    check_finite(&params, path)?;
    check_variances(&params, path)?;
    Ok(params)
}

/// The name of the network that a file is of.
fn other_network(path: &Path) -> Option<String> {
    let params = load_weights(path).ok()?;
    Some(ModelSpec::of_tensors(&params)?.to_string())
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
/// [`ModelsError::Io`].
pub fn save_weights(path: impl AsRef<Path>, params: &Params) -> Result<(), ModelsError> {
    let path = path.as_ref();
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

fn little_endian(tensor: &Parameter) -> Vec<u8> {
    tensor.data.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn is_counter(name: &str) -> bool {
    name.rsplit('.').next() == Some("num_batches_tracked")
}

fn common_wrapper<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Option<&'static str> {
    names.clone().next()?;
    WRAPPERS
        .iter()
        .find(|wrapper| names.clone().all(|name| name.starts_with(**wrapper)))
        .copied()
}
