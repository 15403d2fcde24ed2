//! MNIST, from its standard files and the extract inside the program.

use super::idx::{self, IdxArray};
use super::{DataSpec, Dataset, Pixels, Split};
use crate::{ModelsError, Targets};
use landscape_files::Unpacked;
use std::path::{Path, PathBuf};

/// The first 1,000 training images, by Yann LeCun and Corinna Cortes, CC BY-SA 3.0; see
/// `assets/ATTRIBUTION.md`.
const IMAGES: &[u8] = include_bytes!("../../assets/mnist-1k-images-idx3-ubyte.gz");
const LABELS: &[u8] = include_bytes!("../../assets/mnist-1k-labels-idx1-ubyte.gz");

/// Digits.
const CLASSES: u8 = 10;

/// The embedded extract.
pub(super) fn embedded(pixels: Pixels, samples: Option<usize>) -> Result<Dataset, ModelsError> {
    let array = |bytes, name: &str| {
        let file = Unpacked::bytes(bytes).expect("the embedded file is sound");
        idx::parse(file, Path::new(name)).expect("the embedded file is sound")
    };
    let images = array(IMAGES, "mnist-1k images");
    let labels = array(LABELS, "mnist-1k labels");
    let name = DataSpec::Mnist1k(pixels).to_string();
    dataset(name, images, labels, pixels, samples)
}

/// The standard files in a folder.
pub(super) fn from_dir(
    dir: Option<&Path>,
    split: Split,
    pixels: Pixels,
    samples: Option<usize>,
) -> Result<Dataset, ModelsError> {
    let dir = dir.unwrap_or(Path::new("."));
    let prefix = match split {
        Split::Train => "train",
        Split::Test => "t10k",
    };
    let images = find(dir, prefix, "images", 3)?;
    let labels = find(dir, prefix, "labels", 1)?;
    let name = format!("{} ({split}, {})", DataSpec::Mnist(pixels), dir.display());
    let (x, y) = (idx::read_idx(&images)?, idx::read_idx(&labels)?);
    shaped(&x, &images, 3, "images [n, rows, columns]")?;
    shaped(&y, &labels, 1, "labels [n]")?;
    dataset(name, x, y, pixels, samples)
}

/// The first of the usual places and names that exists.
fn find(dir: &Path, prefix: &str, what: &str, axes: usize) -> Result<PathBuf, ModelsError> {
    let mut looked = Vec::new();
    for folder in ["", "mnist", "MNIST/raw"] {
        for separator in ['-', '.'] {
            for packed in ["", ".gz"] {
                let file = format!("{prefix}-{what}{separator}idx{axes}-ubyte{packed}");
                let path = dir.join(folder).join(file);
                if path.is_file() {
                    return Ok(path);
                }
                looked.push(path);
            }
        }
    }
    Err(ModelsError::DataNotFound {
        what: format!("MNIST's {prefix} {what}"),
        looked,
        remedy: "give the folder of the IDX files as the data folder, download them, or use mnist-1k, which needs \
                 no files"
            .to_owned(),
        set: "mnist",
    })
}

fn shaped(array: &IdxArray, path: &Path, axes: usize, what: &str) -> Result<(), ModelsError> {
    if array.shape.len() == axes {
        return Ok(());
    }
    let reason = format!("it has the shape {:?}, but {what} is expected", array.shape);
    Err(ModelsError::corrupt(path, reason))
}

/// One flattened image a row, and digits.
fn dataset(
    name: String,
    images: IdxArray,
    labels: IdxArray,
    pixels: Pixels,
    samples: Option<usize>,
) -> Result<Dataset, ModelsError> {
    let (available, size) = (images.shape[0], images.shape[1..].iter().product::<usize>());
    if labels.shape[0] != available {
        let reason = format!("{available} images and {} labels", labels.shape[0]);
        return Err(ModelsError::DataShape { name, reason });
    }
    if let Some(sample) = labels.data.iter().position(|&label| label >= CLASSES) {
        return Err(ModelsError::Label {
            label: i64::from(labels.data[sample]),
            classes: usize::from(CLASSES),
            sample,
            name,
        });
    }
    let n = samples.unwrap_or(available).min(available);
    let x = images.data[..n * size].iter();
    let data = Dataset::new(
        name,
        vec![n, size],
        x.map(|&byte| pixels.value(byte)).collect(),
        Targets::Classes(labels.data[..n].iter().map(|&l| i64::from(l)).collect()),
    )?;
    match samples {
        Some(asked) if asked > available => data.take(asked),
        _ => Ok(data),
    }
}
