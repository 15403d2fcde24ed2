//! Networks of other widths.

use crate::StudyError;
use landscape_models::{MlpSpec, ModelSpec, WideResNetSpec};

/// The same network in another width.
///
/// - Of a perceptron, the widest hidden layer gets `width` units, and the others keep their
///   proportion to it, rounded, at least one unit: `mlp:2-8-4-1` in the width 32 is
///   `mlp:2-32-16-1`.
/// - Of a wide residual network, `width` is the factor: `wrn56-2` in the width 4 is `wrn56-4`.
///
/// # Errors
/// [`StudyError::NoWidth`] for other families and for perceptrons without hidden layers,
/// [`StudyError::Width`] where there is no network of that width.
pub fn widened(model: &ModelSpec, width: usize) -> Result<ModelSpec, StudyError> {
    let no_width = || StudyError::NoWidth {
        model: model.to_string(),
    };
    let wrong = |reason: String| StudyError::Width {
        model: model.to_string(),
        width,
        reason,
    };
    match model {
        ModelSpec::Mlp(spec) => {
            let widths = scaled(spec.widths(), width).ok_or_else(no_width)?;
            let spec = MlpSpec::new(widths, spec.activation());
            Ok(spec.map_err(|error| wrong(error.to_string()))?.into())
        }
        ModelSpec::WideResNet(spec) => {
            let spec = WideResNetSpec::new(spec.depth(), width, spec.shortcuts());
            let unknown = || wrong(format!("known are {}", ModelSpec::KNOWN));
            Ok(spec.ok_or_else(unknown)?.into())
        }
        _ => Err(no_width()),
    }
}

/// The widths with the widest hidden one as given; nothing where no layer is hidden.
fn scaled(widths: &[usize], width: usize) -> Option<Vec<usize>> {
    let hidden = 1..widths.len() - 1;
    let widest = *widths[hidden.clone()].iter().max()?;
    let mut scaled = widths.to_vec();
    for layer in &mut scaled[hidden] {
        let proportion = *layer as f64 / widest as f64;
        let least = width.min(1);
        *layer = ((proportion * width as f64).round() as usize).max(least);
    }
    Some(scaled)
}
