//! Recorded checkpoints, from training runs or from files: read when they are needed.

use crate::args::TrajectoryArgs;
use crate::error::CliError;
use crate::inputs::{Ordered, in_order, matching};
use crate::output::Console;
use burn::tensor::Device;
use landscape_core::{
    Params, PathSource, Role, RowError, RowIter, RowSource, counted_are, path_words,
};
use landscape_models::{Dataset, ModelSpec, Network, load_network_params};
use landscape_storage::{Run, RunKind, Store, TrainRecord};
use landscape_study::StudyError;
use landscape_study::memory::plan_network;
use landscape_study::problem::{LossChoice, load_data, load_file, stored_loss, with_loss};
use landscape_study::record::{DataDigest, DataSource, PathDigest, Provenance, Settings};
use std::borrow::Cow;
use std::path::{Path as FilePath, PathBuf};

/// Bytes of a path up to which it is held rather than read again and again.
const HELD: usize = 64 << 20;

/// One path.
pub struct Path {
    pub label: String,
    /// Steps of the checkpoints.
    pub steps: Vec<u64>,
    /// True losses that were recorded on the same data with the same loss, in evaluation.
    pub recorded: Vec<Option<f64>>,
    rows: Rows,
    /// Whether the steps are told by the names of files.
    named: bool,
    /// The files, where the checkpoints are in such.
    files: Option<Vec<PathBuf>>,
}

/// Where checkpoints are.
enum Rows {
    Held(Vec<Params>),
    Stored(Stored),
    Files(Vec<PathBuf>, ModelSpec),
}

/// Checkpoints of a training run.
struct Stored {
    store: Store,
    run: Run,
    layout: Params,
    /// The steps that take part, rising.
    steps: Vec<u64>,
}

/// Paths of one network on one data set.
pub struct Paths {
    pub spec: ModelSpec,
    pub data: Dataset,
    /// The loss, and why it is this one.
    pub loss: LossChoice,
    pub source: DataSource,
    pub paths: Vec<Path>,
}

impl Paths {
    /// From the runs or files that are asked for.
    pub fn load(
        args: &TrajectoryArgs,
        store: Option<&Store>,
        console: &Console,
    ) -> Result<Self, CliError> {
        match (&args.checkpoints, store) {
            (Some(pattern), _) => Paths::from_files(args, pattern, console),
            (None, Some(store)) => Paths::from_runs(args, store, console),
            (None, None) => Err(CliError::Missing {
                what: "--run",
                remedy: "give a training run, or files with --checkpoints",
            }),
        }
    }

    fn from_files(
        args: &TrajectoryArgs,
        pattern: &str,
        console: &Console,
    ) -> Result<Self, CliError> {
        let spec = args.model.clone().ok_or(CliError::Missing {
            what: "--model",
            remedy: "--checkpoints needs the network, for example --model mlp:2-8-4-1",
        })?;
        plan_network(&spec, console)?;
        let source = args.data.request().source(None)?;
        let Ordered {
            files,
            steps: named,
        } = in_order(matching(pattern)?);
        let inside = |step: u64| match &args.window {
            Some(window) => window.0.contains(&step),
            None => true,
        };
        let all: Vec<u64> = named
            .clone()
            .unwrap_or_else(|| (0..files.len() as u64).collect());
        let (steps, chosen): (Vec<u64>, Vec<PathBuf>) = { all.iter().zip(&files) }
            .filter(|(step, _)| inside(**step))
            .map(|(step, file)| (*step, file.clone()))
            .unzip();
        if steps.is_empty() {
            return Err(CliError::Conflict {
                what: format!("--window: none of the files `{pattern}` is in it"),
                remedy: format!("their steps are {} to {}", all[0], all[all.len() - 1]),
            });
        }
        say_order(&steps, &chosen, named.is_some(), console);
        let data = load_data(&source)?;
        let (data, loss) = with_loss(data, &spec, (args.data.loss, None), console)?;
        load_file(&chosen[0], &spec, console)?;
        let mut path = Path {
            named: named.is_some(),
            label: pattern.to_owned(),
            recorded: vec![None; steps.len()],
            steps,
            files: Some(chosen.clone()),
            rows: Rows::Files(chosen, spec.clone()),
        };
        path.hold(&spec)?;
        Ok(Paths {
            spec,
            data,
            loss,
            source,
            paths: vec![path],
        })
    }

    fn from_runs(
        args: &TrajectoryArgs,
        store: &Store,
        console: &Console,
    ) -> Result<Self, CliError> {
        if let Some(twice) = (1..args.run.len()).find(|&k| args.run[..k].contains(&args.run[k])) {
            return Err(CliError::Conflict {
                what: format!("--run `{}` is given twice", args.run[twice]),
                remedy: "give each run once".to_owned(),
            });
        }
        let _hold = store.hold();
        let runs = args.run.iter().map(|name| training(store, name));
        let runs: Vec<Run> = runs.collect::<Result<_, _>>()?;
        Paths::of_runs(&runs, args, store, console)
    }

