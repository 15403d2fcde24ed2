//! The tensors of a checkpoint under the names by which they are looked for.

use super::choice::{is_harmless, some_of};
use super::fold::{self, Made};
use super::lora;
use super::rename::{Rename, rename};
use super::shards::Shards;
use super::{LoadNote, place::Place};
use crate::ModelsError;
use crate::files::{Array, Listed, Listing};
use std::path::{Path, PathBuf};

/// A tensor that could be read: one of the file, or one that several of the file stand for.
#[derive(Debug, Clone)]
pub(super) struct Tensor {
    /// The keys that lead there, joined with points.
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    /// Whether its values are floating-point numbers.
    pub(super) is_float: bool,
    /// How many nested dictionaries hold it.
    pub(super) depth: usize,
    /// How it follows from its parts.
    pub(super) made: Made,
    pub(super) parts: Vec<Listed>,
}

impl Tensor {
    pub(super) fn of(listed: Listed) -> Self {
        Tensor {
            name: listed.name.clone(),
            shape: listed.shape.clone(),
            is_float: listed.is_float,
            depth: listed.depth,
            made: Made::Alone,
            parts: vec![listed],
        }
    }

    /// Number of values; more than there are where that cannot be counted.
    pub(super) fn numel(&self) -> usize {
        crate::files::product(&self.shape).unwrap_or(usize::MAX)
    }

    /// Where its parts lie in the file.
    pub(super) fn parts(&self) -> Vec<(usize, usize)> {
        self.parts.iter().map(Listed::place).collect()
    }

    /// Whether both are the same tensors of the file.
    pub(super) fn is(&self, other: &Tensor) -> bool {
        let same = |(a, b): (&Listed, &Listed)| a.is(b);
        self.parts.len() == other.parts.len() && self.parts.iter().zip(&other.parts).all(same)
    }

    /// The keys of the dictionaries around it with their last point, and its name in the last of them.
    pub(super) fn place(&self) -> (&str, &str) {
        let points = self.name.match_indices('.').map(|(at, _)| at + 1);
        let at = points.take(self.depth).last().unwrap_or(0);
        self.name.split_at(at)
    }
}

/// What a checkpoint holds.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) tensors: Vec<Tensor>,
    /// Names under which objects stand that are not understood, and their classes.
    pub(super) objects: Vec<(String, String)>,
    /// Whether the order of the tensors is that in which the network's layers were made; safetensors sort them.
    pub(super) in_order: bool,
}

/// The bytes of a checkpoint's files.
pub(super) struct Bytes {
    pub(super) place: Place,
    shards: Shards,
    bytes: Vec<Vec<u8>>,
}

impl Bytes {
    /// Those of a file, of the files that an index names, or of `FILE:KEY`.
    pub(super) fn read(path: &Path) -> Result<Self, ModelsError> {
        let Place { file, key } = Place::of(path);
        let file = super::kinds::file_of(file)?;
        let place = Place { file, key };
        let shards = Shards::of(&place.file)?;
        let bytes = shards.files.iter().map(|file| Listing::bytes(file));
        Ok(Bytes {
            bytes: bytes.collect::<Result<_, _>>()?,
            place,
            shards,
        })
    }

    pub(super) fn open(&self) -> Result<Source<'_>, ModelsError> {
        let files = self.bytes.iter().zip(&self.shards.files);
        let listings = files.map(|(bytes, path)| Listing::open(bytes, path));
        Ok(Source {
            listings: listings.collect::<Result<_, _>>()?,
            bytes: self,
        })
    }
}

/// A checkpoint that was opened.
pub(super) struct Source<'b> {
    listings: Vec<Listing<'b>>,
    bytes: &'b Bytes,
}

