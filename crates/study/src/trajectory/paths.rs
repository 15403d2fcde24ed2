//! Recorded checkpoints, from training runs or from files: read when they are needed.

use super::TrajectoryRequest;
use super::matching::matching;
use super::order::{Ordered, in_order};
use crate::StudyError;
use crate::problem::{LossChoice, Model, part_of, stored_loss, with_loss};
use crate::record::{DataDigest, DataSource, PathDigest, Provenance, Settings};
use crate::report::Reporter;
use landscape_core::{
    Params, PathSource, Role, RowError, RowIter, RowSource, Selection, StreamError, path_words,
};
use landscape_models::{Dataset, LoadOptions, Rename};
use landscape_storage::{Run, RunKind, Store, TrainRecord};
use landscape_trace::BatchStatistics;
use serde_json::Value;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// Digits of a digest.
const DIGEST: usize = 64;
/// Bytes of a path up to which it is held rather than read again and again.
const HELD: usize = 64 << 20;

/// The checkpoints of one training.
pub struct PathOfRun {
    /// What it is called: the run, or the pattern of the files.
    pub label: String,
    /// Steps of the checkpoints.
    pub steps: Vec<u64>,
    /// True losses that were recorded on the same data with the same loss, in evaluation.
    pub recorded: Vec<Option<f64>>,
    rows: Rows,
    /// Whether the path is another one at other steps: those that the names of files tell, or that were given with the checkpoints.
    numbered: bool,
    /// The files, where the checkpoints are in such.
    files: Option<Vec<PathBuf>>,
}

/// Where checkpoints are.
enum Rows {
    Held(Vec<Params>),
    Stored(Stored),
    Files(Files),
}

/// Files of parameters of one network.
struct Files {
    paths: Vec<PathBuf>,
    model: Model,
    renames: Vec<Rename>,
    /// Names and shapes, with those fixed that the analysis is not about.
    layout: Params,
    /// Values of buffers that a file leaves out: those of the last file, or such as are measured at every point.
    buffers: Params,
}

impl Files {
    /// The files, of which the last one is read. It is the one whose network is moved.
    fn new(
        paths: Vec<PathBuf>,
        model: &Model,
        request: &TrajectoryRequest,
        reporter: &dyn Reporter,
    ) -> Result<Self, StudyError> {
        let measured = request.statistics != BatchStatistics::Frozen;
        let unmeasured = measured.then(|| model.unmeasured());
        let options = LoadOptions {
            renames: &request.renames,
            buffers: unmeasured.as_ref(),
            ..LoadOptions::default()
        };
        let last = &paths[paths.len() - 1];
        let (model, buffers) = model.load_fitting(last, &options, reporter)?;
        let (layout, _) = layout(request, &model, reporter)?;
        Ok(Files {
            layout,
            buffers,
            model,
            renames: request.renames.clone(),
            paths,
        })
    }

    fn read<'a>(&self, path: &Path) -> Result<Cow<'a, Params>, RowError> {
        let options = LoadOptions {
            renames: &self.renames,
            buffers: Some(&self.buffers),
            ..LoadOptions::default()
        };
        let params = self.model.load(path, &options, &())?;
        Ok(Cow::Owned(params.conform(&self.layout)?))
    }
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
    /// The network.
    pub model: Model,
    /// The data.
    pub data: Dataset,
    /// The loss, and why it is this one.
    pub loss: LossChoice,
    /// Where the data are from.
    pub source: DataSource,
    /// Which parameters the analysis is about, where not all.
    pub selection: Option<Selection>,
    /// The paths.
    pub paths: Vec<PathOfRun>,
}

/// Names and shapes of the network, with those fixed that the analysis is not about, and which it is about where not all.
fn layout(
    request: &TrajectoryRequest,
    model: &Model,
    reporter: &dyn Reporter,
) -> Result<(Params, Option<Selection>), StudyError> {
    let asked = request.params.as_ref();
    part_of(asked, model.layout(), model.frozen(), reporter)
}

impl Paths {
    /// From the runs or files that are asked for.
    pub fn load(
        request: &TrajectoryRequest,
        store: Option<&Store>,
        reporter: &dyn Reporter,
    ) -> Result<Self, StudyError> {
        match (&request.checkpoints, store) {
            (Some(pattern), _) => Paths::from_files(request, pattern, reporter),
            (None, Some(store)) => Paths::from_runs(request, store, reporter),
            (None, None) => Err(StudyError::NoCheckpoints),
        }
    }

