//! Data sets: two moons, MNIST, CIFAR-10, and pairs of tensors in files.

mod cifar;
mod dataset;
pub mod get;
mod idx;
mod mnist;
mod moons;
mod spec;
mod tensors;

pub use dataset::Dataset;
pub use idx::{IdxArray, read_idx};
pub use moons::{Angles, MoonsSpec, make_moons};
pub use spec::{DataSpec, Pixels, Split};

use crate::ModelsError;
use std::path::Path;

/// Loads a data set, or its first `samples` samples in file order.
///
/// `dir` is where standard files lie (MNIST, CIFAR-10); it does not matter for generated, embedded and named
/// files. `split` matters for sets that have one; asking the others for [`Split::Test`] is an
/// error.
///
/// ```
/// use landscape_models::{Split, load};
///
/// let digits = load(&"mnist-1k".parse()?, None, Split::Train, Some(64))?;
/// assert_eq!(digits.shape(), [64, 28 * 28]);
/// # Ok::<(), landscape_models::ModelsError>(())
/// ```
///
/// # Errors
/// Missing, corrupt or truncated files, empty sets, fewer samples than asked for, non-finite
/// values: each says what, where and what to do.
pub fn load(
    spec: &DataSpec,
    dir: Option<&Path>,
    split: Split,
    samples: Option<usize>,
) -> Result<Dataset, ModelsError> {
    if split == Split::Test && !spec.has_test_split() {
        return Err(ModelsError::BadData {
            spec: spec.to_string(),
            reason: "it has no test split; use the split `train`".into(),
        });
    }
    if samples == Some(0) {
        return Err(ModelsError::EmptyData {
            name: spec.to_string(),
        });
    }
    match spec {
        DataSpec::Moons(moons) => moons.generate()?.first(samples),
        DataSpec::Mnist1k(pixels) => mnist::embedded(*pixels, samples),
        DataSpec::Mnist(pixels) => mnist::from_dir(dir, split, *pixels, samples),
        DataSpec::Cifar10(pixels) => cifar::from_dir(dir, split, *pixels, samples),
        DataSpec::File(path) => tensors::load(path)?.first(samples),
        DataSpec::Pair(x, y) => tensors::load_pair(x, y)?.first(samples),
    }
}
