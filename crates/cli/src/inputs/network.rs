use super::{LossChoice, Source, load_data, plan_network, with_loss};
use crate::args::{BatchNorm, DataArgs, NetworkArgs};
use crate::error::CliError;
use crate::output::Console;
use burn::tensor::Device;
use landscape_core::{Params, path_text, path_words};
use landscape_models::{Dataset, LossKind, ModelSpec, Network, load_network};
use landscape_storage::{Run, RunKind, Store};
use serde_json::{Value, json};
use std::path::Path;

/// A network with parameters, data and a loss.
#[derive(Debug)]
pub struct Problem {
    pub spec: ModelSpec,
    pub data: Dataset,
    pub loss: LossKind,
    /// The same, and why it is this one.
    pub loss_choice: LossChoice,
    /// The parameters.
    pub origin: Params,
    /// Where the parameters are from, for the provenance.
    pub weights: Value,
    /// Where the data are from.
    pub source: Source,
    /// The training run that the parameters are from.
    pub trained: Option<Run>,
}

impl Problem {
    /// The network on the CPU.
    pub fn network(&self) -> Result<Network, CliError> {
        Ok(Network::from_params(
            &self.spec,
            &self.origin,
            &Device::flex(),
        )?)
    }

    /// What of it determines numbers.
    pub fn settings(&self) -> serde_json::Map<String, Value> {
        let data = json!({"sha256": self.data.digest(), "samples": self.data.len()});
        serde_json::Map::from_iter([
            ("model".to_owned(), json!(self.spec.to_string())),
            ("weights".to_owned(), json!(self.origin.digest())),
            ("data".to_owned(), data),
            ("loss".to_owned(), json!(self.loss.name())),
            ("precision".to_owned(), json!("f32")),
        ])
    }
}

/// What of the statistics of BatchNorm determines numbers.
pub fn statistics_settings(batch_norm: BatchNorm) -> serde_json::Map<String, Value> {
    let mut settings = serde_json::Map::new();
    settings.insert("batch_norm".to_owned(), json!(batch_norm.name()));
    if batch_norm == BatchNorm::Reestimate {
        // Other estimates are other numbers: without the word, each layer was measured behind unbiased variances.
        settings.insert("estimate".to_owned(), json!("update_bn"));
    }
    settings
}

/// Network, parameters, data and loss, from options, from a training run, or both.
pub fn load_problem(
    network: &NetworkArgs,
    data: &DataArgs,
    seed: u64,
    store: Option<&Store>,
    console: &Console,
) -> Result<Problem, CliError> {
    let trained = trained_run(network, store)?;
    let spec = model_spec(network, trained.as_ref())?;
    plan_network(&spec, console)?;
    let source = Source::new(
        data,
        trained.as_ref().and_then(|run| run.provenance.get("data")),
    )?;
    let loaded = load_data(&source)?;
    let stored = match (data.loss, &trained) {
        (None, Some(run)) => stored_loss(run)?,
        _ => None,
    };
    let (loaded, loss) = with_loss(loaded, &spec, (data.loss, stored), console)?;
    let trained_in = store.zip(trained.as_ref());
    let (origin, weights) = parameters(network, &spec, seed, trained_in, console)?;
    if let Some(run) = &trained {
        say_other_data(run, &loaded, console);
    }
    Ok(Problem {
        spec,
        data: loaded,
        loss: loss.kind,
        loss_choice: loss,
        origin,
        weights,
        source,
        trained,
    })
}

fn trained_run(network: &NetworkArgs, store: Option<&Store>) -> Result<Option<Run>, CliError> {
    let (Some(name), Some(store)) = (&network.run, store) else {
        return Ok(None);
    };
    training_run(name, store).map(Some)
}

fn training_run(name: &str, store: &Store) -> Result<Run, CliError> {
    let run = store.find(name)?;
    match run.kind {
        // The control points of a curve are parameters of the network as a training's are.
        RunKind::Train | RunKind::Curve => Ok(run),
        kind => Err(CliError::Conflict {
            what: format!("--run `{name}` is a {kind}, not a training run"),
            remedy: "give a run of kind train; `landscape runs` lists them".to_owned(),
        }),
    }
}

