//! Ways between two trained networks.

mod curve;
mod ends;
mod report;

use crate::args::ConnectArgs;
use crate::error::CliError;
use crate::inputs::{open_store, read_store};
use crate::interrupt::Interrupt;
use crate::output::Console;
use curve::CurveJob;
use ends::Ends;
use landscape_core::{Curve, CurveKind, Direction, Grid, Params, Plane, Role, path_words};
use landscape_models::save_weights;
use landscape_storage::{RunKind, RunSpec, Store};
use landscape_study::connect::{Aligned, Ground, Way};
use landscape_study::directions::say_without_statistics;
use landscape_study::files::{may_save, may_store};
use landscape_study::record::{
    DirectionsSettings, LandscapeSettings, Place, ProblemSettings, Provenance,
};
use landscape_study::report::say_how_it_runs;
use landscape_study::runs::StoredSampling;
use landscape_trace::BatchStatistics;
use report::{Found, Report, Statistics};
use serde::Serialize;
use std::time::Instant;

/// Measures the line, aligns, trains a curve: whatever is asked for and not stored.
pub fn connect(args: &ConnectArgs, console: &Console) -> Result<(), CliError> {
    let start = Instant::now();
    let work = Work::new(args, console)?;
    Interrupt::listen();
    let store = open_store(&args.store.db.db, console)?;
    let (line, _) = work.line(&work.ends.other, "line", None, &store, console)?;
    let mut report = Report::new(line, work.ends.problem.loss, work.statistics()?);
    let mut end = work.ends.other.clone();
    if let Some(by) = args.align {
        let matching = by.matching();
        let seed = args.curve.seed;
        let aligned = work
            .ground
            .align(&work.ends.problem.params, &end, matching, seed)?;
        report.aligned(
            matching,
            &aligned,
            work.aligned(&aligned, &report, &store, console)?,
        );
        end = aligned.params;
        if let Some(path) = &args.save {
            save_weights(path, &end)?;
            console.note(format_args!("parameters written to {}", path_words(path)));
        }
    }
    match &work.curve {
        Some(_) if end == work.ends.problem.params => {
            console.note("no curve is trained: aligned, both networks are the same");
        }
        Some(curve) => report.curve(curve.run(&work, &end, &store, console)?),
        None => {}
    }
    report.print(start.elapsed().as_secs_f64(), console)?;
    console.next(&report.next(&args.store.db, console));
    Ok(())
}

/// Everything that was asked for, checked.
struct Work<'a> {
    args: &'a ConnectArgs,
    ends: Ends,
    ground: Ground,
    grid: Grid,
    curve: Option<CurveJob>,
}

impl<'a> Work<'a> {
    fn new(args: &'a ConnectArgs, console: &Console) -> Result<Self, CliError> {
        // What needs no file is checked before any is read.
        let grid = Way::grid(args.points)?;
        let curve = CurveJob::new(&args.curve, console)?;
        may_store(&args.store.db.db)?;
        let targets = args.eval.request().targets()?;
        if let Some(path) = &args.save {
            may_save(path, args.store.force)?;
        }
        let store = match args.run.is_empty() {
            true => None,
            false => Some(read_store(&args.store.db.db, console)?),
        };
        let ends = Ends::load(args, store.as_ref(), console)?;
        let problem = &ends.problem;
        if args.given.has("batch_norm") {
            let mode = args.batch_norm.statistics();
            say_without_statistics(mode, &problem.spec, &problem.params, console);
        }
        let ground = Ground::new(&problem.spec, problem.data.clone(), problem.loss.kind)?
            .with_batch_norm(args.batch_norm.statistics())
            .on(targets);
        // Parameters that are no numbers end it here, before anything is stored.
        ground.objective(&straight(&problem.params, &ends.other)?)?;
        say_how_it_runs(&ground.between()?, console);
        Ok(Work {
            args,
            ends,
            ground,
            grid,
            curve,
        })
    }

    /// The name of one of the runs, where a name was given.
    fn name(&self, part: &str) -> Option<String> {
        let name = self.args.store.name.as_ref();
        name.map(|name| format!("{name}-{part}"))
    }

    /// A run of this work.
    fn spec(
        &self,
        kind: RunKind,
        part: &str,
        settings: &impl Serialize,
        models: Option<Vec<Place>>,
        console: &Console,
    ) -> RunSpec {
        let problem = &self.ends.problem;
        let settings = serde_json::to_value(settings).expect("settings are JSON");
        let mut spec = RunSpec::new(kind, settings).determined();
        spec.name = self.name(part);
        spec.replace = self.args.store.force;
        let provenance = Provenance {
            to: Some(self.ends.source.clone()),
            device: Some(self.args.eval.request().names()),
            models,
            ..problem.provenance(Some(console.command()))
        };
        spec.provenance = provenance.to_json();
        spec
    }

    /// The straight line to a network, as `landscape line --to` has it; and its run.
    fn line(
        &self,
        to: &Params,
        part: &str,
        changed: Option<&str>,
        store: &Store,
        console: &Console,
    ) -> Result<(Found, Way), CliError> {
        let problem = &self.ends.problem;
        let direction = Direction::between(&problem.params, to)?;
        let settings = LandscapeSettings {
            problem: problem.settings(),
            directions: DirectionsSettings::new([&direction], false),
            grid: Some(self.grid.clone()),
            terms: Default::default(),
            statistics: self.args.batch_norm.statistics().into(),
            adaptive: None,
        };
        let models = Some(self.ends.places(changed));
        let spec = self.spec(RunKind::Line, part, &settings, models, console);
        let line = straight(&problem.params, to)?;
        let job = StoredSampling {
            store,
            spec: &spec,
            plane: &Plane::new(problem.params.clone(), vec![direction])?,
            grid: &self.grid,
            objective: &self.ground.objective(&line)?,
            batch: 0,
            adaptive: None,
            last: true,
        };
        let sampled = job.run(console)?;
        let way = Way::new(sampled.surface, &line);
        Ok((Found::of(Some(sampled.run.name), &way), way))
    }

    /// The line to the aligned network. Where that is the first network itself, the line is a point.
    fn aligned(
        &self,
        aligned: &Aligned,
        report: &Report,
        store: &Store,
        console: &Console,
    ) -> Result<Found, CliError> {
        if aligned.params == self.ends.problem.params {
            return Ok(report.line.at_its_start());
        }
        let (found, _) = self.line(&aligned.params, "aligned", Some("aligned"), store, console)?;
        Ok(found)
    }

    /// The statistics that the ways are measured with, where the network has some.
    fn statistics(&self) -> Result<Option<Statistics>, CliError> {
        let origin = &self.ends.problem.params;
        if !origin.iter().any(|tensor| tensor.role == Role::Buffer) {
            return Ok(None);
        }
        let used = self.args.batch_norm.statistics();
        let ends = match used {
            BatchStatistics::Frozen => None,
            _ => Some(self.ground.ends(origin, &self.ends.other)?),
        };
        Ok(Some(Statistics {
            used,
            ends: ends.map(|ends| ends.map(|sample| sample.loss)),
        }))
    }

    /// What the settings of all runs share.
    fn settings(&self) -> ProblemSettings {
        self.ends.problem.settings()
    }
}

fn straight(from: &Params, to: &Params) -> Result<Curve, CliError> {
    let curve = Curve::straight(CurveKind::Chain, from, to, 0);
    Ok(curve.map_err(landscape_study::StudyError::from)?)
}
