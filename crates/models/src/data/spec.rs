//! Data sets by name.

use super::cifar::{CIFAR10, CIFAR100};
use super::normalisation::Channels;
use super::settings::settings;
use super::{CharsSpec, FileSpec, FolderSpec, MoonsSpec, TableSpec};
use crate::ModelsError;
use landscape_core::named;
use landscape_core::{path_text, text_path};
use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Which part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Split {
    /// What networks are trained on.
    #[default]
    Train,
    /// What they are tested on.
    Test,
}

named!(Split, "split", {
    Train => "train",
    Test => "test",
});

/// How the bytes of images become inputs. MNIST's default is `unit`, CIFAR-10's `standard`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Pixels {
    /// `byte / 255`, in [0, 1]: torchvision's `ToTensor`.
    #[default]
    Unit,
    /// `(byte / 255 - mean) / std`, mean 0 and deviation 1 over the training set: `ToTensor` and
    /// the customary `Normalize`, in the same f32 operations. MNIST: mean 0.1307, std 0.3081;
    /// CIFAR-10: for each channel, mean (125.3, 123.0, 113.9) / 255, std (63.0, 62.1, 66.7) / 255;
    /// CIFAR-100: mean (129.3, 124.1, 112.4) / 255, std (68.2, 65.4, 70.4) / 255.
    Standard,
    /// The same with a mean and a deviation of one's own: `mean=0.5,std=0.5`, or three numbers each.
    Given(Channels),
}

impl Pixels {
    /// The input that a byte of MNIST becomes.
    pub fn value(self, byte: u8) -> f32 {
        let unit = f32::from(byte) / 255.0;
        match self {
            Pixels::Unit => unit,
            Pixels::Standard => (unit - 0.1307) / 0.3081,
            Pixels::Given(channels) => channels.value(byte, 0),
        }
    }

    /// What follows `mnist:` or `cifar10:`.
    fn parse(text: &str, usual: Pixels, channels: usize) -> Result<Self, String> {
        const KNOWN: &str = "pixels=unit|standard, or mean=0.5,std=0.5";
        let all = settings(text).map_err(|reason| format!("{reason}; {KNOWN}"))?;
        let own = all.iter().any(|s| matches!(s.key, "mean" | "std"));
        match &all[..] {
            [] => Ok(usual),
            [one] if one.key == "pixels" => match one.one()? {
                "unit" => Ok(Pixels::Unit),
                "standard" => Ok(Pixels::Standard),
                other => Err(format!(
                    "unknown value of pixels `{other}`; known: unit, standard"
                )),
            },
            all if own => Channels::parse(all, channels)
                .map(Pixels::Given)
                .map_err(|reason| format!("{reason}; {KNOWN}")),
            _ => Err(format!("unknown setting `{text}`; {KNOWN}")),
        }
    }

    /// The settings written out, where they are not the usual ones.
    fn suffix(self, usual: Pixels) -> String {
        match self {
            same if same == usual => String::new(),
            Pixels::Unit => ":pixels=unit".to_owned(),
            Pixels::Standard => ":pixels=standard".to_owned(),
            Pixels::Given(channels) => format!(":{channels}"),
        }
    }

