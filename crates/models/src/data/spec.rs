//! Data sets by name.

use super::MoonsSpec;
use crate::ModelsError;
use landscape_core::named;
use landscape_core::{path_text, text_path};
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Pixels {
    /// `byte / 255`, in [0, 1]: torchvision's `ToTensor`.
    #[default]
    Unit,
    /// `(byte / 255 - mean) / std`, mean 0 and deviation 1 over the training set: `ToTensor` and
    /// the customary `Normalize`, in the same f32 operations. MNIST: mean 0.1307, std 0.3081;
    /// CIFAR-10: for each channel, mean (125.3, 123.0, 113.9) / 255, std (63.0, 62.1, 66.7) / 255.
    Standard,
}

named!(Pixels, "pixels", {
    Unit => "unit",
    Standard => "standard",
});

impl Pixels {
    /// The input that a byte of MNIST becomes.
    pub fn value(self, byte: u8) -> f32 {
        let unit = f32::from(byte) / 255.0;
        match self {
            Pixels::Unit => unit,
            Pixels::Standard => (unit - 0.1307) / 0.3081,
        }
    }

    /// What follows `mnist:` or `cifar10:`.
    fn parse(settings: &str, usual: Pixels) -> Result<Self, String> {
        match settings.split_once('=') {
            None if settings.is_empty() => Ok(usual),
            Some(("pixels", name)) => name.parse().map_err(|e| format!("{e}")),
            _ => Err(format!(
                "unknown setting `{settings}`; pixels=unit|standard"
            )),
        }
    }

    /// The settings written out, where they are not the usual ones.
    fn suffix(self, usual: Pixels) -> String {
        match self == usual {
            true => String::new(),
            false => format!(":pixels={self}"),
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
/// | `FILE.safetensors`, `FILE.npz` | tensors `x` and `y` |
/// | `X.npy,Y.npy` | the same in two files |
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
    /// A `.safetensors` or `.npz` file with tensors `x` and `y`.
    File(PathBuf),
    /// Two `.npy` files, `x` and `y`.
    Pair(PathBuf, PathBuf),
}

impl DataSpec {
    /// The data sets that can be named, for help texts and messages.
    pub const KNOWN: &'static str = "moons[:n=200,noise=0.15,seed=42], mnist, mnist-1k \
         (each also :pixels=standard), cifar10 (also :pixels=unit), FILE.safetensors or FILE.npz with \
         tensors x and y, X.npy,Y.npy";

    /// Whether it has a part for tests.
    pub fn has_test_split(&self) -> bool {
        matches!(self, DataSpec::Mnist(_) | DataSpec::Cifar10(_))
    }

    /// Whether its files lie in a folder that can be named.
    pub fn reads_folder(&self) -> bool {
        matches!(self, DataSpec::Mnist(_) | DataSpec::Cifar10(_))
    }

    /// The files that it names itself, as they were given.
    pub fn files(&self) -> Vec<&Path> {
        match self {
            DataSpec::File(file) => vec![file],
            DataSpec::Pair(x, y) => vec![x, y],
            _ => Vec::new(),
        }
    }

    /// How the bytes of images become inputs, in words; `None` where there are no bytes.
    pub fn preprocessing(&self) -> Option<&'static str> {
        Some(match self {
            DataSpec::Mnist(Pixels::Standard) | DataSpec::Mnist1k(Pixels::Standard) => {
                "(x / 255 - 0.1307) / 0.3081"
            }
            DataSpec::Cifar10(Pixels::Standard) => super::cifar::STANDARD,
            DataSpec::Mnist(Pixels::Unit)
            | DataSpec::Mnist1k(Pixels::Unit)
            | DataSpec::Cifar10(Pixels::Unit) => "x / 255",
            DataSpec::Moons(_) | DataSpec::File(_) | DataSpec::Pair(..) => return None,
        })
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
        let pixels = |usual| Pixels::parse(settings, usual).map_err(bad);
        match name {
            "moons" => MoonsSpec::parse(settings).map(DataSpec::Moons).map_err(bad),
            "mnist" => pixels(Pixels::Unit).map(DataSpec::Mnist),
            "mnist-1k" => pixels(Pixels::Unit).map(DataSpec::Mnist1k),
            "cifar10" => pixels(Pixels::Standard).map(DataSpec::Cifar10),
            _ => file(given).ok_or_else(|| ModelsError::UnknownData {
                spec: given.to_owned(),
                known: Self::KNOWN,
            }),
        }
    }
}

fn file(given: &str) -> Option<DataSpec> {
    let extension = |path: &str| path.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase());
    let quoted = |given: &'_ str| Some(given.strip_prefix("$'")?.strip_suffix('\'')?.to_owned());
    let (inner, is_quoted) = match quoted(given) {
        Some(inner) => (inner, true),
        None => (given.to_owned(), false),
    };
    let path = |text: &str| match is_quoted {
        true => text_path(&format!("$'{text}'")),
        false => text_path(text),
    };
    if let Some((x, y)) = inner.split_once(',') {
        let both = [x, y].map(|path| extension(path).as_deref() == Some("npy"));
        return (both == [true, true]).then(|| DataSpec::Pair(path(x), path(y)));
    }
    matches!(extension(&inner).as_deref(), Some("safetensors" | "npz"))
        .then(|| DataSpec::File(path(&inner)))
}

impl fmt::Display for DataSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DataSpec::Moons(moons) => write!(f, "moons:{moons}"),
            DataSpec::Mnist(pixels) => write!(f, "mnist{}", pixels.suffix(Pixels::Unit)),
            DataSpec::Mnist1k(pixels) => write!(f, "mnist-1k{}", pixels.suffix(Pixels::Unit)),
            DataSpec::Cifar10(pixels) => write!(f, "cifar10{}", pixels.suffix(Pixels::Standard)),
            DataSpec::File(path) => f.write_str(&path_text(path)),
            DataSpec::Pair(x, y) => {
                let mut both = x.as_os_str().to_owned();
                both.push(",");
                both.push(y);
                f.write_str(&path_text(both.as_ref()))
            }
        }
    }
}
