//! Standard data sets.

use crate::args::{GetArgs, SetName, StandardAction, StandardArgs};
use crate::error::CliError;
use crate::output::{Console, Typed};
use landscape_core::{Progress, path_words};
use landscape_models::ModelsError;
use landscape_models::data::get::{GetProgress, Got, StandardSet, get};
use serde_json::json;
use std::time::Instant;

/// Does what is asked with a data set.
pub fn data(args: &StandardArgs, console: &Console) -> Result<(), CliError> {
    match &args.action {
        StandardAction::Get(args) => get_set(args, console),
    }
}

/// Ctrl-C needs no care here: what came stays as a part, which the next call continues.
fn get_set(args: &GetArgs, console: &Console) -> Result<(), CliError> {
    let set = match args.set {
        SetName::Mnist => StandardSet::mnist(),
        SetName::Cifar10 => StandardSet::cifar10(),
        SetName::Cifar100 => StandardSet::cifar100(),
    };
    let mut shown = Shown::new(console);
    let got = get(&set, &args.dir, args.url.as_deref(), &mut |p| {
        shown.update(p)
    });
    drop(shown);
    let got = got.map_err(ModelsError::from)?;
    console.result(
        || {
            json!({
                "folder": got.folder,
                "kept": got.kept,
                "fetched": got.fetched,
                "bytes": got.bytes,
            })
        },
        || words(&got),
    )?;
    console.next(&[next(args)]);
    Ok(())
}

fn words(got: &Got) -> String {
    let folder = path_words(&got.folder);
    match (got.fetched.len(), got.kept.len()) {
        (0, kept) => format!("{folder}: all {kept} files are there and right\n"),
        (fetched, 0) => format!("{folder}: {fetched} files, checked\n"),
        (fetched, kept) => format!("{folder}: {fetched} files, checked; {kept} were there\n"),
    }
}

fn next(args: &GetArgs) -> Typed {
    let (model, data) = match args.set {
        SetName::Mnist => ("mlp:784-20-10", "mnist"),
        SetName::Cifar10 => ("resnet20", "cifar10"),
        SetName::Cifar100 => ("mlp:3072-256-100", "cifar100"),
    };
    let typed = Typed::new("train").option("--model", model);
    typed.option("--data", data).option("--data-dir", &args.dir)
}

/// The progress of one archive after another, in kilobytes.
struct Shown<'a> {
    console: &'a Console,
    archive: String,
    meter: Option<crate::output::Meter>,
    started: Instant,
}

impl<'a> Shown<'a> {
    fn new(console: &'a Console) -> Self {
        Shown {
            console,
            archive: String::new(),
            meter: None,
            started: Instant::now(),
        }
    }

    fn update(&mut self, progress: GetProgress<'_>) {
        if self.archive != progress.archive {
            self.archive = progress.archive.to_owned();
            self.started = Instant::now();
            self.meter = Some(self.console.meter(&format!("{} (kB)", self.archive)));
            self.console
                .detail(format_args!("getting {}", self.archive));
        }
        let kilobytes = |bytes: u64| (bytes / 1000) as usize;
        if let (Some(meter), Some(total)) = (&mut self.meter, progress.total) {
            meter.update(Progress {
                done: kilobytes(progress.done),
                total: kilobytes(total),
                resumed: kilobytes(progress.resumed),
                elapsed: self.started.elapsed(),
            });
        }
    }
}