    /// The formula, in words; `standard` is that of the data set.
    fn words(self, standard: &'static str) -> Cow<'static, str> {
        match self {
            Pixels::Unit => "x / 255".into(),
            Pixels::Standard => standard.into(),
            Pixels::Given(channels) => channels.words().into(),
        }
    }
}

/// A data set by its name.
///
/// | name | data |
/// |---|---|
/// | `moons[:n=200,noise=0.15,seed=42]` | two interleaving half circles, see [`make_moons`](super::make_moons) |
/// | `mnist-1k[:pixels=unit\|standard]` | the first 1,000 MNIST training images, inside the program |
/// | `mnist[:pixels=unit\|standard]` | MNIST from its IDX files |
/// | `cifar10[:pixels=standard\|unit]` | CIFAR-10 from the files of its binary version |
/// | `cifar100[:pixels=standard\|unit]` | CIFAR-100 likewise |
/// | `chars[:context=64]` | the beginning of Moby-Dick, character by character, inside the program |
/// | `FILE.safetensors`, `FILE.npz` | arrays `x` and `y`, or those that [`FileSpec`] names: `FILE.npz:x=images,y=labels,scale=1/255` |
/// | `X.npy,Y.npy` | the same in two files |
/// | `FOLDER/` | images, a folder a class, see [`FolderSpec`]: `FOLDER/:size=224`; a folder that is there needs no slash |
/// | `FILE.csv`, `FILE.tsv`, `FILE.parquet` | a table, see [`TableSpec`]: `FILE.csv:target=price` |
/// | `memory` | what a program handed over: it cannot be read again |
///
/// The images of the standard sets are also normalised with means and deviations of one's own, `mnist:mean=0.5,std=0.5`,
/// `cifar10:mean=0.485,0.456,0.406,std=0.229,0.224,0.225`, of bytes divided by 255.
///
/// Parsing and printing are inverse to each other, up to settings that are not written out. Paths that are
/// not UTF-8 are written as [`path_text`] writes them.
///
/// ```
/// use landscape_models::DataSpec;
///
/// let spec: DataSpec = "moons:noise=0.1,n=300".parse()?;
/// assert_eq!(spec.to_string(), "moons:n=300,noise=0.1,seed=42");
/// # Ok::<(), landscape_models::ModelsError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum DataSpec {
    /// Two interleaving half circles.
    Moons(MoonsSpec),
    /// MNIST from its IDX files, one flattened image of 784 values a row.
    Mnist(Pixels),
    /// The embedded first 1,000 MNIST training images, likewise.
    Mnist1k(Pixels),
    /// CIFAR-10 from the files of its binary version, images `[3, 32, 32]`.
    Cifar10(Pixels),
    /// CIFAR-100 likewise, with 100 classes.
    Cifar100(Pixels),
    /// The embedded beginning of Moby-Dick, windows of characters.
    Chars(CharsSpec),
    /// Arrays of a `.safetensors` or `.npz` file.
    File(FileSpec),
    /// Two `.npy` files, `x` and `y`.
    Pair(PathBuf, PathBuf),
    /// A table of columns.
    Table(TableSpec),
    /// Images, a folder a class.
    Folder(FolderSpec),
    /// What a program handed over, without a file.
    Memory,
}

impl DataSpec {
    /// The data sets that can be named, for help texts and messages.
    pub const KNOWN: &'static str = "moons[:n=200,noise=0.15,seed=42], mnist, mnist-1k \
        (each also :pixels=standard), cifar10, cifar100 (each also :pixels=unit; all also :mean=0.5,std=0.5), \
        chars[:context=64], \
        FILE.npz or FILE.safetensors with arrays x and y, FILE.npz:x=images,y=labels[,scale=1/255,mean=M,std=S], \
        X.npy,Y.npy, a table FILE.csv or FILE.parquet with :target=COLUMN, \
        FOLDER/[:size=224] with a folder of images for each class";

    /// Whether it may have a part for tests; whether a file has one is seen when it is read.
    pub fn has_test_split(&self) -> bool {
        matches!(
            self,
            DataSpec::Mnist(_)
                | DataSpec::Cifar10(_)
                | DataSpec::Cifar100(_)
                | DataSpec::Chars(_)
                | DataSpec::File(_)
                | DataSpec::Folder(_)
        )
    }

    /// Whether its files lie in a folder that can be named.
    pub fn reads_folder(&self) -> bool {
        matches!(
            self,
            DataSpec::Mnist(_) | DataSpec::Cifar10(_) | DataSpec::Cifar100(_)
        )
    }

    /// The files that it names itself, as they were given.
    pub fn files(&self) -> Vec<&Path> {
        match self {
            DataSpec::File(file) => vec![&file.path],
            DataSpec::Table(table) => vec![&table.path],
            DataSpec::Folder(folder) => vec![&folder.path],
            DataSpec::Pair(x, y) => vec![x, y],
            _ => Vec::new(),
        }
    }

