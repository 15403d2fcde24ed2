//! The matrix in parts: diagonal blocks of layers and of blocks of layers, and the norms of what is between them.

use super::eigen::largest;
use super::estimates::{estimate, keep_traces};
use super::request::{Per, Wanted};
use super::work::Work;
use crate::StudyError;
use crate::directions::Derivatives;
use landscape_core::Params;
use landscape_hessian::Trace;
use landscape_hessian::trace::Ended;
use landscape_trace::Block;
use std::collections::BTreeMap;
use std::ops::Range;

/// What is behind the name of a block: all that is in it.
const WITHIN: &str = ".*";
/// What is between the names of a pair.
const BETWEEN: &str = " | ";
/// The method of squared Frobenius norms.
pub const FROBENIUS: &str = "frobenius";

/// Some of the parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is called: a layer by its name, a block with `.*` behind it.
    pub name: String,
    /// Its entries among the parameters.
    pub range: Range<usize>,
}

/// The layers, or the blocks, of parameters that are one after another.
pub fn parts(blocks: &[Block], per: Per) -> Vec<Part> {
    let tensors = blocks
        .iter()
        .map(|block| (block.name.as_str(), block.range.clone()));
    gathered(tensors, per)
}

fn gathered<'a>(tensors: impl Iterator<Item = (&'a str, Range<usize>)>, per: Per) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut last = String::new();
    for (tensor, range) in tensors {
        let own = match per {
            Per::Block => block_of(tensor),
            _ => layer_of(tensor).to_owned(),
        };
        match parts.last_mut() {
            Some(part) if last == own => part.range.end = range.end,
            _ => {
                let name = unused(&own, &parts);
                parts.push(Part { name, range });
                last = own;
            }
        }
    }
    parts
}

/// Parameters of one name that are not one after another are told apart.
fn unused(name: &str, parts: &[Part]) -> String {
    let taken = |name: &str| parts.iter().any(|part| part.name == name);
    let mut numbered = (2..).map(|number| format!("{name} ({number})"));
    match taken(name) {
        false => name.to_owned(),
        true => numbered
            .find(|name| !taken(name))
            .expect("there is always another number"),
    }
}

/// The module that a tensor belongs to.
fn layer_of(tensor: &str) -> &str {
    tensor
        .rsplit_once('.')
        .map_or("parameters", |(layer, _)| layer)
}

