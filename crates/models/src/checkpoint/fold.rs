//! Tensors that stand for another: pruned, normed by their weight or by their largest singular value, or apart.

use super::lora::Merge;
use super::source::Tensor;
use crate::files::{Array, Listed, Numbers};
use std::collections::{HashMap, HashSet};

/// How a tensor follows from those of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    /// It is one of them.
    Alone,
    /// `original * mask`, of `torch.nn.utils.prune`.
    Masked,
    /// `g v / |v|`, the norm over all axes but those of `g`, of `weight_norm`.
    WeightNorm,
    /// `original / (u^T W v)`, of `spectral_norm` in evaluation.
    Spectral,
    /// One after the other along the first axis.
    Stacked,
    /// The transpose of a matrix.
    Turned,
    /// `W + scale B A`, of an adapter.
    Adapted(Merge),
}

impl Made {
    /// What is said of it, before the names; nothing for a tensor as it is.
    pub(super) fn words(self) -> Option<&'static str> {
        match self {
            // Those of language models are told apart.
            Made::Alone | Made::Turned => None,
            Made::Masked => {
                Some("pruned tensors are original times mask (directions move what is masked too)")
            }
            Made::WeightNorm => Some("weight norm is folded, g v / |v|"),
            Made::Spectral => Some("spectral norm is folded, as in evaluation"),
            Made::Adapted(_) => Some("adapters (LoRA) are merged, W + scale B A"),
            Made::Stacked => Some("queries, keys and values are put together"),
        }
    }
}

/// The word between a layer's name and that of a tensor in `torch.nn.utils.parametrize`.
pub(super) const PARAMETRIZED: &str = "parametrizations.";

/// The tensors with those put together that stand for one, in the place of the first of them.
pub(super) fn folded(tensors: Vec<Tensor>) -> Vec<Tensor> {
    let known: HashMap<&str, &Tensor> = tensors.iter().map(|t| (t.name.as_str(), t)).collect();
    let mut made: HashMap<&str, Tensor> = HashMap::new();
    let mut gone: HashSet<&str> = HashSet::new();
    for tensor in &tensors {
        let Some((whole, parts)) = of_original(tensor, &known) else {
            continue;
        };
        if known.contains_key(whole.name.as_str()) {
            continue;
        }
        gone.extend(parts);
        made.insert(&tensor.name, whole);
    }
    if made.is_empty() {
        return tensors;
    }
    let kept = tensors.iter().filter_map(|tensor| {
        let whole = made.remove(tensor.name.as_str());
        whole.or_else(|| (!gone.contains(tensor.name.as_str())).then(|| tensor.clone()))
    });
    kept.collect()
}

/// The tensors with queries, keys and values of an attention put together, as timm has them; nothing where there are
/// none.
pub(super) fn stacked(tensors: &[Tensor]) -> Option<Vec<Tensor>> {
    let known: HashMap<&str, &Tensor> = tensors.iter().map(|t| (t.name.as_str(), t)).collect();
    let mut any = false;
    let mut all = Vec::new();
    for tensor in tensors {
        let part = ["query", "key", "value"].map(|word| (word, format!(".{word}.")));
        let Some((word, at)) = { part.iter() }
            .find_map(|(word, inner)| Some((*word, tensor.name.rfind(inner.as_str())?)))
        else {
            all.push(tensor.clone());
            continue;
        };
        let named = |other: &str| {
            let (head, leaf) = (&tensor.name[..=at], &tensor.name[at + 1 + word.len()..]);
            format!("{head}{other}{leaf}")
        };
        let three = ["query", "key", "value"].map(|word| known.get(named(word).as_str()).copied());
        let [Some(q), Some(k), Some(v)] = three else {
            all.push(tensor.clone());
            continue;
        };
        let same = |t: &Tensor| t.shape == q.shape && t.made == Made::Alone && !t.shape.is_empty();
        if ![q, k, v].into_iter().all(same) {
            all.push(tensor.clone());
            continue;
        }
        any = true;
        if word == "query" {
            let mut shape = q.shape.clone();
            shape[0] = shape[0].saturating_mul(3);
            all.push(Tensor {
                name: named("qkv"),
                shape,
                made: Made::Stacked,
                parts: [q, k, v].iter().flat_map(|t| t.parts.clone()).collect(),
                ..q.clone()
            });
        }
    }
    any.then_some(all)
}