    /// How inputs are normalised, in words; `None` where they are taken as they are.
    pub fn preprocessing(&self) -> Option<Cow<'static, str>> {
        match self {
            DataSpec::Mnist(pixels) | DataSpec::Mnist1k(pixels) => {
                Some(pixels.words("(x / 255 - 0.1307) / 0.3081"))
            }
            DataSpec::Cifar10(pixels) => Some(pixels.words(CIFAR10.standard)),
            DataSpec::Cifar100(pixels) => Some(pixels.words(CIFAR100.standard)),
            DataSpec::File(file) => file.normalisation.words().map(Cow::from),
            DataSpec::Table(table) => table.normalisation.words().map(Cow::from),
            DataSpec::Folder(folder) => Some(folder.words().into()),
            DataSpec::Moons(_) | DataSpec::Chars(_) | DataSpec::Pair(..) | DataSpec::Memory => None,
        }
    }
}

impl FromStr for DataSpec {
    type Err = ModelsError;

    fn from_str(given: &str) -> Result<Self, ModelsError> {
        let bad = |reason| ModelsError::BadData {
            spec: given.to_owned(),
            reason,
        };
        let (name, settings) = given.split_once(':').unwrap_or((given, ""));
        let pixels = |usual, channels| Pixels::parse(settings, usual, channels).map_err(bad);
        match name {
            "moons" => MoonsSpec::parse(settings).map(DataSpec::Moons).map_err(bad),
            "mnist" => pixels(Pixels::Unit, 1).map(DataSpec::Mnist),
            "mnist-1k" => pixels(Pixels::Unit, 1).map(DataSpec::Mnist1k),
            "cifar10" => pixels(Pixels::Standard, 3).map(DataSpec::Cifar10),
            "cifar100" => pixels(Pixels::Standard, 3).map(DataSpec::Cifar100),
            "chars" => CharsSpec::parse(settings).map(DataSpec::Chars).map_err(bad),
            "memory" if settings.is_empty() => Ok(DataSpec::Memory),
            _ => match (file(given), instead(name)) {
                (Some(found), _) => found.map_err(bad),
                (None, Some(instead)) => Err(bad(instead.to_owned())),
                (None, None) => Err(ModelsError::UnknownData {
                    spec: given.to_owned(),
                    known: Self::KNOWN,
                }),
            },
        }
    }
}

/// What to do with a file of a kind that is not read.
fn instead(path: &str) -> Option<&'static str> {
    Some(match extension(path)?.as_str() {
        "npy" => "it is one array, and two are wanted: X.npy,Y.npy (inputs and targets)",
        "pt" | "pth" | "ckpt" => {
            "tensors of PyTorch are not data here; write them as numpy.savez(\"data.npz\", x=x.numpy(), y=y.numpy())"
        }
        "pkl" | "pickle" | "joblib" => {
            "pickles are not run; write the arrays as numpy.savez(\"data.npz\", x=x, y=y)"
        }
        "mat" => {
            "read it in Python, scipy.io.loadmat, and write numpy.savez(\"data.npz\", x=x, y=y)"
        }
        "h5" | "hdf5" => {
            "read it in Python, h5py.File, and write numpy.savez(\"data.npz\", x=x, y=y)"
        }
        "bin" => {
            "tokens in a file of nanoGPT become data by x = numpy.memmap(\"train.bin\", dtype=\"uint16\"); \
             numpy.savez(\"data.npz\", x=x[:len(x) // 128 * 128].reshape(-1, 128))"
        }
        "xls" | "xlsx" | "ods" => "save the sheet as CSV, and name the column of the targets",
        "json" | "jsonl" | "feather" | "arrow" => {
            "write it as a table, in pandas frame.to_parquet(\"data.parquet\"), and name the column of the targets"
        }
        "txt" | "dat" => "give a table the ending .csv, and name the column of the targets",
        "gz" | "zip" | "bz2" | "xz" | "zst" | "tar" | "tgz" => {
            "unpack it, and give the file or folder that was in it"
        }
        _ => return None,
    })
}