/// The module of a list that a tensor is in, however deep, such as `blocks.0` or `encoder.layer_3`; without one its layer.
fn block_of(tensor: &str) -> String {
    let layer = layer_of(tensor);
    let numbered = |word: &str| {
        let number = word.rsplit('_').next().unwrap_or(word);
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    let mut end = 0;
    for word in layer.split('.') {
        end += word.len();
        if numbered(word) {
            return format!("{}{WITHIN}", &layer[..end]);
        }
        end += 1;
    }
    format!("{layer}{WITHIN}")
}

/// Numbers of parameters of the parts that are asked for, by their names.
pub fn sizes(wanted: &Wanted, params: &Params) -> Option<BTreeMap<String, u64>> {
    let mut start = 0;
    let tensors = params.weights().map(|tensor| {
        let range = start..start + tensor.numel();
        start = range.end;
        (tensor.name.as_str(), range)
    });
    let tensors: Vec<_> = tensors.collect();
    let asked = [Per::Layer, Per::Block]
        .into_iter()
        .filter(|&per| wanted.has(per));
    let parts = asked.flat_map(|per| gathered(tensors.iter().cloned(), per));
    let sizes: BTreeMap<String, u64> = parts
        .map(|part| (part.name, part.range.len() as u64))
        .collect();
    (!sizes.is_empty()).then_some(sizes)
}

/// The name of a pair of parts.
fn pair_name(first: &str, second: &str) -> String {
    format!("{first}{BETWEEN}{second}")
}

/// The names of both parts of a pair.
pub fn names_of_pair(name: &str) -> Option<(&str, &str)> {
    name.split_once(BETWEEN)
}

/// Whether a part that is stored is a block of layers.
pub fn is_block(name: &str) -> bool {
    name.rsplit_once(" (")
        .map_or(name, |(name, _)| name)
        .ends_with(WITHIN)
}

/// Traces and largest eigenvalues of layers, and of blocks.
pub fn each(work: &mut Work, derivatives: &Derivatives) -> Result<(), StudyError> {
    for per in [Per::Layer, Per::Block] {
        if work.wanted.has(per) {
            per_part(work, derivatives, per)?;
        }
    }
    Ok(())
}

/// Traces of all parts from the same products, then the largest eigenvalue of each.
fn per_part(work: &mut Work, derivatives: &Derivatives, per: Per) -> Result<(), StudyError> {
    let parts = parts(derivatives.curvature().blocks(), per);
    if parts.iter().any(|part| !work.has_trace(&part.name)) {
        traces(work, derivatives, &parts, per)?;
    }
    for part in &parts {
        if !work.has_eigenvalues(&part.name) {
            // From derivatives of that part alone.
            let own = derivatives.part(&part.range)?;
            let of = (&own, work.wanted.asked.matrix);
            largest(work, of, &part.name, &part.name)?;
        }
    }
    Ok(())
}

fn traces(
    work: &mut Work,
    derivatives: &Derivatives,
    parts: &[Part],
    per: Per,
) -> Result<(), StudyError> {
    let trace = Trace::new(work.wanted.layer_params())?;
    let operator = derivatives.operator(work.wanted.asked.matrix);
    let found = work.watch(&format!("traces of {per}s"), |observer| {
        trace.blocks(&operator, &ranges(parts), observer)
    })?;
    if found.ended == Ended::Cancelled {
        return Err(work.interrupted());
    }
    let both = parts.iter().zip(&found.blocks);
    let traces = both.map(|(part, block)| estimate(&part.name, "hutchinson", block));
    keep_traces(work, found.products, traces.collect())
}

fn ranges(parts: &[Part]) -> Vec<Range<usize>> {
    parts.iter().map(|part| part.range.clone()).collect()
}

/// The parts whose pairs are looked at.
fn paired(wanted: &Wanted, blocks: &[Block]) -> Vec<Part> {
    let per = match wanted.has(Per::Block) {
        true => Per::Block,
        false => Per::Layer,
    };
    parts(blocks, per)
}

/// The estimate of the norms between parts.
///
/// # Errors
/// Where products are bounded below what a mean and its error need.
pub fn pair_trace(wanted: &Wanted, blocks: &[Block]) -> Result<Trace, StudyError> {
    wanted.pair_trace(paired(wanted, blocks).len())
}

/// Squared Frobenius norms of the blocks of the matrix between all pairs of parts, those on the diagonal too.
pub fn pairs(work: &mut Work, derivatives: &Derivatives) -> Result<(), StudyError> {
    let known = work.at.traces.iter().any(|row| row.method == FROBENIUS);
    if !work.wanted.has(Per::Pair) || known {
        return Ok(());
    }
    let blocks = derivatives.curvature().blocks();
    let (parts, trace) = (
        paired(work.wanted, blocks),
        pair_trace(work.wanted, blocks)?,
    );
    let operator = derivatives.operator(work.wanted.asked.matrix);
    let found = work.watch("norms between parts", |observer| {
        trace.couplings(&operator, &ranges(&parts), observer)
    })?;
    if found.ended == Ended::Cancelled {
        return Err(work.interrupted());
    }
    let row = |coupling: &landscape_hessian::Coupling| {
        let [first, second] = coupling.pair.map(|place| parts[place].name.as_str());
        estimate(&pair_name(first, second), FROBENIUS, &coupling.square)
    };
    let rows = found.pairs.iter().map(row).collect();
    keep_traces(work, found.products, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(tensors: &[&str], per: Per) -> Vec<String> {
        let tensors = tensors
            .iter()
            .enumerate()
            .map(|(k, &name)| (name, k..k + 1));
        gathered(tensors, per)
            .into_iter()
            .map(|part| part.name)
            .collect()
    }

    #[test]
    fn layers_and_blocks_are_told_by_names() {
        let gpt = [
            "transformer.wte.weight",
            "transformer.h.0.ln_1.weight",
            "transformer.h.0.attn.c_attn.weight",
            "transformer.h.0.attn.c_attn.bias",
            "transformer.h.1.ln_1.weight",
            "transformer.ln_f.weight",
        ];
        assert_eq!(
            names(&gpt, Per::Block),
            [
                "transformer.wte.*",
                "transformer.h.0.*",
                "transformer.h.1.*",
                "transformer.ln_f.*"
            ]
        );
        assert_eq!(names(&gpt, Per::Layer).len(), 5);
        let mlp = ["fc1.weight", "fc1.bias", "fc2.weight"];
        assert_eq!(names(&mlp, Per::Layer), ["fc1", "fc2"]);
        assert_eq!(names(&mlp, Per::Block), ["fc1.*", "fc2.*"]);
        let residual = [
            "conv1.weight",
            "layer1.0.conv1.weight",
            "layer1.0.shortcut.0.weight",
        ];
        assert_eq!(names(&residual, Per::Block), ["conv1.*", "layer1.0.*"]);
        assert_eq!(names(&["a.layer_3.b.weight"], Per::Block), ["a.layer_3.*"]);
        // A list of parameters is no list of modules.
        assert_eq!(names(&["prompts.0"], Per::Block), ["prompts.*"]);
        let apart = ["scale", "fc.weight", "shift"];
        assert_eq!(
            names(&apart, Per::Layer),
            ["parameters", "fc", "parameters (2)"]
        );
        assert!(is_block("fc1.*") && is_block("fc1.* (2)") && !is_block("fc1"));
    }

    #[test]
    fn pairs_have_both_names() {
        let name = pair_name("fc1", "fc2.*");
        assert_eq!(names_of_pair(&name), Some(("fc1", "fc2.*")));
        assert_eq!(names_of_pair("fc1"), None);
    }
}
