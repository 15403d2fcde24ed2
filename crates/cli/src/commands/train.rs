//! Training that records its path.

use crate::args::TrainArgs;
use crate::error::CliError;
use crate::inputs::{open_store, stored_before};
use crate::interrupt::Interrupt;
use crate::output::{self, Console, Typed, duration, loss_json, number, short, size};
use landscape_core::{counted, path_words};
use landscape_models::save_weights;
use landscape_storage::TrainRecord;
use landscape_study::files::{may_save, may_store};
use landscape_study::problem::LossChoice;
use landscape_study::runs::{TrainedRun, Training};
use serde_json::json;

/// Principal components of a path's plane, which more checkpoints span.
const COMPONENTS: usize = 2;

/// Trains a network, or says how the stored run ended.
pub fn train(args: &TrainArgs, console: &Console) -> Result<(), CliError> {
    // What cannot be written is found before any work.
    if let Some(path) = &args.save {
        may_save(path, args.store.force)?;
    }
    if !args.dry_run {
        may_store(&args.store.db.db)?;
    }
    let training = Training::prepare(&args.request(console.command()), console)?;
    if args.dry_run {
        let store = stored_before(&args.store.db.db, console)?;
        return output::estimate(
            &training.estimate(store.as_ref())?,
            console,
            Default::default(),
        );
    }
    // From the first trace of the run on, stopping it saves what is done.
    Interrupt::listen();
    let store = open_store(&args.store.db.db, console)?;
    let choice = training.loss;
    let trained = training.run(&store, console)?;
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

fn report(trained: &TrainedRun, choice: LossChoice, console: &Console) -> Result<(), CliError> {
    let TrainedRun {
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
            loss_json(choice, &mut all);
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