    fn from_files(
        request: &TrajectoryRequest,
        pattern: &str,
        reporter: &dyn Reporter,
    ) -> Result<Self, StudyError> {
        let source = request.model.as_ref().ok_or(StudyError::NoModel)?;
        let model = Model::open(source, reporter)?;
        model.plan(reporter)?;
        let source = request.data.source(None)?;
        let (found, key) = matching(pattern)?;
        let Ordered {
            mut files,
            steps: named,
        } = in_order(found);
        if let Some(key) = key {
            files.iter_mut().for_each(|file| {
                file.as_mut_os_string().push(":");
                file.as_mut_os_string().push(key);
            });
        }
        let inside = |step: u64| match &request.window {
            Some(window) => window.contains(&step),
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
            return Err(StudyError::OutsideWindow {
                path: pattern.to_owned(),
                what: "steps",
                checkpoints: all.len(),
                from: all[0] as f64,
                to: all[all.len() - 1] as f64,
            });
        }
        say_order(&steps, &chosen, named.is_some(), reporter);
        let source = model.named_inputs(source, request.data.loss, reporter)?;
        let data = request.data.load(&source)?;
        let model = model.for_data(&data, reporter);
        let read = Files::new(chosen.clone(), &model, request, reporter)?;
        let model = read.model.clone();
        let (data, loss) = with_loss(data, &model, (request.data.loss, None), reporter)?;
        let mut path = PathOfRun {
            numbered: named.is_some(),
            label: pattern.to_owned(),
            recorded: vec![None; steps.len()],
            steps,
            files: Some(chosen),
            rows: Rows::Files(read),
        };
        path.hold(&model)?;
        let (_, selection) = layout(request, &model, &())?;
        Ok(Paths {
            model,
            data,
            loss,
            source,
            selection,
            paths: vec![path],
        })
    }

    fn from_runs(
        request: &TrajectoryRequest,
        store: &Store,
        reporter: &dyn Reporter,
    ) -> Result<Self, StudyError> {
        let runs = &request.runs;
        if let Some(twice) = (1..runs.len()).find(|&k| runs[..k].contains(&runs[k])) {
            return Err(StudyError::NamedTwice {
                run: runs[twice].clone(),
            });
        }
        let runs: Vec<Run> = { runs.iter() }
            .map(|name| training(store, name))
            .collect::<Result<_, _>>()?;
        Paths::of_runs(&runs, request, store, reporter)
    }

    fn of_runs(
        runs: &[Run],
        request: &TrajectoryRequest,
        store: &Store,
        reporter: &dyn Reporter,
    ) -> Result<Self, StudyError> {
        let model = match &request.model {
            Some(source) => Model::open(source, reporter)?,
            None => Model::of_run(&runs[0], reporter)?,
        };
        let stored = Provenance::of(&runs[0]).data;
        let source = request.data.source(stored.as_ref())?;
        let data = request.data.load(&source)?;
        let stored = match request.data.loss {
            Some(_) => None,
            None => stored_loss(&runs[0])?,
        };
        let (data, loss) = with_loss(data, &model, (request.data.loss, stored), reporter)?;
        let (layout, selection) = layout(request, &model, reporter)?;
        let mut all = Paths {
            model,
            data,
            loss,
            source,
            selection,
            paths: Vec::new(),
        };
        let digest = DataDigest::of(&all.data);
        for run in runs {
            let path = all.path(run, request, store, (&digest, &layout))?;
            all.paths.push(path);
        }
        Ok(all)
    }

