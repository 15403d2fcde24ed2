//! CIFAR-10 and CIFAR-100, from the files of their binary versions.
//!
//! A file is a sequence of records without a header: the label, a byte from 0 to 9 (CIFAR-100: two bytes, of which the
//! second is that of the 100 classes), and 3,072 bytes for the image, 1,024 a channel (red, green, blue), each row by row.
//! The standard files of CIFAR-10 have 10,000 records: `data_batch_1.bin` to `data_batch_5.bin` are the training images in
//! their order, `test_batch.bin` the others; those of CIFAR-100 are `train.bin` with 50,000 and `test.bin` with 10,000.
//! Files of another whole number of records are read as well, so that an extract can be used in place of the whole.
//! Source: <https://www.cs.toronto.edu/~kriz/cifar.html>.

use super::{DataSpec, Dataset, Pixels, Split};
use crate::{ModelsError, Targets};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Channels, rows, columns.
const SHAPE: [usize; 3] = [3, 32, 32];
const CHANNEL: usize = 32 * 32;
const IMAGE: usize = 3 * CHANNEL;

/// What tells the two sets apart.
pub(super) struct Set {
    name: &'static str,
    /// Its name among data.
    word: &'static str,
    /// Where the archive puts the files.
    folder: &'static str,
    /// Where the archive for Python puts its.
    python: &'static str,
    train: &'static [&'static str],
    test: &'static [&'static str],
    /// Bytes before the image; the last one is the class.
    labels: usize,
    classes: u8,
    /// Bytes of the standard files.
    bytes: &'static str,
    /// Means and deviations of the channels of the training images, in bytes.
    mean: [f64; 3],
    std: [f64; 3],
    /// [`Pixels::Standard`] in words.
    pub standard: &'static str,
}

pub(super) static CIFAR10: Set = Set {
    name: "CIFAR-10",
    word: "cifar10",
    folder: "cifar-10-batches-bin",
    python: "cifar-10-batches-py",
    train: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: &["test_batch.bin"],
    labels: 1,
    classes: 10,
    bytes: "30730000, which are 10000 records of 3073 bytes",
    mean: [125.3, 123.0, 113.9],
    std: [63.0, 62.1, 66.7],
    standard: "(x / 255 - mean) / std, for each channel: \
               mean = (125.3, 123.0, 113.9) / 255, std = (63.0, 62.1, 66.7) / 255",
};

pub(super) static CIFAR100: Set = Set {
    name: "CIFAR-100",
    word: "cifar100",
    folder: "cifar-100-binary",
    python: "cifar-100-python",
    train: &["train.bin"],
    test: &["test.bin"],
    labels: 2,
    classes: 100,
    bytes: "153700000 (test.bin: 30740000), in records of 3074 bytes",
    mean: [129.3, 124.1, 112.4],
    std: [68.2, 65.4, 70.4],
    standard: "(x / 255 - mean) / std, for each channel: \
               mean = (129.3, 124.1, 112.4) / 255, std = (68.2, 65.4, 70.4) / 255",
};

/// The first samples of the files in a folder, or in the one that its archive makes; no more is read.
pub(super) fn from_dir(
    set: &Set,
    dir: Option<&Path>,
    split: Split,
    pixels: Pixels,
    samples: Option<usize>,
) -> Result<Dataset, ModelsError> {
    let dir = dir.unwrap_or(Path::new("."));
    let spec = match set.labels {
        1 => DataSpec::Cifar10(pixels),
        _ => DataSpec::Cifar100(pixels),
    };
    let name = format!("{spec} ({split}, {})", dir.display());
    let files = match split {
        Split::Train => set.train,
        Split::Test => set.test,
    };
    let inputs = Inputs::new(set, pixels);
    let (mut x, mut labels) = (Vec::new(), Vec::new());
    for file in files {
        let wanted = samples.map_or(usize::MAX, |n| n - labels.len());
        if wanted == 0 {
            break;
        }
        let records = set.records(&set.find(dir, file)?, wanted)?;
        x.reserve(records.len() / set.record() * IMAGE);
        for record in records.chunks_exact(set.record()) {
            labels.push(i64::from(record[set.labels - 1]));
            inputs.extend(&mut x, &record[set.labels..]);
        }
    }
    let [channels, rows, columns] = SHAPE;
    let shape = vec![labels.len(), channels, rows, columns];
    Dataset::new(name, shape, x, Targets::Classes(labels))?.first(samples)
}

impl Set {
    /// Bytes of a label and an image.
    fn record(&self) -> usize {
        self.labels + IMAGE
    }

    /// Where a file is: in the folder itself, or in that of the archive.
    fn find(&self, dir: &Path, file: &str) -> Result<PathBuf, ModelsError> {
        let looked: Vec<PathBuf> = [self.folder, ""]
            .iter()
            .map(|folder| dir.join(folder).join(file))
            .collect();
        if let Some(path) = looked.iter().find(|path| path.is_file()) {
            return Ok(path.clone());
        }
        let Set { folder, python, .. } = self;
        let remedy = match dir.join(python).is_dir() {
            true => format!("{python} is the version for Python, and the binary version is needed"),
            false => format!(
                "give the folder that holds {folder} as the data folder, or download the files"
            ),
        };
        Err(ModelsError::DataNotFound {
            what: format!("{}'s {file}", self.name),
            looked,
            remedy,
            set: self.word,
        })
    }

    /// The first records of a file, at most `wanted`, checked.
    fn records(&self, path: &Path, wanted: usize) -> Result<Vec<u8>, ModelsError> {
        let failed = |source| ModelsError::read(path, source);
        let (mut file, bytes) = landscape_files::open(path).map_err(failed)?;
        let length = self.record();
        if bytes == 0 || bytes % length as u64 != 0 {
            let reason = format!(
                "it has {bytes} bytes; a standard file has {}, and any other must also have \
                 a whole number of records",
                self.bytes
            );
            return Err(ModelsError::corrupt(path, reason));
        }
        let count = (bytes / length as u64).min(wanted as u64);
        let mut records = Vec::new();
        let read = (&mut file)
            .take(count * length as u64)
            .read_to_end(&mut records);
        if read.map_err(failed)? as u64 != count * length as u64 {
            return Err(failed(std::io::ErrorKind::UnexpectedEof.into()));
        }
        let label = |record: &[u8]| record[self.labels - 1];
        let mut all = records.chunks_exact(length);
        if let Some(place) = all.position(|record| label(record) >= self.classes) {
            let reason = format!(
                "record {place} has the label {}; those of {} are 0 to {}",
                label(&records[place * length..]),
                self.name,
                self.classes - 1
            );
            return Err(ModelsError::corrupt(path, reason));
        }
        Ok(records)
    }
}

/// What each byte of each channel becomes.
struct Inputs([[f32; 256]; 3]);

impl Inputs {
    fn new(set: &Set, pixels: Pixels) -> Self {
        let unit = |byte: usize| byte as f32 / 255.0;
        Inputs(std::array::from_fn(|channel| {
            let mean = (set.mean[channel] / 255.0) as f32;
            let std = (set.std[channel] / 255.0) as f32;
            std::array::from_fn(|byte| match pixels {
                Pixels::Unit => unit(byte),
                Pixels::Standard => (unit(byte) - mean) / std,
                Pixels::Given(channels) => channels.value(byte as u8, channel),
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
