//! What belongs to trainings that are compared: their joint plane, the curvature at their ends, the
//! surfaces around them. Each is the work of the command that a person would type, and kept as that.

use crate::args::CompareArgs;
use crate::commands::part;
use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::output::{Console, Typed};
use landscape_core::{Metrics, Params, Role, Surface, Trajectory, metrics};
use landscape_storage::{ALL_PARAMETERS, Hold, Run, Side, Store, TrainRecord};
use landscape_study::compare::{Eigenvalue, Factor, Fate};
use landscape_study::diagnose::{Evidence, evidence};
use landscape_study::record::Settings;
use std::time::{Duration, Instant};

/// A file that is kept open longer than this would keep others from reading it.
const HOLD: Duration = Duration::from_secs(2);

/// A training that is compared.
#[derive(Debug)]
pub struct Compared {
    pub label: String,
    pub run: Run,
}

impl Compared {
    /// One that was stored before.
    pub fn stored(run: Run) -> Self {
        Compared {
            label: run.name.clone(),
            run,
        }
    }
}

/// All that is known of a comparison.
pub struct Followed {
    pub plane: Option<JointPlane>,
    pub rows: Vec<Row>,
}

/// The plane of all paths.
pub struct JointPlane {
    pub run: Run,
    pub surface: Surface,
    pub explained: Vec<f64>,
    /// Paths in the order of the rows.
    pub paths: Vec<Trajectory>,
}

/// One training.
pub struct Row {
    pub label: String,
    pub run: Run,
    pub model: String,
    pub parameters: usize,
    pub steps: u64,
    pub seconds: Option<f64>,
    pub first_loss: f64,
    pub loss: f64,
    pub accuracy: Option<f64>,
    pub fate: Fate,
    pub lambda_max: Option<Eigenvalue>,
    pub sharpness: Option<f64>,
    pub metrics: Option<Metrics>,
    /// The surface around its end.
    pub surface: Option<Surface>,
    /// The standard error of the loss there.
    pub loss_se: Option<f64>,
    /// What is known of the network, for its verdicts.
    pub evidence: Option<Evidence>,
    /// The name of that run.
    pub end: Option<String>,
    /// The name of the run with its curvature.
    pub curvature: Option<String>,
    /// Where it ended.
    params: Params,
}

/// Computes what is not stored yet.
pub fn follow(
    name: &str,
    factor: Option<Factor>,
    compared: &[Compared],
    args: &CompareArgs,
    store: &Store,
    console: &Console,
) -> Result<Followed, CliError> {
    let mut parts = Parts::new(args, store, console);
    let rows = compared.iter().map(|one| Row::new(one, store));
    let mut rows: Vec<Row> = rows.collect::<Result<_, _>>()?;
    let plane = match shares_plane(&rows) {
        true => Some(joint_plane(name, factor, &rows, &mut parts)?),
        false => {
            console.note(
                "no joint plane: these networks have other parameters, or none that are finite",
            );
            None
        }
    };
    for row in rows.iter_mut().filter(|row| row.usable()) {
        row.around(&mut parts)?;
    }
    let _hold = store.hold();
    for row in &mut rows {
        row.evidence = evidence(store, &row.run)?.pop();
    }
    Ok(Followed { plane, rows })
}

fn shares_plane(rows: &[Row]) -> bool {
    let first = &rows[0].params;
    rows.iter()
        .all(|row| row.usable() && first.same_layout(&row.params).is_ok())
}

/// Commands that are parts of this one.
struct Parts<'a> {
    args: &'a CompareArgs,
    store: &'a Store,
    console: &'a Console,
    hold: Option<Hold>,
    held: Instant,
}

impl<'a> Parts<'a> {
    fn new(args: &'a CompareArgs, store: &'a Store, console: &'a Console) -> Self {
        Parts {
            args,
            store,
            console,
            hold: Some(store.hold()),
            held: Instant::now(),
        }
    }

    /// Runs a command into the database, as `name`.
    fn run(&mut self, line: Typed, name: &str) -> Result<Run, CliError> {
        if Interrupt::listen().raised() {
            return Err(CliError::Interrupted {
                saved: "all that was computed is stored".to_owned(),
                again: "the same command goes on from there",
            });
        }
        let (start, args) = (Instant::now(), self.args);
        let devices: Vec<String> = args.eval.device.iter().map(ToString::to_string).collect();
        let devices = match line.command() == "hessian" {
            true => &devices[..1],
            false => &devices[..],
        };
        let mut line = line
            .option("--name", name)
            .option("--db", &args.store.db.db)
            .option("--device", devices.join(","))
            .option("--threads", args.eval.threads.to_string());
        if args.store.force {
            line = line.flag("--force");
        }
        self.console.detail(format_args!("$ {line}"));
        part(line, self.console)?;
        let run = self.store.find(name)?;
        self.let_go(start.elapsed());
        Ok(run)
    }

