//! ONNX models: the file, functions written out, what is a parameter, and operators of opsets 11 to 24 lowered.

mod array;
mod external;
mod graph;
mod message;
#[cfg(test)]
mod node_tests;
mod operators;
mod run;
mod weights;
mod wire;

use crate::source::{Element, Input, Operation, Output, Size, Source};
use array::Kind;
use external::External;
use landscape_core::Params;
use landscape_files::{Budget, FileError};
use message::{Length, ValueInfo};
use std::path::Path;

/// Whether bytes are a model: messages have no mark at their beginning, but a graph. One that is cut short is told by its first
/// field, the version of the format.
pub(crate) fn is_model(bytes: &[u8]) -> bool {
    let (mut graph, mut version) = (false, false);
    for (place, field) in wire::Fields::of(bytes).enumerate() {
        match field {
            Ok((1, wire::Field::Varint(1..100))) if place == 0 => version = true,
            Ok((7, wire::Field::Bytes(_))) => graph = true,
            Ok((1..=26, _)) => {}
            Ok(_) => return false,
            Err(_) => return version,
        }
    }
    graph
}

/// The model in the bytes of a file, whose path leads to the files of numbers beside it.
pub(crate) fn read(
    bytes: &[u8],
    path: Option<&Path>,
    budget: &Budget,
) -> Result<Source, FileError> {
    let model = message::decode(bytes, budget)?;
    let external = External::beside(path);
    let mut computation = graph::build(&model, &external, budget)?;
    let mut weights = weights::of(&mut computation, model.producer, budget)?;
    let mut notes = weights.notes.clone();
    notes.extend(versions(&model));
    notes.extend(run::training(&computation));
    let operations = run::used(&computation).into_iter().map(|used| Operation {
        name: used.name,
        count: used.count,
        known: used.known,
        place: used.place,
    });
    let graph = model.graph.as_ref().expect("a computation is of a graph");
    let info =
        |id: usize| { graph.inputs.iter() }.find(|info| *info.name == *computation.names[id]);
    let inputs = computation.inputs.iter().filter_map(|&id| info(id));
    let inputs: Vec<Input> = inputs.map(input).collect::<Result<_, _>>()?;
    let samples = inputs.first().and_then(|input| match input.shape.first() {
        Some(Size::Fixed(samples)) => Some(*samples),
        _ => None,
    });
    let shapes = weights.params.iter().map(|p| p.shape.clone()).collect();
    let params = Params::new(std::mem::take(&mut weights.params));
    Ok(Source {
        frozen: Vec::new(),
        outputs: graph.outputs.iter().map(output).collect(),
        inputs,
        params: params.map_err(|error| FileError::Corrupt(error.to_string()))?,
        operations: operations.collect(),
        notes,
        samples,
        examples: Vec::new(),
        graph: Box::new(run::Network {
            computation,
            places: weights.places,
            shapes,
            length: bytes.len() as u64,
        }),
    })
}

/// Versions of the operators that were not tried.
fn versions(model: &message::Model) -> Option<String> {
    let own = model
        .opsets
        .iter()
        .find(|(domain, _)| matches!(*domain, "" | "ai.onnx"));
    let tried = |version: i64| (7..=24).contains(&version);
    match own {
        Some((_, version)) if tried(*version) => None,
        Some((_, version)) => Some(format!(
            "its operators have version {version}, and versions 7 to 24 are known: definitions may have changed"
        )),
        None => {
            Some("it does not say which version its operators have; version 1 is assumed".into())
        }
    }
}

fn size(length: &Length) -> Result<Size, FileError> {
    Ok(match length {
        Length::Fixed(n) => match usize::try_from(*n) {
            Ok(n) => Size::Fixed(n),
            Err(_) => return Err(FileError::Corrupt(format!("an axis has the length {n}"))),
        },
        Length::Named(name) => Size::Free((*name).to_owned()),
    })
}

fn input(info: &ValueInfo) -> Result<Input, FileError> {
    let wrong =
        |problem: &str| FileError::Unsupported(format!("its input `{}` {problem}", info.name));
    let element = match Kind::of(info.kind) {
        _ if !info.tensor => {
            return Err(wrong(
                "is not a tensor; sequences and maps are not supported",
            ));
        }
        Some(Kind::Bool) => Element::Bool,
        Some(Kind::Int { .. }) => Element::Int,
        Some(_) => Element::Float,
        None => {
            return Err(wrong(&format!(
                "holds elements of the type {}",
                array::kind_name(info.kind)
            )));
        }
    };
    let Some(shape) = &info.shape else {
        return Err(wrong(
            "does not say how many axes it has; export it with a shape",
        ));
    };
    Ok(Input {
        name: info.name.to_owned(),
        shape: shape.iter().map(size).collect::<Result<_, _>>()?,
        element,
    })
}

fn output(info: &ValueInfo) -> Output {
    let shape = info.shape.as_ref();
    Output {
        name: info.name.to_owned(),
        shape: shape.and_then(|shape| shape.iter().map(|n| size(n).ok()).collect()),
    }
}
