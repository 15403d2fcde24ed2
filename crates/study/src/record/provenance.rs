use super::{PlacedNetwork, Rounding, Settings};
use landscape_core::{DeviceShare, text_path};
use landscape_models::{DataSpec, Split};
use landscape_storage::Run;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where the numbers of a run come from; it determines none of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// The program that stored it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The command as it could be typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// System and processor, as `linux-x86_64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The file of the network, where it is a program from a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<GivenFile>,
    /// The data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<DataSource>,
    /// The parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<Origin>,
    /// The parameters at the other end of a line or curve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Origin>,
    /// Where it was evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// What each of several devices computed that shared the points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devices: Option<Vec<DeviceShare>>,
    /// The networks that a line or plane goes through, where there are several, the one at the origin first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<PlacedNetwork>>,
    /// What the precision costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Rounding>,
    /// The names of paths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paths: Option<Vec<String>>,
    /// The optimiser of the training that curvature is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optimizer: Option<String>,
    /// Numbers of parameters of the parts that a network was looked at in, by their names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<BTreeMap<String, u64>>,
    /// The comparison that it is a part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<String>,
    /// The shard of the whole that it is, as `3/16`; several in one run are `0-3/16`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// All that is not known here.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Provenance {
    /// That of a run which this program computes now.
    pub fn now() -> Self {
        Provenance {
            program: Some("landscape".to_owned()),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            system: Some(format!(
                "{}-{}",
                std::env::consts::OS,
                std::env::consts::ARCH
            )),
            ..Provenance::default()
        }
    }

    /// That of a stored run. What is in another form than it has here is in `more`.
    pub fn of(run: &Run) -> Self {
        if let Ok(known) = Provenance::deserialize(&run.provenance) {
            return known;
        }
        let mut known = Provenance::default();
        let Value::Object(fields) = &run.provenance else {
            return known;
        };
        // Field by field, so that one of another form costs no other.
        for (name, value) in fields {
            let one = Value::Object(Map::from_iter([(name.clone(), value.clone())]));
            match Provenance::deserialize(&one) {
                Ok(field) => known.take(field),
                Err(_) => drop(known.more.insert(name.clone(), value.clone())),
            }
        }
        known
    }

    fn take(&mut self, other: Provenance) {
        let Provenance {
            program,
            version,
            command,
            system,
            model,
            data,
            weights,
            to,
            device,
            devices,
            models,
            rounding,
            paths,
            optimizer,
            parts,
            comparison,
            shard,
            more,
        } = other;
        self.program = self.program.take().or(program);
        self.version = self.version.take().or(version);
        self.command = self.command.take().or(command);
        self.system = self.system.take().or(system);
        self.model = self.model.take().or(model);
        self.data = self.data.take().or(data);
        self.weights = self.weights.take().or(weights);
        self.to = self.to.take().or(to);
        self.device = self.device.take().or(device);
        self.devices = self.devices.take().or(devices);
        self.models = self.models.take().or(models);
        self.rounding = self.rounding.take().or(rounding);
        self.paths = self.paths.take().or(paths);
        self.optimizer = self.optimizer.take().or(optimizer);
        self.parts = self.parts.take().or(parts);
        self.comparison = self.comparison.take().or(comparison);
        self.shard = self.shard.take().or(shard);
        self.more.extend(more);
    }

    /// For [`landscape_storage::RunSpec`].
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("a provenance is JSON")
    }

    /// The network as it was named: the file of a program, or what the settings of its run say.
    pub fn model_name(&self, settings: &Settings) -> Option<String> {
        let file = self.model.as_ref().map(|given| given.file.clone());
        file.or_else(|| settings.problem().model.clone())
    }

    /// The networks that the run goes through; none where it is one alone.
    pub fn networks(&self) -> &[PlacedNetwork] {
        self.models.as_deref().unwrap_or_default()
    }
}

/// A file, as it was given and as it is found from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenFile {
    /// As it was given.
    pub file: String,
    /// The same from the root, where that is known.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "landscape_core::as_words::path::option"
    )]
    pub path: Option<PathBuf>,
}

impl GivenFile {
    /// A file, as it was given.
    pub fn new(given: &Path) -> Self {
        GivenFile {
            file: landscape_core::path_text(given),
            path: absolute(given),
        }
    }

