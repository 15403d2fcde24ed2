//! The tensors of a checkpoint, listed before any is read.

use super::pickle::{self, Found};
use super::{Array, read_bytes, safe};
use crate::{ModelsError, PickleError};
use safetensors::SafeTensors;
use std::collections::HashMap;
use std::path::Path;

/// A tensor that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// The keys that lead there, joined with points.
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    /// Whether its values are floating-point numbers.
    pub(crate) is_float: bool,
    /// How many nested dictionaries hold it.
    pub(crate) depth: usize,
    /// Which of the files of a checkpoint holds it.
    pub(crate) file: usize,
    place: usize,
}

impl Listed {
    /// Where it lies: the same for tensors that are one under several names.
    pub(crate) fn place(&self) -> (usize, usize) {
        (self.file, self.place)
    }

    /// Whether both are the same tensor of the file.
    pub(crate) fn is(&self, other: &Listed) -> bool {
        self.place() == other.place()
    }
}

/// What a checkpoint holds.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) tensors: Vec<Listed>,
    /// Names under which objects stand that are not understood, and their classes.
    pub(crate) objects: Vec<(String, String)>,
}

/// A checkpoint of safetensors or `torch.save`; what a file is, its contents say.
pub(crate) struct Listing<'a> {
    path: &'a Path,
    source: Source<'a>,
}

