//! Landscapes into files and out of them.

use crate::args::{ExportArgs, ImportArgs};
use crate::error::CliError;
use crate::inputs::{open_store, read_store};
use crate::output::{self, Console, Typed, path_json};
use landscape_core::{Surface, path_words};
use landscape_storage::{
    CurvatureTable, Format, NamedTrajectory, Run, RunKind, Store, write_curvature, write_surface,
};
use landscape_study::files::{may_store, may_write};
use serde_json::{Map, Value, json};
use std::path::Path;

/// Writes a run's landscape, its directions, or a path on its plane.
pub fn export(args: &ExportArgs, console: &Console) -> Result<(), CliError> {
    let job = Job::new(args)?;
    let store = read_store(&args.db.db, console)?;
    let run = store.find(&args.name)?;
    match (args.directions, args.trajectory) {
        (true, _) => job.directions(&store, &run, console),
        (_, true) => job.trajectory(&store, &run, console),
        _ if args.curvature.is_some() || run.kind == RunKind::Hessian => {
            job.curvature(&store, &run, console)
        }
        _ => {
            let surface = store.load_surface(&run)?;
            job.landscape(&run, &surface, console)
        }
    }
}

/// What is written where.
struct Job<'a> {
    args: &'a ExportArgs,
    format: Format,
}

impl<'a> Job<'a> {
    /// Checks what can be checked before a database is opened.
    fn new(args: &'a ExportArgs) -> Result<Self, CliError> {
        // What csv does not hold needs no other word to be h5.
        let usual = match args.directions || args.trajectory {
            true => Format::H5,
            false => Format::Csv,
        };
        let format = format(args.format, args.output.as_deref(), Some(usual))?;
        let job = Job { args, format };
        job.check_held()?;
        match &args.output {
            Some(path) => may_write(path, args.force)?,
            None if format.is_text() => {}
            None => {
                return Err(CliError::Conflict {
                    what: format!("{format} is not text, and no file is given"),
                    remedy: format!("give a file, for example -o {}.{format}", args.name),
                });
            }
        }
        Ok(job)
    }

    fn check_held(&self) -> Result<(), CliError> {
        let format = self.format;
        let (what, instead) = match (self.args.directions, self.args.trajectory) {
            (true, _) if format != Format::H5 => ("directions", "h5"),
            (_, true) if ![Format::H5, Format::Vtk].contains(&format) => {
                ("trajectories", "h5 or vtk")
            }
            _ => return Ok(()),
        };
        Err(landscape_storage::Error::NotHeld {
            format,
            what,
            instead,
        })?
    }

