//! Training that records its path.

use crate::args::{TrainArgs, TrainSettings};
use crate::error::CliError;
use crate::inputs::{
    LossChoice, Source, device, load_data, load_file, may_save, may_store, open_store,
    plan_network, provenance, with_loss,
};
use crate::interrupt::Interrupt;
use crate::output::{Console, Meter, Typed, duration, number, short, size};
use landscape_core::{Outcome, Progress, counted, counted_are, path_text, path_words};
use landscape_models::{
    Dataset, LossKind, Network, Record, Step, TrainConfig, TrainObserver, check_training,
    save_weights,
};
use landscape_storage::{
    CheckpointForm, Recorder, Run, RunKind, RunSpec, Status, Store, TrainRecord,
};
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::time::Instant;

/// Principal components of a path's plane, which more checkpoints span.
const COMPONENTS: usize = 2;

/// Trains a network, or says how the stored run ended.
pub fn train(args: &TrainArgs, console: &Console) -> Result<(), CliError> {
    // What cannot be written is found before any work.
    if let Some(path) = &args.save {
        may_save(path, args.store.force)?;
    }
    may_store(&args.store.db.db)?;
    let job = TrainJob::new(args, console)?;
    // From the first trace of the run on, stopping it saves what is done.
    Interrupt::listen();
    let store = open_store(&args.store.db.db, console)?;
    let choice = job.loss_choice;
    let trained = job.run(&store, console)?;
    if let Some(path) = &args.save {
        let last = store.last_checkpoint(&trained.run)?;
        if let Some(last) = last {
            save_weights(path, &last.params)?;
            console.note(format_args!("parameters written to {}", path_words(path)));
        }
    }
    report(&trained, choice, console)?;
    let name = &trained.run.name;
    let sampled = |command: &str, part: &str| {
        let of_run = Typed::new(command)
            .option("--run", name)
            .option("--grid", "51");
        of_run.option("--name", format!("{name}-{part}"))
    };
    let mut next = Vec::new();
    if trained.is_finite() {
        next.push(sampled("surface", "plane"));
        if trained.records.len() > COMPONENTS {
            next.push(sampled("trajectory", "path"));
        }
    }
    next.push(Typed::plot(name, "svg"));
    let next: Vec<Typed> = next
        .into_iter()
        .map(|typed| typed.db(&args.store.db.db))
        .collect();
    console.next(&next);
    Ok(())
}

/// A training, checked and ready.
struct TrainJob {
    network: Network,
    data: Dataset,
    loss: LossKind,
    /// The same, and why it is this one.
    loss_choice: LossChoice,
    config: TrainConfig,
    form: CheckpointForm,
    spec: RunSpec,
}

/// A finished training.
#[derive(Debug)]
struct Trained {
    run: Run,
    /// All records, by step.
    records: Vec<TrainRecord>,
    /// What its checkpoints take.
    bytes: u64,
    seconds: f64,
}

impl Trained {
    /// Whether it ended with a loss: the parameters of one that diverged have no landscape around them.
    fn is_finite(&self) -> bool {
        let last = self.records.last().and_then(|record| record.loss);
        last.is_some_and(f64::is_finite)
    }
}

impl TrainJob {
    fn new(args: &TrainArgs, console: &Console) -> Result<Self, CliError> {
        let config = config(&args.settings);
        config.check()?;
        plan_network(&args.model, console)?;
        let device = device(args.device)?;
        let source = Source::new(&args.data, None)?;
        let data = load_data(&source)?;
        let (data, loss) = with_loss(data, &args.model, (args.data.loss, None), console)?;
        let (network, weights) = match &args.weights {
            None => {
                let network = Network::init(&args.model, config.seed, &device);
                (network, json!({"seed": config.seed}))
            }
            Some(path) => {
                let params = load_file(path, &args.model, console)?;
                let network = Network::from_params(&args.model, &params, &device)?;
                (network, json!({"file": path_text(path)}))
            }
        };
        let mut job = TrainJob::with(network, data, loss, config).recorded_as(args.record);
        job.spec.name = args.store.name.clone();
        job.spec.replace = args.store.force;
        job.spec.provenance = provenance(
            console.command(),
            [
                ("data", source.to_json()),
                ("weights", weights),
                ("device", json!(args.device.to_string())),
            ],
        );
        // Labels outside the classes, inputs of another size: before anything is stored.
        landscape_models::evaluate(&job.network, &job.data, job.loss)?;
        check_training(&job.network, &job.data, job.loss, &job.config)?;
        Ok(job)
    }

