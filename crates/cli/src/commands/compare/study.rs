//! Variants that are trained, each kept as an ordinary training run.

use crate::args::{CompareArgs, Rated};
use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::output::{Console, Meter};
use landscape_core::{Outcome, Progress, counted};
use landscape_models::{OptimizerKind, Record, Step, TrainState};
use landscape_storage::{CheckpointForm, Run, RunSpec, Status, Store};
use landscape_study::compare::{
    Base, Compared, Factor, Study, StudyObserver, Trained, Variant, widened,
};
use landscape_study::memory::{plan_network, plan_networks, plan_samples};
use landscape_study::problem::{load_data, load_file, with_loss};
use landscape_study::record::{DataSource, Origin, Provenance};
use landscape_study::runs::training_spec;
use landscape_study::{StoredBefore, StudyError, TrainingRecorder, stored_before};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A study, checked and ready.
pub struct Plan {
    /// What the runs' names begin with.
    pub name: String,
    study: Study,
    specs: Vec<RunSpec>,
    threads: usize,
}

impl Plan {
    /// Everything that was asked for.
    pub fn new(args: &CompareArgs, console: &Console) -> Result<Self, CliError> {
        let source = args.data.request().source(None);
        let (base, source) = match varied(args) {
            true => base(args, source?, console)?,
            false => {
                return Err(CliError::Missing {
                    what: "what to compare",
                    remedy: "give --optimizers, --seeds, --widths or --batch-sizes, or the names of runs",
                });
            }
        };
        plan(&base, args, console)?;
        let study = study(base, args)?;
        let name = args.store.name.clone();
        let name = name.unwrap_or_else(|| study.factor().plural().replace(' ', "-"));
        let spec = |variant: &Variant| -> Result<RunSpec, CliError> {
            let (data, loss) = (study.data(), study.loss());
            let network = variant.network()?;
            let form = CheckpointForm::default();
            let mut spec = training_spec(&network, data, loss, &variant.config, form);
            spec.name = Some(run_name(&name, &variant.label));
            spec.replace = args.store.force;
            let seed = variant.config.seed;
            let origin = args.weights.as_deref().map(Origin::file);
            let provenance = Provenance {
                data: Some(source.clone()),
                weights: Some(origin.unwrap_or(Origin::Seed { seed })),
                device: Some("cpu".to_owned()),
                ..Provenance::now(Some(console.command()))
            };
            spec.provenance = provenance.to_json();
            Ok(spec)
        };
        let specs = study
            .variants()
            .iter()
            .map(spec)
            .collect::<Result<_, _>>()?;
        Ok(Plan {
            name,
            study,
            specs,
            threads: args.eval.threads,
        })
    }

    /// How many there are.
    pub fn variants(&self) -> usize {
        self.specs.len()
    }

    /// What is varied.
    pub fn factor(&self) -> Factor {
        self.study.factor()
    }

    /// Trains what is not trained yet.
    pub fn train(&self, store: &Store, console: &Console) -> Result<Vec<Compared>, CliError> {
        let (runs, stopped) = self.begin(store)?;
        let complete = |run: &Run| run.status == Status::Complete;
        let left: Vec<usize> = (0..runs.len()).filter(|&k| !complete(&runs[k])).collect();
        let known = runs.len() - left.len();
        if known > 0 {
            let all = runs.len();
            console.note(format_args!(
                "{known} of {all} networks are trained already"
            ));
        }
        if stopped > 0 {
            console.note(format_args!(
                "continued from where they were stopped: {}",
                counted(stopped, "network")
            ));
        }
        if !left.is_empty() {
            self.work(&left, &runs, store, console)?;
        }
        // All at once, so that the runs of two studies are never side by side.
        store.promote(&runs)?;
        let variants = self.study.variants().iter().zip(runs);
        let compared = |(variant, run): (&Variant, Run)| Compared {
            label: variant.label.clone(),
            run,
        };
        Ok(variants.map(compared).collect())
    }

    /// A run for each variant, and how many were stopped before. Names that are taken by something else are found before
    /// any is made.
    fn begin(&self, store: &Store) -> Result<(Vec<Run>, usize), CliError> {
        let (mut specs, mut stopped) = (self.specs.clone(), 0);
        for spec in specs.iter_mut().filter(|spec| !spec.replace) {
            // Half of a path that cannot go on is stored anew.
            let before = stored_before(store, spec)?;
            spec.replace = matches!(before, StoredBefore::WithoutState { .. });
            stopped += usize::from(matches!(before, StoredBefore::Stopped(_)));
        }
        let begin = |spec: &RunSpec| Ok(store.begin(spec)?);
        let runs = specs.iter().map(begin).collect::<Result<_, CliError>>()?;
        Ok((runs, stopped))
    }

    fn work(
        &self,
        left: &[usize],
        runs: &[Run],
        store: &Store,
        console: &Console,
    ) -> Result<(), CliError> {
        let recorder = StudyRecorder {
            store,
            runs: left.iter().map(|&place| &runs[place]).collect(),
            recorders: left.iter().map(|_| Mutex::new(None)).collect(),
            interrupt: Interrupt::listen(),
            steps: left.iter().map(|_| AtomicUsize::new(0)).collect(),
            meter: Mutex::new(console.meter(&self.name)),
            start: Instant::now(),
            failed: Mutex::new(None),
        };
        let trained = self.study.only(left).train(self.threads, &recorder);
        if let Some(error) = locked(&recorder.failed).take() {
            return Err(error.into());
        }
        let trained = trained?;
        let is_done = |one: &&Trained| one.outcome == Outcome::Complete;
        let done = trained.iter().filter(is_done).count();
        if done == trained.len() {
            return Ok(());
        }
        let known = runs.len() - left.len();
        Err(CliError::Interrupted {
            saved: format!(
                "{} of {} networks are trained and stored, the others as far as they came",
                known + done,
                runs.len()
            ),
            again: "the same command goes on from there",
        })
    }
}