fn model_spec(network: &NetworkArgs, trained: Option<&Run>) -> Result<ModelSpec, CliError> {
    if let Some(spec) = &network.model {
        return Ok(spec.clone());
    }
    let stored = trained.and_then(|run| run.settings.get("model")?.as_str());
    match stored {
        Some(stored) => Ok(stored.parse()?),
        None => Err(CliError::Missing {
            what: "--model",
            remedy: "give the network, for example --model mlp:2-8-4-1, or a training run with --run",
        }),
    }
}

/// The loss that a run was trained with, where it says one.
pub fn stored_loss(run: &Run) -> Result<Option<LossKind>, CliError> {
    let Some(word) = run.settings.get("loss").and_then(Value::as_str) else {
        return Ok(None);
    };
    let loss = word.parse().map_err(|error| CliError::Conflict {
        what: format!("run `{}`: {error}", run.name),
        remedy: "say with --loss which one is meant".to_owned(),
    })?;
    Ok(Some(loss))
}

fn parameters(
    network: &NetworkArgs,
    spec: &ModelSpec,
    seed: u64,
    trained: Option<(&Store, &Run)>,
    console: &Console,
) -> Result<(Params, Value), CliError> {
    if let Some((store, run)) = trained {
        return checkpoint(network.step, spec, store, run);
    }
    if let Some(path) = &network.weights {
        let params = load_file(path, spec, console)?;
        return Ok((params, json!({"file": path_text(path)})));
    }
    let params = Network::init(spec, seed, &Device::flex()).params();
    Ok((params, json!({"seed": seed})))
}

/// The parameters of a network from a file; what is to be said of them is said.
pub fn load_file(path: &Path, spec: &ModelSpec, console: &Console) -> Result<Params, CliError> {
    let loaded = load_network(path, spec)?;
    for note in &loaded.notes {
        let words = format_args!("{}: {}", path_words(path), note.words);
        match note.matters {
            true => console.note(words),
            false => console.detail(words),
        }
    }
    Ok(loaded.params)
}

/// The last parameters of another training run of the same network, and where they are from.
pub fn last_checkpoint(
    name: &str,
    spec: &ModelSpec,
    store: &Store,
) -> Result<(Params, Value), CliError> {
    checkpoint(None, spec, store, &training_run(name, store)?)
}

fn checkpoint(
    step: Option<u64>,
    spec: &ModelSpec,
    store: &Store,
    run: &Run,
) -> Result<(Params, Value), CliError> {
    let found = match step {
        Some(step) => store.checkpoint(run, step)?,
        None => store.last_checkpoint(run)?,
    };
    let Some(found) = found else {
        return Err(no_checkpoint(step, store, run)?);
    };
    let step = found.record.step;
    let params = found.params.conform(&Network::layout(spec));
    let params = params.map_err(|source| CliError::Checkpoint {
        file: format!("{}, step {step}", run.name),
        source,
    })?;
    Ok((params, json!({"run": run.name, "step": step})))
}

fn no_checkpoint(step: Option<u64>, store: &Store, run: &Run) -> Result<CliError, CliError> {
    let steps = store.checkpoint_steps(run)?;
    let what = match step {
        Some(step) => format!("run `{}` has no checkpoint of step {step}", run.name),
        None => format!("run `{}` has no checkpoints", run.name),
    };
    let remedy = match (steps.first(), steps.get(1), steps.last()) {
        (Some(first), Some(second), Some(last)) => {
            format!(
                "its {} checkpoints are {first}, {second}, ... {last}",
                steps.len()
            )
        }
        (Some(only), None, _) => format!("its only checkpoint is {only}"),
        _ => "train it again: the same `landscape train` continues".to_owned(),
    };
    Ok(CliError::Conflict { what, remedy })
}

fn say_other_data(run: &Run, data: &Dataset, console: &Console) {
    let stored = run.settings.get("data").and_then(|d| d.get("sha256"));
    if stored.and_then(Value::as_str) != Some(&data.digest()) {
        console.note(format_args!(
            "the data are not those that run `{}` was trained on",
            run.name
        ));
    }
}
