//! Lines, planes and volumes.

use super::adaptive::{report_json, report_words};
use super::engine::{Job, Sampled};
use super::metrics::{barrier_json, barrier_words};
use super::plot::{draw, may_draw};
use super::precision::Rounding;
use crate::args::{BatchNorm, Given, LookArgs, NormArgs, PlotArgs, SampleArgs, TermArgs};
use crate::error::CliError;
use crate::inputs::{
    Directions, INTERPOLATION, LossChoice, Problem, SEGMENT, USUAL, UsualAxis, build_directions,
    build_grid, build_grid_on, check_drawable, check_statistics, distinct, ends_at_models,
    is_drawable, load_problem, may_save, may_store, moves_statistics, negative_variance,
    open_store, places_json, plan_grid, provenance, read_store, save_directions, say_how_it_runs,
    say_where, say_without_statistics, statistics_settings, targets,
};
use crate::interrupt::Interrupt;
use crate::output::{Console, Typed, duration, number, numbers, paths_json, short, unsigned_zero};
use landscape_core::{Barrier, Grid, Objective, Params, Plane, Surface, barrier, path_words};
use landscape_models::{Regularizer, trace_network};
use landscape_storage::{RunKind, RunSpec, Store, identity};
use landscape_trace::{Group, PlaneObjective, Precision, Summary, Target, Trace};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Instant;

/// Points that a dry run measures at most.
const TRIAL: usize = 64;

/// Samples a line, a plane or a volume.
pub fn sample<const DIMS: usize>(
    args: &SampleArgs<DIMS>,
    console: &Console,
) -> Result<(), CliError> {
    let plan = Plan::new(args, console)?;
    if args.network.run.is_none() && args.network.weights.is_none() {
        let seed = args.plane.seed;
        console.note(format_args!(
            "no --weights and no --run: initial parameters from seed {seed} are used"
        ));
    }
    if args.dry_run {
        return plan.estimate(args, console);
    }
    // From the first trace of the run on, stopping it saves what is done.
    Interrupt::listen();
    let store = open_store(&args.store.db.db, console)?;
    let job = Job {
        store: &store,
        spec: &plan.spec,
        plane: &plan.directions.plane,
        grid: &plan.grid,
        objective: &plan.objective,
        batch: args.batch,
        adaptive: args.adaptive,
        last: true,
    };
    let sampled = job.run(console)?;
    if let Some(path) = &args.plane.save_directions {
        save_directions(path, &plan.directions.plane, args.store.force)?;
    }
    let name = &sampled.run.name;
    let files = figures(args, name, console)?;
    report(&sampled, &plan, &files, console)?;
    let db = &args.store.db;
    let mut next = vec![Typed::new("metrics").name(name).db(&db.db)];
    if files.is_empty() && is_drawable(&plan.grid) {
        next.insert(0, Typed::plot(name, "svg").db(&db.db));
    }
    console.next(&next);
    Ok(())
}

/// Draws the run as is asked for; gives the files that are written.
fn figures<const DIMS: usize>(
    args: &SampleArgs<DIMS>,
    name: &str,
    console: &Console,
) -> Result<Vec<PathBuf>, CliError> {
    let one = |output: &PathBuf| {
        let plot = PlotArgs {
            names: vec![name.to_owned()],
            given: Given::default(),
            kind: None,
            output: output.clone(),
            path: None,
            look: LookArgs {
                log: args.log,
                ..LookArgs::default()
            },
            force: args.store.force,
            db: args.store.db.clone(),
        };
        draw(&plot, console)
    };
    let files: Vec<_> = args.output.iter().map(one).collect::<Result<_, _>>()?;
    Ok(files.concat())
}

/// Everything that was asked for, checked.
struct Plan {
    grid: Grid,
    directions: Directions,
    objective: PlaneObjective,
    spec: RunSpec,
    /// What the precision costs, where it is not f32.
    rounding: Option<Rounding>,
    loss: LossChoice,
    summary: Summary,
}

