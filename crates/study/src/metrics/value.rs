use crate::StudyError;
use landscape_core::{Surface, Value};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// Which number of a sample is meant, by its name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum ValueName {
    /// `loss`
    #[default]
    Loss,
    /// `accuracy`
    Accuracy,
    /// `loss-se`: the standard error of the loss.
    LossSe,
    /// `total`: the loss and all terms.
    Total,
    /// A term that was stored beside the loss.
    Term(String),
}

impl From<String> for ValueName {
    fn from(given: String) -> Self {
        match given.as_str() {
            "loss" => ValueName::Loss,
            "accuracy" => ValueName::Accuracy,
            "loss-se" | "loss_se" => ValueName::LossSe,
            "total" => ValueName::Total,
            _ => ValueName::Term(given),
        }
    }
}

impl FromStr for ValueName {
    type Err = Infallible;

    fn from_str(given: &str) -> Result<Self, Infallible> {
        Ok(given.to_owned().into())
    }
}

impl From<ValueName> for String {
    fn from(name: ValueName) -> Self {
        name.to_string()
    }
}

impl ValueName {
    /// The value in the surface of a run.
    ///
    /// # Errors
    /// [`StudyError::NoValue`] where it has no term of that name.
    pub fn of(&self, surface: &Surface, run: &str) -> Result<Value, StudyError> {
        let name = match self {
            ValueName::Loss => return Ok(Value::Loss),
            ValueName::Accuracy => return Ok(Value::Accuracy),
            ValueName::LossSe => return Ok(Value::LossSe),
            ValueName::Total => return Ok(Value::Total),
            ValueName::Term(name) => name,
        };
        let place = surface.terms().iter().position(|term| term.name == *name);
        place.map(Value::Term).ok_or_else(|| StudyError::NoValue {
            run: run.to_owned(),
            name: name.clone(),
            terms: surface.terms().iter().map(|t| t.name.clone()).collect(),
        })
    }
}

impl fmt::Display for ValueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ValueName::Loss => "loss",
            ValueName::Accuracy => "accuracy",
            ValueName::LossSe => "loss-se",
            ValueName::Total => "total",
            ValueName::Term(name) => name,
        })
    }
}