    /// A training without a name and provenance.
    fn with(network: Network, data: Dataset, loss: LossChoice, config: TrainConfig) -> Self {
        let spec = run_spec(&network, &data, loss.kind, &config);
        TrainJob {
            network,
            data,
            loss: loss.kind,
            loss_choice: loss,
            config,
            form: CheckpointForm::default(),
            spec,
        }
    }

    /// The same with another form of checkpoints. One that rounds makes other numbers, and so
    /// another run.
    fn recorded_as(mut self, form: CheckpointForm) -> Self {
        if form == CheckpointForm::F16 {
            self.spec.settings["checkpoints"] = json!(form.name());
        }
        self.form = form;
        self
    }

    /// Trains, unless that was done before.
    fn run(self, store: &Store, console: &Console) -> Result<Trained, CliError> {
        let start = Instant::now();
        self.check_stored(store)?;
        let run = store.begin(&self.spec)?;
        if run.status == Status::Complete {
            console.note(format_args!("{}: trained already", run.name));
            store.promote(std::slice::from_ref(&run))?;
        } else {
            self.work(store, &run, console)?;
        }
        Ok(Trained {
            records: store.records(&run)?,
            bytes: store.summary(&run.name)?.checkpoint_bytes,
            run,
            seconds: start.elapsed().as_secs_f64(),
        })
    }

    /// Checkpoints of a training that was stopped are not given up unless that is asked for.
    fn check_stored(&self, store: &Store) -> Result<(), CliError> {
        if self.spec.replace {
            return Ok(());
        }
        let Some(run) = store.stored(&self.spec)? else {
            return Ok(());
        };
        let records = store.records(&run)?;
        let Some(last) = records.last().filter(|_| run.status != Status::Complete) else {
            return Ok(());
        };
        Err(CliError::Conflict {
            what: format!(
                "the training `{}` was stopped at step {}: {} kept, and training cannot \
                 go on from there",
                run.name,
                last.step,
                counted_are(store.checkpoint_steps(&run)?.len(), "checkpoint")
            ),
            remedy: "add --force to train from the start (what is stored is replaced once the new \
                     training is complete), or give another --name"
                .to_owned(),
        })
    }

    fn work(self, store: &Store, run: &Run, console: &Console) -> Result<(), CliError> {
        let mut watch = Watch {
            recorder: store.recorder(run).form(self.form),
            failed: None,
            interrupt: Interrupt::listen(),
            meter: console.meter(&run.name),
            start: Instant::now(),
        };
        let TrainJob {
            network,
            data,
            loss,
            config,
            ..
        } = self;
        let report = landscape_models::train(network, &data, loss, &config, &mut watch);
        let Watch {
            mut recorder,
            failed,
            ..
        } = watch;
        let status = match &report {
            Ok(report) if report.outcome == Outcome::Complete && failed.is_none() => {
                Status::Complete
            }
            _ => Status::Interrupted,
        };
        // The first error is the one to report.
        let stored = recorder.finish(status);
        if let Some(error) = failed {
            return Err(error.into());
        }
        let report = report?;
        stored?;
        match report.outcome {
            Outcome::Complete => Ok(()),
            Outcome::Cancelled => Err(CliError::Interrupted {
                saved: format!(
                    "the path of run `{}` up to step {} is stored",
                    run.name, report.steps
                ),
                again: "the same command with --force trains it from the start, since optimisers are \
                        not stored",
            }),
        }
    }
}