    /// The file; only text goes elsewhere.
    fn path(&self) -> &'a Path {
        self.args.output.as_deref().unwrap_or(Path::new(""))
    }

    fn landscape(&self, run: &Run, surface: &Surface, console: &Console) -> Result<(), CliError> {
        if !surface.is_complete() {
            console.note(format_args!(
                "{} of {} points are not known yet",
                surface.missing(),
                surface.grid().len()
            ));
        }
        if self.args.output.is_none() {
            return output::stdout(|out| write_surface(surface, self.format, out));
        }
        let (path, force) = (self.path(), self.args.force);
        match self.format {
            Format::Vtk => {
                landscape_storage::export_mesh(surface, self.args.height, path, force)?;
            }
            format => landscape_storage::export_surface(surface, format, path, force)?,
        }
        let points = surface.grid().len() - surface.missing();
        self.report(run, "points", points, console)
    }

    fn directions(&self, store: &Store, run: &Run, console: &Console) -> Result<(), CliError> {
        let directions = store.directions(run)?.directions;
        let path = store.load_trajectories(run)?.into_iter().next();
        let shares = path.map(|path| path.trajectory.explained_variance);
        let shares = shares.unwrap_or_default();
        let (path, force) = (self.path(), self.args.force);
        landscape_storage::export_directions(&directions, &shares, path, force)?;
        self.report(run, "directions", directions.len(), console)
    }

    fn curvature(&self, store: &Store, run: &Run, console: &Console) -> Result<(), CliError> {
        let table = match self.args.curvature {
            Some(table) => table,
            None if store.summary(&run.name)?.shape.is_empty() => CurvatureTable::Eigenvalues,
            None => CurvatureTable::Map,
        };
        if self.args.output.is_none() {
            let rows = store.curvature_table(run, table)?;
            return output::stdout(|out| write_curvature(&rows, self.format, out));
        }
        let (path, force) = (self.path(), self.args.force);
        let rows = store.export_curvature(run, table, self.format, path, force)?;
        self.report(run, "rows", rows, console)
    }

    fn trajectory(&self, store: &Store, run: &Run, console: &Console) -> Result<(), CliError> {
        let NamedTrajectory { trajectory, .. } = self.chosen(store.load_trajectories(run)?, run)?;
        let dims = match store.directions_without_tensors(run) {
            Ok(stored) => stored.directions.len(),
            // Paths on planes that came without their directions.
            Err(landscape_storage::Error::Lacks { .. }) => 2,
            Err(error) => return Err(error.into()),
        };
        let &ExportArgs { height, force, .. } = self.args;
        let path = self.path();
        landscape_storage::export_trajectory(&trajectory, dims, self.format, height, path, force)?;
        self.report(run, "points", trajectory.points.len(), console)
    }

    /// The only path, or the one that was named.
    fn chosen(
        &self,
        mut paths: Vec<NamedTrajectory>,
        run: &Run,
    ) -> Result<NamedTrajectory, CliError> {
        let labels: Vec<String> = paths.iter().map(|path| path.label.clone()).collect();
        let wanted = self.args.label.as_ref();
        let found = match wanted {
            Some(label) => labels.iter().position(|known| known == label),
            None => (labels.len() == 1).then_some(0),
        };
        let what = match (found, wanted, labels.is_empty()) {
            (Some(at), ..) => return Ok(paths.swap_remove(at)),
            (None, _, true) => format!("run `{}` has no trajectory", run.name),
            (None, Some(label), _) => format!("run `{}` has no path `{label}`", run.name),
            (None, None, _) => format!("run `{}` has {} paths", run.name, labels.len()),
        };
        let remedy = match labels.is_empty() {
            true => "make one with `landscape trajectory`".to_owned(),
            false => format!("give --path: {}", labels.join(", ")),
        };
        Err(CliError::Conflict { what, remedy })
    }

    fn report(&self, run: &Run, of: &str, count: usize, console: &Console) -> Result<(), CliError> {
        let path = self.path();
        let result = || {
            let known =
                json!({"run": run.name, "format": self.format.name(), "file": path_json(path)});
            let mut fields: Map<String, Value> = known.as_object().cloned().unwrap_or_default();
            fields.insert(of.to_owned(), json!(count));
            Value::Object(fields)
        };
        console.result(result, || format!("{}\n", path_words(path)))
    }
}

fn format(
    asked: Option<Format>,
    path: Option<&Path>,
    default: Option<Format>,
) -> Result<Format, CliError> {
    match (asked, path.and_then(Path::extension), default) {
        (Some(format), ..) | (None, None, Some(format)) => Ok(format),
        _ => Ok(Format::of_path(path.unwrap_or(Path::new("")))?),
    }
}

/// Keeps a landscape from a file.
pub fn import(args: &ImportArgs, console: &Console) -> Result<(), CliError> {
    let format = format(args.format, Some(&args.file), None)?;
    may_store(&args.store.db.db)?;
    // The file is read before a database is made.
    let (surface, notes) = landscape_storage::read_surface(&args.file, format)?;
    for note in notes {
        console.note(&note);
    }
    let store = open_store(&args.store.db.db, console)?;
    let run = store.import(
        &args.file,
        format,
        args.store.name.as_deref(),
        args.store.force,
    )?;
    console.result(
        || {
            json!({
                "run": run.name,
                "shape": surface.grid().shape(),
                "points": surface.grid().len() - surface.missing(),
            })
        },
        || {
            let points = surface.grid().len() - surface.missing();
            format!(
                "{}: {points} points from {}\n",
                run.name,
                path_words(&args.file)
            )
        },
    )?;
    console.next(&[Typed::new("metrics").name(&run.name).db(&args.store.db.db)]);
    Ok(())
}
