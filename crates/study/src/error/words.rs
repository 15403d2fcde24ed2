//! Parts of messages.

use landscape_core::{counted, escaped};
use landscape_storage::{Difference, RunKind};
use serde_json::Value;
use std::ffi::OsStr;
use std::fmt;

/// What would need less memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Smaller {
    /// Fewer points.
    Grid,
    /// A smaller network.
    Network,
    /// A smaller network, or fewer samples.
    Samples,
    /// Fewer networks at once.
    Networks,
    /// Fewer eigenvectors.
    Eigenvectors,
    /// Fewer products for the trace, or another estimator.
    Products,
    /// Fewer steps of Lanczos for the density.
    LanczosSteps,
    /// Fewer checkpoints.
    Checkpoints,
    /// Fewer control points.
    ControlPoints,
}

/// Curvature that a run may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoCurvature {
    /// A spectral density.
    Density,
    /// Curvature over a plane.
    Map,
    /// The largest eigenvalue at several steps.
    Steps,
    /// Measures of sharpness.
    Sharpness,
    /// Traces of parts, or of several matrices.
    Parts,
    /// Norms between parts.
    Pairs,
    /// Shares in the leading eigenspace.
    Subspace,
}

impl fmt::Display for NoCurvature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoCurvature::Density => "spectral density",
            NoCurvature::Map => "map of curvature",
            NoCurvature::Steps => "largest eigenvalue at several steps",
            NoCurvature::Sharpness => "sharpness",
            NoCurvature::Parts => "curvature of parts",
            NoCurvature::Pairs => "norms between parts",
            NoCurvature::Subspace => "shares in the leading eigenspace",
        })
    }
}

pub(super) fn nothing_said(run: &str, is_curvature: bool) -> String {
    match is_curvature {
        true => format!("run `{run}` is curvature, which by itself says nothing about a training"),
        false => format!("run `{run}` holds neither losses nor a landscape"),
    }
}

pub(super) fn checkpoint_words(step: Option<u64>) -> String {
    match step {
        Some(step) => format!("checkpoint of step {step}"),
        None => "checkpoints".to_owned(),
    }
}

/// A word as it could be typed.
pub(super) fn word(word: &OsStr) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+%@".contains(c);
    match word.to_str() {
        Some(text) if text.chars().all(plain) => text.to_owned(),
        _ => escaped(word),
    }
}

pub(super) fn ends_are(ends: usize) -> String {
    let verb = if ends == 1 { "is" } else { "are" };
    format!("{} of the spectrum {verb}", counted(ends, "end"))
}

/// What is wrong with files of checkpoints that span fewer dimensions than are asked for.
pub(super) fn flat_words(files: usize, wanted: usize, rank: usize) -> String {
    match (files, wanted, rank) {
        (..=1, ..) => "one checkpoint does not make a path".to_owned(),
        (_, _, 0) => format!("the {files} checkpoints hold the same parameters: there is no path"),
        (_, 2, _) => {
            format!("the {files} checkpoints lie on one line, which does not span a plane")
        }
        _ => format!("the {files} checkpoints span {rank} dimensions, but {wanted} are asked for"),
    }
}

/// What tells two requests apart.
pub(super) fn other_request(kinds: (RunKind, RunKind), differences: &[Difference]) -> String {
    if kinds.0 != kinds.1 {
        return format!("it is a {}, not a {}", kinds.1, kinds.0);
    }
    let show = |value: &Option<Value>| match value {
        None => "not set".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    let told = differences.iter().map(|one| {
        let (first, other) = (show(&one.stored), show(&one.asked));
        format!("{} is {other}, not {first}", one.path)
    });
    told.collect::<Vec<_>>().join(", ")
}
