//! The whole job: the commands that a person would type, one after the other.

mod steps;

use crate::args::DemoArgs;
use crate::error::CliError;
use crate::inputs::{begin, read_store};
use crate::output::{Console, Typed};
use landscape_core::path_text;
use landscape_storage::{RunSummary, Store};
use landscape_study::StudyError;
use landscape_study::demo::{self, DemoSummary};
use landscape_study::record::Provenance;
use landscape_study::report::{Level, Quiet, Reporter};
use landscape_study::words::{duration, quoted};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::time::Instant;
use steps::{WORDS, typed};

/// Trains, samples, follows and draws.
pub fn demo(args: &DemoArgs, console: &Console) -> Result<(), CliError> {
    let start = Instant::now();
    let db = args.out.join("landscape.duckdb");
    if args.dry_run {
        return plan(args, &db, console);
    }
    prepare(&args.out, args.force, console)?;
    let page = args.out.join("index.html");
    let store = begin(&db, console)?;
    compute(args, &db, &store, console)?;
    console.note("drawing the figures and the page");
    demo::draw(&args.out, &store, console)?;
    demo::page(&page, &store, Some(console.command().to_owned()))?;
    let seconds = start.elapsed().as_secs_f64();
    console.note(format_args!("everything took {}\n", duration(seconds)));
    console.tell(&DemoSummary::load(&store, &args.out, seconds)?)?;
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
    console.suggest(std::iter::once(open).chain(more));
    Ok(())
}

/// The commands that would be run.
fn plan(args: &DemoArgs, db: &Path, console: &Console) -> Result<(), CliError> {
    let steps = demo::steps(&args.request())?;
    let commands = steps.iter().zip(WORDS);
    let commands = commands.map(|(step, words)| typed(step, words, args, db).to_string());
    let commands: Vec<String> = commands.collect();
    console.result(
        || json!({"folder": path_text(&args.out), "commands": commands}),
        || {
            commands
                .iter()
                .map(|command| format!("{command}\n"))
                .collect()
        },
    )
}

/// All runs, each as by a command of its own.
fn compute(args: &DemoArgs, db: &Path, store: &Store, console: &Console) -> Result<(), CliError> {
    let steps = demo::steps(&args.request())?;
    for (step, words) in steps.into_iter().zip(WORDS) {
        let start = Instant::now();
        console.note(format_args!("$ landscape {words}"));
        let command = typed(&step, words, args, db).to_string();
        step.by(command).run(store, &Quiet(console))?;
        let seconds = start.elapsed().as_secs_f64();
        console.say(Level::Detail, &format_args!("  {}", duration(seconds)));
    }
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
                "the folder `{}` holds files that do not belong to the demonstration",
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
    let first = format!("landscape {}", WORDS[0]);
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
