//! Data sets: two moons, MNIST, CIFAR-10, CIFAR-100, a text, and arrays of one's own in files.

mod chars;
mod cifar;
mod dataset;
mod file;
mod folder;
pub mod get;
mod idx;
mod input;
mod keys;
mod mnist;
mod moons;
mod normalisation;
mod settings;
mod spec;
mod table;
mod tensors;
mod tokens;

pub use chars::CharsSpec;
pub use dataset::Dataset;
pub use file::{ChosenTargets, FileSpec};
pub use folder::FolderSpec;
pub use idx::{IdxArray, read_idx};
pub use input::Input;
pub use moons::{Angles, MoonsSpec, make_moons};
pub use normalisation::{Channels, Normalisation, Scale};
pub use spec::{DataSpec, Pixels, Split};
pub use table::TableSpec;

use crate::ModelsError;
use std::path::Path;

/// Loads a data set, or its first `samples` samples in file order.
///
/// `dir` is where standard files lie (MNIST, CIFAR-10, CIFAR-100); it does not matter for generated, embedded and named
/// files. `split` matters for sets that have one; asking the others for [`Split::Test`] is an
/// error. Tables are not read here, for want of a database: `landscape-study` does.
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
        DataSpec::Chars(chars) => chars.load(split, samples),
        DataSpec::Mnist1k(pixels) => mnist::embedded(*pixels, samples),
        DataSpec::Mnist(pixels) => mnist::from_dir(dir, split, *pixels, samples),
        DataSpec::Cifar10(pixels) => cifar::from_dir(&cifar::CIFAR10, dir, split, *pixels, samples),
        DataSpec::Cifar100(pixels) => {
            cifar::from_dir(&cifar::CIFAR100, dir, split, *pixels, samples)
        }
        DataSpec::File(file) => tensors::load(file, split)?.first(samples),
        DataSpec::Pair(x, y) => tensors::load_pair(x, y)?.first(samples),
        DataSpec::Folder(folder) => folder::load(folder, split, samples),
        DataSpec::Table(_) => Err(ModelsError::BadData {
            spec: spec.to_string(),
            reason: "tables are read by landscape-study".into(),
        }),
        DataSpec::Memory => Err(ModelsError::BadData {
            spec: spec.to_string(),
            reason: "a program handed them over, and they are in no file; hand them over again, or name the data".into(),
        }),
    }
}