fn varied(args: &CompareArgs) -> bool {
    args.optimizers.is_some()
        || args.seeds.is_some()
        || args.widths.is_some()
        || args.batch_sizes.is_some()
}

fn base(
    args: &CompareArgs,
    source: DataSource,
    console: &Console,
) -> Result<(Base, DataSource), CliError> {
    let model = args.model.clone().ok_or(CliError::Missing {
        what: "--model",
        remedy: "give the network, for example --model mlp:2-8-4-1",
    })?;
    plan_network(&model, console)?;
    let data = load_data(&source)?;
    let (data, loss) = with_loss(data, &model, (args.data.loss, None), console)?;
    let load = |path: &std::path::PathBuf| load_file(path, &model, console);
    let base = Base {
        loss: loss.kind,
        initial: args.weights.as_ref().map(load).transpose()?,
        model,
        data,
        config: args.settings.config(),
    };
    Ok((base, source))
}

/// Plans the memory of all networks, before they are made.
fn plan(base: &Base, args: &CompareArgs, console: &Console) -> Result<(), CliError> {
    if let Some(widths) = &args.widths {
        for &width in widths {
            let model = widened(&base.model, width)?;
            plan_network(&model, console)?;
            plan_samples(&model, base.data.len(), console)?;
        }
        return Ok(());
    }
    let counts = [
        args.optimizers.as_ref().map(Vec::len),
        args.seeds.as_ref().map(|seeds| seeds.0.len()),
        args.batch_sizes.as_ref().map(Vec::len),
    ];
    let count = counts.into_iter().flatten().max().unwrap_or(0);
    Ok(plan_networks(&base.model, count, console)?)
}

fn study(base: Base, args: &CompareArgs) -> Result<Study, CliError> {
    let rate = |given: &Rated| -> (OptimizerKind, f64) {
        (given.optimizer, given.lr.unwrap_or(args.settings.lr))
    };
    let study = if let Some(optimizers) = &args.optimizers {
        let rates: Vec<_> = optimizers.iter().map(rate).collect();
        Study::optimizers(base, &rates)
    } else if let Some(widths) = &args.widths {
        Study::widths(base, widths)
    } else if let Some(sizes) = &args.batch_sizes {
        Study::batch_sizes(base, sizes)
    } else {
        let seeds = args.seeds.as_ref().map(|seeds| seeds.0.clone());
        Study::seeds(base, seeds.unwrap_or_default())
    };
    Ok(study?)
}

/// `NAME-seed-3`
fn run_name(name: &str, label: &str) -> String {
    format!("{name}-{}", label.replace(' ', "-"))
}

/// Stores each training as it goes, shows how far they are, listens for Ctrl-C.
struct StudyRecorder<'a> {
    store: &'a Store,
    runs: Vec<&'a Run>,
    /// Of each training that is under way.
    recorders: Vec<Mutex<Option<TrainingRecorder>>>,
    interrupt: Interrupt,
    /// Steps that each has done.
    steps: Vec<AtomicUsize>,
    meter: Mutex<Meter>,
    start: Instant,
    failed: Mutex<Option<StudyError>>,
}

impl StudyRecorder<'_> {
    fn with<R>(&self, variant: usize, of: impl FnOnce(&mut TrainingRecorder) -> R) -> Option<R> {
        locked(&self.recorders[variant]).as_mut().map(of)
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StudyObserver for StudyRecorder<'_> {
    fn begin(&self, variant: usize) -> Result<Option<TrainState>, StudyError> {
        let form = CheckpointForm::default();
        let (recorder, state) = TrainingRecorder::begin(self.store, self.runs[variant], form)?;
        *locked(&self.recorders[variant]) = Some(recorder);
        Ok(state)
    }

    fn record(&self, variant: usize, record: &Record) -> ControlFlow<()> {
        let flow = self.with(variant, |recorder| recorder.record(record));
        flow.unwrap_or(ControlFlow::Continue(()))
    }

    fn step(&self, variant: usize, step: Step) -> ControlFlow<()> {
        self.steps[variant].store(step.step as usize, Ordering::Relaxed);
        // Whoever finds the meter taken need not wait for it.
        if let Ok(mut meter) = self.meter.try_lock() {
            let done = self.steps.iter().map(|steps| steps.load(Ordering::Relaxed));
            meter.update(Progress {
                done: done.sum(),
                total: step.steps as usize * self.steps.len(),
                resumed: 0,
                elapsed: self.start.elapsed(),
            });
        }
        match self.interrupt.raised() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn wants_state(&self, variant: usize, _: Step) -> bool {
        self.with(variant, TrainingRecorder::wants_state) == Some(true)
    }

    fn state(&self, variant: usize, state: TrainState) -> ControlFlow<()> {
        let flow = self.with(variant, |recorder| recorder.state(&state));
        flow.unwrap_or(ControlFlow::Continue(()))
    }

    fn trained(&self, variant: usize, trained: &Trained) -> ControlFlow<()> {
        let recorder = locked(&self.recorders[variant]).take();
        let finish =
            |recorder: TrainingRecorder| recorder.finish(self.store, trained.outcome, true);
        match recorder.map_or(Ok(()), finish) {
            Ok(()) if trained.outcome == Outcome::Complete => ControlFlow::Continue(()),
            Ok(()) => ControlFlow::Break(()),
            Err(error) => {
                locked(&self.failed).get_or_insert(error);
                ControlFlow::Break(())
            }
        }
    }
}