    /// Keeps the file open while parts are short, since opening it costs more than a small part, and
    /// lets others at it now and then.
    fn let_go(&mut self, last: Duration) {
        if last > HOLD {
            self.hold = None;
        } else if self.held.elapsed() > HOLD && self.hold.take().is_some() {
            self.hold = Some(self.store.hold());
            self.held = Instant::now();
        }
    }
}

fn joint_plane(
    name: &str,
    factor: Option<Factor>,
    rows: &[Row],
    parts: &mut Parts<'_>,
) -> Result<JointPlane, CliError> {
    let center = match factor {
        Some(Factor::Optimizer | Factor::BatchSize) => "first",
        _ => "mean",
    };
    let typed = Typed::new("trajectory").option("--center", center);
    let typed = rows
        .iter()
        .fold(typed, |typed, row| typed.option("--run", &row.run.name));
    let typed = typed.option("--grid", counts(&parts.args.grid.0));
    let run = parts.run(typed, name)?;
    let stored = parts.store.load_trajectories(&run)?;
    let path = |row: &Row| {
        let named = stored.iter().find(|named| named.label == row.run.name);
        named.map(|named| named.trajectory.clone())
    };
    let paths: Vec<Trajectory> = rows.iter().filter_map(path).collect();
    let explained = paths.first().map(|path| path.explained_variance.clone());
    Ok(JointPlane {
        surface: parts.store.load_surface(&run)?,
        explained: explained.unwrap_or_default(),
        paths,
        run,
    })
}

fn counts(counts: &[usize]) -> String {
    let words: Vec<String> = counts.iter().map(usize::to_string).collect();
    words.join("x")
}

impl Row {
    /// What training recorded.
    fn new(compared: &Compared, store: &Store) -> Result<Self, CliError> {
        let run = &compared.run;
        let records = store.records(run)?;
        let last = store.last_checkpoint(run)?;
        let (Some(first), Some(last)) = (records.first(), last) else {
            return Err(CliError::Conflict {
                what: format!("run `{}` has no checkpoints", run.name),
                remedy: "train it again: the same `landscape train` continues".to_owned(),
            });
        };
        let loss = |record: &TrainRecord| record.loss.unwrap_or(f64::NAN);
        let weights = last.params.iter().filter(|t| t.role != Role::Buffer);
        let settings = Settings::of(run);
        let model = settings.problem().model.as_deref();
        Ok(Row {
            label: compared.label.clone(),
            run: run.clone(),
            model: model.unwrap_or("-").to_owned(),
            parameters: weights.map(|tensor| tensor.data.len()).sum(),
            steps: last.record.step,
            seconds: last.record.seconds,
            first_loss: loss(first),
            loss: loss(&last.record),
            accuracy: last.record.accuracy,
            fate: Fate::of(loss(first), loss(&last.record)),
            lambda_max: None,
            sharpness: None,
            metrics: None,
            surface: None,
            loss_se: None,
            evidence: None,
            end: None,
            curvature: None,
            params: last.params,
        })
    }

    /// Whether there is a point to look around at.
    fn usable(&self) -> bool {
        let finite = |v: &f32| v.is_finite();
        self.loss.is_finite() && self.params.iter().all(|t| t.data.iter().all(finite))
    }

    /// The surface around the end, and the curvature there.
    fn around(&mut self, parts: &mut Parts<'_>) -> Result<(), CliError> {
        let run = self.run.name.clone();
        let of_run = |command: &str| Typed::new(command).option("--run", &run);
        let end = format!("{run}-end");
        let surface = of_run("surface").option("--grid", counts(&parts.args.end_grid.0));
        let stored = parts.run(surface, &end)?;
        let surface = parts.store.load_surface(&stored)?;
        self.metrics = metrics(&surface).ok();
        self.loss_se = surface.interpolate(landscape_core::Value::LossSe, [0.0; 3]);
        self.surface = Some(surface);
        self.end = Some(end);
        if parts.args.no_curvature {
            return Ok(());
        }
        let name = format!("{run}-curvature");
        let wanted = of_run("hessian")
            .option("--top", "1")
            .option("--sharpness", "sam");
        let stored = parts.run(wanted, &name)?;
        let points = parts.store.curvature(&stored)?;
        if let Some(point) = points.first() {
            let largest = point.eigenvalues_of(ALL_PARAMETERS, Side::Top);
            self.lambda_max = largest.first().map(|found| Eigenvalue {
                value: found.value,
                residual: found.residual,
                converged: found.converged,
            });
            let sam = point.sharpness.iter().find(|s| s.measure == "sam");
            self.sharpness = sam.map(|sam| sam.value);
        }
        self.curvature = Some(name);
        Ok(())
    }
}