enum Source<'a> {
    Pickle(pickle::Opened<'a>),
    Safe(SafeTensors<'a>),
}

impl<'a> Listing<'a> {
    /// The bytes of a file.
    pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, ModelsError> {
        read_bytes(path)
    }

    /// Opens the bytes of a file.
    pub(crate) fn open(bytes: &'a [u8], path: &'a Path) -> Result<Self, ModelsError> {
        if let Some(source) = other_kind(bytes) {
            let path = path.to_owned();
            return Err(ModelsError::Pickle { path, source });
        }
        let source = match pickle::is_pickle(bytes) || pickle::is_named_so(path) {
            true => Source::Pickle(pickle::open(bytes).map_err(|e| wrong(path, e))?),
            false => Source::Safe(safe::open(bytes, path)?),
        };
        Ok(Listing { path, source })
    }

    /// Whether the file is one of safetensors.
    pub(crate) fn is_safetensors(&self) -> bool {
        matches!(self.source, Source::Safe(_))
    }

    /// The tensors of the dictionary of weights.
    pub(crate) fn weights(&self) -> Result<Contents, ModelsError> {
        self.contents(pickle::Opened::weights)
    }

    /// All tensors, those of optimisers and further networks too.
    pub(crate) fn all(&self) -> Result<Contents, ModelsError> {
        self.contents(pickle::Opened::all)
    }

    /// Python classes that are not understood, and of which nothing was made.
    pub(crate) fn classes(&self) -> Vec<String> {
        match &self.source {
            Source::Pickle(opened) => opened.classes(),
            Source::Safe(_) => Vec::new(),
        }
    }

    fn contents(
        &self,
        list: impl Fn(&pickle::Opened<'a>) -> Result<Vec<pickle::Named>, PickleError>,
    ) -> Result<Contents, ModelsError> {
        let mut contents = Contents::default();
        match &self.source {
            Source::Pickle(opened) => {
                // Of tensors that are one under several names, the first.
                let mut places = HashMap::new();
                for named in list(opened).map_err(|e| wrong(self.path, e))? {
                    match named.found {
                        Found::Object(class) => contents.objects.push((named.name, class)),
                        Found::Tensor(place) => {
                            let place = *places.entry(opened.place(place)).or_insert(place);
                            let (shape, is_float) = opened.shape(place);
                            contents.tensors.push(Listed {
                                name: named.name,
                                shape: shape.to_vec(),
                                is_float,
                                depth: named.depth,
                                file: 0,
                                place,
                            });
                        }
                    }
                }
            }
            Source::Safe(file) => {
                let views = safe::in_order(file).into_iter().enumerate();
                let listed = views.map(|(place, (name, view))| Listed {
                    name: name.to_owned(),
                    shape: view.shape().to_vec(),
                    is_float: safe::is_float(view.dtype()),
                    depth: 0,
                    file: 0,
                    place,
                });
                contents.tensors = listed.collect();
            }
        }
        Ok(contents)
    }

    /// The values of some of the tensors.
    pub(crate) fn read(&self, tensors: &[&Listed]) -> Result<Vec<Array>, ModelsError> {
        match &self.source {
            Source::Pickle(opened) => {
                let wanted = tensors.iter().map(|t| (t.place, t.name.as_str()));
                opened.read(wanted).map_err(|e| wrong(self.path, e))
            }
            Source::Safe(file) => {
                let views = safe::in_order(file);
                let read = |tensor: &&Listed| {
                    let (name, view) = &views[tensor.place];
                    safe::read(name, view, self.path)
                };
                tensors.iter().map(read).collect()
            }
        }
    }
}

fn wrong(path: &Path, source: PickleError) -> ModelsError {
    ModelsError::Pickle {
        path: path.to_owned(),
        source,
    }
}

/// What stands in the place of a checkpoint after a download or a copy that failed, and files of other programs.
fn other_kind(bytes: &[u8]) -> Option<PickleError> {
    // The header of a safetensors file, after its length.
    if bytes.get(4..9) == Some(&[0, 0, 0, 0, b'{']) {
        return None;
    }
    let start = &bytes[..bytes.len().min(512)];
    let text = String::from_utf8_lossy(start)
        .trim_start()
        .to_ascii_lowercase();
    let starts = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
    let (found, remedy) = match () {
        () if bytes.is_empty() => ("empty", "get the file again"),
        () if starts(&["version https://git-lfs"]) => (
            "a pointer of Git LFS, in place of the file",
            "get the file itself: git lfs pull",
        ),
        () if starts(&["<!doctype", "<html", "<head", "<?xml"]) => (
            "a web page",
            "open it in a browser: the address may be wrong, or need a login; then download the file itself",
        ),
        () if starts(&["{\"", "{\n", "{}"]) => (
            "JSON text",
            "give the file with the weights, .safetensors or of torch.save, or the index of one in parts, .index.json",
        ),
        () if bytes.starts_with(b"\x89HDF\r\n\x1a\n") => (
            "an HDF5 file, as Keras writes them",
            "export the network, model.export(\"net.onnx\", format=\"onnx\"), and take net.onnx as the model; or save the weights with \
             PyTorch's names as safetensors",
        ),
        () if is_of_keras(bytes) => (
            "a model of Keras 3",
            "export the network, model.export(\"net.onnx\", format=\"onnx\"), and take net.onnx as the model",
        ),
        () if matches!(
            bytes,
            [0x81..=0x8f, 0xa1..=0xbf, b' '..=b'z', ..] | [0x81..=0x8f, 0xd9, _, b' '..=b'z', ..]
        ) =>
        {
            (
                "MessagePack, as Flax writes it",
                "export the network with jax2onnx, and take net.onnx as the model; or save the weights with PyTorch's names as safetensors",
            )
        }
        // The last bytes of LevelDB's tables.
        () if bytes.ends_with(&[0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]) => (
            "the index of a checkpoint of TensorFlow",
            "export the network with tf2onnx, and take net.onnx as the model",
        ),
        () if bytes.starts_with(b"\x93NUMPY") => (
            "a single NumPy array",
            "save the weights with their names as safetensors",
        ),
        () if bytes.starts_with(&[0x1f, 0x8b]) => {
            ("compressed with gzip", "unpack it: gunzip FILE")
        }
        () if bytes.starts_with(b"BZh") => ("compressed with bzip2", "unpack it: bunzip2 FILE"),
        () if bytes.starts_with(b"\xfd7zXZ\0") => ("compressed with xz", "unpack it: unxz FILE"),
        () if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) => {
            ("compressed with Zstandard", "unpack it: unzstd FILE")
        }
        () if bytes.starts_with(b"GGUF") => (
            "a GGUF file of a language model",
            "give the checkpoint that it was converted from",
        ),
        // The version of the format, then a name of the program that wrote it.
        () if matches!(bytes, [8, 1..=12, 18, 1..=64, b' '..=b'z', ..]) => (
            "an ONNX program",
            "give the PyTorch checkpoint that it was exported from",
        ),
        () => return as_text(start),
    };
    Some(PickleError::Other { found, remedy })
}

/// Whether bytes are the archive that Keras 3 writes.
fn is_of_keras(bytes: &[u8]) -> bool {
    let names = &bytes[..bytes.len().min(1 << 12)];
    let has = |name: &[u8]| names.windows(name.len()).any(|part| part == name);
    bytes.starts_with(b"PK\x03\x04") && has(b"metadata.json") && has(b"config.json")
}

/// Text that is none of the known kinds, with its first words.
fn as_text(start: &[u8]) -> Option<PickleError> {
    const SHOWN: usize = 40;
    let whole = match std::str::from_utf8(start) {
        Ok(text) => text,
        // A letter that is cut off at the end.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&start[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let is_text = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    let words: Vec<&str> = whole.split_whitespace().collect();
    // Pickles of the oldest protocols are letters too.
    let readable = whole.chars().all(is_text) && words.len() > 1 && !whole.contains("\np");
    let start = words.join(" ").chars().take(SHOWN).collect();
    readable.then_some(PickleError::Text { start })
}