type Known<'t> = HashMap<&'t str, &'t Tensor>;

/// The tensor that one named as an original stands for, and the names of all its parts.
fn of_original<'t>(original: &'t Tensor, known: &Known<'t>) -> Option<(Tensor, Vec<&'t str>)> {
    let name = original.name.as_str();
    let get = |name: String| known.get(name.as_str()).copied();
    let (own, made, parts) = if let Some(own) = name.strip_suffix("_orig") {
        let mask = get(format!("{own}_mask")).filter(|mask| mask.shape == original.shape);
        match mask {
            Some(mask) => (own.to_owned(), Made::Masked, vec![original, mask]),
            None => {
                let [u, v] = ["u", "v"].map(|leaf| get(format!("{own}_{leaf}")));
                let (u, v) = (u?, v?);
                rows_of(&original.shape, u.numel(), v.numel()).next()?;
                (own.to_owned(), Made::Spectral, vec![original, u, v])
            }
        }
    } else if let Some(own) = name.strip_suffix("_v") {
        let g = get(format!("{own}_g")).filter(|g| is_scale(g, original))?;
        (own.to_owned(), Made::WeightNorm, vec![g, original])
    } else if let Some(place) = name.strip_suffix(".original1") {
        let g = get(format!("{place}.original0")).filter(|g| is_scale(g, original))?;
        (plain(place)?, Made::WeightNorm, vec![g, original])
    } else {
        let place = name.strip_suffix(".original")?;
        let [u, v] = ["_u", "_v"].map(|leaf| get(format!("{place}.0.{leaf}")));
        let (u, v) = (u?, v?);
        rows_of(&original.shape, u.numel(), v.numel()).next()?;
        (plain(place)?, Made::Spectral, vec![original, u, v])
    };
    let names = parts.iter().map(|part| part.name.as_str()).collect();
    let whole = Tensor {
        name: own,
        made,
        parts: parts.iter().flat_map(|part| part.parts.clone()).collect(),
        ..original.clone()
    };
    // What is put together of tensors that were put together themselves is not known.
    let alone = parts.iter().all(|part| part.made == Made::Alone);
    (alone && original.is_float).then_some((whole, names))
}

/// `fc1.weight` of `fc1.parametrizations.weight`.
fn plain(place: &str) -> Option<String> {
    let at = place.rfind(PARAMETRIZED)?;
    let starts = at == 0 || place[..at].ends_with('.');
    starts.then(|| format!("{}{}", &place[..at], &place[at + PARAMETRIZED.len()..]))
}

/// Whether `g` has a number for each slice of `v` along some axes.
fn is_scale(g: &Tensor, v: &Tensor) -> bool {
    let fits = |(a, b): (&usize, &usize)| *a == 1 || a == b;
    let axes = g.shape.len() == v.shape.len() && g.shape.iter().zip(&v.shape).all(fits);
    g.is_float && (g.shape.is_empty() || axes)
}

/// The axes along which a weight may have its rows, where `u` has a number for each and `v` for the others together:
/// the first, or the second of transposed convolutions.
fn rows_of(shape: &[usize], u: usize, v: usize) -> impl Iterator<Item = usize> {
    let numel = crate::files::product(shape);
    let fits = move |rows: usize| rows == u && rows.checked_mul(v) == numel;
    let axes = shape.iter().take(2).map(move |&rows| fits(rows) && u > 0);
    axes.enumerate()
        .filter(|(_, fits)| *fits)
        .map(|(axis, _)| axis)
        .collect::<Vec<_>>()
        .into_iter()
}