impl Plan {
    fn new<const DIMS: usize>(
        args: &SampleArgs<DIMS>,
        console: &Console,
    ) -> Result<Self, CliError> {
        // Wrong counts and ranges are found before any file is read.
        let asked = build_grid(args.plane.grid.as_ref(), args.plane.range.as_ref(), DIMS)?;
        if !args.output.is_empty() {
            check_drawable(&asked)?;
        }
        plan_grid(&asked, regularizers(&args.terms).len(), console)?;
        let targets = targets(&args.eval)?;
        check_terms(&args.terms)?;
        if let Some(path) = &args.plane.save_directions {
            may_save(path, args.store.force)?;
        }
        for path in &args.output {
            may_draw(path, args.store.force)?;
        }
        distinct(args.output.iter().chain(&args.plane.save_directions))?;
        if !args.dry_run {
            may_store(&args.store.db.db)?;
        }
        let store = match args.network.run {
            Some(_) => Some(read_store(&args.store.db.db, console)?),
            None => None,
        };
        let hold = store.as_ref().map(Store::hold);
        let problem = load_problem(
            &args.network,
            &args.data,
            args.plane.seed,
            store.as_ref(),
            console,
        )?;
        let directions =
            build_directions(&args.plane, DIMS, &problem, store.as_ref(), &targets[0])?;
        drop(hold);
        say_without_statistics(
            args.norm.batch_norm,
            &problem.spec,
            &problem.origin,
            console,
        );
        for direction in directions.plane.directions() {
            check_statistics(direction, args.norm.batch_norm)?;
        }
        let grid = grid(args, &directions)?;
        say_negative(&args.norm, &directions.plane, &grid, console);
        let terms = regularizers(&args.terms);
        let trace = trace_network(&problem.network()?, &problem.data, problem.loss, &terms)?;
        let trace = trace.with_batch_norm(args.norm.batch_norm.statistics())?;
        let summary = say_how_it_runs(&trace, console);
        let precision = args.precision.precision();
        let (objective, rounding) =
            objective(&trace, precision, &directions.plane, &targets, &grid)?;
        say_where(&objective.describe(), &objective.groups(), console);
        let settings = settings(args, &problem, &directions, &grid);
        let mut spec = RunSpec::new(kind(DIMS), settings).determined();
        spec.name = args.store.name.clone();
        spec.replace = args.store.force;
        let more = [
            ("data", problem.source.to_json()),
            ("weights", problem.weights.clone()),
            ("device", json!(objective.describe())),
            ("models", places_json(&directions.models)),
            ("rounding", rounding.map_or(Value::Null, Rounding::to_json)),
        ];
        spec.provenance = provenance(console.command(), more);
        Ok(Plan {
            grid,
            directions,
            objective,
            spec,
            rounding,
            loss: problem.loss_choice,
            summary,
        })
    }

    /// Points, time and memory, from a few points that are measured and not kept.
    fn estimate<const DIMS: usize>(
        &self,
        args: &SampleArgs<DIMS>,
        console: &Console,
    ) -> Result<(), CliError> {
        let stored = self.stored(args, console)?;
        let order = self.grid.coarse_to_fine();
        let trial: Vec<_> = order
            .iter()
            .take(TRIAL)
            .map(|&i| self.grid.point(i))
            .collect();
        self.objective.evaluate(&trial[..1])?;
        let start = Instant::now();
        self.objective.evaluate(&trial)?;
        let each = start.elapsed().as_secs_f64() / trial.len() as f64;
        let left = self.grid.len() - stored;
        let surface = self.grid.len() * size_of::<Option<landscape_core::Sample>>();
        let memory = (peak_memory() + surface) as f64 / f64::from(1 << 20);
        let seconds = each * left as f64;
        let groups = self.objective.groups();
        let groups = groups.iter().map(|group| format!("group   {group}\n"));
        let groups: String = groups.collect();
        console.result(
            || {
                json!({
                    "points": self.grid.len(),
                    "stored": stored,
                    "seconds": number(seconds),
                    "memory_mib": number(memory),
                    "points_per_second": number(1.0 / each),
                    "tile": self.summary.tile,
                    "operations": number(self.summary.work_a_point()),
                    "groups": self.groups_json(),
                    "warnings": self.summary.warnings(),
                })
            },
            || {
                format!(
                    "points  {}{} ({stored} stored already)\ntime    about {} ({:.0} points/s)\n\
                     memory  about {memory:.0} MiB\nruns    {}\n{groups}",
                    if args.adaptive.is_some() {
                        "at most "
                    } else {
                        ""
                    },
                    self.grid.len(),
                    duration(seconds),
                    1.0 / each,
                    self.summary.headline()
                )
            },
        )
    }

    /// What devices compute together.
    fn groups_json(&self) -> Vec<Value> {
        let groups = self.objective.groups();
        let one = |group: &Group| {
            json!({
                "device": group.device,
                "samples": group.samples,
                "points": group.points,
                "memory": group.memory,
                "most": group.most,
                "bound": group.bound.to_string(),
            })
        };
        groups.iter().map(one).collect()
    }

    /// Points of the same request that are stored already.
    fn stored<const DIMS: usize>(
        &self,
        args: &SampleArgs<DIMS>,
        console: &Console,
    ) -> Result<usize, CliError> {
        let path = &args.store.db.db;
        if args.store.force || !path.exists() {
            return Ok(0);
        }
        let own = identity(&self.spec.settings);
        let runs = read_store(path, console)?.runs()?;
        let same = |run: &&landscape_storage::RunSummary| {
            run.run.identity == own && run.run.kind == self.spec.kind
        };
        Ok(runs
            .iter()
            .filter(same)
            .map(|run| run.points as usize)
            .max()
            .unwrap_or(0))
    }
}

