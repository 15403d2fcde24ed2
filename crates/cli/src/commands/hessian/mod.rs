//! Curvature at a point, along a training, over a plane.

mod eigen;
mod estimates;
mod map;
pub mod report;
mod request;
mod sharpness;
mod state;
mod training;
mod work;

use super::plot::{draw, is_page, may_draw};
use crate::args::{Given, HessianArgs, LookArgs, PlotArgs};
use crate::error::CliError;
use crate::inputs::{open_store, read_store};
use crate::interrupt::Interrupt;
use crate::output::{Console, Typed};
use landscape_core::{Grid, path_words};
use landscape_storage::{Curvature, CurvatureMap, Hold, Run, RunKind, RunSpec, Status, Store};
use landscape_study::directions::{
    Derivatives, Directions, UsualAxis, check_drawable, is_drawable, save_directions,
};
use landscape_study::files::{distinct, may_save, may_store};
use landscape_study::problem::Problem;
use landscape_study::record::Provenance;
use landscape_trace::Target;
use report::Report;
use request::Request;
use std::path::PathBuf;
use training::stability;
use work::Work;

/// An axis of a map unless asked otherwise.
const MAP: UsualAxis = UsualAxis {
    min: -1.0,
    max: 1.0,
    count: 21,
};

/// Computes curvature into the store.
pub fn hessian(args: &HessianArgs, console: &Console) -> Result<(), CliError> {
    let mut plan = Plan::new(args, console)?;
    // From here on, stopping it saves what is done.
    Interrupt::listen();
    let store = open_store(&args.store.db.db, console)?;
    let hold = store.hold();
    let report = plan.run(&store, hold, console)?;
    if let (Some(path), Some(plane)) = (&args.plane.save_directions, &plan.map) {
        save_directions(path, &plane.directions.plane, args.store.force)?;
    }
    let name = report.run.name.clone();
    let files = figures(args, &name, console)?;
    report.print(&files, console)?;
    let db = &args.store.db;
    let mut next = vec![Typed::new("show").name(&name).db(&db.db)];
    let drawable = (plan.map.as_ref()).is_none_or(|map| is_drawable(&map.grid));
    if files.is_empty() && report.is_drawable() && drawable {
        next.insert(0, Typed::plot(&name, "svg").db(&db.db));
    }
    // Of a map or a training another figure would be drawn.
    if !plan.request.density && !plan.request.map && !plan.request.all_steps {
        let again = console
            .again(&["--name", "--output", "-o"])
            .flag("--density");
        next.push(again.option("-o", "spectrum.svg"));
    }
    console.next(&next);
    Ok(())
}

/// Draws the run as is asked for; gives the files that are written.
fn figures(args: &HessianArgs, name: &str, console: &Console) -> Result<Vec<PathBuf>, CliError> {
    let one = |output: &PathBuf| {
        let plot = PlotArgs {
            names: vec![name.to_owned()],
            given: Given::default(),
            kind: None,
            output: output.clone(),
            look: LookArgs::default(),
            path: None,
            force: args.store.force,
            db: args.store.db.clone(),
        };
        draw(&plot, console)
    };
    let files: Vec<_> = args.output.iter().map(one).collect::<Result<_, _>>()?;
    Ok(files.concat())
}

/// A plane to map.
struct Mapped {
    directions: Directions,
    grid: Grid,
}

/// Everything that was asked for, checked.
struct Plan {
    problem: Problem,
    derivatives: Derivatives,
    request: Request,
    map: Option<Mapped>,
    spec: RunSpec,
}

impl Plan {
    fn new(args: &HessianArgs, console: &Console) -> Result<Self, CliError> {
        let target = check(args)?;
        let store = match args.network.run {
            Some(_) => Some(read_store(&args.store.db.db, console)?),
            None => None,
        };
        let hold = store.as_ref().map(Store::hold);
        let seed = args.plane.seed;
        let (network, data) = (args.network.request(), args.data.request());
        let problem = Problem::load(&network, &data, seed, store.as_ref(), console)?;
        let derivatives = Derivatives::new(&problem, &target, args.how.double())?;
        let request = Request::new(args, derivatives.dim())?;
        request.plan_memory(console)?;
        let derivatives = derivatives.said(console)?;
        let map = match request.map {
            true => Some(mapped(args, &problem, store.as_ref(), &target)?),
            false => None,
        };
        drop(hold);
        let spec = spec(args, &problem, &request, map.as_ref(), console);
        Ok(Plan {
            problem,
            derivatives,
            request,
            map,
            spec,
        })
    }

    /// Continues the stored run until everything is known.
    fn run(&mut self, store: &Store, hold: Hold, console: &Console) -> Result<Report, CliError> {
        let (run, map) = self.begin(store)?;
        let complete = run.status == Status::Complete;
        let request = self.request.clone();
        let mut work = Work::new(store, run, &request, hold, console);
        let map = match complete {
            true => map,
            false => self.complete(&mut work, map)?,
        };
        let points = store.curvature(&work.run)?;
        Ok(Report {
            computed: work.computed,
            seconds: work.seconds(),
            run: work.run,
            request,
            points,
            map,
            loss: self.problem.loss,
        })
    }

