//! Recorded checkpoints, from training runs or from files.

use crate::args::TrajectoryArgs;
use crate::error::CliError;
use crate::inputs::{Source, default_loss, load_data, matching};
use burn::tensor::Device;
use landscape_core::{Checkpoint, Params, Role};
use landscape_models::{Dataset, LossKind, ModelSpec, Network, load_network_params};
use landscape_storage::{Run, RunKind, Store};
use serde_json::Value;

/// One path.
pub struct Path {
    pub label: String,
    pub checkpoints: Vec<Checkpoint>,
    /// True losses that were recorded on the same data with the same loss, in evaluation.
    pub recorded: Vec<Option<f64>>,
}

/// Paths of one network on one data set.
pub struct Paths {
    pub spec: ModelSpec,
    pub data: Dataset,
    pub loss: LossKind,
    pub source: Source,
    pub paths: Vec<Path>,
}

impl Paths {
    /// From the runs or files that are asked for.
    pub fn load(args: &TrajectoryArgs, store: Option<&Store>) -> Result<Self, CliError> {
        match (&args.checkpoints, store) {
            (Some(pattern), _) => Paths::from_files(args, pattern),
            (None, Some(store)) => Paths::from_runs(args, store),
            (None, None) => Err(CliError::Missing {
                what: "--run",
                remedy: "give a training run, or files with --checkpoints",
            }),
        }
    }

    fn from_files(args: &TrajectoryArgs, pattern: &str) -> Result<Self, CliError> {
        let spec = args.model.clone().ok_or(CliError::Missing {
            what: "--model",
            remedy: "--checkpoints needs the network, for example --model mlp:2-8-4-1",
        })?;
        let source = Source::new(&args.data, None)?;
        let files = matching(pattern)?;
        let read = |(place, file): (usize, &std::path::PathBuf)| -> Result<_, CliError> {
            let params = load_network_params(file, &spec)?;
            let step = place as u64;
            Ok(Checkpoint { step, params })
        };
        let checkpoints: Vec<Checkpoint> =
            { files.iter().enumerate().map(read) }.collect::<Result<_, CliError>>()?;
        let data = load_data(&source)?;
        let path = Path {
            label: pattern.to_owned(),
            recorded: vec![None; checkpoints.len()],
            checkpoints,
        };
        let loss = args.data.loss.unwrap_or_else(|| default_loss(&spec, &data));
        Ok(Paths {
            spec,
            data,
            loss,
            source,
            paths: vec![path],
        })
    }

    fn from_runs(args: &TrajectoryArgs, store: &Store) -> Result<Self, CliError> {
        let _hold = store.hold();
        let runs = args.run.iter().map(|name| training(store, name));
        let runs: Vec<Run> = runs.collect::<Result<_, _>>()?;
        Paths::of_runs(&runs, args, store)
    }

    fn of_runs(runs: &[Run], args: &TrajectoryArgs, store: &Store) -> Result<Self, CliError> {
        let setting = |name: &str| runs[0].settings.get(name).and_then(Value::as_str);
        let spec = match (&args.model, setting("model")) {
            (Some(spec), _) => spec.clone(),
            (None, stored) => stored.unwrap_or_default().parse()?,
        };
        let source = Source::new(&args.data, runs[0].provenance.get("data"))?;
        let data = load_data(&source)?;
        let stored = setting("loss").and_then(|name| name.parse().ok());
        let loss = args.data.loss.or(stored);
        let loss = loss.unwrap_or_else(|| default_loss(&spec, &data));
        let digest = data.digest();
        let read = |run: &Run| path(store, run, &spec, loss, &digest);
        Ok(Paths {
            paths: runs.iter().map(read).collect::<Result<_, _>>()?,
            spec,
            data,
            loss,
            source,
        })
    }

    /// All checkpoints of all paths.
    pub fn rows(&self) -> impl Iterator<Item = &Params> {
        let checkpoints = self.paths.iter().flat_map(|path| &path.checkpoints);
        checkpoints.map(|checkpoint| &checkpoint.params)
    }

    /// What the paths are called.
    pub fn labels(&self) -> Vec<&str> {
        self.paths.iter().map(|path| path.label.as_str()).collect()
    }

    /// The network with these parameters, on the CPU.
    pub fn network(&self, params: &Params) -> Result<Network, CliError> {
        Ok(Network::from_params(&self.spec, params, &Device::flex())?)
    }

    /// Whether the network has running statistics, as BatchNorm layers have.
    pub fn has_statistics(&self) -> bool {
        let mut first = self.rows().take(1).flat_map(Params::iter);
        first.any(|tensor| tensor.role == Role::Buffer)
    }
}

fn training(store: &Store, name: &str) -> Result<Run, CliError> {
    let run = store.find(name)?;
    match run.kind {
        RunKind::Train => Ok(run),
        kind => Err(CliError::Conflict {
            what: format!("--run `{name}` is a {kind}, not a training run"),
            remedy: "give a run of kind train; `landscape runs` lists them".to_owned(),
        }),
    }
}

fn path(
    store: &Store,
    run: &Run,
    spec: &ModelSpec,
    loss: LossKind,
    digest: &str,
) -> Result<Path, CliError> {
    let stored = |name: &str| run.settings.get(name);
    let same_data = stored("data").and_then(|d| d.get("sha256")?.as_str()) == Some(digest);
    let same = same_data && stored("loss").and_then(Value::as_str) == Some(loss.name());
    let layout = Network::layout(spec);
    let mut path = Path {
        label: run.name.clone(),
        checkpoints: Vec::new(),
        recorded: Vec::new(),
    };
    for checkpoint in store.checkpoints(run)? {
        let checkpoint = checkpoint?;
        let step = checkpoint.record.step;
        path.recorded.push(checkpoint.record.loss.filter(|_| same));
        let params = checkpoint.params.conform(&layout);
        let params = params.map_err(|source| CliError::Checkpoint {
            file: format!("{}, step {step}", run.name),
            source,
        })?;
        path.checkpoints.push(Checkpoint { step, params });
    }
    Ok(path)
}
