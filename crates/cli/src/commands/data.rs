//! Standard data sets.

use crate::args::{GetArgs, SetName, StandardAction, StandardArgs};
use crate::error::CliError;
use crate::output::{Console, Typed};
use landscape_models::data::get::StandardSet;
use landscape_study::problem::FetchedSet;

/// Does what is asked with a data set.
pub fn data(args: &StandardArgs, console: &Console) -> Result<(), CliError> {
    match &args.action {
        StandardAction::Get(args) => get_set(args, console),
    }
}

/// Ctrl-C needs no care here: what came stays as a part, which the next call continues.
fn get_set(args: &GetArgs, console: &Console) -> Result<(), CliError> {
    let (set, model, data) = match args.set {
        SetName::Mnist => (StandardSet::mnist(), "mlp:784-20-10", "mnist"),
        SetName::Cifar10 => (StandardSet::cifar10(), "resnet20", "cifar10"),
        SetName::Cifar100 => (StandardSet::cifar100(), "mlp:3072-256-100", "cifar100"),
    };
    console.tell(&FetchedSet::get(
        &set,
        &args.dir,
        args.url.as_deref(),
        console,
    )?)?;
    let train = Typed::new("train").option("--model", model);
    let train = train.option("--data", data).option("--data-dir", &args.dir);
    console.suggest([train.to_string()]);
    Ok(())
}
