//! Networks by name.

use crate::ModelsError;
use crate::mlp::MlpSpec;
use std::fmt;
use std::str::FromStr;

/// A network by its name: `mlp:2-8-4-1`.
///
/// Parsing and printing are inverse to each other. A family of networks is one variant here, one
/// folder of this crate, and one variant of [`Network`](crate::Network).
///
/// ```
/// use landscape_models::ModelSpec;
///
/// let spec: ModelSpec = "mlp:2-8-4-1".parse()?;
/// assert_eq!((spec.inputs(), spec.outputs()), (2, 1));
/// assert_eq!(spec.to_string(), "mlp:2-8-4-1");
/// # Ok::<(), landscape_models::ModelsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ModelSpec {
    /// Linear layers with an activation between them.
    Mlp(MlpSpec),
}

impl ModelSpec {
    /// The networks that can be named, for help texts and messages.
    pub const KNOWN: &'static str = "mlp:IN-HIDDEN-...-OUT[:relu|tanh|gelu|sigmoid]";

    /// Values in one input sample.
    pub fn inputs(&self) -> usize {
        match self {
            ModelSpec::Mlp(spec) => spec.inputs(),
        }
    }

    /// Values in one output.
    pub fn outputs(&self) -> usize {
        match self {
            ModelSpec::Mlp(spec) => spec.outputs(),
        }
    }
}

/// Families that are part of the command line's contract, by the beginning of their names.
const LATER: &[(&str, &str)] = &[
    ("resnet", "residual networks"),
    ("wrn", "wide residual networks"),
    ("vgg", "VGG networks"),
    ("densenet", "densely connected networks"),
];

impl FromStr for ModelSpec {
    type Err = ModelsError;

    fn from_str(given: &str) -> Result<Self, ModelsError> {
        let (family, rest) = given.split_once(':').unwrap_or((given, ""));
        if family == "mlp" {
            return match MlpSpec::parse(rest) {
                Ok(spec) => Ok(ModelSpec::Mlp(spec)),
                Err(reason) => Err(ModelsError::BadModel {
                    spec: given.to_owned(),
                    reason,
                }),
            };
        }
        Err(not_here(given))
    }
}

fn not_here(given: &str) -> ModelsError {
    let later = |(prefix, family): &(&str, &'static str)| {
        let rest = given.strip_prefix(prefix)?;
        rest.starts_with(|c: char| c.is_ascii_digit())
            .then_some(*family)
    };
    match LATER.iter().find_map(later) {
        Some(family) => ModelsError::UnavailableModel {
            spec: given.to_owned(),
            family,
            available: ModelSpec::KNOWN.to_owned(),
        },
        None => ModelsError::UnknownModel {
            spec: given.to_owned(),
            known: ModelSpec::KNOWN.to_owned(),
        },
    }
}

impl fmt::Display for ModelSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ModelSpec::Mlp(spec) => write!(f, "mlp:{spec}"),
        }
    }
}