    /// The checkpoints of a run that are asked for.
    fn path(
        &self,
        run: &Run,
        request: &TrajectoryRequest,
        store: &Store,
        (digest, layout): (&DataDigest, &Params),
    ) -> Result<PathOfRun, StudyError> {
        let settings = Settings::of(run);
        let problem = settings.problem();
        let same_data = problem.data.as_ref().map(|data| &data.sha256) == Some(&digest.sha256);
        let same = same_data && problem.loss.as_deref() == Some(self.loss.kind.name());
        let records = with_checkpoints(run, store)?;
        let end = request.left_out.get(&run.name).copied();
        let kept = |record: &&TrainRecord| {
            inside(record, request) && end.is_none_or(|end| record.step < end)
        };
        let chosen: Vec<&TrainRecord> = records.iter().filter(kept).collect();
        if chosen.is_empty() {
            return Err(nothing_inside(run, &records, request));
        }
        let steps: Vec<u64> = chosen.iter().map(|record| record.step).collect();
        let recorded = chosen.iter().map(|record| record.loss.filter(|_| same));
        let mut path = PathOfRun {
            numbered: are_given(run),
            files: None,
            label: run.name.clone(),
            recorded: recorded.collect(),
            rows: Rows::Stored(Stored {
                store: store.clone(),
                run: run.clone(),
                layout: layout.clone(),
                steps: steps.clone(),
            }),
            steps,
        };
        path.hold(&self.model)?;
        Ok(path)
    }

    /// What the paths are called.
    pub fn labels(&self) -> Vec<&str> {
        self.paths.iter().map(|path| path.label.as_str()).collect()
    }

    /// The paths for analysis.
    pub fn sources(&self) -> Vec<PathSource<'_>> {
        let source = |path| -> PathSource<'_> {
            let path: &PathOfRun = path;
            PathSource {
                steps: &path.steps,
                rows: path,
            }
        };
        self.paths.iter().map(source).collect()
    }

    /// The files of the checkpoints, where they are read from files, which are one path.
    pub fn files(&self) -> &[PathBuf] {
        let first = self.paths.first();
        first.and_then(|path| path.files.as_deref()).unwrap_or(&[])
    }

    /// Whether the network has running statistics, as BatchNorm layers have.
    pub fn has_statistics(&self) -> bool {
        let layout = self.model.layout();
        layout.iter().any(|tensor| tensor.role == Role::Buffer)
    }
}

impl PathOfRun {
    /// All checkpoints of a training run.
    pub fn of_run(run: &Run, model: &Model, store: &Store) -> Result<Self, StudyError> {
        let records = with_checkpoints(run, store)?;
        let steps: Vec<u64> = records.iter().map(|record| record.step).collect();
        let mut path = PathOfRun {
            numbered: are_given(run),
            files: None,
            label: run.name.clone(),
            recorded: records.iter().map(|record| record.loss).collect(),
            rows: Rows::Stored(Stored {
                store: store.clone(),
                run: run.clone(),
                layout: model.layout(),
                steps: steps.clone(),
            }),
            steps,
        };
        path.hold(model)?;
        Ok(path)
    }

    /// Reads the checkpoints once and for all where they are few.
    fn hold(&mut self, model: &Model) -> Result<(), StudyError> {
        let values = model.layout().numel() * self.steps.len();
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
    pub fn ends(&self) -> Option<(&Path, &Path)> {
        let files = self.files.as_deref()?;
        Some((files.first()?, files.last()?))
    }

    /// Why a checkpoint could not be read.
    pub(super) fn unread(&self, place: usize, error: RowError) -> StudyError {
        match error.downcast::<StudyError>() {
            Ok(error) => *error,
            Err(source) => StreamError::Read {
                index: place,
                source,
            }
            .into(),
        }
    }

    /// What of the checkpoints determines numbers.
    pub fn settings(&self) -> Result<PathDigest, StudyError> {
        let digests = self.rows().enumerate().map(|(place, row)| {
            row.map(|params| params.digest())
                .map_err(|error| self.unread(place, error))
        });
        let digests: Vec<String> = digests.collect::<Result<_, _>>()?;
        Ok(PathDigest {
            sha256: landscape_core::digest_all(&digests),
            count: digests.len(),
            steps: self.numbered.then(|| self.steps.clone()),
        })
    }
}

impl RowSource for PathOfRun {
    fn len(&self) -> usize {
        self.steps.len()
    }

    fn rows(&self) -> RowIter<'_> {
        match &self.rows {
            Rows::Held(rows) => Box::new(rows.iter().map(|row| Ok(Cow::Borrowed(row)))),
            Rows::Stored(stored) => stored.rows(),
            Rows::Files(files) => Box::new(files.paths.iter().map(|path| files.read(path))),
        }
    }