    fn begin(&self, store: &Store) -> Result<(Run, Option<CurvatureMap>), CliError> {
        let Some(mapped) = &self.map else {
            return Ok((store.begin(&self.spec)?, None));
        };
        let plane = &mapped.directions.plane;
        let (run, map) = store.begin_curvature_map(&self.spec, &mapped.grid, Some(plane))?;
        Ok((run, Some(map)))
    }

    fn complete(
        &mut self,
        work: &mut Work,
        map: Option<CurvatureMap>,
    ) -> Result<Option<CurvatureMap>, CliError> {
        match self.request.all_steps {
            true => training::every_step(work, &self.problem, &mut self.derivatives)?,
            false => {
                let limit = stability(work.store, &self.problem)?;
                point(work, &self.problem, &self.derivatives, None, limit)?;
            }
        }
        let map = match (map, &self.map) {
            (Some(mut map), Some(mapped)) => {
                let plane = &mapped.directions.plane;
                map::fill(work, &mut self.derivatives, plane, &mut map)?;
                work.keep(0, Curvature::default())?;
                Some(map)
            }
            _ => None,
        };
        work.store.finish(&work.run, Status::Complete)?;
        Ok(map)
    }
}

/// Everything that is asked for at the point of the derivatives.
fn point(
    work: &mut Work,
    problem: &Problem,
    derivatives: &Derivatives,
    step: Option<u64>,
    limit: Option<f64>,
) -> Result<(), CliError> {
    let stored = work.store.curvature(&work.run)?;
    let known = stored.into_iter().find(|known| known.step == step);
    let mut known = known.unwrap_or_default();
    if known.parameters == 0 {
        let gradient = derivatives.curvature().gradient()?;
        let squares: f64 = gradient.gradient.iter().map(|g| g * g).sum();
        known.step = step;
        known.parameters = derivatives.dim() as u64;
        known.loss = Some(gradient.loss);
        known.gradient_norm = Some(squares.sqrt());
        known.stability_limit = limit;
    }
    work.go_to(known);
    work.keep(0, Curvature::default())?;
    let tasks = [
        eigen::eigenvalues,
        estimates::trace,
        estimates::density,
        estimates::per_layer,
    ];
    for task in tasks {
        work.go_on()?;
        task(work, derivatives)?;
    }
    work.go_on()?;
    sharpness::sharpness(work, problem, derivatives)
}

/// What can be checked before any file is read.
fn check(args: &HessianArgs) -> Result<Target, CliError> {
    let grid = args.plane.grid_request().of(2)?;
    if args.wanted.map && !args.output.is_empty() {
        check_drawable(&grid)?;
    }
    for path in &args.output {
        may_draw(path, args.store.force)?;
    }
    if let Some(path) = &args.plane.save_directions {
        may_save(path, args.store.force)?;
    }
    distinct(args.output.iter().chain(&args.plane.save_directions))?;
    may_store(&args.store.db.db)?;
    let request = Request::precheck(args)?;
    if let Some(path) = args.output.iter().find(|path| !is_page(path))
        && !request.is_drawable()
    {
        return Err(CliError::Conflict {
            what: format!(
                "-o {}: nothing that is asked for makes a figure; eigenvalues and traces are numbers",
                path_words(path)
            ),
            remedy:
                "add --density for the spectrum, --map, --all-steps with --top 1, or --sharpness; or leave -o out"
                    .to_owned(),
        });
    }
    if args.network.run.is_none() && args.network.weights.is_none() {
        return Err(CliError::Missing {
            what: "--weights",
            remedy: "curvature belongs to given parameters: give --weights FILE, or --run NAME of a \
                     training run (--step 0 is its initial state)",
        });
    }
    let mut targets = args.eval.request().targets()?;
    match targets.len() {
        1 => Ok(targets.swap_remove(0)),
        n => Err(CliError::Conflict {
            what: format!("--device has {n} devices, but products are computed on one"),
            remedy: "give one device".to_owned(),
        }),
    }
}

fn mapped(
    args: &HessianArgs,
    problem: &Problem,
    store: Option<&Store>,
    target: &Target,
) -> Result<Mapped, CliError> {
    let grid = args.plane.grid_request().on(&[MAP; 2])?;
    let directions = args.plane.request().build(2, problem, store, target)?;
    Ok(Mapped { directions, grid })
}

fn spec(
    args: &HessianArgs,
    problem: &Problem,
    request: &Request,
    map: Option<&Mapped>,
    console: &Console,
) -> RunSpec {
    let mut settings = request.settings(problem.settings());
    settings.directions = map.map(|mapped| mapped.directions.settings.clone());
    settings.grid = map.map(|mapped| mapped.grid.clone());
    if let (true, Some(run)) = (request.all_steps, &problem.trained) {
        settings.training = Some(run.identity.clone());
    }
    let settings = serde_json::to_value(&settings).expect("settings are JSON");
    let mut spec = RunSpec::new(RunKind::Hessian, settings).determined();
    spec.name = args.store.name.clone();
    spec.replace = args.store.force;
    let provenance = Provenance {
        device: Some(args.eval.device[0].to_string()),
        optimizer: training::optimizer(problem),
        models: map.and_then(|mapped| mapped.directions.provenance()),
        ..problem.provenance(Some(console.command()))
    };
    spec.provenance = provenance.to_json();
    spec
}
