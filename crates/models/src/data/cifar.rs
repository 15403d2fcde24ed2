//! CIFAR-10, from the files of its binary version.
//!
//! A file is a sequence of records without a header: a byte for the label, 0 to 9, and 3,072 for
//! the image, 1,024 a channel (red, green, blue), each row by row. The standard files have 10,000
//! records: `data_batch_1.bin` to `data_batch_5.bin` are the training images in their order,
//! `test_batch.bin` the others. Files of another whole number of records are read as well, so that
//! an extract can be used in place of the whole.
//! Source: <https://www.cs.toronto.edu/~kriz/cifar.html>.

use super::{DataSpec, Dataset, Pixels, Split};
use crate::{ModelsError, Targets};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Channels, rows, columns.
const SHAPE: [usize; 3] = [3, 32, 32];
const CHANNEL: usize = 32 * 32;
/// A label and an image.
const RECORD: usize = 1 + 3 * CHANNEL;
/// Records of a standard file.
const RECORDS: usize = 10_000;
const CLASSES: u8 = 10;

/// Means and deviations of the channels of the training images, in bytes.
const MEAN: [f64; 3] = [125.3, 123.0, 113.9];
const STD: [f64; 3] = [63.0, 62.1, 66.7];

/// [`Pixels::Standard`] in words.
pub(super) const STANDARD: &str = "(x / 255 - mean) / std, for each channel: \
     mean = (125.3, 123.0, 113.9) / 255, std = (63.0, 62.1, 66.7) / 255";

const TRAIN: &[&str] = &[
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
];
const TEST: &[&str] = &["test_batch.bin"];

/// The first samples of the files in a folder, or in its `cifar-10-batches-bin`; no more is read.
pub(super) fn from_dir(
    dir: Option<&Path>,
    split: Split,
    pixels: Pixels,
    samples: Option<usize>,
) -> Result<Dataset, ModelsError> {
    let dir = dir.unwrap_or(Path::new("."));
    let name = format!("{} ({split}, {})", DataSpec::Cifar10(pixels), dir.display());
    let files = match split {
        Split::Train => TRAIN,
        Split::Test => TEST,
    };
    let inputs = Inputs::new(pixels);
    let (mut x, mut labels) = (Vec::new(), Vec::new());
    for file in files {
        let wanted = samples.map_or(usize::MAX, |n| n - labels.len());
        if wanted == 0 {
            break;
        }
        let records = records(&find(dir, file)?, wanted)?;
        x.reserve(records.len() / RECORD * (RECORD - 1));
        for record in records.chunks_exact(RECORD) {
            labels.push(i64::from(record[0]));
            inputs.extend(&mut x, &record[1..]);
        }
    }
    let [channels, rows, columns] = SHAPE;
    let shape = vec![labels.len(), channels, rows, columns];
    Dataset::new(name, shape, x, Targets::Classes(labels))?.first(samples)
}

/// Where a file is: in the folder itself, or in that of the archive.
fn find(dir: &Path, file: &str) -> Result<PathBuf, ModelsError> {
    let looked: Vec<PathBuf> = ["cifar-10-batches-bin", ""]
        .iter()
        .map(|folder| dir.join(folder).join(file))
        .collect();
    if let Some(path) = looked.iter().find(|path| path.is_file()) {
        return Ok(path.clone());
    }
    let python = dir.join("cifar-10-batches-py").is_dir();
    Err(ModelsError::DataNotFound {
        what: format!("CIFAR-10's {file}"),
        looked,
        remedy: match python {
            true => {
                "cifar-10-batches-py is the version for Python; get the binary version with \
                 `landscape data get cifar10`"
            }
            false => {
                "give the folder that holds cifar-10-batches-bin as the data folder, \
                 or get the files with `landscape data get cifar10`"
            }
        },
    })
}

/// The first records of a file, at most `wanted`, checked.
fn records(path: &Path, wanted: usize) -> Result<Vec<u8>, ModelsError> {
    let failed = |source| ModelsError::read(path, source);
    let (mut file, bytes) = landscape_files::open(path).map_err(failed)?;
    if bytes == 0 || bytes % RECORD as u64 != 0 {
        let reason = format!(
            "it has {bytes} bytes; a standard file has {}, which are {RECORDS} records of {RECORD} \
             bytes, and every other must have a whole number of records too",
            RECORDS * RECORD
        );
        return Err(ModelsError::corrupt(path, reason));
    }
    let count = (bytes / RECORD as u64).min(wanted as u64);
    let mut records = Vec::new();
    let read = (&mut file)
        .take(count * RECORD as u64)
        .read_to_end(&mut records);
    if read.map_err(failed)? as u64 != count * RECORD as u64 {
        return Err(failed(std::io::ErrorKind::UnexpectedEof.into()));
    }
    let label = |record: &[u8]| record[0] >= CLASSES;
    if let Some(place) = records.chunks_exact(RECORD).position(label) {
        let reason = format!(
            "record {place} has the label {}, CIFAR-10's are 0 to {}",
            records[place * RECORD],
            CLASSES - 1
        );
        return Err(ModelsError::corrupt(path, reason));
    }
    Ok(records)
}

/// What each byte of each channel becomes.
struct Inputs([[f32; 256]; 3]);

impl Inputs {
    fn new(pixels: Pixels) -> Self {
        let unit = |byte: usize| byte as f32 / 255.0;
        Inputs(std::array::from_fn(|channel| {
            let mean = (MEAN[channel] / 255.0) as f32;
            let std = (STD[channel] / 255.0) as f32;
            std::array::from_fn(|byte| match pixels {
                Pixels::Unit => unit(byte),
                Pixels::Standard => (unit(byte) - mean) / std,
            })
        }))
    }

    /// Appends an image.
    fn extend(&self, x: &mut Vec<f32>, image: &[u8]) {
        for (channel, table) in image.chunks_exact(CHANNEL).zip(&self.0) {
            x.extend(channel.iter().map(|&byte| table[usize::from(byte)]));
        }
    }
}