impl Source<'_> {
    /// The file that messages speak of.
    pub(super) fn path(&self) -> &PathBuf {
        &self.bytes.place.file
    }

    pub(super) fn is_safetensors(&self) -> bool {
        self.listings.iter().all(Listing::is_safetensors)
    }

    /// Python classes that are not understood, and of which nothing was made.
    pub(super) fn classes(&self) -> Vec<String> {
        self.listings.iter().flat_map(Listing::classes).collect()
    }

    /// The tensors of the dictionary of weights.
    pub(super) fn weights(&self) -> Result<Vec<Tensor>, ModelsError> {
        match (&self.listings[..], &self.bytes.place.key) {
            ([only], None) => Ok(only
                .weights()?
                .tensors
                .into_iter()
                .map(Tensor::of)
                .collect()),
            _ => Ok(self.contents()?.tensors),
        }
    }

    /// All tensors, those of optimisers and further networks too, or those behind a key.
    pub(super) fn contents(&self) -> Result<Contents, ModelsError> {
        let mut contents = Contents {
            in_order: self.listings.len() == 1 && !self.is_safetensors(),
            ..Contents::default()
        };
        for (file, listing) in self.listings.iter().enumerate() {
            let found = listing.all()?;
            contents.objects.extend(found.objects);
            for mut tensor in found.tensors {
                let here = self.bytes.shards.map.as_ref();
                if here.is_none_or(|map| map.get(&tensor.name) == Some(&file)) {
                    tensor.file = file;
                    contents.tensors.push(Tensor::of(tensor));
                }
            }
        }
        self.check_parts(&contents)?;
        match &self.bytes.place.key {
            Some(key) => super::place::behind(key, contents, self.path()),
            None => Ok(contents),
        }
    }

    /// Every tensor of an index must be where it says.
    fn check_parts(&self, contents: &Contents) -> Result<(), ModelsError> {
        let Some(map) = &self.bytes.shards.map else {
            return Ok(());
        };
        if contents.tensors.len() >= map.len() {
            return Ok(());
        }
        let found: std::collections::HashSet<&str> =
            contents.tensors.iter().map(|t| t.name.as_str()).collect();
        let mut absent: Vec<String> = { map.keys() }
            .filter(|name| !found.contains(name.as_str()))
            .cloned()
            .collect();
        absent.sort();
        let reason = format!(
            "tensors that it names are not in its parts: {}",
            some_of(&absent)
        );
        Err(ModelsError::corrupt(self.path(), reason))
    }

    /// All tensors after renaming and with parametrisations folded.
    pub(super) fn named(
        &self,
        renames: &[Rename],
    ) -> Result<(Contents, Vec<LoadNote>), ModelsError> {
        let mut contents = self.contents()?;
        let notes = rename(&mut contents.tensors, renames, self.path())?;
        let folded = fold::folded(contents.tensors);
        contents.tensors = lora::merged(folded, self.path())?;
        Ok((contents, notes))
    }

    /// The values of some of the tensors.
    pub(super) fn read(&self, tensors: &[&Tensor]) -> Result<Vec<Array>, ModelsError> {
        let mut arrays: Vec<Vec<Option<Array>>> = Vec::new();
        for tensor in tensors {
            arrays.push(vec![None; tensor.parts.len()]);
        }
        for (file, listing) in self.listings.iter().enumerate() {
            let parts = || {
                let all = { tensors.iter().enumerate() }
                    .flat_map(|(at, t)| t.parts.iter().enumerate().map(move |(p, l)| (at, p, l)));
                all.filter(|(_, _, listed)| listed.file == file)
            };
            let wanted: Vec<&Listed> = parts().map(|(_, _, listed)| listed).collect();
            if wanted.is_empty() {
                continue;
            }
            for ((at, part, _), array) in parts().zip(listing.read(&wanted)?) {
                arrays[at][part] = Some(array);
            }
        }
        let whole = { tensors.iter().zip(arrays) }.map(|(tensor, parts)| {
            let parts: Vec<Array> = parts.into_iter().flatten().collect();
            fold::made(tensor, parts)
        });
        Ok(whole.collect())
    }
}

/// The tensors of a file that are weights: all but counters.
pub(super) fn without_counters(mut tensors: Vec<Tensor>) -> Vec<Tensor> {
    let is_counter = |t: &Tensor| !t.is_float && t.numel() <= 1 && is_harmless(t);
    tensors.retain(|t| !is_counter(t));
    tensors
}