    fn of_runs(
        runs: &[Run],
        args: &TrajectoryArgs,
        store: &Store,
        console: &Console,
    ) -> Result<Self, CliError> {
        let settings = Settings::of(&runs[0]);
        let spec = match (&args.model, &settings.problem().model) {
            (Some(spec), _) => spec.clone(),
            (None, stored) => stored.as_deref().unwrap_or_default().parse()?,
        };
        let stored = Provenance::of(&runs[0]).data;
        let source = args.data.request().source(stored.as_ref())?;
        let data = load_data(&source)?;
        let stored = match args.data.loss {
            Some(_) => None,
            None => stored_loss(&runs[0])?,
        };
        let (data, loss) = with_loss(data, &spec, (args.data.loss, stored), console)?;
        let mut all = Paths {
            spec,
            data,
            loss,
            source,
            paths: Vec::new(),
        };
        let digest = DataDigest::of(&all.data);
        for run in runs {
            let path = all.path(run, args, store, &digest)?;
            all.paths.push(path);
        }
        Ok(all)
    }

    /// The checkpoints of a run that are asked for.
    fn path(
        &self,
        run: &Run,
        args: &TrajectoryArgs,
        store: &Store,
        digest: &DataDigest,
    ) -> Result<Path, CliError> {
        let settings = Settings::of(run);
        let problem = settings.problem();
        let same_data = problem.data.as_ref().map(|data| &data.sha256) == Some(&digest.sha256);
        let same = same_data && problem.loss.as_deref() == Some(self.loss.kind.name());
        let records = with_checkpoints(run, store)?;
        let chosen: Vec<&TrainRecord> = { records.iter() }.filter(|r| inside(r, args)).collect();
        if chosen.is_empty() {
            return Err(nothing_inside(run, &records, args));
        }
        let steps: Vec<u64> = chosen.iter().map(|record| record.step).collect();
        let recorded = chosen.iter().map(|record| record.loss.filter(|_| same));
        let mut path = Path {
            named: false,
            files: None,
            label: run.name.clone(),
            recorded: recorded.collect(),
            rows: Rows::Stored(Stored {
                store: store.clone(),
                run: run.clone(),
                layout: Network::layout(&self.spec),
                steps: steps.clone(),
            }),
            steps,
        };
        path.hold(&self.spec)?;
        Ok(path)
    }

    /// What the paths are called.
    pub fn labels(&self) -> Vec<&str> {
        self.paths.iter().map(|path| path.label.as_str()).collect()
    }

    /// The paths for analysis.
    pub fn sources(&self) -> Vec<PathSource<'_>> {
        let source = |path| -> PathSource<'_> {
            let path: &Path = path;
            PathSource {
                steps: &path.steps,
                rows: path,
            }
        };
        self.paths.iter().map(source).collect()
    }

    /// The network with these parameters, on the CPU.
    pub fn network(&self, params: &Params) -> Result<Network, CliError> {
        Ok(Network::from_params(&self.spec, params, &Device::flex())?)
    }

    /// The files of the checkpoints, where they are read from files, which are one path.
    pub fn files(&self) -> &[PathBuf] {
        let first = self.paths.first();
        first.and_then(|path| path.files.as_deref()).unwrap_or(&[])
    }

    /// Whether the network has running statistics, as BatchNorm layers have.
    pub fn has_statistics(&self) -> bool {
        let layout = Network::layout(&self.spec);
        layout.iter().any(|tensor| tensor.role == Role::Buffer)
    }
}

impl Path {
    /// All checkpoints of a training run.
    pub fn of_run(run: &Run, spec: &ModelSpec, store: &Store) -> Result<Self, CliError> {
        let records = with_checkpoints(run, store)?;
        let steps: Vec<u64> = records.iter().map(|record| record.step).collect();
        let mut path = Path {
            named: false,
            files: None,
            label: run.name.clone(),
            recorded: records.iter().map(|record| record.loss).collect(),
            rows: Rows::Stored(Stored {
                store: store.clone(),
                run: run.clone(),
                layout: Network::layout(spec),
                steps: steps.clone(),
            }),
            steps,
        };
        path.hold(spec)?;
        Ok(path)
    }

    /// Reads the checkpoints once and for all where they are few.
    fn hold(&mut self, spec: &ModelSpec) -> Result<(), CliError> {
        let values = Network::layout(spec).numel() * self.steps.len();
        if values * size_of::<f32>() <= HELD {
            let rows = self.rows().enumerate().map(|(place, row)| {
                row.map(Cow::into_owned)
                    .map_err(|error| self.unread(place, error))
            });
            self.rows = Rows::Held(rows.collect::<Result<_, _>>()?);
        }
        Ok(())
    }

    /// The first and the last file, where the checkpoints are files.
    pub fn ends(&self) -> Option<(&FilePath, &FilePath)> {
        let files = self.files.as_deref()?;
        Some((files.first()?, files.last()?))
    }

    /// Why a checkpoint could not be read.
    pub fn unread(&self, place: usize, error: RowError) -> CliError {
        match error.downcast::<CliError>() {
            Ok(error) => *error,
            Err(source) => landscape_core::StreamError::Read {
                index: place,
                source,
            }
            .into(),
        }
    }