/// The objective, and what its precision costs where it is not f32.
fn objective(
    trace: &Trace,
    precision: Precision,
    plane: &Plane,
    targets: &[Target],
    grid: &Grid,
) -> Result<(PlaneObjective, Option<Rounding>), CliError> {
    let objective = trace.clone().with_precision(precision);
    let objective = objective.objective(plane, targets)?;
    let rounding = match precision {
        Precision::F32 => None,
        Precision::Bf16 => {
            let exact = trace.objective(plane, targets)?;
            Some(Rounding::measure(&exact, &objective, grid)?)
        }
    };
    Ok((objective, rounding))
}

fn kind(dims: usize) -> RunKind {
    match dims {
        1 => RunKind::Line,
        2 => RunKind::Surface,
        _ => RunKind::Volume,
    }
}

/// The most memory that this process has used so far, in bytes; 0 where the system does not say.
fn peak_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| {
        line.trim()
            .trim_end_matches("kB")
            .trim()
            .parse::<usize>()
            .ok()
    });
    kib.unwrap_or(0) << 10
}

fn check_terms(args: &TermArgs) -> Result<(), CliError> {
    for (option, weight) in [("--l1", args.l1), ("--l2", args.l2)] {
        if let Some(weight) = weight.filter(|w| !w.is_finite()) {
            return Err(CliError::Conflict {
                what: format!("{option} {weight} is not finite"),
                remedy: format!("give a number, for example {option} 0.0001"),
            });
        }
    }
    Ok(())
}

fn regularizers(args: &TermArgs) -> Vec<Regularizer> {
    let l1 = args.l1.map(Regularizer::L1);
    l1.into_iter().chain(args.l2.map(Regularizer::L2)).collect()
}

/// Everything that determines the numbers.
fn settings<const DIMS: usize>(
    args: &SampleArgs<DIMS>,
    problem: &Problem,
    directions: &Directions,
    grid: &Grid,
) -> Value {
    let terms: serde_json::Map<String, Value> = regularizers(&args.terms)
        .iter()
        .map(|term| (term.name().to_owned(), json!(term.weight())))
        .collect();
    let mut settings = problem.settings();
    settings.extend([
        ("directions".to_owned(), directions.settings.clone()),
        ("grid".to_owned(), json!(grid)),
        ("terms".to_owned(), terms.into()),
        (
            "precision".to_owned(),
            json!(args.precision.precision().name()),
        ),
    ]);
    settings.extend(statistics_settings(args.norm.batch_norm));
    let adaptive = args.adaptive.map(|adaptive| json!(adaptive.tolerance()));
    settings.extend(adaptive.map(|tolerance| ("adaptive".to_owned(), tolerance)));
    Value::Object(settings)
}

/// The grid that is asked for, on the usual axes of these directions.
fn grid<const DIMS: usize>(
    args: &SampleArgs<DIMS>,
    directions: &Directions,
) -> Result<Grid, CliError> {
    let frozen = args.norm.batch_norm == BatchNorm::Frozen;
    let all = directions.plane.directions();
    let statistics = frozen && all.iter().any(moves_statistics);
    let usual = |axis: usize| match (axis < directions.towards, statistics) {
        (false, _) => USUAL,
        (true, false) => INTERPOLATION,
        (true, true) => SEGMENT,
    };
    let usual: Vec<UsualAxis> = (0..DIMS).map(usual).collect();
    build_grid_on(args.plane.grid.as_ref(), args.plane.range.as_ref(), &usual)
}

/// Says where running variances are negative on a grid.
fn say_negative(args: &NormArgs, plane: &Plane, grid: &Grid, console: &Console) {
    if args.batch_norm != BatchNorm::Frozen {
        return;
    }
    if let Some(lowest) = negative_variance(plane, grid) {
        let at: Vec<String> = lowest.at.iter().map(|a| short(*a)).collect();
        console.note(format_args!(
            "running variances become negative ({} is {} at ({})): the loss is NaN there; keep the \
             range between the models, or use --batch-norm reestimate or --dir-type weights",
            lowest.name,
            short(lowest.value),
            at.join(", ")
        ));
    }
}

