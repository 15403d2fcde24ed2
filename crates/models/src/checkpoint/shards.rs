//! Checkpoints in several files, which an index names.

use crate::ModelsError;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};

/// The largest index that is read; one of a network with a million tensors is smaller.
const LARGEST: u64 = 1 << 28;

/// The files of a checkpoint, and which of them holds a tensor.
pub(super) struct Shards {
    pub(super) files: Vec<PathBuf>,
    /// Which tensor lies in which file by its place; nothing where there is a single file, which holds all.
    pub(super) map: Option<HashMap<String, usize>>,
}

impl Shards {
    /// The file itself, or the files that it names if it is an index (`*.index.json`).
    ///
    /// # Errors
    /// [`ModelsError::Unsupported`] for an index without names, or with one outside its folder.
    pub(super) fn of(path: &Path) -> Result<Self, ModelsError> {
        let alone = || Shards {
            files: vec![path.to_owned()],
            map: None,
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.to_ascii_lowercase().ends_with(".index.json") {
            return Ok(alone());
        }
        let length = { std::fs::metadata(path) }.map_err(|e| ModelsError::read(path, e))?;
        if length.len() > LARGEST {
            let reason =
                format!("it has more than {LARGEST} bytes, the most that an index may have");
            return Err(ModelsError::unsupported(path, reason));
        }
        let bytes = crate::files::read_bytes(path)?;
        let index: Value = serde_json::from_slice(&bytes)
            .map_err(|e| ModelsError::corrupt(path, format!("not a valid index ({e})")))?;
        named(&index, path)
    }
}

fn named(index: &Value, path: &Path) -> Result<Shards, ModelsError> {
    let unsupported = |reason: &str| ModelsError::unsupported(path, reason);
    let map = index.get("weight_map").and_then(Value::as_object);
    let map = map.filter(|map| !map.is_empty()).ok_or_else(|| {
        unsupported("it is not the index of a checkpoint: `weight_map` names no tensors")
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for file in map.values() {
        let file = file.as_str().filter(|file| is_inside(file));
        let file = file.ok_or_else(|| {
            unsupported(
                "it names a file outside its folder; the parts of a checkpoint belong beside its index",
            )
        })?;
        if !folder.join(file).exists() {
            let reason = format!(
                "it names the part `{file}`, which is not beside it; get all parts that it names"
            );
            return Err(ModelsError::unsupported(path, reason));
        }
        places.insert(file, 0);
    }
    for (place, number) in places.values_mut().enumerate() {
        *number = place;
    }
    let of = |(name, file): (&String, &Value)| {
        let place = file.as_str().and_then(|file| places.get(file));
        (name.clone(), place.copied().unwrap_or_default())
    };
    Ok(Shards {
        map: Some(map.iter().map(of).collect()),
        files: places.keys().map(|file| folder.join(file)).collect(),
    })
}

/// Whether a name stays in the folder that it is taken from.
fn is_inside(name: &str) -> bool {
    let plain = |part: Component| matches!(part, Component::Normal(_));
    !name.is_empty() && !name.contains(['\\', '\0']) && Path::new(name).components().all(plain)
}