    /// What of the checkpoints determines numbers.
    pub fn settings(&self) -> Result<PathDigest, CliError> {
        let digests = self.rows().enumerate().map(|(place, row)| {
            row.map(|params| params.digest())
                .map_err(|error| self.unread(place, error))
        });
        let digests: Vec<String> = digests.collect::<Result<_, _>>()?;
        Ok(PathDigest {
            sha256: landscape_core::digest_all(&digests),
            count: digests.len(),
            steps: self.named.then(|| self.steps.clone()),
        })
    }
}

impl RowSource for Path {
    fn len(&self) -> usize {
        self.steps.len()
    }

    fn rows(&self) -> RowIter<'_> {
        match &self.rows {
            Rows::Held(rows) => Box::new(rows.iter().map(|row| Ok(Cow::Borrowed(row)))),
            Rows::Stored(stored) => stored.rows(),
            Rows::Files(files, spec) => Box::new(files.iter().map(|file| read(file, spec))),
        }
    }

    fn row(&self, index: usize) -> Result<Params, RowError> {
        let read = match &self.rows {
            Rows::Held(rows) => return Ok(rows[index].clone()),
            Rows::Stored(stored) => return stored.row(index),
            Rows::Files(files, spec) => read(&files[index], spec),
        };
        Ok(read?.into_owned())
    }
}

/// Says in which order files are taken: the last one is the origin of the plane.
fn say_order(steps: &[u64], files: &[PathBuf], named: bool, console: &Console) {
    if let [file] = files {
        console.note(format_args!("1 checkpoint: {}", path_words(file)));
        return;
    }
    let (from, to) = (path_words(&files[0]), path_words(&files[files.len() - 1]));
    let how = match named {
        true => "by the numbers in their names",
        false => "by their places in the order of their names",
    };
    console.note(format_args!(
        "{} checkpoints, {how}: step {} is {from}, step {} is {to}",
        files.len(),
        steps[0],
        steps[steps.len() - 1]
    ));
    for (step, file) in steps.iter().zip(files) {
        console.detail(format_args!("  step {step}: {}", path_words(file)));
    }
}

fn read<'a>(file: &PathBuf, spec: &ModelSpec) -> Result<Cow<'a, Params>, RowError> {
    let params = load_network_params(file, spec).map_err(CliError::from)?;
    Ok(Cow::Owned(params))
}

impl Stored {
    fn rows(&self) -> RowIter<'_> {
        let found = match self.store.checkpoints(&self.run) {
            Ok(found) => found,
            Err(error) => return Box::new(std::iter::once(Err(CliError::from(error).into()))),
        };
        let wanted = |step: u64| self.steps.binary_search(&step).is_ok();
        Box::new(found.filter_map(move |found| {
            match found {
                Ok(found) if !wanted(found.record.step) => None,
                Ok(found) => Some(
                    self.fitting(found.record.step, found.params)
                        .map(Cow::Owned),
                ),
                Err(error) => Some(Err(CliError::from(error).into())),
            }
        }))
    }

    fn row(&self, index: usize) -> Result<Params, RowError> {
        let step = self.steps[index];
        let found = self.store.checkpoint(&self.run, step);
        let found = found.map_err(CliError::from)?;
        let found = found.ok_or_else(|| format!("step {step} has no checkpoint any more"))?;
        self.fitting(step, found.params)
    }

    fn fitting(&self, step: u64, params: Params) -> Result<Params, RowError> {
        let fitting = params.conform(&self.layout);
        fitting.map_err(|source| {
            let file = format!("{}, step {step}", self.run.name);
            CliError::from(StudyError::Checkpoint { file, source }).into()
        })
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

/// The records of a run that come with parameters, by step.
fn with_checkpoints(run: &Run, store: &Store) -> Result<Vec<TrainRecord>, CliError> {
    let records = store.checkpoint_records(run)?;
    if records.is_empty() {
        return Err(CliError::Conflict {
            what: format!("run `{}` has no checkpoints", run.name),
            remedy: "train it again: the same `landscape train` continues".to_owned(),
        });
    }
    Ok(records)
}

fn inside(record: &TrainRecord, args: &TrajectoryArgs) -> bool {
    let step = |window: &crate::args::StepWindow| window.0.contains(&record.step);
    let epoch = |window: &crate::args::EpochWindow| window.0.contains(&record.epoch);
    args.window.as_ref().is_none_or(step) && args.epochs.as_ref().is_none_or(epoch)
}

fn nothing_inside(run: &Run, records: &[TrainRecord], args: &TrajectoryArgs) -> CliError {
    let (first, last) = (&records[0], &records[records.len() - 1]);
    let (option, what, from, to) = match args.epochs {
        None => ("--window", "steps", first.step as f64, last.step as f64),
        Some(_) => ("--epochs", "epochs", first.epoch, last.epoch),
    };
    CliError::Conflict {
        what: format!("{option}: run `{}` has no checkpoint in it", run.name),
        remedy: format!(
            "its {} of {what} {from} to {to}",
            counted_are(records.len(), "checkpoint")
        ),
    }
}