/// Data in files; `None` where the words name none.
fn file(given: &str) -> Option<Result<DataSpec, String>> {
    let word = Word::of(given);
    if let Some((x, y)) = word.inner.split_once(',') {
        let both = [x, y].map(|path| extension(path).as_deref() == Some("npy"));
        if both == [true, true] {
            return Some(Ok(DataSpec::Pair(word.path(x), word.path(y))));
        }
    }
    if let Some((path, settings)) = word.folder() {
        return Some(FolderSpec::parse(&word.path(path), settings).map(DataSpec::Folder));
    }
    let (path, settings) = word.split()?;
    Some(match extension(path)?.as_str() {
        "npz" | "safetensors" => FileSpec::parse(word.path(path), settings).map(DataSpec::File),
        _ => TableSpec::parse(word.path(path), settings).map(DataSpec::Table),
    })
}

/// Endings of files of arrays and of tables.
const ENDINGS: [&str; 6] = ["npz", "safetensors", "csv", "tsv", "parquet", "pq"];

fn extension(path: &str) -> Option<String> {
    path.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase())
}

/// Words that begin with a path, which may be quoted: alone, or together with what follows it.
struct Word<'a> {
    inner: &'a str,
    /// What follows the quotes.
    behind: Option<&'a str>,
    is_quoted: bool,
}

impl<'a> Word<'a> {
    fn of(given: &'a str) -> Self {
        let quoted = given.strip_prefix("$'").and_then(|rest| {
            let alone = rest.rsplit_once("':");
            alone.map_or_else(
                || rest.strip_suffix('\'').map(|inner| (inner, None)),
                |(inner, behind)| Some((inner, Some(behind))),
            )
        });
        match quoted {
            Some((inner, behind)) => Word {
                inner,
                behind,
                is_quoted: true,
            },
            None => Word {
                inner: given,
                behind: None,
                is_quoted: false,
            },
        }
    }

    fn path(&self, text: &str) -> PathBuf {
        match self.is_quoted {
            true => text_path(&format!("$'{text}'")),
            false => text_path(text),
        }
    }

    /// The path of a folder, which ends in a slash or is there, and the settings behind it.
    fn folder(&self) -> Option<(&'a str, &'a str)> {
        let is_folder = |path: &str| path.ends_with('/') || self.path(path).is_dir();
        if let Some(behind) = self.behind {
            return is_folder(self.inner).then_some((self.inner, behind));
        }
        if is_folder(self.inner) {
            return Some((self.inner, ""));
        }
        let colons = self.inner.match_indices(':');
        let at = colons
            .map(|(at, _)| at)
            .find(|&at| is_folder(&self.inner[..at]))?;
        Some((&self.inner[..at], &self.inner[at + 1..]))
    }

    /// The path and the settings behind it.
    fn split(&self) -> Option<(&'a str, &'a str)> {
        let known = |path: &str| extension(path).is_some_and(|e| ENDINGS.contains(&e.as_str()));
        if let Some(behind) = self.behind {
            return known(self.inner).then_some((self.inner, behind));
        }
        if known(self.inner) && !self.inner.contains('=') {
            return Some((self.inner, ""));
        }
        let colons = self.inner.match_indices(':');
        let at = colons
            .map(|(at, _)| at)
            .find(|&at| known(&self.inner[..at]));
        match at {
            Some(at) => Some((&self.inner[..at], &self.inner[at + 1..])),
            None => known(self.inner).then_some((self.inner, "")),
        }
    }
}

impl fmt::Display for DataSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DataSpec::Moons(moons) => write!(f, "moons:{moons}"),
            DataSpec::Mnist(pixels) => write!(f, "mnist{}", pixels.suffix(Pixels::Unit)),
            DataSpec::Mnist1k(pixels) => write!(f, "mnist-1k{}", pixels.suffix(Pixels::Unit)),
            DataSpec::Cifar10(pixels) => write!(f, "cifar10{}", pixels.suffix(Pixels::Standard)),
            DataSpec::Cifar100(pixels) => write!(f, "cifar100{}", pixels.suffix(Pixels::Standard)),
            DataSpec::Chars(chars) => chars.fmt(f),
            DataSpec::File(file) => file.fmt(f),
            DataSpec::Table(table) => table.fmt(f),
            DataSpec::Folder(folder) => folder.fmt(f),
            DataSpec::Memory => f.write_str("memory"),
            DataSpec::Pair(x, y) => {
                let mut both = x.as_os_str().to_owned();
                both.push(",");
                both.push(y);
                f.write_str(&path_text(both.as_ref()))
            }
        }
    }
}