/// The values of a tensor of those of its parts.
pub(super) fn made(tensor: &Tensor, parts: Vec<Array>) -> Array {
    let shape = tensor.shape.clone();
    if tensor.made == Made::Alone {
        return parts.into_iter().next().expect("a tensor has a part");
    }
    let parts: Vec<Vec<f32>> = { parts.into_iter() }
        .map(|part| part.values.into_floats())
        .collect();
    let values = match tensor.made {
        Made::Alone => unreachable!("returned above"),
        Made::Masked => {
            let pairs = parts[0].iter().zip(&parts[1]);
            // A masked value counts for nothing even where it is NaN.
            pairs
                .map(|(value, mask)| if *mask == 0.0 { 0.0 } else { value * mask })
                .collect()
        }
        Made::WeightNorm => weight_normed(&parts[0], &parts[1], &shape, &tensor.parts[0]),
        Made::Spectral => spectral_normed(&parts, &shape),
        Made::Stacked => parts.concat(),
        Made::Turned => turned(&parts[0], shape[0]),
        Made::Adapted(merge) => {
            let merged = merge.values(&parts, tensor.parts[1].shape[1..].iter().product());
            match merge.turned {
                true => turned(&merged, shape[0]),
                false => merged,
            }
        }
    };
    Array {
        shape,
        values: Numbers::Float(values),
    }
}

/// The transpose of a matrix of so many columns.
fn turned(values: &[f32], columns: usize) -> Vec<f32> {
    let columns = (0..columns).map(|column| values.iter().skip(column).step_by(columns.max(1)));
    columns.flatten().copied().collect()
}

/// Row-major strides.
fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1];
    }
    strides
}

fn weight_normed(g: &[f32], v: &[f32], shape: &[usize], scale: &Listed) -> Vec<f32> {
    let (of_v, of_g) = (strides(shape), strides(&scale.shape));
    // The place in `g` of a place in `v`.
    let slice = |flat: usize| -> usize {
        let axes = scale.shape.iter().enumerate().filter(|(_, n)| **n > 1);
        axes.map(|(axis, n)| flat / of_v[axis] % n * of_g[axis])
            .sum()
    };
    let mut squares = vec![0.0f64; g.len()];
    for (flat, value) in v.iter().enumerate() {
        squares[slice(flat)] += f64::from(*value).powi(2);
    }
    let factors: Vec<f64> = { g.iter().zip(&squares) }
        .map(|(g, square)| f64::from(*g) / square.sqrt())
        .collect();
    let value = |(flat, value): (usize, &f32)| (f64::from(*value) * factors[slice(flat)]) as f32;
    v.iter().enumerate().map(value).collect()
}

fn spectral_normed(parts: &[Vec<f32>], shape: &[usize]) -> Vec<f32> {
    let [weight, u, v] = parts else {
        unreachable!("a spectral norm has three parts");
    };
    let strides = strides(shape);
    let sigma = |axis: usize| -> f64 {
        let (stride, rows) = (strides[axis], shape[axis]);
        let term = |(flat, value): (usize, &f32)| {
            let row = flat / stride % rows;
            // The other axes in their order.
            let column = flat / (stride * rows) * stride + flat % stride;
            f64::from(*value) * f64::from(u[row]) * f64::from(v[column])
        };
        weight.iter().enumerate().map(term).sum()
    };
    // Of a weight with as many rows as columns, `u` and `v` are singular vectors with its rows along one axis alone:
    // there their product is the largest.
    let sigmas = rows_of(shape, u.len(), v.len()).map(sigma);
    let sigma = sigmas.fold(0.0f64, |a, b| if b.abs() > a.abs() { b } else { a });
    weight
        .iter()
        .map(|value| (f64::from(*value) / sigma) as f32)
        .collect()
}