    /// The file as it can be read from here: where nothing lies at the path as it was given, from the root.
    pub fn found(&self) -> PathBuf {
        found(&self.file, self.path.as_deref())
    }
}

/// A file as it was given, or where nothing lies there, from the root.
fn found(given: &str, root: Option<&Path>) -> PathBuf {
    let given = text_path(given);
    match root {
        Some(root) if !given.exists() && root.exists() => root.to_owned(),
        _ => given,
    }
}

/// Where parameters are from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Origin {
    /// A checkpoint of a training.
    Run {
        /// Its name.
        run: String,
        /// Steps done.
        step: u64,
    },
    /// A file.
    File {
        /// As it was given.
        file: String,
        /// The same from the root, where that is known.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            with = "landscape_core::as_words::path::option"
        )]
        path: Option<PathBuf>,
    },
    /// Drawn at random.
    Seed {
        /// Seed of the generator.
        seed: u64,
    },
}

impl Origin {
    /// A file, as it was given.
    pub fn file(given: &Path) -> Self {
        Origin::File {
            file: landscape_core::path_text(given),
            path: absolute(given),
        }
    }

    /// The step of a checkpoint.
    pub fn step(&self) -> Option<u64> {
        match self {
            Origin::Run { step, .. } => Some(*step),
            _ => None,
        }
    }

    /// What a network of these parameters is called.
    pub fn name(&self) -> String {
        match (self, self.as_file()) {
            (_, Some(file)) => super::stem(&file),
            (Origin::Run { run, .. }, _) => run.clone(),
            _ => "network".to_owned(),
        }
    }

    /// The file, as it was given.
    pub fn as_file(&self) -> Option<PathBuf> {
        match self {
            Origin::File { file, .. } => Some(text_path(file)),
            _ => None,
        }
    }

    /// The file as it can be read from here: where nothing lies at the path as it was given, from the root.
    pub fn found(&self) -> Option<PathBuf> {
        match self {
            Origin::File { file, path } => Some(found(file, path.as_deref())),
            _ => None,
        }
    }
}

/// Which data are meant, in words that can be read again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataSource {
    /// Their name.
    #[serde(with = "landscape_core::as_words")]
    pub spec: DataSpec,
    /// Folder of their files, as it was given.
    #[serde(default, with = "landscape_core::as_words::path::option")]
    pub dir: Option<PathBuf>,
    /// Which part of them.
    #[serde(with = "landscape_core::as_words")]
    pub split: Split,
    /// How many of the first samples; all where absent.
    #[serde(default)]
    pub samples: Option<usize>,
    /// How inputs are normalised, in words.
    #[serde(default)]
    pub pixels: Option<String>,
    /// The folder, or the files, from the root, where that is known.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        with = "landscape_core::as_words::path::list"
    )]
    pub paths: Vec<PathBuf>,
}

impl DataSource {
    /// Data by name, with all that is not said as it is usual.
    pub fn new(spec: DataSpec, dir: Option<PathBuf>, split: Split, samples: Option<usize>) -> Self {
        let given = spec.files().into_iter().chain(dir.as_deref());
        DataSource {
            paths: given.filter_map(absolute).collect(),
            pixels: spec.preprocessing().map(Cow::into_owned),
            spec,
            dir,
            split,
            samples,
        }
    }

    /// The same as it can be read from here: where nothing lies at a path as it was given, from the root.
    #[must_use]
    pub fn found(mut self) -> Self {
        let mut roots = self.paths.iter();
        let mut found = |given: &Path| match roots.next() {
            Some(root) if !given.exists() && root.exists() => root.clone(),
            _ => given.to_owned(),
        };
        match &mut self.spec {
            DataSpec::File(file) => file.path = found(&file.path),
            DataSpec::Table(table) => table.path = found(&table.path),
            DataSpec::Folder(folder) => folder.path = found(&folder.path),
            DataSpec::Pair(x, y) => (*x, *y) = (found(x), found(y)),
            _ => {}
        }
        self.dir = self.dir.as_deref().map(found);
        self
    }
}

/// A path from the root, as long as the folder that this process works in is known.
fn absolute(path: &Path) -> Option<PathBuf> {
    std::path::absolute(path).ok()
}
