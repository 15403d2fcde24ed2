//! Trainings and landscapes side by side.

use crate::args::CompareArgs;
use crate::error::{CliError, no_effect};
use crate::inputs::{Place, begin, read_if, read_store};
use crate::output::{Added, Console, Typed};
use landscape_storage::{Run, Store};
use landscape_study::compare::{
    Compared, ComparisonRequest, Factor, Selection, Sweep, TrainingComparison, compare_landscapes,
};
use landscape_study::device::DeviceName;
use landscape_study::directions::{GridRequest, check_drawable, is_drawable};
use landscape_study::figures::FigureFiles;
use landscape_study::files::{distinct, may_store};
use landscape_study::memory::plan_grid;

/// Trains what is to be compared, or takes stored runs, and puts them side by side.
pub fn compare(args: &CompareArgs, console: &Console) -> Result<(), CliError> {
    // Wrong counts and files are found before any work.
    let drawn = !args.output.is_empty();
    for counts in [&args.grid, &args.end_grid] {
        let grid = GridRequest::counts(&counts.0).of(2)?;
        plan_grid(&grid, 0, console)?;
        if drawn {
            check_drawable(&grid)?;
        }
    }
    args.eval.request().targets()?;
    let files = FigureFiles::new(&args.output, args.log, args.store.force);
    files.check()?;
    distinct(&args.output)?;
    let command = Command {
        args,
        files,
        console,
    };
    match &args.runs[..] {
        [] => command.sweep(),
        [one] => Err(CliError::Conflict {
            what: format!("one run, `{one}`, cannot be compared with itself"),
            remedy: "name two or more runs; `landscape runs` lists them".to_owned(),
        }),
        _ => command.stored(),
    }
}

/// What was asked for, with what is drawn.
struct Command<'a> {
    args: &'a CompareArgs,
    files: FigureFiles,
    console: &'a Console,
}

impl Command<'_> {
    /// Variants of one network.
    fn sweep(&self) -> Result<(), CliError> {
        let Command {
            args,
            files,
            console,
        } = self;
        let place = Place::of(&args.shard, &args.store.db, &args.given, console)?;
        let db = &place.db;
        if !args.dry_run {
            may_store(db)?;
        }
        let sweep = Sweep::prepare(&args.request(console.command(), place.shard)?, *console)?;
        let host = [DeviceName::Cpu, DeviceName::Flex];
        if !args.eval.device.iter().all(|name| host.contains(name)) {
            console.note(
                "networks are trained on the CPU; losses and curvature are evaluated on the device",
            );
        }
        files.check_trainings(sweep.variants().len())?;
        let request = self.request(sweep.name(), Some(sweep.factor()));
        if args.dry_run {
            let store = read_if(db.exists(), db, console)?;
            return console.tell(&sweep.estimate(&request, store.as_ref())?);
        }
        let store = begin(db, console)?;
        let compared = sweep.run(&store, *console)?;
        if let Some(shard) = sweep.trained_shard(&compared) {
            console.tell(&shard)?;
            console.suggest([place.merge().to_string()]);
            return Ok(());
        }
        self.side_by_side(&request, &compared, &store)
    }

    /// Stored runs, all trainings or all landscapes.
    fn stored(&self) -> Result<(), CliError> {
        let args = self.args;
        let store = read_store(&args.store.db.db, self.console)?;
        let compared = match Selection::of(&args.runs, &store)? {
            Selection::Trainings(compared) => compared,
            Selection::Landscapes(runs) => return self.landscapes(&runs, &store),
        };
        if args.tolerance.is_some() {
            return Err(CliError::Conflict {
                what: "--tolerance compares landscapes, and these are trainings".to_owned(),
                remedy: "leave it out, or name runs of kind surface".to_owned(),
            });
        }
        self.files.check_trainings(compared.len())?;
        let store = begin(&args.store.db.db, self.console)?;
        let name = args.store.name.clone();
        let name = name.unwrap_or_else(|| args.runs.join("-"));
        self.side_by_side(&self.request(&name, None), &compared, &store)
    }

    /// How trainings are put side by side.
    fn request(&self, name: &str, factor: Option<Factor>) -> ComparisonRequest {
        ComparisonRequest {
            name: name.to_owned(),
            factor,
            counts: self.args.grid.0.clone(),
            end_counts: self.args.end_grid.0.clone(),
            curvature: !self.args.no_curvature,
            params: self.args.params.clone(),
            evaluation: self.args.eval.request(),
            keep: self.args.store.keep(self.console.command()),
        }
    }

    fn side_by_side(
        &self,
        request: &ComparisonRequest,
        compared: &[Compared],
        store: &Store,
    ) -> Result<(), CliError> {
        let comparison = TrainingComparison::prepare(request, compared, store)?;
        let found = comparison.run(store, self.console)?;
        let files = self.files.draw_trainings(&found, store)?;
        let added = Added {
            loss: None,
            files: Some(&files),
        };
        self.console.tell_with(&found, added)?;
        let drawable = found
            .plane
            .iter()
            .filter(|plane| is_drawable(plane.surface.grid()));
        let plot = drawable.map(|plane| Typed::plot(&plane.run.name, "html").flag("--log"));
        let mut next: Vec<Typed> = plot.collect();
        if let Some(first) = found.trainings.first() {
            next.push(Typed::new("show").name(&first.run.name));
            let metrics = |end| Typed::new("metrics").name(end);
            next.extend(first.end.as_ref().map(metrics));
        }
        self.console.next(&self.args.store.db.db, next);
        Ok(())
    }

    /// Landscapes, as they are stored.
    fn landscapes(&self, runs: &[Run], store: &Store) -> Result<(), CliError> {
        check_landscapes(self.args)?;
        let found = compare_landscapes(runs, self.args.tolerance, store)?;
        let surfaces = found.landscapes.iter();
        let surfaces = surfaces.map(|one| (one.run.as_str(), &one.surface));
        let surfaces: Vec<_> = surfaces.collect();
        let files = self.files.draw_landscapes(&surfaces, store)?;
        let added = Added {
            loss: None,
            files: Some(&files),
        };
        self.console.tell_with(&found, added)?;
        match found.exceeded() {
            Some(what) => Err(CliError::Differs { what }),
            None => Ok(()),
        }
    }
}

/// Refuses what belongs to trainings, where landscapes are compared as they are stored.
fn check_landscapes(args: &CompareArgs) -> Result<(), CliError> {
    let trainings = [
        "grid",
        "end_grid",
        "no_curvature",
        "params",
        "device",
        "threads",
        "name",
    ];
    let why = "the runs that are named are landscapes, which are compared as they are; it belongs to trainings";
    if args.output.is_empty() && args.given.has("force") {
        return Err(no_effect("force", "nothing is written", Some("-o FILE")));
    }
    let found = trainings.into_iter().find(|id| args.given.has(id));
    found.map_or(Ok(()), |id| Err(no_effect(id, why, None)))
}