fn report(
    sampled: &Sampled,
    plan: &Plan,
    files: &[PathBuf],
    console: &Console,
) -> Result<(), CliError> {
    let Sampled {
        run,
        known,
        computed,
        seconds,
        ..
    } = sampled;
    let rate = *computed as f64 / seconds.max(1e-9);
    console.note(format_args!(
        "{}: {computed} points computed, {known} were stored, in {} ({rate:.0} points/s)",
        run.name,
        duration(*seconds)
    ));
    let figures = Figures::of(&sampled.surface);
    let barrier = match ends_at_models(&plan.directions.models) {
        true => barrier(&sampled.surface, landscape_core::Value::Loss),
        false => None,
    };
    console.result(
        || {
            let mut json = as_json(sampled, plan, &figures, barrier);
            json["files"] = paths_json(files);
            json
        },
        || {
            let mut text = words(sampled, &plan.directions.plane, &figures);
            text.extend(barrier.map(|barrier| format!("barrier {}\n", barrier_words(&barrier))));
            text.extend(plan.rounding.map(|rounding| rounding.words()));
            text.extend(files.iter().map(|file| format!("{}\n", path_words(file))));
            text
        },
    )
}

fn as_json(sampled: &Sampled, plan: &Plan, figures: &Figures, barrier: Option<Barrier>) -> Value {
    let plane = &plan.directions.plane;
    let surface = &sampled.surface;
    let cosines: Vec<Value> = plane.cosines().iter().map(|row| numbers(row)).collect();
    let mut all = json!({
        "run": sampled.run.name,
        "kind": sampled.run.kind,
        "shape": surface.grid().shape(),
        "points": surface.grid().len(),
        "computed": sampled.computed,
        "stored_before": sampled.known,
        "measured": surface.measured(),
        "interpolated": surface.interpolated(),
        "adaptive": sampled.adaptive.map(report_json),
        "not_finite": surface.non_finite(),
        "center_loss": number(figures.center),
        "min_loss": number(figures.min),
        "max_loss": number(figures.max),
        "barrier": barrier.map(barrier_json),
        "models": places_json(&plan.directions.models),
        "rounding": plan.rounding.map(Rounding::to_json),
        "norms": numbers(&plane.norms()),
        "cosines": cosines,
        "seconds": number(sampled.seconds),
    });
    plan.loss.add_to(&mut all);
    all
}

/// What is worth saying about a surface at once.
struct Figures {
    center: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
}

impl Figures {
    fn of(surface: &Surface) -> Self {
        let center = surface.grid().center().and_then(|flat| surface.get(flat));
        let losses = surface.losses();
        let finite = || losses.iter().copied().filter(|loss| loss.is_finite());
        Figures {
            center: center.map(|sample| sample.loss),
            min: finite().min_by(f64::total_cmp),
            max: finite().max_by(f64::total_cmp),
        }
    }
}

/// What lets every loss of a plane be NaN or infinite.
fn why_not_finite(plane: &Plane) -> String {
    let farthest = |params: &Params| params.largest().map(|(name, x)| (name.to_owned(), x.abs()));
    let directions = plane.directions().iter().map(|d| &d.tensors);
    let all = std::iter::once(plane.origin()).chain(directions);
    let farthest = all.filter_map(farthest).max_by(|a, b| a.1.total_cmp(&b.1));
    let Some((name, value)) = farthest else {
        return String::new();
    };
    format!(
        "no loss is finite: values overflow f32, which ends at 3.4e38, on their way through the network; the \
         largest number of the weights and directions is {value:.3e}, in `{name}`. Give other weights, or \
         smaller directions\n"
    )
}

fn words(sampled: &Sampled, plane: &Plane, figures: &Figures) -> String {
    let surface = &sampled.surface;
    let option = |value: Option<f64>| value.map_or("-".to_owned(), short);
    let shape: Vec<String> = surface
        .grid()
        .shape()
        .iter()
        .map(usize::to_string)
        .collect();
    let norms: Vec<String> = plane.norms().iter().map(|norm| short(*norm)).collect();
    let mut text = format!(
        "{}: {} points, loss {} to {}, {} at the origin\n",
        sampled.run.name,
        shape.join("x"),
        option(figures.min),
        option(figures.max),
        option(figures.center),
    );
    text.push_str(&format!("norms of the directions: {}", norms.join(", ")));
    let cosines = plane.cosines();
    for (i, row) in cosines.iter().enumerate() {
        for (j, cosine) in row.iter().enumerate().skip(i + 1) {
            text.push_str(&format!(
                "; cosine of {} and {}: {:.4}",
                i + 1,
                j + 1,
                unsigned_zero(*cosine, 4)
            ));
        }
    }
    text.push('\n');
    if let Some(report) = &sampled.adaptive {
        text.push_str(&format!("{}\n", report_words(report)));
    }
    if surface.non_finite() > 0 {
        text.push_str(&format!("{} losses are not finite\n", surface.non_finite()));
    }
    if surface.non_finite() == surface.grid().len() {
        text.push_str(&why_not_finite(plane));
    }
    text
}
