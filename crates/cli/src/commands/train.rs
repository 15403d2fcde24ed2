//! Training that records its path.

use crate::args::TrainArgs;
use crate::error::CliError;
use crate::inputs::{begin, check_outputs, read_if};
use crate::output::{Added, Console, Typed};
use landscape_core::path_words;
use landscape_models::save_weights;
use landscape_study::figures::FigureFiles;
use landscape_study::runs::Training;

/// Principal components of a path's plane, which more checkpoints span.
const COMPONENTS: usize = 2;

/// Trains a network, or says how the stored run ended.
pub fn train(args: &TrainArgs, console: &Console) -> Result<(), CliError> {
    let db = &args.store.db.db;
    // What cannot be written is found before any work.
    check_outputs(
        &FigureFiles::default(),
        args.save.as_ref(),
        &args.store,
        db,
        args.dry_run,
    )?;
    let training = Training::prepare(&args.request(console.command()), console)?;
    if args.dry_run {
        let store = read_if(db.exists(), db, console)?;
        return console.tell(&training.estimate(store.as_ref())?);
    }
    let store = begin(db, console)?;
    let loss = Some(training.loss);
    let trained = training.run(&store, console)?;
    if let Some(path) = &args.save
        && let Some(last) = store.last_checkpoint(&trained.run)?
    {
        save_weights(path, &last.params)?;
        console.note(format_args!("parameters written to {}", path_words(path)));
    }
    let added = Added { loss, files: None };
    console.tell_with(&trained.summary(), added)?;
    let name = &trained.run.name;
    let sampled = |command: &str, part: &str| {
        let of_run = Typed::new(command).option("--run", name);
        let of_run = of_run.option("--grid", "51");
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
    console.next(db, next);
    Ok(())
}