/// A training as a run, without a name and provenance: everything that determines its numbers.
pub fn run_spec(
    network: &Network,
    data: &Dataset,
    loss: LossKind,
    config: &TrainConfig,
) -> RunSpec {
    let settings = json!({
        "model": network.spec().to_string(),
        "weights": network.params().digest(),
        "data": {"sha256": data.digest(), "samples": data.len()},
        "loss": loss.name(),
        "training": training(config),
        "precision": "f32",
    });
    RunSpec::new(RunKind::Train, settings)
}

/// The settings of a training.
pub fn config(given: &TrainSettings) -> TrainConfig {
    TrainConfig {
        epochs: given.epochs,
        batch: given.batch,
        optimizer: given.optimizer,
        lr: given.lr,
        momentum: given.momentum,
        weight_decay: given.weight_decay,
        schedule: given.schedule,
        seed: given.seed,
        every: given.every,
        per_decade: given.per_decade,
        shuffle: !given.no_shuffle,
    }
}

/// The settings of a training that determine its numbers.
pub fn training(config: &TrainConfig) -> Value {
    let mut settings = json!({
        "epochs": config.epochs,
        "batch": config.batch,
        "optimizer": config.optimizer.name(),
        "lr": config.lr,
        "momentum": config.momentum,
        "weight_decay": config.decay(),
        "schedule": config.schedule.to_string(),
        "seed": config.seed,
        "every": config.every,
        "shuffle": config.shuffle,
    });
    if config.per_decade > 0 {
        settings["per_decade"] = json!(config.per_decade);
    }
    settings
}

/// Stores what is recorded, shows how far it is, listens for Ctrl-C.
struct Watch {
    recorder: Recorder,
    failed: Option<landscape_storage::Error>,
    interrupt: Interrupt,
    meter: Meter,
    start: Instant,
}

impl Watch {
    fn push(&mut self, record: Record) -> Result<(), landscape_storage::Error> {
        let stored = TrainRecord {
            step: record.step,
            epoch: record.epoch,
            loss: Some(record.loss),
            accuracy: record.accuracy,
            batch_loss: record.batch_loss,
            lr: Some(record.lr),
            gradient_norm: record.gradient_norm,
            seconds: Some(self.start.elapsed().as_secs_f64()),
        };
        self.recorder.push(stored, Some(&record.params))
    }
}

impl TrainObserver for Watch {
    fn record(&mut self, record: Record) -> ControlFlow<()> {
        match self.push(record) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failed.get_or_insert(error);
                ControlFlow::Break(())
            }
        }
    }

    fn step(&mut self, step: Step) -> ControlFlow<()> {
        self.meter.update(Progress {
            done: step.step as usize,
            total: step.steps as usize,
            resumed: 0,
            elapsed: self.start.elapsed(),
        });
        match self.interrupt.raised() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

fn report(trained: &Trained, choice: LossChoice, console: &Console) -> Result<(), CliError> {
    let Trained {
        run,
        records,
        bytes,
        seconds,
    } = trained;
    let (first, last) = (records.first(), records.last());
    let loss = |record: Option<&TrainRecord>| record.and_then(|r| r.loss);
    let accuracy = last.and_then(|r| r.accuracy);
    console.result(
        || {
            let mut all = json!({
                "run": run.name,
                "steps": last.map(|r| r.step),
                "checkpoints": records.len(),
                "checkpoint_bytes": bytes,
                "first_loss": number(loss(first)),
                "loss": number(loss(last)),
                "accuracy": number(accuracy),
                "seconds": number(*seconds),
            });
            choice.add_to(&mut all);
            all
        },
        || {
            let words = |value: Option<f64>| value.map_or("-".to_owned(), short);
            let right = accuracy.map_or(String::new(), |a| format!(", accuracy {:.1}%", 100.0 * a));
            format!(
                "{}: {}, loss {} -> {}{right}, {} of {}, {}\n",
                run.name,
                counted(last.map_or(0, |r| r.step as usize), "step"),
                words(loss(first)),
                words(loss(last)),
                counted(records.len(), "checkpoint"),
                size(*bytes),
                duration(*seconds)
            )
        },
    )
}
