//! The whole job: the commands that a person would type, one after the other.

mod steps;
mod summary;

use crate::args::DemoArgs;
use crate::commands::part;
use crate::commands::plot::{Stored, page_curvature, page_run};
use crate::error::CliError;
use crate::inputs::{open_store, read_store};
use crate::interrupt::Interrupt;
use crate::output::{Console, Typed, duration, quoted};
use landscape_plot::page::{PageData, html};
use landscape_storage::{RunKind, RunSummary, Status, Store};
use landscape_study::StudyError;
use landscape_study::files::write_new;
use landscape_study::record::Provenance;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;
use steps::{CURVATURE, FIGURES, PAGE, Step, WORK};

/// Trains, samples, follows and draws.
pub fn demo(args: &DemoArgs, console: &Console) -> Result<(), CliError> {
    let start = Instant::now();
    prepare(&args.out, args.force, console)?;
    let db = args.out.join("landscape.duckdb");
    let store = open_store(&db, console)?;
    for step in WORK {
        one(step, args, &db, &store, console)?;
    }
    console.note("drawing the figures and the page");
    draw(args, &db, console)?;
    page(args, &store, console)?;
    console.note(format_args!(
        "all of it took {}\n",
        duration(start.elapsed().as_secs_f64())
    ));
    summary::print(&store, &args.out, start.elapsed().as_secs_f64(), console)?;
    let page = args.out.join("index.html");
    let wide = Typed::new("surface")
        .option("--run", "mnist")
        .option("--grid", "101");
    let drawn = Typed::plot("wide", "png")
        .option("--kind", "surface")
        .flag("--log");
    let more = [
        Typed::new("show").name("mnist-trained"),
        wide.flag("--range=-2:2").option("--name", "wide"),
        drawn,
    ];
    let more = more.map(|typed| typed.option("--db", &db).to_string());
    let open = format!("open {}", quoted(page.as_os_str()));
    console.next(&[vec![open], more.to_vec()].concat());
    Ok(())
}

/// A folder of its own, or one of an earlier demonstration.
fn prepare(out: &Path, force: bool, console: &Console) -> Result<(), CliError> {
    let failed = |source| StudyError::Io {
        action: "make the folder",
        path: out.to_owned(),
        source,
    };
    fs::create_dir_all(out).map_err(failed)?;
    let empty = fs::read_dir(out).map_err(failed)?.next().is_none();
    match empty || force || is_own(out, console)? {
        true => Ok(()),
        false => Err(CliError::Conflict {
            what: format!(
                "the folder `{}` holds files of something else",
                out.display()
            ),
            remedy: "give another folder with --out, or --force to write into it".to_owned(),
        }),
    }
}

/// Whether a folder has the database of an earlier demonstration, told by the command of its first run: that
/// of somebody else has the same name.
fn is_own(out: &Path, console: &Console) -> Result<bool, CliError> {
    let db = out.join("landscape.duckdb");
    if !db.exists() {
        return Ok(false);
    }
    let first = format!("landscape {}", WORK[0].shown());
    let made = |run: &RunSummary| {
        let command = Provenance::of(&run.run).command;
        command.is_some_and(|command| command.starts_with(&first))
    };
    let runs = read_store(&db, console)?.runs()?;
    Ok(runs.iter().any(made) || (runs.is_empty() && holds_database_alone(out)))
}

/// As after a demonstration that was stopped at once.
fn holds_database_alone(out: &Path) -> bool {
    let of_database = |name: &str| name.starts_with('.') || name.starts_with("landscape.duckdb");
    fs::read_dir(out).is_ok_and(|entries| {
        { entries }
            .flatten()
            .all(|entry| of_database(&entry.file_name().to_string_lossy()))
    })
}

/// One command.
fn one(
    step: &Step,
    args: &DemoArgs,
    db: &Path,
    store: &Store,
    console: &Console,
) -> Result<(), CliError> {
    let start = Instant::now();
    let mut words = step.words(args, db);
    let stopped = |name: &str| {
        let run = store.find(name);
        run.is_ok_and(|run| run.kind == RunKind::Train && run.status != Status::Complete)
    };
    if step.name().is_some_and(stopped) {
        words = words.flag("--force");
    }
    console.note(format_args!("$ landscape {}", step.shown()));
    part(words, console)?;
    let seconds = start.elapsed().as_secs_f64();
    console.detail(format_args!("  {}", duration(seconds)));
    Ok(())
}

/// All figures, on all cores.
fn draw(args: &DemoArgs, db: &Path, console: &Console) -> Result<(), CliError> {
    let todo: Vec<Typed> = FIGURES
        .iter()
        .flat_map(|figure| figure.words(args, db))
        .collect();
    let todo = Mutex::new(todo.into_iter());
    // Taking one leaves nothing half done, so that a panic elsewhere spoils nothing.
    let take = || todo.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || -> Result<(), CliError> {
        while let Some(words) = take() {
            if Interrupt::listen().raised() {
                return Err(CliError::Interrupted {
                    saved: "all numbers are stored, figures are missing".to_owned(),
                    again: "the same command draws them",
                });
            }
            part(words, console)?;
        }
        Ok(())
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        joined(workers.into_iter().map(|worker| worker.join()).collect())
    })
}

/// What became of all workers: the first error, and a panic is one.
fn joined(done: Vec<thread::Result<Result<(), CliError>>>) -> Result<(), CliError> {
    let panicked = |_| Err(CliError::Panicked { what: "a figure" });
    done.into_iter()
        .try_for_each(|done| done.unwrap_or_else(panicked))
}

/// One page with every landscape, and beside each path the course of its training.
fn page(args: &DemoArgs, store: &Store, console: &Console) -> Result<(), CliError> {
    let mut runs = Vec::new();
    for (name, heading, trained) in PAGE {
        let curve = Stored::load(store, trained)?.curve()?;
        let mut stored = Stored::load(store, name)?;
        stored.diagnose(store)?;
        let mut run = page_run(&stored, &[curve])?;
        run.heading = Some((*heading).to_owned());
        runs.push(run);
    }
    let mut data = PageData::new("Loss landscapes of two networks", runs);
    for name in CURVATURE {
        data.curvature
            .extend(page_curvature(&Stored::load(store, name)?)?);
    }
    data.command = Some(console.command().to_owned());
    let path = args.out.join("index.html");
    Ok(write_new(&path, html(&data)?.as_bytes(), true)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_a_figure_fails_the_command() {
        let panic = thread::spawn(|| panic!("a figure that cannot be drawn")).join();
        let panicked = panic.map(|()| Ok(()));
        let error = joined(vec![Ok(Ok(())), panicked, Ok(Ok(()))]).unwrap_err();
        assert_eq!(error.code(), 1);
        assert!(error.what().contains("panicked"), "{}", error.what());
        assert!(joined(vec![Ok(Ok(())), Ok(Ok(()))]).is_ok());
    }
}