    fn row(&self, index: usize) -> Result<Params, RowError> {
        let read = match &self.rows {
            Rows::Held(rows) => return Ok(rows[index].clone()),
            Rows::Stored(stored) => return stored.row(index),
            Rows::Files(files) => files.read(&files.paths[index]),
        };
        Ok(read?.into_owned())
    }
}

/// Whether the checkpoints of a run were given, with their steps, and not recorded by a training: it is told by their digest, and
/// the same ones may be given again with other steps.
fn are_given(run: &Run) -> bool {
    let told = run.settings.get("checkpoints").and_then(Value::as_str);
    told.is_some_and(|told| told.len() == DIGEST)
}

/// Says in which order files are taken: the last one is the origin of the plane.
fn say_order(steps: &[u64], files: &[PathBuf], named: bool, reporter: &dyn Reporter) {
    if let [file] = files {
        reporter.note(format_args!("1 checkpoint: {}", path_words(file)));
        return;
    }
    let (from, to) = (path_words(&files[0]), path_words(&files[files.len() - 1]));
    let how = match named {
        true => "by the numbers in their names",
        false => "by their positions in the order of their names",
    };
    reporter.note(format_args!(
        "{} checkpoints, {how}: step {} is {from}, step {} is {to}",
        files.len(),
        steps[0],
        steps[steps.len() - 1]
    ));
    for (step, file) in steps.iter().zip(files) {
        reporter.detail(format_args!("  step {step}: {}", path_words(file)));
    }
}

impl Stored {
    fn rows(&self) -> RowIter<'_> {
        let found = match self.store.checkpoints(&self.run) {
            Ok(found) => found,
            Err(error) => return Box::new(std::iter::once(Err(StudyError::from(error).into()))),
        };
        let wanted = |step: u64| self.steps.binary_search(&step).is_ok();
        Box::new(found.filter_map(move |found| {
            match found {
                Ok(found) if !wanted(found.record.step) => None,
                Ok(found) => Some(
                    self.fitting(found.record.step, found.params)
                        .map(Cow::Owned),
                ),
                Err(error) => Some(Err(StudyError::from(error).into())),
            }
        }))
    }

    fn row(&self, index: usize) -> Result<Params, RowError> {
        let step = self.steps[index];
        let found = self.store.checkpoint(&self.run, step);
        let found = found.map_err(StudyError::from)?;
        let found = found.ok_or_else(|| format!("step {step} no longer has a checkpoint"))?;
        self.fitting(step, found.params)
    }

    fn fitting(&self, step: u64, params: Params) -> Result<Params, RowError> {
        let fitting = params.conform(&self.layout);
        fitting.map_err(|source| {
            let file = format!("{}, step {step}", self.run.name);
            StudyError::Checkpoint { file, source }.into()
        })
    }
}

fn training(store: &Store, name: &str) -> Result<Run, StudyError> {
    let run = store.find(name)?;
    match run.kind {
        RunKind::Train => Ok(run),
        kind => Err(StudyError::NotATraining {
            run: name.to_owned(),
            kind,
        }),
    }
}

/// The records of a run that come with parameters, by step.
fn with_checkpoints(run: &Run, store: &Store) -> Result<Vec<TrainRecord>, StudyError> {
    let records = store.checkpoint_records(run)?;
    match records.is_empty() {
        false => Ok(records),
        true => Err(StudyError::NoCheckpoint {
            run: run.name.clone(),
            step: None,
            steps: Vec::new(),
        }),
    }
}

fn inside(record: &TrainRecord, request: &TrajectoryRequest) -> bool {
    let step = |window: &std::ops::RangeInclusive<u64>| window.contains(&record.step);
    let epoch = |window: &std::ops::RangeInclusive<f64>| window.contains(&record.epoch);
    request.window.as_ref().is_none_or(step) && request.epochs.as_ref().is_none_or(epoch)
}

fn nothing_inside(run: &Run, records: &[TrainRecord], request: &TrajectoryRequest) -> StudyError {
    let (first, last) = (&records[0], &records[records.len() - 1]);
    let (what, from, to) = match request.epochs {
        None => ("steps", first.step as f64, last.step as f64),
        Some(_) => ("epochs", first.epoch, last.epoch),
    };
    StudyError::OutsideWindow {
        path: run.name.clone(),
        what,
        checkpoints: records.len(),
        from,
        to,
    }
}
